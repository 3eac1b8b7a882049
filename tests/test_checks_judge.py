"""The checks of lesson 09's exercises: they take the reference and name each classic mistake."""

import pytest

from damlite.checks import judge as checks


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (lambda x: x.std() / len(x) ** 0.5, "right"),
        (lambda x: float(x.var() / len(x)) ** 0.5, "right"),
        (lambda x: ..., "not answered yet"),
        (lambda x: x.std(), "spread of the runs"),
        (lambda x: x.std() / len(x), "divides by N."),
        (lambda x: x.std(correction=0) / len(x) ** 0.5, "N − 1"),
        (lambda x: x.var() / len(x), "square root"),
        (lambda x: 1.96 * x.std() / len(x) ** 0.5, "95 %"),
        (lambda x: x, "one number"),
        (lambda x: 0.0, "not yet"),
    ],
)
def test_standard_error(answer, expected):
    assert expected in checks.check_standard_error(answer)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (lambda x: x.sort().values[len(x) // 4 : -(len(x) // 4)].mean(), "right"),
        (lambda x: ..., "not answered yet"),
        (lambda x: x[2:6].mean(), "not sorted"),
        (lambda x: x.mean(), "all runs"),
        (lambda x: x.quantile(0.5), "median"),
        (lambda x: x.sort().values[:6].mean(), "best quarter alone"),
        (lambda x: x.sort().values[2:].mean(), "worst quarter alone"),
        (lambda x: x.sort().values[1:7].mean(), "only one run"),
        (lambda x: x.sort().values[2:6].sum(), "Divide by"),
        (lambda x: x.sort().values[2:6], "one number"),
        (lambda x: -1.0, "not yet"),
    ],
)
def test_interquartile_mean(answer, expected):
    assert expected in checks.check_interquartile_mean(answer)


def judge(low, high, tolerance):
    return "reproduced" if low > tolerance else "not reproduced" if high < tolerance else "undecided"


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (judge, "right"),
        (lambda low, high, t: ..., "not answered yet"),
        (lambda low, high, t: "yes" if low > t else "no", "three words"),
        (lambda low, high, t: "reproduced" if low + high > 2 * t else "not reproduced", "Neither side"),
        (
            lambda low, high, t: "not reproduced" if low > t else "reproduced" if high < t else "undecided",
            "wrong way round",
        ),
        (lambda low, high, t: judge(low, high, 0.0), "tolerance is forgotten"),
        (lambda low, high, t: "undecided" if t == 0.5 and high > 0.7 else judge(low, high, t), "not yet"),
    ],
)
def test_verdict(answer, expected):
    assert expected in checks.check_verdict(answer)
