"""When weights say that they cannot be trusted, and what is warned of: known cases, once a fit, and nothing else."""

import math
import warnings
from functools import partial
from unittest import mock

import pytest
import torch

import damlite as dl
from damlite.diagnostics import alarm

SEEDS, N = 500, 1000
TRUTH = dl.IcyRoad()
NEAR, FAR = dl.IcyRoad(swerve_prob=0.8), dl.IcyRoad(noise=0.015)  # models with exact ratios of little and of great χ²


def shifted(delta, size=N):
    """Log-weights (SEEDS, N) of p = N(0, 1) for samples of q = N(delta, 1): χ² is exp(delta²) − 1."""
    z = delta + torch.randn(SEEDS, size, generator=dl.seeded(0), dtype=torch.float64)
    return delta**2 / 2 - delta * z


def rate(log_w, *how):
    """How often one sample (N,) of these is found faulty."""
    with mock.patch.object(alarm, "CHANCE", alarm.CHANCE * len(log_w)):  # of each, and not of all together
        return len(alarm.faults(log_w, *how)) / len(log_w)


def warned(call):
    """The words of every `UntrustworthyWeights` of a call."""
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        call()
    found = [w for w in seen if w.category is dl.UntrustworthyWeights]
    assert all(w.filename == __file__ for w in found)  # the reader's own line
    return [str(w.message) for w in found]


def belief(model, offset=0.0):
    return dl.Belief(TRUTH, model, partial(dl.exact.log_ratio, TRUTH, model), offset)


def plan(belief, states=(), **how):
    choices = {"horizon": 4, "particles": 20, **how}
    return dl.Exhaustive(**choices).plan(belief, TRUTH.initial_state(*states), generator=dl.seeded(0))


@pytest.mark.parametrize("delta", [0.0, 0.2, 0.5, 0.7])
def test_exact_weights_of_a_model_that_is_near_are_found_faulty_once_in_a_thousand_at_most(delta):
    """Of 500 samples none or one; five would be seen once in 4,000 times at that rate. (At 0.7, χ² is 0.63.)"""
    assert rate(shifted(delta)) * SEEDS < 5


def test_chance_alone_moves_the_mean_no_further_than_is_allowed():
    """Weights with a mean off one by the margin itself, so that only the normal error stands between: once in 2,000."""
    w = 1.1 + 0.1 * torch.randn(10_000, 100, generator=dl.seeded(1), dtype=torch.float64)
    assert 1 <= rate(w.log()) * 10_000 <= 20  # five, and 6.6 standard errors to spare
    assert rate((w + 0.06).log()) > 0.99
    assert not any("mean" in text for text in alarm.faults(w.log()))  # the chance is that of one among all runs


@pytest.mark.parametrize(("delta", "least"), [(2.0, 0.9), (2.5, 0.99)])  # χ² is 54 and 517
def test_weights_of_great_chi_square_are_found_faulty(delta, least):
    log_w = shifted(delta)
    assert rate(log_w) >= least
    assert any("imagined trajectories are worth" in text for text in alarm.faults(log_w))


def test_weights_without_a_variance_are_found_by_their_tail():
    """Pareto weights of shape k = 1."""
    log_w = -torch.rand(SEEDS, N, generator=dl.seeded(2), dtype=torch.float64).log()
    assert rate(log_w) > 0.95
    assert any("Pareto k" in text for text in alarm.faults(log_w))


@pytest.mark.parametrize("covered", [0.5, 0.8])
def test_missing_support_is_found_by_the_mean(covered):
    """q is p where it goes, and goes to a part of p alone: every weight is that part."""
    (text,) = alarm.faults(torch.full((N,), covered).log())
    assert text == f"their mean is {covered:.2f} and not one"
    assert not alarm.faults(torch.full((N,), covered).log(), None, False)
    assert not alarm.faults(torch.full((N,), 0.95).log())


def test_clipped_weights_are_judged_as_they_are_used():
    log_w = shifted(2.0)[:20]
    assert all("worth" in text for text in alarm.faults(log_w))
    texts = alarm.faults(log_w, log_w.clamp(-1, 1))
    assert not any("worth" in text for text in texts)
    assert not alarm.faults(log_w, log_w.clamp(-1, 1), False)


def test_weights_that_are_nearly_all_alike_have_no_faulty_tail():
    for above in (torch.linspace(0.1, 1, 30), torch.tensor([0.5])):
        assert not alarm.faults(torch.cat([torch.zeros(1000 - len(above)), above]), None, False)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_a_fault_and_no_error(value):
    log_w = torch.zeros(N)
    log_w[::2] = value
    assert alarm.faults(log_w)
    assert alarm.faults(torch.full((N,), value))


def test_of_few_weights_nothing_is_said():
    assert not alarm.faults(torch.full((24,), 5.0))
    assert alarm.faults(torch.full((25,), 5.0))


def test_every_faulty_run_has_a_sentence():
    log_w = torch.stack([torch.zeros(N), torch.full((N,), 1.0), shifted(3.0)[0]])
    mean, worth = alarm.faults(log_w)
    assert mean == "their mean is 2.72 and not one"
    assert "are worth" in worth


