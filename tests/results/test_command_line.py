"""The command line: a first try writes beside, and the stored tables are replaced only when told and by no less."""

import hashlib
import importlib
import itertools
import json
import shutil
import sys

import pandas as pd
import pytest
from tiny import CHANGES

import damlite as dl
from damlite import lessons
from damlite.__main__ import main
from damlite.lessons import command as figures_command
from damlite.results import (
    choices,
    claims,
    command_fitted,
    distractors,
    fitted_map,
    lucky,
    pool,
    ratios,
    table1,
)

FULL = ["table1", "--predict", "state", "velocity", "--replace"]
KEPT_FILES = ("table1_returns.csv", "table1.csv", "table1_settings.json", "claims.csv", "figure2_masses.csv")


def seals(folder):
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir() if path.is_file()}


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """A working directory of its own."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def repository(elsewhere, monkeypatch):
    """A copy of the stored tables in the place of the repository's."""
    folder = elsewhere / "repository" / "figures"
    shutil.copytree(table1.STORED, folder, ignore=shutil.ignore_patterns("*.png", "*.gif"))
    two_runs_of_particles().to_csv(folder / "particles.csv", index=False)
    monkeypatch.setattr(table1, "STORED", folder)
    monkeypatch.setattr(table1, "REPOSITORY", folder)
    return folder


def two_runs_of_particles():
    """Stored numbers of the particle axis, made up."""
    every = itertools.product(
        table1.ROADS, ("1", "20"), ("state",), *map(list, (table1.MODELS, table1.METHODS)), (0, 1)
    )
    columns = ["road", "variant", "predict", "model", "method", "run"]
    return pd.DataFrame(every, columns=columns).assign(**{"return": 1.5})


@pytest.fixture
def sweeps(monkeypatch):
    """What is run, in place of hours of work: its arguments, and the stored numbers come back."""
    asked, returns, masses = [], table1.load(), pd.read_csv(table1.STORED / "figure2_masses.csv")
    driven, tables = (pd.read_csv(table1.STORED / f"{name}.csv") for name in ("ablations", "distractors"))
    climbed = [part for _, part in ratios.load(table1.STORED).groupby(["road", "networks", "predict"])]

    def run_table1(seeds, predicts, jobs, *, roads, first_seed, **how):
        asked.append({"seeds": seeds, "predicts": predicts, "roads": list(roads), "first_seed": first_seed, **how})
        chosen = returns["predict"].isin(predicts) & returns["road"].isin(list(roads)) & (returns["run"] < seeds)
        return returns[chosen]

    monkeypatch.setattr(table1, "run_table1", run_table1)
    monkeypatch.setattr(claims, "unrealistic_mass", lambda runs: masses)
    monkeypatch.setattr(pool, "run", lambda *asked_of, **how: asked.append(how) or [])
    monkeypatch.setattr(choices, "run", lambda runs, jobs: asked.append({"runs": runs}) or driven)
    monkeypatch.setattr(distractors, "run", lambda runs: asked.append({"runs": runs}) or tables)
    monkeypatch.setattr(ratios, "run", lambda *asked_of: asked.append({"ratios": asked_of}) or iter(climbed[::-1]))
    return asked


