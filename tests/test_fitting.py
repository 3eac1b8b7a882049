"""Models, discriminators and their fits."""

import math
import warnings
from functools import partial
from itertools import count, product

import pytest
import torch
from scipy.cluster import vq
from scipy.stats import spearmanr
from torch.nn.functional import softplus

import damlite as dl
from damlite.fitting import Objective, Training, _minimise
from damlite.mixture import spawn
from damlite.networks import ROWS, Layers, StackedMLP

AT, ACCELERATE = torch.tensor([2.0, 0.0, 2.0, 0.0]), torch.tensor(2)
QUICK = {"steps": 40, "batch": 32}


def data(episodes=20, runs=None, seed=0):
    return dl.collect(dl.IcyRoad(), episodes=episodes, runs=runs, generator=dl.seeded(seed))


def quick_fit(given, runs, seed=0, weighting="uniform", env=None):
    g = dl.seeded(seed)
    env = env or dl.IcyRoad()
    model = dl.DynamicsModel(env, 2, runs=runs, generator=g)
    model_fit = dl.fit_model(model, given, weighting, generator=g, **QUICK)
    disc = dl.Discriminator(env, runs, generator=g)
    return model, model_fit, disc, dl.fit_discriminator(disc, model, given, generator=g, **QUICK)


def test_a_stacked_network_is_its_networks(generator):
    stacked, x = StackedMLP(3, (4, 8, 2), generator), torch.randn(3, 5, 4, generator=generator)
    for run in range(3):
        linear = [torch.nn.Linear(4, 8), torch.nn.Linear(8, 2)]
        for layer, weight, bias in zip(linear, stacked.weights, stacked.biases, strict=True):
            layer.weight.data, layer.bias.data = weight[run].T, bias[run, 0]
        torch.testing.assert_close(stacked(x)[run], torch.nn.Sequential(linear[0], torch.nn.SiLU(), linear[1])(x[run]))


@pytest.mark.parametrize("sizes", [(3, 2), (3, 5, 2), (3, 5, 4, 6)])
def test_the_gradient_of_stacked_layers(sizes):
    """Backpropagation by hand is that of finite differences, for parameters and for inputs."""
    stacked = StackedMLP(2, sizes, dl.seeded(0)).double()
    x = torch.randn(2, 4, 3, generator=dl.seeded(1), dtype=torch.double, requires_grad=True)
    assert torch.autograd.gradcheck(Layers.apply, (x, *stacked.weights, *stacked.biases))
    alone = x[1]
    for layer, (weight, bias) in enumerate(zip(stacked.weights, stacked.biases, strict=True)):
        alone = alone @ weight[1] + bias[1]
        alone = alone if layer == len(sizes) - 2 else torch.nn.functional.silu(alone)
    torch.testing.assert_close(stacked(x)[1], alone)


def test_many_rows_pass_through_a_network_in_parts(env, generator):
    disc = dl.Discriminator(env, 2, generator=generator)
    state = torch.randn(2, ROWS + 500, 4, generator=generator)
    action = torch.randint(3, (2, ROWS + 500), generator=generator)
    whole = disc.log_ratio(state, action, state + 1)
    for part in (slice(0, 10), slice(ROWS - 5, ROWS + 5), slice(ROWS + 490, None)):
        alone = disc.log_ratio(state[:, part], action[:, part], state[:, part] + 1)
        torch.testing.assert_close(whole[:, part], alone)


@pytest.mark.parametrize("predict", ["velocity", "state"])
@pytest.mark.parametrize("components", [1, 4])
def test_shapes_with_and_without_runs(env, predict, components, generator):
    one = dl.DynamicsModel(env, components, predict, generator=generator)
    q = one.transition(torch.zeros(7, 3, 4), torch.zeros(7, 1, dtype=torch.long))
    assert q.sample(generator=generator).shape == (7, 3, 4)
    assert one.transition(AT, ACCELERATE).log_prob(AT).shape == ()
    five = dl.DynamicsModel(env, components, predict, runs=5, generator=generator)
    state = torch.randn(5, 7, 4, generator=generator)
    q = five.transition(state, torch.ones(5, 7, dtype=torch.long))
    assert q.log_prob(q.sample(generator=generator)).shape == (5, 7)
    disc = dl.Discriminator(env, 5, generator=generator)
    assert disc.log_ratio(state, torch.ones(5, 7, dtype=torch.long), state).shape == (5, 7)
    with pytest.raises(ValueError, match=r"leading axis of runs = 5, got batch \(7,\)"):
        five.transition(torch.zeros(7, 4), torch.zeros(7, dtype=torch.long))


@pytest.mark.parametrize("predict", ["velocity", "state"])
def test_a_velocity_model_integrates_and_a_state_model_does_not(env, predict, generator):
    q = dl.DynamicsModel(env, 1, predict, generator=generator).transition(AT, ACCELERATE)
    samples = q.sample((100,), generator=generator)
    slip = (samples[:, :2] - AT[:2] - samples[:, 2:]).abs().max()
    assert (slip < 1e-5) == (predict == "velocity")


def test_a_run_depends_on_its_own_data_alone():
    given = data(runs=3)
    changed = given.map(torch.clone)
    changed.next_state[0] += 1.0
    changed.state[0] *= 2.0
    for before, after in zip(quick_fit(given, 3), quick_fit(changed, 3), strict=True):
        if isinstance(before, torch.nn.Module):
            for p, p_changed in zip(before.parameters(), after.parameters(), strict=True):
                assert torch.equal(p[1:], p_changed[1:])
                assert not torch.equal(p[0], p_changed[0])
        else:
            assert torch.equal(before.held_out_loss[:, 1:], after.held_out_loss[:, 1:])


