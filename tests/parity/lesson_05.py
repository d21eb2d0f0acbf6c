"""Lesson 5's windows, blocks and hierarchies beside their references, one case each, in the manner of `lesson_03`.

timm, transformers and torchvision hold Swin, timm and transformers Swin V2. CSWin and Focal attention are in none:
their references are written here, token by token, straight from what the papers say a token attends to.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import math
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from types import ModuleType
from typing import Any
from unittest import mock

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tests.parity.harness import reference, translate
from tests.parity.lesson_02 import DIM, HEADS, Case, Named, log_offsets, renamed, tensor
from tests.parity.lesson_03 import function
from tests.shared.exercises import exercises
from tools.lesson.definitions import load_definitions, run_cell
from tools.lesson.read import find_lesson, read_lesson

LESSON = "05_swin"
PATCH, CLASSES = 2, 5
DEPTHS, STAGE_HEADS = (2, 2, 2), (1, 2, 4)
Size = tuple[int, int]


@functools.cache
def lesson_and_solutions() -> ModuleType:
    """The lesson's definitions and, beside them, what its exercises ask for."""
    lesson = load_definitions(LESSON)
    for exercise in exercises(read_lesson(find_lesson(LESSON))):
        run_cell(exercise.solution, lesson, f"<{LESSON}: solution {exercise.name}>")
    return lesson


@contextlib.contextmanager
def counting_in(dtype: torch.dtype) -> Iterator[None]:
    """Fractions of whole numbers, such as Swin V2's coordinates, come in this precision."""
    default = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(default)


def in_its_precision(module: nn.Module, x: Tensor) -> Tensor:
    with counting_in(x.dtype):
        return module(x)


# Names.

Rules = tuple[tuple[str, str | Callable[[re.Match], str]], ...]
BIAS: Rules = (
    (r"relative_position_bias\.relative_position_bias_table", "table"), ("relative_position_bias_table", "table"),
    ("logit_scale", "log_scale"), (r"(cpb|continuous_position_bias)_mlp\.0", "fc1"),
    (r"(cpb|continuous_position_bias)_mlp\.2", "fc2"),
)  # fmt: skip
TIMM: Rules = (
    ("patch_embed", "stem"), (r"stem\.proj", "stem.patch.proj"), (r"attn\.proj", "attn.out"),
    (r"layers\.(\d+)\.blocks", r"stages.\1"), (r"layers\.(\d+)\.downsample", r"mergings.\1"), (r"head\.fc", "head"),
)  # fmt: skip
TRANSFORMERS: Rules = (
    (r"^swin(v2)?\.", ""), (r"^embeddings\.patch_embeddings\.projection", "stem.patch.proj"),
    (r"^embeddings", "stem"), (r"^encoder\.layers\.(\d+)\.blocks", r"stages.\1"),
    (r"^encoder\.layers\.(\d+)\.downsample", lambda m: f"mergings.{int(m[1]) + 1}"),
    (r"attention\.o_proj", "attn.out"), (r"attention\.output\.dense", "attn.out"),
    (r"attention\.(self\.)?", "attn."), (r"\b([qkv])_proj", r"\1"), (r"\b([qkv])(uery|ey|alue)\b", r"\1"),
    (r"intermediate\.dense", "mlp.fc1"), (r"output\.dense", "mlp.fc2"), ("layernorm_before", "norm1"),
    ("layernorm_after", "norm2"), ("^layernorm", "norm"), ("classifier", "head"),
)  # fmt: skip
TORCHVISION: Rules = (
    (r"^features\.0\.0", "stem.patch.proj"), (r"^features\.0\.2", "stem.norm"),
    (r"^features\.(\d*[13579])\.", lambda m: f"stages.{int(m[1]) // 2}."),
    (r"^features\.(\d+)\.", lambda m: f"mergings.{int(m[1]) // 2}."),
    (r"mlp\.0", "mlp.fc1"), (r"mlp\.3", "mlp.fc2"), (r"attn\.proj", "attn.out"),
)  # fmt: skip
LAYERS: dict[str, Rules] = {
    "timm": (("^proj", "out"),),
    "transformers": (
        (r"^self\.", ""), (r"^o_proj", "out"), (r"^output\.dense", "out"), (r"^([qkv])_proj", r"\1"),
        (r"^([qkv])(uery|ey|alue)\b", r"\1"),
    ),
}  # fmt: skip


