"""The DINOv2 maps embedded in Lesson 3 are those of the weights and the photographs they are said to come from.

transformers' Dinov2Model computes them.
"""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType

import numpy as np
import pytest
import torch
from skimage import data
from torch import Tensor, nn

from tests.parity.framework.harness import reference
from tests.parity.framework.weights import CLS_PLACE, PLACES, dinov2, named_weights, stored_tensors
from tests.parity.lesson_03.functions import LESSON
from tools.lesson.definitions import load_definitions

EDGE = 1e-3  # so near the middle between two stored levels, another processor may round the other way


@pytest.fixture(scope="module")
def model() -> nn.Module:
    """DINOv2 ViT-S/14 of transformers with every parameter read; without the mask token, which only training needs."""
    transformers = reference("transformers")
    exported = dinov2()
    stored, weights = stored_tensors(exported), named_weights(exported)
    places = [stored[CLS_PLACE].reshape(1, 1, 384), stored[PLACES]]
    weights["embeddings.position_embeddings"] = torch.cat(places, dim=1)
    renamed = {
        "attention.attention.query": "attention.q_proj",
        "attention.attention.key": "attention.k_proj",
        "attention.attention.value": "attention.v_proj",
        "attention.output.dense": "attention.o_proj",
    }
    for theirs, ours in renamed.items():
        weights = {name.replace(theirs, ours): values for name, values in weights.items()}
    config = transformers.Dinov2Config(
        hidden_size=384, num_attention_heads=6, image_size=518, patch_size=14, attn_implementation="eager",
        use_mask_token=False,
    )  # fmt: skip
    with torch.device("meta"):
        model = transformers.Dinov2Model(config)
    model.load_state_dict(weights, strict=True, assign=True)
    return model.eval()


@pytest.fixture(scope="module")
def lesson() -> ModuleType:
    return load_definitions(LESSON)


MEAN, DEVIATION = torch.tensor([[0.485, 0.456, 0.406], [0.229, 0.224, 0.225]])[..., None, None]  # ImageNet's


PHOTOGRAPHS = [data.coffee, data.astronaut, data.chelsea, data.rocket]  # as DINO_DISTANCES and DINO_LARGEST have them


def middle(photograph: np.ndarray) -> np.ndarray:
    """The largest square, of what is longer the same cut off at either end."""
    height, width, _ = photograph.shape
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    return np.ascontiguousarray(photograph[top : top + side, left : left + side])


@torch.no_grad()
def attention(model: nn.Module, image: Tensor) -> Tensor:
    """Every block's weights for a picture (1, 3, 224, 224) in [−1, 1]: (12, 6, 257, 257), in float64."""
    maps = model(((image + 1) / 2 - MEAN) / DEVIATION, output_attentions=True).attentions
    return torch.cat(maps).double()


@pytest.fixture(scope="module")
def every_weight(model: nn.Module, lesson: ModuleType) -> list[Tensor]:
    """Of each photograph."""
    return [attention(model, lesson.to_image(middle(photograph()), 224)) for photograph in PHOTOGRAPHS]


@pytest.fixture(scope="module")
def weights(every_weight: list[Tensor]) -> Tensor:
    """Of the cup, which the maps are of."""
    return every_weight[0]


# What is stored, before it is rounded to whole numbers.


def distances(weights: Tensor, divided: bool = True) -> Tensor:
    """Of every head the mean distance from a patch to the patches it looks at, in tenths of a patch; [CLS] left out.

    `divided`: what is left of each row is divided by its sum.
    """
    among_patches = weights[:, :, 1:, 1:]
    if divided:
        among_patches = among_patches / among_patches.sum(dim=-1, keepdim=True)
    row, column = np.divmod(np.arange(256), 16)
    apart = torch.from_numpy(np.hypot(row[:, None] - row, column[:, None] - column))
    return 10 * torch.einsum("lhij,ij->lh", among_patches, apart) / 256


def largest(weights: Tensor) -> Tensor:
    """Of every block the most-looked-at patch's share, over heads and all who ask, [CLS] among them."""
    received = weights[..., 1:].sum(dim=(1, 2))
    return received.amax(dim=1) / received.mean(dim=1)


def rolled(weights: Tensor) -> Tensor:
    """From [CLS] after the last block down to the patches, for heads already fused (12, 257, 257)."""
    row = torch.eye(257, dtype=torch.float64)[0]
    for layer in (weights + torch.eye(257)).flip(0):
        row = row @ (layer / layer.sum(dim=-1, keepdim=True))
    return row[1:]


def maps(weights: Tensor, places: list[tuple[int, int]]) -> Tensor:
    """Nine patches in block 11, [CLS] in block 12 by head, two rollouts: (17, 16, 16), the brightest of each 15."""
    asking = [16 * row + column + 1 for row, column in places]
    every = [weights[10][:, asking, 1:].mean(dim=0), weights[11][:, 0, 1:]]
    every += [rolled(weights.mean(dim=1))[None], rolled(weights.amin(dim=1))[None]]
    together = torch.cat(every)
    return (15 * together / together.amax(dim=1, keepdim=True)).unflatten(1, (16, 16))