def test_early_stopping_keeps_each_runs_best(generator):
    given = data(10, runs=3)
    model = dl.DynamicsModel(dl.IcyRoad(), 4, runs=3, generator=generator)
    fit = dl.fit_model(model, given, steps=100, generator=generator)
    held_out = given.split()[1].map(lambda t: t.flatten(1, 2))
    with torch.no_grad():
        loss = -model.transition(held_out.state, held_out.action).log_prob(held_out.next_state).mean(-1)
    torch.testing.assert_close(loss, fit.held_out_loss.min(0).values)
    assert torch.equal(fit.steps[fit.held_out_loss.argmin(0)], fit.best_step)
    short = dl.fit_model(
        dl.DynamicsModel(dl.IcyRoad(), 4, runs=3, generator=generator),
        given,
        steps=2000,
        patience=60,
        generator=generator,
    )
    assert short.steps[-1] < 2000
    assert (short.steps[-1] - short.best_step > 60).all()


def test_return_weights_are_shifted_and_have_mean_one():
    returns = torch.tensor([[-5.0, 1.0, 4.0], [2.0, 2.0, 2.0]])
    weights, offset = dl.return_weights(returns)
    torch.testing.assert_close(weights[0], torch.tensor([0.0, 6.0, 9.0]) / 5)
    assert offset.tolist() == [[-5.0], [2.0]]
    assert weights[1].tolist() == [1.0, 1.0, 1.0]  # all returns equal: q* is p
    torch.testing.assert_close(dl.return_weights(torch.tensor([0.0, 1e-3, 2e-3]))[0], torch.tensor([0.0, 1.0, 2.0]))


def test_equal_returns_give_the_uniform_fit(generator):
    given = data(10)
    same = dl.Episodes(given.state, given.action, torch.ones_like(given.reward), given.next_state)
    uniform, weighted = (quick_fit(same, 1, weighting=w)[0] for w in ("uniform", "return"))
    for p, q in zip(uniform.parameters(), weighted.parameters(), strict=True):
        assert torch.equal(p, q)


def test_returns_too_great_to_be_added_up_are_refused():
    with pytest.raises(ValueError, match=r"returns must have a finite mean above the least of them, got up to 3e\+38"):
        dl.return_weights([-3e38, 3e38])


def test_return_weights_enter_the_loss_as_they_are(generator):
    """−w log q, averaged over the held-out transitions, with weights from all returns (Eq. 10)."""
    given = data(20)
    model = dl.DynamicsModel(dl.IcyRoad(), 2, generator=generator)
    fit = dl.fit_model(model, given, "return", steps=1, learning_rate=0.0, generator=generator)
    weights, offset = dl.return_weights(given.returns)
    held_out = given.split()[1]
    log_q = model.transition(held_out.state, held_out.action).log_prob(held_out.next_state)
    loss = -(weights[4::5, None] * log_q).mean()
    torch.testing.assert_close(fit.held_out_loss, loss.detach().reshape(1, 1))
    torch.testing.assert_close(fit.offset, offset / 5)  # of one reward


@pytest.mark.parametrize("runs", [None, 2])
def test_weights_of_each_transition_enter_the_loss_with_mean_one(runs, generator):
    given = data(20, runs)
    model = dl.DynamicsModel(dl.IcyRoad(), 2, runs=runs or 1, generator=generator)
    weights = torch.rand(given.reward.shape, generator=generator)
    fit = dl.fit_model(model, given, 7 * weights, steps=1, learning_rate=0.0, generator=generator)
    held_out = given.split()[1]
    log_q = model.transition(held_out.state, held_out.action).log_prob(held_out.next_state)
    weights = weights / weights.mean((-2, -1), keepdim=True)
    loss = -(weights[..., 4::5, :] * log_q).mean((-2, -1))
    torch.testing.assert_close(fit.held_out_loss, loss.detach().reshape(1, -1))
    assert (fit.offset == 0).all()


