"""Lesson 2's vector figures: the arrays they draw, by another calculation, and that these are what is drawn."""

from __future__ import annotations

import itertools
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from einops import rearrange
from matplotlib.text import Text

from tests.shared.pictures import assert_equal, drawn
from tools.lesson.definitions import load_definitions
from tools.run.figures import FOLDER, write

FIGURES = ("patch_embedding_process", "cls_token_explained", "position_encoding_types")
DIM, MAP_GRID, PLACE = 6, (13, 13), (4, 4)
ROWS, COLUMNS = MAP_GRID


@pytest.fixture(scope="module")
def embeddings() -> ModuleType:
    return load_definitions("02_patch_and_position_embeddings")


@pytest.fixture(scope="module")
def image(embeddings: ModuleType) -> np.ndarray:
    return embeddings.to_image(embeddings.data.astronaut()[:300, 70:370], 224)[0].numpy()


@pytest.fixture(scope="module")
def embedding(embeddings: ModuleType) -> Any:
    return embeddings.follow_patch()


@pytest.fixture(scope="module")
def story(embeddings: ModuleType) -> Any:
    return embeddings.follow_cls(embeddings.cls_model())


@pytest.fixture(scope="module")
def maps(embeddings: ModuleType) -> dict[str, np.ndarray]:
    return embeddings.encoding_maps()


@pytest.fixture(scope="module")
def offsets() -> np.ndarray:
    """Rows and columns from each place to PLACE, (13, 13, 2)."""
    return np.array(PLACE) - np.stack(np.mgrid[:ROWS, :COLUMNS], axis=-1)


@pytest.mark.parametrize("name", FIGURES)
class TestEveryFigure:
    def test_the_stored_figure_is_this_one(self, embeddings: ModuleType, tmp_path: Path, name: str) -> None:
        """The lines and the words; drawn text keeps its words as comments."""
        figure = getattr(embeddings, name)()
        pictures = [image for ax in figure.axes for image in ax.images]
        write(figure, tmp_path / f"{name}.svg")
        stored, fresh = ((folder / f"{name}.svg").read_text(encoding="utf8") for folder in (FOLDER, tmp_path))
        found, wanted = (re.findall(r' d="([^"]*)"|<!-- (.*?) -->', text) for text in (stored, fresh))
        assert found == wanted, "run `make figures`"
        assert stored.count("<image") >= len(pictures)
        assert len(stored) < 200_000

    def test_it_fits_a_phone(self, embeddings: ModuleType, name: str) -> None:
        figure = getattr(embeddings, name)()
        assert figure.get_figwidth() <= 4.6
        assert figure.get_facecolor() == (1, 1, 1, 1)
        sizes = {text.get_fontsize() for text in figure.findobj(Text) if text.get_text()}
        assert min(sizes) * 309 / (96 * figure.get_figwidth()) >= 9, "of 360 pixels a page leaves 309 to a figure"
        plt.close(figure)


class TestPatchEmbedding:
    def test_the_row_holds_the_marked_pixels(self, embedding: Any, image: np.ndarray) -> None:
        top, left = 16 * embedding.place[0], 16 * embedding.place[1]
        pixels = image[:, top : top + 16, left : left + 16]
        np.testing.assert_array_equal(embedding.row, pixels.flatten())
        np.testing.assert_allclose(embedding.patch, (pixels.transpose(1, 2, 0) + 1) / 2, atol=1e-6)
        assert pixels.std() > 0.2, "a flat patch would show nothing"

    def test_the_photograph_is_the_one_that_was_cut(self, embedding: Any, image: np.ndarray) -> None:
        def means(picture: np.ndarray) -> np.ndarray:
            return rearrange(picture, "(h p) (w q) c -> h w c p q", h=14, w=14).mean(axis=(-1, -2))

        np.testing.assert_allclose(means(embedding.photo), means((image.transpose(1, 2, 0) + 1) / 2), atol=0.02)

    def test_every_token_is_the_matrix_times_its_row(self, embedding: Any, image: np.ndarray) -> None:
        assert embedding.matrix.shape == (DIM, 768)
        assert embedding.tokens.shape == (196, DIM)
        for index, token in enumerate(embedding.tokens):
            row, column = divmod(index, 14)
            pixels = image[:, 16 * row : 16 * row + 16, 16 * column : 16 * column + 16].flatten()
            np.testing.assert_allclose(token, [line @ pixels for line in embedding.matrix], atol=1e-4)
        np.testing.assert_allclose(embedding.tokens[embedding.index], embedding.matrix @ embedding.row, atol=1e-4)

    def test_the_strip_keeps_each_number_in_its_colour(self, embeddings: ModuleType, embedding: Any) -> None:
        strip = embeddings.painted(embedding.row)[0]
        np.testing.assert_allclose(strip.sum(axis=1), (embedding.row + 1) / 2)
        for channel, third in enumerate(np.split(strip, 3)):
            assert not np.delete(third, channel, axis=1).any()

    def test_it_draws_these(self, embeddings: ModuleType, embedding: Any) -> None:
        e, token = embedding, embedding.tokens[embedding.index]
        figure = embeddings.patch_embedding_process()
        photo, _, strip, _, last, tokens = figure.axes
        marks = [box.get_bbox() for box in (photo.patches[0], tokens.patches[0])]
        assert [marks[0].y0 / 16, marks[0].x0 / 16] == list(embedding.place)
        assert (marks[1].x0 + marks[1].x1) / 2 == e.index
        assert [text.get_text() for text in last.texts] == [embeddings.signed(value) for value in token]
        assert f"{e.row[0]:.2f}" in strip.get_title()
        assert_equal(drawn(figure), [e.photo, e.patch, embeddings.painted(e.row), e.matrix, token[:, None], e.tokens.T])