def test_a_first_try_writes_beside(elsewhere, monkeypatch, capsys):
    """A real one, though tiny; the stored tables stay as they are to the last byte."""
    before = seals(table1.STORED)
    monkeypatch.setitem(table1.RECIPES, "our", lambda env: dl.our_recipe(env).but(**CHANGES))
    main(["table1", "--seeds", "1", "--rounds", "1", "--road", "IcyRoad", "--jobs", "1"])
    assert seals(table1.STORED) == before
    assert sorted(path.name for path in (elsewhere / "table1_results").iterdir()) == sorted(KEPT_FILES[:3])
    assert len(list((elsewhere / "table1_pieces").rglob("*.csv"))) == 8
    assert "written to table1_results" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("line", "place"),
    [
        (["table1", "--seeds", "2"], "table1_results"),
        (["table1", "--seeds", "2", "--quick"], "table1_quick"),
        (["table1", "--seeds", "2", "--out", "mine/deep"], "mine/deep"),
        (["ablations", "--runs", "2"], "ablations_results"),
        (["ablations", "--out", "mine"], "mine"),
    ],
)
def test_where_tables_go(elsewhere, repository, sweeps, line, place):
    before = seals(repository)
    main(line)
    assert seals(repository) == before
    written = {path.name for path in (elsewhere / place).iterdir()}
    assert written == (set(KEPT_FILES) if line[0] == "table1" else {"ablations.csv"})


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ([*FULL, "--seeds", "19"], "--seeds 19, and 20 are stored"),
        ([*FULL, "--road", "IcyRoad"], "--road without Intersection"),
        (["table1", "--replace"], "--predict without velocity"),
        ([*FULL, "--quick"], "--quick"),
        ([*FULL, "--rounds", "3"], "--rounds 3"),
        ([*FULL, "--first-seed", "1000"], "--first-seed 1000, and the stored ones begin at 0"),
        ([*FULL, "--out", "mine"], "--out given too"),
        (["ablations", "--replace", "--runs", "9"], "--runs 9, and 10 are stored"),
        (["ablations", "--replace", "--out", "mine"], "--out given too"),
        (["ratios", "--replace", "--runs", "5"], "--runs 5, and 6 are stored"),
        (["ratios", "--replace", "--road", "IcyRoad"], "--road without Intersection"),
        (["ratios", "--replace", "--networks", "our"], "--networks without paper"),
        (["ratios", "--replace", "--predict", "state"], "--predict without velocity"),
        (["ratios", "--replace", "--out", "mine"], "--out given too"),
        (["distractors", "--replace", "--runs", "3"], "--runs 3, and 4 are stored"),
        (["table1", "--out", "repository/figures"], "give --replace to replace them"),
        (["ablations", "--out", "repository/../repository/figures"], "give --replace to replace them"),
        (["table1", "--out", "/proc/version/tables"], "folder must be one that can be written to"),
        (["table1", "--seeds", "0"], "argument --seeds: must be a positive integer, got 0"),
        (["table1", "--rounds", "-1"], "argument --rounds: "),
        (["table1", "--predict", "speed"], "argument --predict: invalid choice: 'speed'"),
        (["table1", "--recipe", "mine"], "argument --recipe: recipe must be one of our, paper, paper-trajectory, or"),
        (["table1", "--out", "repository/figures/paper"], "give --replace to replace them"),
        (["ladder", "--replace", "--predict", "velocity"], "--predict velocity, and the stored one is of state"),
        (["ladder", "--replace", "--bottom", "our"], "--bottom our, and the stored one is of paper"),
        (["particles", "--replace", "--recipe", "paper"], "--recipe paper, and the stored one is of our"),
        (["sensitivity", "--replace", "--first-seed", "3"], "--first-seed 3, and the stored ones begin at 0"),
        ([*FULL, "--recipe", "paper", "--first-seed", "3"], "--first-seed 3, and the stored ones begin at 0"),
        (["sensitivity", "--first-seed", "-3"], "argument --first-seed: must be a non-negative integer, got -3"),
        (["particles", "--replace", "--seeds", "1"], "--seeds 1, and 2 are stored"),
        (["particles", "--replace", "--model", "mixture"], "--model without Gaussian"),
        (["particles", "--replace", "--method", "dam"], "--method without baseline"),
        (["particles", "--replace", "--road", "IcyRoad"], "--road without Intersection"),
        (["particles", "--replace", "--out", "mine"], "--out given too"),
        (["ablations", "--runs", "0"], "argument --runs: must be a positive integer, got 0"),
        (["table2"], "invalid choice: 'table2'"),
    ],
)
def test_what_would_lose_something_is_refused_before_any_work(repository, sweeps, capsys, line, message):
    before = seals(repository)
    with pytest.raises(SystemExit) as ended:
        main(line)
    assert ended.value.code == 2
    assert message in capsys.readouterr().err
    assert not sweeps
    assert seals(repository) == before


