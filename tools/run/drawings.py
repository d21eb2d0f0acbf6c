"""Drawings that have not yet moved into their lessons: each is a function of a lesson's definitions."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from types import ModuleType

import matplotlib.pyplot as plt
import numpy as np
import torch
from einops import rearrange, repeat
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import ConnectionPatch, Rectangle

WIDTH = 4.6  # inches: fits a phone without scaling text away
LEGIBLE = {"font.size": 13, "axes.titlesize": 13}  # 9 points where 360 pixels leave 309 for a figure

# Lesson 1: influence
DEPTHS = (1, 3, 8)
GRID = 14
CENTRE = GRID // 2 * GRID + GRID // 2

# Lesson 2: one patch of the photograph, by row and column; the width of its token; digits and steps; place asked for
PATCH = (4, 6)
PATCH_SIZE = 16
DRAWN = 168  # pixels to a side at which the photograph is stored
DIM = 6
DIGITS = (1402, 1415, 1437, 1403)
CLS_STEPS = 100
ENCODING_STEPS = 180
MAP_GRID = (13, 13)
PLACE = (4, 4)
GROUPS = {
    "added to the tokens": ("learned", "factorised", "sine-cosine"),
    "added to the scores": ("relative bias", "continuous bias"),
    "turn queries and keys": ("RoPE, axial", "RoPE, mixed"),
    "nowhere": ("none",),
}
LINES = (("added to the tokens",), ("added to the scores", "nowhere"), ("turn queries and keys",))

# Lesson 3: image sizes and the width of ViT-B; the picture that a trained model looks at; who asks, and how softly
PIXELS = range(224, 1281, 16)
VIT_B = (768, 12)  # width, heads
MARKED = (224, 512, 768, 1024)
ODD_PICTURE = 0  # of the lesson's hundred with one dark patch
SIDE = 16  # patches to a side of the cup
ASKING = (8, 12)
SOFTNESS = 4  # temperature on top of √d: a patch of pixels fits itself far better than any other

# Lesson 5: a map small enough to number its regions; the model and the picture that are taken apart
SHIFTED = (8, 4, 2)  # side of the map, window, shift
SWIN = "Swin-T"
SWIN_PIXELS = 224


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


@dataclass(frozen=True)
class Embedding:
    """One photograph on its way to tokens, in the arrays that the figure draws."""

    photo: np.ndarray  # (DRAWN, DRAWN, 3), values in [0, 1], made smaller for the file only
    patch: np.ndarray  # (P, P, 3), the one that is followed
    row: np.ndarray  # (C·P²,), the same numbers in [-1, 1], channel first
    matrix: np.ndarray  # (D, C·P²)
    tokens: np.ndarray  # (N, D)
    index: int  # of the patch among the N


def patch_embedding(lesson: ModuleType) -> Embedding:
    """The lesson's photograph through its patch embedding with fresh weights; the bias starts at zero."""
    image = lesson.to_image(lesson.data.astronaut()[:300, 70:370], 224).double()
    columns = image.shape[-1] // PATCH_SIZE
    index = PATCH[0] * columns + PATCH[1]
    embed = lesson.initialise(lesson.PatchEmbedding(3, PATCH_SIZE, DIM), seed=1).double()
    patches = lesson.patchify(image, PATCH_SIZE)
    alone = lesson.unpatchify(patches[:, index : index + 1], PATCH_SIZE, PATCH_SIZE, PATCH_SIZE)
    with torch.no_grad():
        tokens = embed(image)[0]
    small = torch.nn.functional.interpolate(image, (DRAWN, DRAWN), mode="area")
    visible = [(rearrange(picture[0].clamp(-1, 1), "c h w -> h w c") + 1) / 2 for picture in (small, alone)]
    arrays = (*visible, patches[0, index], embed.proj.weight.detach(), tokens)
    return Embedding(*(array.numpy() for array in arrays), index)


def painted(row: np.ndarray) -> np.ndarray:
    """A flattened patch as pixels (1, C·P², 3): its red numbers in shades of red, and so on."""
    channel = np.arange(len(row)) // (len(row) // 3)
    return (np.eye(3)[channel] * (row[:, None] + 1) / 2)[None]


def frame(ax: Axes, colour: str, width: float = 2) -> None:
    """Box an axes, without ticks."""
    ax.set(xticks=[], yticks=[])
    ax.spines[:].set(visible=True, color=colour, linewidth=width)


def signed(value: float) -> str:
    """A number with two places and a minus sign as long as a digit is wide."""
    return f"{value:.2f}".replace("-", "−")


