"""Exercises of lesson 07."""

from collections.abc import Callable

import pandas as pd
import torch
from torch import Tensor

from .answers import answer, compare, say, untouched


def check_shift(weights: Callable[[Tensor], Tensor]) -> str:
    """Weights R(τ)/E[R(τ)] of Eq. 9 for returns (E,), some of them negative."""
    returns = torch.tensor([-9.0, 1.0, 5.0, 9.0])
    given = answer(weights, returns)
    shifted = returns - returns.min()
    mistakes = {
        "the shift is missing. Eq. 9 assumes R ≥ 0, and a negative weight pushes the model away from real data. "
        "Subtract the smallest return first.": returns / returns.mean(),
        "the shift is missing and the mean is not divided out.": returns,
        "shifted, but not divided by the mean: Eq. 9 has E[R] below the line.": shifted,
        "these sum to one; Eq. 9 divides by the mean, so that they average to one.": shifted / shifted.sum(),
    }
    hint = "Subtract the smallest return, then divide by the mean of what is left."
    if given is not None and given.shape == returns.shape and (given < 0).any():
        hint = "Some weights are negative. Eq. 9 assumes R ≥ 0: subtract the smallest return."
    right = shifted / shifted.mean()
    return compare("return_weights", given, right, mistakes, "none is negative and their mean is one.", hint)


def check_best_method(best: tuple[str, str], table: pd.DataFrame) -> str:
    """The (model, method) of the highest mean in a table of `sweep.summarise`."""
    if best is None or best is ...:
        return untouched("best")
    top = table.loc[table["mean"].idxmax()]
    rival = table.loc[table["paper_mean"].idxmax()]
    if tuple(best) == (top["model"], top["method"]):
        return say(f"best: right, {top['mean']:.2f} ± {top['stderr']:.2f}.")
    if tuple(best) == (rival["model"], rival["method"]):
        return say("best: that is the paper's best cell. Which is best in our table, in the column mean?")
    return say("best: not that one. Look for the largest number in the column mean; answer (model, method).")
