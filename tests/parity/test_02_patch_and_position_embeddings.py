"""Lesson 2's patches, poolings and positions compute what published implementations compute, gradients included."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from types import ModuleType
from unittest.mock import MagicMock

import pytest
import torch
from torch import Tensor, nn

from tests.parity import lesson_02 as parts
from tests.parity.harness import count, generator, reference
from tests.parity.lesson_02 import DIM, GRID, HEAD_DIM, HEADS, Case

GRIDS = [(2, 3), (3, 2), (5, 5), (1, 4), (4, 1), (1, 1)]
RESIZED = [((4, 4), (6, 6)), ((4, 4), (3, 5)), ((3, 5), (5, 3)), ((6, 2), (4, 4)), ((3, 5), (3, 5))]


@pytest.fixture(scope="module")
def lesson() -> ModuleType:
    return parts.lesson_and_solutions()


@pytest.mark.parametrize("name", parts.CASES)
def test_outputs_and_gradients_agree(lesson: ModuleType, name: str) -> None:
    parts.CASES[name](lesson).check()


# Each of these damages a right reference, keeping every shape and count, and the comparison has to notice. They use
# hooks and buffers, not closures over the module: the harness works on copies of it.
Damage = Callable[[Case], Case]


def module(change: Callable[[nn.Module], object]) -> Damage:
    """Change the reference itself."""

    def damage(case: Case) -> Case:
        theirs = copy.deepcopy(case.theirs)
        with torch.no_grad():
            change(theirs)
        assert count(theirs) == count(case.theirs)
        return replace(case, theirs=theirs)

    return damage


def given(change: Callable[[Tensor], Tensor], back: Callable[[Tensor], Tensor] = lambda y: y) -> Damage:
    """Change what the reference is given, and perhaps what it returns."""
    return lambda case: replace(case, theirs_forward=lambda m, x: back(case.theirs_forward(m, change(x))))


def returned(change: Callable[[Tensor], Tensor]) -> Damage:
    return given(lambda x: x, change)


def scaled_only_backwards(y: Tensor) -> Tensor:
    """The value of y with twice its gradient."""
    return 2 * y - y.detach()


def setting(name: str, value: object, path: str = "") -> Damage:
    def change(theirs: nn.Module) -> None:
        owner = theirs.get_submodule(path)
        assert hasattr(owner, name), f"{type(owner).__name__} has no {name}: this would damage nothing"
        setattr(owner, name, value)

    return module(change)


def swapped(path: str) -> Damage:
    """Keys and values, the last two thirds or the two halves of a fused projection, in the other order."""

    def change(theirs: nn.Module) -> None:
        for name, parameter in theirs.named_parameters():
            if name.startswith(path):
                *first, k, v = parameter.split(DIM)
                parameter.copy_(torch.cat([*first, v, k]))

    return module(change)


def transposed(name: str) -> Damage:
    """A buffer of pairs of places, key and query exchanged."""

    def change(theirs: nn.Module) -> None:
        index = theirs.get_buffer(name)
        n = GRID[0] * GRID[1]
        index.copy_(index.reshape(n, n).T.reshape(index.shape).clone())

    return module(change)


def heads_rolled(theirs: nn.Module) -> None:
    theirs.relative_position_bias_table.copy_(theirs.relative_position_bias_table.roll(1, dims=1))


def kernel_ordered_pqc(conv: nn.Module) -> None:
    conv.weight.copy_(conv.weight.permute(0, 2, 3, 1).reshape(conv.weight.shape))


def channels_last(patches: Tensor) -> Tensor:
    return patches.unflatten(-1, (3, 16)).mT.flatten(-2)


def by_columns(rows: Tensor) -> Tensor:
    """Places counted down the columns of GRID, along the last axis but one."""
    return rows.unflatten(-2, GRID[::-1]).transpose(-3, -2).flatten(-3, -2)


def features(order: list[int]) -> Callable[[Tensor], Tensor]:
    return lambda x: x[..., order]


def mirrored(x: Tensor) -> Tensor:
    """Every second feature negated: a turn between two of these goes the other way."""
    return x * torch.tensor([1, -1]).repeat(x.shape[-1] // 2)


def second_half_negated(x: Tensor) -> Tensor:
    """The same for features paired by halves."""
    return torch.cat([x.chunk(2, dim=-1)[0], -x.chunk(2, dim=-1)[1]], dim=-1)


def other_halves(x: Tensor) -> Tensor:
    return x.roll(x.shape[-1] // 2, dims=-1)


def first_input(change: Callable[[Tensor], Tensor], path: str) -> Damage:
    """Change what one part of the reference is given."""

    def add_hook(theirs: nn.Module) -> None:
        theirs.get_submodule(path).register_forward_pre_hook(lambda part, x: (change(x[0]), *x[1:]))

    return module(add_hook)


def output_of(path: str, change: Callable[[Tensor, Tensor], Tensor]) -> Damage:
    """Change what one part of the reference makes of what it is given."""

    def add_hook(theirs: nn.Module) -> None:
        theirs.get_submodule(path).register_forward_hook(lambda part, x, y: change(x[0], y))

    return module(add_hook)


def gradient_doubled(path: str) -> Damage:
    return output_of(path, lambda x, y: scaled_only_backwards(y))


def exchanged(theirs: nn.Module) -> None:
    """CaiT's keys for its values."""
    k, v = theirs.attn.k, theirs.attn.v
    theirs.attn.k, theirs.attn.v = v, k


