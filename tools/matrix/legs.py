"""The legs of the matrix, as tests/matrix.toml describes them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.lesson.entries import entries_of, read_toml
from tools.lesson.read import ROOT

FILE = ROOT / "tests" / "matrix.toml"
# What makes torch and the libraries below it keep to an instruction set, and what torch then says of itself.
CPU_SETTINGS = {
    "default": {
        "ATEN_CPU_CAPABILITY": "default",
        "ONEDNN_MAX_CPU_ISA": "SSE41",
        "MKL_ENABLE_INSTRUCTIONS": "SSE4_2",
        "OPENBLAS_CORETYPE": "Nehalem",
    },
    "avx2": {
        "ATEN_CPU_CAPABILITY": "avx2",
        "ONEDNN_MAX_CPU_ISA": "AVX2",
        "MKL_ENABLE_INSTRUCTIONS": "AVX2",
        "OPENBLAS_CORETYPE": "Haswell",
    },
    "full": {},
}
THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")

_KEYS = {"name": str, "why": str, "python": str, "constraints": list, "threads": int, "cpu": str}


@dataclass(frozen=True)
class Leg:
    """One environment in which every lesson must print what is stored."""

    name: str
    why: str
    python: str
    constraints: tuple[str, ...]
    threads: int
    cpu: str

    def settings(self) -> dict[str, str]:
        """The environment variables that make a run one of this leg's."""
        return dict.fromkeys(THREAD_VARIABLES, str(self.threads)) | CPU_SETTINGS[self.cpu]


@dataclass(frozen=True)
class Matrix:
    """All legs, and the packages that each of their environments holds."""

    packages: tuple[str, ...]
    legs: tuple[Leg, ...]

    def leg(self, name: str) -> Leg:
        """The leg of this name; ValueError that lists the names there are."""
        for leg in self.legs:
            if leg.name == name:
                return leg
        raise ValueError(f"there is no leg {name!r}; the legs are: {', '.join(leg.name for leg in self.legs)}")


def read_matrix(file: Path = FILE) -> Matrix:
    """The matrix of a file; ValueError that says which entry is wrong and what would fit."""
    content = read_toml(file)
    entries = entries_of(content, file.name, "leg", _KEYS, beside=frozenset({"packages"}))
    legs = tuple(_leg(entry, file.name) for entry in entries)
    names = [leg.name for leg in legs]
    if not legs or not content.get("packages"):
        raise ValueError(f"{file.name} needs a list of packages and at least one [[leg]]")
    if len(set(names)) < len(names):
        raise ValueError(f"{file.name} has two legs of one name; the names are: {', '.join(names)}")
    return Matrix(tuple(content["packages"]), legs)


def _leg(entry: dict[str, Any], file: str) -> Leg:
    who = f"the leg {entry['name']!r} of {file}"
    if entry["cpu"] not in CPU_SETTINGS:
        raise ValueError(f"{who}: cpu is {entry['cpu']!r}; it must be one of {', '.join(CPU_SETTINGS)}")
    if entry["threads"] < 1:
        raise ValueError(f"{who}: threads is {entry['threads']}; it must be 1 or more")
    return Leg(**(entry | {"constraints": tuple(entry["constraints"])}))
