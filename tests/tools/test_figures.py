"""The vector figures: the arrays they draw, that these are what is drawn, and that drawing twice gives one file."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from einops import rearrange
from matplotlib.figure import Figure

from tools.lesson.definitions import load_definitions
from tools.run import drawings as figures
from tools.run.drawings import (
    ASKING,
    CENTRE,
    DEPTHS,
    DIM,
    FIGURES,
    GRID,
    GROUPS,
    LINES,
    MAP_GRID,
    MARKED,
    PATCH,
    PIXELS,
    PLACE,
    SIDE,
    SOFTNESS,
)
from tools.run.figures import FOLDER, write

NAMES = [(lesson, draw) for lesson, drawings in FIGURES.items() for draw in drawings]
ROWS, COLUMNS = MAP_GRID


@pytest.fixture(scope="module")
def lessons() -> dict[str, ModuleType]:
    return {name: load_definitions(name) for name in FIGURES}


@pytest.fixture(scope="module")
def fundamentals(lessons: dict[str, ModuleType]) -> ModuleType:
    return lessons["01_vit_fundamentals"]


@pytest.fixture(scope="module")
def embeddings(lessons: dict[str, ModuleType]) -> ModuleType:
    return lessons["02_patch_and_position_embeddings"]


@pytest.fixture(scope="module")
def image(embeddings: ModuleType) -> np.ndarray:
    return embeddings.to_image(embeddings.data.astronaut()[:300, 70:370], 224)[0].numpy()


@pytest.fixture(scope="module")
def embedding(embeddings: ModuleType) -> figures.Embedding:
    return figures.patch_embedding(embeddings)


@pytest.fixture(scope="module")
def story(embeddings: ModuleType) -> figures.ClassTokenStory:
    return figures.follow_cls(embeddings, figures.cls_model(embeddings))


@pytest.fixture(scope="module")
def maps(embeddings: ModuleType) -> dict[str, np.ndarray]:
    return figures.encoding_maps(embeddings)


@pytest.fixture(scope="module")
def attention(lessons: dict[str, ModuleType]) -> ModuleType:
    return lessons["03_attention"]


@pytest.fixture(scope="module")
def heads(attention: ModuleType) -> figures.Heads:
    return figures.follow_heads(attention, figures.finder(attention))


@pytest.fixture(scope="module")
def sights(attention: ModuleType) -> figures.Sights:
    return figures.sights(attention)


@pytest.fixture(scope="module")
def cost(attention: ModuleType) -> figures.Complexity:
    return figures.complexity(attention)


@pytest.fixture(scope="module")
def scores(attention: ModuleType) -> np.ndarray:
    """What the asking patch's scores are, in float64, by another way of cutting, (16, 16)."""
    photo = attention.CUP[0].double().numpy()
    patches = [np.split(row, SIDE, axis=2) for row in np.split(photo, SIDE, axis=1)]
    flat = np.array([[patch.flatten() for patch in row] for row in patches])
    flat = (flat - flat.mean(axis=-1, keepdims=True)) / np.sqrt(flat.var(axis=-1, keepdims=True) + 1e-5)
    return flat @ flat[ASKING] / 588**0.5 / SOFTNESS


@pytest.fixture(scope="module")
def swin(lessons: dict[str, ModuleType]) -> ModuleType:
    return lessons["05_swin"]


@pytest.fixture(scope="module")
def shifting(swin: ModuleType) -> figures.Shifting:
    return figures.shifting(swin)


@pytest.fixture(scope="module")
def parts(swin: ModuleType) -> dict[str, figures.Part]:
    return {part.name: part for part in figures.anatomy(swin)}


@pytest.fixture(scope="module")
def offsets() -> np.ndarray:
    """Rows and columns from each place to PLACE, (13, 13, 2)."""
    return np.array(PLACE) - np.stack(np.mgrid[:ROWS, :COLUMNS], axis=-1)


def drawn(figure: Figure) -> list[np.ndarray]:
    """The arrays of all pictures in a figure, in the order of drawing."""
    arrays = [np.asarray(image.get_array()) for ax in figure.axes for image in ax.images]
    figures.plt.close(figure)
    return arrays


def assert_equal(found: list[np.ndarray], wanted: list[np.ndarray]) -> None:
    for number, (one, other) in enumerate(zip(found, wanted, strict=True)):
        np.testing.assert_allclose(one, other, atol=1e-6, err_msg=f"picture {number}")