def test_named_weightings_are_tensors_too():
    """Uniform and return weights, given for every transition, give the very fits that their names do."""
    given = data(10, runs=2)
    by_return = dl.return_weights(given.returns)[0][..., None].expand(given.reward.shape)
    for name, weights in (("uniform", torch.full((10, 5), 3.0)), ("return", by_return)):
        named, weighted = (quick_fit(given, 2, weighting=w)[0] for w in (name, weights))
        for p, q in zip(named.parameters(), weighted.parameters(), strict=True):
            torch.testing.assert_close(p, q, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize(("paid", "part"), [([0, 3, 7], "held-out"), ([4, 9], "training")])
def test_a_part_without_any_return_weight_is_weighted_alike(env, paid, part):
    """Of two runs the second has sparse returns; the first is as if nothing had happened."""
    given, how = data(10, runs=2), {"steps": 40, "batch": 16}
    reward = given.reward.clone()
    reward[1] = 0.0
    reward[1, paid, 4] = 1.0
    sparse = dl.Episodes(given.state, given.action, reward, given.next_state)
    fits = []
    for each in (given, sparse):
        model = dl.DynamicsModel(env, 1, runs=2, generator=dl.seeded(0))
        with warnings.catch_warnings(record=True) as seen:
            warnings.simplefilter("always")
            fits.append((model, dl.fit_model(model, each, "return", generator=dl.seeded(1), **how)))
    (told,) = seen
    assert f"no {part} episode has a return above the least of all in 1 of 2 runs" in str(told.message)
    (plain, first), (model, fit) = fits
    assert torch.equal(fit.held_out_loss[:, 0], first.held_out_loss[:, 0])
    assert all(torch.equal(p[0], q[0]) for p, q in zip(model.parameters(), plain.parameters(), strict=True))
    assert fit.best_step[1] > 0
    assert (fit.held_out_loss[:, 1] != 0).all() and (fit.training_loss[:, 1] != 0).all()


@pytest.mark.parametrize(("bare", "part"), [(slice(4, None, 5), "held-out"), ([0, 1, 2, 3, 5, 6, 7, 8], "training")])
def test_given_weights_need_some_in_training_and_in_held_out_episodes(env, bare, part):
    weights = torch.ones(2, 10, 5)
    weights[1, bare] = 0.0
    message = rf"weighting must be above 0 somewhere in the {part} episodes, got only 0 in episodes \[.*in 1 of 2 runs"
    with pytest.raises(ValueError, match=message):
        dl.fit_model(dl.DynamicsModel(env, runs=2), data(10, runs=2), weights, steps=1)


def test_weights_may_be_a_mask_or_a_list(env):
    mask = torch.rand(10, 5, generator=dl.seeded(3)) > 0.4
    fits = [quick_fit(data(10), 1, weighting=w)[0] for w in (mask.float(), mask, mask.numpy(), mask.int().tolist())]
    for parameters in zip(*(model.parameters() for model in fits), strict=True):
        assert all(torch.equal(p, parameters[0]) for p in parameters)


def test_fits_in_inference_mode_are_those_outside(env):
    """With data collected there too; only a network made there cannot be fitted, and says so."""
    how = {"steps": 20, "batch": 16}

    def fitted(given, inference):
        model, disc = dl.DynamicsModel(env, 2, generator=dl.seeded(0)), dl.Discriminator(env, generator=dl.seeded(1))
        with torch.inference_mode(inference):
            dl.fit_model(model, given(), "return", generator=dl.seeded(2), **how)
            dl.fit_discriminator(disc, model, given(), instance_noise=0.1, generator=dl.seeded(3), **how)
        return [*model.state_dict().values(), *disc.state_dict().values()]

    assert all(map(torch.equal, fitted(lambda: data(10), False), fitted(lambda: data(10), True)))
    with torch.inference_mode():
        made = dl.DynamicsModel(env), dl.Discriminator(env)
    with pytest.raises(ValueError, match=r"model must be made outside torch.inference_mode\(\) to be fitted"):
        dl.fit_model(made[0], data(10), **how)
    with pytest.raises(ValueError, match="disc must be made outside"):
        dl.fit_discriminator(made[1], dl.DynamicsModel(env), data(10), **how)


@pytest.mark.parametrize(("of_model", "of_disc"), [*product((torch.float32, torch.float64), repeat=2)])
def test_model_and_discriminator_may_differ_in_precision(env, of_model, of_disc):
    g = dl.seeded(0)
    model, disc = dl.DynamicsModel(env, 2, generator=g).to(of_model), dl.Discriminator(env, generator=g).to(of_disc)
    fit = dl.fit_discriminator(disc, model, data(10), steps=5, generator=g)
    assert fit.held_out_loss.dtype == of_disc
    belief = dl.Belief(env, model, disc.log_ratio)
    assert dl.Exhaustive(horizon=2, particles=2).plan(belief, env.initial_state(), generator=g).value.isfinite()


class Drift(dl.Environment):
    """One coordinate that no action moves: a Gaussian model of its change has two numbers to learn."""

    horizon, n_actions, state_names, action_names = 4, 1, ("x",), ("wait",)

    def initial_state(self, *batch):
        return torch.zeros(*batch, 1)


def test_a_weighted_fit_is_the_weighted_mean_and_spread():
    """Changes 0, 0, 1, 3 in every episode: their maximum likelihood is closed-form, with weights and without."""
    change = torch.tensor([0.0, 0.0, 1.0, 3.0]).expand(50, 4)
    state, zero = torch.zeros(50, 4, 1), torch.zeros(50, 4)
    given = dl.Episodes(state, zero.long(), zero, state + change[..., None])
    for weights in (torch.ones(4), torch.tensor([1.0, 0.0, 2.0, 5.0])):
        model = dl.DynamicsModel(Drift(), 1, "state", hidden=(8,), generator=dl.seeded(0))
        how = {"steps": 600, "weight_decay": 0.0, "batch": 400, "generator": dl.seeded(1)}
        dl.fit_model(model, given, weights.expand(50, 4), **how)
        with torch.no_grad():
            q = model.transition(torch.zeros(1), torch.tensor(0))
        share = weights / weights.sum()
        mean = (share * change[0]).sum()
        spread = (share * (change[0] - mean).square()).sum().sqrt()
        assert q.means.item() == pytest.approx(mean.item(), abs=0.1)
        assert q.stds.item() == pytest.approx(spread.item(), abs=0.1)


def test_return_weighting_makes_the_model_optimistic():
    """It fits p·E[R | s, a, s'] (q* of Eq. 9), so that staying on the road looks likelier than it is."""
    env, g, runs = dl.IcyRoad(swerve_prob=0.5), dl.seeded(0), 8
    given = dl.collect(env, episodes=200, runs=runs, generator=g)
    stay = []
    for weighting in ("uniform", "return"):
        model = dl.DynamicsModel(env, 4, runs=runs, generator=g)
        dl.fit_model(model, given, weighting, steps=200, generator=g)
        with torch.no_grad():
            marginal = model.transition(AT.expand(runs, 4), ACCELERATE.expand(runs)).marginal(3)
        stay.append(marginal.cdf(torch.tensor(0.6)) - marginal.cdf(torch.tensor(-0.6)))
    assert (stay[1] - stay[0]).mean() > 0.05


def test_a_fitted_mixture_has_nearly_the_true_likelihood(env, random_data):
    """Every run comes within log √2 + 0.15 nats: the true mean rounds the speed, a smooth network cannot, and the
    straight line through the staircase has √2 times the speed's noise."""
    runs, g = 3, dl.seeded(0)
    held_out = random_data.split()[1]
    truth = -env.transition(held_out.state, held_out.action).log_prob(held_out.next_state).mean()
    losses = {}
    for components in (1, 4):
        model = dl.DynamicsModel(env, components, runs=runs, generator=g)
        losses[components] = dl.fit_model(model, random_data, steps=400, generator=g).held_out_loss.min(0).values
    assert (losses[4] > truth).all()
    assert (losses[4] < truth + math.log(2) / 2 + 0.15).all()
    assert (losses[1] > truth + 0.5).all()


def test_no_component_of_a_mixture_is_shared_or_dies(env, random_data):
    """Between staying and either side of a swerve no run imagines a car: the truth has a thousandth there."""
    runs, g = 8, dl.seeded(1)
    model = dl.DynamicsModel(env, 4, runs=runs, generator=g)
    dl.fit_model(model, random_data, steps=200, generator=g)
    with torch.no_grad():
        sideways = model.transition(AT.expand(runs, 4), ACCELERATE.expand(runs)).marginal(3)
        gap = sum(
            sideways.cdf(torch.tensor(high)) - sideways.cdf(torch.tensor(low))
            for low, high in ((-0.9, -0.3), (0.3, 0.9))
        )
    assert (gap < 0.03).all()


class Points(torch.nn.Module):
    """As many runs as given points, each of which is to be approached; it notes where it is at every look."""

    def __init__(self, points):
        super().__init__()
        self.points, self.runs, self.seen = points, len(points), []
        self.place = torch.nn.Parameter(torch.zeros_like(points)[:, None])  # runs and two axes, as a layer has

    def distances(self, *chosen):
        self.seen.append((self.place.detach().clone(), *chosen))
        return (self.place[:, 0] - self.points).square().sum(-1)


def test_a_fit_is_adamw_with_half_a_cosine():
    """Loshchilov & Hutter's AdamW by hand. Looks at 20, 40 and 50, the last the best; each run has its own rows."""
    network = Points(torch.tensor([[1.0, -2.0, 3.0], [4.0, 0.5, -6.0]]))
    how = Training(steps=50, batch=7, learning_rate=0.05, weight_decay=0.3)
    objective = Objective(network.distances, network.distances, 10)
    fit = _minimise(network, objective, how, torch.tensor([1.0, 2.0]), dl.seeded(0), False)
    place, mean, square, losses = torch.zeros(2, 3).double(), 0.0, 0.0, []
    for t in range(1, 51):
        losses.append((place - network.points).square().sum(-1))
        gradient, rate = 2 * (place - network.points), 0.05 * (1 + math.cos(math.pi * (t - 1) / 50)) / 2
        mean, square = 0.9 * mean + 0.1 * gradient, 0.999 * square + 0.001 * gradient**2
        step = (mean / (1 - 0.9**t)) / ((square / (1 - 0.999**t)).sqrt() + 1e-8)
        place = (1 - 0.3 * rate) * place - rate * step
    torch.testing.assert_close(network.place[:, 0].double(), place, rtol=1e-5, atol=1e-5)
    assert fit.steps.tolist() == [20, 40, 50] and fit.best_step.tolist() == [50, 50] and fit.offset.tolist() == [1, 2]
    seen = torch.stack([losses[step - 1] for step in (20, 40, 50)])
    torch.testing.assert_close(fit.training_loss.double(), seen, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(fit.held_out_loss[-1], network.distances().detach())
    rows = torch.stack([chosen[0] for _, *chosen in network.seen if chosen])
    assert rows.shape == (50, 2, 7)
    assert rows[:, 0].unique().tolist() == list(range(10)) and rows[:, 1].unique().tolist() == list(range(10, 20))
    assert not torch.equal(rows[:, 0], rows[:, 1] - 10)


def test_minibatches_are_the_generators():
    rows = []
    for seed in (0, 0, 1):
        network = Points(torch.ones(2, 3))
        objective = Objective(network.distances, network.distances, 1000)
        _minimise(network, objective, Training(steps=2), torch.zeros(2), dl.seeded(seed), False)
        rows.append(torch.stack([chosen[0] for _, *chosen in network.seen if chosen]))
    assert torch.equal(rows[0], rows[1]) and not torch.equal(rows[0], rows[2])


def test_the_same_generator_gives_the_same_fits():
    how, given = {"steps": 3, "batch": 4}, data(5)

    def parameters(seed):
        g = dl.seeded(seed)
        model, disc = dl.DynamicsModel(dl.IcyRoad(), 1, generator=g), dl.Discriminator(dl.IcyRoad(), generator=g)
        dl.fit_model(model, given, **how, generator=g)
        dl.fit_discriminator(disc, model, given, **how, generator=g)
        return torch.cat([p.flatten() for network in (model, disc) for p in network.parameters()])

    first, again, other = map(parameters, (0, 0, 1))
    assert torch.equal(first, again) and not torch.equal(first, other)


def test_each_run_keeps_its_best_within_patience():
    """Looks every 20 steps, with patience 40: three runs that stop, and the fit with the last of them.

    The first is best at 60, 40 steps after step 20; the second's gain at 80 comes too late; the third's never comes.
    """
    network = Points(torch.ones(3, 2))
    held_out = torch.tensor([[5.0, 4, 4, 3, 3, 3, 3, 0], [5, 4, 6, 6, 0, 0, 0, 0], [5, 5, 5, 5, 5, 5, 5, 0]]).T
    looks = count()

    def look():
        network.distances()
        return held_out[next(looks)]

    how = Training(steps=200, patience=40, weight_decay=0.0)
    fit = _minimise(network, Objective(network.distances, look, 10), how, torch.zeros(3), dl.seeded(0), False)
    assert fit.steps.tolist() == [20, 40, 60, 80, 100, 120]
    assert fit.best_step.tolist() == [60, 20, 0]
    assert torch.equal(fit.held_out_loss, held_out[1:7])
    at_looks = [place for place, *chosen in network.seen if not chosen]
    assert torch.equal(network.place, torch.stack([at_looks[3][0], at_looks[1][1], at_looks[0][2]]))


def test_a_progress_bar_is_shown_where_asked(capsys):
    for progress in (False, True):
        network = Points(torch.ones(1, 2))
        objective = Objective(network.distances, network.distances, 5)
        _minimise(network, objective, Training(steps=3), torch.zeros(1), dl.seeded(0), progress)
        shown = capsys.readouterr().err
        assert ("Points" in shown and "/3" in shown and shown.endswith("\r")) if progress else not shown  # and wiped
    for fit in (dl.fit_model, partial(dl.fit_discriminator, dl.Discriminator(dl.IcyRoad()))):
        fit(dl.DynamicsModel(dl.IcyRoad()), data(10), steps=2, progress=True)
        assert "/2" in capsys.readouterr().err
        fit(dl.DynamicsModel(dl.IcyRoad()), data(10), steps=2)
        assert not capsys.readouterr().err


def test_what_a_fit_draws_moves_its_generator_by_one_number():
    """Whatever it draws, what follows does not change; and no two fits draw the same numbers."""
    generator, other = dl.seeded(0), dl.seeded(0)
    seeds = [spawn(generator).initial_seed() for _ in range(300)]
    assert len(set(seeds)) == 300 and max(seeds) > 2**61
    assert seeds == [int(torch.randint(2**62, (), generator=other)) for _ in range(300)]
    assert torch.equal(torch.rand(3, generator=generator), torch.rand(3, generator=other))


def test_a_second_fit_goes_on_from_the_first(env, random_data):
    g = dl.seeded(0)
    model = dl.DynamicsModel(env, 4, generator=g)
    first = dl.fit_model(model, random_data, steps=200, generator=g)
    before = model.change_spread.clone()
    few = dl.collect(env, episodes=30, generator=g)
    dl.fit_model(model, few, steps=1, learning_rate=0.0, generator=g)
    assert torch.equal(model.change_spread, before)
    again = dl.fit_model(model, random_data, steps=1, learning_rate=0.0, generator=g)
    assert torch.isclose(again.held_out_loss.min(), first.held_out_loss.min(), atol=1e-4)


def test_a_discriminator_keeps_the_scales_of_its_first_fit(env, random_data):
    g = dl.seeded(0)
    model, disc = dl.DynamicsModel(env, 1, generator=g), dl.Discriminator(env, generator=g)
    dl.fit_discriminator(disc, model, random_data, steps=1, generator=g)
    spread = disc.spread.clone()
    assert not torch.equal(spread, torch.ones_like(spread))
    dl.fit_discriminator(disc, model, dl.collect(env, episodes=30, generator=g), steps=1, generator=g)
    assert torch.equal(disc.spread, spread)


def test_the_discriminator_learns_the_ratio(env, random_data):
    """Rank correlation with the exact log-ratio, and the corrected mean next reward, for three seeds."""
    runs, samples, g = 3, 2000, dl.seeded(0)
    model = dl.DynamicsModel(env, components=1, runs=runs, generator=g)
    dl.fit_model(model, random_data, steps=400, generator=g)
    disc = dl.Discriminator(env, runs, generator=g)
    dl.fit_discriminator(disc, model, random_data, steps=400, generator=g)
    state, action = AT.expand(runs, samples, 4), ACCELERATE.expand(runs, samples)
    truth = dl.exact.next_reward(env, env.transition(AT, ACCELERATE)).item()
    with torch.no_grad():
        next_state = model.transition(state, action).sample(generator=g)
        learned = disc.log_ratio(state, action, next_state)
        exact = dl.exact.log_ratio(env, model, state, action, next_state)
        reward = env.reward(next_state, action)
    for run in range(runs):
        assert spearmanr(learned[run], exact[run]).statistic > 0.6
    off = (reward.mean(-1) - truth).abs()
    corrected_off = ((learned.exp() * reward).mean(-1) - truth).abs()
    assert (off > 3).all()
    assert (corrected_off < off / 3).all()


def test_a_discriminator_of_the_truth_itself_says_even(env, random_data):
    g = dl.seeded(0)
    model, disc = Perfect(env, 3, generator=g), dl.Discriminator(env, generator=g)
    dl.fit_discriminator(disc, model, random_data, steps=200, generator=g)
    held_out = random_data.split()[1]
    with torch.no_grad():
        logit = disc.log_ratio(held_out.state, held_out.action, held_out.next_state)
    assert logit.abs().mean() < 0.15


def test_calibration_of_a_fitted_discriminator(env, random_data):
    g = dl.seeded(0)
    model, disc = dl.DynamicsModel(env, 1, generator=g), dl.Discriminator(env, generator=g)
    dl.fit_model(model, random_data, steps=300, generator=g)
    dl.fit_discriminator(disc, model, random_data, steps=300, generator=g)
    fresh = data(400, seed=9)
    with torch.no_grad():
        fake = model.transition(fresh.state, fresh.action).sample(generator=g)
        logits = [disc.log_ratio(fresh.state, fresh.action, s2) for s2 in (fresh.next_state, fake)]
    calibrated = dl.diagnostics.calibration(*logits)
    overconfident = dl.diagnostics.calibration(*[5 * x for x in logits])
    assert calibrated.error < 0.1
    assert overconfident.error > 1.3 * calibrated.error


@pytest.fixture
def asked(monkeypatch):
    """Gives a function that fits a discriminator, and says what it was asked: in steps of learning and held out."""

    def fit(env, model, given, **how):
        disc = dl.Discriminator(env, model.runs, generator=dl.seeded(1))
        questions, logits = {True: [], False: []}, disc.logits

        def watched(*transition):
            questions[torch.is_grad_enabled()].append(transition)
            return logits(*transition)

        monkeypatch.setattr(disc, "logits", watched)
        fit = dl.fit_discriminator(disc, model, given, generator=dl.seeded(2), **how)
        return questions[True], questions[False], disc, fit

    return fit


def test_a_discriminator_sees_real_and_imagined_of_the_same_real_states_and_actions(env, asked):
    given = data(10)
    training, held_out = (part.map(lambda t: t.flatten(0, 1)) for part in given.split())
    learning, looks, _, _ = asked(env, dl.DynamicsModel(env, 2), given, steps=20, batch=32)
    assert (len(learning), len(looks)) == (20, 2)
    for known, questions in ((training, learning), (held_out, looks)):
        rows = torch.cat([known.state, known.action[:, None], known.next_state], -1)
        for state, action, next_state in questions:
            everything = torch.cat([state, action[..., None], next_state], -1)[0]
            real, fake = everything.chunk(2)
            assert torch.equal(real[:, :5], fake[:, :5])  # the same states and actions
            is_known = [(x[:, None] == rows).all(-1).any(-1) for x in (real, fake)]
            assert is_known[0].all()
            assert not is_known[1].any()
    assert torch.equal(looks[0][0][0, : len(held_out.state)], held_out.state)


def test_fakes_are_drawn_afresh_at_every_step_and_held_out_ones_once(env, asked):
    for noise in (0.0, 0.3):
        learning, looks, _, _ = asked(env, dl.DynamicsModel(env, 2), data(6), steps=60, batch=32, instance_noise=noise)
        fakes = torch.cat([next_state[0, 32:] for _, _, next_state in learning])
        assert len(fakes) == 60 * 32  # of 25 transitions
        assert len(fakes.unique(dim=0)) == len(fakes)
        assert len(looks) == 4  # at the start and every 20 steps
        assert all(torch.equal(next_state, looks[0][2]) for _, _, next_state in looks)


def test_the_discriminators_loss_is_that_of_two_classes(env, asked):
    """−log D(real) − log(1 − D(fake)), here of the held-out transitions (Alg. 2)."""
    _, looks, disc, fit = asked(env, dl.DynamicsModel(env, 2), data(10), steps=1, learning_rate=0.0)
    with torch.no_grad():
        real, fake = dl.Discriminator.log_ratio(disc, *looks[0]).chunk(2, dim=1)
    torch.testing.assert_close(fit.held_out_loss[0], (softplus(-real) + softplus(fake)).mean(-1))
    assert fit.offset.tolist() == [0]


class Perfect(dl.DynamicsModel):
    """The true dynamics in the place of a model."""

    def transition(self, state, action):
        return self.env.transition(state, action)


def test_instance_noise_is_in_units_of_each_coordinates_changes(asked):
    """On a road without chance all that differs from the one next state is the noise: real and imagined alike."""
    road = dl.IcyRoad(noise=0.0, swerve_prob=0.0)
    given = dl.collect(road, episodes=100, generator=dl.seeded(0))
    training = given.split()[0]
    spread = (training.next_state - training.state).flatten(0, 1).std(0, correction=0)
    spread[[1, 3]] = 1.0  # which never change
    questions = {}
    for size in (0.0, 0.3):
        learning, looks, _, _ = asked(road, Perfect(road), given, steps=10, batch=500, instance_noise=size)
        questions[size] = learning, looks
    for part in (0, 1):
        for state, action, next_state in questions[0.0][part]:
            assert torch.equal(next_state, road.transition(state, action).sample())
        noise = [s2 - road.transition(s, a).sample() for s, a, s2 in questions[0.3][part][:10]]
        for half in zip(*[n[0].chunk(2) for n in noise], strict=True):  # real, then imagined
            z = torch.cat(half) / (0.3 * spread)
            assert (z.mean(0).abs() < 5 / len(z) ** 0.5).all()
            assert ((z.std(0) - 1).abs() < 5 / (2 * len(z)) ** 0.5).all()


def test_instance_noise_changes_the_fit(env, asked):
    plain, noisy, again = (
        asked(env, dl.DynamicsModel(env, 2, generator=dl.seeded(0)), data(6), instance_noise=size, **QUICK)[2]
        for size in (0.0, 0.3, 0.3)
    )
    for p, q, r in zip(plain.parameters(), noisy.parameters(), again.parameters(), strict=True):
        assert not torch.equal(p, q)
        assert torch.equal(q, r)


@pytest.mark.parametrize("interrupted", [0, 1])
def test_an_interrupted_start_is_done_anew(env, monkeypatch, interrupted):
    """Whoever stops a fit while the components look for their clusters, and fits again, gets what others get."""
    given, kmeans2 = data(10, runs=2), vq.kmeans2
    models = [dl.DynamicsModel(env, 3, runs=2, generator=dl.seeded(0)) for _ in range(2)]
    calls = count()

    def stopped(*points, **how):
        if next(calls) == interrupted:
            raise KeyboardInterrupt
        return kmeans2(*points, **how)

    monkeypatch.setattr(vq, "kmeans2", stopped)
    with pytest.raises(KeyboardInterrupt):
        dl.fit_model(models[0], given, generator=dl.seeded(1), **QUICK)
    assert not models[0].fitted
    for model in models:
        dl.fit_model(model, given, generator=dl.seeded(1), **QUICK)
        assert model.fitted
    for p, q in zip(models[0].state_dict().values(), models[1].state_dict().values(), strict=True):
        assert torch.equal(p, q)


def test_fits_run_on_one_thread_and_give_the_others_back(env, monkeypatch, three_threads):
    model, disc = dl.DynamicsModel(env, 2), dl.Discriminator(env)
    fits = {
        (model, "of_change"): lambda: dl.fit_model(model, data(), **QUICK),
        (disc, "logits"): lambda: dl.fit_discriminator(disc, model, data(), **QUICK),
    }
    for (network, asked), fit in fits.items():
        seen, answer = [], getattr(network, asked)
        with monkeypatch.context() as patch:
            patch.setattr(network, asked, lambda *x, s=seen, a=answer: s.append(torch.get_num_threads()) or a(*x))
            fit()
            patch.setattr(network, asked, lambda *x: 1 / 0)
            with pytest.raises(ZeroDivisionError):
                fit()
        assert set(seen) == {1}
        assert torch.get_num_threads() == 3


def broken(name, change):
    given = data(6)
    tensors = {n: getattr(given, n).clone() for n in ("state", "action", "reward", "next_state")}
    tensors[name] = change(tensors[name])
    return dl.Episodes(**tensors)


def spoil(t):
    t[0, 0] = float("nan")
    return t


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            lambda: data(6).select(torch.zeros(6, dtype=torch.bool)),
            "data must hold at least one transition, got none",
        ),
        (lambda: broken("next_state", spoil), "data.next_state must be finite, got 4 NaN"),
        (lambda: broken("reward", spoil), "data.reward must be finite, got 1 NaN"),
        (lambda: broken("action", lambda t: t + 2), "data.action must be integers from 0 to 2, got 2 to 4"),
        (lambda: broken("reward", lambda t: t[:3]), r"data.reward must have shape \(6, 5\), got \(3, 5\)"),
        (lambda: broken("state", lambda t: t[..., :3]), r"data.state must have shape \(..., E, T, 4\)"),
        (lambda: data(6, runs=3), "leading axis of runs = 2, got"),
    ],
)
def test_bad_data_are_named(env, given, message):
    model = dl.DynamicsModel(env, runs=2)
    with pytest.raises(ValueError, match=message):
        dl.fit_model(model, given())
    with pytest.raises(ValueError, match=message):
        dl.fit_discriminator(dl.Discriminator(env, 2), model, given())


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda env: dl.DynamicsModel(env, components=0), "components must be a positive integer, got 0"),
        (
            lambda env: dl.DynamicsModel(env, predict="speed"),
            "predict must be one of 'velocity', 'state', got 'speed'",
        ),
        (lambda env: dl.DynamicsModel(env, runs=-1), "runs must be a positive integer, got -1"),
        (
            lambda env: dl.Discriminator(env, hidden=(64, 0)),
            r"hidden must be a tuple of positive integers, got \(64, 0\)",
        ),
        (lambda env: dl.fit_model(dl.DynamicsModel(env), data(), "returns"), "weighting must be one of"),
        (
            lambda env: dl.fit_model(dl.DynamicsModel(env), data(), torch.ones(20)),
            r"weighting must have shape \(1, 20, 5\) or \(20, 5\), got \(20,\)",
        ),
        *(
            (lambda env, bad=bad: dl.fit_model(dl.DynamicsModel(env), data(), bad), "finite, at least 0 and not 0")
            for bad in (torch.zeros(20, 5), -torch.eye(20, 5), torch.full((20, 5), math.nan), torch.eye(20, 5) / 0)
        ),
        (
            lambda env: dl.fit_model(dl.DynamicsModel(env), data(), steps=0),
            "steps must be a positive integer, got 0",
        ),
        (
            lambda env: dl.fit_model(dl.DynamicsModel(env), data(), patience=0),
            "patience must be a positive integer, got 0",
        ),
        (
            lambda env: dl.fit_model(dl.DynamicsModel(env), data(), batch=0),
            "batch must be a positive integer, got 0",
        ),
        *(
            (
                lambda env, name=name: dl.fit_model(dl.DynamicsModel(env), data(), **{name: -0.5}),
                rf"{name} must be a finite number in \[0, inf\], got -0.5",
            )
            for name in ("learning_rate", "weight_decay")
        ),
        *(
            (
                lambda env, bad=bad: dl.fit_discriminator(
                    dl.Discriminator(env), dl.DynamicsModel(env), data(), instance_noise=bad
                ),
                r"instance_noise must be a finite number in \[0, inf\], got",
            )
            for bad in (-0.1, math.nan)
        ),
        (
            lambda env: dl.fit_discriminator(dl.Discriminator(env, 2), dl.DynamicsModel(env), data()),
            "equally many runs, got 2 and 1",
        ),
    ],
)
def test_bad_arguments_are_named(env, call, message):
    with pytest.raises(ValueError, match=message):
        call(env)


