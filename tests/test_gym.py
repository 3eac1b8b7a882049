"""Gymnasium both ways: its environments in the place of a road, and the roads as its environments."""

import pickle

import gymnasium
import numpy as np
import pytest
import torch

import damlite as dl

LIMIT = 12 * np.pi / 180  # CartPole's own: beyond this angle the pole has fallen
SMALL = {"rounds": 1, "steps": 20, "random_episodes": 5, "episodes": 2, "evaluation_episodes": 2}
PLANNER = dl.RandomShooting(horizon=3, candidates=4, particles=2, clip=3.0)


def cartpole():
    return gymnasium.make("CartPole-v1")


def upright(state, action):
    return (state[..., 2].abs() < LIMIT).float()


def first(state, action):
    return state[..., 0]


SHARED = cartpole()


@pytest.fixture
def env():
    return dl.FromGymnasium(cartpole, upright, 30)


def seeds(count):
    """Those that `collect` draws first from the generator seeded by 0."""
    return torch.randint(2**31, (count,), generator=dl.seeded(0)).tolist()


def test_it_takes_the_steps_that_gymnasium_takes(env):
    data = dl.collect(env, episodes=4, generator=dl.seeded(0))
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
    first, second, other = (dl.collect(env, episodes=3, runs=2, generator=dl.seeded(seed)) for seed in (0, 0, 1))
    assert first.state.shape == (2, 3, 30, 4)
    assert torch.equal(first.next_state, second.next_state)
    assert not torch.equal(first.state, other.state)
    assert len(first.state[:, :, 0, 0].unique()) == 6  # every episode has a start of its own
    start = env.initial_state(2, 3, generator=dl.seeded(0))
    assert torch.equal(first.state[:, :, 0], start)
    assert torch.equal(env.initial_state(4), env.initial_state(4))


def test_a_reward_or_a_policy_that_edits_its_input_changes_no_episode(env):
    def vandal_reward(state, action):
        reward = upright(state, action)
        state.fill_(7.0)
        action.zero_()
        return reward

    def honest(state, step, generator):
        return (state[..., 2] > 0).long()

    def vandal(state, step, generator):
        action = honest(state, step, generator)
        state.fill_(7.0)
        return action

    expected = dl.collect(env, honest, episodes=3, generator=dl.seeded(0))
    edited = dl.collect(dl.FromGymnasium(cartpole, vandal_reward, 30), vandal, episodes=3, generator=dl.seeded(0))
    for name in ("state", "action", "reward", "next_state"):
        assert torch.equal(getattr(edited, name), getattr(expected, name))


def test_names_and_sizes(env):
    assert (env.n_actions, env.horizon) == (2, 30)
    assert env.state_names == ("state 0", "state 1", "state 2", "state 3")
    assert env.action_names == ("action 0", "action 1")
    named = dl.FromGymnasium(cartpole, upright, 5, "xvaw", ["left", "right"])
    assert (named.state_names, named.action_names) == (("x", "v", "a", "w"), ("left", "right"))
    assert env.initial_state().shape == (4,)
    assert env.sides() == (env,)


class Shifted(gymnasium.Env):
    """Counts the actions that it is given; they begin at 3. Every observation is the same array."""

    observation_space = gymnasium.spaces.Box(-9, 9, (1,))
    action_space = gymnasium.spaces.Discrete(2, start=3)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.sum = np.zeros(1, dtype=np.float32)
        return self.sum, {}

    def step(self, action):
        assert action in self.action_space
        self.sum += action - 3
        return self.sum, 0.0, False, False, {}


def test_actions_may_begin_anywhere_and_observations_be_one_array():
    env = dl.FromGymnasium(Shifted, lambda s, a: s[..., 0], 6)
    data = dl.collect(env, episodes=5, generator=dl.seeded(0))
    assert torch.equal(data.next_state[..., 0], data.action.cumsum(-1).float())
    assert torch.equal(data.state[:, 1:], data.next_state[:, :-1])
    assert (data.state[:, 0] == 0).all()


class Careless(Shifted):
    """Its noise does not come from the seed."""

    def step(self, action):
        self.sum += np.random.default_rng().normal()
        return self.sum, 0.0, False, False, {}


class Picture(Shifted):
    observation_space = gymnasium.spaces.Box(0, 1, (2, 2))