@pytest.mark.parametrize("name", ["ratios", "distractors"])
def test_fitted_tables_go_beside_and_replace_what_is_stored_when_told(elsewhere, repository, sweeps, capsys, name):
    before, stored = seals(repository), repository / f"{name}.csv"
    main([name, "--runs", "1"])
    assert seals(repository) == before
    found = pd.read_csv(elsewhere / f"{name}_results" / f"{name}.csv", keep_default_na=False)
    pd.testing.assert_frame_equal(found, pd.read_csv(stored, keep_default_na=False))
    assert f"written to {name}_results" in capsys.readouterr().out
    stored.write_text(stored.read_text().replace("\n", "\n\n"))  # the same, told apart
    main([name, "--replace"])
    assert seals(repository) == before


def test_what_ended_before_an_interrupt_is_saved(tmp_path):
    """Each table as it ends, in an order that does not depend on which ended first."""

    def ending():
        for road in ("b", "a"):
            yield pd.DataFrame({"road": [road, road], "networks": "paper", "predict": "state", "value": [1.5, 2.5]})
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        command_fitted.save(ending(), tmp_path / "ratios.csv")
    assert pd.read_csv(tmp_path / "ratios.csv")["road"].tolist() == ["a", "a", "b", "b"]
    assert [path.name for path in tmp_path.iterdir()] == ["ratios.csv"]


def test_the_fitted_part_of_the_map_is_saved_whole(tmp_path, monkeypatch, capsys):
    looks, driven = pd.read_csv(table1.STORED / "lucky.csv"), fitted_map.load(table1.STORED)
    parts = [part for _, part in driven.groupby(["road", "model", "fit"])]
    monkeypatch.setattr(lucky, "run", lambda roads: looks)
    monkeypatch.setattr(fitted_map, "run_fitted_map", lambda jobs, roads, size: iter(parts[::-1]))
    command_fitted.run_fitted_map(tmp_path)
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "lucky.csv"), looks)
    columns = list(driven.columns[:-1])
    found, expected = (table.sort_values(columns, ignore_index=True) for table in (fitted_map.load(tmp_path), driven))
    pd.testing.assert_frame_equal(found, expected)
    assert "luckiest" in capsys.readouterr().out


def test_a_report_brings_texts_up_to_date(repository, tmp_path, capsys):
    text, stored = tmp_path / "mine.md", (repository / "deviations.csv").read_bytes()
    text.write_text("Mine.\n\n<!-- table: table1 -->\nold\n<!-- end -->\n")
    (repository / "deviations.csv").unlink()
    main(["report", str(text), "--tables", str(repository)])
    assert (repository / "deviations.csv").read_bytes() == stored
    assert "old" not in text.read_text()
    assert "| " in text.read_text()
    assert capsys.readouterr().out.splitlines() == [str(repository / "deviations.csv"), str(text)]


@pytest.mark.parametrize(
    ("content", "message"), [(None, "No such file"), ("<!-- table: guess -->\n<!-- end -->\n", "got 'guess'")]
)
def test_a_text_that_cannot_be_brought_up_to_date_is_named(tmp_path, capsys, content, message):
    text = tmp_path / "mine.md"
    if content is not None:
        text.write_text(content)
    with pytest.raises(SystemExit):
        main(["report", str(text), "--tables", str(tmp_path)])
    said = capsys.readouterr().err
    assert str(text) in said
    assert message in said
    assert content is None or text.read_text() == content


def test_all_that_is_wrong_is_said_at_once(repository, sweeps, capsys):
    with pytest.raises(SystemExit):
        main(["table1", "--seeds", "3", "--quick", "--replace"])
    said = capsys.readouterr().err
    assert all(part in said for part in ("--seeds 3", "--quick", "--predict without velocity"))


def test_an_installed_package_keeps_its_tables(repository, sweeps, monkeypatch, capsys):
    monkeypatch.setattr(table1, "REPOSITORY", repository / "nowhere")
    with pytest.raises(SystemExit):
        main(FULL)
    assert "no repository here" in capsys.readouterr().err
    assert not sweeps


