"""The checks of lesson 01's exercises: they take the reference and name each classic mistake."""

import pytest

from damlite import checks, diagnostics


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (lambda p, q: (p - q).sum(-1).exp(), "right"),
        (lambda p, q: ..., "not answered yet"),
        (lambda p, q: (p - q).sum(-1), "this is log w"),
        (lambda p, q: (q - p).sum(-1).exp(), "the inverse"),
        (lambda p, q: (p - q).exp().sum(-1), "adds the transitions' weights"),
        (lambda p, q: (p - q)[:, -1].exp(), "last transition alone"),
        (lambda p, q: (p - q).mean(-1).exp(), "geometric mean"),
        (lambda p, q: (p - q).sum(0).exp(), "expected shape"),
        (lambda p, q: p.sum(-1).exp(), "not yet"),
    ],
)
def test_trajectory_weight(given, expected):
    assert expected in checks.check_trajectory_weight(given)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (diagnostics.effective_sample_size, "right, between"),
        (lambda x: None, "not answered yet"),
        (lambda x: x.exp().sum() ** 2 / x.exp().square().sum(), "exp overflows"),
        (lambda x: x.sum() ** 2 / x.square().sum(), "treats log-weights as weights"),
        (lambda x: x.exp().sum() / x.exp().square().sum(), "has to be squared"),
        (lambda x: diagnostics.effective_sample_size(x) / len(x), "the share"),
        (lambda x: 1 / x.exp().square().sum(), "divided by their sum"),
        (lambda x: x.exp().sum() ** 2 / x.exp().sum() ** 2, "not (Σ w)²"),
        (lambda x: x.exp(), "one number"),
        (lambda x: x.mean(), "not yet"),
    ],
)
def test_sample_size(given, expected):
    assert expected in checks.check_sample_size(given)