@pytest.mark.parametrize(("lesson", "draw"), NAMES, ids=lambda value: getattr(value, "__name__", ""))
class TestEveryFigure:
    def test_drawing_twice_gives_the_same_file(
        self, lessons: dict[str, ModuleType], tmp_path: Path, lesson: str, draw: Callable[[ModuleType], Figure]
    ) -> None:
        files = []
        for _ in range(2):
            write(draw(lessons[lesson]), tmp_path / "figure.svg")
            files.append((tmp_path / "figure.svg").read_bytes())
        assert files[0] == files[1]
        assert [path.name for path in tmp_path.iterdir()] == ["figure.svg"]

    def test_the_stored_figure_is_complete(
        self, lessons: dict[str, ModuleType], lesson: str, draw: Callable[[ModuleType], Figure]
    ) -> None:
        stored = (FOLDER / f"{draw.__name__}.svg").read_text(encoding="utf8")
        assert stored.count("<image") >= len(drawn(draw(lessons[lesson]))), "run `make figures`"
        assert "http://127" not in stored
        assert len(stored) < 200_000

    def test_it_fits_a_phone(
        self, lessons: dict[str, ModuleType], lesson: str, draw: Callable[[ModuleType], Figure]
    ) -> None:
        figure = draw(lessons[lesson])
        assert figure.get_figwidth() <= 4.6
        assert figure.get_facecolor() == (1, 1, 1, 1)
        sizes = {text.get_fontsize() for text in figure.findobj(figures.plt.Text) if text.get_text()}
        shrunk = 309 / (96 * figure.get_figwidth())  # of 360 pixels a page leaves 309 to a figure
        assert min(sizes) * shrunk >= (8 if lesson.startswith("01") else 9), "too small on a phone"
        figures.plt.close(figure)


def test_every_stored_figure_is_drawn_here() -> None:
    assert {path.stem for path in FOLDER.glob("*.svg")} == {draw.__name__ for _, draw in NAMES}


class TestInfluence:
    def test_it_reaches_what_theory_says(self, fundamentals: ModuleType) -> None:
        decades = figures.influence_decades(fundamentals)
        reached = {name: [int(np.isfinite(values).sum()) for values in maps] for name, maps in decades.items()}
        squares = [min(2 * depth + 1, GRID) ** 2 for depth in DEPTHS]
        assert reached == {"3 × 3 convolution": squares, "attention": [GRID**2] * len(DEPTHS)}

    def test_the_centre_is_where_the_figure_says(self, fundamentals: ModuleType) -> None:
        first = figures.influence_decades(fundamentals)["3 × 3 convolution"][0]
        rows, columns = np.nonzero(np.isfinite(first))
        assert (rows.mean() * GRID + columns.mean()) == CENTRE


class TestPatchEmbedding:
    def test_the_row_holds_the_marked_pixels(self, embedding: figures.Embedding, image: np.ndarray) -> None:
        top, left = 16 * PATCH[0], 16 * PATCH[1]
        pixels = image[:, top : top + 16, left : left + 16]
        np.testing.assert_array_equal(embedding.row, pixels.flatten())
        np.testing.assert_allclose(embedding.patch, (pixels.transpose(1, 2, 0) + 1) / 2, atol=1e-6)
        assert pixels.std() > 0.2, "a flat patch would show nothing"

    def test_the_photograph_is_the_one_that_was_cut(self, embedding: figures.Embedding, image: np.ndarray) -> None:
        def means(picture: np.ndarray) -> np.ndarray:
            return rearrange(picture, "(h p) (w q) c -> h w c p q", h=14, w=14).mean(axis=(-1, -2))

        np.testing.assert_allclose(means(embedding.photo), means((image.transpose(1, 2, 0) + 1) / 2), atol=0.02)

    def test_every_token_is_the_matrix_times_its_row(self, embedding: figures.Embedding, image: np.ndarray) -> None:
        assert embedding.matrix.shape == (DIM, 768)
        assert embedding.tokens.shape == (196, DIM)
        for index, token in enumerate(embedding.tokens):
            row, column = divmod(index, 14)
            pixels = image[:, 16 * row : 16 * row + 16, 16 * column : 16 * column + 16].flatten()
            np.testing.assert_allclose(token, [line @ pixels for line in embedding.matrix], atol=1e-4)
        np.testing.assert_allclose(embedding.tokens[embedding.index], embedding.matrix @ embedding.row, atol=1e-4)

    def test_the_strip_keeps_each_number_in_its_colour(self, embedding: figures.Embedding) -> None:
        strip = figures.painted(embedding.row)[0]
        np.testing.assert_allclose(strip.sum(axis=1), (embedding.row + 1) / 2)
        for channel, third in enumerate(np.split(strip, 3)):
            assert not np.delete(third, channel, axis=1).any()

    def test_it_draws_these(self, embeddings: ModuleType, embedding: figures.Embedding) -> None:
        e, token = embedding, embedding.tokens[embedding.index]
        figure = figures.patch_embedding_process(embeddings)
        photo, _, strip, _, last, tokens = figure.axes
        marks = [box.get_bbox() for box in (photo.patches[0], tokens.patches[0])]
        assert [marks[0].y0 / 16, marks[0].x0 / 16] == list(PATCH)
        assert (marks[1].x0 + marks[1].x1) / 2 == e.index
        assert [text.get_text() for text in last.texts] == [figures.signed(value) for value in token]
        assert f"{e.row[0]:.2f}" in strip.get_title()
        assert_equal(drawn(figure), [e.photo, e.patch, figures.painted(e.row), e.matrix, token[:, None], e.tokens.T])


