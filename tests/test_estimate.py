"""ESTIMATEVALUE (Alg. 1) against exact values, and every choice in it by hand."""

import math
from functools import partial

import pytest
import torch

import damlite as dl
from damlite.mixture import Kinematics, Mixture
from damlite.resampling import survivors, systematic

SEQUENCES = dl.every_sequence(3, 5)[::3]  # the 81 that matter
ALWAYS_ACCELERATE = torch.full((5,), 2)
THREE = torch.stack([ALWAYS_ACCELERATE, torch.tensor([2, 1, 1, 1, 1]), torch.tensor([2, 2, 1, 1, 1])])
ESTIMATORS = ("per_decision", "eq4", "trajectory")
LINE = Kinematics.every_coordinate(1)


class WrongGaussian:
    """IcyRoad's speeds, and a lateral velocity that spreads over both swerves: what maximum likelihood fits."""

    kinematics = dl.IcyRoad.kinematics

    def transition(self, state, action):
        speed = state[..., 2].round() + (action - 1)
        spread = torch.where(speed > 2, 1.45, 0.06)
        means = torch.stack([speed, state[..., 3].expand_as(speed)], -1)[..., None, :]
        stds = torch.stack([torch.full_like(spread, 0.06), spread], -1)[..., None, :]
        return Mixture(torch.zeros(*speed.shape, 1), means, stds, state.expand(*speed.shape, 4), self.kinematics)


class OnALine:
    """One coordinate: Gaussian about `step` after the state, or about 0 if there is no step."""

    def __init__(self, step, std):
        self.step, self.std = step, std

    def transition(self, state, action):
        mean = (torch.zeros_like(state) if self.step is None else state + self.step)[..., None]
        return Mixture(torch.zeros_like(state), mean, torch.full_like(mean, self.std), state, LINE)


WRONG = WrongGaussian()
EXACT = partial(dl.exact.log_ratio, dl.IcyRoad(), WRONG)


def repeated(env, dynamics, sequences, log_ratio=None, repeats=100, particles=200, **how):
    """Mean and standard error over independent estimates, shape (C,); within one, beginnings are shared."""
    how = {"common_random_numbers": True, "particles": particles, "generator": dl.seeded(1), **how}
    values = dl.estimate_value(dynamics, env.reward, env.initial_state(repeats, 1), sequences, log_ratio, **how)
    return values.double().mean(0), values.double().std(0) / repeats**0.5


def test_through_the_true_road_all_81_values_are_exact(env):
    mean, error = repeated(env, env, SEQUENCES)
    assert ((mean - dl.exact.value(env, SEQUENCES)).abs() <= 5 * error).all()


@pytest.mark.parametrize("how", [{"common_random_numbers": False}, {"stratified": True}])
def test_neither_own_nor_stratified_numbers_move_a_value(env, how):
    mean, error = repeated(env, WRONG, THREE, EXACT, **how)
    assert ((mean - dl.exact.value(env, THREE)).abs() <= 5 * error).all()


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_exact_weights_repair_a_wrong_model(env, estimator):
    mean, error = repeated(env, WRONG, THREE, EXACT, particles=1000, estimator=estimator)
    assert ((mean - dl.exact.value(env, THREE)).abs() <= 5 * error).all()


def test_exact_weights_repair_all_81_values(env):
    mean, error = repeated(env, WRONG, SEQUENCES, EXACT)
    assert ((mean - dl.exact.value(env, SEQUENCES)).abs() <= 5 * error).all()


def test_without_weights_the_wrong_model_is_far_off(env):
    mean, error = repeated(env, WRONG, ALWAYS_ACCELERATE[None])
    assert abs(mean - dl.exact.value(env, ALWAYS_ACCELERATE)) > 10 * error


def test_sigmoid_weights_fail(env):
    cruise = torch.tensor([[2, 1, 1, 1, 1]])
    mean, error = repeated(env, WRONG, cruise, EXACT, weight="sigmoid")
    assert abs(mean - dl.exact.value(env, cruise)) > 10 * error
    # With a perfect model σ(0) = 1/2 is a hidden discount: 1 + 2/2 + 2/4 + 2/8 + 2/16, noise aside.
    mean, error = repeated(env, env, cruise, lambda s, a, s2: torch.zeros(s2.shape[:-1]), weight="sigmoid")
    assert abs(mean.item() - 2.875) < 5 * error.item()


