"""From key press to changed pixels in JupyterLab: Fig. 2's panel against the same picture under plain `interact`.

    python tests/benchmarks/slider_latency.py

Prints the median of 20 key presses each, in milliseconds, and their ratio. The panel's immediate part is timed:
the truth moves, and what is stale is greyed out; `interact` draws the same picture anew, without any fitting.
"""

import statistics
import sys
import tempfile
import time
from pathlib import Path

import nbformat

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from lab import open_browser, open_lab, run_all, shut_down, wait

PRESSES = 20
KERNEL = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}  # else JupyterLab asks for one
PANEL = """
from damlite.lessons import correct_the_model as lesson, panel
panel.RELEASED = 1e9  # the immediate part alone
lesson.next_velocity()
"""
INTERACT = """
import torch, ipywidgets, matplotlib.pyplot as plt
from damlite import IcyRoad, figures
from damlite.lessons import correct_the_model as lesson
q, next_state, *log_ratios = lesson.fitted(IcyRoad(), 1, 1000)
state, action = torch.tensor(lesson.STATE), torch.tensor(lesson.ACCELERATE)

def show(threshold):
    env = IcyRoad(threshold=threshold)
    with figures.style():
        fig, axes = plt.subplots(1, 2, figsize=(11, 4))
        for ax, log_w in zip(axes, log_ratios):
            figures.draw_next_velocity(ax, env.transition(state, action), q, next_state[:25, 3], log_w[:25])
            ax.set_title("learned weights: 50% effective\\nnext reward: model 3.4, weighted 3.4, truth 3.4")
            relation = "above" if threshold < 3 else "not above"
            note = f"speed 3 is {relation} the threshold {threshold:g}"
            ax.text(0.5, 0.83, note, transform=ax.transAxes, ha="center")
        plt.show()

slider = ipywidgets.FloatSlider(value=2.0, min=0.0, max=4.0, step=0.5, description="threshold speed")
ipywidgets.interact(show, threshold=slider);
"""
WATCH = """
const picture = () => { const all = document.querySelectorAll('.jp-OutputArea img'); return all[all.length - 1]; };
window.times = []; window.pressed = null;
let shown = picture().src;
document.addEventListener('keydown', () => { window.pressed = performance.now(); }, true);
new MutationObserver(async () => {
  const now = picture();
  if (!now || now.src === shown || window.pressed === null) return;
  shown = now.src;
  const began = window.pressed; window.pressed = null;
  await now.decode();
  requestAnimationFrame(() => window.times.push(performance.now() - began));
}).observe(document.body, {subtree: true, childList: true, attributes: true, attributeFilter: ['src']});
"""


def latencies(browser, url, name):
    """Milliseconds from key press to changed pixels, PRESSES times."""
    run_all(browser, url, name)
    wait(browser, lambda b: b.find_elements(By.CSS_SELECTOR, ".jp-OutputArea img"))
    time.sleep(3)
    handle = browser.find_elements(By.CSS_SELECTOR, ".noUi-handle")[0]
    browser.execute_script(WATCH)
    for press in range(PRESSES):
        handle.send_keys(Keys.ARROW_LEFT if press % 4 < 2 else Keys.ARROW_RIGHT)
        wait(browser, lambda b, press=press: len(b.execute_script("return window.times")) > press)
        time.sleep(0.3)
    times = browser.execute_script("return window.times")
    shut_down(browser)
    browser.get("about:blank")  # a page of its own for each: what watches one must not see the other
    return times


def notebook(source):
    """A notebook of one cell."""
    return nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)], metadata=KERNEL)


def main():
    books = {"interact": notebook(INTERACT), "panel": notebook(PANEL)}
    with tempfile.TemporaryDirectory() as folder, open_lab(Path(folder), books) as url, open_browser() as browser:
        medians = {}
        for name in books:
            times = latencies(browser, url, name)
            medians[name] = statistics.median(times)
            print(f"{name}: median {medians[name]:.0f} ms, from {min(times):.0f} to {max(times):.0f}", flush=True)
        print(f"the panel is {medians['interact'] / medians['panel']:.1f} times as fast")


if __name__ == "__main__":
    main()
