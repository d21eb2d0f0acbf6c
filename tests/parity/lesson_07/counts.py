"""Lesson 7's sizes and multiplications, at full size."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import torch
from torch import nn

from tests.parity.framework.counts import Count, Way, macs_of, on_meta, parameters_of
from tests.parity.framework.harness import count, reference
from tests.parity.lesson_07.encoders import siglip_vision

# Of MAE's encoders: width, depth, heads, side of a patch.
PUBLISHED = {"B/16": (768, 12, 12, 16), "L/16": (1024, 24, 16, 16), "H/14": (1280, 32, 16, 14)}


def vit_mae(name: str) -> Any:
    """transformers' masked autoencoder of this size; eager attention is counted everywhere."""
    modelling = reference("transformers.models.vit_mae.modeling_vit_mae")
    dim, depth, heads, patch = PUBLISHED[name]
    config = modelling.ViTMAEConfig(
        hidden_size=dim,
        num_hidden_layers=depth,
        num_attention_heads=heads,
        intermediate_size=4 * dim,
        patch_size=patch,
        attn_implementation="eager",
    )
    return on_meta(lambda: modelling.ViTMAEForPreTraining(config))


def of_layers(layers: nn.ModuleList, tokens: int, dim: int) -> int:
    """What the layers of a stack multiply."""

    def run(x: torch.Tensor) -> None:
        for layer in layers:
            x = layer(x)

    return macs_of(run, torch.empty(1, tokens, dim, device="meta"))


def macs(name: str, share: float = 0.25) -> Count:
    """Encoder on a quarter of the patches, decoder on all; [CLS] in both."""

    def mine(lesson: ModuleType) -> dict[str, int]:
        config = lesson.vit_config(name)
        encoder = lesson.stack_macs(config.tokens // 4 + 1, config.dim, config.depth)
        return {"encoder": encoder, "decoder": lesson.stack_macs(config.tokens, *lesson.MAE_DECODER)}

    def theirs(part: float) -> Way:
        def found(_: ModuleType) -> dict[str, int]:
            model = vit_mae(name)
            patches = model.vit.embeddings.patch_embeddings.num_patches
            encoder = of_layers(model.vit.layers, int(part * patches) + 1, model.config.hidden_size)
            width = model.config.decoder_hidden_size
            return {"encoder": encoder, "decoder": of_layers(model.decoder.decoder_layers, patches + 1, width)}

        return found

    return Count({"its formula": mine}, {"transformers": theirs(share)}, unlike=(theirs(1.0), theirs(0.2)))


def small_encoder() -> Count:
    """The encoder that all methods of the lesson train."""

    def theirs(side: int) -> Way:
        sizes = {"image_size": side, "patch_size": 4, "hidden_size": 48, "num_attention_heads": 4}
        return lambda _: count(siglip_vision(intermediate_size=96, **sizes))

    return Count(
        {"its encoder": lambda lesson: parameters_of(lesson.Encoder)},
        {"transformers": theirs(24), "as the lesson says": 40_560},
        unlike=(theirs(28),),
    )


COUNTS = {**{f"MAE's multiplications, {name}": macs(name) for name in PUBLISHED}, "encoder": small_encoder()}
