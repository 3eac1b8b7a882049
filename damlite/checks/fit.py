"""Exercises of lesson 03."""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from .answers import answer, compare

FORGOTTEN_CONSTANT = (
    "the constant −½ log 2π is missing. It moves no maximum, but without it this is no density, and two kinds of "
    "model can no longer be compared."
)


def check_gaussian_log_prob(log_prob: Callable[[Tensor, Tensor, Tensor], Tensor]) -> str:
    """The log-density of a Gaussian at x (N,), from a mean and a standard deviation."""
    x, mean, std = torch.linspace(-2, 3, 11), torch.tensor(0.5), torch.tensor(0.6)
    square = ((x - mean) / std) ** 2
    half_log_2pi = 0.5 * math.log(2 * math.pi)
    right = -0.5 * square - std.log() - half_log_2pi
    mistakes = {
        "−log σ is forgotten. Without it a wider Gaussian is always better, and σ grows without bound.": right
        + std.log(),
        "the third argument is the standard deviation σ, and this takes it for the variance σ².": -0.5
        * (x - mean) ** 2
        / std
        - 0.5 * std.log()
        - half_log_2pi,
        "the sign is wrong: this is the negative log-likelihood, the loss.": -right,
        FORGOTTEN_CONSTANT: right + half_log_2pi,
        "this is the density itself. Take its logarithm, and on paper: exp underflows far from the mean.": right.exp(),
        "½ is missing before the squared distance.": right - 0.5 * square,
    }
    hint = "Take the logarithm of exp(−(x − μ)²/(2σ²)) / √(2πσ²): three terms, one of them −log σ."
    praise = "and −log σ is what keeps the fit from growing wider and wider."
    return compare("gaussian_log_prob", answer(log_prob, x, mean, std), right, mistakes, praise, hint)


def check_mixture_log_prob(log_prob: Callable[[Tensor, Tensor], Tensor]) -> str:
    """The log-density (N,) of a mixture, from log-weights (K,) and the components' log-densities (N, K)."""
    log_weights = torch.tensor([0.1, 0.3, 0.6]).log()
    by_component = torch.tensor([[-1.0, -2.0, -0.5], [-3.0, -0.2, -4.0], [-250.0, -240.0, -251.0], [-0.7, -0.8, -0.9]])
    weighted = log_weights + by_component
    right = weighted.logsumexp(-1)
    mistakes = {
        "exp underflows: far from every component this says log 0 = −inf, and the gradient is lost. Take the largest "
        "term out first (torch.logsumexp does).": weighted.exp().sum(-1).log(),
        "this is the sum of the logs. A mixture adds densities, so the sum stands inside the logarithm.": weighted.sum(
            -1
        ),
        "the log-weights are forgotten: the components add up to three densities, not one.": by_component.logsumexp(-1),
        "this is the mean of the components' log-densities, Σ α log N. By Jensen's inequality that is below "
        "log Σ α N; the sum stands inside the logarithm.": (log_weights.exp() * by_component).sum(-1),
        "this takes the log-weights for weights: a log-weight is added to a log-density, not multiplied with it.": (
            log_weights * by_component
        ).logsumexp(-1),
        "this is the largest term alone. The others count too.": weighted.max(-1).values,
        "this is the density. Leave the logarithm on.": weighted.exp().sum(-1),
    }
    hint = "log Σ_k exp(log α_k + log N_k), over the last axis, with torch.logsumexp."
    praise = "also where every density underflows."
    return compare("mixture_log_prob", answer(log_prob, log_weights, by_component), right, mistakes, praise, hint)
