"""The checks of lesson 02: they take the reference and name each classic mistake."""

import pytest
from torch.nn.functional import logsigmoid, softplus

from damlite.checks.classify import check_bayes_classifier, check_classifier_loss, check_unequal_weight


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (lambda p, q: p / (p + q), "right"),
        (lambda p, q: (p / q).log().sigmoid(), "right"),
        (lambda p, q: ..., "not answered yet"),
        (lambda p, q: None, "not answered yet"),
        (lambda p, q: q / (p + q), "labels are swapped"),
        (lambda p, q: p / q, "the ratio p/q itself"),
        (lambda p, q: q / p, "upside down"),
        (lambda p, q: (p / q).sigmoid(), "the logarithm is forgotten"),
        (lambda p, q: (p / q).log(), "the logit"),
        (lambda p, q: (p / (p + q))[:2], "expected shape"),
        (lambda p, q: p, "not yet"),
    ],
)
def test_bayes_classifier(answer, expected):
    assert expected in check_bayes_classifier(answer)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (lambda r, f: (softplus(-r) + softplus(f)).mean(), "right"),
        (lambda r, f: -(r.sigmoid().log() + (1 - f.sigmoid()).log()).mean(), "right"),
        (lambda r, f: ..., "not answered yet"),
        (lambda r, f: -logsigmoid(r).mean(), "imagined transitions are missing"),
        (lambda r, f: softplus(f).mean(), "real transitions are missing"),
        (lambda r, f: (softplus(r) + softplus(-f)).mean(), "labels are swapped"),
        (lambda r, f: -(logsigmoid(r) + logsigmoid(f)).mean(), "in place of"),
        (lambda r, f: (logsigmoid(r) + logsigmoid(-f)).mean(), "sign is wrong"),
        (lambda r, f: (softplus(-r) + softplus(f)).sum(), "sums over"),
        (lambda r, f: (f - r).mean(), "pass them through"),
        (lambda r, f: (softplus(-r) + softplus(f)).mean() / 2, "half of it"),
        (lambda r, f: (-r.log() - (1 - f).log()).mean(), "NaN"),
        (lambda r, f: softplus(-r) + softplus(f), "one number"),
        (lambda r, f: 0.0, "not yet"),
    ],
)
def test_classifier_loss(answer, expected):
    assert expected in check_classifier_loss(answer)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (lambda x, k: k * x.exp(), "right"),
        (lambda x, k: ..., "not answered yet"),
        (lambda x, k: x.exp(), "right for k = 1"),
        (lambda x, k: x.exp() / k, "upside down"),
        (lambda x, k: k * x.sigmoid(), "a probability, not a ratio"),
        (lambda x, k: x.sigmoid(), "k is left out"),
        (lambda x, k: (-x).exp() / k, "the inverse"),
        (lambda x, k: x + 1.3862944, "this is log p/q"),
        (lambda x, k: x.exp() + 1.3862944, "outside the exponential"),
        (lambda x, k: (x + 1.3862944).sigmoid(), "p/(p + q)"),
        (lambda x, k: (k * x.exp())[:1], "expected shape"),
        (lambda x, k: x**2, "not yet"),
    ],
)
def test_unequal_weight(answer, expected):
    assert expected in check_unequal_weight(answer)
