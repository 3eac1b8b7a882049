"""Exercises of lesson 08."""

from collections.abc import Callable

import torch
from torch import Tensor

from ..envs import Intersection
from .answers import answer, compare


def check_crossing_reward(reward: Callable[[Tensor], Tensor]) -> str:
    """r(s, a) of Eq. 21 for states (..., 10) of the Intersection, shape (...)."""
    env, g = Intersection(), torch.Generator().manual_seed(0)
    state = env.initial_state(4, 25)
    state = state + torch.tensor([0.5, 4, 0.02, 1, 0.02] * 2) * torch.randn(state.shape, generator=g)
    state[:, ::2, 5:7] = state[:, ::2, 0:2] + 1.5 * torch.randn(4, 13, 2, generator=g)  # some near, some crashed
    speed, distance = state[..., 3], env.distance(state)
    crashed = distance < env.crash_distance
    along_y = (state[..., 1] - state[..., 6]).abs() < env.crash_distance
    mistakes = {
        "this adds 10 after a crash. The crash costs 10.": speed + 10.0 * crashed,
        "this punishes the cars for being far apart. They have crashed where the distance is *below* 2.5 m.": (
            speed - 10.0 * ~crashed
        ),
        "this looks at the distance along y alone. Cars in different lanes pass each other.": speed - 10.0 * along_y,
        "this compares the *squared* distance with 2.5 m.": speed - 10.0 * (distance**2 < env.crash_distance),
        "this takes the other car's speed (coordinate 8). The agent's is coordinate 3.": state[..., 8] - 10.0 * crashed,
        "this takes the speed away in a crash. Eq. 21 adds both terms.": torch.where(crashed, -10.0, speed),
        "this leaves out what a crash costs.": speed,
    }
    hint = "Two terms: state[..., 3], and −10 where √((x−x')² + (y−y')²) < 2.5."
    expected = speed - 10.0 * crashed
    return compare("reward", answer(reward, state), expected, mistakes, "that is Eq. 21.", hint)


def check_backup(backup: Callable[[Tensor, Tensor, Tensor], Tensor]) -> str:
    """V(s) = r(s) + max_a Σ_k p_k v_k, from rewards (N,), chances (N, A, K) and next values (N, A, K)."""
    g = torch.Generator().manual_seed(0)
    r, v = torch.randn(7, generator=g), 5 * torch.randn(7, 3, 2, generator=g)
    p = torch.rand(7, 3, 2, generator=g)
    p = p / p.sum(-1, keepdim=True)
    mistakes = {
        "this takes the best next state, as if the driver could choose the coin too. First the mean over k.": (
            r + (p * v).amax((-1, -2))
        ),
        "this takes the maximum over next states and then over actions. Chance decides between next states.": (
            r + v.amax((-1, -2))
        ),
        "this takes the mean of the best: max inside the sum. The action is chosen before the coin falls.": (
            r + (p * v.amax(1, keepdim=True)).sum(-1).mean(-1)
        ),
        "this averages over the actions. The driver takes the best one.": r + (p * v).sum(-1).mean(-1),
        "this takes the worst action.": r + (p * v).sum(-1).amin(-1),
        "this forgets the reward of the state itself.": (p * v).sum(-1).amax(-1),
        "this weights both next states alike. Use their chances p.": r + v.mean(-1).amax(-1),
    }
    hint = "Sum p·v over the last axis, then the maximum over the actions, then add r."
    expected = r + (p * v).sum(-1).amax(-1)
    praise = "one step of dynamic programming; 25 of them give the optimum."
    return compare("backup", answer(backup, r, p, v), expected, mistakes, praise, hint)


def check_shifted_value(value: Callable[[Tensor, Tensor, float], Tensor]) -> str:
    """Mean over P particles of Σ_t (w_t (r_t − c) + c), from weights and rewards (P, T) and a number c."""
    g = torch.Generator().manual_seed(0)
    w, r, c = torch.randn(30, 6, generator=g).exp(), torch.randn(30, 6, generator=g), -2.5
    mistakes = {
        "this subtracts c and never adds it again: its value is T·c too small or too large.": (
            (w * (r - c)).sum(-1).mean()
        ),
        "this adds c before the weighting and takes it away after: the sign of the shift is wrong.": (
            (w * (r + c) - c).sum(-1).mean()
        ),
        "this weights c along with the reward: w·(r − c) + w·c = w·r, no shift at all.": (w * r).sum(-1).mean(),
        "this adds c once for the whole trajectory. Every one of the T rewards was shifted.": (
            (w * (r - c)).sum(-1).mean() + c
        ),
        "this is the sum over the particles. A value is their mean.": (w * (r - c) + c).sum(),
        "this is the mean over the steps too. A return is the sum over the steps.": (w * (r - c) + c).mean(),
    }
    hint = "Shift each reward, weight it, shift it back, sum over the steps, mean over the particles."
    expected = (w * (r - c) + c).sum(-1).mean()
    praise = "right for every c on average, and far less spread for the right one."
    return compare("shifted_value", answer(value, w, r, c), expected, mistakes, praise, hint)
