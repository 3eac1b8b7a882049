"""Exact values against known numbers, simulation and quadrature."""

import math

import numpy as np
import pytest
import torch
from scipy import integrate, stats

import damlite as dl
from damlite.mixture import Kinematics, Mixture

AT, ACCELERATE = torch.tensor([2.0, 0.0, 2.0, 0.0]), torch.tensor(2)
GAUSSIAN = (
    torch.tensor([[3.0, 0.1]]),
    torch.tensor([[0.07, 1.4]]),
)  # a model of the step, wide enough for p²/q


def gaussian(mean=GAUSSIAN[0], std=GAUSSIAN[1], state=AT):
    return Mixture(torch.zeros(1), mean, std, state, dl.IcyRoad.kinematics)


def simulated(env, sequences, particles=10000):
    """Mean return and its standard error, of particles that sequences with the same beginning share."""
    estimator = dl.Estimator(particles=particles, common_random_numbers=True)
    imagined = estimator.imagine(env, env.reward, env.initial_state(), sequences, generator=dl.seeded(0))
    returns = sum(step.of_sequences(step.reward) for step in imagined)
    return returns.mean(-1), returns.std(-1) / particles**0.5


@pytest.mark.parametrize(
    ("actions", "expected"), [([2, 1, 1, 1, 1], 8.998), ([2, 2, 2, 2, 2], 1.922), ([2, 2, 1, 1, 1], -1.078)]
)
def test_known_returns(env, actions, expected):
    assert dl.exact.value(env, torch.tensor(actions)) == pytest.approx(expected, abs=5e-4)


@pytest.mark.parametrize(("threshold", "expected"), [(0, 8.998), (1, 4.998), (2, 8.998), (3, 11.998), (4, 13.998)])
def test_known_optima(threshold, expected):
    road = dl.IcyRoad(threshold=threshold)
    assert dl.exact.optimum(road) == pytest.approx(expected, abs=5e-4)
    assert dl.exact.value(road, dl.exact.best_sequence(road)) == dl.exact.optimum(road)


@pytest.mark.parametrize(
    "road",
    [
        dl.IcyRoad(),
        dl.IcyRoad(threshold=3),
        dl.IcyRoad(threshold=1.5, swerve_prob=0.4, swerve_speed=0.7, swerve_spread=0.5),
        dl.IcyRoad(noise=0),
        dl.IcyRoad(noise=0.3),  # the speed is rounded to another whole number one time in ten
    ],
)
def test_values_agree_with_simulation_for_all_81_sequences(road):
    sequences = dl.every_sequence(3, 5)[::3]
    assert len(sequences) == 81
    mean, error = simulated(road, sequences)
    assert ((mean - dl.exact.value(road, sequences)).abs() <= 5 * error + 1e-4).all()


def on_road(mean, variance):
    """P(|y| ≤ 1) for a Gaussian y."""
    y = stats.norm(mean, variance**0.5)
    return y.cdf(1) - y.cdf(-1)


def test_the_value_of_one_kick_by_hand(env):
    """Speeds 1, 2 and 3: at the last nine of ten are kicked by 1.5 ± 0.2, and every noise of the lateral velocity
    that came before moves y at each later step."""
    noise, spread = 0.05**2, 0.2**2
    stay, kicked = on_road(0, 5 * noise), on_road(1.5, 5 * noise + spread)
    last = 0.1 * (3 - 6 * (1 - stay) + 8 * stay) + 0.9 * (3 - 6 * (1 - kicked) + 8 * kicked)
    assert dl.exact.value(env, torch.tensor([2, 2, 1])) == pytest.approx(1 + 2 + last, abs=1e-9)


def test_speeds_are_rounded_by_hand():
    """Noise of 0.4 and no kicks: a bonus where the rounded speed is above 2. Whole speeds are a Markov chain."""
    road, speeds = dl.IcyRoad(noise=0.4, swerve_prob=0.0), range(-5, 8)
    edges = np.arange(-5.5, 8)
    chain = np.array([np.diff(stats.norm.cdf(edges, k, 0.4)) for k in speeds])
    whole, value = np.eye(len(speeds))[speeds.index(1)], 1.0
    for t in range(1, 4):
        on = on_road(0, 0.16 * sum(k**2 for k in range(1, t + 1)))  # noise moves y at every later step
        value += 1 - 6 * (1 - on) + 8 * on * whole @ stats.norm.sf(2.5, speeds, 0.4)
        whole = whole @ chain
    assert dl.exact.value(road, torch.tensor([1, 1, 1, 1])) == pytest.approx(value, abs=1e-9)


