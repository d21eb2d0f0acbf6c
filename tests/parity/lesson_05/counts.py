"""Lesson 5's parameters and multiply-accumulates at the published sizes."""

from __future__ import annotations

import itertools
from dataclasses import replace
from types import ModuleType

import torch
from torch import nn

from tests.parity.framework.cases import DIM
from tests.parity.framework.counts import Count, Way, macs_of, on_meta, parameters_of
from tests.parity.framework.harness import reference
from tests.parity.lesson_05.slow import same_stripe

SIZES = {
    "Swin-T": ("tiny", "swin_t", 96, (2, 2, 6, 2), (3, 6, 12, 24)),
    "Swin-S": ("small", "swin_s", 96, (2, 2, 18, 2), (3, 6, 12, 24)),
    "Swin-B": ("base", "swin_b", 128, (2, 2, 18, 2), (4, 8, 16, 32)),
    "Swin-L": ("large", None, 192, (2, 2, 18, 2), (6, 12, 24, 48)),
}


def timm_model(name: str) -> nn.Module:
    """One of timm's models, without memory for its numbers."""
    return on_meta(lambda: reference("timm").create_model(name, num_classes=1000))


def transformers_parameters(package: str, prefix: str, name: str, **changes: object) -> int:
    """The parameters of transformers' classifier of this size."""
    modelling = reference(f"transformers.models.{package}.modeling_{package}")
    _, _, dim, depths, heads = SIZES[name]
    config = getattr(modelling, f"{prefix}Config")(
        embed_dim=dim, depths=list(depths), num_heads=list(heads), num_labels=1000, **changes
    )
    return parameters_of(lambda: getattr(modelling, f"{prefix}ForImageClassification")(config))


def parameters(name: str) -> Count:
    """All parameters of a Swin."""
    size, torchvisions, *_ = SIZES[name]
    theirs: dict[str, Way | int] = {
        "timm": lambda _: parameters_of(lambda: timm_model(f"swin_{size}_patch4_window7_224")),
        "transformers": lambda _: transformers_parameters("swin", "Swin", name),
    }
    if torchvisions:
        theirs["torchvision"] = lambda _: parameters_of(
            getattr(reference("torchvision.models.swin_transformer"), torchvisions)
        )
    return Count(
        {"its own count": lambda lesson: lesson.counted_parameters(lesson.SWINS[name])},
        theirs,
        unlike=(lambda lesson: lesson.counted_parameters(replace(lesson.SWINS[name], window=8)),),
    )


def parameters_by_part(name: str) -> Count:
    """timm's names say which part each tensor belongs to."""

    def theirs(lesson: ModuleType) -> dict[str, int]:
        found = dict.fromkeys(lesson.swin_parameters(lesson.SWINS[name]), 0)
        for path, parameter in timm_model(f"swin_{SIZES[name][0]}_patch4_window7_224").named_parameters():
            owners = [
                ("patch_embed", "stem"), ("downsample", "merging"), ("bias_table", "bias tables"),
                (".attn.", "attention"), (".mlp.", "mlp"), ("head", "head"), ("norm", "norms"),
            ]  # fmt: skip
            found[next(part for piece, part in owners if piece in path)] += parameter.numel()
        return found

    return Count({"its formula": lambda lesson: lesson.swin_parameters(lesson.SWINS[name])}, {"timm": theirs})


def parameters_of_v2(name: str, window: int, model: str) -> Count:
    """All parameters of a Swin V2."""
    return Count(
        {"its model": lambda lesson: parameters_of(lambda: lesson.SwinV2(replace(lesson.SWINS[name], window=window)))},
        {
            "timm": lambda _: parameters_of(lambda: timm_model(model)),
            "transformers": lambda _: transformers_parameters(
                "swinv2", "Swinv2", name, window_size=window, image_size=32 * window
            ),
        },
    )


def macs(name: str, window: int, side: int, model: str) -> Count:
    """Both without the head; nothing is left to explain. Another window costs another number."""

    def mine(window: int) -> Way:
        return lambda lesson: lesson.counted_swin_macs(replace(lesson.SWINS[name], window=window), side)

    images = torch.empty(1, 3, side, side, device="meta")
    return Count(
        {"its own count": mine(window)},
        {"timm": lambda _: macs_of(timm_model(model).forward_features, images)},
        unlike=(mine(14),) if window == 7 else (),
    )


