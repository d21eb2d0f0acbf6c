"""Lesson 7's figures: what they draw, by another calculation, and that this is what is drawn."""

from __future__ import annotations

import math
from types import ModuleType
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from matplotlib.patches import Rectangle
from torch import Tensor, nn

from tests.shared.pictures import assert_equal, drawn
from tools.lesson.definitions import load_definitions

SIDE, PATCH = 8, 2


@pytest.fixture(scope="module")
def lesson() -> ModuleType:
    """The lesson, whose masked autoencoder need not be trained to be drawn."""
    module = load_definitions("07_self_supervised_learning")
    mae = module.jitter(module.begin(module.MAE(module.Encoder(side=SIDE, patch_size=PATCH)), 1), 2).eval()
    module.digit_mae = lambda *_, **__: mae
    return module


def inset_pictures(figure: Any) -> list[np.ndarray]:
    """The arrays of a sketch's small pictures, in the order of drawing."""
    return [np.asarray(image.get_array()) for ax in figure.axes[0].child_axes for image in ax.images]


def networks(figure: Any) -> dict[str, list[Rectangle]]:
    """The boxes of a sketch by the word in their middle."""
    ax, found = figure.axes[0], dict[str, list[Rectangle]]()
    for text in ax.texts:
        for patch in ax.patches:
            middle = (patch.get_x() + patch.get_width() / 2, patch.get_y() + patch.get_height() / 2)
            if np.allclose(text.get_position(), middle):
                found.setdefault(text.get_text(), []).append(patch)
    return found