class Blind(Shifted):
    observation_space = gymnasium.spaces.Box(0, 1, (0,))


class Scalar(Shifted):
    """Its observation has lost its axis."""

    observation_space = gymnasium.spaces.Box(-9, 9, (4,))

    def reset(self, *, seed=None, options=None):
        return np.zeros(4, dtype=np.float32), {}

    def step(self, action):
        return 1.0, 0.0, False, False, {}


class Unknown(Shifted):
    def step(self, action):
        return np.full(1, np.nan), 0.0, False, False, {}


class Old(Shifted):
    """As before Gymnasium: a step returns four."""

    def step(self, action):
        return self.sum, 0.0, False, {}


class OldReset(Shifted):
    def reset(self, *, seed=None, options=None):
        return np.zeros(1, dtype=np.float32)


class Unseeded(Shifted):
    def reset(self):
        return np.zeros(1, dtype=np.float32), {}


class Continuous(Shifted):
    action_space = gymnasium.spaces.Box(-1, 1, (1,))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"make": gymnasium.make("CartPole-v1")}, "make must be a function, got <"),
        ({"make": lambda: 3}, "make must return a Gymnasium environment, got 3"),
        ({"make": Picture}, "make must return an environment with observations in a Box of one axis, got Box"),
        ({"make": Continuous}, "make must return an environment with Discrete actions, got Box"),
        ({"make": Blind}, "make must return an environment with observations in a Box of one axis, got Box"),
        ({"make": Scalar}, r"with observations of shape \(4,\), as its Box says, got shape \(\)"),
        ({"make": Unknown, "reward": first}, "make must .* finite observations, got [0-9]+ NaN or infinite numbers"),
        ({"make": Old, "reward": first}, r"make must return .* whose step returns \(.*\), got \(array"),
        ({"make": OldReset}, r"make must return .* whose reset returns \(observation, info\), got array"),
        ({"make": Unseeded}, r"make must return an environment with reset\(seed=…\), got TypeError: "),
        ({"make": lambda: SHARED}, "make must return a new environment every time, got <.*CartPole"),
        (
            {"make": Careless, "reward": first},
            "make must return an environment whose randomness comes from reset",
        ),
        ({"reward": 1.0}, "reward must be a function, got 1.0"),
        (
            {"reward": lambda s, a: torch.ones(())},
            r"reward must return a number for each transition, shape \(2, 3\), got 1.0",
        ),
        ({"reward": lambda s, a: s}, r"reward must return .* got shape \(2, 3, 4\)"),
        (
            {"reward": lambda s, a: 1 if s[2] > 0 else 0},
            r"reward must take batches, .* \(2, 3, 4\), got IndexError: index 2",
        ),
        ({"reward": lambda s, a: s.nothing}, "reward must take batches, .* got AttributeError: "),
        ({"features": lambda s: s[0, 0]}, r"features must return .* \(2, 3, F\) of states .*, got shape \(4,\)"),
        ({"features": lambda s: s[..., :0]}, r"features must return floating-point .*, got shape \(2, 3, 0\)"),
        ({"features": lambda s: s.long()}, "features must return floating-point numbers .*, got torch.int64"),
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


def test_velocities_and_dynamics_are_not_known(env):
    with pytest.raises(ValueError, match='predict must be "state" for an environment without known kinematics'):
        dl.DynamicsModel(env)
    with pytest.raises(NotImplementedError, match="no known dynamics to plan through: give a learned model"):
        PLANNER.plan(dl.Belief(env), env.initial_state())


def test_networks_are_given_the_features():
    env = dl.FromGymnasium(cartpole, upright, 5, features=lambda s: torch.cat([s, s[..., 2:3].abs()], -1))
    assert dl.DynamicsModel(env, predict="state").centre.shape[-1] == 5
    assert dl.Discriminator(env).centre.shape[-1] == 3 * 5
    assert dl.DynamicsModel(env, predict="state", features=False).centre.shape[-1] == 4


def test_a_model_learns_calm_cartpole(env):
    """One step of CartPole is nearly linear: the model must find it."""
    g = dl.seeded(0)
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
    first, again = (dl.run_mbrl(env, "dam", 2, "state", runs=2, planner=PLANNER, **SMALL) for _ in range(2))
    assert first.data.state.shape == (2, 5 + 2, 30, 4)
    assert torch.equal(first.returns, again.returns)
    with pytest.raises(ValueError, match="predict"):
        dl.run_mbrl(env, "dam", 2, "velocity", **SMALL)


