"""Random settings over all panels of all lessons: no exception, no number that is none, and no memory that grows.

    venv/bin/python tests/panels_at_random.py [moves, 500 by default]

After two moves of every panel as a warm-up. It prints by how much the memory of the process (RSS) has grown, and fails
if that is more than 20 MB.
"""

import gc
import random
import sys
import time
from pathlib import Path

import psutil

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE / "lessons")]

from finite import assert_finite  # noqa: E402
from test_panels import anywhere, panels, put  # noqa: E402

MOST = 20.0  # MB


def held() -> float:
    """MB that this process has."""
    gc.collect()
    return psutil.Process().memory_info().rss / 2**20


def move(panel, dice) -> None:
    """One random setting, drawn in full: what is slow too."""
    chosen = {name: anywhere(control, dice) for name, control in panel.controls.items()}
    put(panel, chosen)
    try:
        panel.update()
        assert_finite(panel.fig)
    except BaseException:
        print(f"{panel.description}\n{chosen}", flush=True)
        raise


def main(moves: int = 500) -> float:
    """Move panels drawn at random; return by how many MB the process has grown."""
    dice = random.Random(0)
    made = {parameter.id: parameter.values[0]() for parameter in panels()}
    for panel in [*made.values()] * 2:
        move(panel, dice)
    before, began = held(), time.monotonic()
    print(f"{len(made)} panels, {before:.0f} MB after the warm-up", flush=True)
    for number in range(1, moves + 1):
        move(dice.choice([*made.values()]), dice)
        if number % 50 == 0 or number == moves:
            grown = held() - before
            print(f"{number} moves, {grown:+.1f} MB, {time.monotonic() - began:.0f} s", flush=True)
    for panel in made.values():
        panel.close_all()
    return grown


if __name__ == "__main__":
    grown = main(*map(int, sys.argv[1:]))
    sys.exit(f"memory has grown by {grown:.1f} MB, more than {MOST:g}" if grown > MOST else 0)
