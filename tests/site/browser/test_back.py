"""What a browser puts back after Back or a reload must not contradict what the page shows."""

from __future__ import annotations

from tools.lesson.read import lesson_paths

LESSON = f"notebooks/{lesson_paths()[0].stem}.html"
STATE = """() => {
    const slider = document.querySelector(".frame-slider"), input = slider.querySelector("input");
    const shown = [...slider.querySelectorAll("img")].findIndex((image) => !image.hidden);
    const label = JSON.parse(slider.dataset.labels)[input.value];
    return [Number(input.value), shown, slider.querySelector("output").textContent === label];
}"""


def test_picture_and_label_follow_the_thumb(visit):
    page = visit().go(LESSON)
    assert page.evaluate(STATE) == [0, 0, True]
    # As browsers restore a form: the value changes without an event.
    page.evaluate("document.querySelector('.frame-slider input').value = 3")
    page.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))")
    assert page.evaluate(STATE) == [3, 3, True]


def test_after_back_nothing_contradicts(visit):
    page = visit().go(LESSON)
    page.locator(".frame-slider input").first.evaluate("input => (input.value = 2, input.oninput())")
    page.goto(page.url.replace(LESSON, "book/questions.html"))
    page.go_back()
    page.wait_for_load_state()
    value, shown, label = page.evaluate(STATE)
    assert (shown, label) == (value, True)


def test_the_address_decides_what_the_question_index_shows(visit):
    page = visit().go("book/questions.html?words=mask")
    chosen = page.locator(".question-row:visible").count()
    page.evaluate("document.querySelector('.question-filter input').value = 'cost'")
    page.evaluate("dispatchEvent(new PageTransitionEvent('pageshow'))")
    assert page.locator(".question-filter input").first.input_value() == "mask"
    assert page.locator(".question-row:visible").count() == chosen > 0
