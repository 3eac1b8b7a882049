"""The mixture against SciPy and torch.distributions, and the strata of its random numbers."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.special import logsumexp
from torch import distributions

import damlite as dl
from damlite.mixture import (
    Kinematics,
    Marginal,
    Mixture,
    choose,
    draw_noise,
    draw_stratified_noise,
    log_density,
    offshoot,
)

TWO = Kinematics.every_coordinate(2)


def random_mixture(seed, batch=(3,), components=3, size=4, kinematics=None):
    g = dl.seeded(seed)
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
    x = torch.randn(2, 5, size, generator=dl.seeded(seed + 1)) * 3
    np.testing.assert_allclose(mixture.log_prob(x), scipy_log_prob(mixture, x.numpy()), rtol=2e-5, atol=2e-5)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6), components=st.integers(1, 6))
@pytest.mark.parametrize("kinematics", [Kinematics.every_coordinate(10), dl.Intersection.kinematics])
def test_log_prob_is_that_of_torchs_own_mixture(kinematics, seed, components):
    mixture = random_mixture(seed, (2, 5), components, 10, kinematics)
    x = torch.randn(2, 5, 10, generator=dl.seeded(seed + 1)) * 3
    parts = distributions.Independent(distributions.Normal(mixture.means, mixture.stds), 1)
    same = distributions.MixtureSameFamily(distributions.Categorical(logits=mixture.log_weights), parts)
    torch.testing.assert_close(mixture.log_prob(x), same.log_prob(x[..., kinematics.random]), rtol=2e-5, atol=2e-5)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6), components=st.integers(1, 6))
def test_a_marginal_is_torchs_own_mixture(seed, components):
    mixture = random_mixture(seed, (2, 5), components, kinematics=dl.IcyRoad.kinematics)
    x = torch.randn(2, 5, generator=dl.seeded(seed + 1)) * 3
    for i in range(4):
        marginal = mixture.marginal(i)
        parts = distributions.Normal(marginal.means, marginal.stds)
        same = distributions.MixtureSameFamily(distributions.Categorical(logits=marginal.log_weights), parts)
        torch.testing.assert_close(marginal.log_prob(x), same.log_prob(x), rtol=2e-5, atol=2e-5)
        torch.testing.assert_close(marginal.cdf(x), same.cdf(x), rtol=2e-5, atol=2e-5)
        torch.testing.assert_close(marginal.mean, same.mean, rtol=1e-4, atol=1e-4)
        torch.testing.assert_close(marginal.std, same.stddev, rtol=1e-4, atol=1e-4)


def test_a_marginal_by_hand():
    """A quarter of N(0, 1) and three of N(4, 2²): the mean is 3, and the variance (1 + 3·(4² + 2²))/4 − 3²."""
    marginal = Marginal(torch.tensor([0.25, 0.75]).log(), torch.tensor([0.0, 4.0]), torch.tensor([1.0, 2.0]))
    assert marginal.mean.item() == pytest.approx(3)
    assert marginal.std.item() == pytest.approx(6.25**0.5)
    assert marginal.cdf(2.0).item() == pytest.approx(0.25 * stats.norm.cdf(2) + 0.75 * stats.norm.cdf(-1))
    density = 0.25 * stats.norm.pdf(2) + 0.75 * stats.norm.pdf(-1) / 2
    assert marginal.log_prob(torch.tensor(2.0)).item() == pytest.approx(np.log(density))


def test_road_log_prob_is_scipys_over_the_velocities():
    road, g = dl.IcyRoad(), dl.seeded(0)
    state = torch.randn(500, 4, generator=g) * 2
    action = torch.randint(3, (500,), generator=g)
    p = road.transition(state, action)
    next_state = p.sample(generator=g)
    with np.errstate(divide="ignore"):
        expected = scipy_log_prob(p, next_state[:, 2:].numpy())
    np.testing.assert_allclose(p.log_prob(next_state), expected, rtol=1e-4, atol=1e-4)


def follows(samples, marginal):
    """Whether a Kolmogorov-Smirnov test lets samples be the marginal's, at five standard errors."""
    return stats.kstest(samples.numpy(), lambda x: marginal.cdf(torch.as_tensor(x)).numpy()).pvalue > 6e-7


