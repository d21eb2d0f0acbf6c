"""Every rule passes a sound lesson and reports a broken one, naming the cell."""

from __future__ import annotations

import base64

import pytest

from tests.contract import breaks_of_code, breaks_of_figures, breaks_of_reading, breaks_of_text
from tests.contract.breaking import Break
from tests.contract.example import cell_of, example, png
from tests.contract.rules import RULES, Lesson, Rule, references
from tests.contract.rules.lesson import rules_of

BY_NAME = {rule.__name__: rule for rule in RULES}
BREAKS = [*breaks_of_text.BREAKS, *breaks_of_reading.BREAKS, *breaks_of_code.BREAKS, *breaks_of_figures.BREAKS]
SOUND = [*breaks_of_text.SOUND, *breaks_of_reading.SOUND, *breaks_of_code.SOUND]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_example_keeps(rule: Rule) -> None:
    assert rule(example()) == []


@pytest.mark.parametrize("broken", BREAKS, ids=str)
def test_bites(broken: Break) -> None:
    lesson = example()
    changed = broken.change(lesson)
    complaints = BY_NAME[broken.rule](changed if isinstance(changed, Lesson) else lesson)
    assert any(broken.says in complaint for complaint in complaints), complaints


def test_every_rule_is_seen_to_bite() -> None:
    elsewhere = set(rules_of(references))  # in test_references_bite.py
    assert {rule.__name__ for rule in RULES if rule not in elsewhere} == {broken.rule for broken in BREAKS}


@pytest.mark.parametrize("sound", SOUND, ids=lambda sound: sound.rule)
def test_does_not_bite_what_is_sound(sound: Break) -> None:
    lesson = example()
    sound.change(lesson)
    assert BY_NAME[sound.rule](lesson) == []


def test_complaints_name_the_cell() -> None:
    lesson = example()
    cell_of(lesson, "cut").source = "x = torch.rand(3)"
    assert BY_NAME["draws_name_their_generator"](lesson)[0].startswith("cell cut: `torch.rand(…)`")


def test_the_example_shows_a_real_picture() -> None:
    picture = base64.b64decode(cell_of(example(), "bars").outputs[0].data["image/png"])
    assert picture == png()
