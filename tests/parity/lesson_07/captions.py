"""Lesson 7's two towers beside transformers' CLIP and SigLIP."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import torch
from torch import Tensor, nn

from tests.parity.framework.cases import Build, Case, Named, biases_of_keys, tensor
from tests.parity.framework.harness import generator, reference
from tests.parity.lesson_07.encoders import all_tokens, fused

WORDS, LENGTH, DIM, OUT, PAIRS = 17, 5, 24, 7, 6
NUMBERS = torch.randint(WORDS, (40, LENGTH), generator=generator(81))  # so many that every word occurs


class Given(nn.Module):
    """A tower that has its features already."""

    def __init__(self, features: Tensor) -> None:
        super().__init__()
        self.features = features

    def forward(self, *args: Any, **more: Any) -> Any:
        """What is asked for as the pooled output."""
        outputs = reference("transformers.modeling_outputs")
        return outputs.BaseModelOutputWithPooling(pooler_output=self.features)


def tower(dim: int) -> dict[str, Any]:
    """Sizes of a tower that is not used."""
    return {"hidden_size": dim, "intermediate_size": dim, "num_hidden_layers": 1, "num_attention_heads": 1}


SPECIAL = {"vocab_size": 3, "bos_token_id": 0, "eos_token_id": 1, "pad_token_id": 2}


def siglip_loss(x: Tensor, log_scale: Tensor, bias: Tensor) -> Tensor:
    """transformers' loss of pictures x[0] and texts x[1]."""
    modelling = reference("transformers.models.siglip.modeling_siglip")
    text = tower(x.shape[-1]) | SPECIAL | {"projection_size": x.shape[-1]}
    model = modelling.SiglipModel(modelling.SiglipConfig(text_config=text, vision_config=tower(x.shape[-1])))
    model.vision_model, model.text_model = Given(x[0]), Given(x[1])
    model.logit_scale, model.logit_bias = (nn.Parameter(n[None].to(x)) for n in (log_scale, bias))
    return model(return_loss=True).loss


def siglip_text() -> nn.Module:
    """transformers' SigLIP for texts, which sees all words; nothing comes after its last norm."""
    modelling = reference("transformers.models.siglip.modeling_siglip")
    sizes = {"hidden_size": DIM, "intermediate_size": 2 * DIM, "num_hidden_layers": 1, "num_attention_heads": 4}
    config = modelling.SiglipTextConfig(
        **sizes | SPECIAL | {"vocab_size": WORDS},
        max_position_embeddings=LENGTH,
        hidden_act="gelu",
        layer_norm_eps=1e-6,
        attn_implementation="sdpa",
    )
    model = modelling.SiglipTextModel(config)
    model.head = nn.Identity()
    return model


def text_names(parameters: Named) -> dict[str, Tensor]:
    """transformers' parameters under the lesson's names."""
    return fused(
        parameters,
        ("embeddings.token_embedding", "words"),
        ("blocks.0", "block"),
        ("final_layer_norm", "norm"),
    )


def mean_word(model: nn.Module, x: Tensor) -> Tensor:
    """The mean of all words' tokens, times an input; words are whole numbers and have no gradient."""
    return all_tokens(model, NUMBERS).mean(dim=1) * x


def text(lesson: ModuleType) -> Case:
    """Words to one vector."""
    theirs = siglip_text()
    return Case(
        lesson.TextEncoder(WORDS, LENGTH, DIM),
        theirs,
        tensor(len(NUMBERS), DIM, seed=82),
        text_names,
        lambda model, x: model(NUMBERS) * x,
        mean_word,
        biases_of_keys(theirs),
    )


def clip() -> nn.Module:
    """transformers' CLIP; its towers are given their features."""
    modelling = reference("transformers.models.clip.modeling_clip")
    sizes = {"text_config": tower(DIM) | SPECIAL, "vision_config": tower(DIM), "projection_dim": OUT}
    model = modelling.CLIPModel(modelling.CLIPConfig(**sizes))
    model.vision_model, model.text_model = (Given(torch.zeros(())) for _ in range(2))
    return model


def clip_names(parameters: Named) -> dict[str, Tensor]:
    """transformers' parameters under the lesson's names."""
    ours = {
        "visual_projection.weight": "image.1.weight",
        "text_projection.weight": "text.1.weight",
        "logit_scale": "log_scale",
    }
    return {ours[name]: parameter for name, parameter in parameters.items()}


def clip_scores(model: Any, x: Tensor) -> Tensor:
    """Scores of every picture with every text, and the loss."""
    model.vision_model.features, model.text_model.features = x
    output = model(return_loss=True)
    return torch.cat([output.loss.reshape(1), output.logits_per_image.flatten()])


def two_towers(lesson: ModuleType) -> Case:
    """From features to scores and loss."""

    def mine(model: nn.Module, x: Tensor) -> Tensor:
        scores = model(x[0], x[1])
        return torch.cat([lesson.clip_loss(scores).reshape(1), scores.flatten()])

    towers = lesson.TwoTowers(nn.Identity(), nn.Identity(), DIM, OUT)
    return Case(towers, clip(), tensor(2, PAIRS, DIM, seed=83), clip_names, mine, clip_scores)


CASES: dict[str, Build] = {"text encoder = transformers' SigLIP": text, "two towers = transformers' CLIP": two_towers}
