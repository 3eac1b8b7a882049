"""What lessons and tests are held against: values, ratios and variances without sampling."""

import math
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

import torch
from torch import Tensor

from . import validate
from .envs import IcyRoad, Intersection
from .mixture import Mixture
from .models import DynamicsModel
from .planning import every_sequence

NEGLIGIBLE = 1e-15  # probability below which a history is dropped


def value(env: IcyRoad, actions: Tensor) -> float | Tensor:
    """Exact expected return Σ_t E[r(s_t, a_t)] of open-loop sequences from the start, in closed form.

    Every history of kicks (none, left, right) and of rounded speeds is enumerated with its probability;
    given the history y_t is Gaussian, so the chance of having left the road is a Gaussian probability.
    Unused randomness of the last action's transition is left out, as r(s_H) does not depend on it.

    Parameters
    ----------
    actions : (H,) or (..., H)

    Returns
    -------
    A float for one sequence, a float64 tensor (...) for several.
    """
    _require_icy_road(env)
    actions = validate.actions("actions", actions, env.n_actions)
    if actions.ndim == 0 or actions.shape[-1] == 0:
        raise ValueError(f"actions must have shape (..., H) with H of at least 1, got {tuple(actions.shape)}")
    flat = [sum(_rewards(env, tuple(row))) for row in actions.reshape(-1, actions.shape[-1]).tolist()]
    return flat[0] if actions.ndim == 1 else torch.tensor(flat, dtype=torch.float64).reshape(actions.shape[:-1])


def best_sequence(env: IcyRoad) -> Tensor:
    """The open-loop action sequence (H,) of the greatest `value`."""
    _require_icy_road(env)
    sequences = every_sequence(env.n_actions, env.horizon)
    return sequences[value(env, sequences).argmax()]


def optimum(env: IcyRoad | Intersection) -> float:
    """The greatest expected return: of any open-loop sequence on IcyRoad, of any policy at the Intersection."""
    return closed_loop_optimum(env) if isinstance(env, Intersection) else value(env, best_sequence(env))


def closed_loop_optimum(env: IcyRoad | Intersection) -> float:
    """The greatest expected return of any policy that sees every state, on the road without noise.

    Without noise every action leads to one of K states, and different histories to the same ones, so that all
    reachable states can be listed step by step. Then dynamic programming from the end:
    V_t(s) = r(s) + max_a Σ_k P(k | s, a) V_{t+1}(s'_k), with V_{H+1} = 0.
    """
    env = replace(env, noise=0.0)
    state, actions = env.initial_state(1).double(), torch.arange(env.n_actions)
    layers = []
    for _ in range(env.horizon):
        p = env.transition(state[:, None], actions)
        later = env.kinematics.complete(state[:, None, None], p.means).flatten(0, -2)
        _, number = torch.unique((later * 1e6).round(), dim=0, return_inverse=True)
        layers.append((env.reward(state, torch.tensor(0)), p.log_weights.exp(), number.reshape(p.log_weights.shape)))
        state = later.new_empty(int(number.max()) + 1, later.shape[-1]).index_copy(0, number, later)
    best = torch.zeros(len(state), dtype=state.dtype)
    for reward, chance, number in reversed(layers):
        best = reward + (chance * best[number]).sum(-1).amax(-1)
    return best.item()


def log_ratio(env: object, model: DynamicsModel, state: Tensor, action: Tensor, next_state: Tensor) -> Tensor:
    """The exact log p(s' | s, a) − log q(s' | s, a) (Eq. 3 and 8), shape (...).

    Raises
    ------
    ValueError
        If the model predicts every coordinate on its own: p lives on the thin sheet of positions that
        agree with their velocities, has no density there, and no exact weight exists.
    """
    if model.kinematics != env.kinematics:
        raise ValueError(
            "model must have predict='velocity' for an exact ratio, got predict='state': "
            "the true dynamics has no density over positions that do not follow from the velocities"
        )
    p, q = env.transition(state, action), model.transition(state, action)
    return p.log_prob(next_state) - q.log_prob(next_state)


def weight_second_moment(p: Mixture, q: Mixture) -> Tensor:
    """E_q[w²] = ∫ p²/q of the weights w = p/q in closed form, shape (...); q must be one Gaussian.

    N weights are worth N/E_q[w²] samples of p in the long run, and Var_q[w] = E_q[w²] − 1. Infinite where
    q is so narrow that p²/q has no integral. For Gaussians a shift of δ standard deviations apart it is
    exp(δ²), hence exp(H δ²) after H steps.
    """
    scale, _, variance = _square_over(p, q)
    finite = (variance > 0).all(-1)
    pairs = torch.where(finite, scale, torch.where(scale > 0, math.inf, 0.0))
    return pairs.sum((-1, -2))


def next_reward(env: IcyRoad, mixture: Mixture) -> Tensor:
    """E[r(s')] of one step's reward in closed form, under a true or a velocity-predicting mixture, shape (...)."""
    _require_icy_road(env)
    y, speed = mixture.marginal(1), mixture.marginal(2)
    first, _ = _reward_moments(env, y.means, y.stds, speed.means, speed.stds)
    return (mixture.log_weights.double().exp() * first).sum(-1)


