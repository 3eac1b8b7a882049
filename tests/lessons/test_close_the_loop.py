"""Lesson 09: the button that runs the eight cells; a loop, a planner that is repaired, seeds that are needed."""

from dataclasses import replace
from statistics import NormalDist

import pandas as pd
import pytest
import torch

import damlite as dl
from damlite.lessons import close_the_loop as lesson
from damlite.lessons.close_the_loop import (
    Ablation,
    Setting,
    check_mbrl,
    check_repaired,
    check_seeds_needed,
    eight_cells,
)
from damlite.results import table1

asked = []  # what the made-up pieces were asked for
SMALL = {"steps": 20, "random_episodes": 5, "episodes": 2, "evaluation_episodes": 2}


@pytest.fixture(scope="module")
def stored():
    return table1.load()


@pytest.fixture
def ablation(stored, monkeypatch):
    """Its cells are run at once: each piece's table is made up."""

    def run_pieces(pieces, **changes):
        asked.append(changes)
        for piece in pieces:
            rows = [(number, 1.0 + number) for number in range(1 + changes["rounds"])]
            cell = {name: getattr(piece, name) for name in ("road", "predict", "model", "method")}
            yield pd.DataFrame({**cell, "run": 0, "round": [n for n, _ in rows], "return": [r for _, r in rows]})

    asked.clear()
    monkeypatch.setattr(table1, "run_pieces", run_pieces)
    made = Ablation(stored)
    yield made
    made.close_all()


def picture_of(table, predict):
    """What the panel shows of a table alone."""
    alone = Ablation(table)
    alone.predict.value = predict
    return alone.picture.value


def test_the_button_runs_the_cells_and_is_ready_again(stored, monkeypatch):
    run = table1.run_pieces
    monkeypatch.setattr(table1, "run_pieces", lambda pieces, **changes: run(pieces, jobs=1, **changes, **SMALL))
    ablation = Ablation(stored)
    before = ablation.picture.value
    ablation.seeds.value = ablation.rounds.value = 1
    ablation.run()
    assert ablation.progress.value == 8
    assert len(ablation.table) == 8 * 2
    assert ablation.picture.value != before
    assert not ablation.button.disabled
    assert ablation.picture.layout.opacity == "1"


@pytest.mark.parametrize(("ran", "other"), [("state", "velocity"), ("velocity", "state")])
def test_after_a_run_the_other_kind_is_the_stored_one(ablation, stored, ran, other):
    ablation.predict.value = ran
    ablation.run()
    own = ablation.picture.value
    assert own != picture_of(stored, ran)
    assert "your own run" in ablation.caption.value
    ablation.predict.value = other
    assert ablation.picture.value == picture_of(stored, other)
    assert f"predict the {other}" in ablation.caption.value
    assert "the stored results (seeds 20, rounds 10)" in ablation.caption.value
    ablation.predict.value = ran
    assert ablation.picture.value == own
    assert "your own run" in ablation.caption.value


def small(recipe, particles=None):
    """Two runs of every cell: a table of Table 1, or of the particle axis; the returns tell which."""
    rows = [
        ("IcyRoad", "state", model, method, run, 0.01 * (particles or 0) + len(recipe) + run)
        for model in table1.MODELS
        for method in table1.METHODS
        for run in range(2)
    ]
    table = pd.DataFrame(rows, columns=["road", "predict", "model", "method", "run", "return"])
    if particles is None:
        return table.assign(recipe=recipe, round=0)
    return table.assign(variant=str(particles))


@pytest.fixture
def three_recipes():
    made = Ablation(pd.concat(map(small, table1.RECIPES)), pd.concat([small("our", 1), small("our", 20)]))
    yield made
    made.close_all()


def choose(ablation, recipe, particles):
    ablation.recipe.value, ablation.particles.value = recipe, particles
    return ablation.table


@pytest.mark.parametrize("recipe", table1.RECIPES)
def test_each_recipe_shows_its_own_stored_table(three_recipes, recipe):
    shown = choose(three_recipes, recipe, 0)
    assert len(shown) == 16
    assert set(shown["recipe"]) == {recipe}
    assert repr(recipe) in three_recipes.caption.value


def test_particles_are_those_of_the_axis_and_the_recipes_own_number_is_the_table(three_recipes):
    assert set(choose(three_recipes, "our", 1)["variant"]) == {"1"}
    assert set(choose(three_recipes, "our", 20)["variant"]) == {"20"}
    assert "particles 20" in three_recipes.description
    assert dl.paper_recipe(dl.IcyRoad()).planner.particles == 1
    own, chosen = choose(three_recipes, "paper", 0), choose(three_recipes, "paper", 1)
    assert len(own) == 16
    pd.testing.assert_frame_equal(own, chosen)


@pytest.mark.parametrize(("recipe", "particles"), [("our", 2), ("paper", 20)])
def test_what_is_not_stored_is_said(three_recipes, recipe, particles):
    assert choose(three_recipes, recipe, particles).empty
    assert three_recipes.picture.value == b""
    assert f"no stored results for the recipe {recipe!r} with particles {particles}" in three_recipes.description