def rounded_to(stored: Tensor, exact: Tensor) -> bool:
    """Is each stored whole number the nearest one, or as near as the next?"""
    assert stored.shape == exact.shape
    return bool(((stored.double() - exact).abs() <= 0.5 + EDGE).all())


def tenths(lesson: ModuleType) -> Tensor:
    whole = 10 * lesson.DINO_DISTANCES.double()
    assert (whole - whole.round()).abs().max() < 1e-4
    return whole.round()


def wrongly(stored: Tensor, wrong: dict[str, list[Tensor]]) -> list[tuple[str, int]]:
    """Which damage goes unnoticed on which photograph."""
    return [
        (name, number)
        for name, values in wrong.items()
        for number, (kept, exact) in enumerate(zip(stored, values, strict=True))
        if rounded_to(kept, exact)
    ]


def test_distances_are_those_of_the_weights(lesson: ModuleType, every_weight: list[Tensor]) -> None:
    stored, exact = tenths(lesson), [distances(weights) for weights in every_weight]
    assert rounded_to(stored, torch.stack(exact))
    wrong = {
        "another photograph": exact[1:] + exact[:1],
        "another order of blocks": [distances(weights.flip(0)) for weights in every_weight],
        "another order of heads": [distances(weights.roll(1, dims=1)) for weights in every_weight],
        "keys ask queries": [distances(weights.mT) for weights in every_weight],
        "one patch further": [distances(weights.roll(1, dims=3)) for weights in every_weight],
        "rows that do not sum to 1": [distances(weights, divided=False) for weights in every_weight],
    }
    assert wrongly(stored, wrong) == []


def test_largest_shares_are_those_of_the_weights(lesson: ModuleType, every_weight: list[Tensor]) -> None:
    stored, exact = lesson.DINO_LARGEST, [largest(weights) for weights in every_weight]
    assert rounded_to(stored, torch.stack(exact))
    wrong = {
        "another photograph": exact[1:] + exact[:1],
        "another order of blocks": [largest(weights.flip(0)) for weights in every_weight],
        "queries for keys": [largest(weights.mT) for weights in every_weight],
        "[CLS] is a patch": [largest(torch.cat([w[..., :1], w], dim=-1)) for w in every_weight],
        "one head": [largest(weights[:, :1]) for weights in every_weight],
    }
    assert wrongly(stored, wrong) == []


def test_maps_are_those_of_the_weights(lesson: ModuleType, weights: Tensor) -> None:
    """Every one of the 17 kinds of map is damaged, and noticed by itself."""
    stored, places = lesson.DINO_MAPS, lesson.DINO_PLACES
    exact = maps(weights, places)
    assert rounded_to(stored, exact)

    def differing(wrong: Tensor) -> list[int]:
        return [number for number in range(17) if not rounded_to(stored[number], wrong[number])]

    other_place = [(row, column + 1) for row, column in places]
    assert differing(maps(weights, other_place)) == list(range(9))
    assert differing(maps(weights.roll(1, dims=0), places)) == list(range(17))  # one block further
    assert differing(maps(weights.roll(1, dims=1), places)) == list(range(9, 15))  # another order of heads
    assert differing(exact.mT) == list(range(17))
    assert set(differing(exact.sqrt() * 15**0.5)) == set(range(17))
    without_residual = weights.mean(dim=1).flip(0)
    row = without_residual[0][0]
    for layer in without_residual[1:]:
        row = row @ layer
    assert not rounded_to(stored[15], (15 * row[1:] / row[1:].max()).unflatten(0, (16, 16)))


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda image: image.flip(-1), id="mirrored"),
        pytest.param(lambda image: image.roll(1, dims=-1), id="one pixel to the right"),
        pytest.param(lambda image: image.flip(1), id="blue for red"),
        pytest.param(lambda image: 2 * (((image + 1) / 2) * DEVIATION + MEAN) - 1, id="not standardised"),
    ],
)
def test_another_picture_is_noticed(lesson: ModuleType, model: nn.Module, change: Callable[[Tensor], Tensor]) -> None:
    weights = attention(model, change(lesson.CUP))
    assert not rounded_to(tenths(lesson)[0], distances(weights))
    exact = maps(weights, lesson.DINO_PLACES)
    assert not any(rounded_to(stored, wrong) for stored, wrong in zip(lesson.DINO_MAPS, exact, strict=True))


def test_what_is_stored_is_all_there(lesson: ModuleType) -> None:
    """What can be said without the weights."""
    assert lesson.DINO_DISTANCES.shape == (4, 12, 6) and lesson.DINO_LARGEST.shape == (4, 12)
    assert lesson.DINO_MAPS.shape == (17, 16, 16)
    assert (lesson.DINO_MAPS.amax(dim=(1, 2)) == 15).all() and lesson.DINO_MAPS.min() == 0
    assert len(lesson.DINO_RAW) == 4 * (72 + 12) + 17 * 128  # and nothing else
    assert torch.equal(lesson.CUP, lesson.to_image(middle(data.coffee()), 224))
