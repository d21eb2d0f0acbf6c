"""A small lesson, made in memory, that keeps every rule; the tests break it in one place at a time."""

from __future__ import annotations

import base64
import json
import struct
import zlib
from html import escape

from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from tests.contract.rules.lesson import Book, Lesson
from tools.lesson.normalise import normalised

WORDINGS = {1: "What is a patch?", 2: 'What does "/2" mean?', 3: "How many tokens are there?"}
SETUP = "# @title Set-up\nSEED = 0"
WHOLE = "An image, its four patches and the token that each becomes."
ALT = "A bar for each patch size, falling from left to right."

TITLE = """# Patches

After this lesson you can count the tokens of any image."""

OPENING = """*An image, cut into tokens.*

A patch is a square of pixels.

| What | Here |
|---|---|
| Questions | Q1, Q2, Q3 |
| Time | 5 minutes to read, 10 minutes to work through |
| Running time | under 2 minutes on a laptop |
| Know first | tensors |
| You will be able to | count, cut, check |

Text CC BY 4.0, code under the MIT licence cite the book."""

TASK = "Write `halve(x)` that takes a number `x` and returns half of it as an integer."

TESTS = """assert halve(4) == 2, "halve(4) is 2: divide, do not subtract"
### BEGIN HIDDEN TESTS
assert halve(8) == 4, "halve(8) is 4"
### END HIDDEN TESTS"""


