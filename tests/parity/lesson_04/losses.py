"""Lesson 4's targets and losses beside torch's, timm's and torchvision's, or derived anew, example by example."""

from __future__ import annotations

from types import ModuleType

import torch
import torch.nn.functional as F
from torch import Tensor

from tests.parity.framework.cases import Case, counting_in, function, tensor
from tests.parity.framework.harness import reference

PICTURES, CLASSES = 6, 5
LABELS = torch.tensor([4, 0, 2, 2, 1, 3])


def logits(*shape: int) -> Tensor:
    """Scores of a student, or of student and teacher."""
    return 2 * tensor(*shape, PICTURES, CLASSES, seed=11)


def soft_targets(lesson: ModuleType, epsilon: float, others_only: bool) -> Tensor:
    """The exercise's answer to the labels; it makes new tensors, here in double precision."""
    with counting_in(torch.float64):
        return lesson.soft_targets(LABELS, CLASSES, epsilon, others_only)


def smoothed_loss(lesson: ModuleType, epsilon: float = 0.3) -> Case:
    """Exercise 4.2 in torch's convention, as the loss that its targets give."""

    def mine(x: Tensor) -> Tensor:
        targets = soft_targets(lesson, epsilon, others_only=False)
        return -(targets.to(x) * x.log_softmax(dim=-1)).sum(dim=-1)

    def theirs(x: Tensor) -> Tensor:
        return F.cross_entropy(x, LABELS, label_smoothing=epsilon, reduction="none")

    return function(mine, theirs, logits())


def smoothed_targets(lesson: ModuleType, epsilon: float = 0.25) -> Case:
    """Exercise 4.2 beside the targets that timm makes for Mixup, nothing being mixed."""
    with counting_in(torch.float64):
        theirs = reference("timm.data.mixup").mixup_target(LABELS, CLASSES, lam=1.0, smoothing=epsilon)
    mine = soft_targets(lesson, epsilon, others_only=False)
    return function(lambda x: x * mine.to(x), lambda x: x * theirs.to(x), logits())


def shared_by_others(x: Tensor, epsilon: float = 0.25) -> Tensor:
    """DeiT's words, entry by entry: what the true class loses is shared across the remaining classes."""
    rows = [[1 - epsilon if k == label else epsilon / (CLASSES - 1) for k in range(CLASSES)] for label in LABELS]
    return x * torch.tensor(rows, dtype=torch.float64).to(x)


def smoothed_others(lesson: ModuleType) -> Case:
    """Exercise 4.2 in the other convention."""
    mine = soft_targets(lesson, 0.25, others_only=True)
    return function(lambda x: x * mine.to(x), shared_by_others, logits())


def divergence(x: Tensor, temperature: float) -> Tensor:
    """T² · KL(teacher ‖ student) from its definition, class by class; the teacher is a constant."""
    student, teacher = x[0] / temperature, x[1].detach() / temperature
    total = x.new_zeros(())
    for i in range(PICTURES):
        p, q = teacher[i].exp(), student[i].exp()
        p, q = p / p.sum(), q / q.sum()
        total = total + sum(p[k] * (p[k].log() - q[k].log()) for k in range(CLASSES))
    return temperature**2 * total / PICTURES


def both_ways(x: Tensor, loss: Tensor) -> Tensor:
    """A loss is one number: beside a few of its inputs, so that a constant cannot pass."""
    return torch.cat([loss[None], x[0, 0]])


def softened(lesson: ModuleType, temperature: float = 3.0) -> Case:
    """Exercise 4.3, gradients of student and teacher included."""
    return function(
        lambda x: both_ways(x, lesson.softened_divergence(x[0], x[1], temperature)),
        lambda x: both_ways(x, divergence(x, temperature)),
        logits(2),
    )
