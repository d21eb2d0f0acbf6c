"""What the comparisons of Lesson 7 have to notice."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any
from unittest import mock

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tests.parity.framework.damages import (
    GRADIENT_WRONG,
    Damage,
    Damaged,
    gradient_doubled,
    instead,
    module,
    output_of,
    returned,
    run_as,
    setting,
)
from tests.parity.lesson_04.losses import beside
from tests.parity.lesson_07 import captions, encoders, judges, losses, wrong


def masked_by(masking: Callable) -> Damage:
    """The masked autoencoder of transformers with another way to mask."""

    def forward(model: Any, x: Tensor) -> Tensor:
        with mock.patch.object(type(model.vit.embeddings), "random_masking", masking):
            return encoders.mae_of_transformers(model, x)

    return run_as(forward)


def cls_seen(model: Any) -> None:
    """All tokens attend to [CLS], which the lesson's model does not have."""
    for layer in [*model.vit.layers, *model.decoder.decoder_layers]:
        layer._forward_pre_hooks.clear()


def normalised_targets(model: Any) -> None:
    """Each patch of the target with mean 0 and variance 1."""
    model.config.norm_pix_loss = True


def loss_of_all(model: Any, x: Tensor) -> Tensor:
    """The loss counts visible patches, too."""
    output = encoders.mae_of_transformers(model, x)
    predicted = output[1 + encoders.NOISE.numel() :].reshape(model.patchify(x).shape)
    loss = F.mse_loss(predicted, model.patchify(x))
    return torch.cat([loss.reshape(1), output[1:]])


def beit_hidden(hidden: Tensor) -> Damage:
    """Other patches hidden, the same asked for."""

    def forward(model: nn.Module, x: Tensor) -> Tensor:
        logits = model(x, bool_masked_pos=hidden).logits
        codes = torch.arange(int(encoders.HIDDEN.sum())) % encoders.CODES
        loss = F.cross_entropy(logits[encoders.HIDDEN], codes)
        return torch.cat([loss.reshape(1), logits.flatten()])

    return run_as(forward)


def behind(x: Tensor, y: Tensor) -> Tensor:
    """Registers after the patches."""
    end = 1 + encoders.REGISTERS
    return torch.cat([y[:, :1], y[:, end:], y[:, 1:end]], dim=1)


def scaled_branch(model: Any) -> None:
    """LayerScale that is not 1."""
    model.encoder.layer[1].layer_scale2.lambda1.fill_(0.9)


def by_columns(model: Any) -> None:
    """Positions counted down the columns."""
    table = model.embeddings.position_embedding.weight
    rows = table.unflatten(0, (encoders.GRID, encoders.GRID)).transpose(0, 1).flatten(0, 1)
    table.copy_(rows.clone())


def tanh_gelu(model: Any) -> None:
    """An approximation in one block."""
    model.encoder.layers[0].mlp.activation_fn = nn.GELU("tanh")


def backwards(model: nn.Module, x: Tensor) -> Tensor:
    """Captions read from the end."""
    return encoders.all_tokens(model, captions.NUMBERS.flip(1)).mean(dim=1) * x


def last_word(model: nn.Module, x: Tensor) -> Tensor:
    """The last token instead of the mean."""
    return encoders.all_tokens(model, captions.NUMBERS)[:, -1] * x


def one_direction(model: Any, x: Tensor) -> Tensor:
    """Pictures look for texts, texts for nothing."""
    scores = captions.clip_scores(model, x)[1:].reshape(captions.PAIRS, -1)
    loss = F.cross_entropy(scores, torch.arange(captions.PAIRS))
    return torch.cat([loss.reshape(1), scores.flatten()])


def transposed(y: Tensor) -> Tensor:
    """Scores of every text with every picture."""
    return torch.cat([y[:1], y[1:].reshape(captions.PAIRS, -1).T.flatten()])


def scale_moved(model: Any) -> None:
    """Another scale."""
    model.logit_scale.add_(0.01)


def value(loss: Callable[..., Tensor], **how: Any) -> Damage:
    """Another loss of the same inputs."""
    return instead(lambda x: beside(x, loss(x, **how)))


def _of(case: str, *found: tuple[str, Damage, str]) -> list[Damaged]:
    return [(case, *damage) for damage in found]


def _wrong(what: str, loss: Callable[..., Tensor], **how: Any) -> tuple[str, Damage, str]:
    return what, value(loss, **how), "outputs"


def _instead(what: str, function: Callable[..., Tensor], **how: Any) -> tuple[str, Damage, str]:
    return what, instead(partial(function, **how)), "outputs"


