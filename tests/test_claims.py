"""The ledger: verdicts by hand, and the stored ones recomputed from the raw returns."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from damlite import sweep
from damlite.claims import CLAIMS, Claim, judge, ledger

BETTER = Claim("disc is better than the baseline", ("Gaussian", "disc"), (("Gaussian", "baseline"),), above=True)
NO_HELP = Claim("disc does not help", BETTER.cell, BETTER.others, above=False, tolerance=0.5 / 9)


def table(disc, baseline):
    rows = []
    for method, values in (("disc", disc), ("baseline", baseline)):
        for run, value in enumerate(values):
            rows += [["IcyRoad", "state", "Gaussian", method, run, number, value - 9 * number] for number in (0, 1)]
    return pd.DataFrame(rows, columns=["road", "predict", "model", "method", "run", "round", "return"])


@pytest.mark.parametrize(
    ("shift", "better", "no_help"),
    [(5, "reproduced", "not reproduced"), (0, "undecided", "undecided"), (-5, "not reproduced", "reproduced")],
)
def test_verdicts(shift, better, no_help):
    noise = 3 * np.random.default_rng(0).normal(size=(2, 20))
    returns = table(noise[0] - noise[0].mean() + shift, noise[1] - noise[1].mean())
    for claim, verdict in ((BETTER, better), (NO_HELP, no_help)):
        row = judge(claim, returns)
        assert row["statistic"] == pytest.approx(shift, abs=0.01)
        assert row["verdict"] == verdict


def test_a_small_difference_is_no_help_within_the_tolerance():
    values = np.linspace(-0.2, 0.2, 20)
    assert judge(NO_HELP, table(values + 0.1, values))["verdict"] == "reproduced"
    assert judge(BETTER, table(values + 0.1, values))["verdict"] == "reproduced"


def test_the_interval_is_near_welchs():
    disc, baseline = np.random.default_rng(1).normal(size=(2, 40))
    row = judge(BETTER, table(disc + 1, baseline))
    welch = stats.ttest_ind(disc + 1, baseline, equal_var=False).confidence_interval()
    assert (row["low"], row["high"]) == pytest.approx((welch.low, welch.high), abs=0.08)


def test_the_best_of_several_is_what_counts():
    values = np.linspace(-0.1, 0.1, 10)
    returns = pd.concat([table(values + 3, values), table(values + 4, values).replace("Gaussian", "mixture")])
    best = Claim("best", BETTER.cell, (("Gaussian", "baseline"), ("mixture", "disc")), above=True)
    assert judge(best, returns)["statistic"] == pytest.approx(-1)
    assert judge(best, returns)["verdict"] == "not reproduced"


def test_bad_returns_are_named():
    with pytest.raises(ValueError, match=r"returns must hold at least 2 runs of \('Gaussian', 'disc'\), got 1"):
        judge(BETTER, table([1.0], [1.0, 2.0]))
    both = pd.concat([table([1, 2], [1, 2]), table([1, 2], [1, 2]).replace("state", "velocity")])
    with pytest.raises(ValueError, match="one kind of predict"):
        judge(BETTER, both)
    both = pd.concat([table([1, 2], [1, 2]), table([1, 2], [1, 2]).replace("IcyRoad", "Intersection")])
    with pytest.raises(ValueError, match="of one road"):
        judge(BETTER, both)


def test_the_stored_verdicts_are_those_of_the_stored_returns():
    now = ledger(sweep.load())
    stored = pd.read_csv(sweep.STORED / "claims.csv")
    assert len(now) == 2 * len(CLAIMS)
    pd.testing.assert_frame_equal(now, stored, atol=0.02)
