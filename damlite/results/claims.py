"""The ledger: what the paper says about Table 1 and Fig. 2, and what the raw numbers say to it."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch

from ..data import collect
from ..envs import IcyRoad
from ..loop import METHODS
from ..mixture import seeded
from .examples import learn_velocities
from .table1 import MODELS, interval, optimum

Cell = tuple[str, str]  # (model, method) in Table 1, (distribution, how its samples are counted) in Fig. 2
TOLERANCE = 1 / 18  # of the road's optimum: a smaller difference counts as none (half a point on IcyRoad)
UNREALISTIC = (0.25, 0.9)  # sizes of the next lateral velocity that the icy road all but never makes


@dataclass(frozen=True)
class Claim:
    """One sentence of the paper about a cell, against the greatest of others.

    The statistic is mean(cell) − max over `others` of their means: of returns after the last round in Table 1, of
    shares of unrealistic next states in Fig. 2. The claim holds if it is `above` its tolerance (in Table 1 a share of
    the road's optimum), or, where the paper says "worse", "does not help" or "downweight", if it is below it.
    """

    source: str
    quote: str
    cell: Cell
    others: tuple[Cell, ...]
    above: bool
    tolerance: float = 0.0


ALL = tuple((model, method) for model in MODELS for method in METHODS)
CLAIMS = (
    Claim(
        "Table 1",
        "DAM using multimodal dynamics models obtains the best results",
        ("mixture", "dam"),
        tuple(cell for cell in ALL if cell != ("mixture", "dam")),
        above=True,
    ),
    Claim(
        "Table 1",
        "minvar only is worse than the baseline",
        ("Gaussian", "minvar"),
        (("Gaussian", "baseline"),),
        above=False,
    ),
    Claim(
        "Table 1",
        "minvar only is worse than the baseline",
        ("mixture", "minvar"),
        (("mixture", "baseline"),),
        above=False,
    ),
    Claim(
        "Table 1",
        "with unimodal models, simply having a discriminator for planning already increases performance",
        ("Gaussian", "disc"),
        (("Gaussian", "baseline"),),
        above=True,
    ),
    Claim(
        "Table 1",
        "adding the minimum variance objective does not help with unimodal models",
        ("Gaussian", "dam"),
        (("Gaussian", "disc"),),
        above=False,
        tolerance=TOLERANCE,
    ),
    Claim("Table 1", "but it does help with multimodal models", ("mixture", "dam"), (("mixture", "disc"),), above=True),
)
FIGURE2_CLAIMS = (
    Claim(
        "Fig. 2",
        "the unimodal model places large probability mass on unrealistic regions of the state space",
        ("Gaussian", "sampled"),
        (("truth", "exact"),),
        above=True,
        tolerance=0.1,
    ),
    Claim(
        "Fig. 2",
        "importance weights that downweight the model's samples in the unrealistic regions",
        ("Gaussian", "weighed"),
        (("truth", "exact"),),
        above=False,
        tolerance=0.1,
    ),
)


def advantage(cell: np.ndarray, *others: np.ndarray, axis: int = -1) -> np.ndarray:
    """Mean of one cell's numbers minus the greatest mean of the others', along `axis`."""
    return cell.mean(axis) - np.max([other.mean(axis) for other in others], axis=0)


def judge(claim: Claim, runs: Mapping[Cell, np.ndarray], scale: float = 1.0) -> dict:
    """The claim's statistic, its 95 % bootstrap interval over the runs (SciPy, percentiles), and the verdict.

    Parameters
    ----------
    runs : every cell's numbers, one a run
    scale : what the claim's tolerance is a share of

    Returns
    -------
    Dict with source, claim, cell, statistic, low, high, tolerance and verdict: "reproduced" if the whole interval is
    on the claimed side of the tolerance, "not reproduced" if it is on the other side, "undecided" if it holds it.

    Raises
    ------
    ValueError
        If a cell has fewer than two runs.
    """
    for cell in (claim.cell, *claim.others):
        if len(runs.get(cell, ())) < 2:
            raise ValueError(f"runs must hold at least 2 of {cell}, got {len(runs.get(cell, ()))}")
    samples = [runs[cell] for cell in (claim.cell, *claim.others)]
    low, high = interval(advantage, *samples)
    tolerance = claim.tolerance * scale if claim.tolerance else 0.0
    holds, fails = low > tolerance, high < tolerance
    if not claim.above:
        holds, fails = fails, holds
    return {
        "source": claim.source,
        "claim": claim.quote,
        "cell": " ".join(claim.cell),
        "statistic": round(float(advantage(*samples)), 2),
        "low": round(low, 2),
        "high": round(high, 2),
        "tolerance": round(tolerance, 2),
        "verdict": "reproduced" if holds else "not reproduced" if fails else "undecided",
    }


def ledger(returns: pd.DataFrame, masses: pd.DataFrame | None = None) -> pd.DataFrame:
    """Every claim judged: those about Table 1 for each road and each kind of `predict`, then those about Fig. 2.

    Parameters
    ----------
    returns : raw returns as from `table1.run_table1`
    masses : as from `unrealistic_mass`; None to leave Fig. 2 out
    """
    rows = []
    for (road, predict), part in returns[returns["round"] == 0].groupby(["road", "predict"], sort=True):
        runs = {cell: group.to_numpy() for cell, group in part.groupby(["model", "method"])["return"]}
        rows += [{"road": road, "predict": predict, **judge(claim, runs, optimum(road))} for claim in CLAIMS]
    if masses is not None:
        runs = {cell: group.to_numpy() for cell, group in masses.groupby(["of", "counted"])["mass"]}
        rows += [{"road": "IcyRoad", "predict": "velocity", **judge(claim, runs)} for claim in FIGURE2_CLAIMS]
    return pd.DataFrame(rows)


def unrealistic_mass(runs: int = 20, seed: int = 0, samples: int = 2000) -> pd.DataFrame:
    """How likely a next lateral velocity between staying and swerving is, at the state and action of Fig. 2 (right).

    Each run fits a Gaussian and its discriminator to 400 random episodes of its own.

    Returns
    -------
    Table with columns of, counted, run and mass: of the truth (exact), of the Gaussian's samples, and of its samples
    weighed by exp(logit) (Eq. 8), their weights normalised.
    """
    env, generator = IcyRoad(), seeded(seed)
    data = collect(env, episodes=400, runs=runs, generator=generator)
    learned = learn_velocities(env, data, 1, generator)
    state, action = torch.tensor([2.0, 0.0, 2.0, 0.0]).expand(runs, samples, 4), torch.full((runs, samples), 2)
    with torch.no_grad():
        next_state = learned.model.transition(state, action).sample(generator=generator)
        weights = learned.disc.log_ratio(state, action, next_state).softmax(-1)
    least, most = UNREALISTIC
    size = next_state[..., 3].abs()
    there = ((size > least) & (size < most)).float()
    p = env.transition(state[0, 0], action[0, 0]).marginal(3)
    edges = p.cdf(torch.tensor([-most, -least, least, most]))
    exact = (edges[1] - edges[0] + edges[3] - edges[2]).expand(runs)
    masses = {
        ("truth", "exact"): exact,
        ("Gaussian", "sampled"): there.mean(-1),
        ("Gaussian", "weighed"): (weights * there).sum(-1),
    }
    parts = [
        pd.DataFrame({"of": of, "counted": counted, "run": range(runs), "mass": mass.double().numpy().round(5)})
        for (of, counted), mass in masses.items()
    ]
    return pd.concat(parts, ignore_index=True)
