"""Lesson 4's optimiser, schedules and averages beside torch's and timm's.

An optimiser is no function that autograd sees through: such cases compare values. Rates multiply an input.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from types import ModuleType
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tests.parity.framework.cases import Case, Nothing, Values, counting_in, function, tensor
from tests.parity.framework.harness import randomise, reference

STEPS = 10
RATE, DECAY = 0.01, 0.3


def values(mine: Callable[[Tensor], Tensor], theirs: Callable[[Tensor], Tensor], inputs: Tensor) -> Case:
    """Two functions of which only values are compared."""
    return function(mine, theirs, inputs, Values)


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


def clipped(lesson: ModuleType, limit: float) -> Case:
    """Gradients of two tensors, 12 numbers in all, beside torch's clipping in place."""

    def cut(x: Tensor) -> list[Tensor]:
        return [x[:4].reshape(2, 2), x[4:]]

    def theirs(x: Tensor) -> Tensor:
        parameters = [nn.Parameter(torch.zeros_like(part)) for part in cut(x)]
        for parameter, part in zip(parameters, cut(x), strict=True):
            parameter.grad = part.clone()
        nn.utils.clip_grad_norm_(parameters, limit)
        return torch.cat([parameter.grad.flatten() for parameter in parameters if parameter.grad is not None])

    def mine(x: Tensor) -> Tensor:
        return torch.cat([part.flatten() for part in lesson.clip_together(cut(x), limit)])

    return values(mine, theirs, tensor(12, seed=13))


def net(x: Tensor) -> nn.BatchNorm1d:
    """A model with parameters and buffers, to be filled."""
    return nn.BatchNorm1d(3, dtype=x.dtype)


def filled(model: nn.BatchNorm1d, row: Tensor) -> nn.BatchNorm1d:
    """The model with these parameters and these running statistics."""
    with torch.no_grad():
        for name, part in zip(("weight", "bias", "running_mean"), row, strict=True):
            getattr(model, name).copy_(part)
    return model


def contents(model: Any) -> Tensor:
    """What filled has set."""
    return torch.stack([model.weight.detach(), model.bias.detach(), model.running_mean]).clone()


def averaged(lesson: ModuleType, library: str, decay: float = 0.9, warm: bool = False) -> Case:
    """The average after each of nine changes of a model; of buffers the last ones."""

    def mine(x: Tensor) -> Tensor:
        average, found = lesson.MovingAverage(filled(net(x), x[0]), decay, warm=warm), []
        for row in x[1:]:
            average.follow(filled(net(x), row))
            found.append(contents(average.model))
        return torch.stack(found)

    def timms(x: Tensor) -> Tensor:
        average = reference("timm.utils").ModelEmaV3(filled(net(x), x[0]), decay, exclude_buffers=True)
        found = []
        for row in x[1:]:
            average.update(filled(net(x), row))
            found.append(contents(average.module))
        return torch.stack(found)

    def torchs(x: Tensor) -> Tensor:
        averages = torch.optim.swa_utils
        average = averages.AveragedModel(net(x), multi_avg_fn=averages.get_ema_multi_avg_fn(decay))
        found = []
        for row in x:
            average.update_parameters(filled(net(x), row))  # the first copies
            found.append(contents(average.module))
        return torch.stack(found[1:])

    known: dict[str, Callable[[Tensor], Tensor]] = {
        "timm": timms,
        "torch": torchs,
        "step by step": partial(by_steps, decay=decay),
    }
    return values(mine, known[library], tensor(10, 3, 3, seed=14))


def by_steps(x: Tensor, decay: float = 0.9, kept: Callable[[int], float] = lambda t: (1 + t) / (10 + t)) -> Tensor:
    """TensorFlow's rule for the first steps: an average that trusts its start little."""
    found, average = [], x[0, :2].clone()
    for t, row in enumerate(x[1:]):
        keep = min(decay, kept(t))
        average = keep * average + (1 - keep) * row[:2]
        found.append(torch.cat([average, row[2:]]))
    return torch.stack(found)


LABELS = torch.tensor([2, 0, 1, 1, 2, 0, 2])


def gradients_of(model: nn.Module, loss: Callable[[nn.Module], Tensor]) -> Tensor:
    """All gradients of a loss, in one row."""
    return torch.cat([g.flatten() for g in torch.autograd.grad(loss(model), list(model.parameters()))])


def small_net(x: Tensor) -> nn.Module:
    """A net whose layers treat each picture alone."""
    net = nn.Sequential(nn.Linear(5, 4), nn.LayerNorm(4), nn.GELU(), nn.Linear(4, 3))
    return randomise(net, seed=20).to(x.dtype)


def whole_batch(x: Tensor) -> Tensor:
    """The gradient of the mean loss of all."""
    return gradients_of(small_net(x), lambda net: F.cross_entropy(net(x), LABELS))


def mean_of_parts(x: Tensor) -> Tensor:
    """The mean of the parts' losses, whatever their size."""
    pairs = list(zip(x.split(3), LABELS.split(3), strict=True))
    return gradients_of(small_net(x), lambda net: torch.stack([F.cross_entropy(net(a), b) for a, b in pairs]).mean())


def accumulated(lesson: ModuleType, size: int) -> Case:
    """The gradient of seven pictures from parts, beside that of all at once."""

    def mine(x: Tensor) -> Tensor:
        return torch.cat([g.flatten() for g in lesson.accumulated(small_net(x), x, LABELS, size)])

    return Values(
        Nothing(),
        Nothing(),
        tensor(7, 5, seed=22),
        mine_forward=lambda _, x: with_grad(mine, x),
        theirs_forward=lambda _, x: with_grad(whole_batch, x),
    )


def with_grad(function: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """The harness compares values without a gradient; these values are gradients."""
    with torch.enable_grad():
        return function(x)
