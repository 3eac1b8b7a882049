"""Tests of one difference against SciPy's, against other draws and by hand; Holm's correction by its definition."""

from itertools import chain, combinations

import numpy as np
import pytest
from scipy import stats

from damlite.results import compare, table1

MANY = 20_000


@pytest.fixture
def piled():
    """Two cells like those of a table: many runs at one value, the rest far away."""
    rng = np.random.default_rng(3)
    x = np.where(rng.random(20) < 0.6, 30.0, rng.uniform(40, 110, 20))
    y = np.where(rng.random(20) < 0.8, 30.0, rng.uniform(30, 70, 20))
    return x.round(2), y.round(2)


def near(share, other, draws=compare.RESAMPLES):
    """Whether a share of `draws` lies within five standard errors of one of MANY (and of one draw's rounding)."""
    error = (other * (1 - other) * (1 / draws + 1 / MANY)) ** 0.5
    return abs(share - other) < 5 * error + 2 / draws


def test_welch_is_scipys(piled):
    x, y = piled
    test, ends = compare.welch(x, y[:13])
    scipys = stats.ttest_ind(x, y[:13], equal_var=False)
    assert test == (pytest.approx(scipys.pvalue), scipys.statistic > 0)
    assert ends == pytest.approx(tuple(scipys.confidence_interval()))
    assert compare.welch_t(x, y[:13]) == pytest.approx(scipys.statistic)
    from_stats = stats.ttest_ind_from_stats(2.0, 3 * 5**0.5, 5, 9.0, 7**0.5, 7, equal_var=False)
    assert compare.welch_from_errors(-7.0, (3.0, 1.0), (5, 7))[0] == (pytest.approx(from_stats.pvalue), False)


@pytest.mark.parametrize(
    ("dtype", "x", "y"),
    [("uint8", [1, 2, 2], [3, 4, 2]), ("int8", [-100, -90], [100, 90]), ("float16", [5e4, 6e4], [-5e4, -6e4])],
)
def test_runs_of_any_type_of_number_are_the_same_runs(dtype, x, y):
    for test in (compare.improvement, compare.mann_whitney, compare.welch):
        few = [np.array(runs, dtype) for runs in (x, y)]
        assert test(*few) == test(*(runs.astype(float) for runs in few))


def test_the_bootstrap_is_that_of_other_draws(piled):
    x, y = piled
    test, ends = compare.bootstrap(x, y)
    rng = np.random.default_rng(9)
    drawn = rng.choice(x, (MANY, len(x))).mean(1) - rng.choice(y, (MANY, len(y))).mean(1)
    assert 0.001 < test.p < 0.2
    assert near(test.p / 2, min((drawn <= 0).mean(), (drawn >= 0).mean()))
    assert test.above
    for end, level in zip(ends, (0.025, 0.975), strict=True):
        assert near((drawn <= end).mean(), level)


def test_the_permutation_test_is_that_of_all_deals():
    rng = np.random.default_rng(4)
    x, y = rng.normal(1.2, 1, 6), rng.normal(0, 3, 5)
    pooled, seen = np.concatenate([x, y]), abs(stats.ttest_ind(x, y, equal_var=False).statistic)
    deals = [np.isin(np.arange(11), chosen) for chosen in combinations(range(11), 6)]
    as_much = [abs(stats.ttest_ind(pooled[d], pooled[~d], equal_var=False).statistic) >= seen - 1e-9 for d in deals]
    found = compare.permutation(x, y)
    assert 0.02 < np.mean(as_much) < 0.9
    error = (np.mean(as_much) * (1 - np.mean(as_much)) / compare.RESAMPLES) ** 0.5
    assert abs(found.p - np.mean(as_much)) < 5 * error + 1 / compare.RESAMPLES
    assert found.above == (x.mean() > y.mean())


def test_lists_are_served_and_no_sample_at_all_is_refused():
    x, y = [3.0, 1.0, 2.0], [0.0, 5.0]
    assert compare.welch_t(x, y) == compare.welch_t(np.array(x), np.array(y))
    assert compare.mean_difference(x, y) == -0.5
    with pytest.raises(ValueError, match="samples must be the runs of at least one cell, got none"):
        table1.interval(np.mean)


def test_mann_whitney_counts_pairs(piled):
    """The normal approximation with ties and a correction for continuity, written out."""
    x, y = piled
    pairs = (x[:, None] > y).sum() + 0.5 * (x[:, None] == y).sum()
    assert compare.improvement(x, y) == pytest.approx(pairs / 400)
    _, ties = np.unique(np.concatenate([x, y]), return_counts=True)
    spread = (400 / 12 * (41 - (ties**3 - ties).sum() / (40 * 39))) ** 0.5
    assert ties.max() > 15
    z = (abs(pairs - 200) - 0.5) / spread
    assert compare.mann_whitney(x, y) == (pytest.approx(2 * stats.norm.sf(z)), pairs > 200)


def test_the_interval_of_the_improvement_covers():
    """True value Φ(δ/√2) for normal runs: covered in 95 % of 1,500 samples to within five standard errors."""
    rng = np.random.default_rng(5)
    for shift in (0.0, 1.0, 2.5):
        truth = stats.norm.cdf(shift / 2**0.5)
        ends = [compare.improvement_interval(rng.normal(shift, 1, 20), rng.normal(0, 1, 20)) for _ in range(500)]
        covered = np.mean([low <= truth <= high for low, high in ends])
        assert covered > 0.95 - 5 * (0.95 * 0.05 / 500) ** 0.5


def test_the_ends_of_the_improvement_solve_its_equation(piled):
    """In the form of Hanley and McNeil, with (n + m)/2 for both numbers."""
    x, y = piled[0], piled[1][:14]
    seen = compare.improvement(x, y)
    for theta in compare.improvement_interval(x, y):
        first, second = theta / (2 - theta), 2 * theta**2 / (1 + theta)
        extra = (17 - 1) * (first + second - 2 * theta**2)
        variance = (theta * (1 - theta) + extra) / (20 * 14)
        assert abs(seen - theta) == pytest.approx(stats.norm.ppf(0.975) * variance**0.5, rel=1e-6)


def test_cells_that_do_not_overlap_and_cells_without_spread():
    x, y = np.arange(5.0) + 100, np.arange(5.0)
    low, high = compare.improvement_interval(x, y)
    assert compare.improvement(x, y) == high == 1 and 0.5 < low < 0.95
    assert compare.improvement_interval(y, x) == pytest.approx((1 - high, 1 - low))
    same = np.full(20, 29.25)
    for test in (compare.welch(same, same)[0], compare.bootstrap(same, same)[0]):
        assert test == (1.0, False)
    assert compare.permutation(same, same).p == compare.mann_whitney(same, same).p == 1
    assert compare.welch(same + 1, same)[1] == pytest.approx((1, 1))
    assert max(compare.permutation(same + 1, same).p, compare.bootstrap(same + 1, same)[0].p) < 0.001


def test_holm_is_the_closure_of_bonferroni():
    """By its definition: a hypothesis falls if every set of hypotheses that holds it does, each by m · min p."""
    p = np.random.default_rng(6).random(7) ** 3
    p[2] = p[5]
    sets = chain.from_iterable(combinations(range(7), size) for size in range(1, 8))
    by_set = {chosen: min(1, len(chosen) * p[list(chosen)].min()) for chosen in sets}
    closed = [max(adjusted for chosen, adjusted in by_set.items() if i in chosen) for i in range(7)]
    assert compare.holm(p) == pytest.approx(closed)
    assert compare.holm(np.array([0.03])) == pytest.approx([0.03])
