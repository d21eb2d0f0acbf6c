"""Lesson 7's encoder and masked models beside transformers' ViT-MAE, BEiT, DINOv2 with registers and SigLIP.

The lesson's encoder gives [CLS] no position, and MAE here has no [CLS] at all. Its references get positions whose first
row is zero, and layers in which nobody sees [CLS]; nothing else of them is changed.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils import parametrize

from tests.parity.framework.cases import Case, Named, biases_of_keys, tensor
from tests.parity.framework.harness import generator, reference, translate

SIDE, PATCH, GRID = 12, 3, 4
DIM, DEPTH, HEADS = 24, 2, 3
NARROW, DECODER_DEPTH, DECODER_HEADS = 16, 1, 2
VISIBLE, CODES, REGISTERS = 6, 11, 3
SIZES: dict[str, Any] = {
    "image_size": SIDE, "patch_size": PATCH, "num_channels": 1, "hidden_size": DIM, "num_hidden_layers": DEPTH,
    "num_attention_heads": HEADS, "layer_norm_eps": 1e-6, "attn_implementation": "sdpa",
}  # fmt: skip
RENAMED = (
    (".parametrizations", ""),
    (".original", ""),
    ("embeddings.patch_embeddings.projection", "patch.proj"),
    ("embeddings.patch_embedding", "patch.proj"),
    ("embeddings.cls_token", "cls"),
    ("embeddings.position_embeddings", "pos"),
    ("embeddings.position_embedding.weight", "pos"),
    ("decoder_layers", "blocks"),
    ("encoder.layers", "blocks"),
    ("encoder.layer.", "blocks."),
    ("layers.", "blocks."),
    ("self_attn", "attention"),
    ("out_proj", "o_proj"),
    ("attention.o_proj", "attn.out"),
    ("layernorm_before", "norm1"),
    ("layernorm_after", "norm2"),
    ("layer_norm1", "norm1"),
    ("layer_norm2", "norm2"),
)


def pictures(count: int = 3) -> Tensor:
    """Gray pictures."""
    return tensor(count, 1, SIDE, SIDE)


class AfterZero(nn.Module):
    """Positions of the patches as a table whose first row, that of [CLS], is zero."""

    def forward(self, rows: Tensor) -> Tensor:
        """The table."""
        return F.pad(rows, (0, 0, 1, 0))

    def right_inverse(self, table: Tensor) -> Tensor:
        """The rows."""
        return table[:, 1:].clone()


def cls_has_no_place(owner: nn.Module, name: str) -> None:
    """The position of [CLS] is zero, and no parameter."""
    parametrize.register_parametrization(owner, name, AfterZero(), unsafe=True)


def without_cls(layer: nn.Module, args: tuple[Any, ...]) -> tuple[Any, ...]:
    """What a layer is given, with the permission to see all but the first token."""
    seen = torch.ones(1, 1, 1, args[0].shape[1], dtype=torch.bool)
    seen[..., 0] = False
    return args[0], seen


def as_constant(owner: nn.Module, name: str, value: Tensor) -> None:
    """A parameter that the lesson's model does not have."""
    delattr(owner, name)
    owner.register_buffer(name, value)


def fused(parameters: Named, *names: tuple[str, str]) -> dict[str, Tensor]:
    """Parameters under the lesson's names; three projections in one, in the order q, k, v; patches as a matrix."""

    def rename(name: str) -> str:
        for theirs, ours in (*RENAMED, *names):
            name = name.replace(theirs, ours)
        return name

    found = translate(parameters, rename)
    for name in [name for name in found if ".attention.q_proj." in name]:
        parts = [found.pop(name.replace("q_proj", f"{part}_proj")) for part in "qkv"]
        found[name.replace("attention.q_proj", "attn.qkv")] = torch.cat(parts)
    for name, parameter in found.items():
        if name.endswith("patch.proj.weight"):
            found[name] = parameter.reshape(len(parameter), -1)
        if name.endswith("pos"):
            found[name] = parameter.reshape(1, -1, parameter.shape[-1])
    return found


def encoder(lesson: ModuleType, class_token: bool = False) -> nn.Module:
    """The lesson's encoder in these sizes."""
    return lesson.Encoder(SIDE, PATCH, DIM, DEPTH, HEADS, class_token)