def as_in(name: str) -> Damage:
    """Another case's reference, one that closes over all it needs."""
    return lambda case: replace(case, theirs_forward=parts.CASES[name](MagicMock(name="no lesson")).theirs_forward)


def cls_moved(x: Tensor) -> Tensor:
    """Something added to [CLS]; a constant would not do, LayerNorm takes it off."""
    return torch.cat([x[:, :1] + torch.linspace(-1, 1, DIM).to(x), x[:, 1:]], dim=1)


def pretrained_window_forgotten(offsets: Tensor) -> Tensor:
    return parts.log_offsets((4, 6), (4, 6)).to(offsets)


def halves(size: int) -> list[int]:
    """The order that brings feature 2i to i and 2i + 1 to i + size/2."""
    return [*range(0, size, 2), *range(1, size, 2)]


def inverse(order: list[int]) -> list[int]:
    return [order.index(i) for i in range(len(order))]


def paired(size: int) -> Damage:
    """Features paired by halves instead of neighbours."""
    return given(features(halves(size)), features(inverse(halves(size))))


CORNERS, BILINEAR = setting("corners", True), setting("mode", "bilinear")
SIDES_SWAPPED = setting("old", GRID[::-1])
PQC, COLUMNS_FIRST = "pixels ordered (p q c)", "patches by columns"
KEY_MINUS_QUERY = ("key minus query", transposed("relative_position_index"), "outputs")
HEADS_ROLLED = ("heads in another order", module(heads_rolled), "outputs")
GRADIENT_WRONG = ("right values, wrong gradient", returned(scaled_only_backwards), "input gradients")
OTHER_WAY = ("turned the other way round", given(mirrored, mirrored), "outputs")
AXES_SWAPPED = ("columns before rows", given(other_halves, other_halves), "outputs")
BY_HALVES = ("pairs by halves", paired(HEAD_DIM), "outputs")

