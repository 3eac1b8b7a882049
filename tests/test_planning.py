"""The planners: what they propose, what they choose, and the particles behind a plan."""

import itertools
import tracemalloc
from dataclasses import dataclass, replace
from functools import partial

import pytest
import torch

import damlite as dl
from damlite.mixture import Kinematics, Mixture
from damlite.planning import IteratedPlanner, Planner

PLANNERS = [dl.Exhaustive(), dl.RandomShooting(candidates=200), dl.CrossEntropy(), dl.MPPI()]
WIDE = dl.IcyRoad(swerve_prob=0.5)  # a wrong model of the icy road whose exact ratio is known


log_ratio = partial(dl.exact.log_ratio, dl.IcyRoad(), WIDE)


class Table(dl.Environment):
    """Six steps with a reward for each action, no two sequences worth the same; it keeps the sequences it was asked."""

    horizon, n_actions, state_names, action_names = 6, 3, ("step",), ("a", "b", "c")
    rewards = torch.rand(6, 3, generator=dl.seeded(0))

    def __init__(self):
        self.asked, self.steps_taken = [], 0

    def initial_state(self, *batch):
        return torch.zeros(*batch, 1)

    def transition(self, state, action):
        self.steps_taken += 1
        line = Kinematics.every_coordinate(1)
        return Mixture(torch.zeros_like(state), state[..., None] + 1, torch.zeros_like(state)[..., None], state, line)

    def reward(self, state, action):
        self.asked.append(action)
        return self.rewards[state[..., 0].long(), action]

    def value(self, sequences):
        return self.rewards[torch.arange(sequences.shape[-1]), sequences].sum(-1)


def test_every_sequence_is_every_one():
    assert dl.every_sequence(3, 4).tolist() == [list(row) for row in itertools.product(range(3), repeat=4)]
    assert dl.every_sequence(2, 1).tolist() == [[0], [1]]


def test_a_single_action_has_one_sequence_however_long():
    assert torch.equal(dl.every_sequence(1, 10**6), torch.zeros(1, 10**6, dtype=torch.long))


def test_a_long_hold_is_no_longer_than_the_horizon():
    assert dl.Exhaustive(hold=(2, 10**9)).propose(2, (), 1000, None).tolist() == [
        [i, i] + [j] * 998 for i in range(2) for j in range(2)
    ]
    tracemalloc.start()
    assert dl.Exhaustive(hold=5000).propose(2, (), 5000, None).shape == (2, 5000)
    assert tracemalloc.get_traced_memory()[1] < 5e6  # 25 million numbers take forty times as much
    tracemalloc.stop()


@pytest.mark.parametrize("planner", PLANNERS)
def test_planners_through_the_true_road_are_near_the_optimum(env, planner):
    driven = dl.collect(env, dl.policy(planner, dl.Belief(env)), episodes=100, generator=dl.seeded(0))
    assert driven.returns.mean() > dl.exact.optimum(env) - 1


def test_one_particle_of_its_own_makes_the_oracle_reckless(env):
    reckless = dl.Exhaustive(particles=1, common_random_numbers=False)
    driven = dl.collect(env, dl.policy(reckless, dl.Belief(env)), episodes=400, generator=dl.seeded(0))
    assert driven.returns.mean() < dl.exact.optimum(env) - 2


def test_exact_weights_make_an_optimistic_model_drive_well(env):
    """Where a kick looks four times rarer than it is: about 8.5 with weights and 1 without, each ± 0.5."""
    optimistic, returns = dl.IcyRoad(swerve_prob=0.2), []
    for log_ratio in (partial(dl.exact.log_ratio, env, optimistic), None):
        act = dl.policy(dl.Exhaustive(), dl.Belief(env, optimistic, log_ratio))
        returns.append(dl.collect(env, act, episodes=200, generator=dl.seeded(0)).returns.mean())
    assert returns[0] > returns[1] + 3


