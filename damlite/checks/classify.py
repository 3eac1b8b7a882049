"""Exercises of lesson 02."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid, softplus

from .answers import answer, compare


def check_bayes_classifier(classifier: Callable[[Tensor, Tensor], Tensor]) -> str:
    """The best classifier's D from the densities p and q (Eq. 5)."""
    p, q = torch.tensor([0.8, 0.1, 0.3, 0.02]), torch.tensor([0.2, 0.3, 0.3, 0.5])
    mistakes = {
        "this is q/(p + q): the labels are swapped. Real transitions, drawn from p, have the label 1.": q / (p + q),
        "this is the ratio p/q itself. D is a probability and lies between 0 and 1.": p / q,
        "this is q/p, upside down, and no probability.": q / p,
        "this is σ(p/q): the logarithm is forgotten. Eq. 7 is σ(log p/q).": (p / q).sigmoid(),
        "this is log p/q, the logit D̃ of Eq. 7. D is σ of it.": (p / q).log(),
    }
    hint = "Of the transitions at this place, which share is real? Eq. 5 with the same p(s, a) on both sides."
    given = answer(classifier, p, q)
    return compare("bayes_classifier", given, p / (p + q), mistakes, "p/(p + q), Eq. 5.", hint)


def check_classifier_loss(loss: Callable[[Tensor, Tensor], Tensor]) -> str:
    """TRAINDISCRIMINATOR's loss (Alg. 2) from the logits of N real and N imagined transitions."""
    real, fake = torch.tensor([1.5, -0.4, 0.3]), torch.tensor([-2.0, 0.7, -0.1])
    right = (softplus(-real) + softplus(fake)).mean()
    mistakes = {
        "the imagined transitions are missing: forgotten −log(1 − D(fake)). Without it D = 1 everywhere is best.": (
            softplus(-real).mean()
        ),
        "the real transitions are missing: forgotten −log D(real).": softplus(fake).mean(),
        "the labels are swapped: this asks for D = 1 on imagined transitions. Its logit is log q/p.": (
            (softplus(real) + softplus(-fake)).mean()
        ),
        "this takes −log D(fake) in place of −log(1 − D(fake)), as if the imagined were real too.": (
            (softplus(-real) + softplus(-fake)).mean()
        ),
        "the sign is wrong: this is log D + log(1 − D), which training would have to make large.": -right,
        "this sums over the transitions. Take the mean, so that it does not grow with the batch.": 3 * right,
        "this takes the logits for probabilities' logarithms; pass them through σ first.": (fake - real).mean(),
        "this is half of it: the two terms of Alg. 2 are added, not averaged.": right / 2,
    }
    hint = "−log σ(x) is softplus(−x), and −log(1 − σ(x)) is softplus(x): add both and take the mean."
    given = answer(loss, real, fake)
    if given is not None and given.isnan().any():
        hint = "There are NaN: a logit may be negative, so take the logarithm of σ(logit), not of the logit."
    return compare("classifier_loss", given, right, mistakes, "it equals softplus(−real) + softplus(fake).", hint)


def check_unequal_weight(weight: Callable[[Tensor, float], Tensor]) -> str:
    """The weight p/q from the logit of a classifier that saw k imagined transitions for every real one."""
    logit, k = torch.linspace(-2, 2, 9), 4.0
    mistakes = {
        "this is right for k = 1. With k fakes per real one D = p/(p + k·q): what is its logit?": logit.exp(),
        "the factor is upside down: more fakes push the logit down by log k, so add it again.": logit.exp() / k,
        "this uses σ in place of exp: a probability, not a ratio.": logit.sigmoid() * k,
        "this is σ(logit), a probability, and k is left out.": logit.sigmoid(),
        "this is the inverse, q/p.": (-logit).exp() / k,
        "this is log p/q. The weight is the ratio itself.": logit + torch.tensor(k).log(),
        "this adds log k outside the exponential. exp(logit + log k) = k·exp(logit).": (
            logit.exp() + torch.tensor(k).log()
        ),
        "this is σ(logit + log k) = p/(p + q), not p/q.": logsigmoid(logit + torch.tensor(k).log()).exp(),
    }
    hint = "Minimise −p log D − k·q log(1 − D) at one place, then solve the logit for p/q."
    given = answer(weight, logit, k)
    return compare("unequal_weight", given, k * logit.exp(), mistakes, "k · exp(logit) = p/q.", hint)
