"""The checks of lesson 03's exercises: they take the reference and name each classic mistake."""

import math

import pytest
import torch

from damlite.checks import fit as checks


def gaussian(x, mean, std):
    return torch.distributions.Normal(mean, std).log_prob(x)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (gaussian, "right"),
        (lambda x, m, s: ..., "not answered yet"),
        (lambda x, m, s: None, "not answered yet"),
        (lambda x, m, s: -0.5 * ((x - m) / s) ** 2 - 0.5 * math.log(2 * math.pi), "−log σ is forgotten"),
        (lambda x, m, s: gaussian(x, m, s.sqrt()), "takes it for the variance"),
        (lambda x, m, s: -gaussian(x, m, s), "the sign is wrong"),
        (lambda x, m, s: -0.5 * ((x - m) / s) ** 2 - s.log(), "the constant"),
        (lambda x, m, s: gaussian(x, m, s).exp(), "the density itself"),
        (lambda x, m, s: -(((x - m) / s) ** 2) - s.log() - 0.5 * math.log(2 * math.pi), "½ is missing"),
        (lambda x, m, s: gaussian(x, m, s).sum(), "expected shape"),
        (lambda x, m, s: gaussian(x, m, s) + 1, "not yet"),
    ],
)
def test_gaussian_log_prob(answer, expected):
    assert expected in checks.check_gaussian_log_prob(answer)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (lambda w, c: torch.logsumexp(w + c, dim=-1), "right"),
        (
            lambda w, c: (w + c).max(-1).values + (w + c - (w + c).max(-1, keepdim=True).values).exp().sum(-1).log(),
            "right",
        ),
        (lambda w, c: ..., "not answered yet"),
        (lambda w, c: None, "not answered yet"),
        (lambda w, c: (w + c).sum(-1), "sum of the logs"),
        (lambda w, c: c.logsumexp(-1), "log-weights are forgotten"),
        (lambda w, c: (w + c).exp().sum(-1).log(), "exp underflows"),
        (lambda w, c: (w.exp() * c.exp()).sum(-1).log(), "exp underflows"),
        (lambda w, c: (w.exp() * c).sum(-1), "Jensen"),
        (lambda w, c: (w * c).logsumexp(-1), "added to a log-density"),
        (lambda w, c: (w + c).max(-1).values, "largest term alone"),
        (lambda w, c: (w + c).exp().sum(-1), "this is the density"),
        (lambda w, c: (w + c).logsumexp(0), "expected shape"),
        (lambda w, c: (w + c).logsumexp(-1).mean(), "expected shape"),
        (lambda w, c: c[:, 0], "not yet"),
    ],
)
def test_mixture_log_prob(answer, expected):
    assert expected in checks.check_mixture_log_prob(answer)
