"""Two cells of a table, run by run: their difference by four tests with different assumptions, and Holm's correction.

Returns are far from normal: many runs of one cell end at the same value, the rest far away. So no single test is
trusted. Welch's t asks for means that are nearly normal; the bootstrap for none of that, but its intervals are too
narrow with few runs; the permutation test of Welch's t is exact if both cells have one distribution and nearly so if
only their means agree; Mann–Whitney asks which cell's run is the greater, not by how much.

Runs with one number share their first episodes over a road's cells, and are taken for independent all the same: where
that makes two cells rise and fall together, the intervals here are wider than need be.
"""

from typing import NamedTuple

import numpy as np
import scipy

from ..support import limits, validate

LEVEL = 0.95
RESAMPLES = 9999
MOST = 10**6  # resamples: each deals all runs anew; and see `resamples_of`
LEAST_ERROR = 1e-12  # stands for the standard error of cells without any spread


class Test(NamedTuple):
    """What one test says about two cells.

    p : two-sided p-value of "no difference"
    above : whether the first cell is the greater one
    """

    p: float
    above: bool


class Interval(NamedTuple):
    """The two ends of an interval."""

    low: float
    high: float


def welch_t(x: np.ndarray, y: np.ndarray, axis: int = -1) -> np.ndarray:
    """Welch's t, (x̄ − ȳ) / √(s²ₓ/n + s²ᵧ/m), along `axis`; huge, and not infinite, where neither cell spreads."""
    x, y = np.asarray(x), np.asarray(y)
    error = np.sqrt(x.var(axis, ddof=1) / x.shape[axis] + y.var(axis, ddof=1) / y.shape[axis])
    return (x.mean(axis) - y.mean(axis)) / np.maximum(error, LEAST_ERROR)


def welch(x: np.ndarray, y: np.ndarray) -> tuple[Test, Interval]:
    """Welch's t test of x̄ = ȳ, and the interval of x̄ − ȳ; of hardly any width if neither cell spreads."""
    x, y = runs_of("x", x), runs_of("y", y)
    errors = x.std(ddof=1) / len(x) ** 0.5, y.std(ddof=1) / len(y) ** 0.5
    return welch_from_errors(float(x.mean() - y.mean()), errors, (len(x), len(y)))


def welch_from_errors(difference: float, errors: tuple[float, float], runs: tuple[int, int]) -> tuple[Test, Interval]:
    """`welch` from a difference of means, the standard errors of both, and of how many runs each is."""
    difference = validate.number("difference", difference)
    errors = runs_of("errors", errors)
    if errors.shape != (2,) or (errors < 0).any():
        raise ValueError(f"errors must be two of at least 0, got {errors.tolist()}")
    if len(runs_of("runs", runs)) != 2 or min(runs) < 2:
        raise ValueError(f"runs must be two numbers of at least 2, got {runs!r}")
    squares = np.maximum(np.square(errors), LEAST_ERROR**2)
    error = squares.sum() ** 0.5
    freedom = squares.sum() ** 2 / (squares**2 / (np.asarray(runs) - 1)).sum()
    reach = float(scipy.stats.t.ppf((1 + LEVEL) / 2, freedom) * error)
    p = float(2 * scipy.stats.t.sf(abs(difference) / error, freedom))
    return Test(p, difference > 0), Interval(difference - reach, difference + reach)


def bootstrap(x: np.ndarray, y: np.ndarray, resamples: int = RESAMPLES) -> tuple[Test, Interval]:
    """Percentile bootstrap of x̄ − ȳ: its interval, and the p-value at which that interval's end would be zero."""
    x, y = runs_of("x", x), runs_of("y", y)
    resamples = resamples_of(resamples, x, y)
    found = scipy.stats.bootstrap(
        (x, y), mean_difference, n_resamples=resamples, confidence_level=LEVEL, method="percentile", rng=_rng()
    )
    drawn = found.bootstrap_distribution
    below, above = (1 + np.sum(drawn <= 0)) / (1 + resamples), (1 + np.sum(drawn >= 0)) / (1 + resamples)
    ends = found.confidence_interval
    return Test(float(min(1, 2 * min(below, above))), bool(above > below)), Interval(float(ends.low), float(ends.high))


