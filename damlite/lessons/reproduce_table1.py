"""Lesson 09: what a table says with few seeds, and how often it says what all of them say; judging as exercises."""

from collections.abc import Callable
from functools import lru_cache

import numpy as np
import pandas as pd
import torch

from .. import figures
from ..results import table1
from .careful import shortened
from .exercise import Exercise, OpenExercise
from .panel import Panel, dropdown, slider

REDRAWN, MOST = 1000, 20
CELLS = tuple((model, method) for model in table1.MODELS for method in table1.METHODS)


@lru_cache(maxsize=8)
def stored_runs(road: str, predict: str) -> np.ndarray:
    """The stored returns (8, 20) of CELLS after the last round, a column for each run."""
    returns = table1.load()
    final = returns[(returns["round"] == 0) & (returns["road"] == road) & (returns["predict"] == predict)]
    by_cell = dict(list(final.groupby(["model", "method"])["return"]))
    return np.stack([by_cell[cell].to_numpy()[:MOST] for cell in CELLS])


@lru_cache(maxsize=8)
def named_best(road: str, predict: str) -> pd.Series:
    """In what share of tables of n = 2 … 20 runs, drawn from the stored ones, the cell that is best over all leads."""
    runs = stored_runs(road, predict)
    chosen = np.random.default_rng(0).integers(MOST, size=(REDRAWN, len(CELLS), MOST))
    numbers = np.arange(2, MOST + 1)
    means = np.take_along_axis(runs[None], chosen, axis=2).cumsum(-1)[..., 1:] / numbers
    return pd.Series((means.argmax(1) == runs.mean(-1).argmax()).mean(0), index=numbers)


def few_seeds() -> Panel:
    """Show the eight cells of one road from a few of their runs, and how often so few name the best cell."""
    fig, axes = figures.figure(2, width=11, height=4.6)
    left, right = axes[0]
    places = np.arange(8) + (np.arange(8) > 3)
    looks = [figures.METHOD_STYLE[method] for _, method in CELLS]
    numbers = np.arange(2, MOST + 1)
    with figures.style():
        marks = [left.plot([x], [0], look[1], color=look[0], ms=8)[0] for x, look in zip(places, looks, strict=True)]
        bars = left.vlines(places, 0, 1, color="black", lw=1.2)
        (alls,) = left.plot(places, np.zeros(8), "_", color="black", ms=22, mew=1.5, label="all 20 runs")
        left.set_xticks(places, [method for _, method in CELLS], rotation=45)
        left.set(ylabel="return per episode", xlabel="Gaussian                              mixture")
        left.legend(loc="lower right")
        (curve,) = right.plot(numbers, 0 * numbers, "-", color="black")
        (dot,) = right.plot([2], [0], "o", color=figures.MODEL, mec="black", ms=9)
        right.set(xlabel="seeds (runs per cell)", ylabel="share of tables that name the best cell", ylim=(0, 1.02))
        right.set_xticks([2, 5, 10, 15, 20])

    def draw(seeds: int, sample: int, road: str, predict: str) -> None:
        runs, found = stored_runs(road, predict), named_best(road, predict)
        chosen = np.random.default_rng(sample).integers(MOST, size=(8, seeds))
        some = np.take_along_axis(runs, chosen, axis=1)
        mean, error = some.mean(-1), some.std(-1, ddof=1) / seeds**0.5
        for mark, x, y in zip(marks, places, mean, strict=True):
            mark.set_data([x], [y])
        bars.set_segments([[(x, y - e), (x, y + e)] for x, y, e in zip(places, mean, error, strict=True)])
        alls.set_ydata(runs.mean(-1))
        top = table1.optimum(road)
        left.set_ylim(-0.1 * top, 1.1 * top)
        best, best_of_all = (" ".join(CELLS[means.argmax()]) for means in (mean, runs.mean(-1)))
        left.set_title(f"best of these: {best}\nbest of all 20: {best_of_all}")
        curve.set_ydata(found)
        dot.set_data([seeds], [found[seeds]])
        right.set_title(f"{seeds} seeds name it in {found[seeds]:.0%} of the tables")

    controls = {
        "seeds": slider("seeds", "runs per cell", 3, 2, MOST, 1),
        "sample": slider("another table", "number of the draw", 0, 0, 20, 1),
        "road": dropdown("road", list(table1.ROADS), "IcyRoad"),
        "predict": dropdown("models predict", ["state", "velocity"], "state"),
    }
    description = "Left: the eight cells from a few runs, mean and standard error; right: how often they name the best."
    return Panel(fig, draw, controls, description)