@pytest.mark.parametrize("predict", ["velocity", "state"])
def test_samples_follow_every_marginal(predict):
    kinematics = dl.IcyRoad.kinematics if predict == "velocity" else None
    mixture = random_mixture(3, (), kinematics=kinematics)
    samples = mixture.sample((20000,), generator=dl.seeded(1))
    for i in range(4):
        marginal = mixture.marginal(i)
        assert follows(samples[:, i], marginal)
        assert abs(samples[:, i].mean() - marginal.mean) < 5 * marginal.std / 20000**0.5


def test_positions_of_a_road_follow_from_its_velocities(env, generator):
    state, action = torch.tensor([2.0, 0.3, 2.0, -1.0]), torch.tensor(2)
    samples = env.transition(state, action).sample((1000,), generator=generator)
    torch.testing.assert_close(samples[:, :2], state[:2] + samples[:, 2:])
    for i in range(4):
        assert follows(samples[:, i], env.transition(state, action).marginal(i))


def test_mean_is_that_of_the_marginals():
    mixture = random_mixture(0, kinematics=dl.IcyRoad.kinematics)
    torch.testing.assert_close(mixture.mean, torch.stack([mixture.marginal(i).mean for i in range(4)], -1))


def test_the_same_noise_gives_the_same_sample():
    mixture = random_mixture(0)
    noise = draw_noise(3, features=4, generator=dl.seeded(0))
    assert torch.equal(mixture.sample(noise=noise), mixture.sample(noise=noise))


def test_given_noise_has_the_shape_that_is_asked_for(env):
    p = env.transition(env.initial_state(3), torch.ones(3, dtype=torch.long))
    noise = draw_noise(5, 3, features=2, generator=dl.seeded(0))
    assert torch.equal(p.sample((5,), noise=noise), p.sample((5,), generator=dl.seeded(0)))
    same = p.sample((5,), noise=noise[0])
    assert torch.equal(same, p.sample(noise=noise[0]).expand(5, 3, 4))
    with pytest.raises(ValueError, match=r"noise must have shape \(2, 3, 3\), or broadcast to it, got \(5, 3, 3\)"):
        p.sample((2,), noise=noise)


def strata(noise):
    """Which P-th of its distribution each number lies in, of noise (..., P, 1 + F) from `draw_noise` and its like."""
    uniform = torch.cat([noise[..., :1], torch.special.ndtr(noise[..., 1:])], -1)
    return (uniform * noise.shape[-2]).long()


def test_stratified_noise_has_one_number_in_each_stratum_of_each_feature():
    noise = draw_stratified_noise(50, 8, features=3, generator=dl.seeded(0))
    assert noise.shape == (50, 8, 4)
    assert torch.equal(strata(noise).sort(-2).values, torch.arange(8)[:, None].expand(50, 8, 4))
    plain = strata(draw_noise(50, 8, features=3, generator=dl.seeded(0)))
    assert (plain.sort(-2).values != torch.arange(8)[:, None]).any()


def test_the_strata_of_each_feature_come_in_an_order_of_their_own():
    order = strata(draw_stratified_noise(50, 8, features=3, generator=dl.seeded(0)))
    for i in range(4):
        assert len(order[..., i].unique(dim=0)) == 50  # and of each batch entry
        for j in range(i):
            assert (order[..., i] != order[..., j]).any(-1).all()


def test_each_stratified_number_is_distributed_as_a_plain_one():
    """The numbers of one particle, over many draws: uniform, then standard normal, and none with another's help."""
    noise = draw_stratified_noise(20000, 3, features=2, generator=dl.seeded(0))[:, 1]
    assert stats.kstest(noise[:, 0].numpy(), "uniform").pvalue > 6e-7
    for i in (1, 2):
        assert stats.kstest(noise[:, i].numpy(), "norm").pvalue > 6e-7
    off_diagonal = torch.corrcoef(noise.T)[torch.triu_indices(3, 3, 1).unbind()]
    assert (off_diagonal.abs() < 5 / 20000**0.5).all()