@pytest.mark.parametrize("network", [dl.DynamicsModel, dl.Discriminator])
def test_a_box_bounds_what_a_network_is_asked(env, network):
    """Far off the training data the outputs are those at the box's edge: a million metres are as good as a thousand."""
    free, boxed = (network(env, box=box, generator=dl.seeded(0)) for box in (None, 3.0))

    def outputs(network, x):
        with torch.no_grad():
            return network.evaluate(torch.full((1, network.centre.shape[-1]), x), torch.zeros(1, dtype=torch.long))

    assert torch.equal(outputs(free, 2.9), outputs(boxed, 2.9))
    assert not torch.equal(outputs(free, 1e3), outputs(free, 1e6))
    assert torch.equal(outputs(boxed, 1e3), outputs(boxed, 1e6))


def test_standard_deviations_stay_in_their_range(env):
    model = dl.DynamicsModel(env, std_range=(0.1, 0.5), generator=dl.seeded(0))
    dl.fit_model(model, data(), steps=20, generator=dl.seeded(0))
    with torch.no_grad():
        model.mlp.biases[-1][..., -4 * 2 :] += torch.linspace(-50, 50, 8)
        q = model.transition(env.initial_state(50), torch.zeros(50, dtype=torch.long))
    stds = q.stds / model.change_spread[0]
    assert 0.1 <= stds.min() < 0.11
    assert 0.55 < stds.max() <= 0.6 + 1e-6  # the least is added
    for bad in ((-1, 1), (0.1, 0), (0.1, "wide")):
        with pytest.raises(ValueError, match="std_range"):
            dl.DynamicsModel(env, std_range=bad)


