"""Table 1 on both roads: independent pieces (cell × chunk of stacked seeds), and what is stored of them."""

import functools
import json
import math
import platform
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import scipy
import torch

from .. import exact
from ..envs import Environment, IcyRoad, Intersection
from ..loop import METHODS, VERSION
from ..recipe import Recipe, our_recipe, paper_recipe
from ..support import validate
from . import compare, given, kept, pool
from .kept import MODELS, Piece
from .pool import Task

CHUNK = 10  # seeds trained side by side
PREDICTS = ("state", "velocity")
ROADS = {"IcyRoad": IcyRoad(), "Intersection": Intersection()}
RECIPES = {  # those that tables are stored under; Section 3.2 of the paper derives q* for the trajectory estimator
    "our": our_recipe,
    "paper": paper_recipe,
    "paper-trajectory": functools.partial(paper_recipe, estimator="trajectory"),
}
FOLDERS = {"our": ".", "paper": "paper", "paper-trajectory": "paper_trajectory"}  # of their tables, within one folder
REPOSITORY = Path(__file__).resolve().parents[2] / "figures"
# The repository's own results, or what an installed package brings of them.
STORED = REPOSITORY if (REPOSITORY / "table1_returns.csv").exists() else kept.PACKAGE / "stored"
# Table 1 of the paper: mean and standard error over 3 runs.
PAPER = {
    ("IcyRoad", "Gaussian", "baseline"): (0.71, 1.72),
    ("IcyRoad", "Gaussian", "minvar"): (0.86, 0.79),
    ("IcyRoad", "Gaussian", "disc"): (4.88, 0.50),
    ("IcyRoad", "Gaussian", "dam"): (2.32, 1.76),
    ("IcyRoad", "mixture", "baseline"): (5.34, 0.84),
    ("IcyRoad", "mixture", "minvar"): (4.55, 3.50),
    ("IcyRoad", "mixture", "disc"): (3.30, 2.75),
    ("IcyRoad", "mixture", "dam"): (7.94, 0.92),
    ("Intersection", "Gaussian", "baseline"): (62.67, 22.10),
    ("Intersection", "Gaussian", "minvar"): (31.40, 1.111),
    ("Intersection", "Gaussian", "disc"): (87.79, 15.34),
    ("Intersection", "Gaussian", "dam"): (46.76, 9.543),
    ("Intersection", "mixture", "baseline"): (29.58, 0.105),
    ("Intersection", "mixture", "minvar"): (31.30, 1.634),
    ("Intersection", "mixture", "disc"): (60.18, 19.58),
    ("Intersection", "mixture", "dam"): (97.72, 5.127),
}
QUICK = {"rounds": 1, "episodes": 2, "evaluation_episodes": 4, "steps": 300}  # changes for a first look

RecipeFor = Recipe | Callable[[Environment], Recipe]


def run_table1(
    seeds: int = 20,
    predicts: Iterable[str] = PREDICTS,
    jobs: int = 2,
    *,
    roads: Mapping[str, Environment] = ROADS,
    folder: str | Path | None = None,
    progress: bool = True,
    first_seed: int = 0,
    **how: object,
) -> pd.DataFrame:
    """Run the cells of Table 1, eight for each road, and return every run's returns.

    Its pieces are independent: on this machine's processes, or under `joblib.parallel_config("dask")` on a
    cluster, the numbers are the same.

    Parameters
    ----------
    seeds : runs per cell; they are trained side by side in chunks of 10
    predicts : what the models predict; the cells are run for each
    jobs : processes
    roads : the environments by name; by default both of the paper, and one's own, with names of their own, go in too
    folder : where each piece is kept as it ends, and found again by a later call with the same settings, roads that
        do the same, and the same code of the method; None to keep nothing
    progress : show a progress bar
    first_seed : the number of the first run; settings are chosen on other runs than those that a table shows
    how : `recipe`, `device` and changes of the recipe, see `run_pieces`

    Returns
    -------
    Long table with columns road, predict, model, method, run, round and return. Rounds 1, 2, … are the rounds'
    own episodes; round 0 holds the mean over the evaluation episodes after the last round. Its `attrs["seconds"]`
    tells how long each piece took, by name.

    Raises
    ------
    ValueError
        Before any work, if a number, a name or a recipe does not fit, or the folder cannot be written to.
    """
    every = pieces(seeds, predicts, _well_named(roads), first_seed)
    validate.boolean("progress", progress)
    validate.integer("jobs", jobs)
    tables = pool.run(_tasks(every, roads, **how), jobs, folder, progress)
    returns = pd.concat(tables).sort_values([*kept.CELL, "run", "round"], ignore_index=True)
    returns.attrs["seconds"] = pool.seconds(tables)
    return returns


