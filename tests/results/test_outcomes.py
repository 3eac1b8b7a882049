"""The roads without noise, listed: against closed forms, against the package's own planner, and against theory."""

from dataclasses import replace

import pytest
import torch

import damlite as dl
from damlite import exact
from damlite.results import map as maps
from damlite.results import outcomes
from damlite.results.imagined import Proposal

ICE, CROSSING = dl.IcyRoad(), dl.Intersection()
ROADS = pytest.mark.parametrize("env", [ICE, CROSSING], ids=["IcyRoad", "Intersection"])
OTHER = {ICE: 0.2, CROSSING: 0.23}


def law_of(env, plans, probability=None, weighted=False, offset=0.0, **how):
    """The laws of plans (C, H) from the start, under q with that probability."""
    proposal = Proposal(outcomes.probability(env) if probability is None else probability, weighted, offset)
    planner = dl.RandomShooting(horizon=plans.shape[-1], **how)
    return outcomes.outcomes(maps.belief(env, proposal), planner, torch.tensor([0]), plans)


def test_every_plans_worth_on_the_ice_is_the_exact_one():
    """Of the road without noise to the last digit, of the road as it is within what noise is worth."""
    plans = dl.every_sequence(3, 5)
    worth = law_of(ICE, plans).worth
    torch.testing.assert_close(worth, exact.value(outcomes.quiet(ICE), plans), rtol=1e-6, atol=1e-5)
    assert worth.max().item() == pytest.approx(exact.optimum(ICE), abs=0.01)
    assert plans[worth.argmax()][:4].tolist() == exact.best_sequence(ICE)[:4].tolist()


@pytest.mark.parametrize(("action", "worth"), [(0, 15.0), (1, 30.0)])
def test_who_only_brakes_or_only_cruises_at_the_crossing(action, worth):
    """Braking: 5 + 4 + … + 1. Cruising: 25 steps at 5 m/s, or a crash that is felt from the 11th to the 25th."""
    law = law_of(CROSSING, torch.full((1, 25), action))
    assert law.returns.shape == (1, 2)
    if action == 0:
        assert law.worth.item() == pytest.approx(worth)
    else:
        crashed, passed = law.returns[0].tolist()
        assert passed == 125
        quiet = replace(CROSSING, noise=0.0, left_prob=1.0)
        cruise = dl.collect(quiet, lambda s, t, g: torch.ones(1).long(), episodes=1)
        assert crashed == pytest.approx(cruise.returns.item())
        assert law.worth.item() == pytest.approx((crashed + passed) / 2)
        assert law.worth.item() == pytest.approx(worth, abs=15)


def test_the_best_of_all_drivers_is_that_of_dynamic_programming():
    road = outcomes.finite_road(CROSSING)
    best = torch.zeros(len(road.states), dtype=torch.float64)
    for _ in range(CROSSING.horizon):
        best = (road.reward + best[road.following] @ road.law()).amax(-1)
    assert best[0].item() == pytest.approx(exact.closed_loop_optimum(CROSSING))


@ROADS
def test_tables_lead_where_the_road_leads(env):
    road, quiet = outcomes.finite_road(env), outcomes.quiet(env)
    generator = dl.seeded(0)
    data = dl.collect(quiet, episodes=50, generator=generator)
    number = torch.zeros(50, dtype=torch.long)
    for t in range(env.horizon):
        torch.testing.assert_close(road.states[number].float(), data.state[:, t], rtol=0, atol=1e-4)
        torch.testing.assert_close(road.reward[number, data.action[:, t]].float(), data.reward[:, t])
        later = road.states[road.following[number, data.action[:, t]]].float()
        match = (later - data.next_state[:, t, None]).abs().amax(-1).argmin(-1, keepdim=True)
        number = road.following[number, data.action[:, t]].gather(-1, match)[:, 0]


@ROADS
def test_the_shift_makes_every_return_positive(env):
    """The rule for both roads: the least return that anything can lead to, a part for each step."""
    road = outcomes.finite_road(env)
    least = road.least_reward() * env.horizon
    data = dl.collect(outcomes.quiet(env), episodes=5000, generator=dl.seeded(0))
    assert least <= data.returns.min().item() + 1e-4
    if env is ICE:
        returns = law_of(env, dl.every_sequence(3, 5)).returns
        assert returns.min().item() == pytest.approx(least)


