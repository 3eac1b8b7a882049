"""Lesson 05's checks: they take the reference and name each classic mistake."""

import pytest
import torch

from damlite.checks import variance as checks


def share(x):
    return x / x.sum()


def shifted(r):
    return r - r.min()


def spread(p, x):
    return (p * x**2).sum() - (p * x).sum() ** 2


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (lambda p, r: share(p * shifted(r)), "right"),
        (lambda p, r: ..., "not answered yet"),
        (lambda p, r: None, "not answered yet"),
        (lambda p, r: share(p * r), "the shift is missing"),
        (lambda p, r: share(p * r.abs()), "takes |R|"),
        (lambda p, r: share(shifted(r)), "without p"),
        (lambda p, r: p * shifted(r), "does not sum to one"),
        (lambda p, r: p * shifted(r) / shifted(r).mean(), "plain mean"),
        (lambda p, r: p, "maximum likelihood"),
        (lambda p, r: share(p * shifted(r))[:2], "expected shape"),
        (lambda p, r: share(p * shifted(r) ** 2), "not yet"),
    ],
)
def test_optimal_proposal(answer, expected):
    assert expected in checks.check_optimal_proposal(answer)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (lambda p, q, r: spread(q, p / q * r), "right"),
        (lambda p, q, r: ((p * r) ** 2 / q).sum() - (p * r).sum() ** 2, "right"),
        (lambda p, q, r: ..., "not answered yet"),
        (lambda p, q, r: spread(p, r), "variance of R under p"),
        (lambda p, q, r: (q * (p / q) * r**2).sum() - (p * r).sum() ** 2, "square is forgotten"),
        (lambda p, q, r: spread(q, r), "without weights"),
        (lambda p, q, r: (q * (p / q * r) ** 2).sum(), "second moment"),
        (lambda p, q, r: (p * (p / q * r) ** 2).sum() - (p * r).sum() ** 2, "under p. The draws come from q"),
        (lambda p, q, r: spread(q, p / q * r).sqrt(), "standard deviation"),
        (lambda p, q, r: spread(q, q / p * r), "upside down"),
        (lambda p, q, r: (p / q * r).var(correction=0), "same probability"),
        (lambda p, q, r: p / q * r, "one number"),
        (lambda p, q, r: 0.0, "not yet"),
    ],
)
def test_estimate_variance(answer, expected):
    assert expected in checks.check_estimate_variance(answer)


def by_autograd(p, r, q):
    logits = q.log().requires_grad_(True)
    return torch.autograd.grad(-(p * r * logits.log_softmax(-1)).sum(), logits)[0]


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (lambda p, r, q: q * (p * r).sum() - p * r, "right"),
        (by_autograd, "right"),
        (lambda p, r, q: ..., "not answered yet"),
        (lambda p, r, q: p * r - q * (p * r).sum(), "sign is reversed"),
        (lambda p, r, q: q - p, "returns are missing"),
        (lambda p, r, q: q - share(p * r), "q − q*"),
        (lambda p, r, q: -p * r, "normalisation is missing"),
        (lambda p, r, q: -p * r / q, "in q, not in the logits"),
        (lambda p, r, q: q * r.sum() - r, "leaves p out"),
        (lambda p, r, q: (p * r).sum(), "expected shape"),
        (lambda p, r, q: q, "not yet"),
    ],
)
def test_weighted_gradient(answer, expected):
    assert expected in checks.check_weighted_gradient(answer)
