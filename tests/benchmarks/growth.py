"""How a plan's and a fit's cost grows: seconds, and the exponent of a power fitted to them.

python tests/benchmarks/growth.py
"""

from functools import partial

import numpy as np
import torch
from fitting import ours
from measure import in_turn, show
from planning import fitted

import damlite as dl

SIZES = {
    "horizon": (5, 10, 20, 40),
    "candidates": (50, 100, 200, 400, 800),
    "particles": (1, 2, 5, 10, 20, 50),
}


def plan(learned, horizon=10, candidates=100, particles=5):
    """One plan by random shooting through a learned model with weights."""
    planner = dl.RandomShooting(horizon=horizon, candidates=candidates, particles=particles)
    planner.plan(learned.belief, learned.env.initial_state(), generator=dl.seeded(0))


def exponent(sizes, seconds):
    """The slope of a line through their logarithms."""
    return np.polyfit(np.log(sizes), np.log(seconds), 1)[0]


def rows(seconds=1.0, rivals=True):
    """Of every size: seconds; and last of each kind the exponent."""
    learned = fitted(dl.Intersection(), 4)
    kinds = {
        f"plan, {kind}": {size: partial(plan, learned, **{kind: size}) for size in sizes}
        for kind, sizes in SIZES.items()
    }
    runs = {size: partial(ours(dl.IcyRoad(), size), 20) for size in (1, 2, 4, 8, 16, 32, 64)}
    for kind, calls in (kinds | {"fit, runs": runs}).items():
        took = in_turn(calls, seconds / 2)
        for size, taken in took.items():
            yield "growth", kind, str(size), taken, "s"
        yield "growth", f"{kind}, exponent", "", exponent(list(took), list(took.values())), ""


if __name__ == "__main__":
    torch.set_num_threads(1)
    show(rows)
