"""Models, discriminators and their fits."""

import math

import pytest
import torch
from scipy.stats import spearmanr

import damlite as dl
from damlite.networks import StackedMLP

AT, ACCELERATE = torch.tensor([2.0, 0.0, 2.0, 0.0]), torch.tensor(2)
QUICK = {"steps": 40, "batch": 32}


def data(episodes=20, runs=None, seed=0):
    return dl.collect(dl.IcyRoad(), episodes=episodes, runs=runs, generator=torch.Generator().manual_seed(seed))


def quick_fit(given, runs, seed=0, weighting="uniform", env=None):
    g = torch.Generator().manual_seed(seed)
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
    fit = dl.fit_model(model, given, steps=300, generator=generator)
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


def test_the_split_holds_out_every_fifth_episode_and_stays():
    given = data(12)
    training, held_out = given.split()
    assert (len(training), len(held_out)) == (10, 2)
    assert torch.equal(held_out.state, given.state[[4, 9]])
    assert torch.equal((given + data(3, seed=1)).split()[1].state[:2], held_out.state)
    assert [len(part) for part in data(3).split()] == [2, 1]
    assert [len(part) for part in data(1).split()] == [1, 1]


def test_return_weights_are_shifted_and_have_mean_one():
    returns = torch.tensor([[-5.0, 1.0, 4.0], [2.0, 2.0, 2.0]])
    weights, offset = dl.return_weights(returns)
    torch.testing.assert_close(weights[0], torch.tensor([0.0, 6.0, 9.0]) / 5)
    assert offset.tolist() == [[-5.0], [2.0]]
    assert weights[1].tolist() == [1.0, 1.0, 1.0]  # all returns equal: q* is p


def test_equal_returns_give_the_uniform_fit(generator):
    given = data(10)
    same = dl.Episodes(given.state, given.action, torch.ones_like(given.reward), given.next_state)
    uniform, weighted = (quick_fit(same, 1, weighting=w)[0] for w in ("uniform", "return"))
    for p, q in zip(uniform.parameters(), weighted.parameters(), strict=True):
        assert torch.equal(p, q)


def test_return_weighting_makes_the_model_lucky():
    """It fits p·E[R | s, a, s'] (q* of Eq. 9), so staying on the road looks likelier than it is."""
    env, g = dl.IcyRoad(swerve_prob=0.5), torch.Generator().manual_seed(0)
    given = dl.collect(env, episodes=800, generator=g)
    stay = []
    for weighting in ("uniform", "return"):
        model = dl.DynamicsModel(env, 4, generator=g)
        fit = dl.fit_model(model, given, weighting, steps=400, generator=g)
        marginal = model.transition(AT, ACCELERATE).marginal(3)
        stay.append((marginal.cdf(torch.tensor(0.6)) - marginal.cdf(torch.tensor(-0.6))).item())
    assert fit.offset.item() == given.returns.min()
    assert stay[1] > stay[0] + 0.1


def test_a_fitted_mixture_has_nearly_the_true_likelihood(env, random_data):
    """Every run comes within log √2 + 0.1 nats: the true mean rounds the speed, a smooth network cannot, and the
    straight line through the staircase has √2 times the speed's noise."""
    runs = 5
    g = torch.Generator().manual_seed(0)
    held_out = random_data.split()[1]
    truth = -env.transition(held_out.state, held_out.action).log_prob(held_out.next_state).mean()
    losses = {}
    for components in (1, 4):
        model = dl.DynamicsModel(env, components, runs=runs, generator=g)
        losses[components] = dl.fit_model(model, random_data, steps=600, generator=g).held_out_loss.min(0).values
    assert (losses[4] > truth).all()
    assert (losses[4] < truth + math.log(2) / 2 + 0.1).all()
    assert (losses[1] > truth + 0.5).all()


def test_no_component_of_a_mixture_is_shared_or_dies(env, random_data):
    """Between staying and either side of a swerve no run imagines a car: the truth has a thousandth there."""
    runs = 8
    g = torch.Generator().manual_seed(1)
    model = dl.DynamicsModel(env, 4, runs=runs, generator=g)
    dl.fit_model(model, random_data, steps=400, generator=g)
    with torch.no_grad():
        sideways = model.transition(AT.expand(runs, 4), ACCELERATE.expand(runs)).marginal(3)
        gap = sum(
            sideways.cdf(torch.tensor(high)) - sideways.cdf(torch.tensor(low))
            for low, high in ((-0.9, -0.3), (0.3, 0.9))
        )
    assert (gap < 0.03).all()


def test_a_second_fit_goes_on_from_the_first(env, random_data):
    g = torch.Generator().manual_seed(0)
    model = dl.DynamicsModel(env, 4, generator=g)
    first = dl.fit_model(model, random_data, steps=200, generator=g)
    before = model.change_spread.clone()
    few = dl.collect(env, episodes=30, generator=g)
    dl.fit_model(model, few, steps=1, learning_rate=0.0, generator=g)
    assert torch.equal(model.change_spread, before)
    again = dl.fit_model(model, random_data, steps=1, learning_rate=0.0, generator=g)
    assert torch.isclose(again.held_out_loss.min(), first.held_out_loss.min(), atol=1e-4)


