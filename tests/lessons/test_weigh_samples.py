"""Lesson 01: an effective sample size must hold where exp overflows."""

import torch

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
