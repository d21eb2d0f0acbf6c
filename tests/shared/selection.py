"""Which lesson a test is about, so that the tests of one lesson can be chosen: `pytest --lesson 05`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Protocol

from tools.lesson.read import find_lesson

# Chosen in place of a lesson: the tests that are about none.
NONE = "none"
# A test file about one lesson names it: test_05_windows.py, test_lesson_05.py.
_FILE = re.compile(r"^test_(?:\w+_)?(\d\d)[_.]")


class Item(Protocol):
    """What is read of a pytest item."""

    name: str
    path: object


def lessons_of(item: Item, known: Iterable[str]) -> frozenset[str]:
    """The lessons (their names) a test is about: those its parameters name, or else the one its file names."""
    known = tuple(known)
    callspec = getattr(item, "callspec", None)
    words = [word for value in callspec.params.values() for word in _words(value)] if callspec else []
    named = frozenset(lesson for lesson in known for word in words if lesson in word)
    if named:
        return named
    file = _FILE.match(getattr(item.path, "name", ""))
    return frozenset(lesson for lesson in known if file and lesson.startswith(file[1] + "_"))


def _words(value: object) -> Iterator[str]:
    """What a parameter calls itself: a string, a path, or something with a lesson or a name."""
    if isinstance(value, str):
        yield value
        return
    for attribute in ("lesson", "stem", "name"):
        if isinstance(word := getattr(value, attribute, None), str):
            yield word


def wanted(lessons: Iterable[str]) -> frozenset[str]:
    """The names of the lessons asked for, with `none` among them if it is; ValueError for one that does not exist."""
    return frozenset(NONE if lesson == NONE else find_lesson(lesson).stem for lesson in lessons)


def is_chosen(lessons: frozenset[str], chosen: frozenset[str]) -> bool:
    """Whether a test about these lessons is among what was asked for."""
    return bool(lessons & chosen) if lessons else NONE in chosen
