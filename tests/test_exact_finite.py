"""Var[Ĵ] = J²·χ²(q*‖q)/P, and what is left of it for returns of both signs: by hand and by sampling."""

import math

import pytest
import torch

import damlite as dl
from damlite.exact import chi_square, estimate_variance, least_variance_proposal

P = torch.tensor([0.5, 0.2, 0.2, 0.1], dtype=torch.float64)
Q = torch.tensor([0.1, 0.3, 0.4, 0.2], dtype=torch.float64)
POSITIVE = torch.tensor([1.0, 4.0, 0.0, 9.0], dtype=torch.float64)
SIGNED = torch.tensor([1.0, -4.0, 0.0, 9.0], dtype=torch.float64)


def some_proposals(count=200):
    return torch.rand(count, 4, generator=dl.seeded(0)).double().softmax(-1)


def test_chi_square_by_hand():
    assert chi_square(P, Q).item() == pytest.approx(0.25 / 0.1 + 0.04 / 0.3 + 0.04 / 0.4 + 0.01 / 0.2 - 1)
    assert chi_square(P, P).item() == pytest.approx(0, abs=1e-12)
    assert chi_square(torch.tensor([0.5, 0.5]), torch.tensor([1.0, 0.0])).item() == math.inf
    assert chi_square(torch.tensor([1.0, 0.0]), torch.tensor([0.5, 0.5])).item() == pytest.approx(1)
    assert chi_square(torch.tensor([1.0, 0.0]), torch.tensor([1.0, 0.0])).item() == 0


@pytest.mark.parametrize("particles", [1, 10])
@pytest.mark.parametrize("returns", [POSITIVE, SIGNED], ids=["positive", "signed"])
def test_variance_is_that_of_sampled_estimates(returns, particles):
    """20,000 estimates, whose squared distances to the mean have a mean within five of its standard errors."""
    drawn = torch.multinomial(Q, 20_000 * particles, replacement=True, generator=dl.seeded(0)).reshape(-1, particles)
    estimates = (P / Q * returns)[drawn].mean(-1)
    square = (estimates - (P * returns).sum()).square()
    exact = estimate_variance(P, Q, returns, particles)
    assert abs(square.mean() - exact) < 5 * square.std() / 20_000**0.5


def test_variance_is_the_return_squared_times_chi_square():
    q = some_proposals()
    expected = (P * POSITIVE).sum() ** 2 * chi_square(least_variance_proposal(P, POSITIVE), q) / 7
    torch.testing.assert_close(estimate_variance(P, q, POSITIVE, 7), expected)


def test_variance_for_returns_of_both_signs():
    q, size = some_proposals(), (P * SIGNED.abs()).sum()
    expected = size**2 * (1 + chi_square(least_variance_proposal(P, SIGNED), q)) - (P * SIGNED).sum() ** 2
    torch.testing.assert_close(estimate_variance(P, q, SIGNED), expected)


def test_no_proposal_has_less_variance():
    for returns, least in ((POSITIVE, 0.0), (SIGNED, 2.2**2 - 0.6**2)):
        best = least_variance_proposal(P, returns)
        assert best.tolist() == pytest.approx([0.5 / 2.2, 0.8 / 2.2, 0.0, 0.9 / 2.2])
        assert estimate_variance(P, best, returns).item() == pytest.approx(least, abs=1e-12)
        assert (estimate_variance(P, some_proposals(), returns) > least).all()
        torch.testing.assert_close(least_variance_proposal(P, returns / 1000), best)


def test_bad_distributions_are_named():
    for bad in (torch.tensor([0.5, 0.4]), torch.tensor([1.5, -0.5]), torch.tensor(1.0)):
        with pytest.raises(ValueError, match="q must be probabilities that sum to one"):
            chi_square(P[:1] / P[:1], bad)
    with pytest.raises(ValueError, match="returns must not all be 0"):
        least_variance_proposal(P, torch.zeros(4))
    with pytest.raises(ValueError, match="particles must be a positive integer, got 0"):
        estimate_variance(P, Q, POSITIVE, 0)
