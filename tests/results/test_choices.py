"""What each choice is worth: every variant is driven, the same one once, and differences are paired."""

import numpy as np
import pandas as pd
import pytest

import damlite as dl
from damlite.results import choices, table1

SMALL = {"runs": 2, "jobs": 1, "episodes": {"IcyRoad": 2}, "random_episodes": 10, "steps": 20}


@pytest.fixture(scope="module")
def table():
    return choices.run(roads={"IcyRoad": dl.IcyRoad()}, **SMALL)


def test_every_variant_is_driven(table):
    planner = dl.our_recipe(dl.IcyRoad()).planner
    for choice, planners in choices.variants(planner).items():
        rows = table[table["ablation"] == choice]
        assert set(rows["variant"]) == set(planners)
        assert next(iter(planners.values())) == planner or choice == "particles"
        weighted = choice in choices.NEED_WEIGHTS
        assert set(rows["dynamics"]) == ({"Gaussian", "mixture"} if weighted else {"truth", "Gaussian", "mixture"})
        assert (rows.groupby(["dynamics", "variant"])["run"].nunique() == 2).all()


def test_the_planner_itself_has_the_same_returns_in_every_choice(table):
    firsts = [("random numbers", "common"), ("particles", "20"), ("planner", "exhaustive"), ("weight", "exp")]
    rows = [
        table[(table["ablation"] == a) & (table["variant"] == v) & (table["dynamics"] == "mixture")] for a, v in firsts
    ]
    for other in rows[1:]:
        np.testing.assert_array_equal(rows[0]["return"], other["return"])


def test_the_same_seed_gives_the_same_table(table):
    pd.testing.assert_frame_equal(table, choices.run(roads={"IcyRoad": dl.IcyRoad()}, **SMALL))


def test_models_are_fitted_to_enough_unless_told_otherwise():
    for env in table1.ROADS.values():
        recipe = choices.recipe_for(env)
        assert recipe.random_episodes >= 400
        assert min(recipe.model_training.steps, recipe.discriminator_training.steps) >= 1000
        assert recipe.planner == dl.our_recipe(env).planner
    with pytest.raises(ValueError, match="random_episode is no choice of Recipe"):
        choices.run(random_episode=3)


def test_differences_are_paired():
    returns = {"a": (1, 5), "b": (2, 7)}
    rows = [("IcyRoad", "truth", "planner", v, r, x) for v, xs in returns.items() for r, x in enumerate(xs)]
    columns = ["road", "dynamics", "ablation", "variant", "run", "return"]
    a, b = choices.summarise(pd.DataFrame(rows, columns=columns)).to_dict("records")
    assert (a["mean"], a["difference"], a["difference_stderr"]) == (3, 0, 0)
    assert (b["mean"], b["difference"], b["difference_stderr"]) == (4.5, 1.5, pytest.approx(0.5))


def test_the_stored_table_is_complete():
    stored = pd.read_csv(table1.STORED / "ablations.csv")
    assert set(stored["road"]) == set(table1.ROADS)
    assert set(stored["ablation"]) == set(choices.variants(dl.Exhaustive()))
    assert (choices.summarise(stored)["runs"] >= 10).all()
