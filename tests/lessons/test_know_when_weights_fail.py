"""Lesson 05: the panel shows the law; the diagnosis; broken discriminators, doctors and treatments, right and wrong."""

import math

import numpy as np
import pytest
import torch
from scipy.integrate import quad
from scipy.stats import norm

import damlite as dl
from damlite.lessons import know_when_weights_fail as lesson


@pytest.fixture
def double():
    """Doubles by default."""
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def test_the_panel_works_with_doubles(double):
    assert "truth 1" in lesson.weight_degeneracy().fig.axes[2].get_title()


@pytest.mark.parametrize(("shift", "spread"), [(0.0, 1.0), (0.5, 1.0), (1.3, 1.5), (0.2, 0.8)])
def test_second_moment_of_a_weight_by_quadrature(shift, spread):
    def integrand(z):
        return norm.pdf(z) ** 2 / norm.pdf(z, shift, spread)

    assert lesson.weight_second_moment(shift, spread) == pytest.approx(quad(integrand, -12, 12)[0], rel=1e-6)


def test_second_moment_is_infinite_for_a_narrow_model():
    assert lesson.weight_second_moment(0.0, 0.7) == np.inf
    assert lesson.weight_second_moment(0.0, 0.71) < np.inf


def test_exact_weights_give_the_second_moment_of_the_truth():
    estimate, log_w = lesson.imagine_squares(0.3, 1.1, 1000, None, False)
    assert estimate.shape == (lesson.REPEATS, lesson.STEPS)
    assert log_w.shape == (lesson.REPEATS, lesson.STEPS, 1000)
    error = estimate[:, :5].std(0) / lesson.REPEATS**0.5
    assert ((estimate[:, :5].mean(0) - 1).abs() < 5 * error).all()


def test_clip_and_normalisation_of_the_weights():
    alone, log_w = lesson.imagine_squares(0.5, 1.2, 100, 0.0, False)  # clipped at 0: no weights
    assert (log_w == 0).all()
    assert abs(alone.mean() - (0.5**2 + 1.2**2)) < 5 * alone.std() / alone.numel() ** 0.5
    plain, log_w = lesson.imagine_squares(0.5, 1.2, 100, None, False)
    normalised, _ = lesson.imagine_squares(0.5, 1.2, 100, None, True)
    assert torch.allclose(normalised, plain / log_w.exp().mean(-1), rtol=1e-3)
    _, clipped = lesson.imagine_squares(0.5, 1.2, 100, 0.3, False)
    assert clipped[:, 0].abs().max() <= 0.3
    assert (clipped[:, -1].abs() <= 0.3 * lesson.STEPS + 1e-4).all()


def test_the_panel_shows_its_numbers():
    panel = lesson.weight_degeneracy()
    panel.controls["shift"].value = 1.0
    estimate, log_w = lesson.imagine_squares(1.0, 1.0, 500, None, False)
    law, share = panel.fig.axes[0].lines
    assert np.allclose(law.get_ydata(), np.exp(-np.arange(1, lesson.STEPS + 1)))
    worth = dl.diagnostics.effective_sample_size(log_w).median(0).values
    assert np.allclose(share.get_ydata(), (worth / 500).clamp(min=lesson.FLOOR))
    assert f"{estimate[:, 4].mean():.2f} ± {estimate[:, 4].std():.2f}" in panel.fig.axes[2].get_title()


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"A": "degeneracy", "B": "support", "C": "overfit"}, "right"),
        ({"A": ..., "B": ..., "C": ...}, "not answered yet"),
        (..., "not answered yet"),
        (None, "not answered yet"),
        ({"A": "support", "B": "degeneracy", "C": "overfit"}, "A is not support"),
        ({"A": "degeneracy", "B": "overfit", "C": "support"}, "B is not overfit"),
        ({"A": "degeneracy", "B": "support", "C": "support"}, "C is not support"),
        ({"A": "degeneracy", "B": "tails", "C": "overfit"}, "expected keys"),
        ({"A": "degeneracy", "B": ..., "C": "overfit"}, "expected keys"),
        ({"A": "degeneracy", "B": "support"}, "expected keys"),
        (["degeneracy", "support", "overfit"], "expected keys"),
    ],
)
def test_diagnosis(given, expected, capsys):
    verdict = lesson.check_diagnosis(given)
    assert expected in verdict
    assert capsys.readouterr().out == verdict + "\n"


def half(velocity, high=1.5):
    """Weights of `high` on the right and 2 − `high` on the left, logarithms of it."""
    return torch.where(velocity > 0, high, 2 - high).log()