class TestClassToken:
    def test_it_begins_alike_and_ends_apart(self, story: figures.ClassTokenStory) -> None:
        assert story.before.shape == story.after.shape == (4, 17, 48)
        assert np.ptp(story.before[:, 0], axis=0).max() == 0
        assert np.abs(story.before[:, 0]).max() > 0, "training should have moved it from zero"
        for one, other in itertools.combinations(range(4), 2):
            assert np.abs(story.before[one, 1:] - story.before[other, 1:]).max() > 0.1
            assert np.abs(story.after[one, 0] - story.after[other, 0]).max() > 0.5

    def test_it_begins_as_the_learned_vector(self, embeddings: ModuleType, story: figures.ClassTokenStory) -> None:
        learned = figures.cls_model(embeddings).pooling.cls.detach().numpy()
        np.testing.assert_array_equal(story.before[:, 0], np.repeat(learned[0], 4, axis=0))

    @torch.no_grad()
    def test_the_weights_are_those_that_attention_uses(self, embeddings: ModuleType) -> None:
        attention = figures.cls_model(embeddings).blocks[-1].attn
        x = torch.randn(2, 17, 48, generator=embeddings.rng(0))
        weights = figures.attention_of_first(attention, x)  # (B, h, N)
        values = rearrange(attention.qkv(x), "b n (t h d) -> t b h n d", t=3, h=3)[2]
        mixed = torch.einsum("b h n, b h n d -> b h d", weights, values)
        torch.testing.assert_close(attention.out(mixed.flatten(1)), attention(x, (4, 4))[:, 0])

    @torch.no_grad()
    def test_the_weights_are_of_the_last_block(self, embeddings: ModuleType, story: figures.ClassTokenStory) -> None:
        model, inputs = figures.cls_model(embeddings), []
        hook = model.blocks[-1].attn.register_forward_pre_hook(lambda _, given: inputs.append(given[0]))
        model(embeddings.IMAGES[list(figures.DIGITS)])
        hook.remove()
        expected = figures.attention_of_first(model.blocks[-1].attn, inputs[0]).mean(dim=1)
        np.testing.assert_allclose(story.attention, expected, atol=1e-5)
        np.testing.assert_allclose(story.attention.sum(axis=1), 1, atol=1e-5)
        assert story.attention[:, 1:].max() > 2 / 17, "it should prefer some patches"

    def test_only_it_is_read(self, embeddings: ModuleType, story: figures.ClassTokenStory) -> None:
        head = figures.cls_model(embeddings).head
        read = story.after[:, 0] @ head.weight.detach().numpy().T + head.bias.detach().numpy()
        np.testing.assert_allclose(read, story.logits, atol=1e-4)
        assert story.logits.argmax(axis=1).tolist() == story.labels.tolist() == [0, 1, 2, 3]

    def test_it_draws_these(self, embeddings: ModuleType, story: figures.ClassTokenStory) -> None:
        figure = figures.cls_token_explained(embeddings)
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
        assert sorted(itertools.chain(*GROUPS.values())) == sorted(embeddings.PARTS)
        assert sorted(itertools.chain(*LINES)) == sorted(GROUPS)
        x = torch.ones(1, 3, 169, 16)
        acts = {
            "added to the tokens": lambda part: part.add(MAP_GRID).ndim > 0,
            "added to the scores": lambda part: part.bias(MAP_GRID).ndim > 0,
            "turn queries and keys": lambda part: not torch.equal(part.turn(x, MAP_GRID), x),
        }
        for group, names in GROUPS.items():
            for name in names:
                part = figures.trained_part(embeddings, name)
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
        omega = figures.trained_part(embeddings, "RoPE, mixed").omega[0].detach().numpy()  # (d/2, 2), of the first head
        np.testing.assert_allclose(maps["RoPE, mixed"], 2 * np.cos(offsets @ omega.T).sum(axis=-1), atol=1e-3)

    def test_a_relative_bias_is_read_from_its_table(
        self, embeddings: ModuleType, maps: dict[str, np.ndarray], offsets: np.ndarray
    ) -> None:
        table = figures.trained_part(embeddings, "relative bias").table.detach()
        stretched = embeddings.resize_table(table, (7, 7), (25, 25))[0, :, 0].reshape(25, 25)
        for row, column in np.ndindex(MAP_GRID):
            down, right = offsets[row, column] + 12
            assert maps["relative bias"][row, column] == pytest.approx(stretched[down, right].item(), abs=1e-5)

    def test_a_continuous_bias_is_computed_from_the_offset(
        self, embeddings: ModuleType, maps: dict[str, np.ndarray], offsets: np.ndarray
    ) -> None:
        part = figures.trained_part(embeddings, "continuous bias")
        first, shift, second = (w.detach().numpy() for w in (part.fc1.weight, part.fc1.bias, part.fc2.weight[0]))
        scaled = 8 * offsets * (4 / 13) / 3  # the new places lie between the old; 3 is the largest old offset
        spaced = np.sign(scaled) * np.log2(1 + np.abs(scaled)) / 3
        bias = 16 / (1 + np.exp(-np.maximum(spaced @ first.T + shift, 0) @ second))
        np.testing.assert_allclose(maps["continuous bias"], bias, atol=1e-3)

    def test_tables_are_multiplied_row_by_row(self, embeddings: ModuleType, maps: dict[str, np.ndarray]) -> None:
        for name in ("learned", "factorised"):
            table = figures.trained_part(embeddings, name).add(MAP_GRID).detach().numpy()
            own = table[PLACE[0] * COLUMNS + PLACE[1]]
            by_loop = np.array([own @ other for other in table]).reshape(MAP_GRID)
            np.testing.assert_allclose(maps[name], by_loop, atol=1e-3)

    def test_absolute_ones_were_trained(self, embeddings: ModuleType) -> None:
        for name in ("learned", "factorised"):
            part = figures.trained_part(embeddings, name)
            assert all(weights.std() > 0.05 for weights in part.parameters()), "N(0, 0.02²) is where they start"

    def test_it_draws_these(self, embeddings: ModuleType, maps: dict[str, np.ndarray]) -> None:
        figure = figures.position_encoding_types(embeddings)
        order = [name for groups in LINES for group in groups for name in GROUPS[group]]
        assert [ax.get_xlabel() for ax in figure.axes] == order
        for ax in figure.axes:
            ((column, row),) = ax.lines[0].get_xydata()
            assert (row, column) == PLACE
        assert_equal(drawn(figure), [maps[name] for name in order])


