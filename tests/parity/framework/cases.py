"""A case: a part of a lesson and a published implementation, and how each is called.

A part that has no input of its own, such as a bias on the scores, multiplies one; a function without parameters is
called through an empty module. So one harness judges all of them.
"""

from __future__ import annotations

import contextlib
import copy
import functools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import ModuleType

import torch
from torch import Tensor, nn

from tests.parity.framework.harness import (
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
    translate,
)
from tests.shared.exercises import exercises
from tools.lesson.definitions import load_definitions, run_cell
from tools.lesson.read import find_lesson, read_lesson

# Sizes that most cases share, no two alike.
GRID = (3, 5)  # oblong, so that rows and columns cannot be confused
DIM, HEADS = 24, 3
HEAD_DIM = DIM // HEADS
Named = Mapping[str, Tensor]


@functools.cache
def lesson_and_solutions(lesson: str) -> ModuleType:
    """A lesson's definitions and, beside them, what its exercises ask for."""
    module = load_definitions(lesson)
    for exercise in exercises(read_lesson(find_lesson(lesson))):
        run_cell(exercise.solution, module, f"<{lesson}: solution {exercise.name}>")
    return module


@contextlib.contextmanager
def counting_in(dtype: torch.dtype) -> Iterator[None]:
    """Fractions of whole numbers, such as angles and coordinates, come in this precision."""
    default = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(default)


def unchanged(parameters: Named) -> dict[str, Tensor]:
    """The names of the reference are the lesson's."""
    return dict(parameters)


@dataclass(frozen=True)
class Case:
    """A part of a lesson and a published implementation. `names` brings the reference's parameters into ours."""

    mine: nn.Module
    theirs: nn.Module
    inputs: Tensor
    names: Callable[[Named], dict[str, Tensor]] = unchanged
    mine_forward: Forward = logits
    theirs_forward: Forward = logits
    silent: frozenset[str] = frozenset()  # parameters that, rightly, change nothing

    def copied(self) -> Case:
        """This case, the reference's parameters drawn afresh and copied into the lesson's part."""
        randomise(self.theirs, seed=1)
        copy_parameters(self.mine, self.names(dict(self.theirs.named_parameters())))
        return self

    def check(self, damage: Callable[[Case], Case] = lambda case: case) -> None:
        """Outputs, input gradients and parameter gradients agree, all parameters drawn afresh.

        `damage` alters the reference once its parameters have been copied.
        """
        case = damage(self.copied())
        forwards = {"mine_forward": case.mine_forward, "theirs_forward": case.theirs_forward}
        compare(case.mine, case.theirs, case.inputs, **forwards)
        case._compare_parameter_gradients()

    def check_parameters(self) -> None:
        """The reference's output depends on every parameter but the silent ones, or the comparison would say less."""
        if not count(self.theirs):
            return
        randomise(self.theirs, seed=1)
        assert_every_parameter_matters(self.theirs, self.inputs, self.theirs_forward, self.silent)

    def _compare_parameter_gradients(self) -> None:
        if not count(self.theirs):
            return
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


@dataclass(frozen=True)
class Values(Case):
    """A case of which only values are compared: the lesson detaches them, or the reference cannot go backwards."""

    def check(self, damage: Callable[[Case], Case] = lambda case: case) -> None:
        """Outputs agree, all parameters drawn afresh."""
        case = damage(self.copied())
        forwards = {"mine_forward": case.mine_forward, "theirs_forward": case.theirs_forward}
        compare(case.mine, case.theirs, case.inputs, gradient=False, **forwards)

    def check_parameters(self) -> None:
        """Nothing: without a way back there is no telling."""


Build = Callable[[ModuleType], Case]


class Nothing(nn.Module):
    """A place for functions that have no parameters."""


def function(
    mine: Callable[[Tensor], Tensor], theirs: Callable[[Tensor], Tensor], inputs: Tensor, kind: type[Case] = Case
) -> Case:
    """Two functions without parameters; kind: Values, where there is no way back."""
    return kind(
        Nothing(),
        Nothing(),
        inputs,
        mine_forward=lambda _, x: mine(x),
        theirs_forward=lambda _, x: theirs(x),
    )


def renamed(*pairs: tuple[str, str]) -> Callable[[Named], dict[str, Tensor]]:
    """Other names for the same parameters; pairs of (theirs, ours), replaced in this order."""

    def rename(name: str) -> str:
        for theirs, ours in pairs:
            name = name.replace(theirs, ours)
        return name

    return lambda parameters: translate(parameters, rename)


def tensor(*shape: int, seed: int = 7) -> Tensor:
    """Normal numbers, the same at each call."""
    return torch.randn(shape, generator=generator(seed), dtype=torch.float64)


def tokens(grid: tuple[int, int] = GRID) -> Tensor:
    """Two pictures' patches, row by row."""
    return tensor(2, grid[0] * grid[1], DIM)


def biases_of_keys(module: nn.Module) -> frozenset[str]:
    """What all keys have in common moves all scores of a query alike: softmax, rightly, does not see it."""
    return frozenset(name for name, _ in module.named_parameters() if name.endswith("k_proj.bias"))
