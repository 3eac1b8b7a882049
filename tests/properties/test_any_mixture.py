"""What holds of every mixture."""

import math

import torch
from drawn import DTYPES, KINEMATICS, SEEDS, broadcastable, close, mixtures
from hypothesis import given
from hypothesis import strategies as st

import damlite as dl
from damlite.mixture import Kinematics, draw_noise


@given(data=st.data(), shapes=broadcastable(2), seed=SEEDS)
def test_batches_broadcast(data, shapes, seed):
    batch, other = shapes.input_shapes
    p, g = data.draw(mixtures(batch)), dl.seeded(seed)
    x = torch.randn(*other, p.state.shape[-1], generator=g, dtype=p.state.dtype)
    whole = p.map(lambda t: t.expand(*shapes.result_shape, *t.shape[len(batch) :]))
    close(p.log_prob(x), whole.log_prob(x.expand(*shapes.result_shape, -1)), x.dtype)
    for i in range(p.state.shape[-1]):
        close(p.marginal(i).log_prob(x[..., i]), whole.marginal(i).log_prob(x[..., i]), x.dtype)
        close(p.marginal(i).cdf(x[..., i]), whole.marginal(i).cdf(x[..., i]), x.dtype)
    noise = draw_noise(*other, features=p.means.shape[-1], generator=g)
    drawn = p.sample(noise=noise)
    assert drawn.dtype == p.state.dtype
    close(drawn, whole.sample(noise=noise.expand(*shapes.result_shape, -1)), x.dtype)


@given(p=mixtures(), shape=st.lists(st.integers(1, 3), max_size=2).map(tuple), seed=SEEDS)
def test_samples_have_the_shape_that_was_asked_for(p, shape, seed):
    drawn = p.sample(shape, generator=dl.seeded(seed))
    assert drawn.shape == (*shape, *p.state.shape)
    assert p.log_prob(drawn).shape == (*shape, *p.state.shape[:-1])
    assert p.mean.shape == p.state.shape


@given(p=mixtures((2, 3)), seed=SEEDS)
def test_a_batch_is_its_items(p, seed):
    noise = draw_noise(2, 3, features=p.means.shape[-1], generator=dl.seeded(seed))
    drawn = p.sample(noise=noise)
    density, mean, marginal = p.log_prob(drawn), p.mean, p.marginal(1)
    for i in [(0, 0), (1, 2)]:
        one = p.map(lambda t, i=i: t[i])
        close(one.sample(noise=noise[i]), drawn[i], drawn.dtype)
        close(one.log_prob(drawn[i]), density[i], drawn.dtype)
        close(one.mean, mean[i], drawn.dtype)
        close(one.marginal(1).cdf(drawn[i][1]), marginal.cdf(drawn[..., 1])[i], drawn.dtype)


@given(p=mixtures((2,)), seed=SEEDS)
def test_the_order_of_components_does_not_matter(p, seed):
    g = dl.seeded(seed)
    order = torch.randperm(p.log_weights.shape[-1], generator=g)
    other = type(p)(p.log_weights[..., order], p.means[..., order, :], p.stds[..., order, :], p.state, p.kinematics)
    x = p.sample((3,), generator=g)
    close(other.log_prob(x), p.log_prob(x), x.dtype)
    close(other.mean, p.mean, x.dtype)
    close(other.marginal(0).std, p.marginal(0).std, x.dtype, rounding=10)


@given(p=mixtures((2,), st.just(Kinematics.every_coordinate(2))))
def test_densities_integrate_to_one(p):
    """By the midpoint rule to beyond the last component's tails: marginals, and both coordinates at once."""
    grid = torch.linspace(-12, 12, 241, dtype=p.state.dtype)  # steps of the least standard deviation
    step = 24 / 240
    for i in range(2):
        total = p.marginal(i).log_prob(grid[:, None]).exp().sum(0) * step
        close(total, torch.ones_like(total), rounding=10)
    both = p.log_prob(torch.cartesian_prod(grid, grid)[:, None]).exp().sum(0) * step**2
    close(both, torch.ones_like(both), rounding=10)


@given(p=mixtures(()), seed=SEEDS)
def test_moments_of_samples_are_those_in_closed_form(p, seed):
    """Means and mean squares, within six of their exact standard errors."""
    count = 4000
    x = p.sample((count,), generator=dl.seeded(seed)).double()
    for i in range(p.state.shape[-1]):
        marginal = p.marginal(i)
        m, v, w = marginal.means.double(), marginal.stds.double() ** 2, marginal.log_weights.double().exp()
        second, fourth = (w * (m**2 + v)).sum(), (w * (m**4 + 6 * m**2 * v + 3 * v**2)).sum()
        assert abs(x[:, i].mean() - p.mean[i]) < 6 * marginal.std / math.sqrt(count)
        assert abs(x[:, i].square().mean() - second) < 6 * ((fourth - second**2) / count).sqrt()


@given(p=mixtures(sharpness=50.0), seed=SEEDS)
def test_weights_of_any_logits_give_numbers(p, seed):
    x = p.sample((3,), generator=dl.seeded(seed))
    assert x.isfinite().all()
    assert p.log_prob(x).isfinite().all()
    assert p.log_prob(x + 100).isfinite().all()
    for i in range(x.shape[-1]):
        assert p.marginal(i).std.isfinite().all()
        assert ((p.marginal(i).cdf(x[..., i]) >= 0) & (p.marginal(i).cdf(x[..., i]) <= 1 + 1e-5)).all()


@given(kinematics=KINEMATICS, shapes=broadcastable(2), seed=SEEDS, dtype=DTYPES)
def test_kinematics_take_any_batch_and_give_back_what_is_random(kinematics, shapes, seed, dtype):
    (batch, other), g = shapes.input_shapes, dl.seeded(seed)
    state = torch.randn(*batch, len(kinematics.keep), generator=g, dtype=dtype)
    z = torch.randn(*other, len(kinematics.random), generator=g, dtype=dtype)
    after = kinematics.complete(state, z)
    assert after.shape == (*shapes.result_shape, len(kinematics.keep))
    assert torch.equal(kinematics.random_part(after), z.expand(*shapes.result_shape, -1))