class TestComplexity:
    def test_it_is_what_torch_counts(self, attention: ModuleType, cost: figures.Complexity) -> None:
        with torch.device("meta"):  # shapes without numbers
            layer = attention.Layer(768, 12)
            for i in range(0, len(PIXELS), 11):
                x = torch.empty(1, int(cost.tokens[i]), 768)
                alone = [attention.counted(part, x) for part in (layer.attn.qkv, layer.attn.out, layer.mlp)]
                assert cost.linear[i] == sum(alone)
                assert cost.linear[i] + cost.quadratic[i] == attention.counted(layer, x)
                assert cost.weights[i] == layer.attn.weights.numel() * layer.attn.weights.element_size()

    def test_sizes_are_those_of_the_lesson(self, cost: figures.Complexity) -> None:
        found = dict(zip(cost.pixels.tolist(), cost.tokens.tolist(), strict=True))
        assert [found[pixels] for pixels in MARKED] == [14**2 + 1, 32**2 + 1, 48**2 + 1, 64**2 + 1]

    def test_the_parts_are_equal_at_six_times_the_width(self, cost: figures.Complexity) -> None:
        assert cost.crossover == pytest.approx(16 * (6 * 768 - 1) ** 0.5)
        assert (np.sign(cost.quadratic - cost.linear) == np.sign(cost.pixels - cost.crossover)).all()

    def test_it_draws_these(self, attention: ModuleType, cost: figures.Complexity) -> None:
        figure = figures.attention_complexity(attention)
        macs, memory = figure.axes
        linear, quadratic, point, _ = (line.get_xydata().T for line in macs.lines)
        np.testing.assert_allclose(linear, [cost.pixels, cost.linear / 1e9])
        np.testing.assert_allclose(quadratic, [cost.pixels, cost.quadratic / 1e9])
        assert point[0] == cost.crossover
        assert point[1] == pytest.approx(12 * 6 * 768**3 / 1e9, rel=1e-3)
        np.testing.assert_allclose(memory.lines[0].get_xydata().T, [cost.pixels, cost.weights / 2**20])
        assert [text.get_text() for text in memory.texts] == ["1.8", "48", "243", "768"]
        assert memory.get_xticklabels()[0].get_text() == "224\n197"
        figures.plt.close(figure)

    def test_the_stored_curves_are_these(self, attention: ModuleType, tmp_path: Path) -> None:
        write(figures.attention_complexity(attention), tmp_path / "attention_complexity.svg")
        stored, fresh = (
            re.findall(r' d="([^"]*)"', (folder / "attention_complexity.svg").read_text(encoding="utf8"))
            for folder in (FOLDER, tmp_path)
        )
        assert stored == fresh, "run `make figures`"


