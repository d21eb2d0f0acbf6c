"""Lesson 2's patches, tables of positions and sines beside their references."""

from __future__ import annotations

from types import ModuleType

import torch
from torch import Tensor, nn

from tests.parity.framework.cases import DIM, GRID, Case, Named, Nothing, tensor
from tests.parity.framework.harness import reference


def frequencies(count: int, base: float) -> Tensor:
    """What `frequencies` of the lesson should be, in float64 and by another formula."""
    return torch.logspace(0, -1 + 1 / count, count, base=base, dtype=torch.float64)


# Patches.


def patch_embedding(lesson: ModuleType) -> Case:
    """The lesson's matrix (D, C·P·P) is the kernel (D, C, P, P) of a convolution in steps of P."""

    def flat(parameters: Named) -> dict[str, Tensor]:
        return {f"proj.{n}": t.reshape(len(t), -1) if n == "weight" else t for n, t in parameters.items()}

    return Case(
        lesson.PatchEmbedding(3, 4, DIM),
        nn.Conv2d(3, DIM, 4, stride=4),
        tensor(2, 3, 12, 20),
        flat,
        theirs_forward=lambda conv, images: conv(images).flatten(2).mT,
    )


def patchify(lesson: ModuleType) -> Case:
    return Case(
        Nothing(),
        nn.Unfold(4, stride=4),
        tensor(2, 3, 12, 20),
        mine_forward=lambda _, images: lesson.patchify(images, 4),
        theirs_forward=lambda unfold, images: unfold(images).mT,
    )


def unpatchify(lesson: ModuleType) -> Case:
    return Case(
        Nothing(),
        nn.Fold((12, 20), 4, stride=4),
        tensor(2, 15, 48),
        mine_forward=lambda _, patches: lesson.unpatchify(patches, 4, 12, 20),
        theirs_forward=lambda fold, patches: fold(patches.mT),
    )


def reassemble(lesson: ModuleType) -> Case:
    """Exercise 2.1: torch's own folding, then the margin cut off."""
    return Case(
        Nothing(),
        nn.Fold((12, 20), 4, stride=4),
        tensor(2, 15, 48),
        mine_forward=lambda _, patches: lesson.reassemble(patches, 4, 10, 17),
        theirs_forward=lambda fold, patches: fold(patches.mT)[..., :10, :17],
    )


# Tables of positions on another grid.


class Interpolation(nn.Module):
    """Separable interpolation as two matrices, (new, old) each, written from the kernels' definitions.

    Pixel i of the new row lies at (i + ½)·old/new − ½ of the old one; beyond the border the border's value counts.
    Bicubic: Keys' kernel with a = −¾, as OpenCV and torch take it (Keys himself prefers −½).
    """

    def __init__(self, mode: str, old: tuple[int, int], new: tuple[int, int], a: float = -0.75):
        super().__init__()
        self.mode, self.old, self.new, self.a = mode, old, new, a
        self.corners = False

    def kernel(self, x: float) -> float:
        x, a = abs(x), self.a
        if self.mode == "bilinear":
            return max(0.0, 1 - x)
        if x <= 1:
            return (a + 2) * x**3 - (a + 3) * x**2 + 1
        return a * x**3 - 5 * a * x**2 + 8 * a * x - 4 * a if x < 2 else 0.0

    def matrix(self, old: int, new: int) -> Tensor:
        weights = torch.zeros(new, old, dtype=torch.float64)
        for i in range(new):
            at = i * (old - 1) / (new - 1) if self.corners else (i + 0.5) * old / new - 0.5
            for j in range(-3, old + 3):
                weights[i, min(max(j, 0), old - 1)] += self.kernel(at - j)
        return weights

    def forward(self, table: Tensor) -> Tensor:
        rows, columns = (self.matrix(o, n).to(table) for o, n in zip(self.old, self.new, strict=True))
        grid = table.unflatten(1, self.old)
        return torch.einsum("yh,xw,bhwd->byxd", rows, columns, grid).flatten(1, 2)


def resized_table(lesson: ModuleType, mode: str = "bicubic", new: tuple[int, int] = (5, 7)) -> Case:
    return Case(
        Nothing(),
        Interpolation(mode, GRID, new),
        tensor(2, 15, 6),
        mine_forward=lambda _, table: lesson.resize_table(table, GRID, new, mode),
    )


def learned(lesson: ModuleType) -> Case:
    """`Learned` on a larger grid; the table is a parameter here, so its gradient is compared, too."""
    theirs = Interpolation("bicubic", GRID, (5, 7))
    theirs.pos = nn.Parameter(torch.empty(1, 15, DIM))
    return Case(
        lesson.Learned(GRID, DIM),
        theirs,
        tensor(35, DIM),
        mine_forward=lambda part, x: x * part.add((5, 7)),
        theirs_forward=lambda part, x: x * part(part.pos)[0],
    )


def resized_with_extra(lesson: ModuleType) -> Case:
    """Exercise 2.3."""
    return Case(
        Nothing(),
        Interpolation("bicubic", GRID, (2, 8)),
        tensor(1, 5 + 15, 6),
        mine_forward=lambda _, pos: lesson.resize_with_extra(pos, GRID, (2, 8), 5),
        theirs_forward=lambda resize, pos: torch.cat([pos[:, :5], resize(pos[:, 5:])], dim=1),
    )


# Fixed sines and cosines.


def sine_cosine(lesson: ModuleType, base: float = 10000.0) -> Case:
    """transformers' MAE, which computes in float64."""
    build = reference("transformers.models.vit_mae.modeling_vit_mae").build_2d_sinusoidal_position_embedding

    return Case(
        lesson.SineCosine((2, 2), DIM, base),
        Nothing(),
        tensor(15, DIM),
        mine_forward=lambda part, x: x * part.add(GRID),
        theirs_forward=lambda _, x: x * build(*GRID, embed_dim=DIM, temperature=base, dtype=x.dtype),
    )


# timm's default order of features is sin row, sin column, cos row, cos column, a quarter of D each. Ours is sin row,
# cos row, sin column, cos column: timm's with `interleave_sin_cos=True`.
TIMM_QUARTERS = (0, 2, 1, 3)


def reorder(table: Tensor, quarters: tuple[int, ...]) -> Tensor:
    """The columns of our table (N, D) in another order of quarters."""
    parts = table.chunk(4, dim=1)
    return torch.cat([parts[i] for i in quarters], dim=1)