def test_a_plan_is_whole(env, generator):
    plan = dl.Exhaustive(horizon=3).plan(dl.Belief(env), env.initial_state(2, 4), generator=generator)
    assert plan.action.shape == plan.value.shape == (2, 4)
    assert plan.actions.shape == plan.effective_sample_size.shape == (2, 4, 3)
    assert plan.states.shape == (2, 4, 3, 20, 4)
    assert plan.log_weights.shape == (2, 4, 3, 20)
    assert torch.equal(plan.actions[..., 0], plan.action)
    torch.testing.assert_close(plan.effective_sample_size, torch.full((2, 4, 3), 20.0))


@pytest.mark.parametrize("batch", [(), (2, 3)])
@pytest.mark.parametrize("estimator", ["per_decision", "trajectory"])
@pytest.mark.parametrize(
    "planner",
    [*PLANNERS, dl.Exhaustive(common_random_numbers=False), dl.RandomShooting(common_random_numbers=False)],
    ids=["tree", "shooting", "cross-entropy", "mppi", "exhaustive-own", "shooting-own"],
)
def test_a_plan_holds_the_very_particles_that_it_was_valued_with(env, planner, estimator, batch):
    planner, c = replace(planner, estimator=estimator, clip=2.0, particles=7), -1.5
    plan = planner.plan(dl.Belief(env, WIDE, log_ratio, c), env.initial_state(*batch), generator=dl.seeded(0))
    states, actions = plan.states, plan.actions[..., None].expand(*batch, 5, 7)
    now, later = states[..., :-1, :, :], states[..., 1:, :, :]
    torch.testing.assert_close(later[..., :2], now[..., :2] + later[..., 2:])
    grown = plan.log_weights[..., :-1, :] + log_ratio(now, actions[..., :-1, :], later).clamp(-2, 2)
    torch.testing.assert_close(plan.log_weights[..., 1:, :], grown)
    assert (plan.log_weights[..., 0, :] == 0).all()
    w, shifted = plan.log_weights.exp(), env.reward(states, actions) - c
    if estimator == "per_decision":
        value = ((w * shifted).mean(-1) + c).sum(-1)
    else:
        value = (w[..., -1, :] * shifted.sum(-2)).mean(-1) + 5 * c
    torch.testing.assert_close(plan.value, value)
    torch.testing.assert_close(plan.effective_sample_size, w.sum(-1) ** 2 / w.square().sum(-1))


def test_a_plan_is_the_best_that_estimate_value_finds(env):
    how = {"particles": 9, "clip": 1.0, "common_random_numbers": True, "stratified": True}
    plan = dl.Exhaustive(particles=9, clip=1.0).plan(
        dl.Belief(env, WIDE, log_ratio, -2.0), env.initial_state(), generator=dl.seeded(0)
    )
    sequences = dl.every_sequence(3, 5)
    values = dl.estimate_value(
        WIDE, env.reward, env.initial_state(), sequences, log_ratio, offset=-2.0, generator=dl.seeded(0), **how
    )
    assert plan.value == values.max()
    assert plan.actions.tolist() == sequences[values.argmax()].tolist()


@pytest.mark.parametrize("planner", [dl.Exhaustive, dl.RandomShooting, dl.CrossEntropy, dl.MPPI])
def test_planners_stratify_unless_told_otherwise(planner):
    """On a road without kicks the speed is a whole number plus noise: one of twenty in each twentieth, or not."""
    road = dl.IcyRoad(swerve_prob=0.0)
    for how, stratified in (({}, True), ({"stratified": False}, False)):
        plan = planner(**how).plan(dl.Belief(road), road.initial_state(), generator=dl.seeded(0))
        speed = plan.states[1:, :, 2]
        twentieths = (torch.special.ndtr((speed - speed.round()) / road.noise) * 20).long()
        assert (twentieths.sort(-1).values == torch.arange(20)).all(-1).tolist() == [stratified] * 4


def test_every_run_can_have_an_offset_of_its_own(env):
    planner, start = dl.Exhaustive(horizon=3), env.initial_state(2, 4)
    both = planner.plan(dl.Belief(env, WIDE, log_ratio, torch.tensor([0.0, -5.0])), start, generator=dl.seeded(0))
    for run, c in enumerate((0.0, -5.0)):
        alone = planner.plan(dl.Belief(env, WIDE, log_ratio, c), start, generator=dl.seeded(0))
        torch.testing.assert_close(both.value[run], alone.value[run])


