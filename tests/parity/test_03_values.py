"""Lesson 3's attention where agreement is not all: large scores, maximum flow."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from functools import partial
from types import ModuleType

import networkx as nx
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from tests.parity.framework.cases import DIM, HEAD_DIM, HEADS, lesson_and_solutions, tensor
from tests.parity.lesson_03.functions import LESSON
from tests.parity.lesson_03.looking import shares, sum_over_paths
from tests.parity.lesson_03.modules import SWIN_V2


@pytest.fixture(scope="module")
def lesson() -> ModuleType:
    return lesson_and_solutions(LESSON)


def test_the_scale_starts_as_in_swin_v2(lesson: ModuleType) -> None:
    """Equal parameters after copying say nothing of how they start."""
    mine = lesson.CosineAttention(DIM, HEADS).log_scale
    for theirs in (library() for library in SWIN_V2.values()):
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


# Relevance: the weights themselves kept in autograd's graph, as in the authors' notebook.


def test_relevance_is_that_of_weights_with_gradients(lesson: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    model = lesson.jitter(lesson.initialise(lesson.Finder())).double()
    images, labels = tensor(3, 1, 20, 20), torch.tensor([0, 3, 1])
    mine, kept, attend = lesson.relevance(model, images, labels), [], lesson.attend

    def watched(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None = None) -> tuple[Tensor, Tensor]:
        kept.append(attend(q, k, v, mask)[1])
        return kept[-1] @ v, kept[-1]

    monkeypatch.setattr(lesson, "attend", watched)
    slopes = torch.autograd.grad(model(images)[range(3), labels].sum(), kept)

    def related(gained: Sequence[Tensor]) -> Tensor:
        total = torch.eye(26, dtype=torch.float64)
        for step in gained:
            total = total + step @ total
        return total

    parts = list(zip(slopes, kept, strict=True))
    torch.testing.assert_close(mine, related([(slope * weights).relu().mean(dim=1) for slope, weights in parts]))
    wrong = {
        "no gradient": [weights.mean(dim=1) for weights in kept],
        "negative evidence": [(slope * weights).mean(dim=1) for slope, weights in parts],
        "mean before the sign": [(slope * weights).mean(dim=1).relu() for slope, weights in parts],
        "keys ask queries": [(slope * weights).relu().mean(dim=1).mT for slope, weights in parts],
        "the last block first": [(slope * weights).relu().mean(dim=1) for slope, weights in parts[::-1]],
    }
    for name, gained in wrong.items():
        assert not torch.allclose(mine, related(gained), rtol=1e-3), name


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
        "products for flows": sum_over_paths(shares(torch.stack(weights), 0.5)[:, None])[0, 0, 1:],
        "the last block first": flow(weights[::-1]),
    }
    if depth == 1:  # one pipe to each patch: neither says anything
        del wrong["products for flows"], wrong["the last block first"]
    for name, values in wrong.items():
        assert not torch.allclose(mine, values, atol=1e-3), name
