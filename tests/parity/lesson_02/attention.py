"""Lesson 2's attention layers, poolings and whole model beside their references."""

from __future__ import annotations

from functools import partial
from types import ModuleType

import torch
from torch import Tensor, nn

from tests.parity.framework.cases import DIM, GRID, HEAD_DIM, HEADS, Case, Named, renamed, tensor, tokens
from tests.parity.framework.harness import reference, translate
from tests.parity.lesson_02.biases import BIAS_TABLE
from tests.parity.lesson_02.rotations import mixed_names, mixed_rope_embedding, timm_rope

norm_layer = partial(nn.LayerNorm, eps=1e-6)
ATTENTION_OF_TIMM = ("proj.", "out.")


def grid_attention(lesson: ModuleType) -> Case:
    """torch's layer with the bias as an additive mask, one for each head of each picture."""
    part = lesson.RelativeBias(GRID, HEADS)
    theirs = nn.MultiheadAttention(DIM, HEADS, batch_first=True)
    theirs.table = nn.Parameter(torch.empty(5 * 9, HEADS))
    row, column = (axis.flatten() for axis in torch.meshgrid(torch.arange(3), torch.arange(5), indexing="ij"))
    index = (row[:, None] - row + 2) * 9 + column[:, None] - column + 4

    def forward(layer: nn.Module, x: Tensor) -> Tensor:
        mask = layer.table[index].permute(2, 0, 1).repeat(len(x), 1, 1)
        return layer(x, x, x, attn_mask=mask, need_weights=False)[0]

    def names(parameters: Named) -> dict[str, Tensor]:
        ours = renamed(("in_proj_", "qkv."), ("out_proj", "out"), ("table", "positions.table"))(parameters)
        return ours | {"positions.table": ours["positions.table"][None]}

    mine = lesson.GridAttention(DIM, HEADS, part)
    return Case(mine, theirs, tokens(), names, lambda layer, x: layer(x, GRID), forward)


def swin_attention(lesson: ModuleType) -> Case:
    """timm's window attention, one window."""
    attention = reference("timm.models.swin_transformer").WindowAttention

    def names(parameters: Named) -> dict[str, Tensor]:
        ours = renamed(ATTENTION_OF_TIMM, (BIAS_TABLE[0], "positions.table"))(parameters)
        return ours | {"positions.table": ours["positions.table"][None]}

    return Case(
        lesson.GridAttention(DIM, HEADS, lesson.RelativeBias(GRID, HEADS)),
        attention(DIM, HEADS, window_size=GRID),
        tokens(),
        names,
        mine_forward=lambda layer, x: layer(x, GRID),
    )


def rope_attention(lesson: ModuleType) -> Case:
    attention = reference("timm.layers").AttentionRope

    return Case(
        lesson.GridAttention(DIM, HEADS, lesson.AxialRoPE(GRID, HEAD_DIM)),
        attention(DIM, HEADS, num_prefix_tokens=0),
        tokens(),
        renamed(ATTENTION_OF_TIMM),
        lambda layer, x: layer(x, GRID),
        lambda layer, x: layer(x, rope=timm_rope(x, 100.0)),
    )


def mixed_rope_attention(lesson: ModuleType) -> Case:
    """One layer with its own turning, learned for each head."""
    theirs = reference("timm.layers").AttentionRope(DIM, HEADS, num_prefix_tokens=0)
    theirs.rope = reference("timm.layers.pos_embed_sincos").RotaryEmbeddingMixed(DIM, 1, HEADS)

    def names(parameters: Named) -> dict[str, Tensor]:
        rest = {n: t for n, t in parameters.items() if n != "rope.freqs"}
        omega = mixed_names({"freqs": parameters["rope.freqs"]})["omega"]
        return renamed(ATTENTION_OF_TIMM)(rest) | {"positions.omega": omega}

    return Case(
        lesson.GridAttention(DIM, HEADS, lesson.MixedRoPE(GRID, HEADS, HEAD_DIM)),
        theirs,
        tokens(),
        names,
        lambda layer, x: layer(x, GRID),
        lambda layer, x: layer(x, rope=mixed_rope_embedding(layer.rope, x)),
    )


