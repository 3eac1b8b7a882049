"""Checks of the notebooks' exercises: each says what is wrong, by name, and hints."""

from collections.abc import Callable

import torch
from torch import Tensor


def _answer(function: Callable, *arguments: Tensor) -> Tensor | None:
    """The function's answer, or None for a stub that is still untouched."""
    result = function(*arguments)
    return None if result is None or result is ... else torch.as_tensor(result)


def _say(text: str) -> str:
    print(text)
    return text


def _untouched(name: str) -> str:
    return _say(f"{name}: not answered yet. Replace the ... by your code.")


def check_weight(weight: Callable[[Tensor], Tensor]) -> str:
    """Exercise of lesson 00: the importance weight from a classifier's logit (Eq. 8)."""
    logit = torch.linspace(-2, 2, 9)
    answer = _answer(weight, logit)
    if answer is None:
        return _untouched("weight")
    if answer.shape != logit.shape:
        return _say(f"weight: expected one weight per logit, shape {tuple(logit.shape)}, got {tuple(answer.shape)}.")
    wrong = {
        "this is σ(logit) = p/(p + q), the probability of being real, not p/q. Which function of the logit "
        "undoes the logarithm in Eq. 7?": logit.sigmoid(),
        "this is q/p, the inverse. The discriminator says 1 for real transitions, so a large logit means that p is "
        "larger than q.": (-logit).exp(),
        "this is log p/q. The estimate multiplies rewards by the ratio itself.": logit,
    }
    for message, values in wrong.items():
        if torch.allclose(answer.float(), values, atol=1e-4):
            return _say(f"weight: {message}")
    if torch.allclose(answer.float(), logit.exp(), rtol=1e-4):
        return _say("weight: right, exp(logit) = p/q.")
    return _say("weight: not p/q yet. Eq. 7 says D = σ(log p/q); the argument is the logit log p/q (Eq. 8).")


def check_estimate(estimate: Callable[[Tensor, Tensor], Tensor]) -> str:
    """Exercise of lesson 00: the return of weighted particles (Alg. 1), from rewards and log-ratios (P, H)."""
    g = torch.Generator().manual_seed(0)
    rewards, log_ratio = torch.rand(6, 4, generator=g) + 1, torch.randn(6, 4, generator=g)
    answer = _answer(estimate, rewards, log_ratio)
    if answer is None:
        return _untouched("estimate")
    if answer.ndim:
        return _say(f"estimate: expected one number, the mean over the particles, got shape {tuple(answer.shape)}.")
    late = log_ratio.cumsum(-1)
    before = torch.cat([torch.zeros(6, 1), late[:, :-1]], -1)

    def mean(w: Tensor) -> Tensor:
        return (w * rewards).sum(-1).mean()

    sigmoid = torch.cat([torch.ones(6, 1), log_ratio.sigmoid().cumprod(-1)[:, :-1]], -1)
    wrong = {
        "this weights r_t by transition t too, as Eq. 4 prints it: your weights are one step late. r(s_t) is known "
        "before transition t is drawn (Alg. 1).": mean(late.exp()),
        "this leaves the weights out: it is the uncorrected mean under q.": rewards.sum(-1).mean(),
        "this uses σ(log-ratio) = p/(p + q) for the weight, not p/q. Use exp.": mean(sigmoid),
        "this inverts the ratio: the weight is p/q, exp(+log_ratio).": mean((-before).exp()),
        "this weights the whole return by the product of the earlier transitions' weights (Eq. 2): unbiased, but "
        "Alg. 1 weights each reward only by the transitions before it.": mean(before[:, -1:].exp()),
        "this weights each reward by one transition alone. The weights multiply: w ← w · w(s_t, a_t, s_{t+1}).": mean(
            torch.cat([torch.zeros(6, 1), log_ratio[:, :-1]], -1).exp()
        ),
    }
    for message, value in wrong.items():
        if torch.isclose(answer.float(), value, rtol=1e-4):
            return _say(f"estimate: {message}")
    if torch.isclose(answer.float(), mean(before.exp()), rtol=1e-4):
        return _say("estimate: right, that is Alg. 1.")
    return _say("estimate: not yet. Start each particle with w = 1; for each t add w · r_t, then multiply w.")


def check_shift(weights: Callable[[Tensor], Tensor]) -> str:
    """Exercise of lesson 07: weights R(τ)/E[R(τ)] of Eq. 9 for returns (E,), some of them negative."""
    returns = torch.tensor([-9.0, 1.0, 5.0, 9.0])
    answer = _answer(weights, returns)
    if answer is None:
        return _untouched("return_weights")
    if answer.shape != returns.shape:
        return _say(f"return_weights: expected shape {tuple(returns.shape)}, got {tuple(answer.shape)}.")
    shifted = returns - returns.min()
    wrong = {
        "the shift is missing. Eq. 9 assumes R ≥ 0, and a negative weight pushes the model away from real data. "
        "Subtract the smallest return first.": returns / returns.mean(),
        "the shift is missing and the mean is not divided out.": returns,
        "shifted, but not divided by the mean: Eq. 9 has E[R] below the line.": shifted,
        "these sum to one; Eq. 9 divides by the mean, so that they average to one.": shifted / shifted.sum(),
    }
    for message, values in wrong.items():
        if torch.allclose(answer.float(), values, atol=1e-4):
            return _say(f"return_weights: {message}")
    if (answer < 0).any():
        return _say("return_weights: some weights are negative. Eq. 9 assumes R ≥ 0: subtract the smallest return.")
    if torch.allclose(answer.float(), shifted / shifted.mean(), atol=1e-4):
        return _say("return_weights: right, none is negative and their mean is one.")
    return _say("return_weights: not yet. Subtract the smallest return, then divide by the mean of what is left.")


def check_best_method(answer: tuple[str, str], table: object) -> str:
    """Exercise of lesson 07: the (model, method) of the highest mean in a table of `sweep.summarise`."""
    if answer is None or answer is ...:
        return _untouched("best")
    best = table.loc[table["mean"].idxmax()]
    rival = table.loc[[table["paper_mean"].idxmax()]].iloc[0]
    if tuple(answer) == (best["model"], best["method"]):
        return _say(f"best: right, {best['mean']:.2f} ± {best['stderr']:.2f}.")
    if tuple(answer) == (rival["model"], rival["method"]):
        return _say("best: that is the paper's best cell. Which is best in our table, in the column mean?")
    return _say("best: not that one. Look for the largest number in the column mean; answer (model, method).")
