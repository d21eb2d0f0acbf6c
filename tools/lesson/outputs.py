"""What is compared of a lesson's outputs: all text, as nbval's strict mode does; no pictures."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path

from tools.lesson.read import ROOT, code_cells, read_lesson

SANITIZER = ROOT / "tests" / "sanitize.cfg"
PICTURES = ("image/png", "image/jpeg")


def fingerprint(lesson: Path) -> str:
    """A short checksum of a lesson's code and stored text: what a verdict is about. Prose and pictures may change."""
    digest = hashlib.sha256()
    for cell in code_cells(read_lesson(lesson)):
        digest.update(cell.source.encode() + b"\0")
        for output in cell.get("outputs", []):
            for kind, text in sorted(texts(output).items()):
                digest.update(f"{kind}\0{text}\0".encode())
    return digest.hexdigest()[:12]


def texts(output: Mapping) -> dict[str, str]:
    """What nbval compares of an output: everything but pictures, with pictures inside HTML left out."""
    if output["output_type"] == "stream":
        return {output["name"]: output["text"]}
    if output["output_type"] == "error":
        return {"error": f"{output['ename']}: {output['evalue']}"}
    return {
        kind: sanitised("".join(text) if isinstance(text, list) else str(text))
        for kind, text in output["data"].items()
        if kind not in PICTURES
    }


def sanitised(text: str, rules: Path = SANITIZER) -> str:
    """The text after the replacements of nbval's sanitizer file."""
    lines = rules.read_text(encoding="utf-8").splitlines()
    patterns = [line.removeprefix("regex: ") for line in lines if line.startswith("regex: ")]
    replacements = [line.removeprefix("replace: ") for line in lines if line.startswith("replace: ")]
    for pattern, replacement in zip(patterns, replacements, strict=True):
        text = re.sub(pattern, replacement, text)
    return text
