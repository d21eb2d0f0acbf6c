"""Lesson 3's attention, its variants and the ways to look into it compute what published implementations compute."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from types import ModuleType
from unittest import mock

import networkx as nx
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from tests.parity import lesson_03 as parts
from tests.parity.harness import on_meta, reference
from tests.parity.lesson_02 import DIM, HEAD_DIM, HEADS, Case, tensor
from tests.parity.lesson_03 import LABELS, RULES, Build, Rule, cut, flex, near, shares, sum_over_paths
from tests.parity.test_02_patch_and_position_embeddings import (
    Damage,
    by_columns,
    given,
    gradient_doubled,
    module,
    output_of,
    returned,
    scaled_only_backwards,
    setting,
    swapped,
)


@pytest.fixture(scope="module")
def lesson() -> ModuleType:
    return parts.lesson_and_solutions()


@pytest.mark.parametrize("name", parts.CASES)
def test_outputs_and_gradients_agree(lesson: ModuleType, name: str) -> None:
    parts.CASES[name](lesson).check()


# Each of these damages a right reference, keeping every shape and count, and the comparison has to notice.


def like(build: Build) -> Damage:
    """The reference of another case, or of the same with other choices."""
    return lambda case: replace(case, theirs_forward=build(parts.lesson_and_solutions()).theirs_forward)


def instead(forward: Callable[[Tensor], Tensor]) -> Damage:
    """Another function for the reference."""
    return lambda case: replace(case, theirs_forward=lambda _, x: forward(x))


def ruled(rule: Rule) -> Damage:
    return instead(lambda x: flex(*x.unbind(), rule))


def patched(owner: object, name: str, substitute: Callable) -> Damage:
    """While the reference runs, another function goes by this name."""

    def damage(case: Case) -> Case:
        def forward(part: nn.Module, x: Tensor) -> Tensor:
            with mock.patch.object(owner, name, substitute):
                return case.theirs_forward(part, x)

        return replace(case, theirs_forward=forward)

    return damage


def by_part(fused: Tensor) -> Tensor:
    """Fused (q k v)(h)(d), cut as if it were (h)(q k v)(d)."""
    return fused.unflatten(-1, (3, HEADS, HEAD_DIM)).transpose(-3, -2).flatten(-3)


def over_all_heads(q: Tensor, _: Tensor) -> Tensor:
    """One norm over D for a norm of each head."""
    return F.layer_norm(q.transpose(1, 2).flatten(2), (DIM,)).unflatten(2, (HEADS, HEAD_DIM)).transpose(1, 2)


def places_matter(swin: nn.Module) -> None:
    network = next(part for name, part in swin.attn.named_children() if name.endswith("mlp"))
    for buffer in network.buffers():
        buffer.copy_(torch.linspace(-1, 1, buffer.numel()).reshape(buffer.shape))


def key_bias_forgotten(swin: nn.Module) -> None:
    (swin.attn.k_bias if hasattr(swin.attn, "k_bias") else swin.attn.key.bias).zero_()


def sum_of_sizes_one(t: Tensor, dim: int) -> Tensor:
    return t / t.abs().sum(dim=dim, keepdim=True)


def keys_forgotten(x: Tensor) -> Tensor:
    """Seven queries, eleven keys; the last, short tile of keys is not seen."""
    q, k, v = cut(x, 7, 11)
    return F.scaled_dot_product_attention(q, k[:8], v[:8])


def mean_of_blocks(x: Tensor) -> Tensor:
    q, k, v = cut(x, 7, 9)
    blocks = zip(k.split([4, 5]), v.split([4, 5]), strict=True)
    answer = sum(F.scaled_dot_product_attention(q, keys, values) for keys, values in blocks) / 2
    return torch.cat([answer, (q @ k.mT / HEAD_DIM**0.5).logsumexp(dim=-1, keepdim=True)], dim=1)


def exponentials_for_elu(x: Tensor) -> Tensor:
    q, k, v = (t.exp() if number < 2 else t for number, t in enumerate(cut(x, 7, 11)))
    similar = q @ k.mT
    return similar / similar.sum(dim=-1, keepdim=True) @ v


def normalised_over_queries(x: Tensor) -> Tensor:
    q, k, v = cut(x, 7, 11)
    similar = (F.elu(q) + 1) @ (F.elu(k) + 1).mT
    return similar / similar.sum(dim=-2, keepdim=True) @ v


def strips(x: Tensor) -> Tensor:
    """Nine patches that follow one another for a window of 3 × 3."""
    return F.scaled_dot_product_attention(*x.unflatten(1, (4, 9))).flatten(0, 1)


def cut_off_after_softmax(x: Tensor) -> Tensor:
    q, k, v = cut(x, 7, 11)
    return (q @ k.mT / HEAD_DIM**0.5).softmax(dim=-1).masked_fill(~parts.best_keys(q, k, 4), 0) @ v


def rows_that_leak(x: Tensor) -> Tensor:
    """The minimum over heads, its rows not divided by their sums."""
    weights = parts.maps_of(x).amin(dim=2)
    return sum_over_paths((weights + torch.eye(4).to(x)) / 2)


def any_place(i: Tensor, j: Tensor) -> Tensor:
    return (i - j).abs() <= 4


def in_a_diamond(i: Tensor, j: Tensor) -> Tensor:
    a, b = i - 1, j - 1
    return ((a // 5 - b // 5).abs() + (a % 5 - b % 5).abs() <= 2) | (i * j == 0)


NOT_SCALED = given(lambda x: torch.cat([3 * x[..., :5, :], x[..., 5:, :]], dim=-2))
GRADIENT_WRONG = ("right values, wrong gradient", returned(scaled_only_backwards), "input gradients")
LATER_FIRST = ("the last block first", given(lambda x: x.flip(0)), "outputs")
TRANSPOSED = ("keys ask queries", given(lambda x: x.mT), "outputs")
NO_RESIDUAL = partial(parts.rollout, residual=False)
OTHER_LABELS = LABELS.roll(1)

DAMAGES: list[tuple[str, str, Damage, str]] = [
    ("attend = SDPA", "scores scaled threefold", NOT_SCALED, "outputs"),
    ("attend = SDPA", "not scaled at all", like(partial(parts.attend, scale=1.0)), "outputs"),
    ("attend = SDPA", *GRADIENT_WRONG),
    ("attend with a scale = SDPA", "the scale is ignored", like(parts.attend), "outputs"),
    ("attend with a mask = SDPA", "the mask is ignored", like(parts.attend), "outputs"),
    ("attend with a mask = SDPA", *GRADIENT_WRONG),
    ("attend with mask and scale = SDPA", "the scale is ignored", like(partial(parts.attend, masked=True)), "outputs"),
    ("attend with mask and scale = SDPA", "the mask is ignored", like(partial(parts.attend, scale=-1.3)), "outputs"),
    ("attend, bidirectional = flex_attention", "causal", ruled(RULES["causal"]), "outputs"),
    ("attend, causal = flex_attention", "the future is seen", ruled(lambda i, j: i <= j), "outputs"),
    ("attend, causal = flex_attention", "one step of the future is seen", ruled(lambda i, j: i + 1 >= j), "outputs"),
    ("attend, 3 × 3 window = flex_attention", "near in number", ruled(any_place), "outputs"),
    ("attend, 3 × 3 window = flex_attention", "a radius of two", ruled(near(3, 2)), "outputs"),
    ("attend, [CLS] + groups = flex_attention", "no token but the first sees the first",
     ruled(lambda i, j: (i // 3 == j // 3) | (i == 0)), "outputs"),
    ("attend, packing = flex_attention", "the cut one token further",
     ruled(lambda i, j: (i < 5) == (j < 5)), "outputs"),
    ("attend, packing = flex_attention", "the second picture sees the first",
     ruled(lambda i, j: (i >= 4) | (j < 4)), "outputs"),
    ("attend, exercise 3.2 = flex_attention", "rows for columns", ruled(near(3, 1, cls=1)), "outputs"),
    ("attend, exercise 3.2 = flex_attention", "[CLS] is a place", ruled(near(5, 1)), "outputs"),
    ("attend, exercise 3.2, radius 2 = flex_attention", "a diamond", ruled(in_a_diamond), "outputs"),
    ("exercise 3.1 = BLOOM", "queries, keys, values outermost", given(by_part), "outputs"),
    ("exercise 3.1 = BLOOM", *GRADIENT_WRONG),
    ("heads = torch", "k and v swapped", swapped("in_proj"), "outputs"),
    ("heads = torch", "masked", like(partial(parts.torch_attention, masked=True)), "outputs"),
    ("heads = torch", *GRADIENT_WRONG),
    ("heads with a mask = torch", "the mask is ignored", like(parts.torch_attention), "outputs"),
    ("heads = timm", "k and v swapped", swapped("qkv"), "outputs"),
    ("heads = timm", "scores scaled by D", output_of("q_norm", lambda x, y: y / HEADS**0.5), "outputs"),
    ("heads = timm", "wrong gradient in keys alone", gradient_doubled("k_norm"), "input gradients"),
    ("heads with norms = timm", "eps 1e-5", setting("eps", 1e-5, "q_norm"), "outputs"),
    ("heads with norms = timm", "keys are not normalised", output_of("k_norm", lambda x, y: x), "outputs"),
    ("heads with norms = timm", "a norm over all heads", output_of("q_norm", over_all_heads), "outputs"),
    ("heads with norms = timm", "queries' norm and keys' swapped",
     module(lambda m: m.q_norm.weight.copy_(m.k_norm.weight)), "outputs"),
    ("heads with norms = timm", "wrong gradient in queries", gradient_doubled("q_norm"), "input gradients"),
    ("heads with norms and a mask = timm", "the mask is ignored",
     like(partial(parts.timm_attention, head_norm=True)), "outputs"),
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
    ("flash, ragged tiles = SDPA", "the short tile is forgotten", instead(keys_forgotten), "outputs"),
    ("flash, ragged tiles = SDPA", "scores scaled threefold", NOT_SCALED, "outputs"),
    ("flash, ragged tiles = SDPA", *GRADIENT_WRONG),
    ("exercise 3.3 = SDPA", "the plain mean", instead(mean_of_blocks), "outputs"),
    ("exercise 3.3 = SDPA", "the larger log-sum-exp for the sum",
     returned(lambda y: torch.cat([y[:, :-1], y[:, -1:] - math.log(2)], dim=1)), "outputs"),
    ("exercise 3.3 = SDPA", *GRADIENT_WRONG),
    ("linear = all pairs", "exp for elu + 1", instead(exponentials_for_elu), "outputs"),
    ("linear = all pairs", "normalised over the queries", instead(normalised_over_queries), "outputs"),
    ("linear = all pairs", "softmax attention",
     instead(lambda x: F.scaled_dot_product_attention(*cut(x, 7, 11))), "outputs"),
    ("linear = all pairs", *GRADIENT_WRONG),
    ("windows = timm", "windows begin one row down",
     given(lambda x: x.roll(6, dims=1), lambda y: y.roll(-6, dims=0)), "outputs"),
    ("windows = timm", "strips of nine", instead(strips), "outputs"),
    ("windows = timm", "other windows", like(partial(parts.windows, window=2)), "outputs"),
    ("windows = timm", *GRADIENT_WRONG),
    ("top 4 = masked SDPA", "one key more", like(partial(parts.top_k, keep=5)), "outputs"),
    ("top 4 = masked SDPA", "cut off after softmax", instead(cut_off_after_softmax), "outputs"),
    ("top 4 = masked SDPA", *GRADIENT_WRONG),
    ("rollout = sum over paths", *LATER_FIRST),
    ("rollout = sum over paths", *TRANSPOSED),
    ("rollout = sum over paths", "no residual", like(NO_RESIDUAL), "outputs"),
    ("rollout = sum over paths", *GRADIENT_WRONG),
    ("rollout, minimum = sum over paths", "mean over heads", like(parts.rollout), "outputs"),
    ("rollout, minimum = sum over paths", "rows not divided by their sums", instead(rows_that_leak), "outputs"),
    ("rollout, no residual = sum over paths", *LATER_FIRST),
    ("rollout, no residual = sum over paths", "a residual", like(parts.rollout), "outputs"),
    ("rollout, minimum, no residual = sum over paths", "mean over heads", like(NO_RESIDUAL), "outputs"),
    ("exercise 3.4 = sum over paths", *LATER_FIRST),
    ("exercise 3.4 = sum over paths", *TRANSPOSED),
    ("exercise 3.4, share 0.8 = sum over paths", "the residual's share for attention's",
     like(partial(parts.rollout_by_block, share=0.2)), "outputs"),
    ("Grad-CAM = captum", "another class", like(partial(parts.grad_cam, labels=OTHER_LABELS)), "outputs"),
    ("Grad-CAM = captum", "[CLS] is a place", like(partial(parts.grad_cam, cls=0)), "outputs"),
    ("Grad-CAM = captum", "negative values stay", like(partial(parts.grad_cam, relu=False)), "outputs"),
    ("Grad-CAM = captum", "probabilities for logits",
     like(partial(parts.grad_cam, of=parts.PROBABILITIES)), "outputs"),
    ("erasing = captum", "another class", like(partial(parts.erasing, labels=OTHER_LABELS)), "outputs"),
    ("erasing = captum", "another grey", like(partial(parts.erasing, grey=0.0)), "outputs"),
    ("erasing = captum", "logits for probabilities", like(partial(parts.erasing, of=lambda y: y)), "outputs"),
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


def _on_cosines(library: str) -> list[tuple[str, str, Damage, str]]:
    """What can be wrong with Swin V2's attention, in either library."""
    name, bounded = f"cosine attention = {library}", f"cosine attention, scale above the bound = {library}"
    exp = module(lambda m: m.attn.logit_scale.exp_())
    root = module(lambda m: m.attn.logit_scale.sub_(math.log(HEAD_DIM) / 2))
    heads = module(lambda m: m.attn.logit_scale.copy_(m.attn.logit_scale.roll(1, 0)))
    return [
        (name, "divided by √d, too", root, "outputs"),
        (name, "the exponential twice", exp, "outputs"),
        (name, "heads in another order", heads, "outputs"),
        (name, "sums of sizes for lengths", patched(F, "normalize", sum_of_sizes_one), "outputs"),
        (name, "a bias of places", module(places_matter), "outputs"),
        (name, "no bias of keys", module(key_bias_forgotten), "outputs"),
        (name, *GRADIENT_WRONG),
        (bounded, "no bound", patched(torch, "clamp", lambda t, max: t), "outputs"),
    ]


