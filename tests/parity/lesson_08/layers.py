"""Lesson 8's attention and layers beside torch's and transformers', and its decoder put together anew."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from types import ModuleType
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tests.parity.framework.cases import Build, Case, Named, function, tensor
from tests.parity.framework.harness import generator, reference

DIM, HEADS, QUERIES, TOKENS = 24, 4, 3, 6
PLACES, QUERY_PLACES = tensor(TOKENS, DIM, seed=90), tensor(QUERIES, DIM, seed=91)
MASK = torch.rand(2, QUERIES, TOKENS, generator=generator(92)) < 0.5
MASK[0, 1], MASK[1, 2, 3] = False, True
MASK[0, 1, 4] = True


def named(*pairs: tuple[str, str]) -> Callable[[Named], dict[str, Tensor]]:
    """Other names; and torch's fused projection of queries, keys and values cut in three."""

    def names(parameters: Named) -> dict[str, Tensor]:
        found = {}
        for name, parameter in parameters.items():
            for theirs, ours in pairs:
                name = name.replace(theirs, ours)
            if "in_proj_" in name:
                parts = zip("qkv", parameter.chunk(3), strict=True)
                found |= {name.replace("in_proj_", f"{letter}."): part for letter, part in parts}
            else:
                found[name] = parameter
        return found

    return names


def queries_and_tokens(x: Tensor) -> tuple[Tensor, Tensor]:
    """Both in one input."""
    return x[:, :QUERIES], x[:, QUERIES:]


def both(seed: int) -> Tensor:
    """Queries, then tokens, of two pictures."""
    return tensor(2, QUERIES + TOKENS, DIM, seed=seed)


def blocked(mask: Tensor, heads: int = HEADS) -> Tensor:
    """torch's way to say it: True where a token may not be seen, head by head."""
    return ~mask.repeat_interleave(heads, dim=0)


def of_torch(model: nn.Module, x: Tensor, mask: Tensor | None = MASK) -> Tensor:
    """Keys and values differ."""
    q, k = queries_and_tokens(x)
    hidden = None if mask is None else blocked(mask)
    return model(q, k, k.flip(1), attn_mask=hidden, need_weights=False)[0]


def attention(lesson: ModuleType, masked: bool = True) -> Case:
    """Queries, keys and values apart, with and without a mask for each query."""
    mask = MASK if masked else None

    def mine(model: nn.Module, x: Tensor) -> Tensor:
        q, k = queries_and_tokens(x)
        return model(q, k, k.flip(1), mask)

    theirs = nn.MultiheadAttention(DIM, HEADS, batch_first=True)
    names = named(("out_proj", "out"))
    return Case(lesson.QueryAttention(DIM, HEADS), theirs, both(93), names, mine, partial(of_torch, mask=mask))


def encoder_of_torch() -> nn.Module:
    """Norms first, ReLU."""
    return nn.TransformerEncoderLayer(DIM, HEADS, 2 * DIM, dropout=0.0, batch_first=True, norm_first=True)


ENCODER = named(("self_attn", "attn"), ("out_proj", "out"), ("linear1", "mlp.0"), ("linear2", "mlp.2"))


def attended(layer: nn.Module, q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None = None) -> Tensor:
    """torch's attention."""
    return layer(q, k, v, attn_mask=mask, need_weights=False)[0]


def encoder_by_parts(layer: Any, x: Tensor, places: Tensor = PLACES) -> Tensor:
    """DETR's layer, norms first: places join queries and keys."""
    y, places = layer.norm1(x), places.to(x)
    x = x + attended(layer.self_attn, y + places, y + places, y)
    return x + layer.linear2(layer.linear1(layer.norm2(x)).relu())


def encoder(lesson: ModuleType, placed: bool = True) -> Case:
    """Without places, torch's whole layer; with them, its parts."""

    def mine(layer: nn.Module, x: Tensor) -> Tensor:
        return layer(x, PLACES.to(x) * placed)

    theirs_forward = encoder_by_parts if placed else lambda layer, x: layer(x)
    inputs = tensor(2, TOKENS, DIM, seed=94)
    return Case(lesson.EncoderLayer(DIM, HEADS), encoder_of_torch(), inputs, ENCODER, mine, theirs_forward)


def decoder_of_torch() -> nn.Module:
    """Norms first, ReLU."""
    return nn.TransformerDecoderLayer(DIM, HEADS, 2 * DIM, dropout=0.0, batch_first=True, norm_first=True)


DECODER = named(
    ("self_attn", "own"),
    ("multihead_attn", "cross"),
    ("out_proj", "out"),
    ("norm1", "norms.0"),
    ("norm2", "norms.1"),
    ("norm3", "norms.2"),
    ("linear1", "mlp.0"),
    ("linear2", "mlp.2"),
)


def decoder_by_parts(layer: Any, x: Tensor, query: Tensor, tokens: Tensor, places: Tensor) -> Tensor:
    """DETR's layer, norms first: queries among themselves, then with the picture, whose values have no places."""
    y = layer.norm1(x)
    x = x + attended(layer.self_attn, y + query, y + query, y)
    x = x + attended(layer.multihead_attn, layer.norm2(x) + query, tokens + places, tokens)
    return x + layer.linear2(layer.linear1(layer.norm3(x)).relu())


