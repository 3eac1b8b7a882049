"""Lesson 02: other right and wrong answers than the reference and the listed mistakes, and the panel's numbers."""

import numpy as np
import pytest
import torch
from torch.nn.functional import logsigmoid, softplus

import damlite as dl
from damlite.lessons import classify_real_from_imagined as lesson

LOG_4 = 1.3862944


@pytest.mark.parametrize(
    ("check", "answer", "expected"),
    [
        (lesson.check_bayes_classifier, lambda p, q: (p / q).log().sigmoid(), "right"),
        (lesson.check_bayes_classifier, lambda p, q: (p / (p + q))[:2], "expected shape (4,), got shape (2,)"),
        (lesson.check_bayes_classifier, lambda p, q: p, "not yet"),
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