@ROADS
@pytest.mark.parametrize("how", ["per_decision", "trajectory", "eq4"])
def test_estimates_are_unbiased(env, how):
    """E_q[Y] = J for every plan, q, estimator and offset; E_q[w] = 1."""
    plans = torch.randint(3, (200, min(env.horizon, 20)), generator=dl.seeded(0))
    for offset in (0.0, -2.0):
        law = law_of(env, plans, OTHER[env], True, offset, estimator=how)
        if how != "eq4" or offset == 0:
            torch.testing.assert_close(law.mean, law.worth)
        assert law.proposal.sum().item() == pytest.approx(1)
        assert law.truth.sum().item() == pytest.approx(1)
    plain = law_of(env, plans, OTHER[env])
    torch.testing.assert_close(plain.estimates, plain.returns)
    assert (plain.mean - plain.worth).abs().max() > 1


def trajectories(road, law, plan, state=0):
    """Every trajectory of a plan that the tables hold: its return, and its probabilities under each row of law."""
    action, *rest = plan
    reward = road.reward[state, action].item()
    if not rest:
        yield reward, torch.ones(len(law), dtype=law.dtype)
        return
    following = road.following[state, action]
    branches = [(following[k].item(), law[:, k]) for k in range(law.shape[1])] if road.fork[state, action] else None
    for later, chance in branches or [(following[0].item(), torch.ones(len(law), dtype=law.dtype))]:
        for total, probability in trajectories(road, law, rest, later):
            yield reward + total, chance * probability


@ROADS
def test_the_variance_is_what_the_identity_says(env):
    """Var[Y] = J²·χ²(q*‖q) for the trajectory estimator: q* by listing trajectories one by one."""
    plans = torch.randint(3, (30, min(env.horizon, 20)), generator=dl.seeded(1))
    road, steps = outcomes.finite_road(env), plans.shape[-1]
    shift = steps * road.least_reward()
    law = law_of(env, plans, OTHER[env], True, road.least_reward(), estimator="trajectory")
    torch.testing.assert_close(law.variance, law.least_variance(shift))
    both = torch.stack([road.law(), maps.belief(env, Proposal(OTHER[env])).proposal])
    for plan, variance in zip(plans.tolist(), law.variance.tolist(), strict=True):
        returns, probabilities = zip(*trajectories(road, both, plan), strict=True)
        p, q = torch.stack(probabilities).T
        shifted = torch.tensor(returns, dtype=torch.float64) - shift
        assert (shifted >= -1e-4).all()
        worth = (p * shifted).sum()
        best = p * shifted / worth  # q*
        assert variance == pytest.approx((worth**2 * ((best**2 / q).sum() - 1)).item(), rel=1e-6, abs=1e-5)


@ROADS
def test_sampled_particles_have_the_exact_mean_and_variance(env):
    plans = torch.randint(3, (30, min(env.horizon, 20)), generator=dl.seeded(1))
    law, n = law_of(env, plans, OTHER[env], True, -2.0), 40_000
    q = maps.belief(env, Proposal(OTHER[env])).proposal
    one = dl.RandomShooting(particles=1, common_random_numbers=False, stratified=False)
    string = outcomes.draw_strings(one, q, {ICE: 3, CROSSING: 1}[env], (n,), dl.seeded(2))[:, 0]
    y = law.estimates[int(law.variance.argmax())][string]
    error = (((y - y.mean()).pow(4).mean() - y.var() ** 2) / n).sqrt()
    assert abs(y.var() - law.variance.max()) < 5 * error
    assert abs(y.mean() - law.mean[law.variance.argmax()]) < 5 * (y.var() / n).sqrt()


def test_common_numbers_are_shared_and_stratified_ones_spread():
    how = dl.RandomShooting(particles=10)
    law = torch.tensor([0.5, 0.5])
    shared = outcomes.draw_strings(how, law, 1, (4, 7), dl.seeded(0))
    assert shared.shape == (4, 1, 10)
    assert (shared.sum(-1) == 5).all()
    own = outcomes.draw_strings(replace(how, common_random_numbers=False, stratified=False), law, 1, (4, 7))
    assert own.shape == (4, 7, 10)
    assert own.sum(-1).float().std() > 0.5