@pytest.mark.parametrize("planner", PLANNERS)
@pytest.mark.parametrize("estimator", ["per_decision", "trajectory", "eq4"])
def test_every_planner_can_resample_add_and_discount(env, planner, estimator):
    belief, start = dl.Belief(env, WIDE, log_ratio, -1.0), env.initial_state(3)
    for how in ({"resample": 0.9}, {"correction": "reward"}, {"discount": 0.5}, {"flatten": 0.5}):
        plan = replace(planner, estimator=estimator, particles=6, **how).plan(belief, start, generator=dl.seeded(0))
        assert plan.states.shape == (3, 5, 6, 4)
        assert plan.value.isfinite().all()
    impatient = replace(planner, discount=0.0).plan(belief, start, generator=dl.seeded(0))
    assert impatient.value.tolist() == pytest.approx([1.0] * 3)  # the first speed, whatever is planned


def test_planning_leaves_no_gradients(env):
    model, disc = dl.DynamicsModel(env), dl.Discriminator(env)
    plan = dl.Exhaustive(horizon=2).plan(dl.Belief(env, model, disc.log_ratio), env.initial_state())
    assert not any(x.requires_grad for x in (plan.value, plan.states, plan.log_weights))


def test_random_shooting_takes_the_best_of_its_candidates():
    env = Table()
    planner = dl.RandomShooting(horizon=6, candidates=30, particles=1, common_random_numbers=False)
    plan = planner.plan(dl.Belief(env), env.initial_state(), generator=dl.seeded(0))
    (sequences,) = env.asked
    assert sequences.shape == (30, 6)
    assert len(sequences.unique(dim=0)) > 20
    assert plan.actions.tolist() == sequences[env.value(sequences).argmax()].tolist()
    assert plan.value.item() == pytest.approx(env.value(sequences).max().item())


def test_cross_entropy_moves_towards_how_often_the_best_take_each_action():
    """Two of four are elites; a quarter of the old distribution stays. The second state's order is another."""
    planner = dl.CrossEntropy(candidates=4, elites=2, smoothing=0.25)
    sequences = torch.tensor([[0, 1], [2, 1], [2, 0], [1, 1]]).expand(2, 4, 2)
    values = torch.tensor([[1.0, 4.0, 3.0, -torch.inf], [5.0, -2.0, -1.0, 6.0]])
    new = planner.refit(torch.full((2, 1, 2, 3), 1 / 3), sequences, values)
    elites = torch.tensor([[[0.0, 0.0, 1.0], [0.5, 0.5, 0.0]], [[0.5, 0.5, 0.0], [0.0, 1.0, 0.0]]])
    torch.testing.assert_close(new, (0.25 / 3 + 0.75 * elites)[:, None])


def judged_by_cross_entropy(seed=0, **how):
    """The sequences of each iteration, and the plan."""
    env = Table()
    planner = dl.CrossEntropy(horizon=6, candidates=5, elites=1, particles=1, common_random_numbers=False, **how)
    plan = planner.plan(dl.Belief(env), env.initial_state(), generator=dl.seeded(seed))
    return env, env.asked, plan


def test_cross_entropy_draws_from_what_it_was_refitted_to():
    """With one elite and no smoothing the second draw is five times the best of the first."""
    for seed in range(5):
        env, (first, second, third), plan = judged_by_cross_entropy(seed, iterations=3, smoothing=0.0)
        assert len(first.unique(dim=0)) > 1
        best = first[env.value(first).argmax()].tolist()
        assert second.tolist() == third.tolist() == [best] * 5
        assert plan.actions.tolist() == best


def test_cross_entropy_judges_once_an_iteration():
    for iterations in (1, 2, 4):
        env, judged, _ = judged_by_cross_entropy(iterations=iterations)
        assert len(judged) == iterations
        assert env.steps_taken == iterations * 5


