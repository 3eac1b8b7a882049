"""Lesson 12: the relatives estimate what the lesson says, and duels are judged by their regrets."""

import math

import pytest
import torch

import damlite as dl
from damlite.lessons import compare_the_relatives as lesson


def estimated(relative, particles, road=0.9, model=0.5):
    """Mean of the panel's estimates of always accelerating, and its standard error."""
    x = lesson.judged(road, model, relative, 1.0, particles, "own")[0]
    return x.mean().item(), x.std().item() / len(x) ** 0.5


@pytest.mark.parametrize("relative", ["multiplied", "resampled"])
def test_weights_carried_or_resampled_give_the_exact_value(relative):
    mean, error = estimated(relative, 20)
    assert abs(mean - dl.exact.value(dl.IcyRoad(), torch.full((5,), 2))) < 5 * error


def test_what_is_added_is_the_divergence_of_three_transitions():
    believed = dl.exact.value(dl.IcyRoad(swerve_prob=0.5), torch.full((5,), 2))
    divergence = 0.5 * math.log(0.5 / 0.9) + 0.5 * math.log(0.5 / 0.1)
    mean, error = estimated("added", 20)
    assert abs(mean - (believed - 3 * divergence)) < 5 * error


def test_one_particle_is_not_corrected_by_its_own_mean():
    none, normalised = (lesson.judged(0.9, 0.5, name, 1.0, 1, "own") for name in ("no correction", "self-normalised"))
    assert torch.allclose(none[0], normalised[0])
    assert torch.equal(none[2], normalised[2])


def test_relatives_agree_where_the_model_is_right():
    worths = [lesson.judged(0.9, 0.9, name, 1.0, 20, "common")[2].mean() for name in lesson.RELATIVES]
    assert max(worths) - min(worths) < 1


def test_adding_does_not_help_a_pessimist_and_multiplying_does():
    worth = {name: lesson.judged(0.2, 0.9, name, 1.0, 20, "own")[2].mean() for name in lesson.RELATIVES}
    assert worth["multiplied"] > worth["no correction"] + 5 > worth["added"]


@pytest.mark.parametrize(
    ("design", "sentence"),
    [
        ((0.9, 0.2, 10.0, 20), "right, "),
        ((0.9, 0.2, 1.0, 20), "leaves a sum of logarithms alone"),
        ((0.2, 0.9, 1.0, 20), "pessimistic"),
        ((0.9, 0.2, 10.0, 50), "1 to 20 particles"),
        ((0.9, 0.2, -1.0, 5), "scale of at least 0"),
        ((1.0, 0.2, 1.0, 5), "log p/q is finite"),
        ((0.9, 0.2), "expected four numbers"),
        ((0.9, 0.9, 0.0, 20), "leaves a sum of logarithms alone"),
    ],
)
def test_a_duel_is_judged_by_its_regrets(design, sentence):
    assert sentence in lesson.check_duel(lambda: design)


def test_a_duel_without_an_answer():
    assert "not answered yet" in lesson.check_duel(lambda: ...)
