"""Lesson 5's windows, blocks, models and rivals compute what published implementations compute, gradients included."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from types import ModuleType
from unittest import mock

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tests.parity import lesson_05 as parts
from tests.parity.harness import copy_parameters, count, generator, on_meta, randomise, reference
from tests.parity.lesson_02 import DIM, HEADS, Case, log_offsets
from tests.parity.lesson_05 import Neighbours, Size, places_of, same_stripe
from tests.parity.test_02_patch_and_position_embeddings import (
    Damage,
    first_input,
    given,
    gradient_doubled,
    module,
    output_of,
    returned,
    scaled_only_backwards,
    setting,
    swapped,
)
from tests.parity.test_03_attention import macs_of, patched


@pytest.fixture(scope="module")
def lesson() -> ModuleType:
    return parts.lesson_and_solutions()


@pytest.mark.parametrize("name", parts.CASES)
def test_outputs_and_gradients_agree(lesson: ModuleType, name: str) -> None:
    parts.CASES[name](lesson).check()


# Each of these damages a right reference, keeping every shape and count, and the comparison has to notice.


def like(build: parts.Build) -> Damage:
    """The reference called as in the same case with other choices."""
    return lambda case: replace(case, theirs_forward=build(parts.lesson_and_solutions()).theirs_forward)


def run_as(forward: Callable[[nn.Module, Tensor], Tensor]) -> Damage:
    """The same parts of the reference, put together another way."""
    return lambda case: replace(case, theirs_forward=forward)


def rolled_once_more(roll: Callable, x: Tensor, shifts: tuple[int, int], dims: tuple[int, int]) -> Tensor:
    """There as told, back by one token more: -M // 2 and M // 2 do this to odd windows."""
    return roll(x, [s + (s > 0) for s in shifts], dims)


def rolled_the_other_way(roll: Callable, x: Tensor, shifts: tuple[int, int], dims: tuple[int, int]) -> Tensor:
    return roll(x, [-s for s in shifts], dims)


ROLL = torch.roll
DRIFT = patched(torch, "roll", partial(rolled_once_more, ROLL))
OTHER_WAY = patched(torch, "roll", partial(rolled_the_other_way, ROLL))
NO_ROLL = patched(torch, "roll", lambda x, shifts, dims: x)


def index_transposed(theirs: nn.Module) -> None:
    """Key and query exchanged where the bias is looked up."""
    for name, index in theirs.named_buffers():
        if name.endswith("relative_position_index"):
            n = math.isqrt(index.numel())
            index.copy_(index.reshape(n, n).T.reshape(index.shape).clone())


def heads_exchanged(theirs: nn.Module) -> None:
    for name, parameter in theirs.named_parameters():
        if name.endswith("bias_table"):
            parameter.copy_(parameter.roll(1, dims=1))


TRANSPOSED = ("bias transposed", module(index_transposed), "outputs")
OTHER_HEADS = ("the biases of other heads", module(heads_exchanged), "outputs")
GRADIENT_WRONG = ("right values, wrong gradient", returned(scaled_only_backwards), "input gradients")


def mask_forgotten(theirs: nn.Module) -> None:
    """timm keeps its masks."""
    for part in theirs.modules():
        if hasattr(part, "attn_mask"):
            part.attn_mask = None


NO_MASK = ("mask forgotten", module(mask_forgotten), "outputs")
# The others make theirs at each call, out of differences of labels.
NO_MASK_MADE = ("mask forgotten", patched(Tensor, "masked_fill", lambda t, where, value: 0 * t), "outputs")


