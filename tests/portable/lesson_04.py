"""Lesson 4's steps, losses and models as a reader would carry them away."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import torch
from torch import Tensor, nn

from tests.portable.check import Calls, Case, random

DIM, HEADS, HIDDEN = 24, 3, 40
SIZES = {"dim": DIM, "depth": 2, "heads": HEADS, "mlp_dim": HIDDEN, "patch_size": 4, "image_size": 16, "classes": 5}
DRAWS = dict.fromkeys(("exported", "compiled"), "draws from a generator, which neither keeps in its graph")
COPIES = dict.fromkeys(("exported", "compiled"), "copies a module, which is no part of a graph") | {
    "pretend_cuda": "copies a module, which tensors that are not there do not allow"
}
DECIDES = DRAWS | {"pretend_cuda": "a draw decides what is done, and so its number is looked at"}
GRADIENT = {
    "exported": "takes a gradient inside",
    "compiled": "takes a gradient inside",
    "pretend_cuda": "takes a gradient inside, for which torch asks the device itself",
}
NO_BATCH = ()
LABELS = torch.tensor([4, 0, 2])


def vit(lesson: ModuleType) -> nn.Module:
    return lesson.ViT(lesson.ViTConfig(**SIZES))


def images() -> tuple[Tensor]:
    return (random(3, 3, 16, 16),)


def labelled_images() -> tuple[Tensor, Tensor]:
    return random(3, 3, 16, 16), LABELS


def of_model(
    model: Callable[[ModuleType], nn.Module], name: str, *more: Any, cannot: dict[str, str] | None = None
) -> Case:
    """A loss of a model, images and labels, which draws nothing."""

    def loss(lesson: ModuleType) -> Callable[..., Tensor]:
        return lambda model, images, labels: getattr(lesson, name)(model, images, labels, *more)

    return Case(lambda lesson: Calls(model(lesson), loss(lesson)), labelled_images, cannot or {}, batched=(0, 1))


def of_logits(name: str, *more: Any, scale: float = 1.0) -> Case:
    """A loss of logits (B, K) and labels (B,)."""
    return Case(lambda lesson: getattr(lesson, name), lambda: (scale * random(3, 5), LABELS, *more), batched=(0, 1))


def of_two(name: str, *more: Any, scale: float = 1.0) -> Case:
    """A loss of a student's and a teacher's logits (B, K)."""
    pair = (scale * random(3, 5), scale * random(3, 5, seed=1))
    return Case(lambda lesson: getattr(lesson, name), lambda: (*pair, *more))


def step() -> tuple[Any, ...]:
    """Weight, gradient, mean, square, and the number of the step."""
    weight, gradient, mean, square = (random(9, seed=seed) for seed in range(4))
    return weight, gradient, mean, square.square() + 0.1, 3


def clipped(scale: float) -> Case:
    """Two tensors of a model."""
    return Case(
        lambda lesson: lambda *gradients: lesson.clip_together(list(gradients), 0.5),
        lambda: (scale * random(4, 5), scale * random(7)),
        batched=NO_BATCH,
    )


class Follows(nn.Module):
    """A model and the average that follows it for one step."""

    def __init__(self, lesson: ModuleType) -> None:
        super().__init__()
        self.model, self.average = vit(lesson), lesson.MovingAverage

    def forward(self, x: Tensor) -> Tensor:
        average = self.average(self.model, 0.9)
        average.follow(self.model)
        return average.model(x)


class Taught(nn.Module):
    """A student of the lesson's size and its teacher."""

    def __init__(self, lesson: ModuleType) -> None:
        super().__init__()
        self.student, self.teacher = lesson.DistilledViT(lesson.DIGIT_VIT), lesson.digit_cnn(4)
        self.loss, self.rng = lesson.distillation, lesson.rng

    def forward(self, pictures: Tensor, labels: Tensor) -> Tensor:
        return self.loss(self.teacher, "soft")(self.student, pictures, labels, self.rng(3))


def regularised(lesson: ModuleType, *drops: float) -> nn.Module:
    return lesson.RegularisedViT(lesson.ViTConfig(**SIZES), *drops)


def lora(lesson: ModuleType) -> nn.Module:
    return lesson.LoRA(nn.Linear(DIM, 3 * DIM), 2)


def changed(name: str, *more: Any) -> Case:
    """A function that gives a changed copy of a model."""

    def ask(lesson: ModuleType) -> Callable[..., Tensor]:
        return lambda model, x: getattr(lesson, name)(model, *more)(x)

    return Case(lambda lesson: Calls(vit(lesson), ask(lesson)), images, COPIES)


