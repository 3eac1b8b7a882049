"""IcyRoad: its parameters, its dynamics by hand, and Gymnasium's own checker."""

import importlib
import warnings

import gymnasium
import numpy as np
import pytest
import torch
from gymnasium.utils.env_checker import check_env

import damlite as dl


@pytest.mark.parametrize(
    ("name", "bad"),
    [
        ("threshold", float("nan")),
        ("swerve_prob", 1.1),
        ("swerve_prob", -0.1),
        ("swerve_speed", -1),
        ("swerve_spread", float("inf")),
        ("noise", -0.01),
        ("noise", "much"),
    ],
)
def test_bad_parameters_are_named(name, bad):
    with pytest.raises(ValueError, match=f"{name} must be a finite number.*got"):
        dl.IcyRoad(**{name: bad})


def test_start_and_names(env):
    assert env.initial_state().tolist() == [0, 0, 1, 0]
    assert env.initial_state(2, 3).shape == (2, 3, 4)
    assert (env.horizon, env.n_actions) == (5, 3)
    assert len(env.state_names) == 4
    assert len(env.action_names) == 3


def test_reward_is_eq_20(env):
    cases = [  # state, r(s)
        ((0, 0, 1, 0), 1),
        ((0, 0, 2.4, 0), 2.4),
        ((0, 0, 3, 0), 11),
        ((0, 1.0, 3, 0), 11),
        ((0, 1.01, 3, 0), -3),
        ((0, -1.01, 1, 0), -5),
    ]
    for state, expected in cases:
        assert env.reward(torch.tensor(state), torch.tensor(0)).item() == pytest.approx(expected)


def test_swerves_come_above_the_threshold_only(env, generator):
    slow = env.transition(torch.tensor([2.0, 0, 1.02, 0]), torch.tensor(2)).sample((5000,), generator=generator)
    fast = env.transition(torch.tensor([2.0, 0, 1.98, 0]), torch.tensor(2)).sample((5000,), generator=generator)
    assert slow[:, 3].abs().max() < 0.5
    left, right = (fast[:, 3] > 0.5).float().mean(), (fast[:, 3] < -0.5).float().mean()
    for share in (left, right):
        assert abs(share - 0.45) < 5 * (0.45 * 0.55 / 5000) ** 0.5
    assert abs(fast[:, 2].mean() - 3) < 5 * 0.05 / 5000**0.5


def test_any_batch(env, generator):
    state, action = env.initial_state(2, 1), torch.randint(3, (2, 7), generator=generator)
    p = env.transition(state, action)
    assert p.sample(generator=generator).shape == (2, 7, 4)
    assert p.log_prob(p.sample(generator=generator)).shape == (2, 7)
    assert env.reward(state, action).shape == (2, 7)


def test_probabilities_are_as_precise_as_the_states():
    """0.3 is another number in float32."""
    road, crossing = dl.IcyRoad(swerve_prob=0.3), dl.Intersection(left_prob=0.3)
    fast, near = (each.initial_state().double() for each in (road, crossing))
    fast[2], near[6] = 3, 4.9
    swerves = road.transition(fast, torch.tensor(1)).log_weights.exp()
    turns = crossing.transition(near, torch.tensor(1)).log_weights.exp()
    assert swerves.tolist() == pytest.approx([0.7, 0.15, 0.15], abs=1e-15)
    assert turns.tolist() == pytest.approx([0.3, 0.7], abs=1e-15)


def test_bad_shapes_and_actions_are_named(env):
    with pytest.raises(ValueError, match=r"state must have shape \(..., 4\), got \(3,\)"):
        env.transition(torch.zeros(3), torch.tensor(0))
    with pytest.raises(ValueError, match="action must be integers from 0 to 2, got 0 to 3"):
        env.transition(torch.zeros(4), torch.tensor([0, 3]))
    with pytest.raises(ValueError, match="action must be integers"):
        env.reward(torch.zeros(4), torch.tensor(0.5))
    with pytest.raises(ValueError, match=r"broadcast, got state \(2,\), action \(3,\)"):
        env.transition(torch.zeros(2, 4), torch.zeros(3, dtype=torch.long))


def test_gymnasiums_own_checker_passes_without_warnings():
    importlib.import_module("damlite.figures")  # what draws; old versions of what it loads may warn of newer ones
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        road = gymnasium.make("damlite/IcyRoad-v0", render_mode="rgb_array", threshold=3.0)
        check_env(road.unwrapped)


def test_a_gymnasium_episode_lasts_five_steps_and_is_reproducible():
    def drive():
        road = gymnasium.make("damlite/IcyRoad-v0")
        observation, _ = road.reset(seed=3)
        seen, done = [observation], False
        while not done:
            observation, reward, terminated, truncated, _ = road.step(2)
            seen.append(np.append(observation, reward))
            done = terminated or truncated
        return seen

    first, second = drive(), drive()
    assert len(first) == 6
    for a, b in zip(first, second, strict=True):
        np.testing.assert_array_equal(a, b)


def test_the_rendered_car_moves():
    road = gymnasium.make("damlite/IcyRoad-v0", render_mode="rgb_array")
    road.reset(seed=0)
    before = road.render()
    road.step(2)
    after = road.render()
    assert before.dtype == np.uint8
    assert before.shape == after.shape
    assert (before != after).any()
