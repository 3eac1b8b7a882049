"""Networks that were made ready to plan with, held against the plain ones on the same noise."""

import math
from dataclasses import replace

import pytest
import torch

import damlite as dl
from damlite import ready
from damlite.mixture import draw_noise

ROADS = {"icy": dl.IcyRoad(), "crossing": dl.Intersection()}


class Plain:
    """A model that nobody knows how to make ready."""

    def __init__(self, model):
        self.model = model

    def transition(self, state, action):
        return self.model.transition(state, action)


def learned(road, runs, **choices):
    env, g = ROADS[road], dl.seeded(0)
    data = dl.collect(env, episodes=10, runs=runs, generator=g)
    components, predict = choices.pop("components"), choices.pop("predict")
    recipe = dl.our_recipe(env).but(steps=5, **choices)
    return env, dl.learn(env, data, "disc", components, predict, recipe, g)


def same(one, other, tolerance=1e-5):
    """To rounding: a number near a component's edge may fall on its other side, but hardly ever."""
    close = torch.isclose(one, other, rtol=tolerance, atol=tolerance)
    return close.float().mean() > 0.999


@pytest.mark.parametrize("runs", [1, 3])
@pytest.mark.parametrize("predict", ["velocity", "state"])
@pytest.mark.parametrize("components", [1, 4])
@pytest.mark.parametrize("road", ROADS)
@pytest.mark.parametrize(
    "choices", [{}, {"box": 1.0, "std_range": (0.1, 1.6)}, {"features": False, "hidden": (16,)}], ids=str
)
def test_ready_networks_are_the_plain_ones(road, components, predict, runs, choices):
    env, found = learned(road, runs, components=components, predict=predict, **choices)
    driven = dl.collect(env, episodes=30, runs=runs, generator=dl.seeded(3))
    s, a = (t if runs > 1 else t[0] for t in (driven.state, driven.action))
    s, a = s.unsqueeze(-2), a.unsqueeze(-1)  # one particle each
    numbers = draw_noise(*a.shape, features=found.model.features, generator=dl.seeded(2))
    with torch.no_grad():
        fast = ready.sampler(found.model)(s, a, lambda features: numbers.split([1, features], -1))
        slow = found.model.transition(s, a).sample(noise=numbers)
        assert same(fast, slow)
        assert same(ready.scorer(found.disc.log_ratio)(s, a, slow), found.disc.log_ratio(s, a, slow))


@pytest.mark.parametrize("runs", [1, 3])
@pytest.mark.parametrize("road", ROADS)
def test_values_are_those_of_plain_networks(road, runs):
    """Rounding grows from step to step, so that only a few are taken."""
    env, found = learned(road, runs, components=4, predict="state")
    state, ratio = env.initial_state(runs, 1), found.disc.log_ratio
    actions = torch.randint(3, (runs, 40, 3), generator=dl.seeded(1))
    for estimator in (
        dl.Estimator(particles=3),
        dl.Estimator(particles=3, estimator="trajectory", common_random_numbers=True, stratified=True),
        dl.Estimator(particles=2, estimator="eq4", normalise="excess", clip=2.0),
    ):
        fast, slow = (
            estimator.imagine(q, env.reward, state, actions, log_ratio, dl.seeded(2))
            for q, log_ratio in ((found.model, ratio), (Plain(found.model), lambda *transition: ratio(*transition)))
        )
        assert same(estimator.value(fast), estimator.value(slow), 1e-3)
        for one, other in zip(fast, slow, strict=True):
            assert same(one.state, other.state, 1e-3)
            assert same(one.log_weight, other.log_weight, 1e-3)


def test_networks_in_float64_are_made_ready_in_it():
    env, found = learned("icy", 1, components=4, predict="state")
    model, disc = found.model.double(), found.disc.double()
    state, actions = env.initial_state(2).double(), torch.randint(3, (2, 3), generator=dl.seeded(1))
    for log_ratio in (None, disc.log_ratio):
        fast, slow = (
            dl.estimate_value(q, env.reward, state, actions, log_ratio, particles=5, generator=dl.seeded(2))
            for q in (model, Plain(model))
        )
        assert fast.dtype == torch.float64
        torch.testing.assert_close(fast, slow, rtol=1e-10, atol=1e-10)


