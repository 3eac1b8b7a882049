"""Lesson 07: the button that runs the eight cells, and the exercise on the table of results."""

import pandas as pd
import pytest

from damlite.lessons.close_the_loop import Ablation, check_best_method
from damlite.results import table1

SMALL = {"steps": 20, "random_episodes": 5, "episodes": 2, "evaluation_episodes": 2}


@pytest.fixture(scope="module")
def stored():
    return table1.load()


@pytest.fixture
def ablation(stored, monkeypatch):
    """Its cells are run at once: each piece's table is made up."""

    def run_pieces(pieces, **changes):
        for piece in pieces:
            rows = [(number, 1.0 + number) for number in range(1 + changes["rounds"])]
            cell = {name: getattr(piece, name) for name in ("road", "predict", "model", "method")}
            yield pd.DataFrame({**cell, "run": 0, "round": [n for n, _ in rows], "return": [r for _, r in rows]})

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


def test_without_results_of_a_kind_there_is_no_picture(stored):
    ablation = Ablation(stored[stored["predict"] == "state"])
    assert ablation.picture.value
    ablation.predict.value = "velocity"
    assert ablation.picture.value == b""
    assert "no stored results" in ablation.caption.value


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


def test_best_method():
    table = pd.DataFrame(
        {
            "model": ["Gaussian", "mixture", "mixture"],
            "method": ["disc", "disc", "dam"],
            "mean": [1.0, 3.0, 2.0],
            "stderr": 0.1,
            "paper_mean": [1.0, 2.0, 3.0],
        }
    )
    assert "right" in check_best_method(("mixture", "disc"), table)
    assert "right" in check_best_method(["mixture", "disc"], table)
    assert "the paper's best" in check_best_method(("mixture", "dam"), table)
    assert "not that one" in check_best_method(("Gaussian", "disc"), table)
    assert "not that one" in check_best_method("mixture", table)
    for stub in (..., None):
        assert "not answered yet" in check_best_method(stub, table)
