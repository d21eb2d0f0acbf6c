"""The rules every lesson keeps, one module a heading; each rule is a function from a lesson to complaints."""

from tests.contract.rules import (
    anatomy,
    answers,
    code,
    exercises,
    interaction,
    outputs,
    pictures,
    randomness,
    reading,
    references,
    size,
    text,
)
from tests.contract.rules.lesson import Lesson, Rule, rules_of

MODULES = (
    anatomy,
    size,
    text,
    answers,
    reading,
    code,
    randomness,
    outputs,
    pictures,
    interaction,
    exercises,
    references,
)
RULES: tuple[Rule, ...] = tuple(rule for module in MODULES for rule in rules_of(module))

__all__ = ["RULES", "Lesson", "Rule"]