def test_networks_are_given_what_the_road_shows():
    env = dl.Intersection()
    state = env.initial_state(3)
    assert env.features(state).shape == (3, 8)
    torch.testing.assert_close(env.features(state)[:, :7], state[:, [1, 3, 5, 6, 7, 8, 9]])
    torch.testing.assert_close(env.features(state)[:, 7], torch.full((3,), (3.5**2 + 24**2) ** 0.5).log())
    assert dl.DynamicsModel(env).centre.shape[-1] == 8
    assert dl.Discriminator(env).centre.shape[-1] == 3 * 8
    assert dl.DynamicsModel(dl.IcyRoad()).centre.shape[-1] == 4


def three_runs(env, data, kind, **training):
    """A fit of three runs, the network, and what was warned of."""
    model = dl.DynamicsModel(env, runs=3, generator=dl.seeded(1))
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        if kind == "model":
            network, fit = model, dl.fit_model(model, data, generator=dl.seeded(2), **training)
        else:
            network = dl.Discriminator(env, 3, dl.seeded(3))
            fit = dl.fit_discriminator(network, model, data, generator=dl.seeded(4), **training)
    return network, fit, [str(w.message) for w in seen if w.category is dl.DivergedFit]


@pytest.mark.parametrize("kind", ["model", "discriminator"])
def test_a_fit_that_diverges_says_so_and_keeps_its_last_good_parameters(env, kind):
    data = dl.collect(env, episodes=10, runs=3, generator=dl.seeded(0))
    network, fit, said = three_runs(env, data, kind, steps=500, learning_rate=1e6)
    (message,) = said
    assert "in 3 of 3 runs; in run 0: by step 20 " in message
    assert "keeps those of step 0. Try a lower learning_rate" in message
    assert fit.steps.tolist() == [20]  # it does not go on
    assert (fit.diverged.tolist(), fit.best_step.tolist()) == ([True] * 3, [0] * 3)
    assert all(t.isfinite().all() for t in network.state_dict().values())
    _, fit, said = three_runs(env, data, kind, steps=20)
    assert (fit.diverged.tolist(), said) == ([False] * 3, [])


