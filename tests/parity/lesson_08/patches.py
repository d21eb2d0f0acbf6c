"""Lesson 8's judge of labels, the best of patches, and Segmenter's head, beside scikit-learn, numpy and torch."""

from __future__ import annotations

from itertools import product
from types import ModuleType
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tests.parity.framework.cases import Build, Case, Values, function, tensor
from tests.parity.framework.harness import reference
from tests.parity.lesson_08 import layers
from tests.parity.lesson_08.masks import label_maps


def label_iou(lesson: ModuleType) -> Case:
    """Beside scikit-learn's Jaccard scores."""

    def mine(x: Tensor) -> Tensor:
        ours, truth = (labels.clamp(max=4) for labels in label_maps(x))
        return torch.tensor(lesson.label_iou(ours, truth)).to(x)

    return function(mine, jaccard, tensor(2, 9, 11, seed=140).float().double(), Values)


def jaccard(x: Tensor) -> Tensor:
    """For each class."""
    ours, truth = (labels.clamp(max=4).flatten().numpy() for labels in label_maps(x))
    found = reference("sklearn.metrics").jaccard_score(truth, ours, labels=range(5), average=None)
    return torch.from_numpy(found.astype(np.float32)).to(x)


def commonest(x: Tensor, patch: int = 4) -> Tensor:
    """Patch by patch, the class that numpy counts most often."""
    labels = classes_of(x).numpy()
    for picture, r, c in product(range(len(labels)), range(0, 12, patch), range(0, 12, patch)):
        cell = labels[picture, r : r + patch, c : c + patch]
        cell[:] = np.bincount(cell.ravel(), minlength=5).argmax()
    return torch.from_numpy(labels).to(x)


def classes_of(x: Tensor) -> Tensor:
    """Five classes."""
    return (x * 2).round().long().clamp(-2, 2) + 2


def patches(lesson: ModuleType) -> Case:
    """The best answer of one class a patch."""
    inputs = tensor(3, 12, 12, seed=141)
    return function(lambda x: lesson.patch_answers(classes_of(x), 4).to(x), commonest, inputs, Values)


class Head(nn.Module):
    """Segmenter's mask transformer of torch's layers."""

    def __init__(self, dim: int, classes: int) -> None:
        super().__init__()
        self.tokens = nn.Parameter(torch.zeros(classes, dim))
        self.blocks = nn.ModuleList(layers.encoder_of_torch() for _ in range(2))
        self.patch, self.kind = (nn.Linear(dim, dim, bias=False) for _ in "12")
        self.norm, self.last = nn.LayerNorm(dim), nn.LayerNorm(classes)


def attended_together(model: Any, x: Tensor, classes_first: bool = False, blind: bool = False) -> Tensor:
    """Patches and classes in one sequence of torch's layers. Mistakes: classes first; patches that see no class."""
    kinds = model.tokens.expand(len(x), -1, -1)
    tokens = torch.cat([kinds, x] if classes_first else [x, kinds], dim=1)
    hidden = torch.zeros(tokens.shape[1], tokens.shape[1], dtype=torch.bool)
    hidden[: x.shape[1], x.shape[1] :] = blind
    for block in model.blocks:
        tokens = block(tokens, hidden)
    return model.norm(tokens)


def scores_by_pair(model: Any, x: Tensor, cosine: bool = True) -> Tensor:
    """Segmenter's decoder.py: patches first, then classes; a cosine for each pair."""
    classes, tokens, rows = len(model.tokens), attended_together(model, x), []
    for k in range(classes):
        a, b = model.patch(tokens[:, :-classes]), model.kind(tokens[:, x.shape[1] + k, None])
        rows.append(F.cosine_similarity(a, b, dim=-1) if cosine else (a * b).sum(dim=-1))
    return model.last(torch.stack(rows, dim=-1))


def segmenter(lesson: ModuleType) -> Case:
    """Scores of patches, before they are resized."""
    dim, inputs = layers.DIM, tensor(2, 7, layers.DIM, seed=142)
    own = lesson.SegmenterHead(dim, 5)
    return Case(own, Head(dim, 5), inputs, layers.ENCODER, theirs_forward=scores_by_pair)


def together(lesson: ModuleType) -> Case:
    """Tokens of patches and of classes, before they are compared."""

    def mine(model: Any, x: Tensor) -> Tensor:
        return model.together(x)

    own, theirs = lesson.SegmenterHead(layers.DIM, 5), Head(layers.DIM, 5)
    silent = frozenset(n for n, _ in theirs.named_parameters() if n.split(".")[0] in ("patch", "kind", "last"))
    inputs = tensor(2, 7, layers.DIM, seed=143)
    return Case(own, theirs, inputs, layers.ENCODER, mine, attended_together, silent)


CASES: dict[str, Build] = {
    "Segmenter's tokens = torch's layers": together,
    "IoU of classes = scikit-learn": label_iou,
    "classes of patches = numpy": patches,
    "Segmenter's head = pair by pair": segmenter,
}
