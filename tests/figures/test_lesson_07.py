"""Lesson 7's figures: what they draw, by another calculation, and that this is what is drawn."""

from __future__ import annotations

import math
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from matplotlib.patches import Rectangle
from scipy import stats
from torch import Tensor, nn

from tests.parity.framework.cases import tensor
from tests.shared.pictures import assert_equal, drawn
from tools.lesson.definitions import load_definitions

SIDE, PATCH = 8, 2
MAPS = ("untrained", "trained")


@pytest.fixture(scope="module")
def lesson() -> ModuleType:
    """The lesson, whose masked autoencoder need not be trained to be drawn."""
    module = load_definitions("07_self_supervised")
    mae = module.jitter(module.begin(module.MAE(module.Encoder(side=SIDE, patch_size=PATCH)), 1), 2).eval()
    vars(module)["digit_mae"] = lambda *_, **__: mae
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


@pytest.fixture(scope="module")
def figure(lesson: ModuleType) -> Iterator[Any]:
    figure = lesson.self_supervision()
    yield figure
    plt.close(figure)


@pytest.fixture(scope="module")
def photo(figure: Any) -> np.ndarray:
    return inset_pictures(figure)[0]


@pytest.fixture(scope="module")
def branches(figure: Any) -> dict[str, list[np.ndarray]]:
    """Input and target of each."""
    _, *found = inset_pictures(figure)
    names = ("MAE", "BEiT", "SimCLR", "MoCo v3", "DINO", "CLIP")
    return {name: found[2 * number : 2 * number + 2] for number, name in enumerate(names)}


class TestOpening:
    """One photograph and six branches."""

    def test_only_some_sides_get_a_gradient(self, figure: Any) -> None:
        boxes = {word: found for word, found in networks(figure).items() if word}
        solid = {word: [box.get_linestyle() == "-" for box in found] for word, found in boxes.items()}
        filled = {word: [box.get_facecolor() != (1, 1, 1, 1) for box in found] for word, found in boxes.items()}
        wanted = {"ViT": [True] * 5, "student": [True], "same": [True], "text": [True], "learns": [True]}
        wanted |= {"fixed": [False] * 2, "copy": [False], "teacher": [False], "no gradient": [False]}
        assert solid == filled == wanted

    def test_the_photograph_is_whole_where_it_is_target_or_input(self, photo: np.ndarray, branches: dict) -> None:
        assert photo.shape == (96, 96, 3)
        assert_equal([branches["MAE"][1], branches["DINO"][1], branches["CLIP"][0]], [photo] * 3)

    @pytest.mark.parametrize(("name", "hidden"), [("MAE", 12), ("BEiT", 6)])
    def test_patches_are_hidden_whole(self, photo: np.ndarray, branches: dict, name: str, hidden: int) -> None:
        picture = branches[name][0]
        blocks = [(slice(r, r + 24), slice(c, c + 24)) for r in range(0, 96, 24) for c in range(0, 96, 24)]
        gone = [bool((picture[block] == 255).all()) for block in blocks]
        assert sum(gone) == hidden
        assert all(g or np.array_equal(picture[b], photo[b]) for g, b in zip(gone, blocks, strict=True))

    def test_codes_grow_with_the_brightness_of_their_patch(self, photo: np.ndarray, branches: dict) -> None:
        codes, bright = np.ravel(branches["BEiT"][1]), photo / 255 @ np.array([0.2125, 0.7154, 0.0721])
        means = [bright[16 * r : 16 * r + 16, 16 * c : 16 * c + 16].mean() for r in range(6) for c in range(6)]
        assert stats.spearmanr(codes, means).statistic > 0.9
        assert len(set(codes)) > 3

    @pytest.mark.parametrize("name", ["SimCLR", "MoCo v3"])
    def test_both_views_come_from_one_photograph(self, photo: np.ndarray, branches: dict, name: str) -> None:
        first, second = branches[name]
        assert_equal([first], [photo[:60, :60]])
        assert_equal([second[:, ::-1]], [photo[30:90, 30:90]])

    def test_the_student_sees_a_part_of_what_the_teacher_sees(self, photo: np.ndarray, branches: dict) -> None:
        assert_equal([branches["DINO"][0]], [photo[36:66, 36:66]])


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
def test_a_picture_of_your_mask_shows_what_fills_it(lesson: ModuleType, visible: int) -> None:
    hidden = [number not in (5, 10, 0, 15, 3, *range(1, 15))[:visible] for number in range(16)]
    figure = lesson.mask_picture(7, [float(gap) for gap in hidden], 16 - sum(hidden))
    shown = {ax.get_title(): ax.images[0].get_array().filled(np.nan) for ax in figure.axes}
    plt.close(figure)
    digit, hole = shown["digit"], shown["visible"]
    assert_equal([digit], [lesson.IMAGES[1407, 0].numpy()])
    gaps = np.isnan(hole)
    assert [bool(patch.all()) for patch in patches_of(torch.from_numpy(gaps))] == hidden
    for name in ("MAE", "interpolation"):
        np.testing.assert_allclose(shown[name][~gaps], digit[~gaps], atol=1e-6)
    for place in np.argwhere(gaps):
        weights = (((np.argwhere(~gaps) - place) ** 2).sum(axis=1) + 0.25) ** -2.0
        mean = (weights * digit[~gaps]).sum() / weights.sum()
        assert shown["interpolation"][tuple(place)] == pytest.approx(mean, abs=1e-4)
    assert np.abs(shown["MAE"] - digit)[gaps].max() > 0.01