class TestClassToken:
    def test_it_begins_alike_and_ends_apart(self, story: Any) -> None:
        assert story.before.shape == story.after.shape == (4, 17, 48)
        assert np.ptp(story.before[:, 0], axis=0).max() == 0
        assert np.abs(story.before[:, 0]).max() > 0, "training should have moved it from zero"
        for one, other in itertools.combinations(range(4), 2):
            assert np.abs(story.before[one, 1:] - story.before[other, 1:]).max() > 0.1
            assert np.abs(story.after[one, 0] - story.after[other, 0]).max() > 0.5

    def test_it_begins_as_the_learned_vector(self, embeddings: ModuleType, story: Any) -> None:
        learned = embeddings.cls_model().pooling.cls.detach().numpy()
        np.testing.assert_array_equal(story.before[:, 0], np.repeat(learned[0], 4, axis=0))

    @torch.no_grad()
    def test_the_weights_are_those_that_attention_uses(self, embeddings: ModuleType) -> None:
        attention = embeddings.cls_model().blocks[-1].attn
        x = torch.randn(2, 17, 48, generator=embeddings.rng(0))
        weights = embeddings.attention_of_first(attention, x)  # (B, h, N)
        values = rearrange(attention.qkv(x), "b n (t h d) -> t b h n d", t=3, h=3)[2]
        mixed = torch.einsum("b h n, b h n d -> b h d", weights, values)
        torch.testing.assert_close(attention.out(mixed.flatten(1)), attention(x, (4, 4))[:, 0])

    @torch.no_grad()
    def test_the_weights_are_of_the_last_block(self, embeddings: ModuleType, story: Any) -> None:
        model, inputs = embeddings.cls_model(), []
        hook = model.blocks[-1].attn.register_forward_pre_hook(lambda _, given: inputs.append(given[0]))
        model(embeddings.IMAGES[[1402, 1415, 1437, 1403]])
        hook.remove()
        expected = embeddings.attention_of_first(model.blocks[-1].attn, inputs[0]).mean(dim=1)
        np.testing.assert_allclose(story.attention, expected, atol=1e-5)
        np.testing.assert_allclose(story.attention.sum(axis=1), 1, atol=1e-5)
        assert story.attention[:, 1:].max() > 2 / 17, "it should prefer some patches"

    def test_only_it_is_read(self, embeddings: ModuleType, story: Any) -> None:
        head = embeddings.cls_model().head
        read = story.after[:, 0] @ head.weight.detach().numpy().T + head.bias.detach().numpy()
        np.testing.assert_allclose(read, story.logits, atol=1e-4)
        assert story.logits.argmax(axis=1).tolist() == story.labels.tolist() == [0, 1, 2, 3]

    def test_it_draws_these(self, embeddings: ModuleType, story: Any) -> None:
        figure = embeddings.cls_token_explained()
        assert [ax.get_xlabel() for ax in figure.axes[-4:]] == [f"reads {label}" for label in story.labels]
        wanted = [
            *story.pictures,
            *story.before[:, :1],
            *story.before[:, 1:],
            *story.attention[:, 1:].reshape(4, 4, 4),
            *story.after[:, 1:],
            *story.after[:, :1],
        ]
        assert_equal(drawn(figure), wanted)