def padding_unseen(size: Size, window: int) -> Damage:
    """Padded tokens are masked out of every softmax; they are meant to take part."""
    padded = [-(-side // window) * window for side in size]
    real = torch.zeros(padded)
    real[: size[0], : size[1]] = 1
    cut = real.reshape(padded[0] // window, window, padded[1] // window, window).transpose(1, 2).reshape(-1, window**2)
    softmax = F.softmax

    def masked(scores: Tensor, dim: int) -> Tensor:
        forbidden = (cut == 0).repeat(len(scores) // len(cut), 1)[:, None, None]
        return softmax(scores.masked_fill(forbidden, -torch.inf), dim=dim)

    return patched(F, "softmax", masked)


def padded_first(height: int, width: int) -> Damage:
    """Padding in front of the norm, whose bias then fills the padded tokens; for windows of 3."""

    def cut(y: Tensor) -> Tensor:
        return y[:, :height, :width]

    return given(lambda x: F.pad(x, (0, 0, 0, -width % 3, 0, -height % 3)), cut)


def after(block: nn.Module, x: Tensor) -> Tensor:
    """The norm behind attention and behind the MLP."""
    x = x + block.norm1(block._attn(x))
    return x + block.norm2(block.mlp(x))


def before(block: nn.Module, x: Tensor) -> Tensor:
    x = x + block._attn(block.norm1(x))
    return x + block.mlp(block.norm2(x))


def of_the_sum(block: nn.Module, x: Tensor) -> Tensor:
    x = block.norm1(x + block._attn(x))
    return block.norm2(x + block.mlp(x))


def beside(block: nn.Module, x: Tensor) -> Tensor:
    return x + block._attn(block.norm1(x)) + block.mlp(block.norm2(x))


def exactly(forward: Callable[[nn.Module, Tensor], Tensor]) -> Damage:
    return run_as(partial(parts.exactly, call=forward))


def rows_first(x: Tensor) -> Tensor:
    """Merging a transposed map and transposing back puts right before down."""
    return x.transpose(1, 2)


def repeated_edge(x: Tensor) -> Tensor:
    x = torch.cat([x, x[:, -1:]], dim=1) if x.shape[1] % 2 else x
    return torch.cat([x, x[:, :, -1:]], dim=2) if x.shape[2] % 2 else x


def reshaped(merging: nn.Module, x: Tensor) -> Tensor:
    """Two reshapes and no transpose."""
    b, h, w, d = x.shape
    return merging.reduction(merging.norm(x.reshape(b, h // 2, 2, w // 2, 2, d).reshape(b, h // 2, w // 2, 4 * d)))


def strips(_: nn.Module, x: Tensor) -> Tensor:
    """A bare reshape for windows of 3."""
    return x.reshape(-1, 9, x.shape[-1])


def keys_biased(layer: nn.Module) -> None:
    """What keys have in common moves all scores of a query alike, but not the directions that cosines are of."""
    layer.k_bias.copy_(torch.linspace(-1, 1, DIM))


def with_a_bias(x: Tensor, y: Tensor) -> Tensor:
    return y + torch.linspace(-1, 1, DIM).to(y)


def lepe_everywhere(k: Tensor, v: Tensor, lepe: nn.Conv2d, near: Neighbours) -> Tensor:
    return lepe(v.movedim(-1, 1)).movedim(1, -1)


def lepe_of_keys(k: Tensor, v: Tensor, lepe: nn.Conv2d, near: Neighbours) -> Tensor:
    return parts.masked_sum(v, k, lepe, near)


def stripes_exchanged(theirs: nn.Module) -> None:
    first, second = theirs.attns
    first.near, second.near = second.near, first.near


def heads_interleaved(x: Tensor) -> Tensor:
    """Every second channel to the columns, for the first half."""
    return torch.cat([x[..., ::2], x[..., 1::2]], dim=-1)


def last_of_each(x: Tensor, window: int) -> list[Tensor]:
    """One token of each square for the mean."""
    return [x[:, a, b] for a, b in places_of(x) if a % window == b % window == window - 1]


def two_softmaxes(focal: nn.Module, x: Tensor) -> Tensor:
    """Fine and coarse keys each in a softmax of their own, and the mean of both answers."""
    with mock.patch.object(focal, "pooled", return_value=[]):
        fine = focal(x)
    with mock.patch.object(focal, "fine", return_value=False):
        return (fine + focal(x)) / 2


def zeros_beyond_the_border(focal: nn.Module, x: Tensor) -> Tensor:
    """Keys outside the map take part: a score and a value of zero each."""
    attend, full = parts.attend_to, (focal.window + 2 * focal.margin) ** 2 + len(focal.pooled(x, focal.window))

    def padded(query: Tensor, keys: list[Tensor], values: list[Tensor], heads: int) -> Tensor:
        nothing = [torch.zeros_like(query)] * (full - len(keys))
        return attend(query, keys + nothing, values + nothing, heads)

    with mock.patch.object(parts, "attend_to", padded):
        return focal(x)


def not_shifted(swin: nn.Module) -> None:
    mask_forgotten(swin)
    for part in swin.modules():
        if hasattr(part, "shift_size"):
            part.shift_size = (0, 0) if isinstance(part.shift_size, tuple) else 0


def norm_of_the_mean(swin: nn.Module, images: Tensor) -> Tensor:
    """The last norm behind the mean over tokens."""
    norm, swin.norm = swin.norm, nn.Identity()
    try:
        return swin.head.fc(norm(swin.forward_features(images).mean(dim=(1, 2))))
    finally:
        swin.norm = norm


def stages_with_norms_before(case: Case) -> Case:
    """Swin V2 with the blocks of Swin."""
    block = reference("timm.models.swin_transformer_v2").SwinTransformerV2Block
    return patched(block, "forward", before)(case)


def taps_mirrored(theirs: nn.Module) -> None:
    theirs.get_v.weight.copy_(theirs.get_v.weight.flip(2, 3))


def cross_of(stripe: int) -> Neighbours:
    return lambda a, b: a[0] // stripe == b[0] // stripe or a[1] // stripe == b[1] // stripe


def without_the_near(focal: nn.Module, x: Tensor) -> Tensor:
    """Only squares beyond the query's own window are pooled keys."""
    pooled, answers = focal.pooled, torch.zeros_like(x)
    corners = [place for place in places_of(x) if not any(side % focal.window for side in place)]
    for number, corner in enumerate(corners):
        own = torch.zeros_like(x[:1, ..., :1])
        own[:, corner[0] : corner[0] + focal.window, corner[1] : corner[1] + focal.window] = 1
        others = [i for i in range(len(corners)) if i != number]
        with mock.patch.object(focal, "pooled", lambda x, w, others=others: [pooled(x, w)[i] for i in others]):
            answers = answers + own * focal(x)
    return answers


def finest_left_out(segmenter: nn.Module, images: Tensor) -> Tensor:
    """The sum ends one map too early."""
    forward = segmenter.fpn.forward
    with mock.patch.object(segmenter.fpn, "forward", lambda maps: {"0": list(forward(maps).values())[1]}):
        return segmenter(images)


def finest_alone(segmenter: nn.Module, images: Tensor) -> Tensor:
    """No sum: nothing comes down."""
    inner = segmenter.fpn.inner_blocks[0]
    with mock.patch.object(segmenter.fpn, "forward", lambda maps: {"0": inner(maps["0"])}):
        return segmenter(images)


def _on_cosines(library: str, inner: str, key: str) -> list[tuple[str, str, Damage, str]]:
    """What can be wrong with Swin V2's attention, in either library."""
    name = f"cosine attention{{}} = {library}"
    case = partial(parts.cosine_attention, library=library)
    biased = module(keys_biased) if library == "timm" else output_of(f"{inner}key", with_a_bias)

    def changed(part: str, change: Callable[[Tensor], Tensor]) -> Damage:
        def damage(layer: nn.Module) -> None:
            (parameter,) = (p for n, p in layer.named_parameters() if n.endswith(part))
            parameter.copy_(change(parameter))

        return module(damage)

    return [
        (name.format(""), "a bias of keys", biased, "outputs"),
        (name.format(""), "bias transposed", module(index_transposed), "outputs"),
        (name.format(""), "the bias of other heads", changed("mlp.2.weight", lambda t: t.roll(1, 0)), "outputs"),
        (name.format(""), "sixteen forgotten",
         patched(torch, "sigmoid", lambda t: t.sigmoid() / 16), "outputs"),
        (name.format(""), "divided by √d, too", changed("_scale", lambda t: t - math.log(DIM // HEADS) / 2), "outputs"),
        (name.format(""), "columns before rows", changed("mlp.0.weight", lambda t: t.flip(1)), "outputs"),
        (name.format(""), "offsets of another window", like(partial(case, trained=3)), "outputs"),
        (name.format(""), *GRADIENT_WRONG),
        (name.format(", trained on 3"), "the trained window forgotten", like(case), "outputs"),
        (name.format(", M = 3, masked"), "mask forgotten", like(partial(case, window=3)), "outputs"),
        (name.format(", scale above the bound"), "clamp forgotten",
         patched(torch, "clamp", lambda t, max: t), "outputs"),
    ]  # fmt: skip


DAMAGES: list[tuple[str, str, Damage, str]] = [
    ("partition = timm", "a bare reshape", run_as(strips), "outputs"),
    ("partition = timm", "columns of windows first",
     given(lambda x: x, lambda y: y.unflatten(0, (2, 2, 3)).transpose(1, 2).flatten(0, 2)), "outputs"),
    ("partition = timm", *GRADIENT_WRONG),
    ("unpartition = timm", "columns of windows first",
     given(lambda x: x.unflatten(1, (3, 2)).transpose(1, 2).flatten(1, 2)), "outputs"),
    ("unpartition = timm", *GRADIENT_WRONG),
    ("exercise 5.1 = timm", "two pictures share windows",
     given(lambda x: x.unflatten(0, (6, 2)).transpose(0, 1).flatten(0, 1)), "outputs"),
    ("exercise 5.4 = torch", "right before down",
     given(lambda x: x.unflatten(-1, (2, 2, 3)).transpose(-3, -2).flatten(-3)), "outputs"),
    ("window attention = timm", *TRANSPOSED),
    ("window attention = timm", *OTHER_HEADS),
    ("window attention = timm", "k and v swapped", swapped("qkv"), "outputs"),
    ("window attention = timm", "scaled by D", setting("scale", DIM**-0.5), "outputs"),
    ("window attention = timm", "the bias before the scaling",
     module(lambda m: m.relative_position_bias_table.mul_(m.scale)), "outputs"),
    ("window attention = timm", *GRADIENT_WRONG),
    ("window attention, masked = timm", "mask forgotten",
     like(partial(parts.window_attention, library="timm")), "outputs"),
    ("window attention = transformers", *TRANSPOSED),
    ("window attention = transformers", *OTHER_HEADS),
    ("window attention, masked = transformers", "mask forgotten",
     like(partial(parts.window_attention, library="transformers")), "outputs"),
    ("block = timm", "norms behind", run_as(after), "outputs"),
    ("block = timm", "norms of the sums", run_as(of_the_sum), "outputs"),
    ("block = timm", "attention and MLP side by side", run_as(beside), "outputs"),
    ("block = timm", "eps 1e-6", setting("eps", 1e-6, "norm1"), "outputs"),
    ("block = timm", "tanh GELU", setting("act", nn.GELU("tanh"), "mlp"), "outputs"),
    ("block = timm", "wrong gradient in the MLP", gradient_doubled("mlp"), "input gradients"),
    ("block, padded = timm", "padded before the norm", padded_first(7, 10), "outputs"),
    *[
        (f"block{what} = timm", *damage)
        for what in (", shifted", ", M = 4, shifted")
        for damage in [NO_MASK, ("rolled the other way", OTHER_WAY, "outputs"), ("not rolled", NO_ROLL, "outputs"),
                       ("rolled back too far", DRIFT, "outputs"), TRANSPOSED]
    ],
    *[
        (f"block{what} = {library}", *damage)
        for what in (", shifted", ", M = 4, shifted", ", padded and shifted", ", odd window padded and shifted")
        for library in ("transformers", "torchvision")
        for damage in [
            NO_MASK_MADE,
            ("rolled the other way", OTHER_WAY, "outputs"),
            ("rolled back too far", DRIFT, "outputs"),
        ]
    ],
    ("block = transformers", "eps 1e-12", setting("eps", 1e-12, "layernorm_after"), "outputs"),
    ("block = transformers", *TRANSPOSED),
    ("block = transformers", "wrong gradient in the MLP", gradient_doubled("mlp"), "input gradients"),
    ("block = torchvision", *TRANSPOSED),
    ("block = torchvision", "eps 1e-6", setting("eps", 1e-6, "norm2"), "outputs"),
    ("block, padded = transformers", "padded before the norm", padded_first(7, 10), "outputs"),
    ("block, padded = torchvision", "padded tokens not seen", padding_unseen((7, 10), 3), "outputs"),
    ("block, padded = torchvision", "padded before the norm", padded_first(7, 10), "outputs"),
    ("block, one window high = transformers", *TRANSPOSED),
    ("irregular windows = timm", *NO_MASK),
    ("irregular windows = timm", "rolled the other way", OTHER_WAY, "outputs"),
    ("irregular windows = timm", *TRANSPOSED),
    ("irregular windows, M = 4 = timm", *NO_MASK),
    *[
        (f"merging{version} = {library}", *damage)
        for version in ("", " V2")
        for library in ("timm", "transformers", "torchvision")
        for damage in [
            ("right before down", given(rows_first, rows_first), "outputs"),
            ("the norm forgotten", output_of("norm", lambda x, y: x), "outputs"),
            ("eps 1e-6", setting("eps", 1e-6, "norm"), "outputs"),
            ("wrong gradient in the norm", gradient_doubled("norm"), "input gradients"),
        ]
    ],
    ("merging = timm", "reshape alone", run_as(reshaped), "outputs"),
    *[
        (f"merging{version}, odd = {library}", "the edge repeated for zeros", given(repeated_edge), "outputs")
        for version in ("", " V2")
        for library in ("timm", "transformers", "torchvision")
    ],
    *[
        (f"Swin{what} = timm", *damage)
        for what in ("", ", M = 4")
        for damage in [
            NO_MASK, ("not shifted", module(not_shifted), "outputs"), ("rolled back too far", DRIFT, "outputs"),
            TRANSPOSED, ("eps 1e-6 in the last norm", setting("eps", 1e-6, "norm"), "outputs"),
        ]
    ],
    ("Swin = timm", "the norm behind the mean", run_as(norm_of_the_mean), "outputs"),
    ("Swin = timm", "the largest for the mean",
     patched(Tensor, "mean", lambda t, dim=None, keepdim=False: t.amax(dim, keepdim)), "outputs"),
    ("Swin = timm", "pictures moved by a pixel", given(lambda x: x.roll(1, dims=3)), "outputs"),
    ("Swin = timm", "right before down in the last merging",
     first_input(rows_first, "layers.2.downsample"), "outputs"),
    ("Swin = timm", "wrong gradient in a norm", gradient_doubled("layers.1.blocks.1.norm1"), "input gradients"),
    *[
        (f"Swin{what} = transformers", *damage)
        for what in ("", ", padded")
        for damage in [NO_MASK_MADE, ("rolled back too far", DRIFT, "outputs"), TRANSPOSED]
    ],
    ("Swin = transformers", "eps 1e-12 in the stem", setting("eps", 1e-12, "swin.embeddings.norm"), "outputs"),
    ("Swin, padded = transformers", "pictures cut, not padded",
     given(lambda x: x[..., :26, :48]), "outputs"),
    ("Swin, padded = torchvision", *NO_MASK_MADE),
    ("Swin, padded = torchvision", "rolled back too far", DRIFT, "outputs"),
    *_on_cosines("timm", "", "k_bias"),
    *_on_cosines("transformers", "self.", "key"),
    ("V2 block = timm", "norms in front", exactly(before), "outputs"),
    ("V2 block = timm", "norms of the sums", exactly(of_the_sum), "outputs"),
    ("V2 block = timm", "eps 1e-6", setting("eps", 1e-6, "norm2"), "outputs"),
    ("V2 block = timm", *TRANSPOSED),
    ("V2 block = timm", "a bias of keys", module(lambda m: keys_biased(m.attn)), "outputs"),
    ("V2 block = timm", "wrong gradient in the MLP", gradient_doubled("mlp"), "input gradients"),
    ("V2 block, shifted = timm", *NO_MASK),
    ("V2 block, shifted = timm", "rolled the other way", OTHER_WAY, "outputs"),
    ("V2 block = transformers", "eps 1e-12", setting("eps", 1e-12, "layernorm_after"), "outputs"),
    ("V2 block = transformers", *TRANSPOSED),
    *[
        (f"V2 block, {what} = transformers", *damage)
        for what in ("shifted", "padded and shifted")
        for damage in [NO_MASK_MADE, ("rolled back too far", DRIFT, "outputs")]
    ],
    ("Swin V2 = timm", "the blocks of V1", stages_with_norms_before, "outputs"),
    ("Swin V2 = timm", *NO_MASK),
    ("Swin V2 = timm", "not shifted", module(not_shifted), "outputs"),
    ("Swin V2 = timm", "windows of 2 with the offsets of 4",
     run_as(partial(parts.exactly, trained=2)), "outputs"),
    ("Swin V2, padded = transformers", *NO_MASK_MADE),
    ("Swin V2, padded = transformers", *TRANSPOSED),
    ("stripes = token by token", "LePE beyond the stripe", setting("lepe", lepe_everywhere), "outputs"),
    ("stripes = token by token", "LePE of the keys", setting("lepe", lepe_of_keys), "outputs"),
    ("stripes = token by token", "LePE's taps mirrored", module(taps_mirrored), "outputs"),
    ("stripes = token by token", "stripes of other sides", setting("near", same_stripe((4, 2))), "outputs"),
    ("stripes = token by token", "other heads", setting("heads", 2 * HEADS), "outputs"),
    ("stripes = token by token", *GRADIENT_WRONG),
    ("CSWin = token by token", "LePE beyond the stripe", setting("lepe", lepe_everywhere, "attns.1"), "outputs"),
    ("CSWin = token by token", "rows for the first half", module(stripes_exchanged), "outputs"),
    ("CSWin = token by token", "every second channel to the columns",
     output_of("qkv", lambda x, y: heads_interleaved(y)), "outputs"),
    ("CSWin = token by token", "a cross in every head",
     module(lambda m: [setattr(a, "near", cross_of(2)) for a in m.attns]), "outputs"),
    ("CSWin = token by token", "k and v swapped", swapped("qkv"), "outputs"),
    ("CSWin = token by token", "wrong gradient in LePE", gradient_doubled("attns.0"), "input gradients"),
    ("CSWin, stripes of one = token by token", "rows for the first half", module(stripes_exchanged), "outputs"),
    *[
        ("Focal = query by query", *damage)
        for damage in [
            ("margin one wider", setting("margin", 2), "outputs"),
            ("margin one narrower", setting("margin", 0), "outputs"),
            ("one token for the mean", setting("pooled", last_of_each), "outputs"),
            ("nothing pooled", setting("pooled", lambda x, window: []), "outputs"),
            ("pooled for each query's own surroundings, too", run_as(without_the_near), "outputs"),
            ("two softmaxes", run_as(two_softmaxes), "outputs"),
            ("zeros beyond the border are keys", run_as(zeros_beyond_the_border), "outputs"),
            ("k and v swapped", swapped("keys_values"), "outputs"),
            ("wrong gradient in the keys", gradient_doubled("keys_values"), "input gradients"),
        ]
    ],
    ("Focal, wide margin = query by query", "margin one narrower", setting("margin", 2), "outputs"),
    ("Focal, wide margin = query by query", "zeros beyond the border are keys",
     run_as(zeros_beyond_the_border), "outputs"),
    ("Focal, no margin = query by query", "margin one wider", setting("margin", 1), "outputs"),
    ("segmenter = torchvision", "enlarged by repetition", setting("mode", "nearest"), "outputs"),
    ("segmenter = torchvision", "the finest map left out", run_as(finest_left_out), "outputs"),
    ("segmenter = torchvision", "the finest map alone", run_as(finest_alone), "outputs"),
    ("segmenter = torchvision", "eps 1e-6", setting("eps", 1e-6, "norms.1"), "outputs"),
    ("segmenter = torchvision", "wrong gradient in the head", gradient_doubled("classify"), "input gradients"),
    ("segmenter, two levels, odd = torchvision", "enlarged by repetition", setting("mode", "nearest"), "outputs"),
    ("segmenter, last map = torchvision", "eps 1e-6", setting("eps", 1e-6, "norms.0"), "outputs"),
    ("plain segmenter = timm", "eps 1e-6 in the last norm", setting("eps", 1e-6, "norm"), "outputs"),
    ("plain segmenter = timm", "pixels transposed in their patch",
     returned(lambda y: y.unflatten(3, (4, 4)).unflatten(2, (4, 4)).transpose(3, 5).flatten(4).flatten(2, 3)),
     "outputs"),
    ("plain segmenter = timm", "wrong gradient in the head", gradient_doubled("head"), "input gradients"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "damage", "noticed_in"),
    [pytest.param(name, damage, noticed, id=f"{name}: {what}") for name, what, damage, noticed in DAMAGES],
)
def test_the_comparison_notices(lesson: ModuleType, name: str, damage: Damage, noticed_in: str) -> None:
    with pytest.raises(AssertionError, match=noticed_in):
        parts.CASES[name](lesson).check(damage)


def test_every_case_is_damaged() -> None:
    """Cases that differ from a damaged one in sizes only need no damage of their own."""
    spared = {
        "window attention, M = 4 = timm",
        "irregular windows, M = 4 = timm",
        "stripes, the map = token by token",
    }
    assert spared | {name for name, *_ in DAMAGES} == parts.CASES.keys()


# Whole numbers and yes or no: equal, not close.

MAPS = [(6, 9, 3, 1), (8, 12, 4, 2), (15, 10, 5, 2), (14, 21, 7, 3), (16, 16, 8, 4), (9, 6, 3, 2), (12, 8, 4, 1)]


@pytest.mark.parametrize(("height", "width", "window", "shift"), MAPS)
def test_masks_are_those_of_the_libraries(lesson: ModuleType, height: int, width: int, window: int, shift: int) -> None:
    """timm's buffer, transformers' function, and exercise 5.2 on the labels."""
    timms = parts.library_block("timm", (height, width), window, shift).theirs
    theirs = parts.library_block("transformers", (height, width), window, shift).theirs
    added = [timms.attn_mask, theirs.get_attn_mask(height, width, torch.float32, torch.device("cpu"))]
    labels = lesson.region_labels(height, width, window, shift)
    for values in added:
        assert set(values.unique().tolist()) == {-100, 0}
        assert torch.equal(lesson.shift_mask(height, width, window, shift), values == 0)
        assert torch.equal(lesson.additive_mask(labels, window), values)
    another = lesson.shift_mask(height, width, window, shift % (window - 1) + 1)
    assert not torch.equal(another, added[0] == 0), "the comparison can tell one shift from another"


@pytest.mark.parametrize(("height", "width", "window", "shift"), MAPS)
def test_labels_are_those_of_timm(lesson: ModuleType, height: int, width: int, window: int, shift: int) -> None:
    """timm keeps the mask and forgets the labels: they are caught as it cuts them."""
    timms = parts.library_block("timm", (height, width), window, shift).theirs
    module = reference("timm.models.swin_transformer")
    with mock.patch.object(module, "window_partition", side_effect=module.window_partition) as cut:
        timms.get_attn_mask()
    labels = cut.call_args[0][0][0, ..., 0]
    assert torch.equal(lesson.region_labels(height, width, window, shift), labels.long())
    assert labels.unique().tolist() == [*range(9)]


@pytest.mark.parametrize("window", [1, 2, 3, 7, 8, 12])
def test_indices_are_those_of_the_libraries(lesson: ModuleType, window: int) -> None:
    timms = reference("timm.models.swin_transformer").WindowAttention(DIM, HEADS, window_size=window)
    swin = reference("transformers.models.swin.modeling_swin").SwinRelativePositionBias(HEADS, (window, window))
    mine = lesson.window_index(window)
    assert torch.equal(mine, timms.relative_position_index)
    assert torch.equal(mine.flatten(), swin.relative_position_index)
    assert window == 1 or not torch.equal(mine.T, timms.relative_position_index)


@pytest.mark.parametrize(("height", "width"), [(2, 5), (5, 2), (1, 4), (3, 3), (7, 2)])
def test_oblong_indices_are_those_of_timm(lesson: ModuleType, height: int, width: int) -> None:
    """Exercise 5.3."""
    theirs = reference("timm.models.swin_transformer").get_relative_position_index
    assert torch.equal(lesson.oblong_index(height, width), theirs(height, width))
    if 1 < height != width > 1:
        assert not torch.equal(lesson.oblong_index(height, width), theirs(width, height))


@pytest.mark.parametrize(("height", "width"), [(5, 6), (4, 4), (1, 7), (8, 3)])
def test_a_drift_is_found(lesson: ModuleType, height: int, width: int) -> None:
    """Exercise 5.5: every roll there is, named by its nearest way; two opposite ways are as near as each other."""
    for down, right in itertools.product(range(height), range(width)):
        nearest = tuple(
            min((way - side, way), key=lambda w, side=side: (2 * abs(w) + (2 * w == side), w))
            for way, side in ((down, height), (right, width))
        )
        assert lesson.drift(partial(torch.roll, shifts=(down, right), dims=(1, 2)), height, width) == nearest


@pytest.mark.parametrize(("window", "trained"), [(3, None), (8, None), (16, 8), (12, 6)])
def test_coordinates_are_those_of_the_libraries(lesson: ModuleType, window: int, trained: int | None) -> None:
    """The cases above give both libraries the coordinates in float64; here they are as both compute them."""
    wanted = log_offsets((window, window), (trained or window,) * 2)
    for library in ("timm", "transformers"):
        layer = parts.cosine_attention(lesson, library, window, trained).theirs
        (own,) = (buffer for name, buffer in layer.named_buffers() if name.endswith("coords_table"))
        torch.testing.assert_close(own.double(), wanted, atol=1e-6, rtol=0)
    mine = lesson.CosineWindowAttention(DIM, HEADS, window, trained)
    with mock.patch.object(mine.fc1, "forward", side_effect=mine.fc1.forward) as network:
        mine.bias()
    torch.testing.assert_close(network.call_args[0][0].double(), wanted.flatten(0, 2), atol=1e-6, rtol=0)


def test_the_scale_starts_as_in_swin_v2(lesson: ModuleType) -> None:
    """Equal parameters after copying say nothing of how they start."""
    mine = lesson.CosineWindowAttention(DIM, HEADS, 4).log_scale
    for library in ("timm", "transformers"):
        layer = parts.cosine_attention(lesson, library).theirs
        (theirs,) = (p for name, p in layer.named_parameters() if name.endswith("logit_scale"))
        torch.testing.assert_close(mine, theirs)


# Where the libraries differ from one another, the lesson sides with one.


def largest_gap(case: Case) -> float:
    """How far the lesson is from a library in float64, all parameters drawn afresh."""
    randomise(case.theirs, seed=1)
    copy_parameters(case.mine, case.names(dict(case.theirs.named_parameters())))
    mine, theirs, x = case.mine.double(), case.theirs.double(), case.inputs.double()
    with torch.no_grad():
        return (case.mine_forward(mine, x) - case.theirs_forward(theirs, x)).abs().max().item()


def test_one_window_high_shifts_along_the_width_in_two_libraries(lesson: ModuleType) -> None:
    """As in the authors' code, one window that spans either side stops both shifts; timm and torchvision stop one."""
    gaps = {
        library: largest_gap(parts.swin_block(lesson, library, size=(3, 9), window=3, shift=1))
        for library in ("transformers", "timm", "torchvision")
    }
    assert gaps["transformers"] < 1e-10 < 1e-3 < min(gaps["timm"], gaps["torchvision"]), gaps


def test_timm_rolls_before_it_pads(lesson: ModuleType) -> None:
    """A map that windows do not fit, shifted: the lesson, transformers and torchvision pad first."""
    gaps = {
        library: largest_gap(parts.swin_block(lesson, library, size=(7, 11), window=4, shift=2))
        for library in ("transformers", "torchvision", "timm")
    }
    assert max(gaps["transformers"], gaps["torchvision"]) < 1e-10 < 1e-3 < gaps["timm"], gaps


def test_minus_100_leaks_at_the_largest_scale_of_swin_v2(lesson: ModuleType) -> None:
    """Cosines of 1 and -1 times 100 lie 200 apart, which can outweigh timm's -100, not the lesson's infinity."""
    case = parts.cosine_attention(lesson, "timm", masked=True, run_away=True)
    tame = parts.cosine_attention(lesson, "timm", masked=True)
    assert largest_gap(tame) < 1e-10 < 1e-6 < largest_gap(case)


# Counting.

SIZES = {
    "Swin-T": ("tiny", "swin_t", 96, (2, 2, 6, 2), (3, 6, 12, 24)),
    "Swin-S": ("small", "swin_s", 96, (2, 2, 18, 2), (3, 6, 12, 24)),
    "Swin-B": ("base", "swin_b", 128, (2, 2, 18, 2), (4, 8, 16, 32)),
    "Swin-L": ("large", None, 192, (2, 2, 18, 2), (6, 12, 24, 48)),
}


def timm_model(name: str) -> nn.Module:
    return on_meta(lambda: reference("timm").create_model(name, num_classes=1000))


@pytest.mark.parametrize("name", SIZES)
def test_parameters_are_those_of_the_libraries(lesson: ModuleType, name: str) -> None:
    size, torchvisions, dim, depths, heads = SIZES[name]
    mine = lesson.counted_parameters(lesson.SWINS[name])
    assert mine == count(timm_model(f"swin_{size}_patch4_window7_224"))
    swin = reference("transformers.models.swin.modeling_swin")
    config = swin.SwinConfig(embed_dim=dim, depths=list(depths), num_heads=list(heads), num_labels=1000)
    assert mine == count(on_meta(lambda: swin.SwinForImageClassification(config)))
    if torchvisions:
        build = getattr(reference("torchvision.models.swin_transformer"), torchvisions)
        assert mine == count(on_meta(build))
    assert mine != lesson.counted_parameters(replace(lesson.SWINS[name], window=8))


@pytest.mark.parametrize("name", SIZES)
def test_parameters_by_formula_are_those_of_timm_part_by_part(lesson: ModuleType, name: str) -> None:
    """timm's names say which part each tensor belongs to."""
    found = dict.fromkeys(lesson.swin_parameters(lesson.SWINS[name]), 0)
    for path, parameter in timm_model(f"swin_{SIZES[name][0]}_patch4_window7_224").named_parameters():
        owners = [
            ("patch_embed", "stem"), ("downsample", "merging"), ("bias_table", "bias tables"), (".attn.", "attention"),
            (".mlp.", "mlp"), ("head", "head"), ("norm", "norms"),
        ]  # fmt: skip
        found[next(part for piece, part in owners if piece in path)] += parameter.numel()
    assert lesson.swin_parameters(lesson.SWINS[name]) == found


@pytest.mark.parametrize(
    ("name", "window", "model"),
    [
        ("Swin-T", 8, "swinv2_tiny_window8_256"), ("Swin-S", 8, "swinv2_small_window8_256"),
        ("Swin-B", 8, "swinv2_base_window8_256"), ("Swin-L", 12, "swinv2_large_window12_192"),
    ],
)  # fmt: skip
def test_parameters_of_v2_are_those_of_the_libraries(lesson: ModuleType, name: str, window: int, model: str) -> None:
    _, _, dim, depths, heads = SIZES[name]
    mine = count(on_meta(lambda: lesson.SwinV2(replace(lesson.SWINS[name], window=window))))
    assert mine == count(timm_model(model))
    swin = reference("transformers.models.swinv2.modeling_swinv2")
    config = swin.Swinv2Config(
        embed_dim=dim, depths=list(depths), num_heads=list(heads), num_labels=1000, window_size=window,
        image_size=32 * window,
    )  # fmt: skip
    assert mine == count(on_meta(lambda: swin.Swinv2ForImageClassification(config)))


@pytest.mark.parametrize(
    ("name", "window", "side", "model"),
    [
        ("Swin-T", 7, 224, "swin_tiny_patch4_window7_224"), ("Swin-S", 7, 224, "swin_small_patch4_window7_224"),
        ("Swin-B", 7, 224, "swin_base_patch4_window7_224"), ("Swin-L", 7, 224, "swin_large_patch4_window7_224"),
        ("Swin-B", 12, 384, "swin_base_patch4_window12_384"),
    ],
)  # fmt: skip
def test_macs_are_those_of_timm(lesson: ModuleType, name: str, window: int, side: int, model: str) -> None:
    """Both without the head; nothing is left to explain. A window larger costs more."""
    config, theirs = replace(lesson.SWINS[name], window=window), timm_model(model)
    images = torch.empty(1, 3, side, side, device="meta")
    assert lesson.counted_swin_macs(config, side) == macs_of(theirs.forward_features, images)
    if window == 7:
        assert lesson.counted_swin_macs(replace(config, window=14), side) > macs_of(theirs.forward_features, images)


@pytest.mark.parametrize(("side", "dim", "window"), [(56, 96, 7), (24, 48, 8), (12, 24, 12)])
def test_window_macs_are_those_of_timm(lesson: ModuleType, side: int, dim: int, window: int) -> None:
    build = reference("timm.models.swin_transformer").WindowAttention
    theirs = on_meta(lambda: build(dim, 3, window_size=window))
    tokens = torch.empty(side**2 // window**2, window**2, dim, device="meta")
    macs = lesson.window_macs(side * side, dim, window)
    assert sum(macs.values()) == lesson.counted_window_macs(side, dim, window) == macs_of(theirs, tokens)
    assert macs["projections"] == macs_of(theirs.qkv, tokens) + macs_of(theirs.proj, tokens)


@pytest.mark.parametrize(("height", "width", "stripe", "heads"), [(4, 6, 2, 4), (6, 6, 3, 2), (2, 8, 1, 2)])
def test_cswin_macs_are_counted_pair_by_pair(
    lesson: ModuleType, height: int, width: int, stripe: int, heads: int
) -> None:
    """Every query, every key it may see and every head, one product of d numbers for the score and one for mixing."""
    nears = same_stripe((height, stripe)), same_stripe((stripe, width))
    places = list(itertools.product(range(height), range(width)))
    pairs = sum(near(a, b) for near in nears for a in places for b in places)
    lepe = nn.Conv2d(DIM // 2, DIM // 2, 3, padding=1, groups=DIM // 2)
    wanted = {
        "projections": 4 * macs_of(nn.Linear(DIM, DIM), torch.zeros(height * width, DIM)),
        "pairs": 2 * pairs * (heads // 2) * (DIM // heads),
        "LePE": 2 * macs_of(lepe, torch.zeros(1, DIM // 2, height, width)),
    }
    assert lesson.cswin_macs(height, width, DIM, stripe) == wanted
    layer = lesson.CSWinAttention(DIM, heads, stripe)
    assert lesson.counted(layer, torch.zeros(1, height, width, DIM)) == sum(wanted.values())


# The task of the last part.


def shapes_by_pixel(number: int, size: int, seed: int) -> tuple[Tensor, Tensor, Tensor]:
    """The same draws; colours (number, 3, size, size) and kinds pixel by pixel, and the noise."""
    draws = generator(seed)
    noise = 0.3 * torch.randn(number, 3, size, size, generator=draws)
    colours, kinds = torch.zeros_like(noise), torch.zeros(number, size, size, dtype=torch.long)
    for _ in range(2 * (size // 32) ** 2):
        kind = torch.randint(3, (number,), generator=draws).tolist()
        radius, row, column = torch.rand(3, number, generator=draws).tolist()
        signs = torch.randint(2, (number, 3, 1, 1), generator=draws)
        for i, y, x in itertools.product(range(number), range(size), range(size)):
            far = 5 + 3 * radius[i]
            down = abs(y + 0.5 - size * (0.1 + 0.8 * row[i])) / far
            right = abs(x + 0.5 - size * (0.1 + 0.8 * column[i])) / far
            inside = [
                0.55 < math.hypot(down, right) < 1.05,
                max(down, right) < 0.9,
                max(down, right) < 1 and min(down, right) < 0.3,
            ]
            if inside[kind[i]]:
                kinds[i, y, x] = kind[i] + 1
                colours[i, :, y, x] = torch.where(signs[i, :, 0, 0] > 0, 0.8, -0.8)
    return colours, kinds, noise


@pytest.mark.parametrize(("number", "size", "seed"), [(5, 32, 11), (2, 64, 12)])
def test_shapes_are_as_drawn_pixel_by_pixel(lesson: ModuleType, number: int, size: int, seed: int) -> None:
    images, labels = lesson.shapes(number, size, seed)
    colours, kinds, noise = shapes_by_pixel(number, size, seed)
    assert torch.equal(labels, kinds)
    torch.testing.assert_close(images, colours + noise)
    assert labels.unique().tolist() == [0, 1, 2, 3], "all kinds occur, or the comparison is of less than it says"


def test_mean_iou_is_that_of_scikit_learn(lesson: ModuleType) -> None:
    metrics = reference("sklearn.metrics")
    said, labels = torch.randint(4, (2, 3, 8, 8), generator=generator(5))
    mine = lesson.mean_iou(lambda images: F.one_hot(said, 4).movedim(-1, 1), torch.zeros(3, 3, 8, 8), labels)
    assert mine == pytest.approx(metrics.jaccard_score(labels.flatten(), said.flatten(), average="macro"))
    assert mine != pytest.approx(metrics.jaccard_score(labels.flatten(), said.flatten(), average="micro"))