def placed_decoder(layer: Any, x: Tensor) -> Tensor:
    """With both kinds of places."""
    q, tokens = queries_and_tokens(x)
    return decoder_by_parts(layer, q, QUERY_PLACES.to(x), tokens, PLACES.to(x))


def whole_decoder(layer: Any, x: Tensor) -> Tensor:
    """torch's own order of things."""
    return layer(*queries_and_tokens(x))


def decoder(lesson: ModuleType, placed: bool = True) -> Case:
    """Without places, torch's whole layer; with them, its parts."""

    def mine(layer: nn.Module, x: Tensor) -> Tensor:
        q, tokens = queries_and_tokens(x)
        return layer(q, QUERY_PLACES.to(x) * placed, tokens, PLACES.to(x) * placed)

    forward = placed_decoder if placed else whole_decoder
    return Case(lesson.DecoderLayer(DIM, HEADS), decoder_of_torch(), both(95), DECODER, mine, forward)


def mask2former() -> nn.Module:
    """transformers' layer with masked attention, norms first."""
    modelling = reference("transformers.models.mask2former.modeling_mask2former")
    config = modelling.Mask2FormerConfig(
        hidden_dim=DIM, num_attention_heads=HEADS, dim_feedforward=2 * DIM, dropout=0.0, pre_norm=True
    )
    return modelling.Mask2FormerMaskedAttentionDecoderLayer(config)


MASK2FORMER = named(
    ("self_attn_layer_norm", "norms.0"),
    ("cross_attn_layer_norm", "norms.1"),
    ("final_layer_norm", "norms.2"),
    ("self_attn", "own"),
    ("cross_attn", "cross"),
    ("_proj.", "."),
    ("fc1", "mlp.0"),
    ("fc2", "mlp.2"),
)
MASKS = tensor(2, QUERIES, TOKENS, seed=96)
MASKS[1, 0] = -MASKS[1, 0].abs()  # an empty one


def seen_by_mask2former(masks: Tensor) -> Tensor:
    """True where nothing may be seen, as in its mask predictor and decoder: sigmoid below .5; an empty row opens."""
    hidden = (masks.sigmoid() < 0.5).bool().repeat_interleave(HEADS, dim=0)
    hidden[torch.where(hidden.sum(-1) == hidden.shape[-1])] = False
    return hidden


def of_mask2former(layer: Any, x: Tensor, hidden: Tensor | None = None) -> Tensor:
    """It puts the batch second."""
    q, tokens = (part.transpose(0, 1) for part in queries_and_tokens(x))
    found = layer(
        q,
        level_index=0,
        position_embeddings=[PLACES.to(x)[:, None]],
        query_position_embeddings=QUERY_PLACES.to(x)[:, None].expand(-1, 2, -1),
        encoder_hidden_states=[tokens],
        encoder_attention_mask=seen_by_mask2former(MASKS) if hidden is None else hidden,
    )
    return found[0].transpose(0, 1)


def masked_decoder(lesson: ModuleType) -> Case:
    """The picture first, inside each query's mask."""

    def mine(layer: nn.Module, x: Tensor) -> Tensor:
        q, tokens = queries_and_tokens(x)
        return layer(q, QUERY_PLACES.to(x), tokens, PLACES.to(x), lesson.allowed(MASKS))

    theirs = mask2former()
    own = lesson.DecoderLayer(DIM, HEADS, picture_first=True)
    silent = frozenset({"self_attn.k_proj.bias"})
    return Case(own, theirs, both(97), MASK2FORMER, mine, of_mask2former, silent)


def attend_inside(lesson: ModuleType) -> Case:
    """Exercise 8.4 beside torch's attention with transformers' mask, one head."""
    d = 5

    def theirs(x: Tensor) -> Tensor:
        q, k = queries_and_tokens(x)
        hidden = seen_by_mask2former(MASKS)[::HEADS]
        return F.multi_head_attention_forward(
            *(part.transpose(0, 1) for part in (q, k, k.flip(-1))), d, 1, None, None, None, None, False, 0.0,
            torch.eye(d).to(x), None, use_separate_proj_weight=True, q_proj_weight=torch.eye(d).to(x),
            k_proj_weight=torch.eye(d).to(x), v_proj_weight=torch.eye(d).to(x), attn_mask=hidden, need_weights=False,
        )[0].transpose(0, 1)  # fmt: skip

    def mine(x: Tensor) -> Tensor:
        q, k = queries_and_tokens(x)
        return lesson.attend_inside(q, k, k.flip(-1), MASKS.to(x))

    return function(mine, theirs, tensor(2, QUERIES + TOKENS, d, seed=98))


CASES: dict[str, Build] = {
    "attention = torch": attention,
    "attention without a mask = torch": partial(attention, masked=False),
    "encoder layer = torch's parts": encoder,
    "encoder layer, no places = torch": partial(encoder, placed=False),
    "decoder layer = torch's parts": decoder,
    "decoder layer, no places = torch": partial(decoder, placed=False),
    "masked decoder layer = transformers' Mask2Former": masked_decoder,
    "exercise 8.4 = torch": attend_inside,
}
