"""Lesson 2's parts beside their references, one case each."""

from __future__ import annotations

from functools import partial

from tests.parity.framework.cases import Build
from tests.parity.lesson_02.attention import (
    attention_pooling,
    cait,
    class_attention,
    class_attention_layer,
    cross_attention,
    grid_attention,
    grid_vit,
    mixed_rope_attention,
    rope_attention,
    swin_attention,
)
from tests.parity.lesson_02.biases import (
    continuous_bias,
    relative_bias,
    relative_bias_of_transformers,
    stretched_relative_bias,
)
from tests.parity.lesson_02.places import (
    learned,
    patch_embedding,
    patchify,
    reassemble,
    resized_table,
    resized_with_extra,
    sine_cosine,
    unpatchify,
)
from tests.parity.lesson_02.rotations import axial_rope, mixed_rope, rope_by_halves, rotate

LESSON = "02_patch_and_position_embeddings"
CASES: dict[str, Build] = {
    "patch embedding = convolution": patch_embedding,
    "patchify = unfold": patchify,
    "unpatchify = fold": unpatchify,
    "exercise 2.1 = fold, then cut": reassemble,
    "bilinear table = kernel matrices": partial(resized_table, mode="bilinear"),
    "bicubic table = kernel matrices": resized_table,
    "smaller bicubic table = kernel matrices": partial(resized_table, new=(2, 3)),
    "learned positions on another grid": learned,
    "exercise 2.3 = kernel matrices": resized_with_extra,
    "sine-cosine = MAE": sine_cosine,
    "sine-cosine, base 100 = MAE": partial(sine_cosine, base=100.0),
    "relative bias = timm": relative_bias,
    "relative bias = Swin": relative_bias_of_transformers,
    "stretched relative bias = timm": stretched_relative_bias,
    "continuous bias = timm": partial(continuous_bias, library="timm"),
    "continuous bias, larger window = timm": partial(continuous_bias, library="timm", window=(4, 6), trained=(3, 4)),
    "continuous bias = transformers": partial(continuous_bias, library="transformers"),
    "continuous bias, larger window = transformers": partial(
        continuous_bias, library="transformers", window=(4, 6), trained=(3, 4)
    ),
    "rotate = timm": rotate,
    "axial RoPE = timm": axial_rope,
    "axial RoPE, base 10000 = timm": partial(axial_rope, base=10000.0),
    "mixed RoPE = timm": mixed_rope,
    "exercise 2.4 = DINOv3": rope_by_halves,
    "attention with a bias = torch": grid_attention,
    "attention with a bias = Swin of timm": swin_attention,
    "attention with axial RoPE = timm": rope_attention,
    "attention with mixed RoPE = timm": mixed_rope_attention,
    "cross-attention = torch": cross_attention,
    "attention pooling = timm": attention_pooling,
    "class-attention layer = CaiT": class_attention_layer,
    "class attention = CaiT": class_attention,
    "ViT with [CLS] = timm": grid_vit,
    "ViT, mean = timm": partial(grid_vit, pooling="avg"),
    "ViT, max = timm": partial(grid_vit, pooling="max"),
    "ViT, MAP = timm": partial(grid_vit, pooling="map"),
    "ViT, class attention = CaiT": cait,
}