def vit_mae(visible: int = VISIBLE, eps: float = 1e-6, normalised: bool = False) -> nn.Module:
    """transformers' masked autoencoder, without [CLS]."""
    modelling = reference("transformers.models.vit_mae.modeling_vit_mae")
    decoder = {"hidden_size": NARROW, "num_hidden_layers": DECODER_DEPTH, "num_attention_heads": DECODER_HEADS}
    config = modelling.ViTMAEConfig(
        **SIZES | {"layer_norm_eps": eps},
        **{f"decoder_{name}": value for name, value in decoder.items()},
        intermediate_size=2 * DIM,
        decoder_intermediate_size=2 * NARROW,
        mask_ratio=1 - visible / GRID**2,
        norm_pix_loss=normalised,
    )
    model = modelling.ViTMAEForPreTraining(config)
    for layer in [*model.vit.layers, *model.decoder.decoder_layers]:
        layer.register_forward_pre_hook(without_cls)
    as_constant(model.vit.embeddings, "cls_token", torch.zeros(1, 1, DIM))
    cls_has_no_place(model.vit.embeddings, "position_embeddings")
    cls_has_no_place(model.decoder, "decoder_pos_embed")
    return model.requires_grad_()  # its positions are fixed sines, the lesson's are learned


def mae_names(parameters: Named) -> dict[str, Tensor]:
    """transformers' parameters under the lesson's names."""
    found = fused(
        parameters,
        ("vit.layernorm", "encoder.norm"),
        ("vit.", "encoder."),
        ("decoder.decoder_embed", "narrow"),
        ("decoder.mask_token", "mask"),
        ("decoder.decoder_pos_embed", "pos"),
        ("decoder.decoder_norm", "norm"),
        ("decoder.decoder_pred", "pixels"),
        ("decoder.", ""),
    )
    return found | {"mask": found["mask"].reshape(-1)}


NOISE = torch.rand(3, GRID**2, generator=generator(71), dtype=torch.float64)


def mae_of_transformers(model: nn.Module, x: Tensor) -> Tensor:
    """Loss, mask, and predictions."""
    output = model(x, noise=NOISE.to(x))
    return torch.cat([output.loss.reshape(1), output.mask.flatten().to(x), output.logits.flatten()])


def mae(lesson: ModuleType, visible: int = VISIBLE) -> Case:
    """The whole model, its mask and its loss."""

    def mine(model: nn.Module, x: Tensor) -> Tensor:
        predicted, hidden = model(x, NOISE.to(x), visible)
        loss = lesson.masked_loss(predicted, lesson.patchify(x, PATCH), hidden)
        return torch.cat([loss.reshape(1), hidden.flatten().to(x), predicted.flatten()])

    theirs = vit_mae(visible)
    model = lesson.MAE(encoder(lesson), NARROW, DECODER_DEPTH, DECODER_HEADS)
    silent = biases_of_keys(theirs)
    return Case(model, theirs, pictures(), mae_names, mine, mae_of_transformers, silent)


HIDDEN = torch.rand(3, GRID**2, generator=generator(72)) < 0.4


def beit_of_transformers() -> nn.Module:
    """transformers' BEiT for masked images, with absolute positions and a bias for its keys."""
    modelling = reference("transformers.models.beit.modeling_beit")
    config = modelling.BeitConfig(
        **SIZES,
        intermediate_size=2 * DIM,
        vocab_size=CODES,
        use_mask_token=True,
        use_absolute_position_embeddings=True,
        use_relative_position_bias=False,
        use_shared_relative_position_bias=False,
        layer_scale_init_value=0.0,
        use_mean_pooling=True,
        drop_path_rate=0.0,
    )
    model = modelling.BeitForMaskedImageModeling(config)
    cls_has_no_place(model.beit.embeddings, "position_embeddings")
    for layer in model.beit.layers:
        layer.attention.k_proj = nn.Linear(DIM, DIM)
    return model


def beit_names(parameters: Named) -> dict[str, Tensor]:
    """transformers' parameters under the lesson's names."""
    found = fused(
        parameters,
        ("beit.embeddings.mask_token", "mask"),
        ("beit.", "encoder."),
        ("lm_head", "head"),
        ("layernorm", "encoder.norm"),
    )
    return found | {"mask": found["mask"].reshape(-1)}


