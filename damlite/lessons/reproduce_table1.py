"""Lesson 11: what a table says with few seeds, and how often it says what all say; judges and recipes as exercises."""

from collections.abc import Callable
from functools import lru_cache, partial

import numpy as np
import pandas as pd
import torch

from .. import exact, figures
from ..data import collect
from ..envs import IcyRoad
from ..mixture import seeded
from ..planning import Belief, Planner, policy
from ..results import compare, table1
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

VERDICTS = ("reproduced", "not reproduced", "undecided")
TABLES, OTHERS, GAP, ALPHA = 400, 7, 1.5, 0.05  # tables of a world, cells to beat, a real gap in spreads of a run
LEAST_FOUND = 0.5  # share of the tables in which a real gap must be found
# A world: what the cell that is claimed to be best has more than the others, what the first other has more than the
# rest, the one word that is true there (None where only "undecided" is), and what it is.
WORLDS = (
    (0.0, 0.0, None, "all eight cells are equally good"),
    (GAP, GAP, None, "another cell is exactly as good, and both are above the rest"),
    (GAP, 0.0, "reproduced", "the cell is best by far"),
    (0.0, GAP, "not reproduced", "another cell is best by far"),
)


def judge_best(best: Callable[[np.ndarray, np.ndarray], str]) -> str:
    """Print and return what is wrong with a judge of "this cell is the best of all".

    best : function of the cell's runs (20,) and those of the seven others (7, 20) that answers "reproduced", "not
        reproduced" or "undecided"

    The verdict on a judge, from how often it says what in worlds where the truth is known.
    """
    shares = []
    for number, (dam, rival, true, what) in enumerate(WORLDS):
        words = [best(*runs) for runs in draw_tables(number, dam, rival)]
        if strange := [word for word in words if word not in VERDICTS]:
            return f"the three words are {', '.join(VERDICTS)}, got {strange[0]!r}."
        share = {word: words.count(word) / TABLES for word in VERDICTS}
        for word in VERDICTS[:2]:
            if word != true and share[word] > ALPHA:
                return f"not yet. Where {what}, it says “{word}” in {share[word]:.0%} of the tables, allowed are 5 %."
        if true:
            shares.append(share[true])
            if share[true] < LEAST_FOUND:
                return f"not yet. Where {what}, it says “{true}” in only {share[true]:.0%} of the tables."
    return f"right, at most 5 % of its words are false, and it finds {min(shares):.0%} of the large gaps."


check_best = OpenExercise(name="best", verdict=judge_best, of_a_function=True, seconds=300)


def draw_tables(number: int, dam: float, rival: float) -> list[tuple[np.ndarray, np.ndarray]]:
    """Tables of a world: runs (20,) of the cell and (7, 20) of the others, normal with a spread of one."""
    rng = np.random.default_rng(number)
    lift = np.array([rival, *[0.0] * (OTHERS - 1)])[:, None]
    return [(dam + rng.normal(size=MOST), lift + rng.normal(size=(OTHERS, MOST))) for _ in range(TABLES)]


OPTIMIST = IcyRoad(swerve_prob=0.2)  # takes the ice for kinder than it is
EPISODES = 200


def judge_recipes(recipes: dict[str, Planner]) -> str:
    """Print and return whether two planners turn the verdict on "an optimistic model, weighted, beats the truth" round.

    recipes : {"reproduced": planner, "not reproduced": planner}, for IcyRoad

    The verdict on two planners, from 200 episodes with either model.
    """
    if not isinstance(recipes, dict) or set(recipes) != set(VERDICTS[:2]):
        return f"expected keys “reproduced” and “not reproduced”, got {recipes!r}."
    found = []
    for word, planner in recipes.items():
        if not isinstance(planner, Planner):
            return f"expected a planner such as dl.RandomShooting(horizon=5), got {planner!r} for “{word}”."
        optimist, truth = drive_with(planner)
        test, _ = compare.welch(optimist, truth)
        said = "undecided" if test.p >= ALPHA else VERDICTS[0] if test.above else VERDICTS[1]
        shown = f"{optimist.mean():.2f} with the weighted optimist, {truth.mean():.2f} with the truth: {said}"
        if said != word:
            return f"not yet. The planner for “{word}” returns {shown}."
        found.append(shown)
    return f"right, one claim and two verdicts. {'; '.join(found)}."


check_recipes = OpenExercise(name="recipes", verdict=judge_recipes, seconds=600)


def drive_with(planner: Planner) -> tuple[np.ndarray, np.ndarray]:
    """Returns (200,) on IcyRoad of a planner that imagines by the exactly weighted optimist, and by the truth."""
    road = IcyRoad()
    beliefs = Belief(road, OPTIMIST, partial(exact.log_ratio, road, OPTIMIST)), Belief(road)
    driven = [
        collect(road, policy(planner, belief), episodes=EPISODES, generator=seeded(number))
        for number, belief in enumerate(beliefs)
    ]
    optimist, truth = (episodes.returns.flatten().double().numpy() for episodes in driven)
    return optimist, truth
