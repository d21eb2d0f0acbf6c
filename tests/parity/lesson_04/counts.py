"""Lesson 4's groups of parameters at full size."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from torch import nn

from tests.parity.framework.counts import Count, Way, on_meta
from tests.parity.framework.harness import reference
from tests.parity.lesson_01.vit import TIMM_NAMES, from_timm


def groups(name: str) -> Count:
    """Which parameters decay, 1, and which do not, 0, by their names."""

    def mine(lesson: ModuleType) -> dict[str, int]:
        model = on_meta(lambda: lesson.ViT(lesson.vit_config(name)))
        return decaying(model, lesson.decay_groups(model, 0.3))

    def theirs(spared: bool) -> Way:
        def found(_: ModuleType) -> dict[str, int]:
            model: Any = on_meta(lambda: reference("timm").create_model(TIMM_NAMES[name]))
            names = model.no_weight_decay() if spared else ()
            groups = reference("timm.optim").param_groups_weight_decay(model, 0.3, no_weight_decay_list=names)
            ours = from_timm(dict(model.named_parameters()))  # the same order, other names
            return dict(zip(ours, decaying(model, groups).values(), strict=True))

        return found

    return Count({"its groups": mine}, {"timm": theirs(spared=True)}, unlike=(theirs(spared=False),))


def decaying(model: nn.Module, groups: list[dict]) -> dict[str, int]:
    """1 for each parameter whose group decays by 0.3; every parameter is in one group."""
    decay = {id(p): group["weight_decay"] for group in groups for p in group["params"]}
    assert set(decay.values()) == {0.0, 0.3} and len(decay) == sum(len(group["params"]) for group in groups)
    return {name: int(decay[id(p)] > 0) for name, p in model.named_parameters()}


COUNTS = {f"what decays in {name}": groups(name) for name in ("Ti/16", "B/16")}
