"""What holds of every road, with and without coordinates beside it, and of Gymnasium's environments."""

import functools

import gymnasium
import torch
from drawn import (
    DTYPES,
    ENVIRONMENTS,
    ICY_ROADS,
    ROADS,
    SEEDS,
    actions_of,
    broadcastable,
    close,
    distracted,
    states_of,
    uncertain,
)
from hypothesis import example, given
from hypothesis import strategies as st

import damlite as dl


@given(env=ENVIRONMENTS, shapes=broadcastable(2), seed=SEEDS, dtype=DTYPES)
def test_batches_of_states_and_actions_broadcast(env, shapes, seed, dtype):
    batch, other = shapes.input_shapes
    state, action = states_of(env, batch, seed, dtype), actions_of(env, other, seed)
    whole = state.expand(*shapes.result_shape, -1), action.expand(shapes.result_shape)
    p, expected = env.transition(state, action), env.transition(*whole)
    for name in ("log_weights", "means", "stds", "state"):
        assert getattr(p, name).dtype == dtype
        assert torch.equal(getattr(p, name), getattr(expected, name))
    reward = env.reward(state, action).expand(shapes.result_shape)
    assert reward.dtype == dtype
    assert torch.equal(reward, env.reward(*whole))
    assert torch.equal(env.features(state).expand(*shapes.result_shape, -1), env.features(whole[0]))


@given(env=ENVIRONMENTS, seed=SEEDS)
def test_a_batch_is_its_items(env, seed):
    state, action = states_of(env, (2, 3), seed), actions_of(env, (2, 3), seed)
    before, p, reward = state.clone(), env.transition(state, action), env.reward(state, action)
    features = env.features(state)
    assert torch.equal(state, before)
    for i in [(0, 0), (1, 2)]:
        one = env.transition(state[i], action[i])
        close(one.means, p.means[i])
        close(one.log_weights.exp(), p.log_weights[i].exp())
        close(env.reward(state[i], action[i]), reward[i])
        close(env.features(state[i]), features[i])


@given(env=ENVIRONMENTS, seed=SEEDS, far=st.sampled_from([1.0, 1e3, 1e8]), dtype=DTYPES)
def test_any_state_leads_to_a_distribution_and_is_worth_a_number(env, seed, far, dtype):
    state, action = far * states_of(env, (50,), seed, dtype), actions_of(env, (50,), seed)
    p = env.transition(state, action)
    close(p.log_weights.exp().sum(-1), torch.ones(50, dtype=dtype))
    assert p.means.isfinite().all()
    assert (p.stds > 0).all()
    assert env.reward(state, action).isfinite().all()
    assert env.features(state).isfinite().all()
    assert p.log_prob(p.sample(generator=dl.seeded(seed))).isfinite().all()


@given(env=ENVIRONMENTS, seed=SEEDS)
def test_driven_states_stay_on_their_kinematics(env, seed):
    data = dl.collect(env, episodes=5, generator=dl.seeded(seed))
    kinematics = env.kinematics
    close(kinematics.complete(data.state, kinematics.random_part(data.next_state)), data.next_state)
    assert torch.equal(data.state[:, 1:], data.next_state[:, :-1])
    assert data.next_state.isfinite().all()
    assert torch.equal(data.reward, env.reward(data.state, data.action))
    again = dl.collect(env, episodes=5, generator=dl.seeded(seed))
    assert torch.equal(again.next_state, data.next_state)
    assert len(data.split()[0]) + len(data.split()[1]) == 5


@given(env=distracted(ROADS), seed=SEEDS, dtype=DTYPES)
def test_distractors_leave_its_own_coordinates_alone(env, seed, dtype):
    state, action = states_of(env, (20,), seed, dtype), actions_of(env, (20,), seed)
    own, p, road = env.own(state), env.transition(state, action), env.env
    expected, features = road.transition(own, action), len(road.kinematics.random)
    assert torch.equal(p.log_weights, expected.log_weights)
    assert torch.equal(p.means[..., :features], expected.means)
    assert torch.equal(p.stds[..., :features], expected.stds)
    assert torch.equal(env.reward(state, action), road.reward(own, action))
    noise = torch.rand(20, 1 + features + env.distractors, generator=dl.seeded(seed), dtype=dtype)
    close(env.own(p.sample(noise=noise)), expected.sample(noise=noise[:, : 1 + features]), dtype)
    assert [side.env for side in env.sides()] == list(road.sides())


@given(env=ENVIRONMENTS, seed=SEEDS)
def test_its_sides_differ_in_chances_alone(env, seed):
    """What is random goes to either side in the proportion of the road's own chances."""
    state, action = states_of(env, (20,), seed), actions_of(env, (20,), seed)
    p, sides = env.transition(state, action), [side.transition(state, action) for side in env.sides()]
    assert all(torch.equal(side.means, p.means) for side in sides)
    assert all(torch.equal(side.reward(state, action), env.reward(state, action)) for side in env.sides())
    least, greatest = (extreme([side.log_weights.exp() for side in sides]) for extreme in (_least, _greatest))
    assert ((least <= p.log_weights.exp() + 1e-6) & (p.log_weights.exp() <= greatest + 1e-6)).all()


def _least(tensors):
    return functools.reduce(torch.minimum, tensors)


def _greatest(tensors):
    return functools.reduce(torch.maximum, tensors)


@given(env=ICY_ROADS, seed=SEEDS, discount=st.floats(0, 1))
def test_exact_values_of_a_batch_are_those_of_its_sequences(env, seed, discount):
    sequences = actions_of(env, (2, 2, 3), seed)
    every = dl.exact.value(env, sequences, discount=discount)
    assert every.shape == (2, 2)
    assert dl.exact.value(env, sequences[1, 0], discount=discount) == every[1, 0].item()


@given(env=ICY_ROADS, seed=SEEDS)
@example(env=dl.IcyRoad(threshold=-1e-200, swerve_prob=0.0, noise=1.0), seed=1)
@example(env=dl.IcyRoad(threshold=1.9999999999), seed=1)
def test_exact_values_are_what_driving_gives(env, seed):
    actions = actions_of(env, (env.horizon,), seed)
    data = dl.collect(env, lambda s, t, g: actions[t].expand(len(s)), episodes=10000, generator=dl.seeded(seed))
    off = abs(data.returns.double().mean() - dl.exact.value(env, actions))
    assert off <= uncertain(data.returns, env)


@functools.cache
def cart_pole():
    return dl.FromGymnasium(lambda: gymnasium.make("CartPole-v1"), lambda s, a: 1 - s[..., 2].abs(), 20)


@given(seed=SEEDS, episodes=st.integers(1, 4), runs=st.none() | st.integers(1, 3))
def test_gymnasiums_episodes_are_those_of_their_generator(seed, episodes, runs):
    env = cart_pole()
    one, other = (dl.collect(env, episodes=episodes, runs=runs, generator=dl.seeded(seed)) for _ in range(2))
    assert torch.equal(one.next_state, other.next_state)
    assert torch.equal(one.action, other.action)
    assert torch.equal(one.state[..., 1:, :], one.next_state[..., :-1, :])
    assert torch.equal(one.reward, env.reward(one.state, one.action))
    assert one.state.shape == (*([] if runs is None else [runs]), episodes, 20, 4)
