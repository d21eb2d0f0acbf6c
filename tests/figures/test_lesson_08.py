"""Lesson 8's figures: what they draw, by another calculation, and that this is what is drawn."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from matplotlib.patches import Circle, Rectangle

from tools.lesson.definitions import load_definitions

SIDE = 48


@pytest.fixture(scope="module")
def lesson() -> ModuleType:
    return load_definitions("08_detection_and_segmentation")


def rectangles(ax: Any) -> list[list[float]]:
    """Left, top, width and height of the boxes of a picture, in pixels counted from its corner."""
    boxes = [patch for patch in ax.patches if isinstance(patch, Rectangle)]
    return [[box.get_x() + 0.5, box.get_y() + 0.5, box.get_width(), box.get_height()] for box in boxes]


def words(ax: Any) -> list[str]:
    return [text.get_text() for text in ax.texts if text.get_text()]


@pytest.fixture(scope="module")
def opening(lesson: ModuleType) -> Iterator[Any]:
    figure = lesson.detection_and_segmentation()
    yield figure
    plt.close(figure)


class TestOpening:
    """One scene, nine queries, three answers."""

    def test_lines_join_queries_and_the_things_they_found(self, lesson: ModuleType, opening: Any) -> None:
        scene, ax = lesson.make_scenes(247, 8002).take([246]), opening.axes[0]
        discs = [patch for patch in ax.patches if isinstance(patch, Circle)][:9]
        found = {}
        for line in ax.lines:
            if line.get_xdata()[0] == 177:
                (_, end), (y, down) = line.get_data()
                place = np.array([end - 2, 206 + 150 - down]) / 150
                apart = np.abs(scene.boxes[0, :, :2].numpy() - place).max(axis=1)
                found[[disc.center[1] for disc in discs].index(y)] = int(apart.argmin())
                assert apart.min() < 1e-6
        assert found == dict(lesson.OPENING["pairs"])
        assert sorted(found.values()) == list(range(int(scene.real.sum())))
        assert [disc.get_linestyle() == "-" for disc in discs] == [query in found for query in range(9)]

    def test_boxes_are_those_of_the_record(self, lesson: ModuleType, opening: Any) -> None:
        picture = opening.axes[0].child_axes[1]
        wanted = [(x - w / 2, y - h / 2, w, h) for _, x, y, w, h in lesson.OPENING["boxes"]]
        np.testing.assert_allclose(rectangles(picture), wanted, atol=1e-6)
        assert words(picture) == ["cst"[kind] for kind, *_ in lesson.OPENING["boxes"]]

    def test_maps_are_those_of_the_record(self, lesson: ModuleType, opening: Any) -> None:
        record = lesson.OPENING
        maps = np.frombuffer(zlib.decompress(base64.b85decode(record["maps"])), np.uint8).reshape(2, SIDE, SIDE)
        colours: dict[int, tuple[float, ...]] = {}
        for ax, kinds in zip(
            opening.axes[0].child_axes[2:], (maps[0], np.array([*record["kinds"], 5])[maps[1]]), strict=True
        ):
            shown = np.asarray(ax.images[0].get_array())
            for kind in np.unique(kinds):
                (colour,) = np.unique(shown[kinds == kind], axis=0)
                assert colours.setdefault(int(kind), tuple(colour)) == tuple(colour)
        assert len(set(colours.values())) == len(colours), "two classes look alike"

    def test_scores_and_parts_are_said(self, lesson: ModuleType, opening: Any) -> None:
        said = words(opening.axes[0])
        assert {*lesson.OPENING["scores"], "boxes", "semantic", "panoptic", "2", "6", "7"} <= set(said)


def test_each_word_of_a_map_lies_in_its_segment(lesson: ModuleType) -> None:
    segments = np.zeros((SIDE, SIDE), int)
    segments[10:30, 5:20] = 1
    segments[35:45, 30:40] = 1
    figure, ax = plt.subplots()
    lesson.show_map(ax, segments, [3, 0], ["ground", "thing"])
    places = {text.get_text(): tuple(map(round, text.get_position())) for text in ax.texts}
    plt.close(figure)
    assert {word: segments[y, x] for word, (x, y) in places.items()} == {"ground": 0, "thing": 1}
    assert places["thing"][0] < 20, "the larger part has the word"


class Answers(torch.nn.Module):
    """A detector that knows its answers beforehand."""

    def __init__(self, lesson: ModuleType):
        super().__init__()
        generator = torch.Generator().manual_seed(1)
        self.decoder = lesson.BoxDecoder(8)
        self.logits = torch.randn(2, 1, 9, 4, generator=generator)
        self.boxes = torch.rand(2, 1, 9, 4, generator=generator)

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        count = len(images)
        return self.logits.expand(2, count, 9, 4), self.boxes.expand(2, count, 9, 4)


@pytest.mark.parametrize("layer", [0, 1, 2])
def test_layer_frames_show_every_query_and_which_are_matched(lesson: ModuleType, layer: int) -> None:
    model, scene = Answers(lesson), lesson.make_scenes(1, 3)
    figure = lesson.layer_frame(model, scene, layer)
    (ax,) = figure.axes
    numbers, shown = [int(word) - 1 for word in words(ax)], np.array(rectangles(ax))
    solid = [n for n, box in zip(numbers, ax.patches, strict=True) if box.get_linestyle() in ("-", "solid")]
    plt.close(figure)
    assert sorted(numbers) == list(range(9))
    cost = lesson.matching_cost(model.logits[1], model.boxes[1], scene.kinds, scene.boxes)
    assert sorted(solid) == sorted(lesson.match(cost, scene.real)[1].tolist())
    wanted = lesson.centres(3, 3) if layer == 0 else model.boxes[layer - 1, 0, :, :2]
    centre = (shown[:, :2] + shown[:, 2:] / 2) / SIDE
    np.testing.assert_allclose(centre, wanted[numbers].numpy(), atol=1e-5)


@pytest.mark.parametrize("limit", [0.2, 0.5])
def test_threshold_frames_count_what_is_above(lesson: ModuleType, limit: float) -> None:
    scenes = lesson.make_scenes(30, 4)
    found = lesson.detections(Answers(lesson), scenes)
    scores, kinds, boxes = (x.clone() for x in found)
    boxes[:, 0], kinds[:, 0] = scenes.boxes[:, 0], scenes.kinds[:, 0]  # one answer is right in every scene
    figure = lesson.threshold_frame((scores, kinds, boxes), scenes, 2, limit)
    (ax,) = figure.axes
    drawn, said, title = len(rectangles(ax)), words(ax), ax.get_title()
    plt.close(figure)
    sure = scores > limit
    assert drawn == int(sure[2].sum())
    hits = 0
    for i in range(30):
        for thing in range(int(scenes.real[i].sum())):
            iou = lesson.box_iou(lesson.corners(boxes[i]), lesson.corners(scenes.boxes[i, thing]))[0]
            hits += bool((sure[i] & (iou >= 0.5) & (kinds[i] == scenes.kinds[i, thing])).any())
    assert title == f"precision {hits / int(sure.sum()):.2f}, recall {hits / int(scenes.real.sum()):.2f}"
    answers = zip(kinds[2][sure[2]].tolist(), scores[2][sure[2]].tolist(), strict=True)
    assert said == [f"{'cst'[kind]} {score:.2f}" for kind, score in answers]


def test_a_scene_is_drawn_with_its_boxes(lesson: ModuleType) -> None:
    scene = lesson.make_scenes(3, 5)
    figure, ax = plt.subplots()
    lesson.show_scene(ax, scene.images[1], scene.boxes[1][scene.real[1]], style=":")
    pixels, shown = np.asarray(ax.images[0].get_array()), rectangles(ax)
    plt.close(figure)
    np.testing.assert_allclose(pixels, ((scene.images[1] + 2) / 4).permute(1, 2, 0), atol=1e-6)
    for thing, (x, y, w, h) in enumerate(shown):
        rows, columns = np.nonzero(scene.segments[1].numpy() == 2 + thing)
        assert x - 0.01 <= columns.min() + 0.5 and columns.max() + 0.5 <= x + w + 0.01
        assert y - 0.01 <= rows.min() + 0.5 and rows.max() + 0.5 <= y + h + 0.01