check_standard_error = Exercise(
    "standard_error",
    (torch.tensor([7.0, 8.5, 3.0, 9.0, 8.0]),),
    lambda runs: runs.std() / len(runs) ** 0.5,
    "with three runs it is itself uncertain by a half.",
    "The runs' standard deviation (with N − 1), divided by √N.",
    {
        "this is the spread of the runs. Their mean spreads less, by √N.": lambda runs: runs.std(),
        "this divides by N. The *variance* of a mean is 1/N of that of one run, its spread 1/√N.": lambda runs: (
            runs.std() / len(runs)
        ),
        "this divides by N inside the spread. With few runs that is too small: N − 1.": lambda runs: (
            runs.std(correction=0) / len(runs) ** 0.5
        ),
        "this is the variance of the mean. Take its square root.": lambda runs: runs.var() / len(runs),
        "this is a half-width of 95 %. The standard error is one, not two of it.": lambda runs: (
            1.96 * runs.std() / len(runs) ** 0.5
        ),
    },
)

check_interquartile_mean = Exercise(
    "interquartile_mean",
    (torch.tensor([40.0, 1.0, 5.0, 9.3, 6.2, 2.1, 7.7, 4.4]),),
    lambda runs: runs.sort().values[2:6].mean(),
    "outliers no longer matter, and half of the runs still count.",
    "Sort, leave out a quarter at either end, and take the mean of what is left.",
    {
        "the runs are not sorted: this takes those in the middle of the list.": lambda runs: runs[2:6].mean(),
        "this is the mean of all runs: one lucky run moves it.": lambda runs: runs.mean(),
        "this is the median. It leaves out all but the middle.": lambda runs: runs.quantile(0.5),
        "this leaves out the best quarter alone. Leave out the worst, too.": lambda runs: runs.sort().values[:6].mean(),
        "this leaves out the worst quarter alone. Leave out the best, too.": lambda runs: runs.sort().values[2:].mean(),
        "this leaves out only one run at either end. A quarter of 8 runs is 2.": lambda runs: (
            runs.sort().values[1:7].mean()
        ),
        "this is the sum of the middle half. Divide by how many they are.": lambda runs: runs.sort().values[2:6].sum(),
    },
)

WORDS = {
    (1.0, 2.0, 0.0): "reproduced",
    (-2.0, -1.0, 0.0): "not reproduced",
    (-1.0, 2.0, 0.0): "undecided",
    (0.2, 0.4, 0.5): "not reproduced",
    (0.2, 0.8, 0.5): "undecided",
    (0.6, 0.8, 0.5): "reproduced",
}


def words_of_a_judge(verdict: Callable[[float, float, float], str]) -> dict[tuple[float, float, float], str]:
    """What a judge says of each case: low and high end of an interval, and the tolerance to be above."""
    return {case: verdict(*case) for case in WORDS}


def strange(said: dict) -> list:
    """What a judge says that is none of the three words."""
    return [word for word in said.values() if word not in WORDS.values()]


def first_wrong(said: dict) -> str:
    """The first case that is judged wrongly, and its word."""
    case = next(case for case in WORDS if said[case] != WORDS[case])
    return f"not yet. For low, high, tolerance = {case} the answer is {WORDS[case]!r}."


check_verdict = OpenExercise(
    name="verdict",
    ask=words_of_a_judge,
    properties=(
        (
            lambda said: not strange(said),
            lambda said: f"the three words are {sorted(set(WORDS.values()))}, got {shortened(strange(said)[0])}.",
        ),
        (
            lambda said: said[-1.0, 2.0, 0.0] == "undecided",
            "the interval [-1, 2] holds 0. Neither side is shown: undecided.",
        ),
        (
            lambda said: said[1.0, 2.0, 0.0] != "not reproduced",
            "the wrong way round. If the whole interval is above the tolerance, the claim holds.",
        ),
        (
            lambda said: said[0.2, 0.4, 0.5] == "not reproduced",
            "the tolerance is forgotten. [0.2, 0.4] lies wholly below 0.5.",
        ),
        (lambda said: said == WORDS, first_wrong),
    ),
    praise="and most often the honest word is undecided.",
)
