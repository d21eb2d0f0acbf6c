"""What the comparisons of Lesson 3 have to notice."""

from __future__ import annotations

import math
from functools import partial

import torch
import torch.nn.functional as F
from torch import nn

from tests.parity.framework import damages
from tests.parity.framework.cases import HEAD_DIM, HEADS
from tests.parity.framework.damages import (
    GRADIENT_WRONG,
    Damage,
    Damaged,
    by_columns,
    given,
    gradient_doubled,
    instead,
    module,
    output_of,
    patched,
    returned,
    setting,
    swapped,
)
from tests.parity.lesson_03 import cheaper, functions, looking, modules, wrong
from tests.parity.lesson_03.functions import LESSON, RULES, Rule, cut, flex, near
from tests.parity.lesson_03.looking import LABELS

like = partial(damages.like, LESSON)


def ruled(rule: Rule) -> Damage:
    """flex_attention by another rule."""
    return instead(lambda x: flex(*x.unbind(), rule))


NOT_SCALED = given(lambda x: torch.cat([3 * x[..., :5, :], x[..., 5:, :]], dim=-2))
LATER_FIRST = ("the last block first", given(lambda x: x.flip(0)), "outputs")
TRANSPOSED = ("keys ask queries", given(lambda x: x.mT), "outputs")
NO_RESIDUAL = partial(looking.rollout, residual=False)
OTHER_LABELS = LABELS.roll(1)

