"""What holds of every estimate, whatever was chosen."""

from dataclasses import replace
from itertools import pairwise

import torch
from drawn import DTYPES, ENVIRONMENTS, SEEDS, Walk, actions_of, broadcastable, close, estimators, ratio_of, uncertain
from hypothesis import example, given
from hypothesis import strategies as st

import damlite as dl
from damlite.estimate import ImaginedStep
from damlite.resampling import survivors, systematic

HORIZONS = st.integers(1, 6)
RATIOS = st.builds(ratio_of, st.floats(0, 2), st.booleans())
WEIGHTED = estimators(correction=st.just("weight"))


def value(how, walk, state, actions, log_ratio=None, seed=0, offset=0.0):
    imagined = how.imagine(walk, walk.reward, state, actions, log_ratio, dl.seeded(seed))
    return how.value(imagined, offset)


@given(how=estimators(), log_ratio=RATIOS, shapes=broadcastable(2), steps=HORIZONS, seed=SEEDS, dtype=DTYPES)
def test_batches_of_states_and_actions_broadcast(how, log_ratio, shapes, steps, seed, dtype):
    """Through dynamics without noise, where one batch needs no other random numbers than another."""
    (batch, other), g = shapes.input_shapes, dl.seeded(seed)
    state = torch.randn(*batch, 1, generator=g, dtype=dtype)
    actions = torch.randint(3, (*other, steps), generator=g)
    found = value(how, Walk(), state, actions, log_ratio)
    assert found.dtype == dtype
    every_state, every_sequence = (t.expand(*shapes.result_shape, -1) for t in (state, actions))
    close(found, value(how, Walk(), every_state, every_sequence, log_ratio), dtype, rounding=100)


@given(how=estimators(), log_ratio=RATIOS, steps=HORIZONS, seed=SEEDS)
def test_a_batch_is_its_items(how, log_ratio, steps, seed):
    """Through dynamics without noise again."""
    g = dl.seeded(seed)
    state = torch.randn(2, 3, 1, generator=g, dtype=torch.float64)
    actions = torch.randint(3, (2, 3, steps), generator=g)
    every = value(how, Walk(), state, actions, log_ratio)
    for i in [(0, 0), (1, 2)]:
        close(value(how, Walk(), state[i], actions[i], log_ratio), every[i], torch.float64)


COMMON = estimators(common_random_numbers=st.just(True))
RESAMPLED = dl.Estimator(particles=2, common_random_numbers=True, resample=0.75)


@given(how=COMMON, log_ratio=RATIOS, steps=HORIZONS, seed=SEEDS, shared=st.booleans())
@example(how=RESAMPLED, log_ratio=ratio_of(1.0, False), steps=3, seed=0, shared=False)
def test_with_common_random_numbers_sequences_know_nothing_of_each_other(how, log_ratio, steps, seed, shared):
    """Each is worth what it is worth alone, in any order."""
    walk, g = Walk(std=0.5), dl.seeded(seed)
    state = torch.randn(*([] if shared else [4]), 1, generator=g, dtype=torch.float64)
    actions, order = torch.randint(3, (4, steps), generator=g), torch.randperm(4, generator=g)
    every = value(how, walk, state, actions, log_ratio, seed)
    other = value(how, walk, state if shared else state[order], actions[order], log_ratio, seed)
    close(other, every[order], torch.float64)
    alone = value(how, walk, state if shared else state[2], actions[2], log_ratio, seed)
    close(alone, every[2], torch.float64)


@given(how=WEIGHTED, log_ratio=RATIOS, steps=HORIZONS, seed=SEEDS)
def test_the_order_of_particles_does_not_matter(how, log_ratio, steps, seed):
    how, g = replace(how, resample=None, common_random_numbers=False), dl.seeded(seed)
    state = torch.randn(2, 1, generator=g, dtype=torch.float64)
    actions = torch.randint(3, (2, steps), generator=g)
    imagined = how.imagine(Walk(std=0.5), Walk().reward, state, actions, log_ratio, g)
    order = torch.randperm(how.particles, generator=g)
    other = [ImaginedStep(x.state[..., order, :], x.reward[..., order], x.log_weight[..., order]) for x in imagined]
    close(how.value(other, 0.7), how.value(imagined, 0.7), torch.float64)


