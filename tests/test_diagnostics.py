"""Effective sample size and Pareto k against closed forms and ArviZ."""

import math

import pytest
import torch
from arviz_stats.base import array_stats

import damlite as dl
from damlite.diagnostics import calibration, effective_sample_size, pareto_k


def test_effective_sample_size_by_hand():
    log_w = torch.tensor([1.0, 2.0, 3.0]).log()
    assert effective_sample_size(log_w).item() == pytest.approx(36 / 14)
    assert effective_sample_size(log_w + 1000).item() == pytest.approx(36 / 14, rel=1e-3)
    for scale in (1e5, 1e6, 3e38, -3e38):
        assert effective_sample_size(torch.full((10,), scale)).item() == pytest.approx(10, abs=1e-4)
    assert effective_sample_size(torch.zeros(5, 7), dim=0).tolist() == pytest.approx([5.0] * 7)
    assert effective_sample_size(torch.tensor([0.0, -math.inf, -math.inf])).item() == 1


def test_effective_sample_size_falls_as_exp_of_horizon_times_shift_squared():
    """E[w]²/E[w²] of N(δ, 1) over N(0, 1) in every step, in 20 batches, within five standard errors."""
    delta, steps = 0.4, 4
    z = torch.randn(20, 10000, steps, generator=dl.seeded(0))
    share = effective_sample_size((delta * z - delta**2 / 2).sum(-1)) / 10000
    assert abs(share.mean() - math.exp(-steps * delta**2)) < 5 * share.std() / 20**0.5


SAMPLES = {
    "normal": lambda x: x,
    "heavy": lambda x: 3 * x,
    "cauchy": lambda x: torch.log1p(x**2),
    "bounded": lambda x: -(x**2),
    "far": lambda x: x - 700,
}


@pytest.mark.parametrize("name", SAMPLES)
@pytest.mark.parametrize("count", [25, 100, 225, 400, 10000])
def test_pareto_k_is_arviz(name, count):
    log_w = SAMPLES[name](torch.randn(4, count, generator=dl.seeded(count)).double())
    _, expected = array_stats.psislw(-log_w.numpy())  # it is given log-likelihoods, whose weights are 1/exp
    torch.testing.assert_close(pareto_k(log_w).double(), torch.as_tensor(expected), rtol=1e-5, atol=1e-5)


def near(k, exact, bias):
    """Whether the mean of several k̂ is the exact k, but for a bias and five standard errors."""
    return abs(k.mean().item() - exact) < bias + 5 * k.std().item() / len(k) ** 0.5


@pytest.mark.parametrize("sigma", [0.6, 0.8, 0.9])
def test_pareto_k_is_one_minus_sigma_squared(sigma):
    """q = N(0, σ²) for p = N(0, 1): the weights' tail has shape 1 − σ², reached slowly."""
    x = sigma * torch.randn(20, 100000, generator=dl.seeded(0))
    assert near(pareto_k(-(x**2) / 2 + x**2 / (2 * sigma**2)), 1 - sigma**2, bias=0.03)


@pytest.mark.parametrize("k", [0.2, 0.5, 0.9, 1.5])
def test_pareto_k_of_pareto_weights(k):
    """Weights U^(−k); k̂ is drawn towards 1/2 by a prior worth ten of its 671 tail weights."""
    u = torch.rand(20, 50000, generator=dl.seeded(0)).double()
    assert near(pareto_k(-k * u.log()), k, bias=abs(k - 0.5) * 10 / 681 + 0.005)


def test_pareto_k_ignores_scale_and_takes_any_axis():
    log_w = torch.randn(500, 3, generator=dl.seeded(0)).double()
    k = pareto_k(log_w, dim=0)
    assert k.shape == (3,)
    torch.testing.assert_close(pareto_k(log_w + 700, dim=0), k)
    torch.testing.assert_close(pareto_k(log_w.T.contiguous()), k)


def test_pareto_k_of_no_tail():
    assert pareto_k(torch.zeros(100)).item() == -math.inf
    log_w = torch.arange(20.0)
    assert pareto_k(log_w).item() == math.inf  # a tail of 4
    assert math.isfinite(pareto_k(torch.cat([log_w, log_w[:1]])).item())


