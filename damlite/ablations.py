"""Ablations beyond the paper: what each choice in planning is worth, with model and discriminator held fixed."""

from collections.abc import Mapping
from dataclasses import replace

import joblib
import pandas as pd
from torch import Tensor

from .data import collect
from .discriminator import Discriminator
from .fitting import fit_discriminator, fit_model, one_thread
from .loop import default_recipe, evaluate
from .mixture import seeded
from .models import DynamicsModel
from .planning import CrossEntropy, Planner, RandomShooting, policy
from .sweep import MODELS, ROADS

PARTICLES = 20
DYNAMICS = ("truth", *MODELS)  # the truth is planned through without weights, a model with its discriminator's
NEED_WEIGHTS = ("weight", "timing", "normalisation")
NORMALISED = {False: "none", True: "self-normalised", "excess": "excess"}
EPISODES = {"IcyRoad": 20, "Intersection": 6}


def variants(planner: Planner) -> dict[str, dict[str, Planner]]:
    """Every ablation's variants of a planner by name, the planner itself always the first."""
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
    roads: Mapping[str, object] = ROADS,
    episodes: Mapping[str, int] = EPISODES,
    random_episodes: int | None = None,
    steps: int | None = None,
) -> pd.DataFrame:
    """Drive every road with every variant of its planner, through the truth and through fitted models.

    Parameters
    ----------
    runs : R data sets, models and discriminators
    jobs : processes
    roads : the environments by name
    episodes : evaluation episodes of each run, by road
    random_episodes, steps : to fit to and of each fit; by default the road's recipe's, at least 400 and 1000

    Returns
    -------
    Table with columns road, dynamics, ablation, variant, run and return.
    """
    cells = [(name, dynamics) for name in reversed(tuple(roads)) for dynamics in reversed(DYNAMICS)]
    parallel = joblib.Parallel(n_jobs=jobs)
    tables = parallel(
        joblib.delayed(_drive)(name, roads[name], dynamics, runs, episodes[name], random_episodes, steps)
        for name, dynamics in cells
    )
    return pd.concat(tables, ignore_index=True)


@one_thread()
def _drive(
    name: str, env: object, dynamics: str, runs: int, episodes: int, random_episodes: int | None, steps: int | None
) -> pd.DataFrame:
    """All ablations of one road and dynamics; a planner that is a variant of several is driven once."""
    recipe, generator = default_recipe(env), seeded(0)
    through, log_ratio = env, None
    if dynamics != "truth":
        steps = steps or max(recipe.steps, 1000)
        count = random_episodes or max(recipe.random_episodes, 400)
        data = collect(env, episodes=count, runs=runs, generator=generator)
        network = {"runs": runs, "box": recipe.box, "generator": generator}
        through = DynamicsModel(env, MODELS[dynamics], "state", std_range=recipe.std_range, **network)
        fit_model(through, data, steps=steps, generator=generator, **recipe.model_options)
        disc = Discriminator(env, **network)
        fit_discriminator(disc, through, data, steps=steps, generator=generator, **recipe.discriminator_options)
        log_ratio = disc.log_ratio
    driven: dict[Planner, Tensor] = {}
    rows = []
    for ablation, planners in variants(replace(recipe.planner, particles=PARTICLES)).items():
        if dynamics == "truth" and ablation in NEED_WEIGHTS:
            continue
        for variant, planner in planners.items():
            if planner not in driven:
                act = policy(planner, through, env, log_ratio)
                driven[planner] = evaluate(env, act, episodes, runs, seeded(1))
            for number, value in enumerate(driven[planner].tolist()):
                rows.append((name, dynamics, ablation, variant, number, round(value, 4)))
    return pd.DataFrame(rows, columns=["road", "dynamics", "ablation", "variant", "run", "return"])


def summarise(table: pd.DataFrame) -> pd.DataFrame:
    """A row for each variant: mean return and its standard error, and the difference to the ablation's first variant.

    Variants share models and seeds, so the difference's standard error is that of the paired differences.
    """
    keys = ["road", "ablation", "dynamics"]
    rows = []
    for cell, part in table.groupby(keys, sort=False):
        by_run = part.pivot(index="run", columns="variant", values="return")
        first = by_run[part["variant"].iloc[0]]
        for variant in part["variant"].unique():
            values, difference = by_run[variant], by_run[variant] - first
            numbers = (values.mean(), values.sem(), difference.mean(), difference.sem(), len(values))
            rows.append((*cell, variant, *numbers))
    columns = [*keys, "variant", "mean", "stderr", "difference", "difference_stderr", "runs"]
    return pd.DataFrame(rows, columns=columns)