def test_the_edge_of_the_road_is_on_it_to_both_sides():
    """A kick of exactly 1, without any noise: speeds 1, 2 and 3, and the bonus."""
    road = dl.IcyRoad(noise=0.0, swerve_speed=1.0, swerve_spread=0.0)
    assert dl.exact.value(road, torch.tensor([2, 2, 1])) == 1 + 2 + (3 + 8)
    assert road.reward(torch.tensor([[0.0, 1.0, 3.0, 0.0], [0.0, -1.0, 3.0, 0.0]]), torch.tensor(1)).tolist() == [
        11,
        11,
    ]


def test_value_of_many_sequences_is_the_value_of_each(env):
    sequences = dl.every_sequence(3, 3).reshape(3, 9, 3)
    values = dl.exact.value(env, sequences)
    assert values.shape == (3, 9)
    assert values[1, 4].item() == dl.exact.value(env, sequences[1, 4])


def test_discounted_values_are_those_of_each_step(env):
    """The value of H steps less that of H − 1 is the mean of the H-th reward."""
    actions = torch.tensor([2, 2, 1, 1, 1])
    upto = [0.0, *(dl.exact.value(env, actions[:h]) for h in range(1, 6))]
    by_hand = sum(0.7**t * (upto[t + 1] - upto[t]) for t in range(5))
    assert dl.exact.value(env, actions, discount=0.7) == pytest.approx(by_hand)
    assert dl.exact.value(env, actions[None], discount=0.0).tolist() == [1.0]  # the first speed
    with pytest.raises(ValueError, match="discount must be a finite number"):
        dl.exact.value(env, actions, discount=2)


def test_discounted_optima(env):
    """Where only the first reward counts all are alike; and who counts the future less is never promised more."""
    for road, first in ((env, 1.0), (dl.Intersection(), 5.0)):
        optima = [dl.exact.optimum(road, discount=g) for g in (0.0, 0.5, 1.0)]
        assert optima[0] == pytest.approx(first)
        assert optima[0] < optima[1] < optima[2] == dl.exact.optimum(road)
    best = dl.exact.best_sequence(env, discount=0.5)
    assert dl.exact.value(env, best, discount=0.5) == dl.exact.optimum(env, discount=0.5)


def test_bad_arguments_are_named(env, random_data):
    with pytest.raises(ValueError, match=r"actions must have shape \(..., H\)"):
        dl.exact.value(env, torch.zeros(0, dtype=torch.long))
    with pytest.raises(ValueError, match="actions must be integers from 0 to 2, got 0 to 5"):
        dl.exact.value(env, torch.tensor([0, 5]))
    with pytest.raises(ValueError, match="env must be an IcyRoad"):
        dl.exact.value("road", torch.tensor([1]))
    model = dl.DynamicsModel(env, predict="state")
    with pytest.raises(
        ValueError, match="model must have predict='velocity' for an exact ratio, got predict='state': the"
    ):
        dl.exact.log_ratio(env, model, AT, ACCELERATE, AT)
    with pytest.raises(ValueError, match=r"actions must have shape \(..., H\) with H of at least 1, got \(\)"):
        dl.exact.value(env, torch.tensor(1))
    for named in (lambda: dl.exact.best_sequence("road"), lambda: dl.exact.next_reward("road", gaussian())):
        with pytest.raises(ValueError, match="env must be an IcyRoad, got 'road'"):
            named()
    for optimum in (dl.exact.optimum, dl.exact.closed_loop_optimum):
        for bad in (-0.1, 1.1):
            with pytest.raises(ValueError, match=r"discount must be a finite number in \[0, 1\], got"):
                optimum(env, discount=bad)


class Later(dl.IcyRoad):
    def initial_state(self, *batch):
        return super().initial_state(*batch) + 1


class Level(dl.IcyRoad):
    def transition(self, state, action):
        return super().transition(state, torch.ones_like(action))


class Braking(dl.IcyRoad):
    """A road on which only braking is worth something."""

    def reward(self, state, action):
        return (action == 0) * torch.ones_like(state[..., 0])


def test_what_a_class_of_roads_changes_is_not_answered_for_its_base():
    for road, one in ((Later(), "initial_state"), (Level(), "transition"), (Braking(), "reward")):
        for known in (dl.exact.best_sequence, dl.exact.optimum, lambda env: dl.exact.value(env, torch.tensor([1]))):
            with pytest.raises(ValueError, match=f"env must have the {one} of IcyRoad, got .*, which has its own"):
                known(road)
    for road in (Later(), Level()):
        with pytest.raises(ValueError, match=r"env must have the \w+ of IcyRoad, got"):
            dl.exact.closed_loop_optimum(road)
    assert dl.exact.closed_loop_optimum(Braking()) == 5


