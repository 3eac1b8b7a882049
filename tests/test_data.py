"""Episodes and how they are collected: what a policy or a reward edits in its input changes nothing."""

from dataclasses import fields

import pytest
import torch

import damlite as dl


def data(episodes=20, runs=None, seed=0):
    return dl.collect(dl.IcyRoad(), episodes=episodes, runs=runs, generator=dl.seeded(seed))


def same(first, second):
    return all(torch.equal(getattr(first, f.name), getattr(second, f.name)) for f in fields(dl.Episodes))


def test_episodes_are_chains_of_transitions(env):
    given = data(7, runs=3)
    assert given.state.shape == given.next_state.shape == (3, 7, 5, 4)
    assert given.action.shape == given.reward.shape == (3, 7, 5)
    assert torch.equal(given.state[..., 0, :], env.initial_state(3, 7))
    assert torch.equal(given.state[..., 1:, :], given.next_state[..., :-1, :])
    assert torch.equal(given.reward, env.reward(given.state, given.action))
    assert torch.equal(given.returns, given.reward.sum(-1))
    assert len(given) == 7
    assert (env.transition(given.state, given.action).log_prob(given.next_state) > -20).all()


def test_without_a_policy_all_actions_are_equally_likely():
    actions = data(2000).action.flatten()
    share = torch.bincount(actions, minlength=3) / len(actions)
    assert ((share - 1 / 3).abs() < 5 * (2 / 9 / len(actions)) ** 0.5).all()


def test_a_policy_is_given_the_states_the_step_and_the_generator(env):
    seen, generator = [], dl.seeded(0)

    def policy(state, step, given):
        seen.append((state, step))
        assert given is generator
        return torch.tensor(step % 3)  # one for all episodes

    given = dl.collect(env, policy, episodes=4, generator=generator)
    assert [step for _, step in seen] == list(range(5))
    assert torch.equal(torch.stack([state for state, _ in seen], -2), given.state)
    assert given.action.tolist() == [[0, 1, 2, 0, 1]] * 4


def test_the_same_generator_gives_the_same_episodes():
    assert same(data(3), data(3))
    assert not torch.equal(data(3).state, data(3, seed=1).state)


def test_episodes_are_added_and_chosen_along_their_own_axis():
    for runs in (None, 2):
        first, second = data(4, runs), data(3, runs, seed=1)
        both = first + second
        assert len(both) == 7
        assert same(both.select(torch.arange(4)), first)
        assert same(both.select(torch.arange(7) >= 4), second)


def test_the_split_holds_out_every_fifth_episode_and_stays():
    given = data(12)
    training, held_out = given.split()
    assert (len(training), len(held_out)) == (10, 2)
    assert torch.equal(held_out.state, given.state[[4, 9]])
    assert torch.equal((given + data(3, seed=1)).split()[1].state[:2], held_out.state)
    assert [len(part) for part in data(3).split()] == [2, 1]
    assert [len(part) for part in data(1).split()] == [1, 1]


def test_a_policy_that_edits_its_input_moves_no_car(env):
    def honest(state, step, generator):
        return (state[..., 2] < 2.5).long() * 2

    def vandal(state, step, generator):
        action = honest(state, step, generator)
        state += 100.0
        return action

    kept = torch.empty(50, dtype=torch.long)

    def thrifty(state, step, generator):  # gives the same tensor every time, with new numbers in it
        return kept.copy_(honest(state, step, generator))

    expected = dl.collect(env, honest, episodes=50, generator=dl.seeded(0))
    for policy in (vandal, thrifty):
        assert same(dl.collect(env, policy, episodes=50, generator=dl.seeded(0)), expected)


def test_a_reward_that_edits_its_input_moves_no_car():
    class Vandal(dl.IcyRoad):
        def reward(self, state, action):
            reward = super().reward(state, action)
            state += 100.0
            action.zero_()
            return reward

    assert same(dl.collect(Vandal(), episodes=20, generator=dl.seeded(0)), data(20))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda env: dl.collect(env, episodes=0), "episodes must be a positive integer, got 0"),
        (lambda env: dl.collect(env, runs=0), "runs must be a positive integer, got 0"),
        (
            lambda env: dl.collect(env, lambda s, t, g: torch.full(s.shape[:-1], 3)),
            "policy's actions must be integers from 0 to 2, got 3 to 3",
        ),
    ],
)
def test_bad_arguments_are_named(env, call, message):
    with pytest.raises(ValueError, match=message):
        call(env)


def test_what_an_environment_lacks_is_named():
    class Bare(dl.Environment):
        horizon, n_actions, state_names, action_names = 3, 2, ("x",), ("left", "right")

    for lacking, message in (
        (lambda env: env.initial_state(), "Bare needs an initial_state"),
        (lambda env: env.reward(None, None), "Bare needs a reward"),
        (lambda env: env.transition(None, None), "Bare has no known dynamics to plan through"),
    ):
        with pytest.raises(NotImplementedError, match=message):
            lacking(Bare())
