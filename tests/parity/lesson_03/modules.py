"""Lesson 3's layers and small models, nine heads for a convolution among them, beside their references."""

from __future__ import annotations

import itertools
import math
from functools import partial
from types import ModuleType

import torch
from torch import Tensor, nn

from tests.parity.framework.cases import DIM, GRID, HEADS, Case, Named, renamed, tensor, tokens
from tests.parity.framework.harness import reference
from tests.parity.framework.swin_v2 import without_the_bias
from tests.parity.lesson_03.functions import side_by_side, some_mask

N = GRID[0] * GRID[1]


def torch_attention(lesson: ModuleType, masked: bool = False) -> Case:
    """Outputs and every head's weights of torch's layer, whose masks are True where a query may not see."""
    mask = some_mask(N, N) if masked else None
    forbidden = None if mask is None else ~mask

    def mine(layer: nn.Module, x: Tensor) -> Tensor:
        return side_by_side(layer(x, mask), layer.weights)

    def theirs(layer: nn.Module, x: Tensor) -> Tensor:
        answer, weights = layer(x, x, x, attn_mask=forbidden, average_attn_weights=False)
        return side_by_side(answer, weights.detach())  # the lesson's are there to be looked at

    return Case(
        lesson.MultiHeadAttention(DIM, HEADS),
        nn.MultiheadAttention(DIM, HEADS, batch_first=True),
        tokens(),
        renamed(("in_proj_", "qkv."), ("out_proj", "out")),
        mine,
        theirs,
    )


def timm_attention(lesson: ModuleType, head_norm: bool = False, masked: bool = False) -> Case:
    """timm's layer without and with norms of queries and keys; timm's own choice of eps is the model's."""
    norm = partial(nn.LayerNorm, eps=1e-6)
    mask = some_mask(N, N) if masked else None
    return Case(
        lesson.MultiHeadAttention(DIM, HEADS, *[lesson.layer_norm] * head_norm),
        reference("timm.layers").Attention(DIM, HEADS, qkv_bias=True, qk_norm=head_norm, norm_layer=norm),
        tokens(),
        renamed(("proj.", "out.")),
        lambda layer, x: layer(x, mask),
        lambda layer, x: layer(x, attn_mask=mask),
        # What all keys have in common moves all scores of a query alike.
        silent=frozenset({"k_norm.bias"} if head_norm else ()),
    )


class SwinV2OfTimm(nn.Module):
    """timm's attention in one window. The biases of keys, zeros that nobody learns there, are parameters here."""

    def __init__(self) -> None:
        super().__init__()
        attention = reference("timm.models.swin_transformer_v2").WindowAttention
        self.attn = without_the_bias(attention(DIM, GRID, HEADS), "cpb_mlp")
        del self.attn.k_bias
        self.attn.k_bias = nn.Parameter(torch.empty(DIM))

    def forward(self, x: Tensor) -> Tensor:
        return self.attn(x)

    @staticmethod
    def names(parameters: Named) -> dict[str, Tensor]:
        ours = {n.removeprefix("attn."): t for n, t in parameters.items()}
        ours["qkv.bias"] = torch.cat([ours.pop(f"{part}_bias") for part in "qkv"])
        return renamed(("proj.", "out."), ("logit_scale", "log_scale"))(ours)


class SwinV2OfTransformers(nn.Module):
    """transformers' attention in one window, which leaves the last linear layer to another class."""

    def __init__(self) -> None:
        super().__init__()
        modelling = reference("transformers.models.swinv2.modeling_swinv2")
        attention = modelling.Swinv2SelfAttention(modelling.Swinv2Config(), DIM, HEADS, GRID)
        self.attn = without_the_bias(attention, "continuous_position_bias_mlp")
        self.attn.key = nn.Linear(DIM, DIM)
        self.out = modelling.Swinv2SelfOutput(modelling.Swinv2Config(), DIM)

    def forward(self, x: Tensor) -> Tensor:
        return self.out(self.attn(x)[0], x)

    @staticmethod
    def names(parameters: Named) -> dict[str, Tensor]:
        ours = renamed(("attn.logit_scale", "log_scale"), ("out.dense", "out"))(parameters)
        for kind in ("weight", "bias"):
            parts = [ours.pop(f"attn.{part}.{kind}") for part in ("query", "key", "value")]
            ours[f"qkv.{kind}"] = torch.cat(parts)
        return ours