def agrees(samples, exact):
    """Whether the samples' mean is within five of its standard errors of the exact one."""
    return abs(samples.mean().item() - exact.item()) < 5 * samples.std().item() / len(samples) ** 0.5


LOPSIDED = torch.tensor([0.0, 0.4, 2.2, -0.3])  # a kick to one side leaves the road more often than to the other
STATES = pytest.mark.parametrize("state", [AT, LOPSIDED], ids=["middle", "lopsided"])


@STATES
def test_next_reward_agrees_with_sampling(env, generator, state):
    rewards = env.reward(env.transition(state, ACCELERATE).sample((50000,), generator=generator), ACCELERATE)
    exact = dl.exact.next_reward(env, env.transition(state, ACCELERATE))
    assert agrees(rewards, exact)
    assert agrees((rewards - exact) ** 2, dl.exact.next_reward_variance(env, state, ACCELERATE))


def test_the_reward_after_acceleration(env):
    assert dl.exact.next_reward(env, env.transition(AT, ACCELERATE)).item() == pytest.approx(-1.5035, abs=5e-4)


@STATES
def test_variance_of_the_weighted_estimate_agrees_with_sampling(env, generator, state):
    p, q = env.transition(state, ACCELERATE), gaussian(state=state)
    samples = q.sample((100000,), generator=generator)
    w = (p.log_prob(samples) - q.log_prob(samples)).exp()
    weighted = w * env.reward(samples, ACCELERATE)
    mean = dl.exact.next_reward(env, p)
    assert agrees(weighted, mean)
    assert agrees((weighted - mean) ** 2, dl.exact.next_reward_variance(env, state, ACCELERATE, q))
    assert agrees(w**2, dl.exact.weight_second_moment(p, q))


def test_what_has_no_chance_adds_nothing_even_where_the_model_is_too_narrow_for_it(env):
    """At speed 1 nothing kicks: ∫ p²/q of two Gaussians by hand, and of a reward that is the speed."""
    state, cruise = torch.tensor([0.0, 0.0, 1.0, 0.0]), torch.tensor(1)
    p, q = env.transition(state, cruise), gaussian(torch.tensor([[1.0, 0.0]]), torch.tensor([[0.07, 0.1]]), state)
    moment = math.prod(std**2 / (0.05 * math.sqrt(2 * std**2 - 0.05**2)) for std in (0.07, 0.1))
    assert dl.exact.weight_second_moment(p, q).item() == pytest.approx(moment, rel=1e-5)
    spread = 1 / (2 / 0.05**2 - 1 / 0.07**2)  # of the speed under p²/q
    variance = dl.exact.next_reward_variance(env, state, cruise, q).item()
    assert variance == pytest.approx(moment * (1 + spread) - 1, rel=1e-4)
    assert dl.exact.next_reward_variance(env, state, cruise).item() == pytest.approx(0.05**2, rel=1e-3)


def test_second_moment_of_weights_agrees_with_quadrature(env):
    p, q = env.transition(AT, ACCELERATE).marginal(3), gaussian().marginal(3)

    def square(y):
        y = torch.tensor(y, dtype=torch.float64)
        return (2 * p.log_prob(y) - q.log_prob(y)).exp().item()

    lateral = integrate.quad(square, -4, 4, points=[-1.5, 0, 1.5], limit=300)[0]
    forward = 0.07**2 / (0.05 * math.sqrt(2 * 0.07**2 - 0.05**2))  # ∫ N(0, .05²)²/N(0, .07²)
    moment = dl.exact.weight_second_moment(env.transition(AT, ACCELERATE), gaussian()).item()
    assert moment == pytest.approx(lateral * forward, rel=1e-4)


def test_a_shift_of_delta_standard_deviations_costs_exp_delta_squared():
    line = Kinematics((0,), (0,), (1.0,), (0.0,))
    for delta in (0.0, 0.5, 1.5):
        p, q = (
            Mixture(torch.zeros(1), torch.tensor([[m]]), torch.ones(1, 1), torch.zeros(1), line) for m in (delta, 0.0)
        )
        assert dl.exact.weight_second_moment(p, q).item() == pytest.approx(math.exp(delta**2), rel=1e-5)


