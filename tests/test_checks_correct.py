"""The checks of lesson 04's exercises: they take the reference and name each classic mistake."""

import pytest

from damlite import checks


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (lambda r, x: (x.softmax(0) * r).sum(), "right"),
        (lambda r, x: ..., "not answered yet"),
        (lambda r, x: (x.exp() * r).mean(), "plain estimate"),
        (lambda r, x: r.mean(), "leaves the weights out"),
        (lambda r, x: (x.sigmoid() * r).sum() / x.sigmoid().sum(), "p/(p + q)"),
        (lambda r, x: ((-x).softmax(0) * r).sum(), "inverts the ratio"),
        (lambda r, x: (x * r).sum() / x.sum(), "log p/q"),
        (lambda r, x: (x.exp() * r).sum(), "divide by the sum"),
        (lambda r, x: x.exp() * r, "one number"),
        (lambda r, x: r.max(), "not yet"),
    ],
)
def test_corrected_mean(given, expected):
    assert expected in checks.check_corrected_mean(given)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"A": "collapse", "B": "support", "C": "overfit"}, "right"),
        ({"A": ..., "B": ..., "C": ...}, "not answered yet"),
        ({"A": "support", "B": "collapse", "C": "overfit"}, "A is not support"),
        ({"A": "collapse", "B": "overfit", "C": "support"}, "B is not overfit"),
        ({"A": "collapse", "B": "support", "C": "support"}, "C is not support"),
        ({"A": "collapse", "B": "tails", "C": "overfit"}, "expected keys"),
    ],
)
def test_diagnosis(given, expected):
    assert expected in checks.check_diagnosis(given)