def test_cross_entropys_plan_is_the_best_of_the_last_draw():
    """With full smoothing each draw is as good as the first, so that the best of all is often an earlier one."""
    earlier = 0
    for seed in range(10):
        env, judged, plan = judged_by_cross_entropy(seed, smoothing=1.0)
        last = env.value(judged[-1])
        assert plan.actions.tolist() == judged[-1][last.argmax()].tolist()
        assert plan.value.item() == pytest.approx(last.max().item())
        earlier += bool(env.value(torch.cat(judged[:-1])).max() > last.max())
    assert earlier > 0


def test_cross_entropy_imagines_with_the_same_numbers_in_every_iteration():
    seen = []

    class Watched(dl.IcyRoad):
        def reward(self, state, action):
            seen.append(state)
            return super().reward(state, action)

    planner = dl.CrossEntropy(candidates=4, elites=1, smoothing=0.0, iterations=3, common_random_numbers=False)
    planner.plan(dl.Belief(Watched()), Watched().initial_state(), generator=dl.seeded(0))
    _, second, third = seen  # (4, 5 · 20, S), of the same four sequences
    assert torch.equal(second, third)
    assert len(second[:, 20:40, 2].unique()) == 4 * 20


def test_mppi_moves_towards_what_candidates_of_great_value_do():
    """Weights 1, 4, 0 and 3 of eight with λ = 2; a quarter of the old distribution stays."""
    planner = dl.MPPI(candidates=4, temperature=2.0, smoothing=0.25)
    sequences = torch.tensor([[0, 1], [2, 1], [2, 0], [1, 1]])
    values = 5 + 2 * torch.tensor([1.0, 4.0, 0.0, 3.0]).log()
    new = planner.refit(torch.full((1, 2, 3), 1 / 3), sequences, values)
    weighted = torch.tensor([[1.0, 3.0, 4.0], [0.0, 8.0, 0.0]]) / 8
    torch.testing.assert_close(new, (0.25 / 3 + 0.75 * weighted)[None])


def test_mppi_drives_the_action_of_the_greatest_weight_and_not_the_best_candidate():
    """Two states: five of eight for action 1, which holds no best candidate; and six of eight for the best's own."""
    sequences = torch.tensor([[0, 1], [1, 1], [1, 0], [2, 2]])
    weights = torch.tensor([[3.0, 2.4, 2.6, 0.0], [6.0, 1.0, 1.0, 0.0]])
    env, planner = Table(), dl.MPPI(candidates=4, particles=1, horizon=2)
    _, imagined = planner.judge(dl.Belief(env), env.initial_state(2), sequences, None)
    plan = planner.choose(sequences, weights.log(), imagined)
    assert plan.actions.tolist() == [[1, 0], [0, 1]]
    torch.testing.assert_close(plan.value.exp(), torch.tensor([2.6, 6.0]))


def test_a_cold_mppi_is_cross_entropy_with_one_elite():
    """Where no two sequences are worth the same: equals count equally, and one elite is one of them."""
    env, how = Table(), {"candidates": 20, "particles": 1, "horizon": 6, "smoothing": 0.1}
    cold, one = dl.MPPI(temperature=1e-6, **how), dl.CrossEntropy(elites=1, **how)
    plans = [p.plan(dl.Belief(env), env.initial_state(50), generator=dl.seeded(0)) for p in (cold, one)]
    assert torch.equal(plans[0].actions, plans[1].actions)
    assert torch.equal(plans[0].value, plans[1].value)


def test_mppi_counts_values_and_temperatures_beyond_all_numbers():
    values = torch.tensor([[3.0, -1.0, 3.0, -torch.inf], [torch.inf, 0.0, 1.0, 2.0], [-torch.inf] * 4])
    expected = torch.tensor([[0.5, 0.0, 0.5, 0.0], [1.0, 0.0, 0.0, 0.0], [0.25] * 4])
    for temperature in (1e-40, 1e-300):
        assert torch.equal(dl.MPPI(temperature=temperature).count(values), expected)
    ordinary = torch.randn(5, 50, generator=dl.seeded(0))
    assert torch.equal(dl.MPPI(temperature=0.3).count(ordinary), (ordinary / 0.3).softmax(-1))


def test_mppi_plans_where_every_reward_is_minus_infinity(env):
    class Hopeless(dl.IcyRoad):
        def reward(self, state, action):
            return torch.full(action.shape, -torch.inf)

    for planner in (dl.MPPI(particles=2, horizon=2), dl.MPPI(particles=2, horizon=2, temperature=1e-40)):
        assert planner.plan(dl.Belief(Hopeless()), env.initial_state()).value == -torch.inf


