"""Figures, image attributes and sliders."""

from __future__ import annotations

import hashlib
import json
import re
from base64 import b64decode
from pathlib import Path

import pytest
from bs4 import BeautifulSoup

FIXTURE = Path(__file__).parent / "fixtures" / "01_fixture.ipynb"


def test_the_italic_line_after_a_picture_is_its_caption(lesson: BeautifulSoup, plain):
    figure = lesson.find(id="figure-picture")
    assert figure.name == "figure"
    assert figure.find("img")["alt"] == "Sixteen patches in a row."
    assert plain(figure.select_one(".caption-text")) == "The first patch is x1; Q42 says why."


def test_a_caption_is_moved_not_copied(lesson: BeautifulSoup, plain):
    for caption in lesson.select(".caption-text"):
        assert plain(lesson).count(plain(caption)) == 1
    following = lesson.find(string=re.compile("Text in the same paragraph"))
    assert following.parent.name == "p"
    assert following.parent.get_text() == "Text in the same paragraph."


def test_italic_words_that_open_a_sentence_are_no_caption(lesson: BeautifulSoup):
    paragraph = lesson.find("em", string="Italic words").parent
    assert paragraph.get_text() == "Italic words that open a paragraph are no caption."
    assert paragraph.name == "p"
    assert lesson.find("img", alt="A third picture.").find_parent("figure") is None
    assert len(lesson.find_all("figure")) == 3


def test_of_two_pictures_the_last_has_the_caption(lesson: BeautifulSoup):
    pictures = lesson.find_all("img", alt="A second picture.")
    assert [picture.find_parent("figure") is not None for picture in pictures] == [False, True]


def test_text_before_the_picture_stays_outside_the_figure(lesson: BeautifulSoup):
    assert "before the picture" not in lesson.find(id="figure-picture").get_text()


def test_pictures_load_late_and_state_their_size(lesson: BeautifulSoup):
    images = lesson.select("article img")
    assert len(images) == 6
    for image in images:
        assert (image["loading"], image["decoding"]) == ("lazy", "async")
        assert not image.has_attr("style"), "a fixed style could not shrink on a phone"
    sizes = [(image["width"], image["height"]) for image in images]
    assert sizes[0] == ("8", "5"), "the notebook says that this picture is shown at half its size"
    assert set(sizes[1:]) == {("16", "11")}


@pytest.mark.parametrize(
    ("size", "shown"),
    [
        ((441, 278), (591, 373)),  # as wide as prose
        ((600, 300), (744, 372)),  # as wide as the column
        ((900, 450), (900, 450)),  # the style sheet makes it smaller
        ((400, 600), (480, 720)),  # no taller than the screen
        ((300, 900), (300, 900)),
    ],
)
def test_pictures_use_the_column(size: tuple[int, int], shown: tuple[int, int]):
    from vitbook.figures import enlarged

    assert enlarged(*size) == shown


def test_the_opening_picture_leaves_room_for_the_answer():
    from vitbook.figures import enlarged

    assert enlarged(441, 393, 440) == (494, 440)
    assert enlarged(441, 690, 440) == (441, 690), "its letters stay as large as they are drawn"


def test_frames_lie_in_files_of_their_own(book, lesson: BeautifulSoup):
    assert "base64" not in str(lesson)
    notebook = json.loads(FIXTURE.read_text(encoding="utf-8"))
    (cell,) = [cell for cell in notebook["cells"] if cell["id"] == "slider"]
    stored = re.findall(r"base64,([^\"]+)", "".join(cell["outputs"][0]["data"]["text/html"]))
    frames = lesson.select(".frame-slider img")
    assert len(frames) == len(stored) == 2
    for frame, data in zip(frames, stored, strict=True):
        content = (book.folder / "notebooks" / frame["src"]).read_bytes()
        assert content == b64decode(data)
        assert hashlib.sha256(content).hexdigest() in frame["src"]


def test_the_first_frame_shows_without_a_script(lesson: BeautifulSoup):
    frames = lesson.select(".frame-slider img")
    assert [frame.has_attr("hidden") for frame in frames] == [False, True]
    assert [frame["alt"] for frame in frames] == ['Patches of 4 px, "as drawn".', 'Patches of 8 px, "as drawn".']


def test_the_slider_keeps_its_controls(lesson: BeautifulSoup):
    slider = lesson.select_one("figure .frame-slider")
    assert json.loads(slider["data-labels"]) == ["4 px", "8 px"]
    assert "m.hidden=i!==v" in slider.select_one("label input[type=range]")["oninput"]
    assert slider.find("output").get_text() == "4 px"
    frames = slider.find_all("img")
    assert len(frames) == 2
    assert all(frame.parent.parent is slider for frame in frames), "the pictures are still where the handler looks"