def _well_named(roads: Mapping[str, Environment]) -> Mapping[str, Environment]:
    """Return the roads if those that go by the paper's names are the paper's; raise ValueError otherwise."""
    for name, env in given.roads(roads).items():
        if name in ROADS and env != ROADS[name]:
            paper = f"the paper's, {ROADS[name]!r}, to go by its name"
            raise ValueError(f"roads[{name!r}] must be {paper}, got {validate.shown(env)}: give it another")
    return roads


def _tasks(chosen: list[Piece], roads: Mapping[str, Environment], *, device: str = "cpu", **how: object) -> list[Task]:
    by_road = recipes(roads, **how)
    validate.device("device", device)
    return [Task(piece, roads[piece.road], by_road[piece.road], device) for piece in chosen]


def run_pieces(
    chosen: list[Piece], jobs: int = 2, roads: Mapping[str, Environment] = ROADS, **how: object
) -> Iterator[pd.DataFrame]:
    """The tables of the pieces, each as it ends.

    Parameters
    ----------
    how : `device`, where each piece's tensors are, "cuda" for a GPU, whose numbers differ from the processor's as
        those of other seeds would; `recipe` and changes of its fields, see `recipes`
    """
    return (table for _, table in pool.stream(_tasks(chosen, roads, **how), jobs))


def recipes(roads: Mapping[str, Environment], recipe: RecipeFor = our_recipe, **changes: object) -> dict[str, Recipe]:
    """Every road's recipe, with changes of its fields; `recipe` is one for all, or a function of the environment."""
    if not isinstance(recipe, Recipe):
        validate.function("recipe", recipe, "env", ", or a Recipe")
    chosen = {name: recipe if isinstance(recipe, Recipe) else recipe(env) for name, env in given.roads(roads).items()}
    return {name: validate.instance("recipe", one, Recipe).but(**changes) for name, one in chosen.items()}


def pieces(
    seeds: int, predicts: Iterable[str] = PREDICTS, roads: Iterable[str] = ROADS, first_seed: int = 0
) -> list[Piece]:
    """All that Table 1 takes; what is named twice is run once."""
    chunks = chunked(seeds, first_seed)
    chosen = dict.fromkeys(given.every("predicts", predicts, PREDICTS))
    names = dict.fromkeys(map(kept.check_name, given.names("roads", roads)))
    cells = product(reversed(names), chosen, reversed(MODELS), reversed(METHODS), chunks)
    return [Piece(*cell, *chunk) for *cell, chunk in cells]


def chunked(seeds: int, first_seed: int = 0) -> list[tuple[int, int]]:
    """So many seeds in chunks that are trained side by side: each one's first seed and number of runs."""
    validate.integer("seeds", seeds)
    end = validate.integer("first_seed", first_seed, least=0) + seeds
    return [(first, min(CHUNK, end - first)) for first in range(first_seed, end, CHUNK)]


def summarise(returns: pd.DataFrame) -> pd.DataFrame:
    """Every cell after the last round, beside the paper's, a row each.

    Columns: mean, stderr and runs; iqm, the mean of the middle half of the runs (Agarwal et al., 2021), with the
    ends of its 95 % bootstrap interval; regret, the road's optimum minus the mean; the paper's mean and error.
    What is not known (the optimum of an environment of one's own, an interval from one run) is NaN.
    """
    final = given.last_returns(returns)
    rows = []
    for (road, predict, model, method), group in final.groupby(kept.CELL, sort=False):
        values = group["return"]
        low, high = interval(interquartile_mean, values.to_numpy()) if len(values) > 1 else (np.nan, np.nan)
        paper_mean, paper_stderr = PAPER.get((road, model, method), (np.nan, np.nan))
        rows.append(
            {
                "road": road,
                "predict": predict,
                "model": model,
                "method": method,
                "mean": values.mean(),
                "stderr": values.sem(),
                "runs": len(values),
                "iqm": float(interquartile_mean(values.to_numpy())),
                "iqm_low": low,
                "iqm_high": high,
                "regret": optimum(road) - values.mean(),
                "paper_mean": paper_mean,
                "paper_stderr": paper_stderr,
            }
        )
    ranks = {name: rank for rank, name in enumerate([*MODELS, *METHODS])}
    return pd.DataFrame(rows).sort_values(
        kept.CELL, key=lambda column: column.map(lambda x: ranks.get(x, x)), ignore_index=True
    )


def optimum(road: str) -> float:
    """The best mean return that anyone can reach on one of the paper's roads; NaN for others."""
    return _optimum(validate.instance("road", road, str, " of a road"))


@functools.cache
def _optimum(road: str) -> float:
    return exact.optimum(ROADS[road]) if road in ROADS else float("nan")


def interquartile_mean(runs: np.ndarray, axis: int = -1) -> np.ndarray:
    """Mean of the middle half, along `axis`: a quarter of the runs is left out at either end."""
    return scipy.stats.trim_mean(runs, 0.25, axis=axis)


