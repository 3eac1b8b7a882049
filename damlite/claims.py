"""The ledger: what the paper says about Table 1, and what the raw returns say to it."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from .sweep import METHODS, MODELS, interval, optimum

Cell = tuple[str, str]  # (model, method)
TOLERANCE = 1 / 18  # of the road's optimum: a smaller difference counts as none (half a point on IcyRoad)


@dataclass(frozen=True)
class Claim:
    """One sentence of Sec. 4 about a cell's mean return after the last round, against that of the best of others.

    The statistic is mean(cell) − max over `others` of their means. The claim holds if it is `above` its
    tolerance (a share of the road's optimum), or, where the paper says "worse" or "does not help", if it is below it.
    """

    quote: str
    cell: Cell
    others: tuple[Cell, ...]
    above: bool
    tolerance: float = 0.0


ALL = tuple((model, method) for model in MODELS for method in METHODS)
CLAIMS = (
    Claim(
        "DAM using multimodal dynamics models obtains the best results",
        ("mixture", "dam"),
        tuple(cell for cell in ALL if cell != ("mixture", "dam")),
        above=True,
    ),
    Claim("minvar only is worse than the baseline", ("Gaussian", "minvar"), (("Gaussian", "baseline"),), above=False),
    Claim("minvar only is worse than the baseline", ("mixture", "minvar"), (("mixture", "baseline"),), above=False),
    Claim(
        "with unimodal models, simply having a discriminator for planning already increases performance",
        ("Gaussian", "disc"),
        (("Gaussian", "baseline"),),
        above=True,
    ),
    Claim(
        "adding the minimum variance objective does not help with unimodal models",
        ("Gaussian", "dam"),
        (("Gaussian", "disc"),),
        above=False,
        tolerance=TOLERANCE,
    ),
    Claim("but it does help with multimodal models", ("mixture", "dam"), (("mixture", "disc"),), above=True),
)


def advantage(cell: np.ndarray, *others: np.ndarray, axis: int = -1) -> np.ndarray:
    """Mean of one cell's returns minus the greatest mean of the others', along `axis`."""
    return cell.mean(axis) - np.max([other.mean(axis) for other in others], axis=0)


def judge(claim: Claim, returns: pd.DataFrame) -> dict:
    """The claim's statistic, its 95 % bootstrap interval over the runs (SciPy, percentiles), and the verdict.

    Parameters
    ----------
    returns : raw returns as from `sweep.run_table1`, of one road and one kind of `predict`

    Returns
    -------
    Dict with claim, cell, statistic, low, high and verdict: "reproduced" if the whole interval is on the
    claimed side of the tolerance, "not reproduced" if it is on the other side, "undecided" if it holds it.

    Raises
    ------
    ValueError
        If a cell has fewer than two runs, or `returns` more than one road or kind of `predict`.
    """
    for column, name in (("road", "road"), ("predict", "kind of predict")):
        if returns[column].nunique() != 1:
            raise ValueError(f"returns must be of one {name}, got {sorted(returns[column].unique())}")
    road = returns["road"].iloc[0]
    final = returns[returns["round"] == 0].groupby(["model", "method"])["return"]
    runs = {cell: values.to_numpy() for cell, values in final}
    for cell in (claim.cell, *claim.others):
        if len(runs.get(cell, ())) < 2:
            raise ValueError(f"returns must hold at least 2 runs of {cell}, got {len(runs.get(cell, ()))}")
    samples = [runs[cell] for cell in (claim.cell, *claim.others)]
    low, high = interval(advantage, *samples)
    tolerance = claim.tolerance * optimum(road) if claim.tolerance else 0.0
    holds, fails = low > tolerance, high < tolerance
    if not claim.above:
        holds, fails = fails, holds
    return {
        "claim": claim.quote,
        "cell": " ".join(claim.cell),
        "statistic": round(float(advantage(*samples)), 2),
        "low": round(low, 2),
        "high": round(high, 2),
        "verdict": "reproduced" if holds else "not reproduced" if fails else "undecided",
    }


def ledger(returns: pd.DataFrame) -> pd.DataFrame:
    """Every claim judged, for each road and each kind of `predict`."""
    kinds = returns.groupby(["road", "predict"], sort=True)
    rows = [
        {"road": road, "predict": predict, **judge(claim, part)} for (road, predict), part in kinds for claim in CLAIMS
    ]
    return pd.DataFrame(rows)
