"""What the comparisons of Lesson 5 have to notice."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn

from tests.parity.framework import damages
from tests.parity.framework.cases import DIM, HEADS
from tests.parity.framework.damages import (
    GRADIENT_WRONG,
    Damage,
    Damaged,
    first_input,
    given,
    gradient_doubled,
    heads_rolled,
    index_transposed,
    module,
    output_of,
    patched,
    returned,
    run_as,
    setting,
    swapped,
)
from tests.parity.lesson_05 import version_2, windows, wrong
from tests.parity.lesson_05.cases import LESSON
from tests.parity.lesson_05.slow import same_stripe

like = partial(damages.like, LESSON)
ROLL = torch.roll
DRIFT = patched(torch, "roll", partial(wrong.rolled_once_more, ROLL))
OTHER_WAY = patched(torch, "roll", partial(wrong.rolled_the_other_way, ROLL))
NO_ROLL = patched(torch, "roll", lambda x, shifts, dims: x)
TRANSPOSED = ("bias transposed", module(index_transposed), "outputs")
OTHER_HEADS = ("the biases of other heads", module(heads_rolled), "outputs")
NO_MASK = ("mask forgotten", module(wrong.mask_forgotten), "outputs")
# The others make theirs at each call, out of differences of labels.
NO_MASK_MADE = ("mask forgotten", patched(Tensor, "masked_fill", lambda t, where, value: 0 * t), "outputs")


def _on_cosines(library: str, inner: str) -> list[Damaged]:
    """What can be wrong with Swin V2's attention, in either library."""
    name = f"cosine attention{{}} = {library}"
    case = partial(version_2.cosine_attention, library=library)
    biased = module(wrong.keys_biased) if library == "timm" else output_of(f"{inner}key", wrong.with_a_bias)

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


