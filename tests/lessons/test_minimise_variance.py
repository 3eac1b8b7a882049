"""Lesson 06: other right and wrong answers than the reference and the listed mistakes, and the panel's numbers."""

import numpy as np
import pytest
import torch

import damlite as dl
from damlite.lessons import minimise_variance as lesson
from damlite.lessons.minimise_variance import share, shifted, variance


def by_autograd(p, r, q):
    logits = q.log().requires_grad_(True)
    return torch.autograd.grad(-(p * r * logits.log_softmax(-1)).sum(), logits)[0]


@pytest.mark.parametrize(
    ("check", "answer", "expected"),
    [
        (lesson.check_optimal_proposal, lambda p, r: share(p * shifted(r))[:2], "expected shape (4,), got shape (2,)"),
        (lesson.check_optimal_proposal, lambda p, r: share(p * shifted(r) ** 2), "not yet"),
        (lesson.check_estimate_variance, lambda p, q, r: ((p * r) ** 2 / q).sum() - (p * r).sum() ** 2, "right"),
        (
            lesson.check_estimate_variance,
            lambda p, q, r: (q * (p / q) * r**2).sum() - (p * r).sum() ** 2,
            "square is forgotten",
        ),
        (lesson.check_estimate_variance, lambda p, q, r: p / q * r, "one number"),
        (lesson.check_estimate_variance, lambda p, q, r: 0.0, "not yet"),
        (lesson.check_weighted_gradient, by_autograd, "right"),
        (lesson.check_weighted_gradient, lambda p, r, q: (p * r).sum(), "expected shape (3,), got shape ()"),
        (lesson.check_weighted_gradient, lambda p, r, q: q, "not yet"),
    ],
)
def test_an_answer_gets_its_verdict(check, answer, expected):
    assert expected in check(answer)


def test_the_grid_holds_all_probability_and_the_mean_reward_of_the_road():
    env, (p, reward) = dl.IcyRoad(), lesson.cells(0.9)
    state, accelerate = torch.tensor([2.0, 0.0, 2.0, 0.0]), torch.tensor(2)
    assert p.sum() == pytest.approx(1)
    mean = dl.exact.next_reward(env, env.transition(state, accelerate)).item()
    assert (p * reward).sum() == pytest.approx(mean, abs=1e-3)
    exact = dl.exact.next_reward_variance(env, state, accelerate).item()
    assert variance(p, reward) == pytest.approx(exact, rel=1e-3)


@pytest.mark.parametrize("offset", [-3.5, -12.0])
def test_the_spread_is_zero_at_q_star_and_that_of_p_at_p(offset):
    p, reward = lesson.cells(0.9)
    with_shift, without = lesson.spreads(p, reward, offset, torch.tensor([0.0, 1.0, 2.0], dtype=torch.float64))
    of_p = variance(p, reward).sqrt()
    assert with_shift[0] == pytest.approx(of_p)
    assert without[0] == pytest.approx(of_p)
    assert with_shift[1] == pytest.approx(0, abs=1e-4)
    assert with_shift[2] > 0.5
    assert without[1] > 0.5


def test_the_spread_is_that_of_draws():
    p, reward = lesson.cells(0.9)
    alpha, offset = 0.5, -3.5
    q = share(p * (reward - offset) ** alpha)
    draws = torch.multinomial(q.flatten(), 100_000, replacement=True, generator=dl.seeded(0))
    weighted = (p / q * reward).flatten()[draws]
    spread = lesson.spreads(p, reward, offset, torch.tensor([alpha], dtype=torch.float64))[1].item()
    kurtosis = (((weighted - weighted.mean()) / weighted.std()) ** 4).mean().item()
    standard_error = ((kurtosis - 1) / 4 / len(draws)) ** 0.5
    assert abs(weighted.std() / spread - 1) < 5 * standard_error


def test_the_panel_shows_densities_of_its_settings():
    panel = lesson.minimum_variance()
    panel.controls["alpha"].value = 1.0
    density, curve = panel.fig.axes
    lines = {line.get_label(): line for axes in panel.fig.axes for line in axes.lines}
    assert np.allclose(lines["q"].get_ydata(), lines["q*"].get_ydata())
    for name in ("truth p", "q", "q*"):
        assert lines[name].get_ydata().sum() * lesson.CELL == pytest.approx(1)
    assert curve.get_title().startswith("one draw: ± 0.00 shifted")
    assert density.get_title().startswith("on the road: p 11%")
    panel.close_all()
