"""What would take more than a few GB or minutes is refused before any work, with its size and a way out."""

import time
from dataclasses import dataclass

import pytest
import torch

import damlite as dl
from damlite.mixture import draw_noise, draw_stratified_noise
from damlite.results import claims, compare, map, table1
from damlite.support import limits

ROAD = dl.IcyRoad()


@dataclass(frozen=True, kw_only=True)
class Long(dl.IcyRoad):
    """An icy road of more steps."""

    horizon: int = 9


def plan(planner, states=1):
    return planner.plan(dl.Belief(ROAD), ROAD.initial_state(states), generator=dl.seeded(0))


def value(length, road=ROAD):
    return dl.exact.value(road, torch.full((length,), 2))


def imagine(particles, **choices):
    return dl.estimate_value(ROAD, ROAD.reward, ROAD.initial_state(), torch.zeros(3, 5).long(), particles=particles)


def fit(**training):
    data = dl.collect(ROAD, episodes=4, generator=dl.seeded(0))
    return dl.fit_model(dl.DynamicsModel(ROAD), data, **{"steps": 1, **training})


def train_discriminator(batch):
    data = dl.collect(ROAD, episodes=4, generator=dl.seeded(0))
    model, disc = dl.DynamicsModel(ROAD), dl.Discriminator(ROAD)
    return dl.fit_discriminator(disc, model, data, steps=1, batch=batch)


def wide_states():
    return plan(dl.RandomShooting(candidates=1000, particles=1), states=30_000)


