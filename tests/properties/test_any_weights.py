"""What holds of the diagnostics of all weights."""

import torch
from drawn import BATCHES, DTYPES, SEEDS, close
from hypothesis import given
from hypothesis import strategies as st

import damlite as dl
from damlite.diagnostics import calibration, effective_sample_size, pareto_k

SPREADS = st.sampled_from([1e-3, 1.0, 50.0, 1e4])


def drawn(batch, count, spread, seed, dtype=torch.float64):
    """Log-weights (*batch, count) with about so great a spread."""
    return spread * torch.randn(*batch, count, generator=dl.seeded(seed), dtype=dtype)


@given(batch=BATCHES, count=st.integers(1, 60), spread=SPREADS, seed=SEEDS, dtype=DTYPES)
def test_effective_samples_are_at_least_one_and_at_most_all(batch, count, spread, seed, dtype):
    found = effective_sample_size(drawn(batch, count, spread, seed, dtype))
    assert found.shape == batch
    assert ((found >= 1 - 2e-3) & (found <= count * (1 + 2e-3))).all()


@given(count=st.integers(1, 60), spread=SPREADS, seed=SEEDS, shift=st.floats(-1e4, 1e4), times=st.integers(1, 4))
def test_effective_samples_know_nothing_of_scale_and_order_and_count_copies(count, spread, seed, shift, times):
    log_w = drawn((3,), count, spread, seed)
    found, order = effective_sample_size(log_w), torch.randperm(count, generator=dl.seeded(seed))
    close(effective_sample_size(log_w + shift), found, torch.float64, rounding=100)
    close(effective_sample_size(log_w[:, order]), found, torch.float64, rounding=100)
    close(effective_sample_size(log_w.T, dim=0), found, torch.float64, rounding=100)
    close(effective_sample_size(log_w[1]), found[1], torch.float64, rounding=100)
    close(effective_sample_size(log_w.repeat(1, times)), times * found, torch.float64, rounding=100)


@given(count=st.integers(1, 300), spread=SPREADS, seed=SEEDS, shift=st.floats(-1e4, 1e4))
def test_pareto_k_knows_nothing_of_scale_and_order(count, spread, seed, shift):
    log_w = drawn((3,), count, spread, seed)
    found, order = pareto_k(log_w), torch.randperm(count, generator=dl.seeded(seed))
    assert not found.isnan().any()
    assert (found.isinf() & (found > 0)).all() == (count < 21)  # a tail of five needs as many
    close(pareto_k(log_w[:, order]), found)
    close(pareto_k(log_w.T, dim=0), found)
    close(pareto_k(log_w[1]), found[1])
    if spread < 1e4:  # a shift rounds what is left of weights that differ by nothing
        close(pareto_k(log_w + shift), found, rounding=1000)


@given(count=st.integers(1, 100), bins=st.integers(1, 20), spread=SPREADS, seed=SEEDS, dtype=DTYPES)
def test_calibration_counts_everything_once_in_any_order(count, bins, spread, seed, dtype):
    real, fake = drawn((2,), count, spread, seed, dtype) + torch.tensor([[0.3], [-0.3]], dtype=dtype)
    found = calibration(real, fake, bins)
    assert int(found.count.sum()) == 2 * count
    assert 0 <= found.error <= 1
    filled = found.count > 0
    assert torch.equal(found.predicted.isnan(), ~filled)
    for share in (found.predicted, found.observed):
        assert ((share[filled] >= 0) & (share[filled] <= 1)).all()
    assert abs((found.observed[filled] * found.count[filled]).sum() - count) < 1e-6
    order = torch.randperm(count, generator=dl.seeded(seed))
    close(calibration(real[order], fake, bins).predicted[filled], found.predicted[filled])
    assert abs(calibration(real[order], fake, bins).error - found.error) < 1e-9


@given(batch=BATCHES, count=st.integers(1, 30), seed=SEEDS, dtype=DTYPES, scale=st.floats(0.01, 100))
def test_return_weights_have_a_mean_of_one_whatever_the_unit(batch, count, seed, dtype, scale):
    returns = drawn(batch, count, 3.0, seed, dtype)
    weight, offset = dl.return_weights(returns)
    assert (weight >= 0).all()
    close(weight.mean(-1), torch.ones(batch, dtype=dtype), dtype)
    close(dl.return_weights(scale * returns + 7)[0], weight, dtype, rounding=1000)
    assert torch.equal(offset[..., 0], returns.min(-1).values)
