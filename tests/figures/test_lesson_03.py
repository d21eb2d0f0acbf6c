"""Lesson 3's vector figures: the arrays they draw, by another calculation, and that these are what is drawn."""

from __future__ import annotations

import re
from pathlib import Path
from types import ModuleType
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from einops import rearrange

from tests.shared.pictures import assert_equal, drawn
from tools.lesson.definitions import load_definitions
from tools.run.figures import FOLDER, write

SIDE, ASKING, SOFTNESS = 16, (8, 12), 4


@pytest.fixture(scope="module")
def attention() -> ModuleType:
    return load_definitions("03_attention")


@pytest.fixture(scope="module")
def numbers(attention: ModuleType) -> dict[str, np.ndarray]:
    return {name: values.numpy() for name, values in attention.four_patches().items()}


@pytest.fixture(scope="module")
def sights(attention: ModuleType) -> Any:
    return attention.sights()


@pytest.fixture(scope="module")
def cost(attention: ModuleType) -> Any:
    return attention.block_cost()


@pytest.fixture(scope="module")
def scores(attention: ModuleType) -> np.ndarray:
    """What the asking patch's scores are, in float64, by another way of cutting, (16, 16)."""
    photo = attention.CUP[0].double().numpy()
    patches = [np.split(row, SIDE, axis=2) for row in np.split(photo, SIDE, axis=1)]
    flat = np.array([[patch.flatten() for patch in row] for row in patches])
    flat = (flat - flat.mean(axis=-1, keepdims=True)) / np.sqrt(flat.var(axis=-1, keepdims=True) + 1e-5)
    return flat @ flat[ASKING] / 588**0.5 / SOFTNESS


class TestComplexity:
    def test_it_is_what_torch_counts(self, attention: ModuleType, cost: Any) -> None:
        with torch.device("meta"):  # shapes without numbers
            layer = attention.Layer(768, 12)
            for i in range(0, len(cost.pixels), 11):
                x = torch.empty(1, int(cost.tokens[i]), 768)
                alone = [attention.counted(part, x) for part in (layer.attn.qkv, layer.attn.out, layer.mlp)]
                assert cost.linear[i] == sum(alone)
                assert cost.linear[i] + cost.quadratic[i] == attention.counted(layer, x)
                assert cost.weights[i] == layer.attn.weights.numel() * layer.attn.weights.element_size()

    def test_sizes_are_those_of_the_lesson(self, cost: Any) -> None:
        found = dict(zip(cost.pixels.tolist(), cost.tokens.tolist(), strict=True))
        assert [found[pixels] for pixels in (224, 512, 768, 1024)] == [14**2 + 1, 32**2 + 1, 48**2 + 1, 64**2 + 1]

    def test_the_parts_are_equal_at_six_times_the_width(self, cost: Any) -> None:
        assert cost.crossover == pytest.approx(16 * (6 * 768 - 1) ** 0.5)
        assert (np.sign(cost.quadratic - cost.linear) == np.sign(cost.pixels - cost.crossover)).all()

    def test_it_draws_these(self, attention: ModuleType, cost: Any) -> None:
        figure = attention.attention_complexity()
        macs, memory = figure.axes
        linear, quadratic, point, _ = (line.get_xydata().T for line in macs.lines)
        np.testing.assert_allclose(linear, [cost.pixels, cost.linear / 1e9])
        np.testing.assert_allclose(quadratic, [cost.pixels, cost.quadratic / 1e9])
        assert point[0] == cost.crossover
        assert point[1] == pytest.approx(12 * 6 * 768**3 / 1e9, rel=1e-3)
        np.testing.assert_allclose(memory.lines[0].get_xydata().T, [cost.pixels, cost.weights / 2**20])
        assert [text.get_text() for text in memory.texts] == ["1.8", "48", "243", "768"]
        assert memory.get_xticklabels()[0].get_text() == "224\n197"
        plt.close(figure)

    def test_the_stored_curves_are_these(self, attention: ModuleType, tmp_path: Path) -> None:
        write(attention.attention_complexity(), tmp_path / "attention_complexity.svg")
        stored, fresh = (
            re.findall(r' d="([^"]*)"', (folder / "attention_complexity.svg").read_text(encoding="utf8"))
            for folder in (FOLDER, tmp_path)
        )
        assert stored == fresh, "run `make figures`"