class TestOpening:
    """One photograph and six branches."""

    def test_only_some_sides_get_a_gradient(self, lesson: ModuleType) -> None:
        figure = lesson.self_supervision()
        boxes = networks(figure)
        plt.close(figure)
        solid = {word: [box.get_linestyle() == "-" for box in found] for word, found in boxes.items() if word}
        assert solid == {
            "ViT": [True] * 5,
            "student": [True],
            "same": [True],
            "text": [True],
            "fixed": [False] * 2,
            "average": [False],
            "teacher": [False],
        }

    def test_the_photograph_is_shown_once_whole_and_in_every_branch(self, lesson: ModuleType) -> None:
        figure, views = lesson.self_supervision(), lesson.opening_views()
        found = inset_pictures(figure)
        plt.close(figure)
        wanted = [picture for pair in views.values() for picture in pair if picture is not None]
        assert_equal(found, wanted)
        photo = views["whole"][0]
        assert photo.shape == (96, 96, 3)
        for name in ("MAE", "DINO"):
            assert_equal([views[name][1]], [photo])
        assert_equal([views["CLIP"][0]], [photo])

    def test_mae_sees_a_quarter_and_beit_all_but_blocks(self, lesson: ModuleType) -> None:
        views = lesson.opening_views()
        for name, wanted in (("MAE", 12), ("BEiT", 6)):
            picture, photo = views[name][0], views["whole"][0]
            blocks = [(slice(r, r + 24), slice(c, c + 24)) for r in range(0, 96, 24) for c in range(0, 96, 24)]
            hidden = [bool((picture[block] == 255).all()) for block in blocks]
            assert sum(hidden) == wanted
            assert all(h or np.array_equal(picture[b], photo[b]) for h, b in zip(hidden, blocks, strict=True))

    def test_codes_grow_with_the_brightness_of_their_patch(self, lesson: ModuleType) -> None:
        views = lesson.opening_views()
        codes, photo = views["BEiT"][1], views["whole"][0] / 255
        bright = photo @ np.array([0.2125, 0.7154, 0.0721])
        means = [[bright[16 * r : 16 * r + 16, 16 * c : 16 * c + 16].mean() for c in range(6)] for r in range(6)]
        order = np.argsort(np.ravel(means))
        assert (np.ravel(codes)[order] == np.arange(36) // 6).all()

    @pytest.mark.parametrize("name", ["SimCLR", "MoCo v3"])
    def test_both_views_come_from_one_photograph(self, lesson: ModuleType, name: str) -> None:
        views = lesson.opening_views()
        first, second = views[name]
        photo = views["whole"][0]
        assert_equal([first], [photo[:60, :60]])
        assert_equal([second[:, ::-1]], [photo[30:90, 30:90]])


def patches_of(image: Tensor) -> Tensor:
    """The patches of a picture (S, S), cut out one by one."""
    places = [(r, c) for r in range(0, SIDE, PATCH) for c in range(0, SIDE, PATCH)]
    return torch.stack([image[r : r + PATCH, c : c + PATCH] for r, c in places])


class TestMaePretraining:
    """A digit's way through the masked autoencoder."""

    def test_the_tensors_are_those_of_the_model(self, lesson: ModuleType) -> None:
        figure = lesson.mae_pretraining()
        digit, masked, seen, tokens, rows, predicted = inset_pictures(figure)
        plt.close(figure)
        image = lesson.IMAGES[1402, 0]
        assert_equal([digit], [image.numpy()])
        gone = [bool(patch.isnan().all()) for patch in patches_of(torch.tensor(np.asarray(masked)))]
        assert sum(gone) == 12
        shown = patches_of(image)
        whole = patches_of(torch.tensor(np.asarray(predicted)))
        for number, hidden in enumerate(gone):
            same = torch.allclose(whole[number], shown[number])
            assert hidden != same, "visible patches stay as they are, hidden ones are predicted"
        assert seen.shape == (8, 2) and tokens.shape == (4, 48) and rows.shape == (16, 32)
        kept = [number for number, hidden in enumerate(gone) if not hidden]
        stacked = torch.tensor(np.asarray(seen)).reshape(4, PATCH, PATCH)
        found = [next(n for n in kept if torch.allclose(shown[n], patch)) for patch in stacked]
        assert sorted(found) == kept
        mae = lesson.digit_mae()
        with torch.no_grad():
            x = mae.encoder.embed(image[None, None])[:, found]
            for block in mae.encoder.blocks:
                x = block(x)
            x = mae.encoder.norm(x)[0]
            assert_equal([tokens], [x.numpy()])
            for number in range(16):
                own = mae.mask if gone[number] else mae.narrow(x[found.index(number)])
                assert_equal([rows[number]], [(own + mae.pos[0, number]).numpy()])

    def test_its_words_are_its_shapes(self, lesson: ModuleType) -> None:
        figure = lesson.mae_pretraining()
        said = {text.get_text() for text in figure.axes[0].texts}
        plt.close(figure)
        assert {"12 hidden", "4 seen", "4 × 48", "16 × 32", "loss", "decoder", "ViT"} <= said


@pytest.mark.parametrize("visible", [1, 4, 15])
def test_ratio_frames_show_as_many_patches_as_said(lesson: ModuleType, visible: int) -> None:
    pictures = drawn(lesson.ratio_frame(visible))
    masked, mae, interpolated, digits = (pictures[row : row + 4] for row in range(0, 16, 4))
    for hole, predicted, filled, digit in zip(masked, mae, interpolated, digits, strict=True):
        gaps = np.isnan(hole)
        assert (~gaps).sum() == visible * PATCH**2
        for shown in (predicted, filled):
            np.testing.assert_allclose(shown[~gaps], digit[~gaps], atol=1e-6)
        places = np.argwhere(~gaps)
        for place in np.argwhere(gaps):
            weights = (((places - place) ** 2).sum(axis=1) + 0.25) ** -2.0
            mean = (weights * digit[~gaps]).sum() / weights.sum()
            assert filled[tuple(place)] == pytest.approx(mean, abs=1e-4)


@pytest.mark.parametrize("temperature", [0.1, 1.0])
def test_temperature_frames_show_the_softmax_without_itself(lesson: ModuleType, temperature: float) -> None:
    z = nn.functional.normalize(torch.randn(8, 3, generator=torch.Generator().manual_seed(1)), dim=1)
    figure = lesson.temperature_frame(z @ z.T, temperature)
    label = figure.axes[1].get_xlabel()
    scores, weights = drawn(figure)
    assert_equal([scores], [(z @ z.T).numpy()])
    for i, row in enumerate(scores):
        powers = [0.0 if k == i else math.exp(s / temperature) for k, s in enumerate(row)]
        np.testing.assert_allclose(weights[i], np.array(powers) / sum(powers), atol=1e-5)
    share = 100 * np.mean([weights[i, i + 4] for i in range(4)])
    assert label == f"partner gets {share:.0f} %"


def test_collapse_frames_show_the_mean_output_and_the_centre(lesson: ModuleType) -> None:
    teacher = lesson.Teacher(nn.Linear(2, 4))
    outputs = torch.tensor([[0.25, 0.25, 0.25, 0.25], [1.0, 0.0, 0.0, 0.0], [0.5, 0.5, 0.0, 0.0]])
    teacher.centre = torch.zeros(4)
    teacher.record = [(single, p, p - 1) for single, p in zip((1.0, 0.0, 0.3), outputs, strict=True)]
    for step, mean in enumerate((1.0, 0.0, 0.5)):
        figure = lesson.collapse_frame({"one": teacher, "other": teacher}, step)
        bars = [[bar.get_height() for bar in ax.patches] for ax in figure.axes]
        label = figure.axes[0].get_xlabel()
        plt.close(figure)
        np.testing.assert_allclose(bars, [outputs[step].tolist()] * 2 + [(outputs[step] - 1).tolist()] * 2)
        assert label == f"entropy {(1.0, 0.0, 0.3)[step]:.2f}\nof mean {mean:.2f}"


def test_the_collapse_picture_shows_means_over_seeds(lesson: ModuleType) -> None:
    draws = torch.Generator().manual_seed(3)
    curves = {name: torch.rand(3, 2, 5, generator=draws) for name in ("both", "no sharpening", "no centring")}
    figure = lesson.collapse_picture(curves)
    for part, ax in enumerate(figure.axes):
        for line, text, values in zip(ax.lines, ax.texts, curves.values(), strict=True):
            wanted = [np.mean([run[part, step] for run in values.numpy()]) for step in range(5)]
            np.testing.assert_allclose(line.get_ydata(), wanted, atol=1e-6)
            last = values[:, part, -1].tolist()
            assert f"{np.mean(last):.2f} ({min(last):.2f}–{max(last):.2f})" in text.get_text()
    plt.close(figure)


def test_judged_features_show_mean_and_range(lesson: ModuleType) -> None:
    runs = {"one": [{"k-NN": 50.0, "linear": 60.0}], "three": [{"k-NN": k, "linear": 90.0 - k} for k in (20, 30, 70)]}
    figure = lesson.draw_judged(runs)
    for ax, judge in zip(figure.axes, ("k-NN", "linear"), strict=True):
        said = [text.get_text() for text in ax.texts]
        values = [run[judge] for run in runs["three"]]
        assert said == [f"{runs['one'][0][judge]:.0f}", f"{np.mean(values):.0f} ({min(values):.0f}–{max(values):.0f})"]
        bars, marks = ax.lines[::2], ax.lines[1::2]
        assert list(bars[1].get_xdata()) == [min(values), max(values)]
        assert np.asarray(marks[1].get_xdata()).item() == pytest.approx(np.mean(values))
    plt.close(figure)