DAMAGES: list[tuple[str, str, Damage, str]] = [
    ("patch embedding = convolution", PQC, module(kernel_ordered_pqc), "outputs"),
    ("patch embedding = convolution", COLUMNS_FIRST, given(lambda x: x.mT), "outputs"),
    ("patch embedding = convolution", *GRADIENT_WRONG),
    ("patchify = unfold", PQC, returned(channels_last), "outputs"),
    ("patchify = unfold", COLUMNS_FIRST, returned(by_columns), "outputs"),
    ("patchify = unfold", *GRADIENT_WRONG),
    ("unpatchify = fold", PQC, given(channels_last), "outputs"),
    ("unpatchify = fold", COLUMNS_FIRST, given(by_columns), "outputs"),
    ("exercise 2.1 = fold, then cut", COLUMNS_FIRST, given(by_columns), "outputs"),
    ("bilinear table = kernel matrices", "corners on corners", CORNERS, "outputs"),
    ("bilinear table = kernel matrices", "bicubic", setting("mode", "bicubic"), "outputs"),
    ("bicubic table = kernel matrices", "corners on corners", CORNERS, "outputs"),
    ("bicubic table = kernel matrices", "bilinear", BILINEAR, "outputs"),
    ("bicubic table = kernel matrices", "a = −1/2, as Keys and PIL", setting("a", -0.5), "outputs"),
    ("bicubic table = kernel matrices", "height and width swapped", SIDES_SWAPPED, "outputs"),
    ("smaller bicubic table = kernel matrices", "a = −1/2, as Keys and PIL", setting("a", -0.5), "outputs"),
    ("learned positions on another grid", "bilinear", BILINEAR, "outputs"),
    ("learned positions on another grid", "corners on corners", CORNERS, "outputs"),
    ("learned positions on another grid", "height and width swapped", SIDES_SWAPPED, "outputs"),
    ("exercise 2.3 = kernel matrices", "bilinear", BILINEAR, "outputs"),
    ("exercise 2.3 = kernel matrices", "height and width swapped", SIDES_SWAPPED, "outputs"),
    ("sine-cosine = MAE", *AXES_SWAPPED),
    ("sine-cosine = MAE", "sines and cosines alternate", paired(DIM), "outputs"),
    ("sine-cosine = MAE", "base 100", as_in("sine-cosine, base 100 = MAE"), "outputs"),
    ("relative bias = timm", *KEY_MINUS_QUERY),
    ("relative bias = timm", *HEADS_ROLLED),
    ("relative bias = timm", *GRADIENT_WRONG),
    ("relative bias = Swin", *KEY_MINUS_QUERY),
    ("relative bias = Swin", *HEADS_ROLLED),
    ("stretched relative bias = timm", *HEADS_ROLLED),
    ("rotate = timm", *OTHER_WAY),
    ("rotate = timm", *BY_HALVES),
    ("rotate = timm", *GRADIENT_WRONG),
    ("axial RoPE = timm", *OTHER_WAY),
    ("axial RoPE = timm", *AXES_SWAPPED),
    ("axial RoPE = timm", *BY_HALVES),
    ("axial RoPE = timm", "base 10000", as_in("axial RoPE, base 10000 = timm"), "outputs"),
    ("mixed RoPE = timm", "rows for columns", setting("grid_indexing", "ij"), "outputs"),
    ("mixed RoPE = timm", "the pairs in another order", given(other_halves, other_halves), "outputs"),
    ("mixed RoPE = timm", *OTHER_WAY),
    ("exercise 2.4 = DINOv3", "turned the other way round", given(second_half_negated, second_half_negated), "outputs"),
    ("exercise 2.4 = DINOv3", "neighbours paired",
     given(features(inverse(halves(HEAD_DIM))), features(halves(HEAD_DIM))), "outputs"),
    ("attention with a bias = torch", "key minus query", module(lambda m: m.table.copy_(m.table.flip(0))), "outputs"),
    ("attention with a bias = torch", "k and v swapped", swapped("in_proj"), "outputs"),
    ("attention with a bias = Swin of timm", *KEY_MINUS_QUERY),
    ("attention with a bias = Swin of timm", "scores scaled by D", setting("scale", DIM**-0.5), "outputs"),
    ("attention with a bias = Swin of timm", "k and v swapped", swapped("qkv"), "outputs"),
    ("attention with a bias = Swin of timm", "wrong gradient in qkv", gradient_doubled("qkv"), "input gradients"),
    ("attention with axial RoPE = timm", "k and v swapped", swapped("qkv"), "outputs"),
    ("attention with axial RoPE = timm", "pairs by halves", setting("rotate_half", True), "outputs"),
    ("attention with axial RoPE = timm", "scores scaled by D", output_of("q_norm", lambda x, y: y / HEADS**0.5),
     "outputs"),
    ("attention with mixed RoPE = timm", "rows for columns", setting("grid_indexing", "ij", "rope"), "outputs"),
    ("cross-attention = torch", "k and v swapped", swapped("in_proj"), "outputs"),
    ("cross-attention = torch", *GRADIENT_WRONG),
    ("attention pooling = timm", "eps 1e-5, 1e-6 is right", setting("eps", 1e-5, "norm"), "outputs"),
    ("attention pooling = timm", "no norm, timm's default", output_of("norm", lambda x, y: x), "outputs"),
    ("attention pooling = timm", "tanh GELU", setting("act", nn.GELU("tanh"), "mlp"), "outputs"),
    ("attention pooling = timm", "k and v swapped", swapped("kv"), "outputs"),
    ("attention pooling = timm", "wrong gradient in k and v", gradient_doubled("kv"), "input gradients"),
    ("attention pooling = timm", "wrong gradient in q alone", gradient_doubled("q"), "gradients of"),
    ("class-attention layer = CaiT", "LayerScale of 1e-4", module(lambda m: m.gamma_1.fill_(1e-4)), "outputs"),
    ("class-attention layer = CaiT", "eps 1e-5 before the MLP", setting("eps", 1e-5, "norm2"), "outputs"),
    ("class-attention layer = CaiT", "k and v swapped", module(exchanged), "outputs"),
    ("class-attention layer = CaiT", "[CLS] is not normalised",
     output_of("norm1", lambda x, y: torch.cat([x[:, :1], y[:, 1:]], dim=1)), "outputs"),
    ("class attention = CaiT", "wrong gradient in the second layer", gradient_doubled("layers.1.attn.v"), "gradients"),
    ("ViT with [CLS] = timm", "eps 1e-5 in the final norm", setting("eps", 1e-5, "norm"), "outputs"),
    ("ViT with [CLS] = timm", "mean of the patches", setting("global_pool", "avg"), "outputs"),
    ("ViT with [CLS] = timm", "patches by columns", output_of("patch_embed", lambda x, y: by_columns(y)), "outputs"),
    ("ViT with [CLS] = timm", "[CLS] has a position, too",
     first_input(cls_moved, "blocks"), "outputs"),
    ("ViT, mean = timm", "maximum", setting("global_pool", "max"), "outputs"),
    ("ViT, max = timm", "mean", setting("global_pool", "avg"), "outputs"),
    ("ViT, MAP = timm", "eps 1e-5 in the head", setting("eps", 1e-5, "attn_pool.norm"), "outputs"),
]  # fmt: skip