class TestEncodings:
    def test_all_eight_stand_where_they_act(self, embeddings: ModuleType) -> None:
        assert sorted(itertools.chain(*embeddings.GROUPS.values())) == sorted(embeddings.PARTS)
        assert sorted(itertools.chain(*embeddings.LINES)) == sorted(embeddings.GROUPS)
        x = torch.ones(1, 3, 169, 16)
        acts = {
            "added to the tokens": lambda part: part.add(MAP_GRID).ndim > 0,
            "added to the scores": lambda part: part.bias(MAP_GRID).ndim > 0,
            "turn queries and keys": lambda part: not torch.equal(part.turn(x, MAP_GRID), x),
        }
        for group, names in embeddings.GROUPS.items():
            for name in names:
                part = embeddings.trained_part(name)
                assert [place for place, acting in acts.items() if acting(part)] == [group] * (group != "nowhere"), name

    def test_no_encoding_says_nothing(self, maps: dict[str, np.ndarray]) -> None:
        flat = [name for name, values in maps.items() if np.ptp(values) == 0]
        assert flat == ["none"]

    def test_computed_ones_are_sums_of_cosines_of_offsets(
        self, maps: dict[str, np.ndarray], offsets: np.ndarray
    ) -> None:
        slow_to_fast = {"sine-cosine": 10000 ** (-np.arange(12) / 12), "RoPE, axial": 100 ** (-np.arange(4) / 4)}
        for name, omega in slow_to_fast.items():
            waves = np.cos(offsets[..., None] * omega).sum(axis=(-1, -2))
            scale = 2 if name == "RoPE, axial" else 1  # a pair of ones has length √2
            np.testing.assert_allclose(maps[name], scale * waves, atol=1e-3, err_msg=name)

    def test_mixed_rope_is_a_sum_of_cosines_of_learned_mixtures(
        self, embeddings: ModuleType, maps: dict[str, np.ndarray], offsets: np.ndarray
    ) -> None:
        omega = embeddings.trained_part("RoPE, mixed").omega[0].detach().numpy()  # (d/2, 2), of the first head
        np.testing.assert_allclose(maps["RoPE, mixed"], 2 * np.cos(offsets @ omega.T).sum(axis=-1), atol=1e-3)

    def test_a_relative_bias_is_read_from_its_table(
        self, embeddings: ModuleType, maps: dict[str, np.ndarray], offsets: np.ndarray
    ) -> None:
        table = embeddings.trained_part("relative bias").table.detach()
        stretched = embeddings.resize_table(table, (7, 7), (25, 25))[0, :, 0].reshape(25, 25)
        for row, column in np.ndindex(MAP_GRID):
            down, right = offsets[row, column] + 12
            assert maps["relative bias"][row, column] == pytest.approx(stretched[down, right].item(), abs=1e-5)

    def test_a_continuous_bias_is_computed_from_the_offset(
        self, embeddings: ModuleType, maps: dict[str, np.ndarray], offsets: np.ndarray
    ) -> None:
        part = embeddings.trained_part("continuous bias")
        first, shift, second = (w.detach().numpy() for w in (part.fc1.weight, part.fc1.bias, part.fc2.weight[0]))
        scaled = 8 * offsets * (4 / 13) / 3  # the new places lie between the old; 3 is the largest old offset
        spaced = np.sign(scaled) * np.log2(1 + np.abs(scaled)) / 3
        bias = 16 / (1 + np.exp(-np.maximum(spaced @ first.T + shift, 0) @ second))
        np.testing.assert_allclose(maps["continuous bias"], bias, atol=1e-3)

    def test_tables_are_multiplied_row_by_row(self, embeddings: ModuleType, maps: dict[str, np.ndarray]) -> None:
        for name in ("learned", "factorised"):
            table = embeddings.trained_part(name).add(MAP_GRID).detach().numpy()
            own = table[PLACE[0] * COLUMNS + PLACE[1]]
            by_loop = np.array([own @ other for other in table]).reshape(MAP_GRID)
            np.testing.assert_allclose(maps[name], by_loop, atol=1e-3)

    def test_absolute_ones_were_trained(self, embeddings: ModuleType) -> None:
        for name in ("learned", "factorised"):
            part = embeddings.trained_part(name)
            assert all(weights.std() > 0.05 for weights in part.parameters()), "N(0, 0.02²) is where they start"

    def test_it_draws_these(self, embeddings: ModuleType, maps: dict[str, np.ndarray]) -> None:
        figure = embeddings.position_encoding_types()
        order = [name for groups in embeddings.LINES for group in groups for name in embeddings.GROUPS[group]]
        assert [ax.get_xlabel() for ax in figure.axes] == order
        for ax in figure.axes:
            ((column, row),) = ax.lines[0].get_xydata()
            assert (row, column) == PLACE
        assert_equal(drawn(figure), [maps[name] for name in order])
