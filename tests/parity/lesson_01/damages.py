"""What the comparison of Lesson 1's ViT with timm's has to notice."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn

from tests.parity.framework.damages import GRADIENT_WRONG, Damaged, module


def _eps(model: nn.Module, eps: float, only: str = "") -> None:
    for name, part in model.named_modules():
        if isinstance(part, nn.LayerNorm) and name.startswith(only):
            part.eps = eps


def _tanh_gelu_in_one_block(model: nn.Module) -> None:
    model.blocks[1].mlp.act = nn.GELU(approximate="tanh")


def _values_and_keys_swapped(model: nn.Module) -> None:
    for parameter in model.blocks[0].attn.qkv.parameters():
        q, k, v = parameter.data.chunk(3)
        parameter.data = torch.cat([q, v, k])


def _heads_before_qkv(model: nn.Module) -> None:
    heads = model.blocks[0].attn.num_heads
    for parameter in model.blocks[0].attn.qkv.parameters():
        parts = parameter.data.unflatten(0, (heads, 3, -1)).transpose(0, 1)
        parameter.data = parts.flatten(0, 2).contiguous()


def _no_final_norm(model: nn.Module) -> None:
    model.norm.register_forward_hook(lambda norm, given, result: given[0])


def _pixels_ordered_pqc(model: nn.Module) -> None:
    weight = model.patch_embed.proj.weight
    weight.data = weight.data.permute(0, 2, 3, 1).reshape(weight.shape).contiguous()


def _patches_read_by_columns(model: nn.Module) -> None:
    model.patch_embed.register_forward_pre_hook(lambda patches, given: given[0].transpose(-2, -1))


def _scores_scaled_by_the_whole_width(model: nn.Module) -> None:
    attention = model.blocks[2].attn
    attention.fused_attn = False
    attention.scale = (attention.num_heads * attention.head_dim) ** -0.5


def _post_norm_attention(model: nn.Module) -> None:
    def post_norm(block: nn.Module, given: tuple[Tensor], _: Tensor) -> Tensor:
        x = block.norm1(given[0] + block.attn(given[0]))
        return x + block.mlp(block.norm2(x))

    model.blocks[0].register_forward_hook(post_norm)


def _mean_instead_of_cls(model: nn.Module) -> None:
    model.global_pool = "avg"


def _no_gradient_through_one_mlp(model: nn.Module) -> None:
    model.blocks[1].mlp.register_forward_hook(lambda mlp, given, result: result.detach())


def _attention_values_and_keys_swapped(layer: nn.Module) -> None:
    for parameter in (layer.in_proj_weight, layer.in_proj_bias):
        q, k, v = parameter.chunk(3)
        parameter.copy_(torch.cat([q, v, k]))


def _vit(what: str, change: Callable[[nn.Module], None], noticed_in: str = "outputs") -> Damaged:
    return "ViT = timm", what, module(change), noticed_in


DAMAGES: list[Damaged] = [
    _vit("eps 1e-12 everywhere, 1e-6 is right", partial(_eps, eps=1e-12)),
    _vit("eps 1e-5 in the final norm alone", partial(_eps, eps=1e-5, only="norm")),
    _vit("tanh GELU in one block", _tanh_gelu_in_one_block),
    _vit("k and v swapped in one block", _values_and_keys_swapped),
    _vit("qkv split as (h t d)", _heads_before_qkv),
    _vit("no final norm", _no_final_norm),
    _vit("pixels of a patch ordered (p q c)", _pixels_ordered_pqc),
    _vit("patches read by columns", _patches_read_by_columns),
    _vit("scores scaled by D, not by d", _scores_scaled_by_the_whole_width),
    _vit("Post-LN attention in one block", _post_norm_attention),
    _vit("mean of the patches instead of [CLS]", _mean_instead_of_cls),
    _vit("right values, gradient cut in one block", _no_gradient_through_one_mlp, "gradients"),
    ("attention = torch", "k and v swapped", module(_attention_values_and_keys_swapped), "outputs"),
    ("attention = torch", *GRADIENT_WRONG),
]
