"""Wrong ways to do what Lesson 7 does: for the damages."""

from __future__ import annotations

from itertools import combinations, product
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from tests.parity.framework.cases import tensor
from tests.parity.lesson_07 import judges, losses


def _masking(self: Any, sequence: Tensor, order: Tensor, restore: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """transformers' masking from a given order and way back."""
    kept = int(sequence.shape[1] * (1 - self.config.mask_ratio))
    at = order[:, :kept, None].expand(-1, -1, sequence.shape[2])
    mask = (order.argsort(dim=1) >= kept).to(sequence)
    return sequence.gather(1, at), mask, restore


def order_for_rank(self: Any, sequence: Tensor, noise: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Who comes first taken for where each has gone."""
    order = noise.argsort(dim=1)
    return _masking(self, sequence, order, order)


def largest_stay(self: Any, sequence: Tensor, noise: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The largest noises stay visible."""
    order = noise.argsort(dim=1, descending=True)
    return _masking(self, sequence, order, order.argsort(dim=1))


def one_mask(self: Any, sequence: Tensor, noise: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """All pictures hide the same patches."""
    order = noise[:1].argsort(dim=1).expand(len(sequence), -1)
    return _masking(self, sequence, order, order.argsort(dim=1))


def contrast(x: Tensor, temperature: float = 0.2, itself: bool = False, asking: int = 2, unit: bool = True) -> Tensor:
    """NT-Xent, wrong in one way."""
    z = torch.cat([F.normalize(view, dim=1) if unit else view for view in x])
    scores = z @ z.T / temperature
    if not itself:
        scores = scores.masked_fill(torch.eye(len(z), dtype=torch.bool), -torch.inf)
    partners = torch.arange(len(z)).roll(len(z) // 2)
    some = slice(asking * len(z) // 2)
    return F.cross_entropy(scores[some], partners[some])


def queue_that_learns(x: Tensor, temperature: float = 0.2, reduction: str = "mean") -> Tensor:
    """MoCo's loss whose keys get a gradient."""
    scores = [losses.cosine(q, k)[None] for q, k in zip(x[0], x[1], strict=True)]
    negatives = F.normalize(x[0], dim=1) @ losses.QUEUE.to(x).T
    logits = torch.cat([torch.stack(scores), negatives], dim=1) / temperature
    return F.cross_entropy(logits, torch.zeros(len(logits), dtype=torch.long), reduction=reduction)


def longer_queue() -> Tensor:
    """The queue and the keys of the batch."""
    return torch.cat([losses.QUEUE, F.normalize(losses.views()[1], dim=1)])


def distances(x: Tensor) -> Tensor:
    """Alignment of distances that are not squared."""
    gap = F.normalize(x[0], dim=1) - F.normalize(x[1], dim=1)
    return gap.norm(dim=1).mean()


def spread(x: Tensor, width: float = 2.0, itself: bool = False) -> Tensor:
    """Uniformity, wrong in one way."""
    pairs = product(x, x) if itself else combinations(x, 2)
    return torch.stack([(-width * (2 - 2 * losses.cosine(a, b))).exp() for a, b in pairs]).mean().log()


def dino(x: Tensor, centre: int = 1, teacher: float = 0.04, itself: bool = False) -> Tensor:
    """DINO's loss, crop by crop, wrong in one way."""
    terms = []
    for g, said in enumerate(losses.TEACHER.to(x)):
        targets = ((said - centre * losses.CENTRE.to(x)) / teacher).softmax(dim=-1)
        for v, crop in enumerate(x):
            if itself or v != g:
                terms.append(-(targets * (crop / 0.1).log_softmax(dim=-1)).sum(dim=-1).mean())
    return torch.stack(terms).mean()


def patches_alike(x: Tensor) -> Tensor:
    """iBOT's loss in which each hidden patch counts alike, whatever its picture."""
    mask = losses.MASK.flatten(1)
    targets = ((losses.PATCH_TEACHER.to(x) - losses.CENTRE.to(x)) / 0.04).softmax(dim=-1)
    return -(targets * (x / 0.1).log_softmax(dim=-1)).sum(dim=-1)[mask].mean()


def spreading(x: Tensor, power: int = 1, unit: bool = True, farthest: bool = False) -> Tensor:
    """KoLeo, wrong in one way."""
    z = F.normalize(x, dim=1) if unit else x
    pairs = [[(a - b).norm() for j, b in enumerate(z) if j != i] for i, a in enumerate(z)]
    apart = torch.stack([torch.stack(row) for row in pairs])
    nearest = apart.amax(dim=1) if farthest else apart.amin(dim=1)
    return -(nearest**power).log().mean()


def aligned_codes(x: Tensor) -> Tensor:
    """The code of the largest product, not of the smallest distance."""
    book = tensor(9, 16, seed=53).to(x)
    return (x @ (book - book.mean(dim=1, keepdim=True)).T).argmax(dim=-1).to(x)


def other_noise(x: Tensor) -> Tensor:
    """Other patches hidden."""
    return judges.restored_by_transformers(x, judges.NOISE.flip(1))


def last_inverted(y: Tensor) -> Tensor:
    """True where a patch is visible."""
    count = judges.NOISE.numel()
    return torch.cat([y[:-count], 1 - y[-count:]])
