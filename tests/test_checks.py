"""The checks of the exercises: they take the reference and name each classic mistake."""

import pandas as pd
import pytest
import torch

from damlite import checks, return_weights


def before(log_ratio):
    return torch.cat([torch.zeros(len(log_ratio), 1), log_ratio.cumsum(-1)[:, :-1]], -1)


def average(w, rewards):
    return (w * rewards).sum(-1).mean()


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (lambda x: x.exp(), "right"),
        (lambda x: ..., "not answered yet"),
        (lambda x: None, "not answered yet"),
        (lambda x: x.sigmoid(), r"p/(p + q)"),
        (lambda x: (-x).exp(), "the inverse"),
        (lambda x: x, "this is log p/q"),
        (lambda x: x.exp()[:2], "expected shape"),
        (lambda x: x**2, "not yet"),
    ],
)
def test_weight(answer, expected):
    assert expected in checks.check_weight(answer)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (lambda r, x: average(before(x).exp(), r), "right"),
        (lambda r, x: ..., "not answered yet"),
        (lambda r, x: average(x.cumsum(-1).exp(), r), "one step late"),
        (lambda r, x: r.sum(-1).mean(), "leaves the weights out"),
        (lambda r, x: average((-before(x)).exp(), r), "inverts the ratio"),
        (lambda r, x: average(before(x)[:, -1:].exp(), r), "whole return"),
        (lambda r, x: average(before(torch.nn.functional.logsigmoid(x)).exp(), r), "p/(p + q)"),
        (
            lambda r, x: average(torch.cat([torch.zeros(6, 1), x[:, :-1]], -1).exp(), r),
            "The weights multiply",
        ),
        (lambda r, x: (before(x).exp() * r).sum(-1), "one number"),
        (lambda r, x: 0.0, "not yet"),
    ],
)
def test_estimate(answer, expected):
    assert expected in checks.check_estimate(answer)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (lambda r: return_weights(r)[0], "right"),
        (lambda r: ..., "not answered yet"),
        (lambda r: r / r.mean(), "the shift is missing"),
        (lambda r: r, "the shift is missing"),
        (lambda r: r - r.min(), "not divided by the mean"),
        (lambda r: (r - r.min()) / (r - r.min()).sum(), "sum to one"),
        (lambda r: r / r.abs().mean(), "negative"),
        (lambda r: r.abs(), "not yet"),
        (lambda r: r[:1], "expected shape"),
    ],
)
def test_shift(answer, expected):
    assert expected in checks.check_shift(answer)


def test_best_method():
    table = pd.DataFrame(
        {
            "model": ["Gaussian", "mixture", "mixture"],
            "method": ["disc", "disc", "dam"],
            "mean": [1.0, 3.0, 2.0],
            "stderr": 0.1,
            "paper_mean": [1.0, 2.0, 3.0],
        }
    )
    assert "right" in checks.check_best_method(("mixture", "disc"), table)
    assert "the paper's best" in checks.check_best_method(("mixture", "dam"), table)
    assert "not that one" in checks.check_best_method(("Gaussian", "disc"), table)
    assert "not answered" in checks.check_best_method(..., table)
