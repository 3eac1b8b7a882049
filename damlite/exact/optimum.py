"""The greatest expected return on either road."""

from dataclasses import replace
from functools import singledispatch
from typing import NoReturn

import torch

from ..envs import Environment, IcyRoad, Intersection
from ..support import limits, validate
from .values import best_sequence, value

LISTED = ("initial_state", "transition", "kinematics")  # what a class of roads must not change here


def optimum(env: Environment, *, discount: float = 1.0) -> float:
    """The greatest expected return: of any open-loop sequence on IcyRoad, of any policy at the Intersection.

    discount : γ in [0, 1]; r_t counts γ^(t−1) times

    Raises
    ------
    ValueError
        For an environment whose optimum is not known, as that of a road of a class with a reward of its own.
    """
    return _optimum(env, validate.number("discount", discount, 0, 1))


@singledispatch
def _optimum(env: Environment, discount: float) -> float:
    _no_road(env)


@_optimum.register
def _(env: IcyRoad, discount: float) -> float:
    return value(env, best_sequence(env, discount=discount), discount=discount)


@_optimum.register
def _(env: Intersection, discount: float) -> float:
    return closed_loop_optimum(env, discount=discount)


@singledispatch
def _noiseless(env: Environment) -> Environment:
    _no_road(env)


@_noiseless.register
def _(env: IcyRoad) -> IcyRoad:
    return replace(validate.unchanged("env", env, IcyRoad, *LISTED), noise=0.0)


@_noiseless.register
def _(env: Intersection) -> Intersection:
    return replace(validate.unchanged("env", env, Intersection, *LISTED), noise=0.0)


def _no_road(env: object) -> NoReturn:
    expected = "env must be an IcyRoad or an Intersection for an exact optimum"
    raise ValueError(f"{expected}, got {validate.shown(env)}")


def closed_loop_optimum(env: IcyRoad | Intersection, *, discount: float = 1.0) -> float:
    """The greatest expected return of any policy that sees every state, on the road without noise.

    Without noise every action leads to one of K states, and different histories to the same ones, so that all
    reachable states can be listed step by step. Then dynamic programming from the end:
    V_t(s) = max_a [r(s, a) + γ Σ_k P(k | s, a) V_{t+1}(s'_k)], with V_{H+1} = 0.
    """
    validate.number("discount", discount, 0, 1)
    env = _noiseless(env)
    state, actions = env.initial_state(1).double(), torch.arange(env.n_actions)
    layers = []
    for _ in range(env.horizon):
        p = env.transition(state[:, None], actions)
        way_out = "no closed form is known for so long a road: drive it instead"
        limits.at_most(limits.REACHABLE, "next states", "env", p.log_weights.numel(), way_out)
        later = env.kinematics.complete(state[:, None, None], p.means).flatten(0, -2)
        _, number = torch.unique((later * 1e6).round(), dim=0, return_inverse=True)
        layers.append((env.reward(state[:, None], actions), p.log_weights.exp(), number.reshape(p.log_weights.shape)))
        state = later.new_empty(int(number.max()) + 1, later.shape[-1]).index_copy(0, number, later)
    best = torch.zeros(len(state), dtype=state.dtype)
    for reward, chance, number in reversed(layers):
        best = (reward + discount * (chance * best[number]).sum(-1)).amax(-1)
    return best.item()
