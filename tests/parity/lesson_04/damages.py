"""What the comparisons of Lesson 4 have to notice."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tests.parity.framework import damages
from tests.parity.framework.cases import Case, counting_in
from tests.parity.framework.damages import (
    GRADIENT_WRONG,
    Damage,
    Damaged,
    gradient_doubled,
    instead,
    module,
    returned,
    run_as,
    setting,
)
from tests.parity.framework.harness import reference
from tests.parity.lesson_04 import deit, losses, mixing, steps
from tests.parity.lesson_04.cases import LESSON
from tests.parity.lesson_04.steps import averaged, course_of, run_of_rates, schedule

like = partial(damages.like, LESSON)


def adam(**options: object) -> Damage:
    """torch's AdamW with other settings; or Adam, which takes the decay into the gradient."""
    return instead(course_of(torch.optim.AdamW, **options))


def each_clipped(x: Tensor, limit: float = 0.5) -> Tensor:
    """A norm for each tensor instead of one for all."""
    return torch.cat([part * min(1, limit / part.norm()) for part in (x[:4], x[4:])])


def smoothed(epsilon: float, own: float, other: float) -> Callable[[Tensor], Tensor]:
    """The loss of targets with other shares."""

    def loss(x: Tensor) -> Tensor:
        targets = torch.full_like(x, epsilon * other)
        targets[range(len(x)), losses.LABELS] = 1 - epsilon + epsilon * own
        return -(targets * x.log_softmax(dim=-1)).sum(dim=-1)

    return loss


def torch_targets(x: Tensor, epsilon: float = 0.25) -> Tensor:
    """The shares of torch's convention."""
    with counting_in(torch.float64):
        shares = (1 - epsilon) * F.one_hot(losses.LABELS, losses.CLASSES) + epsilon / losses.CLASSES
    return x * shares.to(x)


def soft(student: Tensor, teacher: Tensor, t: float = 3.0, power: int = 2, reduction: str = "batchmean") -> Tensor:
    """A soft loss with other settings."""
    return t**power * F.kl_div((student / t).log_softmax(dim=-1), (teacher / t).softmax(dim=-1), reduction=reduction)


def one_teacher(x: Tensor, swapped: bool = False, **how: Any) -> Tensor:
    """The soft loss of one teacher, wrong in one way."""
    pair = (losses.TEACHER.to(x), x) if swapped else (x, losses.TEACHER.to(x))
    return losses.beside(x, soft(*pair, **how))


def several(x: Tensor, average: str = "probabilities", shared: bool = False, softened: bool = True) -> Tensor:
    """The soft loss of several teachers, wrong in one way."""
    student, teachers = x[0] / (3 if softened else 1), x[1:] / 3
    teachers = teachers if shared else teachers.detach()
    wanted = {
        "probabilities": teachers.softmax(dim=-1).mean(dim=0),
        "logits": teachers.mean(dim=0).softmax(dim=-1),
        "the first": teachers[0].softmax(dim=-1),
    }[average]
    return losses.beside(x, 9 * F.kl_div(student.log_softmax(dim=-1), wanted, reduction="batchmean"))


def focal(x: Tensor, gamma: float = 2.0, alpha: float = -1) -> Tensor:
    """torchvision's loss with other settings."""
    labels = torch.tensor([0, 1, 1, 0, 1, 0]).to(x)
    loss = reference("torchvision.ops").sigmoid_focal_loss(x, labels, alpha=alpha, gamma=gamma, reduction="mean")
    return losses.beside(x, loss)


def shifted(x: Tensor, shift: Tensor, scale: float = 1.0) -> Tensor:
    """Cross-entropy of scaled logits, to which each class's number is added."""
    return losses.beside(x, F.cross_entropy(scale * x + shift.to(x), losses.LABELS))


def margins_for_all(x: Tensor) -> Tensor:
    """LDAM's margins taken off every class, not of the true one alone."""
    margins = 0.5 * (losses.COUNTS / losses.COUNTS.min()) ** -0.25
    return losses.beside(x, F.cross_entropy(30 * (0.2 * x - margins.to(x)), losses.LABELS))


