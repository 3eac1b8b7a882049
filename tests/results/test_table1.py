"""Table 1: the pieces, their summary, what is saved and the stored results."""

import json
import math
import platform

import numpy as np
import pandas as pd
import pytest
import torch
from tiny import CHANGES, PLANNER, SMALL

import damlite as dl
from damlite.results import kept, pool, table1

ICY = SMALL["roads"]


def test_what_is_named_twice_is_run_once():
    once = table1.pieces(3, ("state",), ICY)
    assert table1.pieces(3, ["state", "state"], ["IcyRoad", "IcyRoad"]) == once
    assert table1.pieces(3, "state", ICY) == once
    assert [(piece.first, piece.runs) for piece in table1.pieces(23, "state", ICY)[:3]] == [(0, 10), (10, 10), (20, 3)]
    fresh = table1.pieces(12, "state", ICY, first_seed=1000)
    assert [(piece.first, piece.runs) for piece in fresh[:2]] == [(1000, 10), (1010, 2)]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"seeds": 0}, "seeds must be a positive integer, got 0"),
        ({"predicts": ("speed",)}, "predicts must be one of 'state', 'velocity', got 'speed'"),
        ({"roads": {"my/road": dl.IcyRoad()}}, "roads must have names that a file can have .* got 'my/road'"),
        ({"roads": {"..": dl.IcyRoad()}}, "roads must have names that a file can have"),
        ({"roads": {"": dl.IcyRoad()}}, "roads must have names that a file can have"),
        ({"folder": "/proc/version/pieces"}, "folder must be one that can be written to, got '/proc/version/pieces'"),
        ({"round": 3}, "round is no choice of Recipe"),
    ],
)
def test_what_cannot_go_well_is_refused_before_any_work(monkeypatch, change, message):
    monkeypatch.setattr(pool, "run_mbrl", None)  # whoever runs one now gets another error
    with pytest.raises(ValueError, match=message):
        table1.run_table1(**{"seeds": 1, "jobs": 1, **SMALL, **change})


def test_a_recipe_is_one_for_all_or_a_function_of_the_road():
    tiny = dl.Recipe(planner=PLANNER, rounds=2)
    chosen = table1.recipes({"a": dl.IcyRoad(), "b": dl.Intersection()}, tiny, episodes=3)
    assert chosen == dict.fromkeys("ab", tiny.but(episodes=3))
    chosen = table1.recipes(table1.ROADS, dl.paper_recipe, steps=7)
    assert chosen["IcyRoad"] == dl.paper_recipe(dl.IcyRoad()).but(steps=7)
    assert chosen["Intersection"].planner.horizon == 10


def row(road, run, number, value):
    return {
        "road": road,
        "predict": "state",
        "model": "mixture",
        "method": "dam",
        "run": run,
        "round": number,
        "return": value,
    }


def test_summary_by_hand():
    rows = [
        row(road, run, number, value)
        for road in ("IcyRoad", "Intersection", "my road")
        for run, (last, first) in enumerate([(1.0, 9.0), (3.0, 9.0), (8.0, 9.0)])
        for number, value in ((0, last), (1, first))
    ]
    table = table1.summarise(pd.DataFrame(rows)).set_index("road")
    icy = table.loc["IcyRoad"]
    assert icy["mean"] == 4
    assert icy["stderr"] == pytest.approx(np.std([1, 3, 8], ddof=1) / 3**0.5)
    assert (icy["runs"], icy["paper_mean"]) == (3, 7.94)
    assert icy["iqm"] == 4  # of three runs none is left out
    assert 1 <= icy["iqm_low"] < 4 < icy["iqm_high"] <= 8
    assert icy["regret"] == pytest.approx(9 - 4, abs=0.01)
    assert table.loc["Intersection", "regret"] == pytest.approx(112.5 - 4, abs=0.5)
    assert table.loc["Intersection", "paper_mean"] == 97.72
    assert table.loc["my road", ["regret", "paper_mean", "paper_stderr"]].isna().all()


