"""Every lesson in a real JupyterLab: run all, move a slider by keyboard, see the picture change."""

import os
from pathlib import Path

import pytest
from lab import NOTEBOOKS, open_browser, open_lab, panel_of, run_all, shut_down, wait
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

SLIDERS = {  # a slider of each lesson's main widget, by its label
    "00_drive_on_ice": "threshold speed",
    "01_weigh_samples": "spread of the model",
    "02_classify_real_from_imagined": "weight decay",
    "03_fit_models": "threshold speed",
    "04_correct_the_model": "threshold speed",
    "05_minimise_variance": "from p to q*",
    "06_plan_ahead": "particles",
    "08_cross_the_intersection": "step",
    "09_reproduce_table1": "seeds",
    "10_take_it_further": "chance of a gust",
}


@pytest.fixture(scope="module")
def browser():
    try:
        with open_browser() as chrome:
            yield chrome
    except FileNotFoundError as missing:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(str(missing))


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    with open_lab(tmp_path_factory.mktemp("lab")) as address:
        yield address


def screenshot(browser, name):
    """Kept where DAMLITE_SCREENSHOTS says, to be looked at."""
    if folder := os.environ.get("DAMLITE_SCREENSHOTS"):
        browser.save_screenshot(str(Path(folder) / f"{name}.png"))


def assert_nothing_went_wrong(browser):
    for stream in ("stderr", "error"):
        assert not browser.find_elements(By.CSS_SELECTOR, f'[data-mime-type="application/vnd.jupyter.{stream}"]')


def test_every_lesson_is_here():
    assert set(SLIDERS) | {"07_close_the_loop"} == {path.stem for path in NOTEBOOKS.glob("*.ipynb")}


@pytest.mark.parametrize("lesson", SLIDERS)
def test_a_slider_moves_the_picture(browser, url, lesson):
    run_all(browser, url, lesson)
    handle, picture = panel_of(browser, SLIDERS[lesson])
    screenshot(browser, f"{lesson}_before")
    seen = {picture.get_attribute("src")}
    value = float(handle.get_attribute("aria-valuenow"))
    for _ in range(2):
        before = picture.get_attribute("src")
        handle.send_keys(Keys.ARROW_RIGHT)
        wait(browser, lambda _, before=before: picture.get_attribute("src") != before, 20)
        seen.add(picture.get_attribute("src"))
    assert len(seen) >= 3
    assert float(handle.get_attribute("aria-valuenow")) > value
    screenshot(browser, f"{lesson}_after")
    assert_nothing_went_wrong(browser)
    shut_down(browser)


def test_the_ablation_shows_its_stored_picture_and_a_button(browser, url):
    run_all(browser, url, "07_close_the_loop")
    wait(browser, lambda b: b.find_elements(By.CSS_SELECTOR, ".jp-OutputArea img.widget-image"))
    picture = browser.find_element(By.CSS_SELECTOR, ".jp-OutputArea img.widget-image")
    browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", picture)
    assert picture.get_attribute("naturalWidth") != "0"
    assert browser.find_element(By.XPATH, "//button[contains(., 'run the eight cells')]").is_enabled()
    screenshot(browser, "07_ablation")
    assert_nothing_went_wrong(browser)
    shut_down(browser)