REFUSED = {  # what is asked, and what is said
    "every_sequence": (
        lambda: dl.every_sequence(3, 13),
        r"horizon must .* 1,000,000 sequences, got 3\*\*13 = 1,594,323",
    ),
    "every_sequence, huge": (lambda: dl.every_sequence(3, 10**9), "horizon must .* 1,000,000 steps, got 1,000,000,000"),
    "every_sequence, one action": (lambda: dl.every_sequence(1, 10**9), "horizon must .* steps, got 1,000,000,000"),
    "every_sequence, a long number": (lambda: dl.every_sequence(3, 10**5), r"sequences, got 3\*\*100000"),
    "Exhaustive": (lambda: plan(dl.Exhaustive(horizon=13)), r"horizon must .* 3\*\*13 = 1,594,323"),
    "Exhaustive, far": (lambda: plan(dl.Exhaustive(horizon=10**9)), "horizon must .* steps, got 1,000,000,000"),
    "candidates": (lambda: dl.RandomShooting(candidates=1_000_001), "candidates must .* sequences, got 1,000,001"),
    "candidates of many states": (wide_states, r"candidates must .* 30,000 states × 1,000 .* × 5 .* = 150,000,000"),
    "CrossEntropy": (lambda: dl.CrossEntropy(candidates=10**6), "candidates × iterations .* 1,000,000 × 4 = 4,000,000"),
    "MPPI": (lambda: dl.MPPI(iterations=10**9), "candidates × iterations .* 50 × 1,000,000,000 = "),
    "CrossEntropy of many states": (lambda: plan(dl.CrossEntropy(), 10**6), "candidates must .* random numbers, got "),
    "particles": (lambda: dl.Estimator(particles=10**9), "particles must .* imagined states, got 1,000,000,000"),
    "imagined numbers": (lambda: imagine(10**7), "particles must .* got 5 × 3 × 10,000,000 × 4 = 600,000,000"),
    "a plan's particles": (
        lambda: plan(dl.Exhaustive(particles=10**6)),
        "particles must .* 363 × 1 × 1 × 1,000,000 × 4 =",
    ),
    "noise": (lambda: draw_noise(10**9, features=2), "shape must .* numbers, got 1,000,000,000 × 3 = 3,000,000,000"),
    "stratified noise": (
        lambda: draw_stratified_noise(10**5, 10**5, features=1),
        "shape must .* 100,000 × 100,000 × 2",
    ),
    "samples": (lambda: ROAD.transition(ROAD.initial_state(), torch.tensor(1)).sample((10**9,)), "shape must"),
    "value": (lambda: value(40), "actions must .* transitions between histories, got 3,"),
    "value of many": (lambda: dl.exact.value(ROAD, torch.zeros(10**6, 5).long()), "actions must .* transitions"),
    "optimum, rough": (lambda: dl.exact.optimum(dl.IcyRoad(noise=100.0)), "env must .* transitions"),
    "optimum, rougher": (lambda: dl.exact.optimum(dl.IcyRoad(noise=1e300)), "env must .* transitions"),
    "best sequence": (lambda: dl.exact.best_sequence(Long()), r"env must .* 10,000 sequences, got 3\*\*9 = 19,683"),
    "closed loop": (lambda: dl.exact.closed_loop_optimum(Long(horizon=100)), "env must .* 100,000 next states, got "),
    "steps": (lambda: dl.Training(steps=10**7), "steps must leave at most 1,000,000 steps, got 10,000,000"),
    "batch": (lambda: dl.Training(batch=10**9), "batch must leave at most 100,000,000 transitions, got 1,000"),
    "batch of a fit": (lambda: fit(batch=10**7), "batch must .* numbers in the layers, got 1 × 1 × 10,000,000 × "),
    "batch of pairs": (lambda: train_discriminator(10**6), "batch must .* got 1 × 2 × 1,000,000 × "),
    "hidden": (lambda: dl.DynamicsModel(ROAD, hidden=(10**9,)), "hidden must .* parameters, got 1 × 3,000,000,001 = "),
    "hidden of a recipe": (
        lambda: dl.our_recipe(ROAD).but(hidden=(10**5, 10**5)),
        "hidden must leave at most 50,000,000",
    ),
    "runs": (lambda: dl.Discriminator(ROAD, runs=10**6), "runs, hidden and components must .* got 1,000,000 × "),
    "components": (lambda: dl.DynamicsModel(ROAD, components=10**9), "runs, hidden and components must .* parameters"),
    "draws": (
        lambda: map.luck(ROAD, (0.9,), (1, 20), draws=10**7),
        "draws must leave at most 50,000,000 strings of outcomes, got 10,000,000 × 20 particles = 200,000,000",
    ),
    "permutation": (
        lambda: compare.permutation(range(300), range(300), 10**6),
        "resamples must .* numbers, got 1,000,000 × 600 runs = 600,000,000",
    ),
    "bootstrap": (lambda: compare.bootstrap(range(300), range(300), 10**6), "resamples must .* 1,000,000 × 600 runs"),
    "interval": (
        lambda: table1.interval(table1.interquartile_mean, range(200), resamples=10**6),
        "resamples must .* 1,000,000 × 200 runs",
    ),
    "unrealistic mass": (
        lambda: claims.unrealistic_mass(runs=10, samples=10**6),
        "runs × samples must leave at most 100,000,000 numbers in a layer, got 10 × 1,000,000 × 64 = 640,000,000",
    ),
    "rounds": (lambda: dl.our_recipe(ROAD).but(rounds=10**7), "rounds must leave at most 1,000,000 rounds"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_too_large_is_refused_at_once(name):
    call, words = REFUSED[name]
    began = time.process_time()
    with pytest.raises(ValueError, match=f"{words}.*: [a-z]"):
        call()
    assert time.process_time() - began < 1.0


@pytest.mark.parametrize(
    "call",
    [
        lambda: dl.every_sequence(3, 12),
        lambda: plan(dl.Exhaustive(horizon=8, particles=2)),
        lambda: plan(dl.RandomShooting(candidates=limits.SEQUENCES, horizon=1, particles=1)),
        lambda: dl.CrossEntropy(candidates=limits.SEQUENCES // 4),
        lambda: dl.Estimator(particles=limits.IMAGINED),
        lambda: imagine(100_000),
        lambda: draw_noise(10**6, features=2),
        lambda: value(10),
        lambda: value(2000, dl.IcyRoad(threshold=1e6)),
        lambda: dl.exact.optimum(dl.IcyRoad(noise=0.3)),
        lambda: dl.exact.best_sequence(Long(horizon=6)),
        lambda: fit(batch=10_000),
        lambda: dl.DynamicsModel(ROAD, hidden=(4000, 1000)),
        lambda: dl.Training(steps=limits.STEPS),
    ],
)
def test_what_is_large_is_served(call):
    call()


def test_held_for_longer_than_the_plan_is_held_throughout():
    held = dl.Exhaustive(horizon=5, hold=10**9).propose(3, (), 5, None)
    assert held.tolist() == [[a] * 5 for a in range(3)]
    held = dl.Exhaustive(horizon=4, hold=(1, 10**9)).propose(2, (), 4, None)
    assert held.tolist() == [[a, b, b, b] for a in range(2) for b in range(2)]


def test_work_counts_at_least_the_histories_that_there_are():
    from damlite.exact.values import _histories, _work

    for road in (ROAD, dl.IcyRoad(noise=1.0), dl.IcyRoad(swerve_prob=0.0), dl.IcyRoad(noise=3.0, threshold=0.5)):
        for actions in ((2, 2, 1, 1), (0, 0, 2, 2), (2, 0, 2, 0)):
            for t in range(4):
                work, histories = _work(road, actions[:t])
                assert sum(histories.values()) >= len(_histories(road, actions[:t]))
                assert work >= (len(_histories(road, actions[:t])) if t else 0)