def test_strata_meet_probabilities_almost_exactly():
    """Of 20 particles 3 or 4 fall into a component of weight 0.18, every time."""
    mixture = Mixture(
        torch.tensor([0.18, 0.82]).log(),
        torch.tensor([[-9.0], [9.0]]),
        torch.ones(2, 1),
        torch.zeros(1),
        Kinematics.every_coordinate(1),
    )
    noise = draw_stratified_noise(200, 20, features=1, generator=dl.seeded(0))
    assert set((mixture.sample(noise=noise) < 0).sum(1).flatten().tolist()) == {3, 4}


FIRST_TWO = Kinematics((0, 1), source=(0, 1, 1), scale=(1.0, 1.0, 0.5), keep=(0.0, 0.0, 1.0))
FIRST_AND_LAST = Kinematics((0, 2), source=(0, 0, 1), scale=(1.0, 0.3, 1.0), keep=(0.0, 1.0, 0.0))


@pytest.mark.parametrize("kinematics", [dl.IcyRoad.kinematics, dl.Intersection.kinematics, FIRST_TWO, FIRST_AND_LAST])
def test_random_coordinates_come_back_from_a_completed_state(kinematics):
    g = dl.seeded(0)
    state, z = torch.randn(7, len(kinematics.source), generator=g), torch.randn(7, len(kinematics.random), generator=g)
    assert torch.equal(kinematics.random_part(kinematics.complete(state, z)), z)


def test_density_of_a_noiseless_road_is_an_error():
    road = dl.IcyRoad(noise=0)
    p = road.transition(road.initial_state(), torch.tensor(1))
    assert torch.equal(p.sample(), torch.tensor([1.0, 0.0, 1.0, 0.0]))
    with pytest.raises(ValueError, match="noise > 0"):
        p.log_prob(p.sample())
    with pytest.raises(ValueError, match="noise > 0"):
        Marginal(torch.zeros(1), torch.zeros(1), torch.zeros(1)).cdf(0.0)


def test_bad_shapes_are_named(env):
    p = env.transition(env.initial_state(5), torch.ones(5, dtype=torch.long))
    with pytest.raises(ValueError, match=r"next_state must have shape \(..., 4\), got \(5, 3\)"):
        p.log_prob(torch.zeros(5, 3))
    with pytest.raises(ValueError, match=r"broadcast, got next_state \(7,\), mixture \(5,\)"):
        p.log_prob(torch.zeros(7, 4))
    for outside in (4, -5):
        with pytest.raises(ValueError, match=f"i must be a state coordinate from 0 to 3, got {outside}"):
            p.marginal(outside)


@pytest.mark.parametrize("k", [1, 3])
def test_the_gradient_of_a_log_density(k):
    """The gradient by hand is that of finite differences; with one component the weight is one."""
    g = dl.seeded(0)
    chances, means, stds, z = (
        torch.randn(4, *shape, generator=g, dtype=torch.double) for shape in ((k,), (k, 2), (k, 2), (2,))
    )
    given = [t.requires_grad_() for t in (chances.log_softmax(-1), means, stds.exp(), z)]
    assert torch.autograd.gradcheck(log_density, given)
    plain = torch.distributions.Normal(given[1], given[2]).log_prob(z.unsqueeze(-2)).sum(-1) + given[0]
    torch.testing.assert_close(log_density(*given), plain.logsumexp(-1))


def test_a_log_density_of_batches_that_broadcast():
    mixture = Mixture(torch.zeros(3, 1, 1), torch.ones(3, 1, 1, 2), torch.ones(3, 1, 1, 2), torch.zeros(2), TWO)
    z = torch.randn(4, 2, generator=dl.seeded(0))
    assert mixture.log_prob(z).shape == (3, 4)
    torch.testing.assert_close(mixture.log_prob(z)[2, 3], mixture.log_prob(z[3])[2, 0])


