"""Lesson 2's parts beside their references, one case each, and the one place where names and orders are translated.

A case is a pair of modules and how each is called. A part that has no input of its own, such as a bias on the scores,
multiplies one; a function without parameters is called through an empty module. So one harness judges all of them.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from types import ModuleType
from typing import Any
from unittest import mock

import torch
from torch import Tensor, nn

from tests.parity.harness import (
    FLOAT64_ATOL,
    Forward,
    assert_every_parameter_matters,
    compare,
    copy_parameters,
    count,
    generator,
    largest_difference,
    logits,
    randomise,
    reference,
    translate,
)
from tests.shared.exercises import exercises
from tools.lesson.definitions import load_definitions, run_cell
from tools.lesson.read import find_lesson, read_lesson

LESSON = "02_patch_and_position_embeddings"
GRID = (3, 5)  # oblong, so that rows and columns cannot be confused
DIM, HEADS = 24, 3
HEAD_DIM = DIM // HEADS
Named = Mapping[str, Tensor]
norm_layer = partial(nn.LayerNorm, eps=1e-6)


def lesson_and_solutions() -> ModuleType:
    """The lesson's definitions and, beside them, what its exercises ask for."""
    lesson = load_definitions(LESSON)
    for exercise in exercises(read_lesson(find_lesson(LESSON))):
        run_cell(exercise.solution, lesson, f"<{LESSON}: solution {exercise.name}>")
    return lesson


def unchanged(parameters: Named) -> dict[str, Tensor]:
    return dict(parameters)


@dataclass(frozen=True)
class Case:
    """A part of the lesson and a published implementation. `names` brings the reference's parameters into ours."""

    mine: nn.Module
    theirs: nn.Module
    inputs: Tensor
    names: Callable[[Named], dict[str, Tensor]] = unchanged
    mine_forward: Forward = logits
    theirs_forward: Forward = logits
    silent: frozenset[str] = frozenset()  # parameters that, rightly, change nothing

    def check(self, damage: Callable[[Case], Case] = lambda case: case) -> None:
        """Outputs, input gradients and parameter gradients agree, all parameters drawn afresh.

        `damage` alters the reference once its parameters have been copied.
        """
        randomise(self.theirs, seed=1)
        if count(self.theirs):
            assert_every_parameter_matters(self.theirs, self.inputs, self.theirs_forward, self.silent)
        copy_parameters(self.mine, self.names(dict(self.theirs.named_parameters())))
        case = damage(self)
        forwards = {"mine_forward": case.mine_forward, "theirs_forward": case.theirs_forward}
        compare(case.mine, case.theirs, case.inputs, **forwards)
        if count(self.theirs):
            case._compare_parameter_gradients()

    def _compare_parameter_gradients(self) -> None:
        got = self._gradients(self.mine, self.mine_forward)
        wanted = self.names(self._gradients(self.theirs, self.theirs_forward))
        assert got.keys() == wanted.keys()
        for name in got:
            gap = largest_difference(got[name], wanted[name])
            assert gap <= FLOAT64_ATOL, f"gradients of {name} differ by {gap:.1e}, allowed {FLOAT64_ATOL:.0e}"

    def _gradients(self, module: nn.Module, forward: Forward) -> dict[str, Tensor]:
        module = copy.deepcopy(module).double().eval()
        output = forward(module, self.inputs.double())
        output.backward(torch.randn(output.shape, generator=generator(98), dtype=torch.float64))
        return {n: torch.zeros_like(p) if p.grad is None else p.grad for n, p in module.named_parameters()}


class Nothing(nn.Module):
    """A place for functions that have no parameters."""


def renamed(*pairs: tuple[str, str]) -> Callable[[Named], dict[str, Tensor]]:
    """Other names for the same parameters; pairs of (theirs, ours), replaced in this order."""

    def rename(name: str) -> str:
        for theirs, ours in pairs:
            name = name.replace(theirs, ours)
        return name

    return lambda parameters: translate(parameters, rename)


