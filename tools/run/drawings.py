"""The drawing that has not yet moved into its lesson: a function of the lesson's definitions."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

WIDTH = 4.6  # inches: fits a phone without scaling text away
DEPTHS = (1, 3, 8)
GRID = 14
CENTRE = GRID // 2 * GRID + GRID // 2


def influence_decades(lesson: ModuleType) -> dict[str, np.ndarray]:
    """Influence on the centre token for each of DEPTHS, (3, 14, 14), in decades below the strongest; none is NaN."""
    photo = lesson.to_image(lesson.data.chelsea()[:, 90:390], 16 * GRID)
    maps = dict(zip(("3 × 3 convolution", "attention"), lesson.influence_by_depth(photo, CENTRE), strict=True))
    decades = {}
    for name, by_depth in maps.items():
        values = np.stack([by_depth[depth - 1].numpy().reshape(GRID, GRID) for depth in DEPTHS])
        strongest = values.max(axis=(1, 2), keepdims=True)
        decades[name] = np.log10(values / strongest, out=np.full_like(values, np.nan), where=values > 0)
    return decades


def vit_vs_cnn_comparison(lesson: ModuleType) -> Figure:
    """Who influences the centre token after 1, 3 and 8 blocks, through convolutions and through attention."""
    figure, axes = plt.subplots(2, len(DEPTHS), figsize=(WIDTH, 4.0))
    for row, (name, decades) in zip(axes, influence_decades(lesson).items(), strict=True):
        for ax, depth, values in zip(row, DEPTHS, decades, strict=True):
            picture = ax.imshow(values, vmin=-3, vmax=0, interpolation="none")
            ax.set(xticks=[], yticks=[], xlabel=f"{np.isfinite(values).sum()} of {GRID * GRID}")
            if ax in axes[0]:
                ax.set_title(f"{depth} block" + ("s" if depth > 1 else ""))
            ax.spines[:].set_visible(True)
        row[0].set_ylabel(name)
    bar = figure.colorbar(picture, ax=axes, location="bottom", aspect=40, ticks=[-3, -2, -1, 0], label="influence")
    bar.ax.set_xticklabels(["1/1000", "1/100", "1/10", "strongest"])
    figure.get_layout_engine().set(h_pad=0.1)
    return figure


FIGURES: dict[str, tuple[Callable[[ModuleType], Figure], ...]] = {"01_vit_fundamentals": (vit_vs_cnn_comparison,)}
