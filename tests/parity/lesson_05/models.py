"""Lesson 5's whole models, and what they do for dense prediction, beside their references."""

from __future__ import annotations

from types import ModuleType
from typing import Any
from unittest import mock

import torch.nn.functional as F
from torch import Tensor, nn

from tests.parity.framework.cases import Case, Named, biases_of_keys, tensor
from tests.parity.framework.harness import reference
from tests.parity.lesson_05.names import TIMM, TORCHVISION, TRANSFORMERS, book
from tests.parity.lesson_05.windows import Size

PATCH, CLASSES = 2, 5
DEPTHS, STAGE_HEADS = (2, 2, 2), (1, 2, 4)


def sizes(lesson: ModuleType, window: int) -> Any:
    return lesson.SwinConfig(12, DEPTHS, STAGE_HEADS, window=window, patch_size=PATCH, classes=CLASSES)


def swin(lesson: ModuleType, library: str, size: Size, window: int = 3) -> Case:
    """Three stages. Images whose maps the windows do not fit, but for timm, which rolls before it pads."""
    if library == "timm":
        theirs, rules = timm_swin("swin_transformer", "SwinTransformer", size, window), TIMM
    elif library == "torchvision":
        module = reference("torchvision.models.swin_transformer")
        theirs = module.SwinTransformer(
            [PATCH] * 2, 12, list(DEPTHS), list(STAGE_HEADS), [window] * 2, num_classes=CLASSES
        )
        rules = TORCHVISION
    else:
        theirs, rules = transformers_swin("swin", "Swin", size, window), TRANSFORMERS
    mine = lesson.Swin(sizes(lesson, window))
    return Case(mine, theirs, tensor(2, 3, *size), book(*rules), silent=biases_of_keys(theirs))


def timm_swin(module: str, name: str, size: Size, window: int) -> nn.Module:
    return getattr(reference(f"timm.models.{module}"), name)(
        img_size=size, patch_size=PATCH, embed_dim=12, depths=DEPTHS, num_heads=STAGE_HEADS, window_size=window,
        num_classes=CLASSES,
    )  # fmt: skip


def transformers_swin(module: str, name: str, size: Size, window: int, **changes: object) -> nn.Module:
    modelling = reference(f"transformers.models.{module}.modeling_{module}")
    config = getattr(modelling, f"{name}Config")(
        image_size=size, patch_size=PATCH, embed_dim=12, depths=list(DEPTHS), num_heads=list(STAGE_HEADS),
        window_size=window, num_labels=CLASSES, **changes,
    )  # fmt: skip
    return getattr(modelling, f"{name}ForImageClassification")(config)


# Dense prediction.


class FPNSegmenter(nn.Module):
    """torchvision's pyramid on the lesson's backbone, its 3 × 3 convolutions replaced by nothing.

    torchvision enlarges by repetition, the lesson bilinearly; `mode` says how this one does.
    """

    def __init__(self, backbone: nn.Module, widths: list[int], dim: int, classes: int, mode: str = "bilinear"):
        super().__init__()
        pyramid = reference("torchvision.ops.feature_pyramid_network")
        self.backbone, self.mode = backbone, mode
        self.norms = nn.ModuleList(nn.LayerNorm(width) for width in widths)
        self.fpn = pyramid.FeaturePyramidNetwork(widths, dim)
        self.fpn.layer_blocks = nn.ModuleList(nn.Identity() for _ in widths)
        self.classify = nn.Conv2d(dim, classes, 1)

    def forward(self, images: Tensor) -> Tensor:
        maps = self.backbone.features(images)[-len(self.norms) :]
        normed = {str(i): norm(x).movedim(-1, 1) for i, (norm, x) in enumerate(zip(self.norms, maps, strict=True))}
        enlarge = F.interpolate

        def by_mode(x: Tensor, size: Size, mode: str) -> Tensor:
            return enlarge(x, size, mode=self.mode)

        with mock.patch.object(F, "interpolate", by_mode):
            summed = self.fpn(normed)["0"]
        return F.interpolate(self.classify(F.gelu(summed)), images.shape[-2:], mode="bilinear")


def segmenter(lesson: ModuleType, levels: int = 3, size: Size = (24, 40)) -> Case:
    config = sizes(lesson, 3)
    widths = [config.width(stage) for stage in range(len(DEPTHS))][-levels:]
    mine = lesson.PyramidSegmenter(config, levels, dim=8)
    # The norm and the head of a classifier are there and unused.
    unused = frozenset(f"backbone.{part}.{kind}" for part in ("norm", "head") for kind in ("weight", "bias"))
    theirs = FPNSegmenter(lesson.Swin(config), widths, 8, CLASSES)

    def names(parameters: Named) -> dict[str, Tensor]:
        ours = book((r"^fpn\.inner_blocks\.(\d+)\.0", r"laterals.\1"))(dict(parameters))
        tables = {name: value for name, value in parameters.items() if name.endswith("table")}
        kernels = {name: value.flatten(1) for name, value in ours.items() if value.ndim == 4}
        return ours | kernels | tables  # the backbone, tables and all, is the lesson's own

    return Case(mine, theirs, tensor(2, 3, *size), names, silent=unused)


def plain_segmenter(lesson: ModuleType) -> Case:
    """timm's ViT without [CLS], its head's numbers shuffled to pixels."""
    theirs = reference("timm").models.vision_transformer.VisionTransformer(
        img_size=16, patch_size=4, num_classes=64, embed_dim=24, depth=2, num_heads=3, class_token=False,
        global_pool="", norm_layer=nn.LayerNorm,
    )  # fmt: skip
    for block in theirs.blocks:
        block.norm1.eps = block.norm2.eps = 1e-6

    def names(parameters: Named) -> dict[str, Tensor]:
        rules = (
            (r"^patch_embed\.proj", "patch.proj"), ("pos_embed", "pos"), (r"attn\.proj", "attn.out"),
            ("head", "classify"),
        )  # fmt: skip
        ours = book(*rules)(parameters)
        return ours | {"pos": ours["pos"].mT.unflatten(2, (4, 4))}

    return Case(
        lesson.PlainSegmenter(24, depth=2, heads=3, grid=4),
        theirs,
        tensor(2, 3, 16, 16),
        names,
        theirs_forward=lambda model, x: F.pixel_shuffle(model(x).mT.unflatten(2, (4, 4)), 4),
    )
