"""Can a definition be carried away? What a reader does with a function or a module once it has left the lesson.

A lesson's factory, `tests/portable/lesson_NN.py`, holds two tables:

    CASES = {
        "patchify": Case(lambda lesson: lesson.patchify, lambda: (random(2, 3, 8, 8), 4)),
        "ViT": Case(lambda lesson: lesson.ViT(lesson.vit_config("Ti/16")), lambda: (random(1, 3, 224, 224),)),
        "attend/large": Case(…),                       # another case of the same definition
        "flow": Case(…, cannot={"meta": "scipy's max-flow reads the numbers", "pretend_cuda": "the same"}),
    }
    EXEMPT = {"train": "runs an experiment", "parameter_formula": "plain arithmetic on integers"}

Every public function or class of a `define` cell (not drawing, set-up, carried-over) is named in one of them.
`make` gets the loaded lesson and gives what is called; `arguments` gives fresh arguments at each call, floating tensors
in float32 on the CPU. The checks cast and move what is floating, and leave integers (positions, labels) as they are.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves, tree_map_only

from tests.portable.pretend_cuda import CUDA, PretendCuda

# Largest error allowed beside the float64 result, as a share of its largest value.
TOLERANCE = {torch.float32: 1e-4, torch.float16: 0.02, torch.bfloat16: 0.1}
BATCHES = (2, 3)  # free batch axis: sizes other than the example's


@dataclass(frozen=True)
class Case:
    """How to make and call a definition, and what it legitimately cannot do: check → reason."""

    make: Callable[[ModuleType], Callable[..., Any]]
    arguments: Callable[[], Sequence[Any]]
    cannot: Mapping[str, str] = field(default_factory=dict)
    batched: tuple[int, ...] | None = None  # which arguments have a batch in front; None: tensors as long as the first

    def __post_init__(self) -> None:
        if unknown := self.cannot.keys() - CHECKS.keys():
            raise ValueError(f"there is no check {sorted(unknown)}; the checks are {', '.join(CHECKS)}")

    def target(self, lesson: ModuleType) -> Callable[..., Any]:
        """What is called; a module in eval mode, with parameters that are nowhere constant."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            made = self.make(lesson)
        if isinstance(made, nn.Module):
            draws = torch.Generator().manual_seed(1)
            with torch.no_grad():
                for parameter in made.parameters():
                    parameter.add_(0.1 * torch.randn(parameter.shape, generator=draws))
            made.eval()
        return made


def random(*shape: int, seed: int = 0) -> Tensor:
    """Normal numbers, the same at each call."""
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


class Calls(nn.Module):
    """A part of a model with what is asked of it: a bound method would not be moved with its module."""

    def __init__(self, part: nn.Module, ask: Callable[..., Any]) -> None:
        super().__init__()
        self.part, self.ask = part, ask

    def forward(self, *inputs: Tensor) -> Any:
        return self.ask(self.part, *inputs)


def cast(tree: Any, dtype: torch.dtype) -> Any:
    """The same with floating tensors and modules in another precision."""
    return tree_map_only(
        Tensor,
        lambda tensor: tensor.to(dtype) if tensor.is_floating_point() else tensor,
        _modules_to(tree, dtype=dtype),
    )


def _modules_to(tree: Any, **where: Any) -> Any:
    return tree_map_only(nn.Module, lambda module: copy.deepcopy(module).to(**where), tree)


def results(answer: Any) -> list[Tensor]:
    """The tensors of an answer; a plain number counts as one."""
    leaves = tree_leaves(answer)
    return [
        leaf if isinstance(leaf, Tensor) else torch.tensor(leaf)
        for leaf in leaves
        if isinstance(leaf, (Tensor, float, int))
    ]


def assert_alike(got: Any, wanted: Any, tolerance: float, what: str) -> None:
    """Same shapes and, up to the tolerance, same numbers."""
    ours, theirs = results(got), results(wanted)
    assert [tuple(tensor.shape) for tensor in ours] == [tuple(tensor.shape) for tensor in theirs], (
        f"{what}: other shapes"
    )
    for a, b in zip(ours, theirs, strict=True):
        a, b = a.detach().double(), b.detach().double()
        finite = torch.isfinite(b)
        assert not (a.isnan() | b.isnan()).any(), f"{what}: NaN"
        assert torch.equal(torch.isfinite(a), finite), f"{what}: infinity where there should be numbers, or the reverse"
        scale = max(1e-3, b[finite].abs().max().item()) if finite.any() else 1.0
        gap = (a - b)[finite].abs().max().item() / scale if finite.any() else 0.0
        assert gap <= tolerance, f"{what}: off by {gap:.1e} of the largest value, allowed {tolerance:.0e}"


def float64(case: Case, lesson: ModuleType) -> None:
    """Double precision in, double precision out, and the same numbers as in float32."""
    _in_precision(case, lesson, torch.float64)