def book(*rules: tuple[str, str | Callable[[re.Match], str]]) -> Callable[[Named], dict[str, Tensor]]:
    """Parameters of a library under the book's names, and in its shapes: kernels flat, q k v joined, tables (1, …)."""

    def rename(name: str) -> str:
        for pattern, ours in (*rules, *BIAS):
            name = re.sub(pattern, ours, name)
        return name

    def names(parameters: Named) -> dict[str, Tensor]:
        ours = translate(parameters, rename)
        for name in [name for name in ours if re.search(r"\bq\.(weight|bias)$", name)]:
            start, kind = name[: name.rindex("q.")], name.rpartition(".")[2]
            if f"{start}k.{kind}" in ours:
                ours[f"{start}qkv.{kind}"] = torch.cat([ours.pop(f"{start}{part}.{kind}") for part in "qkv"])
            else:  # Swin V2: no bias of keys
                ours |= {f"{start}{part}_bias": ours.pop(f"{start}{part}.bias") for part in "qv"}
        for name, value in ours.items():
            if name.endswith("table"):
                ours[name] = value[None]
            elif name.endswith("patch.proj.weight"):
                ours[name] = value.flatten(1)
        return ours

    return names


def silent_keys(module: nn.Module) -> frozenset[str]:
    """What all keys have in common moves all scores of a query alike: Swin's bias of keys changes nothing."""
    return frozenset(name for name, _ in module.named_parameters() if name.endswith("k_proj.bias"))


# Windows.


def partition(lesson: ModuleType, size: Size = (6, 9), window: int = 3) -> Case:
    cut = reference("timm.models.swin_transformer").window_partition
    return function(
        lambda x: lesson.partition(x, window).flatten(0, 1),
        lambda x: cut(x, (window, window)).flatten(1, 2),
        tensor(2, *size, 5),
    )


