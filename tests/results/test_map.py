"""The map: its table, what explains it, its command, and what the stored one shows."""

from dataclasses import replace

import pandas as pd
import pytest
import torch

import damlite as dl
from damlite.__main__ import main
from damlite.results import command_map, imagined, outcomes, table1
from damlite.results import map as maps

TINY = {"particles": (1, 2), "candidates": (5,), "episodes": 4}
ICE = {"IcyRoad": dl.IcyRoad()}


@pytest.fixture(scope="module")
def tiny():
    return maps.run_map(ICE, **TINY)


def test_a_row_for_every_cell(tiny):
    assert list(tiny.columns) == maps.COLUMNS
    assert len(tiny) == (1 + 3 * 3) * 2 * 2
    assert not tiny.duplicated(maps.CELL).any()
    assert set(tiny.loc[tiny["probability"] == 0.9, "weights"]) == {"none"}
    assert (tiny["episodes"] == 4).all()
    assert tiny.drop(columns="spread_theory").notna().all(axis=None)
    exact = (tiny["weights"] != "none") | (tiny["probability"] == 0.9)
    assert (tiny["spread_theory"].notna() == exact).all()


def test_a_cell_is_the_same_in_every_map(tiny):
    one = maps.run_map(ICE, proposals={"IcyRoad": (0.9, 0.2)}, particles=(2,), candidates=(5,), episodes=4)
    both = tiny.merge(one, on=maps.CELL)
    assert len(both) == len(one) == 8
    for column in maps.COLUMNS[len(maps.CELL) :]:
        assert both[f"{column}_x"].equals(both[f"{column}_y"])
    assert len({maps.Cell("IcyRoad", 0.9, "none", "own", 1, c).seed(s) for c in range(9) for s in range(9)}) == 81


def test_own_numbers_halve_a_spread_with_four_times_the_particles():
    spread = maps.run_map(ICE, particles=(1, 4), candidates=(5,), episodes=4)
    wide = spread.pivot(index=["probability", "weights", "numbers"], columns="particles", values="spread")
    assert (wide[1] / 2).to_numpy() == pytest.approx(wide[4].to_numpy(), rel=1e-3)


def test_theory_is_the_spread_of_the_trajectory_estimator():
    recipe = dl.paper_recipe(dl.IcyRoad(), "trajectory")
    table = maps.run_map(ICE, recipe, particles=(1,), candidates=(5,), episodes=4).dropna()
    assert table["spread"].to_numpy() == pytest.approx(table["spread_theory"].to_numpy(), rel=1e-3)


@pytest.mark.parametrize(("env", "step", "position"), [(dl.IcyRoad(), 0, 0.0), (dl.Intersection(), 5, -7.0)])
def test_the_forks_approach(env, step, position):
    """On ice the start; at the crossing after five steps, where in two more the other car is at y = 5 m."""
    road = outcomes.finite_road(env)
    state, at = maps.approach(road)
    assert at == step
    assert road.states[state, 1].item() == pytest.approx(position)


def test_lucky_plans_by_hand():
    """At the crossing's approach with one particle: cruising is worth 30, as 50 or 10, and is promised 50."""
    table = maps.luck(dl.Intersection(), (0.5, 0.1)).set_index(["probability", "particles", "plan"]).sort_index()
    truth = table.loc[0.5, 1]
    assert truth.loc["luckiest", "worth"] == pytest.approx(30)
    assert truth.loc["luckiest", "spread"] == pytest.approx(20)
    assert truth.loc["luckiest", "best"] == pytest.approx(50)
    assert truth.loc["safe", "spread"] == pytest.approx(0, abs=1e-6)
    # Under q(0.1) a plan's best estimate is that of a car that turns left, which has the weight 5: the safe plan's.
    other = table.loc[0.1, 1]
    assert other["best"].idxmax() == "safe"
    assert truth["best"].idxmax() == "luckiest"
    assert table["mean"].to_numpy() == pytest.approx(table["worth"].to_numpy())
    assert (table.loc[(0.1, 20), "spread"] * 20**0.5).to_numpy() == pytest.approx(other["spread"].to_numpy())


def test_where_the_best_q_is():
    table = maps.between(
        ICE, proposals={"IcyRoad": (0.2, 0.5, 0.9)}, particles=(1, 20), candidates=20, episodes=200, jobs=1
    )
    best = maps.best_probability(table).set_index("particles")
    assert set(table["weights"]) == {"exact + shift"}
    for particles, row in best.iterrows():
        part = table[table["particles"] == particles].set_index("probability")
        assert row["best"] == part["return"].idxmax()
        assert row["least"] <= row["best"] <= row["most"]


def test_what_does_not_fit_is_said():
    with pytest.raises(ValueError, match="episodes must be at least 4, an integer, got 0"):
        maps.run_map(ICE, episodes=0)
    with pytest.raises(ValueError, match="recipe's planner must be a RandomShooting"):
        maps.run_map(ICE, dl.our_recipe, **TINY)
    with pytest.raises(ValueError, match="seed must be"):
        maps.run_map(ICE, **TINY, seed=-1)
    planner = dl.RandomShooting(normalise=True)
    with pytest.raises(ValueError, match="normalise must be False"):
        maps.drive(dl.IcyRoad(), imagined.Proposal(0.9), planner, 4, 0)


