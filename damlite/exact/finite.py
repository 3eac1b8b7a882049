"""Importance sampling over finitely many trajectories: its variance, and the proposal that has the least (Sec. 3.2)."""

import torch
from torch import Tensor

from ..support import validate


def chi_square(p: Tensor, q: Tensor) -> Tensor:
    """χ²(p‖q) = Σ p²/q − 1, for probabilities (..., M) of M outcomes: shape (...), float64.

    Infinite where q has no chance of what p has. It is Var_q[w] of the weights w = p/q.

    Raises ValueError if probabilities are negative or do not sum to one.
    """
    p, q = _alike(p=validate.distribution("p", p), q=validate.distribution("q", q))
    return torch.where(p > 0, p.square() / q, 0.0).sum(-1) - 1


def least_variance_proposal(p: Tensor, returns: Tensor) -> Tensor:
    """q* ∝ |R|·p, (..., M): what weights with the least variance are drawn from; Eq. 9 where R ≥ 0.

    Jensen: Σ (R p)²/q ≥ (Σ |R| p)² for every q, with equality for q*.

    Parameters
    ----------
    p : (..., M), probabilities
    returns : (..., M), R(τ) of every outcome, of either sign

    Raises ValueError if all returns that can happen are 0: then every proposal has no variance.
    """
    p, returns = _alike(p=validate.distribution("p", p), returns=_returns(returns))
    mass = p * returns.abs()
    total = mass.sum(-1, keepdim=True)
    if not (total > 0).all():
        raise ValueError("returns must not all be 0 where p is above 0, got such: every proposal is as good")
    return mass / total


def estimate_variance(p: Tensor, q: Tensor, returns: Tensor, particles: int = 1) -> Tensor:
    """Var[Ĵ], (...), of Ĵ = 1/P Σ w(τ) R(τ) with τ ~ q and w = p/q (Eq. 2), the trajectory estimator.

    With q* of `least_variance_proposal` and J = E_p[R] it is ((E_p|R|)²·(1 + χ²(q*‖q)) − J²)/P, which for R ≥ 0 is
    J²·χ²(q*‖q)/P: none for q = q*. For returns of both signs even q* leaves ((E_p|R|)² − J²)/P.

    Parameters
    ----------
    p, q : (..., M), probabilities
    returns : (..., M), R(τ) of every outcome
    particles : P

    Raises ValueError if probabilities are negative or do not sum to one, or P is no positive integer.
    """
    p, q = validate.distribution("p", p), validate.distribution("q", q)
    p, q, returns = _alike(p=p, q=q, returns=_returns(returns))
    part = torch.where(q > 0, p * returns / q, 0.0)  # w R; what q never draws adds nothing
    mean = (q * part).sum(-1, keepdim=True)
    return (q * (part - mean).square()).sum(-1) / validate.integer("particles", particles)


def _returns(value: Tensor) -> Tensor:
    """Returns (..., M) as float64."""
    return validate.numbers("returns", value, finite=True).double()


def _alike(**tensors: Tensor) -> tuple[Tensor, ...]:
    """Tensors (..., M) of the same M outcomes."""
    first, *others = tensors
    outcomes = tensors[first].shape[-1]
    for name in others:
        if tensors[name].shape[-1:] != (outcomes,):
            got = tuple(tensors[name].shape)
            raise ValueError(f"{name} must have as many outcomes as {first}, shape (..., {outcomes}), got {got}")
    validate.broadcastable(**{name: tensor[..., 0] for name, tensor in tensors.items()})
    return tuple(tensors.values())
