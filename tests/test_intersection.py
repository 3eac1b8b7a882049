"""The Intersection: its cars by hand, its optimum by two dynamic programmes, and the planner that knows it."""

import importlib
import math
import warnings
from functools import cache

import gymnasium
import pytest
import torch
from gymnasium.utils.env_checker import check_env

import damlite as dl

CALM = dl.Intersection(noise=0.0)
CRUISE = torch.tensor(1)


@pytest.fixture
def crossing():
    return dl.Intersection()


def drive_without_noise(actions, side):
    """Episode (T + 1, S) and its rewards when the oncoming car turns left (side 0) or right (side 1)."""
    states, rewards = [CALM.initial_state().double()], []
    for a in actions:
        a = torch.tensor(a)
        rewards.append(CALM.reward(states[-1], a).item())
        p = CALM.transition(states[-1], a)
        pick = torch.tensor([0.25 + 0.5 * side, *[0.0] * 6])  # which side of the fair coin
        states.append(p.sample(noise=pick))
    return torch.stack(states), rewards


@pytest.mark.parametrize(("name", "bad"), [("left_prob", 1.1), ("crash_distance", -1), ("noise", math.nan)])
def test_bad_parameters_are_named(name, bad):
    with pytest.raises(ValueError, match=f"{name} must be a finite number.*got"):
        dl.Intersection(**{name: bad})


def test_start_and_names(crossing):
    assert crossing.initial_state(2).shape == (2, 10)
    assert crossing.initial_state()[:4].tolist() == [1.75, -12, 0, 5]
    assert crossing.state_names[6] == "other_y"
    assert (crossing.horizon, crossing.n_actions, len(crossing.action_names)) == (25, 3, 3)


def test_always_braking_earns_fifteen():
    assert sum(drive_without_noise([0] * 25, 0)[1]) == pytest.approx(15)


def test_always_cruising_crashes_when_the_other_turns_left():
    left, right = (drive_without_noise([1] * 25, side) for side in (0, 1))
    assert sum(right[1]) == pytest.approx(125)
    assert sum(left[1]) == pytest.approx(-65)
    assert CALM.crashed(left[0][-1])
    assert not CALM.crashed(right[0]).any()


def test_a_crashed_pair_stands_still_whatever_the_action():
    states, _ = drive_without_noise([1] * 25, 0)
    first = int(CALM.crashed(states).int().argmax())
    torch.testing.assert_close(states[first + 1 :, :2], states[first : first + 1, :2].expand(25 - first, 2))
    p = CALM.transition(states[-1], torch.arange(3))
    torch.testing.assert_close(p.means[..., [0, 1, 3, 4]], torch.zeros(3, 2, 4, dtype=torch.float64))
    assert CALM.reward(states[-1], CRUISE) == -10


def test_the_other_car_turns_a_quarter_on_its_circle():
    for side, radius, end in ((0, 5.25, 0.0), (1, 1.75, -math.pi)):
        states, _ = drive_without_noise([0] * 25, side)
        straight = (states[:, 9] + math.pi / 2).abs() < 1e-6
        assert (states[straight][:-1, 6] > 5).all()
        assert states[straight][-1, 6] <= 5
        assert states[-1, 9].item() == pytest.approx(end)
        turning = states[1:, 9].diff().abs()
        steps = turning[(turning > 1e-9)][:-1]  # all but the last, which is cut off at 90°
        torch.testing.assert_close(steps, torch.full_like(steps, 5 * 0.2 / radius))
        speed = states[:, 7:9].norm(dim=-1)
        torch.testing.assert_close(speed, torch.full_like(speed, 5.0))


def test_the_coin_is_fair_and_only_at_the_crossing(crossing, generator):
    state = crossing.initial_state()
    before = crossing.transition(state, CRUISE).sample((2000,), generator=generator)
    assert (before[:, 9] + math.pi / 2).abs().max() < 0.1
    state[6] = 4.9
    after = crossing.transition(state, CRUISE).sample((4000,), generator=generator)[:, 9] + math.pi / 2
    assert abs((after > 0).float().mean() - 0.5) < 5 * 0.5 / 4000**0.5
    assert (after.abs() > 0.1).all()


