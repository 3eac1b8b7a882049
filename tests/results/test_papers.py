"""The paper's numbers: its differences against SciPy, our distance from them by hand, repetitions by integrals."""

import numpy as np
import pandas as pd
import pytest
from scipy import integrate, stats

from damlite.results import papers, table1
from damlite.results.table1 import PAPER

DAM = ("mixture", "dam")


def three_runs(mean, error):
    """Three runs with that mean and standard error."""
    return mean + 3**0.5 * error * np.array([-1.0, 0.0, 1.0])


@pytest.mark.parametrize("road", table1.ROADS)
def test_a_difference_of_the_papers_is_that_of_three_runs(road):
    for other in (("mixture", "baseline"), ("Gaussian", "disc")):
        x, y = three_runs(*PAPER[(road, *DAM)]), three_runs(*PAPER[(road, *other)])
        ends = stats.ttest_ind(x, y, equal_var=False).confidence_interval()
        assert papers.paper_difference(road, DAM, other) == pytest.approx((x.mean() - y.mean(), ends.low, ends.high))
    assert np.isnan(papers.paper_difference("mine", DAM, ("mixture", "baseline"))).all()


@pytest.mark.parametrize("recipes", [(), ("our", "paper")])
def test_agreement_by_hand(recipes):
    returns = table1.load()
    summary = table1.summarise(returns)
    if recipes:
        summary = pd.concat([summary.assign(recipe=name) for name in recipes], ignore_index=True)
        summary.loc[summary["recipe"] == "paper", "mean"] = summary["paper_mean"]
    cells = papers.agreement(summary)
    final = returns[returns["round"] == 0]
    near = dict.fromkeys(table1.PREDICTS, 0)
    for (road, predict, model, method), runs in final.groupby(["road", "predict", "model", "method"])["return"]:
        mean, error = PAPER[road, model, method]
        both = (runs.var(ddof=1) / len(runs) + error**2) ** 0.5
        row = cells[(cells[["road", "predict", "model", "method"]] == [road, predict, model, method]).all(axis=1)]
        assert row["z"].iloc[0] == pytest.approx((runs.mean() - mean) / both)
        assert row["within"].iloc[0] == (abs(runs.mean() - mean) <= 2 * both)
        near[predict] += abs(runs.mean() - mean) <= 2 * both
    counted = papers.agreement_counts(cells).set_index([*(["recipe"] if recipes else []), "predict"])
    assert (counted["cells"] == 16).all()
    assert all(0 < number < 16 for number in near.values())
    for predict, number in near.items():
        assert counted["within"][("our", predict) if recipes else predict] == number
        assert not recipes or counted["within"]["paper", predict] == 16


def test_roads_that_the_paper_has_not_are_left_out():
    summary = table1.summarise(table1.load().replace({"road": {"IcyRoad": "mine"}}))
    assert set(papers.agreement(summary)["road"]) == {"Intersection"}


def first_of(road, others):
    """The probability that DAM's mean of three is above each of the others', as an integral over it."""
    mean, error = PAPER[(road, *DAM)]

    def density(x):
        below = [stats.norm.cdf(x, *PAPER[(road, *other)]) for other in others]
        return stats.norm.pdf(x, mean, error) * np.prod(below)

    return integrate.quad(density, mean - 9 * error, mean + 9 * error, epsabs=1e-9, limit=500)[0]


@pytest.mark.parametrize("road", table1.ROADS)
def test_how_often_dam_is_ahead_by_integrals(road):
    found = papers.repetitions_ahead(road, repetitions=50_000)
    every = [(model, method) for model in table1.MODELS for method in table1.METHODS if (model, method) != DAM]
    groups = {" ".join(other): [other] for other in every}
    groups |= {"its column": [other for other in every if other[0] == "mixture"], "all eight": every}
    assert list(found.index) == list(groups)
    for name, others in groups.items():
        share = first_of(road, others)
        assert abs(found["ahead"][name] - share) < 5 * (share * (1 - share) / 50_000) ** 0.5 + 1e-6, name
    assert (found["significant"] <= found["ahead"]).all()


def test_the_reviewers_ninety_eight():
    assert papers.repetitions_ahead("IcyRoad")["ahead"]["mixture baseline"] == pytest.approx(0.98, abs=0.005)


@pytest.mark.parametrize("runs", [3, 8])
def test_how_often_welch_would_say_so_by_a_loop(runs):
    rng, other, loops = np.random.default_rng(7), ("mixture", "baseline"), 4000
    (mean, error), (low, spread) = PAPER[("IcyRoad", *DAM)], PAPER[("IcyRoad", *other)]
    x, y = (rng.normal(m, 3**0.5 * s, (loops, runs)) for m, s in ((mean, error), (low, spread)))
    test = stats.ttest_ind(x, y, axis=1, equal_var=False)
    share = ((test.pvalue < 0.05) & (test.statistic > 0)).mean()
    found = papers.repetitions_ahead("IcyRoad", runs=runs, repetitions=40_000)["significant"]["mixture baseline"]
    assert abs(found - share) < 5 * (share * (1 - share) * (1 / loops + 1 / 40_000)) ** 0.5


def test_what_cannot_be_repeated_is_named():
    with pytest.raises(ValueError, match="runs must be at least 2, an integer, got 1"):
        papers.repetitions_ahead("IcyRoad", runs=1)
    with pytest.raises(ValueError, match="road and cell must be those of the paper's Table 1, got 'mine'"):
        papers.repetitions_ahead("mine")