def png(colour_type: int = 3, width: int = 2, extra: bytes = b"") -> bytes:
    """A tiny PNG file of white pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, 1, 8, colour_type, 0, 0, 0)
    palette = chunk(b"PLTE", b"\xff\xff\xff") if colour_type == 3 else b""
    comment = chunk(b"tEXt", b"Comment\0" + extra) if extra else b""
    pixels = zlib.compress(b"\0" * (1 + width * (1 if colour_type == 3 else 3)))
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + palette + comment + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
    )


def slider_html(frames: list[bytes], name: str = "patch size") -> str:
    """What the FrameSlider of Lesson 1 shows."""
    labels = [f"{number + 1} px" for number in range(len(frames))]
    images = "".join(
        f'<img{" hidden" if number else ""} alt="Cut into patches of {labels[number]}." width="20" height="10" '
        f'src="data:image/png;base64,{base64.b64encode(frame).decode()}">'
        for number, frame in enumerate(frames)
    )
    return (
        f'<div class="frame-slider" data-labels="{escape(json.dumps(labels))}">\n'
        f'<label>{name} <input type="range" min="0" max="{len(frames) - 1}" value="0" step="1" '
        f'autocomplete="off" aria-valuetext="{labels[0]}" oninput="move(this)"></label> <output>{labels[0]}</output>\n'
        f"<div>{images}</div></div>"
    )


def example() -> Lesson:
    """The lesson that keeps every rule."""
    notebook = new_notebook()
    _teaching(notebook)
    for number in range(1, 6):
        _exercise(notebook, number)
    _text(notebook, "summary", "## Summary\n\n- Patches are tokens.")
    _text(notebook, "sources", "## Sources\n\n- [Dosovitskiy et al., 2021](https://arxiv.org/abs/2010.11929)")
    for count, cell in enumerate((cell for cell in notebook.cells if cell.cell_type == "code"), start=1):
        cell.execution_count = count
    return Lesson("01_example", normalised(notebook), Book(WORDINGS, frozenset({"patches", "cost"}), SETUP))


def cell_of(lesson: Lesson, name: str) -> NotebookNode:
    """The cell with this id."""
    return next(cell for cell in lesson.cells if cell.id == name)


def _text(notebook: NotebookNode, name: str, source: str, **metadata: object) -> None:
    notebook.cells.append(new_markdown_cell(source, id=name, metadata=metadata))


def _code(
    notebook: NotebookNode, name: str, source: str, tags: str = "", outputs: tuple = (), **metadata: object
) -> None:
    metadata |= {"tags": tags.split()} if tags else {}
    notebook.cells.append(new_code_cell(source, id=name, metadata=metadata, outputs=list(outputs)))


def _printed(text: str) -> NotebookNode:
    return new_output("stream", name="stdout", text=text)


def _shown(**data: str) -> NotebookNode:
    return new_output("display_data", data={key.replace("_", "/"): value for key, value in data.items()})


def _question(notebook: NotebookNode, number: int, answer: str, rest: str, difficulty: str = "core") -> None:
    _text(
        notebook,
        f"question-{number}",
        f"### Q{number} · {WORDINGS[number]}\n\n> **Short answer.** {answer}\n\n{rest}",
        question={"id": number, "difficulty": difficulty, "topics": ["patches"]},
    )


def _teaching(notebook: NotebookNode) -> None:
    _text(notebook, "title", TITLE)
    _code(
        notebook,
        "imports",
        "import matplotlib.pyplot as plt\nimport torch\nfrom einops import rearrange",
        "define imports",
    )
    _code(notebook, "set-up", SETUP, "define setup")
    picture = base64.b64encode(png()).decode()
    shown = [_shown(image_png=picture, text_plain="<Figure>")]
    _code(notebook, "whole", FIGURE, "plot opening", shown, mystnb={"image": {"alt": WHOLE}})
    _text(notebook, "opening", OPENING)
    _text(notebook, "part-one", "## Patches\n\nA square of pixels, `P` on a side, $N = HW/P^2$ of them.")
    _code(notebook, "patchify", PATCHIFY, "define")
    _code(
        notebook,
        "cut",
        "x = torch.arange(16.0).view(1, 1, 4, 4)\nprint(patchify(x, 2).shape)",
        "",
        [_printed("[1, 4, 4]\n")],
    )
    _question(notebook, 1, "**A square of pixels.** It is flattened to one token.", "Four patches make the toy image.")
    _code(
        notebook,
        "count-patches",
        "# Proof: four patches\nassert patchify(x, 2).shape[1] == 4, 'holds for 4 × 4'",
        "q1 open",
    )
    _text(notebook, "try-one", "**Try:** set `P` to 4; one patch is left.")
    _question(
        notebook,
        2,
        "**The side of a patch in pixels.**",
        '> **Careful.** "The number of patches." Quotations are common misstatements: it is its side. '
        "[Dosovitskiy et al., 2021](https://arxiv.org/abs/2010.11929)\n\n"
        "> **They may ask next.** What if it does not divide? The model then refuses the image.",
        "deeper",
    )
    _code(
        notebook, "side", "# Proof: two pixels a side\ntokens = patchify(x, 2)\nassert tokens.shape[-1] == 2 * 2", "q2"
    )
    _question(
        notebook, 3, "**Height times width over the patch area.**", "With more pixels come more tokens.", "expert"
    )
    _code(
        notebook,
        "tokens",
        "# Proof: counted\nfor P in (1, 2, 4):\n    assert patchify(x, P).shape[1] == 16 // P**2",
        "q3",
    )
    _text(
        notebook,
        "try-two",
        "**Try:** an image of 8 × 8; there are four times as many.\n\n**Try:** two channels; no more tokens.",
    )
    _code(
        notebook,
        "refused",
        "try:\n    patchify(x, 3)\nexcept ValueError as error:\n    print(error)",
        "invalid-input",
        [_printed("3\n")],
    )
    _code(notebook, "bars", FIGURE, "", shown, mystnb={"image": {"alt": ALT}})
    _text(notebook, "bars-caption", "*Small patches cost many tokens.*")
    html = slider_html([png() for _ in range(8)])
    plain = "<FrameSlider patch size: 8 frames>"
    _code(
        notebook, "slide", "slider = patchify(x, 1)\nslider", "frame-slider", [_shown(text_html=html, text_plain=plain)]
    )
    panel = "<LivePanel: run this cell to turn the knobs>"
    _code(
        notebook, "knobs", "panel = patchify(x, 2)\npanel.observe(patchify)\npanel", "live", [_shown(text_plain=panel)]
    )
    _text(notebook, "exercises", "## Exercises")


PATCHIFY = '''def patchify(x, P):
    """Tokens of an image."""
    if x.shape[-1] % P:
        raise ValueError(P)
    return rearrange(x, "b c (h p) (w q) -> b (h w) (c p q)", p=P, q=P)'''

FIGURE = (
    "fig, ax = plt.subplots(figsize=(3, 2))\nax.bar([1, 2], [16, 4])\nax.set_title('Tokens', fontsize=10)\nplt.show()"
)


def _exercise(notebook: NotebookNode, number: int) -> None:
    name = f"exercise-1-{number}"
    statement = f"### Exercise 1.{number} · Halve\n\n*Easy · 5 minutes*\n\n{TASK}"
    _text(notebook, f"{name}-statement", statement)
    common = {"schema_version": 3, "task": False}
    solution = (
        f'# @title Solution of Exercise 1.{number}\ndef halve(x):\n    """Half of `x`."""\n'
        "    ### BEGIN SOLUTION\n    return x // 2\n    ### END SOLUTION"
    )
    grading = common | {"grade_id": name, "solution": True, "grade": False, "locked": False}
    _code(notebook, name, solution, "solution", nbgrader=grading)
    grading = common | {"grade_id": f"{name}-tests", "solution": False, "grade": True, "locked": True, "points": 1}
    _code(notebook, f"{name}-tests", TESTS, "exercise-tests", nbgrader=grading)
