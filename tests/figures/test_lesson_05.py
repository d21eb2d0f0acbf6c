"""Lesson 5's vector figures: the arrays they draw, by another calculation, and that these are what is drawn."""

from __future__ import annotations

import itertools
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from einops import rearrange

from tests.shared.pictures import assert_equal, drawn
from tools.lesson.definitions import load_definitions


@pytest.fixture(scope="module")
def swin() -> ModuleType:
    return load_definitions("05_swin")


@pytest.fixture(scope="module")
def shifting(swin: ModuleType) -> Any:
    return swin.shifting(8, 4, 2)


@pytest.fixture(scope="module")
def parts(swin: ModuleType) -> dict[str, Any]:
    return {part.name: part for part in swin.anatomy(swin.SWINS["Swin-T"], 224)}


class TestShifting:
    def test_pieces_are_what_the_shifted_windows_cut(self, shifting: Any) -> None:
        bands = [
            [slice(2, 6), slice(6, 8), slice(0, 2)]
        ] * 2  # the whole window first, then what stays, then what comes
        expected = np.full((8, 8), -1)
        for label, (rows, columns) in enumerate(itertools.product(*bands)):
            expected[rows, columns] = label
        np.testing.assert_array_equal(shifting.pieces, expected)

    def test_rolling_moves_tokens_two_up_and_two_to_the_left(self, shifting: Any) -> None:
        for row, column in np.ndindex(8, 8):
            from_row, from_column = (row + 2) % 8, (column + 2) % 8
            assert shifting.rolled[row, column] == shifting.pieces[from_row, from_column]
            window = 2 * (row // 4) + column // 4
            assert shifting.windows[row, column] == window
            assert shifting.pieces_window[from_row, from_column] == window

    def test_the_mask_allows_whom_old_places_allow(self, shifting: Any) -> None:
        rolled = [(row, column) for row in range(4, 8) for column in range(4, 8)]
        old = [((row + 2) % 8, (column + 2) % 8) for row, column in rolled]
        for i, j in np.ndindex(16, 16):
            near = all(a - b == c - d for a, b, c, d in zip(old[i], old[j], rolled[i], rolled[j], strict=True))
            assert shifting.mask[i, j] == near
        assert shifting.members.tolist() == [shifting.pieces[place] for place in old]
        assert shifting.mask.sum() == 4 * 4**2, "four strangers, four tokens each"

    def test_a_block_does_what_is_drawn(self, swin: ModuleType, shifting: Any) -> None:
        block = swin.jitter(swin.initialise(swin.SwinBlock(8, 2, 4, shift=2)))
        for row, column in itertools.product((0, 3, 7), repeat=2):
            seen = swin.seen_by(block.mix, 8, row, column).numpy()
            np.testing.assert_array_equal(seen, shifting.pieces == shifting.pieces[row, column])

    def test_it_draws_these(self, swin: ModuleType, shifting: Any) -> None:
        figure = swin.shifted_windows()
        regular, moved, rolled, mask = figure.axes
        for ax, labels in ((moved, shifting.pieces), (rolled, shifting.rolled)):
            assert sorted(text.get_text() for text in ax.texts) == list("012345678")
            for text in ax.texts:
                column, row = (int(np.ceil(at)) for at in text.get_position())
                assert labels[row, column] == int(text.get_text())
        for ax, areas in ((regular, shifting.windows), (moved, shifting.pieces), (rolled, shifting.rolled)):
            borders = len(ax.lines) - 2 * 7 - (ax is rolled) * 16  # without the grid, and windows drawn once more
            assert borders == (areas[1:] != areas[:-1]).sum() + (areas[:, 1:] != areas[:, :-1]).sum()
        for labels in (mask.get_xticklabels(), mask.get_yticklabels()):
            assert [int(label.get_text()) for label in labels] == shifting.members[::2].tolist()
        assert mask.get_xticks().tolist() == [2 * i + 0.5 for i in range(8)]
        said = [ax.get_xlabel() for ax in figure.axes[:3]]
        assert said == ["4 windows of 4 × 4", "9 pieces, numbered", "4 windows again"]
        assert "roll 2 up, 2 to the left" in figure.texts[0].get_text()
        found = drawn(figure)
        assert_equal(found, [shifting.windows, shifting.pieces_window, shifting.windows, shifting.mask])


class TestAnatomy:
    WIDTHS, DEPTHS, HEADS, SIDES = (96, 192, 384, 768), (2, 2, 6, 2), (3, 6, 12, 24), (56, 28, 14, 7)

    def test_every_stage_is_what_the_formulas_say(self, parts: dict[str, Any]) -> None:
        sizes = zip(self.WIDTHS, self.DEPTHS, self.HEADS, self.SIDES, strict=True)
        for number, (d, depth, heads, side) in enumerate(sizes, 1):
            n, stage = side**2, parts[f"stage {number}"]
            assert stage.shape == (side, side, d)
            assert stage.parameters == depth * (12 * d * d + 13 * d + 169 * heads)
            assert stage.macs == depth * (12 * n * d * d + 2 * 49 * n * d)
            if number > 1:
                merging = parts[f"merging {number}"]
                assert merging.shape == (side, side, d)
                assert merging.parameters == 2 * d * d + 4 * d  # 2d features of four tokens' d/2 each, a norm before
                assert merging.macs == 2 * n * d * d

    def test_the_parts_are_the_whole_model(self, swin: ModuleType, parts: dict[str, Any]) -> None:
        with torch.device("meta"):
            macs = swin.counted(swin.Swin(swin.SWINS["Swin-T"]), torch.empty(1, 3, 224, 224))
        assert sum(part.parameters for part in parts.values()) == 28_288_354
        assert sum(part.macs for part in parts.values()) == macs
        assert (parts["stem"].parameters, parts["stem"].macs) == (49 * 96 + 2 * 96, 48 * 96 * 56**2)
        assert (parts["head"].parameters, parts["head"].macs) == (2 * 768 + 769 * 1000, 768_000)

    def test_shifts_are_those_that_happen(self, swin: ModuleType) -> None:
        """A block that shifts lets its first token see 3 × 3 others; one that doesn't, its window of 7 × 7."""
        model, found = swin.jitter(swin.initialise(swin.Swin(swin.SWINS["Swin-T"]))), []
        for width, side, stage in zip(self.WIDTHS, self.SIDES, model.stages, strict=True):
            seen = [int(swin.seen_by(block.mix, side, 0, 0, width).sum()) for block in stage[:2]]
            assert set(seen) <= {9, 49}
            found.append([count == 9 for count in seen] * (len(stage) // 2))
        assert swin.shifting_blocks(swin.SWINS["Swin-T"], 224) == found
        assert sum(map(sum, found)) == 5

    def test_it_draws_these(self, swin: ModuleType, parts: dict[str, Any]) -> None:
        figure = swin.swin_architecture()
        said = [text.get_text() for text in figure.texts]
        for number, (width, side) in enumerate(zip(self.WIDTHS, self.SIDES, strict=True), 1):
            first = said.index(f"stage {number}, stride {224 // side}")
            assert said[first - 1] == parts[f"merging {number}" if number > 1 else "stem"].cost()
            assert said[first + 1] == f"{side} × {side} tokens of {width}"
            letters = [letter for letter in said[first + 2 :] if letter in "WS"][: self.DEPTHS[number - 1]]
            depth = len(letters)
            assert (
                said[first + 2 : first + 2 + depth]
                == letters
                == (["W", "S"] if number < 4 else ["W", "W"]) * (depth // 2)
            )
            assert said[first + 2 + depth] == f"{self.HEADS[number - 1]} heads"
            assert said[first + 3 + depth] == parts[f"stage {number}"].cost()
        assert "merge 2 × 2: 1,536 → 768" in said
        assert parts["stage 3"].cost() == "10.66 M params, 2,125 M MACs"
        assert parts["stem"].cost() == "4.9 k params, 14 M MACs"
        assert said[-1] == "Swin-T: 28,288,354 params, 4.49 GMACs"
        for ax, side in zip(figure.axes[1:], self.SIDES, strict=True):
            assert {line.get_xdata()[0] for line in ax.lines} == set(range(0, side + 1, 7)), "windows of 7"
        picture = (swin.to_image(swin.data.coffee(), 224)[0].double().clamp(-1, 1) + 1) / 2
        strides = (2, 4, 8, 16, 32)
        means = [rearrange(picture, "c (h p) (w q) -> h w c (p q)", p=s, q=s).mean(dim=-1).numpy() for s in strides]
        assert_equal(drawn(figure), means)


class TestOpening:
    """The picture of the whole: the sizes that Swin-T has, and windows where its blocks have them."""

    def test_it_says_the_sizes_of_swin_t(self, swin: ModuleType) -> None:
        figure, config = swin.whole_swin(), swin.SWINS["Swin-T"]
        with torch.device("meta"):
            maps = swin.Swin(config).features(torch.empty(1, 3, 224, 224))
        said = [text.get_text() for text in figure.texts]
        for x in maps:
            _, high, wide, width = x.shape
            first = said.index(f"{high}×{wide}")
            windows = swin.partition(x, config.window).shape[1]
            assert said[first + 1 : first + 3] == [str(width), str(windows)]

    def test_windows_lie_where_blocks_cut(self, swin: ModuleType) -> None:
        cuts = [sorted({int(line.get_xdata()[0]) for line in ax.lines} - {0}) for ax in swin.whole_swin().axes]
        assert cuts[1:5] == [list(range(7, side, 7)) for side in (56, 28, 14, 7)]
        stage = swin.jitter(swin.initialise(swin.Swin(swin.SWINS["Swin-T"]))).stages[2]
        for block, drawn_cuts in zip(stage[:2], cuts[5:7], strict=True):
            first = [swin.seen_by(block.mix, 14, row, 0, 384)[:, 0] for row in range(14)]
            found = [row for row in range(1, 14) if not first[row][row - 1]]
            assert found == drawn_cuts, "a token does not see its upper neighbour across a cut"