def test_the_interquartile_mean_leaves_out_a_quarter_at_either_end():
    runs = np.array([[0.0, 5, 6, 100], [4, 2, 3, 1]])
    assert table1.interquartile_mean(runs).tolist() == [5.5, 2.5]
    low, high = table1.interval(table1.interquartile_mean, np.random.default_rng(0).normal(size=400))
    assert -0.25 < low < 0 < high < 0.25


def test_saved_is_loaded_with_all_that_made_it(tmp_path):
    returns = table1.run_table1(1, ("state",), 1, **SMALL)
    table1.save(returns, tmp_path, ICY, **CHANGES)
    pd.testing.assert_frame_equal(table1.load(tmp_path), returns)
    assert len(pd.read_csv(tmp_path / "table1.csv")) == 8
    known = json.loads((tmp_path / "table1_settings.json").read_text())
    assert (known["seeds"], known["roads"], known["predicts"]) == (1, ["IcyRoad"], ["state"])
    assert (known["recipe"], known["changes"], known["device"]) == ("our", table1.described(CHANGES), "cpu")
    assert set(known["versions"]) == {"python", "torch", "numpy", "damlite"}
    assert known["environments"] == {"IcyRoad": repr(dl.IcyRoad())}
    assert_describes(known["recipes"]["IcyRoad"], dl.our_recipe(dl.IcyRoad()).but(**CHANGES))
    names = {kept.name_of(piece) for piece in table1.pieces(1, "state", ICY)}
    assert set(known["seconds"]["pieces"]) == names
    assert known["seconds"]["total"] == pytest.approx(sum(returns.attrs["seconds"].values()), abs=0.06)
    assert known["hardware"]["cores"] >= 1
    assert platform.node() not in json.dumps(known["hardware"])


def assert_describes(told, recipe):
    """Every field, the planner's and its kind too; what is infinite is told in words."""
    assert set(told) == {"kind", *vars(recipe)}
    assert told["planner"]["kind"] == type(recipe.planner).__name__
    planner = type(recipe.planner)
    hold = told["planner"].get("hold")
    fields = {**told["planner"], "hold": tuple(hold)} if isinstance(hold, list) else told["planner"]
    assert planner(**{name: value for name, value in fields.items() if name != "kind"}) == recipe.planner
    assert told["model_training"]["steps"] == recipe.model_training.steps
    assert told["std_range"] == [str(x) if math.isinf(x) else x for x in recipe.std_range]


def test_settings_can_describe_what_is_ones_own():
    how = {"recipe": lambda env: dl.Recipe(planner=PLANNER), "box": 3.0, "device": "cpu"}
    known = table1.settings({"mine": dl.IcyRoad(threshold=1)}, **how)
    assert (known["recipe"], known["changes"]) == ("own", {"box": 3.0})
    assert known["recipes"]["mine"]["planner"]["candidates"] == PLANNER.candidates
    assert json.loads(json.dumps(known, allow_nan=False)) == known


def stored(recipe):
    """The raw returns, the settings and the summary that are stored under a recipe."""
    folder = table1.place(recipe)
    if recipe != "our" and not folder.exists():
        pytest.skip("not stored yet")
    known = json.loads((folder / "table1_settings.json").read_text())
    return table1.load(recipe=recipe), known, pd.read_csv(folder / "table1.csv")


@pytest.mark.parametrize("recipe", table1.RECIPES)
def test_the_stored_settings_are_those_of_the_recipe(recipe):
    returns, known, _ = stored(recipe)
    assert known["seeds"] == returns["run"].nunique()
    assert set(known["predicts"]) == set(returns["predict"])
    assert (known["roads"], known["recipe"], known["changes"]) == (list(table1.ROADS), recipe, {})
    for name, env in table1.ROADS.items():
        assert_describes(known["recipes"][name], table1.RECIPES[recipe](env))


