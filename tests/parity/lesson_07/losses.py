"""Lesson 7's losses beside lightly's, or derived anew, pair by pair; and the exercises about them."""

from __future__ import annotations

from functools import partial
from itertools import combinations
from types import ModuleType
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tests.parity.framework.cases import Build, Case, counting_in, function, tensor
from tests.parity.framework.harness import generator, reference
from tests.parity.lesson_04.losses import one_of
from tests.parity.lesson_07 import captions

PICTURES, DIM, PROTOTYPES, QUEUED = 5, 4, 7, 6
VIEWS, LARGE = 4, 2


def lightly(name: str, **options: Any) -> Any:
    """A loss of lightly; numbers that it makes tensors of come in double precision."""
    with counting_in(torch.float64):
        return getattr(reference("lightly.loss"), name)(**options)


def views() -> Tensor:
    """Two views of a few pictures."""
    return tensor(2, PICTURES, DIM, seed=31)


def nt_xent(lesson: ModuleType, temperature: float = 0.2) -> Case:
    """Both views, each among all others."""
    return one_of(
        views(),
        lambda x: lesson.nt_xent(x[0], x[1], temperature),
        lambda x: lightly("NTXentLoss", temperature=temperature)(x[0], x[1]),
    )


QUEUE = F.normalize(tensor(QUEUED, DIM, seed=32), dim=1)


def bank_loss(x: Tensor, temperature: float, reduction: str = "mean", queue: Tensor = QUEUE) -> Tensor:
    """lightly's MoCo: queries x[0], keys x[1], which do not learn, and a bank of negatives."""
    loss = lightly("NTXentLoss", temperature=temperature, memory_bank_size=tuple(queue.shape))
    loss.memory_bank.bank = queue.to(x).clone()  # which it moves on
    loss.cross_entropy = nn.CrossEntropyLoss(reduction=reduction)
    return loss(x[0], x[1].detach())


def queue_loss(lesson: ModuleType, temperature: float = 0.2) -> Case:
    """MoCo, versions 1 and 2."""
    return one_of(
        views(),
        lambda x: lesson.key_loss(x[0], x[1], temperature, QUEUE.to(x)),
        lambda x: bank_loss(x, temperature),
    )


def cosine(a: Tensor, b: Tensor) -> Tensor:
    """Of two vectors, from its definition."""
    return (a * b).sum() / (a.square().sum() * b.square().sum()).sqrt()


def by_query(x: Tensor, temperature: float, keys_learn: bool = False) -> Tensor:
    """MoCo v3, query by query: its own key among those of the batch."""
    keys = x[1] if keys_learn else x[1].detach()
    losses = []
    for i, query in enumerate(x[0]):
        powers = [(cosine(query, key) / temperature).exp() for key in keys]
        losses.append(-(powers[i] / sum(powers)).log())
    return torch.stack(losses).mean()


def batch_loss(lesson: ModuleType, temperature: float = 0.3) -> Case:
    """MoCo, version 3."""
    return one_of(views(), lambda x: lesson.key_loss(x[0], x[1], temperature), lambda x: by_query(x, temperature))


def aligned(lesson: ModuleType) -> Case:
    """Mean squared distance of partners."""

    def theirs(x: Tensor) -> Tensor:
        return torch.stack([2 - 2 * cosine(a, b) for a, b in zip(x[0], x[1], strict=True)]).mean()

    return one_of(views(), lambda x: lesson.alignment(x[0], x[1]), theirs)


def uniform(lesson: ModuleType) -> Case:
    """Log of the mean over all pairs, each counted once."""

    def theirs(x: Tensor) -> Tensor:
        pairs = [(-2 * (2 - 2 * cosine(a, b))).exp() for a, b in combinations(x, 2)]
        return torch.stack(pairs).mean().log()

    return one_of(tensor(PICTURES, DIM, seed=33), lesson.uniformity, theirs)


TEACHER = tensor(LARGE, PICTURES, PROTOTYPES, seed=34)
CENTRE = tensor(PROTOTYPES, seed=35)


def dino_of_lightly(
    x: Tensor, student: float = 0.1, teacher: float = 0.04, centre: Tensor = CENTRE
) -> tuple[Tensor, Tensor]:
    """The loss, and the centre after it."""
    loss = lightly("DINOLoss", output_dim=PROTOTYPES, student_temp=student, center_momentum=0.8)
    loss.center = centre.to(x)[None, None].clone()
    with counting_in(torch.float64):
        value = loss(list(TEACHER.to(x)), list(x), teacher_temp=teacher)
    return value, loss.center.flatten()


