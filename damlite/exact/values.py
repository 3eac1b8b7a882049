"""Exact expected returns of open-loop plans on IcyRoad, by enumerating what can happen."""

import math
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

from ..envs import IcyRoad
from ..planning import every_sequence
from ..support import limits, validate

ENUMERATED = ("initial_state", "transition", "kinematics", "reward")  # what a class of roads must not change here
NEGLIGIBLE = 1e-15  # probability below which a history is dropped
HISTORIES = "transitions between histories"
FEWER = "value fewer or shorter sequences, or imagine them with dl.estimate_value(env, …)"  # a way out


def value(env: IcyRoad, actions: Tensor, *, discount: float = 1.0) -> float | Tensor:
    """Exact expected return Σ_t γ^(t−1) E[r(s_t, a_t)] of open-loop sequences from the start, in closed form.

    Every history of kicks (none, left, right) and of rounded speeds is enumerated with its probability;
    given the history y_t is Gaussian, so the chance of having left the road is a Gaussian probability.
    Unused randomness of the last action's transition is left out, as r(s_H) does not depend on it.

    Parameters
    ----------
    actions : (H,) or (..., H)
    discount : γ in [0, 1]

    Returns
    -------
    A float for one sequence, a float64 tensor (...) for several.

    Raises
    ------
    ValueError
        If `env` is no IcyRoad, or its class has a start, a transition or a reward of its own; if it would take long.
    """
    validate.unchanged("env", env, IcyRoad, *ENUMERATED)
    actions = validate.sequences("actions", actions, env.n_actions)
    discount = validate.number("discount", discount, 0, 1)
    return _values(env, actions, discount, "actions", FEWER)


def _values(env: IcyRoad, actions: Tensor, discount: float, name: str, way_out: str) -> float | Tensor:
    """`value`, with the name of the argument that may ask for too much, and what to do then."""
    limits.at_most(limits.TRANSITIONS, HISTORIES, name, actions.numel(), way_out)
    rows = [tuple(row) for row in actions.reshape(-1, actions.shape[-1]).tolist()]
    _check_size(env, rows, name, way_out)
    flat = [sum(_rewards(env, row, discount)) for row in rows]
    return flat[0] if actions.ndim == 1 else torch.tensor(flat, dtype=torch.float64).reshape(actions.shape[:-1])


def best_sequence(env: IcyRoad, *, discount: float = 1.0) -> Tensor:
    """The open-loop action sequence (H,) of the greatest `value`."""
    discount = validate.number("discount", discount, 0, 1)
    validate.unchanged("env", env, IcyRoad, *ENUMERATED)
    way_out = "value those that you have in mind, or search with a planner"
    limits.sequences("env", env.n_actions, env.horizon, way_out, limits.EXACT_SEQUENCES)
    sequences = every_sequence(env.n_actions, env.horizon)
    return sequences[_values(env, sequences, discount, "env", way_out).argmax()]


def bonus_edge(env: IcyRoad) -> float:
    """The speed from which round(xdot) > threshold."""
    return math.floor(env.threshold) + 0.5