def interval(
    statistic: Callable[..., np.ndarray], *samples: np.ndarray, level: float = 0.95, resamples: int = 4000
) -> tuple[float, float]:
    """Bootstrap interval (SciPy, percentiles) of a statistic of the runs of one cell or of several."""
    validate.function("statistic", statistic, "runs, axis")
    samples = [compare.runs_of("each of samples", runs) for runs in samples]
    if not samples:
        raise ValueError("samples must be the runs of at least one cell, got none")
    validate.number("level", level, least=0, most=1)
    resamples = compare.resamples_of(resamples, *samples)
    drawn = scipy.stats.bootstrap(
        samples,
        statistic,
        n_resamples=resamples,
        confidence_level=level,
        method="percentile",
        rng=np.random.default_rng(0),
    )
    return float(drawn.confidence_interval.low), float(drawn.confidence_interval.high)


def save(
    returns: pd.DataFrame,
    folder: str | Path,
    roads: Mapping[str, Environment] = ROADS,
    label: str | None = None,
    **how: object,
) -> None:
    """Write the raw returns and their summary as CSV, and all that made them as JSON.

    Parameters
    ----------
    returns : as from `run_table1`
    folder : where to
    label : what the recipe is called, see `settings`
    roads, how : as `run_table1` was given them
    """
    folder = kept.check_writable(folder)
    summary = summarise(returns).round(3)  # first, as it says what is wrong with a table
    kept.write_whole(folder / "table1_returns.csv", returns.to_csv(index=False))
    kept.write_whole(folder / "table1.csv", summary.to_csv(index=False))
    names = list(dict.fromkeys(returns["road"]))
    known = {
        "seeds": int(returns["run"].nunique()),
        "first_seed": int(returns["run"].min()),
        "roads": names,
        "predicts": list(dict.fromkeys(returns["predict"])),
        **settings({name: roads[name] for name in names}, label=label, **how),
        **pool.told_seconds(returns.attrs.get("seconds", {})),
    }
    kept.write_whole(folder / "table1_settings.json", json.dumps(known, indent=2) + "\n")


def settings(
    roads: Mapping[str, Environment],
    *,
    recipe: RecipeFor = our_recipe,
    device: str = "cpu",
    label: str | None = None,
    **changes: object,
) -> dict:
    """All that a table's numbers hang on but its cells: environments, every road's whole recipe, device, versions.

    label : what the recipe is called; by default its name in `RECIPES`, or "own"
    """
    by_road = recipes(roads, recipe, **changes)
    return {
        "recipe": label or next((name for name, known in RECIPES.items() if known is recipe), "own"),
        "changes": described(changes),
        "device": device,
        "versions": versions(),
        "environments": {name: kept.without_addresses(env) for name, env in roads.items()},
        "recipes": {name: described(one) for name, one in by_road.items()},
    }


def versions() -> dict[str, str]:
    """Of what computed the numbers."""
    return {
        "python": platform.python_version(),
        "torch": torch.__version__.split("+")[0],
        "numpy": np.__version__,
        "damlite": VERSION,
    }


def described(value: object) -> object:
    """A value as JSON can hold it: a dataclass as a dict of its kind and its fields, the infinite as words."""
    if is_dataclass(value):
        return {"kind": type(value).__name__, **{f.name: described(getattr(value, f.name)) for f in fields(value)}}
    if isinstance(value, Mapping):
        return {str(name): described(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [described(one) for one in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return kept.without_addresses(value)


def place(recipe: str = "our", folder: str | Path | None = None) -> Path:
    """Where a named recipe's tables are, within a folder that is laid out as the stored tables' (by default theirs)."""
    root = STORED if folder is None else given.path("folder", folder)
    return root / FOLDERS[validate.choice("recipe", recipe, tuple(FOLDERS))]


def load(folder: str | Path | None = None, recipe: str = "our") -> pd.DataFrame:
    """The raw returns that `save` wrote: those of a named recipe, from a folder or from what is stored.

    Raises
    ------
    ValueError
        If there is no such recipe.
    FileNotFoundError
        If there is no table under it; the message says which command makes one.
    """
    path = place(recipe, folder) / "table1_returns.csv"
    if not path.exists():
        raise FileNotFoundError(f"{path} is not there: `python -m damlite table1 --recipe {recipe}` makes such a table")
    return kept.read_returns(path)


def load_all(folder: str | Path | None = None) -> pd.DataFrame:
    """`load` for every recipe that there is a table of, in one table with the first column `recipe`."""
    parts = {name: load(folder, name) for name in RECIPES if (place(name, folder) / "table1_returns.csv").exists()}
    if not parts:
        return load(folder)
    return pd.concat(parts, names=["recipe"]).reset_index("recipe").reset_index(drop=True)
