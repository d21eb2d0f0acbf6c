"""Lesson 4's groups of parameters, and the sizes of its student, at full size."""

from __future__ import annotations

from collections.abc import Iterable
from types import ModuleType
from typing import Any

import torch
from torch import nn

from tests.parity.framework.counts import Count, Way, macs_of, on_meta, parameters_of
from tests.parity.framework.harness import reference
from tests.parity.lesson_01.vit import TIMM_NAMES, from_timm, timm_vit
from tests.parity.lesson_04.deit import timm_deit, transformers_deit

DECAY, SHARE = 0.3, 0.75


def ours(lesson: ModuleType, name: str) -> nn.Module:
    return on_meta(lambda: lesson.ViT(lesson.vit_config(name)))


def timms(name: str) -> Any:
    return on_meta(lambda: reference("timm").create_model(TIMM_NAMES[name]))


def told(model: nn.Module, groups: Iterable[dict], key: str, names: Iterable[str] | None = None) -> dict[str, int]:
    """What the groups say of each parameter, in millionths; every parameter is in one group."""
    groups = list(groups)
    found = {id(p): round(1e6 * group[key]) for group in groups for p in group["params"]}
    parameters = dict(model.named_parameters())
    assert len(found) == len(parameters) == sum(len(group["params"]) for group in groups)
    return {name: found[id(p)] for name, p in zip(names or parameters, parameters.values(), strict=True)}


def lesson_names(model: nn.Module) -> list[str]:
    """timm's parameters keep their order under the lesson's names."""
    return list(from_timm(dict(model.named_parameters())))


def decay(name: str) -> Count:
    """Which parameters decay."""

    def mine(lesson: ModuleType) -> dict[str, int]:
        model = ours(lesson, name)
        return told(model, lesson.decay_groups(model, DECAY), "weight_decay")

    def theirs(spared: bool) -> Way:
        def found(_: ModuleType) -> dict[str, int]:
            model = timms(name)
            kept = model.no_weight_decay() if spared else ()
            groups = reference("timm.optim").param_groups_weight_decay(model, DECAY, no_weight_decay_list=kept)
            return told(model, groups, "weight_decay", lesson_names(model))

        return found

    return Count({"its groups": mine}, {"timm": theirs(spared=True)}, unlike=(theirs(spared=False),))


def shares(name: str, key: str, theirs_key: str) -> Count:
    """Which parameters learn at which share of the rate, and which decay.

    But for the last norm: with timm it learns like the last block, in the lesson and in MAE's code like the head.
    """

    def but_the_last_norm(found: dict[str, int]) -> dict[str, int]:
        return {name: number for name, number in found.items() if not name.startswith("norm.")}

    def mine(share: float) -> Way:
        def found(lesson: ModuleType) -> dict[str, int]:
            model = ours(lesson, name)
            return but_the_last_norm(told(model, lesson.layer_groups(model, DECAY * share / SHARE, share), key))

        return found

    def theirs(_: ModuleType) -> dict[str, int]:
        model = timms(name)
        groups = reference("timm.optim").param_groups_layer_decay(
            model, DECAY, no_weight_decay_list=model.no_weight_decay(), layer_decay=SHARE
        )
        return but_the_last_norm(told(model, groups, theirs_key, lesson_names(model)))

    return Count({"its groups": mine(SHARE)}, {"timm": theirs}, unlike=(mine(0.7),))


def sizes(lesson: ModuleType, name: str) -> Any:
    return lesson.vit_config(f"{name}/16")


def student_parameters(name: str, published: int) -> Count:
    """All parameters of a student; one without its head counts fewer."""
    return Count(
        {"its model": lambda lesson: parameters_of(lambda: lesson.DistilledViT(sizes(lesson, name)))},
        {
            "transformers": lambda lesson: parameters_of(lambda: transformers_deit(sizes(lesson, name))),
            "timm": lambda lesson: parameters_of(lambda: timm_deit(sizes(lesson, name))),
            "timm's checkpoint": published,
        },
        unlike=(lambda lesson: parameters_of(lambda: lesson.ViT(sizes(lesson, name))),),
    )


def student_tokens(name: str) -> Count:
    """How many tokens reach the first block."""

    def mine(student: str) -> Way:
        def counted(lesson: ModuleType) -> int:
            model: Any = on_meta(lambda: getattr(lesson, student)(sizes(lesson, name)))
            seen: list[int] = []
            model.blocks[0].register_forward_hook(lambda block, x, y: seen.append(x[0].shape[1]))
            model(torch.empty(1, 3, 224, 224, device="meta"))
            return seen[0]

        return counted

    def places(model: nn.Module, table: str) -> int:
        return model.get_parameter(table).shape[1]

    return Count(
        {"its blocks": mine("DistilledViT")},
        {
            "timm": lambda lesson: places(on_meta(lambda: timm_deit(sizes(lesson, name))), "pos_embed"),
            "transformers": lambda lesson: places(
                on_meta(lambda: transformers_deit(sizes(lesson, name))), "deit.embeddings.position_embeddings"
            ),
            "DeiT, section 4": 198,
        },
        unlike=(mine("ViT"),),
    )


def macs(name: str, **changes: int) -> Count:
    """Multiply-accumulates of one picture's forward pass, as timm executes it."""

    def mine(**more: int) -> Way:
        return lambda lesson: lesson.forward_macs(lesson.vit_config(name, **changes, **more))

    def executed(lesson: ModuleType) -> int:
        config = lesson.vit_config(name, **changes)
        image = torch.empty(1, 3, config.image_size, config.image_size, device="meta")
        return macs_of(on_meta(lambda: timm_vit(config)).eval(), image)

    return Count({"its formula": mine()}, {"timm": executed}, unlike=(mine(classes=999),))


PUBLISHED = {"Ti": 5_910_800, "S": 22_436_432, "B": 87_338_192}  # timm's results-imagenet.csv: 5.91, 22.44, 87.34 M
COUNTS = {
    **{f"what decays in {name}": decay(name) for name in ("Ti/16", "B/16")},
    "shares of the rate, layer by layer": shares("B/16", "share", "lr_scale"),
    "what decays, layer by layer": shares("B/16", "weight_decay", "weight_decay"),
    **{f"parameters of distilled DeiT-{name}": student_parameters(name, number) for name, number in PUBLISHED.items()},
    "tokens of distilled DeiT-B": student_tokens("B"),
    "MACs of B/16": macs("B/16"),
    "MACs of B/16 at 384 pixels": macs("B/16", image_size=384),
    "MACs of H/14 at 154 pixels": macs("H/14", image_size=154),
}