def test_a_plan_with_a_perfect_model_or_a_near_one_is_silent():
    assert not warned(lambda: plan(belief(TRUTH)))
    assert not warned(lambda: plan(belief(NEAR)))
    assert not warned(lambda: plan(dl.Belief(TRUTH, FAR)))


def test_a_plan_warns_once_for_every_log_ratio_and_names_the_lesson():
    one = belief(FAR)
    (text,) = warned(lambda: [plan(one), plan(one), plan(one, (3,))])
    assert text.startswith("this plan's weights cannot be trusted: 1000 imagined trajectories are worth ")
    assert "Lesson 05, “Know when weights fail”" in text
    assert warned(lambda: [plan(belief(FAR)), plan(belief(FAR))]) == [text, text]


@pytest.mark.parametrize(
    "how",
    [
        {"particles": 1},
        {"horizon": 1},
        {"weight": "sigmoid"},
        {"correction": "reward"},
        {"flatten": 0.0},
        {"clip": 0.01, "normalise": True},
    ],
)
def test_plans_that_average_no_ratios_are_silent(how):
    assert not warned(lambda: plan(belief(FAR), **how))


def test_every_fit_of_a_discriminator_is_looked_at_and_the_runs_are_counted():
    g, data = dl.seeded(0), dl.collect(TRUTH, episodes=10, runs=3, generator=dl.seeded(0))
    learned = dl.learn(TRUTH, data, "disc", 1, recipe=dl.our_recipe(TRUTH).but(steps=5), generator=g)
    layer = learned.disc.mlp
    with torch.no_grad():
        layer.weights[-1].zero_()
        layer.biases[-1].copy_(torch.tensor([0.0, 1.0, 0.0])[:, None, None])  # of the second run every weight is e

    def act():
        dl.collect(TRUTH, dl.policy(dl.Exhaustive(particles=2), learned.belief), episodes=2, runs=3, generator=g)

    (text,) = warned(act)
    assert "cannot be trusted in 1 of 3 runs; in the first of these: their mean is 54.60 and not one" in text
    assert not warned(act)
    with torch.no_grad():
        layer.biases[-1].add_(0.5)
    (text,) = warned(act)
    assert "in 3 of 3 runs" in text


def test_the_loop_warns_of_its_last_fit_alone():
    recipe = dl.our_recipe(TRUTH).but(steps=5, rounds=3, random_episodes=5, episodes=2, evaluation_episodes=2)
    planner = dl.Exhaustive(particles=2)
    found = warned(lambda: dl.run_mbrl(TRUTH, "disc", 1, runs=2, recipe=recipe, planner=planner, instance_noise=0.0))
    assert len(found) <= 1
    assert not warned(lambda: dl.run_mbrl(TRUTH, "minvar", 1, runs=2, recipe=recipe, planner=planner))


def test_looking_changes_no_number(monkeypatch):
    """Neither the plan, nor where the generators of caller and torch stand afterwards."""

    def all_of_it():
        torch.manual_seed(5)
        g = dl.seeded(3)
        found = dl.Exhaustive(particles=5).plan(belief(FAR), TRUTH.initial_state(2), generator=g)
        return [found.value, found.states, found.log_weights, torch.rand(3, generator=g), torch.rand(3)]

    with alarm.quiet():
        looked = all_of_it()
        monkeypatch.setattr("damlite.planning.examine", lambda *_: None)
        blind = all_of_it()
    assert all(torch.equal(a, b) for a, b in zip(looked, blind, strict=True))


def test_ratios_that_know_the_batch_that_is_planned_for_are_asked_about_all_of_it():
    """The second state's every weight is e; a function that takes no other number of particles is let pass."""
    each = torch.tensor([0.0, 1.0, 0.0])
    disc = dl.Discriminator(TRUTH, 3)
    with torch.no_grad():
        disc.mlp.weights[-1].zero_()
        disc.mlp.biases[-1].copy_(each[:, None, None])

    def wrapped(state, action, next_state):
        return disc.log_ratio(state, action, next_state)

    def per_state(state, action, next_state):
        return each[:, None, None].expand(state.shape[:-1])

    for ratio in (wrapped, per_state):
        (text,) = warned(lambda ratio=ratio: plan(dl.Belief(TRUTH, None, ratio), (3,)))
        assert "in 1 of 3 states; in the first of these: their mean is 20.09 and not one" in text

    def twenty(state, action, next_state):
        return each[:, None].expand(3, 20)[:, None].expand(state.shape[:-1])

    assert not warned(lambda: plan(dl.Belief(TRUTH, None, twenty), (3,)))


def test_a_ratio_that_cannot_be_remembered_is_let_pass():
    class Ratio:
        __slots__ = ()

        def __call__(self, state, action, next_state):
            return state[..., 0] * 0 + 3.0

    assert not warned(lambda: [plan(dl.Belief(TRUTH, NEAR, Ratio())) for _ in range(2)])
