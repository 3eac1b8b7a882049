"""What holds of every planner's plans."""

from dataclasses import dataclass, replace

import pytest
import torch
from drawn import SEEDS, Walk, close, estimators, ratio_of
from hypothesis import given
from hypothesis import strategies as st

import damlite as dl

COUNTS = {"candidates": st.integers(4, 12)}
ITERATED = {**COUNTS, "iterations": st.integers(1, 3), "smoothing": st.floats(0, 1)}
ONCE = st.one_of(  # planners that judge once, and take the best of what they judged
    estimators(dl.Exhaustive, hold=st.sampled_from([1, 2, (1, 2)])),
    estimators(dl.RandomShooting, **COUNTS),
)
PLANNERS = st.one_of(
    ONCE,
    estimators(dl.CrossEntropy, elites=st.integers(1, 4), **ITERATED),
    estimators(dl.MPPI, temperature=st.floats(0.01, 10), **ITERATED),
)
RATIOS = st.none() | st.builds(ratio_of, st.floats(0, 2), st.booleans())
STEPS = st.integers(1, 4)
WALKS = st.builds(Walk, std=st.sampled_from([0.0, 0.5]), n_actions=st.integers(1, 4))


def remembered(planner):
    """The same planner, which keeps every set of sequences and their values as it judges them."""
    kept = []

    @dataclass(frozen=True, kw_only=True)
    class Remembered(type(planner)):
        def judge(self, belief, state, sequences, generator):
            values, imagined = super().judge(belief, state, sequences, generator)
            kept.append((sequences, values))
            return values, imagined

    return Remembered(**vars(planner)), kept


@given(planner=PLANNERS, walk=WALKS, log_ratio=RATIOS, steps=STEPS, seed=SEEDS, batch=st.sampled_from([(), (3,)]))
def test_plans_are_of_what_was_judged_and_no_better_than_its_best(planner, walk, log_ratio, steps, seed, batch):
    planner, kept = remembered(planner)
    plan = planner.plan(
        dl.Belief(walk, log_ratio=log_ratio), walk.initial_state(*batch), steps, generator=dl.seeded(seed)
    )
    sequences, values = kept[-1]
    assert plan.actions.shape == (*batch, steps)
    assert ((plan.actions >= 0) & (plan.actions < walk.n_actions)).all()
    assert torch.equal(plan.action, plan.actions[..., 0])
    assert (plan.value <= values.max(-1).values).all()
    is_plan = (sequences.expand(*values.shape, steps) == plan.actions.unsqueeze(-2)).all(-1)
    assert ((values == plan.value.unsqueeze(-1)) & is_plan).any(-1).all()
    assert plan.states.shape == (*batch, steps, planner.particles, 1)
    assert plan.log_weights.shape == (*batch, steps, planner.particles)
    ess = plan.effective_sample_size
    assert ((ess > 1 - 1e-3) & (ess < planner.particles + 1e-3)).all()


@given(planner=ONCE, walk=WALKS, log_ratio=RATIOS, steps=STEPS, seed=SEEDS)
def test_the_best_of_all_estimates_is_chosen(planner, walk, log_ratio, steps, seed):
    """Proposed and estimated a second time, with the same random numbers."""
    state = walk.initial_state(3)
    plan = planner.plan(dl.Belief(walk, log_ratio=log_ratio), state, steps, generator=dl.seeded(seed))
    g = dl.seeded(seed)
    sequences = planner.propose(walk.n_actions, (3,), steps, g)
    values = planner.value(planner.imagine(walk, walk.reward, state[:, None], sequences, log_ratio, g))
    best = sequences.expand(*values.shape, steps)[torch.arange(3), values.argmax(-1)]
    assert torch.equal(plan.actions, best)
    assert torch.equal(plan.value, values.max(-1).values)


@given(planner=ONCE, log_ratio=RATIOS, steps=STEPS, seed=SEEDS)
def test_the_order_of_candidates_does_not_matter(planner, log_ratio, steps, seed):
    """Where their random numbers are common."""

    @dataclass(frozen=True, kw_only=True)
    class Shuffled(type(planner)):
        def propose(self, *given):
            sequences = super().propose(*given)
            return sequences[..., torch.randperm(sequences.shape[-2], generator=dl.seeded(seed)), :]

    given = {**vars(planner), "common_random_numbers": True}
    walk, values = Walk(std=0.5), []
    for kind in (type(planner), Shuffled):
        belief = dl.Belief(walk, log_ratio=log_ratio)
        values.append(kind(**given).plan(belief, walk.initial_state(2), steps, generator=dl.seeded(seed)).value)
    close(*values)


