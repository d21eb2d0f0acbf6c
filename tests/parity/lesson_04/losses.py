"""Lesson 4's targets and losses beside torch's, timm's and torchvision's, or derived anew, example by example."""

from __future__ import annotations

from collections.abc import Callable
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


def divergence(student: Tensor, wanted: Tensor, temperature: float) -> Tensor:
    """T² · KL(wanted ‖ student) from its definition, class by class; wanted are probabilities."""
    total = student.new_zeros(())
    for z, p in zip(student / temperature, wanted, strict=True):
        q = z.exp() / z.exp().sum()
        total = total + sum(p[k] * (p[k].log() - q[k].log()) for k in range(len(q)))
    return temperature**2 * total / len(student)


def softened(teacher: Tensor, temperature: float) -> Tensor:
    """A teacher's probabilities, a constant for whoever learns from it."""
    powers = (teacher.detach() / temperature).exp()
    return powers / powers.sum(dim=-1, keepdim=True)


def beside(x: Tensor, loss: Tensor) -> Tensor:
    """A loss is one number: beside a few of its inputs, so that a constant cannot pass."""
    return torch.cat([loss.reshape(1), x.flatten()[:3]])


def one_of(x: Tensor, mine: Callable[[Tensor], Tensor], theirs: Callable[[Tensor], Tensor]) -> Case:
    """Two losses of the same logits."""
    return function(lambda x: beside(x, mine(x)), lambda x: beside(x, theirs(x)), x)


def several_teachers(lesson: ModuleType, temperature: float = 3.0) -> Case:
    """Exercise 4.3; student first, then two teachers, all of which the harness asks for gradients."""
    return one_of(
        logits(3),
        lambda x: lesson.taught_by_several(x[0], x[1:], temperature),
        lambda x: divergence(x[0], (softened(x[1], temperature) + softened(x[2], temperature)) / 2, temperature),
    )


TEACHER = 2 * tensor(PICTURES, CLASSES, seed=21)


def soft(lesson: ModuleType, temperature: float) -> Case:
    """The lesson's soft loss."""
    return one_of(
        logits(),
        lambda x: lesson.soft_loss(x, TEACHER.to(x), temperature),
        lambda x: divergence(x, softened(TEACHER.to(x), temperature), temperature),
    )


def chosen(x: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy from its definition, picture by picture."""
    shares = [x[i].exp()[k] / x[i].exp().sum() for i, k in enumerate(labels.tolist())]
    return -torch.stack(shares).log().mean()


def hard(lesson: ModuleType) -> Case:
    """The lesson's hard loss."""
    best = torch.tensor([max(range(CLASSES), key=row.__getitem__) for row in TEACHER.tolist()])
    return one_of(logits(), lambda x: lesson.hard_loss(x, TEACHER.to(x)), lambda x: chosen(x, best))


def focal(lesson: ModuleType, gamma: float = 2.0) -> Case:
    """Of two classes, of which one has the logit 0, torchvision's loss by the sigmoid; its alpha switched off."""
    labels = torch.tensor([0, 1, 1, 0, 1, 0])
    library = reference("torchvision.ops")
    return one_of(
        2 * tensor(PICTURES, seed=11),
        lambda x: lesson.focal_loss(torch.stack([torch.zeros_like(x), x], dim=1), labels, gamma),
        lambda x: library.sigmoid_focal_loss(x, labels.to(x), alpha=-1, gamma=gamma, reduction="mean"),
    )


def focal_of_many(lesson: ModuleType, gamma: float = 3.0) -> Case:
    """Of five classes, picture by picture."""

    def theirs(x: Tensor) -> Tensor:
        shares = torch.stack([(z.exp() / z.exp().sum())[k] for z, k in zip(x, LABELS.tolist(), strict=True)])
        return (-((1 - shares) ** gamma) * shares.log()).mean()

    return one_of(logits(), lambda x: lesson.focal_loss(x, LABELS, gamma), theirs)


COUNTS = torch.tensor([500, 100, 40, 8, 2], dtype=torch.float64)


def adjusted(lesson: ModuleType) -> Case:
    """Each class's exponential weighs as often as the class occurs."""

    def theirs(x: Tensor) -> Tensor:
        weights = x.exp() * COUNTS.to(x) / 650
        shares = [weights[i, k] / weights[i].sum() for i, k in enumerate(LABELS.tolist())]
        return -torch.stack(shares).log().mean()

    return one_of(logits(), lambda x: lesson.adjusted_loss(x, LABELS, COUNTS), theirs)


def ldam(lesson: ModuleType) -> Case:
    """Margins of n^(-1/4), the largest 0.5, then 30 times the logits, as in the authors' code."""

    def theirs(x: Tensor) -> Tensor:
        margins = [1 / n**0.25 for n in COUNTS.tolist()]
        margins = [0.5 * margin / max(margins) for margin in margins]
        rows = []
        for row, k in zip(0.2 * x, LABELS.tolist(), strict=True):
            rows.append(torch.stack([30 * (z - (margins[k] if j == k else 0)) for j, z in enumerate(row)]))
        return chosen(torch.stack(rows), LABELS)

    return one_of(logits(), lambda x: lesson.ldam_loss(0.2 * x, LABELS, COUNTS), theirs)
