"""Lesson 8's sampling, pyramids, anchors and points beside transformers, torchvision and scipy."""

from __future__ import annotations

from itertools import product
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tests.parity.framework.cases import Build, Case, Named, Values, function, renamed, tensor
from tests.parity.framework.harness import reference

DIM, HEADS, POINTS, QUERIES = 12, 3, 2, 5
SIZES = ((5, 7), (3, 4))
CELLS = [h * w for h, w in SIZES]


def queries_and_maps(x: Tensor) -> tuple[Tensor, Tensor]:
    """Queries, and the cells of all maps one after the other."""
    return x[:, :QUERIES], x[:, QUERIES:]


def deformable_of_transformers() -> nn.Module:
    """Deformable DETR's attention."""
    modelling = reference("transformers.models.deformable_detr.modeling_deformable_detr")
    config = SimpleNamespace(d_model=DIM, num_feature_levels=len(SIZES), disable_custom_kernels=True)
    return modelling.DeformableDetrMultiscaleDeformableAttention(config, HEADS, POINTS)


def deformable_names(parameters: Named) -> dict[str, Tensor]:
    """The lesson's values come from a convolution of 1 × 1."""
    found = renamed(
        ("sampling_offsets", "offset"), ("attention_weights", "weight"), ("value_proj", "value"), ("output_proj", "out")
    )(parameters)
    return found | {"value.weight": found["value.weight"][..., None, None]}


def of_transformers(model: Any, x: Tensor, exchanged: bool = False) -> Tensor:
    """Each query looks from where its first two features say."""
    queries, cells = queries_and_maps(x)
    places = queries[..., :2].sigmoid()[:, :, None].expand(-1, -1, len(SIZES), -1)
    shapes = torch.tensor(SIZES).flip(-1) if exchanged else torch.tensor(SIZES)
    return model(
        queries, encoder_hidden_states=cells, reference_points=places, spatial_shapes=shapes, spatial_shapes_list=SIZES
    )[0]


def deformable(lesson: ModuleType) -> Case:
    """Two oblong maps."""

    def mine(model: nn.Module, x: Tensor) -> Tensor:
        queries, cells = queries_and_maps(x)
        parts = zip(cells.split(CELLS, dim=1), SIZES, strict=True)
        maps = [part.transpose(1, 2).unflatten(2, size) for part, size in parts]
        return model(queries, queries[..., :2].sigmoid(), maps)

    own = lesson.DeformableAttention(DIM, HEADS, len(SIZES), POINTS)
    inputs = tensor(2, QUERIES + sum(CELLS), DIM, seed=110)
    return Case(own, deformable_of_transformers(), inputs, deformable_names, mine, of_transformers)


AT = torch.tensor([[0.4, 0.3], [0.91, 0.86], [0.02, 0.5], [1.1, 0.2], [-0.2, 0.7], [0.55, -0.01], [0.31, 0.99]])


def by_scipy(x: Tensor, half: float = 0.5, mode: str = "grid-constant", rows_first: bool = False) -> Tensor:
    """Its interpolation of first order; outside are zeros."""
    spline = reference("scipy.ndimage").map_coordinates
    (height, width), at = x.shape[1:], AT.double().numpy()
    where = np.stack([at[:, 1] * height, at[:, 0] * width]) - half
    where = where[::-1] if rows_first else where
    return torch.from_numpy(np.stack([spline(c, where, order=1, mode=mode) for c in x.double().numpy()])).T.to(x)


def bilinear(lesson: ModuleType) -> Case:
    """Place by place."""

    def mine(x: Tensor) -> Tensor:
        height, width = x.shape[1:]
        return torch.stack([lesson.bilinear(x, u * width, v * height) for u, v in AT.double().tolist()])

    return function(mine, by_scipy, tensor(3, 4, 7, seed=111), Values)


def image_and_places(x: Tensor) -> tuple[Tensor, Tensor]:
    """Both from one input; a few places lie outside."""
    return x[:, :4], 1.4 * x[:, 4:].reshape(-1, 2)[:9].sigmoid() - 0.2


def sampled_by_transformers(x: Tensor, exchanged: bool = False) -> Tensor:
    """Mask2Former's sampling; where to look is a part of the input."""
    sample = reference("transformers.models.mask2former.modeling_mask2former").sample_point
    image, places = image_and_places(x)
    places = places.flip(-1) if exchanged else places
    return sample(image[None, ...], places[None], align_corners=False)[0].T


def sample(lesson: ModuleType) -> Case:
    """Exercise 8.3, with the gradient to the places."""

    def mine(x: Tensor) -> Tensor:
        return lesson.sample(*image_and_places(x))

    return function(mine, sampled_by_transformers, tensor(3, 6, 7, seed=112))