@dataclass(frozen=True)
class History:
    """What decides the future after a history of kicks and rounded speeds.

    The speed is Gaussian about `speed` with the road's noise; (y, ydot) given the history is jointly
    Gaussian with the means and (co)variances below.
    """

    speed: float = 1.0
    speed_std: float = 0.0
    y: float = 0.0
    ydot: float = 0.0
    var_y: float = 0.0
    var_ydot: float = 0.0
    cov: float = 0.0

    def reward(self, env: IcyRoad) -> float:
        """E[r(s)] of Eq. 20 given the history."""
        std = self.var_y**0.5
        on_road = _cdf(1, self.y, std) - _cdf(-1, self.y, std) if std > 0 else float(abs(self.y) <= 1)
        fast = 1 - _cdf(bonus_edge(env), self.speed, self.speed_std)
        return self.speed - 6 * (1 - on_road) + 8 * on_road * fast

    def after(self, env: IcyRoad, action: int) -> Iterator[tuple["History", float]]:
        """The histories one step later, with their probabilities."""
        for rounded, chance in self._rounded():
            speed = rounded + action - 1
            swerve = env.swerve_prob if speed > env.threshold else 0.0
            yield self._kicked(env, speed, 0.0, 0.0), chance * (1 - swerve)
            for kick in (env.swerve_speed, -env.swerve_speed):
                yield self._kicked(env, speed, kick, env.swerve_spread), chance * swerve / 2

    def _rounded(self) -> Iterator[tuple[float, float]]:
        reach = math.ceil(8 * self.speed_std)
        for whole in range(round(self.speed) - reach, round(self.speed) + reach + 1):
            below, upto = (_cdf(whole + half, self.speed, self.speed_std) for half in (-0.5, 0.5))
            yield float(whole), upto - below

    def _kicked(self, env: IcyRoad, speed: float, kick: float, spread: float) -> "History":
        ydot, var_ydot = self.ydot + kick, self.var_ydot + spread**2 + env.noise**2
        return History(
            speed=speed,
            speed_std=env.noise,
            y=self.y + ydot,
            ydot=ydot,
            var_y=self.var_y + 2 * self.cov + var_ydot,
            var_ydot=var_ydot,
            cov=self.cov + var_ydot,
        )


def _check_size(env: IcyRoad, rows: list[tuple[int, ...]], name: str, way_out: str) -> None:
    """Refuse sequences whose histories would take too long to enumerate; beginnings that are alike count once."""
    transitions, seen = 0, set()
    for row in rows:
        for begun in (row[:t] for t in range(len(row))):
            work, histories = _work(env, begun)
            transitions += sum(histories.values()) + (0 if begun in seen else work)
            seen.add(begun)
            if transitions > limits.TRANSITIONS:
                break
        limits.at_most(limits.TRANSITIONS, HISTORIES, name, transitions, way_out)


@lru_cache(maxsize=2**14)
def _work(env: IcyRoad, actions: tuple[int, ...]) -> tuple[int, dict[float, int]]:
    """How many transitions the last action of a beginning asks for, and how many histories with each speed it leaves.

    It may be fewer: histories of negligible probability count too.
    """
    start = History()
    if not actions:
        return 0, {start.speed: 1}
    _, counts = _work(env, actions[:-1])
    std = env.noise if len(actions) > 1 else start.speed_std
    reach = math.ceil(8 * min(std, 1e9))
    work = 3 * (2 * reach + 1) * sum(counts.values())
    if work > limits.TRANSITIONS:
        return work, {}
    wholes = [whole for whole, chance in History(0.0, std)._rounded() if chance > NEGLIGIBLE] if reach < 99 else ()
    later: dict[float, int] = defaultdict(int)
    for change in wholes or range(-reach, reach + 1):
        for before, count in counts.items():
            speed = before + change + actions[-1] - 1
            later[speed] += count * (3 if env.swerve_prob > 0 and speed > env.threshold else 1)
    return work, {speed: min(count, 3 ** len(actions)) for speed, count in later.items()}


@lru_cache(maxsize=2**14)
def _histories(env: IcyRoad, actions: tuple[int, ...]) -> dict[History, float]:
    """Every history that these actions can lead to, with its probability."""
    if not actions:
        return {History(): 1.0}
    result: dict[History, float] = defaultdict(float)
    for history, probability in _histories(env, actions[:-1]).items():
        for later, chance in history.after(env, actions[-1]):
            if probability * chance > NEGLIGIBLE:
                result[later] += probability * chance
    return result


def _rewards(env: IcyRoad, actions: tuple[int, ...], discount: float) -> list[float]:
    """γ^(t−1) E[r(s_t)] for t = 1 … H; the last action is never felt."""
    steps = (_histories(env, actions[:t]) for t in range(len(actions)))
    means = (sum(chance * history.reward(env) for history, chance in step.items()) for step in steps)
    return [discount**t * mean for t, mean in enumerate(means)]


def _cdf(x: float, mean: float, std: float) -> float:
    """P(X ≤ x) for a Gaussian, or for a constant where std is 0."""
    return 0.5 * math.erfc((mean - x) / (std * math.sqrt(2))) if std > 0 else float(mean <= x)