def next_reward_variance(env: IcyRoad, state: Tensor, action: Tensor, q: Mixture | None = None) -> Tensor:
    """Variance of one particle's estimate of E[r(s')], shape (...), in closed form.

    With q None the particle is drawn from the true dynamics: Var_p[r]. With a Gaussian q (K = 1, velocity) it
    is drawn from q and weighted by the exact ratio: Var_q[w r] = ∫ p²r²/q − E_p[r]² (Sec. 3.2).
    """
    p = env.transition(state, action)
    mean = next_reward(env, p)
    if q is None:
        y, speed = p.marginal(1), p.marginal(2)
        _, second = _reward_moments(env, y.means, y.stds, speed.means, speed.stds)
        return (p.log_weights.double().exp() * second).sum(-1) - mean**2
    scale, centre, variance = _square_over(p, q)
    finite = (variance > 0).all(-1)
    z_std = torch.where(variance > 0, variance, 1.0).sqrt()
    now = p.state[..., 1].double()[..., None, None]
    _, second = _reward_moments(env, now + centre[..., 1], z_std[..., 1], centre[..., 0], z_std[..., 0])
    pairs = torch.where(finite, scale * second, torch.where(scale > 0, math.inf, 0.0))
    return pairs.sum((-1, -2)) - mean**2


def _square_over(p: Mixture, q: Mixture) -> tuple[Tensor, Tensor, Tensor]:
    """p²/q as a sum of Gaussians: scales (..., K, K), means and variances (..., K, K, F) of p_i p_j/q."""
    if q.log_weights.shape[-1] != 1:
        raise ValueError(f"q must be one Gaussian for a closed form, got {q.log_weights.shape[-1]} components")
    if q.kinematics != p.kinematics:
        raise ValueError("q must predict the same random coordinates as p (predict='velocity')")
    if (p.stds <= 0).any():
        raise ValueError("a density needs noise > 0: p has a standard deviation of 0")
    means, variances = p.means.double(), p.stds.double() ** 2
    mean_q, variance_q = q.means.double().unsqueeze(-3), q.stds.double().unsqueeze(-3) ** 2
    mean_i, mean_j = means.unsqueeze(-2), means.unsqueeze(-3)
    variance_i, variance_j = variances.unsqueeze(-2), variances.unsqueeze(-3)
    precision = 1 / variance_i + 1 / variance_j - 1 / variance_q
    variance = 1 / precision
    centre = variance * (mean_i / variance_i + mean_j / variance_j - mean_q / variance_q)
    exponent = mean_i**2 / variance_i + mean_j**2 / variance_j - mean_q**2 / variance_q - centre**2 * precision
    log_size = (variance.clamp(min=1e-300) * variance_q / (variance_i * variance_j)).log()
    log_weights = p.log_weights.double()
    log_scale = log_weights[..., :, None] + log_weights[..., None, :] + 0.5 * (log_size - exponent).sum(-1)
    return log_scale.exp(), centre, variance


def _reward_moments(env: IcyRoad, y: Tensor, y_std: Tensor, speed: Tensor, speed_std: Tensor) -> tuple[Tensor, Tensor]:
    """E[r] and E[r²] of Eq. 20 for independent Gaussian y and xdot."""
    y, y_std, speed, speed_std = (t.double() for t in (y, y_std, speed, speed_std))
    on_road = torch.special.ndtr((1 - y) / y_std) - torch.special.ndtr((-1 - y) / y_std)
    cut = (_bonus_edge(env) - speed) / speed_std  # the bonus starts here, in standard deviations
    fast = torch.special.ndtr(-cut)
    fast_speed = speed * fast + speed_std * torch.exp(-0.5 * cut**2) / math.sqrt(2 * math.pi)  # E[xdot 1{fast}]
    first = speed - 6 * (1 - on_road) + 8 * on_road * fast
    square = speed**2 + speed_std**2
    off = square - 12 * speed + 36
    on = square + 16 * fast_speed + 64 * fast
    return first, (1 - on_road) * off + on_road * on


def _bonus_edge(env: IcyRoad) -> float:
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
        on_road = _cdf(1, self.y, self.var_y**0.5) - _cdf(-1, self.y, self.var_y**0.5)
        fast = 1 - _cdf(_bonus_edge(env), self.speed, self.speed_std)
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


def _rewards(env: IcyRoad, actions: tuple[int, ...]) -> list[float]:
    """E[r(s_t)] for t = 1 … H; the last action is never felt."""
    steps = (_histories(env, actions[:t]) for t in range(len(actions)))
    return [sum(chance * history.reward(env) for history, chance in step.items()) for step in steps]


def _cdf(x: float, mean: float, std: float) -> float:
    """P(X ≤ x) for a Gaussian, or for a constant where std is 0."""
    return 0.5 * math.erfc((mean - x) / (std * math.sqrt(2))) if std > 0 else float(mean <= x)


def _require_icy_road(env: object) -> None:
    if not isinstance(env, IcyRoad):
        raise ValueError(f"env must be an IcyRoad for exact values, got {type(env).__name__}")
