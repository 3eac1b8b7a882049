"""Exercises of lesson 09."""

from collections.abc import Callable

import torch
from torch import Tensor

from .answers import answer, compare, say, untouched


def check_standard_error(error: Callable[[Tensor], float | Tensor]) -> str:
    """Standard error of the mean of runs (N,)."""
    runs = torch.tensor([7.0, 8.5, 3.0, 9.0, 8.0])
    n = len(runs)
    mistakes = {
        "this is the spread of the runs. Their mean spreads less, by √N.": runs.std(),
        "this divides by N. The *variance* of a mean is 1/N of that of one run, its spread 1/√N.": runs.std() / n,
        "this divides by N inside the spread. With few runs that is too small: N − 1.": (
            runs.std(correction=0) / n**0.5
        ),
        "this is the variance of the mean. Take its square root.": runs.var() / n,
        "this is a half-width of 95 %. The standard error is one, not two of it.": 1.96 * runs.std() / n**0.5,
    }
    hint = "The runs' standard deviation (with N − 1), divided by √N."
    praise = "with three runs it is itself uncertain by a half."
    return compare("standard_error", answer(error, runs), runs.std() / n**0.5, mistakes, praise, hint)


def check_interquartile_mean(mean: Callable[[Tensor], float | Tensor]) -> str:
    """Mean of the middle half of runs (N,), N a multiple of four."""
    runs = torch.tensor([40.0, 1.0, 5.0, 9.3, 6.2, 2.1, 7.7, 4.4])
    ordered = runs.sort().values
    mistakes = {
        "the runs are not sorted: this takes those in the middle of the list.": runs[2:6].mean(),
        "this is the mean of all runs: one lucky run moves it.": runs.mean(),
        "this is the median. It leaves out all but the middle.": runs.quantile(0.5),
        "this leaves out the best quarter alone. Leave out the worst, too.": ordered[:6].mean(),
        "this leaves out the worst quarter alone. Leave out the best, too.": ordered[2:].mean(),
        "this leaves out only one run at either end. A quarter of 8 runs is 2.": ordered[1:7].mean(),
        "this is the sum of the middle half. Divide by how many they are.": ordered[2:6].sum(),
    }
    hint = "Sort, leave out a quarter at either end, and take the mean of what is left."
    praise = "outliers no longer matter, and half of the runs still count."
    return compare("interquartile_mean", answer(mean, runs), ordered[2:6].mean(), mistakes, praise, hint)


def check_verdict(verdict: Callable[[float, float, float], str]) -> str:
    """ "reproduced", "not reproduced" or "undecided", for an interval [low, high] of a difference claimed to be > t."""
    cases = {
        (1.0, 2.0, 0.0): "reproduced",
        (-2.0, -1.0, 0.0): "not reproduced",
        (-1.0, 2.0, 0.0): "undecided",
        (0.2, 0.4, 0.5): "not reproduced",
        (0.2, 0.8, 0.5): "undecided",
        (0.6, 0.8, 0.5): "reproduced",
    }
    given = {case: verdict(*case) for case in cases}
    if all(word is None or word is ... for word in given.values()):
        return untouched("verdict")
    if given == cases:
        return say("verdict: right, and most often the honest word is undecided.")
    strange = {word for word in given.values() if word not in cases.values()}
    if strange:
        return say(f"verdict: the three words are {sorted(set(cases.values()))}, got {strange.pop()!r}.")
    if given[-1.0, 2.0, 0.0] != "undecided":
        return say("verdict: the interval [-1, 2] holds 0. Neither side is shown: undecided.")
    if given[1.0, 2.0, 0.0] == "not reproduced":
        return say("verdict: the wrong way round. If the whole interval is above the tolerance, the claim holds.")
    if given[0.2, 0.4, 0.5] != "not reproduced":
        return say("verdict: the tolerance is forgotten. [0.2, 0.4] lies wholly below 0.5.")
    case = next(case for case in cases if given[case] != cases[case])
    return say(f"verdict: not yet. For low, high, tolerance = {case} the answer is {cases[case]!r}.")
