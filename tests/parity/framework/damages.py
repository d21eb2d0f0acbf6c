"""Ways to damage a right reference which the comparison has to notice.

They keep every shape and every count, and use hooks and buffers, not closures over the module: the harness works on
copies of it.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from unittest import mock

import torch
from torch import Tensor, nn

from tests.parity.framework.cases import DIM, GRID, Build, Case, lesson_and_solutions
from tests.parity.framework.harness import Forward, count

Damage = Callable[[Case], Case]
Damaged = tuple[str, str, Damage, str]  # the case, what is wrong, the damage, where it is noticed


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
    """Change what the reference returns."""
    return given(lambda x: x, change)


def run_as(forward: Forward) -> Damage:
    """The same parts of the reference, put together another way."""
    return lambda case: replace(case, theirs_forward=forward)


def instead(forward: Callable[[Tensor], Tensor]) -> Damage:
    """Another function for the reference."""
    return run_as(lambda _, x: forward(x))


def like(lesson: str, build: Build) -> Damage:
    """The reference called as in another case of the lesson, or in the same with other choices."""
    return lambda case: replace(case, theirs_forward=build(lesson_and_solutions(lesson)).theirs_forward)


def patched(owner: object, name: str, substitute: Callable) -> Damage:
    """While the reference runs, another function goes by this name."""

    def damage(case: Case) -> Case:
        def forward(part: nn.Module, x: Tensor) -> Tensor:
            with mock.patch.object(owner, name, substitute):
                return case.theirs_forward(part, x)

        return replace(case, theirs_forward=forward)

    return damage


def setting(name: str, value: object, path: str = "") -> Damage:
    """Another value for something that the reference, or a part of it, has."""

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


def scaled_only_backwards(y: Tensor) -> Tensor:
    """The value of y with twice its gradient."""
    return 2 * y - y.detach()


def gradient_doubled(path: str) -> Damage:
    """One part of the reference passes twice its gradient."""
    return output_of(path, lambda x, y: scaled_only_backwards(y))


def index_transposed(theirs: nn.Module) -> None:
    """Key and query exchanged where a relative bias is looked up."""
    indices = [index for name, index in theirs.named_buffers() if name.endswith("relative_position_index")]
    assert indices, "no index of pairs: this would damage nothing"
    for index in indices:
        n = round(index.numel() ** 0.5)
        index.copy_(index.reshape(n, n).T.reshape(index.shape).clone())


def heads_rolled(theirs: nn.Module) -> None:
    """Every head has the biases of another."""
    tables = [parameter for name, parameter in theirs.named_parameters() if name.endswith("bias_table")]
    assert tables, "no table of biases: this would damage nothing"
    for table in tables:
        table.copy_(table.roll(1, dims=1))


def by_columns(rows: Tensor) -> Tensor:
    """Places counted down the columns of GRID, along the last axis but one."""
    return rows.unflatten(-2, GRID[::-1]).transpose(-3, -2).flatten(-3, -2)


GRADIENT_WRONG = ("right values, wrong gradient", returned(scaled_only_backwards), "input gradients")