def beit(lesson: ModuleType) -> Case:
    """Codes for all patches, some of them hidden; and the loss of the hidden ones."""
    codes = torch.arange(int(HIDDEN.sum())) % CODES

    def mine(model: nn.Module, x: Tensor) -> Tensor:
        scores = model(x, HIDDEN)[:, 1:]
        loss = F.cross_entropy(scores[HIDDEN], codes)
        return torch.cat([loss.reshape(1), scores.flatten()])

    def theirs(model: nn.Module, x: Tensor) -> Tensor:
        output = model(x, bool_masked_pos=HIDDEN, labels=codes)
        return torch.cat([output.loss.reshape(1), output.logits.flatten()])

    model = beit_of_transformers()
    own = lesson.BEiT(encoder(lesson, class_token=True), CODES)
    return Case(own, model, pictures(), beit_names, mine, theirs, biases_of_keys(model))


class WithRegisters(nn.Module):
    """The lesson's encoder with more learned tokens between [CLS] and the patches."""

    def __init__(self, encoder: Any, registers: int) -> None:
        super().__init__()
        self.encoder, self.registers = encoder, nn.Parameter(torch.zeros(1, registers, DIM))

    def forward(self, images: Tensor) -> Tensor:
        """All tokens."""
        registers = self.registers.expand(len(images), -1, -1)
        return self.encoder.encode(torch.cat([registers, self.encoder.embed(images)], dim=1))


def dinov2(registers: int) -> nn.Module:
    """transformers' DINOv2, its LayerScale at 1."""
    modelling = reference("transformers.models.dinov2_with_registers.modeling_dinov2_with_registers")
    config = modelling.Dinov2WithRegistersConfig(
        **SIZES, mlp_ratio=2, use_swiglu_ffn=False, drop_path_rate=0.0, num_register_tokens=registers
    )
    model = modelling.Dinov2WithRegistersModel(config)
    cls_has_no_place(model.embeddings, "position_embeddings")
    as_constant(model.embeddings, "mask_token", torch.zeros(1, DIM))
    for layer in model.encoder.layer:
        for scale in (layer.layer_scale1, layer.layer_scale2):
            as_constant(scale, "lambda1", torch.ones(DIM))
    return model


def all_tokens(model: nn.Module, x: Tensor) -> Tensor:
    """Every token after the last norm."""
    return model(x).last_hidden_state


def dinov2_names(parameters: Named) -> dict[str, Tensor]:
    """transformers' parameters under the lesson's names."""
    found = fused(parameters, ("embeddings.register_tokens", "registers"), ("layernorm", "norm"))
    return {name if name == "registers" else f"encoder.{name}": part for name, part in found.items()}


def with_registers(lesson: ModuleType, registers: int = REGISTERS) -> Case:
    """[CLS], registers, patches."""
    theirs = dinov2(registers)
    mine = WithRegisters(encoder(lesson, class_token=True), registers)
    return Case(mine, theirs, pictures(), dinov2_names, theirs_forward=all_tokens, silent=biases_of_keys(theirs))


def siglip_vision(**sizes: int) -> nn.Module:
    """transformers' SigLIP for pictures, without the attention that pools; no [CLS]."""
    modelling = reference("transformers.models.siglip.modeling_siglip")
    sizes = {"intermediate_size": 2 * DIM} | sizes
    config = modelling.SiglipVisionConfig(**SIZES | sizes, hidden_act="gelu", vision_use_head=False)
    return modelling.SiglipVisionModel(config)


def siglip_names(parameters: Named) -> dict[str, Tensor]:
    """transformers' parameters under the lesson's names."""
    return fused(parameters, ("post_layernorm", "norm"))


def mean_token(model: nn.Module, x: Tensor) -> Tensor:
    """What the lesson's encoder gives for a picture."""
    return all_tokens(model, x).mean(dim=1)


def plain(lesson: ModuleType) -> Case:
    """No [CLS]: the mean of the tokens."""
    theirs = siglip_vision()
    return Case(
        encoder(lesson),
        theirs,
        pictures(),
        siglip_names,
        theirs_forward=mean_token,
        silent=biases_of_keys(theirs),
    )