def _bias_network(library: str, network: str) -> list[tuple[str, str, Damage, str]]:
    """What can be wrong with a continuous bias, in either library."""
    same, larger = f"continuous bias = {library}", f"continuous bias, larger window = {library}"
    return [
        (same, *KEY_MINUS_QUERY),
        (same, "GELU for ReLU", setting("1", nn.GELU(), network), "outputs"),
        (same, "not divided by log₂ 8", first_input(lambda x: 3 * x, network), "outputs"),
        (same, "twice the bound", returned(lambda y: 2 * y), "outputs"),
        (same, "wrong gradient in the first layer", gradient_doubled(f"{network}.0"), "gradients of fc1"),
        (larger, "trained window forgotten", first_input(pretrained_window_forgotten, network), "outputs"),
    ]


DAMAGES += _bias_network("timm", "cpb_mlp") + _bias_network("transformers", "continuous_position_bias_mlp")


@pytest.mark.parametrize(
    ("name", "damage", "noticed_in"),
    [pytest.param(name, damage, noticed, id=f"{name}: {what}") for name, what, damage, noticed in DAMAGES],
)
def test_the_comparison_notices(lesson: ModuleType, name: str, damage: Damage, noticed_in: str) -> None:
    with pytest.raises(AssertionError, match=noticed_in):
        parts.CASES[name](lesson).check(damage)


