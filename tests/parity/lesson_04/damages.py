"""What the comparisons of Lesson 4 have to notice."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor

from tests.parity.framework import damages
from tests.parity.framework.cases import counting_in
from tests.parity.framework.damages import GRADIENT_WRONG, Damaged, instead, returned
from tests.parity.lesson_04 import losses, mixing
from tests.parity.lesson_04.cases import LESSON
from tests.parity.lesson_04.steps import run_of_rates, schedule

like = partial(damages.like, LESSON)
LATER = ("warm-up one step longer", like(partial(schedule, library="timm", warmup=7)), "outputs")
TO_ZERO = ("the end is 0", like(partial(schedule, library="timm", floor=0.0)), "outputs")
JUMPS = ("a cosine counted from step 0", like(partial(run_of_rates, shifted=False)), "outputs")
SHIFTED = ("a cosine counted from the end of the warm-up", like(partial(run_of_rates, shifted=True)), "outputs")
DELAYED = ("one step late", returned(lambda y: torch.cat([y[:1], y[:-1]])), "outputs")


def smoothed(epsilon: float, own: float, other: float) -> Callable[[Tensor], Tensor]:
    """Targets with other shares; the loss of the same name."""

    def loss(x: Tensor) -> Tensor:
        targets = torch.full_like(x, epsilon * other)
        targets[range(len(x)), losses.LABELS] = 1 - epsilon + epsilon * own
        return -(targets * x.log_softmax(dim=-1)).sum(dim=-1)

    return loss


def divergence(
    x: Tensor, temperature: float = 3.0, swapped: bool = False, power: int = 2, shared: bool = False
) -> Tensor:
    """The soft loss, wrong in one way."""
    teacher = x[1] if shared else x[1].detach()
    said, wanted = ((part / temperature).log_softmax(dim=-1) for part in (x[0], teacher))
    p, q = (said, wanted) if swapped else (wanted, said)
    loss = F.kl_div(q, p, reduction="batchmean", log_target=True)
    return losses.both_ways(x, temperature**power * loss)


def one_sided(x: Tensor) -> Tensor:
    """Only the teacher is divided by T."""
    loss = F.kl_div(x[0].log_softmax(dim=-1), (x[1].detach() / 3).softmax(dim=-1), reduction="batchmean")
    return losses.both_ways(x, 9 * loss)


def by_numel(x: Tensor) -> Tensor:
    """Divided by classes, too, as in DeiT's code."""
    said, wanted = ((part / 3).log_softmax(dim=-1) for part in (x[0], x[1].detach()))
    return losses.both_ways(x, 9 * F.kl_div(said, wanted, reduction="mean", log_target=True))


def unscaled(x: Tensor) -> Tensor:
    """Kept branches as they are."""
    return x + mixing.branch(x) * mixing.KEPT.to(x)[:, None, None]


def others_kept(x: Tensor) -> Tensor:
    """The kept and the dropped exchanged."""
    return x + mixing.branch(x) * (~mixing.KEPT).to(x)[:, None, None] / (1 - mixing.DROP)


def moved_up(x: Tensor) -> Tensor:
    """Kept branches added to the first samples."""
    gains = torch.zeros_like(x)
    kept = mixing.branch(x)[mixing.KEPT] / (1 - mixing.DROP)
    gains[: len(kept)] = kept
    return x + gains


def torch_targets(epsilon: float) -> Tensor:
    """The shares of torch's convention."""
    with counting_in(torch.float64):
        return (1 - epsilon) * F.one_hot(losses.LABELS, losses.CLASSES) + epsilon / losses.CLASSES


DAMAGES: list[Damaged] = [
    ("schedule = torch", *LATER),
    ("schedule = torch", *TO_ZERO),
    ("schedule = torch", *JUMPS),
    ("schedule = torch", *DELAYED),
    ("schedule = timm", *LATER),
    ("schedule = timm", *TO_ZERO),
    ("schedule = timm", *GRADIENT_WRONG),
    ("exercise 4.1 = timm", *JUMPS),
    ("exercise 4.1 = timm", *DELAYED),
    ("exercise 4.1, not shifted = timm", *SHIFTED),
    ("exercise 4.2 = torch", "the true class gets nothing back", instead(smoothed(0.3, 0, 1 / 5)), "outputs"),
    ("exercise 4.2 = torch", "the others alone", instead(smoothed(0.3, 0, 1 / 4)), "outputs"),
    ("exercise 4.2 = torch", "another share", instead(smoothed(0.2, 1 / 5, 1 / 5)), "outputs"),
    ("exercise 4.2 = torch", *GRADIENT_WRONG),
    ("exercise 4.2 = timm", "the others alone", instead(losses.shared_by_others), "outputs"),
    ("exercise 4.2, the others alone = entry by entry", "torch's convention",
     instead(lambda x: x * torch_targets(0.25).to(x)), "outputs"),
    ("exercise 4.3 = class by class", "another T", instead(partial(divergence, temperature=2.0)), "outputs"),
    ("exercise 4.3 = class by class", "student and teacher exchanged",
     instead(partial(divergence, swapped=True)), "outputs"),
    ("exercise 4.3 = class by class", "T instead of T²", instead(partial(divergence, power=1)), "outputs"),
    ("exercise 4.3 = class by class", "the student not softened", instead(one_sided), "outputs"),
    ("exercise 4.3 = class by class", "divided by the classes, too", instead(by_numel), "outputs"),
    ("exercise 4.3 = class by class", "a teacher that learns",
     instead(partial(divergence, shared=True)), "input gradients"),
    ("exercise 4.4 = timm", "not scaled", instead(unscaled), "outputs"),
    ("exercise 4.4 = timm", "the others dropped", instead(others_kept), "outputs"),
    ("exercise 4.4 = torchvision", "branches of other samples", instead(moved_up), "outputs"),
    ("exercise 4.4 = torchvision", *GRADIENT_WRONG),
]  # fmt: skip
