"""Lesson 7's encoders, losses and judges as a reader would carry them away."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import torch
from torch import Tensor, nn

from tests.portable.check import Calls, Case, random

DIM, HEADS, VISIBLE = 24, 3, 5
NO_BATCH = ()
DRAWS = dict.fromkeys(("exported", "compiled"), "draws from a generator, which neither keeps in its graph")
HALVES = dict.fromkeys(("float16", "bfloat16"), "torch has no Fourier transform on a CPU in half precision")
LOOPS = {"exported": "a loop over the batch fixes its size"}
COUNTED = dict.fromkeys(
    ("float64", "float16", "bfloat16"), "is given booleans, and answers in torch's default precision"
)
HIDDEN = torch.rand(3, 16, generator=torch.Generator().manual_seed(2)) < 0.4
GAPS = torch.rand(3, 1, 8, 8, generator=torch.Generator().manual_seed(3)) < 0.3


def encoder(lesson: ModuleType, class_token: bool = False) -> nn.Module:
    return lesson.Encoder(8, 2, DIM, 2, HEADS, class_token)


def images(side: int = 8) -> tuple[Tensor]:
    return (random(3, 1, side, side),)


def crops() -> tuple[Tensor]:
    """Gray, in [0, 1]."""
    return (random(3, 8, 8).sigmoid(),)


def asked(make: Callable[[ModuleType], nn.Module], ask: Callable[..., Any], arguments: Callable, **more: Any) -> Case:
    """What is asked of a part of a model."""
    return Case(lambda lesson: Calls(make(lesson), ask), arguments, **more)


def function(name: str, arguments: Callable, **more: Any) -> Case:
    """A function of the lesson."""
    return Case(lambda lesson: getattr(lesson, name), arguments, **more)


def drawing(name: str, arguments: Callable[[], tuple[Tensor, ...]], cannot: dict[str, str] | None = None) -> Case:
    """A function whose last argument is a generator."""
    return Case(
        lambda lesson: lambda *given: getattr(lesson, name)(*given, lesson.rng(3)), arguments, DRAWS | (cannot or {})
    )


def pair(count: int = 6, dim: int = 5) -> tuple[Tensor, Tensor]:
    """Two views of pictures."""
    return random(count, dim), random(count, dim, seed=1)


def clustered(count: int) -> Tensor:
    """Features around three directions, far apart."""
    middles = 8 * torch.eye(3, 6)
    return middles[torch.arange(count) % 3] + random(count, 6)


def probabilities(*shape: int, seed: int = 5) -> Tensor:
    return random(*shape, seed=seed).softmax(dim=-1)


class Started(nn.Module):
    """An encoder with the lesson's starting weights, from what its own were."""

    def __init__(self, lesson: ModuleType) -> None:
        super().__init__()
        self.encoder, self.begin = encoder(lesson), lesson.begin

    def forward(self, x: Tensor) -> Tensor:
        return self.begin(self.encoder, 4)(x)


class WithLast(nn.Module):
    """An encoder and the function that reads its last block."""

    def __init__(self, lesson: ModuleType) -> None:
        super().__init__()
        self.encoder, self.last = encoder(lesson, class_token=True), lesson.last_attention


def towers(lesson: ModuleType) -> nn.Module:
    return lesson.TwoTowers(encoder(lesson), lesson.TextEncoder(17, 5, DIM), DIM, 7)


def words(count: int = 3) -> Tensor:
    return torch.arange(count * 5).reshape(count, 5) % 17


def combinations() -> Tensor:
    """Digit, tone, place."""
    return torch.tensor([[3, 0, 2], [9, 1, 0], [0, 1, 3]])