@given(how=WEIGHTED, log_ratio=RATIOS, steps=HORIZONS, seed=SEEDS, scale=st.floats(-10, 10), offset=st.floats(-10, 10))
def test_scaled_rewards_scale_values(how, log_ratio, steps, seed, scale, offset):
    """If the offset is scaled with them."""
    state, actions = torch.zeros(3, 1, dtype=torch.float64), torch.randint(3, (3, steps), generator=dl.seeded(seed))
    one = value(how, Walk(std=0.5), state, actions, log_ratio, seed, offset)
    other = value(how, Walk(std=0.5, scale=scale), state, actions, log_ratio, seed, scale * offset)
    close(other, scale * one, torch.float64, rounding=100)


@given(how=estimators(), log_ratio=RATIOS, steps=HORIZONS, seed=SEEDS, shift=st.floats(-10, 10))
def test_shifted_rewards_shift_values_if_the_offset_is_shifted_too(how, log_ratio, steps, seed, shift):
    """Every reward is weighted as w (r − c) + c: r + b with c + b is worth b Σ γ^t more."""
    state, actions = torch.zeros(3, 1, dtype=torch.float64), torch.randint(3, (3, steps), generator=dl.seeded(seed))
    one = value(how, Walk(std=0.5), state, actions, log_ratio, seed, offset=0.5)
    other = value(how, Walk(std=0.5, shift=shift), state, actions, log_ratio, seed, offset=0.5 + shift)
    close(other, one + shift * sum(how.discount**t for t in range(steps)), torch.float64, rounding=100)


@given(how=WEIGHTED, log_ratio=RATIOS, steps=HORIZONS, seed=SEEDS, offset=st.floats(-10, 10))
def test_an_offset_is_of_no_account_where_weights_have_a_mean_of_one(how, log_ratio, steps, seed, offset):
    how = replace(how, normalise=True)
    state, actions = torch.zeros(3, 1, dtype=torch.float64), torch.randint(3, (3, steps), generator=dl.seeded(seed))
    one, other = (value(how, Walk(std=0.5), state, actions, log_ratio, seed, c) for c in (0.0, offset))
    close(other, one, torch.float64, rounding=100)


@given(how=estimators(weight=st.just("ratio")), steps=HORIZONS, seed=SEEDS, shared=st.booleans())
def test_weights_of_a_perfect_model_change_nothing(how, steps, seed, shared):
    """Its log-ratio is 0."""
    state, actions = torch.zeros(*([] if shared else [3]), 1), torch.randint(3, (3, steps), generator=dl.seeded(seed))
    plain = value(how, Walk(std=0.5), state, actions, None, seed)
    close(value(how, Walk(std=0.5), state, actions, ratio_of(0.0), seed), plain, rounding=10)


class Copy:
    """A model that is the road."""

    def __init__(self, env):
        self.kinematics, self.transition = env.kinematics, env.transition


@given(env=ENVIRONMENTS, how=estimators(weight=st.just("ratio")), seed=SEEDS)
def test_the_exact_ratio_of_a_model_that_is_the_road_is_one(env, how, seed):
    state, actions = env.initial_state(), actions_of(env, (4, 5), seed)

    def log_ratio(s, a, s_next):
        found = dl.exact.log_ratio(env, Copy(env), s, a, s_next)
        assert (found == 0).all()
        return found

    close(value(how, env, state, actions, log_ratio, seed), value(how, env, state, actions, None, seed), rounding=10)


SIZES = st.sampled_from([0.1, 1.0, 10.0, 50.0])


