"""A Gymnasium environment in the place of a road."""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import gymnasium
import numpy as np
import torch
from torch import Tensor

from ..data import Episodes, Policy, collect, roll_out
from ..envs import Environment
from ..mixture import seeded
from ..support import validate


def as_it_is(state: Tensor) -> Tensor:
    """The state (..., S) itself."""
    return state


@dataclass(frozen=True, repr=False)
class FromGymnasium(Environment):
    """A Gymnasium environment in the place of a road: for `collect`, `run_mbrl`, sweeps and all between.

    Observations must be a Box of one axis, and are taken for the state; actions must be Discrete. Episodes all last
    `horizon` steps: after Gymnasium's `terminated` the last state stays (it is absorbing) and only `reward` goes on.
    What `step` returns as its reward is not used. There is no density of the next state, so models must predict the
    state (`predict="state"`), and exact weights do not exist: the discriminator's are all there is.

    Parameters
    ----------
    make : function without arguments that makes a new environment every time; processes that share a sweep must be
        able to unpickle it. All randomness must come from `reset(seed=…)`, that is from the environment's `np_random`
    reward : function of (state (..., S), action (...)), batched tensors, that returns r(s, a), shape (...): planners
        ask it about imagined states
    horizon : number of steps of every episode, T
    state_names, action_names : S and A labels; by default "state 0", …, "action 0", …
    features : function of state (..., S) that returns what networks are given of it, (..., F); by default the state

    Raises
    ------
    ValueError
        If an argument does not fit, or the same seed and actions do not give the same states twice.
    """

    make: Callable[[], gymnasium.Env]
    reward: Callable[[Tensor, Tensor], Tensor] = field()
    horizon: int = field()
    state_names: tuple[str, ...] | None = None
    action_names: tuple[str, ...] | None = None
    features: Callable[[Tensor], Tensor] = as_it_is
    n_actions: int = field(init=False)
    _envs: list[gymnasium.Env] = field(init=False, compare=False, default_factory=list)

    def __post_init__(self) -> None:
        for name in ("make", "reward", "features"):
            if not callable(getattr(self, name)):
                raise ValueError(f"{name} must be a function, got {getattr(self, name)!r}")
        validate.each(self, validate.integer, "horizon")
        try:
            env = self.make()
        except Exception as error:
            got = f"{type(error).__name__}: {error}"
            raise ValueError(f"make must return a Gymnasium environment, got {got}") from error
        if not isinstance(env, gymnasium.Env):
            raise ValueError(f"make must return a Gymnasium environment, got {validate.shown(env)}")
        self._envs.append(env)
        box, actions = env.observation_space, env.action_space
        if not isinstance(box, gymnasium.spaces.Box) or len(box.shape) != 1 or box.shape[0] == 0:
            raise ValueError(f"make must return an environment with observations in a Box of one axis, got {box}")
        if not isinstance(actions, gymnasium.spaces.Discrete):
            raise ValueError(f"make must return an environment with Discrete actions, got {actions}")
        size, n_actions = box.shape[0], int(actions.n)
        for name, count, one in (("state_names", size, "state"), ("action_names", n_actions, "action")):
            names = getattr(self, name)
            names = tuple(f"{one} {i}" for i in range(count)) if names is None else names
            if not isinstance(names, Iterable) or not all(isinstance(each, str) for each in names):
                raise ValueError(f"{name} must be a tuple of texts, got {validate.shown(names)}")
            names = tuple(names)
            if len(names) != count:
                raise ValueError(f"{name} must hold {count} names, got {len(names)}")
            object.__setattr__(self, name, names)
        object.__setattr__(self, "n_actions", n_actions)
        self._check_functions()
        first, again = (self._probe(2) for _ in range(2))
        if bad := int((~torch.cat([first.state, first.next_state]).isfinite()).sum()):
            raise ValueError(
                f"make must return an environment with finite observations, got {bad} NaN or infinite numbers"
            )
        if not torch.equal(first.next_state, again.next_state):
            raise ValueError(
                "make must return an environment whose randomness comes from reset(seed=…), through its np_random; "
                "got episodes that differ though seed and actions are the same"
            )

    def initial_state(self, *batch: int, generator: torch.Generator | None = None) -> Tensor:
        """First states (*batch, S), each of a `reset` with its own seed; without a generator always the same ones."""
        generator = seeded(0) if generator is None else validate.generator("generator", generator)
        return self._reset(validate.batch("batch", batch, len(self.state_names)), generator)

    def rollout(self, policy: Policy | None, batch: tuple[int, ...], generator: torch.Generator | None) -> Episodes:
        """Episodes (*batch, T) of as many real environments, stepped side by side; see `collect`.

        Their seeds are drawn from `generator`, so that the same generator gives the same episodes.

        Raises
        ------
        ValueError
            If an environment is truncated before `horizon` steps.
        """
        state = self._reset(batch, generator)
        start, ended, taken = int(self._envs[0].action_space.start), [False] * math.prod(batch), 0

        def step(state: Tensor, action: Tensor) -> Tensor:
            nonlocal taken
            taken += 1
            after = state.reshape(-1, state.shape[-1]).clone()  # who has ended stays
            for i, a in enumerate(action.flatten().tolist()):
                if ended[i]:
                    continue
                after[i], ended[i], truncated = self._stepped(self._envs[i], start + a)
                if truncated and not ended[i] and taken < self.horizon:
                    raise ValueError(
                        f"horizon must be at most {taken}, where the environment truncates, got {self.horizon}"
                    )
            return after.reshape(state.shape)

        return roll_out(self, state, step, policy, generator)

    def _reset(self, batch: tuple[int, ...], generator: torch.Generator | None) -> Tensor:
        """First observations (*batch, S) of as many environments, made where there are too few."""
        seeds = torch.randint(2**31, (math.prod(batch),), generator=generator).tolist()
        known = {id(env.unwrapped) for env in self._envs}
        while len(self._envs) < len(seeds):
            self._envs.append(self.make())
            known.add(id(self._envs[-1].unwrapped))
            if len(known) < len(self._envs):
                got = validate.shown(self._envs.pop())
                raise ValueError(f"make must return a new environment every time, got {got} that it made before")
        seen = [self._begun(env, seed) for env, seed in zip(self._envs, seeds, strict=False)]
        return torch.stack(seen).reshape(*batch, -1)

    def _begun(self, env: gymnasium.Env, seed: int) -> Tensor:
        """The first observation (S,) of an episode."""
        try:
            given = env.reset(seed=seed)
        except TypeError as error:
            raise ValueError(f"make must return an environment with reset(seed=…), got TypeError: {error}") from error
        if not isinstance(given, tuple) or len(given) != 2:
            got = validate.shown(given)
            raise ValueError(f"make must return an environment whose reset returns (observation, info), got {got}")
        return self._tensor(given[0])

    def _stepped(self, env: gymnasium.Env, action: int) -> tuple[Tensor, bool, bool]:
        """The next observation (S,) of an environment, and whether it is terminated and truncated."""
        given = env.step(action)
        if not isinstance(given, tuple) or len(given) != 5:
            expected = "(observation, reward, terminated, truncated, info)"
            got = validate.shown(given)
            raise ValueError(f"make must return an environment whose step returns {expected}, got {got}")
        return self._tensor(given[0]), given[2], given[3]

    def _tensor(self, observation: object) -> Tensor:
        """An observation (S,), which must be of the Box's shape."""
        seen, shape = np.asarray(observation), (len(self.state_names),)
        if seen.shape != shape:
            expected = f"observations of shape {shape}, as its Box says"
            raise ValueError(f"make must return an environment with {expected}, got shape {seen.shape}")
        return torch.as_tensor(seen, dtype=torch.get_default_dtype())

    def _probe(self, episodes: int) -> Episodes:
        """The same random episodes every time."""
        return collect(self, episodes=episodes, generator=seeded(0))

    def _check_functions(self) -> None:
        """Reward and features must take batches."""
        state, action = self.initial_state(2, 3), torch.zeros(2, 3, dtype=torch.long)
        validate.one_each("reward", self._asked("reward", state, action), state)
        validate.features("features", self._asked("features", state), state)

    def _asked(self, name: str, *given: Tensor) -> object:
        """What the function of this name says of a batch."""
        try:
            return getattr(self, name)(*given)
        except Exception as error:
            asked = f"{name} must take batches, as states of shape {tuple(given[0].shape)}"
            raise ValueError(f"{asked}, got {type(error).__name__}: {error}") from error

    def __repr__(self) -> str:
        """The same in every process."""
        name = getattr(self.make, "__qualname__", type(self.make).__qualname__)
        known = f"horizon={self.horizon}, state_names={self.state_names}, action_names={self.action_names}"
        return f"FromGymnasium({name}, {known})"

    def __reduce__(self) -> tuple:
        """Pickled as its arguments; the environments themselves stay."""
        return FromGymnasium, (self.make, self.reward, self.horizon, self.state_names, self.action_names, self.features)