DAMAGES += _on_cosines("timm") + _on_cosines("transformers")


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
        "nine heads on a row = convolution",
        "flash, a tile a row = SDPA",
        "flash, one tile = SDPA",
        "flash, ragged tiles of queries only = SDPA",
        "windows of one = timm",
        "top 1 = masked SDPA",
        "top of all = masked SDPA",
    }
    assert parts.CASES.keys() == spared | {name for name, *_ in DAMAGES}


def test_the_scale_starts_as_in_swin_v2(lesson: ModuleType) -> None:
    """Equal parameters after copying say nothing of how they start."""
    mine = lesson.CosineAttention(DIM, HEADS).log_scale
    for theirs in (library() for library in parts.SWIN_V2.values()):
        torch.testing.assert_close(mine, theirs.attn.logit_scale)


# Scores in the thousands, which float32 cannot hold to five digits.


def test_large_scores_do_not_overflow(lesson: ModuleType) -> None:
    q, k, v = tensor(3, 9, HEAD_DIM)
    wanted = F.scaled_dot_product_attention(5000 * q, k, v)
    scores = 5000 * q @ k.mT / HEAD_DIM**0.5
    assert scores.max() > 1000 and scores.exp().isinf().any()
    merged = [
        part
        for s, values in zip(scores.split(4, dim=1), v.split(4), strict=True)
        for part in (s.softmax(dim=-1) @ values, s.logsumexp(dim=-1))
    ]
    first = lesson.merge_blocks(*merged[:4])
    answers = [lesson.flash_attend(5000 * q, k, v, tile) for tile in (1, 4, 9)]
    for answer in [*answers, lesson.merge_blocks(*first, *merged[4:])[0]]:
        torch.testing.assert_close(answer, wanted, atol=1e-9, rtol=0)


