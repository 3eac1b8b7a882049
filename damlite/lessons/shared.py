"""What lessons have in common: cars at one state and the sliders of a fit to them; what a planner imagines; Table 1."""

import ipywidgets
import pandas as pd
import torch

from ..data import Episodes
from ..envs import Environment, IcyRoad
from ..mixture import seeded
from ..planning import IteratedPlanner, Planner
from ..results import report, table1
from .panel import slider

STATE, ACCELERATE = (2.0, 0.0, 2.0, 0.0), 2


def cars_at(env: IcyRoad, state: tuple[float, ...], count: int, generator: torch.Generator) -> Episodes:
    """One step of `count` cars put at the same state, each with a random action: (count, 1) transitions."""
    s = torch.tensor(state).expand(count, 1, -1)
    a = torch.randint(env.n_actions, (count, 1), generator=generator)
    return Episodes(s, a, env.reward(s, a), env.transition(s, a).sample(generator=generator))


def fit_controls() -> dict[str, ipywidgets.ValueWidget]:
    """Sliders for the road, the model and its training set."""
    return {
        "threshold": slider("threshold speed", "lengths per step", 2.0, 0.0, 4.0, 0.5),
        "swerve_prob": slider("probability of swerving above it", "0 to 1", 0.9, 0.0, 1.0, 0.1),
        "components": slider("components of the model", "Gaussians", 1, 1, 6, 1),
        "cars": slider("training set", "cars", 1000, 50, 2000, 50),
    }


def trajectories(planner: Planner, env: Environment) -> int:
    """How many trajectories a planner imagines in a decision: its sequences, times particles, times iterations."""
    if isinstance(planner, IteratedPlanner):
        return planner.candidates * planner.iterations * planner.particles
    return len(planner.propose(env.n_actions, (), planner.horizon, seeded(0))) * planner.particles


def side_by_side(road: str, predict: str = "state") -> pd.DataFrame:
    """One road's eight cells, mean ± standard error: the paper's table, and what is stored under each recipe.

    A row for each model and method, in the paper's order; the recipes from the paper's to ours.
    """
    summary = report.summary_of(table1.STORED)
    cells = summary[(summary["road"] == road) & (summary["predict"] == predict)]
    there = [name for name in sorted(report.RECIPE_WORDS, key="our".__eq__) if name in set(cells["recipe"])]
    columns = {}
    for name, rows in cells.set_index(["model", "method"]).groupby("recipe"):
        theirs = rows[["paper_mean", "paper_stderr"]]
        columns["the paper's table"] = [report.number(road, *one) for one in theirs.to_numpy()]
        columns[report.RECIPE_WORDS[name]] = [report.number(road, *one) for one in rows[["mean", "stderr"]].to_numpy()]
        index = rows.index
    return pd.DataFrame(columns, index)[["the paper's table", *(report.RECIPE_WORDS[name] for name in there)]]
