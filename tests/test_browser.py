"""Every lesson's panels in a real JupyterLab: run their cells, move a slider by keyboard, see the picture change."""

import os
import time
from pathlib import Path

import nbformat
import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from damlite.__main__ import main
from lab import (
    NOTEBOOKS,
    count_panels,
    make_lab,
    open_browser,
    open_lab,
    panel_cells,
    panels_of,
    run_all,
    shut_down,
    violations,
    wait,
)

LESSONS = sorted(path.stem for path in NOTEBOOKS.glob("*.ipynb"))
OUTPUTS = ".jp-OutputArea-output"
BUTTON = "09_close_the_loop"  # its picture waits for a button
PREDICTIONS = [  # cells below the first panel of lesson 00 and its question
    'which.against("accelerate once, then hold")',
    'leave = predict("How many cars leave the road?", slider("cars", "of 100", 50, 0, 100, 1))\nleave',
    "leave.against(23, within=10)",
    "score()",
]
PLACE = """
const one = arguments[0], list = one.tagName == "SELECT";
return list ? [one.selectedIndex, one.length - 1] : [+one.ariaValueNow, +one.ariaValueMax];
"""  # where a list or a slider's handle stands, and the last place
MARKDOWN = ".jp-OutputArea-output .jp-RenderedMarkdown, .jp-RenderedMarkdown.jp-OutputArea-output"


@pytest.fixture(scope="module")
def browser():
    try:
        with open_browser() as chrome:
            yield chrome
    except FileNotFoundError as missing:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(str(missing))


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    books = {"panels": panel_cells(*LESSONS), "predictions": panel_cells(LESSONS[0])}  # one kernel for all panels
    books["predictions"].cells += map(nbformat.v4.new_code_cell, PREDICTIONS)
    with open_lab(tmp_path_factory.mktemp("lab"), books) as address:
        yield address


def screenshot(browser, name):
    """Kept where DAMLITE_SCREENSHOTS says, to be looked at."""
    if folder := os.environ.get("DAMLITE_SCREENSHOTS"):
        browser.save_screenshot(str(Path(folder) / f"{name}.png"))


def assert_nothing_went_wrong(browser):
    for stream in ("stderr", "error"):
        assert not browser.find_elements(By.CSS_SELECTOR, f'[data-mime-type="application/vnd.jupyter.{stream}"]')


def step(browser, control, picture):
    """Move a slider or a list by one step with the keyboard, and wait for the picture to change."""
    before, (value, most) = picture.get_dom_attribute("src"), browser.execute_script(PLACE, control)
    control.send_keys(Keys.ARROW_RIGHT if value < most else Keys.ARROW_LEFT)
    wait(browser, lambda _: picture.get_dom_attribute("src") != before)
    assert (browser.execute_script(PLACE, control)[0] > value) == (value < most)


def test_make_lab_shows_the_first_lesson_with_its_contents_and_asks_nothing(browser, tmp_path):
    with make_lab(tmp_path) as address:
        browser.get(address)
        contents = wait(browser, lambda b: b.find_elements(By.CSS_SELECTOR, "#table-of-contents"), 180)[0]
        wait(browser, lambda _: "The puzzle" in contents.text, 180)
        assert "/lab/tree/00_" in browser.current_url and ":8888/" not in browser.current_url
        text = "return document.querySelector('.jp-NotebookPanel').innerText"
        wait(browser, lambda b: "Drive on ice" in b.execute_script(text))
        time.sleep(3)  # what asks about news comes late
        screenshot(browser, "make_lab")
        assert contents.is_displayed()
        assert not browser.find_elements(By.CSS_SELECTOR, ".jp-Dialog, .Toastify__toast")
        asked = "return performance.getEntriesByType('resource').map(one => new URL(one.name).host)"
        assert set(browser.execute_script(asked)) <= {browser.current_url.split("/")[2], ""}
    assert not list(tmp_path.glob(".jupyter/lab/workspaces/*"))


SLIDES = """
const size = one => one.getBoundingClientRect();
const all = [...document.querySelectorAll("section")];
return all.map((_, number) => {
  if (number > 0) document.dispatchEvent(new KeyboardEvent("keydown", {key: "ArrowRight"}));
  const shown = all.filter(one => one.getClientRects().length);
  const inner = shown.flatMap(one => [...one.querySelectorAll("math, img")]).map(size);
  return {
    place: document.getElementById("place").textContent,
    widths: shown.map(one => size(one).width),
    fits: shown.every(one => one.scrollHeight <= one.clientHeight && one.scrollWidth <= one.clientWidth),
    drawn: inner.every(one => one.width > 0 && one.height > 0),
  };
});
"""  # what is seen of every slide of a deck as the pages turn, asked at once