def test_the_discriminator_learns_the_ratio(env, random_data):
    """Rank correlation with the exact log-ratio, and the corrected mean next reward, for five seeds."""
    runs, samples = 5, 4000
    g = torch.Generator().manual_seed(0)
    model = dl.DynamicsModel(env, components=1, runs=runs, generator=g)
    dl.fit_model(model, random_data, generator=g)
    disc = dl.Discriminator(env, runs, generator=g)
    dl.fit_discriminator(disc, model, random_data, generator=g)
    state, action = AT.expand(runs, samples, 4), ACCELERATE.expand(runs, samples)
    truth = dl.exact.next_reward(env, env.transition(AT, ACCELERATE)).item()
    with torch.no_grad():
        next_state = model.transition(state, action).sample(generator=g)
        learned = disc.log_ratio(state, action, next_state)
        exact = dl.exact.log_ratio(env, model, state, action, next_state)
        reward = env.reward(next_state, action)
    for run in range(runs):
        assert spearmanr(learned[run], exact[run]).statistic > 0.75
    off = (reward.mean(-1) - truth).abs()
    corrected_off = ((learned.exp() * reward).mean(-1) - truth).abs()
    assert (off > 4).all()
    assert (corrected_off < off / 5).all()


def test_a_discriminator_of_the_truth_itself_says_even(env, random_data):
    class Perfect(dl.DynamicsModel):
        def transition(self, state, action):
            return env.transition(state, action)

    g = torch.Generator().manual_seed(0)
    model, disc = Perfect(env, 3, generator=g), dl.Discriminator(env, generator=g)
    dl.fit_discriminator(disc, model, random_data, steps=300, generator=g)
    held_out = random_data.split()[1]
    with torch.no_grad():
        logit = disc.log_ratio(held_out.state, held_out.action, held_out.next_state)
    assert logit.abs().mean() < 0.15


def test_calibration_of_a_fitted_discriminator(env, random_data):
    g = torch.Generator().manual_seed(0)
    model, disc = dl.DynamicsModel(env, 1, generator=g), dl.Discriminator(env, generator=g)
    dl.fit_model(model, random_data, steps=400, generator=g)
    dl.fit_discriminator(disc, model, random_data, steps=400, generator=g)
    fresh = data(400, seed=9)
    with torch.no_grad():
        fake = model.transition(fresh.state, fresh.action).sample(generator=g)
        logits = [disc.log_ratio(fresh.state, fresh.action, s2) for s2 in (fresh.next_state, fake)]
    calibrated = dl.diagnostics.calibration(*logits)
    overconfident = dl.diagnostics.calibration(*[5 * x for x in logits])
    assert calibrated.error < 0.06
    assert overconfident.error > 1.3 * calibrated.error


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
        (lambda env: dl.Discriminator(env, hidden=(64, 0)), "hidden must be a positive integer, got 0"),
        (lambda env: dl.fit_model(dl.DynamicsModel(env), data(), "returns"), "weighting must be one of"),
        (
            lambda env: dl.fit_model(dl.DynamicsModel(env), data(), steps=0),
            "steps must be a positive integer, got 0",
        ),
        (
            lambda env: dl.fit_model(dl.DynamicsModel(env), data(), patience=0),
            "patience must be a positive integer",
        ),
        (
            lambda env: dl.fit_discriminator(dl.Discriminator(env, 2), dl.DynamicsModel(env), data()),
            "equally many runs, got 2 and 1",
        ),
        (lambda env: dl.collect(env, episodes=0), "episodes must be a positive integer, got 0"),
        (
            lambda env: dl.collect(env, lambda s, t, g: torch.full(s.shape[:-1], 3)),
            "policy's actions must be integers",
        ),
    ],
)
def test_bad_arguments_are_named(env, call, message):
    with pytest.raises(ValueError, match=message):
        call(env)


@pytest.mark.parametrize("network", [dl.DynamicsModel, dl.Discriminator])
def test_a_box_bounds_what_a_network_is_asked(env, network):
    """Far off the training data the outputs are those at the box's edge: a million metres are as good as a thousand."""
    free, boxed = (network(env, box=box, generator=torch.Generator().manual_seed(0)) for box in (None, 3.0))

    def outputs(network, x):
        with torch.no_grad():
            return network.evaluate(torch.full((1, network.centre.shape[-1]), x), torch.zeros(1, dtype=torch.long))

    assert torch.equal(outputs(free, 2.9), outputs(boxed, 2.9))
    assert not torch.equal(outputs(free, 1e3), outputs(free, 1e6))
    assert torch.equal(outputs(boxed, 1e3), outputs(boxed, 1e6))


def test_standard_deviations_stay_in_their_range(env):
    model = dl.DynamicsModel(env, std_range=(0.1, 0.5), generator=torch.Generator().manual_seed(0))
    dl.fit_model(model, data(), steps=20, generator=torch.Generator().manual_seed(0))
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
