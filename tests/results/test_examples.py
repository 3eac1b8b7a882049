"""What is driven and trained for pictures."""

import pytest
import torch

import damlite as dl
from damlite.results import examples


def test_both_turns_are_one_episode_to_either_side():
    """The oncoming car ends east of the middle after its left turn, and west of it after its right one."""
    env = dl.Intersection()
    left, right = examples.both_turns(env, lambda state, step, generator: torch.zeros(1, dtype=torch.long))
    assert left.shape == right.shape == (env.horizon + 1, 10)
    assert torch.equal(left[0], env.initial_state())
    assert left[-1, 5] > 5 > -5 > right[-1, 5]


def test_the_planner_that_knows_the_road_lets_the_car_pass():
    env = dl.Intersection()
    for states in examples.both_turns(env):
        assert not env.crashed(states).any()
        assert states[-1, 1] > 0  # and is across itself


def test_the_example_corrects_its_gaussian():
    """Both as a lesson would fit them by hand, and weights that take away mass in between."""
    env, model, disc = examples.fitted_example(episodes=100)
    generator = dl.seeded(0)
    data = dl.collect(dl.IcyRoad(), episodes=100, generator=generator)
    by_hand = dl.DynamicsModel(env, 1, generator=generator)
    dl.fit_model(by_hand, data, steps=1000, generator=generator)
    assert all(torch.equal(a, b) for a, b in zip(by_hand.parameters(), model.parameters(), strict=True))
    state, action = torch.tensor([2.0, 0, 2, 0]).expand(2000, 4), torch.full((2000,), 2)
    with torch.no_grad():
        next_state = model.transition(state, action).sample(generator=generator)
        weights = disc.log_ratio(state, action, next_state).softmax(0)
    between = (next_state[:, 3].abs() > 0.25) & (next_state[:, 3].abs() < 0.9)
    assert weights[between].sum() < between.float().mean() / 2


@pytest.mark.parametrize("components", [1, 3])
def test_learning_is_without_instance_noise_and_for_a_thousand_steps(monkeypatch, components):
    asked = []
    monkeypatch.setattr(examples, "learn", lambda *how: asked.append(how))
    examples.learn_velocities(dl.IcyRoad(), None, components)
    (env, _, method, k, predict, recipe, _), *none = asked
    assert not none and env == dl.IcyRoad()
    assert (method, k, predict) == ("disc", components, "velocity")
    assert recipe.model_training == recipe.discriminator_training == dl.Training(steps=1000)
    assert recipe.instance_noise == 0