def branches(x: Tensor, kept: Tensor = mixing.KEPT, scale: float = 1 / (1 - mixing.DROP)) -> Tensor:
    """Other branches kept, or scaled otherwise."""
    return x + mixing.branch(x) * scale * kept.to(x)[:, None, None]


def moved_up(x: Tensor) -> Tensor:
    """Kept branches added to the first samples."""
    gains = torch.zeros_like(x)
    kept = mixing.branch(x)[mixing.KEPT] / (1 - mixing.DROP)
    gains[: len(kept)] = kept
    return x + gains


def other_picture(x: Tensor) -> Tensor:
    """Six mixed pictures with the labels of their partners in the first place."""
    mixed = mixing.mixed_by_timm(0.6875, 0.1, (3, 5), x)
    return torch.cat([mixed[:, :-5], mixed[:, -5:].flip(0)], dim=1)


def tokens_exchanged(model: nn.Module) -> None:
    """[CLS] and distillation token in each other's place."""
    tokens = dict(model.named_parameters())
    first, second = (
        next(token for name, token in tokens.items() if name.endswith(ends))
        for ends in ("cls_token", ("distillation_token", "dist_token"))
    )
    kept = first.clone()
    first.copy_(second)
    second.copy_(kept)


def heads_exchanged(model: nn.Module, x: Tensor) -> Tensor:
    """Each head named for the other's answer."""
    together = deit.heads_of_transformers(model, x).chunk(3, dim=1)
    return torch.cat([together[0], together[2], together[1]], dim=1)


def first_head_alone(model: nn.Module, x: Tensor) -> Tensor:
    """No late fusion: [CLS] answers."""
    together = deit.heads_of_transformers(model, x).chunk(3, dim=1)
    return torch.cat([together[1], together[1], together[2]], dim=1)


def timms_first_head_alone(model: nn.Module, x: Tensor) -> Tensor:
    """The same of timm's."""
    together = deit.heads_of_timm(model, x).chunk(3, dim=1)
    return torch.cat([together[1], together[1], together[2]], dim=1)


def sources_exchanged(case: Case) -> Case:
    """[CLS] asks the teacher, the distillation token the labels."""
    forward = case.theirs_forward
    return replace(case, theirs_forward=lambda part, x: losses.beside(x, forward(part, x.flip(0))[0]))


def deit_like(kind: str) -> Damage:
    """The whole loss of another kind."""
    return like(partial(deit.whole_loss, kind=kind))


LATER = ("warm-up one step longer", like(partial(schedule, library="timm", warmup=7)), "outputs")
TO_ZERO = ("the end is 0", like(partial(schedule, library="timm", floor=0.0)), "outputs")
JUMPS = ("a cosine counted from step 0", like(partial(run_of_rates, shifted=False)), "outputs")
SHIFTED = ("a cosine counted from the end of the warm-up", like(partial(run_of_rates, shifted=True)), "outputs")
DELAYED = ("one step late", returned(lambda y: torch.cat([y[:1], y[:-1]])), "outputs")
L2 = ("decay in the gradient", instead(course_of(torch.optim.Adam)), "outputs")
NOT_SCALED = ("not scaled", instead(partial(branches, scale=1.0)), "outputs")
OTHERS = ("the others dropped", instead(partial(branches, kept=~mixing.KEPT)), "outputs")
NOTHING = ("nothing dropped", instead(lambda x: x), "outputs")


def _of(case: str, *found: tuple[str, Damage, str]) -> list[Damaged]:
    return [(case, *damage) for damage in found]