DAMAGES: list[Damaged] = [
    ("partition = timm", "a bare reshape", run_as(wrong.strips), "outputs"),
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
     like(partial(windows.window_attention, library="timm")), "outputs"),
    ("window attention = transformers", *TRANSPOSED),
    ("window attention = transformers", *OTHER_HEADS),
    ("window attention, masked = transformers", "mask forgotten",
     like(partial(windows.window_attention, library="transformers")), "outputs"),
    ("block = timm", "norms behind", run_as(wrong.after), "outputs"),
    ("block = timm", "norms of the sums", run_as(wrong.of_the_sum), "outputs"),
    ("block = timm", "attention and MLP side by side", run_as(wrong.beside), "outputs"),
    ("block = timm", "eps 1e-6", setting("eps", 1e-6, "norm1"), "outputs"),
    ("block = timm", "tanh GELU", setting("act", nn.GELU("tanh"), "mlp"), "outputs"),
    ("block = timm", "wrong gradient in the MLP", gradient_doubled("mlp"), "input gradients"),
    ("block, padded = timm", "padded before the norm", wrong.padded_first(7, 10), "outputs"),
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
    ("block, padded = transformers", "padded before the norm", wrong.padded_first(7, 10), "outputs"),
    ("block, padded = torchvision", "padded tokens not seen", wrong.padding_unseen((7, 10), 3), "outputs"),
    ("block, padded = torchvision", "padded before the norm", wrong.padded_first(7, 10), "outputs"),
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
            ("right before down", given(wrong.rows_first, wrong.rows_first), "outputs"),
            ("the norm forgotten", output_of("norm", lambda x, y: x), "outputs"),
            ("eps 1e-6", setting("eps", 1e-6, "norm"), "outputs"),
            ("wrong gradient in the norm", gradient_doubled("norm"), "input gradients"),
        ]
    ],
    ("merging = timm", "reshape alone", run_as(wrong.reshaped), "outputs"),
    *[
        (f"merging{version}, odd = {library}", "the edge repeated for zeros", given(wrong.repeated_edge), "outputs")
        for version in ("", " V2")
        for library in ("timm", "transformers", "torchvision")
    ],
    *[
        (f"Swin{what} = timm", *damage)
        for what in ("", ", M = 4")
        for damage in [
            NO_MASK, ("not shifted", module(wrong.not_shifted), "outputs"), ("rolled back too far", DRIFT, "outputs"),
            TRANSPOSED, ("eps 1e-6 in the last norm", setting("eps", 1e-6, "norm"), "outputs"),
        ]
    ],
    ("Swin = timm", "the norm behind the mean", run_as(wrong.norm_of_the_mean), "outputs"),
    ("Swin = timm", "the largest for the mean",
     patched(Tensor, "mean", lambda t, dim=None, keepdim=False: t.amax(dim, keepdim)), "outputs"),
    ("Swin = timm", "pictures moved by a pixel", given(lambda x: x.roll(1, dims=3)), "outputs"),
    ("Swin = timm", "right before down in the last merging",
     first_input(wrong.rows_first, "layers.2.downsample"), "outputs"),
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
    *_on_cosines("timm", ""),
    *_on_cosines("transformers", "self."),
    ("V2 block = timm", "norms in front", wrong.exactly(wrong.before), "outputs"),
    ("V2 block = timm", "norms of the sums", wrong.exactly(wrong.of_the_sum), "outputs"),
    ("V2 block = timm", "eps 1e-6", setting("eps", 1e-6, "norm2"), "outputs"),
    ("V2 block = timm", *TRANSPOSED),
    ("V2 block = timm", "a bias of keys", module(lambda m: wrong.keys_biased(m.attn)), "outputs"),
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
    ("V2 block, map below a window = timm", "offsets of the whole window",
     run_as(partial(version_2.exactly, trained=4)), "outputs"),
    ("V2 block, map below a window = timm", *TRANSPOSED),
    ("V2 block, map lower than a window = transformers", "offsets of the whole window",
     run_as(partial(version_2.exactly, trained=4, call=windows.of_rows)), "outputs"),
    ("Swin V2, last map below a window = timm", "offsets of the whole window",
     run_as(partial(version_2.exactly, trained=8)), "outputs"),
    ("Swin V2, last map below a window = transformers", "offsets of the whole window",
     run_as(partial(version_2.exactly, trained=8, call=lambda model, x: model(x).logits)), "outputs"),
    ("Swin V2 = timm", "the blocks of V1", wrong.stages_with_norms_before, "outputs"),
    ("Swin V2 = timm", *NO_MASK),
    ("Swin V2 = timm", "not shifted", module(wrong.not_shifted), "outputs"),
    ("Swin V2 = timm", "windows of 2 with the offsets of 4",
     run_as(partial(version_2.exactly, trained=2)), "outputs"),
    ("Swin V2, padded = transformers", *NO_MASK_MADE),
    ("Swin V2, padded = transformers", *TRANSPOSED),
    ("stripes = token by token", "LePE beyond the stripe", setting("lepe", wrong.lepe_everywhere), "outputs"),
    ("stripes = token by token", "LePE of the keys", setting("lepe", wrong.lepe_of_keys), "outputs"),
    ("stripes = token by token", "LePE's taps mirrored", module(wrong.taps_mirrored), "outputs"),
    ("stripes = token by token", "stripes of other sides", setting("near", same_stripe((4, 2))), "outputs"),
    ("stripes = token by token", "other heads", setting("heads", 2 * HEADS), "outputs"),
    ("stripes = token by token", *GRADIENT_WRONG),
    ("CSWin = token by token", "LePE beyond the stripe", setting("lepe", wrong.lepe_everywhere, "attns.1"), "outputs"),
    ("CSWin = token by token", "rows for the first half", module(wrong.stripes_exchanged), "outputs"),
    ("CSWin = token by token", "every second channel to the columns",
     output_of("qkv", lambda x, y: wrong.heads_interleaved(y)), "outputs"),
    ("CSWin = token by token", "a cross in every head",
     module(lambda m: [setattr(a, "near", wrong.cross_of(2)) for a in m.attns]), "outputs"),
    ("CSWin = token by token", "k and v swapped", swapped("qkv"), "outputs"),
    ("CSWin = token by token", "wrong gradient in LePE", gradient_doubled("attns.0"), "input gradients"),
    ("CSWin, stripes of one = token by token", "rows for the first half", module(wrong.stripes_exchanged), "outputs"),
    *[
        ("Focal = query by query", *damage)
        for damage in [
            ("margin one wider", setting("margin", 2), "outputs"),
            ("margin one narrower", setting("margin", 0), "outputs"),
            ("one token for the mean", setting("pooled", wrong.last_of_each), "outputs"),
            ("nothing pooled", setting("pooled", lambda x, window: []), "outputs"),
            ("pooled for each query's own surroundings, too", run_as(wrong.without_the_near), "outputs"),
            ("two softmaxes", run_as(wrong.two_softmaxes), "outputs"),
            ("zeros beyond the border are keys", run_as(wrong.zeros_beyond_the_border), "outputs"),
            ("k and v swapped", swapped("keys_values"), "outputs"),
            ("wrong gradient in the keys", gradient_doubled("keys_values"), "input gradients"),
        ]
    ],
    ("Focal, wide margin = query by query", "margin one narrower", setting("margin", 2), "outputs"),
    ("Focal, wide margin = query by query", "zeros beyond the border are keys",
     run_as(wrong.zeros_beyond_the_border), "outputs"),
    ("Focal, no margin = query by query", "margin one wider", setting("margin", 1), "outputs"),
    ("segmenter = torchvision", "enlarged by repetition", setting("mode", "nearest"), "outputs"),
    ("segmenter = torchvision", "the finest map left out", run_as(wrong.finest_left_out), "outputs"),
    ("segmenter = torchvision", "the finest map alone", run_as(wrong.finest_alone), "outputs"),
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
