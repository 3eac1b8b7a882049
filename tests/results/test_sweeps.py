"""Sweeps over recipes: what the variants are, that the engine does each work once, and what the summaries say."""

import dataclasses
import itertools
import json

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from tiny import CELLS, PLANNER, TINY, three

import damlite as dl
from damlite.results import kept, pool, sweeps, table1

ICY = {"IcyRoad": dl.IcyRoad()}
LOW = TINY.but(planner=dataclasses.replace(PLANNER, particles=1, clip=None), start="random")


@pytest.fixture(scope="module")
def swept(tmp_path_factory):
    """A folder of kept pieces, and the sweep's table."""
    folder = tmp_path_factory.mktemp("pieces")
    return folder, sweeps.run_sweep(three(), CELLS, seeds=2, jobs=1, folder=folder)


def test_one_row_a_run_of_every_variant_and_cell(swept):
    _, table = swept
    assert list(table.columns) == ["road", "variant", "predict", "model", "method", "run", "return"]
    assert table.groupby(["variant", "model", "method"])["run"].apply(sorted).map(tuple).isin([(0, 1)]).all()
    assert len(table) == 3 * 2 * 2


def test_the_same_work_under_another_name_is_done_once(swept):
    folder, table = swept
    assert len(list(folder.rglob("*.csv"))) == 4
    a, b, other = (table[table["variant"] == name]["return"].to_numpy() for name in ("a", "b", "1"))
    np.testing.assert_array_equal(a, b)
    assert (a != other).any()


def test_a_sweep_goes_on_where_it_stood(swept, monkeypatch):
    folder, table = swept
    monkeypatch.setattr(pool, "run_mbrl", None)  # whoever runs one now gets an error
    again = sweeps.run_sweep(three(), CELLS, seeds=2, jobs=1, folder=folder)
    pd.testing.assert_frame_equal(again, table)
    assert again.attrs == table.attrs
    with pytest.raises(TypeError):
        sweeps.run_sweep(three(), CELLS, seeds=2, first_seed=1, jobs=1, folder=folder)


def test_a_sweep_and_the_table_share_their_pieces(swept, monkeypatch):
    folder, table = swept
    runs = []
    monkeypatch.setattr(pool, "run_mbrl", lambda *a, **k: runs.append(a) or real(*a, **k))
    returns = table1.run_table1(2, "state", 1, roads=ICY, recipe=TINY, folder=folder, progress=False)
    assert len(runs) == 8 - len(CELLS)
    last = returns[(returns["round"] == 0) & (returns["model"] == "mixture") & (returns["method"] == "disc")]
    mine = table[(table["variant"] == "a") & (table["method"] == "disc")]
    assert last["return"].tolist() == mine["return"].tolist()


real = pool.run_mbrl


def test_every_piece_says_how_long_it_took(swept):
    _, table = swept
    assert len(table.attrs["seconds"]) == 3 * len(CELLS)
    assert all(seconds > 0 for seconds in table.attrs["seconds"].values())
    assert table.attrs["seconds"]["a: IcyRoad-state-mixture-disc-0+2"] > 0


def test_saved_is_loaded_with_all_that_made_it(swept, tmp_path):
    _, table = swept
    sweeps.save(table, three(), tmp_path, "particles", "mine.py:tiny")
    loaded = sweeps.load("particles", tmp_path)
    pd.testing.assert_frame_equal(loaded, table)
    assert set(loaded["variant"]) == {"a", "b", "1"}
    known = json.loads((tmp_path / "particles_settings.json").read_text())
    assert (known["recipe"], known["seeds"], known["first_seed"]) == ("mine.py:tiny", 2, 0)
    assert known["variants"]["IcyRoad"]["a"]["recipe"] == repr(TINY)
    assert known["seconds"]["total"] == pytest.approx(sum(known["seconds"]["pieces"].values()), abs=0.06)
    assert set(known["hardware"]) == {"processor", "cores"}


def test_names_that_clash_are_refused():
    with pytest.raises(ValueError, match="variants must have different names on a road, got"):
        sweeps.run_sweep([*three(), *three()], CELLS, seeds=1)


