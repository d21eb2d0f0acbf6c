"""Lesson 4's parts beside their references, one case each."""

from __future__ import annotations

from functools import partial

from tests.parity.framework.cases import Build
from tests.parity.lesson_04.deit import student, whole_loss
from tests.parity.lesson_04.losses import (
    adjusted,
    focal,
    focal_of_many,
    hard,
    ldam,
    several_teachers,
    smoothed_loss,
    smoothed_others,
    smoothed_targets,
    soft,
)
from tests.parity.lesson_04.mixing import drop_path, mixed, skip_branch, thinned_vit
from tests.parity.lesson_04.steps import accumulated, adamw, averaged, clipped, run_of_rates, schedule

LESSON = "04_training"
CASES: dict[str, Build] = {
    "AdamW = torch": partial(adamw, library="torch"),
    "AdamW, other settings = torch": partial(adamw, library="torch", lr=0.05, weight_decay=0.1, eps=1e-3),
    "AdamW = timm": partial(adamw, library="timm"),
    "schedule = torch": partial(schedule, library="torch"),
    "schedule, one step of warm-up = torch": partial(schedule, library="torch", warmup=1, floor=0.0),
    "schedule = timm": partial(schedule, library="timm"),
    "schedule, no warm-up = timm": partial(schedule, library="timm", warmup=0),
    "clipping = torch": partial(clipped, limit=0.5),
    "clipping, short enough = torch": partial(clipped, limit=50.0),
    "accumulation, unequal parts = the whole batch": partial(accumulated, size=3),
    "accumulation, one by one = the whole batch": partial(accumulated, size=1),
    "average = timm": partial(averaged, library="timm"),
    "average = torch": partial(averaged, library="torch"),
    "average, warm = step by step": partial(averaged, library="step by step", decay=0.3, warm=True),
    "drop path = timm": partial(drop_path, library="timm"),
    "drop path = torchvision": partial(drop_path, library="torchvision"),
    "ViT that drops branches = timm": thinned_vit,
    "Mixup = timm": partial(mixed, share=0.6875, kind=0.1),
    "CutMix = timm": partial(mixed, share=0.75, kind=0.9),
    "CutMix over the border = timm": partial(mixed, share=0.75, kind=0.9, corner=(1, 7)),
    **{f"soft loss, T = {t} = class by class": partial(soft, temperature=t) for t in (1, 3)},
    "hard loss = picture by picture": hard,
    **{
        f"DeiT's loss, {kind} = picture by picture": partial(whole_loss, kind=kind) for kind in ("none", "hard", "soft")
    },
    "student = transformers": partial(student, library="transformers"),
    "student = timm": partial(student, library="timm"),
    "focal loss = torchvision": focal,
    "focal loss, γ = 0.5 = torchvision": partial(focal, gamma=0.5),
    "focal loss of five classes = picture by picture": focal_of_many,
    "logit adjustment = picture by picture": adjusted,
    "LDAM = picture by picture": ldam,
    "exercise 4.1 = timm": partial(run_of_rates, shifted=True),
    "exercise 4.1, not shifted = timm": partial(run_of_rates, shifted=False),
    "exercise 4.2 = torch": smoothed_loss,
    "exercise 4.2 = timm": smoothed_targets,
    "exercise 4.2, the others alone = entry by entry": smoothed_others,
    "exercise 4.3 = class by class": several_teachers,
    "exercise 4.3, T = 1 = class by class": partial(several_teachers, temperature=1.0),
    "exercise 4.4 = timm": partial(skip_branch, library="timm"),
    "exercise 4.4 = torchvision": partial(skip_branch, library="torchvision"),
    "exercise 4.4, evaluation = torch": partial(skip_branch, library="torch", training=False),
}
SPARED = frozenset(
    {
        "schedule, one step of warm-up = torch",
        "schedule, no warm-up = timm",
        "accumulation, one by one = the whole batch",
        "exercise 4.3, T = 1 = class by class",
        "exercise 4.4, evaluation = torch",
    }
)