def float16(case: Case, lesson: ModuleType) -> None:
    """Half precision in and out, without overflow."""
    _in_precision(case, lesson, torch.float16)


def bfloat16(case: Case, lesson: ModuleType) -> None:
    """bfloat16 in and out."""
    _in_precision(case, lesson, torch.bfloat16)


def _in_precision(case: Case, lesson: ModuleType, dtype: torch.dtype) -> None:
    target = case.target(lesson)
    # Both sides start from the same rounded numbers: what differs afterwards is the computation.
    rounded = cast([target, *case.arguments()], dtype)
    exact = cast(rounded, torch.float64)
    got = rounded[0](*rounded[1:])
    floating = [tensor for tensor in tree_leaves(got) if isinstance(tensor, Tensor) and tensor.is_floating_point()]
    wrong = {tensor.dtype for tensor in floating} - {dtype}
    assert not wrong, f"{dtype} in, {', '.join(map(str, wrong))} out"
    if dtype is torch.float64:
        dtype, exact = torch.float32, [target, *case.arguments()]
    assert_alike(got, exact[0](*exact[1:]), TOLERANCE[dtype], str(dtype))


def meta(case: Case, lesson: ModuleType) -> None:
    """Shapes without numbers: what a full-size model is counted with."""
    target = _modules_to(case.target(lesson), device="meta")
    arguments = tree_map_only(
        Tensor, lambda tensor: tensor.to("meta"), _modules_to(list(case.arguments()), device="meta")
    )
    answer = target(*arguments)
    elsewhere = {tensor.device.type for tensor in tree_leaves(answer) if isinstance(tensor, Tensor)} - {"meta"}
    assert not elsewhere, f"meta in, {elsewhere} out"


def pretend_cuda(case: Case, lesson: ModuleType) -> None:
    """On another device: new tensors are made where the input is."""
    device = PretendCuda()
    arguments = tree_map_only(Tensor, device.put, list(case.arguments()))
    answer = device.call(case.target(lesson), arguments)
    elsewhere = {str(tensor.device) for tensor in tree_leaves(answer) if isinstance(tensor, Tensor)} - {str(CUDA)}
    assert not elsewhere, f"{CUDA} in, {elsewhere} out"


def deepcopied(case: Case, lesson: ModuleType) -> None:
    """A module that has been used, with gradients, can be copied and gives the same."""
    target = case.target(lesson)
    target(*case.arguments())
    assert_alike(copy.deepcopy(target)(*case.arguments()), target(*case.arguments()), 0.0, "the copy")


def exported(case: Case, lesson: ModuleType) -> None:
    """`torch.export` with a batch of any size."""
    target, arguments = case.target(lesson), list(case.arguments())
    tensors = [number for number, argument in enumerate(arguments) if isinstance(argument, Tensor)]
    length = len(arguments[tensors[0]]) if tensors and arguments[tensors[0]].ndim else 0
    alike = [number for number in tensors if arguments[number].ndim > 1 and len(arguments[number]) == length]
    batched = alike if case.batched is None else list(case.batched)
    free = torch.export.Dim("batch", min=1, max=64)
    shapes = tuple({0: free} if number in batched else None for number in tensors)
    whole = _Called(target, arguments, tensors)
    inputs = tuple(_resized(arguments[number], 4) if number in batched else arguments[number] for number in tensors)
    program = torch.export.export(whole, inputs, dynamic_shapes=(shapes,)).module()
    for size in BATCHES:
        inputs = tuple(
            _resized(arguments[number], size) if number in batched else arguments[number] for number in tensors
        )
        assert_alike(program(*inputs), whole(*inputs), 1e-5, f"exported, batch of {size}")


def compiled(case: Case, lesson: ModuleType) -> None:
    """`torch.compile` in one graph."""
    target = case.target(lesson)
    torch._dynamo.reset()
    fast = torch.compile(target, fullgraph=True, backend="eager")
    assert_alike(fast(*case.arguments()), target(*case.arguments()), 1e-5, "compiled")


class _Called(nn.Module):
    """A definition as a module of its tensor arguments; the others are fixed."""

    def __init__(self, target: Callable[..., Any], arguments: Sequence[Any], tensors: Sequence[int]) -> None:
        super().__init__()
        self.target, self._arguments, self._tensors = target, list(arguments), list(tensors)

    def forward(self, *inputs: Tensor) -> Any:
        arguments = list(self._arguments)
        for number, tensor in zip(self._tensors, inputs, strict=True):
            arguments[number] = tensor
        return self.target(*arguments)


def _resized(tensor: Tensor, batch: int) -> Tensor:
    """The same rows again, until there are so many."""
    return tensor[torch.arange(batch) % len(tensor)]


CHECKS: dict[str, Callable[[Case, ModuleType], None]] = {
    check.__name__: check for check in (float64, float16, bfloat16, meta, pretend_cuda, deepcopied, exported, compiled)
}
