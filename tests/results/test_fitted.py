"""Maps and ladders with fitted models: oracles against exact ratios, weights of mean one, tables that are complete."""

import math
from functools import partial

import numpy as np
import pandas as pd
import pytest
import torch

import damlite as dl
from damlite.figures import fitted as pictures
from damlite.results import fitted_map, forks, lucky, ratios, report, table1
from damlite.results.outcomes import quiet

ROADS = {"IcyRoad": dl.IcyRoad(), "Intersection": dl.Intersection()}
OPTIMISTIC = {"IcyRoad": dl.IcyRoad(swerve_prob=0.2), "Intersection": dl.Intersection(left_prob=0.1)}
NONE = ratios.Rung(ratio="none")
TINY = {"runs": 2, "random_episodes": dict.fromkeys(ROADS, 10)}


def transitions(road, episodes=200, seed=0):
    """Real states and actions (N, ...) of random episodes, of which each has a fork or more."""
    data = dl.collect(ROADS[road], episodes=episodes, generator=dl.seeded(seed)).map(lambda t: t.flatten(0, 1))
    return data.state, data.action


def imagined(road, repeats=1):
    """Transitions of which the next state is drawn from the optimistic road."""
    state, action = transitions(road)
    state, action = state.repeat(repeats, 1), action.repeat(repeats)
    return state, action, OPTIMISTIC[road].transition(state, action).sample(generator=dl.seeded(1))


@pytest.mark.parametrize("road", ROADS)
def test_the_coarse_oracle_is_the_exact_ratio_where_models_err_in_the_odds_alone(road):
    env, q = ROADS[road], OPTIMISTIC[road]
    state, action, next_state = imagined(road)
    exact = env.transition(state, action).log_prob(next_state) - q.transition(state, action).log_prob(next_state)
    coarse = forks.coarse_log_ratio(env, q, state, action, next_state)
    throughout = forks.coarse_log_ratio(env, q, state, action, next_state, throughout=True)
    assert exact.abs().max() > 0.5  # there are forks
    for oracle in (coarse, throughout):  # the edge between turns lies four and a half standard deviations off either
        off = (oracle - exact).abs()
        assert off.max() < 0.1
        assert off.quantile(0.99) < 5e-3


def test_a_left_turn_that_the_model_holds_for_rare_weighs_five_times():
    env, q = ROADS["Intersection"], OPTIMISTIC["Intersection"]
    state, action, next_state = imagined("Intersection")
    at = forks.fork(env, state, action)
    coarse = forks.coarse_log_ratio(env, q, state, action, next_state)
    for way, expected in ((1, math.log(0.5 / 0.1)), (-1, math.log(0.5 / 0.9))):
        chosen = at.here & (at.outcome(next_state) == way)
        assert chosen.any()
        off = (coarse[chosen] - expected).abs()
        assert off.median() < 1e-5
        assert off.max() < 0.1
    assert (coarse[~at.here] == 0).all()


@pytest.mark.parametrize("road", ROADS)
@pytest.mark.parametrize("throughout", [False, True])
def test_the_coarse_oracles_weights_have_mean_one(road, throughout):
    """For a model that errs in all else too; the mean over its own samples, within five standard errors."""
    env = ROADS[road]
    model = dl.DynamicsModel(env, 4, "state", generator=dl.seeded(0))
    state, action = transitions(road)
    data = dl.collect(env, episodes=50, generator=dl.seeded(2))
    dl.fit_model(model, data, steps=100, generator=dl.seeded(3))
    at = forks.fork(env, state, action)
    state, action = (x[at.here][:50].repeat_interleave(200, 0) for x in (state, action))
    with torch.no_grad():
        next_state = model.transition(state, action).sample(generator=dl.seeded(4))
        w = forks.coarse_log_ratio(env, model, state, action, next_state, throughout=throughout).exp().double()
    by_state = w.reshape(50, 200)
    assert by_state.std() > 0.1
    assert abs(by_state.mean() - 1) < 5 * by_state.std(1).square().mean().sqrt() / len(w) ** 0.5


@pytest.mark.parametrize("road", ROADS)
def test_the_road_with_a_models_odds_is_that_model_if_it_errs_in_nothing_else(road):
    env, q = ROADS[road], OPTIMISTIC[road]
    state, action, next_state = imagined(road)
    p = env.transition(state, action)
    for model, other in ((q, q.transition(state, action)), (env, p)):
        put_right = forks.RoadWithOddsOf(env, model).transition(state, action)
        off = (put_right.log_prob(next_state) - other.log_prob(next_state)).abs()
        assert off.max() < 0.5
        assert off.quantile(0.99) < 5e-3