def test_told_to_and_with_no_less_it_replaces_the_stored_tables(repository, sweeps):
    before = seals(repository)
    for name in (*KEPT_FILES, "ablations.csv"):
        (repository / name).write_text((repository / name).read_text().replace("\n", "\n\n"))  # the same, told apart
    main(FULL)
    main(["ablations", "--replace"])
    after = seals(repository)
    csvs = [name for name in before if name.endswith(".csv")]
    assert {name: after[name] for name in csvs} == {name: before[name] for name in csvs}
    assert json.loads((repository / "table1_settings.json").read_text())["recipe"] == "our"


@pytest.mark.parametrize(("recipe", "place"), [("paper", "paper"), ("paper-trajectory", "paper_trajectory")])
def test_each_recipe_has_its_own_place_and_keeps_it(repository, sweeps, capsys, recipe, place):
    shutil.rmtree(repository / place, ignore_errors=True)
    before = seals(repository)
    main([*FULL, "--recipe", recipe])
    assert seals(repository) == before
    assert {path.name for path in (repository / place).iterdir()} == set(KEPT_FILES) - {"figure2_masses.csv"}
    assert json.loads((repository / place / "table1_settings.json").read_text())["recipe"] == recipe
    assert set(table1.load_all()["recipe"]) >= {"our", recipe}
    with pytest.raises(SystemExit):
        main([*FULL, "--recipe", recipe, "--seeds", "19"])
    assert "--seeds 19, and 20 are stored" in capsys.readouterr().err


def test_ones_own_recipe_does_not_replace_what_is_stored(repository, sweeps, capsys):
    (repository / "mine.py").write_text("import damlite as dl\nmine = dl.Recipe(planner=dl.Exhaustive())\n")
    with pytest.raises(SystemExit):
        main([*FULL, "--recipe", f"{repository}/mine.py:mine"])
    assert "mine.py:mine, and the stored ones are by our, paper, paper-trajectory" in capsys.readouterr().err


def test_a_recipe_is_chosen_and_recorded(elsewhere, repository, sweeps):
    main(["table1", "--seeds", "2", "--recipe", "paper", "--road", "IcyRoad", "--rounds", "2"])
    known = json.loads((elsewhere / "table1_results" / "table1_settings.json").read_text())
    assert (known["recipe"], known["roads"], known["changes"]) == ("paper", ["IcyRoad"], {"rounds": 2})
    assert known["recipes"]["IcyRoad"]["planner"]["kind"] == "RandomShooting"
    assert known["recipes"]["IcyRoad"]["rounds"] == 2
    assert sweeps[0]["recipe"] is dl.paper_recipe


@pytest.mark.parametrize("command", ["table1", "ablations", "particles", "ladder", "sensitivity", "figures"])
def test_every_command_explains_itself(command, capsys):
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])
    assert ended.value.code == 0
    assert "--out" in capsys.readouterr().out


def test_figures_are_drawn_from_the_stored_tables(elsewhere, monkeypatch):
    monkeypatch.setattr(figures_command, "scenes", lambda: [("figure2_left.png", b"")])
    monkeypatch.setattr(figures_command, "lessons", lambda: [("lesson_00.png", b"")])
    main(["figures", "--out", "pictures"])
    drawn = {path.name for path in (elsewhere / "pictures").iterdir()}
    stored = {path.name for path in table1.STORED.glob("*.png")}
    assert {"figure2_left.png", "lesson_00.png", "ablation_icyroad_state.png", "beyond_planner.png"} <= drawn <= stored
    assert all(path.stat().st_size > 1000 for path in (elsewhere / "pictures").glob("[ab]*.png"))


def test_lessons_pictures_are_left_out_without_ipywidgets(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "ipywidgets", None)
    assert list(figures_command.lessons()) == []
    assert "left out: they need ipywidgets" in capsys.readouterr().out


def test_every_key_panel_is_there():
    assert sorted(lessons.KEY_PANELS) == [f"{n:02d}" for n in range(14) if n != 9]  # lesson 09's is the stored Table 1
    for module, function in lessons.KEY_PANELS.values():
        assert callable(getattr(importlib.import_module(f"damlite.lessons.{module}"), function))


def test_a_key_panel_is_a_picture():
    assert bytes(lessons.key_panel("01").picture.value).startswith(b"\x89PNG")