def test_positions_follow_from_velocities(crossing, generator):
    data = dl.collect(crossing, episodes=50, generator=generator)
    for first in (0, 5):
        step = data.next_state[..., first : first + 2] - data.state[..., first : first + 2]
        torch.testing.assert_close(step, 0.2 * data.next_state[..., first + 2 : first + 4], atol=1e-5, rtol=0)
    assert torch.isfinite(crossing.transition(data.state, data.action).log_prob(data.next_state)).all()


def test_the_optimum_is_that_of_a_dynamic_programme_of_its_own(crossing):
    paths = [drive_without_noise([0] * 25, side)[0][:, 5:7].tolist() for side in (0, 1)]  # no crash while braking
    reaches = next(t for t, (_, y) in enumerate(paths[0]) if y <= 5)  # the last step at which the side is unknown

    @cache
    def best(t, fifths, v, side):  # the agent is at y = −12 + fifths/5 and drives at v
        if t == 25:
            return 0.0
        x, y = paths[side or 0][t]
        if math.hypot(1.75 - x, -12 + fifths / 5 - y) < 2.5:
            return v - 10.0 - 10.0 * (24 - t)
        values = []
        for faster in (-1, 0, 1):
            u = min(max(v + faster, 0), 5)
            sides = [0, 1] if t == reaches else [side]
            values.append(sum(best(t + 1, fifths + u, u, s) for s in sides) / len(sides))
        return v + max(values)

    assert dl.exact.optimum(crossing) == pytest.approx(best(0, 0, 5, None), abs=1e-6)
    assert dl.exact.optimum(crossing) == pytest.approx(112.5)


def test_the_closed_loop_optimum_of_a_road_without_chance_is_its_open_loop_one():
    road = dl.IcyRoad(threshold=4.0, swerve_spread=0.0)
    assert dl.exact.closed_loop_optimum(road) == pytest.approx(dl.exact.optimum(road), abs=0.01)


def test_the_planner_that_knows_the_road_comes_near_the_optimum(crossing):
    """About 102 with a standard error of 2; always cruising earns 30."""
    act = dl.policy(dl.RandomShooting(horizon=25, candidates=50, particles=10), dl.Belief(crossing))
    sides = [dl.collect(side, act, episodes=6, generator=dl.seeded(0)) for side in crossing.sides()]
    assert 90 < torch.stack([side.returns for side in sides]).mean() < dl.exact.optimum(crossing)
    assert not any(crossing.crashed(side.state).any() for side in sides)


def test_its_sides_are_itself_with_the_coin_decided():
    left, right = dl.Intersection(noise=0.03, crash_distance=2.0).sides()
    assert (left.left_prob, right.left_prob) == (1.0, 0.0)
    assert all((side.noise, side.crash_distance) == (0.03, 2.0) for side in (left, right))
    for side, turned in ((left, 1), (right, -1)):
        data = dl.collect(side, episodes=20, generator=dl.seeded(0))
        assert (turned * (data.next_state[:, -1, 9] + math.pi / 2) > 0.5).all()
    assert dl.IcyRoad(threshold=3.0).sides() == (dl.IcyRoad(threshold=3.0),)


def test_gymnasiums_own_checker_passes_and_the_cars_are_drawn():
    importlib.import_module("damlite.figures")  # what draws; old versions of what it loads may warn of newer ones
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        road = gymnasium.make("damlite/Intersection-v0", render_mode="rgb_array")
        check_env(road.unwrapped)
    road.reset(seed=0)
    before = road.render()
    for _ in range(25):
        *_, truncated, _ = road.step(1)
    assert truncated
    assert (before != road.render()).any()
