"""Lesson 4's figures: what they draw, by another calculation, and that this is what is drawn."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from matplotlib.text import Annotation
from torch import Tensor

from tests.shared.pictures import assert_equal
from tools.lesson.definitions import load_definitions
from tools.lesson.read import find_lesson, read_lesson

STEPS, WARMUP = 60, 12


@pytest.fixture(scope="module")
def lesson() -> ModuleType:
    return load_definitions("04_training")


def boxes_of(ax: Axes) -> dict[str, Rectangle]:
    """The boxes of a sketch by the words in their middle; of a word that two have, the second as `word 2`."""
    found: dict[str, Rectangle] = {}
    for text in ax.texts:
        for patch in ax.patches:
            x, y = text.get_position()
            if isinstance(patch, Rectangle) and np.allclose(
                (x, y), (patch.get_x() + patch.get_width() / 2, patch.get_y() + patch.get_height() / 2)
            ):
                words = text.get_text()
                found[words if words not in found else f"{words} 2"] = patch
    return found


def box_at(boxes: dict[str, Rectangle], place: tuple[float, float], slack: float = 4) -> str | None:
    """The box on whose border, or almost, a place lies."""
    x, y = place
    for words, box in boxes.items():
        left, low = box.get_xy()
        right, high = left + box.get_width(), low + box.get_height()
        if left - slack <= x <= right + slack and low - slack <= y <= high + slack:
            return words
    return None


def edges(ax: Axes) -> set[tuple[str | None, str | None]]:
    """From which box to which each arrow of a sketch leads."""
    boxes = boxes_of(ax)
    heads = {note.xy for note in ax.texts if isinstance(note, Annotation) and note.arrow_patch}
    ends = set()
    for line in ax.lines:
        first, *_, last = ((float(x), float(y)) for x, y in np.asarray(line.get_xydata()))
        assert last in heads, "the head is at the end of the line"
        ends.add((box_at(boxes, first), box_at(boxes, last)))
    return ends


class ByHand:
    """The opening picture's run, its optimiser, schedule and average written out parameter by parameter."""

    def __init__(self, lesson: ModuleType, amount: int) -> None:
        model, average = lesson.initialise(lesson.ViT(lesson.DIGIT_VIT), 0), None
        draws = torch.Generator().manual_seed(0)
        moments = {name: [torch.zeros_like(p), torch.zeros_like(p)] for name, p in model.named_parameters()}
        self.losses, self.rates, self.tests = [], [], []
        for step in range(STEPS):
            done = (step - WARMUP) / (STEPS - WARMUP)
            rate = 3e-3 * ((step + 1) / WARMUP if step < WARMUP else (1 + math.cos(math.pi * done)) / 2)
            batch = torch.randint(amount, (32,), generator=draws)
            loss = F.cross_entropy(model(lesson.IMAGES[batch]), lesson.LABELS[batch])
            gradients = torch.autograd.grad(loss, list(model.parameters()))
            with torch.no_grad():
                for (name, parameter), gradient in zip(model.named_parameters(), gradients, strict=True):
                    mean, square = moments[name]
                    mean.mul_(0.9).add_(0.1 * gradient)
                    square.mul_(0.999).add_(0.001 * gradient**2)
                    if name.endswith("weight") and "norm" not in name:
                        parameter.mul_(1 - rate * 0.05)
                    size = (square / (1 - 0.999 ** (step + 1))).sqrt() + 1e-8
                    parameter.sub_(rate * mean / (1 - 0.9 ** (step + 1)) / size)
                now = [parameter.clone() for parameter in model.parameters()]
                average = now if average is None else [0.9 * a + 0.1 * b for a, b in zip(average, now, strict=True)]
            self.losses.append(loss.item())
            self.rates.append(rate)
            if step % 20 == 19:
                self.tests.append(self.test_loss(lesson, average))

    @staticmethod
    @torch.no_grad()
    def test_loss(lesson: ModuleType, parameters: list[Tensor]) -> float:
        model = lesson.ViT(lesson.DIGIT_VIT)
        for own, given in zip(model.parameters(), parameters, strict=True):
            own.copy_(given)
        return F.cross_entropy(model(lesson.IMAGES[1400:]), lesson.LABELS[1400:]).item()


@pytest.fixture(scope="module")
def step(lesson: ModuleType) -> Iterator[Any]:
    figure = lesson.training_step(200, STEPS, WARMUP)
    yield figure
    plt.close(figure)


@pytest.fixture(scope="module")
def run(lesson: ModuleType) -> ByHand:
    return ByHand(lesson, 200)


@pytest.fixture(scope="module")
def distillation(lesson: ModuleType) -> Iterator[Any]:
    figure = lesson.deit_distillation(steps=20)
    yield figure
    plt.close(figure)