def test_weights_before_the_transition_have_less_variance(env):
    spreads = [
        repeated(env, WRONG, ALWAYS_ACCELERATE[None], EXACT, estimator=estimator, repeats=3000, particles=20)[1].item()
        for estimator in ("per_decision", "trajectory")
    ]
    assert spreads[0] < spreads[1]


def test_estimators_by_hand():
    """One particle, rewards 1, 10, 100 and weights 2, 3, 5: every estimator written out."""
    log_weight = torch.tensor([2.0, 3.0, 5.0]).log()

    def estimate(**how):
        return dl.estimate_value(
            OnALine(1, 0.0),
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
    assert estimate(clip=float(torch.tensor(2.5).log())) == pytest.approx(1 + 2 * 10 + 5 * 100)
    assert estimate(flatten=0.5) == pytest.approx(1 + 2**0.5 * 10 + 6**0.5 * 100)
    assert estimate(flatten=0.0) == pytest.approx(111)
    assert estimate(flatten=0.5, clip=float(torch.tensor(1.5).log())) == pytest.approx(
        1 + 2**0.5 * 10 + 1.5 * 2**0.5 * 100
    )
    assert estimate(discount=0.5) == pytest.approx(1 + 2 * 10 / 2 + 6 * 100 / 4)
    assert estimate(discount=0.5, estimator="eq4") == pytest.approx(2 * 1 + 6 * 10 / 2 + 30 * 100 / 4)
    assert estimate(discount=0.5, estimator="trajectory") == pytest.approx(6 * (1 + 10 / 2 + 100 / 4))
    assert estimate(discount=0.0) == pytest.approx(1)
    assert estimate(weight="sigmoid") == pytest.approx(1 + 2 / 3 * 10 + 2 / 3 * 3 / 4 * 100)
    assert estimate(offset=4.0) == pytest.approx((1 - 4) + 2 * (10 - 4) + 6 * (100 - 4) + 3 * 4)
    assert estimate(offset=4.0, estimator="eq4") == pytest.approx(2 * (1 - 4) + 6 * (10 - 4) + 30 * (100 - 4) + 3 * 4)
    assert estimate(offset=4.0, estimator="trajectory") == pytest.approx(6 * (111 - 3 * 4) + 3 * 4)
    shifted = {"offset": 4.0, "discount": 0.5}
    sum_of_offsets = 4 + 4 / 2 + 4 / 4
    assert estimate(**shifted) == pytest.approx((1 - 4) + 2 * (10 - 4) / 2 + 6 * (100 - 4) / 4 + sum_of_offsets)
    total = (1 - 4) + (10 - 4) / 2 + (100 - 4) / 4
    assert estimate(**shifted, estimator="trajectory") == pytest.approx(6 * total + sum_of_offsets)


def test_an_offset_is_as_precise_as_the_states():
    """Weight 3 of the second reward, and an offset that float32 rounds."""

    def three(state, action, next_state):
        return torch.full_like(action, 3, dtype=state.dtype).log()

    def estimate(offset):
        state, actions = torch.zeros(1, dtype=torch.float64), torch.zeros(2, dtype=torch.long)
        how = {"offset": offset, "particles": 1}
        return dl.estimate_value(OnALine(1, 0.0), lambda s, a: s[..., 0], state, actions, three, **how).item()

    assert estimate(0.1) == pytest.approx(3 - 2 * 0.1, abs=1e-12)
    assert estimate(torch.tensor(0.1, dtype=torch.float64)) == pytest.approx(3 - 2 * 0.1, abs=1e-12)


@pytest.mark.parametrize("common", [False, True])
def test_one_step_by_hand(common):
    """Reward 7 and weight 3: only "eq4" weights the reward of the last state."""

    def estimate(actions, **how):
        given = (
            OnALine(1, 0.0),
            lambda s, a: 7 + s[..., 0],
            torch.zeros(1),
            actions,
            lambda s, a, s2: 3 + 0 * s[..., 0],
        )
        return dl.estimate_value(*given, common_random_numbers=common, particles=2, **how)

    for actions in (torch.tensor([0]), torch.zeros(3, 1, dtype=torch.long)):
        for estimator, expected in (("per_decision", 7.0), ("trajectory", 7.0), ("eq4", 7 * math.exp(3))):
            value = estimate(actions, estimator=estimator)
            assert value.shape == actions.shape[:-1]
            torch.testing.assert_close(value, torch.full_like(value, expected))


@pytest.mark.parametrize("common", [False, True])
def test_each_sequence_can_begin_elsewhere(common):
    """Steps of 1 from 0, 10 and 200, with the place as the reward; states may be whole numbers or doubles."""
    for state in (torch.tensor([[0], [10], [200]]), torch.tensor([[0.0], [10.0], [200.0]]).double()):
        how = {"common_random_numbers": common, "particles": 2}
        actions = torch.zeros(3, 3, dtype=torch.long)
        values = dl.estimate_value(OnALine(1, 0.0), lambda s, a: s[..., 0], state, actions, **how)
        assert values.tolist() == [0 + 1 + 2, 10 + 11 + 12, 200 + 201 + 202]
        assert values.dtype == (state.dtype if state.is_floating_point() else torch.float32)


def test_weights_that_are_flattened_away_are_one_even_where_they_are_infinite():
    log_w = dl.Estimator(flatten=0.0).log_weight(torch.tensor([-torch.inf, 2.0, torch.inf]))
    assert log_w.tolist() == [0.0, 0.0, 0.0]


@pytest.mark.parametrize("offset", [0.0, 4.0])
@pytest.mark.parametrize("common", [False, True])
def test_an_added_log_ratio_by_hand(common, offset):
    """Rewards 1, 10, 100, log-ratios 2, −3, 5 added to those of the same step; the last transition only by "eq4"."""
    ratio = torch.tensor([2.0, -3.0, 5.0])

    def estimate(**how):
        return dl.estimate_value(
            OnALine(1, 0.0),
            lambda s, a: 10 ** s[..., 0],
            torch.zeros(1),
            torch.zeros(2, 3, dtype=torch.long),
            lambda s, a, s2: ratio[s[..., 0].long()],
            correction="reward",
            particles=2,
            common_random_numbers=common,
            offset=offset,
            **how,
        ).tolist()

    assert estimate() == pytest.approx([111 + 2 - 3] * 2)
    assert estimate(estimator="trajectory") == pytest.approx([111 + 2 - 3] * 2)
    assert estimate(estimator="eq4") == pytest.approx([111 + 2 - 3 + 5] * 2)
    assert estimate(correction_scale=0.5) == pytest.approx([111 + (2 - 3) / 2] * 2)
    assert estimate(correction_scale=0.0) == pytest.approx([111] * 2)
    assert estimate(clip=2.5) == pytest.approx([111 + 2 - 2.5] * 2)
    assert estimate(flatten=0.5) == pytest.approx([111 + 1 - 1.5] * 2)
    assert estimate(discount=0.5) == pytest.approx([(1 + 2) + (10 - 3) / 2 + 100 / 4] * 2)
    assert estimate(resample=1.0, normalise=True) == pytest.approx([111 + 2 - 3] * 2)


def test_an_exact_log_ratio_that_is_added_costs_the_divergence():
    """Gaussians half a standard deviation apart: KL = 1/8 a transition, and nothing else is paid."""
    p, q = OnALine(0.5, 1.0), OnALine(0.0, 1.0)

    def ratio(s, a, s2):
        return p.transition(s, a).log_prob(s2) - q.transition(s, a).log_prob(s2)

    given = (q, lambda s, a: torch.zeros(a.shape), torch.zeros(1), torch.zeros(400, 5, dtype=torch.long), ratio)
    values = dl.estimate_value(*given, correction="reward", particles=50, generator=dl.seeded(0))
    assert abs(values.mean() + 4 / 8) < 5 * values.std() / 20


RESAMPLED = [{}, {"stratified": True}, {"common_random_numbers": False}]


@pytest.mark.parametrize("estimator", ESTIMATORS)
@pytest.mark.parametrize("threshold", [0.5, 1.0])
@pytest.mark.parametrize("how", RESAMPLED, ids=str)
def test_resampling_leaves_values_unbiased(env, how, threshold, estimator):
    mean, error = repeated(env, WRONG, THREE, EXACT, 500, 50, resample=threshold, estimator=estimator, **how)
    assert ((mean - dl.exact.value(env, THREE)).abs() <= 5 * error).all()


@pytest.mark.parametrize("estimator", ESTIMATORS)
@pytest.mark.parametrize("common", [True, False])
def test_weights_that_are_never_resampled_are_weights(env, common, estimator):
    """Effective sample sizes are at least one, so that nothing is below a tenth of nine."""
    how = {"particles": 9, "common_random_numbers": common, "estimator": estimator, "offset": -1.5, "discount": 0.9}
    plain, never = (
        dl.estimate_value(
            WRONG, env.reward, env.initial_state(4, 1), THREE[None], EXACT, **how, resample=r, generator=dl.seeded(0)
        )
        for r in (None, 0.1)
    )
    torch.testing.assert_close(plain, never)


def test_what_resampling_does_to_particles(env):
    """Always resampled: weights of a step are those of its last transition alone, times the mean carried on."""
    estimator = dl.Estimator(particles=50, resample=1.0)
    steps = estimator.imagine(WRONG, env.reward, env.initial_state(), THREE, EXACT, dl.seeded(0))
    for now, later, a in zip(steps, steps[1:], THREE.T, strict=False):
        ancestor = torch.arange(50).expand(3, 50) if now.ancestor is None else now.ancestor
        parent = now.state.gather(-2, ancestor[..., None].expand(now.state.shape))
        torch.testing.assert_close(later.state[..., :2], parent[..., :2] + later.state[..., 2:])
        carried = now.log_weight.exp().mean(-1, keepdim=True).log()
        added = EXACT(parent, a[:, None].expand(3, 50), later.state)
        torch.testing.assert_close(later.log_weight, carried + added)
    assert steps[-1].ancestor is None


def test_resampling_keeps_weights_from_degenerating():
    """A twentieth of a standard deviation off in each of 400 steps: N_eff falls to e^(−1) of all, and resampled not."""
    p, q = OnALine(0.05, 1.0), OnALine(0.0, 1.0)

    def ratio(s, a, s2):
        return p.transition(s, a).log_prob(s2) - q.transition(s, a).log_prob(s2)

    last = []
    for resample in (None, 0.8):
        estimator = dl.Estimator(particles=1000, resample=resample)
        actions = torch.zeros(401, dtype=torch.long)
        *_, step = estimator.imagine(q, lambda s, a: s[..., 0], torch.zeros(1), actions, ratio, dl.seeded(0))
        last.append(dl.diagnostics.effective_sample_size(step.log_weight).item() / 1000)
    assert last[0] < 0.6
    assert last[1] > 0.75


def test_systematic_resampling_rounds_up_or_down():
    """Weights 0.1, 0.2, 0.3, 0.4 times four: 0 or 1, 0 or 1, 1 or 2, 1 or 2 copies, and on average what they weigh."""
    log_w = torch.tensor([0.1, 0.2, 0.3, 0.4]).log() + 100
    uniform = (torch.arange(1000) + 0.5)[:, None] / 1000
    drawn = torch.nn.functional.one_hot(systematic(log_w.expand(1000, 4), uniform), 4).sum(-2)
    assert (drawn.min(0).values == torch.tensor([0, 0, 1, 1])).all()
    assert (drawn.max(0).values == torch.tensor([1, 1, 2, 2])).all()
    torch.testing.assert_close(drawn.double().mean(0), torch.tensor([0.4, 0.8, 1.2, 1.6]).double())
    assert systematic(torch.zeros(7), torch.tensor([0.5])).tolist() == list(range(7))
    assert systematic(torch.tensor([-torch.inf, 0.0, -torch.inf]), torch.tensor([0.99])).tolist() == [1, 1, 1]


def test_only_sequences_with_few_effective_particles_are_resampled():
    log_w = torch.tensor([[0.0, 0.0, 0.0, 0.0], [9.0, 0.0, 0.0, 0.0], [torch.nan, 9.0, 0.0, 0.0]])
    ancestor, after = survivors(log_w, torch.full((3, 1), 0.5), 0.5)
    assert ancestor.tolist() == [[0, 1, 2, 3], [0, 0, 0, 0], [0, 1, 2, 3]]
    torch.testing.assert_close(after[1], log_w[1].exp().mean().log().expand(4))
    assert torch.equal(after[[0, 2]].nan_to_num(), log_w[[0, 2]].nan_to_num())
    untouched, same = survivors(log_w[:1], torch.tensor([[0.5]]), 0.5)
    assert untouched is None
    assert same is not None


@pytest.mark.parametrize("common", [True, False])
def test_sequences_are_resampled_by_numbers_of_their_own_unless_all_are_common(common):
    """Weights are the same in all of them, so that nothing but the numbers tells which particles are copied."""
    estimator = dl.Estimator(particles=10, resample=1.0, common_random_numbers=common)

    def ratio(s, a, s2):
        return torch.linspace(0, 2, 10).expand(a.shape)

    given = (OnALine(0.0, 1.0), lambda s, a: s[..., 0], torch.zeros(1), torch.zeros(8, 3, dtype=torch.long), ratio)
    _, second, _ = estimator.imagine(*given, dl.seeded(0))
    assert (second.ancestor == second.ancestor[0]).all() == common


def test_discounted_values_are_exact(env):
    for discount in (0.0, 0.7):
        mean, error = repeated(env, WRONG, THREE, EXACT, particles=1000, discount=discount, offset=-2.0)
        assert ((mean - dl.exact.value(env, THREE, discount=discount)).abs() <= 5 * error + 1e-5).all()


def test_self_normalised_weights_average_to_one(env):
    """Biased by O(1/P), less than 0.05 for 4,000 particles."""
    mean, error = repeated(env, WRONG, THREE, EXACT, normalise=True, repeats=20, particles=4000)
    assert ((mean - dl.exact.value(env, THREE)).abs() <= 5 * error + 0.05).all()


def test_only_mean_weights_above_one_are_divided_away():
    """Two particles; mean weights 1/2 and 2 along the first and the second sequence."""
    excess = dl.Estimator(normalise="excess")
    states, rewards = torch.zeros(2, 2, 1), torch.tensor([[8.0, 4.0], [8.0, 4.0]])
    step = dl.estimate.ImaginedStep(states, rewards, torch.tensor([[0.25, 0.75], [1.0, 3.0]]).log())
    assert excess.value([step]).tolist() == pytest.approx([2.5, (4 + 6) / 2])
    huge = dl.estimate.ImaginedStep(states[:1], torch.ones(1, 2), torch.tensor([[200.0, 200.0]]))
    assert excess.value([huge]).tolist() == pytest.approx([1.0])


def test_dividing_excess_away_leaves_exact_weights_nearly_unbiased(env):
    """The mean of exact weights is one but for sampling, so that little is divided away."""
    mean, error = repeated(env, WRONG, THREE, EXACT, normalise="excess", repeats=20, particles=4000)
    assert ((mean - dl.exact.value(env, THREE)).abs() <= 5 * error + 0.15).all()


@pytest.mark.parametrize("how", [{}, {"correction": "reward"}, {"discount": 0.5}, {"flatten": 0.5}], ids=str)
def test_shared_beginnings_give_the_values_of_separate_ones(env, how):
    how = {"particles": 50, "common_random_numbers": True, **how}
    shared, separate = (
        dl.estimate_value(WRONG, env.reward, state, actions, EXACT, **how, generator=dl.seeded(0))
        for state, actions in ((env.initial_state(), SEQUENCES), (env.initial_state(1), SEQUENCES[None]))
    )
    torch.testing.assert_close(shared, separate[0])


def test_common_random_numbers_are_common(env):
    twice = torch.stack([ALWAYS_ACCELERATE, ALWAYS_ACCELERATE])
    how = {"particles": 5, "generator": dl.seeded(0)}
    common = dl.estimate_value(env, env.reward, env.initial_state(1), twice[None], common_random_numbers=True, **how)
    own = dl.estimate_value(env, env.reward, env.initial_state(1), twice[None], **how)
    assert common[0, 0] == common[0, 1]
    assert own[0, 0] != own[0, 1]


@pytest.mark.parametrize("stratified", [True, False])
def test_particles_are_stratified_where_asked_and_only_there(stratified):
    """Imagined states that are standard normal show their random numbers: one of eight in each eighth, or not."""
    estimator = dl.Estimator(particles=8, stratified=stratified)
    actions = torch.zeros(20, 4, dtype=torch.long)
    imagined = estimator.imagine(OnALine(None, 1.0), lambda s, a: s[..., 0], torch.zeros(1), actions)
    states = torch.stack([step.state[..., 0] for step in imagined[1:]])  # (3, 20, 8)
    eighths = (torch.special.ndtr(states) * 8).long()
    even = (eighths.sort(-1).values == torch.arange(8)).all(-1)
    assert even.all() if stratified else not even.all(-1).any()
    assert len(states.unique()) == states.numel()  # every step and sequence has numbers of its own


@pytest.mark.parametrize("common", [True, False])
@pytest.mark.parametrize("batch", [(), (3,)])
def test_imagined_states_rewards_and_weights_belong_together(env, common, batch):
    estimator = dl.Estimator(particles=6, common_random_numbers=common)
    state = env.initial_state(*batch) if not batch else env.initial_state(*batch, 1)
    imagined = estimator.imagine(WRONG, env.reward, state, SEQUENCES, EXACT, dl.seeded(0))
    assert (imagined[0].sequence is None) is not common
    steps = [
        (step.of_sequences(step.state, -3), step.of_sequences(step.reward), step.of_sequences(step.log_weight))
        for step in imagined
    ]
    assert torch.equal(steps[0][0], env.initial_state().expand(*batch, 81, 6, 4))
    assert (steps[0][2] == 0).all()
    for t, (states, rewards, log_weights) in enumerate(steps):
        a = SEQUENCES[:, t, None].expand(states.shape[:-1])
        torch.testing.assert_close(rewards, env.reward(states, a))
        if t + 1 < len(steps):
            later, _, later_log_weights = steps[t + 1]
            torch.testing.assert_close(later[..., :2], states[..., :2] + later[..., 2:])
            torch.testing.assert_close(later_log_weights, log_weights + EXACT(states, a, later))
    by_hand = sum((log_weights.exp() * rewards).mean(-1) for _, rewards, log_weights in steps)
    torch.testing.assert_close(estimator.value(imagined), by_hand)


@pytest.mark.parametrize("particles", [1, 4])
@pytest.mark.parametrize("common", [True, False])
def test_a_reward_that_edits_its_input_changes_nothing_imagined(env, common, particles):
    def vandal(state, action):
        reward = env.reward(state, action)
        state += 100.0
        action.zero_()
        return reward

    estimator, actions = dl.Estimator(particles=particles, common_random_numbers=common), SEQUENCES.clone()
    honest, edited = (
        estimator.imagine(env, reward, env.initial_state(), actions, generator=dl.seeded(0))
        for reward in (env.reward, vandal)
    )
    assert torch.equal(actions, SEQUENCES)
    for first, second in zip(honest, edited, strict=True):
        assert torch.equal(first.state, second.state)
        assert torch.equal(first.reward, second.reward)


@pytest.mark.parametrize("normalise", [False, True, "excess"])
@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_a_weight_beyond_all_numbers_gives_a_number(estimator, normalise):
    """Log-ratios of ±50 over 25 steps: products up to e^1250, where float32 ends at e^88."""
    env, g = dl.Intersection(), dl.seeded(0)
    ratios = {
        "up": lambda s, a, s2: torch.full(s.shape[:-1], 50.0),
        "down": lambda s, a, s2: torch.full(s.shape[:-1], -50.0),
        "either": lambda s, a, s2: 100.0 * torch.randint(2, s.shape[:-1], generator=g) - 50.0,
    }
    how = {"estimator": estimator, "normalise": normalise, "generator": g, "offset": -2.88}
    values = {
        name: dl.estimate_value(env, env.reward, env.initial_state(9), torch.ones(25, dtype=torch.long), ratio, **how)
        for name, ratio in ratios.items()
    }
    assert all(value.isfinite().all() for value in values.values())
    if not normalise and estimator == "per_decision":  # first reward 5, later ones nothing but the offset
        torch.testing.assert_close(values["down"], torch.full((9,), 5 - 24 * 2.88))


def test_an_offset_changes_no_exact_expectation(env):
    """With exact weights Σ_t E[w (r_t − c)] + c is the same for every c (E[w] = 1)."""
    for offset in (-3.0, 5.0):
        mean, error = repeated(env, WRONG, THREE, EXACT, particles=1000, offset=offset)
        assert ((mean - dl.exact.value(env, THREE)).abs() < 5 * error).all()


def test_every_run_can_have_an_offset_of_its_own(env):
    each = torch.tensor([-3.0, 0.0, 5.0])
    given = (WRONG, env.reward, env.initial_state(3, 2), ALWAYS_ACCELERATE, EXACT)
    for estimator in ESTIMATORS:
        how = {"estimator": estimator, "particles": 7}
        by_run, alone = (dl.estimate_value(*given, **how, offset=c, generator=dl.seeded(1)) for c in (each, 5.0))
        torch.testing.assert_close(by_run[2], alone[2])
        assert (by_run[0] != alone[0]).any()


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_the_offset_of_one_run_adds_no_axis(env, estimator):
    for state in (env.initial_state(), env.initial_state(3)):
        given = (env, env.reward, state, THREE, EXACT)
        how = {"estimator": estimator, "particles": 5}
        one, number = (
            dl.estimate_value(*given, **how, offset=c, generator=dl.seeded(1)) for c in (torch.tensor([2.0]), 2.0)
        )
        assert torch.equal(one, number)


def test_an_estimate_is_what_its_estimator_imagines(env):
    estimator, given = dl.Estimator(particles=7, clip=0.5), (WRONG, env.reward, env.initial_state(), SEQUENCES, EXACT)
    imagined = estimator.imagine(*given, dl.seeded(0))
    value = dl.estimate_value(*given, particles=7, clip=0.5, offset=1.0, generator=dl.seeded(0))
    assert torch.equal(estimator.value(imagined, 1.0), value)


def test_estimates_run_on_one_thread_and_give_the_others_back(env, three_threads):
    seen = []

    def reward(state, action):
        seen.append(torch.get_num_threads())
        return env.reward(state, action)

    dl.estimate_value(env, reward, env.initial_state(), ALWAYS_ACCELERATE)
    assert set(seen) == {1}
    assert torch.get_num_threads() == 3
    with pytest.raises(ZeroDivisionError):
        dl.estimate_value(env, lambda s, a: 1 / 0, env.initial_state(), ALWAYS_ACCELERATE)
    assert torch.get_num_threads() == 3


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"particles": 0}, "particles must be a positive integer"),
        ({"particle": 5}, r"particle is no choice of Estimator \(got 5\); it has particles, weight"),
        ({"weight": "w"}, "weight must be one of 'ratio', 'sigmoid', got 'w'"),
        ({"estimator": "best"}, "estimator must be one of 'per_decision', 'eq4', 'trajectory', got 'best'"),
        ({"normalise": "exces"}, "normalise must be one of False, True, 'excess', got 'exces'"),
        ({"stratified": 1}, "stratified must be True or False, got 1"),
        ({"common_random_numbers": None}, "common_random_numbers must be True or False, got None"),
        ({"clip": -1}, "clip must be a finite number"),
        ({"flatten": 1.5}, r"flatten must be a finite number in \[0, 1\], got 1.5"),
        ({"correction": "add"}, "correction must be one of 'weight', 'reward', got 'add'"),
        ({"correction_scale": -1}, "correction_scale must be a finite number"),
        ({"resample": 0}, r"resample must be None or in \(0, 1\], got 0"),
        ({"resample": 2}, r"resample must be a finite number in \[0, 1\], got 2"),
        ({"discount": 1.1}, r"discount must be a finite number in \[0, 1\], got 1.1"),
        ({"actions": torch.zeros(0, dtype=torch.long)}, "actions must have shape \\(..., H\\) with H of at least 1"),
        ({"actions": torch.tensor([0, 7])}, "actions must be integers from 0 to 2"),
        ({"state": torch.zeros(3)}, "state must have shape"),
        ({"state": torch.tensor(1.0)}, r"state must have shape \(..., 4\), got \(\)"),
        ({"actions": torch.tensor(1)}, r"actions must have shape \(..., H\) with H of at least 1, got \(\)"),
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


@pytest.mark.parametrize("resample", [None, 0.5])
@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"reward": lambda s, a: torch.zeros(3)}, "reward must return a number for each transition, shape"),
        ({"log_ratio": lambda s, a, s2: torch.zeros(3)}, "log_ratio must return a number for each transition, shape"),
        ({"log_ratio": 5}, "log_ratio must be a function"),
        ({"generator": 5}, "generator must be"),
    ],
    ids=["reward", "log_ratio", "number", "generator"],
)
def test_what_cannot_be_imagined_with_is_named(env, wrong, message, resample):
    given = {"reward": env.reward, "log_ratio": lambda s, a, s2: s[..., 0], **wrong}
    with pytest.raises(ValueError, match=message):
        dl.Estimator(resample=resample).imagine(env, **given, state=env.initial_state(), actions=ALWAYS_ACCELERATE)
