"""What the libraries call the parameters of Swin and Swin V2, and what the book calls them."""

from __future__ import annotations

import re
from collections.abc import Callable

import torch
from torch import Tensor

from tests.parity.framework.cases import Named
from tests.parity.framework.harness import translate

Rules = tuple[tuple[str, str | Callable[[re.Match], str]], ...]
BIAS: Rules = (
    (r"relative_position_bias\.relative_position_bias_table", "bias.table"),
    ("relative_position_bias_table", "bias.table"),
    ("logit_scale", "log_scale"), (r"(cpb|continuous_position_bias)_mlp\.0", "bias.fc1"),
    (r"(cpb|continuous_position_bias)_mlp\.2", "bias.fc2"),
)  # fmt: skip
TIMM: Rules = (
    ("patch_embed", "stem"), (r"stem\.proj", "stem.patch.proj"), (r"attn\.proj", "attn.out"),
    (r"layers\.(\d+)\.blocks", r"stages.\1"), (r"layers\.(\d+)\.downsample", r"mergings.\1"), (r"head\.fc", "head"),
)  # fmt: skip
TRANSFORMERS: Rules = (
    (r"^swin(v2)?\.", ""), (r"^embeddings\.patch_embeddings\.projection", "stem.patch.proj"),
    (r"^embeddings", "stem"), (r"^encoder\.layers\.(\d+)\.blocks", r"stages.\1"),
    (r"^encoder\.layers\.(\d+)\.downsample", lambda m: f"mergings.{int(m[1]) + 1}"),
    (r"attention\.o_proj", "attn.out"), (r"attention\.output\.dense", "attn.out"),
    (r"attention\.(self\.)?", "attn."), (r"\b([qkv])_proj", r"\1"), (r"\b([qkv])(uery|ey|alue)\b", r"\1"),
    (r"intermediate\.dense", "mlp.fc1"), (r"output\.dense", "mlp.fc2"), ("layernorm_before", "norm1"),
    ("layernorm_after", "norm2"), ("^layernorm", "norm"), ("classifier", "head"),
)  # fmt: skip
TORCHVISION: Rules = (
    (r"^features\.0\.0", "stem.patch.proj"), (r"^features\.0\.2", "stem.norm"),
    (r"^features\.(\d*[13579])\.", lambda m: f"stages.{int(m[1]) // 2}."),
    (r"^features\.(\d+)\.", lambda m: f"mergings.{int(m[1]) // 2}."),
    (r"mlp\.0", "mlp.fc1"), (r"mlp\.3", "mlp.fc2"), (r"attn\.proj", "attn.out"),
)  # fmt: skip
LAYERS: dict[str, Rules] = {
    "timm": (("^proj", "out"),),
    "transformers": (
        (r"^self\.", ""), (r"^o_proj", "out"), (r"^output\.dense", "out"), (r"^([qkv])_proj", r"\1"),
        (r"^([qkv])(uery|ey|alue)\b", r"\1"),
    ),
}  # fmt: skip


def book(*rules: tuple[str, str | Callable[[re.Match], str]]) -> Callable[[Named], dict[str, Tensor]]:
    """Parameters of a library under the book's names, and in its shapes: kernels flat, q k v joined, tables (1, …)."""

    def rename(name: str) -> str:
        for pattern, ours in (*rules, *BIAS):
            name = re.sub(pattern, ours, name)
        return name

    def names(parameters: Named) -> dict[str, Tensor]:
        ours = translate(parameters, rename)
        for name in [name for name in ours if re.search(r"\bq\.(weight|bias)$", name)]:
            start, kind = name[: name.rindex("q.")], name.rpartition(".")[2]
            if f"{start}k.{kind}" in ours:
                ours[f"{start}qkv.{kind}"] = torch.cat([ours.pop(f"{start}{part}.{kind}") for part in "qkv"])
            else:  # Swin V2: no bias of keys
                ours |= {f"{start}{part}_bias": ours.pop(f"{start}{part}.bias") for part in "qv"}
        for name, value in ours.items():
            if name.endswith("table"):
                ours[name] = value[None]
            elif name.endswith("patch.proj.weight"):
                ours[name] = value.flatten(1)
        return ours

    return names
