"""Coordinates that mean nothing: they change no reward and no ratio, and are what they are said to be."""

from functools import partial

import pytest
import torch

import damlite as dl

ROADS = pytest.mark.parametrize("road", [dl.IcyRoad(), dl.Intersection()], ids=["IcyRoad", "Intersection"])


class Unknown(dl.Environment):
    """Its kinematics are not known."""

    horizon, n_actions, state_names, action_names = 2, 2, ("x",), ("left", "right")


@ROADS
def test_its_own_coordinates_are_what_they_were(road):
    env = dl.Distracted(env=road, distractors=3)
    data = dl.collect(env, episodes=20, generator=dl.seeded(0))
    size = len(road.state_names)
    assert data.state.shape[-1] == len(env.state_names) == size + 3
    state, later = data.state[..., :size], data.next_state[..., :size]
    assert torch.equal(data.reward, road.reward(state, data.action))
    p, q = env.transition(data.state, data.action), road.transition(state, data.action)
    for i in range(size):
        torch.testing.assert_close(p.marginal(i).mean, q.marginal(i).mean)
        torch.testing.assert_close(p.marginal(i).std, q.marginal(i).std)
    z, z_next = data.state[..., size:], data.next_state[..., size:]
    alone = torch.distributions.Normal(0.9 * z, (1 - 0.81) ** 0.5).log_prob(z_next).sum(-1)
    torch.testing.assert_close(p.log_prob(data.next_state), q.log_prob(later) + alone, rtol=1e-4, atol=1e-3)


@ROADS
def test_without_distractors_it_is_the_environment(road):
    env = dl.Distracted(env=road, distractors=0)
    assert (env.kinematics, env.state_names, env.horizon) == (road.kinematics, road.state_names, road.horizon)
    ours, theirs = (dl.collect(e, episodes=10, generator=dl.seeded(0)) for e in (env, road))
    assert torch.equal(ours.next_state, theirs.next_state)
    assert torch.equal(env.features(ours.state), road.features(theirs.state))
    assert len(env.sides()) == len(road.sides())


def test_distractors_leave_the_ratio_of_two_roads_alone(env):
    other = dl.IcyRoad(swerve_prob=0.4)
    wide, wide_other = (dl.Distracted(env=road, distractors=5) for road in (env, other))
    data = dl.collect(wide, episodes=50, generator=dl.seeded(0))
    ratio = dl.exact.log_ratio(wide, wide_other, data.state, data.action, data.next_state)
    own = dl.exact.log_ratio(env, other, wide.own(data.state), data.action, wide.own(data.next_state))
    torch.testing.assert_close(ratio, own, rtol=1e-4, atol=1e-3)


def test_distractors_have_a_variance_that_nears_one(env):
    """After T steps 1 − ρ^(2T), here of 20,000 numbers."""
    data = dl.collect(dl.Distracted(env=env, distractors=4, memory=0.5), episodes=5000, generator=dl.seeded(0))
    variance = data.next_state[:, -1, 4:].var()
    assert abs(variance - (1 - 0.5**10)) < 5 * (2 / 20_000) ** 0.5


def test_it_is_learned_and_planned_with_like_any_other(env):
    wide = dl.Distracted(env=env, distractors=2)
    data = dl.collect(wide, episodes=20, generator=dl.seeded(0))
    for predict in ("velocity", "state"):
        learned = dl.learn(wide, data, "dam", 2, predict, dl.our_recipe(wide).but(steps=10), dl.seeded(1))
        plan = dl.Exhaustive(horizon=2).plan(learned.belief, wide.initial_state(3), generator=dl.seeded(2))
        assert plan.states.shape == (3, 2, 20, 6)
    ratio = partial(dl.exact.log_ratio, wide, wide)
    plan = dl.Exhaustive(horizon=3).plan(dl.Belief(wide, None, ratio), wide.initial_state())
    assert plan.value.isfinite()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"env": "road"}, "env must be an Environment, got 'road'"),
        ({"env": Unknown()}, "env must have known kinematics"),
        ({"distractors": -1}, "distractors must be a non-negative integer, got -1"),
        ({"memory": 1.0}, "memory must be below 1"),
        ({"memory": -0.1}, "memory must be a finite number"),
    ],
)
def test_bad_arguments_are_named(env, change, message):
    with pytest.raises(ValueError, match=message):
        dl.Distracted(**{"env": env, "distractors": 1, **change})
