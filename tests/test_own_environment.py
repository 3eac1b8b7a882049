"""Environments of one's own: Gymnasium's, in the place of a road."""

import pickle
import subprocess
import sys

import gymnasium
import numpy as np
import pandas as pd
import pytest
import torch

import damlite as dl
from damlite import sweep

LIMIT = 12 * np.pi / 180  # CartPole's own: beyond this angle the pole has fallen
SMALL = {"rounds": 1, "steps": 20, "random_episodes": 5, "episodes": 2, "evaluation_episodes": 2}
PLANNER = dl.RandomShooting(horizon=3, candidates=4, particles=2, clip=3.0)


def cartpole():
    return gymnasium.make("CartPole-v1")


def upright(state, action):
    return (state[..., 2].abs() < LIMIT).float()


@pytest.fixture
def env():
    return dl.FromGymnasium(cartpole, upright, 30)


def seeds(count):
    """Those that `collect` draws first from the generator seeded by 0."""
    return torch.randint(2**31, (count,), generator=torch.Generator().manual_seed(0)).tolist()


def test_it_takes_the_steps_that_gymnasium_takes(env):
    data = dl.collect(env, episodes=4, generator=torch.Generator().manual_seed(0))
    fell = 0
    for i, seed in enumerate(seeds(4)):
        own = cartpole()
        seen, _ = own.reset(seed=seed)
        over = False
        for t in range(30):
            assert np.array_equal(data.state[i, t].numpy(), seen)
            if not over:  # afterwards the last observation stays
                seen, _, over, _, _ = own.step(int(data.action[i, t]))
            assert np.array_equal(data.next_state[i, t].numpy(), seen)
            assert data.reward[i, t] == upright(data.state[i, t], None)
        fell += over
    assert fell >= 2


def test_nothing_moves_after_the_end(env):
    data = dl.collect(env, lambda state, t, g: torch.zeros(3, dtype=torch.long), episodes=3)
    fallen = data.reward == 0
    assert fallen.any(-1).all()
    assert torch.equal(data.state[fallen], data.next_state[fallen])
    assert (fallen[:, 1:] >= fallen[:, :-1]).all()
    assert data.returns.max() < 15


def test_the_same_generator_gives_the_same_episodes(env):
    first, second, other = (
        dl.collect(env, episodes=3, runs=2, generator=torch.Generator().manual_seed(seed)) for seed in (0, 0, 1)
    )
    assert first.state.shape == (2, 3, 30, 4)
    assert torch.equal(first.next_state, second.next_state)
    assert not torch.equal(first.state, other.state)
    assert len(first.state[:, :, 0, 0].unique()) == 6  # every episode has a start of its own
    start = env.initial_state(2, 3, generator=torch.Generator().manual_seed(0))
    assert torch.equal(first.state[:, :, 0], start)
    assert torch.equal(env.initial_state(4), env.initial_state(4))


def test_names_and_sizes(env):
    assert (env.n_actions, env.horizon) == (2, 30)
    assert env.state_names == ("state 0", "state 1", "state 2", "state 3")
    assert env.action_names == ("action 0", "action 1")
    named = dl.FromGymnasium(cartpole, upright, 5, "xvaw", ["left", "right"])
    assert (named.state_names, named.action_names) == (("x", "v", "a", "w"), ("left", "right"))
    assert env.initial_state().shape == (4,)


class Shifted(gymnasium.Env):
    """Counts the actions that it is given; they begin at 3."""

    observation_space = gymnasium.spaces.Box(-9, 9, (1,))
    action_space = gymnasium.spaces.Discrete(2, start=3)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.sum = 0.0
        return np.array([self.sum]), {}

    def step(self, action):
        assert action in self.action_space
        self.sum += action - 3
        return np.array([self.sum]), 0.0, False, False, {}


def test_actions_may_begin_anywhere():
    env = dl.FromGymnasium(Shifted, lambda s, a: s[..., 0], 6)
    data = dl.collect(env, episodes=5, generator=torch.Generator().manual_seed(0))
    assert torch.equal(data.next_state[..., 0], data.action.cumsum(-1).float())


class Careless(Shifted):
    """Its noise does not come from the seed."""

    def step(self, action):
        self.sum += np.random.default_rng().normal()
        return np.array([self.sum]), 0.0, False, False, {}


class Picture(Shifted):
    observation_space = gymnasium.spaces.Box(0, 1, (2, 2))


class Continuous(Shifted):
    action_space = gymnasium.spaces.Box(-1, 1, (1,))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"make": gymnasium.make("CartPole-v1")}, "make must be a function, got <"),
        ({"make": lambda: 3}, "make must return a Gymnasium environment, got 3"),
        ({"make": Picture}, "make must return an environment with observations in a Box of one axis, got Box"),
        ({"make": Continuous}, "make must return an environment with Discrete actions, got Box"),
        (
            {"make": Careless, "reward": lambda s, a: s[..., 0]},
            "make must return an environment whose randomness comes from reset",
        ),
        ({"reward": 1.0}, "reward must be a function, got 1.0"),
        ({"reward": lambda s, a: 1.0}, r"reward must return a tensor of shape \(2, 3\) for .* \(2, 3, 4\), got 1.0"),
        ({"reward": lambda s, a: s}, r"reward must return .* got \(2, 3, 4\)"),
        ({"reward": lambda s, a: 1 if s[2] > 0 else 0}, "reward must return .* got an error"),
        ({"features": lambda s: s[..., 0]}, r"features must return a tensor of shape \(2, 3, F\) .* got \(2, 3\)"),
        ({"horizon": 0}, "horizon must be a positive integer, got 0"),
        ({"state_names": ("x",)}, "state_names must hold 4 names, got 1"),
        ({"action_names": "abc"}, "action_names must hold 2 names, got 3"),
    ],
)
def test_bad_arguments_are_named(change, message):
    with pytest.raises(ValueError, match=message):
        dl.FromGymnasium(**{"make": cartpole, "reward": upright, "horizon": 5, **change})


