"""Lesson 02: other right and wrong answers than the reference and the listed mistakes, and the panel's numbers."""

import numpy as np
import pytest
import torch
from torch.nn.functional import logsigmoid, softplus

import damlite as dl
from damlite import figures
from damlite.lessons import classify_real_from_imagined as lesson

LOG_4 = 1.3862944


@pytest.mark.parametrize(
    ("check", "answer", "expected"),
    [
        (lesson.check_classifier_loss, lambda r, f: -(r.sigmoid().log() + (1 - f.sigmoid()).log()).mean(), "right"),
        (lesson.check_classifier_loss, lambda r, f: -logsigmoid(r).mean(), "imagined transitions are missing"),
        (lesson.check_classifier_loss, lambda r, f: -(logsigmoid(r) + logsigmoid(f)).mean(), "in place of"),
        (lesson.check_classifier_loss, lambda r, f: (logsigmoid(r) + logsigmoid(-f)).mean(), "sign is wrong"),
        (lesson.check_classifier_loss, lambda r, f: softplus(-r) + softplus(f), "one number"),
        (lesson.check_classifier_loss, lambda r, f: 0.0, "not yet. −log σ(x)"),
        (lesson.check_classifier_loss, lambda r, f: (-r.log() - (1 - f).log()).mean(), "not yet. There are NaN"),
        (lesson.check_unequal_weight, lambda x, k: x + LOG_4, "this is log p/q"),
        (lesson.check_unequal_weight, lambda x, k: x.exp() + LOG_4, "outside the exponential"),
        (lesson.check_unequal_weight, lambda x, k: (x + LOG_4).sigmoid(), "p/(p + q)"),
        (lesson.check_unequal_weight, lambda x, k: (k * x.exp())[:1], "expected shape (9,), got shape (1,)"),
        (lesson.check_unequal_weight, lambda x, k: x**2, "not yet"),
        (lesson.check_repaired_weight, lambda x, e: ((x.exp() - e) / (1 - e)).clamp(min=0), "right"),
        (lesson.check_repaired_weight, lambda x, e: 1 + (x.exp() - 1) / (1 - e), "right"),
        (lesson.check_repaired_weight, lambda x, e: x.exp(), "keeps the weight ε"),
        (lesson.check_repaired_weight, lambda x, e: x.exp() - e, "not yet scaled up"),
        (lesson.check_repaired_weight, lambda x, e: x, "not yet"),
    ],
)
def test_an_answer_gets_its_verdict(check, answer, expected):
    assert expected in check(answer)


@pytest.fixture(scope="module")
def panel():
    made = lesson.learn_ratio()
    yield made
    made.close_all()


def lines(panel):
    return {line.get_label(): np.asarray(line.get_ydata()) for axes in panel.fig.axes for line in axes.lines}


def test_the_panel_shows_the_logit_of_its_settings_and_the_density_that_it_gives(panel):
    for name, value in {"cars": 100, "decay": 0.2, "steps": 200}.items():
        panel.controls[name].value = value
    shown, logit = lines(panel), lesson.logits(100, 0.2)[200 // lesson.EVERY]
    assert np.allclose(shown["learned logit"], logit)
    assert np.allclose(shown["model × weight"], shown["model q"] * np.exp(logit.numpy()))


def test_a_classifier_of_careless_labels_gives_the_weight_that_the_repair_takes_back():
    """Eq. 5 with (1 − ε)·p + ε·q in the place of p, from densities."""
    p, q, share = torch.tensor([0.4, 0.0, 2.0]), torch.tensor([0.2, 0.5, 0.5]), 0.25
    labelled = (1 - share) * p + share * q
    logit = (labelled / (labelled + q)).logit()
    assert torch.allclose(lesson.check_repaired_weight.right(logit, share), p / q, atol=1e-5)


def test_the_losses_have_their_least_at_the_dots():
    p = dl.IcyRoad().transition(torch.tensor([2.0, 0.0, 2.0, 0.0]), torch.tensor(2)).marginal(3)
    _, axes = figures.figure()
    lesson.draw_losses(axes[0, 0], p, torch.distributions.Normal(p.mean, p.std))
    curves, dots = axes[0, 0].lines[::2], axes[0, 0].lines[1::2]
    assert len(curves) == len(dots) == 3
    for curve, dot in zip(curves, dots, strict=True):
        share, loss = map(np.asarray, curve.get_data())
        assert share[loss.argmin()] == pytest.approx(dot.get_xdata()[0], abs=1e-3)


def test_logits_are_drawn_real_and_imagined_and_beyond_the_edge_at_it():
    _, axes = figures.figure()
    exact = torch.tensor([[1.0, 50.0], [-1.0, -50.0]])
    lesson.draw_logits(axes[0, 0], exact, exact / 2, "fast")
    real, imagined, _ = axes[0, 0].lines
    assert list(real.get_xdata()) == [1.0, 6.0] and list(imagined.get_ydata()) == [-0.5, -12.0]


def test_with_sigma_the_weighted_density_lies_below_the_model(panel):
    panel.controls["weight"].value = "σ(logit), as Alg. 1 prints it"
    shown = lines(panel)
    assert (shown["model × weight"] <= shown["model q"]).all()


def test_the_truth_in_the_panel_is_the_road(panel):
    p = dl.IcyRoad().transition(torch.tensor([2.0, 0.0, 2.0, 0.0]), torch.tensor(2)).marginal(3)
    shown = lines(panel)
    assert np.allclose(shown["truth p"], p.log_prob(lesson.GRID).exp())
    weighted = np.log(shown["model q"]) + shown["exact log p/q"]
    assert np.allclose(weighted, p.log_prob(lesson.GRID), atol=1e-3)


def test_best_and_guessing_are_the_losses_of_the_exact_ratio_and_of_zero(panel):
    p = dl.IcyRoad().transition(torch.tensor([2.0, 0.0, 2.0, 0.0]), torch.tensor(2)).marginal(3)
    q = torch.distributions.Normal(p.mean, p.std)
    best, guessing = (
        lesson.loss_on_all(x, p, q) for x in (p.log_prob(lesson.GRID) - q.log_prob(lesson.GRID), 0 * lesson.GRID)
    )
    assert guessing == pytest.approx(2 * np.log(2), abs=5e-3)  # q reaches a little beyond the grid
    assert f"best {best:.2f}, guessing {guessing:.2f}" in panel.fig.axes[1].get_title()


def test_training_lowers_the_loss_and_a_tent_is_one_at_its_knot():
    p = dl.IcyRoad().transition(torch.tensor([2.0, 0.0, 2.0, 0.0]), torch.tensor(2)).marginal(3)
    q = torch.distributions.Normal(p.mean, p.std)
    path = lesson.logits(500, 0.0)
    assert path.shape == (lesson.STEPS // lesson.EVERY + 1, len(lesson.GRID))
    assert (path[0] == 0).all()
    assert lesson.loss_on_all(path[30], p, q) < lesson.loss_on_all(path[0], p, q) - 0.3
    assert torch.allclose(lesson.tents(lesson.KNOTS), torch.eye(61), atol=1e-4)
    assert torch.allclose(lesson.tents(lesson.GRID).sum(-1), torch.ones(len(lesson.GRID)), atol=1e-4)