def dino(lesson: ModuleType, student: float = 0.1, teacher: float = 0.04) -> Case:
    """All crops against the large ones."""

    def mine(x: Tensor) -> Tensor:
        targets = lesson.teacher_targets(TEACHER.to(x), CENTRE.to(x), teacher)
        return lesson.dino_loss(x, targets, student)

    logits = tensor(VIEWS, PICTURES, PROTOTYPES, seed=36)
    return one_of(logits, mine, lambda x: dino_of_lightly(x, student, teacher)[0])


PATCHES = (2, 3)
MASK = torch.rand(PICTURES, *PATCHES, generator=generator(37)) < 0.5
MASK[1] = False  # a picture of which nothing is hidden
PATCH_TEACHER = tensor(PICTURES, 6, PROTOTYPES, seed=38)


def ibot_of_lightly(x: Tensor, mask: Tensor = MASK) -> Tensor:
    """Its loss of the hidden patches' logits."""
    loss = lightly("IBOTPatchLoss", output_dim=PROTOTYPES)
    loss.center.center = CENTRE.to(x)[None].clone()
    flat = mask.flatten(1)
    with counting_in(torch.float64):
        return loss(PATCH_TEACHER.to(x)[flat], x[flat], mask).to(x)


def ibot(lesson: ModuleType) -> Case:
    """Masked tokens, each picture alike."""

    def mine(x: Tensor) -> Tensor:
        targets = lesson.teacher_targets(PATCH_TEACHER.to(x), CENTRE.to(x))
        return lesson.masked_token_loss(x, targets, MASK.flatten(1))

    return one_of(tensor(PICTURES, 6, PROTOTYPES, seed=39), mine, ibot_of_lightly)


def koleo_of_lightly(x: Tensor) -> Tensor:
    """Its distance has an eps of its own, which the authors' has not."""
    loss = lightly("KoLeoLoss")
    loss.pairwise_distance = nn.PairwiseDistance(eps=0.0)
    return loss(x)


def koleo(lesson: ModuleType) -> Case:
    """Distance to the nearest neighbour."""
    return one_of(tensor(8, DIM, seed=40), lesson.koleo, koleo_of_lightly)


# --- Exercises -------------------------------------------------------------------------------------------------------

SCALE, BIAS = (torch.tensor(n, dtype=torch.float64) for n in (0.7, -1.3))


def info_nce(lesson: ModuleType, temperature: float = 0.5) -> Case:
    """Exercise 7.2 beside lightly's MoCo, query by query."""
    return function(
        lambda x: lesson.info_nce(x[0], x[1], QUEUE.to(x), temperature),
        lambda x: bank_loss(x, temperature, reduction="none"),
        views(),
    )


def sigmoid_by_blocks(lesson: ModuleType, sizes: tuple[int, ...] = (2, 2, 1)) -> Case:
    """Exercise 7.6; the last block is smaller."""
    return one_of(
        views(),
        lambda x: lesson.sigmoid_loss_of_blocks(x[0], x[1].split(sizes), SCALE.to(x), BIAS.to(x)),
        siglip_of_transformers,
    )


def siglip_of_transformers(x: Tensor, scale: Tensor = SCALE, bias: Tensor = BIAS) -> Tensor:
    """transformers' loss of all pairs."""
    return captions.siglip_loss(x, scale, bias)


CASES: dict[str, Build] = {
    "NT-Xent = lightly": nt_xent,
    "NT-Xent, T = 1 = lightly": partial(nt_xent, temperature=1.0),
    "MoCo's queue = lightly": queue_loss,
    "MoCo v3 = query by query": batch_loss,
    "alignment = pair by pair": aligned,
    "uniformity = pair by pair": uniform,
    "DINO = lightly": dino,
    "DINO, other temperatures = lightly": partial(dino, student=0.3, teacher=0.2),
    "iBOT = lightly": ibot,
    "KoLeo = lightly": koleo,
    "exercise 7.2 = lightly": info_nce,
    "exercise 7.6 = transformers": sigmoid_by_blocks,
    "exercise 7.6, one block = transformers": partial(sigmoid_by_blocks, sizes=(5,)),
}