def unpartition(lesson: ModuleType, size: Size = (6, 9), window: int = 3) -> Case:
    join = reference("timm.models.swin_transformer").window_reverse
    return function(
        lambda x: lesson.unpartition(x, *size),
        lambda x: join(x.flatten(0, 1).unflatten(1, (window, window)), (window, window), *size),
        tensor(2, size[0] * size[1] // window**2, window**2, 5),
    )


def undo_windows(lesson: ModuleType) -> Case:
    """Exercise 5.1."""
    join = reference("timm.models.swin_transformer").window_reverse
    return function(lambda x: lesson.undo_windows(x, 6, 9), lambda x: join(x, (3, 3), 6, 9), tensor(2 * 6, 3, 3, 5))


def some_windows_mask(windows: int, n: int) -> Tensor:
    mask = tensor(windows, n, n, seed=3) > 0
    return mask | torch.eye(n, dtype=torch.bool)


def additive(mask: Tensor, like: Tensor) -> Tensor:
    """What the libraries add to scores."""
    return torch.zeros(mask.shape).to(like).masked_fill(~mask, -100.0)


def window_attention(lesson: ModuleType, library: str, window: int = 3, masked: bool = False) -> Case:
    """Six windows of two pictures; a mask for each window, the same for both pictures."""
    mask = some_windows_mask(6, window**2) if masked else None
    if library == "timm":
        theirs = reference("timm.models.swin_transformer").WindowAttention(DIM, HEADS, window_size=window)
    else:
        swin = reference("transformers.models.swin.modeling_swin")
        theirs = swin.SwinAttention(swin.SwinConfig(attn_implementation="sdpa"), DIM, HEADS, window)

    def theirs_forward(layer: nn.Module, x: Tensor) -> Tensor:
        answer = layer(x.flatten(0, 1), None if mask is None else additive(mask, x))
        return (answer if isinstance(answer, Tensor) else answer[0]).unflatten(0, (2, 6))

    return Case(
        lesson.WindowAttention(DIM, HEADS, window),
        theirs,
        tensor(2, 6, window**2, DIM),
        book(*LAYERS[library]),
        lambda layer, x: layer(x, mask),
        theirs_forward,
        silent_keys(theirs),
    )


# Blocks.


def of_rows(block: nn.Module, x: Tensor) -> Tensor:
    """transformers keeps a map (B, H, W, D) as rows (B, H·W, D)."""
    return block(x.flatten(1, 2), x.shape[1:3])[0].unflatten(1, x.shape[1:3])


def library_block(library: str, size: Size, window: int, shift: int) -> Case:
    """A Swin block of a library, and how it is called; mine is still missing."""
    if library == "timm":
        build = reference("timm.models.swin_transformer").SwinTransformerBlock
        theirs, rules = build(DIM, size, HEADS, window_size=window, shift_size=shift), TIMM
    elif library == "torchvision":
        build = reference("torchvision.models.swin_transformer").SwinTransformerBlock
        theirs, rules = build(DIM, HEADS, [window] * 2, [shift] * 2), TORCHVISION
    else:
        swin = reference("transformers.models.swin.modeling_swin")
        config = swin.SwinConfig(window_size=window, attn_implementation="sdpa")
        theirs, rules = swin.SwinLayer(config, DIM, size, HEADS, shift_size=shift), TRANSFORMERS
    forwards = {"theirs_forward": of_rows} if library == "transformers" else {}
    return Case(nn.Identity(), theirs, tensor(2, *size, DIM), book(*rules), silent=silent_keys(theirs), **forwards)


def with_mine(case: Case, mine: nn.Module, **changes: object) -> Case:
    return replace(case, mine=mine, **changes)


def swin_block(lesson: ModuleType, library: str, size: Size, window: int, shift: int) -> Case:
    return with_mine(library_block(library, size, window, shift), lesson.SwinBlock(DIM, HEADS, window, shift))


class OnlyTheAttention(nn.Module):
    """What timm's block does to a map between its norm and its sum."""

    def __init__(self, block: nn.Module):
        super().__init__()
        self.block = block
        del block.norm1, block.norm2, block.mlp

    def forward(self, x: Tensor) -> Tensor:
        return self.block._attn(x)


def irregular(lesson: ModuleType, size: Size = (9, 6), window: int = 3, shift: int = 1) -> Case:
    """Pieces of all sizes one by one, beside timm's roll and mask."""
    case = library_block("timm", size, window, shift)

    def mine(layer: nn.Module, x: Tensor) -> Tensor:
        return lesson.attend_irregular(x, layer, shift)

    def names(parameters: Named) -> dict[str, Tensor]:
        return book((r"^block\.attn\.", ""), *LAYERS["timm"])(parameters)

    layer = lesson.WindowAttention(DIM, HEADS, window)
    return with_mine(case, layer, theirs=OnlyTheAttention(case.theirs), names=names, mine_forward=mine)


# Merging.


def merging_of_rows(merging: nn.Module, x: Tensor) -> Tensor:
    height, width = x.shape[1:3]
    return merging(x.flatten(1, 2), (height, width)).unflatten(1, ((height + 1) // 2, (width + 1) // 2))


def patch_merging(lesson: ModuleType, library: str, size: Size, version: int = 1) -> Case:
    if library == "timm":
        theirs = reference(f"timm.models.swin_transformer{'_v2' if version == 2 else ''}").PatchMerging(DIM)
    elif library == "torchvision":
        module = reference("torchvision.models.swin_transformer")
        theirs = (module.PatchMergingV2 if version == 2 else module.PatchMerging)(DIM)
    elif version == 1:
        theirs = reference("transformers.models.swin.modeling_swin").SwinPatchMerging(DIM)
    else:
        theirs = reference("transformers.models.swinv2.modeling_swinv2").Swinv2PatchMerging(size, DIM)
    forwards = {"theirs_forward": merging_of_rows} if library == "transformers" else {}
    mine = (lesson.PatchMergingV2 if version == 2 else lesson.PatchMerging)(DIM)
    return Case(mine, theirs, tensor(2, *size, DIM), **forwards)


def split_squares(lesson: ModuleType) -> Case:
    """Exercise 5.4 beside torch's own shuffle, which takes (D)(p)(q) for (q)(p)(D)."""

    def theirs(x: Tensor) -> Tensor:
        shuffled = x.unflatten(-1, (2, 2, 3)).permute(0, 5, 4, 3, 1, 2).flatten(1, 3)
        return F.pixel_shuffle(shuffled, 2).permute(0, 2, 3, 1)

    return function(lambda x: lesson.split_squares(x), theirs, tensor(2, 3, 5, 12))


# Whole models.


def sizes(lesson: ModuleType, window: int) -> Any:
    return lesson.SwinConfig(12, DEPTHS, STAGE_HEADS, window=window, patch_size=PATCH, classes=CLASSES)


def swin(lesson: ModuleType, library: str, size: Size, window: int = 3) -> Case:
    """Three stages. Images whose maps the windows do not fit, but for timm, which rolls before it pads."""
    if library == "timm":
        theirs, rules = timm_swin("swin_transformer", "SwinTransformer", size, window), TIMM
    elif library == "torchvision":
        module = reference("torchvision.models.swin_transformer")
        theirs = module.SwinTransformer(
            [PATCH] * 2, 12, list(DEPTHS), list(STAGE_HEADS), [window] * 2, num_classes=CLASSES
        )
        rules = TORCHVISION
    else:
        theirs, rules = transformers_swin("swin", "Swin", size, window), TRANSFORMERS
    mine = lesson.Swin(sizes(lesson, window))
    return Case(mine, theirs, tensor(2, 3, *size), book(*rules), silent=silent_keys(theirs))


def timm_swin(module: str, name: str, size: Size, window: int) -> nn.Module:
    return getattr(reference(f"timm.models.{module}"), name)(
        img_size=size, patch_size=PATCH, embed_dim=12, depths=DEPTHS, num_heads=STAGE_HEADS, window_size=window,
        num_classes=CLASSES,
    )  # fmt: skip


def transformers_swin(module: str, name: str, size: Size, window: int, **changes: object) -> nn.Module:
    modelling = reference(f"transformers.models.{module}.modeling_{module}")
    config = getattr(modelling, f"{name}Config")(
        image_size=size, patch_size=PATCH, embed_dim=12, depths=list(DEPTHS), num_heads=list(STAGE_HEADS),
        window_size=window, num_labels=CLASSES, **changes,
    )  # fmt: skip
    return getattr(modelling, f"{name}ForImageClassification")(config)


# Swin V2.


def exactly(layer: nn.Module, x: Tensor, trained: int | None = None, call: Callable | None = None) -> Tensor:
    """A module of a library whose coordinates, computed there in float32, are given in the precision of x."""
    for part in layer.modules():
        if hasattr(part, "relative_coords_table"):
            window = tuple(part.window_size)
            part.relative_coords_table = log_offsets(window, (trained, trained) if trained else window).to(x)
    return layer(x) if call is None else call(layer, x)


def cosine_attention(
    lesson: ModuleType,
    library: str,
    window: int = 4,
    trained: int | None = None,
    masked: bool = False,
    run_away: bool = False,
) -> Case:
    """`run_away`: the first head's scale is learned to be 165, the second's just below 100."""
    mask = some_windows_mask(6, window**2) if masked else None
    if library == "timm":
        build = reference("timm.models.swin_transformer_v2").WindowAttention
        theirs = build(DIM, (window, window), HEADS, pretrained_window_size=(trained or 0, trained or 0))
    else:
        modelling = reference("transformers.models.swinv2.modeling_swinv2")
        theirs = modelling.Swinv2Attention(modelling.Swinv2Config(), DIM, HEADS, window, trained or 0)

    def scaled(layer: nn.Module, x: Tensor) -> None:
        if run_away:  # the layer is the harness's own copy
            (scale,) = (p for name, p in layer.named_parameters() if name.endswith("_scale"))
            scale.data[:2] = math.log(100) + torch.tensor([0.5, -0.01]).to(x)[:, None, None]

    def called(layer: nn.Module, x: Tensor) -> Tensor:
        answer = layer(x.flatten(0, 1), None if mask is None else additive(mask, x))
        return (answer if isinstance(answer, Tensor) else answer[0]).unflatten(0, (2, 6))

    def theirs_forward(layer: nn.Module, x: Tensor) -> Tensor:
        scaled(layer, x)
        return exactly(layer, x, trained, called)

    def mine_forward(layer: nn.Module, x: Tensor) -> Tensor:
        scaled(layer, x)
        with counting_in(x.dtype):
            return layer(x, mask)

    mine = lesson.CosineWindowAttention(DIM, HEADS, window, trained)
    rules = LAYERS[library]
    return Case(mine, theirs, tensor(2, 6, window**2, DIM), book(*rules), mine_forward, theirs_forward)


def swin_v2_block(lesson: ModuleType, library: str, size: Size, window: int, shift: int) -> Case:
    if library == "timm":
        build = reference("timm.models.swin_transformer_v2").SwinTransformerV2Block
        theirs, rules = build(DIM, size, HEADS, window_size=window, shift_size=shift), TIMM
        call = nn.Module.__call__
    else:
        modelling = reference("transformers.models.swinv2.modeling_swinv2")
        config = modelling.Swinv2Config(window_size=window)
        theirs, rules = modelling.Swinv2Layer(config, DIM, size, HEADS, shift_size=shift), TRANSFORMERS
        call = of_rows
    mine = lesson.SwinV2Block(DIM, HEADS, window, shift)
    theirs_forward = partial(exactly, call=call)
    return Case(mine, theirs, tensor(2, *size, DIM), book(*rules), in_its_precision, theirs_forward)


def swin_v2(lesson: ModuleType, library: str, size: Size, window: int) -> Case:
    if library == "timm":
        theirs, rules = timm_swin("swin_transformer_v2", "SwinTransformerV2", size, window), TIMM
    else:
        theirs, rules = transformers_swin("swinv2", "Swinv2", size, window), TRANSFORMERS

    def call(model: nn.Module, x: Tensor) -> Tensor:
        answer = model(x)
        return answer if isinstance(answer, Tensor) else answer.logits

    mine = lesson.SwinV2(sizes(lesson, window))
    theirs_forward = partial(exactly, call=call)
    return Case(mine, theirs, tensor(2, 3, *size), book(*rules), in_its_precision, theirs_forward)


# CSWin, token by token.

Place = tuple[int, int]
Neighbours = Callable[[Place, Place], bool]  # may the first see the second?


def places_of(x: Tensor) -> list[Place]:
    return list(itertools.product(range(x.shape[1]), range(x.shape[2])))


def same_stripe(stripe: Size) -> Neighbours:
    return lambda a, b: (a[0] // stripe[0], a[1] // stripe[1]) == (b[0] // stripe[0], b[1] // stripe[1])


def attend_to(query: Tensor, keys: list[Tensor], values: list[Tensor], heads: int) -> Tensor:
    """One query (B, D) among a list of keys and values (B, D), head by head."""
    k, v, answers = torch.stack(keys, dim=1), torch.stack(values, dim=1), []
    for head in range(heads):
        some = slice(head * query.shape[-1] // heads, (head + 1) * query.shape[-1] // heads)
        scores = torch.einsum("bd,bjd->bj", query[:, some], k[..., some]) / math.sqrt(query.shape[-1] // heads)
        answers.append(torch.einsum("bj,bjd->bd", scores.softmax(dim=-1), v[..., some]))
    return torch.cat(answers, dim=-1)


def masked_sum(k: Tensor, v: Tensor, lepe: nn.Conv2d, near: Neighbours) -> Tensor:
    """LePE: each value's 3 × 3 neighbours, as far as they lie in the stripe; keys are not asked."""
    rows = []
    for row, column in places_of(v):
        total = lepe.bias
        for a, b in itertools.product(range(3), range(3)):
            beside = row + a - 1, column + b - 1
            if beside in places_of(v) and near((row, column), beside):
                total = total + lepe.weight[:, 0, a, b] * v[:, beside[0], beside[1]]
        rows.append(total)
    return torch.stack(rows, dim=1).unflatten(1, v.shape[1:3])


class SlowStripes(nn.Module):
    def __init__(self, dim: int, heads: int, near: Neighbours):
        super().__init__()
        self.heads, self.near, self.lepe = heads, near, masked_sum
        self.get_v = nn.Conv2d(dim, dim, 3, padding=1, groups=dim)

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = x
        answers = []
        for place in places_of(q):
            seen = [(slice(None), *other) for other in places_of(q) if self.near(place, other)]
            query = q[(slice(None), *place)]
            answers.append(attend_to(query, [k[other] for other in seen], [v[other] for other in seen], self.heads))
        mixed = torch.stack(answers, dim=1).unflatten(1, q.shape[1:3])
        return mixed + self.lepe(k, v, self.get_v, self.near)


def stripe_attention(lesson: ModuleType, size: Size = (4, 6), stripe: Size = (2, 3)) -> Case:
    theirs = SlowStripes(DIM, HEADS, same_stripe(stripe))
    return Case(
        lesson.StripeAttention(DIM, HEADS),
        theirs,
        tensor(3, 2, *size, DIM),
        book(("get_v", "lepe")),
        lambda layer, x: layer(*x, stripe),
    )


class SlowCSWin(nn.Module):
    """Vertical stripes for the first half of the channels, as the authors count their branches."""

    def __init__(self, dim: int, heads: int, size: Size, stripe: int):
        super().__init__()
        self.qkv, self.proj = nn.Linear(dim, 3 * dim), nn.Linear(dim, dim)
        nears = same_stripe((size[0], stripe)), same_stripe((stripe, size[1]))
        self.attns = nn.ModuleList(SlowStripes(dim // 2, heads // 2, near) for near in nears)

    def forward(self, x: Tensor) -> Tensor:
        parts = torch.stack(self.qkv(x).chunk(3, dim=-1))
        halves = parts.chunk(2, dim=-1)
        return self.proj(torch.cat([a(half) for a, half in zip(self.attns, halves, strict=True)], dim=-1))


def cswin(lesson: ModuleType, size: Size = (4, 6), stripe: int = 2, heads: int = 4) -> Case:
    rules = (("proj", "out"), (r"attns\.0\.get_v", "columns.lepe"), (r"attns\.1\.get_v", "rows.lepe"))
    mine, theirs = lesson.CSWinAttention(DIM, heads, stripe), SlowCSWin(DIM, heads, size, stripe)
    return Case(mine, theirs, tensor(2, *size, DIM), book(*rules))


# Focal attention, query by query.


def means(x: Tensor, window: int) -> list[Tensor]:
    """The mean token of each square of a map, (B, D)."""
    corners = [place for place in places_of(x) if not any(side % window for side in place)]
    squares = [[p for p in places_of(x) if same_stripe((window, window))(corner, p)] for corner in corners]
    return [sum(x[:, a, b] for a, b in square) / window**2 for square in squares]


class SlowFocal(nn.Module):
    def __init__(self, dim: int, heads: int, window: int, margin: int):
        super().__init__()
        self.heads, self.window, self.margin, self.pooled = heads, window, margin, means
        self.query, self.keys_values, self.proj = nn.Linear(dim, dim), nn.Linear(dim, 2 * dim), nn.Linear(dim, dim)

    def fine(self, query: Place, key: Place) -> bool:
        """At most `margin` tokens beyond the query's window."""
        corner = [side // self.window * self.window for side in query]
        return all(c - self.margin <= k < c + self.window + self.margin for c, k in zip(corner, key, strict=True))

    def forward(self, x: Tensor) -> Tensor:
        coarse, answers = [self.keys_values(square) for square in self.pooled(x, self.window)], []
        for row, column in places_of(x):
            near = [self.keys_values(x[:, a, b]) for a, b in places_of(x) if self.fine((row, column), (a, b))]
            keys, values = zip(*(both.chunk(2, dim=-1) for both in near + coarse), strict=True)
            answers.append(attend_to(self.query(x[:, row, column]), list(keys), list(values), self.heads))
        return self.proj(torch.stack(answers, dim=1).unflatten(1, x.shape[1:3]))


def focal(lesson: ModuleType, size: Size = (6, 9), window: int = 3, margin: int = 1) -> Case:
    mine, theirs = lesson.FocalAttention(DIM, HEADS, window, margin), SlowFocal(DIM, HEADS, window, margin)
    names = renamed(("query", "q"), ("keys_values", "kv"), ("proj", "out"))
    return Case(mine, theirs, tensor(2, *size, DIM), names)


# Dense prediction.


class FPNSegmenter(nn.Module):
    """torchvision's pyramid on the lesson's backbone, its 3 × 3 convolutions replaced by nothing.

    torchvision enlarges by repetition, the lesson bilinearly; `mode` says how this one does.
    """

    def __init__(self, backbone: nn.Module, widths: list[int], dim: int, classes: int, mode: str = "bilinear"):
        super().__init__()
        pyramid = reference("torchvision.ops.feature_pyramid_network")
        self.backbone, self.mode = backbone, mode
        self.norms = nn.ModuleList(nn.LayerNorm(width) for width in widths)
        self.fpn = pyramid.FeaturePyramidNetwork(widths, dim)
        self.fpn.layer_blocks = nn.ModuleList(nn.Identity() for _ in widths)
        self.classify = nn.Conv2d(dim, classes, 1)

    def forward(self, images: Tensor) -> Tensor:
        maps = self.backbone.features(images)[-len(self.norms) :]
        normed = {str(i): norm(x).movedim(-1, 1) for i, (norm, x) in enumerate(zip(self.norms, maps, strict=True))}
        enlarge = F.interpolate

        def by_mode(x: Tensor, size: Size, mode: str) -> Tensor:
            return enlarge(x, size, mode=self.mode)

        with mock.patch.object(F, "interpolate", by_mode):
            summed = self.fpn(normed)["0"]
        return F.interpolate(self.classify(F.gelu(summed)), images.shape[-2:], mode="bilinear")


def segmenter(lesson: ModuleType, levels: int = 3, size: Size = (24, 40)) -> Case:
    config = sizes(lesson, 3)
    widths = [config.width(stage) for stage in range(len(DEPTHS))][-levels:]
    mine = lesson.PyramidSegmenter(config, levels, dim=8)
    # The norm and the head of a classifier are there and unused.
    unused = frozenset(f"backbone.{part}.{kind}" for part in ("norm", "head") for kind in ("weight", "bias"))
    theirs = FPNSegmenter(lesson.Swin(config), widths, 8, CLASSES)

    def names(parameters: Named) -> dict[str, Tensor]:
        ours = book((r"^fpn\.inner_blocks\.(\d+)\.0", r"laterals.\1"))(dict(parameters))
        tables = {name: value for name, value in parameters.items() if name.endswith("table")}
        kernels = {name: value.flatten(1) for name, value in ours.items() if value.ndim == 4}
        return ours | kernels | tables  # the backbone, tables and all, is the lesson's own

    return Case(mine, theirs, tensor(2, 3, *size), names, silent=unused)


def plain_segmenter(lesson: ModuleType) -> Case:
    """timm's ViT without [CLS], its head's numbers shuffled to pixels."""
    theirs = reference("timm").models.vision_transformer.VisionTransformer(
        img_size=16, patch_size=4, num_classes=64, embed_dim=24, depth=2, num_heads=3, class_token=False,
        global_pool="", norm_layer=nn.LayerNorm,
    )  # fmt: skip
    for block in theirs.blocks:
        block.norm1.eps = block.norm2.eps = 1e-6

    def names(parameters: Named) -> dict[str, Tensor]:
        rules = (
            (r"^patch_embed\.proj", "patch.proj"), ("pos_embed", "pos"), (r"attn\.proj", "attn.out"),
            ("head", "classify"),
        )  # fmt: skip
        ours = book(*rules)(parameters)
        return ours | {"pos": ours["pos"].mT.unflatten(2, (4, 4))}

    return Case(
        lesson.PlainSegmenter(24, depth=2, heads=3, grid=4),
        theirs,
        tensor(2, 3, 16, 16),
        names,
        theirs_forward=lambda model, x: F.pixel_shuffle(model(x).mT.unflatten(2, (4, 4)), 4),
    )


Build = Callable[[ModuleType], Case]
CASES: dict[str, Build] = {
    "partition = timm": partition,
    "unpartition = timm": unpartition,
    "exercise 5.1 = timm": undo_windows,
    "exercise 5.4 = torch": split_squares,
    **{
        f"window attention{', masked' if masked else ''} = {library}": partial(
            window_attention, library=library, masked=masked
        )
        for library in ("timm", "transformers")
        for masked in (False, True)
    },
    "window attention, M = 4 = timm": partial(window_attention, library="timm", window=4, masked=True),
    **{
        f"block{what} = {library}": partial(swin_block, library=library, size=size, window=window, shift=shift)
        for library in ("timm", "transformers", "torchvision")
        for what, size, window, shift in [
            ("", (6, 9), 3, 0), (", shifted", (9, 6), 3, 1), (", M = 4, shifted", (8, 12), 4, 2),
            (", padded", (7, 10), 3, 0),
        ]
    },
    **{
        f"block, padded and shifted = {library}": partial(swin_block, library=library, size=(7, 11), window=4, shift=2)
        for library in ("transformers", "torchvision")
    },
    **{
        f"block, odd window padded and shifted = {library}": partial(
            swin_block, library=library, size=(7, 10), window=5, shift=2
        )
        for library in ("transformers", "torchvision")
    },
    "block, one window high = transformers": partial(
        swin_block, library="transformers", size=(3, 9), window=3, shift=1
    ),
    "irregular windows = timm": irregular,
    "irregular windows, M = 4 = timm": partial(irregular, size=(8, 12), window=4, shift=2),
    **{
        f"merging{' V2' if version == 2 else ''}{', odd' if size[0] % 2 else ''} = {library}": partial(
            patch_merging, library=library, size=size, version=version
        )
        for version in (1, 2)
        for library in ("timm", "transformers", "torchvision")
        for size in ((4, 6), (5, 7))
    },
    "Swin = timm": partial(swin, library="timm", size=(48, 72)),
    "Swin, M = 4 = timm": partial(swin, library="timm", size=(64, 64), window=4),
    "Swin, padded = transformers": partial(swin, library="transformers", size=(27, 49)),
    "Swin = transformers": partial(swin, library="transformers", size=(24, 48)),
    "Swin, padded = torchvision": partial(swin, library="torchvision", size=(40, 56)),
    **{
        f"cosine attention{what} = {library}": partial(cosine_attention, library=library, **options)
        for library in ("timm", "transformers")
        for what, options in {
            "": {}, ", M = 3, masked": {"window": 3, "masked": True}, ", trained on 3": {"trained": 3},
            ", scale above the bound": {"run_away": True},
        }.items()
    },
    **{
        f"V2 block{what} = {library}": partial(swin_v2_block, library=library, size=size, window=window, shift=shift)
        for library in ("timm", "transformers")
        for what, size, window, shift in [("", (6, 9), 3, 0), (", shifted", (8, 12), 4, 2)]
    },
    "V2 block, padded and shifted = transformers": partial(
        swin_v2_block, library="transformers", size=(7, 11), window=3, shift=1
    ),
    "Swin V2 = timm": partial(swin_v2, library="timm", size=(64, 64), window=4),
    "Swin V2, padded = transformers": partial(swin_v2, library="transformers", size=(40, 56), window=4),
    "stripes = token by token": stripe_attention,
    "stripes, the map = token by token": partial(stripe_attention, size=(3, 4), stripe=(3, 4)),
    "CSWin = token by token": cswin,
    "CSWin, stripes of one = token by token": partial(cswin, size=(3, 4), stripe=1, heads=2),
    "Focal = query by query": focal,
    "Focal, wide margin = query by query": partial(focal, size=(6, 4), window=2, margin=3),
    "Focal, no margin = query by query": partial(focal, size=(4, 6), window=2, margin=0),
    "segmenter = torchvision": segmenter,
    "segmenter, two levels, odd = torchvision": partial(segmenter, levels=2, size=(22, 30)),
    "segmenter, last map = torchvision": partial(segmenter, levels=1),
    "plain segmenter = timm": plain_segmenter,
}  # fmt: skip
