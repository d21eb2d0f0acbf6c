"""Lesson 4's student, ViT with a distillation token, beside transformers' and timm's; and its whole loss."""

from __future__ import annotations

from types import ModuleType, SimpleNamespace
from typing import Any

import torch
from torch import Tensor, nn

from tests.parity.framework.cases import Case, Named, biases_of_keys, tensor
from tests.parity.framework.harness import generator, reference
from tests.parity.lesson_01.vit import (
    LAYER_NORM_EPS,
    from_timm,
    from_transformers,
    images,
    tiny_config,
    transformers_sizes,
)
from tests.parity.lesson_04 import losses


def transformers_deit(config: Any, eps: float = LAYER_NORM_EPS) -> nn.Module:
    """transformers' classifier with two heads."""
    modelling = reference("transformers.models.deit.modeling_deit")
    settings = modelling.DeiTConfig(**transformers_sizes(config, eps))
    return modelling.DeiTForImageClassificationWithTeacher(settings)


def timm_deit(config: Any) -> nn.Module:
    """timm's, of which the class reads its two heads in evaluation only."""
    return reference("timm.models.deit").VisionTransformerDistilled(
        img_size=config.image_size,
        patch_size=config.patch_size,
        in_chans=config.channels,
        num_classes=config.classes,
        embed_dim=config.dim,
        depth=config.depth,
        num_heads=config.heads,
        mlp_ratio=config.mlp_dim / config.dim,
    )


def places_apart(parameters: dict[str, Tensor]) -> dict[str, Tensor]:
    """The references keep the place of the distillation token in one table with the others, in its second row."""
    pos = parameters.pop("pos")
    return parameters | {"pos": torch.cat([pos[:, :1], pos[:, 2:]], dim=1), "dist_pos": pos[:, 1:2]}


def ours_from_transformers(parameters: Named) -> dict[str, Tensor]:
    """transformers' parameters under the lesson's names."""
    vits = {name.replace("deit.", "vit."): tensor for name, tensor in parameters.items()}
    found = from_transformers(vits)
    renames = {"vit.embeddings.distillation_token": "dist"}
    for part in ("weight", "bias"):
        renames |= {f"cls_head.{part}": f"head.{part}", f"distillation_head.{part}": f"head_dist.{part}"}
    return places_apart({renames.get(name, name): tensor for name, tensor in found.items()})


def ours_from_timm(parameters: Named) -> dict[str, Tensor]:
    """timm's parameters under the lesson's names."""
    found = from_timm(parameters)
    found["dist"] = found.pop("dist_token")
    return places_apart(found)


def heads_of_transformers(model: nn.Module, x: Tensor) -> Tensor:
    """Both heads and their mean."""
    output = model(x)
    return torch.cat([output.logits, output.cls_logits, output.distillation_logits], dim=1)


def heads_of_timm(model: Any, x: Tensor) -> Tensor:
    """Both heads, as in training, and their mean, as in evaluation."""
    tokens = model.forward_features(x)
    return torch.cat([model(x), model.head(tokens[:, 0]), model.head_dist(tokens[:, 1])], dim=1)


def heads_of_ours(model: Any, x: Tensor) -> Tensor:
    """The same of the lesson's."""
    return torch.cat([model(x), *model.both(x)], dim=1)


def student(lesson: ModuleType, library: str) -> Case:
    """The whole model."""
    config = tiny_config(lesson)
    build, names, forward = {
        "transformers": (transformers_deit, ours_from_transformers, heads_of_transformers),
        "timm": (timm_deit, ours_from_timm, heads_of_timm),
    }[library]
    theirs = build(config)
    return Case(
        lesson.DistilledViT(config),
        theirs,
        images(),
        names,
        mine_forward=heads_of_ours,
        theirs_forward=forward,
        silent=biases_of_keys(theirs),
    )


def whole_loss(lesson: ModuleType, kind: str) -> Case:
    """Both heads' logits are the input; pictures only say which draws of Mixup or CutMix belong to them."""
    pictures, labels = tensor(6, 1, 8, 8, seed=17).float(), losses.LABELS
    answers = 2 * tensor(6, 10, seed=18)

    def mine(x: Tensor) -> Tensor:
        model = SimpleNamespace(both=lambda mixed: x.unbind())
        return lesson.distillation(lambda mixed: answers.to(x), kind)(model, pictures, labels, generator(4))

    def theirs(x: Tensor) -> Tensor:
        targets = lesson.mixed_batch(pictures, labels, 10, generator(4))[1].to(x)
        cls, dist = x

        def asked(logits: Tensor, shares: Tensor) -> Tensor:
            pairs = zip(logits, shares, strict=True)
            return torch.stack([-(t * (z.exp() / z.exp().sum()).log()).sum() for z, t in pairs]).mean()

        second = {
            "none": lambda: asked(dist, targets),
            "hard": lambda: losses.chosen(dist, answers.argmax(dim=1)),
            "soft": lambda: losses.divergence(dist, losses.softened(answers.to(x), 3), 3),
        }[kind]()
        return 0.5 * asked(cls, targets) + 0.5 * second

    return losses.one_of(2 * tensor(2, 6, 10, seed=19), mine, theirs)