def test_slides_turn_by_keyboard_and_show_formulas_and_pictures(browser, tmp_path):
    tagged = [path.stem for path in NOTEBOOKS.glob("*.ipynb") if '"slide"' in path.read_text()]
    main(["slides", *tagged, "--notebooks", str(NOTEBOOKS), "--out", str(tmp_path)])
    for page in sorted(tmp_path.glob("*.html")):
        browser.get(page.as_uri())
        slides = browser.execute_script(SLIDES)
        assert len(slides) > 1
        for number, slide in enumerate(slides, start=1):
            assert slide["place"] == f"{number} of {len(slides)}"
            (width,) = slide["widths"]  # one at a time
            assert width > 1000
            assert slide["fits"], f"{page.stem}, slide {number}: more than its room"
            assert slide["drawn"]
        last = len(slides)
        for key, number in (("RIGHT", last), ("LEFT", last - 1), ("HOME", 1), ("RIGHT", 2), ("END", last)):
            browser.find_element(By.TAG_NAME, "body").send_keys(getattr(Keys, key))
            assert browser.find_element(By.ID, "place").text == f"{number} of {last}"
        screenshot(browser, f"slides_{page.stem}")
        browser.execute_script("document.querySelectorAll('section').forEach(one => one.classList.add('now'))")
        assert not violations(browser, "body")  # of all slides at once
        assert browser.execute_script("return performance.getEntriesByType('resource').length") == 0


def test_every_panel_of_every_lesson_moves_by_keyboard(browser, url):
    run_all(browser, url, "panels")
    lessons = [lesson for lesson in LESSONS for _ in range(count_panels(lesson))]
    assert set(lessons) == {*LESSONS}
    wait(browser, lambda b: len(list(panels_of(b))) == len(lessons), 300)
    for number, (lesson, (handle, picture)) in enumerate(zip(lessons, panels_of(browser), strict=True)):
        browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", picture)
        screenshot(browser, f"{lesson}_{number}_before")
        if lesson == BUTTON:
            assert picture.get_attribute("naturalWidth") != "0"
            assert browser.find_element(By.XPATH, "//button[contains(., 'run the eight cells')]").is_enabled()
        for _ in range(0 if lesson == BUTTON else 2):
            step(browser, handle, picture)
        screenshot(browser, f"{lesson}_{number}_after")
        wait(browser, lambda _, one=handle: one.accessible_name)
        assert wait(browser, lambda _, one=picture: one.get_attribute("alt")).endswith(".")
    assert not violations(browser, OUTPUTS)
    assert_nothing_went_wrong(browser)
    shut_down(browser)


def press(browser, *keys):
    """Press keys where the focus is."""
    ActionChains(browser).send_keys(*keys).perform()


def tab_to(browser, selector):
    """Press Tab until what the selector names has the focus."""
    for _ in range(100):
        press(browser, Keys.TAB)
        if browser.execute_script("return document.activeElement.matches(arguments[0])", selector):
            return
    raise AssertionError(f"Tab does not reach {selector}")


def run_cells_below(browser, count):
    """From within an output to the next cell, and run so many; by keyboard. Arrows would move a slider."""
    press(browser, Keys.ESCAPE, "j")
    for _ in range(count):
        ActionChains(browser).key_down(Keys.SHIFT).send_keys(Keys.ENTER).key_up(Keys.SHIFT).perform()


def sentences(browser):
    """What the notebook's outputs say in Markdown, in order."""
    return [output.text for output in browser.find_elements(By.CSS_SELECTOR, MARKDOWN)]


def test_a_prediction_is_answered_by_keyboard_and_stands_beside_its_outcome(browser, url):
    run_all(browser, url, "predictions")
    wait(browser, lambda b: len(sentences(b)) == 3 and len(b.find_elements(By.CSS_SELECTOR, ".noUi-handle")) == 3)
    first, second, table = sentences(browser)
    assert first == "No answer was given; it is “accelerate once, then hold”."
    assert second == "No answer was given; it is 23."
    assert table.endswith("0 of 2 predictions right, 2 not answered.")
    browser.execute_script("document.activeElement.blur()")
    tab_to(browser, "input[type=radio]")
    press(browser, Keys.TAB, Keys.SPACE)
    wait(browser, lambda b: "your answer: “accelerate twice, then hold”" in b.page_source)
    run_cells_below(browser, 2)
    said = "You said “accelerate twice, then hold”; it is “accelerate once, then hold”: wrong."
    wait(browser, lambda b: sentences(b)[0] == said)
    screenshot(browser, "prediction_of_words")
    tab_to(browser, ".noUi-handle[aria-valuemax='100.0']")
    press(browser, Keys.ARROW_LEFT)
    wait(browser, lambda b: "your answer: 49" in b.page_source)
    run_cells_below(browser, 2)
    wait(browser, lambda b: sentences(b)[1] == "You said 49; it is 23: 26 too high.")
    wait(browser, lambda b: sentences(b)[2].endswith("0 of 2 predictions right, 0 not answered."))
    screenshot(browser, "prediction_of_a_number")
    assert not violations(browser, OUTPUTS)
    assert_nothing_went_wrong(browser)
    shut_down(browser)