DAMAGES: list[Damaged] = [
    ("attend = SDPA", "scores scaled threefold", NOT_SCALED, "outputs"),
    ("attend = SDPA", "not scaled at all", like(partial(functions.attend, scale=1.0)), "outputs"),
    ("attend = SDPA", *GRADIENT_WRONG),
    ("attend with a scale = SDPA", "the scale is ignored", like(functions.attend), "outputs"),
    ("attend with a mask = SDPA", "the mask is ignored", like(functions.attend), "outputs"),
    ("attend with a mask = SDPA", *GRADIENT_WRONG),
    ("attend with mask and scale = SDPA", "the scale is ignored",
     like(partial(functions.attend, masked=True)), "outputs"),
    ("attend with mask and scale = SDPA", "the mask is ignored",
     like(partial(functions.attend, scale=-1.3)), "outputs"),
    ("attend, bidirectional = flex_attention", "causal", ruled(RULES["causal"]), "outputs"),
    ("attend, causal = flex_attention", "the future is seen", ruled(lambda i, j: i <= j), "outputs"),
    ("attend, causal = flex_attention", "one step of the future is seen", ruled(lambda i, j: i + 1 >= j), "outputs"),
    ("attend, 3 × 3 window = flex_attention", "near in number", ruled(wrong.any_place), "outputs"),
    ("attend, 3 × 3 window = flex_attention", "a radius of two", ruled(near(3, 2)), "outputs"),
    ("attend, [CLS] + groups = flex_attention", "no token but the first sees the first",
     ruled(lambda i, j: (i // 3 == j // 3) | (i == 0)), "outputs"),
    ("attend, packing = flex_attention", "the cut one token further",
     ruled(lambda i, j: (i < 5) == (j < 5)), "outputs"),
    ("attend, packing = flex_attention", "the second picture sees the first",
     ruled(lambda i, j: (i >= 4) | (j < 4)), "outputs"),
    ("attend, exercise 3.2 = flex_attention", "rows for columns", ruled(near(3, 1, cls=1)), "outputs"),
    ("attend, exercise 3.2 = flex_attention", "[CLS] is a place", ruled(near(5, 1)), "outputs"),
    ("attend, exercise 3.2, radius 2 = flex_attention", "a diamond", ruled(wrong.in_a_diamond), "outputs"),
    ("exercise 3.1 = BLOOM", "queries, keys, values outermost", given(wrong.by_part), "outputs"),
    ("exercise 3.1 = BLOOM", *GRADIENT_WRONG),
    ("heads = torch", "k and v swapped", swapped("in_proj"), "outputs"),
    ("heads = torch", "masked", like(partial(modules.torch_attention, masked=True)), "outputs"),
    ("heads = torch", *GRADIENT_WRONG),
    ("heads with a mask = torch", "the mask is ignored", like(modules.torch_attention), "outputs"),
    ("heads = timm", "k and v swapped", swapped("qkv"), "outputs"),
    ("heads = timm", "scores scaled by D", output_of("q_norm", lambda x, y: y / HEADS**0.5), "outputs"),
    ("heads = timm", "wrong gradient in keys alone", gradient_doubled("k_norm"), "input gradients"),
    ("heads with norms = timm", "eps 1e-5", setting("eps", 1e-5, "q_norm"), "outputs"),
    ("heads with norms = timm", "keys are not normalised", output_of("k_norm", lambda x, y: x), "outputs"),
    ("heads with norms = timm", "a norm over all heads", output_of("q_norm", wrong.over_all_heads), "outputs"),
    ("heads with norms = timm", "queries' norm and keys' swapped",
     module(lambda m: m.q_norm.weight.copy_(m.k_norm.weight)), "outputs"),
    ("heads with norms = timm", "wrong gradient in queries", gradient_doubled("q_norm"), "input gradients"),
    ("heads with norms and a mask = timm", "the mask is ignored",
     like(partial(modules.timm_attention, head_norm=True)), "outputs"),
    ("layer = torch", "eps 1e-6", setting("eps", 1e-6, "norm2"), "outputs"),
    ("layer = torch", "norms after the sums", setting("norm_first", False), "outputs"),
    ("layer = torch", "tanh GELU", setting("activation", partial(F.gelu, approximate="tanh")), "outputs"),
    ("layer = torch", "k and v swapped", swapped("self_attn.in_proj"), "outputs"),
    ("layer = torch", "wrong gradient in the MLP", gradient_doubled("linear1"), "input gradients"),
    ("Finder = timm", "eps 1e-6 in the last norm", setting("eps", 1e-6, "norm"), "outputs"),
    ("Finder = timm", "mean of the patches", setting("global_pool", "avg"), "outputs"),
    ("Finder = timm", "patches by columns", given(lambda images: images.mT), "outputs"),
    ("Finder = timm", "tanh GELU in a block", setting("act", nn.GELU("tanh"), "blocks.1.mlp"), "outputs"),
    ("Finder = timm", "wrong gradient in the head", gradient_doubled("head"), "input gradients"),
    ("nine heads = convolution", "zero padding", setting("padding_mode", "zeros"), "outputs"),
    ("nine heads = convolution", "taps mirrored", module(lambda m: m.weight.copy_(m.weight.flip(2, 3))), "outputs"),
    ("nine heads = convolution", "columns before rows",
     module(lambda m: m.weight.copy_(m.weight.mT.clone())), "outputs"),
    ("nine heads = convolution", *GRADIENT_WRONG),
    ("25 heads = convolution", "zero padding", setting("padding_mode", "zeros"), "outputs"),
    ("flash, ragged tiles = SDPA", "the short tile is forgotten", instead(wrong.keys_forgotten), "outputs"),
    ("flash, ragged tiles = SDPA", "scores scaled threefold", NOT_SCALED, "outputs"),
    ("flash, ragged tiles = SDPA", *GRADIENT_WRONG),
    ("exercise 3.3 = SDPA", "the plain mean", instead(wrong.mean_of_blocks), "outputs"),
    ("exercise 3.3 = SDPA", "the larger log-sum-exp for the sum",
     returned(lambda y: torch.cat([y[:, :-1], y[:, -1:] - math.log(2)], dim=1)), "outputs"),
    ("exercise 3.3 = SDPA", *GRADIENT_WRONG),
    ("linear = all pairs", "exp for elu + 1", instead(wrong.exponentials_for_elu), "outputs"),
    ("linear = all pairs", "normalised over the queries", instead(wrong.normalised_over_queries), "outputs"),
    ("linear = all pairs", "softmax attention",
     instead(lambda x: F.scaled_dot_product_attention(*cut(x, 7, 11))), "outputs"),
    ("linear = all pairs", *GRADIENT_WRONG),
    ("windows = timm", "windows begin one row down",
     given(lambda x: x.roll(6, dims=1), lambda y: y.roll(-6, dims=0)), "outputs"),
    ("windows = timm", "strips of nine", instead(wrong.strips), "outputs"),
    ("windows = timm", "other windows", like(partial(cheaper.windows, window=2)), "outputs"),
    ("windows = timm", *GRADIENT_WRONG),
    ("top 4 = masked SDPA", "one key more", like(partial(cheaper.top_k, keep=5)), "outputs"),
    ("top 4 = masked SDPA", "cut off after softmax", instead(wrong.cut_off_after_softmax), "outputs"),
    ("top 4 = masked SDPA", *GRADIENT_WRONG),
    ("rollout = sum over paths", *LATER_FIRST),
    ("rollout = sum over paths", *TRANSPOSED),
    ("rollout = sum over paths", "no residual", like(NO_RESIDUAL), "outputs"),
    ("rollout = sum over paths", *GRADIENT_WRONG),
    ("rollout, minimum = sum over paths", "mean over heads", like(looking.rollout), "outputs"),
    ("rollout, minimum = sum over paths", "rows not divided by their sums", instead(wrong.rows_that_leak), "outputs"),
    ("rollout, no residual = sum over paths", *LATER_FIRST),
    ("rollout, no residual = sum over paths", "a residual", like(looking.rollout), "outputs"),
    ("rollout, minimum, no residual = sum over paths", "mean over heads", like(NO_RESIDUAL), "outputs"),
    ("exercise 3.4 = sum over paths", *LATER_FIRST),
    ("exercise 3.4 = sum over paths", *TRANSPOSED),
    ("exercise 3.4, share 0.8 = sum over paths", "the residual's share for attention's",
     like(partial(looking.rollout_by_block, share=0.2)), "outputs"),
    ("Grad-CAM = captum", "another class", like(partial(looking.grad_cam, labels=OTHER_LABELS)), "outputs"),
    ("Grad-CAM = captum", "[CLS] is a place", like(partial(looking.grad_cam, cls=0)), "outputs"),
    ("Grad-CAM = captum", "negative values stay", like(partial(looking.grad_cam, relu=False)), "outputs"),
    ("Grad-CAM = captum", "probabilities for logits",
     like(partial(looking.grad_cam, of=looking.PROBABILITIES)), "outputs"),
    ("erasing = captum", "another class", like(partial(looking.erasing, labels=OTHER_LABELS)), "outputs"),
    ("erasing = captum", "another grey", like(partial(looking.erasing, grey=0.0)), "outputs"),
    ("erasing = captum", "logits for probabilities", like(partial(looking.erasing, of=lambda y: y)), "outputs"),
    ("erasing = captum", "places by columns",
     returned(lambda y: y.unflatten(1, (5, 5)).mT.flatten(1)), "outputs"),
    ("attention distance = pair by pair", *TRANSPOSED),
    ("attention distance = pair by pair", "a grid of other sides",
     given(lambda x: by_columns(by_columns(x).mT).mT), "outputs"),
    ("attention distance = pair by pair", *GRADIENT_WRONG),
    ("entropy = torch.distributions", "bits for nats", returned(lambda y: y / math.log(2)), "outputs"),
    ("entropy = torch.distributions", *GRADIENT_WRONG),
    ("pixel scores = unfold", "N − 1 for N in the variance", returned(lambda y: y * 47 / 48), "outputs"),
    ("pixel scores = unfold", "places by columns", returned(lambda y: y.unflatten(0, (3, 5)).T.flatten()), "outputs"),
    ("pixel scores = unfold", *GRADIENT_WRONG),
    ("sight of a linear layer = its matrices", "inputs for outputs", returned(lambda y: y.mT), "outputs"),
]  # fmt: skip


def _on_cosines(library: str) -> list[Damaged]:
    """What can be wrong with Swin V2's attention, in either library."""
    name, bounded = f"cosine attention = {library}", f"cosine attention, scale above the bound = {library}"
    exp = module(lambda m: m.attn.logit_scale.exp_())
    root = module(lambda m: m.attn.logit_scale.sub_(math.log(HEAD_DIM) / 2))
    heads = module(lambda m: m.attn.logit_scale.copy_(m.attn.logit_scale.roll(1, 0)))
    return [
        (name, "divided by √d, too", root, "outputs"),
        (name, "the exponential twice", exp, "outputs"),
        (name, "heads in another order", heads, "outputs"),
        (name, "sums of sizes for lengths", patched(F, "normalize", wrong.sum_of_sizes_one), "outputs"),
        (name, "a bias of places", module(wrong.places_matter), "outputs"),
        (name, "no bias of keys", module(wrong.key_bias_forgotten), "outputs"),
        (name, *GRADIENT_WRONG),
        (bounded, "no bound", patched(torch, "clamp", lambda t, max: t), "outputs"),
    ]


DAMAGES += _on_cosines("timm") + _on_cosines("transformers")
