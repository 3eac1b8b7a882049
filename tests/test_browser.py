"""Lesson 00 in a real JupyterLab: run all, move the threshold slider by keyboard, see the picture change."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

NOTEBOOKS = Path(__file__).resolve().parent.parent / "notebooks"
RUN_ALL = """
const done = arguments[arguments.length - 1];
(async () => {
  const app = window.jupyterapp;
  await app.restored;
  while (!(app.shell.currentWidget && app.shell.currentWidget.sessionContext)) {
    await new Promise(resolve => setTimeout(resolve, 200));
  }
  const notebook = app.shell.currentWidget;
  await notebook.context.ready;
  await notebook.sessionContext.ready;
  await notebook.sessionContext.session.kernel.info;
  await app.commands.execute('notebook:run-all-cells');
  done('ran');
})().catch(error => done(String(error)));
"""


def browser_paths():
    found = [shutil.which("chromium") or shutil.which("chromium-browser"), shutil.which("chromedriver")]
    if not all(found):
        message = "Chromium and ChromeDriver are needed (Debian: apt-get install chromium chromium-driver)"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    return found


@pytest.fixture(scope="module")
def browser():
    chromium, driver = browser_paths()
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for flag in (
        "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
        "--disable-dev-shm-usage", "--disable-background-networking", "--disable-component-update",
        "--disable-sync", "--window-size=1366,900",
    ):  # fmt: skip
        options.add_argument(flag)
    service = webdriver.ChromeService(executable_path=driver)
    chrome = webdriver.Chrome(options=options, service=service)
    chrome.set_script_timeout(240)
    yield chrome
    chrome.quit()


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    folder = tmp_path_factory.mktemp("lab")
    shutil.copytree(NOTEBOOKS, folder / "notebooks")
    settings = folder / "settings" / "@jupyterlab" / "notebook-extension"
    settings.mkdir(parents=True)
    (settings / "tracker.jupyterlab-settings").write_text(json.dumps({"windowingMode": "none"}))
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    command = [
        sys.executable, "-m", "jupyterlab", "--no-browser", "--expose-app-in-browser", "--allow-root",
        f"--port={port}", "--ip=127.0.0.1", "--IdentityProvider.token=", f"--ServerApp.root_dir={folder / 'notebooks'}",
    ]  # fmt: skip
    environment = {**os.environ, "JUPYTERLAB_SETTINGS_DIR": str(folder / "settings")}
    with (folder / "log").open("w") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log, env=environment)
        try:
            url = f"http://127.0.0.1:{port}"
            for _ in range(300):
                try:
                    urllib.request.urlopen(f"{url}/api", timeout=2).close()
                    break
                except OSError:
                    assert server.poll() is None, (folder / "log").read_text()
                    time.sleep(0.2)
            yield url
        finally:
            server.terminate()
            server.wait(timeout=20)


def wait(browser, condition, seconds=60):
    return WebDriverWait(browser, seconds, poll_frequency=0.1).until(condition)


def run_all(browser, url, name):
    browser.get(f"{url}/lab/workspaces/{name}/tree/{name}.ipynb")
    wait(browser, lambda b: b.execute_script("return !!window.jupyterapp"))
    assert browser.execute_async_script(RUN_ALL) == "ran"
    assert not browser.find_elements(By.CSS_SELECTOR, '[data-mime-type="application/vnd.jupyter.stderr"]')


def screenshot(browser, name):
    """Kept where DAMLITE_SCREENSHOTS says, to be looked at."""
    if folder := os.environ.get("DAMLITE_SCREENSHOTS"):
        browser.save_screenshot(str(Path(folder) / f"{name}.png"))


def test_the_threshold_slider_moves_the_picture(browser, lab):
    run_all(browser, lab, "00_drive_on_ice")
    wait(browser, lambda b: b.find_elements(By.CSS_SELECTOR, ".jp-OutputArea img.widget-image"))
    picture = browser.find_element(By.CSS_SELECTOR, ".jp-OutputArea img.widget-image")
    browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", picture)
    label = browser.find_element(By.XPATH, "//label[contains(., 'threshold speed')]")
    assert "lengths per step" in label.text
    screenshot(browser, "00_before")
    handle = label.find_element(By.XPATH, "..").find_element(By.CSS_SELECTOR, ".noUi-handle")
    seen = {picture.get_attribute("src")}
    for _ in range(2):
        before = picture.get_attribute("src")
        handle.send_keys(Keys.ARROW_RIGHT)
        wait(browser, lambda _, before=before: picture.get_attribute("src") != before, 20)
        seen.add(picture.get_attribute("src"))
    assert len(seen) == 3
    assert float(handle.get_attribute("aria-valuenow")) == 4.0
    screenshot(browser, "00_after")


def test_the_ablation_shows_its_stored_picture_and_a_button(browser, lab):
    run_all(browser, lab, "07_close_the_loop")
    wait(browser, lambda b: b.find_elements(By.CSS_SELECTOR, ".jp-OutputArea img.widget-image"))
    picture = browser.find_element(By.CSS_SELECTOR, ".jp-OutputArea img.widget-image")
    browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", picture)
    assert picture.get_attribute("naturalWidth") != "0"
    button = browser.find_element(By.XPATH, "//button[contains(., 'run the eight cells')]")
    assert button.is_enabled()
    screenshot(browser, "07_ablation")