class TestHeads:
    @torch.no_grad()
    def test_every_step_follows_from_the_one_before(self, attention: ModuleType, heads: figures.Heads) -> None:
        layer = figures.finder(attention).layers[0].attn
        matrices = np.split(layer.qkv.weight.numpy(), 3), np.split(layer.qkv.bias.numpy(), 3)
        for t, (weight, bias) in enumerate(zip(*matrices, strict=True)):
            np.testing.assert_allclose(heads.qkv[t], heads.tokens @ weight.T + bias, atol=1e-12)
        for head in range(4):
            q, k, v = heads.qkv[:, :, 8 * head : 8 * head + 8]
            scores = np.exp(q @ k.T / 8**0.5)
            np.testing.assert_allclose(heads.weights[head], scores / scores.sum(axis=1, keepdims=True), atol=1e-12)
            np.testing.assert_allclose(heads.mixed[head], heads.weights[head] @ v, atol=1e-12)
            np.testing.assert_array_equal(heads.joined[:, 8 * head : 8 * head + 8], heads.mixed[head])
        np.testing.assert_allclose(heads.out, heads.joined @ layer.out.weight.numpy().T + layer.out.bias.numpy())

    @torch.no_grad()
    def test_it_is_what_the_model_did(self, attention: ModuleType, heads: figures.Heads) -> None:
        model = figures.finder(attention)
        images, labels, odd = attention.odd_images(100, seed=9)
        logits = model(images[:1].double())
        np.testing.assert_allclose(heads.weights, model.layers[0].attn.weights[0], atol=1e-12)
        assert logits.argmax() == labels[0]
        assert heads.odd == odd[0] + 1
        np.testing.assert_array_equal(heads.picture, images[0, 0])
        patches = rearrange(heads.picture, "(h p) (w q) -> (h w) (p q)", p=4, q=4)
        assert patches.mean(axis=1).argmin() == heads.odd - 1, "the marked patch is the dark one"
        stream = model.patch(torch.from_numpy(patches).double()) + model.pos[0, 1:]
        np.testing.assert_allclose(heads.tokens[1:], model.layers[0].norm1(stream), atol=1e-12)

    def test_the_caption_is_true(self, heads: figures.Heads) -> None:
        strongest = [np.unravel_index(weights.argmax(), weights.shape) for weights in heads.weights]
        assert strongest[:3] == [(heads.odd, heads.odd), (heads.odd, heads.odd), (0, heads.odd)]
        others = np.delete(heads.weights[3], heads.odd, axis=0)
        assert (others.argmax(axis=1) == heads.odd).mean() > 0.7, "most others look at it, too"

    def test_it_draws_these(self, attention: ModuleType, heads: figures.Heads) -> None:
        figure = figures.multi_head_attention(attention)
        titles = [ax.get_title() for ax in figure.axes]
        assert titles[1:5] == ["tokens x, 26 × 32", "q, 26 × 32", "k, 26 × 32", "v, 26 × 32"]
        ((x, y),) = [patch.get_xy() for patch in figure.axes[0].patches]
        assert 5 * y + x + 1 == heads.odd
        said = " ".join(text.get_text() for text in figure.texts)
        assert "4 heads of width 8: softmax(q kᵀ / √8)" in said
        assert "4 times 26 × 8" in said
        pairs = itertools.chain(*zip(heads.weights, heads.mixed, strict=True))
        assert_equal(drawn(figure), [heads.picture, heads.tokens, *heads.qkv, *pairs, heads.joined, heads.out])


