"""Lesson 4's optimiser, schedules and averages beside torch's and timm's.

An optimiser is no function that autograd sees through: such cases compare values. Rates multiply an input.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

import torch
from torch import Tensor, nn

from tests.parity.framework.cases import Case, Nothing, Values, counting_in, function, tensor
from tests.parity.framework.harness import reference

STEPS = 10
RATE, DECAY = 0.01, 0.3


def values(mine: Callable[[Tensor], Tensor], theirs: Callable[[Tensor], Tensor], inputs: Tensor) -> Case:
    """Two functions of which only values are compared."""
    return Values(
        Nothing(),
        Nothing(),
        inputs,
        mine_forward=lambda _, x: mine(x),
        theirs_forward=lambda _, x: theirs(x),
    )


def start(gradients: Tensor) -> Tensor:
    """Where the weights begin."""
    return tensor(*gradients.shape[1:], seed=8).to(gradients)


def course_of(optimiser_class: Callable[..., torch.optim.Optimizer], **options: Any) -> Callable[[Tensor], Tensor]:
    """The weights after each step of an optimiser that is given these gradients."""

    def course(gradients: Tensor) -> Tensor:
        weight = nn.Parameter(start(gradients))
        optimiser = optimiser_class([weight], **{"lr": RATE, "weight_decay": DECAY} | options)
        found = []
        for gradient in gradients:
            weight.grad = gradient.clone()
            optimiser.step()
            found.append(weight.detach().clone())
        return torch.stack(found)

    return course


def adamw(lesson: ModuleType, library: str, **options: Any) -> Case:
    """Ten steps with gradients of very different sizes."""

    def mine(gradients: Tensor) -> Tensor:
        weight = start(gradients)
        mean, square = torch.zeros_like(weight), torch.zeros_like(weight)
        names = {"lr": "rate", "weight_decay": "decay"}
        told = {"rate": RATE, "decay": DECAY} | {names.get(name, name): value for name, value in options.items()}
        found = []
        for step, gradient in enumerate(gradients, 1):
            weight, mean, square = lesson.adamw_step(weight, gradient, mean, square, step, **told)
            found.append(weight)
        return torch.stack(found)

    theirs = torch.optim.AdamW if library == "torch" else reference("timm.optim").AdamWLegacy
    return values(mine, course_of(theirs, **options), gradients())


def gradients() -> Tensor:
    """For each of ten steps, gradients of seven weights, from 1e-6 to 1e6; one weight has none."""
    sizes = torch.tensor([1e-6, 1e-3, 0.1, 1, 30, 1e6, 0], dtype=torch.float64)
    return tensor(STEPS, 7, seed=9) * sizes


def torch_rates(steps: int, warmup: int, floor: float) -> list[float]:
    """torch's two schedulers, joined."""
    optimiser = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=1.0)
    schedulers = torch.optim.lr_scheduler
    rise = schedulers.LinearLR(optimiser, 1 / warmup, total_iters=max(warmup - 1, 1))
    fall = schedulers.CosineAnnealingLR(optimiser, steps - warmup, eta_min=floor)
    both, rates = schedulers.SequentialLR(optimiser, [rise, fall], milestones=[warmup]), []
    for _ in range(steps):
        rates.append(optimiser.param_groups[0]["lr"])
        optimiser.step()
        both.step()
    return rates


def timm_rates(steps: int, warmup: int, floor: float, shifted: bool = True) -> list[float]:
    """timm's schedule, whose warm-up begins at 0: one step earlier than ours. Its cosine is told its length."""
    optimiser = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=1.0)
    schedule = reference("timm.scheduler").CosineLRScheduler(
        optimiser, steps - warmup if shifted else steps, floor, warmup_t=warmup, warmup_prefix=shifted
    )
    ahead = [schedule._get_lr(step)[0] for step in range(steps)]
    # The last step of our warm-up has the peak, which timm's goes past when its cosine counts from 0.
    rising = [schedule._get_lr(step + 1)[0] if step + 1 < warmup else 1.0 for step in range(warmup)]
    return rising + ahead[warmup:]


def rates(mine: Callable[..., float | Sequence[float]], theirs: list[float], *sizes: Any) -> Case:
    """Every rate of a run, as factors of an input."""

    def ours(x: Tensor) -> Tensor:
        return x * torch.tensor(mine(*sizes), dtype=torch.float64).to(x)

    return function(ours, lambda x: x * torch.tensor(theirs, dtype=torch.float64).to(x), tensor(len(theirs), seed=10))


def schedule(lesson: ModuleType, library: str, steps: int = 30, warmup: int = 6, floor: float = 0.2) -> Case:
    """Warm-up and cosine, step by step."""
    theirs = {"torch": torch_rates, "timm": timm_rates}[library](steps, warmup, floor)
    return rates(lambda: [lesson.warmup_cosine(s, steps, warmup, 1.0, floor) for s in range(steps)], theirs)


def run_of_rates(lesson: ModuleType, shifted: bool, steps: int = 30, warmup: int = 6, floor: float = 0.2) -> Case:
    """Exercise 4.1, in both conventions."""
    theirs = timm_rates(steps, warmup, floor, shifted)

    def mine() -> Sequence[float]:
        with counting_in(torch.float64):
            return lesson.run_of_rates(steps, warmup, 1.0, floor, shifted)

    return rates(mine, theirs)
