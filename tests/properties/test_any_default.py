"""What is set as torch's default device and default precision holds for all that the package makes."""

import gymnasium
import pytest
import torch
from drawn import Walk
from elsewhere import Away, Elsewhere

import damlite as dl

SMALL = {"rounds": 1, "steps": 5, "random_episodes": 6, "episodes": 1, "evaluation_episodes": 1, "later_steps": None}


def cart_pole():
    return gymnasium.make("CartPole-v1")


def upright(state, action):
    return 1 - state[..., 2].abs()


class Short(dl.Intersection):
    horizon = 6


LOOPS = {  # every kind of environment, prediction and recipe
    "icy": lambda: loop(dl.IcyRoad(), dl.our_recipe, "velocity"),
    "distracted": lambda: loop(dl.Distracted(env=dl.IcyRoad(), distractors=2), dl.paper_recipe, "state"),
    "crossing": lambda: loop(Short(), dl.our_recipe, "state"),
    "gymnasium": lambda: loop(dl.FromGymnasium(cart_pole, upright, 6), dl.paper_recipe, "state"),
}


def every_tensor(result):
    """All floating-point tensors of a run's result."""
    learned, data = result.learned, result.data
    yield from (
        result.returns,
        result.round_returns,
        data.state,
        data.next_state,
        data.reward,
        learned.model_fit.offset,
    )
    yield from (t for network in (learned.model, learned.disc) for t in network.tensors())


def loop(env, recipe, predict):
    planner = dl.RandomShooting(horizon=2, candidates=4, particles=2, clip=3.0)
    return dl.run_mbrl(env, "dam", 2, predict, runs=2, recipe=recipe(env).but(planner=planner, **SMALL))


@pytest.mark.parametrize("name", LOOPS)
def test_the_loop_runs_in_float64(double, name):
    result = LOOPS[name]()
    assert {t.dtype for t in every_tensor(result) if t.is_floating_point()} == {torch.float64}
    assert result.returns.isfinite().all()


@pytest.mark.parametrize("planner", [dl.Exhaustive, dl.RandomShooting, dl.CrossEntropy, dl.MPPI])
def test_plans_are_made_in_float64(double, planner):
    env = dl.IcyRoad()
    plan = planner(horizon=3, particles=4).plan(dl.Belief(env), env.initial_state(2), generator=dl.seeded(0))
    for t in (plan.value, plan.effective_sample_size, plan.states, plan.log_weights):
        assert t.dtype == torch.float64


def test_exact_numbers_are_the_same_in_float64(double):
    env = dl.IcyRoad()
    assert dl.exact.optimum(env) == pytest.approx(8.998435, abs=1e-6)
    assert dl.exact.optimum(dl.Intersection()) == 112.5
    p = env.transition(env.initial_state(3), torch.tensor(2))
    for found in (dl.exact.next_reward(env, p), dl.exact.next_reward_variance(env, p.state, torch.tensor(2))):
        assert found.dtype == torch.float64
    log_w = torch.randn(2, 50, generator=dl.seeded(0))
    assert dl.diagnostics.effective_sample_size(log_w).dtype == dl.diagnostics.pareto_k(log_w).dtype == torch.float64
    assert 0 <= dl.diagnostics.calibration(log_w[0], log_w[1]).error <= 1


def test_tensors_elsewhere_meet_none_of_the_processors():
    """The second device itself."""
    here = torch.zeros(3)
    with Elsewhere():
        away = torch.zeros(3)
        assert isinstance(away + 1, Away)
        assert isinstance(torch.arange(3, device=away.device) + away, Away)
        assert type(away.cpu() + here) is torch.Tensor
        for mixed in (
            lambda: away + here,
            lambda: away * torch.zeros(3, device="cpu"),
            lambda: torch.stack([here, away]),
        ):
            with pytest.raises(RuntimeError, match="beside one elsewhere"):
                mixed()
        with pytest.raises(TypeError, match="elsewhere"):
            away.numpy()


@pytest.mark.parametrize("name", LOOPS)
def test_the_loop_runs_elsewhere(name):
    expected = LOOPS[name]()
    with Elsewhere():
        result = LOOPS[name]()
    assert all(isinstance(t, Away) for t in every_tensor(result))
    assert torch.equal(result.returns.cpu(), expected.returns)


@pytest.mark.parametrize("resample", [None, 0.9])
@pytest.mark.parametrize("kind", [dl.Exhaustive, dl.RandomShooting, dl.CrossEntropy, dl.MPPI])
def test_plans_are_made_elsewhere(kind, resample):
    planner = kind(horizon=3, particles=4, resample=resample, normalise="excess")

    def plan():
        walk = Walk(std=0.5)
        belief = dl.Belief(walk, log_ratio=lambda s, a, s_next: s_next[..., 0], offset=torch.tensor([0.5, 0.7]))
        return planner.plan(belief, walk.initial_state(2), generator=dl.seeded(0))

    expected = plan()
    with Elsewhere():
        found = plan()
    assert isinstance(found.value, Away)
    assert torch.equal(found.value.cpu(), expected.value)


def test_diagnostics_and_exact_ratios_are_found_elsewhere():
    def found():
        env, log_w = dl.IcyRoad(), torch.randn(2, 50, generator=dl.seeded(0))
        model = dl.DynamicsModel(env, 1, generator=dl.seeded(0))
        state, action = env.initial_state(3), torch.tensor([0, 1, 2])
        p, q = env.transition(state, action), model.transition(state, action)
        calibrated = dl.diagnostics.calibration(log_w[0], log_w[1])
        yield from (dl.diagnostics.effective_sample_size(log_w), dl.diagnostics.pareto_k(log_w))
        yield from (calibrated.predicted.nan_to_num(), calibrated.count)
        yield from (dl.exact.next_reward(env, p), dl.exact.log_ratio(env, model, state, action, state + 0.1))
        yield dl.exact.weight_second_moment(p, q)
        yield from (*dl.return_weights(log_w), dl.exact.value(env, dl.every_sequence(3, 2)))

    expected = list(found())
    with Elsewhere():
        other = list(found())
    for one, away in zip(expected, other, strict=True):
        assert isinstance(away, Away)
        assert torch.equal(away.cpu(), one)
