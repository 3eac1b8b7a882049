"""Which plans can look better than they are, with fitted models: three plans, and a single own particle for each.

`map.luck` asks the same of q's that are a road with other odds, where the answer is exact.
"""

from collections.abc import Iterable, Iterator, Mapping
from itertools import product

import pandas as pd
import torch

from ..data import collect
from ..envs import Environment
from ..loop import Learned, learn
from ..mixture import seeded
from ..planning import Belief, Planner
from ..recipe import Recipe, paper_recipe
from ..support import validate
from ..support.threads import one_thread
from . import given
from .fitted_map import FITS, beliefs
from .kept import MODELS
from .map import approach, plans_at_the_fork
from .outcomes import finite_road
from .table1 import PREDICTS, ROADS

EPISODES = 120  # random ones that the fits see: as many as a run of Table 1 has seen in its last round
ESTIMATES = 1000  # of every plan and run
SEED = 1000  # of data, fits and estimates
CELL = ["road", "predict", "model", "fit", "weights"]
COLUMNS = [*CELL, "run", "risky", "luckiest"]


def run(
    roads: Mapping[str, Environment] = ROADS,
    runs: int = 20,
    predicts: Iterable[str] = PREDICTS,
    *,
    estimates: int = ESTIMATES,
    steps: int | None = None,
) -> pd.DataFrame:
    """Estimate three plans at the fork's approach, with models and classifiers as `paper_recipe` fits them.

    Parameters
    ----------
    roads : the environments by name
    runs : R data sets, models and classifiers of each kind
    predicts : what the models predict; those of states have no exact weights
    estimates : of every plan and run
    steps : of either fit; None for the recipe's

    Returns
    -------
    Table with `COLUMNS`: a run of a cell, and in what share of its estimates the best risky and the luckiest plan of
    `plans_at_the_fork` look better than the safe one.

    Raises ValueError if runs or estimates are fewer than 1.
    """
    validate.integer("runs", runs)
    validate.integer("estimates", estimates)
    predicts, rows = given.every("predicts", predicts, PREDICTS), []
    for road, env in given.roads(roads).items():
        recipe = paper_recipe(env) if steps is None else paper_recipe(env).but(steps=steps)
        for cell, learned in _fits(env, recipe, runs, predicts):
            for weights, belief in beliefs(learned).items():
                if weights == "exact" and learned.model.predict == "state":
                    continue
                shares = looks_better(recipe.planner, belief, runs, estimates)
                rows += [(road, *cell, weights, number, *share) for number, share in enumerate(shares)]
    return pd.DataFrame(rows, columns=COLUMNS)


def _fits(
    env: Environment, recipe: Recipe, runs: int, predicts: Iterable[str]
) -> Iterator[tuple[tuple[str, str, str], Learned]]:
    """What is learned of the same random episodes, under (predict, model, fit)."""
    data = collect(env, episodes=EPISODES, runs=runs, generator=seeded(SEED))
    for predict, model, fit in product(dict.fromkeys(predicts), MODELS, FITS):
        learned = learn(env, data, FITS[fit], MODELS[model], predict, recipe, seeded(SEED + 1))
        yield (predict, model, fit), learned


@one_thread()
def looks_better(planner: Planner, belief: Belief, runs: int, estimates: int = ESTIMATES) -> list[tuple[float, float]]:
    """In what share of a planner's estimates the best risky and the luckiest plan look better than the safe one.

    One pair for each run; see `run`.
    """
    validate.instance("planner", planner, Planner)
    validate.instance("belief", belief, Belief)
    validate.integer("runs", runs)
    validate.integer("estimates", estimates)
    env = belief.env
    number, step = approach(finite_road(env))
    state = finite_road(env).states[number].float().expand(runs, 1, -1)
    plans = torch.stack([*plans_at_the_fork(env, min(planner.horizon, env.horizon - step)).values()])
    sequences = plans.repeat(estimates, 1).expand(runs, 1, -1, -1)
    values, _ = planner.judge(belief, state, sequences, seeded(SEED + 2))
    safe, risky, luckiest = values.reshape(runs, estimates, len(plans)).unbind(-1)
    shares = torch.stack([risky > safe, luckiest > safe]).double().mean(-1).T.tolist()
    return [(round(a, 4), round(b, 4)) for a, b in shares]


def summarise(table: pd.DataFrame) -> pd.DataFrame:
    """A row for each cell: the mean shares over the runs, and their standard errors."""
    given.table("table", table, (*CELL, "run"), ("risky", "luckiest"))
    by_cell = table.groupby(CELL, sort=False)[["risky", "luckiest"]]
    return by_cell.mean().join(by_cell.sem().add_suffix("_stderr")).reset_index()
