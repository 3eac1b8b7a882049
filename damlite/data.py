"""Episodes: collecting them (ROLLOUT of Alg. 3) and holding some of them out."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import torch
from torch import Generator, Tensor

from .support import limits, validate

if TYPE_CHECKING:
    from .envs import Environment

HOLD_OUT_EVERY = 5
Policy = Callable[[Tensor, int, Generator | None], Tensor]


@dataclass(frozen=True)
class Episodes:
    """E episodes of T transitions, each a trajectory τ drawn from p(τ) (Eq. 1), for one run or for R of them.

    Attributes
    ----------
    state, next_state : (..., E, T, S); the leading axes are () or (R,)
    action : (..., E, T)
    reward : (..., E, T), r(s_t, a_t)

    States and rewards of integers or bools are kept as floating-point numbers.
    """

    state: Tensor
    action: Tensor
    reward: Tensor
    next_state: Tensor

    def __post_init__(self) -> None:
        for name in ("state", "reward", "next_state"):
            given = getattr(self, name)
            if isinstance(given, Tensor) and not (given.is_floating_point() or given.is_complex()):
                object.__setattr__(self, name, given.to(torch.get_default_dtype()))

    @property
    def returns(self) -> Tensor:
        """R(τ), the sum of the rewards of every episode, shape (..., E)."""
        return self.reward.sum(-1)

    def __len__(self) -> int:
        return self.state.shape[-3]

    def __add__(self, other: Episodes) -> Episodes:
        """Both sets of episodes, other's last; ValueError if anything but their number differs."""
        own, others = (_but_episodes(d) for d in (self, validate.instance("other", other, Episodes)))
        if own != others:
            raise ValueError(f"other must have runs, T and S = {own}, got {others}")
        pairs = ((getattr(self, f.name), getattr(other, f.name)) for f in fields(self))
        return Episodes(*(torch.cat(pair, dim=self.returns.ndim - 1) for pair in pairs))

    def map(self, function: Callable[[Tensor], Tensor]) -> Episodes:
        """The same function, of one tensor, applied to each of the four."""
        validate.function("function", function, "tensor")
        changed = [function(getattr(self, f.name)) for f in fields(self)]
        if not all(isinstance(t, Tensor) for t in changed):
            raise ValueError(f"function must return a tensor, got {validate.shown(changed[0])}")
        return Episodes(*changed)

    def select(self, chosen: Tensor | Sequence[int] | slice) -> Episodes:
        """The episodes whose numbers are in `chosen` (N,), whose entries are True in a mask (E,), or of a slice."""
        chosen = torch.arange(len(self))[chosen] if isinstance(chosen, slice) else chosen
        axis, chosen = self.returns.ndim - 1, validate.chosen("chosen", chosen, len(self))
        return self.map(lambda t: t[(slice(None),) * axis + (chosen,)])

    def parts(self) -> tuple[Tensor, Tensor]:
        """Masks (E,) of the training and of the held-out episodes: every fifth, at least one of two or more.

        They depend on nothing but the order, so model and discriminator hold out the same episodes, and an episode
        stays on its side when later rounds add more. A single episode is on both sides.
        """
        number = torch.arange(len(self))
        held_out = number % HOLD_OUT_EVERY == HOLD_OUT_EVERY - 1
        if not held_out.any():
            held_out = number == len(self) - 1
        return (~held_out if len(self) > 1 else held_out), held_out

    def split(self) -> tuple[Episodes, Episodes]:
        """Training and held-out episodes, see `parts`."""
        training, held_out = self.parts()
        return self.select(training), self.select(held_out)

    def check(self, env: Environment) -> Episodes:
        """Return these episodes; raise ValueError if they are empty, misshapen or hold NaN."""
        validate.environment("env", env)
        size = len(env.state_names)
        if self.state.ndim < 3 or self.state.shape[-1] != size:
            raise ValueError(f"data.state must have shape (..., E, T, {size}), got {tuple(self.state.shape)}")
        if self.action.numel() == 0:
            raise ValueError("data must hold at least one transition, got none")
        batch = self.state.shape[:-1]
        for name, shape in {"next_state": self.state.shape, "action": batch, "reward": batch}.items():
            if (got := getattr(self, name).shape) != shape:
                raise ValueError(f"data.{name} must have shape {tuple(shape)}, got {tuple(got)}")
        for name in ("state", "reward", "next_state"):
            if bad := int((~getattr(self, name).isfinite()).sum()):
                raise ValueError(f"data.{name} must be finite, got {bad} NaN or infinite numbers")
        validate.actions("data.action", self.action, env.n_actions)
        return self


