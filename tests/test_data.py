"""Episodes and how they are collected: what a policy or a reward edits in its input changes nothing."""

from dataclasses import fields, replace

import pytest
import torch

import damlite as dl
from damlite.mixture import Kinematics, Mixture


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


def test_rewards_and_states_of_integers_are_kept_as_floats(env):
    given = data(5)
    whole = replace(given, reward=given.reward.round().long(), state=given.state.round().int())
    assert whole.reward.dtype == whole.state.dtype == given.reward.dtype
    assert torch.equal(whole.reward, given.reward.round())
    assert replace(given, reward=given.reward > 1).returns.mean() == (given.reward > 1).float().sum(-1).mean()
    fit = dl.fit_model(dl.DynamicsModel(env), whole, torch.rand(5, 5), steps=2)
    assert fit.held_out_loss.isfinite().all()


class Own(dl.Environment):
    """A walk to either side."""

    horizon, n_actions, state_names, action_names = 4, 2, ("x", "y"), ("left", "right")

    def initial_state(self, *batch):
        return torch.zeros(*batch, 2)

    def transition(self, state, action):
        means = (state + (2 * action[..., None] - 1))[..., None, :]
        kinematics = Kinematics.every_coordinate(2)
        return Mixture(torch.zeros(means.shape[:-1]), means, torch.full_like(means, 0.1), state, kinematics)

    def reward(self, state, action):
        return state[..., 0]


def own(**changes):
    return type("Own", (Own,), changes)()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"horizon": 0}, "env.horizon must be a positive integer, got 0"),
        ({"horizon": 4.0}, "env.horizon must be a positive integer, got 4.0"),
        ({"n_actions": -1}, "env.n_actions must be a positive integer, got -1"),
        ({"n_actions": 2.0}, "env.n_actions must be a positive integer, got 2.0"),
        ({"state_names": 2}, "env.state_names must be a sequence of texts, at least one, got 2"),
        ({"state_names": ()}, r"env.state_names must be a sequence of texts, at least one, got \(\)"),
        ({"state_names": (1, 2)}, r"env.state_names must be a sequence of texts, at least one, got \(1, 2\)"),
        ({"initial_state": lambda env, *batch: torch.zeros(2)}, r"initial_state must .* \(3, 2\), got \(2,\)"),
        ({"initial_state": lambda env, *batch: [0.0, 0.0]}, r"initial_state must .* \(3, 2\), got \(2,\)"),
        ({"initial_state": lambda env, *batch: torch.zeros(*batch, 3)}, r"initial_state must .*, got \(3, 3\)"),
        ({"initial_state": lambda env, *b: torch.zeros(*b, 2) / 0}, "initial_state returns must be finite, got 6 NaN"),
        ({"initial_state": lambda env: torch.zeros(2)}, "initial_state must take 1 arguments, got a function that"),
        ({"transition": lambda env, s, a: None}, "env must have a transition that returns a Mixture, got None from it"),
        ({"transition": lambda env, s, a: Own().transition(s[0], a[0])}, r"next states of shape \(3, 2\), got \(2,\)"),
        ({"reward": lambda env, s, a: None}, "what env.reward returns must be a tensor of numbers, got None"),
        ({"reward": lambda env, s, a: torch.tensor(1.0)}, "env.reward must return a number for each .*, got 1.0"),
        ({"reward": lambda env, s, a: s[..., :1]}, r"env.reward must .* shape \(3,\), got shape \(3, 1\)"),
        ({"reward": lambda env, s: s[..., 0]}, "env.reward must take 2 arguments, got a function that does not"),
    ],
)
def test_what_is_wrong_with_ones_own_environment_is_named(changes, message):
    with pytest.raises(ValueError, match=message):
        dl.collect(own(**changes), episodes=3)


@pytest.mark.parametrize("name", ["horizon", "n_actions", "state_names"])
def test_an_environment_without_sizes_is_told_so(name):
    lacking = type("Lacking", (dl.Environment,), {key: value for key, value in vars(Own).items() if key != name})()
    for call in (dl.Belief, dl.collect):
        with pytest.raises(ValueError, match=f"env.{name} must be a .*, got None"):
            call(lacking)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"features": lambda env, s: s[..., 0]}, r"env.features must .* \(F\) of states \(2,\), got shape \(\)"),
        ({"features": lambda env, s: s.long()}, "env.features must return floating-point .*, got torch.int64"),
        ({"features": lambda env, s: s.tolist()}, r"env.features must return .*, got \[0.0, 0.0\]"),
        ({"features": lambda env, s: s[..., :0]}, r"env.features must return .*, got shape \(0,\)"),
        ({"kinematics": dl.IcyRoad.kinematics}, "env.kinematics must be of its 2 coordinates, got Kinematics"),
        ({"kinematics": (0, 1)}, r"env.kinematics must be a Kinematics, got \(0, 1\)"),
    ],
)
def test_what_a_model_cannot_be_made_of_is_named(changes, message):
    known = {"kinematics": Kinematics.every_coordinate(2)}
    with pytest.raises(ValueError, match=message):
        dl.DynamicsModel(own(**known | changes))


@pytest.mark.parametrize(
    ("sides", "message"),
    [
        ((), r"env.sides\(\) must be a tuple of environments, at least one, got \(\)"),
        (None, r"env.sides\(\) must be a tuple of environments, at least one, got None"),
        ((3,), r"each of env.sides\(\) must be an Environment, got 3"),
        ((dl.IcyRoad(),), r"env.sides\(\) must have \(coordinates, actions\) \(2, 2\), got \(4, 3\)"),
    ],
)
def test_sides_are_environments_alike(sides, message):
    for call in (lambda env: dl.evaluate(env, None, 2, 2), dl.run_mbrl):
        with pytest.raises(ValueError, match=message):
            call(own(sides=lambda env: sides))


def test_starts_and_rewards_of_integers_are_served():
    plain = dl.collect(own(), episodes=3, generator=dl.seeded(0))
    starts = own(initial_state=lambda env, *batch: torch.zeros(*batch, 2).long())
    assert same(dl.collect(starts, episodes=3, generator=dl.seeded(0)), plain)
    rewards = dl.collect(own(reward=lambda env, s, a: a), episodes=3, generator=dl.seeded(0)).reward
    assert torch.equal(rewards, plain.action.float())
