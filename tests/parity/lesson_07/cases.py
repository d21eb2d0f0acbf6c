"""Lesson 7's parts beside their references, one case each."""

from __future__ import annotations

from functools import partial

from tests.parity.framework.cases import Build
from tests.parity.lesson_07 import captions, encoders, judges, losses

LESSON = "07_self_supervised"
CASES: dict[str, Build] = {
    "MAE = transformers": encoders.mae,
    "MAE, all visible but one = transformers": partial(encoders.mae, visible=15),
    "BEiT = transformers": encoders.beit,
    "encoder with registers = transformers' DINOv2": encoders.with_registers,
    "encoder = transformers' SigLIP": encoders.plain,
    **captions.CASES,
    **losses.CASES,
    **judges.CASES,
}
SPARED = frozenset(
    {
        "MAE, all visible but one = transformers",
        "NT-Xent, T = 1 = lightly",
        "k-NN, sharp = scikit-learn",
        "exercise 7.3, last step = lightly",
        "exercise 7.5, all others = scikit-learn",
        "exercise 7.6, one block = transformers",
    }
)