class TestSights:
    def test_each_kind_sees_whom_it_says(self, sights: figures.Sights, scores: np.ndarray) -> None:
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

    def test_the_window_cuts_off_a_neighbour_that_looks_alike(self, sights: figures.Sights) -> None:
        above = ASKING[0] - 1, ASKING[1]
        assert np.isnan(sights.weights["window 4 × 4"][above])
        assert np.isfinite(sights.weights["top 16"][above])

    def test_the_best_lie_on_both_sides(self, sights: figures.Sights) -> None:
        columns = np.nonzero(np.isfinite(sights.weights["top 16"]))[1]
        assert columns.min() < 4
        assert columns.max() > 11

    def test_the_counts_follow_the_formulas(self, sights: figures.Sights) -> None:
        n, d = 256, 588
        expected = [2 * n * n * d, 2 * 16 * n * d, 2 * 9 * n * d, n * n * d + 16 * n * d]
        assert list(sights.macs.values()) == expected

    def test_neighbours_by_gathering_are_neighbours_by_mask(self, attention: ModuleType) -> None:
        q, k, v = torch.randn(3, SIDE * SIDE, 5, generator=attention.rng(0), dtype=torch.float64)
        places = torch.cartesian_prod(torch.arange(SIDE), torch.arange(SIDE))
        mask = (places[:, None] - places).abs().amax(dim=-1) <= 1
        torch.testing.assert_close(figures.near_attend(attention, q, k, v), attention.attend(q, k, v, mask)[0])

    def test_it_draws_these(self, attention: ModuleType, sights: figures.Sights) -> None:
        figure = figures.window_vs_global_attention(attention)
        photo, bar, *panels = figure.axes
        for ax in (photo, *panels):
            assert {(mark.get_y() + 0.5, mark.get_x() + 0.5) for mark in ax.patches} == {ASKING}
        assert [ax.get_title() for ax in panels] == list(sights.weights)
        seen = [ax.get_xlabel() for ax in panels]
        assert seen[0] == "256 seen, 77.1 M MACs"
        assert seen[1:] == ["16 seen, 4.8 M MACs", "9 seen, 2.7 M MACs", "16 seen, 40.9 M MACs"]
        pixels = rearrange((attention.CUP[0].clamp(-1, 1) + 1) / 2, "c (h p) (w q) -> h w c (p q)", p=2, q=2).mean(-1)
        assert len(bar.images) == 1
        found = drawn(figure)
        assert_equal([found[0], *found[2:]], [pixels.numpy(), *sights.weights.values()])


