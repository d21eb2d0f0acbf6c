"""Lesson 7's codes, judges and exercises beside scikit-learn, scipy, lightly and transformers."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from tests.parity.framework.cases import Build, Case, Values, function, tensor
from tests.parity.framework.harness import generator, reference
from tests.parity.lesson_07 import losses

CLASSES, BANK = 5, 40
LABELS = torch.arange(BANK) % CLASSES


def values(mine: Callable[[Tensor], Tensor], theirs: Callable[[Tensor], Tensor], inputs: Tensor) -> Case:
    """Two functions of which only values are compared."""
    return function(mine, theirs, inputs, Values)


def clustered(count: int, seed: int) -> Tensor:
    """Features of many lengths around a direction for each class, far from zero."""
    middles = tensor(CLASSES, 6, seed=50)
    return (middles[torch.arange(count) % CLASSES] + 0.9 * tensor(count, 6, seed=seed)) * 2 + 3


def neighbours(k: int, temperature: float) -> Any:
    """scikit-learn's, by cosine; its distance is 1 - cosine."""
    classifier = reference("sklearn.neighbors").KNeighborsClassifier
    return classifier(k, weights=lambda apart: np.exp(-apart / temperature), metric="cosine")


def of_neighbours(x: Tensor, k: int = 7, temperature: float = 0.2, centred: bool = True) -> Tensor:
    """Its prediction for x from a bank of features, whose mean is taken away."""
    bank = clustered(BANK, seed=51).to(x)
    mean = bank.mean(dim=0) if centred else torch.zeros(())
    judge = neighbours(k, temperature).fit((bank - mean).numpy(), LABELS.numpy())
    return torch.from_numpy(judge.predict((x - mean).numpy())).to(x)


def knn(lesson: ModuleType, k: int = 7, temperature: float = 0.2) -> Case:
    """The lesson's k-NN."""
    return values(
        lambda x: lesson.weighted_knn(clustered(BANK, seed=51).to(x), LABELS, x, k, temperature).to(x),
        partial(of_neighbours, k=k, temperature=temperature),
        clustered(200, seed=52),
    )


def nearest_codes(lesson: ModuleType) -> Case:
    """A patch's code, its brightness taken away, beside scipy's vector quantisation."""
    book = tensor(9, 16, seed=53)
    book = book - book.mean(dim=1, keepdim=True)

    def theirs(x: Tensor) -> Tensor:
        flat = x.reshape(-1, 16)
        codes, _ = reference("scipy.cluster.vq").vq((flat - flat.mean(1, keepdim=True)).numpy(), book.numpy())
        return torch.from_numpy(codes).reshape(x.shape[:2]).to(x)

    return values(lambda x: lesson.nearest_code(x, book.to(x)).to(x), theirs, 5 + tensor(3, 12, 16, seed=54))


# --- Exercises -------------------------------------------------------------------------------------------------------

NOISE = torch.rand(2, 9, generator=generator(55), dtype=torch.float64)
VISIBLE, WIDTH = 4, 3


def restored_by_transformers(x: Tensor, noise: Tensor = NOISE) -> Tensor:
    """transformers' masking, a doubling encoder, and its decoder, of which only the restoring is left."""
    modelling = reference("transformers.models.vit_mae.modeling_vit_mae")
    config = SimpleNamespace(config=SimpleNamespace(mask_ratio=1 - VISIBLE / noise.shape[1]))
    masking = modelling.ViTMAEEmbeddings.random_masking
    seen, mask, restore = masking(config, x[:, 1:], noise.to(x))
    settings = modelling.ViTMAEConfig(
        hidden_size=WIDTH, decoder_hidden_size=4, decoder_num_hidden_layers=0, decoder_num_attention_heads=1
    )
    decoder = modelling.ViTMAEDecoder(settings, noise.shape[1])
    decoder.decoder_embed = decoder.decoder_norm = decoder.decoder_pred = nn.Identity()
    decoder.mask_token = nn.Parameter(TOKEN[None, None].to(x))
    decoder.decoder_pos_embed = nn.Parameter(torch.zeros(()).to(x))
    coded = 2 * torch.cat([x[:, :1], seen], dim=1)
    full = decoder(coded, restore).logits
    return torch.cat([full.flatten(), mask.flatten().to(x)])


TOKEN = tensor(WIDTH, seed=56)


def masked_pass(lesson: ModuleType) -> Case:
    """Exercise 7.1; [CLS], which transformers drops again, is left out of the comparison."""

    def mine(x: Tensor) -> Tensor:
        full, hidden = lesson.masked_pass(lambda seen: 2 * seen, x, NOISE.to(x), VISIBLE, TOKEN.to(x))
        return torch.cat([full[:, 1:].flatten(), hidden.flatten().to(x)])

    return function(mine, restored_by_transformers, tensor(2, 10, WIDTH, seed=57))


