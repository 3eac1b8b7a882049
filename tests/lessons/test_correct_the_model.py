"""Lesson 04: its panels show what was computed; answers written another way; the diagnosis."""

import asyncio

import numpy as np
import pytest
import torch
from scipy.integrate import quad
from scipy.stats import norm

import damlite as dl
from damlite.lessons import correct_the_model as lesson
from damlite.lessons.panel import RELEASED


@pytest.fixture
def double():
    """Doubles by default; what was fitted with them is forgotten afterwards."""
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)
    lesson.fitted.cache_clear()


def test_the_exact_weights_repair_the_fitted_model():
    env = dl.IcyRoad()
    _, next_state, _, log_w = lesson.fitted(env, 1, 1000)
    term = log_w.exp() * env.reward(next_state, torch.tensor(2))
    truth = dl.exact.next_reward(env, env.transition(torch.tensor(lesson.STATE), torch.tensor(2)))
    assert abs(term.mean() - truth) < 5 * term.std() / len(term) ** 0.5


def test_the_panel_shows_the_arrows_of_what_was_fitted():
    panel = lesson.next_velocity()
    _, next_state, *log_ratios = lesson.fitted(dl.IcyRoad(), 1, 1000)
    for scale, log_w in zip(panel.fig.axes[2:], log_ratios, strict=True):
        stems = np.array(scale.collections[0].get_segments())
        assert np.allclose(stems[:, 1, 0], next_state[: lesson.ARROWS, 3])
        assert np.allclose(stems[:, 1, 1], log_w[: lesson.ARROWS].exp().clamp(1e-3, 1e3), rtol=1e-4)


def test_the_truth_moves_at_once_and_the_model_is_grey_until_the_slider_rests():
    panel = lesson.next_velocity()
    truth, model = panel.fig.axes[0].lines[:2]

    def seen():
        return [(line.get_alpha() or 1.0, line.get_ydata().copy()) for line in (truth, model)]

    async def move():
        panel.controls["threshold"].value = 3.0
        at_once = seen()
        await asyncio.sleep(RELEASED + 0.2)
        return at_once, seen()

    before = seen()
    at_once, rested = asyncio.run(move())
    (truth_alpha, now), (model_alpha, same) = at_once
    assert truth_alpha == 1
    assert np.abs(now - before[0][1]).max() > 0.1
    assert model_alpha < 0.5
    assert (same == before[1][1]).all()
    assert [alpha for alpha, _ in rested] == [1, 1]
    assert np.abs(rested[1][1] - same).max() > 0.1


@pytest.mark.parametrize("fitted_before", [True, False])
def test_the_panels_work_with_doubles(fitted_before, double):
    if fitted_before:
        torch.set_default_dtype(torch.float32)
        lesson.fitted(dl.IcyRoad(), 1, 1000)
        torch.set_default_dtype(torch.float64)
    else:
        lesson.fitted.cache_clear()
    assert "truth -1.5" in lesson.next_velocity().fig.axes[1].get_title()
    assert "truth 1" in lesson.weight_collapse().fig.axes[2].get_title()


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


def test_the_panel_of_the_collapse_shows_its_numbers():
    panel = lesson.weight_collapse()
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
        (lambda r, x: (x.softmax(0) * r).sum(), "right"),
        (lambda r, x: (x - x.logsumexp(0)).exp() @ r, "right"),
        (lambda r, x: ((-x).softmax(0) * r).sum(), "inverts the ratio"),
        (lambda r, x: x.exp() * r, "one number"),
        (lambda r, x: r.max(), "not yet"),
    ],
)
def test_corrected_mean_written_another_way(given, expected):
    assert expected in lesson.check_corrected_mean(given)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"A": "collapse", "B": "support", "C": "overfit"}, "right"),
        ({"A": ..., "B": ..., "C": ...}, "not answered yet"),
        (..., "not answered yet"),
        (None, "not answered yet"),
        ({"A": "support", "B": "collapse", "C": "overfit"}, "A is not support"),
        ({"A": "collapse", "B": "overfit", "C": "support"}, "B is not overfit"),
        ({"A": "collapse", "B": "support", "C": "support"}, "C is not support"),
        ({"A": "collapse", "B": "tails", "C": "overfit"}, "expected keys"),
        ({"A": "collapse", "B": ..., "C": "overfit"}, "expected keys"),
        ({"A": "collapse", "B": "support"}, "expected keys"),
        (["collapse", "support", "overfit"], "expected keys"),
    ],
)
def test_diagnosis(given, expected, capsys):
    verdict = lesson.check_diagnosis(given)
    assert expected in verdict
    assert capsys.readouterr().out == verdict + "\n"