NUMBER = "it gives a Python number, for which it looks at the values"
CASES = {
    "adamw_step": Case(lambda lesson: lesson.adamw_step, step, batched=NO_BATCH),
    "plain_loss": of_model(vit, "plain_loss", None),
    "part_right": of_model(
        vit, "part_right", cannot=dict.fromkeys(("meta", "pretend_cuda", "exported", "compiled"), NUMBER)
    ),
    "clip_together": clipped(1.0),
    "clip_together/short enough": clipped(0.01),
    "clip_together/large": clipped(100.0),
    "accumulated": of_model(vit, "accumulated", 2, cannot=GRADIENT),
    "backward_gradients": of_model(
        vit, "backward_gradients", cannot=GRADIENT | {"meta": "how many are not zero depends on their values"}
    ),
    "MovingAverage": Case(Follows, images, COPIES),
    "RegularisedViT": Case(lambda lesson: regularised(lesson, 0.5, 0.1), images),
    "RegularisedViT/dropping": Case(
        lambda lesson: Calls(regularised(lesson, 0.5, 0.1), lambda model, x: model(x, lesson.rng(3))), images, DRAWS
    ),
    "thinned": Case(
        lambda lesson: lambda x: lesson.thinned(x, 0.6, 0.1, lesson.rng(3)), lambda: (random(3, 5, DIM),), DRAWS
    ),
    "thinned/branches alone": Case(
        lambda lesson: lambda x: lesson.thinned(x, 0.6, 0.0, lesson.rng(3)), lambda: (random(3, 5, 2, 2),), DRAWS
    ),
    "mixed_batch": Case(
        lambda lesson: lambda x, labels: lesson.mixed_batch(x, labels, 5, lesson.rng(3)), labelled_images, DECIDES
    ),
    "mixed_batch/the other kind": Case(
        lambda lesson: lambda x, labels: lesson.mixed_batch(x, labels, 5, lesson.rng(5)), labelled_images, DECIDES
    ),
    "recipe_loss": Case(
        lambda lesson: Calls(
            regularised(lesson), lambda model, x, labels: lesson.recipe_loss(smoothing=0.1)(model, x, labels, None)
        ),
        labelled_images,
        batched=(0, 1),
    ),
    "soft_loss": of_two("soft_loss", 3.0),
    "soft_loss/large": of_two("soft_loss", 2.0, scale=30.0),
    "hard_loss": of_two("hard_loss"),
    "DistilledViT": Case(lambda lesson: lesson.DistilledViT(lesson.ViTConfig(**SIZES)), images),
    "DistilledViT/both": Case(
        lambda lesson: Calls(lesson.DistilledViT(lesson.ViTConfig(**SIZES)), lambda model, x: model.both(x)), images
    ),
    "distillation": Case(Taught, lambda: (random(3, 1, 8, 8), LABELS), DECIDES),
    "focal_loss": of_logits("focal_loss"),
    "focal_loss/large": of_logits("focal_loss", scale=100.0),
    "adjusted_loss": of_logits("adjusted_loss", torch.tensor([70_000, 900, 40, 8, 1])),
    "ldam_loss": of_logits("ldam_loss", torch.tensor([70_000, 900, 40, 8, 1])),
    "LoRA": Case(lora, lambda: (random(2, 9, DIM),)),
    "LoRA/merged": Case(
        lambda lesson: Calls(lora(lesson), lambda layer, x: layer.merged()(x)), lambda: (random(2, 9, DIM),), COPIES
    ),
    "with_lora": changed("with_lora", 2),
    "zero_head": Case(
        lambda lesson: Calls(vit(lesson), lambda model, x: x.sum() + lesson.zero_head(model)(x)),
        lambda: (random(2, 9, DIM),),
        COPIES,
    ),
}

INTEGERS = "plain arithmetic on numbers"
EXPERIMENT = "runs an experiment of this lesson"
DIGITS = "draws from this lesson's digits"
SORTS = "puts a model's own parameters into groups, makes none"
EXEMPT = {
    "warmup_cosine": INTEGERS,
    "Recipe": INTEGERS,
    "beta_share": "draws a number, from a generator alone",
    "repeated_epoch": "draws whole numbers, from a generator alone",
    "decay_groups": SORTS,
    "layer_groups": SORTS,
    "forward_macs": INTEGERS,
    "training_hours": INTEGERS,
    "amp_step": "chooses the precision of its products itself",
    "saved_bytes": "an instrument that counts what autograd keeps",
    "Without": "stands in for any object, one of whose methods is left out",
    "first_not_finite": "an instrument that looks at numbers, and answers with a name",
    "failure": "starts a process",
    "refuses": "says whether a call is refused",
    "few_digits": DIGITS,
    "long_tail": DIGITS,
    "upper_digits": DIGITS,
    "learn": EXPERIMENT,
    "step_lengths": EXPERIMENT,
    "ordered_vit": "builds the models of an experiment",
    "digit_runs": EXPERIMENT,
    "watched_run": EXPERIMENT,
    "train_teacher": EXPERIMENT,
    "tail_recalls": EXPERIMENT,
    "pretrained": EXPERIMENT,
    "transferred": EXPERIMENT,
}
