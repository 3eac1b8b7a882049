"""What each choice in planning is worth, beyond the paper: with model and discriminator held fixed."""

from collections.abc import Mapping
from dataclasses import replace

import pandas as pd
import torch
from torch import Tensor

from ..data import collect
from ..diagnostics.alarm import quiet
from ..envs import Environment
from ..loop import evaluate, learn
from ..mixture import seeded
from ..planning import Belief, CrossEntropy, Planner, RandomShooting, policy
from ..recipe import Recipe, our_recipe
from ..support import validate
from ..support.threads import one_thread
from . import given, workers
from .table1 import MODELS, ROADS

PARTICLES = 20
DYNAMICS = ("truth", *MODELS)  # the truth is planned through without weights, a model with its discriminator's
NEED_WEIGHTS = ("weight", "timing", "normalisation")
NORMALISED = {False: "none", True: "self-normalised", "excess": "excess"}
EPISODES = {"IcyRoad": 20, "Intersection": 6}


def variants(planner: Planner) -> dict[str, dict[str, Planner]]:
    """Every choice's variants of a planner by name, the planner itself always the first."""
    validate.instance("planner", planner, Planner)
    base = {name: getattr(planner, name) for name in ("horizon", "particles", "clip", "normalise")}
    others = {name: replace(planner, normalise=how) for how, name in NORMALISED.items() if how != planner.normalise}
    return {
        "random numbers": {"common": planner, "own": replace(planner, common_random_numbers=False)},
        "particles": {str(p): replace(planner, particles=p) for p in (PARTICLES, 1, 5, 100)},
        "weight": {"exp": planner, "σ": replace(planner, weight="sigmoid")},
        "timing": {"Alg. 1": planner, "Eq. 4": replace(planner, estimator="eq4")},
        "normalisation": {NORMALISED[planner.normalise]: planner, **others},
        "planner": {
            "exhaustive": planner,
            "random shooting": RandomShooting(candidates=100, **base),
            "cross-entropy": CrossEntropy(candidates=25, iterations=4, elites=4, **base),
        },
    }


def run(
    runs: int = 10,
    jobs: int = 2,
    roads: Mapping[str, Environment] = ROADS,
    episodes: Mapping[str, int] = EPISODES,
    **changes: object,
) -> pd.DataFrame:
    """Drive every road with every variant of its planner, through the truth and through fitted models.

    Parameters
    ----------
    runs : R data sets, models and discriminators
    jobs : processes
    roads : the environments by name
    episodes : evaluation episodes of each run, by road
    changes : of the road's recipe, which by default is `our_recipe` with at least 400 random episodes and 1000 steps

    Returns
    -------
    Table with columns road, dynamics, ablation, variant, run and return.
    """
    recipes = {name: recipe_for(env).but(**changes) for name, env in given.roads(roads).items()}
    validate.integer("runs", runs)
    validate.integer("jobs", jobs)
    given.counts("episodes", episodes, roads)
    cells = [(name, dynamics) for name in reversed(tuple(roads)) for dynamics in reversed(DYNAMICS)]
    calls = ((roads[name], dynamics, runs, episodes[name], recipes[name]) for name, dynamics in cells)
    tables = list(workers.share(_drive, calls, jobs, in_order=True))
    for (name, _), table in zip(cells, tables, strict=True):
        table.insert(0, "road", name)
    return pd.concat(tables, ignore_index=True)


def recipe_for(env: Environment) -> Recipe:
    """Our recipe, with enough data and steps that models differ little from one run to the next."""
    ours = our_recipe(env)
    steps = max(ours.model_training.steps, 1000)
    return ours.but(random_episodes=max(ours.random_episodes, 400), steps=steps)


@quiet()
@one_thread()
def _drive(env: Environment, dynamics: str, runs: int, episodes: int, recipe: Recipe) -> pd.DataFrame:
    """All variants on one road through one dynamics; a planner that is a variant of several choices is driven once."""
    belief = _belief(env, dynamics, runs, recipe, seeded(0))
    driven: dict[Planner, Tensor] = {}
    rows = []
    for choice, planners in variants(replace(recipe.planner, particles=PARTICLES)).items():
        if dynamics == "truth" and choice in NEED_WEIGHTS:
            continue
        for variant, planner in planners.items():
            if planner not in driven:
                driven[planner] = evaluate(env, policy(planner, belief), episodes, runs, seeded(1))
            for number, value in enumerate(driven[planner].tolist()):
                rows.append((dynamics, choice, variant, number, round(value, 4)))
    return pd.DataFrame(rows, columns=["dynamics", "ablation", "variant", "run", "return"])


def _belief(env: Environment, dynamics: str, runs: int, recipe: Recipe, generator: torch.Generator) -> Belief:
    """The road itself, or models and discriminators fitted to random episodes."""
    if dynamics == "truth":
        return Belief(env)
    data = collect(env, episodes=recipe.random_episodes, runs=runs, generator=generator)
    return learn(env, data, "disc", MODELS[dynamics], "state", recipe, generator).belief


def summarise(table: pd.DataFrame) -> pd.DataFrame:
    """A row for each variant: mean return and its standard error, and the difference to the choice's first variant.

    Variants share models and seeds, so the difference's standard error is that of the paired differences.
    """
    keys = ["road", "ablation", "dynamics"]
    given.table("table", table, (*keys, "variant", "run"), ("return",))
    rows = []
    for cell, part in table.groupby(keys, sort=False):
        by_run = part.pivot(index="run", columns="variant", values="return")
        first = by_run[part["variant"].iloc[0]]
        for variant in part["variant"].unique():
            values, difference = by_run[variant].dropna(), (by_run[variant] - first).dropna()
            numbers = (values.mean(), values.sem(), difference.mean(), difference.sem(), len(values))
            rows.append((*cell, variant, *numbers))
    columns = [*keys, "variant", "mean", "stderr", "difference", "difference_stderr", "runs"]
    return pd.DataFrame(rows, columns=columns)