@pytest.mark.parametrize("above", [1, 3])
def test_a_tail_of_which_some_are_equal_is_a_tail(above):
    """Of 20 tail weights only so many are larger than the cut-off."""
    log_w = torch.cat([torch.zeros(100 - above), torch.arange(1.0, above + 1)])
    assert pareto_k(log_w).item() > -math.inf
    assert pareto_k(torch.stack([log_w, torch.zeros(100)])).isneginf().tolist() == [False, True]


def test_the_tail_is_what_is_above_the_cut_off():
    """30 of 95 tail weights are: the fit is to their excesses alone, and of shape k."""
    k, excess = 0.4, torch.linspace(0.02, 0.98, 30).double()
    excess = ((1 - excess) ** -k - 1) / k
    fitted = pareto_k(torch.cat([torch.zeros(970).double(), torch.log1p(excess)]))
    alone = pareto_k(torch.cat([torch.full((119,), -50.0).double(), excess.log()]))
    torch.testing.assert_close(fitted, alone, atol=1e-6, rtol=0)
    assert abs(fitted - k) < 0.2
    few = torch.linspace(0.1, 1, 30)
    both = torch.stack([torch.cat([torch.zeros(970), few]), torch.randn(1000, generator=dl.seeded(0))])
    torch.testing.assert_close(pareto_k(both), torch.stack([pareto_k(both[0]), pareto_k(both[1])]), atol=0, rtol=0)
    assert pareto_k(both[0]) < 0.7


def test_calibration_by_hand():
    logit = torch.tensor([0.8, 0.8, 0.8, 0.8]).logit()
    right = calibration(logit, torch.cat([logit[:1], torch.tensor([0.1] * 3).logit()]))
    assert right.observed[8].item() == pytest.approx(0.8)
    assert right.count[8].item() == 5
    assert right.error == pytest.approx(3 / 8 * 0.1, abs=1e-6)


def test_calibration_in_two_bins_by_hand():
    """Predictions 0.3, 0.1, 0.3 of which one is real; and 0.9, 0.6, 0.5, 1, 0.6, 0.9 of which four are."""
    real, fake = torch.tensor([[0.9, 0.6], [0.3, 0.5]]), torch.tensor([0.1, 0.3, 0.6, 0.9])
    result = calibration(
        torch.cat([real.logit().flatten(), torch.tensor([100.0])]), torch.cat([fake, fake[:1]]).logit(), 2
    )
    assert result.count.tolist() == [4, 6]
    assert result.predicted.tolist() == pytest.approx([0.8 / 4, 4.5 / 6])
    assert result.observed.tolist() == pytest.approx([1 / 4, 4 / 6])
    assert result.error == pytest.approx((4 * (1 / 4 - 0.8 / 4) + 6 * (4.5 / 6 - 4 / 6)) / 10)


def test_calibration_has_ten_bins_and_nothing_in_an_empty_one():
    result = calibration(torch.tensor([0.0]), torch.tensor([[-9.0]]))
    assert result.count.tolist() == [1, 0, 0, 0, 0, 1, 0, 0, 0, 0]
    assert result.predicted.isnan().tolist() == result.observed.isnan().tolist() == (result.count == 0).tolist()
    assert result.error == pytest.approx(0.25, abs=1e-4)  # (0 + 1/2)/2


@pytest.mark.parametrize("log_w", [torch.tensor([]), torch.tensor(1.0), torch.tensor([0.0, float("nan")])])
def test_bad_weights_are_named(log_w):
    for diagnostic in (effective_sample_size, pareto_k):
        with pytest.raises(ValueError, match="log_w must"):
            diagnostic(log_w)


def test_bad_weights_are_counted():
    with pytest.raises(ValueError, match=r"log_w must hold at least one weight along dim 1, got shape \(3, 0\)"):
        effective_sample_size(torch.zeros(3, 0), dim=1)
    with pytest.raises(ValueError, match="log_w must be numbers, got 2 NaN"):
        pareto_k(torch.tensor([0.0, math.nan, math.nan]))


def test_whole_log_weights_are_numbers_too_and_doubles_stay_doubles():
    assert effective_sample_size([0, 0, 0]).item() == pytest.approx(3)
    assert effective_sample_size(torch.zeros(3).double()).dtype == torch.float64


def test_unequal_logits_are_named():
    with pytest.raises(ValueError, match="equally many logits, at least one, got 3 and 2"):
        calibration(torch.zeros(3), torch.zeros(2))
