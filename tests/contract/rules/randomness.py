"""Random numbers come from explicit generators, so that a cell added above changes none below.

Allowed: `torch.Generator().manual_seed(…)`, `np.random.default_rng(seed)`, `random.Random(seed)`; and anything inside
`with torch.random.fork_rng():`, which puts the global generator back (the way to seed the initialisation of a module,
which takes no generator). The set-up cell may seed the global generators once.
"""

from __future__ import annotations

import ast

from tests.contract.rules.lesson import Lesson, at
from tests.contract.rules.source import calls, dotted, tree_of
from tools.lesson.read import has_tag

# Functions of torch that draw, and take `generator=`.
DRAWING = frozenset({"rand", "randn", "randint", "randperm", "normal", "bernoulli", "multinomial", "poisson"})
# Without a keyword for a generator.
DRAWING_LIKE = frozenset({"rand_like", "randn_like", "randint_like"})
# Methods and initialisers that draw in place.
DRAWING_IN_PLACE = frozenset(
    {
        "normal_",
        "uniform_",
        "bernoulli_",
        "exponential_",
        "random_",
        "trunc_normal_",
        "xavier_uniform_",
        "xavier_normal_",
    }
    | {"kaiming_uniform_", "kaiming_normal_", "orthogonal_"}
)
SEEDING = frozenset({"torch.manual_seed", "torch.seed", "random.seed", "np.random.seed", "numpy.random.seed"})
SEEDED_CONSTRUCTORS = frozenset({"default_rng", "Generator", "PCG64", "SeedSequence", "RandomState", "Random"})


def draws_name_their_generator(lesson: Lesson) -> list[str]:
    """Every draw names where its numbers come from."""
    found = []
    for cell in lesson.code:
        if has_tag(cell, "setup"):
            continue
        tree = tree_of(cell)
        forked = _calls_in_forks(tree)
        for name, call in calls(tree):
            complaint = _complaint(name, call)
            if complaint and call not in forked:
                found.append(at(cell, complaint))
    return found


def _calls_in_forks(tree: ast.Module) -> set[ast.Call]:
    """The calls that stand in a block `with torch.random.fork_rng():`."""
    forks = [node for node in ast.walk(tree) if isinstance(node, ast.With) and any(map(_forks, node.items))]
    return {node for fork in forks for node in ast.walk(fork) if isinstance(node, ast.Call)}


def _forks(item: ast.withitem) -> bool:
    return isinstance(item.context_expr, ast.Call) and dotted(item.context_expr.func).endswith("fork_rng")


def _complaint(name: str, call: ast.Call) -> str | None:
    root, _, last = name.rpartition(".")
    has_generator = any(keyword.arg == "generator" for keyword in call.keywords)
    if name in SEEDING:
        return (
            f"`{name}` changes the global generator; make a torch.Generator, or fork: with torch.random.fork_rng(): …"
        )
    if root == "torch" and last in DRAWING | DRAWING_LIKE and not has_generator:
        return f"`{name}(…)` draws from the global generator; add generator=… (with {last.removesuffix('_like')})"
    if last in DRAWING_IN_PLACE and not has_generator:
        return f"`{last}(…)` draws from the global generator; add generator=…"
    if root in ("np.random", "numpy.random", "random"):
        if last not in SEEDED_CONSTRUCTORS:
            return f"`{name}(…)` draws from a global generator; use np.random.default_rng(seed)"
        if not call.args and not call.keywords:
            return f"`{name}()` is seeded by the clock; give it a seed"
    return None