@pytest.mark.parametrize("planner", PLANNERS)
def test_what_is_no_number_is_never_chosen(env, planner):
    """A reward, and a log-ratio, that are NaN in some imagined states only: faster than 2."""

    class Blind(dl.IcyRoad):
        def reward(self, state, action):
            return super().reward(state, action).masked_fill(state[..., 2] > 2.5, torch.nan)

    def blind_ratio(state, action, next_state):
        return log_ratio(state, action, next_state).masked_fill(next_state[..., 2] > 2.5, torch.nan)

    for belief in (dl.Belief(Blind()), dl.Belief(env, WIDE, blind_ratio)):
        plan = planner.plan(belief, env.initial_state(7), generator=dl.seeded(0))
        assert plan.value.isfinite().all()
        assert (plan.states[..., 2] < 2.5).all()
        assert plan.log_weights.isfinite().all()


@pytest.mark.parametrize("planner", PLANNERS)
def test_nothing_but_nan_is_an_error(env, planner):
    belief = dl.Belief(env, log_ratio=lambda state, action, next_state: torch.full(action.shape, torch.nan))
    with pytest.raises(ValueError, match="must be numbers for what is imagined, got NaN for every sequence"):
        planner.plan(belief, env.initial_state(2))


@pytest.mark.parametrize("planner", [dl.Exhaustive(), dl.RandomShooting(), dl.CrossEntropy(), dl.MPPI()])
def test_a_policy_never_plans_past_the_episodes_end(env, planner):
    @dataclass(frozen=True, kw_only=True)
    class Watched(type(planner)):
        def plan(self, *given, **how):
            plan = super().plan(*given, **how)
            lengths.append(plan.actions.shape[-1])
            return plan

    for horizon, expected in ((3, [3, 3, 3, 2, 1]), (9, [5, 4, 3, 2, 1])):
        lengths = []
        dl.collect(env, dl.policy(Watched(horizon=horizon), dl.Belief(env)), episodes=2)
        assert lengths == expected


def test_a_policy_of_a_shorter_road_says_so(env):
    class Short(dl.IcyRoad):
        horizon = 3

    act = dl.policy(dl.Exhaustive(particles=2), dl.Belief(Short()))
    with pytest.raises(ValueError, match=r"belief must be of an env as long as the road .* got horizon = 3"):
        dl.collect(env, act, episodes=2)


def test_planning_runs_on_one_thread_and_gives_the_others_back(env, three_threads):
    seen = []

    class Watched(dl.IcyRoad):
        def reward(self, state, action):
            seen.append(torch.get_num_threads())
            return super().reward(state, action)

    class Broken(dl.IcyRoad):
        def reward(self, state, action):
            raise KeyboardInterrupt

    for planner in PLANNERS:
        planner.plan(dl.Belief(Watched()), env.initial_state())
        assert set(seen) == {1}
        assert torch.get_num_threads() == 3
        with pytest.raises(KeyboardInterrupt):
            planner.plan(dl.Belief(Broken()), env.initial_state())
        assert torch.get_num_threads() == 3


@pytest.mark.parametrize("planner", [dl.Exhaustive, dl.RandomShooting, dl.CrossEntropy, dl.MPPI, dl.Estimator])
def test_numbers_without_names_are_refused(planner):
    with pytest.raises(TypeError, match="positional"):
        planner(15)


def belief_of(q=1, d=1):
    """What networks of so many runs make one believe."""
    g = dl.seeded(1)
    return dl.Belief(WIDE, dl.DynamicsModel(WIDE, runs=q, generator=g), dl.Discriminator(WIDE, d, g).log_ratio)