# Random features, whose mean is what is wanted and no single draw.


def test_random_features_have_the_right_mean(lesson: ModuleType) -> None:
    """Products of two features, over 400,000 directions: within five standard errors, which are below 1 %."""
    q, k = 0.4 * tensor(2, 5, HEAD_DIM)
    count = 400_000
    features = [lesson.positive_features(t, count, seed=11) for t in (q, k)]
    products = torch.einsum("if,jf->ijf", *features) * count
    wanted = (q @ k.mT / HEAD_DIM**0.5).exp()
    error = products.std(dim=-1) / count**0.5
    assert (error < 0.01 * wanted).all()

    def far(target: Tensor) -> bool:
        return bool(((products.mean(dim=-1) - target).abs() > 5 * error).any())

    assert not far(wanted)
    assert far((q @ k.mT / HEAD_DIM).exp()) and far((q @ k.mT).exp())  # the comparison can tell


# Maximum flow.


def flow(weights: Sequence[Tensor], residual: float = 0.5, start: int = 0) -> Tensor:
    """networkx, with real capacities: a node for each token before and after each block."""
    graph, n = nx.DiGraph(), len(weights[0])
    for block, layer in enumerate(weights):
        for i, j in itertools.product(range(n), repeat=2):
            capacity = (1 - residual) * layer[i, j].item() + residual * (i == j)
            graph.add_edge((block + 1, i), (block, j), capacity=capacity)
    source, algorithm = (len(weights), start), nx.algorithms.flow.edmonds_karp
    sinks = [(0, patch) for patch in range(1, n)]
    values = [nx.maximum_flow_value(graph, source, sink, flow_func=algorithm) for sink in sinks]
    return torch.tensor(values, dtype=torch.float64)


