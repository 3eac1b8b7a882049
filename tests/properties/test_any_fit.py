"""What holds of R runs side by side: each is the run that it would be alone."""

import torch
from drawn import DTYPES, ENVIRONMENTS, SEEDS, Walk, actions_of, close, states_of
from hypothesis import given, settings
from hypothesis import strategies as st

import damlite as dl
from damlite import fitting

RUNS = 2  # not as many as actions: by their sizes tensors of runs are known
NETWORKS = st.fixed_dictionaries(
    {"hidden": st.sampled_from([(8,), (8, 4)]), "box": st.none() | st.floats(0.5, 3), "features": st.booleans()}
)
MODELS = st.fixed_dictionaries({"components": st.integers(1, 3), "predict": st.sampled_from(["state", "velocity"])})


def alone(network, run, **given):
    """A network of one run, with this run's parameters and scales."""
    single = type(network)(network.env, runs=1, **given)
    with torch.no_grad():
        for one, every in zip(single.tensors(), network.tensors(), strict=True):
            one.copy_(every if every.ndim == 0 or len(every) != RUNS else every[run : run + 1])
    return single


def scaled(network, seed):
    """The network, with scales as after a fit."""
    g = dl.seeded(seed)
    for name, buffer in network.named_buffers():
        if buffer.is_floating_point() and name != "indicators":
            buffer.add_(0.3 * torch.rand(buffer.shape, generator=g))
    return network


@given(env=ENVIRONMENTS, network=NETWORKS, model=MODELS, seed=SEEDS)
def test_stacked_networks_say_what_each_says_alone(env, network, model, seed):
    stacked = scaled(dl.DynamicsModel(env, runs=RUNS, generator=dl.seeded(seed), **model, **network), seed)
    disc = scaled(dl.Discriminator(env, RUNS, dl.seeded(seed), **network), seed)
    state, action = states_of(env, (RUNS, 4), seed), actions_of(env, (RUNS, 4), seed)
    with torch.no_grad():
        q = stacked.transition(state, action)
        after = q.mean
        ratio = disc.log_ratio(state, action, after)
        for run in range(RUNS):
            single = alone(stacked, run, **model, **network).transition(state[run], action[run])
            for name in ("log_weights", "means", "stds"):
                close(getattr(single, name), getattr(q, name)[run], rounding=10)
            one = alone(disc, run, **network).log_ratio(state[run], action[run], after[run])
            close(one, ratio[run], rounding=10)


@given(env=ENVIRONMENTS, network=NETWORKS, model=MODELS, seed=SEEDS, horizon=st.integers(1, 3))
def test_runs_are_planned_for_as_if_each_were_alone(env, network, model, seed, horizon):
    """With noise that is common to all: a standard deviation of next to nothing, of one component."""
    model, network = {**model, "components": 1}, {**network, "std_range": (0.0, 1e-3)}
    stacked = scaled(dl.DynamicsModel(env, runs=RUNS, generator=dl.seeded(seed), **model, **network), seed)
    state, sequences = states_of(env, (RUNS, 1), seed), actions_of(env, (RUNS, 5, horizon), seed)
    every = _speed(stacked, state, sequences)
    for run in range(RUNS):
        single = alone(stacked, run, **model, **network)
        torch.testing.assert_close(_speed(single, state[run], sequences[run]), every[run], rtol=1e-2, atol=3e-2)


def _speed(model, state, sequences):
    """A reward that is smooth, so that what noise is left moves it little."""
    return dl.estimate_value(model, lambda s, a: (s / 10).tanh().mean(-1), state, sequences, particles=2)


@settings(max_examples=5)
@given(network=NETWORKS, weighting=st.sampled_from(["uniform", "return"]), seed=SEEDS, predict=st.booleans())
def test_a_fit_of_many_runs_is_the_fit_of_each(network, weighting, seed, predict):
    """Where every minibatch is all the data: which rows are drawn is chance, and common to all runs."""
    env, g = dl.IcyRoad(), dl.seeded(seed)
    model = {"components": 2, "predict": "state" if predict else "velocity", "start": "random"}
    data = dl.collect(env, episodes=6, runs=RUNS, generator=g)
    stacked = dl.DynamicsModel(env, runs=RUNS, generator=g, **model, **network)
    singles = [alone(stacked, run, **model, **network) for run in range(RUNS)]
    how = {"weighting": weighting, "steps": 20, "batch": data.state[0].shape[:2].numel()}
    every = all_rows(lambda: dl.fit_model(stacked, data, **how))
    for run, single in enumerate(singles):
        fit = all_rows(lambda run=run, single=single: dl.fit_model(single, data.map(lambda t: t[run]), **how))
        close(fit.held_out_loss[:, 0], every.held_out_loss[:, run], rounding=100)
        close(fit.training_loss[:, 0], every.training_loss[:, run], rounding=100)
        close(fit.offset[0], every.offset[run])


def all_rows(fit):
    """What a fit gives whose minibatches are the rows in turn, as often as they fit in."""
    drawn = torch.randint

    def in_turn(high, size, **how):
        if len(size) == 2:
            return (torch.arange(size[1]) % high).expand(size)
        return drawn(high, size, **how)

    fitting.torch.randint = in_turn
    try:
        return fit()
    finally:
        fitting.torch.randint = drawn


@given(seed=SEEDS, episodes=st.integers(1, 12), runs=st.none() | st.integers(1, 3))
def test_every_episode_is_trained_on_or_held_out(seed, episodes, runs):
    data = dl.collect(Walk(std=0.5), episodes=episodes, runs=runs, generator=dl.seeded(seed))
    training, held_out = data.split()
    assert len(training) + len(held_out) == max(episodes, 2)  # a single one is on both sides
    again = data + data
    assert torch.equal(again.split()[1].state[..., : episodes // 5, :, :], held_out.state[..., : episodes // 5, :, :])


@given(seed=SEEDS, dtype=DTYPES)
def test_a_networks_answer_to_a_row_knows_nothing_of_the_others(seed, dtype):
    env = dl.IcyRoad()
    disc = scaled(dl.Discriminator(env, generator=dl.seeded(seed)), seed).to(dtype)
    state, action = states_of(env, (5, 4), seed, dtype), actions_of(env, (5, 4), seed)
    order = torch.randperm(5, generator=dl.seeded(seed))
    found = disc.log_ratio(state, action, state + 0.1)
    assert found.dtype == dtype
    close(disc.log_ratio(state[order], action[order], state[order] + 0.1), found[order], dtype, rounding=10)
