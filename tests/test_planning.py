"""ESTIMATEVALUE and the planners against exact values."""

import pytest
import torch

import damlite as dl
from damlite.mixture import Kinematics, Mixture
from damlite.planning import every_sequence, weighted_return

SEQUENCES = every_sequence(3, 5)[::3]  # the 81 that matter
ALWAYS_ACCELERATE = torch.full((5,), 2)


class WrongGaussian:
    """IcyRoad's speeds, and a lateral velocity that spreads over both swerves: what maximum likelihood fits."""

    kinematics = dl.IcyRoad.kinematics

    def transition(self, state, action):
        speed = state[..., 2].round() + (action - 1)
        spread = torch.where(speed > 2, 1.45, 0.06)
        means = torch.stack([speed, state[..., 3].expand_as(speed)], -1)[..., None, :]
        stds = torch.stack([torch.full_like(spread, 0.06), spread], -1)[..., None, :]
        return Mixture(torch.zeros(*speed.shape, 1), means, stds, state.expand(*speed.shape, 4), self.kinematics)


def exact_ratio(env, model):
    return lambda s, a, s2: env.transition(s, a).log_prob(s2) - model.transition(s, a).log_prob(s2)


def repeated(env, dynamics, sequences, log_ratio=None, repeats=50, particles=1000, **how):
    """Mean and standard error over independent estimates, shape (C,)."""
    g = torch.Generator().manual_seed(1)
    values = dl.estimate_value(
        dynamics,
        env.reward,
        env.initial_state(repeats, 1),
        sequences.expand(repeats, *sequences.shape),
        log_ratio,
        particles=particles,
        generator=g,
        **how,
    )
    return values.mean(0), values.std(0) / repeats**0.5


def test_through_the_true_road_all_81_values_are_exact(env):
    mean, error = repeated(env, env, SEQUENCES)
    assert ((mean - dl.exact.value(env, SEQUENCES)).abs() <= 4 * error).all()


@pytest.mark.parametrize("estimator", ["per_decision", "eq4", "trajectory"])
def test_exact_weights_repair_a_wrong_model(env, estimator):
    model, chosen = (
        WrongGaussian(),
        torch.stack([ALWAYS_ACCELERATE, torch.tensor([2, 1, 1, 1, 1]), torch.tensor([2, 2, 1, 1, 1])]),
    )
    mean, error = repeated(env, model, chosen, exact_ratio(env, model), particles=4000, estimator=estimator)
    assert ((mean - dl.exact.value(env, chosen)).abs() <= 4 * error).all()


def test_exact_weights_repair_all_81_values(env):
    model = WrongGaussian()
    mean, error = repeated(env, model, SEQUENCES, exact_ratio(env, model), particles=2000, repeats=40)
    assert ((mean - dl.exact.value(env, SEQUENCES)).abs() <= 4 * error).all()


def test_without_weights_the_wrong_model_is_far_off(env):
    mean, error = repeated(env, WrongGaussian(), ALWAYS_ACCELERATE[None])
    assert abs(mean - dl.exact.value(env, ALWAYS_ACCELERATE)) > 10 * error


def test_sigmoid_weights_fail(env):
    model = WrongGaussian()
    cruise = torch.tensor([[2, 1, 1, 1, 1]])
    mean, error = repeated(env, model, cruise, exact_ratio(env, model), weight="sigmoid")
    assert abs(mean - dl.exact.value(env, cruise)) > 10 * error
    # With a perfect model σ(0) = 1/2 is a hidden discount: 1 + 2/2 + 2/4 + 2/8 + 2/16, noise aside.
    mean, _ = repeated(env, env, cruise, lambda s, a, s2: torch.zeros(s2.shape[:-1]), weight="sigmoid")
    assert mean.item() == pytest.approx(2.875, abs=0.02)


def test_weights_before_the_transition_have_less_variance(env):
    model = WrongGaussian()
    errors = [
        repeated(env, model, ALWAYS_ACCELERATE[None], exact_ratio(env, model), estimator=e, repeats=200)[1].item()
        for e in ("per_decision", "trajectory")
    ]
    assert errors[0] < errors[1]


