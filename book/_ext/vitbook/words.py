"""Texts as the search sees them: stems of words, other names of a thing as one, and how well a word fits a passage."""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from functools import cache

from sphinx.search.en import SearchEnglish

from vitbook.passages import Passage

# Words that ask rather than name.
ASKING = """
a about after ain all also always am an and any are aren as at basics be because been beginner beginners between
but by can cant could couldn did didn didnt do does doesn doesnt doing don done dont each else exactly explain
explained explanation for from get gets got had happen happens has hasn have haven having help how i idea if im
in into intro introduction is isn isnt it its ive just let like me mean meaning means more most must my no not of
ok okay on once only or other our out overview please possible purpose question rather really same shall should
shouldn simple simply so some still such terms than that the their them then there these they thing things this
those to too tutorial understand us use used uses using versus very vs was wasn we well were weren what whats
when where whether which while who whom why will with won wont work works would wouldn you your
"""
STOP_WORDS = frozenset(ASKING.split())
# Everyday words that mean the same in a question about a model; the glossary has the other names of its terms.
SAME = (
    ("advantage", "benefit", "strength", "pros"),
    ("disadvantage", "drawback", "weakness", "limitation", "cons"),
    ("complexity", "cost", "expensive"),
    ("convolution", "conv"),
    ("diverge", "unstable", "instability", "explode", "blow up"),
    ("frozen", "freeze", "unfreeze"),
    ("learned", "learnt", "learnable", "trainable"),
    ("parameter", "param"),
    ("picture", "image", "photo", "photograph"),
    ("Q, K, V", "QKV", "query key value", "queries, keys, values"),
    ("ViT", "vision transformer", "visual transformer", "transformer"),
    ("visualize", "show", "plot", "display"),
    ("without", "remove", "omit"),
)
# Rules that assets/search.js follows, too: patterns that mean the same in both languages.
SHORTENED = "['’](?:d|ll|m|re|s|t|ve)(?![a-z0-9])"  # "doesn't", "model's": what is left out says nothing
WORD = "[a-z0-9]+|√"
MIXED = "([a-z]{3,})([0-9]+)[a-z]?|([0-9]+)x([0-9]+)"  # two words in one: patch16, 224x224
SPELLINGS = (
    ("(?<=[a-z]{3}(?:al|ar|en|er|et|il|im|in|it|nt|on|or|tr))is(?=(?:e|ed|er|ers|es|ing|ation|ations)$)", "iz"),
    ("(?<=[a-z]{3})our", "or"),
    ("(?<=^encod)er(?=s?$)", "or"),  # an encoder is no encoding
)
LONGEST = 4  # words of a name

# BM25F: how much a word counts where it stands; how much a long text takes from each of its words; and the weight at
# which a word counts half of what it can. Tuned on the phrasings for it in tests/site/browser/search_phrasings.toml.
WEIGHTS = {
    "title": 10.0,
    "topics": 2.0,
    "asked": 2.0,
    "answer": 3.0,
    "headline": 3.0,
    "careful": 0.4,
    "text": 1.0,
    "table": 1.0,
    "code": 0.2,
    "around": 1.2,
}
LENGTHS = {"title": 0.7, "topics": 0.7}
LENGTH = 0.7
HALF = 8.0
NAME = 0.9  # what a name counts, to a word
FULL = 300  # of a word that stands in one passage only; the index holds whole numbers
LEAST = 6  # what counts less is left out

STEMMER = SearchEnglish({})


def words(text: str) -> Iterator[str]:
    """Yield the words of a text in small letters; `patch16` is also `patch` and `16`, and `16x16` twice `16`."""
    plain = unicodedata.normalize("NFKD", text).lower()
    plain = "".join(c for c in plain if not unicodedata.combining(c))
    for word in re.findall(WORD, re.sub(SHORTENED, "", plain)):
        yield word
        if match := re.fullmatch(MIXED, word):
            yield from filter(None, match.groups())


@cache
def stem(word: str) -> str:
    """Return what a word has in common with its other forms and spellings."""
    if not re.fullmatch("[a-z]{3,}", word):
        return word
    for british, american in SPELLINGS:
        word = re.sub(british, american, word)
    return STEMMER.stem(word)


def stems(text: str) -> list[str]:
    """Return the stems of what a text names."""
    return [stem(word) for word in words(text) if word not in STOP_WORDS]


class Names:
    """Names that mean the same: wherever one of them stands, a mark for all of them is added."""

    def __init__(self, groups: Iterable[Iterable[str]]) -> None:
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
    """Return for each word which passages hold it, and how well it fits them: a whole number, at most FULL."""
    counts = [
        {kind: Counter(names.add([s for text in texts for s in stems(text)])) for kind, texts in passage.words.items()}
        for passage in passages
    ]
    lengths = {kind: [count[kind].total() for count in counts if kind in count] for kind in WEIGHTS}
    means = {kind: sum(values) / len(values) for kind, values in lengths.items() if values}
    fits: dict[str, dict[int, float]] = defaultdict(lambda: defaultdict(float))
    for place, count in enumerate(counts):
        for kind, inside in count.items():
            share = LENGTHS.get(kind, LENGTH)
            longer = 1 - share + share * inside.total() / means[kind]
            for word, times in inside.items():
                fits[word][place] += WEIGHTS[kind] * times / longer
    return {word: kept for word, places in fits.items() if (kept := scores(word, places, len(passages)))}


def scores(word: str, places: dict[int, float], count: int) -> dict[int, int]:
    """Return what a word adds to the score of each passage that holds it: more the rarer it is."""
    rarity = math.log(1 + (count - len(places) + 0.5) / (len(places) + 0.5)) / math.log(1 + (count - 0.5) / 1.5)
    full = FULL * rarity * (NAME if word.startswith("=") else 1)
    rounded = {place: round(full * fit / (HALF + fit)) for place, fit in places.items()}
    return {place: score for place, score in rounded.items() if score >= LEAST}
