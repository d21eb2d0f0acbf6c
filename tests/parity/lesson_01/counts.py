"""Lesson 1's parameters and multiply-accumulates at the published sizes."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import torch

from tests.parity.framework.counts import Count, Way, macs_of, on_meta, parameters_of
from tests.parity.framework.harness import reference
from tests.parity.lesson_01.vit import TIMM_NAMES, timm_vit, tiny_config, transformers_vit

Config = Callable[[ModuleType], Any]  # a size, as the lesson's ViTConfig
PUBLISHED = {"B/16": 86_567_656, "L/16": 304_326_632, "H/14": 632_045_800}
TORCHVISION_NAMES = {"B/16": "vit_b_16", "L/16": "vit_l_16", "H/14": "vit_h_14"}


def published_size(name: str, **changes: int) -> Config:
    """The lesson's configuration of this name."""
    return lambda lesson: lesson.vit_config(name, **changes)


def formula(config: Config) -> Way:
    """The lesson's sum of its parts."""
    return lambda lesson: sum(lesson.parameter_formula(config(lesson)).values())


def parameters(name: str) -> Count:
    """All parameters of one published size."""
    config = published_size(name)
    theirs: dict[str, Way | int] = {
        "timm": lambda lesson: parameters_of(
            lambda: reference("timm").create_model(TIMM_NAMES[name], num_classes=config(lesson).classes)
        ),
        "transformers": lambda lesson: parameters_of(lambda: transformers_vit(config(lesson))),
    }
    if name in PUBLISHED:
        torchvisions = TORCHVISION_NAMES[name]
        theirs["published"] = PUBLISHED[name]
        theirs["torchvision"] = lambda _: parameters_of(getattr(reference("torchvision").models, torchvisions))
    return Count(
        mine={
            "its model": lambda lesson: parameters_of(lambda: lesson.ViT(config(lesson))),
            "its own count": lambda lesson: lesson.count_parameters(on_meta(lambda: lesson.ViT(config(lesson)))),
            "its formula": formula(config),
        },
        theirs=theirs,
        unlike=(formula(published_size(name, classes=999)),),
    )


def macs(config: Config, other: Config) -> Count:
    """Multiply-accumulates of one image, as timm executes it."""

    def executed(lesson: ModuleType) -> int:
        sizes = config(lesson)
        image = torch.empty(1, sizes.channels, sizes.image_size, sizes.image_size, device="meta")
        return macs_of(on_meta(lambda: timm_vit(sizes)).eval(), image)

    def computed(config: Config) -> Way:
        return lambda lesson: sum(lesson.macs_formula(config(lesson)).values())

    return Count({"its formula": computed(config)}, {"timm": executed}, unlike=(computed(other),))


COUNTS = {
    **{f"parameters of {name}": parameters(name) for name in TIMM_NAMES},
    **{
        f"MACs of {name}": macs(published_size(name), published_size(name, classes=999))
        for name in ("Ti/16", "S/16", "B/16", "B/32", "L/16", "H/14", "G/14")
    },
    "MACs of odd sizes": macs(tiny_config, published_size("Ti/16")),
}