def test_estimators_by_hand():
    """One particle, rewards 1, 10, 100 and weights 2, 3, 5: every estimator written out."""
    line = Kinematics((0,), (0,), (1.0,), (0.0,))

    class Count:
        def transition(self, state, action):
            return Mixture(
                torch.zeros(*state.shape[:-1], 1),
                state[..., None, :] + 1,
                torch.zeros(*state.shape[:-1], 1, 1),
                state,
                line,
            )

    def estimate(**how):
        log_weight = torch.tensor([2.0, 3.0, 5.0]).log()
        return dl.estimate_value(
            Count(),
            lambda s, a: 10 ** s[..., 0],
            torch.zeros(1),
            torch.zeros(3, dtype=torch.long),
            lambda s, a, s2: log_weight[s[..., 0].long()],
            particles=1,
            **how,
        ).item()

    assert estimate() == pytest.approx(1 + 2 * 10 + 6 * 100)
    assert estimate(estimator="eq4") == pytest.approx(2 * 1 + 6 * 10 + 30 * 100)
    assert estimate(estimator="trajectory") == pytest.approx(6 * 111)
    assert estimate(normalise=True) == pytest.approx(111)
    assert estimate(normalise="excess") == pytest.approx(111)  # every product is above one
    assert estimate(clip=0.0) == pytest.approx(111)


def test_self_normalised_weights_average_to_one(env):
    model = WrongGaussian()
    mean, error = repeated(env, model, SEQUENCES, exact_ratio(env, model), normalise=True, particles=4000)
    assert ((mean - dl.exact.value(env, SEQUENCES)).abs() <= 4 * error + 0.05).all()


def test_only_mean_weights_above_one_are_divided_away():
    """Two particles; mean weights 1/2 and 2 along the first and the second sequence."""
    log_weight = torch.tensor([[0.25, 0.75], [1.0, 3.0]]).log()
    step = dl.planning.ImaginedStep(torch.tensor([[8.0, 4.0], [8.0, 4.0]]), log_weight, None)
    assert weighted_return([step], normalise="excess").tolist() == pytest.approx([2.5, (4 + 6) / 2])
    huge = dl.planning.ImaginedStep(torch.ones(1, 2), torch.tensor([[200.0, 200.0]]), None)
    assert weighted_return([huge], normalise="excess").tolist() == pytest.approx([1.0])
    with pytest.raises(ValueError, match="normalise must be one of False, True, 'excess', got 'exces'"):
        dl.Exhaustive(normalise="exces")


def test_dividing_excess_away_leaves_exact_weights_nearly_unbiased(env):
    """With exact ratios the mean weight is one but for chance, so that little is divided away."""
    model = WrongGaussian()
    mean, error = repeated(
        env, model, SEQUENCES, exact_ratio(env, model), normalise="excess", repeats=10, particles=4000
    )
    assert ((mean - dl.exact.value(env, SEQUENCES)).abs() <= 4 * error + 0.15).all()


def test_shared_beginnings_give_the_values_of_separate_ones(env):
    how = {"particles": 50, "common_random_numbers": True}
    model = WrongGaussian()
    shared, separate = (
        dl.estimate_value(
            model,
            env.reward,
            state,
            actions,
            exact_ratio(env, model),
            **how,
            generator=torch.Generator().manual_seed(0),
        )
        for state, actions in ((env.initial_state(), SEQUENCES), (env.initial_state(1), SEQUENCES[None]))
    )
    torch.testing.assert_close(shared, separate[0])


def test_common_random_numbers_are_common(env):
    twice = torch.stack([ALWAYS_ACCELERATE, ALWAYS_ACCELERATE])
    how = {"particles": 5, "generator": torch.Generator().manual_seed(0)}
    common = dl.estimate_value(env, env.reward, env.initial_state(1), twice[None], common_random_numbers=True, **how)
    own = dl.estimate_value(env, env.reward, env.initial_state(1), twice[None], **how)
    assert common[0, 0] == common[0, 1]
    assert own[0, 0] != own[0, 1]