DAMAGES: list[Damaged] = [
    *_of("AdamW = torch", L2, ("no decay", adam(weight_decay=0.0), "outputs"),
         ("β₁ = 0.95", adam(betas=(0.95, 0.999)), "outputs"), ("β₂ = 0.99", adam(betas=(0.9, 0.99)), "outputs"),
         ("eps 1e-7", adam(eps=1e-7), "outputs"), ("the largest square so far", adam(amsgrad=True), "outputs"),
         ("another rate", adam(lr=0.011), "outputs"), DELAYED),
    *_of("AdamW, other settings = torch", ("usual settings", adam(), "outputs"),
         ("eps 1e-4", adam(lr=0.05, weight_decay=0.1, eps=1e-4), "outputs")),
    *_of("AdamW = timm", L2),
    *_of("schedule = torch", LATER, TO_ZERO, JUMPS, DELAYED),
    *_of("schedule = timm", LATER, TO_ZERO, GRADIENT_WRONG),
    *_of("clipping = torch", ("each tensor by itself", instead(each_clipped), "outputs"),
         ("another limit", like(partial(steps.clipped, limit=0.6)), "outputs"),
         ("not clipped", instead(lambda x: x), "outputs")),
    *_of("clipping, short enough = torch", ("lengthened to the limit", returned(lambda y: 50 * y / y.norm()),
                                            "outputs")),
    *_of("accumulation, unequal parts = the whole batch",
         ("parts of unequal size count alike", instead(lambda x: steps.with_grad(steps.mean_of_parts, x)), "outputs")),
    *_of("average = timm", ("another decay", like(partial(averaged, library="timm", decay=0.89)), "outputs"),
         ("one step late", like(partial(averaged, library="step by step", decay=0.9)), "outputs"), DELAYED),
    *_of("average = torch", ("another decay", like(partial(averaged, library="torch", decay=0.89)), "outputs"),
         ("buffers averaged, too", returned(lambda y: torch.cat([y[:, :2], y.cumsum(0)[:, 2:]], dim=1)), "outputs")),
    *_of("average, warm = step by step",
         ("full decay from the start", instead(partial(steps.by_steps, decay=0.3, kept=lambda t: 1.0)), "outputs"),
         ("one step ahead", instead(partial(steps.by_steps, decay=0.3, kept=lambda t: (2 + t) / (11 + t))),
          "outputs")),
    *_of("drop path = timm", NOTHING, ("not scaled", returned(lambda y: (1 - mixing.DROP) * y), "outputs")),
    *_of("drop path = torchvision", GRADIENT_WRONG,
         ("the others dropped", instead(lambda x: mixing.dropped("timm", x, kept=~mixing.KEPT)), "outputs")),
    *_of("ViT that drops branches = timm",
         ("another rate in the last block", setting("drop_prob", 0.4, "blocks.2.drop_path1"), "outputs"),
         ("nothing dropped in evaluation", run_as(lambda model, x: model.eval()(x)), "outputs"),
         ("attention's branch never dropped", setting("drop_prob", 0.0, "blocks.2.drop_path1"), "outputs"),
         ("not scaled", setting("scale_by_keep", False, "blocks.1.drop_path2"), "outputs")),
    *_of("Mixup = timm", ("labels of the partners", instead(other_picture), "outputs"),
         ("CutMix", like(partial(mixing.mixed, share=0.6875, kind=0.9)), "outputs"),
         ("another share", like(partial(mixing.mixed, share=0.7, kind=0.1)), "outputs"), GRADIENT_WRONG),
    *_of("CutMix = timm", ("another place", like(partial(mixing.mixed, share=0.75, kind=0.9, corner=(5, 3))),
                           "outputs"),
         ("a smaller window", like(partial(mixing.mixed, share=0.85, kind=0.9)), "outputs")),
    *_of("CutMix over the border = timm",
         ("a label by the share that was drawn",
          instead(partial(mixing.mixed_by_timm, 0.75, 0.9, (1, 7), exact=False)), "outputs"),
         ("a window moved inside", like(partial(mixing.mixed, share=0.75, kind=0.9, corner=(2, 6))), "outputs")),
    *_of("soft loss, T = 1 = class by class",
         ("student and teacher exchanged", instead(partial(one_teacher, swapped=True, t=1)), "outputs")),
    *_of("soft loss, T = 3 = class by class", ("T instead of T²", instead(partial(one_teacher, power=1)), "outputs"),
         ("divided by the classes, too", instead(partial(one_teacher, reduction="mean")), "outputs"),
         ("another T", instead(partial(one_teacher, t=2)), "outputs"), GRADIENT_WRONG),
    *_of("hard loss = picture by picture",
         ("the worst class", instead(lambda x: losses.beside(x, F.cross_entropy(x, losses.TEACHER.argmin(1)))),
          "outputs"),
         ("soft labels", instead(lambda x: losses.beside(x, F.cross_entropy(x, losses.TEACHER.softmax(1).to(x)))),
          "outputs"), GRADIENT_WRONG),
    *_of("DeiT's loss, none = picture by picture", ("hard", deit_like("hard"), "outputs")),
    *_of("DeiT's loss, hard = picture by picture", ("soft", deit_like("soft"), "outputs"),
         ("heads exchanged", sources_exchanged, "outputs")),
    *_of("DeiT's loss, soft = picture by picture", ("hard", deit_like("hard"), "outputs")),
    *_of("student = transformers", ("tokens exchanged", module(tokens_exchanged), "outputs"),
         ("heads exchanged", run_as(heads_exchanged), "outputs"),
         ("no late fusion", run_as(first_head_alone), "outputs"),
         ("eps 1e-12", setting("eps", 1e-12, "deit.layernorm"), "outputs"),
         ("wrong gradient in a block", gradient_doubled("deit.layers.1.mlp"), "input gradients")),
    *_of("student = timm", ("tokens exchanged", module(tokens_exchanged), "outputs"),
         ("no late fusion", run_as(timms_first_head_alone), "outputs")),
    *_of("focal loss = torchvision", ("γ = 1", instead(partial(focal, gamma=1.0)), "outputs"),
         ("α = 0.25", instead(partial(focal, alpha=0.25)), "outputs"), GRADIENT_WRONG),
    *_of("focal loss, γ = 0.5 = torchvision", ("γ = 2", instead(focal), "outputs")),
    *_of("focal loss of five classes = picture by picture",
         ("plain", instead(lambda x: losses.beside(x, F.cross_entropy(x, losses.LABELS))), "outputs")),
    *_of("logit adjustment = picture by picture",
         ("subtracted", instead(partial(shifted, shift=-(losses.COUNTS / 650).log())), "outputs"),
         ("counts, no logarithm", instead(partial(shifted, shift=losses.COUNTS / 650)), "outputs"), GRADIENT_WRONG),
    *_of("LDAM = picture by picture", ("margins of all classes", instead(margins_for_all), "outputs"),
         ("no scale", instead(partial(shifted, shift=torch.zeros(5), scale=0.2)), "outputs")),
    *_of("exercise 4.1 = timm", JUMPS, DELAYED),
    *_of("exercise 4.1, not shifted = timm", SHIFTED),
    *_of("exercise 4.2 = torch", ("the true class gets nothing back", instead(smoothed(0.3, 0, 1 / 5)), "outputs"),
         ("the others alone", instead(smoothed(0.3, 0, 1 / 4)), "outputs"),
         ("another share", instead(smoothed(0.2, 1 / 5, 1 / 5)), "outputs"), GRADIENT_WRONG),
    *_of("exercise 4.2 = timm", ("the others alone", instead(losses.shared_by_others), "outputs")),
    *_of("exercise 4.2, the others alone = entry by entry", ("torch's convention", instead(torch_targets), "outputs")),
    *_of("exercise 4.3 = class by class", ("the mean of the logits", instead(partial(several, average="logits")),
                                           "outputs"),
         ("one teacher alone", instead(partial(several, average="the first")), "outputs"),
         ("the student not softened", instead(partial(several, softened=False)), "outputs"),
         ("teachers that learn", instead(partial(several, shared=True)), "input gradients")),
    *_of("exercise 4.4 = timm", NOT_SCALED, OTHERS),
    *_of("exercise 4.4 = torchvision", ("branches of other samples", instead(moved_up), "outputs"), GRADIENT_WRONG),
]  # fmt: skip