def tensor(*shape: int, seed: int = 7) -> Tensor:
    return torch.randn(shape, generator=generator(seed), dtype=torch.float64)


def tokens(grid: tuple[int, int] = GRID) -> Tensor:
    return tensor(2, grid[0] * grid[1], DIM)


def frequencies(count: int, base: float) -> Tensor:
    """What `frequencies` of the lesson should be, in float64 and by another formula."""
    return torch.logspace(0, -1 + 1 / count, count, base=base, dtype=torch.float64)


# Patches.


def patch_embedding(lesson: ModuleType) -> Case:
    """The lesson's matrix (D, C·P·P) is the kernel (D, C, P, P) of a convolution in steps of P."""

    def flat(parameters: Named) -> dict[str, Tensor]:
        return {f"proj.{n}": t.reshape(len(t), -1) if n == "weight" else t for n, t in parameters.items()}

    return Case(
        lesson.PatchEmbedding(3, 4, DIM),
        nn.Conv2d(3, DIM, 4, stride=4),
        tensor(2, 3, 12, 20),
        flat,
        theirs_forward=lambda conv, images: conv(images).flatten(2).mT,
    )


def patchify(lesson: ModuleType) -> Case:
    return Case(
        Nothing(),
        nn.Unfold(4, stride=4),
        tensor(2, 3, 12, 20),
        mine_forward=lambda _, images: lesson.patchify(images, 4),
        theirs_forward=lambda unfold, images: unfold(images).mT,
    )


def unpatchify(lesson: ModuleType) -> Case:
    return Case(
        Nothing(),
        nn.Fold((12, 20), 4, stride=4),
        tensor(2, 15, 48),
        mine_forward=lambda _, patches: lesson.unpatchify(patches, 4, 12, 20),
        theirs_forward=lambda fold, patches: fold(patches.mT),
    )


def reassemble(lesson: ModuleType) -> Case:
    """Exercise 2.1: torch's own folding, then the margin cut off."""
    return Case(
        Nothing(),
        nn.Fold((12, 20), 4, stride=4),
        tensor(2, 15, 48),
        mine_forward=lambda _, patches: lesson.reassemble(patches, 4, 10, 17),
        theirs_forward=lambda fold, patches: fold(patches.mT)[..., :10, :17],
    )


# Tables of positions on another grid.


class Interpolation(nn.Module):
    """Separable interpolation as two matrices, (new, old) each, written from the kernels' definitions.

    Pixel i of the new row lies at (i + ½)·old/new − ½ of the old one; beyond the border the border's value counts.
    Bicubic: Keys' kernel with a = −¾, as OpenCV and torch take it (Keys himself prefers −½).
    """

    def __init__(self, mode: str, old: tuple[int, int], new: tuple[int, int], a: float = -0.75):
        super().__init__()
        self.mode, self.old, self.new, self.a = mode, old, new, a
        self.corners = False

    def kernel(self, x: float) -> float:
        x, a = abs(x), self.a
        if self.mode == "bilinear":
            return max(0.0, 1 - x)
        if x <= 1:
            return (a + 2) * x**3 - (a + 3) * x**2 + 1
        return a * x**3 - 5 * a * x**2 + 8 * a * x - 4 * a if x < 2 else 0.0

    def matrix(self, old: int, new: int) -> Tensor:
        weights = torch.zeros(new, old, dtype=torch.float64)
        for i in range(new):
            at = i * (old - 1) / (new - 1) if self.corners else (i + 0.5) * old / new - 0.5
            for j in range(-3, old + 3):
                weights[i, min(max(j, 0), old - 1)] += self.kernel(at - j)
        return weights

    def forward(self, table: Tensor) -> Tensor:
        rows, columns = (self.matrix(o, n).to(table) for o, n in zip(self.old, self.new, strict=True))
        grid = table.unflatten(1, self.old)
        return torch.einsum("yh,xw,bhwd->byxd", rows, columns, grid).flatten(1, 2)