@pytest.mark.parametrize("planner", [dl.Exhaustive(), dl.RandomShooting(candidates=200), dl.CrossEntropy()])
def test_planners_through_the_true_road_are_near_the_optimum(env, planner):
    driven = dl.collect(env, dl.policy(planner, env, env), episodes=100, generator=torch.Generator().manual_seed(0))
    assert driven.returns.mean() > dl.exact.optimum(env) - 0.6


def test_one_particle_of_its_own_makes_the_oracle_reckless(env):
    reckless = dl.Exhaustive(particles=1, common_random_numbers=False)
    driven = dl.collect(env, dl.policy(reckless, env, env), episodes=100, generator=torch.Generator().manual_seed(0))
    assert driven.returns.mean() < dl.exact.optimum(env) - 3


def test_a_plan_is_whole(env, generator):
    plan = dl.Exhaustive(horizon=3).plan(env, env, env.initial_state(2, 4), generator=generator)
    assert plan.action.shape == plan.value.shape == (2, 4)
    assert plan.actions.shape == plan.effective_sample_size.shape == (2, 4, 3)
    assert torch.equal(plan.actions[..., 0], plan.action)
    torch.testing.assert_close(plan.effective_sample_size, torch.full((2, 4, 3), 20.0))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: dl.Exhaustive(horizon=-1), "horizon must be a positive integer, got -1"),
        (lambda: dl.RandomShooting(horizon=0), "horizon must be a positive integer, got 0"),
        (lambda: dl.RandomShooting(candidates=2.5), "candidates must be a positive integer, got 2.5"),
        (lambda: dl.CrossEntropy(elites=99), "elites must be at most candidates = 50, got 99"),
        (lambda: dl.CrossEntropy(smoothing=2), "smoothing must be a finite number"),
        (lambda: dl.Exhaustive(particles=0), "particles must be a positive integer, got 0"),
        (lambda: dl.Exhaustive(weight="exp"), "weight must be one of 'ratio', 'sigmoid', got 'exp'"),
        (lambda: dl.Exhaustive(clip=-1), "clip must be a finite number"),
    ],
)
def test_bad_planners_are_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"particles": 0}, "particles must be a positive integer"),
        ({"weight": "w"}, "weight must be one of"),
        ({"estimator": "best"}, "estimator must be one of"),
        ({"clip": -1}, "clip must be a finite number"),
        ({"actions": torch.zeros(0, dtype=torch.long)}, "actions \\(..., H\\) with H of at least 1"),
        ({"actions": torch.tensor([0, 7])}, "action must be integers from 0 to 2"),
        ({"state": torch.zeros(3)}, "state must have shape"),
        (
            {"state": torch.zeros(2, 4), "actions": torch.zeros(3, 5, dtype=torch.long)},
            "batch shapes must broadcast",
        ),
    ],
)
def test_bad_estimates_are_named(env, change, message):
    given = {"state": env.initial_state(), "actions": ALWAYS_ACCELERATE, **change}
    with pytest.raises(ValueError, match=message):
        dl.estimate_value(env, env.reward, **given)


def test_weighted_return_is_estimate_value(env):
    imagined = dl.imagine(env, env.reward, env.initial_state(), SEQUENCES, generator=torch.Generator().manual_seed(0))
    value = dl.estimate_value(
        env, env.reward, env.initial_state(), SEQUENCES, generator=torch.Generator().manual_seed(0)
    )
    assert torch.equal(weighted_return(imagined), value)


