"""Lesson 11: what few seeds say of the stored table, and the checks of judges and recipes."""

import numpy as np
import pytest
from scipy import stats

from damlite import RandomShooting
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


def judge(dam, others, family=7, test=stats.ttest_ind):
    p = test(others, dam[None], axis=-1, equal_var=False).pvalue
    ahead = dam.mean() > others.mean(-1)
    if (p[~ahead] < 0.05 / family).any():
        return "not reproduced"
    return "reproduced" if ahead.all() and (p < 0.05).all() else "undecided"


def against_the_best(dam, others):
    """To the best of the others alone, which luck has chosen."""
    return judge(dam, others[[others.mean(-1).argmax()]], family=1)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (judge, "right"),
        (lambda dam, others: ..., "not answered yet"),
        (lambda dam, others: None, "not answered yet"),
        (lambda dam, others: "yes", "three words"),
        (against_the_best, "“not reproduced” in"),
        (lambda dam, others: judge(dam, others, family=1), "“not reproduced” in"),
        (lambda dam, others: "reproduced" if dam.mean() > others.mean(-1).max() else "undecided", "“reproduced” in"),
        (lambda dam, others: "undecided", "in only 0%"),
    ],
)
def test_best(answer, expected, capsys):
    assert expected in lesson.check_best(answer)
    assert expected in capsys.readouterr().out


def shoot(**choices):
    return RandomShooting(horizon=5, stratified=False, **choices)


ONE = shoot(candidates=20, particles=1, common_random_numbers=False)
MANY = shoot(particles=20, common_random_numbers=False)


@pytest.mark.parametrize(
    ("recipes", "expected"),
    [
        ({"reproduced": ONE, "not reproduced": MANY}, "right"),
        ({"reproduced": ..., "not reproduced": ...}, "not answered yet"),
        (None, "not answered yet"),
        ({"reproduced": ONE}, "expected keys"),
        ([ONE, MANY], "expected keys"),
        ({"reproduced": 1, "not reproduced": MANY}, "expected a planner"),
        ({"reproduced": ONE, "not reproduced": ONE}, "not yet"),
    ],
)
def test_recipes(recipes, expected, capsys):
    assert expected in lesson.check_recipes(recipes)
    assert expected in capsys.readouterr().out


def test_another_way_to_the_same_number_is_right():
    middle = slice(2, -2)
    assert "right" in lesson.check_interquartile_mean(lambda runs: float(runs.sort().values[middle].mean()))


def test_a_function_that_is_sometimes_silent_is_told_so():
    assert "returns nothing" in lesson.check_best(lambda dam, others: None if dam[0] > 0 else judge(dam, others))
