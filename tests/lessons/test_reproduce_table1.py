"""Lesson 11: what few seeds say of the stored table, and the check of verdicts, which is asked with words."""

import numpy as np
import pytest

from damlite.lessons import reproduce_table1 as lesson
from damlite.results import table1


def test_the_runs_are_those_of_the_stored_table():
    table = table1.summarise(table1.load())
    for road in table1.ROADS:
        for predict in table1.PREDICTS:
            rows = table[(table["road"] == road) & (table["predict"] == predict)].set_index(["model", "method"])
            assert np.allclose(
                lesson.stored_runs(road, predict).mean(-1), [rows["mean"][cell] for cell in lesson.CELLS]
            )


def test_how_often_few_seeds_name_the_best_by_a_loop():
    """A thousand tables drawn in another order: within five standard errors."""
    runs, found = lesson.stored_runs("IcyRoad", "state"), lesson.named_best("IcyRoad", "state")
    assert list(found.index) == list(range(2, 21))
    rng = np.random.default_rng(1)
    for seeds in (3, 20):
        means = [[rng.choice(cell, seeds).mean() for cell in runs] for _ in range(1000)]
        share = (np.argmax(means, axis=1) == runs.mean(-1).argmax()).mean()
        assert abs(share - found[seeds]) < 5 * (2 * share * (1 - share) / 1000) ** 0.5


def test_the_panel_shows_the_mean_of_the_drawn_runs_and_of_all():
    panel = lesson.few_seeds()
    panel.controls["seeds"].value = 20
    left = panel.fig.axes[0]
    *marks, alls = [line for line in left.lines if line.get_marker() != "None"]
    runs = lesson.stored_runs("IcyRoad", "state")
    assert np.allclose(alls.get_ydata(), runs.mean(-1))
    chosen = np.take_along_axis(runs, np.random.default_rng(0).integers(20, size=(8, 20)), axis=1)
    assert np.allclose([mark.get_ydata()[0] for mark in marks], chosen.mean(-1))
    panel.close_all()


def judge(low, high, tolerance):
    return "reproduced" if low > tolerance else "not reproduced" if high < tolerance else "undecided"


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (judge, "right"),
        (lambda low, high, t: ..., "not answered yet"),
        (lambda low, high, t: None, "not answered yet"),
        (lambda low, high, t: "yes" if low > t else "no", "three words"),
        (lambda low, high, t: "reproduced" if low + high > 2 * t else "not reproduced", "Neither side"),
        (
            lambda low, high, t: "not reproduced" if low > t else "reproduced" if high < t else "undecided",
            "wrong way round",
        ),
        (lambda low, high, t: judge(low, high, 0.0), "tolerance is forgotten"),
        (lambda low, high, t: "undecided" if t == 0.5 and high > 0.7 else judge(low, high, t), "not yet"),
    ],
)
def test_verdict(answer, expected, capsys):
    assert expected in lesson.check_verdict(answer)
    assert expected in capsys.readouterr().out


def test_other_ways_to_the_same_number_are_right():
    assert "right" in lesson.check_standard_error(lambda runs: float(runs.var() / len(runs)) ** 0.5)
    middle = slice(2, -2)
    assert "right" in lesson.check_interquartile_mean(lambda runs: float(runs.sort().values[middle].mean()))


def test_a_function_that_says_only_some_words_is_asked_for_all():
    assert "three words" in lesson.check_verdict(lambda low, high, t: None if low > t else judge(low, high, t))
