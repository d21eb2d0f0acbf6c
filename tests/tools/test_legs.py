"""The legs of the matrix: they cover what readers have, and a wrong entry is explained."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tools.lesson.read import ROOT
from tools.matrix import environments
from tools.matrix.legs import CPU_SETTINGS, read_matrix


def pins(*files: str) -> dict[str, str]:
    lines = "\n".join(environments.without_comments((ROOT / file).read_text()) for file in files).splitlines()
    return {name.lower().replace("_", "-"): version for name, _, version in (line.partition("==") for line in lines)}


def test_the_legs_cover_what_readers_have() -> None:
    legs = read_matrix().legs
    assert {leg.python for leg in legs} == {"3.11", "3.12", "3.13", "3.14"}
    assert {leg.threads for leg in legs} == {1, 2}
    assert {leg.cpu for leg in legs} == set(CPU_SETTINGS) == {"default", "avx2", "full"}
    by_name = {leg.name: pins(*leg.constraints) for leg in legs}
    torches = {name: tuple(map(int, found["torch"].split("."))) for name, found in by_name.items()}
    assert min(torches.values()) == torches["lowest"] < torches["colab"] < torches["book"] < torches["newest"]
    short = {name: "{}.{}".format(*version) for name, version in torches.items()}
    assert f"torch {short['lowest']} to {short['newest']}" in (ROOT / "README.md").read_text(encoding="utf-8")
    widgets = {name: found["ipywidgets"].split(".")[0] for name, found in by_name.items()}
    assert widgets.pop("colab") == "7"
    assert set(widgets.values()) == {"8"}


def test_colabs_versions() -> None:
    leg = read_matrix().leg("colab")
    assert leg.python == "3.13"
    assert {
        "torch": "2.11.0",
        "numpy": "2.1.3",
        "matplotlib": "3.10.0",
        "ipywidgets": "7.7.1",
        "scikit-learn": "1.6.1",
        "scikit-image": "0.25.2",
        "einops": "0.8.2",
    }.items() <= pins(*leg.constraints).items()
    text = (ROOT / leg.constraints[0]).read_text()
    assert re.search(r"Read on \d{4}-\d\d-\d\d", text)
    assert "To refresh:" in text
    assert "The nearest" in text


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('cpu = "avx2"', 'cpu = "avx3"', "must be one of default, avx2, full"),
        ("threads = 2", 'threads = "2"', "threads must be int, not '2'"),
        ("threads = 2", "threads = 0", "must be 1 or more"),
        ('python = "3.12"', "", "python is missing"),
        ('name = "avx2"', 'name = "book"', "two legs of one name"),
        ("[[leg]]", "[[log]]", "unknown table"),
        ("packages", "= packages", "not valid TOML"),
    ],
)
def test_a_wrong_entry_is_explained(tmp_path: Path, old: str, new: str, says: str) -> None:
    text = (ROOT / "tests" / "matrix.toml").read_text()
    assert old in text
    (tmp_path / "matrix.toml").write_text(text.replace(old, new))
    with pytest.raises(ValueError, match=says):
        read_matrix(tmp_path / "matrix.toml")