def test_the_command_writes_beside(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    run_map, between = maps.run_map, maps.between
    small = {"particles": (1, 2), "proposals": {"IcyRoad": (0.9, 0.2)}}
    monkeypatch.setattr(maps, "run_map", lambda roads, **how: run_map(roads, candidates=(5,), **small, **how))
    monkeypatch.setattr(maps, "between", lambda roads, **how: between(roads, candidates=5, **small, **how))
    main(["map", "--road", "IcyRoad", "--episodes", "4", "--jobs", "1"])
    assert "written to map_results" in capsys.readouterr().out
    for name in command_map.NAMES:
        table = command_map.load(name, tmp_path / "map_results")
        assert list(table.columns) == maps.COLUMNS
        assert table["return"].dtype == float
    looks = pd.read_csv(tmp_path / "map_results" / "luck.csv")
    assert list(looks["probability"].unique()) == [0.9, 0.2]
    assert (looks["best_of"] == dl.paper_recipe(dl.IcyRoad()).planner.candidates).all()


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (["map", "--episodes", "3"], "argument --episodes: must be at least 4, got 3"),
        (["map", "--replace", "--recipe", "our"], "--recipe our, and the stored one is of paper"),
        (["map", "--recipe", "our", "--road", "IcyRoad", "--out", "mine"], "planner must be a RandomShooting"),
    ],
)
def test_what_the_command_refuses(tmp_path, monkeypatch, capsys, line, message):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit):
        main(line)
    assert message in capsys.readouterr().err


@pytest.fixture(scope="module")
def stored():
    if not (table1.STORED / "map.csv").exists():
        pytest.skip("no map is stored")
    return command_map.load("map")


def cell(table, road, probability, weights, numbers, particles, candidates=100):
    """A cell's mean return and its standard error."""
    asked = dict(zip(maps.CELL, (road, probability, weights, numbers, particles, candidates), strict=True))
    rows = table
    for name, value in asked.items():
        rows = rows[rows[name] == value]
    (row,) = rows.to_dict("records")
    return row["return"], row["stderr"]


def test_the_stored_map_is_whole(stored):
    assert len(stored) == (10 + 13) * 2 * 6 * 4
    assert (stored["episodes"] >= 200).all()


def test_the_stored_map_shows_who_wins_where(stored):
    def ahead(road, q, weights, numbers, particles):
        """By how much q with exact weights is above the truth, and its standard error."""
        truth = {"IcyRoad": 0.9, "Intersection": 0.5}[road]
        (a, b), (x, y) = (cell(stored, road, *kind, numbers, particles) for kind in ((q, weights), (truth, "none")))
        return a - x, (b**2 + y**2) ** 0.5

    mean, error = cell(stored, "Intersection", 0.5, "none", "own", 1)
    assert mean == pytest.approx(52, abs=5 * error)  # of 2,000 episodes of another seed, ± 1
    assert cell(stored, "Intersection", 0.1, "exact + shift", "own", 1)[0] >= 90
    for numbers, sign in (("own", 1), ("common", -1)):  # one particle: own numbers want luck's cure, common ones do not
        difference, error = ahead("Intersection", 0.1, "exact + shift", numbers, 1)
        assert sign * difference > 2 * error
    for particles in (1, 2):
        difference, error = ahead("IcyRoad", 0.2, "exact", "own", particles)
        assert difference > 2 - error
    assert ahead("IcyRoad", 0.2, "exact", "own", 20)[0] < -3


def test_a_stored_row_comes_out_again(stored):
    row = stored[(stored["road"] == "IcyRoad") & (stored["particles"] == 1) & (stored["candidates"] == 10)].iloc[0]
    chosen = {"proposals": {"IcyRoad": (row["probability"],)}, "particles": (1,), "candidates": (10,)}
    again = maps.run_map(ICE, **chosen, episodes=int(row["episodes"])).iloc[0]
    assert again["return"] == pytest.approx(row["return"], abs=5 * (2**0.5) * row["stderr"])
    assert again["spread"] == pytest.approx(row["spread"], rel=1e-3)


@pytest.mark.parametrize("road", [dl.IcyRoad(threshold=99), dl.IcyRoad(threshold=4), dl.IcyRoad(swerve_speed=0)])
def test_a_road_whose_fork_is_not_come_near_is_refused(road):
    for run in (
        lambda: maps.plans_at_the_fork(road),
        lambda: maps.luck(road, (0.5,)),
        lambda: maps.run_map({"mine": road}, proposals={"mine": (0.5,)}, **TINY),
    ):
        with pytest.raises(ValueError, match="env must have a fork that cruising comes within 3 steps of, got IcyRoad"):
            run()


@pytest.mark.parametrize("horizon", [1, 2])
def test_too_few_steps_have_no_risky_plan(horizon):
    with pytest.raises(ValueError, match=f"horizon must leave plans that are risky .*, got {horizon}: none is"):
        maps.plans_at_the_fork(dl.IcyRoad(), horizon)


def test_weights_of_a_proposal():
    env = dl.Intersection()
    assert imagined.Proposal(0.1).weights(env, dl.Estimator()) == (1.0, 1.0)
    assert imagined.Proposal(0.1, True).weights(env, dl.Estimator()) == pytest.approx((5.0, 0.5 / 0.9))
    clipped = imagined.Proposal(0.1, True).weights(env, dl.Estimator(clip=0.5))
    assert clipped == pytest.approx((torch.tensor(0.5).exp().item(), torch.tensor(-0.5).exp().item()))
    assert imagined.Proposal(0.0, True).weights(replace(env, left_prob=0.0), dl.Estimator()) == (1.0, 1.0)