@ROADS
@pytest.mark.parametrize("common", [False, True])
@pytest.mark.parametrize("particles", [1, 5])
def test_choices_are_in_law_those_of_the_packages_planner(env, common, particles):
    """At the fork's approach of the road without noise: what is promised, and what is done."""
    quiet = outcomes.quiet(env)
    road = outcomes.finite_road(env)
    state, step = maps.approach(road)
    planner = dl.RandomShooting(
        horizon=min(10, env.horizon - step),
        candidates=8,
        particles=particles,
        common_random_numbers=common,
        stratified=False,
    )
    q_env = outcomes.with_probability(quiet, OTHER[env])
    n = 4000
    start = road.states[state].float().expand(n, -1)
    theirs = planner.plan(dl.Belief(quiet, q_env), start, generator=dl.seeded(0))
    ours = outcomes.choose(
        maps.belief(env, Proposal(OTHER[env])), planner, torch.full((n,), state), planner.horizon, dl.seeded(1)
    )
    for a, b in ((theirs.value, ours.promise), (theirs.action, ours.action)):
        a, b = a.double(), b.double()
        assert abs(a.mean() - b.mean()) < 5 * ((a.var() + b.var()) / n).sqrt()
        assert a.std().item() == pytest.approx(b.std().item(), rel=0.15)


@ROADS
@pytest.mark.parametrize("offset", [-2.0, 0.0])
def test_variances_are_those_of_importance_sampling_over_finitely_many_trajectories(env, offset):
    """The trajectory estimator of every plan, by J²·χ²(q*‖q) and for returns of both signs."""
    plans = dl.every_sequence(3, 5)[::20]
    law = law_of(env, plans, OTHER[env], True, offset, estimator="trajectory")
    p, q = law.ratio * law.proposal, law.proposal.expand(law.ratio.shape)
    variance = exact.estimate_variance(p, q, law.returns - 5 * offset)
    torch.testing.assert_close(variance, law.variance, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(variance, law.least_variance(5 * offset), rtol=1e-5, atol=1e-5)


def test_what_does_not_fit_is_said():
    class Elsewhere(dl.Environment):
        pass

    with pytest.raises(ValueError, match="env must be an IcyRoad or an Intersection"):
        outcomes.finite_road(Elsewhere())
    with pytest.raises(ValueError, match=r"normalise must be False.*got 'excess'"):
        law_of(ICE, dl.every_sequence(3, 2), normalise="excess")
    for choice, value in (("resample", 0.5), ("correction", "reward"), ("discount", 0.5)):
        with pytest.raises(ValueError, match=f"{choice} must be .* got {value!r}"):
            law_of(ICE, dl.every_sequence(3, 2), **{choice: value})
    road = outcomes.finite_road(CROSSING)
    uneven = replace(road, fork=road.fork | True)
    with pytest.raises(ValueError, match="as probable at every fork"):
        uneven.law()
    with pytest.raises(ValueError, match="env must have a fork within an episode, got IcyRoad"):
        outcomes.finite_road(dl.IcyRoad(threshold=99)).law()


def test_actions_states_and_probabilities_that_the_road_does_not_have_are_refused():
    with pytest.raises(ValueError, match="actions must be integers from 0 to 2, got 3 to 3"):
        law_of(ICE, torch.tensor([[3, 3, 3]]))
    known = maps.belief(ICE, Proposal(0.5))
    with pytest.raises(ValueError, match="state must be integers from 0 to 1215, got -1 to -1"):
        outcomes.outcomes(known, dl.RandomShooting(), torch.tensor([-1]), torch.tensor([[1, 1]]))
    for proposal, expected in ((known.proposal * 1.5, "probabilities that sum"), (torch.ones(1), r"shape \(3,\)")):
        with pytest.raises(ValueError, match=f"proposal must .*{expected}.*, got"):
            replace(known, proposal=proposal)
    with pytest.raises(ValueError, match=r"probability must be a finite number in \[0, 1\], got 2.0"):
        Proposal(2.0)