def cross_attention(lesson: ModuleType) -> Case:
    """torch's layer; it keeps q, k and v in one matrix. The first four tokens ask all of them."""

    def names(parameters: Named) -> dict[str, Tensor]:
        ours = renamed(("out_proj", "out"))(parameters)
        for kind in ("weight", "bias"):
            whole = ours.pop(f"in_proj_{kind}")
            ours[f"q.{kind}"], ours[f"kv.{kind}"] = whole.split([DIM, 2 * DIM])
        return ours

    return Case(
        lesson.CrossAttention(DIM, HEADS),
        nn.MultiheadAttention(DIM, HEADS, batch_first=True),
        tokens(),
        names,
        lambda layer, x: layer(x[:, :4], x),
        lambda layer, x: layer(x[:, :4], x, x, need_weights=False)[0],
    )


def map_names(parameters: Named) -> dict[str, Tensor]:
    """timm's MAP head: whole first parts of names, since `kv.` contains `v.`."""
    ours = {"latent": "probe", "q": "attn.q", "kv": "attn.kv", "proj": "attn.out"}

    def rename(name: str) -> str:
        first, dot, rest = name.partition(".")
        return ours.get(first, first) + dot + rest

    return translate(parameters, rename)


def attention_pooling(lesson: ModuleType) -> Case:
    """timm's head has no norm unless it is told to; vision_transformer tells it."""
    theirs = reference("timm.layers").AttentionPoolLatent(DIM, num_heads=HEADS, norm_layer=norm_layer)
    return Case(lesson.AttentionPooling(DIM, HEADS), theirs, tokens(), map_names)


def without_layer_scale(block: nn.Module) -> nn.Module:
    """CaiT's layer with LayerScale held at one, where it does nothing."""
    for name in ("gamma_1", "gamma_2"):
        size = getattr(block, name).shape
        delattr(block, name)
        block.register_buffer(name, torch.ones(size))
    return block


def class_attention_names(parameters: Named) -> dict[str, Tensor]:
    """timm keeps k and v apart."""
    ours = renamed(("attn.proj.", "attn.out."))(parameters)
    for name in [name for name in ours if ".k." in name]:
        pair = [ours.pop(name), ours.pop(name.replace(".k.", ".v."))]
        ours[name.replace(".k.", ".kv.")] = torch.cat(pair)
    return ours


def class_attention_layer(lesson: ModuleType) -> Case:
    layer = reference("timm.models.cait").LayerScaleBlockClassAttn
    theirs = without_layer_scale(layer(DIM, HEADS, qkv_bias=True, norm_layer=norm_layer))
    return Case(
        lesson.ClassAttentionLayer(DIM, HEADS),
        theirs,
        tokens(),
        class_attention_names,
        lambda block, x: block(x[:, :1], x[:, 1:]),
        lambda block, x: block(x[:, 1:], x[:, :1]),
        silent=frozenset({"attn.k.bias"}),
    )


class TwoClassAttentionLayers(nn.Module):
    """CaiT's end: a token for the class, two layers that update it."""

    def __init__(self) -> None:
        super().__init__()
        layer = reference("timm.models.cait").LayerScaleBlockClassAttn
        self.cls = nn.Parameter(torch.empty(1, 1, DIM))
        self.layers = nn.ModuleList(
            without_layer_scale(layer(DIM, HEADS, qkv_bias=True, norm_layer=norm_layer)) for _ in range(2)
        )

    def forward(self, x: Tensor) -> Tensor:
        cls = self.cls.expand(len(x), -1, -1)
        for layer in self.layers:
            cls = layer(x, cls)
        return cls[:, 0]


