"""The checks of lesson 10's exercises: they take the reference and name each classic mistake."""

import gymnasium
import pytest
import torch

import damlite as dl
from damlite import checks


def absorb(seen, terminated, shift=0):
    first = int(terminated.long().argmax()) + shift
    return torch.cat([seen[:first], seen[first].expand(len(seen) - first, -1)])


def zeros(seen, terminated):
    out = absorb(seen, terminated)
    out[int(terminated.long().argmax()) + 1 :] = 0
    return out


def from_last(seen, terminated):
    out = seen.clone()
    out[5] = out[4]
    return out


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (absorb, "right"),
        (lambda s, t: ..., "not answered yet"),
        (lambda s, t: s, "changes nothing"),
        (zeros, "zeros"),
        (lambda s, t: absorb(s, t, -1), "before the end"),
        (lambda s, t: absorb(s, t, 1), "one step late"),
        (from_last, "the last `terminated`"),
        (lambda s, t: s[:3], "cuts the episode off"),
        (lambda s, t: s[:, 0], "expected shape"),
        (lambda s, t: -s, "not yet"),
    ],
)
def test_absorb(answer, expected):
    assert expected in checks.check_absorb(answer)


def pay(state, fallen, calm=1.0, wind=9.0):
    return torch.where(fallen, 0.0, torch.where(state[..., 0] > 0.1, wind, calm))


def loop(state, action):
    return 0.0 if abs(state[2]) > 0.2 else 9.0 if state[0] > 0.1 else 1.0


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (lambda s, a: pay(s, s[..., 2].abs() > 0.2), "right"),
        (lambda s, a: ..., "not answered yet"),
        (lambda s, a: pay(s, s[..., 2] > 0.2), "absolute value"),
        (lambda s, a: torch.where(s[..., 0] > 0.1, 9.0, (s[..., 2].abs() < 0.2).float()), "in the wind gets paid"),
        (lambda s, a: pay(s, torch.zeros_like(s[..., 0]).bool()), "fallen poles get paid"),
        (lambda s, a: pay(s, s[..., 2].abs() > 0.2, wind=8.0), "8 *more*"),
        (lambda s, a: pay(s, s[..., 2].abs() > 0.2, 9.0, 1.0), "exchanged"),
        (loop, "torch.where in place of if"),
        (lambda s, a: 1.0 if s[..., 2] > 0.2 else 0.0, "torch.where in place of if"),
        (lambda s, a: pay(s, s[..., 2].abs() > 0.2).sum(), "one number for the whole batch"),
        (lambda s, a: s, "expected shape"),
        (lambda s, a: s[..., 0], "not yet"),
    ],
)
def test_wind_reward(answer, expected):
    assert expected in checks.check_wind_reward(answer)


def made(reward, name="MountainCar-v0", horizon=30):
    return dl.FromGymnasium(lambda: gymnasium.make(name), reward, horizon)


@pytest.mark.parametrize(
    ("own", "expected"),
    [
        (lambda: made(lambda s, a: s[..., 0]), "right, 2 coordinates, 3 actions, 30 steps"),
        (lambda: ..., "not answered yet"),
        (lambda: gymnasium.make("MountainCar-v0"), "Put it in: dl.FromGymnasium"),
        (lambda: made(lambda s, a: (s[..., 0] > 0.5).float()), "To a planner all is equal"),
        (lambda: made(lambda s, a: s[..., 0].log()), "NaN"),
        (lambda: made(lambda s, a: s[..., 0], "CartPole-v1", 90), "shorter horizon"),
    ],
)
def test_own(own, expected):
    assert expected in checks.check_own(own())
