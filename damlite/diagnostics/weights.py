"""What weights are worth: effective sample size and Pareto k."""

import math

import torch
from torch import Tensor

from ..support import validate

FEWEST = 5  # weights above the cut-off: fewer have no shape
ALIKE = 1e-9  # log-weights that are no further apart are equal, to rounding
TRUSTWORTHY_K = 0.7  # Vehtari et al.: above it importance sampling is unreliable


def effective_sample_size(log_w: Tensor, dim: int = -1) -> Tensor:
    """(Σ w)² / Σ w² along `dim`, of N log-weights: between 1 and N. It needs no normalised weights.

    Infinite weights leave no other a part in it, and where all are 0 it is 0.
    """
    log_w, dim = _checked(log_w, dim)
    top = log_w.amax(dim, keepdim=True)
    only_greatest = torch.where(log_w == top, 0.0, -math.inf)
    log_w = torch.where(top.isinf(), only_greatest, log_w - top)  # the scale of weights is nothing to go by
    worth = torch.exp(2 * log_w.logsumexp(dim) - (2 * log_w).logsumexp(dim))
    return torch.where(top.squeeze(dim) == -math.inf, 0.0, worth)


def pareto_k(log_w: Tensor, dim: int = -1) -> Tensor:
    """Shape k̂ of a generalised Pareto distribution fitted to the largest weights along `dim`, above a cut-off.

    Weights whose tail has k ≥ 1/2 have no variance; above 0.7 an estimate cannot be trusted (Vehtari,
    Simpson, Gelman, Yao & Gabry, 2024, "Pareto smoothed importance sampling"; the fit is that of
    Zhang & Stephens, 2009). The tail holds min(N/5, 3√N) weights, rounded up; the next largest is the cut-off, and
    tail weights that equal it tell nothing of the shape: the fit is to those above it.

    Returns
    -------
    k̂, `dim` removed; −inf where no weight is above the cut-off (no tail at all), and +inf where one to four are, or
    there are fewer than 21 weights: too few to tell.
    """
    log_w = torch.movedim(*_checked(log_w, dim), -1).double()
    if not log_w.amax(-1).isfinite().all():
        raise ValueError("log_w must have a finite greatest entry, got an infinite weight, or none above 0")
    tail = tail_size(log_w.shape[-1])
    if tail < FEWEST:
        return torch.full(log_w.shape[:-1], math.inf)
    largest = (log_w - log_w.max(-1, keepdim=True).values).topk(tail + 1, dim=-1).values
    above = above_cut_off(largest).sum(-1)
    largest = largest.exp()
    excess = (largest[..., :-1] - largest[..., -1:]).flip(-1)  # ascending
    k = excess.new_full(above.shape, math.inf).masked_fill(above == 0, -math.inf)
    for count in above.unique().tolist():  # one, unless some are tied with the cut-off
        if count >= FEWEST:
            rows = above == count
            k[rows] = _generalised_pareto_shape(excess[rows][..., tail - count :])
    return k.to(torch.get_default_dtype())


def above_cut_off(largest: Tensor) -> Tensor:
    """Which of M tail weights are above the cut-off, of their logarithms (..., M + 1) in descending order: (..., M)."""
    return largest[..., :-1] - largest[..., -1:] > ALIKE


def tail_size(count: int) -> int:
    """How many of N weights are their tail: min(N/5, 3√N), rounded up."""
    return math.ceil(min(count / 5, 3 * math.sqrt(count)))


def _generalised_pareto_shape(x: Tensor) -> Tensor:
    """Zhang & Stephens' estimate of k from ascending exceedances (..., M) > 0, drawn weakly towards 1/2."""
    m = x.shape[-1]
    x = x.clamp(min=1e-300)
    points = 30 + math.isqrt(m)
    grid = torch.arange(1, points + 1, dtype=x.dtype)
    quartile = x[..., max((m + 2) // 4 - 1, 0), None]
    theta = 1 / x[..., -1:] + (1 - (points / (grid - 0.5)).sqrt()) / (3 * quartile)
    k = torch.log1p(-theta[..., None] * x[..., None, :]).mean(-1)
    log_likelihood = m * (torch.log(-theta / k) - k - 1)
    weight = log_likelihood.softmax(-1)
    best = (weight * theta).sum(-1, keepdim=True)
    k = torch.log1p(-best * x).mean(-1)
    return (m * k + 10 * 0.5) / (m + 10)


def _checked(log_w: Tensor, dim: int) -> tuple[Tensor, int]:
    log_w = validate.known("log_w", log_w)
    if log_w.numel() == 0 or log_w.ndim == 0:
        raise ValueError(f"log_w must hold at least one weight along dim {dim}, got shape {tuple(log_w.shape)}")
    return log_w, validate.integer("dim", dim, least=-log_w.ndim, most=log_w.ndim - 1)