@pytest.mark.parametrize("recipe", table1.RECIPES)
def test_the_stored_table_is_complete_and_agrees_with_its_raw_returns(recipe):
    returns, known, table = stored(recipe)
    summary = table1.summarise(returns)
    assert sorted(known["predicts"]) == ["state", "velocity"]
    assert len(summary) == 32
    assert (summary["runs"] >= 20).all()
    for road, rows in returns.groupby("road"):
        rounds = rows.groupby(["predict", "model", "method", "run"])["round"].nunique()
        assert rounds.eq(1 + table1.RECIPES[recipe](table1.ROADS[road]).rounds).all()
    np.testing.assert_allclose(table[["mean", "stderr"]], summary[["mean", "stderr"]], atol=6e-4)


@pytest.mark.parametrize("recipe", table1.RECIPES)
def test_the_stored_settings_say_how_long_each_piece_took(recipe):
    returns, known, _ = stored(recipe)
    if "seconds" not in known:
        pytest.skip("stored before seconds were kept")
    chunks = [(first, min(table1.CHUNK, known["seeds"] - first)) for first in range(0, known["seeds"], table1.CHUNK)]
    cells = returns[["road", "predict", "model", "method"]].drop_duplicates().itertuples(index=False, name=None)
    names = {f"{'-'.join(cell)}-{first}+{runs}" for cell in cells for first, runs in chunks}
    assert set(known["seconds"]["pieces"]) == names
    assert known["seconds"]["total"] == pytest.approx(sum(known["seconds"]["pieces"].values()), abs=0.06)
    assert set(known["hardware"]) == {"processor", "cores"}


def test_each_recipe_has_a_folder_and_all_are_loaded_in_one(tmp_path):
    parts = {}
    for value, recipe in enumerate(("our", "paper-trajectory")):
        parts[recipe] = pd.DataFrame([row("IcyRoad", run, 0, float(value)) for run in range(2)])
        table1.save(parts[recipe], tmp_path / table1.FOLDERS[recipe], ICY, recipe=table1.RECIPES[recipe])
        pd.testing.assert_frame_equal(table1.load(tmp_path, recipe), parts[recipe])
        known = json.loads((table1.place(recipe, tmp_path) / "table1_settings.json").read_text())
        assert known["recipe"] == recipe
    together = table1.load_all(tmp_path)
    assert list(together.columns) == ["recipe", *parts["our"].columns]
    for recipe, part in together.groupby("recipe"):
        pd.testing.assert_frame_equal(part.drop(columns="recipe").reset_index(drop=True), parts[recipe])
    with pytest.raises(FileNotFoundError, match=r"paper.table1_returns.csv is not there: .* --recipe paper"):
        table1.load(tmp_path, "paper")
    with pytest.raises(ValueError, match="recipe must be one of 'our', 'paper', 'paper-trajectory', got 'theirs'"):
        table1.load(tmp_path, "theirs")


def test_a_device_that_is_not_there_is_named():
    for device in ("toaster", "cuda:99"):
        with pytest.raises(ValueError, match=f"device must be one that torch can use here, got '{device}'"):
            table1.run_table1(1, ("state",), 1, device=device, **SMALL)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_gives_the_same_numbers_twice():
    once, again = (table1.run_table1(2, ("state",), 1, device="cuda", **SMALL) for _ in range(2))
    pd.testing.assert_frame_equal(once, again)


def test_everything_new_is_made_on_the_default_device(monkeypatch):
    """Under `torch.device(...)` every generator must be of that device: none may be made on the processor by name."""
    asked = []

    class Remembered(torch.Generator):
        def __new__(cls, *device):
            asked.append(device)
            return super().__new__(cls, *device)

    monkeypatch.setattr(torch, "Generator", Remembered)
    table1.run_table1(1, ("state",), 1, **SMALL)
    assert asked and set(asked) == {(torch.device("cpu"),)}
