"""Lesson 8's true segments pixel by pixel, and its judge of mask models beside torchmetrics and scikit-learn."""

from __future__ import annotations

from fractions import Fraction
from types import ModuleType

import torch
import torch.nn.functional as F
from torch import Tensor

from tests.parity.framework.cases import Build, Case, Values, function, tensor
from tests.parity.framework.harness import reference
from tests.parity.lesson_08 import losses, masks

KINDS = torch.tensor([[0, 2, 1, 1], [2, 0, 0, 1], [1, 1, 2, 0]])
STUFF = (3, 4)  # classes of segments 0 and 1, stripes and speckle


def drawn(x: Tensor) -> Tensor:
    """Segments of three pictures; the first has no speckle, the second no third thing."""
    found = (2 * x).round().long().clamp(-3, 2) + 3
    found[0][found[0] == 1] = 0
    found[1][found[1] == 4] = 2
    return found


def segments_by_pixel(x: Tensor, stuff: tuple[int, int] = STUFF, things_first: bool = False) -> Tensor:
    """Mask, class and existence of each segment, one row each."""
    rows = []
    for kinds, picture in zip(KINDS.tolist(), drawn(x).tolist(), strict=True):
        classes = [*kinds, *stuff] if things_first else [*stuff, *kinds]
        for number, kind in enumerate(classes):
            mask = [float(pixel == number) for row in picture for pixel in row]
            rows.append(torch.tensor([*mask, kind, any(mask)], dtype=torch.float64))
    return torch.stack(rows).to(x)


def of_ground(x: Tensor) -> Tensor:
    """The ground taken for there, whether or not it is: a mistake."""
    rows = segments_by_pixel(x).unflatten(0, (3, 6)).clone()
    rows[:, :2, -1] = 1
    return rows.flatten(0, 1)


def true_segments(lesson: ModuleType) -> Case:
    """Of oblong pictures."""

    def mine(x: Tensor) -> Tensor:
        scenes = losses.Scenes(images=x, kinds=KINDS, segments=drawn(x).to(torch.uint8))
        shapes, kinds, real = lesson.true_segments(scenes)
        return torch.cat([shapes.flatten(2), kinds[..., None], real[..., None]], dim=-1).flatten(0, 1).to(x)

    return function(mine, segments_by_pixel, tensor(3, 7, 11, seed=180).float().double(), Values)


# Pictures of 6 × 6 cells, each 8 pixels wide: stripes and speckle are 0 and 1, things are 2 to 5.
CELLS = torch.tensor(
    [
        [[0, 0, 0, 1, 1, 1], [0, 2, 2, 1, 3, 3], [0, 2, 2, 1, 3, 3], [0, 0, 0, 1, 1, 1], [0, 0, 4, 4, 1, 1], [0] * 6],
        [[1, 1, 1, 1, 1, 1], [1, 2, 2, 1, 1, 1], [1, 2, 2, 1, 1, 1], [1, 1, 1, 1, 4, 4], [1] * 6, [1] * 6],
        [[0, 0, 2, 2, 2, 0], [0, 0, 2, 2, 2, 0], [5, 5, 0, 0, 3, 3], [5, 5, 0, 0, 3, 3], [0] * 6, [1] * 6],
    ]
)
SEGMENTS = CELLS.repeat_interleave(8, dim=1).repeat_interleave(8, dim=2)
CLASSES = torch.cat([torch.tensor(STUFF).expand(3, -1), KINDS], dim=1)
LABELS = torch.stack([kinds[picture] for kinds, picture in zip(CLASSES, SEGMENTS, strict=True)])
QUERIES = 6  # each is to find the segment of its number


def answered(x: Tensor) -> Tensor:
    """Two layers of logits and masks that come near the truth, as masks.said takes them apart."""
    own = torch.stack([CELLS.eq(segment) for segment in range(QUERIES)], dim=1)
    kinds = torch.where(own.flatten(2).any(dim=-1), CLASSES, 5)
    likely = torch.cat([5 * F.one_hot(kinds, 6), 6 * own.flatten(2) - 3], dim=-1)
    return likely.to(x) + 2 * x


def judged_by_libraries(x: Tensor, apart: bool = False, void: int = 5, last_first: bool = False) -> Tensor:
    """PQ and mean IoU of each layer; torchmetrics counts segments of pixel-by-pixel merging.

    Pixels without a segment are of a class of their own, `void`. Mistake: `apart`, a mean over pictures."""
    rows = []
    truth = torch.stack([LABELS, SEGMENTS], dim=-1)
    pictures = [[0], [1], [2]] if apart else [[0, 1, 2]]
    for layer in answered(x).flip(0) if last_first else answered(x):
        ours = torch.stack([masks.merged(picture[None]).long().permute(1, 2, 0).flip(-1) for picture in layer])
        ours[..., 0] = torch.where(ours[..., 0] < 0, void, ours[..., 0])
        quality = torch.stack([panoptic_quality(ours[p], truth[p]) for p in pictures]).mean()
        semantic = masks.semantic_by_loop(layer)
        overlap = torch.stack([masks_iou(semantic[p], LABELS[p]) for p in pictures]).mean()
        rows.append(torch.stack([quality, overlap]))
    return torch.stack(rows).to(x)


def panoptic_quality(ours: Tensor, truth: Tensor) -> Tensor:
    """torchmetrics, mean over the lesson's five classes. It divides RQ in single precision: the nearest fraction."""
    measure = reference("torchmetrics.functional.detection").panoptic_quality
    found = measure(ours, truth, {0, 1, 2}, {3, 4, 5}, return_sq_and_rq=True, return_per_class=True)
    classes = found.reshape(6, 3)[:5].tolist()
    return torch.tensor(
        [sq * float(Fraction(rq).limit_denominator(99)) for _, sq, rq in classes], dtype=torch.float64
    ).mean()


def masks_iou(ours: Tensor, labels: Tensor) -> Tensor:
    """scikit-learn's Jaccard scores, mean over classes."""
    score = reference("sklearn.metrics").jaccard_score
    found = score(
        labels.flatten().numpy(), ours.flatten().long().numpy(), labels=range(5), average=None, zero_division=0
    )
    return torch.from_numpy(found).float().double().mean()  # the lesson divides in single precision


def judged_masks(lesson: ModuleType) -> Case:
    """Two layers of one model on three pictures."""

    def mine(x: Tensor) -> Tensor:
        scenes = losses.Scenes(images=answered(x), kinds=KINDS, segments=SEGMENTS.to(torch.uint8), labels=LABELS)
        found = [lesson.judged_masks(masks.said, scenes, layer) for layer in (0, 1)]
        assert found[1] == lesson.judged_masks(masks.said, scenes), "the last layer is judged"
        return torch.tensor([[one["PQ"], one["mIoU"]] for one in found], dtype=torch.float64).to(x)

    inputs = tensor(2, 3, QUERIES, 42, seed=181).float().double()
    return function(mine, judged_by_libraries, inputs, Values)


CASES: dict[str, Build] = {
    "true segments = pixel by pixel": true_segments,
    "judge of masks = torchmetrics and scikit-learn": judged_masks,
}