def collect(
    env: Environment,
    policy: Policy | None = None,
    *,
    episodes: int = 20,
    runs: int | None = None,
    generator: Generator | None = None,
) -> Episodes:
    """Drive the real road and record what happens: ROLLOUT of Alg. 3.

    Parameters
    ----------
    policy : function of (state (..., E, S), step from 0, generator) that returns actions (..., E);
        None chooses each action uniformly at random
    episodes : number of episodes E
    runs : length of a leading axis of independent runs R; None for no such axis
    generator : where the random numbers come from

    Returns
    -------
    Episodes, with a leading axis R if `runs` is given.

    Raises
    ------
    ValueError
        If an argument does not fit, or what the environment or the policy gives is of another shape.
    """
    validate.environment("env", env)
    batch = (validate.integer("episodes", episodes),)
    batch = batch if runs is None else (validate.integer("runs", runs), *batch)
    size = math.prod(batch) * env.horizon * 2 * (len(env.state_names) + 1)
    limits.at_most(limits.IMAGINED, "numbers", "episodes", size, "drive fewer, or fewer runs, at a time")
    validate.policy("policy", policy)
    return env.rollout(policy, batch, validate.generator("generator", generator))


def roll_out(
    env: Environment,
    state: Tensor,
    step: Callable[[Tensor, Tensor], Tensor],
    policy: Policy | None = None,
    generator: Generator | None = None,
) -> Episodes:
    """Episodes from first states (..., E, S); `step`, a function of (state, action), takes each step; see `collect`.

    Policy and reward are given copies: one that edits its input changes nothing of what happened.
    """
    batch, steps = state.shape[:-1], []
    for t in range(env.horizon):
        if policy is None:
            action = torch.randint(env.n_actions, batch, generator=generator)
        else:
            action = _asked(policy, state.clone(), t, generator, env.n_actions)
        next_state = step(state, action)
        if next_state.shape != state.shape:
            expected, got = tuple(state.shape), tuple(next_state.shape)
            raise ValueError(f"env's transition must give next states of shape {expected}, got {got}")
        reward = validate.answer("env.reward", env.reward, state.clone(), action.clone(), shape=batch)
        steps.append((state, action, reward, next_state))
        state = next_state
    states, actions, rewards, next_states = zip(*steps, strict=True)
    states, next_states = torch.stack(states, -2), torch.stack(next_states, -2)
    return Episodes(states, torch.stack(actions, -1), torch.stack(rewards, -1), next_states)


def _asked(policy: Policy, state: Tensor, step: int, generator: Generator | None, n_actions: int) -> Tensor:
    """The actions (...) that a policy takes in states (..., S)."""
    try:
        given = policy(state, step, generator)
    except TypeError:
        validate.takes("policy", policy, 3)
        raise
    action, batch = validate.actions("the policy's actions", given, n_actions), state.shape[:-1]
    try:
        return action.expand(batch).clone()
    except RuntimeError:
        expected = f"policy must return an action for each state, shape {tuple(batch)}"
        raise ValueError(f"{expected}, got shape {tuple(action.shape)}") from None


def _but_episodes(data: Episodes) -> tuple[int, ...]:
    """All sizes of a set of episodes but for their number."""
    *runs, _, length, size = data.state.shape
    return (*runs, length, size)
