"""Mistakes that are common in class, and the sentence that each of them gets."""

import re

import pytest
import torch

import damlite as dl

from .kinds_learning import CROSSING, ROAD, disc, episodes, model, recipe

START = torch.tensor([0.0, 0.0, 1.0, 0.0])
PLANNER = dl.Exhaustive(particles=2, horizon=2)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: dl.policy(PLANNER, model()), "belief must be a Belief, as Belief(env, model, disc.log_ratio) is, got"),
        (lambda: dl.Belief(ROAD, model(), disc()), "log_ratio must be a function of (state, action, next_state)"),
        (lambda: dl.Belief(ROAD, model(), disc()), "got a Discriminator: give its log_ratio"),
        (lambda: dl.estimate_value(ROAD, ROAD, START, [1]), "got IcyRoad"),
        (lambda: dl.estimate_value(ROAD, ROAD, START, [1]), ": give its reward"),
        (lambda: dl.run_mbrl(ROAD, planner="exhaustive"), "planner must be a Planner, got 'exhaustive'"),
        (lambda: dl.run_mbrl(dl.IcyRoad), "env must be an Environment, got the class IcyRoad (without brackets)"),
        (lambda: dl.fit_model(model(), None), "data must be an Episodes, as collect gives, got None"),
        (lambda: dl.run_mbrl(ROAD, hidden=64), "hidden must be a tuple of positive integers, got 64"),
        (lambda: dl.run_mbrl(ROAD, weighting="uniform"), "weighting is no choice of Recipe (got 'uniform')"),
        (lambda: dl.learn(ROAD, episodes(), recipe=dl.our_recipe), "recipe must be a Recipe, got <function our_recipe"),
        (lambda: PLANNER.plan(dl.Belief(ROAD), START, 0), "steps must be a positive integer, got 0"),
        (lambda: dl.Exhaustive(common_random_numbers="no"), "common_random_numbers must be True or False, got 'no'"),
        (lambda: dl.Exhaustive(particles=10**12), "particles must be a positive integer of at most 1,000,000,000, got"),
        (lambda: dl.return_weights([torch.nan, 1, 5]), "returns must be finite, got 1 NaN or infinite numbers"),
        (lambda: dl.Belief(ROAD, offset=torch.ones(1, 1)), "offset must be a number, or one for each run (R,), got"),
    ],
)
def test_common_mistakes(call, sentence):
    with pytest.raises(ValueError, match=re.escape(sentence)):
        call()


def test_a_policy_takes_a_belief_and_not_its_parts():
    with pytest.raises(TypeError, match=r"policy\(\) takes 2 positional arguments but 4 were given"):
        dl.policy(PLANNER, model(), ROAD, disc())


@pytest.mark.parametrize(
    ("forgetful", "sentence"),
    [
        (lambda state, action: None, "what reward returns must be a tensor of numbers, got None"),
        (lambda state, action: torch.tensor(1.0), r"reward must return a number for each .*, shape \(.*\), got 1.0"),
        (lambda state, action: state, r"reward must return a number for each transition, shape \(.*\), got shape"),
        (lambda state: state[..., 0], "reward must take 2 arguments, got a function that does not: too many"),
    ],
)
def test_a_reward_is_asked_for_a_number_of_each_transition(forgetful, sentence):
    with pytest.raises(ValueError, match=sentence):
        dl.estimate_value(ROAD, forgetful, START, [1, 2])


def test_an_error_inside_a_reward_stays_as_it_is():
    def reward(state, action):
        return state + "two"

    with pytest.raises(TypeError, match="unsupported operand"):
        dl.estimate_value(ROAD, reward, START, [1, 2])


def test_returns_that_differ_by_rounding_are_equal():
    weights, offset = dl.return_weights(torch.tensor([3.0, 3.0 + 1e-13, 3.0 + 3e-13], dtype=torch.float64))
    assert weights.tolist() == [1.0, 1.0, 1.0]
    assert offset.tolist() == [3.0]
    weights, _ = dl.return_weights(torch.tensor([3.0, 3.1, 3.2]))
    assert weights.tolist() == pytest.approx([0.0, 1.0, 2.0], abs=1e-5)


def test_an_offset_is_of_runs_and_nothing_else():
    """One that would broadcast against sequences, or against nothing, is refused."""
    actions = torch.tensor([[0, 1], [1, 2]])
    for offset in (torch.ones(2, 2), torch.ones(3), torch.ones(0), [1.0, float("nan")]):
        with pytest.raises(ValueError, match="offset must be"):
            dl.estimate_value(ROAD, ROAD.reward, START, actions, offset=offset, particles=2, common_random_numbers=True)


def test_a_recipe_can_lose_what_is_optional():
    bounded = recipe(box=3.0, later_steps=5)
    assert bounded.but(box=None).box is None
    assert bounded.but(later_steps=None).later_steps is None
    assert bounded.but() == bounded


def test_settings_tell_how_many_episodes_were_driven():
    """At the Intersection as many on each side: three become four."""
    how = recipe(random_episodes=2, evaluation_episodes=3)
    settings = dl.run_mbrl(CROSSING, "baseline", 1, runs=1, recipe=how).settings
    assert settings["recipe"].evaluation_episodes == 3
    assert settings["evaluation_episodes"] == 4


def test_numbers_of_numpy_and_torch_are_kept_as_plain_ones():
    """So that planners that are alike are equal, and can be looked up."""
    plain = dl.CrossEntropy(particles=5, clip=2.0)
    assert dl.CrossEntropy(particles=torch.tensor(5), clip=torch.tensor(2.0)) == plain
    assert len({plain, dl.CrossEntropy(particles=torch.tensor(5), clip=torch.tensor(2.0))}) == 1


def test_lists_of_sizes_are_kept_as_tuples():
    listed, plain = (recipe(hidden=kind((4, 5)), std_range=kind((0.1, 2.0))) for kind in (list, tuple))
    assert listed == plain
    assert hash(dl.Exhaustive(hold=[1, 2])) == hash(dl.Exhaustive(hold=(1, 2)))
    q = dl.DynamicsModel(ROAD, hidden=[4, 5], std_range=[0.1, 2.0]).network
    assert q == dl.DynamicsModel(ROAD, hidden=(4, 5), std_range=(0.1, 2.0)).network


def test_one_number_of_a_reward_is_that_of_every_transition():
    constant, each = (dl.estimate_value(ROAD, r, START, [1, 2]) for r in (lambda s, a: 1, lambda s, a: a * 0 + 1.0))
    assert torch.equal(constant, each)


@pytest.mark.parametrize("planner", [dl.Exhaustive(horizon=2), dl.RandomShooting(), dl.CrossEntropy(), dl.MPPI()])
def test_a_plan_from_float64_or_a_list_is_that_from_float32(planner):
    belief = dl.Belief(ROAD, model(), disc().log_ratio)
    plain = planner.plan(belief, START, generator=dl.seeded(0))
    for state in (START.double(), START.tolist(), START.numpy()):
        other = planner.plan(belief, state, generator=dl.seeded(0))
        assert torch.equal(other.actions, plain.actions)
        assert torch.allclose(other.value.float(), plain.value)