class TestShifting:
    def test_pieces_are_what_the_shifted_windows_cut(self, shifting: figures.Shifting) -> None:
        bands = [
            [slice(2, 6), slice(6, 8), slice(0, 2)]
        ] * 2  # the whole window first, then what stays, then what comes
        expected = np.full((8, 8), -1)
        for label, (rows, columns) in enumerate(itertools.product(*bands)):
            expected[rows, columns] = label
        np.testing.assert_array_equal(shifting.pieces, expected)

    def test_rolling_moves_tokens_two_up_and_two_to_the_left(self, shifting: figures.Shifting) -> None:
        for row, column in np.ndindex(8, 8):
            from_row, from_column = (row + 2) % 8, (column + 2) % 8
            assert shifting.rolled[row, column] == shifting.pieces[from_row, from_column]
            window = 2 * (row // 4) + column // 4
            assert shifting.windows[row, column] == window
            assert shifting.pieces_window[from_row, from_column] == window

    def test_the_mask_allows_whom_old_places_allow(self, shifting: figures.Shifting) -> None:
        rolled = [(row, column) for row in range(4, 8) for column in range(4, 8)]
        old = [((row + 2) % 8, (column + 2) % 8) for row, column in rolled]
        for i, j in np.ndindex(16, 16):
            near = all(a - b == c - d for a, b, c, d in zip(old[i], old[j], rolled[i], rolled[j], strict=True))
            assert shifting.mask[i, j] == near
        assert shifting.members.tolist() == [shifting.pieces[place] for place in old]
        assert shifting.mask.sum() == 4 * 4**2, "four strangers, four tokens each"

    def test_a_block_does_what_is_drawn(self, swin: ModuleType, shifting: figures.Shifting) -> None:
        block = swin.jitter(swin.initialise(swin.SwinBlock(8, 2, 4, shift=2)))
        for row, column in itertools.product((0, 3, 7), repeat=2):
            seen = swin.depends_on(block.mix, 8, row, column).numpy()
            np.testing.assert_array_equal(seen, shifting.pieces == shifting.pieces[row, column])

    def test_it_draws_these(self, swin: ModuleType, shifting: figures.Shifting) -> None:
        figure = figures.shifted_windows(swin)
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

    def test_every_stage_is_what_the_formulas_say(self, parts: dict[str, figures.Part]) -> None:
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

    def test_the_parts_are_the_whole_model(self, swin: ModuleType, parts: dict[str, figures.Part]) -> None:
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
            seen = [int(swin.depends_on(block.mix, side, 0, 0, width).sum()) for block in stage[:2]]
            assert set(seen) <= {9, 49}
            found.append([count == 9 for count in seen] * (len(stage) // 2))
        assert figures.shifts(swin) == found
        assert sum(map(sum, found)) == 5

    def test_it_draws_these(self, swin: ModuleType, parts: dict[str, figures.Part]) -> None:
        figure = figures.swin_architecture(swin)
        said = [text.get_text() for text in figure.texts]
        for number, (width, side) in enumerate(zip(self.WIDTHS, self.SIDES, strict=True), 1):
            first = said.index(f"stage {number}, stride {224 // side}")
            assert said[first - 1] == figures.held_and_done(parts[f"merging {number}" if number > 1 else "stem"])
            assert said[first + 1] == f"{side} × {side} tokens of {width}"
            letters = [letter for letter in said[first + 2 :] if letter in "WS"][: self.DEPTHS[number - 1]]
            depth = len(letters)
            assert (
                said[first + 2 : first + 2 + depth]
                == letters
                == (["W", "S"] if number < 4 else ["W", "W"]) * (depth // 2)
            )
            assert said[first + 2 + depth] == f"{self.HEADS[number - 1]} heads"
            assert said[first + 3 + depth] == figures.held_and_done(parts[f"stage {number}"])
        assert "merge 2 × 2: 1,536 → 768" in said
        assert figures.held_and_done(parts["stage 3"]) == "10.66 M params, 2,125 M MACs"
        assert figures.held_and_done(parts["stem"]) == "4.9 k params, 14 M MACs"
        assert said[-1] == "Swin-T: 28,288,354 params, 4.49 GMACs"
        for ax, side in zip(figure.axes[1:], self.SIDES, strict=True):
            assert {line.get_xdata()[0] for line in ax.lines} == set(range(0, side + 1, 7)), "windows of 7"
        picture = (swin.to_image(swin.data.coffee(), 224)[0].double().clamp(-1, 1) + 1) / 2
        strides = (2, 4, 8, 16, 32)
        means = [rearrange(picture, "c (h p) (w q) -> h w c (p q)", p=s, q=s).mean(dim=-1).numpy() for s in strides]
        assert_equal(drawn(figure), means)


@pytest.mark.parametrize("draw", FIGURES["05_swin"], ids=lambda draw: draw.__name__)
def test_what_is_stored_of_swin_is_what_is_drawn(
    swin: ModuleType, tmp_path: Path, draw: Callable[[ModuleType], Figure]
) -> None:
    """The lines and the words; drawn text keeps its words as comments."""
    name = f"{draw.__name__}.svg"
    write(draw(swin), tmp_path / name)
    stored, fresh = (
        re.findall(r' d="([^"]*)"|<!-- (.*?) -->', (folder / name).read_text(encoding="utf8"))
        for folder in (FOLDER, tmp_path)
    )
    assert stored == fresh, "run `make figures`"
    assert len([words for _, words in fresh if words]) > 20