def test_more_rows_than_pass_at_once_are_the_same_rows():
    env, found = learned("icy", 2, components=4, predict="state")
    actions = torch.randint(3, (2, 3 * ready.ROWS // 2, 3), generator=dl.seeded(1))
    state = env.initial_state(2, 1)
    fast, slow = (
        dl.estimate_value(q, env.reward, state, actions, found.disc.log_ratio, particles=1, generator=dl.seeded(2))
        for q in (found.model, Plain(found.model))
    )
    assert same(fast, slow, 1e-3)


def test_a_model_that_was_changed_is_made_ready_anew():
    env, found = learned("icy", 1, components=1, predict="state")
    state, actions = env.initial_state(), torch.tensor([2, 1, 1])

    def value():
        return dl.estimate_value(found.model, lambda s, a: s[..., 0], state, actions, generator=dl.seeded(0))

    before = value()
    assert value() == before
    found.model.mlp.biases[-1].data += 1.0
    assert value() > before + 0.1
    with torch.no_grad():
        found.model.change_spread.mul_(0.0)
        found.model.change_centre.zero_()
    assert value() == 4 * state[0]


def test_a_choice_that_was_changed_is_planned_with():
    env, found = learned("icy", 1, components=2, predict="state", box=None)
    state, actions = env.initial_state(), torch.tensor([2, 1, 1])

    def value(log_ratio=None):
        q, ratio = found.model, log_ratio and (lambda *transition: found.disc.log_ratio(*transition))
        fast, slow = (
            dl.estimate_value(*given, particles=3, generator=dl.seeded(0))
            for given in ((q, env.reward, state, actions, log_ratio), (Plain(q), env.reward, state, actions, ratio))
        )
        torch.testing.assert_close(fast, slow, rtol=1e-3, atol=1e-3)
        return fast

    before = value(), value(found.disc.log_ratio)
    found.disc.network = replace(found.disc.network, box=0.0)
    assert value(found.disc.log_ratio) != before[1]
    found.model.network = replace(found.model.network, std_range=(2.0, 3.0))
    assert value() != before[0]
    found.model.transition = env.transition
    value()


def test_what_overrides_its_network_is_asked_itself():
    class Still(dl.DynamicsModel):
        def transition(self, state, action):
            return super().transition(state, torch.ones_like(action))

    class Sure(dl.Discriminator):
        def log_ratio(self, state, action, next_state):
            return torch.full(action.shape, math.log(2.0))

    env = ROADS["icy"]
    still, sure = Still(env, generator=dl.seeded(0)), Sure(env)
    value = [
        dl.estimate_value(
            still, lambda s, a: s[..., 0], env.initial_state(), torch.full((3,), a), generator=dl.seeded(0)
        )
        for a in (0, 2)
    ]
    assert torch.equal(*value)
    weighted = dl.estimate_value(
        env, lambda s, a: torch.ones(s.shape[:-1]), env.initial_state(), torch.ones(3).long(), sure.log_ratio
    )
    torch.testing.assert_close(weighted, torch.tensor(7.0))


@pytest.mark.parametrize(
    ("state", "actions", "message"),
    [
        (torch.zeros(3), torch.ones(4).long(), r"state must have shape \(..., 4\), got \(3,\)"),
        (torch.zeros(4), torch.full((4,), 3), "actions must be integers from 0 to 2, got 3 to 3"),
        (torch.zeros(4), torch.ones(4), "actions must be integers from 0 to 2, got torch.float32"),
    ],
)
def test_arguments_are_checked_at_the_door(state, actions, message):
    with pytest.raises(ValueError, match=message):
        dl.estimate_value(dl.DynamicsModel(ROADS["icy"]), ROADS["icy"].reward, state, actions)


def test_runs_are_checked():
    env = ROADS["icy"]
    model, disc = dl.DynamicsModel(env, runs=3), dl.Discriminator(env, runs=3)
    actions = torch.ones(2, 4).long()
    for q, log_ratio in ((model, None), (env, disc.log_ratio)):
        with pytest.raises(ValueError, match=r"state must have a leading axis of runs = 3, got batch"):
            dl.estimate_value(q, env.reward, env.initial_state(2), actions, log_ratio)


def test_estimates_carry_no_gradient():
    env = ROADS["icy"]
    value = dl.estimate_value(dl.DynamicsModel(env), env.reward, env.initial_state(), torch.ones(4).long())
    assert not value.requires_grad
