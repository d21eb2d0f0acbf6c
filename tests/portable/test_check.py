"""The checks notice what they are there for: each is given a definition with just that fault."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from tests.portable.check import CHECKS, Case, random

NOBODY = ModuleType("lesson")


class Sound(nn.Module):
    """Keeps every promise."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(4, 4)
        self.register_buffer("places", torch.arange(3.0))

    def forward(self, x: Tensor) -> Tensor:
        table = torch.ones(3, 4, device=x.device, dtype=x.dtype)
        return self.linear(x) + table + self.places[:, None]


class Remembers(Sound):
    """Stores a tensor that hangs on the graph."""

    def forward(self, x: Tensor) -> Tensor:
        self.last = super().forward(x)
        return self.last


def on_the_cpu(x: Tensor) -> Tensor:
    return x + torch.zeros(3, 4)


def in_float32(x: Tensor) -> Tensor:
    return x.float()


def overflows(x: Tensor) -> Tensor:
    return (x * 300) @ (x * 300).mT / 90_000


def looks_at_numbers(x: Tensor) -> Tensor:
    return x if x.sum() > 0 else -x


def freezes_the_batch(x: Tensor) -> Tensor:
    return x + torch.ones(int(x.shape[0]), 1, 1, dtype=x.dtype).expand(2 if x.shape[0] == 2 else 4, 1, 1)


FAULTS = {
    "float64": (in_float32,),
    "float16": (overflows, in_float32),
    "bfloat16": (in_float32,),
    "meta": (on_the_cpu, looks_at_numbers),
    "pretend_cuda": (on_the_cpu,),
    "exported": (looks_at_numbers, freezes_the_batch),
    "compiled": (looks_at_numbers,),
}


def case(target: Callable[..., Any]) -> Case:
    return Case(lambda _: target, lambda: (random(2, 3, 4),))


@pytest.mark.parametrize("check", CHECKS)
def test_a_sound_module_passes(check: str) -> None:
    CHECKS[check](case(Sound()), NOBODY)


@pytest.mark.parametrize(
    ("check", "target"), [(check, target) for check, targets in FAULTS.items() for target in targets]
)
def test_a_fault_is_noticed(check: str, target: Callable[..., Any]) -> None:
    with pytest.raises(Exception, match=r".") as caught:
        CHECKS[check](case(target), NOBODY)
    assert not isinstance(caught.value, (NameError, TypeError)), "it stumbled over something else"


def test_a_kept_graph_is_noticed() -> None:
    with pytest.raises(RuntimeError, match="deepcopy"):
        CHECKS["deepcopied"](case(Remembers()), NOBODY)


def test_an_unknown_excuse_is_refused() -> None:
    with pytest.raises(ValueError, match="there is no check"):
        Case(lambda _: on_the_cpu, tuple, {"cuda": "none here"})