@pytest.mark.parametrize(
    ("broken", "expected"),
    [
        (half, "right, calibration alone"),
        (lambda v: half(-v).double().numpy(), "right, calibration alone"),
        (lambda v: ..., "not answered yet"),
        (lambda v: None, "not answered yet"),
        (torch.zeros_like, "here rings: nothing"),
        (lambda v: torch.full_like(v, -1.0), "here rings: mean weight, calibration"),
        (lambda v: half(v)[:5], "expected 4000 log-ratios"),
        (lambda v: half(v) / 0, "some log-ratios are infinite"),
    ],
)
def test_broken(broken, expected, capsys):
    verdict = lesson.check_broken(broken)
    assert expected in verdict
    assert capsys.readouterr().out == verdict + "\n"


def test_the_exact_ratio_rings_no_alarm():
    assert not any(lesson.alarms(*lesson.healthy(dl.seeded(3))).values())


def test_weight_alarms_do_not_see_who_bears_a_weight():
    real, fake = lesson.healthy(dl.seeded(3))
    mixed = fake[torch.randperm(len(fake), generator=dl.seeded(0))]
    assert lesson.chart(mixed) == pytest.approx(lesson.chart(fake), rel=1e-4)
    assert lesson.alarms(real, -fake)["calibration"]


@pytest.mark.parametrize(
    ("fault", "rings"),
    [
        (lesson.degenerate, "effective sample size"),
        (lesson.unsupported, "mean weight"),
        (lesson.overfitted, "calibration"),
        (lesson.swapped, "calibration"),
    ],
)
def test_every_fault_rings(fault, rings):
    assert lesson.alarms(*fault(dl.seeded(11)))[rings]


@pytest.mark.parametrize("fault", [lesson.healthy, lesson.degenerate, lesson.unsupported])
def test_exact_ratios_are_calibrated(fault):
    assert dl.diagnostics.calibration(*fault(dl.seeded(12))).error < 0.03


def test_the_degenerate_ratio_follows_the_law():
    _, fake = lesson.degenerate(dl.seeded(5))
    law = -40 * 0.35**2 / 2  # the mean of the log-weight under q
    assert abs(fake.mean() - law) < 5 * fake.std() / len(fake) ** 0.5


def test_blinds_hold_every_fault_equally_often_and_stay_what_they_are():
    hidden = [lesson.hidden(number) for number in range(lesson.BLINDS)]
    assert {hidden.count(fault) for fault in lesson.FAULTS} == {lesson.BLINDS // len(lesson.FAULTS)}
    assert all(torch.equal(a, b) for a, b in zip(lesson.blind(7), lesson.blind(7), strict=True))


@pytest.mark.parametrize(
    ("diagnose", "expected"),
    [
        (lambda real, fake: ..., "not answered yet"),
        (lambda real, fake: None, "not answered yet"),
        (lambda real, fake: "ill", "expected one of the words healthy"),
        (lambda real, fake: real, "expected one of the words healthy"),
        (lambda real, fake: "healthy", "is not “healthy”. The alarms that ring there: "),
        (lambda real, fake: "support", "is not “support”"),
    ],
)
def test_diagnose(diagnose, expected, capsys):
    verdict = lesson.check_diagnose(diagnose)
    assert expected in verdict
    assert capsys.readouterr().out == verdict + "\n"


def centred(r, x):
    return ((x - x.mean(-1, keepdim=True)).clamp(-2, 2).softmax(-1) * r).sum(-1)


def truncated(r, x):
    """Weights in units of their mean, the largest cut at e²."""
    return ((x - x.logsumexp(-1, keepdim=True) + math.log(x.shape[-1])).clamp(max=2).softmax(-1) * r).sum(-1)


@pytest.mark.parametrize(
    ("treat", "expected"),
    [
        (centred, "right, both wards"),
        (
            lambda r, x: ((x - x.logsumexp(-1, keepdim=True) + math.log(100)).clamp(max=2).softmax(-1) * r).sum(-1),
            "right",
        ),
        (lambda r, x: (x.softmax(-1) * r).sum(-1), "not yet"),
        (lambda r, x: (x.clamp(-2, 2).exp() * r).mean(-1), "not yet"),
        (lambda r, x: (x.exp() * r).mean(-1), "not yet"),
        (lambda r, x: r.mean(-1), "not yet"),
        (lambda r, x: math.nan * r.mean(-1), "not yet"),
        (lambda r, x: torch.ones(400), "twice the rewards give the same"),
        (lambda r, x: r.mean(), "expected 400 estimates"),
        (lambda r, x: ..., "not answered yet"),
    ],
)
def test_treat(treat, expected, capsys):
    verdict = lesson.check_treat(treat)
    assert expected in verdict
    assert capsys.readouterr().out == verdict + "\n"


@pytest.mark.parametrize("shift", [0.5, 1.0])
def test_exact_weights_treat_a_ward_that_shares_nothing(shift):
    r, x = lesson.draw_ward(shift, shared=0.0)
    terms = (x.exp() * r).flatten()
    assert abs(terms.mean() - 1) < 5 * terms.std() / len(terms) ** 0.5
