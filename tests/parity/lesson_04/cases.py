"""Lesson 4's parts beside their references, one case each."""

from __future__ import annotations

from functools import partial

from tests.parity.framework.cases import Build
from tests.parity.lesson_04.losses import smoothed_loss, smoothed_others, smoothed_targets, softened
from tests.parity.lesson_04.mixing import skip_branch
from tests.parity.lesson_04.steps import run_of_rates, schedule

LESSON = "04_training"
CASES: dict[str, Build] = {
    "schedule = torch": partial(schedule, library="torch"),
    "schedule, one step of warm-up = torch": partial(schedule, library="torch", warmup=1, floor=0.0),
    "schedule = timm": partial(schedule, library="timm"),
    "schedule, no warm-up = timm": partial(schedule, library="timm", warmup=0),
    "exercise 4.1 = timm": partial(run_of_rates, shifted=True),
    "exercise 4.1, not shifted = timm": partial(run_of_rates, shifted=False),
    "exercise 4.2 = torch": smoothed_loss,
    "exercise 4.2 = timm": smoothed_targets,
    "exercise 4.2, the others alone = entry by entry": smoothed_others,
    "exercise 4.3 = class by class": softened,
    "exercise 4.3, T = 1 = class by class": partial(softened, temperature=1.0),
    "exercise 4.4 = timm": partial(skip_branch, library="timm"),
    "exercise 4.4 = torchvision": partial(skip_branch, library="torchvision"),
    "exercise 4.4, evaluation = torch": partial(skip_branch, library="torch", training=False),
}
SPARED = frozenset(
    {
        "schedule, one step of warm-up = torch",
        "schedule, no warm-up = timm",
        "exercise 4.3, T = 1 = class by class",
        "exercise 4.4, evaluation = torch",
    }
)