def test_every_case_is_damaged() -> None:
    """Cases that differ from a damaged one in sizes only need no damage of their own."""
    spared = {"sine-cosine, base 100 = MAE", "axial RoPE, base 10000 = timm"}
    assert parts.CASES.keys() == spared | {name for name, *_ in DAMAGES}


# Tables of positions in timm, which interpolates in float32 whatever it is given.


@pytest.mark.parametrize("mode", ["bilinear", "bicubic"])
@pytest.mark.parametrize(("old", "new"), RESIZED)
def test_resized_tables_agree_with_timm(lesson: ModuleType, old: tuple, new: tuple, mode: str) -> None:
    resample = partial(
        reference("timm.layers").resample_abs_pos_embed, new_size=new, old_size=old, interpolation=mode, antialias=False
    )
    pos = torch.randn(1, 5 + old[0] * old[1], 10, generator=generator(5))
    close = partial(torch.testing.assert_close, atol=1e-6, rtol=0)
    close(lesson.resize_table(pos[:, 5:], old, new, mode), resample(pos[:, 5:], num_prefix_tokens=0))
    close(lesson.resize_positions(pos[:, 4:], old, new, mode), resample(pos[:, 4:], num_prefix_tokens=1))
    if mode == "bicubic":
        close(lesson.resize_with_extra(pos, old, new, 5), resample(pos, num_prefix_tokens=5))


def test_timm_notices_other_conventions(lesson: ModuleType) -> None:
    """timm's own default is antialiased, which matters where a table shrinks."""
    resample = partial(reference("timm.layers").resample_abs_pos_embed, num_prefix_tokens=0)
    pos = torch.randn(1, 36, 10, generator=generator(5))
    mine = lesson.resize_table(pos, (6, 6), (4, 4))
    for options in ({"interpolation": "bilinear", "antialias": False}, {"antialias": True}):
        assert (mine - resample(pos, new_size=[4, 4], old_size=[6, 6], **options)).abs().max() > 0.05


# Sines and cosines.


@pytest.mark.parametrize("base", [100.0, 10000.0])
def test_sine_cosine_agrees_with_timm_up_to_the_order_of_features(lesson: ModuleType, base: float) -> None:
    build = partial(reference("timm.layers").build_sincos2d_pos_embed, GRID, DIM, temperature=base)
    mine = lesson.sine_cosine_2d(lesson.grid_coordinates(*GRID), DIM, base)
    torch.testing.assert_close(mine, build(interleave_sin_cos=True), atol=1e-6, rtol=0)
    torch.testing.assert_close(parts.reorder(mine, parts.TIMM_QUARTERS), build(), atol=1e-6, rtol=0)
    assert (mine - build()).abs().max() > 0.1


@pytest.mark.parametrize(("count", "base"), [(4, 100.0), (12, 10000.0), (1, 10.0)])
def test_frequencies_agree_with_timm(lesson: ModuleType, count: int, base: float) -> None:
    theirs = reference("timm.layers.pos_embed_sincos").freq_bands(count, temperature=base, step=1)
    torch.testing.assert_close(lesson.frequencies(count, base), theirs, atol=1e-7, rtol=1e-6)
    torch.testing.assert_close(theirs.double(), parts.frequencies(count, base), atol=1e-7, rtol=1e-6)


