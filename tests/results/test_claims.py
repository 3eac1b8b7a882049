"""The ledger: verdicts by hand, and the stored ones recomputed from the raw returns."""

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import stats

import damlite as dl
from damlite.results import table1
from damlite.results.claims import CLAIMS, FIGURE2_CLAIMS, UNREALISTIC, Claim, judge, ledger, unrealistic_mass

DISC, BASELINE = ("Gaussian", "disc"), ("Gaussian", "baseline")
BETTER = Claim("Table 1", "disc is better than the baseline", DISC, (BASELINE,), above=True)
NO_HELP = Claim("Table 1", "disc does not help", DISC, (BASELINE,), above=False, tolerance=0.5 / 9)


def cells(disc, baseline):
    return {DISC: np.array(disc), BASELINE: np.array(baseline)}


@pytest.mark.parametrize(
    ("shift", "better", "no_help"),
    [(5, "reproduced", "not reproduced"), (0, "undecided", "undecided"), (-5, "not reproduced", "reproduced")],
)
def test_verdicts(shift, better, no_help):
    noise = 3 * np.random.default_rng(0).normal(size=(2, 20))
    runs = cells(noise[0] - noise[0].mean() + shift, noise[1] - noise[1].mean())
    for claim, verdict in ((BETTER, better), (NO_HELP, no_help)):
        row = judge(claim, runs, scale=9)
        assert row["statistic"] == pytest.approx(shift, abs=0.01)
        assert row["verdict"] == verdict


def test_a_small_difference_is_no_help_within_the_tolerance():
    values = np.linspace(-0.2, 0.2, 20)
    assert judge(NO_HELP, cells(values + 0.1, values), scale=9)["verdict"] == "reproduced"
    assert judge(BETTER, cells(values + 0.1, values))["verdict"] == "reproduced"


def test_the_interval_is_near_welchs():
    disc, baseline = np.random.default_rng(1).normal(size=(2, 40))
    row = judge(BETTER, cells(disc + 1, baseline))
    welch = stats.ttest_ind(disc + 1, baseline, equal_var=False).confidence_interval()
    assert (row["low"], row["high"]) == pytest.approx((welch.low, welch.high), abs=0.08)


def test_the_best_of_several_is_what_counts():
    values = np.linspace(-0.1, 0.1, 10)
    runs = cells(values + 3, values) | {("mixture", "disc"): values + 4}
    best = Claim("Table 1", "best", DISC, (BASELINE, ("mixture", "disc")), above=True)
    assert judge(best, runs)["statistic"] == pytest.approx(-1)
    assert judge(best, runs)["verdict"] == "not reproduced"


def test_too_few_runs_are_named():
    with pytest.raises(ValueError, match=r"runs must hold at least 2 of \('Gaussian', 'disc'\), got 1"):
        judge(BETTER, cells([1.0], [1.0, 2.0]))
    with pytest.raises(ValueError, match=r"got 0"):
        judge(BETTER, {})


def test_unrealistic_states_are_those_the_road_does_not_make():
    """The truth's share by sampling; the Gaussian's and the weighed one on their sides of it."""
    mass = unrealistic_mass(runs=2, samples=500).groupby(["of", "counted"])["mass"].mean()
    env, g = dl.IcyRoad(), dl.seeded(0)
    size = env.transition(torch.tensor([2.0, 0, 2, 0]), torch.tensor(2)).sample((200_000,), generator=g)[:, 3].abs()
    sampled = float(((size > UNREALISTIC[0]) & (size < UNREALISTIC[1])).float().mean())
    assert mass["truth", "exact"] == pytest.approx(sampled, abs=4 * (sampled / 200_000) ** 0.5)
    assert mass["truth", "exact"] < 0.01 < mass["Gaussian", "weighed"] + 0.01 < mass["Gaussian", "sampled"] / 2


def test_the_stored_verdicts_are_those_of_the_stored_numbers():
    now = ledger(table1.load(), pd.read_csv(table1.STORED / "figure2_masses.csv"))
    stored = pd.read_csv(table1.STORED / "claims.csv")
    assert len(now) == 4 * len(CLAIMS) + len(FIGURE2_CLAIMS)
    pd.testing.assert_frame_equal(now, stored, atol=0.02)