def test_one_network_may_have_runs_and_the_other_one():
    planner = dl.Exhaustive(horizon=2, particles=2)
    for belief in (belief_of(q=3), belief_of(d=3), belief_of(q=3, d=3)):
        assert planner.plan(belief, torch.zeros(3, 2, 4), generator=dl.seeded(0)).action.shape == (3, 2)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: dl.Exhaustive(horizon=-1), "horizon must be a positive integer, got -1"),
        (lambda: dl.RandomShooting(horizon=0), "horizon must be a positive integer, got 0"),
        (lambda: dl.RandomShooting(candidates=2.5), "candidates must be a positive integer, got 2.5"),
        (lambda: dl.CrossEntropy(elites=99), "elites must be at most candidates = 50, got 99"),
        (lambda: dl.CrossEntropy(elites=0), "elites must be a positive integer, got 0"),
        (lambda: dl.CrossEntropy(smoothing=2), r"smoothing must be a finite number in \[0, 1\], got 2"),
        (lambda: dl.CrossEntropy(iterations=0), "iterations must be a positive integer, got 0"),
        (lambda: dl.MPPI(temperature=0), "temperature must be above 0, got 0"),
        (lambda: dl.MPPI(temperature=-1), "temperature must be a finite number in"),
        (lambda: dl.MPPI(candidates=0), "candidates must be a positive integer, got 0"),
        (lambda: dl.Exhaustive(discount=2), "discount must be a finite number in"),
        (lambda: dl.Exhaustive(particles=0), "particles must be a positive integer, got 0"),
        (lambda: dl.Exhaustive(weight="exp"), "weight must be one of 'ratio', 'sigmoid', got 'exp'"),
        (lambda: dl.Exhaustive(normalise="exces"), "normalise must be one of False, True, 'excess', got 'exces'"),
        (lambda: dl.Exhaustive(clip=-1), "clip must be a finite number"),
        (lambda: dl.Exhaustive(hold=0), "hold must be a positive integer or a tuple of them, got 0"),
        (lambda: dl.Belief("road"), "env must be an Environment, got 'road'"),
        (lambda: dl.Belief(dl.IcyRoad(), "model"), "dynamics must have a transition.*got 'model'"),
        (lambda: dl.Belief(dl.IcyRoad(), None, 1.0), "log_ratio must be a function.*got 1.0"),
        (lambda: belief_of(q=3, d=2), "dynamics and log_ratio must have equally many runs, got 3 and 2"),
        (
            lambda: dl.RandomShooting(candidates=3, common_random_numbers=False).plan(belief_of(q=3), torch.zeros(4)),
            r"state must have a leading axis of runs = 3, got batch \(\)",
        ),
        (
            lambda: dl.Exhaustive(horizon=2, particles=1).plan(belief_of(d=3), torch.zeros(9, 4)),
            r"state must have a leading axis of runs = 3, got batch \(9,\)",
        ),
        (
            lambda: dl.Belief(WIDE, None, dl.Discriminator(dl.Intersection()).log_ratio),
            r"log_ratio must be of the env's road, with \(coordinates, actions\) \(4, 3\), got \(10, 3\)",
        ),
        (
            lambda: dl.Belief(dl.Intersection(), dl.DynamicsModel(dl.Distracted(env=WIDE, distractors=6))),
            r"dynamics must be of the env's road, with coordinates \(.*\), got \(.*'distractor 6'\)",
        ),
        (lambda: dl.Exhaustive().plan(dl.Belief(WIDE), WIDE.initial_state(), 0), "steps must be a positive integer"),
        (lambda: dl.Exhaustive().plan(dl.Belief(WIDE), torch.zeros(3)), r"state must have shape \(..., 4\)"),
    ],
)
def test_bad_planners_and_beliefs_are_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_what_a_planner_of_ones_own_lacks_is_named(env):
    @dataclass(frozen=True, kw_only=True)
    class Idle(Planner):
        pass

    @dataclass(frozen=True, kw_only=True)
    class Undecided(IteratedPlanner):
        pass

    for planner, lacking in ((Idle(), "Idle needs a propose"), (Undecided(), "Undecided needs a count")):
        with pytest.raises(NotImplementedError, match=lacking):
            planner.plan(dl.Belief(env), env.initial_state())