def resized_table(lesson: ModuleType, mode: str = "bicubic", new: tuple[int, int] = (5, 7)) -> Case:
    return Case(
        Nothing(),
        Interpolation(mode, GRID, new),
        tensor(2, 15, 6),
        mine_forward=lambda _, table: lesson.resize_table(table, GRID, new, mode),
    )


def learned(lesson: ModuleType) -> Case:
    """`Learned` on a larger grid; the table is a parameter here, so its gradient is compared, too."""
    theirs = Interpolation("bicubic", GRID, (5, 7))
    theirs.pos = nn.Parameter(torch.empty(1, 15, DIM))
    return Case(
        lesson.Learned(GRID, DIM),
        theirs,
        tensor(35, DIM),
        mine_forward=lambda part, x: x * part.add((5, 7)),
        theirs_forward=lambda part, x: x * part(part.pos)[0],
    )


def resized_with_extra(lesson: ModuleType) -> Case:
    """Exercise 2.3."""
    return Case(
        Nothing(),
        Interpolation("bicubic", GRID, (2, 8)),
        tensor(1, 5 + 15, 6),
        mine_forward=lambda _, pos: lesson.resize_with_extra(pos, GRID, (2, 8), 5),
        theirs_forward=lambda resize, pos: torch.cat([pos[:, :5], resize(pos[:, 5:])], dim=1),
    )


# Fixed sines and cosines.


def sine_cosine(lesson: ModuleType, base: float = 10000.0) -> Case:
    """transformers' MAE, which computes in float64."""
    build = reference("transformers.models.vit_mae.modeling_vit_mae").build_2d_sinusoidal_position_embedding

    return Case(
        lesson.SineCosine((2, 2), DIM, base),
        Nothing(),
        tensor(15, DIM),
        mine_forward=lambda part, x: x * part.add(GRID),
        theirs_forward=lambda _, x: x * build(*GRID, embed_dim=DIM, temperature=base, dtype=x.dtype),
    )


# timm's default order of features is sin row, sin column, cos row, cos column, a quarter of D each. Ours is sin row,
# cos row, sin column, cos column: timm's with `interleave_sin_cos=True`.
TIMM_QUARTERS = (0, 2, 1, 3)


def reorder(table: Tensor, quarters: tuple[int, ...]) -> Tensor:
    """The columns of our table (N, D) in another order of quarters."""
    parts = table.chunk(4, dim=1)
    return torch.cat([parts[i] for i in quarters], dim=1)


# Biases on the scores.

BIAS_TABLE = ("relative_position_bias_table", "table")


def bias_names(parameters: Named) -> dict[str, Tensor]:
    """The references' tables are ((2H−1)(2W−1), h); ours has a leading 1, as every table has."""
    return {n: t[None] if n.endswith("table") else t for n, t in renamed(BIAS_TABLE)(parameters).items()}


def relative_bias(lesson: ModuleType) -> Case:
    return Case(
        lesson.RelativeBias(GRID, HEADS),
        reference("timm.layers").RelPosBias(GRID, HEADS),
        tensor(HEADS, 15, 15),
        bias_names,
        mine_forward=lambda part, x: x * part.bias(GRID),
        theirs_forward=lambda part, x: x * part.get_bias()[0],
    )


def relative_bias_of_transformers(lesson: ModuleType) -> Case:
    bias = reference("transformers.models.swin.modeling_swin").SwinRelativePositionBias
    return Case(
        lesson.RelativeBias(GRID, HEADS),
        bias(HEADS, GRID),
        tensor(HEADS, 15, 15),
        bias_names,
        mine_forward=lambda part, x: x * part.bias(GRID),
        theirs_forward=lambda part, x: x * part()[0],
    )