WIDTHS = [3, 5, 6]


def three_maps(x: Tensor) -> list[Tensor]:
    """Fine, middle and coarse, of one input; the sides are no multiples."""
    parts = x.split(WIDTHS, dim=1)
    return [parts[0], F.adaptive_avg_pool2d(parts[1], (4, 5)), F.adaptive_avg_pool2d(parts[2], (2, 3))]


def flat(maps: Any) -> Tensor:
    """All numbers of some maps."""
    return torch.cat([part.flatten(1) for part in maps], dim=1)


def fpn_of_torchvision(model: nn.Module, x: Tensor) -> Tensor:
    """It takes maps by name, the finest first."""
    return flat(model({str(level): part for level, part in enumerate(three_maps(x))}).values())


def fpn(lesson: ModuleType) -> Case:
    """Three levels."""
    theirs = reference("torchvision.ops").FeaturePyramidNetwork(WIDTHS, 4)

    def own_names(parameters: Named) -> dict[str, Tensor]:
        found = {}
        for name, parameter in parameters.items():
            kind, level, _, what = name.split(".")
            found[f"{'laterals' if kind == 'inner_blocks' else 'smooth'}.{level}.{what}"] = parameter
        return found

    inputs = tensor(2, sum(WIDTHS), 8, 10, seed=113)
    return Case(
        lesson.FPN(WIDTHS, 4), theirs, inputs, own_names, lambda m, x: flat(m(three_maps(x))), fpn_of_torchvision
    )


def enlarged(x: Tensor, layer: nn.ConvTranspose2d, turned: bool = False) -> Tensor:
    """Each cell becomes four, by four matrices."""
    rows = []
    for i in range(2):
        row = [torch.einsum("bdhw,de->behw", x, layer.weight[:, :, *((j, i) if turned else (i, j))]) for j in range(2)]
        rows.append(torch.stack(row, dim=-1).flatten(-2))
    return torch.stack(rows, dim=-2).flatten(2, 3) + layer.bias[:, None, None]


def pyramid_by_hand(model: Any, x: Tensor, turned: bool = False) -> Tensor:
    """ViTDet's four scales from the parameters of the lesson's module."""
    (to_4, to_8, _, _), found = [step[0] for step in model.steps], []
    largest = torch.stack([x[..., i::2, j::2] for i, j in product(range(2), repeat=2)]).amax(dim=0)
    twice = enlarged(F.gelu(enlarged(x, to_4[0], turned)), to_4[2], turned)
    for step, part in zip(model.steps, (twice, enlarged(x, to_8, turned), x, largest), strict=True):
        narrow = torch.einsum("bdhw,ed->behw", part, step[1].weight[..., 0, 0]) + step[1].bias[:, None, None]
        found.append(F.conv2d(narrow, step[2].weight, step[2].bias, padding=1))
    return flat(found)


def simple_pyramid(lesson: ModuleType) -> Case:
    """From one oblong map."""
    parts = [lesson.SimplePyramid(8, 4) for _ in range(2)]
    inputs = tensor(2, 8, 4, 6, seed=114)
    return Case(*parts, inputs, mine_forward=lambda m, x: flat(m(x)), theirs_forward=pyramid_by_hand)


class Pooled(nn.Module):
    """UPerNet's pooling pyramid of transformers, without norms and activations; convolutions have biases instead."""

    def __init__(self, dim: int, out: int) -> None:
        super().__init__()
        modelling = reference("transformers.models.upernet.modeling_upernet")
        self.reads = modelling.UperNetPyramidPoolingModule((1, 2, 3, 6), dim, out, align_corners=False)
        self.join = modelling.UperNetConvModule(dim + 4 * out, out, kernel_size=3, padding=1, bias=True)
        for part in self.modules():
            if isinstance(part, modelling.UperNetConvModule):
                part.batch_norm = part.activation = nn.Identity()
                if part is not self.join:
                    part.conv = nn.Conv2d(dim, out, 1)

    def forward(self, x: Tensor) -> Tensor:
        """The map and what was pooled, together."""
        return self.join(torch.cat([x, *self.reads(x)], dim=1))


def pooling(lesson: ModuleType) -> Case:
    """An oblong map."""
    names = renamed((".1.conv", ""), (".conv", ""))
    inputs = tensor(2, 6, 7, 9, seed=115)
    return Case(lesson.PoolingPyramid(6, 4), Pooled(6, 4), inputs, names)


CASES: dict[str, Build] = {
    "deformable attention = transformers": deformable,
    "bilinear = scipy": bilinear,
    "FPN = torchvision": fpn,
    "simple pyramid = cell by cell": simple_pyramid,
    "pooling pyramid = transformers' UPerNet": pooling,
    "exercise 8.3 = transformers' Mask2Former": sample,
}