def test_gaps_are_filled_from_the_mean_and_from_the_nearest_digits(lesson: ModuleType) -> None:
    image, noise = lesson.IMAGES[1500:1501], torch.rand(1, 16, generator=torch.Generator().manual_seed(5))
    gaps, filled = lesson.fillings(lesson.digit_mae(), image, noise, 6)
    bank, free = lesson.IMAGES[:1400, 0], ~gaps[0, 0]
    apart = torch.stack([(digit - image[0, 0])[free].square().sum() for digit in bank])
    nearest = torch.stack([bank[i] for i in apart.argsort()[:10]]).mean(dim=0)
    for name, guess in {"mean digit": bank.mean(dim=0), "10 nearest": nearest}.items():
        torch.testing.assert_close(filled[name][0, 0], torch.where(free, image[0, 0], guess))


@pytest.mark.parametrize("temperature", [0.1, 1.0])
def test_contrast_frames_show_the_softmax_without_itself(lesson: ModuleType, temperature: float) -> None:
    z = nn.functional.normalize(torch.randn(8, 3, generator=torch.Generator().manual_seed(1)), dim=1)
    figure = lesson.contrast_frame(z @ z.T, temperature)
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


def test_judged_features_show_mean_and_range_of_each_judge(lesson: ModuleType) -> None:
    runs = {"one": [{"k-NN": 50.0, "linear": 60.0}], "three": [{"k-NN": k, "linear": 91.0 - k} for k in (20, 31, 70)]}
    figure = lesson.draw_judged(runs)
    said = [text.get_text() for ax in figure.axes for text in ax.texts]
    marks = [
        float(np.ravel(line.get_xdata())[0]) for ax in figure.axes for line in ax.lines if len(line.get_xdata()) == 1
    ]
    bars = [tuple(line.get_xdata()) for ax in figure.axes for line in ax.lines if len(line.get_xdata()) == 2]
    plt.close(figure)
    for judge in ("k-NN", "linear"):
        (alone,), values = ([run[judge] for run in found] for found in runs.values())
        assert any(words.startswith(f"{alone:.0f}") for words in said)
        assert f"{np.mean(values):.0f} ({min(values):.0f}–{max(values):.0f})" in said
        assert (min(values), max(values)) in bars
        assert {alone, np.mean(values)} <= set(marks)


def test_maps_of_weights_lie_below_their_pictures(lesson: ModuleType) -> None:
    pictures = tensor(304, 1, 24, 24).float()
    maps = {f"[CLS], {name}": [tensor(304, 36, seed=seed).abs().float()] for seed, name in enumerate(MAPS)}
    scores = {label: {name: [0.1, 0.3] for name in maps} for label in ("IoU", "weight")}
    found = drawn(lesson.planted_picture(pictures, maps, scores))
    wanted = [pictures[i, 0].numpy() for i in (0, 101, 202, 303)]
    for name in MAPS:
        wanted += [maps[f"[CLS], {name}"][0][i].numpy().reshape(6, 6) for i in (0, 101, 202, 303)]
    assert_equal(found, wanted)