DAMAGES: list[Damaged] = [
    *_of("MAE = transformers", ("the order taken for the way back", masked_by(wrong.order_for_rank), "outputs"),
         ("the largest noises stay", masked_by(wrong.largest_stay), "outputs"),
         ("one mask for all", masked_by(wrong.one_mask), "outputs"),
         ("[CLS] seen", module(cls_seen), "outputs"),
         ("normalised targets", module(normalised_targets), "outputs"),
         ("loss of all patches", run_as(loss_of_all), "outputs"),
         ("eps 1e-12", setting("eps", 1e-12, "vit.layernorm"), "outputs"),
         ("wrong gradient in a block", gradient_doubled("vit.layers.1.mlp"), "input gradients")),
    *_of("BEiT = transformers", ("visible ones hidden", beit_hidden(~encoders.HIDDEN), "outputs"),
         ("nothing hidden", beit_hidden(torch.zeros_like(encoders.HIDDEN)), "outputs"),
         ("wrong gradient in a block", gradient_doubled("beit.layers.0.mlp"), "input gradients")),
    *_of("encoder with registers = transformers' DINOv2",
         ("registers last", output_of("embeddings", behind), "outputs"),
         ("LayerScale", module(scaled_branch), "outputs"), GRADIENT_WRONG),
    *_of("encoder = transformers' SigLIP", ("positions by columns", module(by_columns), "outputs"),
         ("GELU by tanh", module(tanh_gelu), "outputs"), GRADIENT_WRONG),
    *_of("text encoder = transformers' SigLIP", ("read backwards", run_as(backwards), "outputs"),
         ("the last word", run_as(last_word), "outputs"),
         ("wrong gradient in the block", gradient_doubled("encoder.layers.0.mlp"), "gradients of")),
    *_of("two towers = transformers' CLIP", ("one direction", run_as(one_direction), "outputs"),
         ("transposed", returned(transposed), "outputs"), ("another scale", module(scale_moved), "outputs"),
         GRADIENT_WRONG),
    *_of("NT-Xent = lightly", _wrong("each view is its own negative", wrong.contrast, itself=True),
         _wrong("one view asks", wrong.contrast, asking=1), _wrong("not on the sphere", wrong.contrast, unit=False),
         _wrong("another temperature", wrong.contrast, temperature=0.21), GRADIENT_WRONG),
    *_of("MoCo's queue = lightly", ("keys learn", value(wrong.queue_that_learns), "input gradients"),
         _wrong("the batch's keys, too", losses.bank_loss, temperature=0.2, queue=wrong.longer_queue()),
         _wrong("another temperature", losses.bank_loss, temperature=0.3)),
    *_of("MoCo v3 = query by query",
         ("keys learn", value(losses.by_query, temperature=0.3, keys_learn=True), "input gradients"),
         _wrong("another temperature", losses.by_query, temperature=0.2)),
    *_of("alignment = pair by pair", _wrong("distances not squared", wrong.distances), GRADIENT_WRONG),
    *_of("uniformity = pair by pair", _wrong("with itself", wrong.spread, itself=True),
         _wrong("a wider kernel", wrong.spread, width=1.0), GRADIENT_WRONG),
    *_of("DINO = lightly", _wrong("not centred", wrong.dino, centre=0), _wrong("centre added", wrong.dino, centre=-1),
         _wrong("every crop with itself", wrong.dino, itself=True), _wrong("blunt", wrong.dino, teacher=0.1),
         GRADIENT_WRONG),
    *_of("DINO, other temperatures = lightly", _wrong("the usual ones", wrong.dino)),
    *_of("iBOT = lightly", _wrong("visible ones", losses.ibot_of_lightly, mask=~losses.MASK),
         _wrong("each patch alike", wrong.patches_alike), GRADIENT_WRONG),
    *_of("KoLeo = lightly", _wrong("squared", wrong.spreading, power=2),
         _wrong("not on the sphere", wrong.spreading, unit=False),
         _wrong("the farthest", wrong.spreading, farthest=True), GRADIENT_WRONG),
    *_of("k-NN = scikit-learn", _instead("all votes alike", judges.of_neighbours, temperature=1e6),
         _instead("the mean left", judges.of_neighbours, centred=False),
         _instead("another k", judges.of_neighbours, k=1)),
    *_of("codes = scipy", ("the largest product", instead(wrong.aligned_codes), "outputs")),
    *_of("exercise 7.1 = transformers", ("other draws", instead(wrong.other_noise), "outputs"),
         ("the mask inverted", returned(wrong.last_inverted), "outputs"), GRADIENT_WRONG),
    *_of("exercise 7.2 = lightly", _instead("another temperature", losses.bank_loss, temperature=0.6, reduction="none"),
         ("keys learn", instead(partial(wrong.queue_that_learns, temperature=0.5, reduction="none")),
          "input gradients")),
    *_of("exercise 7.3 = lightly", _instead("a straight line", judges.followed_by_lightly, momentum=0.72),
         ("exchanged", instead(lambda x: judges.followed_by_lightly(x, 1 - judges.scheduled(3, 10, 0.6))), "outputs")),
    *_of("exercise 7.4 = lightly and scipy",
         _instead("centre added", judges.centred_by_lightly, centre=-losses.CENTRE)),
    *_of("exercise 7.5 = scikit-learn", _instead("itself asked", judges.votes_by_sklearn, itself=True),
         _instead("all votes alike", judges.votes_by_sklearn, temperature=1e6),
         _instead("another k", judges.votes_by_sklearn, k=5)),
    *_of("exercise 7.6 = transformers", _wrong("another bias", losses.siglip_of_transformers, bias=-losses.BIAS),
         _wrong("a scale without exp", losses.siglip_of_transformers, scale=losses.SCALE.log()), GRADIENT_WRONG),
]  # fmt: skip
