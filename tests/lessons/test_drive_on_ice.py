"""Lesson 00: what is said of beliefs that lack something, and of roads that are harmless, or fool a Gaussian."""

import pytest
import torch

import damlite as dl
from damlite.lessons import drive_on_ice as lesson
from damlite.mixture import Mixture


class Gaussian:
    """The Gaussian with the road's own means and spreads: what a fit to endless data would be."""

    def transition(self, state, action):
        p = lesson.FASTER.transition(state, action)
        speed, sideways = p.marginal(2), p.marginal(3)
        means, stds = (torch.stack([getattr(m, name) for m in (speed, sideways)], -1) for name in ("mean", "std"))
        one = torch.zeros(*means.shape[:-1], 1)
        return Mixture(one, means[..., None, :], stds[..., None, :], p.state, p.kinematics)


def exact_log_ratio(state, action, next_state):
    p, q = lesson.FASTER.transition(state, action), Gaussian().transition(state, action)
    return p.log_prob(next_state) - q.log_prob(next_state)


@pytest.mark.parametrize(
    ("belief", "expected"),
    [
        (lambda env, g: dl.Belief(env, Gaussian(), exact_log_ratio), "right, accelerating three times is promised"),
        (lambda env, g: dl.Belief(env, Gaussian()), "no weights"),
        (lambda env, g: dl.Belief(env, Gaussian(), lambda s, a, s2: 0 * s2[..., 0]), "repair too little"),
        (lambda env, g: dl.Belief(env, Gaussian(), lambda s, a, s2: -exact_log_ratio(s, a, s2)), "repair too little"),
        (lambda env, g: dl.Belief(env), "knows the road itself"),
        (lambda env, g: dl.Belief(env, env, exact_log_ratio), "knows the road itself"),
        (lambda env, g: dl.Belief(dl.IcyRoad(), Gaussian(), exact_log_ratio), "goes by the rewards of IcyRoad"),
        (lambda env, g: (Gaussian(), exact_log_ratio), "expected a dl.Belief, got tuple"),
    ],
)
def test_a_belief_gets_its_verdict(belief, expected):
    assert expected in lesson.check_believe(belief)


@pytest.mark.parametrize(
    ("road", "expected"),
    [
        (dl.IcyRoad(swerve_speed=8.0), "right, 90 of 100"),  # so far that the middle is thin
        (dl.IcyRoad(swerve_speed=0.0, swerve_spread=2.0), "right, 56 of 100"),  # to no two sides
        (dl.IcyRoad(swerve_spread=1.5), "right, 61 of 100"),
        (dl.IcyRoad(), "too many cars where hardly any is"),
        (dl.IcyRoad(swerve_speed=4.0), "too many cars where hardly any is"),
        (dl.IcyRoad(swerve_prob=0.0), "Too few cars"),
        (dl.IcyRoad(threshold=3.0), "Too few cars"),
        (dl.IcyRoad(noise=0.0), "some noise"),
        (dl.Intersection(), "expected a dl.IcyRoad, got Intersection"),
        (..., "not answered yet"),
    ],
)
def test_a_road_gets_its_verdict(road, expected):
    assert expected in lesson.check_harmless_road(road)


def test_a_probability_is_told_from_the_ratio():
    verdict = lesson.check_weight(lambda probability: probability)
    assert "At D = ½" in verdict