def test_held_actions_are_every_sequence_of_blocks():
    """Five steps of actions held for three: 3² sequences, of which the last block is cut; the best is found."""
    env = dl.IcyRoad(noise=0.0, swerve_prob=0.0)
    planner = dl.Exhaustive(horizon=5, particles=1, hold=3)
    plan = planner.plan(env, env, env.initial_state())
    assert plan.actions.tolist() == [2] * 5
    blocks = torch.tensor([[first] * 3 + [last] * 2 for first in range(3) for last in range(3)])
    values = dl.estimate_value(env, env.reward, env.initial_state(), blocks, particles=1)
    assert float(plan.value) == pytest.approx(float(values.max()))
    short = planner.plan(env, env, env.initial_state(), horizon=2)
    assert short.actions.tolist() == [2, 2]
    with pytest.raises(ValueError, match="hold must be a positive integer or a tuple of them, got 0"):
        dl.Exhaustive(hold=0)


def test_each_choice_can_have_a_hold_of_its_own():
    """Holds of 1, 2 and then 4 steps, the last for all that follow: 3³ sequences of seven steps, and 3⁴ of eight."""
    env = dl.IcyRoad(noise=0.0, swerve_prob=0.0)
    planner = dl.Exhaustive(horizon=8, particles=1, hold=(1, 2, 4))
    for horizon, lengths in {1: [1], 2: [1, 1], 7: [1, 2, 4], 8: [1, 2, 4, 1]}.items():
        choices = torch.cartesian_prod(*[torch.arange(3)] * len(lengths)).reshape(-1, len(lengths))
        sequences = choices.repeat_interleave(torch.tensor(lengths), dim=-1)
        values = dl.estimate_value(env, env.reward, env.initial_state(), sequences, particles=1)
        plan = planner.plan(env, env, env.initial_state(), horizon=horizon)
        assert plan.actions.tolist() in sequences[values == values.max()].tolist()
        assert float(plan.value) == pytest.approx(float(values.max()))
    same = (dl.Exhaustive(6, hold=hold).plan(env, env, env.initial_state()) for hold in (2, (2,), (2, 2, 2)))
    assert len({tuple(plan.actions.tolist()) for plan in same}) == 1
    for bad in ((), (3, 0), [3, 5], "far"):
        with pytest.raises(ValueError, match="hold must be a positive integer or a tuple of them, got"):
            dl.Exhaustive(hold=bad)


def test_holding_actions_plans_well_through_the_true_intersection():
    """Through the truth, with the recipe of the road: at least 99 of the about 103 that it reaches, and no crash."""
    env = dl.Intersection()
    act = dl.policy(dl.loop.default_recipe(env).planner, env, env)
    sides = [dl.collect(road, act, episodes=20, generator=torch.Generator().manual_seed(0)) for road in env.sides()]
    assert sum(side.returns.mean() for side in sides) / 2 > 99
    assert not any(env.crashed(side.state).any() for side in sides)


def test_an_offset_changes_no_exact_expectation_and_fits_runs():
    """With exact weights Σ_t E[w (r_t − c)] + c is the same for every c (E[w] = 1): within four standard errors."""
    env, g = dl.IcyRoad(), torch.Generator().manual_seed(0)
    wide = dl.IcyRoad(swerve_prob=0.5)  # a wrong model whose exact ratio is known
    actions = torch.tensor([2, 2, 1, 1, 1])

    def log_ratio(s, a, s2):
        return env.transition(s, a).log_prob(s2) - wide.transition(s, a).log_prob(s2)

    def estimates(offset):
        start = env.initial_state(400)
        return dl.estimate_value(
            wide, env.reward, start, actions, log_ratio, particles=50, offset=offset, generator=g
        ).double()

    for offset in (0.0, -3.0, 5.0):
        values = estimates(offset)
        assert abs(values.mean() - dl.exact.value(env, actions)) < 4 * values.std() / 20
    each = torch.tensor([-3.0, 0.0, 5.0])
    same = {"state": env.initial_state(3, 2), "actions": actions, "particles": 7, "log_ratio": log_ratio}
    for estimator in ("per_decision", "eq4", "trajectory"):
        how = {"estimator": estimator, **same}
        by_run, alone = (
            dl.estimate_value(wide, env.reward, **how, offset=c, generator=torch.Generator().manual_seed(1))
            for c in (each, 5.0)
        )
        torch.testing.assert_close(by_run[2], alone[2])
        assert (by_run[0] != alone[0]).any()
