"""The map of who wins where, with fitted models: likelihood or return-weighted, with no, learned or exact weights."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import product
from pathlib import Path

import pandas as pd

from .. import exact
from ..data import collect
from ..diagnostics.alarm import quiet
from ..envs import Environment
from ..loop import Learned, evaluate, learn
from ..mixture import seeded
from ..planning import Belief, policy
from ..recipe import Recipe, our_recipe, paper_recipe
from ..support import validate
from ..support.threads import one_thread
from . import given, workers
from .kept import MODELS
from .table1 import ROADS

FITS = {"likelihood": "disc", "return-weighted": "dam"}  # and the method of Table 1 that fits model and classifier so
WEIGHTS = ("none", "learned", "exact")
NUMBERS = {"own": False, "common": True}  # each sequence's own random numbers, or the same for all
PARTICLES = (1, 2, 5, 10, 20, 50)
EPISODES = {"IcyRoad": 400, "Intersection": 600}  # random ones that the fits see
IMAGINED = {"IcyRoad": 160, "Intersection": 20}  # episodes times particles: the same time for every cell
SEED = 1000  # of data, fits and drives
COLUMNS = ["road", "model", "fit", "weights", "numbers", "particles", "episodes", "run", "return"]


@dataclass(frozen=True, kw_only=True)
class Size:
    """How much a fitted map takes.

    Attributes
    ----------
    runs : R data sets, models and classifiers, side by side
    random_episodes : that they are fitted to, by road
    imagined : evaluation episodes times particles, by road; but never less than two episodes a run
    particles : P of each column of the map, one or several
    steps : of either fit; None for the recipe's
    """

    runs: int = 10
    random_episodes: Mapping[str, int] = field(default_factory=lambda: EPISODES)
    imagined: Mapping[str, int] = field(default_factory=lambda: IMAGINED)
    particles: tuple[int, ...] = PARTICLES
    steps: int | None = None

    def __post_init__(self) -> None:
        validate.integer("runs", self.runs)
        particles = tuple(self.particles) if isinstance(self.particles, list) else self.particles
        object.__setattr__(self, "particles", validate.integers("particles", particles))
        validate.each(self, validate.integer, "steps", optional=True)

    def episodes(self, road: str, particles: int) -> int:
        """Evaluation episodes of a run: the fewer, the more particles each step of them takes."""
        return max(2, self.imagined[road] // particles)


def run_fitted_map(
    jobs: int = 2,
    roads: Mapping[str, Environment] = ROADS,
    models: tuple[str, ...] = ("mixture",),
    size: Size | None = None,
) -> Iterator[pd.DataFrame]:
    """Drive by fitted velocity models with every kind of weight, number of particles and random numbers.

    The networks and fits are those of `our_recipe`, the planner is that of `paper_recipe` but for its particles. A
    road's cells of one model and one fit share data, model and classifier, and all cells the seeds of their drives.

    Parameters
    ----------
    jobs : processes
    roads : the environments by name
    models : names of `MODELS`
    size : how much it takes

    Yields
    ------
    The table of one road, model and fit as it ends: columns road, model, fit, weights, numbers, particles, episodes
    (evaluation episodes of each run), run and return.
    """
    size = Size() if size is None else validate.instance("size", size, Size)
    models = given.every("models", models, MODELS)
    given.roads(roads)
    validate.integer("jobs", jobs)
    given.counts("random_episodes", size.random_episodes, roads)
    given.counts("imagined", size.imagined, roads)
    cells = product(reversed(tuple(roads)), dict.fromkeys(models), FITS)
    yield from workers.share(_cells, ((roads[road], road, *cell, size) for road, *cell in cells), jobs)


@quiet()
@one_thread()
def _cells(env: Environment, road: str, model: str, fit: str, size: Size) -> pd.DataFrame:
    """Every cell of one road, model and fit."""
    recipe = our_recipe(env) if size.steps is None else our_recipe(env).but(steps=size.steps)
    learned = fitted(env, fit, model, size.runs, recipe.but(random_episodes=size.random_episodes[road]))
    planner, rows = paper_recipe(env).planner, []
    for (weights, belief), (numbers, common), particles in product(
        beliefs(learned).items(), NUMBERS.items(), size.particles
    ):
        how = replace(planner, particles=particles, common_random_numbers=common)
        episodes = size.episodes(road, particles)
        returns = evaluate(env, policy(how, belief), episodes, size.runs, seeded(SEED + 1))
        for run, value in enumerate(returns.tolist()):
            rows.append((road, model, fit, weights, numbers, particles, episodes, run, round(value, 4)))
    return pd.DataFrame(rows, columns=COLUMNS)


def fitted(env: Environment, fit: str, model: str, runs: int, recipe: Recipe) -> Learned:
    """R velocity models and classifiers, fitted to the same random episodes whatever the fit."""
    validate.choice("fit", fit, tuple(FITS))
    validate.choice("model", model, tuple(MODELS))
    validate.instance("recipe", recipe, Recipe)
    validate.integer("runs", runs)
    data = collect(env, episodes=recipe.random_episodes, runs=runs, generator=seeded(SEED))
    return learn(env, data, FITS[fit], MODELS[model], "velocity", recipe, seeded(SEED + 2))


def beliefs(learned: Learned) -> dict[str, Belief]:
    """What a planner goes by without weights, with the classifier's and with the exact ones."""
    exactly = replace(learned.belief, log_ratio=partial(exact.log_ratio, learned.env, learned.model))
    by_weights = (Belief(learned.env, learned.model), learned.belief, exactly)
    return dict(zip(WEIGHTS, by_weights, strict=True))


def load(folder: str | Path) -> pd.DataFrame:
    """The table that the command wrote as map_fitted.csv; weights may be called "none"."""
    return pd.read_csv(
        given.path("folder", folder) / "map_fitted.csv", keep_default_na=False, na_values={"return": [""]}
    )


def summarise(table: pd.DataFrame) -> pd.DataFrame:
    """A row for each cell: mean return over the runs, its standard error, and how many runs there are."""
    keys = COLUMNS[:-2]
    given.table("table", table, COLUMNS[:-1], ("return",))
    rows = table.groupby(keys, sort=False)["return"].agg(["mean", "sem", "count"]).reset_index()
    return rows.rename(columns={"sem": "stderr", "count": "runs"})
