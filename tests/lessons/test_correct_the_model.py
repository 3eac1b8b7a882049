"""Lesson 04: its panel shows what was computed; answers written another way; plans that are misjudged or not."""

import asyncio

import numpy as np
import pytest
import torch

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
def test_the_panel_works_with_doubles(fitted_before, double):
    if fitted_before:
        torch.set_default_dtype(torch.float32)
        lesson.fitted(dl.IcyRoad(), 1, 1000)
        torch.set_default_dtype(torch.float64)
    else:
        lesson.fitted.cache_clear()
    assert "truth -1.5" in lesson.next_velocity().fig.axes[1].get_title()


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


def test_the_salted_mean_is_the_roads_own_within_its_error():
    yesterday, today, next_state, reward = lesson.draw_yesterday(cars=100_000)
    truth = dl.exact.next_reward(dl.IcyRoad(swerve_prob=0.3), today)
    term = (today.log_prob(next_state) - yesterday.log_prob(next_state)).exp() * reward
    assert abs(lesson.salted(yesterday, today, next_state, reward) - truth) < 5 * term.std() / len(term) ** 0.5


class OptimisticModel:
    """The road with a swerve of 0.2 in place of 0.9; as a discriminator, the exact log-ratio."""

    env = dl.IcyRoad()
    transition = staticmethod(dl.IcyRoad(swerve_prob=0.2).transition)

    def log_ratio(self, s, a, s2):
        return self.env.transition(s, a).log_prob(s2) - self.transition(s, a).log_prob(s2)


@pytest.mark.parametrize(
    ("plans", "expected"),
    [
        (([2, 2, 1, 0], [2, 1, 1, 1]), "right, model"),
        (([2, 1, 1, 1], [2, 2, 1, 0]), "the model does not prefer the first"),
        (([2, 1, 1, 1], [0, 0, 0, 0]), "the model is right about these two"),
        ((..., ...), "not answered yet"),
        (..., "not answered yet"),
        (([2, 1, 1], [2, 2, 1]), "expected two lists of four"),
        (([2, 1, 1, 3], [2, 2, 1, 1]), "expected two lists of four"),
        (([2, 1, 1, 1.5], [2, 2, 1, 1]), "expected two lists of four"),
        (([2, 1, 1, 1], [2, 2, 1]), "expected two lists of four"),
        ("2211", "expected two lists of four"),
        (7, "expected two lists of four"),
    ],
)
def test_misjudged_plans(plans, expected, capsys):
    model = OptimisticModel()
    verdict = lesson.check_misjudged(plans, model, model)
    assert expected in verdict
    assert capsys.readouterr().out == verdict + "\n"


def test_weights_of_one_do_not_turn_the_order_round():
    silent = OptimisticModel()
    silent.log_ratio = lambda s, a, s2: torch.zeros(s.shape[:-1])
    verdict = lesson.check_misjudged(([2, 2, 1, 0], [2, 1, 1, 1]), OptimisticModel(), silent)
    assert "do not turn the order round" in verdict
