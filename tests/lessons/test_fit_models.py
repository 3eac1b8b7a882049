"""Lesson 03: other ways to write an answer, and the two models that a loss puts in the wrong order."""

import math

import pytest
import torch

import damlite as dl
from damlite.lessons import fit_models as lesson


def by_largest_term(v, scores, means, log_stds):
    terms = scores.log_softmax(-1) + torch.distributions.Normal(means, log_stds.exp()).log_prob(v[:, None])
    largest = terms.amax(-1, keepdim=True)
    return largest[:, 0] + (terms - largest).exp().sum(-1).log()


def by_torch(v, scores, means, log_stds):
    weights = torch.distributions.Categorical(logits=scores)
    return torch.distributions.MixtureSameFamily(weights, torch.distributions.Normal(means, log_stds.exp())).log_prob(v)


@pytest.mark.parametrize("answer", [by_largest_term, by_torch])
def test_a_mixture_by_another_road(answer):
    assert "right" in lesson.check_mixture_log_prob(answer)


def test_a_weighted_fit_as_one_tensor_and_by_gradient_descent():
    v, w = lesson.check_weighted_fit.inputs

    def loss(free):
        return -(w * torch.distributions.Normal(free[0], free[1].exp()).log_prob(v)).sum()

    free = torch.zeros(2, requires_grad=True)
    newton = torch.optim.LBFGS([free], max_iter=100, tolerance_grad=1e-7, line_search_fn="strong_wolfe")

    def closure():
        newton.zero_grad()
        value = loss(free)
        value.backward()
        return value

    newton.step(closure)
    found = torch.stack([free[0], free[1].exp()]).detach()
    assert torch.allclose(found, torch.stack(lesson.weighted_gaussian(v, w)), atol=1e-3)
    assert "right" in lesson.check_weighted_fit(lambda v, w: torch.stack(lesson.weighted_gaussian(v, w)))


def test_the_truth_has_no_divergence_from_itself():
    kl, promise = lesson.measure(0.1, 0.05)
    env = dl.IcyRoad()
    truth = dl.exact.next_reward(env, env.transition(torch.tensor(lesson.STATE), torch.tensor(lesson.ACCELERATE)))
    assert abs(kl) < 1e-5
    assert promise == pytest.approx(float(truth), abs=1e-5)


def test_a_measured_divergence_is_that_of_samples():
    """A binary choice and a speed: 0.1 log(0.1/0.3) + 0.9 log(0.9/0.7), less what overlaps, plus the speed's."""
    stay = 0.1 * math.log(0.1 / 0.3) + 0.9 * math.log(0.9 / 0.7)
    speed = math.log(2) + 1 / 8 - 1 / 2
    assert lesson.measure(0.3, 0.1)[0] == pytest.approx(stay + speed, abs=1e-3)


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ((0.3, 0.05), (0.1, 0.2), "right"),
        ((0.2, 0.05), (0.12, 0.02), "right"),
        ((0.1, 0.05), (0.1, 0.2), "not closer by 1"),
        ((0.1, 0.2), (0.3, 0.05), "not smaller by 0.3"),
        ((0.3, 0.05), (0.1, 0.05), "not smaller by 0.3"),
        ((0.3, 0.05), (0.1, 0.0), "speed_std must be a finite number"),
        ((0.3, 0.05), (1.1, 0.2), "stay must be a finite number"),
        ((0.3, 0.05), 0.1, "two numbers"),
        ((0.3, 0.05), (0.1, math.nan), "must be a finite number"),
        ((0.3, 0.05), "ab", "two numbers"),
        ((0.3, 0.05), (0.1,), "two numbers"),
        ((..., ...), (..., ...), "not answered yet"),
        (..., (0.1, 0.2), "not answered yet"),
        (None, None, "not answered yet"),
    ],
)
def test_misled(first, second, expected):
    assert expected in lesson.check_misled(first, second)
