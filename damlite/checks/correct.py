"""Exercises of lesson 04."""

from collections.abc import Callable

import torch
from torch import Tensor

from .answers import answer, compare, say, untouched


def check_corrected_mean(corrected_mean: Callable[[Tensor, Tensor], Tensor]) -> str:
    """The mean reward under p from rewards and log-ratios (N,) of samples from q, self-normalised."""
    g = torch.Generator().manual_seed(0)
    reward, log_ratio = torch.rand(8, generator=g) * 4 + 1, torch.randn(8, generator=g)
    w, sigmoid = log_ratio.exp(), log_ratio.sigmoid()
    mistakes = {
        "this is the plain estimate, Σ w r/N. Here the weights are to be divided by their own mean: Σ w r/Σ w.": (
            (w * reward).mean()
        ),
        "this leaves the weights out: it is the mean under q.": reward.mean(),
        "this uses σ(log-ratio) = p/(p + q), the probability of being real, not p/q.": (
            (sigmoid * reward).sum() / sigmoid.sum()
        ),
        "this inverts the ratio: the weight is exp(+log_ratio).": (reward / w).sum() / (1 / w).sum(),
        "this weights by log p/q. Take exp first.": (log_ratio * reward).sum() / log_ratio.sum(),
        "this is Σ w r: divide by the sum of the weights.": (w * reward).sum(),
    }
    hint = "Weights are exp(log_ratio); the answer is Σ w r/Σ w."
    given = answer(corrected_mean, reward, log_ratio)
    right = (w * reward).sum() / w.sum()
    return compare("corrected_mean", given, right, mistakes, "and never outside the rewards seen.", hint)


FAILURES = {
    "A": ("collapse", "Many steps, mean weight near one, a few giants: the weights multiplied."),
    "B": ("support", "The weights' mean is far below one: where p is, q never goes."),
    "C": ("overfit", "Sure on the data it was trained on, wrong on new: look at the two losses."),
}


def check_diagnosis(diagnosis: dict[str, str]) -> str:
    """Which failure is it? {"A": ..., "B": ..., "C": ...}, each "collapse", "support" or "overfit"."""
    if diagnosis is None or diagnosis is ... or all(value in (None, ...) for value in diagnosis.values()):
        return untouched("diagnosis")
    known = {kind for kind, _ in FAILURES.values()}
    if set(diagnosis) != set(FAILURES) or not set(diagnosis.values()) <= known:
        return say(f"diagnosis: expected keys A, B and C with values from {sorted(known)}, got {diagnosis}.")
    for case, (kind, why) in FAILURES.items():
        if diagnosis[case] != kind:
            return say(f"diagnosis: {case} is not {diagnosis[case]}. {why}")
    return say("diagnosis: right, all three.")