def test_frequencies_agree_with_dinov3(lesson: ModuleType) -> None:
    """Exercise 2.4 says how DINOv3 pairs; its places, from −1 to 1 on any grid, are not the lesson's."""
    modelling = reference("transformers.models.dinov3_vit.modeling_dinov3_vit")
    config = modelling.DINOv3ViTConfig(hidden_size=48, num_attention_heads=3, rope_theta=100.0)
    theirs = modelling.DINOv3ViTRopePositionEmbedding(config).inv_freq
    torch.testing.assert_close(lesson.frequencies(4, 100.0), theirs, atol=1e-7, rtol=1e-6)


# Indices of pairs.


@pytest.mark.parametrize("grid", GRIDS)
def test_relative_index_agrees(lesson: ModuleType, grid: tuple[int, int]) -> None:
    mine = lesson.relative_index(*grid)
    assert torch.equal(mine, reference("timm.layers.pos_embed_rel").gen_relative_position_index(grid))
    swin = reference("transformers.models.swin.modeling_swin").SwinRelativePositionBias(1, grid)
    assert torch.equal(mine.flatten(), swin.relative_position_index)
    if grid != (1, 1):
        assert not torch.equal(mine.T, mine)


@pytest.mark.parametrize("grid", GRIDS)
def test_relative_index_with_cls_agrees_with_beit(lesson: ModuleType, grid: tuple[int, int]) -> None:
    mine = lesson.index_with_cls(*grid)
    assert torch.equal(mine, reference("timm.layers.pos_embed_rel").gen_relative_position_index(grid, class_token=True))
    if grid != (1, 1):
        assert not torch.equal(mine.T, mine)


# Rotations.


@pytest.mark.parametrize("grid", [(2, 3), (14, 14), (1, 9)])
@pytest.mark.parametrize(("base", "size"), [(100.0, 16), (10000.0, 8)])
def test_axial_rope_agrees_with_timms_module(lesson: ModuleType, grid: tuple, base: float, size: int) -> None:
    layers = reference("timm.layers")
    rope = layers.RotaryEmbeddingCat(size, temperature=base, in_pixels=False, feat_shape=list(grid))
    x = torch.randn(2, 3, grid[0] * grid[1], size, generator=generator(6))
    mine = lesson.AxialRoPE((4, 4), size, base).turn(x, grid)
    torch.testing.assert_close(mine, layers.apply_rot_embed_cat(x, rope.get_embed()), atol=1e-5, rtol=1e-4)


def test_squeezed_places_are_eva_s(lesson: ModuleType) -> None:
    """EVA brings a larger grid's places onto those it was trained on; scores of equal queries and keys agree."""
    layers = reference("timm.layers")
    rope = layers.RotaryEmbeddingCat(
        16, temperature=100.0, in_pixels=False, feat_shape=[6, 9], ref_feat_shape=[4, 3], grid_offset=0.5
    )
    mine = lesson.AxialRoPE((4, 3), 16)
    mine.squeeze = True
    x = torch.randn(16, generator=generator(6)).expand(54, 16)
    got, wanted = mine.turn(x, (6, 9)), layers.apply_rot_embed_cat(x, rope.get_embed())
    torch.testing.assert_close(got @ got.T, wanted @ wanted.T, atol=1e-5, rtol=1e-4)
    mine.squeeze = False
    apart = mine.turn(x, (6, 9))
    assert (apart @ apart.T - wanted @ wanted.T).abs().max() > 0.1


def test_mixed_rope_starts_as_timms_does(lesson: ModuleType) -> None:
    mixed = reference("timm.layers.pos_embed_sincos")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        theirs = mixed.init_random_2d_freqs(HEAD_DIM, 1, HEADS, temperature=10.0)
    mine = lesson.MixedRoPE(GRID, HEADS, HEAD_DIM)
    mine.reset(lesson.rng(5))
    torch.testing.assert_close(mine.omega.data, parts.mixed_names({"freqs": theirs})["omega"], atol=1e-6, rtol=0)
