"""Whole numbers of a lesson beside those of published implementations: parameters and multiply-accumulates."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import ModuleType

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from tests.parity.framework.harness import count

Number = int | Mapping[str, int]  # one number, or one for each part
Way = Callable[[ModuleType], Number]  # the lesson is given for its sizes


@dataclass(frozen=True)
class Count:
    """A number that the lesson and others find; all of them are equal, to the last digit.

    `mine` are the lesson's ways to it, `theirs` those of the libraries or a number as it was published; `unlike` are
    other numbers, which the comparison must be able to tell from it.
    """

    mine: Mapping[str, Way]
    theirs: Mapping[str, Way | int]
    unlike: tuple[Way, ...] = ()

    def check(self, lesson: ModuleType) -> None:
        """Assert that all agree; the AssertionError shows every number."""
        found = {f"lesson, {name}": way(lesson) for name, way in self.mine.items()}
        found |= {name: way if isinstance(way, int) else way(lesson) for name, way in self.theirs.items()}
        assert self.mine and self.theirs, "nothing to compare"
        first, *others = found.values()
        assert all(number == first for number in others), found
        for other in self.unlike:
            assert other(lesson) != first, "the comparison cannot tell another number from this one"


def on_meta(build: Callable[[], nn.Module]) -> nn.Module:
    """Build a model without memory for its numbers: full-size parameter and operation counts cost nothing."""
    with torch.device("meta"):
        return build()


def parameters_of(build: Callable[[], nn.Module]) -> int:
    """The number of parameters of what is built, without memory for them."""
    return count(on_meta(build))


def macs_of(function: Callable, *inputs: torch.Tensor) -> int:
    """Multiply-accumulates as torch counts them: products only, biases free."""
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        function(*inputs)
    return counter.get_total_flops() // 2
