"""Exercises of lesson 00."""

from collections.abc import Callable

import torch
from torch import Tensor

from .answers import answer, compare


def check_weight(weight: Callable[[Tensor], Tensor]) -> str:
    """The importance weight from a classifier's logit (Eq. 8)."""
    logit = torch.linspace(-2, 2, 9)
    mistakes = {
        "this is σ(logit) = p/(p + q), the probability of being real, not p/q. Which function of the logit "
        "undoes the logarithm in Eq. 7?": logit.sigmoid(),
        "this is q/p, the inverse. The discriminator says 1 for real transitions, so a large logit means that p is "
        "larger than q.": (-logit).exp(),
        "this is log p/q. The estimate multiplies rewards by the ratio itself.": logit,
    }
    hint = "Eq. 7 says D = σ(log p/q); the argument is the logit log p/q (Eq. 8)."
    return compare("weight", answer(weight, logit), logit.exp(), mistakes, "exp(logit) = p/q.", hint)


def check_estimate(estimate: Callable[[Tensor, Tensor], Tensor]) -> str:
    """The return of weighted particles (Alg. 1), from rewards and log-ratios (P, H)."""
    g = torch.Generator().manual_seed(0)
    rewards, log_ratio = torch.rand(6, 4, generator=g) + 1, torch.randn(6, 4, generator=g)
    first = torch.zeros(6, 1)
    late = log_ratio.cumsum(-1)
    before = torch.cat([first, late[:, :-1]], -1)

    def mean(log_w: Tensor) -> Tensor:
        return (log_w.exp() * rewards).sum(-1).mean()

    mistakes = {
        "this weights r_t by transition t too, as Eq. 4 prints it: your weights are one step late. r(s_t) is known "
        "before transition t is drawn (Alg. 1).": mean(late),
        "this leaves the weights out: it is the uncorrected mean under q.": rewards.sum(-1).mean(),
        "this uses σ(log-ratio) = p/(p + q) for the weight, not p/q. Use exp.": mean(
            torch.cat([first, torch.nn.functional.logsigmoid(log_ratio).cumsum(-1)[:, :-1]], -1)
        ),
        "this inverts the ratio: the weight is p/q, exp(+log_ratio).": mean(-before),
        "this weights the whole return by the product of the earlier transitions' weights (Eq. 2): unbiased, but "
        "Alg. 1 weights each reward only by the transitions before it.": mean(before[:, -1:]),
        "this weights each reward by one transition alone. The weights multiply: w ← w · w(s_t, a_t, s_{t+1}).": mean(
            torch.cat([first, log_ratio[:, :-1]], -1)
        ),
    }
    hint = "Start each particle with w = 1; for each t add w · r_t, then multiply w; at the end take the mean."
    return compare("estimate", answer(estimate, rewards, log_ratio), mean(before), mistakes, "that is Alg. 1.", hint)
