"""Exercises of lesson 05."""

from collections.abc import Callable

import torch
from torch import Tensor

from .answers import answer, compare


def check_optimal_proposal(q_star: Callable[[Tensor, Tensor], Tensor]) -> str:
    """The proposal of least variance (Eq. 9) for probabilities (N,) and returns (N,), some of them negative."""
    p, returns = torch.tensor([0.1, 0.2, 0.3, 0.4]), torch.tensor([6.0, -2.0, 1.0, 3.0])
    shifted = returns - returns.min()
    mistakes = {
        "the shift is missing: one of your probabilities is negative. Eq. 9 assumes R ≥ 0, so subtract the smallest "
        "return first.": p * returns / (p * returns).sum(),
        "this takes |R|. That is the best proposal for a mean of w·R without a shift, but its variance is not zero. "
        "Subtract the smallest return instead.": p * returns.abs() / (p * returns.abs()).sum(),
        "this is R alone, without p: it would draw an unlikely outcome as often as a likely one with the same "
        "return. Eq. 9 has the product R·p.": shifted / shifted.sum(),
        "this does not sum to one: divide R·p by its sum E_p[R].": p * shifted,
        "this divides by the plain mean of R. E_p[R] in Eq. 9 is a mean under p.": p * shifted / shifted.mean(),
        "this is p itself, the proposal of maximum likelihood.": p,
    }
    hint = "Shift the returns so that the smallest is 0, multiply by p, divide by the sum."
    right = p * shifted / (p * shifted).sum()
    return compare("q_star", answer(q_star, p, returns), right, mistakes, "w·R is the same for every outcome.", hint)


def check_estimate_variance(variance: Callable[[Tensor, Tensor, Tensor], Tensor]) -> str:
    """Var_q[w R] of one draw from q, for p, q and R of shape (N,)."""
    p, q, r = torch.tensor([0.2, 0.5, 0.3]), torch.tensor([0.5, 0.3, 0.2]), torch.tensor([4.0, 1.0, 2.0])
    w, mean = p / q, (p * r).sum()
    right = (q * (w * r) ** 2).sum() - mean**2
    mistakes = {
        "this is the variance of R under p. Either the weight's square is forgotten (E_q[w R²] is E_p[R²]), or the "
        "draws come from p. They come from q, and w·R is squared as a whole.": (p * r**2).sum() - mean**2,
        "this is the variance of R under q, without weights.": (q * r**2).sum() - (q * r).sum() ** 2,
        "this is the second moment E_q[w²R²]. Subtract the square of the mean.": (q * (w * r) ** 2).sum(),
        "this averages w²R² under p. The draws come from q.": (p * (w * r) ** 2).sum() - mean**2,
        "this is the standard deviation, the root of the variance.": right.sqrt(),
        "the weight is upside down: it is p/q.": (q * (q / p * r) ** 2).sum() - (q * (q / p * r)).sum() ** 2,
        "this gives every outcome the same probability. Average under q.": ((w * r) ** 2).mean() - (w * r).mean() ** 2,
    }
    hint = "Var_q[X] = E_q[X²] − E_q[X]² with X = w·R and w = p/q."
    return compare("variance", answer(variance, p, q, r), right, mistakes, "E_q[w²R²] − E_p[R]².", hint)


def check_weighted_gradient(gradient: Callable[[Tensor, Tensor, Tensor], Tensor]) -> str:
    """Gradient of −E_p[R log q] (Eq. 17) in the logits (N,) of q = softmax(logits)."""
    p, r, q = torch.tensor([0.2, 0.5, 0.3]), torch.tensor([4.0, 1.0, 2.0]), torch.tensor([0.3, 0.3, 0.4])
    mass = p * r
    right = q * mass.sum() - mass
    mistakes = {
        "the sign is reversed: this is the gradient of +E_p[R log q]; a descent step would unlearn.": -right,
        "the returns are missing: this is maximum likelihood, the gradient of −E_p[log q].": q - p,
        "this is q − q*, the gradient of the KL itself (Eq. 16). Same direction; Eq. 17 has it times E_p[R].": right
        / mass.sum(),
        "the softmax's normalisation is missing: raising one logit lowers the other probabilities.": -mass,
        "this is the gradient in q, not in the logits. Go through the softmax.": -mass / q,
        "this leaves p out: every outcome counts alike. Eq. 17 is a mean under p.": q * r.sum() - r,
    }
    hint = "∂ log q_j / ∂ logit_i is 1{i = j} − q_i. Average −R times it under p."
    praise = "zero exactly at q = q*."
    return compare("gradient", answer(gradient, p, r, q), right, mistakes, praise, hint)
