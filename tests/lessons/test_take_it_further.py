"""Lesson 13: the windy strip and its panel; answers written another way; environments of one's own."""

import gymnasium
import numpy as np
import pytest
import torch

import damlite as dl
from damlite.lessons import take_it_further as lesson


@pytest.fixture
def double():
    """Doubles by default; what was computed with them is forgotten afterwards."""
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)
    forget()


def forget():
    for cached in (lesson.windy_road, lesson.real_angles, lesson.fitted):
        cached.cache_clear()


def test_gusts_strike_as_often_as_told_and_to_both_sides():
    angle = lesson.real_angles(0.9, 0.3)
    error = (0.9 * 0.1 / len(angle)) ** 0.5
    struck = (angle.abs() - 0.3).abs() < 1e-6
    assert abs(struck.float().mean() - 0.9) < 5 * error
    assert abs((angle[struck] > 0).float().mean() - 0.5) < 5 * 0.5 / len(angle) ** 0.5
    assert (lesson.real_angles(0.0, 0.3).abs() < 0.1).all()


def test_gymnasium_and_the_reward_agree_on_what_has_fallen():
    env = gymnasium.make("CartPole-v1")
    env.reset(seed=0)
    for angle in (-0.25, -0.2, 0.0, 0.2, 0.25):
        env.unwrapped.state, env.unwrapped.steps_beyond_terminated = np.array([0.0, 0.0, angle, 0.0]), None
        seen, _, fell, _, _ = env.step(1)
        assert bool(lesson.fallen(torch.as_tensor(seen))) == fell


def test_a_gust_ends_an_episode_only_if_the_pole_falls():
    cart = lesson.WindyCartPole(gust_prob=1.0, tilt=0.1)()
    cart.reset(seed=0)
    cart.unwrapped.state = np.array(lesson.STATE)
    seen, _, fell, _, _ = cart.step(lesson.RIGHT)
    assert abs(seen[2]) == pytest.approx(0.1)
    assert not fell


def test_shares_add_up_to_one_and_count_what_lies_beyond_at_the_ends():
    angle = torch.tensor([-2.0, -0.9, 0.0, 0.89, 5.0])
    assert lesson.shares(angle).sum() == pytest.approx(1)
    assert lesson.shares(angle)[[0, -1]] == pytest.approx([0.4, 0.4])
    weighted = lesson.shares(angle, torch.tensor([1.0, 0.0, 0.0, 0.0, 3.0]))
    assert weighted[[0, -1]] == pytest.approx([0.25, 0.75])


def test_the_panel_shows_real_imagined_and_weighted_angles():
    panel = lesson.windy_edge()
    angle, log_w, _, calibration = lesson.fitted(0.9, 0.3, 1, 1000)
    left, right = panel.fig.axes
    shown = [patch.get_data().values for patch in left.patches[-3:]]
    expected = lesson.real_angles(0.9, 0.3), angle
    assert np.allclose(shown[:2], [lesson.shares(values) for values in expected])
    assert np.allclose(shown[2], lesson.shares(angle, log_w.exp()))
    filled = calibration.count > 0
    assert np.allclose(right.lines[1].get_xydata()[filled, 1], calibration.observed[filled])


@pytest.mark.parametrize("fitted_before", [True, False])
def test_the_panel_works_with_doubles(fitted_before, double):
    if fitted_before:
        torch.set_default_dtype(torch.float32)
        lesson.fitted(0.9, 0.3, 1, 1000)
        torch.set_default_dtype(torch.float64)
    else:
        forget()
    assert "really" in lesson.windy_edge().fig.axes[0].get_title()


def loop(seen, terminated):
    out = seen.clone()
    for t in range(1, len(seen)):
        if terminated[:t].any():
            out[t] = out[t - 1]
    return out


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (loop, "right"),
        (lambda seen, terminated: seen[:, 0], "expected shape"),
        (lambda seen, terminated: -seen, "not yet"),
    ],
)
def test_absorb_written_another_way(given, expected):
    assert expected in lesson.check_absorb(given)


def arithmetic(state, action):
    return (state[..., 2].abs() <= 0.2) * (1 + 8.0 * (state[..., 0] > 0.1))


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (arithmetic, "right"),
        (lambda s, a: 1.0 if s[..., 2] > 0.2 else 0.0, "torch.where in place of if"),
        (lambda s, a: 9.0 * (max(s[0], 0.1) > 0.1), "torch.where in place of if"),
        (lambda s, a: float(s[..., 0]), "torch.where in place of if"),
        (lambda s, a: arithmetic(s, a).sum(), "one number for the whole batch"),
        (lambda s, a: s, "expected shape"),
        (lambda s, a: s[..., 0], "not yet"),
    ],
)
def test_wind_reward_written_another_way(given, expected):
    assert expected in lesson.check_wind_reward(given)


@pytest.mark.parametrize(
    ("given", "error"),
    [(lambda s, a: s[..., 7], "IndexError: index 7"), (lambda s, a: pole, "NameError: name 'pole'")],  # noqa: F821
)
def test_a_reward_that_fails_on_a_single_state_too_shows_its_own_error(given, error):
    assert f"your code raises {error}" in lesson.check_wind_reward(given)


def made(reward, name="MountainCar-v0", horizon=30):
    return dl.FromGymnasium(lambda: gymnasium.make(name), reward, horizon)


@pytest.mark.parametrize(
    ("own", "expected"),
    [
        (lambda: made(lambda s, a: s[..., 0]), "right, 2 coordinates, 3 actions, 30 steps"),
        (lambda: ..., "not answered yet"),
        (lambda: None, "not answered yet"),
        (lambda: gymnasium.make("MountainCar-v0"), "Put it in: dl.FromGymnasium"),
        (lambda: made(lambda s, a: (s[..., 0] > 0.5).float()), "To a planner all is equal"),
        (lambda: made(lambda s, a: s[..., 0].log()), "NaN"),
        (lambda: made(lambda s, a: s[..., 0], "CartPole-v1", 90), "shorter horizon"),
    ],
)
def test_own(own, expected, capsys):
    verdict = lesson.check_own(own())
    assert expected in verdict
    assert capsys.readouterr().out == verdict + "\n"
