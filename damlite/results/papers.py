"""The paper's own numbers: what three runs a cell can show, and how near ours are to them."""

from typing import NamedTuple

import numpy as np
import pandas as pd
import scipy

from ..loop import METHODS
from ..support import validate
from . import given
from .compare import LEVEL, welch_from_errors
from .table1 import MODELS, PAPER

RUNS = 3  # of each cell in the paper's Table 1
WITHIN = 2.0  # combined standard errors that count as near
CHUNK = 20_000  # repetitions at a time


class Difference(NamedTuple):
    """A difference of two of the paper's means with the ends of its interval."""

    difference: float
    low: float
    high: float


UNKNOWN = Difference(np.nan, np.nan, np.nan)


def paper_difference(road: str, cell: tuple[str, str], other: tuple[str, str]) -> Difference:
    """Welch's interval of the difference of two cells (model, method) of the paper's Table 1, NaN for another road.

    From means and standard errors of three runs: so few that it reaches over 2.8 to 4.3 standard errors either way.
    """
    validate.instance("road", road, str)
    cell, other = (given.pair(name, one, MODELS, METHODS) for name, one in (("cell", cell), ("other", other)))
    if (road, *cell) not in PAPER or (road, *other) not in PAPER:
        return UNKNOWN
    (mean, error), (other_mean, other_error) = PAPER[road, *cell], PAPER[road, *other]
    difference = mean - other_mean
    _, ends = welch_from_errors(difference, (error, other_error), (RUNS, RUNS))
    return Difference(difference, *ends)


def agreement(summary: pd.DataFrame) -> pd.DataFrame:
    """Every cell's distance from the paper's in combined standard errors, z = (m − m̂) / √(s² + ŝ²), and if |z| ≤ 2.

    A wide error agrees with much: the paper's Gaussian at the Intersection, 62.67 ± 22.10, with all from 18 to 107.

    Parameters
    ----------
    summary : as from `table1.summarise`, with a column recipe or without

    Returns
    -------
    The summary's cells, mean, stderr, paper_mean and paper_stderr with columns z and within; cells that the paper does
    not have are left out.
    """
    summary = given.table("summary", summary, others=("mean", "stderr", "paper_mean", "paper_stderr"))
    known = summary[summary["paper_mean"].notna()]
    if len(known):
        given.table("summary", known, numbers=("mean", "stderr", "paper_mean", "paper_stderr"))
    names = [name for name in ("recipe", "road", "predict", "model", "method") if name in known]
    cells = known[[*names, "mean", "stderr", "paper_mean", "paper_stderr"]].reset_index(drop=True)
    z = (cells["mean"] - cells["paper_mean"]) / np.hypot(cells["stderr"], cells["paper_stderr"])
    return cells.assign(z=z, within=z.abs() <= WITHIN)


def agreement_counts(cells: pd.DataFrame) -> pd.DataFrame:
    """For each recipe and kind of `predict`: how many cells of `agreement` lie within two errors, and of how many."""
    given.table("cells", cells, others=("predict",), flags=("within",))
    names = [name for name in ("recipe", "predict") if name in cells]
    return cells.groupby(names)["within"].agg(within="sum", cells="size").reset_index()


def repetitions_ahead(
    road: str,
    cell: tuple[str, str] = ("mixture", "dam"),
    *,
    runs: int = RUNS,
    repetitions: int = 100_000,
    seed: int = 0,
) -> pd.DataFrame:
    """What a repetition of the paper's table would show if the paper's means and spreads were the truth.

    Every run is normal about its cell's mean, with √3 of the cell's standard errors as its spread.

    Parameters
    ----------
    runs : of each cell in a repetition

    Returns
    -------
    Table with the index other: the seven other cells of the road, then "its column" (the cells of the same model) and
    "all eight"; and the shares of repetitions in which the cell's mean is ahead (of each of them), and in which besides
    Welch's test, uncorrected, finds p < 0.05 (against each of them): ahead and significant.

    Raises
    ------
    ValueError
        If the paper has no such cell, or `runs` or `repetitions` is no positive integer, or `runs` is 1.
    """
    runs = validate.integer("runs", runs, 2, most=1000)
    repetitions = validate.integer("repetitions", repetitions, most=10**7)
    seed = validate.integer("seed", seed, least=0)
    cell = given.pair("cell", cell)
    validate.instance("road", road, str)
    every = [(model, method) for model in MODELS for method in METHODS]
    if (road, *cell) not in PAPER:
        raise ValueError(f"road and cell must be those of the paper's Table 1, got {road!r}, {cell!r}")
    others = [other for other in every if other != cell]
    rng = np.random.default_rng(seed)
    ahead, significant = (np.zeros((0, len(others)), dtype=bool) for _ in range(2))
    for start in range(0, repetitions, CHUNK):
        count = min(CHUNK, repetitions - start)
        means, errors = zip(*(_repeated(road, one, runs, count, rng) for one in (cell, *others)), strict=True)
        gap, error = means[0][:, None] - np.stack(means[1:], 1), np.stack(errors, 1)
        squares = error[:, :1] ** 2, error[:, 1:] ** 2
        freedom = (squares[0] + squares[1]) ** 2 * (runs - 1) / (squares[0] ** 2 + squares[1] ** 2)
        p = 2 * scipy.stats.t.sf(gap / np.sqrt(squares[0] + squares[1]), freedom)
        ahead, significant = np.concatenate([ahead, gap > 0]), np.concatenate([significant, p < 1 - LEVEL])
    column = [i for i, other in enumerate(others) if other[0] == cell[0]]
    groups = {" ".join(other): [i] for i, other in enumerate(others)}
    groups |= {"its column": column, "all eight": list(range(len(others)))}
    shares = [(ahead[:, chosen].all(1).mean(), significant[:, chosen].all(1).mean()) for chosen in groups.values()]
    return pd.DataFrame(shares, index=pd.Index(groups, name="other"), columns=["ahead", "significant"])


def _repeated(
    road: str, cell: tuple[str, str], runs: int, repetitions: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Means (repetitions,) and standard errors of as many normal samples of `runs` runs."""
    mean, error = PAPER[road, *cell]
    drawn = rng.normal(mean, error * RUNS**0.5, (repetitions, runs))
    return drawn.mean(1), drawn.std(1, ddof=1) / runs**0.5
