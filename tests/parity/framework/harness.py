"""Does a model of the book compute the same function as a published implementation?

The recipe: give the reference fresh random parameters, *all* of them (a head of zeros, a table of zeros or a LayerScale
of 1e-5 would make two different networks agree), copy them into the book's model by an explicit table of names that
must use every parameter exactly once, and compare outputs and input gradients in float64, where an error of 1e-10 is
already far above rounding, and outputs in float32, the precision a reader sees.
"""

from __future__ import annotations

import copy
import importlib
import os
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import ModuleType

import pytest
import torch
from torch import Tensor, nn

from tests.parity.framework import shim

# Largest |difference| allowed in float64. Two right implementations differ by about 1e-14 here.
FLOAT64_ATOL = 1e-10
FLOAT32_ATOL, FLOAT32_RTOL = 1e-5, 1e-4

Forward = Callable[[nn.Module, Tensor], Tensor]


def reference(package: str) -> ModuleType:
    """Import a reference implementation. Missing: the calling test is skipped, or fails if BOOK_REQUIRE_ALL=1."""
    os.environ.setdefault("HF_HUB_OFFLINE", "1")  # no reference may fetch weights
    try:
        shim.install()  # timm and transformers import torchvision, too
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return importlib.import_module(package)
    except ImportError as error:
        sentence = (
            f"the reference implementation {package} cannot be imported ({error}); "
            "install the test packages: pip install -r tests/requirements.txt"
        )
    if os.environ.get("BOOK_REQUIRE_ALL") == "1":
        pytest.fail(sentence + " (BOOK_REQUIRE_ALL=1 forbids skipping)", pytrace=False)
    pytest.skip(sentence)


def generator(seed: int) -> torch.Generator:
    """An explicit source of random numbers; no parity test reads or moves the global one."""
    return torch.Generator().manual_seed(seed)


@torch.no_grad()
def randomise(module: nn.Module, seed: int = 0) -> nn.Module:
    """Draw every parameter afresh, at scales that keep activations near 1, and return the module in eval mode.

    Vectors called `weight` are normalisation scales and stay near 1; other vectors are biases. Matrices and kernels are
    scaled by their fan-in. Whatever carries a leading 1 is a learned token or table and is added to the tokens.
    """
    draws = generator(seed)
    for name, parameter in module.named_parameters():
        noise = torch.randn(parameter.shape, generator=draws, dtype=torch.float64)
        if parameter.ndim <= 1:
            centre = 1.0 if name.rpartition(".")[2] == "weight" else 0.0
            parameter.copy_(centre + 0.2 * noise)
        elif parameter.shape[0] == 1:
            parameter.copy_(0.5 * noise)
        else:
            parameter.copy_(noise * parameter[0].numel() ** -0.5)
    return module.eval()


@torch.no_grad()
def copy_parameters(mine: nn.Module, translated: Mapping[str, Tensor]) -> nn.Module:
    """Load a reference's parameters, already under the book's names; says which are missing, unknown or misshapen."""
    own = dict(mine.named_parameters())
    if missing := sorted(own.keys() - translated.keys()):
        raise AssertionError(
            f"no value for {missing}: the reference has no such parameter, or the table of names forgets it"
        )
    if unknown := sorted(translated.keys() - own.keys()):
        raise AssertionError(f"the lesson's model has no parameter for {unknown} of the reference")
    for name, parameter in own.items():
        if parameter.shape != translated[name].shape:
            raise AssertionError(
                f"{name}: the lesson has shape {tuple(parameter.shape)}, the reference {tuple(translated[name].shape)}"
            )
        parameter.copy_(translated[name])
    return mine.eval()


def translate(reference_parameters: Mapping[str, Tensor], rename: Callable[[str], str]) -> dict[str, Tensor]:
    """The same tensors under other names; two parameters may not end under one name."""
    translated: dict[str, Tensor] = {}
    for name, tensor in reference_parameters.items():
        new = rename(name)
        if new in translated:
            raise AssertionError(f"two reference parameters are both called {new!r} (the second is {name!r})")
        translated[new] = tensor
    return translated


