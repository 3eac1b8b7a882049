"""A real JupyterLab and a headless Chromium, for the browser tests and the benchmark of the sliders."""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import nbformat
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

NOTEBOOKS = Path(__file__).resolve().parent.parent / "notebooks"
RUN_ALL = """
const [path, done] = arguments;
(async () => {
  const app = window.jupyterapp;
  await app.restored;
  const notebook = await app.commands.execute('docmanager:open', {path});
  while (app.shell.currentWidget !== notebook) {
    await new Promise(resolve => setTimeout(resolve, 200));
  }
  await notebook.context.ready;
  await notebook.sessionContext.ready;
  await notebook.sessionContext.session.kernel.info;
  await app.commands.execute('notebook:run-all-cells');
  done('ran');
})().catch(error => done(String(error)));
"""


@contextlib.contextmanager
def open_browser():
    """Headless Chromium at a laptop's size; FileNotFoundError if there is none."""
    chromium, driver = shutil.which("chromium") or shutil.which("chromium-browser"), shutil.which("chromedriver")
    if not (chromium and driver):
        raise FileNotFoundError(
            "Chromium and ChromeDriver are needed (Debian: apt-get install chromium chromium-driver)"
        )
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for flag in (
        "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
        "--disable-dev-shm-usage", "--disable-background-networking", "--disable-component-update",
        "--disable-sync", "--window-size=1366,900",
    ):  # fmt: skip
        options.add_argument(flag)
    chrome = webdriver.Chrome(options=options, service=webdriver.ChromeService(executable_path=driver))
    chrome.set_script_timeout(900)  # a lesson's whole run, on a busy machine
    chrome.command_executor.client_config.timeout = 960
    try:
        yield chrome
    finally:
        chrome.quit()


def read(lesson):
    """A lesson's notebook."""
    return nbformat.read(NOTEBOOKS / f"{lesson}.ipynb", as_version=4)


def count_panels(lesson):
    """How many panels a lesson's notebook shows where no kernel runs."""
    shown = [output.get("data", {}) for cell in read(lesson).cells for output in cell.get("outputs", ())]
    return sum({"application/vnd.jupyter.widget-view+json", "image/png"} <= data.keys() for data in shown)


def panel_cells(*lessons):
    """A notebook with the code cells alone that the lessons' panels need: those tagged "panel".

    A lesson does without the names of the one before it.
    """
    book = read(lessons[0])
    book.cells = []
    for lesson in lessons:
        book.cells += [nbformat.v4.new_code_cell("%reset_selective -f .")] if book.cells else []
        cells = [cell for cell in read(lesson).cells if cell.cell_type == "code"]
        book.cells += [cell for cell in cells if "panel" in cell.metadata.get("tags", ())]
    for number, cell in enumerate(book.cells):
        cell.update(outputs=[], execution_count=None, id=f"cell-{number}")
    return book


def end(server):
    """End a server that leads a session of its own; Jupyter's may hang while it ends, once in a while."""
    for how in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(subprocess.TimeoutExpired, ProcessLookupError):
            os.killpg(server.pid, how)
            server.wait(timeout=20)
            return


@contextlib.contextmanager
def open_lab(folder, books):
    """JupyterLab in an empty folder with notebooks, given by name; gives its address."""
    (folder / "notebooks").mkdir()
    for name, book in books.items():
        nbformat.write(book, folder / "notebooks" / f"{name}.ipynb")
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
    places = {f"JUPYTERLAB_{name.upper()}_DIR": str(folder / name) for name in ("settings", "workspaces")}
    with (folder / "log").open("w") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log, env={**os.environ, **places}, start_new_session=True)
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
            end(server)


@contextlib.contextmanager
def make_lab(folder):
    """`make lab` for a new user at home in an empty folder; gives the address that it opens in the browser.

    The Makefile's command runs with this Python's JupyterLab, and with the usual port taken.
    """
    (folder / "browser").write_text(f"#!/bin/sh\necho $1 > {folder / 'opened'}\n")
    (folder / "browser").chmod(0o755)
    home = {"HOME": str(folder), "XDG_CONFIG_HOME": str(folder), "TMPDIR": str(folder)}
    environment = {name: value for name, value in os.environ.items() if not name.startswith("JUPYTER")} | home
    command = [
        "make", "lab", "--old-file=venv/.ready", f"BIN={Path(sys.executable).parent}", f"LAB={folder / 'lab'}",
        f"ARGS=--ip=127.0.0.1 --browser='{folder / 'browser'} %s'",
    ]  # fmt: skip
    with socket.socket() as taken, (folder / "log").open("w") as log:
        with contextlib.suppress(OSError):  # another has it
            taken.bind(("127.0.0.1", 8888))
            taken.listen()
        server = subprocess.Popen(
            command, cwd=NOTEBOOKS.parent, stdout=log, stderr=log, env=environment, start_new_session=True
        )
        try:
            while not ((folder / "opened").exists() and (address := (folder / "opened").read_text().strip())):
                assert server.poll() is None, (folder / "log").read_text()
                time.sleep(0.2)
            yield address
        finally:
            end(server)


def wait(browser, condition, seconds=60):
    """Wait until the condition, a function of the browser, holds."""
    return WebDriverWait(browser, seconds, poll_frequency=0.1).until(condition)


def run_all(browser, url, name):
    """Open a notebook and run all its cells; JupyterLab loads, empty, where the browser does not show it yet."""
    if not browser.current_url.startswith(url):
        browser.get(f"{url}/lab?reset")
        wait(browser, lambda b: b.execute_script("return !!window.jupyterapp"))
    assert browser.execute_async_script(RUN_ALL, f"{name}.ipynb") == "ran"


def panels_of(browser):
    """Every panel on the page: the handle of its first slider, or its first list if it has none, and its picture."""
    place = "//*[contains(@class, 'widget-vbox')][.//img[contains(@class, 'widget-image')]]"
    wait(browser, lambda b: b.find_elements(By.XPATH, place))
    for panel in browser.find_elements(By.XPATH, place):
        browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", panel)
        controls = wait(browser, lambda _, panel=panel: panel.find_elements(By.CSS_SELECTOR, ".noUi-handle, select"))
        handle = min(controls, key=lambda control: control.tag_name == "select")
        yield handle, panel.find_element(By.CSS_SELECTOR, "img.widget-image")


def violations(browser, place):
    """What axe finds serious or critical within a CSS selector's elements: the rule, and where it is broken."""
    if not browser.execute_script("return !!window.axe"):
        browser.execute_script((Path(__file__).parent / "offline" / "axe.min.js").read_text(encoding="utf-8"))
    found = browser.execute_async_script(
        "const [place, done] = arguments;"
        "axe.run({include: [[place]]}).then(found => done(found.violations), error => done(String(error)))",
        place,
    )
    assert isinstance(found, list), found
    return [
        f"{one['id']}: {node['html'][:200]}"
        for one in found
        for node in one["nodes"]
        if one["impact"] in ("serious", "critical")
    ]


def shut_down(browser):
    """End the open notebook's kernel, so that it takes no time from the next, and close the notebook unsaved."""
    browser.execute_async_script(
        "const [done] = arguments, notebook = window.jupyterapp.shell.currentWidget;"
        "notebook.sessionContext.shutdown().finally(() => { notebook.dispose(); done(); })"
    )