def test_closed_forms_of_a_batch_are_those_of_each(env):
    states = torch.stack([AT, LOPSIDED, torch.tensor([0.0, 0.0, 1.0, 0.0])])
    means, stds = (t.expand(3, 1, 2) for t in GAUSSIAN)
    p, q = env.transition(states, ACCELERATE), Mixture(torch.zeros(3, 1), means, stds, states, env.kinematics)

    def closed_forms(state, p, q):
        yield dl.exact.weight_second_moment(p, q)
        yield dl.exact.next_reward(env, p)
        yield dl.exact.next_reward_variance(env, state, ACCELERATE)
        yield dl.exact.next_reward_variance(env, state, ACCELERATE, q)

    together = torch.stack(list(closed_forms(states, p, q)), -1)
    for state, numbers in zip(states, together, strict=True):
        alone = closed_forms(state, env.transition(state, ACCELERATE), gaussian(state=state))
        assert numbers.tolist() == pytest.approx([number.item() for number in alone])


def mean_and_variance(road, speed, on):
    """Of Eq. 20's reward by quadrature over a Gaussian speed, where the road is kept with probability `on`."""
    density = stats.norm(speed, road.noise).pdf

    def moment(power, above, below):
        edges = (speed - 10 * road.noise, 2.5, speed + 10 * road.noise)
        parts = [(edges[0], edges[1], below), (edges[1], edges[2], above)]
        return sum(integrate.quad(lambda x, r=r: (x + r) ** power * density(x), *ends)[0] for *ends, r in parts)

    first, second = (on * moment(k, 8, 0) + (1 - on) * moment(k, -6, -6) for k in (1, 2))
    return first, second - first**2


@pytest.mark.parametrize(("speed", "noise", "y"), [(3, 0.05, 0.0), (3, 0.05, 5.0), (3, 0.5, 0.7), (2, 0.5, -0.7)])
def test_moments_of_a_reward_agree_with_quadrature(speed, noise, y):
    """On the road, far off it, and at its edges, where speeds are rounded to either side of the bonus."""
    road, cruise = dl.IcyRoad(noise=noise, swerve_prob=0.0), torch.tensor(1)
    state = torch.tensor([0.0, y, speed, 0.0])
    mean, variance = mean_and_variance(road, speed, on_road(y, noise**2))
    assert dl.exact.next_reward(road, road.transition(state, cruise)).item() == pytest.approx(mean, rel=1e-5)
    assert dl.exact.next_reward_variance(road, state, cruise).item() == pytest.approx(variance, rel=1e-3)


@pytest.mark.parametrize("side", [-1.0, 1.0])
@pytest.mark.parametrize("speed", [1.0, 2.0, 3.0])
def test_moments_of_a_reward_without_noise_are_those_of_its_outcomes(side, speed):
    """Also where y is on the edge of the road itself."""
    road = dl.IcyRoad(noise=0, swerve_spread=0)
    for y in (0.0, 1.0, 2.0):
        state, cruise = torch.tensor([0.0, 0.0, speed, side * y]), torch.tensor(1)
        p = road.transition(state, cruise)
        reward = road.reward(p.kinematics.complete(state, p.means), cruise).double()
        chance = p.log_weights.double().exp()
        mean = (chance * reward).sum()
        torch.testing.assert_close(dl.exact.next_reward(road, p), mean)
        variance = (chance * (reward - mean) ** 2).sum()
        torch.testing.assert_close(dl.exact.next_reward_variance(road, state, cruise), variance, atol=1e-5, rtol=1e-5)


def test_too_narrow_a_model_has_infinite_variance(env):
    narrow = gaussian(std=torch.tensor([[0.03, 1.4]]))
    assert dl.exact.weight_second_moment(env.transition(AT, ACCELERATE), narrow).item() == math.inf
    assert dl.exact.next_reward_variance(env, AT, ACCELERATE, narrow).item() == math.inf


def test_an_unknown_optimum_is_an_error(env):
    with pytest.raises(ValueError, match="env must be an IcyRoad or an Intersection for an exact optimum, got"):
        dl.exact.optimum(dl.Environment())


def test_closed_forms_ask_for_one_gaussian_with_noise(env):
    p = env.transition(AT, ACCELERATE)
    with pytest.raises(ValueError, match="one Gaussian for a closed form, got 3"):
        dl.exact.weight_second_moment(p, p)
    with pytest.raises(ValueError, match="a density needs noise > 0: p has a standard deviation of 0"):
        dl.exact.weight_second_moment(dl.IcyRoad(noise=0).transition(AT, ACCELERATE), gaussian())
    whole = Mixture(torch.zeros(1), torch.zeros(1, 4), torch.ones(1, 4), AT, Kinematics.every_coordinate(4))
    with pytest.raises(ValueError, match="q must predict the same random coordinates as p"):
        dl.exact.weight_second_moment(p, whole)