def window_macs(side: int, dim: int, window: int) -> Count:
    """Attention in all windows of a map; the projections are counted apart, too."""

    def mine(lesson: ModuleType) -> dict[str, int]:
        macs = lesson.window_macs(side * side, dim, window)
        return {"all": sum(macs.values()), "projections": macs["projections"]}

    def counted(lesson: ModuleType) -> dict[str, int]:
        return mine(lesson) | {"all": lesson.counted_window_macs(side, dim, window)}

    def theirs(_: ModuleType) -> dict[str, int]:
        build = reference("timm.models.swin_transformer").WindowAttention
        layer = on_meta(lambda: build(dim, 3, window_size=window))
        tokens = torch.empty(side**2 // window**2, window**2, dim, device="meta")
        projections = macs_of(layer.qkv, tokens) + macs_of(layer.proj, tokens)
        return {"all": macs_of(layer, tokens), "projections": projections}

    return Count({"its formula": mine, "its own count": counted}, {"timm": theirs})


def cswin_macs(height: int, width: int, stripe: int, heads: int) -> Count:
    """Every query, every key it may see and every head, one product of d numbers for the score and one for mixing."""

    def by_pairs(_: ModuleType) -> dict[str, int]:
        nears = same_stripe((height, stripe)), same_stripe((stripe, width))
        places = list(itertools.product(range(height), range(width)))
        pairs = sum(near(a, b) for near in nears for a in places for b in places)
        lepe = nn.Conv2d(DIM // 2, DIM // 2, 3, padding=1, groups=DIM // 2)
        return {
            "projections": 4 * macs_of(nn.Linear(DIM, DIM), torch.zeros(height * width, DIM)),
            "pairs": 2 * pairs * (heads // 2) * (DIM // heads),
            "LePE": 2 * macs_of(lepe, torch.zeros(1, DIM // 2, height, width)),
        }

    return Count({"its formula": lambda lesson: lesson.cswin_macs(height, width, DIM, stripe)}, {"by pairs": by_pairs})


def cswin_counted(height: int, width: int, stripe: int, heads: int) -> Count:
    """What the lesson counts while its layer runs."""

    def counted(lesson: ModuleType) -> int:
        layer = lesson.CSWinAttention(DIM, heads, stripe)
        return lesson.counted(layer, torch.zeros(1, height, width, DIM))

    (by_pairs,) = cswin_macs(height, width, stripe, heads).theirs.values()
    return Count({"its layer, counted": counted}, {"by pairs": lambda lesson: sum(by_pairs(lesson).values())})


V2 = [
    ("Swin-T", 8, "swinv2_tiny_window8_256"),
    ("Swin-S", 8, "swinv2_small_window8_256"),
    ("Swin-B", 8, "swinv2_base_window8_256"),
    ("Swin-L", 12, "swinv2_large_window12_192"),
]
MACS = [
    ("Swin-T", 7, 224, "swin_tiny_patch4_window7_224"),
    ("Swin-S", 7, 224, "swin_small_patch4_window7_224"),
    ("Swin-B", 7, 224, "swin_base_patch4_window7_224"),
    ("Swin-L", 7, 224, "swin_large_patch4_window7_224"),
    ("Swin-B", 12, 384, "swin_base_patch4_window12_384"),
]
CSWINS = [(4, 6, 2, 4), (6, 6, 3, 2), (2, 8, 1, 2)]
COUNTS = {
    **{f"parameters of {name}": parameters(name) for name in SIZES},
    **{f"parameters of {name} by part": parameters_by_part(name) for name in SIZES},
    **{f"parameters of {name} V2": parameters_of_v2(name, window, model) for name, window, model in V2},
    **{f"MACs of {name}, M = {window}": macs(name, window, side, model) for name, window, side, model in MACS},
    **{f"MACs of windows {sizes}": window_macs(*sizes) for sizes in [(56, 96, 7), (24, 48, 8), (12, 24, 12)]},
    **{f"MACs of CSWin {sizes}": cswin_macs(*sizes) for sizes in CSWINS},
    **{f"MACs of CSWin {sizes}, counted": cswin_counted(*sizes) for sizes in CSWINS},
}