RESTORE = torch.stack([torch.randperm(9, generator=torch.Generator().manual_seed(i)) for i in range(3)])
CASES = {
    "standardised": function("standardised", crops),
    "turned": drawing("turned", crops),
    "augmented": drawing("augmented", crops),
    "raw_pixels": function("raw_pixels", images),
    "fourier": function("fourier", images, cannot=HALVES),
    "middle": Case(
        lambda lesson: lambda pos: lesson.middle(pos, 2, 3), lambda: (random(1, 16, DIM),), batched=NO_BATCH
    ),
    "Encoder": Case(encoder, images),
    "Encoder/[CLS]": Case(lambda lesson: encoder(lesson, class_token=True), images),
    "Encoder/smaller pictures": Case(encoder, lambda: (random(3, 1, 4, 6),)),
    "Encoder/some tokens": asked(
        encoder, lambda model, x, keep: model.tokens(x, keep), lambda: (*images(), RESTORE[:, :VISIBLE])
    ),
    "projector": Case(lambda lesson: lesson.projector(DIM, 10, 7), lambda: (random(3, DIM),)),
    "begin": Case(Started, images, DRAWS),
    "weighted_knn": function(
        "weighted_knn", lambda: (clustered(20), torch.arange(20) % 3, clustered(6), 4), batched=(2,)
    ),
    "weighted_knn/sharp": function(
        "weighted_knn", lambda: (clustered(20), torch.arange(20) % 3, clustered(6), 4, 0.05), batched=(2,)
    ),
    "random_masking": function("random_masking", lambda: (RESTORE / 9, VISIBLE)),
    "restored": function("restored", lambda: (random(3, VISIBLE, DIM), random(DIM), RESTORE), batched=(0, 2)),
    "MAE": Case(
        lambda lesson: lesson.MAE(encoder(lesson), 16, 1, 2),
        lambda: (*images(), torch.arange(48.0).reshape(3, 16).sin(), VISIBLE),
    ),
    "masked_loss": function("masked_loss", lambda: (random(3, 16, 4), random(3, 16, 4, seed=1), HIDDEN)),
    "interpolated": function("interpolated", lambda: (*images(), GAPS)),
    "nearest_code": function("nearest_code", lambda: (random(3, 9, 16), 4 * random(7, 16, seed=1)), batched=(0,)),
    "BEiT": Case(lambda lesson: lesson.BEiT(encoder(lesson), 11), lambda: (*images(), HIDDEN)),
    "partner_loss": function("partner_loss", lambda: (random(6, 6),), batched=NO_BATCH),
    "nt_xent": function("nt_xent", pair),
    "nt_xent/cold": function("nt_xent", lambda: (*pair(), 0.01)),
    "nt_xent_by_loop": Case(lambda lesson: lambda a, b: lesson.nt_xent_by_loop(a, b, 0.5), pair, LOOPS),
    "alignment": function("alignment", pair),
    "uniformity": function("uniformity", lambda: pair()[:1], batched=NO_BATCH),
    "enqueue": function("enqueue", lambda: (random(9, 5), random(4, 5, seed=1)), batched=(1,)),
    "key_loss": function("key_loss", pair),
    "key_loss/queue": function(
        "key_loss", lambda: (*pair(), 0.2, nn.functional.normalize(random(9, 5, seed=2), dim=1)), batched=(0, 1)
    ),
    "crossed_loss": function("crossed_loss", lambda: (random(6, 5), random(6, 5, seed=1)), batched=NO_BATCH),
    "teacher_targets": function("teacher_targets", lambda: (random(2, 3, 7), random(7, seed=1)), batched=NO_BATCH),
    "dino_loss": function("dino_loss", lambda: (random(4, 3, 7), probabilities(2, 3, 7)), batched=NO_BATCH),
    "dino_loss/large": function("dino_loss", lambda: (50 * random(4, 3, 7), probabilities(2, 3, 7)), batched=NO_BATCH),
    "Prototypes": Case(lambda lesson: lesson.Prototypes(DIM, 11, 10, 7), lambda: (random(3, DIM),)),
    "largest_mass": function("largest_mass", lambda: (probabilities(3, 9),)),
    "overlap": function("overlap", lambda: (HIDDEN, ~HIDDEN.roll(1, dims=1)), cannot=COUNTED),
    "last_attention": asked(lambda lesson: WithLast(lesson), lambda model, x: model.last(model.encoder, x), images),
    "masked_token_loss": function(
        "masked_token_loss", lambda: (random(3, 16, 7), probabilities(3, 16, 7), HIDDEN), batched=(0, 1, 2)
    ),
    "koleo": function("koleo", lambda: pair()[:1]),
    "captions": function("captions", lambda: (combinations(),)),
    "canvases": drawing("canvases", lambda: (*images(), combinations())),
    "TextEncoder": Case(lambda lesson: lesson.TextEncoder(17, 5, DIM), lambda: (words(),)),
    "TwoTowers": Case(towers, lambda: (*images(), words())),
    "clip_loss": function("clip_loss", lambda: (random(6, 6),), batched=NO_BATCH),
    "clip_loss/large": function("clip_loss", lambda: (100 * random(6, 6),), batched=NO_BATCH),
}

PHOTOGRAPHS = "cuts and draws from this lesson's photographs"
DIGITS = "works on this lesson's digits"
EXPERIMENT = "runs an experiment of this lesson"
INTEGERS = "plain arithmetic on numbers"
JUDGE = "judges features with scikit-learn, in whatever precision"
GRADES = "serves the tests of exercises"
EXEMPT = {
    "material_parts": PHOTOGRAPHS,
    "Crops": PHOTOGRAPHS,
    "material_sets": PHOTOGRAPHS,
    "patch_codebook": PHOTOGRAPHS,
    "pretrain": EXPERIMENT,
    "linear_probe": JUDGE,
    "judged": JUDGE,
    "digit_mae": DIGITS,
    "fillings": DIGITS,
    "stack_macs": INTEGERS,
    "block_mask": "draws numbers, from a generator alone",
    "trained_beit": EXPERIMENT,
    "trained_supervised": EXPERIMENT,
    "simclr": EXPERIMENT,
    "momentum_contrast": EXPERIMENT,
    "Teacher": "keeps the record of an experiment",
    "self_distil": EXPERIMENT,
    "views_loss": "asks a teacher, which keeps the record of an experiment",
    "fine_tuned": EXPERIMENT,
    "trained_towers": EXPERIMENT,
    "parts_right": EXPERIMENT,
    "small_objects": PHOTOGRAPHS,
    "Scenes": PHOTOGRAPHS,
    "like_for_like": INTEGERS,
    "long_tailed": "draws numbers, from a generator alone",
    "k_means": EXPERIMENT,
    "balanced": "draws whole numbers, from a generator alone",
    "of_many_lengths": GRADES,
}