def test_warnings_of_fits_point_at_the_readers_own_line(env):
    given, model, steep = data(10), dl.DynamicsModel(env), {"steps": 500, "learning_rate": 1e6}
    sparse = dl.Episodes(given.state, given.action, torch.zeros(10, 5), given.next_state)
    sparse.reward[0, 4] = 1.0
    with pytest.warns(UserWarning) as seen:
        dl.fit_model(model, given, **steep)
        dl.fit_discriminator(dl.Discriminator(env), model, given, **steep)
        dl.fit_model(model, sparse, "return", steps=1)
    assert [w.category for w in seen] == [dl.DivergedFit, dl.DivergedFit, UserWarning]
    assert {w.filename for w in seen} == {__file__}


def test_a_run_that_diverges_late_keeps_what_was_good_before(env):
    """From step 50 on one run's loss is no number; the other's falls to the end."""
    model, asked = dl.DynamicsModel(env, runs=2, generator=dl.seeded(1)), count(1)

    def size():
        return sum(p.square().flatten(1).sum(1) for p in model.parameters())

    def minibatch_loss(_):
        return size() * torch.tensor([1.0, math.nan if next(asked) >= 50 else 1.0])

    objective = Objective(minibatch_loss, size, 8)
    with pytest.warns(dl.DivergedFit, match="a DynamicsModel diverged in 1 of 2 runs; in run 1: by step 60 .* step 40"):
        fit = _minimise(model, objective, dl.Training(steps=100), torch.zeros(2), dl.seeded(0), False)
    assert fit.best_step.tolist() == [100, 40]
    assert fit.steps.tolist() == [20, 40, 60, 80, 100]
    assert fit.diverged.tolist() == [False, True]
    torch.testing.assert_close(size(), torch.stack([fit.held_out_loss[-1, 0], fit.held_out_loss[1, 1]]))