def test_the_gradient_of_batches_that_broadcast():
    """Means of three, and places of four: each gradient has the shape of what it is of."""
    g = dl.seeded(0)
    log_weights, means, stds, z = (
        torch.randn(*shape, generator=g, dtype=torch.double)
        for shape in ((3, 1, 2), (3, 1, 2, 2), (3, 1, 2, 2), (4, 2))
    )
    given = [t.requires_grad_() for t in (log_weights.log_softmax(-1), means, stds.exp(), z)]
    assert torch.autograd.gradcheck(log_density, given)


def test_components_are_chosen_by_inverse_cdf():
    log_weights = torch.tensor([0.2, 0.5, 0.3]).log() + 7.0  # the sum does not matter
    values = torch.tensor([[1.0], [2.0], [3.0]])
    pick = torch.tensor([0.0, 0.19, 0.21, 0.69, 0.71, 1 - 1e-7])[:, None]
    assert choose(pick, log_weights, values)[:, 0].tolist() == [1, 1, 2, 2, 3, 3]
    assert choose(pick[:, None], log_weights.expand(4, 3), values.expand(4, 3, 1)).shape == (6, 4, 1)


def test_a_component_without_weight_is_never_chosen():
    """Not even by the number 0, at the edge that it shares with the next."""
    values = torch.tensor([[1.0], [2.0], [3.0]])
    pick = torch.tensor([[0.0], [0.5], [0.75]])
    for shift in (0.0, 1000.0, -1000.0):  # beyond what exp can hold
        log_weights = torch.tensor([0.0, 1.0, 1.0]).log() + shift
        assert choose(pick, log_weights, values)[:, 0].tolist() == [2, 3, 3]


def test_coordinates_are_counted_from_the_end_too(env):
    p = env.transition(env.initial_state(), torch.tensor(1))
    for i in range(4):
        assert torch.equal(p.marginal(i - 4).means, p.marginal(i).means)


def test_samples_have_the_precision_of_the_mixture():
    mixture = random_mixture(0)
    noise = draw_noise(3, features=4, generator=dl.seeded(0))
    assert mixture.sample(noise=noise.double()).dtype == torch.float32
    assert torch.equal(mixture.sample(noise=noise.double()), mixture.sample(noise=noise))


@pytest.mark.parametrize("draw", [draw_noise, draw_stratified_noise])
def test_random_numbers_lie_where_their_generator_does(draw):
    with torch.device("meta"):
        assert draw(5, 3, features=2, generator=torch.Generator("cpu")).device.type == "cpu"
        assert draw(5, 3, features=2).device.type == "meta"


@pytest.mark.parametrize("extreme", [0.0, 1 - 2**-24])
def test_stratified_numbers_are_finite_at_both_ends(monkeypatch, extreme):
    """0, and the greatest number below 1 that a generator gives: with seven strata below it, it is rounded to 1."""
    monkeypatch.setattr(torch, "rand", lambda size, **_: torch.full(size, extreme))
    noise = draw_stratified_noise(8, features=2)
    assert noise.isfinite().all()
    assert (0 < noise[:, 0]).all() and (noise[:, 0] < 1).all()


def test_an_offshoots_numbers_are_its_own_and_cost_the_generator_none():
    one, other = dl.seeded(0), dl.seeded(0)
    apart = offshoot(one)
    numbers = torch.rand(1000, generator=apart)
    assert torch.equal(numbers, torch.rand(1000, generator=offshoot(other)))
    drawn = torch.rand(1000, generator=one)
    assert torch.equal(drawn, torch.rand(1000, generator=other))
    assert torch.corrcoef(torch.stack([numbers, drawn]))[0, 1].abs() < 5 / 1000**0.5
    assert not torch.equal(numbers, torch.rand(1000, generator=offshoot(one)))
    assert offshoot(None) is None