@plt.rc_context(LEGIBLE)
def patch_embedding_process(lesson: ModuleType) -> Figure:
    """Photograph, patch, flattened row, matrix, token: one patch's numbers all the way, then all tokens."""
    e = patch_embedding(lesson)
    figure = plt.figure(figsize=(WIDTH, 6.3))
    above, below = figure.subfigures(2, 1, height_ratios=(2.3, 4))
    photo, patch = above.subplots(1, 2)
    photo.imshow(e.photo, interpolation="none", extent=(0, 224, 224, 0))
    for line in range(0, 225, PATCH_SIZE):
        photo.plot([0, 224], [line] * 2, [line] * 2, [0, 224], color="white", linewidth=0.4)
    top, left = (place * PATCH_SIZE for place in PATCH)
    photo.add_patch(Rectangle((left, top), PATCH_SIZE, PATCH_SIZE, fill=False, color=lesson.RED, linewidth=2.5))
    photo.set_title("3 × 224 × 224")
    frame(photo, lesson.BLACK, 0.8)
    photo.set_xlabel(f"{len(e.tokens)} patches")
    patch.imshow(e.patch, interpolation="none")
    frame(patch, lesson.RED, 2.5)
    patch.set_title(f"3 × {PATCH_SIZE} × {PATCH_SIZE}")
    patch.set_xlabel(f"patch {e.index + 1}")
    for corner, y in ((top, 1), (top + PATCH_SIZE, 0)):
        ends = {"xyA": (left + PATCH_SIZE, corner), "xyB": (0, y), "coordsA": "data", "coordsB": "axes fraction"}
        above.add_artist(ConnectionPatch(**ends, axesA=photo, axesB=patch, color=lesson.RED, linewidth=1))

    sizes = {"height_ratios": (0.5, 2.1, 1.3), "width_ratios": (5.2, 1)}
    strip, matrix, token, tokens = below.subplot_mosaic("AA;BC;DD", **sizes).values()
    third = len(e.row) // 3
    strip.imshow(painted(e.row), aspect="auto", interpolation="none")
    strip.set_title(f"flattened: ({', '.join(signed(value) for value in e.row[:3])}, …)")
    frame(strip, lesson.BLACK, 0.8)
    strip.set(xticks=[third // 2 + third * c for c in range(3)])
    strip.set_xticklabels([f"{third} {name}" for name in ("red", "green", "blue")])
    strip.tick_params(length=0)
    limit = np.abs(e.matrix).max()
    matrix.imshow(e.matrix, aspect="auto", interpolation="none", vmin=-limit, vmax=limit)
    frame(matrix, lesson.BLACK, 0.8)
    matrix.set_title(f"× matrix E, {DIM} × {len(e.row)}")
    column = e.tokens[e.index][:, None]
    limit = np.abs(e.tokens).max()
    token.imshow(column, aspect="auto", interpolation="none", vmin=-limit, vmax=limit)
    for row, value in enumerate(column[:, 0]):
        colour = "black" if value > -0.15 * limit else "white"  # readable on either half of the map
        token.text(0, row, signed(value), ha="center", va="center", color=colour)
    frame(token, lesson.RED, 2.5)
    token.set_title("= token")
    tokens.imshow(e.tokens.T, aspect="auto", interpolation="none", vmin=-limit, vmax=limit)
    tokens.add_patch(Rectangle((e.index - 1, -0.5), 2, DIM, fill=False, color=lesson.RED, linewidth=1.5, clip_on=False))
    tokens.set_title(f"all tokens, {len(e.tokens)} of {DIM} features")
    frame(tokens, lesson.BLACK, 0.8)
    tokens.set(xticks=[0, e.index, len(e.tokens) - 1])
    tokens.set_xticklabels(["1", f"{e.index + 1}", f"{len(e.tokens)}"])
    return figure


@dataclass(frozen=True)
class ClassTokenStory:
    """What happens to [CLS] for each of DIGITS, from a short training."""

    pictures: np.ndarray  # (4, 8, 8)
    labels: np.ndarray  # (4,)
    before: np.ndarray  # (4, 1 + N, D), what enters the first block
    attention: np.ndarray  # (4, 1 + N), [CLS]'s weights in the last block, mean of the heads
    after: np.ndarray  # (4, 1 + N, D), normalised, after the last block
    logits: np.ndarray  # (4, 10)


def attention_of_first(attention: torch.nn.Module, x: torch.Tensor) -> torch.Tensor:
    """Weights with which the first token asks all others, (B, h, N), in a plain GridAttention without positions."""
    q, k, _ = rearrange(attention.qkv(x), "b n (t h d) -> t b h n d", t=3, h=attention.heads)
    return (q[:, :, :1] @ k.mT / q.shape[-1] ** 0.5).softmax(dim=-1)[:, :, 0]


@torch.no_grad()
def follow_cls(lesson: ModuleType, model: torch.nn.Module) -> ClassTokenStory:
    """Watch a trained digit ViT with [CLS] at work on four test digits, in double precision."""
    model, images, grid = deepcopy(model).double(), lesson.IMAGES[list(DIGITS)].double(), (4, 4)
    before = model.pooling.begin(model.patch(images) + model.positions.add(grid))
    x = before
    for block in model.blocks:
        weights = attention_of_first(block.attn, block.norm1(x))
        x = block(x, grid)
    labels = lesson.LABELS[list(DIGITS)]
    arrays = (images[:, 0], labels, before, weights.mean(dim=1), model.norm(x), model(images))
    return ClassTokenStory(*(array.numpy() for array in arrays))


@cache
def cls_model(lesson: ModuleType) -> torch.nn.Module:
    """The lesson's digit ViT with learned positions and [CLS], after a short training."""
    model = lesson.GridViT(
        lesson.Learned((4, 4), lesson.DIGIT_VIT.dim), pooling=lesson.ClassToken(lesson.DIGIT_VIT.dim)
    )
    return lesson.trained(model, 1, steps=CLS_STEPS).eval()


@plt.rc_context(LEGIBLE)
def cls_token_explained(lesson: ModuleType) -> Figure:
    """[CLS] before and after the blocks for four digits, where it looks, and what is read from it."""
    story = follow_cls(lesson, cls_model(lesson))
    names = ("picture", "[CLS]\nbefore", "patches\nbefore", "[CLS]\nattends", "patches\nunread", "[CLS]\nafter")
    heights = (1.1, 0.3, 0.7, 1.1, 0.7, 0.3)
    figure, axes = plt.subplots(len(names), len(DIGITS), figsize=(WIDTH, 5.6), height_ratios=heights)
    for ax, name in zip(axes[:, 0], names, strict=True):
        ax.set_ylabel(name, rotation=0, ha="right", va="center")
    begin, patches, end = (np.abs(part).max() for part in (story.before[:, 0], story.before[:, 1:], story.after))
    for i, column in enumerate(axes.T):
        drawings = (
            (story.pictures[i], {"cmap": "gray"}),
            (story.before[i, :1], {"vmin": -begin, "vmax": begin, "aspect": "auto"}),
            (story.before[i, 1:], {"vmin": -patches, "vmax": patches, "aspect": "auto"}),
            (story.attention[i, 1:].reshape(4, 4), {"vmin": 0, "vmax": story.attention[:, 1:].max()}),
            (story.after[i, 1:], {"vmin": -end, "vmax": end, "aspect": "auto", "cmap": "gray"}),
            (story.after[i, :1], {"vmin": -end, "vmax": end, "aspect": "auto"}),
        )
        for ax, (values, style) in zip(column, drawings, strict=True):
            ax.imshow(values, interpolation="none", **style)
            frame(ax, *((lesson.ORANGE, 3) if len(values) == 1 else (lesson.BLACK, 0.8)))
        column[-1].set_xlabel(f"reads {story.logits[i].argmax()}")
    return figure


@cache
def trained_part(lesson: ModuleType, name: str) -> torch.nn.Module:
    """An encoding as a digit model has it after a short training, on a grid of 4 × 4; fresh if it has no weights."""
    model = lesson.digit_model(name)
    if sum(weights.numel() for weights in lesson.PARTS[name]((4, 4)).parameters()):
        lesson.trained(model, 1, steps=ENCODING_STEPS)
    part = model.positions if name in lesson.ADDED else model.blocks[0].attn.positions
    part.squeeze = name == "continuous bias"  # a network asked for offsets it never saw says nothing in particular
    return part


def in_double(part: torch.nn.Module) -> torch.nn.Module:
    """A copy that computes with 64 bits, so that rounding does not decide a shade."""
    part = deepcopy(part).double()
    coordinates = part.coordinates
    part.coordinates = lambda grid: coordinates(grid).double()
    return part


def encoding_maps(lesson: ModuleType) -> dict[str, np.ndarray]:
    """What each of the lesson's encodings says about PLACE and every place of MAP_GRID."""
    at = PLACE[0] * MAP_GRID[1] + PLACE[1]
    pairs = {name: lesson.pair_map(in_double(trained_part(lesson, name)), MAP_GRID) for name in lesson.PARTS}
    return {name: values[at].reshape(MAP_GRID).numpy() for name, values in pairs.items()}


def draw_map(ax: Axes, name: str, values: np.ndarray, colour: str) -> None:
    """One encoding's map with the place that it is about; a map that says nothing is drawn in the middle colour."""
    low, high = values.min(), values.max()
    ax.imshow(values, interpolation="none", vmin=low - (low == high), vmax=high + (low == high))
    ax.plot(*reversed(PLACE), "s", color="none", markeredgecolor=colour, markeredgewidth=2, markersize=9)
    ax.set(xticks=[], yticks=[], xlabel=name)
    ax.spines[:].set_visible(True)


@plt.rc_context(LEGIBLE)
def position_encoding_types(lesson: ModuleType) -> Figure:
    """The eight encodings, grouped by where they act: what each says about one place of a grid and all others."""
    maps = encoding_maps(lesson)
    size, side, step, line = (WIDTH, 5.4), 1.26, 1.54, 1.8  # inches
    figure = plt.figure(figsize=size, layout="none")  # placed by hand: a solver's last bits would vary
    for row, groups in enumerate(LINES):
        top, left = size[1] - row * line - 0.32, 0.13
        for group in groups:
            names = GROUPS[group]
            middle = left + (side + (len(names) - 1) * step) / 2
            figure.text(middle / WIDTH, (top + 0.08) / size[1], group, ha="center", fontweight="bold")
            for name in names:
                box = (left / WIDTH, (top - side) / size[1], side / WIDTH, side / size[1])
                draw_map(figure.add_axes(box), name, maps[name], lesson.RED)
                left += step
    return figure


@dataclass(frozen=True)
class Complexity:
    """What one block of ViT-B costs a square picture, by the side of the picture; one [CLS] token is counted."""

    pixels: np.ndarray
    tokens: np.ndarray
    linear: np.ndarray  # MACs of the projections and the MLP
    quadratic: np.ndarray  # MACs of scores and mixing
    weights: np.ndarray  # bytes of h·N² weights in float32
    crossover: float  # pixels at which both kinds of MACs are equal


def complexity(lesson: ModuleType) -> Complexity:
    """The lesson's formula over PIXELS, with the MLP's two products."""
    dim, heads = VIT_B
    pixels = np.array(PIXELS)
    tokens = (pixels // PATCH_SIZE) ** 2 + 1
    steps = [lesson.attention_macs(int(n), dim) for n in tokens]
    linear = np.array([step["q, k, v"] + step["out"] for step in steps]) + 8 * tokens * dim**2
    quadratic = np.array([step["scores"] + step["mixing"] for step in steps])
    crossover = PATCH_SIZE * float(np.interp(0, quadratic / linear - 1, tokens) - 1) ** 0.5
    return Complexity(pixels, tokens, linear, quadratic, 4 * heads * tokens**2, crossover)


@plt.rc_context(LEGIBLE)
def attention_complexity(lesson: ModuleType) -> Figure:
    """MACs of a ViT-B block over the size of the picture, in two parts that cross, and the memory of its weights."""
    c = complexity(lesson)
    figure = plt.figure(figsize=(WIDTH, 5.4), layout="none")
    macs, memory = (figure.add_axes((0.165, bottom, 0.81, height)) for bottom, height in ((0.52, 0.42), (0.135, 0.25)))
    macs.plot(c.pixels, c.linear / 1e9, color=lesson.BLUE, linewidth=2.5)
    macs.plot(c.pixels, c.quadratic / 1e9, "--", color=lesson.RED, linewidth=2.5)
    height = np.interp(c.crossover, c.pixels, c.linear) / 1e9
    macs.plot(c.crossover, height, "o", color=lesson.BLACK, markersize=8)
    macs.plot([c.crossover] * 2, [0, height], ":", color=lesson.BLACK, linewidth=1)
    macs.text(c.crossover - 25, height + 1.5, f"equal at N = 6D,\n{c.crossover:,.0f} px", ha="right")
    macs.text(650, 16, "projections\nand MLP", color=lesson.BLUE, ha="right")
    macs.text(1215, 58, "scores and mixing", color=lesson.RED, ha="right")
    macs.set_title("GMACs of a ViT-B block")
    memory.plot(c.pixels, c.weights / 2**20, color=lesson.RED, linewidth=2.5)
    for pixels in MARKED:
        value = c.weights[list(c.pixels).index(pixels)] / 2**20
        memory.plot(pixels, value, "o", color=lesson.RED)
        memory.text(pixels - (30 if value > 500 else 12), value + 130, f"{value:,.{int(value < 10)}f}", ha="center")
    memory.set_title("MiB of its h · N² weights, if stored")
    for ax, top in ((macs, 67), (memory, 2000)):
        ax.set(xlim=(PIXELS[0] - 74, PIXELS[-1] + 20), ylim=(0, top), xticks=MARKED)
    macs.set_xticklabels([])
    memory.set_yticks([0, 1000, 2000], ["0", "1,000", "2,000"])
    sizes = [f"{pixels:,}\n{tokens:,}" for pixels, tokens in zip(c.pixels, c.tokens, strict=True) if pixels in MARKED]
    memory.set_xticklabels(sizes)
    for y, text in ((0.087, "px"), (0.047, "N")):
        figure.text(0.03, y, text)
    return figure


@dataclass(frozen=True)
class Heads:
    """Multi-head attention at work on one picture, from the layer of a trained model."""

    picture: np.ndarray  # (20, 20)
    odd: int  # the dark patch's token
    tokens: np.ndarray  # (N, D), what enters
    qkv: np.ndarray  # (3, N, D), before the heads are split
    weights: np.ndarray  # (h, N, N)
    mixed: np.ndarray  # (h, N, d)
    joined: np.ndarray  # (N, D)
    out: np.ndarray  # (N, D), what leaves


@cache
def finder(lesson: ModuleType) -> torch.nn.Module:
    """The lesson's ViT for pictures with one dark patch, trained as the lesson trains it, in double precision."""
    return lesson.trained_finder(0).double()


@torch.no_grad()
def follow_heads(lesson: ModuleType, model: torch.nn.Module) -> Heads:
    """Watch the first block's attention while the model looks at a picture."""
    layer, met = model.layers[0].attn, []
    images, _, odd = lesson.odd_images(100, seed=9)
    hook = layer.register_forward_hook(lambda _, given, result: met.extend([given[0], result]))
    model(images[ODD_PICTURE, None].double())
    hook.remove()
    tokens, out = met
    fused = rearrange(layer.qkv(tokens), "1 n (t e) -> t n e", t=3)
    q, k, v = rearrange(fused, "t n (h d) -> t h n d", h=layer.heads)
    mixed, weights = lesson.attend(q, k, v)
    joined = rearrange(mixed, "h n d -> n (h d)")
    arrays = (tokens[0], fused, weights, mixed, joined, out[0])
    return Heads(images[ODD_PICTURE, 0].numpy(), odd[ODD_PICTURE].item() + 1, *(array.numpy() for array in arrays))


def place_axes(figure: Figure, left: float, top: float, width: float, height: float) -> Axes:
    """Axes at a place in inches, counted from the figure's upper left corner."""
    across, down = figure.get_size_inches()
    return figure.add_axes((left / across, 1 - (top + height) / down, width / across, height / down))


def say(figure: Figure, top: float, text: str) -> None:
    """An operation between two rows, in the middle, with arrows that lead down."""
    figure.text(0.5, 1 - top / figure.get_figheight(), f"↓  {text}  ↓", ha="center", va="center")


@plt.rc_context(LEGIBLE)
def multi_head_attention(lesson: ModuleType) -> Figure:
    """Tokens to queries, keys and values, to heads, to maps, to mixtures, to one table again, and out."""
    e = follow_heads(lesson, finder(lesson))
    heads, n, d = e.mixed.shape
    colours = (lesson.ORANGE, lesson.SKY, lesson.GREEN, lesson.PURPLE)
    figure = plt.figure(figsize=(WIDTH, 7.3), layout="none")  # placed by hand: a solver's last bits would vary

    def table(left: float, top: float, size: tuple[float, float], values: np.ndarray, title: str) -> Axes:
        ax, limit = place_axes(figure, left, top, *size), np.abs(values).max()
        ax.imshow(values, aspect="auto", interpolation="none", vmin=-limit, vmax=limit)
        ax.set_title(title)
        frame(ax, lesson.BLACK, 0.8)
        return ax

    def by_head(ax: Axes) -> None:
        ax.spines[:].set_visible(False)
        for head, colour in enumerate(colours):
            box = Rectangle((head * d - 0.15, -0.5), d - 0.7, n, fill=False, color=colour, linewidth=2.5, clip_on=False)
            ax.add_patch(box)

    picture = place_axes(figure, 0.2, 0.34, 1.0, 1.0)
    picture.imshow(e.picture, cmap="gray", interpolation="none", extent=(0, 5, 5, 0))
    row, column = divmod(e.odd - 1, 5)
    picture.add_patch(Rectangle((column, row), 1, 1, fill=False, color=lesson.RED, linewidth=2.5))
    picture.set_title("25 patches")
    frame(picture, lesson.BLACK, 0.8)
    figure.text(1.55 / WIDTH, 1 - 0.84 / 7.3, "→", ha="center", va="center")
    table(1.9, 0.34, (2.5, 1.0), e.tokens, f"tokens x, {n} × {heads * d}")
    say(figure, 1.52, "three matrices")
    for i, name in enumerate("qkv"):
        by_head(table(0.2 + 1.45 * i, 1.98, (1.3, 0.85), e.qkv[i], f"{name}, {n} × {heads * d}"))
    say(figure, 3.01, f"{heads} heads of width {d}: softmax(q kᵀ / √{d})")
    for head, colour in enumerate(colours):
        left = 0.2 + 1.08 * head
        ax = place_axes(figure, left, 3.48, 0.96, 0.96)
        ax.imshow(e.weights[head], interpolation="none", vmin=0, vmax=e.weights[head].max())
        ax.set_title(f"head {head + 1}")
        frame(ax, colour, 3)
        frame(table(left, 4.83, (0.96, 0.62), e.mixed[head], ""), colour, 3)
    say(figure, 4.64, f"{n} × {n} weights  × v")
    say(figure, 5.66, f"{heads} times {n} × {d}, side by side")
    by_head(table(0.2, 6.13, (1.9, 0.85), e.joined, f"{n} × {heads * d}"))
    figure.text(2.3 / WIDTH, 1 - 6.55 / 7.3, "→", ha="center", va="center")
    table(2.5, 6.13, (1.9, 0.85), e.out, f"out, {n} × {heads * d}")
    figure.text(2.3 / WIDTH, 1 - 7.14 / 7.3, "output matrix", ha="center", va="center")
    return figure


def near_attend(lesson: ModuleType, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
    """Attention to the 3 × 3 patches round each place of the grid, q k v (N, d) -> (N, d); fewer at the border."""
    places = torch.cartesian_prod(torch.arange(SIDE), torch.arange(SIDE))
    near = places[:, None] + torch.cartesian_prod(torch.arange(3), torch.arange(3)) - 1  # (N, 9, 2)
    inside = ((near >= 0) & (near < SIDE)).all(dim=-1)
    row, column = near.clamp(0, SIDE - 1).unbind(dim=-1)
    index = row * SIDE + column
    return lesson.attend(q[:, None], k[index], v[index], mask=inside[:, None])[0][:, 0]


@dataclass(frozen=True)
class Sights:
    """Whom one patch of a photograph sees by each kind of attention, with what weight, and what all of it costs."""

    photo: np.ndarray  # (112, 112, 3)
    weights: dict[str, np.ndarray]  # (16, 16) each, NaN where the patch cannot look
    macs: dict[str, int]


def sights(lesson: ModuleType) -> Sights:
    """Ask for the weights by mixing unit vectors, and count the MACs of mixing pixels; queries and keys are pixels."""
    image = lesson.CUP.double()
    patches = rearrange(image, "1 c (h p) (w q) -> (h w) (c p q)", h=SIDE, w=SIDE)
    keys = torch.nn.functional.layer_norm(patches, patches.shape[-1:])
    methods = {
        "global": lambda q, k, v: lesson.attend(q, k, v)[0],
        "window 4 × 4": lambda q, k, v: lesson.window_attend(q, k, v, SIDE, 4),
        "neighbours 3 × 3": lambda q, k, v: near_attend(lesson, q, k, v),
        "top 16": lambda q, k, v: lesson.top_k_attend(q, k, v, 16),
    }
    weights, macs = {}, {}
    for name, method in methods.items():
        given = method(keys / SOFTNESS, keys, torch.eye(len(keys)).double())[ASKING[0] * SIDE + ASKING[1]]
        weights[name] = given.masked_fill(given == 0, torch.nan).reshape(SIDE, SIDE).numpy()
        macs[name] = lesson.counted(method, keys / SOFTNESS, keys, patches)
    small = torch.nn.functional.interpolate(image, (112, 112), mode="area")[0]
    return Sights(((rearrange(small.clamp(-1, 1), "c h w -> h w c") + 1) / 2).numpy(), weights, macs)


@plt.rc_context(LEGIBLE)
def window_vs_global_attention(lesson: ModuleType) -> Figure:
    """Whom one patch sees globally, in its window, round itself, and among its 16 best; MACs of all patches."""
    s = sights(lesson)
    row, column = ASKING
    side, left, right = 1.9, 0.2, 2.5
    figure = plt.figure(figsize=(WIDTH, 7.0), layout="none")  # placed by hand: a solver's last bits would vary
    photo = place_axes(figure, left, 0.32, 1.35, 1.35)
    photo.imshow(s.photo, interpolation="none", extent=(-0.5, SIDE - 0.5, SIDE - 0.5, -0.5))
    photo.set_title("who asks")
    bar = place_axes(figure, right + 0.1, 1.05, side - 0.35, 0.16)
    bar.imshow(np.linspace(0, 1, 64)[None], aspect="auto", interpolation="none", extent=(0, 1, 0, 1))
    bar.set(xticks=[0, 1], yticks=[])
    bar.set_xticklabels(["0", "largest"])
    bar.set_title("its weights\n(white: not seen)")
    panels = {}
    for i, name in enumerate(s.weights):
        ax = place_axes(figure, (left, right)[i % 2], 2.15 + 2.5 * (i // 2), side, side)
        ax.imshow(s.weights[name], interpolation="none", vmin=0, vmax=np.nanmax(s.weights[name]))
        seen = np.isfinite(s.weights[name]).sum()
        ax.set_title(name)
        ax.set_xlabel(f"{seen} seen, {s.macs[name] / 1e6:.1f} M MACs")
        panels[name] = ax
    for line in np.arange(4, SIDE, 4) - 0.5:
        panels["window 4 × 4"].axhline(line, color="grey", linewidth=0.8)
        panels["window 4 × 4"].axvline(line, color="grey", linewidth=0.8)
    for ax in (photo, *panels.values()):
        for colour, width in (("white", 5), (lesson.RED, 2.5)):  # a vermilion saucer hides a vermilion frame
            ax.add_patch(Rectangle((column - 0.5, row - 0.5), 1, 1, fill=False, color=colour, linewidth=width))
        frame(ax, lesson.BLACK, 0.8)
    return figure


@dataclass(frozen=True)
class Shifting:
    """A map of tokens under windows, regular and shifted, and what each token of the last window may see."""

    windows: np.ndarray  # (H, W), number of the regular window that a token is in
    pieces: np.ndarray  # (H, W), label of the region that a token is in, where it stands in the picture
    pieces_window: np.ndarray  # (H, W), number of the window that it is in once the map has been rolled
    rolled: np.ndarray  # (H, W), the labels of the rolled map
    mask: np.ndarray  # (M², M²), of the last window; True: may see
    members: np.ndarray  # (M²,), labels of the last window's tokens


def shifting(lesson: ModuleType) -> Shifting:
    """The lesson's windows, labels and mask for a map of SHIFTED's sizes."""
    side, window, shift = SHIFTED
    count = (side // window) ** 2
    numbers = repeat(torch.arange(count), "w -> 1 w n 1", n=window**2)
    windows = lesson.unpartition(numbers, side, side)
    rolled = lesson.region_labels(side, side, window, shift)
    back = {"shifts": (shift, shift), "dims": (0, 1)}
    members = lesson.partition(rolled[None, ..., None], window)[0, -1, :, 0]
    mask = lesson.shift_mask(side, side, window, shift)[-1]
    number = windows[0, ..., 0]
    arrays = (number, rolled.roll(**back), number.roll(**back), rolled, mask, members)
    return Shifting(*(array.numpy() for array in arrays))


def number_regions(ax: Axes, labels: np.ndarray) -> None:
    """Write each label of a map (H, W) once, in the middle of its tokens."""
    for label in np.unique(labels):
        row, column = (places.mean() for places in np.nonzero(labels == label))
        ax.text(column, row, str(label), ha="center", va="center_baseline", fontsize=17, fontweight="bold")


def outline(ax: Axes, areas: np.ndarray, colour: str, width: float) -> None:
    """Draw a line wherever two neighbours of a map (H, W) differ."""
    for row, column in np.argwhere(areas[:, 1:] != areas[:, :-1]):
        ax.plot([column + 0.5] * 2, [row - 0.5, row + 0.5], color=colour, linewidth=width, solid_capstyle="round")
    for row, column in np.argwhere(areas[1:] != areas[:-1]):
        ax.plot([column - 0.5, column + 0.5], [row + 0.5] * 2, color=colour, linewidth=width, solid_capstyle="round")


@plt.rc_context(LEGIBLE)
def shifted_windows(lesson: ModuleType) -> Figure:
    """Windows, shifted windows, the rolled map with its nine regions, and the mask of its last window."""
    s = shifting(lesson)
    side, window, shift = SHIFTED
    tints = ListedColormap([lesson.SKY, lesson.YELLOW, lesson.GREEN, lesson.PURPLE])
    grey = ListedColormap(["0.88"])
    figure = plt.figure(figsize=(WIDTH, 6.55), layout="none")  # placed by hand: a solver's last bits would vary

    def tokens(left: float, top: float, values: np.ndarray, colours: ListedColormap, title: str) -> Axes:
        ax = place_axes(figure, left, top, 2.0, 2.0)
        ax.imshow(values, cmap=colours, vmin=0, vmax=max(colours.N - 1, 1), interpolation="none")
        ax.set_title(title)
        for line in np.arange(1, side) - 0.5:
            ax.plot([line] * 2, [-0.5, side - 0.5], [-0.5, side - 0.5], [line] * 2, color="white", linewidth=0.8)
        ax.set(xlim=(-0.5, side - 0.5), ylim=(side - 0.5, -0.5))
        frame(ax, lesson.BLACK, 2.5)
        return ax

    left, right, first, second = 0.17, 2.43, 0.42, 3.47
    regular = tokens(left, first, s.windows, grey, "1  regular windows")
    outline(regular, s.windows, lesson.BLACK, 2.5)
    moved = tokens(right, first, s.pieces_window, tints, f"2  shifted by {shift}")
    outline(moved, s.pieces, lesson.BLACK, 2.5)
    number_regions(moved, s.pieces)
    rolled = tokens(left, second, s.windows, tints, "3  rolled")
    outline(rolled, s.rolled, lesson.BLACK, 1)
    outline(rolled, s.windows, lesson.BLACK, 2.5)
    number_regions(rolled, s.rolled)
    regular.set_xlabel(f"{len(np.unique(s.windows))} windows of {window} × {window}")
    moved.set_xlabel(f"{len(np.unique(s.pieces))} pieces, numbered")
    rolled.set_xlabel(f"{len(np.unique(s.windows))} windows again")
    for ax in (regular, moved, rolled):
        ax.xaxis.labelpad = 3
    figure.text(0.5, 1 - 2.96 / 6.55, f"2 → 3: roll {shift} up, {shift} to the left", ha="center", va="center")

    ax = place_axes(figure, right, second, 2.0, 2.0)
    ax.imshow(s.mask, cmap=ListedColormap(["0.35", lesson.PURPLE]), vmin=0, vmax=1, interpolation="none")
    ax.set_title("4  mask, last window")
    frame(ax, lesson.BLACK, 2.5)
    runs = np.arange(0, len(s.members), shift)
    for line in runs[1:] - 0.5:
        ax.plot([line] * 2, [-0.5, len(s.members) - 0.5], color="white", linewidth=0.8)
        ax.plot([-0.5, len(s.members) - 0.5], [line] * 2, color="white", linewidth=0.8)
    middles = runs + (shift - 1) / 2
    ax.set(xlim=(-0.5, len(s.members) - 0.5), ylim=(len(s.members) - 0.5, -0.5), xticks=middles, yticks=middles)
    for set_labels in (ax.set_xticklabels, ax.set_yticklabels):
        set_labels([str(label) for label in s.members[runs]])
    ax.tick_params(length=0, pad=3)
    note = "Mask: rows ask, columns are asked, each line\ntwo tokens. Pink: same number, may see."
    figure.text(0.5, 1 - 6.22 / 6.55, note, ha="center", va="center", linespacing=1.4)
    return figure


@dataclass(frozen=True)
class Part:
    """One part of a Swin: what leaves it, and what it holds and costs."""

    name: str
    shape: tuple[int, ...]  # (H, W, D), or (K,)
    parameters: int
    macs: int


def anatomy(lesson: ModuleType) -> list[Part]:
    """Stem, stages, mergings and head of SWIN in order, parameters and MACs counted on a model without memory."""
    with torch.device("meta"):
        model = lesson.Swin(lesson.SWINS[SWIN])
        x = torch.empty(1, 3, SWIN_PIXELS, SWIN_PIXELS)

    def read(x: torch.Tensor) -> torch.Tensor:
        return model.head(model.norm(x).mean(dim=(1, 2)))

    steps = [("stem", model.stem, [model.stem])]
    for number, (merging, stage) in enumerate(zip(model.mergings, model.stages, strict=True), 1):
        steps += [(f"merging {number}", merging, [merging])] * (number > 1) + [(f"stage {number}", stage, [stage])]
    steps.append(("head", read, [model.norm, model.head]))
    parts = []
    for name, function, modules in steps:
        with torch.device("meta"):
            macs, x = lesson.counted(function, x), function(x)
        held = sum(parameter.numel() for module in modules for parameter in module.parameters())
        parts.append(Part(name, tuple(x.shape[1:]), held, macs))
    return parts


def shifts(lesson: ModuleType) -> list[list[bool]]:
    """Which blocks of each stage of SWIN shift at SWIN_PIXELS: none where one window is the whole map."""
    config = lesson.SWINS[SWIN]
    with torch.device("meta"):
        model = lesson.Swin(config)
    sides = [SWIN_PIXELS // (config.patch_size * 2**stage) for stage in range(len(config.depths))]
    return [
        [block.shift > 0 and side > block.window for block in stage]
        for side, stage in zip(sides, model.stages, strict=True)
    ]


def held_and_done(part: Part) -> str:
    """Parameters and MACs of a part, in thousands or millions, and in millions."""
    millions = part.parameters / 1e6
    parameters = f"{millions:.2f} M" if millions >= 0.1 else f"{1000 * millions:.1f} k"
    return f"{parameters} params, {part.macs / 1e6:,.0f} M MACs"


@plt.rc_context(LEGIBLE)
def swin_architecture(lesson: ModuleType) -> Figure:
    """Swin-T from picture to logits: each stage's map, windows, blocks, parameters and multiplications."""
    config, parts = lesson.SWINS[SWIN], {part.name: part for part in anatomy(lesson)}
    height, side, step, margin = 9.86, 1.15, 1.85, 0.15  # inches
    column = margin + side + 0.17
    figure = plt.figure(figsize=(WIDTH, height), layout="none")  # placed by hand: a solver's last bits would vary
    image = lesson.to_image(lesson.data.coffee(), SWIN_PIXELS).double()

    def write_line(left: float, top: float, text: str, **style: object) -> None:
        figure.text(left / WIDTH, 1 - top / height, text, va="center_baseline", **style)

    def draw(top: float, stride: int) -> Axes:
        ax = place_axes(figure, margin, top, side, side)
        small = torch.nn.functional.avg_pool2d(image, stride)[0]
        shown = (rearrange(small.clamp(-1, 1), "c h w -> h w c") + 1) / 2
        ax.imshow(shown.numpy(), interpolation="none", extent=(0, len(shown), len(shown), 0))
        frame(ax, lesson.BLACK, 0.8)
        return ax

    def chips(left: float, top: float, blocks: list[bool], text: str) -> None:
        for shifted in blocks:
            box = Rectangle(
                (left / WIDTH, 1 - (top + 0.105) / height),
                0.2 / WIDTH,
                0.21 / height,
                facecolor=lesson.ORANGE if shifted else "white",
                edgecolor=lesson.BLACK,
                linewidth=0.8,
            )
            figure.add_artist(box)
            write_line(left + 0.1, top, "S" if shifted else "W", ha="center")
            left += 0.245
        write_line(left + 0.04, top, text)

    def down(top: float, part: Part, text: str) -> None:
        write_line(margin + side / 2, top + 0.12, "↓", ha="center", fontsize=20)
        write_line(column, top, text)
        write_line(column, top + 0.24, held_and_done(part))

    draw(0.12, 2)
    write_line(column, 0.23, "a picture", fontweight="bold")
    write_line(column, 0.51, f"{SWIN_PIXELS} × {SWIN_PIXELS} × {config.channels}")
    write_line(column, 0.78, f"yellow: windows of {config.window} × {config.window}")
    chips(column, 1.08, [False], "regular")
    chips(column + 1.15, 1.08, [True], "shifted")
    for stage, blocks in enumerate(shifts(lesson)):
        top, part = 0.12 + (stage + 1) * step, parts[f"stage {stage + 1}"]
        if stage == 0:
            down(top - 0.47, parts["stem"], f"stem: {config.channels} · {config.patch_size}² → {config.dim}")
        else:
            widths = f"{4 * config.width(stage - 1):,} → {config.width(stage)}"
            down(top - 0.47, parts[f"merging {stage + 1}"], f"merge 2 × 2: {widths}")
        stride = config.patch_size * 2**stage
        ax = draw(top, stride)
        rows, columns, width = part.shape
        for line in range(0, rows + 1, config.window):
            ax.plot([line] * 2, [0, rows], [0, columns], [line] * 2, color=lesson.YELLOW, linewidth=1.2)
        ax.set(xlim=(0, columns), ylim=(rows, 0))
        write_line(column, top + 0.11, f"stage {stage + 1}, stride {stride}", fontweight="bold")
        write_line(column, top + 0.39, f"{rows} × {columns} tokens of {width}")
        chips(column, top + 0.69, blocks, f"{config.heads[stage]} heads")
        write_line(column, top + 0.99, held_and_done(part))
    top = 0.12 + 4 * step + side + 0.23
    down(top, parts["head"], f"norm, mean, linear: {config.classes:,} logits")
    parameters, macs = (sum(getattr(part, of) for part in parts.values()) for of in ("parameters", "macs"))
    write_line(margin, top + 0.68, f"{SWIN}: {parameters:,} params, {macs / 1e9:.2f} GMACs", fontweight="bold")
    return figure


FIGURES: dict[str, tuple[Callable[[ModuleType], Figure], ...]] = {
    "01_vit_fundamentals": (vit_vs_cnn_comparison,),
    "02_patch_and_position_embeddings": (patch_embedding_process, cls_token_explained, position_encoding_types),
    "03_attention": (attention_complexity, multi_head_attention, window_vs_global_attention),
    "05_swin": (shifted_windows, swin_architecture),
}
