"""Estimates drawn without what cannot matter, against those that the package simulates step by step."""

from dataclasses import replace

import pytest
import torch

import damlite as dl
from damlite.results import imagined, outcomes

CASES = [  # road, q's probability, weighted, offset, estimator, common numbers
    ("IcyRoad", 0.9, False, 0.0, "per_decision", False),
    ("IcyRoad", 0.4, True, -1.8, "per_decision", False),
    ("IcyRoad", 0.4, True, 0.0, "trajectory", True),
    ("IcyRoad", 0.4, True, -1.8, "eq4", False),
    ("Intersection", 0.5, False, 0.0, "per_decision", False),
    ("Intersection", 0.3, True, -2.84, "per_decision", False),
    ("Intersection", 0.3, True, -2.84, "trajectory", True),
    ("Intersection", 0.3, True, 0.0, "eq4", False),
]
ROADS = {"IcyRoad": dl.IcyRoad(), "Intersection": dl.Intersection()}
STEPS = {"IcyRoad": (0, 2), "Intersection": (5, 6, 7, 9)}  # before the first fork, at it and after it
STATES, PLANS = 300, 6


def exact_ratio(env, q_env):
    return lambda s, a, n: env.transition(s, a).log_prob(n) - q_env.transition(s, a).log_prob(n)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_estimates_have_the_law_of_simulated_ones(case):
    """Mean and spread of each plan's estimates, over states as real episodes meet them, within five standard errors."""
    road, q, weighted, offset, estimator, common = case
    env = ROADS[road]
    q_env = outcomes.with_probability(env, q)
    belief = dl.Belief(env, q_env, exact_ratio(env, q_env) if weighted else None, offset if weighted else 0.0)
    proposal = imagined.Proposal(q, weighted, offset if weighted else 0.0)
    how = {"particles": 2, "common_random_numbers": common, "stratified": False, "estimator": estimator}
    planner = dl.RandomShooting(horizon=10, candidates=PLANS, **how)
    generator = dl.seeded(0)
    cruise = dl.collect(env, lambda s, t, g: torch.full(s.shape[:-1], 1), episodes=STATES, generator=generator)
    for step in STEPS[road]:
        steps = min(10, env.horizon - step)
        state = cruise.state[:, step]
        plans = torch.randint(3, (PLANS, steps), generator=generator)
        plans[0] = 1
        sequences = plans.expand(STATES, PLANS, steps)
        theirs, _ = planner.judge(belief, state, sequences, generator)
        ours = imagined.estimates(env, proposal, planner, state, sequences, generator)
        difference = (ours - theirs).double()  # of the same states: what they share cancels
        error = difference.std(0) / STATES**0.5
        assert (difference.mean(0).abs() < 5 * error + 0.02).all(), step
        a, b = ((x - x.mean(0)).square().double() for x in (ours, theirs))
        error = (a - b).std(0) / STATES**0.5
        assert ((a - b).mean(0).abs() < 5 * error + 0.02).all(), step


def test_cars_that_turn_left_crash_as_often_as_simulated_ones():
    """One plan, many states: the share of estimates that hold a crash."""
    env = dl.Intersection()
    n = 1500
    state = dl.collect(env, lambda s, t, g: torch.full(s.shape[:-1], 1), episodes=n, generator=dl.seeded(0)).state[:, 5]
    for plan in ([1] * 10, [0, 0, 0, 1, 1, 1, 1, 1, 1, 1], [0, 1, 0, 1, 0, 2, 2, 2, 1, 1]):
        sequences = torch.tensor(plan).expand(n, 1, 10)
        planner = dl.RandomShooting(horizon=10, candidates=1, particles=1, common_random_numbers=False)
        proposal = imagined.Proposal(0.5)
        ours = imagined.estimates(env, proposal, planner, state, sequences, dl.seeded(1))
        theirs, _ = planner.judge(dl.Belief(env), state, sequences, dl.seeded(2))
        safe = torch.tensor(1.0)
        shares = [(x < x.max() - 2).double().mean() for x in (ours, theirs)]
        error = (sum(p * (1 - p) for p in shares) / n).sqrt() * safe
        assert abs(shares[0] - shares[1]) <= 5 * error


