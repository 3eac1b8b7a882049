"""Effective sample size and Pareto k against closed forms."""

import math

import pytest
import torch

from damlite.diagnostics import calibration, effective_sample_size, pareto_k


def test_effective_sample_size_by_hand():
    log_w = torch.tensor([1.0, 2.0, 3.0]).log()
    assert effective_sample_size(log_w).item() == pytest.approx(36 / 14)
    assert effective_sample_size(log_w + 1000).item() == pytest.approx(36 / 14, rel=1e-3)
    assert effective_sample_size(torch.zeros(5, 7), dim=0).tolist() == pytest.approx([5.0] * 7)
    assert effective_sample_size(torch.tensor([0.0, -math.inf, -math.inf])).item() == 1


def test_effective_sample_size_falls_as_exp_of_horizon_times_shift_squared():
    delta, steps = 0.4, 4
    z = torch.randn(200000, steps, generator=torch.Generator().manual_seed(0))
    log_w = (delta * z - delta**2 / 2).sum(-1)  # N(δ, 1) over N(0, 1), a step
    share = effective_sample_size(log_w).item() / 200000
    assert share == pytest.approx(math.exp(-steps * delta**2), rel=0.03)


@pytest.mark.parametrize("sigma", [0.6, 0.8, 0.9])
def test_pareto_k_is_one_minus_sigma_squared(sigma):
    """q = N(0, σ²) for p = N(0, 1): the weights' tail has shape 1 − σ², reached slowly."""
    x = sigma * torch.randn(40, 100000, generator=torch.Generator().manual_seed(0))
    log_w = -(x**2) / 2 + x**2 / (2 * sigma**2)
    assert pareto_k(log_w).mean().item() == pytest.approx(1 - sigma**2, abs=0.07)


@pytest.mark.parametrize("k", [0.2, 0.5, 0.9, 1.5])
def test_pareto_k_of_pareto_weights(k):
    u = torch.rand(20, 50000, generator=torch.Generator().manual_seed(0)).double()
    assert pareto_k(-k * u.log()).mean().item() == pytest.approx(k, abs=0.05)


def test_pareto_k_ignores_scale_and_takes_any_axis():
    log_w = torch.randn(500, 3, generator=torch.Generator().manual_seed(0)).double()
    k = pareto_k(log_w, dim=0)
    assert k.shape == (3,)
    torch.testing.assert_close(pareto_k(log_w + 700, dim=0), k)
    torch.testing.assert_close(pareto_k(log_w.T.contiguous()), k)


def test_pareto_k_of_no_tail():
    assert pareto_k(torch.zeros(100)).item() == -math.inf
    assert pareto_k(torch.zeros(20)).item() == math.inf


def test_calibration_by_hand():
    logit = torch.tensor([0.8, 0.8, 0.8, 0.8]).logit()
    right = calibration(logit, torch.cat([logit[:1], torch.tensor([0.1] * 3).logit()]))
    assert right.observed[8].item() == pytest.approx(0.8)
    assert right.count[8].item() == 5
    assert right.error == pytest.approx(3 / 8 * 0.1, abs=1e-6)


@pytest.mark.parametrize("log_w", [torch.tensor([]), torch.tensor(1.0), torch.tensor([0.0, float("nan")])])
def test_bad_weights_are_named(log_w):
    for diagnostic in (effective_sample_size, pareto_k):
        with pytest.raises(ValueError, match="log_w must"):
            diagnostic(log_w)


def test_unequal_logits_are_named():
    with pytest.raises(ValueError, match="equally many logits, at least one, got 3 and 2"):
        calibration(torch.zeros(3), torch.zeros(2))