@given(planner=PLANNERS, walk=WALKS, steps=STEPS, seed=SEEDS, exponent=st.integers(-3, 3))
def test_the_unit_of_rewards_is_of_no_account(planner, walk, steps, seed, exponent):
    """Neither to a choice; a temperature is one of rewards too, and so is the scale of what is added to them."""
    scale = 2.0**exponent  # which rounds nothing
    other = {
        name: scale * getattr(planner, name) for name in ("temperature", "correction_scale") if hasattr(planner, name)
    }
    plans = [
        each.plan(dl.Belief(road, log_ratio=ratio_of(1.0)), road.initial_state(2), steps, generator=dl.seeded(seed))
        for each, road in ((planner, walk), (replace(planner, **other), replace(walk, scale=scale)))
    ]
    assert torch.equal(plans[0].actions, plans[1].actions)
    assert torch.equal(scale * plans[0].value, plans[1].value)


@given(planner=estimators(dl.Exhaustive), steps=STEPS, seed=SEEDS)
def test_a_batch_of_plans_is_its_items(planner, steps, seed):
    """Where the dynamics have no noise, and all sequences are judged."""
    walk, state = Walk(), torch.randn(2, 3, 1, generator=dl.seeded(seed), dtype=torch.float64)
    belief = dl.Belief(walk, log_ratio=ratio_of(1.0))
    every = planner.plan(belief, state, steps)
    for i in [(0, 0), (1, 2)]:
        close(planner.plan(belief, state[i], steps).value, every.value[i], torch.float64)


@dataclass(frozen=True)
class Blind(Walk):
    """Its reward is NaN in about a third of what can be imagined, but never at the start."""

    def reward(self, state, action):
        return super().reward(state, action).masked_fill((5 * state[..., 0]).sin() > 0.5, torch.nan)


def blind_ratio(state, action, next_state):
    """The same of a log-ratio."""
    return ratio_of(1.0)(state, action, next_state).masked_fill((5 * next_state[..., 0]).cos() > 0.5, torch.nan)


@given(planner=PLANNERS, steps=STEPS, seed=SEEDS, reward=st.booleans())
def test_what_is_no_number_never_wins(planner, steps, seed, reward):
    """Not even over what is worth far less."""
    belief = dl.Belief(Blind(shift=-1e3)) if reward else dl.Belief(Walk(shift=-1e3), log_ratio=blind_ratio)
    planner, kept = remembered(planner)
    start = belief.env.initial_state(2)
    try:
        plan = planner.plan(belief, start, steps, generator=dl.seeded(seed))
    except ValueError as error:
        assert "got NaN for every sequence" in str(error)
        return
    assert plan.value.isfinite().all()
    assert not any(values.isnan().any() for _, values in kept)
    if planner.correction == "weight" and planner.discount > 0:
        assert not plan.log_weights.isnan().any()


@given(n_actions=st.integers(1, 4), horizon=st.integers(1, 5))
def test_every_sequence_is_there_once(n_actions, horizon):
    sequences = dl.every_sequence(n_actions, horizon)
    assert sequences.shape == (n_actions**horizon, horizon)
    assert len(sequences.unique(dim=0)) == n_actions**horizon
    assert sequences.min() == 0
    assert sequences.max() == n_actions - 1


@given(planner=PLANNERS, seed=SEEDS, episodes=st.integers(1, 3))
def test_the_same_generator_drives_the_same_way(planner, seed, episodes):
    walk = Walk(std=0.5)
    act = dl.policy(planner, dl.Belief(walk, log_ratio=ratio_of(1.0)))
    one, other = (dl.collect(walk, act, episodes=episodes, generator=dl.seeded(seed)) for _ in range(2))
    assert torch.equal(one.next_state, other.next_state)
    assert torch.equal(one.action, other.action)


@given(seed=SEEDS, steps=STEPS)
@pytest.mark.parametrize("kind", [dl.Exhaustive, dl.RandomShooting, dl.CrossEntropy, dl.MPPI])
def test_one_action_leaves_nothing_to_choose(kind, seed, steps):
    walk = Walk(n_actions=1)
    plan = kind(particles=2).plan(dl.Belief(walk), walk.initial_state(2), steps, generator=dl.seeded(seed))
    assert (plan.actions == 0).all()
