"""The mixture against SciPy."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.special import logsumexp

import damlite as dl
from damlite.mixture import Kinematics, Mixture, draw_noise


def random_mixture(seed, batch=(3,), components=3, size=4, kinematics=None):
    g = torch.Generator().manual_seed(seed)
    kinematics = kinematics or Kinematics.every_coordinate(size)
    f = len(kinematics.random)
    return Mixture(
        torch.randn(*batch, components, generator=g).log_softmax(-1),
        torch.randn(*batch, components, f, generator=g) * 2,
        torch.rand(*batch, components, f, generator=g) + 0.1,
        torch.randn(*batch, size, generator=g),
        kinematics,
    )


def scipy_log_prob(mixture, z):
    parts = stats.norm.logpdf(z[..., None, :], mixture.means.numpy(), mixture.stds.numpy()).sum(-1)
    return logsumexp(mixture.log_weights.numpy() + parts, axis=-1)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6), components=st.integers(1, 6), size=st.integers(1, 10))
def test_log_prob_is_scipys(seed, components, size):
    mixture = random_mixture(seed, (2, 5), components, size)
    x = torch.randn(2, 5, size, generator=torch.Generator().manual_seed(seed + 1)) * 3
    np.testing.assert_allclose(mixture.log_prob(x), scipy_log_prob(mixture, x.numpy()), rtol=2e-5, atol=2e-5)


def test_road_log_prob_is_scipys_over_the_velocities():
    road, g = dl.IcyRoad(), torch.Generator().manual_seed(0)
    state = torch.randn(500, 4, generator=g) * 2
    action = torch.randint(3, (500,), generator=g)
    p = road.transition(state, action)
    next_state = p.sample(generator=g)
    with np.errstate(divide="ignore"):
        expected = scipy_log_prob(p, next_state[:, 2:].numpy())
    np.testing.assert_allclose(p.log_prob(next_state), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("predict", ["velocity", "state"])
def test_samples_follow_every_marginal(predict):
    kinematics = dl.IcyRoad.kinematics if predict == "velocity" else None
    mixture = random_mixture(3, (), kinematics=kinematics)
    samples = mixture.sample((20000,), generator=torch.Generator().manual_seed(1))
    for i in range(4):
        marginal = mixture.marginal(i)
        assert (
            stats.kstest(samples[:, i].numpy(), lambda x, m=marginal: m.cdf(torch.as_tensor(x)).numpy()).pvalue > 1e-3
        )
        assert abs(samples[:, i].mean() - marginal.mean) < 4 * marginal.std / 20000**0.5
        assert marginal.std == pytest.approx(samples[:, i].std().item(), rel=0.05)


def test_positions_of_a_road_follow_from_its_velocities(env, generator):
    state, action = torch.tensor([2.0, 0.3, 2.0, -1.0]), torch.tensor(2)
    samples = env.transition(state, action).sample((1000,), generator=generator)
    torch.testing.assert_close(samples[:, :2], state[:2] + samples[:, 2:])
    for i in range(4):
        marginal = env.transition(state, action).marginal(i)
        assert (
            stats.kstest(samples[:, i].numpy(), lambda x, m=marginal: m.cdf(torch.as_tensor(x)).numpy()).pvalue > 1e-3
        )


def test_mean_is_that_of_the_marginals():
    mixture = random_mixture(0, kinematics=dl.IcyRoad.kinematics)
    torch.testing.assert_close(mixture.mean, torch.stack([mixture.marginal(i).mean for i in range(4)], -1))


def test_the_same_noise_gives_the_same_sample():
    mixture = random_mixture(0)
    noise = draw_noise(3, features=4, generator=torch.Generator().manual_seed(0))
    assert torch.equal(mixture.sample(noise=noise), mixture.sample(noise=noise))


def test_density_of_a_noiseless_road_is_an_error():
    road = dl.IcyRoad(noise=0)
    p = road.transition(road.initial_state(), torch.tensor(1))
    assert torch.equal(p.sample(), torch.tensor([1.0, 0.0, 1.0, 0.0]))
    with pytest.raises(ValueError, match="noise > 0"):
        p.log_prob(p.sample())


def test_bad_shapes_are_named(env):
    p = env.transition(env.initial_state(5), torch.ones(5, dtype=torch.long))
    with pytest.raises(ValueError, match=r"next_state must have shape \(..., 4\), got \(5, 3\)"):
        p.log_prob(torch.zeros(5, 3))
    with pytest.raises(ValueError, match=r"broadcast, got next_state \(7,\), mixture \(5,\)"):
        p.log_prob(torch.zeros(7, 4))
    with pytest.raises(ValueError, match="coordinate from 0 to 3, got 4"):
        p.marginal(4)