def test_another_number_of_components_reaches_the_model(monkeypatch):
    seen = []
    monkeypatch.setattr(pool, "run_mbrl", lambda *a, **k: seen.append(a[2]) or real(*a, **k))
    many = sweeps.Variant("IcyRoad", "many", dl.IcyRoad(), TINY, {**kept.MODELS, "mixture": 7})
    sweeps.run_sweep([*three()[:1], many], CELLS[:1], seeds=1, jobs=1)
    assert sorted(seen) == [kept.MODELS["mixture"], 7]
    names = {kept.fingerprint(v.env, v.recipe, models=v.models) for v in (three()[0], many)}
    assert len(names) == 2


def test_the_particle_axis_changes_particles_alone():
    variants = sweeps.particle_axis()
    assert [v.name for v in variants] == ["1", "2", "5", "20"] * 2
    for v in variants:
        ours = dl.our_recipe(v.env)
        assert v.recipe.planner.particles == int(v.name)
        assert v.recipe.but(planner=ours.planner) == ours
        assert dataclasses.replace(v.recipe.planner, particles=ours.planner.particles) == ours.planner


@pytest.mark.parametrize("bottom", ["paper", "paper-trajectory"])
def test_the_ladder_leads_from_the_one_recipe_to_the_other(bottom):
    rungs = sweeps.ladder(bottom=table1.RECIPES[bottom])
    for road, env in table1.ROADS.items():
        mine = [v for v in rungs if v.road == road]
        assert mine[0].recipe == table1.RECIPES[bottom](env)
        assert mine[-1].recipe == dl.our_recipe(env)
        assert all(one.recipe != next_.recipe for one, next_ in itertools.pairwise(mine))
        assert ("estimator" in [v.name for v in mine]) == (bottom == "paper-trajectory")
        names = [name for name, _ in sweeps.RUNGS]
        assert [v.name for v in mine[1:]] == sorted((v.name for v in mine[1:]), key=names.index)


def test_a_rung_changes_what_it_names_and_no_more():
    """Field by field, the planner's too: from the rung below only what is named differs."""
    for road in table1.ROADS:
        rungs = [v for v in sweeps.ladder() if v.road == road]
        for below, rung in itertools.pairwise(rungs):
            named = set(dict(sweeps.RUNGS)[rung.name])
            differ = {name for name, value in vars(rung.recipe).items() if value != getattr(below.recipe, name)}
            if rung.name == "planner":
                shared = {f.name for f in dataclasses.fields(dl.Estimator)}
                assert all(getattr(rung.recipe.planner, n) == getattr(below.recipe.planner, n) for n in shared)
            elif "planner" in differ:
                pairs = ((n, getattr(below.recipe.planner, n)) for n in vars(rung.recipe.planner))
                inner = {f"planner.{n}" for n, value in pairs if getattr(rung.recipe.planner, n) != value}
                differ = differ - {"planner"} | inner
            assert differ <= named


def test_every_field_of_a_recipe_is_on_some_rung():
    named = {name for _, what in sweeps.RUNGS for name in what}
    assert {f.name for f in dataclasses.fields(dl.Recipe)} <= named
    relatives = {"flatten", "correction", "correction_scale", "resample", "discount"}  # in no recipe
    shared = {f"planner.{f.name}" for f in dataclasses.fields(dl.Estimator) if f.name not in relatives}
    assert shared == {name for name in named if name.startswith("planner.")}


def test_the_sensitivity_changes_one_thing_at_a_time():
    variants = sweeps.sensitivity()
    for road, env in table1.ROADS.items():
        chosen = dl.paper_recipe(env)
        first, *others = [v for v in variants if v.road == road]
        assert (first.name, first.env, first.recipe) == (sweeps.AS_CHOSEN, env, chosen)
        for v in others:
            changed = [v.env != env, v.recipe != chosen, dict(v.models) != kept.MODELS]
            assert sum(changed) == 1, v.name
        choices = {v.name.partition(":")[0] for v in others}
        assert choices >= {"components", "candidates", "horizon", "episodes", "width", "clip", "steps"}
        assert max(v.recipe.planner.horizon for v in others) <= env.horizon
    assert {"swerve_prob: 1", "noise: 0.1"} <= {v.name for v in variants if v.road == "IcyRoad"}