class TestTrainingStep:
    """The opening picture: the loop, and below it one measured run."""

    def test_the_curves_are_those_of_a_run_by_hand(self, step: Any, run: ByHand) -> None:
        losses, tests = step.axes[1].lines[:2]
        np.testing.assert_allclose(losses.get_ydata(), run.losses, atol=0.02)
        np.testing.assert_allclose(tests.get_ydata(), run.tests, atol=0.02)
        assert tests.get_xdata().tolist() == [19, 39, 59], "each mark stands at the step after which was tested"
        assert run.losses[-1] < run.losses[0] / 2, "a run in which nothing happens would show anything"

    def test_the_area_is_the_rate(self, step: Any, run: ByHand) -> None:
        (area,) = step.axes[1].collections
        (path,) = area.get_paths()
        upper = {round(x): y for x, y in path.vertices if y > 0}
        assert sorted(upper) == list(range(STEPS))
        highest = max(run.rates)
        np.testing.assert_allclose([upper[x] for x in range(STEPS)], [r / highest for r in run.rates], atol=1e-6)

    def test_warm_up_ends_where_the_line_stands(self, step: Any) -> None:
        assert set(step.axes[1].lines[2].get_xdata()) == {WARMUP}

    def test_the_arrows_lead_through_one_step(self, step: Any) -> None:
        assert edges(step.axes[0]) == {
            ("digits", "augment"),
            ("augment", "ViT"),
            ("ViT", "label, teacher"),
            ("label, teacher", "clip"),
            ("clip", "AdamW"),
            ("schedule", "AdamW"),
            ("AdamW", "ViT"),
            ("ViT", "EMA"),
        }

    def test_the_shapes_are_those_of_a_step(self, step: Any, lesson: ModuleType) -> None:
        model, images = lesson.ViT(lesson.DIGIT_VIT), lesson.IMAGES[:32]
        said = [text.get_text() for text in step.axes[0].texts]
        logits = model(images)
        assert "×".join(map(str, images.shape)) in said
        assert "×".join(map(str, logits.shape)) in said
        gradients = torch.autograd.grad(logits.sum(), list(model.parameters()))
        assert f"{sum(g.numel() for g in gradients):,} gradients" in said

    def test_its_numbers_are_the_lessons_parts(self, step: Any) -> None:
        parts = {text.get_text() for ax in step.axes[:2] for text in ax.texts if text.get_text().isdecimal()}
        cells = read_lesson(find_lesson("04_training")).cells
        headings = [cell.source for cell in cells if cell.cell_type == "markdown" and cell.source.startswith("## ")]
        assert parts == {heading[3] for heading in headings if heading[3].isdecimal()} == set("12345")


class TestDistillation:
    """DeiT's two losses, for the picture that is shown."""

    def test_the_picture_is_a_three_with_a_quarter_of_an_eight(self, distillation: Any, lesson: ModuleType) -> None:
        three, eight = (lesson.IMAGES[lesson.LABELS.tolist().index(k)][0].clone() for k in (3, 8))
        three[:4, 4:] = eight[:4, 4:]
        said = [text.get_text() for text in distillation.axes[0].texts]
        picture = distillation.axes[0].child_axes[0].images[0].get_array()
        assert_equal([picture], [three.numpy()])
        assert "label: 3 at 0.75, 8 at 0.25" in said

    def test_the_teacher_says_what_its_logits_say(self, distillation: Any, lesson: ModuleType) -> None:
        picture = distillation.axes[0].child_axes[0].images[0].get_array()
        teacher = lesson.train_teacher(lesson.IMAGES[:200], lesson.LABELS[:200], seed=0, steps=20)
        logits = teacher(torch.tensor(np.asarray(picture))[None, None])[0].tolist()
        assert f"best class: {max(range(10), key=logits.__getitem__)}" in [
            t.get_text() for t in distillation.axes[0].texts
        ]

    def test_it_counts_the_students_tokens_and_blocks(self, distillation: Any, lesson: ModuleType) -> None:
        seen: list[int] = []
        student = lesson.DistilledViT(lesson.DIGIT_VIT)
        for block in student.blocks:
            block.register_forward_hook(lambda block, x, y: seen.append(x[0].shape[1]))
        student(lesson.IMAGES[:1])
        said = [text.get_text() for text in distillation.axes[0].texts]
        assert f"{seen[0]} tokens" in said and f"student: ViT, {len(seen)} blocks" in said

    def test_each_token_has_its_head_and_its_loss(self, distillation: Any) -> None:
        found = edges(distillation.axes[0])
        student = next(words for words in boxes_of(distillation.axes[0]) if words.startswith("student"))
        assert {("[CLS]", student), ("distil.", student), (student, "head"), (student, "head 2")} <= found
        assert {("head", "½ · CE"), ("head 2", "½ · CE 2")} <= found
        assert (None, "½ · CE") in found, "the label goes to the class head's loss"
        assert (None, "½ · CE 2") in found, "the teacher's class goes to the other"


@pytest.mark.parametrize("share", [0.0, 0.3, 0.75, 1.0])
def test_mixing_frames_show_what_the_label_says(lesson: ModuleType, share: float) -> None:
    draws = torch.Generator().manual_seed(1)
    a, b = 2 * torch.rand(2, 3, 12, 12, generator=draws) - 1
    figure = lesson.mixing_frame(a, b, share)
    kept, rest = (bar.get_height() for bar in figure.axes[2].patches)
    mixed, pasted = (np.asarray(ax.images[0].get_array()) for ax in figure.axes[:2])
    plt.close(figure)
    both = [(picture.permute(1, 2, 0).numpy() + 1) / 2 for picture in (a, b)]
    assert_equal([mixed], [share * both[0] + (1 - share) * both[1]])
    from_a = np.isclose(pasted, both[0]).all(axis=2)
    assert (from_a | np.isclose(pasted, both[1]).all(axis=2)).all()
    assert kept == pytest.approx(from_a.mean()) and kept + rest == pytest.approx(1)
    assert abs(kept - share) < 0.05, "whole pixels only"
    rows, columns = np.nonzero(~from_a)
    if len(rows):
        window = set(itertools.product(range(rows.min(), rows.max() + 1), range(columns.min(), columns.max() + 1)))
        assert window == set(zip(rows.tolist(), columns.tolist(), strict=True)), "one box"
