"""Exercises of lesson 01."""

from collections.abc import Callable

import torch
from torch import Tensor

from .answers import answer, compare, say


def check_trajectory_weight(trajectory_weight: Callable[[Tensor, Tensor], Tensor]) -> str:
    """The weight w(τ) of Eq. 3 from the transitions' log-densities under p and under q, both (N, T)."""
    g = torch.Generator().manual_seed(0)
    log_p, log_q = torch.randn(5, 4, generator=g), torch.randn(5, 4, generator=g)
    log_ratio = log_p - log_q
    mistakes = {
        "this is log w(τ). Eq. 3 asks for the weight itself.": log_ratio.sum(-1),
        "this is q/p, the inverse: p, the truth, belongs above the line.": (-log_ratio.sum(-1)).exp(),
        "this adds the transitions' weights. Eq. 3 is a product: add their logarithms, then take exp.": (
            log_ratio.exp().sum(-1)
        ),
        "this is the weight of the last transition alone. All of them multiply.": log_ratio[:, -1].exp(),
        "this is the geometric mean of the weights: a sum of logarithms is meant, not their mean.": (
            log_ratio.mean(-1).exp()
        ),
        "this multiplies over the trajectories too: keep one weight for each of them.": log_ratio.sum().exp(),
    }
    hint = "The logarithm of a product is a sum: sum log p − log q over the transitions (the last axis), then exp."
    given = answer(trajectory_weight, log_p, log_q)
    right = log_ratio.sum(-1).exp()
    return compare("trajectory_weight", given, right, mistakes, "a product of p/q over the transitions.", hint)


def check_sample_size(sample_size: Callable[[Tensor], Tensor]) -> str:
    """The effective sample size (Σ w)²/Σ w² from log-weights (N,), also where exp would overflow."""
    log_w = torch.randn(50, generator=torch.Generator().manual_seed(0))
    w = log_w.exp()
    right = w.sum() ** 2 / w.square().sum()
    mistakes = {
        "this treats log-weights as weights. Take exp, or use logsumexp.": log_w.sum() ** 2 / log_w.square().sum(),
        "this is Σw/Σw²: the sum above the line has to be squared.": w.sum() / w.square().sum(),
        "below the line the squares come before the sum: Σ w², not (Σ w)².": torch.tensor(1.0),
        "this is the share of the samples. Multiply by their number.": right / len(w),
        "this is 1/Σw² for weights that were not divided by their sum first.": 1 / w.square().sum(),
    }
    hint = "Σ w is logsumexp(log_w), and Σ w² is logsumexp(2 log_w), both after exp."
    given = answer(sample_size, log_w)
    verdict = compare("sample_size", given, right, mistakes, "between 1 and N.", hint)
    if "right" not in verdict or torch.isclose(answer(sample_size, log_w + 500.0).float(), right, rtol=1e-3):
        return verdict
    return say(
        "sample_size: right for small log-weights, but exp overflows for large ones. The answer does not change when a "
        "constant is added to all: work in log space, with logsumexp."
    )