def test_a_level_that_is_the_chosen_one_is_left_out_and_another_roads_name_is_refused():
    names = {v.name for v in sweeps.sensitivity({"IcyRoad": dl.IcyRoad(swerve_prob=0.7)})}
    assert "swerve_prob: 1" in names and "swerve_prob: 0.7" not in names
    with pytest.raises(ValueError, match=r"roads\['IcyRoad'\] must have the field swerve_prob, got Intersection\("):
        sweeps.sensitivity({"IcyRoad": dl.Intersection()})


def test_an_extreme_road_of_the_sensitivity_can_be_learned():
    certain = next(v for v in sweeps.sensitivity(ICY, TINY) if v.name == "swerve_prob: 1")
    assert certain.env.swerve_prob == 1
    assert sweeps.run_sweep([certain], CELLS, seeds=1, jobs=1)["return"].notna().all()


def test_components_are_varied_for_mixtures_only():
    variants = [v for v in sweeps.sensitivity(ICY, TINY) if v.name in (sweeps.AS_CHOSEN, "components: 2")]
    table = sweeps.run_sweep(variants, [("Gaussian", "baseline"), ("mixture", "baseline")], seeds=1, jobs=1)
    assert set(table[table["variant"] == "components: 2"]["model"]) == {"mixture"}
    assert set(table[table["variant"] == sweeps.AS_CHOSEN]["model"]) == {"Gaussian", "mixture"}


def table_of(cells):
    rows = [
        ("IcyRoad", variant, "state", "mixture", method, run, value)
        for (variant, method), values in cells.items()
        for run, value in enumerate(values)
    ]
    return pd.DataFrame(rows, columns=[*sweeps.SAME, "run", "return"])


def test_the_summary_by_hand():
    table = table_of({("a", "dam"): [1.0, 5.0], ("b", "dam"): [2.0, 7.0, 6.0]})
    a, b = sweeps.summarise(table).to_dict("records")
    assert (a["mean"], a["difference"], a["runs"]) == (3, 0, 2)
    assert (b["mean"], b["difference"], b["runs"]) == (5, 1.5, 3)  # of the two runs that both have
    assert b["difference_stderr"] == pytest.approx(0.5)
    assert b["unpaired_stderr"] == pytest.approx(np.hypot(stats.sem([1, 5]), stats.sem([2, 7, 6])))
    assert sweeps.summarise(table, "b")["difference"].tolist() == [-1.5, 0]


def test_differences_are_those_of_welchs_test():
    x, y = np.random.default_rng(0).normal(size=(2, 9))
    table = table_of({("a", "disc"): x, ("a", "baseline"): y[:6], ("b", "disc"): [1.0], ("b", "dam"): [3.0]})
    row, single = sweeps.differences(table).to_dict("records")
    welch = stats.ttest_ind(x, y[:6], equal_var=False)
    assert row["pair"] == "disc − baseline"
    assert row["difference"] == pytest.approx(x.mean() - y[:6].mean())
    assert row["stderr"] == pytest.approx(row["difference"] / welch.statistic)
    assert (row["low"], row["high"]) == pytest.approx(tuple(welch.confidence_interval()))
    assert (single["pair"], single["difference"]) == ("dam − disc", 2)
    assert np.isnan([single["stderr"], single["low"], single["high"]]).all()


@pytest.mark.parametrize("name", sweeps.NAMES)
def test_the_stored_sweep_is_what_its_settings_say(name):
    if not (table1.STORED / f"{name}.csv").exists():
        pytest.skip("not stored yet")
    known, table = json.loads((table1.STORED / f"{name}_settings.json").read_text()), sweeps.load(name, table1.STORED)
    assert known["seeds"] == table["run"].nunique() >= 10
    assert known["methods"] == list(table["method"].unique())
    make = {"particles": sweeps.particle_axis, "ladder": sweeps.ladder, "sensitivity": sweeps.sensitivity}[name]
    wanted = {(v.road, v.name): v for v in make()}
    told = {(road, variant) for road, variants in known["variants"].items() for variant in variants}
    assert told == set(wanted) == set(table[["road", "variant"]].itertuples(index=False, name=None))
    for (road, variant), v in wanted.items():
        assert known["variants"][road][variant]["recipe"] == kept.without_addresses(v.recipe)
        assert known["variants"][road][variant]["environment"] == repr(v.env)
    runs = table.groupby(list(sweeps.SAME))["run"].nunique()
    assert runs.eq(known["seeds"]).all()