@pytest.mark.parametrize(("depth", "n"), [(1, 5), (2, 6), (3, 5), (4, 4)])
def test_flow_agrees_with_networkx(lesson: ModuleType, depth: int, n: int) -> None:
    """The lesson rounds capacities to millionths: half of one for each of at most n² pipes of a cut."""
    weights = list((4 * tensor(depth, n, n)).softmax(dim=-1))
    mine = lesson.attention_flow(weights).double()
    close = partial(torch.allclose, rtol=0, atol=0.5e-6 * n * n)
    assert close(mine, flow(weights))
    wrong = {
        "no residual": flow(weights, residual=0.0),
        "more residual": flow(weights, residual=0.6),
        "from another token": flow(weights, start=1),
        "keys ask queries": flow([layer.T for layer in weights]),
        "products for flows": parts.sum_over_paths(shares(torch.stack(weights), 0.5)[:, None])[0, 0, 1:],
        "the last block first": flow(weights[::-1]),
    }
    if depth == 1:  # one pipe to each patch: neither says anything
        del wrong["products for flows"], wrong["the last block first"]
    for name, values in wrong.items():
        assert not torch.allclose(mine, values, atol=1e-3), name


# Counting.


def macs_of(function: Callable, *inputs: Tensor) -> int:
    with FlopCounterMode(display=False) as counter:
        function(*inputs)
    return counter.get_total_flops() // 2