@pytest.mark.parametrize(
    ("road", "q", "particles", "common", "episodes"),
    [
        ("IcyRoad", 0.9, 1, False, 400),
        ("IcyRoad", 0.2, 2, False, 400),
        ("IcyRoad", 0.2, 5, True, 300),
        ("Intersection", 0.5, 1, False, 60),
        ("Intersection", 0.1, 2, False, 40),
        ("Intersection", 0.5, 5, True, 40),
    ],
)
def test_episodes_return_what_they_do_with_the_packages_planner(road, q, particles, common, episodes):
    env = ROADS[road]
    q_env = outcomes.with_probability(env, q)
    weighted = q != outcomes.probability(env)
    planner = dl.RandomShooting(
        horizon=min(10, env.horizon),
        candidates=12,
        particles=particles,
        common_random_numbers=common,
        stratified=False,
    )
    offset = outcomes.finite_road(env).least_reward() if weighted else 0.0
    belief = dl.Belief(env, q_env, exact_ratio(env, q_env) if weighted else None, offset)
    theirs = dl.evaluate(env, dl.policy(planner, belief), 1 if road == "IcyRoad" else 2, episodes, dl.seeded(3))
    act = imagined.policy(env, imagined.Proposal(q, weighted, offset), planner)
    ours = dl.evaluate(env, act, 1 if road == "IcyRoad" else 2, 3 * episodes, dl.seeded(4))
    error = (theirs.var() / len(theirs) + ours.var() / len(ours)).sqrt()
    assert abs(theirs.mean() - ours.mean()) < 5 * error


def test_stratified_numbers_meet_probabilities_almost_exactly():
    env = dl.Intersection()
    state = dl.collect(env, lambda s, t, g: torch.full(s.shape[:-1], 1), episodes=50, generator=dl.seeded(0)).state[
        :, 6
    ]
    how = {"horizon": 10, "candidates": 1, "particles": 20, "common_random_numbers": False}
    sequences = torch.ones(50, 1, 10, dtype=torch.long)
    spread = [
        imagined.estimates(
            env, imagined.Proposal(0.5), dl.RandomShooting(**how, stratified=s), state, sequences, dl.seeded(1)
        ).std()
        for s in (False, True)
    ]
    assert spread[1] < spread[0] / 3


def test_a_decided_crossing_needs_no_luck():
    """Once the other car turns right, or has crashed, all particles agree."""
    env = replace(dl.Intersection(), left_prob=0.0)
    state = dl.collect(env, lambda s, t, g: torch.full(s.shape[:-1], 1), episodes=5, generator=dl.seeded(0)).state[
        :, 10
    ]
    sequences = torch.randint(3, (5, 6, 10), generator=dl.seeded(1))
    planner = dl.RandomShooting(horizon=10, candidates=6, particles=3, common_random_numbers=False)
    proposal = imagined.Proposal(0.1, True, -2.84)
    first, second = (imagined.estimates(env, proposal, planner, state, sequences, dl.seeded(i)) for i in (0, 1))
    torch.testing.assert_close(first, second)
    theirs, _ = planner.judge(dl.Belief(env), state, sequences, dl.seeded(2))
    torch.testing.assert_close(first, theirs, rtol=0, atol=0.3)


def test_what_does_not_fit_is_said():
    class Elsewhere(dl.Environment):
        pass

    proposal, planner = imagined.Proposal(0.5), dl.RandomShooting()
    with pytest.raises(ValueError, match="to be imagined quickly, got"):
        imagined.estimates(Elsewhere(), proposal, planner, torch.zeros(1, 4), torch.zeros(1, 1, 1).long(), None)
    with pytest.raises(ValueError, match=r"normalise must be False.*got True"):
        imagined.policy(dl.IcyRoad(), proposal, dl.RandomShooting(normalise=True))