def test_a_first_loss_that_is_no_number_is_forgotten_at_the_first_that_is(env):
    model, looks = dl.DynamicsModel(env, generator=dl.seeded(1)), count()

    def size():
        return sum(p.square().flatten(1).sum(1) for p in model.parameters())

    objective = Objective(lambda _: size(), lambda: size() / min(next(looks), 1), 8)  # infinite at first
    fit = _minimise(model, objective, dl.Training(steps=40), torch.zeros(1), dl.seeded(0), False)
    assert (fit.best_step.item(), fit.diverged.item()) == (40, False)


@pytest.mark.parametrize("kind", ["model", "discriminator"])
def test_what_befalls_one_run_leaves_the_others_as_they_are(env, kind):
    data = dl.collect(env, episodes=10, runs=3, generator=dl.seeded(0))
    huge = data.map(lambda t: torch.cat([t[:1] * 0 + 3e38, t[1:]]) if t.is_floating_point() else t)
    well, at_peace, silence = three_runs(env, data, kind, steps=60)
    network, fit, said = three_runs(env, huge, kind, steps=60)
    assert (silence, len(said)) == ([], 1)
    assert "in 1 of 3 runs; in run 0: by step 0 " in said[0]
    assert fit.diverged.tolist() == [True, False, False]
    for name in ("training_loss", "held_out_loss"):
        assert torch.equal(getattr(fit, name)[:, 1:], getattr(at_peace, name)[:, 1:])
    assert torch.equal(fit.best_step[1:], at_peace.best_step[1:])
    for ill, healthy in zip(network.parameters(), well.parameters(), strict=True):
        assert torch.equal(ill[1:], healthy[1:])
        assert ill.isfinite().all()


@pytest.mark.parametrize("kind", ["model", "discriminator"])
def test_data_of_any_size_that_float32_holds_can_be_fitted(env, kind):
    data = dl.collect(env, episodes=10, runs=3, generator=dl.seeded(0))
    large = data.map(lambda t: t * 1e30 if t.is_floating_point() else t)
    network, fit, said = three_runs(env, large, kind, steps=60)
    assert (fit.diverged.any().item(), said) == (False, [])
    assert (fit.held_out_loss[-1] < fit.held_out_loss[0]).any()
    assert network.centre.isfinite().all()
    assert network.spread.isfinite().all()