SWIN_V2 = {"timm": SwinV2OfTimm, "transformers": SwinV2OfTransformers}


def cosine_attention(lesson: ModuleType, library: str, run_away: bool = False) -> Case:
    """Swin V2 on cosines. `run_away`: the first head's scale is learned to be 165, the second's just below 100."""
    theirs = SWIN_V2[library]()

    def forward(layer: nn.Module, x: Tensor) -> Tensor:
        scale = layer.attn.logit_scale if hasattr(layer, "attn") else layer.log_scale
        if run_away:  # the layer is the harness's own copy
            scale.data[:2] = math.log(100) + torch.tensor([0.5, -0.01]).to(x)[:, None, None]
        return layer(x)

    return Case(lesson.CosineAttention(DIM, HEADS), theirs, tokens(), theirs.names, forward, forward)


def encoder_layer(lesson: ModuleType) -> Case:
    theirs = nn.TransformerEncoderLayer(
        DIM, HEADS, dim_feedforward=4 * DIM, dropout=0.0, activation="gelu", batch_first=True, norm_first=True
    )
    names = renamed(
        ("self_attn.in_proj_", "attn.qkv."), ("self_attn.out_proj", "attn.out"),
        ("linear1", "mlp.fc1"), ("linear2", "mlp.fc2"),
    )  # fmt: skip
    return Case(lesson.Layer(DIM, HEADS), theirs, tokens(), names)


def timm_vit() -> nn.Module:
    """timm's ViT in the size of the lesson's Finder."""
    return reference("timm").models.vision_transformer.VisionTransformer(
        img_size=20, patch_size=4, in_chans=1, num_classes=4, embed_dim=32, depth=2, num_heads=4,
        norm_layer=nn.LayerNorm,
    )  # fmt: skip


def finder(lesson: ModuleType) -> Case:
    """timm's patch embedding is a convolution: its kernel (D, 1, P, P) is the lesson's matrix (D, P·P)."""

    def names(parameters: Named) -> dict[str, Tensor]:
        ours = renamed(
            ("patch_embed.proj", "patch"), ("pos_embed", "pos"), ("cls_token", "cls"), ("blocks", "layers"),
            ("attn.proj", "attn.out"),
        )(parameters)  # fmt: skip
        return ours | {"patch.weight": ours["patch.weight"].flatten(1)}

    return Case(lesson.Finder(), timm_vit(), tensor(3, 1, 20, 20), names)


# Nine heads for a convolution.


class Taps(nn.Module):
    """A kernel (C_out, C_in, K, K) applied by one head for each tap, in float64 or float32."""

    def __init__(self, lesson: ModuleType, kernel: Tensor):
        super().__init__()
        self.attend, self.looking_at = lesson.attend, lesson.looking_at
        self.weight = nn.Parameter(kernel.detach().clone())

    def forward(self, images: Tensor) -> Tensor:
        height, width = images.shape[-2:]
        places = torch.cartesian_prod(torch.arange(height), torch.arange(width))
        x, middle = images.flatten(2).mT, len(self.weight[0, 0]) // 2
        summed = 0
        for row, column in itertools.product(range(2 * middle + 1), repeat=2):
            offset = torch.tensor([row, column]) - middle
            q, k = (t.to(x) for t in self.looking_at(places, offset))
            summed = summed + self.attend(q, k, x @ self.weight[:, :, row, column].T, scale=1.0)[0]
        return summed.mT.unflatten(2, (height, width))


def heads_as_taps(lesson: ModuleType, grid: tuple[int, int] = GRID, side: int = 3) -> Case:
    """Beyond the border, the head finds the border's place: padding by repetition."""
    theirs = nn.Conv2d(4, 6, side, padding=side // 2, padding_mode="replicate", bias=False)
    return Case(Taps(lesson, theirs.weight), theirs, tensor(2, 4, *grid))