@pytest.mark.parametrize("change", [torch.Tensor.int, torch.Tensor.bool], ids=["integers", "bools"])
def test_a_reward_may_be_of_integers_or_bools(env, change):
    plain, other = (
        dl.collect(dl.FromGymnasium(cartpole, reward, 30), episodes=2, generator=dl.seeded(0)).reward
        for reward in (upright, lambda state, action: change(upright(state, action)))
    )
    assert torch.equal(other, plain)
    assert other.dtype == plain.dtype


def test_it_is_pickled_as_its_arguments(env):
    same = pickle.loads(pickle.dumps(env))
    assert (same.make, same.reward, same.horizon, same.state_names) == (cartpole, upright, 30, env.state_names)
    first, second = (dl.collect(x, episodes=2, generator=dl.seeded(0)) for x in (env, same))
    assert torch.equal(first.next_state, second.next_state)


@pytest.mark.parametrize("name", ["IcyRoad", "Intersection"])
def test_a_user_who_edits_an_observation_moves_no_car(name):
    def drive(edit):
        road, seen = gymnasium.make(f"damlite/{name}-v0"), []
        observation, _ = road.reset(seed=3)
        for _ in range(5):
            seen.append(observation.copy())
            if edit:
                observation += 100.0
            observation, reward, *_ = road.step(2)
            seen.append(np.array([reward]))
        return np.concatenate(seen)

    np.testing.assert_array_equal(drive(edit=True), drive(edit=False))


@pytest.mark.parametrize("road", [dl.IcyRoad(threshold=3.0), dl.Intersection(left_prob=0.9)], ids=["icy", "crossing"])
def test_a_gymnasium_road_steps_as_the_road_itself(road):
    name, parameters = type(road).__name__, vars(road)
    own = gymnasium.make(f"damlite/{name}-v0", **parameters)
    state = torch.as_tensor(own.reset(seed=5)[0])
    assert own.unwrapped.road == road
    assert torch.equal(state, road.initial_state())
    for t in range(road.horizon):
        after, reward, terminated, truncated, _ = own.step(t % 3)
        action = torch.tensor(t % 3)
        assert reward == pytest.approx(road.reward(state, action).item())
        assert road.transition(state, action).log_prob(torch.as_tensor(after)) > -20
        state = torch.as_tensor(after)
        assert (terminated, truncated) == (False, t == road.horizon - 1)


def test_observations_are_in_the_default_precision(double):
    env = dl.FromGymnasium(cartpole, upright, 5)
    assert dl.collect(env, episodes=2).state.dtype == env.initial_state().dtype == torch.float64
    result = dl.run_mbrl(env, "dam", 1, runs=2, recipe=dl.our_recipe(env).but(planner=PLANNER, **SMALL))
    assert result.returns.isfinite().all()


@pytest.mark.parametrize("name", ["damlite/IcyRoad-v0", "damlite/Intersection-v0"])
def test_roads_are_seen_in_float32_whatever_the_default(double, name):
    env = gymnasium.make(name)
    seen, _ = env.reset(seed=0)
    after, *_ = env.step(1)
    assert seen.dtype == after.dtype == np.float32
    assert env.observation_space.contains(after)


def test_a_gymnasium_road_must_be_reset_before_its_first_step():
    with pytest.raises(gymnasium.error.ResetNeeded, match="reset must be called before the first step"):
        dl.gym.GymRoad().step(1)


def test_a_class_of_no_road_is_none_for_gymnasium():
    with pytest.raises(ValueError, match=r"road\.horizon must be a positive integer, got None"):
        dl.gym.GymRoad(dl.Environment)


def test_a_road_of_ones_own_becomes_a_gymnasium_environment():
    class Cheerful(dl.IcyRoad):
        def reward(self, state, action):
            return super().reward(state, action) + 7

    env, usual = dl.gym.GymRoad(Cheerful, threshold=3.0), dl.gym.GymRoad(threshold=3.0)
    for road in (env, usual):
        road.reset(seed=0)
    (seen, reward, *_), (same, less, *_) = env.step(1), usual.step(1)
    np.testing.assert_array_equal(seen, same)
    assert reward == pytest.approx(less + 7)
