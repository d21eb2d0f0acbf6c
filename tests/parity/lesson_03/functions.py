"""Lesson 3's attention as a function, its masks and its cheaper forms beside their references.

Most functions here have no parameters: a case calls them with queries, keys and values cut out of one tensor, so that
the harness compares the gradients of all three.
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Callable
from types import ModuleType, SimpleNamespace

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.attention.flex_attention import create_block_mask, flex_attention

from tests.parity.framework.cases import DIM, GRID, HEAD_DIM, HEADS, Case, Nothing, Values, function, tensor
from tests.parity.framework.harness import reference
from tools.lesson.read import cell_id, code_cells, find_lesson, read_lesson

LESSON = "03_attention"
Rule = Callable[[Tensor, Tensor], Tensor]  # may query i see key j?


def _written(statement: ast.stmt) -> set[str]:
    """The names that a statement assigns to, whole or in part: `x = …`, `x[0], y[1] = …`."""
    targets = list(statement.targets) if isinstance(statement, ast.Assign) else []
    names = set()
    while targets:
        target = targets.pop()
        if isinstance(target, ast.Tuple):
            targets += target.elts
        elif isinstance(target, ast.Subscript):
            targets.append(target.value)
        elif isinstance(target, ast.Name):
            names.add(target.id)
    return names


def assigned(lesson: ModuleType, cell: str, *names: str, **given: object) -> list:
    """What a cell of the lesson assigns to these names, in its order; nothing else of the cell is run."""
    (source,) = (c.source for c in code_cells(read_lesson(find_lesson(LESSON))) if cell_id(c) == cell)
    chosen = [statement for statement in ast.parse(source).body if _written(statement) & set(names)]
    scope = vars(lesson) | given
    exec(compile(ast.Module(chosen, []), f"<{LESSON}: {cell}>", "exec"), scope)
    return [scope[name] for name in names]


def side_by_side(*results: Tensor) -> Tensor:
    """Several results of a batch as one, so that all of them are compared."""
    return torch.cat([result.flatten(1) for result in results], dim=1)


def cut(x: Tensor, queries: int, keys: int) -> list[Tensor]:
    """Queries, keys and narrower values, (…, queries + 2 · keys, d)."""
    q, k, v = x.split([queries, keys, keys], dim=-2)
    return [q, k, v[..., :5]]


def some_mask(*shape: int) -> Tensor:
    """A mask with a True in every row, another for each picture."""
    mask = tensor(*shape, seed=3) > 0
    mask[..., 0] |= ~mask.any(dim=-1)
    assert mask.any(dim=-1).all() and not mask.all()
    return mask


def sdpa_with_weights(q: Tensor, k: Tensor, v: Tensor, **options: object) -> Tensor:
    """torch's attention; it keeps its weights, but values that are the identity bring them to light."""
    eye = torch.eye(k.shape[-2]).to(v).expand(*v.shape[:-1], -1)
    together = F.scaled_dot_product_attention(q, k, torch.cat([v, eye], dim=-1), **options)
    return side_by_side(together[..., : v.shape[-1]], together[..., v.shape[-1] :])


def attend(lesson: ModuleType, masked: bool = False, scale: float | None = None) -> Case:
    """Five queries, seven keys, in a batch of two and three heads; a mask for each picture."""
    mask = some_mask(2, 1, 5, 7) if masked else None
    return function(
        lambda x: side_by_side(*lesson.attend(*cut(x, 5, 7), mask, scale)),
        lambda x: sdpa_with_weights(*cut(x, 5, 7), attn_mask=mask, scale=scale),
        tensor(2, HEADS, 19, HEAD_DIM),
    )


def flex(q: Tensor, k: Tensor, v: Tensor, rule: Rule) -> Tensor:
    """torch's flex_attention, not compiled, which runs anywhere; the rule becomes its `mask_mod`."""
    sizes = q.shape[-2], k.shape[-2]
    blocks = create_block_mask(lambda b, h, i, j: rule(i, j), None, None, *sizes, device="cpu", BLOCK_SIZE=16)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="flex_attention called without torch.compile")
        return flex_attention(q, k, v, block_mask=blocks)


def near(width: int, radius: int, cls: int = 0) -> Rule:
    """Both places at most `radius` rows and columns apart; the first `cls` tokens see all and are seen by all."""

    def rule(i: Tensor, j: Tensor) -> Tensor:
        a, b = i - cls, j - cls
        rows, columns = (a // width - b // width).abs(), (a % width - b % width).abs()
        return (rows <= radius) & (columns <= radius) | (i < cls) | (j < cls)

    return rule


RULES: dict[str, Rule] = {
    "bidirectional": lambda i, j: i >= 0,
    "causal": lambda i, j: i >= j,
    "3 × 3 window": near(3, 1),
    "[CLS] + groups": lambda i, j: (i // 3 == j // 3) | (i * j == 0),
    "packing": lambda i, j: (i < 4) == (j < 4),
    "exercise 3.2": near(5, 1, cls=1),
    "exercise 3.2, radius 2": near(5, 2, cls=1),
}


def masks(lesson: ModuleType) -> dict[str, Tensor]:
    """The lesson's masks, out of its own cells."""
    *_, shown = assigned(lesson, "masks", "places", "grid", "group", "MASKS")
    (packing,) = assigned(lesson, "packing", "mask", owner=torch.tensor([0] * 4 + [1] * 9))
    exercise = lesson.neighbourhood_mask
    return shown | {
        "packing": packing,
        "exercise 3.2": exercise(*GRID, 1),
        "exercise 3.2, radius 2": exercise(*GRID, 2),
    }


def masked(lesson: ModuleType, name: str) -> Case:
    """flex_attention goes backwards on a GPU only: values are compared here, gradients in `torch_attention`."""
    mask = masks(lesson)[name]
    n = len(mask)

    def mine(_: nn.Module, x: Tensor) -> Tensor:
        return lesson.attend(*x.unbind(), mask)[0]

    def theirs(_: nn.Module, x: Tensor) -> Tensor:
        return flex(*x.unbind(), RULES[name])

    return Values(Nothing(), Nothing(), tensor(3, 2, HEADS, n, HEAD_DIM), mine_forward=mine, theirs_forward=theirs)


def attend_by_head(lesson: ModuleType) -> Case:
    """Exercise 3.1: BLOOM keeps queries, keys and values head by head."""
    split = reference("transformers.models.bloom.modeling_bloom").BloomAttention._reshape
    sizes = SimpleNamespace(num_heads=HEADS, head_dim=HEAD_DIM)
    return function(
        lambda x: lesson.attend_by_head(x, HEADS),
        lambda x: F.scaled_dot_product_attention(*split(sizes, x)).transpose(1, 2).flatten(2),
        tensor(2, 7, 3 * DIM),
    )