def stretched_relative_bias(lesson: ModuleType) -> Case:
    """A 3 × 3 window's table on a 5 × 5 window, by timm's plain bicubic stretching, read by timm's index of 5 × 5."""
    layers = reference("timm.layers.pos_embed_rel")
    index = layers.gen_relative_position_index((5, 5))

    def theirs(part: nn.Module, x: Tensor) -> Tensor:
        table = layers.resize_rel_pos_bias_table_simple(part.relative_position_bias_table, (5, 5), (81, HEADS))
        return x * table[index].permute(2, 0, 1)

    return Case(
        lesson.RelativeBias((3, 3), HEADS),
        layers.RelPosBias((3, 3), HEADS),
        tensor(HEADS, 25, 25),
        bias_names,
        mine_forward=lambda part, x: x * part.bias((5, 5)),
        theirs_forward=theirs,
    )


def log_offsets(window: tuple[int, int], trained: tuple[int, int]) -> Tensor:
    """Swin V2's coordinates, (1, 2H−1, 2W−1, 2), in float64; both libraries compute theirs in float32."""
    sides = (torch.arange(1 - n, n, dtype=torch.float64) for n in window)
    offsets = 8 * torch.stack(torch.meshgrid(*sides, indexing="ij"), dim=-1)[None] / (torch.tensor(trained) - 1)
    return offsets.sign() * offsets.abs().log1p() / math.log(8)


def only_the_bias(layer: nn.Module, network: str) -> nn.Module:
    """An attention layer whose parameters, those of the bias network apart, are zeros and no parameters any more.

    Queries and keys of zero have no direction: the scores are the bias alone.
    """
    for path, module in list(layer.named_modules()):
        if not path.startswith(network):
            for name, parameter in list(module.named_parameters(recurse=False)):
                delattr(module, name)
                module.register_buffer(name, torch.zeros_like(parameter))
    return layer


def scores(layer: nn.Module, n: int, dtype: torch.dtype) -> Tensor:
    """What an attention layer puts into softmax for n tokens, (h, n, n); the layer runs as it is."""
    softmax, seen = nn.functional.softmax, []

    def spy(given: Tensor, *args: Any, **options: Any) -> Tensor:
        seen.append(given)
        return softmax(given, *args, **options)

    with mock.patch.object(nn.functional, "softmax", spy):
        layer(torch.zeros(1, n, DIM, dtype=dtype))
    (only,) = seen
    return only[0]


def continuous_bias(lesson: ModuleType, library: str, window: tuple = GRID, trained: tuple = GRID) -> Case:
    """Swin V2's bias on a window, the network's coordinates scaled by those of the window it was trained on."""
    size, n = (0, 0) if trained == window else trained, window[0] * window[1]
    if library == "timm":
        network = "cpb_mlp"
        attention = reference("timm.models.swin_transformer_v2").WindowAttention
        theirs = attention(DIM, window, HEADS, pretrained_window_size=size)
    else:
        network = "continuous_position_bias_mlp"
        modelling = reference("transformers.models.swinv2.modeling_swinv2")
        theirs = modelling.Swinv2SelfAttention(modelling.Swinv2Config(), DIM, HEADS, window, size)

    def theirs_forward(layer: nn.Module, x: Tensor) -> Tensor:
        exact = log_offsets(window, trained)
        torch.testing.assert_close(layer.relative_coords_table.double(), exact, atol=1e-6, rtol=0)
        layer.relative_coords_table = exact.to(x)  # the same numbers, to the precision of the comparison
        return x * scores(layer, n, x.dtype)

    return Case(
        lesson.ContinuousBias(trained, HEADS, hidden=512),
        only_the_bias(theirs, network),
        tensor(HEADS, n, n),
        renamed((f"{network}.0", "fc1"), (f"{network}.2", "fc2")),
        lambda part, x: x * part.bias(window),
        theirs_forward,
    )


# Rotations.