def permutation(x: np.ndarray, y: np.ndarray, resamples: int = RESAMPLES) -> Test:
    """Permutation test of Welch's t: how often runs dealt anew to the two cells differ as much."""
    x, y = runs_of("x", x), runs_of("y", y)
    resamples = resamples_of(resamples, x, y)
    seen, runs = welch_t(x, y), np.tile(np.concatenate([x, y]), (resamples, 1))
    dealt = _rng().permuted(runs, axis=1)
    as_much = abs(welch_t(dealt[:, : len(x)], dealt[:, len(x) :])) >= abs(seen) * (1 - 1e-9)  # ties by rounding count
    return Test(float((1 + as_much.sum()) / (1 + resamples)), bool(seen > 0))


def mann_whitney(x: np.ndarray, y: np.ndarray) -> Test:
    """Mann–Whitney's test that a run of x is as often above one of y as below."""
    x, y = runs_of("x", x, 1), runs_of("y", y, 1)
    return Test(float(scipy.stats.mannwhitneyu(x, y).pvalue), improvement(x, y) > 0.5)


def improvement(x: np.ndarray, y: np.ndarray) -> float:
    """Probability of improvement: that a run of x (n,) is above one of y (m,), ties counting half. U / (n m)."""
    x, y = runs_of("x", x, 1), runs_of("y", y, 1)
    return float(0.5 + np.sign(x[:, None] - y).mean() / 2)


def improvement_interval(x: np.ndarray, y: np.ndarray) -> Interval:
    """Interval of `improvement`, which is of some width even where every run of x is above every one of y.

    The θ that are within z standard errors of what was seen, each by its own error (Newcombe, 2006, method 5):
    V(θ) = θ(1−θ) [1 + ((n+m)/2 − 1) ((1−θ)/(2−θ) + θ/(1+θ))] / (n m).
    """
    seen = improvement(x, y)
    n, m = len(x), len(y)
    z = scipy.stats.norm.ppf((1 + LEVEL) / 2)

    def beyond(theta: float) -> float:
        """Positive where θ is too far from what was seen."""
        shape = (1 - theta) / (2 - theta) + theta / (1 + theta)
        variance = theta * (1 - theta) * (1 + ((n + m) / 2 - 1) * shape) / (n * m)
        return (seen - theta) ** 2 - z**2 * variance

    edge = 1e-12  # at 0 and 1 themselves the error vanishes
    low = 0.0 if seen == 0 else scipy.optimize.brentq(beyond, 0, min(seen, 1 - edge))
    high = 1.0 if seen == 1 else scipy.optimize.brentq(beyond, max(seen, edge), 1)
    return Interval(float(low), float(high))


def mean_difference(x: np.ndarray, y: np.ndarray, axis: int = -1) -> np.ndarray:
    """Mean of x minus mean of y, along `axis`."""
    return np.asarray(x).mean(axis) - np.asarray(y).mean(axis)


def holm(p: np.ndarray) -> np.ndarray:
    """Holm's adjusted p-values of a family: rejecting those below α errs anywhere in it with probability α at most.

    The k-th smallest of m, counted from 0, becomes the greatest of (m − i) p₍ᵢ₎ over i ≤ k, and 1 at most.
    """
    p = runs_of("p", p, 1)
    if not ((p >= 0) & (p <= 1)).all():
        raise ValueError(f"p must be probabilities in [0, 1], got {p.min():g} to {p.max():g}")
    order = np.argsort(p)
    adjusted = np.empty(len(p))
    adjusted[order] = np.maximum.accumulate(np.minimum(1, p[order] * np.arange(len(p), 0, -1)))
    return adjusted


def runs_of(name: str, value: object, least: int = 2) -> np.ndarray:
    """Return the runs of a cell as float64 (n,); raise ValueError if they are no finite numbers, or too few."""
    try:
        runs = np.asarray(value)
    except (TypeError, ValueError, RuntimeError):
        runs = np.asarray(None)
    if runs.ndim != 1 or runs.dtype.kind not in "fiu" or len(runs) < least or not np.isfinite(runs).all():
        expected = f"at least {least} finite numbers (n,)"
        raise ValueError(f"{name} must be {expected}, got {validate.shown(value)}")
    return runs.astype(float, copy=False)


def resamples_of(resamples: object, *samples: np.ndarray) -> int:
    """Return how often runs are drawn anew; raise ValueError if it is too often for so many runs at once."""
    resamples, runs = validate.integer("resamples", resamples, most=MOST), sum(map(len, samples))
    size = f"{resamples:,} × {runs:,} runs"
    limits.at_most(limits.DRAWN, "numbers", "resamples", resamples * runs, "ask for fewer", size)
    return resamples


def _rng() -> np.random.Generator:
    """The same numbers for every difference, so that a row hangs on its own runs only."""
    return np.random.default_rng(0)
