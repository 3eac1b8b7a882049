"""Ablations: every variant is driven, the same one once, and differences are paired."""

import numpy as np
import pandas as pd
import pytest

import damlite as dl
from damlite import ablations, figures, sweep

SMALL = {"runs": 2, "jobs": 1, "episodes": {"IcyRoad": 2}, "random_episodes": 10, "steps": 20}


@pytest.fixture(scope="module")
def table():
    return ablations.run(roads={"IcyRoad": dl.IcyRoad()}, **SMALL)


def test_every_variant_is_driven(table):
    planner = dl.loop.default_recipe(dl.IcyRoad()).planner
    for ablation, planners in ablations.variants(planner).items():
        rows = table[table["ablation"] == ablation]
        assert set(rows["variant"]) == set(planners)
        assert next(iter(planners.values())) == planner or ablation == "particles"
        weighed = ablation in ablations.NEED_WEIGHTS
        assert set(rows["dynamics"]) == ({"Gaussian", "mixture"} if weighed else {"truth", "Gaussian", "mixture"})
        assert (rows.groupby(["dynamics", "variant"])["run"].nunique() == 2).all()


def test_the_planner_itself_has_the_same_returns_in_every_ablation(table):
    firsts = [("random numbers", "common"), ("particles", "20"), ("planner", "exhaustive"), ("weight", "exp")]
    rows = [
        table[(table["ablation"] == a) & (table["variant"] == v) & (table["dynamics"] == "mixture")] for a, v in firsts
    ]
    for other in rows[1:]:
        np.testing.assert_array_equal(rows[0]["return"], other["return"])


def test_the_same_seed_gives_the_same_table(table):
    pd.testing.assert_frame_equal(table, ablations.run(roads={"IcyRoad": dl.IcyRoad()}, **SMALL))


def test_differences_are_paired():
    returns = {"a": (1, 5), "b": (2, 7)}
    rows = [("IcyRoad", "truth", "planner", v, r, x) for v, xs in returns.items() for r, x in enumerate(xs)]
    columns = ["road", "dynamics", "ablation", "variant", "run", "return"]
    a, b = ablations.summarise(pd.DataFrame(rows, columns=columns)).to_dict("records")
    assert (a["mean"], a["difference"], a["difference_stderr"]) == (3, 0, 0)
    assert (b["mean"], b["difference"], b["difference_stderr"]) == (4.5, 1.5, pytest.approx(0.5))


def test_the_stored_table_is_complete_and_drawn():
    stored = pd.read_csv(sweep.STORED / "ablations.csv")
    assert set(stored["road"]) == set(sweep.ROADS)
    summary = ablations.summarise(stored)
    assert (summary["runs"] >= 10).all()
    for ablation in ablations.variants(dl.Exhaustive()):
        fig = figures.beyond(summary, ablation)
        assert len(fig.axes) == 2
        assert all(np.isfinite(line.get_xydata()).all() for ax in fig.axes for line in ax.lines)