def test_patched_dynamics_take_each_transition_from_the_one_that_is_in_charge():
    env = ROADS["Intersection"]
    model = dl.DynamicsModel(env, 2, "state", generator=dl.seeded(0))  # over more coordinates than the road's
    state, action = transitions("Intersection", 20)
    noise = dl.mixture.draw_noise(len(state), features=10, generator=dl.seeded(1))
    patched = forks.Patched(env, env, model).transition(state, action)
    assert patched.means.shape[-1] == 10
    with torch.no_grad():
        sample = patched.sample(noise=noise)
        road = env.transition(state, action).sample(noise=noise[..., :7])
        modelled = model.transition(state, action).sample(noise=noise)
    here = forks.fork(env, state, action).here
    assert here.any()
    assert (~here).any()
    assert sample[here].equal(road[here])
    assert sample[~here].equal(modelled[~here])


def test_a_ratio_at_the_fork_only_and_its_complement():
    env = ROADS["Intersection"]
    state, action, next_state = imagined("Intersection")
    one = partial(torch.full, (len(state),), 1.0)
    at = forks.only_at_the_fork(env, lambda *_: one())(state, action, next_state)
    both = forks.only_at_the_fork(env, lambda *_: one(), lambda *_: 2 * one())(state, action, next_state)
    lucky = forks.fork(env, state, action).lucky(next_state)
    assert at.equal(lucky.float())
    assert both.equal(torch.where(lucky, 1.0, 2.0))


@pytest.mark.parametrize(("road", "seen"), [("IcyRoad", [2, 3]), ("Intersection", [9])])
def test_a_classifier_of_luck_is_blind_to_all_else(road, seen):
    env = forks.OnlyLuck(ROADS[road])
    assert (env.horizon, env.n_actions, env.state_names) == tuple(
        getattr(ROADS[road], name) for name in ("horizon", "n_actions", "state_names")
    )
    disc = dl.Discriminator(env, generator=dl.seeded(0))
    state, action = transitions(road, 5)
    moved = state + 1.0
    moved[:, seen] = state[:, seen]
    with torch.no_grad():
        assert disc.log_ratio(state, action, state).equal(disc.log_ratio(moved, action, moved))
        moved[:, seen[0]] += 1
        assert not disc.log_ratio(state, action, state).equal(disc.log_ratio(state, action, moved))


@pytest.mark.parametrize("road", ROADS)
def test_lists_and_arrays_of_transitions_are_served(road):
    transition = [part[:5] for part in imagined(road)]
    lists, arrays = [part.tolist() for part in transition], [part.numpy() for part in transition]
    ratio = forks.coarse_log_ratio(ROADS[road], OPTIMISTIC[road], *transition)
    for other in (lists, arrays):
        assert forks.coarse_log_ratio(ROADS[road], OPTIMISTIC[road], *other).equal(ratio)
        assert forks.fork(ROADS[road], *other[:2]).odds.equal(forks.fork(ROADS[road], *transition[:2]).odds)
    with pytest.raises(ValueError, match=r"state must have shape \(\.\.\., \d+\), got \(5, 3\)"):
        forks.fork(ROADS[road], transition[0][:, :3], transition[1])


def test_folders_may_be_texts():
    assert len(fitted_map.load(str(table1.STORED))) and len(ratios.load(str(table1.STORED)))
    for name, block in report.BLOCKS.items():
        where = {"speed": "planning"}.get(name, "IcyRoad")
        assert block(str(table1.STORED), where) == block(table1.STORED, where)
        with pytest.raises(ValueError, match="folder must be a path, got 3"):
            block(3, where)


def test_other_environments_have_no_known_fork():
    class Other(dl.Environment):
        pass

    for ask in (lambda env: forks.fork(env, torch.zeros(1, 4), torch.zeros(1)), forks.shown):
        with pytest.raises(ValueError, match="env must be an IcyRoad or an Intersection"):
            ask(Other())


@pytest.fixture(scope="module")
def ladder():
    rungs = (NONE, ratios.Rung(), *(ratios.Rung(ratio=ratio) for ratio in ("coarse", "exact")))
    rungs += (ratios.Rung(times=2, instance_noise=0.2, clip=2.0, only_luck=True),)
    rungs += (ratios.Rung(ratio="coarse", dynamics="road"), ratios.Rung(ratio="learned elsewhere"))
    size = ratios.Size(**TINY, driven={"IcyRoad": 2}, particles=20, rungs=rungs, changes={"steps": 20})
    road = {"IcyRoad": ROADS["IcyRoad"]}
    return size, pd.concat(list(ratios.run(1, road, size=size)), ignore_index=True)


def test_every_rung_is_climbed(ladder):
    size, table = ladder
    for predict, rows in table.groupby("predict"):
        expected = [rung.name for rung in size.rungs if predict == "velocity" or rung.ratio != "exact"]
        assert list(rows["rung"].unique()) == expected
        returns = rows[rows["quantity"] == "return"]
        assert (returns.groupby(["rung", "estimator"])["run"].nunique() == 2).all()
        assert set(returns["estimator"]) == set(ratios.ESTIMATORS)
    coarse = table[(table["rung"] == "coarse") & table["quantity"].str.startswith(("error", "spread none"))]
    errors = coarse["value"].dropna()  # a run may see too few forks of a kind
    assert len(errors)
    assert (errors == 0).all()