def linear(weight: Tensor) -> nn.Module:
    """A layer with this weight and half of its first column as the bias."""
    layer = nn.Linear(weight.shape[1], weight.shape[0], device=weight.device, dtype=weight.dtype)
    with torch.no_grad():
        layer.weight.copy_(weight)
        layer.bias.copy_(weight[:, 0] / 2)
    return layer


def weights_of(layer: nn.Module) -> Tensor:
    """All its numbers."""
    return torch.cat([p.detach().flatten() for p in layer.parameters()])


def followed_by_lightly(x: Tensor, momentum: float) -> Tensor:
    """Its moving average of the teacher x[0] and the student x[1]."""
    teacher, student = linear(x[0]), linear(x[1])
    reference("lightly.models.utils").update_momentum(student, teacher, momentum)
    return torch.cat([weights_of(teacher), x.new_tensor([momentum])])


def scheduled(step: int, steps: int, start: float) -> float:
    """lightly's cosine from start to 1; its last step is one before the number that it is given."""
    return reference("lightly.utils.scheduler").cosine_schedule(step, steps + 1, start, 1.0)


def followed(lesson: ModuleType, step: int = 3, steps: int = 10, start: float = 0.6) -> Case:
    """Exercise 7.3 beside lightly's schedule and step."""

    def mine(x: Tensor) -> Tensor:
        teacher, student = linear(x[0]), linear(x[1])
        momentum = lesson.teacher_step(teacher, student, step, steps, start)
        return torch.cat([weights_of(teacher), x.new_tensor([momentum])])

    return values(
        mine,
        lambda x: followed_by_lightly(x, scheduled(step, steps, start)),
        tensor(2, 4, 3, seed=58),
    )


def centred_by_lightly(x: Tensor, centre: Tensor = losses.CENTRE) -> Tensor:
    """Targets and entropies from their definitions, by numpy and scipy; the next centre is lightly's."""
    loss = losses.lightly("DINOLoss", output_dim=losses.PROTOTYPES, center_momentum=0.8)
    loss.center = centre.to(x)[None, None].clone()
    loss.update_center(x)
    powers = np.exp((x.double().numpy() - centre.numpy()) / 0.5)
    targets = powers / powers.sum(axis=-1, keepdims=True)
    entropy = reference("scipy.stats").entropy
    each, together = entropy(targets, axis=-1).mean(), entropy(targets.mean(axis=(0, 1)))
    found = [torch.from_numpy(targets).flatten(), loss.center.flatten(), torch.tensor([each, together])]
    return torch.cat([part.to(x) for part in found])


def centred(lesson: ModuleType) -> Case:
    """Exercise 7.4."""

    def mine(x: Tensor) -> Tensor:
        found = lesson.centred_targets(x, losses.CENTRE.to(x), 0.5, 0.8)
        return torch.cat([torch.as_tensor(part).flatten().to(x) for part in found])

    return values(mine, centred_by_lightly, losses.TEACHER)


def votes_by_sklearn(x: Tensor, k: int = 4, temperature: float = 0.3, itself: bool = False) -> Tensor:
    """A classifier for each picture, fitted on all others."""
    rows, features, labels = [], x.double().numpy(), LABELS[: len(x)].numpy()
    for i in range(len(x)):
        others = np.arange(len(x)) != i if not itself else np.full(len(x), True)
        judge = neighbours(k, temperature)
        rows.append(judge.fit(features[others], labels[others]).predict_proba(features[i : i + 1])[0])
    return torch.from_numpy(np.stack(rows)).to(x)


def votes(lesson: ModuleType, k: int = 4, temperature: float = 0.3) -> Case:
    """Exercise 7.5."""
    return values(
        lambda x: lesson.votes_of_others(x, LABELS[: len(x)], CLASSES, k, temperature).to(x),
        partial(votes_by_sklearn, k=k, temperature=temperature),
        clustered(22, seed=59),
    )


CASES: dict[str, Build] = {
    "k-NN = scikit-learn": knn,
    "k-NN, sharp = scikit-learn": partial(knn, k=20, temperature=0.05),
    "codes = scipy": nearest_codes,
    "exercise 7.1 = transformers": masked_pass,
    "exercise 7.3 = lightly": followed,
    "exercise 7.3, last step = lightly": partial(followed, step=10),
    "exercise 7.4 = lightly and scipy": centred,
    "exercise 7.5 = scikit-learn": votes,
    "exercise 7.5, all others = scikit-learn": partial(votes, k=21, temperature=1.0),
}