@given(how=estimators(), size=SIZES, sharp=st.booleans(), steps=st.sampled_from([1, 20, 200]), seed=SEEDS, dtype=DTYPES)
def test_long_horizons_and_great_logits_give_numbers(how, size, sharp, steps, seed, dtype):
    actions = torch.randint(3, (2, steps), generator=dl.seeded(seed))
    state = torch.zeros(1, dtype=dtype)
    for log_ratio in (ratio_of(size, sharp), lambda s, a, s_next: 0 * s[..., 0] + (size if sharp else -size)):
        imagined = how.imagine(Walk(std=0.5), Walk().reward, state, actions, log_ratio, dl.seeded(seed))
        assert how.value(imagined, 3.0).isfinite().all()
        for x in imagined:
            assert x.log_weight.isfinite().all()
            assert how.weights(x.log_weight).isfinite().all()


@given(log_w=st.lists(st.floats(-1e4, 1e4), min_size=1, max_size=20), dtype=DTYPES)
def test_weights_are_normalised_as_asked(log_w, dtype):
    log_w = torch.tensor(log_w, dtype=dtype)
    plain, excess, unit = (dl.Estimator(normalise=how).weights(log_w) for how in (False, "excess", True))
    assert all((w >= 0).all() and w.isfinite().all() for w in (plain, excess, unit))
    close(unit.mean(), torch.ones((), dtype=dtype), dtype)
    assert excess.mean() <= 1 + 1e-3
    if plain.mean() <= 1:
        close(excess, plain, dtype)


LOG_WEIGHTS = st.lists(st.floats(-50, 50), min_size=1, max_size=12)


@given(log_w=LOG_WEIGHTS)
def test_systematic_resampling_keeps_every_mean(log_w):
    """Of 1,000 evenly spread numbers: each particle is drawn P w/Σw times on average, and never one time more or less.

    So the mean of every function of the particles is kept too.
    """
    log_w, numbers = torch.tensor(log_w, dtype=torch.float64), (torch.arange(1000) + 0.5)[:, None] / 1000
    drawn = systematic(log_w.expand(1000, -1), numbers)
    counts = torch.nn.functional.one_hot(drawn, len(log_w)).sum(-2).double()
    expected = len(log_w) * log_w.softmax(-1)
    assert ((counts - expected).abs() < 1 + 1e-9).all()
    assert ((counts.mean(0) - expected).abs() < 1.5e-3).all()
    assert all((one <= other).all() for one, other in pairwise(drawn.T))


@given(log_w=LOG_WEIGHTS, threshold=st.floats(0.05, 1), number=st.floats(0, 0.999))
def test_survivors_carry_the_mean_weight(log_w, threshold, number):
    log_w = torch.tensor(log_w, dtype=torch.float64)
    ancestor, carried = survivors(log_w, torch.tensor([number]), threshold)
    close(carried.logsumexp(-1), log_w.logsumexp(-1), torch.float64)
    if ancestor is None:
        assert dl.diagnostics.effective_sample_size(log_w) >= threshold * len(log_w) - 1e-9
    else:
        assert dl.diagnostics.effective_sample_size(log_w) < threshold * len(log_w) + 1e-9
        assert (carried == carried[0]).all()


@given(env=ENVIRONMENTS, seed=SEEDS)
def test_values_through_a_road_are_what_driving_it_gives(env, seed):
    actions, count = actions_of(env, (env.horizon,), seed), 3000
    data = dl.collect(env, lambda s, t, g: actions[t].expand(len(s)), episodes=count, generator=dl.seeded(seed + 1))
    imagined = dl.Estimator(particles=count).imagine(
        env, env.reward, env.initial_state(), actions, generator=dl.seeded(seed + 2)
    )
    particles = sum(x.reward.double() for x in imagined)
    off = abs(data.returns.double().mean() - particles.mean())
    assert off <= uncertain(data.returns, env) + uncertain(particles, env)
