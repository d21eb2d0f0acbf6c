"""Texts as the search sees them: stems of words, other names of a term as one, and how well each word fits a passage."""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator

from sphinx.search.en import SearchEnglish

from vitbook.passages import Passage

# Words that ask rather than name; assets/search.js leaves them out, too.
STOP_WORDS = frozenset(
    """
    a about after all also am an and any are as at be because been but by can could did do does doing done each else
    exactly for from get gets got had has have having how i if in into is it its just let like me mean means more most
    my no not of on once only or other our out rather really same shall should so some such than that the their them
    then there these they thing things this those to too us use used uses using very was we well were what when where
    whether which while who whom why will with without would you your
    """.split()
)
WORD = re.compile(r"[a-z0-9]+|√")
MIXED = re.compile(r"([a-z]{3,})(\d+)[a-z]?")
LONGEST = 4  # words of a name

# How much a word counts where it stands, and how much a long text takes from each of its words (BM25F).
WEIGHTS = {"title": 5.0, "topics": 3.0, "answer": 3.0, "careful": 1.5, "text": 1.0, "code": 0.4}
SATURATION, LENGTH = 3.0, 0.6
FULL = 999  # the largest weight of a word in the index
LEAST = 8  # what weighs less is left out

STEMMER = SearchEnglish({})


def words(text: str) -> Iterator[str]:
    """Yield the words of a text in small letters; `patch16` is also `patch` and `16`."""
    plain = unicodedata.normalize("NFKD", text).lower()
    for word in WORD.findall("".join(c for c in plain if not unicodedata.combining(c))):
        yield word
        if match := MIXED.fullmatch(word):
            yield from match.groups()


def stem(word: str) -> str:
    """Return what a word has in common with its other forms; assets/search.js stems by the same rules."""
    return STEMMER.stem(word) if word.isalpha() and word.isascii() else word


def stems(text: str) -> list[str]:
    """Return the stems of what a text names."""
    return [stem(word) for word in words(text) if word not in STOP_WORDS]


class Names:
    """Names that mean the same: wherever one of them stands, a mark for all of them is added."""

    def __init__(self, groups: Iterable[list[str]]) -> None:
        """Number the groups."""
        self.marks: dict[str, str] = {}
        for number, names in enumerate(groups):
            for name in names:
                if key := " ".join(stems(name)):
                    self.marks.setdefault(key, f"={number}")

    def add(self, found: list[str]) -> list[str]:
        """Return stems and the marks of the names among them."""
        spans = range(1, LONGEST + 1)
        keys = (" ".join(found[i : i + n]) for i in range(len(found)) for n in spans if i + n <= len(found))
        return found + [self.marks[key] for key in keys if key in self.marks]


def weigh(passages: list[Passage], names: Names) -> dict[str, dict[int, int]]:
    """Return for each word which passages hold it, and how well it fits them (BM25F, 1 to FULL)."""
    counts = [
        {kind: Counter(names.add([s for text in texts for s in stems(text)])) for kind, texts in passage.words.items()}
        for passage in passages
    ]
    lengths = {kind: [sum(count[kind].values()) for count in counts if kind in count] for kind in WEIGHTS}
    means = {kind: sum(values) / len(values) for kind, values in lengths.items() if values}
    found: dict[str, dict[int, float]] = defaultdict(dict)
    for index, count in enumerate(counts):
        total: Counter[str] = Counter()
        for kind, inside in count.items():
            longer = 1 - LENGTH + LENGTH * sum(inside.values()) / means[kind]
            for word, times in inside.items():
                total[word] += WEIGHTS[kind] * times / longer  # type: ignore[assignment]
        for word, weight in total.items():
            found[word][index] = weight / (SATURATION + weight)
    highest = math.log(1 + len(passages))
    index_: dict[str, dict[int, int]] = {}
    for word, places in found.items():
        rarity = math.log(1 + (len(passages) - len(places) + 0.5) / (len(places) + 0.5)) / highest
        scores = {place: round(FULL * rarity * weight) for place, weight in places.items()}
        if kept := {place: score for place, score in scores.items() if score >= LEAST}:
            index_[word] = kept
    return index_
