"""The checks of lesson 06's exercises: they take the reference and name each classic mistake."""

import pytest
import torch

from damlite.checks import plan as checks


def returns(r, x):
    return ((x.cumsum(-1) - x).exp() * r).sum(-1)


def value(r, x):
    return returns(r, x).mean(-1)


def single(r, x):
    shifted = torch.cat([torch.zeros_like(x[..., :1]), x[..., :-1]], -1)
    return (shifted.exp() * r).sum(-1).mean(-1)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (lambda r, x, a: a[value(r, x).argmax(), 0], "right"),
        (lambda r, x, a: int(a[value(r, x).argmax(), 0]), "right"),
        (lambda r, x, a: ..., "not answered yet"),
        (lambda r, x, a: None, "not answered yet"),
        (lambda r, x, a: a[value(r, x).argmin(), 0], "the worst sequence"),
        (lambda r, x, a: a[value(r, x).argmax(), -1], "best sequence's last action"),
        (lambda r, x, a: a[returns(r, x).mean(0).argmax(), 0], "the wrong axis"),
        (lambda r, x, a: a[returns(r, x).amax(-1).argmax(), 0], "luckiest particle"),
        (lambda r, x, a: a[(x.cumsum(-1).exp() * r).sum(-1).mean(-1).argmax(), 0], "one step late"),
        (lambda r, x, a: a[r.sum(-1).mean(-1).argmax(), 0], "leaves the weights out"),
        (lambda r, x, a: a[single(r, x).argmax(), 0], "Weights multiply"),
        (lambda r, x, a: a[value(r, x).argmax()], "one number"),
        (lambda r, x, a: value(r, x).argmax(), "not yet"),
    ],
)
def test_choose(answer, expected):
    assert expected in checks.check_choose(answer)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (lambda x, y: (x - y).std() / len(x) ** 0.5, "right"),
        (lambda x, y: ((x.var() + y.var() - 2 * torch.cov(torch.stack([x, y]))[0, 1]) / len(x)) ** 0.5, "right"),
        (lambda x, y: ..., "not answered yet"),
        (lambda x, y: ((x.var() + y.var()) / len(x)) ** 0.5, "forgets the covariance"),
        (lambda x, y: (x + y).std() / len(x) ** 0.5, "the sum x + y"),
        (lambda x, y: (x - y).std(), "one particle's difference"),
        (lambda x, y: (x - y).var() / len(x), "square root"),
        (lambda x, y: x - y, "one number"),
        (lambda x, y: 0.0, "not yet"),
    ],
)
def test_error_of_difference(answer, expected):
    assert expected in checks.check_error_of_difference(answer)


def drive(step, plan, state, horizon, pick=0, left=None, moves=True):
    actions = []
    for t in range(horizon):
        actions.append(plan(state, left or horizon - t)[pick])
        state = step(state, actions[-1]) if moves else state
    return torch.stack(actions)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (lambda plan, step, s, n: drive(step, plan, s, n), "right"),
        (lambda plan, step, s, n: list(drive(step, plan, s, n)), "right"),
        (lambda plan, step, s, n: ..., "not answered yet"),
        (lambda plan, step, s, n: plan(s, n), "the whole plan"),
        (lambda plan, step, s, n: drive(step, plan, s, n, pick=-1), "last action of each plan"),
        (lambda plan, step, s, n: drive(step, plan, s, n, left=n), "past the end"),
        (lambda plan, step, s, n: drive(step, plan, s, n, moves=False), "from the first state"),
        (lambda plan, step, s, n: plan(s, n)[0], "expected shape"),
        (lambda plan, step, s, n: torch.zeros(n), "not yet"),
    ],
)
def test_rollout(answer, expected):
    assert expected in checks.check_rollout(answer)