def rotate(lesson: ModuleType) -> Case:
    """timm turns pairs (0, 1), (2, 3), … too, and wants every sine and cosine twice."""
    turn, angles = reference("timm.layers").apply_rot_embed, 3 * tensor(HEADS, 15, HEAD_DIM // 2, seed=8)

    def theirs(_: nn.Module, x: Tensor) -> Tensor:
        each = angles.to(x).repeat_interleave(2, dim=-1)
        return turn(x, each.sin(), each.cos())

    return Case(
        Nothing(),
        Nothing(),
        tensor(2, HEADS, 15, HEAD_DIM),
        mine_forward=lambda _, x: lesson.rotate(x, angles.to(x)),
        theirs_forward=theirs,
    )


def timm_rope(x: Tensor, base: float, half: bool = False) -> Tensor:
    """Sines and cosines of timm's axial RoPE on GRID, side by side, (N, 2·d), at x's precision."""
    build = reference("timm.layers").build_rotary_pos_embed
    bands = frequencies(HEAD_DIM // 4, base).to(x)
    return torch.cat(build(GRID, bands=bands, in_pixels=False, rotate_half=half, dtype=x.dtype), dim=-1)


def axial_rope(lesson: ModuleType, base: float = 100.0) -> Case:
    turn = reference("timm.layers").apply_rot_embed_cat

    return Case(
        lesson.AxialRoPE((2, 2), HEAD_DIM, base),
        Nothing(),
        tensor(2, HEADS, 15, HEAD_DIM),
        mine_forward=lambda part, x: part.turn(x, GRID),
        theirs_forward=lambda _, x: turn(x, timm_rope(x, base)),
    )


def mixed_names(parameters: Named) -> dict[str, Tensor]:
    """timm: (2, depth, h, d/2), the column's share first. Ours: (h, d/2, 2), the row's share first."""
    return {"omega": parameters["freqs"][:, 0].flip(0).permute(1, 2, 0)}


def mixed_rope_embedding(part: nn.Module, x: Tensor) -> Tensor:
    """What RotaryEmbeddingMixed gives for GRID, at x's precision; timm itself stops at float32."""
    mixed = reference("timm.layers.pos_embed_sincos")
    if x.dtype == torch.float32:
        return part.get_embed(GRID)[0]
    columns, rows = mixed.get_mixed_grid(GRID, part.grid_indexing, dtype=x.dtype)
    each = part.freqs[0, 0, :, None] * columns[:, None] + part.freqs[1, 0, :, None] * rows[:, None]
    return torch.cat([each.sin().repeat_interleave(2, -1), each.cos().repeat_interleave(2, -1)], dim=-1)


def mixed_rope(lesson: ModuleType) -> Case:
    """Multiplied by what was turned: lengths alone would not show the frequencies."""
    mixed = reference("timm.layers.pos_embed_sincos")

    return Case(
        lesson.MixedRoPE((2, 2), HEADS, HEAD_DIM),
        mixed.RotaryEmbeddingMixed(DIM, 1, HEADS),
        tensor(2, HEADS, 15, HEAD_DIM),
        mixed_names,
        lambda part, x: x * part.turn(x, GRID),
        theirs_forward=lambda part, x: x * mixed.apply_rot_embed_cat(x, mixed_rope_embedding(part, x)),
    )


def rope_by_halves(lesson: ModuleType) -> Case:
    """Exercise 2.4 beside DINOv3 of transformers, which turns all but the first tokens by halves."""
    turn = reference("transformers.models.dinov3_vit.modeling_dinov3_vit").apply_rotary_pos_emb

    def theirs(_: nn.Module, x: Tensor) -> Tensor:
        sin, cos = timm_rope(x, 100.0, half=True).chunk(2, dim=-1)
        queries, keys = turn(x, x, cos, sin)
        assert torch.equal(queries, keys)
        return queries

    return Case(
        Nothing(),
        Nothing(),
        tensor(2, HEADS, 16, HEAD_DIM),
        mine_forward=lambda _, x: lesson.rope_by_halves(x, *GRID, 100.0),
        theirs_forward=theirs,
    )


# Attention.

ATTENTION_OF_TIMM = ("proj.", "out.")


def grid_attention(lesson: ModuleType) -> Case:
    """torch's layer with the bias as an additive mask, one for each head of each picture."""
    part = lesson.RelativeBias(GRID, HEADS)
    theirs = nn.MultiheadAttention(DIM, HEADS, batch_first=True)
    theirs.table = nn.Parameter(torch.empty(5 * 9, HEADS))
    row, column = (axis.flatten() for axis in torch.meshgrid(torch.arange(3), torch.arange(5), indexing="ij"))
    index = (row[:, None] - row + 2) * 9 + column[:, None] - column + 4

    def forward(layer: nn.Module, x: Tensor) -> Tensor:
        mask = layer.table[index].permute(2, 0, 1).repeat(len(x), 1, 1)
        return layer(x, x, x, attn_mask=mask, need_weights=False)[0]

    def names(parameters: Named) -> dict[str, Tensor]:
        ours = renamed(("in_proj_", "qkv."), ("out_proj", "out"), ("table", "positions.table"))(parameters)
        return ours | {"positions.table": ours["positions.table"][None]}

    mine = lesson.GridAttention(DIM, HEADS, part)
    return Case(mine, theirs, tokens(), names, lambda layer, x: layer(x, GRID), forward)


def swin_attention(lesson: ModuleType) -> Case:
    """timm's window attention, one window."""
    attention = reference("timm.models.swin_transformer").WindowAttention

    def names(parameters: Named) -> dict[str, Tensor]:
        ours = renamed(ATTENTION_OF_TIMM, (BIAS_TABLE[0], "positions.table"))(parameters)
        return ours | {"positions.table": ours["positions.table"][None]}

    return Case(
        lesson.GridAttention(DIM, HEADS, lesson.RelativeBias(GRID, HEADS)),
        attention(DIM, HEADS, window_size=GRID),
        tokens(),
        names,
        mine_forward=lambda layer, x: layer(x, GRID),
    )


def rope_attention(lesson: ModuleType) -> Case:
    attention = reference("timm.layers").AttentionRope

    return Case(
        lesson.GridAttention(DIM, HEADS, lesson.AxialRoPE(GRID, HEAD_DIM)),
        attention(DIM, HEADS, num_prefix_tokens=0),
        tokens(),
        renamed(ATTENTION_OF_TIMM),
        lambda layer, x: layer(x, GRID),
        lambda layer, x: layer(x, rope=timm_rope(x, 100.0)),
    )


def mixed_rope_attention(lesson: ModuleType) -> Case:
    """One layer with its own turning, learned for each head."""
    theirs = reference("timm.layers").AttentionRope(DIM, HEADS, num_prefix_tokens=0)
    theirs.rope = reference("timm.layers.pos_embed_sincos").RotaryEmbeddingMixed(DIM, 1, HEADS)

    def names(parameters: Named) -> dict[str, Tensor]:
        rest = {n: t for n, t in parameters.items() if n != "rope.freqs"}
        omega = mixed_names({"freqs": parameters["rope.freqs"]})["omega"]
        return renamed(ATTENTION_OF_TIMM)(rest) | {"positions.omega": omega}

    return Case(
        lesson.GridAttention(DIM, HEADS, lesson.MixedRoPE(GRID, HEADS, HEAD_DIM)),
        theirs,
        tokens(),
        names,
        lambda layer, x: layer(x, GRID),
        lambda layer, x: layer(x, rope=mixed_rope_embedding(layer.rope, x)),
    )


def cross_attention(lesson: ModuleType) -> Case:
    """torch's layer; it keeps q, k and v in one matrix. The first four tokens ask all of them."""

    def names(parameters: Named) -> dict[str, Tensor]:
        ours = renamed(("out_proj", "out"))(parameters)
        for kind in ("weight", "bias"):
            whole = ours.pop(f"in_proj_{kind}")
            ours[f"q.{kind}"], ours[f"kv.{kind}"] = whole.split([DIM, 2 * DIM])
        return ours

    return Case(
        lesson.CrossAttention(DIM, HEADS),
        nn.MultiheadAttention(DIM, HEADS, batch_first=True),
        tokens(),
        names,
        lambda layer, x: layer(x[:, :4], x),
        lambda layer, x: layer(x[:, :4], x, x, need_weights=False)[0],
    )


def map_names(parameters: Named) -> dict[str, Tensor]:
    """timm's MAP head: whole first parts of names, since `kv.` contains `v.`."""
    ours = {"latent": "probe", "q": "attn.q", "kv": "attn.kv", "proj": "attn.out"}

    def rename(name: str) -> str:
        first, dot, rest = name.partition(".")
        return ours.get(first, first) + dot + rest

    return translate(parameters, rename)


def attention_pooling(lesson: ModuleType) -> Case:
    """timm's head has no norm unless it is told to; vision_transformer tells it."""
    theirs = reference("timm.layers").AttentionPoolLatent(DIM, num_heads=HEADS, norm_layer=norm_layer)
    return Case(lesson.AttentionPooling(DIM, HEADS), theirs, tokens(), map_names)


def without_layer_scale(block: nn.Module) -> nn.Module:
    """CaiT's layer with LayerScale held at one, where it does nothing."""
    for name in ("gamma_1", "gamma_2"):
        size = getattr(block, name).shape
        delattr(block, name)
        block.register_buffer(name, torch.ones(size))
    return block


def class_attention_names(parameters: Named) -> dict[str, Tensor]:
    """timm keeps k and v apart."""
    ours = renamed(("attn.proj.", "attn.out."))(parameters)
    for name in [name for name in ours if ".k." in name]:
        pair = [ours.pop(name), ours.pop(name.replace(".k.", ".v."))]
        ours[name.replace(".k.", ".kv.")] = torch.cat(pair)
    return ours


def class_attention_layer(lesson: ModuleType) -> Case:
    layer = reference("timm.models.cait").LayerScaleBlockClassAttn
    theirs = without_layer_scale(layer(DIM, HEADS, qkv_bias=True, norm_layer=norm_layer))
    return Case(
        lesson.ClassAttentionLayer(DIM, HEADS),
        theirs,
        tokens(),
        class_attention_names,
        lambda block, x: block(x[:, :1], x[:, 1:]),
        lambda block, x: block(x[:, 1:], x[:, :1]),
        silent=frozenset({"attn.k.bias"}),
    )


class TwoClassAttentionLayers(nn.Module):
    """CaiT's end: a token for the class, two layers that update it."""

    def __init__(self) -> None:
        super().__init__()
        layer = reference("timm.models.cait").LayerScaleBlockClassAttn
        self.cls = nn.Parameter(torch.empty(1, 1, DIM))
        self.layers = nn.ModuleList(
            without_layer_scale(layer(DIM, HEADS, qkv_bias=True, norm_layer=norm_layer)) for _ in range(2)
        )

    def forward(self, x: Tensor) -> Tensor:
        cls = self.cls.expand(len(x), -1, -1)
        for layer in self.layers:
            cls = layer(x, cls)
        return cls[:, 0]


def class_attention(lesson: ModuleType) -> Case:
    return Case(lesson.ClassAttention(DIM, HEADS), TwoClassAttentionLayers(), tokens(), class_attention_names,
                silent=frozenset({"layers.0.attn.k.bias", "layers.1.attn.k.bias"}))  # fmt: skip


# The whole model.

VIT = {"dim": DIM, "depth": 2, "heads": HEADS, "mlp_dim": 56, "patch_size": 2, "image_size": 8, "channels": 3}


def vit_names(parameters: Named) -> dict[str, Tensor]:
    """timm's ViT; the head of MAP pooling has the names of its own."""
    pooling = {n.removeprefix("attn_pool."): t for n, t in parameters.items() if n.startswith("attn_pool.")}
    rest = {n: t for n, t in parameters.items() if not n.startswith("attn_pool.")}
    ours = renamed(
        ("patch_embed", "patch"), ("pos_embed", "positions.pos"), ("cls_token", "pooling.cls"),
        ("attn.proj", "attn.out"),
    )(rest)  # fmt: skip
    weight = ours["patch.proj.weight"]
    ours["patch.proj.weight"] = weight.reshape(len(weight), -1)
    return ours | {f"pooling.{n}": t for n, t in map_names(pooling).items()}


def grid_vit(lesson: ModuleType, pooling: str = "token") -> Case:
    """timm's ViT that adds positions to the patches only, then puts [CLS] in front, if there is one."""
    config = lesson.ViTConfig(**VIT, classes=7)
    part = {
        "token": lambda: lesson.ClassToken(DIM),
        "avg": lesson.MeanPooling,
        "max": lesson.MaxPooling,
        "map": lambda: lesson.AttentionPooling(DIM, HEADS),
    }[pooling]()
    theirs = reference("timm").models.vision_transformer.VisionTransformer(
        img_size=(6, 10), patch_size=2, in_chans=3, num_classes=7, embed_dim=DIM, depth=2, num_heads=HEADS,
        # MAP's own MLP is four times as wide in the lesson, the blocks' is not.
        mlp_ratio=4 if pooling == "map" else VIT["mlp_dim"] / DIM,
        class_token=pooling == "token", no_embed_class=True, global_pool=pooling, fc_norm=False,
        norm_layer=norm_layer,
    )  # fmt: skip
    if pooling == "map":
        config = lesson.ViTConfig(**VIT | {"mlp_dim": 4 * DIM}, classes=7)
    mine = lesson.GridViT(lesson.Learned(GRID, DIM), pooling=part, config=config)
    return Case(mine, theirs, tensor(2, 3, 6, 10), vit_names)


Build = Callable[[ModuleType], Case]
CASES: dict[str, Build] = {
    "patch embedding = convolution": patch_embedding,
    "patchify = unfold": patchify,
    "unpatchify = fold": unpatchify,
    "exercise 2.1 = fold, then cut": reassemble,
    "bilinear table = kernel matrices": partial(resized_table, mode="bilinear"),
    "bicubic table = kernel matrices": resized_table,
    "smaller bicubic table = kernel matrices": partial(resized_table, new=(2, 3)),
    "learned positions on another grid": learned,
    "exercise 2.3 = kernel matrices": resized_with_extra,
    "sine-cosine = MAE": sine_cosine,
    "sine-cosine, base 100 = MAE": partial(sine_cosine, base=100.0),
    "relative bias = timm": relative_bias,
    "relative bias = Swin": relative_bias_of_transformers,
    "stretched relative bias = timm": stretched_relative_bias,
    "continuous bias = timm": partial(continuous_bias, library="timm"),
    "continuous bias, larger window = timm": partial(continuous_bias, library="timm", window=(4, 6), trained=(3, 4)),
    "continuous bias = transformers": partial(continuous_bias, library="transformers"),
    "continuous bias, larger window = transformers": partial(
        continuous_bias, library="transformers", window=(4, 6), trained=(3, 4)
    ),
    "rotate = timm": rotate,
    "axial RoPE = timm": axial_rope,
    "axial RoPE, base 10000 = timm": partial(axial_rope, base=10000.0),
    "mixed RoPE = timm": mixed_rope,
    "exercise 2.4 = DINOv3": rope_by_halves,
    "attention with a bias = torch": grid_attention,
    "attention with a bias = Swin of timm": swin_attention,
    "attention with axial RoPE = timm": rope_attention,
    "attention with mixed RoPE = timm": mixed_rope_attention,
    "cross-attention = torch": cross_attention,
    "attention pooling = timm": attention_pooling,
    "class-attention layer = CaiT": class_attention_layer,
    "class attention = CaiT": class_attention,
    "ViT with [CLS] = timm": grid_vit,
    "ViT, mean = timm": partial(grid_vit, pooling="avg"),
    "ViT, max = timm": partial(grid_vit, pooling="max"),
    "ViT, MAP = timm": partial(grid_vit, pooling="map"),
}
