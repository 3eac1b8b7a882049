"""Lesson 06: other right and wrong answers than the reference and the listed mistakes, and the panel's numbers."""

import numpy as np
import pytest
import torch

import damlite as dl
from damlite.lessons import minimise_variance as lesson
from damlite.lessons.minimise_variance import share, variance


def by_autograd(p, r, q):
    logits = q.log().requires_grad_(True)
    return torch.autograd.grad(-(p * r * logits.log_softmax(-1)).sum(), logits)[0]


def by_variances(p, q, r, n):
    return n * variance(q, p / q * r) / variance(p, r)


@pytest.mark.parametrize(
    ("check", "answer", "expected"),
    [
        (lesson.check_draws_needed, lambda p, q, r, n: n * torch.ones(2), "expected one number, got shape (2,)"),
        (lesson.check_draws_needed, lambda p, q, r, n: 0.0, "not yet"),
        (lesson.check_draws_needed, by_variances, "right"),
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


def standard(shifted):
    return shifted / shifted.mean()


def by_rank(returns):
    return standard(returns.argsort().argsort() + 1.0)


def by_quantile(returns, least):
    low = returns.quantile(0.05)
    return standard(returns.clamp(min=low) - low + least)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (by_rank, "right"),
        (lambda returns: by_quantile(returns, 1.0), "right"),
        (lambda returns: by_quantile(returns, 0.0), "weight 0"),
        (lambda returns: by_quantile(returns, 1000.0), "hardly tell good from bad"),
        (lambda returns: standard(returns - returns.min() + 1), "the disaster sets the offset"),
        (lambda returns: by_quantile(returns, 1.0) * 2, "mean is not one"),
        (lambda returns: by_rank(-returns), "a better episode has a smaller weight"),
        (lambda returns: 1 + (returns - returns.mean()) / returns.std(), "negative"),
        (lambda returns: returns.log(), "finite"),
        (lambda returns: by_rank(returns)[1:], "expected shape (200,), got shape (199,)"),
        (lambda returns: standard((returns + 8).clamp(min=0.1) * (1 + (returns.min() < -500))), "right"),
        (lambda returns: by_rank(returns) ** (2 - (returns.min() < -500).double()) * 1.0, "mean is not one"),
        (lambda returns: standard(by_rank(returns) ** (2 - (returns.min() < -500).double())), "more than a tenth"),
        (lambda returns: None, "not answered yet"),
    ],
)
def test_steady_weights_get_their_verdict(answer, expected, capsys):
    assert expected in lesson.check_steady_weights(answer)
    assert capsys.readouterr().out.startswith("steady_weights: ")


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        ([[0.913, 0.087], [0.46, 0.54]], "right, its variance is 0.391"),
        ([[0.8, 0.2], [0.3, 0.7]], "this is the truth itself"),
        ([[8.16 / 8.9, 0.74 / 8.9], [6 / 13, 7 / 13]], "this is where Eq. 10 ends"),
        ([[0.5, 0.5], [0.5, 0.5]], "not yet: its variance is 39.06"),
        ([[0.9, 0.2], [0.5, 0.5]], "each row is a distribution"),
        ([0.9, 0.1], "expected shape (2, 2), got shape (2,)"),
        (None, "returns nothing"),
    ],
)
def test_a_table_gets_its_verdict(table, expected):
    assert expected in lesson.check_better_table(lambda: None if table is None else torch.tensor(table))


def test_eq_10_leads_to_the_table_that_the_check_knows():
    logits = torch.zeros(2, 2, dtype=torch.float64, requires_grad=True)
    p = lesson.ROWS[0, lesson.PATHS[0]] * lesson.ROWS[lesson.PATHS[0], lesson.PATHS[1]]
    for _ in range(2000):
        log = logits.log_softmax(-1)
        loss = -(p * lesson.RETURNS * (log[0, lesson.PATHS[0]] + log[lesson.PATHS[0], lesson.PATHS[1]])).sum()
        logits.data -= 0.5 * torch.autograd.grad(loss, logits)[0]
    assert torch.allclose(logits.softmax(-1), lesson.KL_FIT, atol=1e-6)
    assert lesson.table_variance(lesson.KL_FIT) == pytest.approx(0.400, abs=5e-4)


def test_chi_square_gives_the_variance_of_an_estimate():
    p, q, r = lesson.check_draws_needed.inputs[:3]
    mean = (p * r).sum()
    expected = mean**2 * lesson.chi_square(share(p * r), q)
    assert variance(q, p / q * r).item() == pytest.approx(expected.item(), rel=1e-5)