def class_attention(lesson: ModuleType) -> Case:
    return Case(lesson.ClassAttention(DIM, HEADS), TwoClassAttentionLayers(), tokens(), class_attention_names,
                silent=frozenset({"layers.0.attn.k.bias", "layers.1.attn.k.bias"}))  # fmt: skip


# The whole model.

VIT = {"dim": DIM, "depth": 2, "heads": HEADS, "mlp_dim": 56, "patch_size": 2, "image_size": 8, "channels": 3}


def vit_names(parameters: Named) -> dict[str, Tensor]:
    """timm's ViT; the head of MAP pooling has the names of its own."""
    pooling = {n.removeprefix("attn_pool."): t for n, t in parameters.items() if n.startswith("attn_pool.")}
    rest = {n: t for n, t in parameters.items() if not n.startswith("attn_pool.")}
    ours = renamed(
        ("patch_embed", "patch"), ("pos_embed", "positions.pos"), ("cls_token", "pooling.cls"),
        ("attn.proj", "attn.out"),
    )(rest)  # fmt: skip
    weight = ours["patch.proj.weight"]
    ours["patch.proj.weight"] = weight.reshape(len(weight), -1)
    return ours | {f"pooling.{n}": t for n, t in map_names(pooling).items()}


def grid_vit(lesson: ModuleType, pooling: str = "token") -> Case:
    """timm's ViT that adds positions to the patches only, then puts [CLS] in front, if there is one."""
    config = lesson.ViTConfig(**VIT, classes=7)
    part = {
        "token": lambda: lesson.ClassToken(DIM),
        "avg": lesson.MeanPooling,
        "max": lesson.MaxPooling,
        "map": lambda: lesson.AttentionPooling(DIM, HEADS),
    }[pooling]()
    theirs = reference("timm").models.vision_transformer.VisionTransformer(
        img_size=(6, 10), patch_size=2, in_chans=3, num_classes=7, embed_dim=DIM, depth=2, num_heads=HEADS,
        # MAP's own MLP is four times as wide in the lesson, the blocks' is not.
        mlp_ratio=4 if pooling == "map" else VIT["mlp_dim"] / DIM,
        class_token=pooling == "token", no_embed_class=True, global_pool=pooling, fc_norm=False,
        norm_layer=norm_layer,
    )  # fmt: skip
    if pooling == "map":
        config = lesson.ViTConfig(**VIT | {"mlp_dim": 4 * DIM}, classes=7)
    mine = lesson.GridViT(lesson.Learned(GRID, DIM), pooling=part, config=config)
    return Case(mine, theirs, tensor(2, 3, 6, 10), vit_names)


def cait(lesson: ModuleType) -> Case:
    """timm's CaiT with plain attention in its blocks and LayerScale held at one: where its last norm is, too."""
    config = lesson.ViTConfig(**VIT | {"mlp_dim": 4 * DIM}, classes=7)
    theirs = reference("timm.models.cait").Cait(
        img_size=(6, 10), patch_size=2, in_chans=3, num_classes=7, embed_dim=DIM, depth=2, num_heads=HEADS,
        norm_layer=norm_layer, attn_block=reference("timm").models.vision_transformer.Attention,
    )  # fmt: skip
    for block in (*theirs.blocks, *theirs.blocks_token_only):
        without_layer_scale(block)

    def names(parameters: Named) -> dict[str, Tensor]:
        late = {n: t for n, t in parameters.items() if n.startswith("blocks_token_only.")}
        rest = {n: t for n, t in parameters.items() if n not in late}
        layers = {n.replace("blocks_token_only.", "pooling.layers."): t for n, t in late.items()}
        return vit_names(rest) | class_attention_names(layers)

    mine = lesson.GridViT(lesson.Learned(GRID, DIM), pooling=lesson.ClassAttention(DIM, HEADS), config=config)
    silent = frozenset(f"blocks_token_only.{layer}.attn.k.bias" for layer in range(2))
    return Case(mine, theirs, tensor(2, 3, 6, 10), names, silent=silent)