class TestHeads:
    """The opening picture: four patches through two heads."""

    NAMES = ("x", "q1", "k1", "v", "scores1", "weights1", "head1", "head2", "out")

    def test_every_step_follows_from_the_one_before(self, numbers: dict[str, np.ndarray]) -> None:
        x = np.array([[3, 0, 0], [1, 0, 0], [0, 2, 0], [0, 0, 2]], dtype=float)
        blue, green, dark = 0, 1, 2
        for head, asks, offers in (("1", [green, blue], [blue, dark]), ("2", [blue, green], [blue, green])):
            scores = np.array([[sum(x[i, asks] * x[j, offers]) for j in range(4)] for i in range(4)]) / 2**0.5
            weights = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
            np.testing.assert_array_equal(numbers[f"q{head}"], x[:, asks])
            np.testing.assert_array_equal(numbers[f"k{head}"], x[:, offers])
            np.testing.assert_allclose(numbers[f"scores{head}"], scores, rtol=1e-6)
            np.testing.assert_allclose(numbers[f"weights{head}"], weights, rtol=1e-6)
            np.testing.assert_allclose(numbers[f"head{head}"], weights @ x, rtol=1e-6)
        np.testing.assert_array_equal(numbers["x"], x)
        np.testing.assert_array_equal(numbers["v"], x)
        np.testing.assert_allclose(numbers["out"], (numbers["head1"] + numbers["head2"]) / 2)

    def test_the_alt_text_is_true(self, numbers: dict[str, np.ndarray]) -> None:
        assert [f"{numbers['weights1'][place]:.2f}" for place in ((2, 0), (0, 3))] == ["0.92", "0.96"]

    def test_it_draws_these(self, attention: ModuleType, numbers: dict[str, np.ndarray]) -> None:
        figure = attention.multi_head_attention()
        (ax,) = figure.axes
        said = [text.get_text() for text in ax.texts]
        for image, name in zip(ax.images, self.NAMES, strict=True):
            np.testing.assert_allclose(image.get_array(), numbers[name], rtol=1e-6)
            left, right, bottom, top = image.get_extent()
            inside = [t for t in ax.texts if left < t.get_position()[0] < right and bottom < t.get_position()[1] < top]
            assert [float(t.get_text()) for t in inside] == pytest.approx(numbers[name].flatten(), abs=0.051), name
        assert [said.count(kind) for kind in ("sky", "pale", "grass", "bird")] == [3] * 4
        assert {"1", "2", "4", "6", "9", "softmax", "weights × v"} <= set(said)
        plt.close(figure)


class TestSights:
    def test_each_kind_sees_whom_it_says(self, sights: Any, scores: np.ndarray) -> None:
        rows, columns = np.mgrid[:SIDE, :SIDE]
        sixteenth = np.sort(scores.flatten())[-16]
        masks = {
            "global": np.ones((SIDE, SIDE), dtype=bool),
            "window 4 × 4": (rows // 4 == ASKING[0] // 4) & (columns // 4 == ASKING[1] // 4),
            "neighbours 3 × 3": np.maximum(abs(rows - ASKING[0]), abs(columns - ASKING[1])) <= 1,
            "top 16": scores >= sixteenth,
        }
        assert {name: mask.sum() for name, mask in masks.items()} == dict(zip(masks, (256, 16, 9, 16), strict=True))
        assert sights.weights.keys() == masks.keys()
        for name, mask in masks.items():
            np.testing.assert_array_equal(np.isfinite(sights.weights[name]), mask, err_msg=name)
            shares = np.where(mask, np.exp(scores), np.nan)
            np.testing.assert_allclose(sights.weights[name], shares / np.nansum(shares), rtol=1e-9, err_msg=name)

    def test_the_window_cuts_off_a_neighbour_that_looks_alike(self, sights: Any) -> None:
        above = ASKING[0] - 1, ASKING[1]
        assert np.isnan(sights.weights["window 4 × 4"][above])
        assert np.isfinite(sights.weights["top 16"][above])

    def test_the_best_lie_on_both_sides(self, sights: Any) -> None:
        columns = np.nonzero(np.isfinite(sights.weights["top 16"]))[1]
        assert columns.min() < 4
        assert columns.max() > 11

    def test_the_counts_follow_the_formulas(self, sights: Any) -> None:
        n, d = 256, 588
        expected = [2 * n * n * d, 2 * 16 * n * d, 2 * 9 * n * d, n * n * d + 16 * n * d]
        assert list(sights.macs.values()) == expected

    def test_it_draws_these(self, attention: ModuleType, sights: Any) -> None:
        figure = attention.window_vs_global_attention()
        photo, *panels = figure.axes
        for ax in (photo, *panels):
            assert {(mark.get_y() + 0.5, mark.get_x() + 0.5) for mark in ax.patches} == {ASKING}
        assert [ax.get_title() for ax in panels] == list(sights.weights)
        seen = [ax.get_xlabel() for ax in panels]
        assert seen[0] == "256 seen, 77.1 M MACs"
        assert seen[1:] == ["16 seen, 4.8 M MACs", "9 seen, 2.7 M MACs", "16 seen, 40.9 M MACs"]
        pixels = rearrange((attention.CUP[0].clamp(-1, 1) + 1) / 2, "c (h p) (w q) -> h w c (p q)", p=2, q=2).mean(-1)
        assert_equal(drawn(figure), [pixels.numpy(), *sights.weights.values()])
