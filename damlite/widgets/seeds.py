"""Lesson 09: what a table says with few seeds, and how often it says what all of them say."""

from functools import lru_cache

import numpy as np

from .. import figures, sweep
from .panel import Panel, dropdown, slider

REDRAWN, MOST = 1000, 20


@lru_cache(maxsize=8)
def _cells(road: str, predict: str) -> tuple[list[tuple[str, str]], np.ndarray, np.ndarray]:
    """The eight cells, their runs' returns (8, 20), and how often n = 2 … 20 runs name the best cell of all (19,)."""
    returns = sweep.load()
    rows = returns[(returns["round"] == 0) & (returns["road"] == road) & (returns["predict"] == predict)]
    names = [(model, method) for model in sweep.MODELS for method in sweep.METHODS]
    runs = np.stack([rows[(rows["model"] == k) & (rows["method"] == m)]["return"].to_numpy()[:MOST] for k, m in names])
    chosen = np.random.default_rng(0).integers(MOST, size=(REDRAWN, len(names), MOST))
    drawn = np.take_along_axis(runs[None], chosen, axis=2)
    means = drawn.cumsum(-1)[..., 1:] / np.arange(2, MOST + 1)
    return names, runs, (means.argmax(1) == runs.mean(-1).argmax()).mean(0)


def few_seeds() -> Panel:
    """Lesson 09: the eight cells of one road from a few of their runs, and how often so few name the best cell."""
    fig, axes = figures.figure(2, width=11, height=4.6)
    cells, chance = axes[0]
    names, *_ = _cells("IcyRoad", "state")
    looks = [figures.METHOD_STYLE[method] for _, method in names]
    places = np.arange(8) + (np.arange(8) > 3)
    with figures.style():
        marks = [
            cells.plot([x], [0], marker, color=colour, ms=8)[0]
            for x, (colour, marker, _) in zip(places, looks, strict=True)
        ]
        bars = cells.vlines(places, 0, 1, color="black", lw=1.2)
        alls = cells.plot(places, np.zeros(8), "_", color="black", ms=22, mew=1.5, label="all 20 runs")[0]
    cells.set_xticks(places, [method for _, method in names], rotation=45)
    cells.set(ylabel="return per episode", xlabel="Gaussian                              mixture")
    cells.legend(loc="lower right")
    numbers = np.arange(2, MOST + 1)
    (curve,) = chance.plot(numbers, 0 * numbers, "-", color="black")
    (dot,) = chance.plot([2], [0], "o", color=figures.MODEL, mec="black", ms=9)
    chance.set(xlabel="seeds (runs per cell)", ylabel="chance to name the best cell of all", ylim=(0, 1.02))
    chance.set_xticks([2, 5, 10, 15, 20])

    def draw(seeds: int, sample: int, road: str, predict: str) -> None:
        names, runs, found = _cells(road, predict)
        chosen = np.random.default_rng(sample).integers(MOST, size=(8, seeds))
        some = np.take_along_axis(runs, chosen, axis=1)
        mean, error = some.mean(-1), some.std(-1, ddof=1) / seeds**0.5
        for mark, x, y in zip(marks, places, mean, strict=True):
            mark.set_data([x], [y])
        bars.set_segments([[(x, y - e), (x, y + e)] for x, y, e in zip(places, mean, error, strict=True)])
        alls.set_ydata(runs.mean(-1))
        top = sweep.optimum(road)
        cells.set_ylim(-0.1 * top, 1.1 * top)
        best, best_of_all = (" ".join(names[i]) for i in (mean.argmax(), runs.mean(-1).argmax()))
        cells.set_title(f"best of these: {best}\nbest of all 20: {best_of_all}")
        curve.set_ydata(found)
        dot.set_data([seeds], [found[seeds - 2]])
        chance.set_title(f"{seeds} seeds name it in {found[seeds - 2]:.0%} of the tables")

    controls = {
        "seeds": slider("seeds", "runs per cell", 3, 2, MOST, 1),
        "sample": slider("another table", "number of the draw", 0, 0, 20, 1),
        "road": dropdown("road", list(sweep.ROADS), "IcyRoad"),
        "predict": dropdown("models predict", ["state", "velocity"], "state"),
    }
    description = "Left: the eight cells from a few runs, mean and standard error; right: how often they name the best."
    return Panel(fig, draw, controls, description)