def test_without_weights_both_estimators_choose_alike(ladder):
    rows = ladder[1].query("rung == 'none' and quantity == 'return'")
    one, other = (rows.loc[rows["estimator"] == name, "value"].to_numpy() for name in ratios.ESTIMATORS)
    np.testing.assert_array_equal(one, other)


def test_the_ladders_summary(ladder):
    table = ladder[1]
    summary = ratios.summarise(table)
    row = summary[(summary["rung"] == "coarse") & (summary["predict"] == "state")].iloc[0]
    values = table.query(
        "rung == 'coarse' and predict == 'state' and quantity == 'return' and estimator == 'trajectory'"
    )
    assert row["trajectory"] == pytest.approx(values["value"].mean())
    assert row["trajectory stderr"] == pytest.approx(values["value"].sem())
    assert 0 < row["ess"] <= 1
    assert len(pictures.ratio_ladder(table, "IcyRoad").axes) == 2


def test_rungs_check_what_they_are_given():
    with pytest.raises(ValueError, match="ratio must be"):
        ratios.Rung(ratio="guessed")
    with pytest.raises(ValueError, match="dynamics must be"):
        ratios.Rung(dynamics="dream")
    names = [rung.name for rung in ratios.RUNGS]
    assert len(set(names)) == len(names)


@pytest.fixture(scope="module")
def map_table():
    size = fitted_map.Size(**TINY, imagined={"IcyRoad": 4}, particles=(1, 3), steps=20)
    road = {"IcyRoad": ROADS["IcyRoad"]}
    return pd.concat(list(fitted_map.run_fitted_map(1, road, size=size)), ignore_index=True)


def test_every_cell_of_the_map_is_driven(map_table):
    summary = fitted_map.summarise(map_table)
    assert len(summary) == 2 * 3 * 2 * 2  # fits, weights, numbers, particles
    assert (summary["runs"] == 2).all()
    assert summary.groupby("particles")["episodes"].first().to_dict() == {1: 4, 3: 2}
    assert len(pictures.fitted_cells(map_table, "IcyRoad").axes) == 2


def test_weights_of_the_map_are_what_they_are_called():
    env = ROADS["IcyRoad"]
    recipe = dl.our_recipe(env).but(random_episodes=10, steps=20)
    by_fit = {fit: fitted_map.fitted(env, fit, "mixture", 2, recipe) for fit in fitted_map.FITS}
    for fit, learned in by_fit.items():
        none, classifier, exact = fitted_map.beliefs(learned).values()
        assert none.log_ratio is None
        state, action = env.initial_state(2, 5), torch.ones(2, 5, dtype=torch.long)
        with torch.no_grad():
            q = learned.model.transition(state, action)
            next_state = q.sample(generator=dl.seeded(0))
            expected = env.transition(state, action).log_prob(next_state) - q.log_prob(next_state)
            torch.testing.assert_close(exact.log_ratio(state, action, next_state), expected)
            assert classifier.log_ratio(state, action, next_state).equal(
                learned.disc.log_ratio(state, action, next_state)
            )
        shifted = fit == "return-weighted"
        assert bool((torch.as_tensor(exact.offset) != 0).all()) == shifted
        assert torch.as_tensor(classifier.offset).equal(torch.as_tensor(exact.offset))
        assert none.offset == 0


def test_how_often_reckless_plans_look_better_than_a_safe_one():
    env, planner = quiet(ROADS["IcyRoad"]), dl.paper_recipe(ROADS["IcyRoad"]).planner
    ((risky, luckiest),) = lucky.looks_better(planner, dl.Belief(env), 1, 4000)
    on = 1 - env.swerve_prob  # "+00+-" is fast in its last step alone: 18 if it stays on the road, else 4; safe is 9
    assert risky == pytest.approx(on, abs=5 * (on * (1 - on) / 4000) ** 0.5)
    # "++++-" is fast for three steps. It returns more than 9 if it leaves the road in the second or third at the
    # earliest, or in the first and is thrown back twice.
    enough = on**2 + on * (1 - on) + (1 - on) * ((1 - on) / 2) ** 2
    assert luckiest == pytest.approx(enough, abs=5 * (enough * (1 - enough) / 4000) ** 0.5)


def test_lucky_plans_have_a_row_for_each_run_of_each_cell():
    table = lucky.run({"IcyRoad": ROADS["IcyRoad"]}, 2, estimates=10, steps=5)
    assert list(table.columns) == lucky.COLUMNS
    summary = lucky.summarise(table)
    assert len(table) == 2 * len(summary) == 2 * 2 * 2 * (2 + 3)
    assert set(summary["weights"][summary["predict"] == "state"]) == {"none", "learned"}
    assert table[["risky", "luckiest"]].stack().between(0, 1).all()
    with pytest.raises(ValueError, match="runs must be"):
        lucky.run(runs=0)