@pytest.mark.parametrize(("n", "dim", "heads"), [(197, 192, 3), (50, 64, 1), (9, 24, 4)])
def test_macs_are_those_of_published_layers(lesson: ModuleType, n: int, dim: int, heads: int) -> None:
    """Step by step, written apart; then torch's layer and timm's, which are not the lesson's."""
    x, mapped = torch.zeros(n, dim), torch.zeros(heads, n, dim // heads)
    steps = {
        "q, k, v": sum(macs_of(nn.Linear(dim, dim), x) for _ in range(3)),
        "scores": macs_of(torch.matmul, mapped, mapped.mT),
        "mixing": macs_of(torch.matmul, torch.zeros(heads, n, n), mapped),
        "out": macs_of(nn.Linear(dim, dim), x),
    }
    assert lesson.attention_macs(n, dim) == steps
    published = on_meta(lambda: nn.MultiheadAttention(dim, heads, batch_first=True))
    timms = on_meta(lambda: reference("timm.layers").Attention(dim, heads))
    timms.fused_attn = False
    batch = torch.zeros(1, n, dim, device="meta")
    total = sum(steps.values())
    assert macs_of(lambda t: published(t, t, t), batch) == macs_of(timms, batch) == total
    layer = lesson.MultiHeadAttention(dim, heads)
    assert lesson.counted(layer, x[None]) == total
    assert macs_of(layer, torch.zeros(1, n + 1, dim)) != total


@pytest.mark.parametrize(
    ("height", "width", "dim", "depth", "everywhere", "window"),
    [(64, 96, 24, 3, 1, 2), (128, 64, 32, 2, 0, 4), (1024, 1024, 768, 12, 4, 16), (64, 64, 24, 2, 2, 1)],
)
def test_flops_are_those_of_vitdet(
    lesson: ModuleType, height: int, width: int, dim: int, depth: int, everywhere: int, window: int
) -> None:
    """Exercise 3.5 beside transformers' ViTDet, as large as it is published: on the meta device it costs nothing."""
    vitdet = reference("transformers.models.vitdet.modeling_vitdet")

    def flops(globally: int, side: int) -> int:
        config = vitdet.VitDetConfig(
            hidden_size=dim, num_attention_heads=dim // 8, num_hidden_layers=depth, image_size=(height, width),
            window_block_indices=list(range(globally, depth)), window_size=side,
        )  # fmt: skip
        model = on_meta(lambda: vitdet.VitDetModel(config))
        return 2 * macs_of(model, torch.zeros(1, 3, height, width, device="meta"))

    mine = lesson.vit_flops(height, width, dim, depth, everywhere, window)
    assert mine == flops(everywhere, window)
    if everywhere < depth:
        assert mine != flops(everywhere + 1, window) and mine != flops(everywhere, 2 * window)