@pytest.mark.parametrize("recipe", table1.RECIPES)
@pytest.mark.parametrize("particles", [0, 5])
def test_the_button_runs_the_chosen_recipe_with_the_chosen_particles(ablation, recipe, particles):
    choose(ablation, recipe, particles)
    ablation.run()
    (changes,) = asked
    env = dl.IcyRoad()
    run = table1.recipes({"IcyRoad": env}, **{k: v for k, v in changes.items() if k != "roads"})["IcyRoad"]
    whole = table1.RECIPES[recipe](env)
    assert run.rounds == ablation.rounds.value
    assert run.planner.particles == (particles or whole.planner.particles)
    assert run.planner.estimator == whole.planner.estimator
    assert run.but(rounds=whole.rounds, planner=whole.planner) == whole
    own = ablation.picture.value
    assert "your own run" in ablation.caption.value
    choose(ablation, recipe, 2)
    assert ablation.picture.value != own
    assert ablation.setting == Setting(recipe, 2, whole.planner.particles, "state")


def test_without_results_of_a_kind_there_is_no_picture(stored):
    ablation = Ablation(stored[stored["predict"] == "state"])
    assert ablation.picture.value
    ablation.predict.value = "velocity"
    assert ablation.picture.value == b""
    assert ablation.picture.layout.display == "none"
    assert "no stored results" in ablation.caption.value
    ablation.predict.value = "state"
    assert ablation.picture.layout.display is None


def test_while_the_cells_run_the_picture_is_grey_and_the_button_off(ablation, monkeypatch):
    seen, run = [], table1.run_pieces

    def watched(pieces, **changes):
        for table in run(pieces, **changes):
            seen.append((ablation.picture.layout.opacity, ablation.button.disabled, ablation.progress.value))
            yield table

    monkeypatch.setattr(table1, "run_pieces", watched)
    ablation.run()
    assert seen == [("0.3", True, done) for done in range(8)]


def test_an_error_leaves_the_stored_picture_and_the_button_on(ablation, monkeypatch):
    def fails(pieces, **changes):
        raise RuntimeError("no <space> left")
        yield

    before = ablation.picture.value
    monkeypatch.setattr(table1, "run_pieces", fails)
    with pytest.raises(RuntimeError, match="no <space> left"):
        ablation.run()
    assert not ablation.button.disabled
    assert ablation.picture.layout.opacity == "1"
    assert ablation.picture.value == before
    assert "the stored results" in ablation.caption.value
    assert "no &lt;space&gt; left" in ablation.caption.value


def test_a_saved_notebook_gets_a_png_and_its_alt_text(ablation):
    data, metadata = ablation._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in data
    assert len(data["image/png"]) > 1000
    assert metadata["image/png"]["alt"] == data["text/plain"] == ablation.description


def test_the_lessons_panel_is_the_button_over_all_that_is_stored():
    made = eight_cells()
    assert set(choose(made, "paper-trajectory", 0)["recipe"]) == {"paper-trajectory"}
    assert set(choose(made, "our", 5)["variant"]) == {"5"}
    made.close_all()


def test_the_loop_of_the_lesson_with_appended_data():
    def appending(rollout, train_model, train_discriminator, rounds):
        data, model, disc = [], None, None
        for _ in range(rounds):
            data.append(rollout(model, disc))
            model = train_model(data)
            disc = train_discriminator(model, data)
        return data

    assert "right" in check_mbrl(appending)


@pytest.fixture
def loops(monkeypatch):
    """Made-up returns: 3 as the paper prints it, 2 more with more particles; each run of eight differs a little."""

    def returns_with(planner):
        return 3 + 2.0 * (planner.particles > 1) + torch.linspace(-0.5, 0.5, 8)

    monkeypatch.setattr(lesson, "returns_with", returns_with)
    return dl.paper_recipe(dl.IcyRoad()).planner


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"particles": 20}, "right, 3.0 became 5.0, a gain of 2.0 ± 0.2"),
        ({"particles": 20, "stratified": True}, "right"),
        ({"candidates": 11}, "no gain of two standard errors"),
        ({"stratified": True}, "There is one, so this changes nothing"),
        ({}, "one or two changed fields, got 0: none"),
        ({"particles": 9, "candidates": 9, "clip": 1.0}, "got 3: particles, clip, candidates"),
    ],
)
def test_a_planner_is_repaired_by_one_or_two_fields(loops, changes, expected):
    assert expected in check_repaired(replace(loops, **changes))


@pytest.mark.parametrize("stub", [..., None])
def test_a_planner_that_is_not_there(stub):
    assert "not answered yet" in check_repaired(stub)


@pytest.mark.parametrize("wrong", [{"particles": 20}, 20, dl.Exhaustive(horizon=5)])
def test_what_is_not_the_papers_planner(wrong):
    assert "expected the paper's planner" in check_repaired(wrong)


def test_seeds_for_a_difference_as_it_was_found_are_those_that_were_there():
    """2.8 standard errors apart: the seeds are enough."""
    assert check_seeds_needed.right(torch.tensor(2.8), torch.tensor(1.0), 20) == pytest.approx(20)
    n = NormalDist()
    assert n.inv_cdf(0.975) + n.inv_cdf(0.8) == pytest.approx(lesson.FOUND, abs=0.01)
