"""Exact density ratios, and what their weights are worth, in closed form."""

import math

import torch
from torch import Tensor

from ..envs import Environment, IcyRoad
from ..mixture import Mixture
from ..models import DynamicsModel
from ..support import validate
from .values import bonus_edge


def log_ratio(env: Environment, model: DynamicsModel, state: Tensor, action: Tensor, next_state: Tensor) -> Tensor:
    """The exact log p(s' | s, a) − log q(s' | s, a) (Eq. 3 and 8), shape (...).

    It is NaN where next_state is so far away that neither has a density above 0.

    Raises
    ------
    ValueError
        If the model predicts every coordinate on its own: p lives on the thin sheet of positions that
        agree with their velocities, has no density there, and no exact weight exists.
    """
    validate.known_dynamics("env", env)
    if isinstance(model, type) or not hasattr(model, "kinematics"):
        raise ValueError(f"model must be a DynamicsModel or a road, got {validate.shown(model)}")
    if validate.sizes(model) not in (None, validate.sizes(env)):
        raise ValueError(f"model must be of the same road as env, got {validate.shown(model)}")
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
    scale, _, variance = _square_over(validate.instance("p", p, Mixture), validate.instance("q", q, Mixture))
    finite = (variance > 0).all(-1)
    pairs = torch.where(finite, scale, torch.where(scale > 0, math.inf, 0.0))
    return pairs.sum((-1, -2))


def next_reward(env: IcyRoad, mixture: Mixture) -> Tensor:
    """E[r(s')] of one step's reward in closed form, under a true or a velocity-predicting mixture, shape (...).

    Raises ValueError for a class of roads with a reward of its own, and for a mixture of another road's states.
    """
    validate.unchanged("env", env, IcyRoad, "reward")
    validate.instance("mixture", mixture, Mixture, ", as env.transition gives it")
    if mixture.state.shape[-1] != len(env.state_names):
        of = f"got one of {mixture.state.shape[-1]} coordinates"
        raise ValueError(f"mixture must be of states of {len(env.state_names)} coordinates, as env's are, {of}")
    y, speed = mixture.marginal(1), mixture.marginal(2)
    first, _ = _reward_moments(env, y.means, y.stds, speed.means, speed.stds)
    return (mixture.log_weights.double().exp() * first).sum(-1)


def next_reward_variance(env: IcyRoad, state: Tensor, action: Tensor, q: Mixture | None = None) -> Tensor:
    """Variance of one particle's estimate of E[r(s')], shape (...), in closed form.

    With q None the particle is drawn from the true dynamics: Var_p[r]. With a Gaussian q (K = 1, velocity) it
    is drawn from q and weighted by the exact ratio: Var_q[w r] = ∫ p²r²/q − E_p[r]² (Sec. 3.2).
    """
    p = validate.unchanged("env", env, IcyRoad, "reward").transition(state, action)
    mean = next_reward(env, p)
    if q is None:
        y, speed = p.marginal(1), p.marginal(2)
        _, second = _reward_moments(env, y.means, y.stds, speed.means, speed.stds)
        return (p.log_weights.double().exp() * second).sum(-1) - mean**2
    scale, centre, variance = _square_over(p, validate.instance("q", q, Mixture))
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
        got = f"those numbered {q.kinematics.random} of q and {p.kinematics.random} of p"
        raise ValueError(f"q must predict the same random coordinates as p (predict='velocity'), got {got}")
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
    y_unit, unit = (torch.where(std > 0, std, 1.0) for std in (y_std, speed_std))
    on_road = torch.special.ndtr((1 - y) / y_unit) - torch.special.ndtr((-1 - y) / y_unit)
    on_road = torch.where(y_std > 0, on_road, (y.abs() <= 1).double())
    cut = (bonus_edge(env) - speed) / unit  # the bonus starts here, in standard deviations
    fast = torch.where(speed_std > 0, torch.special.ndtr(-cut), env.fast(speed.round()).double())
    fast_speed = speed * fast + speed_std * torch.exp(-0.5 * cut**2) / math.sqrt(2 * math.pi)  # E[xdot 1{fast}]
    first = speed - 6 * (1 - on_road) + 8 * on_road * fast
    square = speed**2 + speed_std**2
    off = square - 12 * speed + 36
    on = square + 16 * fast_speed + 64 * fast
    return first, (1 - on_road) * off + on_road * on