def test_held_actions_are_every_sequence_of_blocks():
    """Five steps of actions held for three: 3² sequences, of which the last block is cut; the best is found."""
    env = dl.IcyRoad(noise=0.0, swerve_prob=0.0)
    planner = dl.Exhaustive(horizon=5, particles=1, hold=3)
    plan = planner.plan(dl.Belief(env), env.initial_state())
    assert plan.actions.tolist() == [2] * 5
    blocks = torch.tensor([[first] * 3 + [last] * 2 for first in range(3) for last in range(3)])
    values = dl.estimate_value(env, env.reward, env.initial_state(), blocks, particles=1)
    assert float(plan.value) == pytest.approx(float(values.max()))
    short = planner.plan(dl.Belief(env), env.initial_state(), 2)
    assert short.actions.tolist() == [2, 2]


def test_each_choice_can_have_a_hold_of_its_own():
    """Holds of 1, 2 and then 4 steps, the last for all that follow: 3³ sequences of seven steps, and 3⁴ of eight."""
    env = dl.IcyRoad(noise=0.0, swerve_prob=0.0)
    belief, start = dl.Belief(env), env.initial_state()
    planner = dl.Exhaustive(horizon=8, particles=1, hold=(1, 2, 4))
    for steps, lengths in {1: [1], 2: [1, 1], 7: [1, 2, 4], 8: [1, 2, 4, 1]}.items():
        choices = torch.cartesian_prod(*[torch.arange(3)] * len(lengths)).reshape(-1, len(lengths))
        sequences = choices.repeat_interleave(torch.tensor(lengths), dim=-1)
        values = dl.estimate_value(env, env.reward, start, sequences, particles=1)
        plan = planner.plan(belief, start, steps)
        assert plan.actions.tolist() in sequences[values == values.max()].tolist()
        assert float(plan.value) == pytest.approx(float(values.max()))
    same = (dl.Exhaustive(horizon=6, hold=hold).plan(belief, start) for hold in (2, (2,), [2], (2, 2, 2)))
    assert len({tuple(plan.actions.tolist()) for plan in same}) == 1
    for bad in ((), (3, 0), [3, 0], "far"):
        with pytest.raises(ValueError, match="hold must be a positive integer or a tuple of them, got"):
            dl.Exhaustive(hold=bad)


def test_further_choices_are_held_like_the_last():
    """Eleven steps held 1, 2, 4 and 4: 3⁴ sequences; and no more than it takes for seven."""
    planner = dl.Exhaustive(hold=(1, 2, 4))
    assert planner.propose(3, (), 11, None).tolist() == [
        [a, b, b, c, c, c, c, d, d, d, d] for a, b, c, d in itertools.product(range(3), repeat=4)
    ]
    assert planner.propose(2, (), 7, None).shape == (8, 7)


def test_all_candidates_may_be_elites():
    """Then all count alike."""
    assert dl.CrossEntropy(candidates=3, elites=3).count(torch.tensor([1.0, 5.0, 2.0])).tolist() == [1, 1, 1]


@pytest.mark.parametrize("planner", PLANNERS)
def test_a_plan_is_its_generators(env, planner):
    """The same numbers from the same generator, others from a later state of it, and every plan moves it on."""
    belief, start, generator = dl.Belief(env), env.initial_state(), dl.seeded(0)
    first, later = (planner.plan(belief, start, generator=generator) for _ in range(2))
    again = planner.plan(belief, start, generator=dl.seeded(0))
    assert torch.equal(first.states, again.states) and torch.equal(first.actions, again.actions)
    assert not torch.equal(first.states, later.states)


def test_holding_actions_plans_well_through_the_true_intersection():
    """Through the truth, with our recipe's planner: about 104 with a standard error of 2, and no crash."""
    env = dl.Intersection()
    act = dl.policy(dl.our_recipe(env).planner, dl.Belief(env))
    sides = [dl.collect(road, act, episodes=6, generator=dl.seeded(0)) for road in env.sides()]
    assert torch.stack([side.returns for side in sides]).mean() > 92
    assert not any(env.crashed(side.state).any() for side in sides)


def test_a_road_in_the_place_of_a_belief_is_named(env):
    with pytest.raises(
        ValueError, match=r"belief must be a Belief, as Belief\(env, model, disc.log_ratio\) is, got IcyRoad"
    ):
        dl.policy(dl.Exhaustive(), env)
