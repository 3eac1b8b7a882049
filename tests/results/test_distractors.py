"""The experiment with distractors: what can be known of it beforehand."""

import math

import pytest

import damlite as dl
from damlite.results import distractors


@pytest.fixture(scope="module")
def table():
    found = distractors.run((0, 8), runs=3, episodes=60, training=dl.Training(steps=150))
    return found.pivot_table(index=["distractors", "q", "run"], columns="quantity", values="value")


def test_every_cell_is_there(table):
    assert len(table) == 2 * 3 * 3
    assert table.notna().all(axis=None)
    assert ((table["effective share"] > 0) & (table["effective share"] <= 1)).all()


def test_no_classifier_tells_more_than_there_is_to_be_told(table):
    """But for sampling, 1,000 transitions here; and nobody tells more than which of two it is."""
    assert (
        table["told"].groupby(["distractors", "q"]).mean() < table["to be told"].groupby(["distractors", "q"]).mean()
    ).all()
    assert (table["to be told"] <= 2 * math.log(2)).all()


def test_distractors_leave_what_there_is_to_be_told_of_other_odds_alone(table):
    """Exactly, but for other random episodes: five standard errors."""
    cells = table["to be told"].xs("other odds", level="q")
    few, many = cells.xs(0), cells.xs(8)
    assert abs(few.mean() - many.mean()) < 5 * math.hypot(few.sem(), many.sem())


def test_a_fitted_model_errs_in_every_distractor(table):
    of = table["to be told"].xs("mixture", level="q")
    assert (of.xs(8) > of.xs(0)).all()


def test_the_same_seed_gives_the_same_table():
    first, second = (distractors.run((1,), 1, episodes=10, training=dl.Training(steps=5)) for _ in range(2))
    assert first.equals(second)
