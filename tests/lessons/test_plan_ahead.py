"""Lesson 07: its panels show what was computed, and the replay the particles of its own plans."""

import numpy as np
import pytest
import torch

import damlite as dl
from damlite.lessons import plan_ahead as lesson


def test_the_curse_promises_more_than_it_keeps_and_particles_lift_it():
    promised, worth = lesson.curse(1, 100, "each sequence its own")
    assert promised.shape == worth.shape == (lesson.DECISIONS,)
    assert promised.mean() - worth.mean() > 10
    promised, worth = lesson.curse(20, 100, "common and stratified")
    assert abs(promised.mean() - worth.mean()) < 1


def test_the_panel_of_the_curse_shows_its_numbers():
    panel = lesson.winners_curse()
    panel.controls["particles"].value = 5
    promised, worth = lesson.curse(5, 100, "each sequence its own")
    cloud, means = panel.fig.axes
    shown = cloud.collections[0].get_offsets()
    assert np.allclose(shown, torch.stack([promised, worth], -1))
    assert np.allclose([bar.get_height() for bar in means.patches], [promised.mean(), worth.mean()])


@pytest.mark.parametrize("weighted", [False, True])
def test_the_replay_shows_the_very_particles_of_the_plan(weighted):
    panel = lesson.replay()
    panel.controls["weights"].value = "with weights" if weighted else "without weights"
    for step, moment in enumerate(lesson.replayed(weighted), start=1):
        panel.controls["step"].value = step
        states, log_weights = moment.plan.states, moment.plan.log_weights
        believed = panel.fig.axes[0]
        threads = [line.get_xydata() for line in believed.lines if line.get_linestyle() == "--"]
        assert np.allclose(threads, states[..., :2].transpose(0, 1))
        dots = believed.collections[-1]
        assert np.allclose(dots.get_offsets(), states[1:, :, :2].reshape(-1, 2))
        assert np.allclose(dots.get_sizes(), (20 * log_weights[1:].exp()).clamp(0.5, 150).flatten())
        assert (log_weights == 0).all() != (weighted and len(states) > 1)


def test_a_replayed_promise_is_what_was_earned_and_the_value_of_the_particles():
    env = dl.IcyRoad()
    for weighted in (False, True):
        for t, moment in enumerate(lesson.replayed(weighted)):
            plan, action = moment.plan, torch.tensor(1)
            assert moment.driven.shape == (t + 2, 4)
            assert torch.equal(plan.states[0], moment.driven[-2].expand(lesson.PARTICLES, -1))
            value = (plan.log_weights.exp() * env.reward(plan.states, action)).mean(-1).sum()
            before = env.reward(moment.driven[:-2], action).sum()
            assert moment.promised == pytest.approx(float(before + value), abs=1e-3)
            assert moment.earned == pytest.approx(float(env.reward(moment.driven, action).sum()), abs=1e-4)


def test_the_cars_with_and_without_weights_meet_the_same_ice():
    bold, careful = (lesson.replayed(weighted) for weighted in (False, True))
    assert torch.equal(bold[0].driven, careful[0].driven) == bool(bold[0].plan.action == careful[0].plan.action)


@pytest.mark.parametrize(
    ("planner", "expected"),
    [
        (
            dl.RandomShooting(candidates=20, particles=10, common_random_numbers=True, stratified=True),
            "right, regret 1.",
        ),
        (dl.CrossEntropy(candidates=10, iterations=2, particles=10, elites=2), "right, regret 1."),
        (dl.RandomShooting(candidates=200, particles=1, common_random_numbers=False), "Too few particles a plan."),
        (dl.RandomShooting(candidates=4, particles=50), "Too few plans."),
        (dl.RandomShooting(candidates=100, particles=20), "imagines 2000 trajectories a decision, and 200 are allowed"),
        (dl.Exhaustive(particles=1), "imagines 243 trajectories"),
        (dl.Exhaustive(particles=20, hold=(1, 4)), "right, regret 0."),
        (20, "expected a planner such as dl.RandomShooting(...), got 20."),
        (..., "not answered yet"),
    ],
)
def test_a_planner_gets_its_verdict(planner, expected, capsys):
    assert expected in lesson.check_repaired(lambda: planner)
    assert capsys.readouterr().out.startswith("repaired: ")


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (([1.0, -3.0], [0.5, 0.5], [9.0, -2.0], [1 / 11, 10 / 11]), "right, variances 4.00 and 10.00"),
        (([1.0, -3.0], [0.5, 0.5], [0.0, -100.0], [0.99, 0.01]), "right, "),
        (([9.0, -2.0], [1 / 11, 10 / 11], [1.0, -3.0], [0.5, 0.5]), "the first must have less variance"),
        (([0.0, -2.0], [0.5, 0.5], [1.0, -3.0], [0.5, 0.5]), "the first must mislead more often"),
        (([1.0, -1.0], [0.5, 0.5], [1.0, -3.0], [0.5, 0.5]), "the calmer one has the mean 0.000, so it is biased"),
        (([1.0, -3.0], [0.5, 0.6], [1.0, -3.0], [0.5, 0.5]), "with the sum one"),
        (([1.0, -3.0], [0.5, 0.5]), "expected four lists"),
        (([float("nan"), -3.0], [0.5, 0.5], [1.0, -3.0], [0.5, 0.5]), "the calmer one has the mean nan"),
        ("word", "expected four lists"),
        (4.0, "expected four lists"),
        (None, "not answered yet"),
    ],
)
def test_two_estimates_get_their_verdict(answer, expected):
    assert expected in lesson.check_two_estimates(lambda: answer)


def test_an_error_in_two_estimates_is_told():
    def two_estimates():
        return [1.0, -3.0], [0.5, 0.5], [9.0, -2.0], [1 / 11, 10 / "11"]

    assert "your code raises TypeError" in lesson.check_two_estimates(two_estimates)
