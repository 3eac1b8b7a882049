"""The checks of lesson 08's exercises: they take the reference and name each classic mistake."""

import pytest
import torch

from damlite.checks import cross as checks


def apart(s):
    return torch.hypot(s[..., 0] - s[..., 5], s[..., 1] - s[..., 6])


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (lambda s: s[..., 3] - 10.0 * (apart(s) < 2.5), "right"),
        (lambda s: ..., "not answered yet"),
        (lambda s: None, "not answered yet"),
        (lambda s: s[..., 3] + 10.0 * (apart(s) < 2.5), "adds 10"),
        (lambda s: s[..., 3] - 10.0 * (apart(s) > 2.5), "far apart"),
        (lambda s: s[..., 3] - 10.0 * ((s[..., 1] - s[..., 6]).abs() < 2.5), "along y alone"),
        (lambda s: s[..., 3] - 10.0 * (apart(s) ** 2 < 2.5), "squared"),
        (lambda s: s[..., 8] - 10.0 * (apart(s) < 2.5), "other car's speed"),
        (lambda s: torch.where(apart(s) < 2.5, -10.0, s[..., 3]), "takes the speed away"),
        (lambda s: s[..., 3], "leaves out what a crash costs"),
        (lambda s: (s[..., 3] - 10.0 * (apart(s) < 2.5)).sum(), "shape"),
        (lambda s: 0 * s[..., 3], "not yet"),
    ],
)
def test_reward(answer, expected):
    assert expected in checks.check_crossing_reward(answer)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (lambda r, p, v: r + (p * v).sum(-1).amax(-1), "right"),
        (lambda r, p, v: r + torch.einsum("nak,nak->na", p, v).max(-1).values, "right"),
        (lambda r, p, v: ..., "not answered yet"),
        (lambda r, p, v: r + (p * v).amax((-1, -2)), "choose the coin"),
        (lambda r, p, v: r + v.amax((-1, -2)), "Chance decides"),
        (lambda r, p, v: r + (p * v.amax(1, keepdim=True)).sum(-1).mean(-1), "before the coin falls"),
        (lambda r, p, v: r + (p * v).sum(-1).mean(-1), "averages over the actions"),
        (lambda r, p, v: r + (p * v).sum(-1).amin(-1), "worst action"),
        (lambda r, p, v: (p * v).sum(-1).amax(-1), "forgets the reward"),
        (lambda r, p, v: r + v.mean(-1).amax(-1), "alike"),
        (lambda r, p, v: (p * v).sum(-1), "shape"),
        (lambda r, p, v: r, "not yet"),
    ],
)
def test_backup(answer, expected):
    assert expected in checks.check_backup(answer)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (lambda w, r, c: (w * (r - c) + c).sum(-1).mean(), "right"),
        (lambda w, r, c: float((w * (r - c)).sum(-1).mean() + r.shape[-1] * c), "right"),
        (lambda w, r, c: ..., "not answered yet"),
        (lambda w, r, c: (w * (r - c)).sum(-1).mean(), "never adds it again"),
        (lambda w, r, c: (w * (r + c) - c).sum(-1).mean(), "sign of the shift"),
        (lambda w, r, c: (w * r).sum(-1).mean(), "no shift at all"),
        (lambda w, r, c: (w * (r - c)).sum(-1).mean() + c, "once for the whole trajectory"),
        (lambda w, r, c: (w * (r - c) + c).sum(), "sum over the particles"),
        (lambda w, r, c: (w * (r - c) + c).mean(), "mean over the steps"),
        (lambda w, r, c: (w * (r - c) + c).sum(-1), "one number"),
        (lambda w, r, c: torch.tensor(0.0), "not yet"),
    ],
)
def test_shifted_value(answer, expected):
    assert expected in checks.check_shifted_value(answer)
