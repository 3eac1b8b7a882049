"""Lesson 01: an effective sample size must hold where exp overflows; values by a loop; a model for two roads."""

import pytest
import torch

import damlite as dl
from damlite.lessons import weigh_samples as lesson


def test_double_precision_does_not_save_a_naive_sample_size():
    def naive(log_w):
        w = log_w.double().exp()
        return w.sum() ** 2 / w.square().sum()

    assert "exp overflows" in lesson.check_sample_size(naive)


def test_the_largest_log_weight_taken_out_is_as_right_as_logsumexp():
    def shifted(log_w):
        w = (log_w - log_w.max()).exp()
        return w.sum() ** 2 / w.square().sum()

    assert "right" in lesson.check_sample_size(shifted)


def test_a_gradient_does_no_harm():
    def learned(log_p, log_q):
        return (log_p - log_q).sum(-1).exp() * torch.ones(1, requires_grad=True)

    assert "right" in lesson.check_trajectory_weight(learned)


def test_a_loop_as_in_alg_1_is_as_right_as_cumsum():
    def loop(log_w, reward, gamma):
        total, w = torch.zeros(len(reward)), torch.ones(len(reward))
        for t in range(reward.shape[1]):
            total = total + gamma**t * w * reward[:, t]
            w = w * log_w[:, t].exp()
        return total.mean()

    assert "right" in lesson.check_discounted_value(loop)


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ((0.0, 0.8), "right"),
        ([0, torch.tensor(0.8)], "right"),
        ((0.0, 1.5), "made for today"),
        ((0.0, 0.6), "made for tomorrow"),
        ((1.0, 0.8), "symmetric"),
        ((0.0, 0.2), "too narrow"),
        ((0.0, 8.0), "too broad"),
        ((..., ...), "not answered yet"),
        (None, "not answered yet"),
        ("wide", "expected two numbers"),
        ((1, 2, 3), "expected two numbers"),
        ((0.0, -1.0), "expected a mean within"),
        ((float("nan"), 0.8), "expected a mean within"),
    ],
)
def test_a_model_for_both_roads_gets_its_verdict(model, expected):
    assert expected in lesson.check_for_both(model)


def test_what_samples_are_worth_is_what_they_measure():
    env, state = dl.IcyRoad(swerve_prob=lesson.TOMORROW), torch.tensor(lesson.STATE)
    p = env.transition(state, torch.tensor(lesson.ACCELERATE))
    q = dl.mixture.Mixture(
        torch.zeros(1), torch.tensor([[3.0, 0.0]]), torch.tensor([[0.05, 0.8]]), state, env.kinematics
    )
    s2 = q.sample((200_000,), generator=dl.seeded(0))
    measured = dl.diagnostics.effective_sample_size(p.log_prob(s2) - q.log_prob(s2)) / 200
    assert measured == pytest.approx(lesson.worth_on(lesson.TOMORROW, 0.0, 0.8), rel=0.1)


def test_the_loop_has_five_boxes_and_frames_the_discriminator_alone():
    (ax,) = lesson.draw_loop().axes
    assert [box.get_linestyle() for box in ax.patches].count("--") == 1
    assert len(ax.patches) == 5 and ax.patches[2].get_linestyle() == "--"
