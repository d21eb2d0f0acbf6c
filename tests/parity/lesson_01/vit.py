"""Lesson 1's ViT beside its references: the sizes, the builders, and the one table of names for each library.

A release of a library that renames its weights is mended here and nowhere else.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from types import ModuleType
from typing import Any

import torch
from torch import Tensor, nn

from tests.parity.framework.cases import Build, Case, Named, biases_of_keys, renamed, tensor
from tests.parity.framework.harness import reference, translate

LESSON = "01_vit_fundamentals"
LAYER_NORM_EPS = 1e-6

# Small, with no two sizes alike: a swapped axis, or a hidden width taken for 4D, cannot pass by coincidence.
TINY = {
    "image_size": 32, "patch_size": 8, "channels": 3,
    "dim": 48, "depth": 3, "heads": 3, "mlp_dim": 112, "classes": 10,
}  # fmt: skip

# The lesson's names of the published sizes, with timm's.
TIMM_NAMES = {
    "Ti/16": "vit_tiny_patch16_224",
    "S/16": "vit_small_patch16_224",
    "B/16": "vit_base_patch16_224",
    "B/32": "vit_base_patch32_224",
    "L/16": "vit_large_patch16_224",
    "L/32": "vit_large_patch32_224",
    "H/14": "vit_huge_patch14_224",
    "G/14": "vit_gigantic_patch14_224",
}


def tiny_config(lesson: ModuleType) -> Any:
    """TINY as the lesson's ViTConfig."""
    return lesson.ViTConfig(**TINY)


def transformers_sizes(config: Any, eps: float) -> dict[str, Any]:
    """What transformers' configurations of ViT and DeiT are told."""
    return {
        "image_size": config.image_size,
        "patch_size": config.patch_size,
        "num_channels": config.channels,
        "hidden_size": config.dim,
        "num_hidden_layers": config.depth,
        "num_attention_heads": config.heads,
        "intermediate_size": config.mlp_dim,
        "num_labels": config.classes,
        "layer_norm_eps": eps,
        "attn_implementation": "sdpa",
    }


def transformers_vit(config: Any, eps: float = LAYER_NORM_EPS) -> nn.Module:
    """transformers' classifier of these sizes. Its default eps is 1e-12; its `eager` attention rounds to float32."""
    # The submodules, since the package itself imports lazily and would hide a missing piece until it is used.
    modelling = reference("transformers.models.vit.modeling_vit")
    settings = modelling.ViTConfig(**transformers_sizes(config, eps))
    return modelling.ViTForImageClassification(settings)


def timm_vit(config: Any, **options: Any) -> nn.Module:
    """timm's VisionTransformer of these sizes."""
    return reference("timm").models.vision_transformer.VisionTransformer(
        img_size=config.image_size,
        patch_size=config.patch_size,
        in_chans=config.channels,
        num_classes=config.classes,
        embed_dim=config.dim,
        depth=config.depth,
        num_heads=config.heads,
        mlp_ratio=config.mlp_dim / config.dim,
        **options,
    )


def torchvision_vit(config: Any) -> nn.Module:
    """torchvision's VisionTransformer of these sizes (three channels only)."""
    return reference("torchvision").models.VisionTransformer(
        image_size=config.image_size,
        patch_size=config.patch_size,
        num_layers=config.depth,
        num_heads=config.heads,
        hidden_dim=config.dim,
        mlp_dim=config.mlp_dim,
        num_classes=config.classes,
    )


def _linear_patches(parameters: Named) -> dict[str, Tensor]:
    """The references' patch convolution (D, C, P, P) as the lesson's linear map (D, C·P·P), pixels ordered (c p q)."""
    return {
        name: tensor.reshape(len(tensor), -1) if name == "patch.proj.weight" else tensor
        for name, tensor in parameters.items()
    }


def from_transformers(parameters: Named) -> dict[str, Tensor]:
    """transformers' parameters under the lesson's names; its three projections are stacked in the order q, k, v."""
    source = dict(parameters)
    fused: dict[str, Tensor] = {}
    for name in [name for name in source if ".attention.q_proj." in name]:
        parts = [source.pop(name.replace("q_proj", f"{part}_proj")) for part in "qkv"]
        fused[name.replace("attention.q_proj", "attn.qkv").replace("vit.layers", "blocks")] = torch.cat(parts)
    rest = renamed(
        ("vit.embeddings.patch_embeddings.projection", "patch.proj"),
        ("vit.embeddings.cls_token", "cls"),
        ("vit.embeddings.position_embeddings", "pos"),
        ("vit.layers", "blocks"),
        ("attention.o_proj", "attn.out"),
        ("layernorm_before", "norm1"),
        ("layernorm_after", "norm2"),
        ("vit.layernorm", "norm"),
        ("classifier", "head"),
    )(source)
    return _linear_patches(rest | fused)


def from_timm(parameters: Named) -> dict[str, Tensor]:
    """timm's parameters under the lesson's names."""
    ours = renamed(("patch_embed", "patch"), ("cls_token", "cls"), ("pos_embed", "pos"), ("attn.proj", "attn.out"))
    return _linear_patches(ours(parameters))


def from_torchvision(parameters: Named) -> dict[str, Tensor]:
    """torchvision's parameters under the lesson's names."""
    blocks = translate(parameters, lambda name: re.sub(r"encoder\.layers\.encoder_layer_(\d+)", r"blocks.\1", name))
    ours = renamed(
        ("conv_proj", "patch.proj"),
        ("class_token", "cls"),
        ("encoder.pos_embedding", "pos"),
        ("encoder.ln.", "norm."),
        ("heads.head", "head"),
        ("ln_1", "norm1"),
        ("ln_2", "norm2"),
        ("self_attention.in_proj_", "attn.qkv."),
        ("self_attention.out_proj", "attn.out"),
        ("mlp.0", "mlp.fc1"),
        ("mlp.3", "mlp.fc2"),
    )
    return _linear_patches(ours(blocks))


def images() -> Tensor:
    """Two pictures of the small size."""
    return tensor(2, TINY["channels"], TINY["image_size"], TINY["image_size"])


def vit(lesson: ModuleType, build: Callable[[Any], nn.Module], names: Callable[[Named], dict[str, Tensor]]) -> Case:
    """The whole model."""
    config = tiny_config(lesson)
    theirs = build(config)
    return Case(lesson.ViT(config), theirs, images(), names, silent=biases_of_keys(theirs))


def attention(lesson: ModuleType) -> Case:
    """One layer beside torch's own."""
    dim, heads = 48, 3
    return Case(
        lesson.Attention(dim, heads),
        nn.MultiheadAttention(dim, heads, batch_first=True),
        tensor(2, 17, dim, seed=3),
        renamed(("in_proj_", "qkv."), ("out_proj", "out")),
        theirs_forward=lambda layer, x: layer(x, x, x, need_weights=False)[0],
    )


CASES: dict[str, Build] = {
    "ViT = transformers": partial(vit, build=transformers_vit, names=from_transformers),
    "ViT = timm": partial(vit, build=timm_vit, names=from_timm),
    "ViT = torchvision": partial(vit, build=torchvision_vit, names=from_torchvision),
    "attention = torch": attention,
}