def count(module: nn.Module) -> int:
    """The number of parameters, counted without any code of the book."""
    return sum(parameter.numel() for parameter in module.parameters())


def logits(module: nn.Module, inputs: Tensor) -> Tensor:
    """The output tensor, also out of an output object of transformers."""
    output = module(inputs)
    return output if isinstance(output, Tensor) else output.logits


@dataclass(frozen=True)
class Agreement:
    """What was measured; every field already lies within its tolerance."""

    parameters: int
    float64: float
    float32: float
    gradient: float | None


def compare(
    mine: nn.Module,
    theirs: nn.Module,
    inputs: Tensor,
    *,
    mine_forward: Forward = logits,
    theirs_forward: Forward = logits,
    gradient: bool = True,
) -> Agreement:
    """Assert that both modules compute the same function; the AssertionError says what differs and by how much."""
    assert count(mine) == count(theirs), f"{count(mine):,} parameters in the lesson, {count(theirs):,} in the reference"

    mine64, theirs64 = copy.deepcopy(mine).double().eval(), copy.deepcopy(theirs).double().eval()
    mine_inputs, theirs_inputs = (inputs.double().clone().requires_grad_(gradient) for _ in range(2))
    with torch.set_grad_enabled(gradient):
        got, wanted = mine_forward(mine64, mine_inputs), theirs_forward(theirs64, theirs_inputs)
    assert got.shape == wanted.shape, (
        f"output shape {tuple(got.shape)} in the lesson, {tuple(wanted.shape)} in the reference"
    )
    assert_comparable(wanted)
    float64 = largest_difference(got, wanted)
    assert float64 <= FLOAT64_ATOL, f"float64 outputs differ by {float64:.1e}, allowed {FLOAT64_ATOL:.0e}"

    gradient_gap = None
    if gradient:
        # One random direction in output space: the vector-Jacobian product sees all outputs at once.
        direction = torch.randn(wanted.shape, generator=generator(99), dtype=torch.float64)
        got.backward(direction)
        wanted.backward(direction)
        assert_comparable(theirs_inputs.grad)
        gradient_gap = largest_difference(mine_inputs.grad, theirs_inputs.grad)
        assert gradient_gap <= FLOAT64_ATOL, f"input gradients differ by {gradient_gap:.1e}, allowed {FLOAT64_ATOL:.0e}"

    with torch.no_grad():
        got32 = mine_forward(copy.deepcopy(mine).float().eval(), inputs.float())
        wanted32 = theirs_forward(copy.deepcopy(theirs).float().eval(), inputs.float())
    torch.testing.assert_close(got32, wanted32, atol=FLOAT32_ATOL, rtol=FLOAT32_RTOL)
    return Agreement(count(mine), float64, largest_difference(got32, wanted32), gradient_gap)


def largest_difference(a: Tensor, b: Tensor) -> float:
    """The largest |a − b|; a NaN anywhere counts as infinite."""
    return torch.nan_to_num((a - b).abs(), nan=torch.inf).max().item()


def assert_comparable(wanted: Tensor) -> None:
    """Refuse a reference result that would agree with almost anything: not finite, or nearly constant."""
    assert torch.isfinite(wanted).all(), "the reference itself computes NaN or infinity; choose other inputs"
    spread = wanted.std().item()
    assert spread > 1e-3, f"the reference's result is nearly constant (std {spread:.1e}); re-randomise its parameters"


def assert_every_parameter_matters(
    module: nn.Module, inputs: Tensor, forward: Forward = logits, except_for: frozenset[str] = frozenset()
) -> None:
    """A parameter that leaves the output unchanged is not under test: the comparison would pass whatever its value."""
    module = copy.deepcopy(module).double()
    module.zero_grad()
    forward(module, inputs.double()).square().sum().backward()
    silent = {
        name
        for name, parameter in module.named_parameters()
        if parameter.grad is None or parameter.grad.abs().max() < 1e-9
    }
    assert silent <= except_for, f"the output does not depend on {sorted(silent - except_for)}"