def test_an_environment_that_is_truncated_too_early_is_refused():
    def short():
        return gymnasium.make("CartPole-v1", max_episode_steps=4)

    assert dl.collect(dl.FromGymnasium(short, upright, 4), episodes=1).state.shape == (1, 4, 4)
    with pytest.raises(ValueError, match="horizon must be at most 4, where the environment truncates, got 5"):
        dl.FromGymnasium(short, upright, 5)


def test_a_policys_bad_actions_are_named(env):
    with pytest.raises(ValueError, match="the policy's actions must be integers from 0 to 1, got 2 to 2"):
        dl.collect(env, lambda state, t, g: torch.full((3,), 2), episodes=3)


def test_velocities_are_not_known(env):
    with pytest.raises(ValueError, match='predict must be "state" for an environment without known kinematics'):
        dl.DynamicsModel(env)


def test_networks_are_given_the_features():
    env = dl.FromGymnasium(cartpole, upright, 5, features=lambda s: torch.cat([s, s[..., 2:3].abs()], -1))
    assert dl.DynamicsModel(env, predict="state").centre.shape[-1] == 5
    assert dl.Discriminator(env).centre.shape[-1] == 3 * 5


def test_a_model_learns_calm_cartpole(env):
    """One step of CartPole is nearly linear: the model must find it."""
    g = torch.Generator().manual_seed(0)
    data = dl.collect(env, episodes=100, generator=g)
    model = dl.DynamicsModel(env, 1, "state", generator=g)
    dl.fit_model(model, data, steps=400, generator=g)
    up = data.reward[..., 0] == 1
    state, action = data.state[up][:, 0], data.action[up][:, 0]
    with torch.no_grad():
        error = model.transition(state, action).means[..., 0, :] - data.next_state[up][:, 0]
    change = data.next_state[up][:, 0] - state
    assert (error.std(0) < 0.3 * change.std(0)).all()


def test_the_loop_runs(env):
    result = dl.run_mbrl(env, "dam", 2, "state", runs=2, planner=PLANNER, **SMALL)
    assert result.data.state.shape == (2, 5 + 2, 30, 4)
    again = dl.run_mbrl(env, "dam", 2, "state", runs=2, planner=PLANNER, **SMALL)
    assert torch.equal(result.returns, again.returns)
    with pytest.raises(ValueError, match="predict"):
        dl.run_mbrl(env, "dam", 2, "velocity", **SMALL)


def test_it_is_known_by_its_behaviour(env):
    same = pickle.loads(pickle.dumps(env))
    assert repr(same) == repr(env)
    assert " at 0x" not in repr(env)

    def heavier():
        made = cartpole()
        made.unwrapped.gravity = 12.0
        return made

    heavier.__qualname__ = "cartpole"
    others = [dl.FromGymnasium(heavier, upright, 30), dl.FromGymnasium(cartpole, lambda s, a: 2 * upright(s, a), 30)]
    others.append(dl.FromGymnasium(cartpole, upright, 29))
    assert len({repr(other) for other in [env, *others]}) == 4


def test_another_process_knows_it_by_the_same_name(env):
    script = (
        "import sys; sys.path.insert(0, 'tests')\n"
        "import test_own_environment as t\n"
        "print(t.dl.FromGymnasium(t.cartpole, t.upright, 30))"
    )
    root = sweep.STORED.parent
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=root)
    assert done.stdout.strip() == repr(env)


def test_a_sweep_takes_it_and_keeps_its_pieces(tmp_path, env, monkeypatch):
    how = {"roads": {"my road": env}, "planner": PLANNER, "progress": False, **SMALL}
    one, two = (sweep.run_table1(1, ("state",), jobs, folder=tmp_path / str(jobs), **how) for jobs in (1, 2))
    pd.testing.assert_frame_equal(one, two)
    assert set(one["road"]) == {"my road"}
    monkeypatch.setattr(sweep, "run_mbrl", None)  # whoever runs one now gets an error
    pd.testing.assert_frame_equal(sweep.run_table1(1, ("state",), 1, folder=tmp_path / "1", **how), one)
    assert sweep.summarise(one)["regret"].isna().all()


def test_a_sweep_takes_what_was_defined_in_a_script(tmp_path):
    """As in a notebook: worker processes cannot import it, and get it by value."""
    script = f"""
import gymnasium, torch
import damlite as dl
from damlite import sweep
LEVEL = 0.2
class Still(gymnasium.Wrapper):
    def step(self, action):
        return self.env.step(action)
def make():
    return Still(gymnasium.make("CartPole-v1"))
def reward(s, a):
    return (s[..., 2].abs() < LEVEL).float()
env = dl.FromGymnasium(make, reward, 6)
planner = dl.RandomShooting(horizon=2, candidates=2, particles=1)
table = sweep.run_table1(1, ("state",), 2, {{"mine": env}}, progress=False, planner=planner, **{SMALL})
print(len(table))
"""
    path = tmp_path / "script.py"
    path.write_text(script)
    done = subprocess.run([sys.executable, str(path)], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "16", done.stderr
