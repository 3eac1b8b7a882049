"""The loop: the four methods, reproducibility and bad input."""

import subprocess
import sys

import pytest
import torch

import damlite as dl

SMALL = {"rounds": 2, "runs": 2, "steps": 40, "random_episodes": 10, "episodes": 4, "evaluation_episodes": 4}
SNIPPET = f"""
import damlite as dl
result = dl.run_mbrl(dl.IcyRoad(), "dam", seed=5, **{SMALL})
print(result.returns.tolist(), result.round_returns.tolist())
"""


@pytest.mark.parametrize("predict", ["velocity", "state"])
@pytest.mark.parametrize("method", dl.METHODS)
def test_every_method_runs_and_says_what_it_did(env, method, predict):
    result = dl.run_mbrl(env, method, 4, predict, **SMALL)
    assert result.returns.shape == (2,)
    assert result.round_returns.shape == (2, 2)
    assert result.data.returns.shape == (2, 10 + 2 * 4)
    assert result.model.predict == predict
    assert (result.discriminator is None) == (method in ("baseline", "minvar"))
    assert (result.model_fit.offset != 0).all() == (method in ("minvar", "dam"))
    torch.testing.assert_close(result.data.returns[:, 10:14].mean(-1), result.round_returns[:, 0])
    assert result.settings["method"] == method


def test_the_same_seed_gives_the_same_numbers(env):
    first, second, other = (dl.run_mbrl(env, "dam", seed=seed, **SMALL) for seed in (5, 5, 6))
    assert torch.equal(first.returns, second.returns)
    assert torch.equal(first.round_returns, second.round_returns)
    assert not torch.equal(first.data.state, other.data.state)
    elsewhere = subprocess.run([sys.executable, "-c", SNIPPET], capture_output=True, text=True, check=True).stdout
    assert elsewhere.strip() == f"{first.returns.tolist()} {first.round_returns.tolist()}"


def test_global_random_numbers_play_no_part(env):
    torch.manual_seed(1)
    first = dl.run_mbrl(env, "disc", **SMALL).returns
    torch.manual_seed(2)
    assert torch.equal(first, dl.run_mbrl(env, "disc", **SMALL).returns)


@pytest.mark.parametrize("planner", [dl.RandomShooting(candidates=20), dl.CrossEntropy(candidates=20)])
def test_any_planner_goes_in(env, planner):
    assert dl.run_mbrl(env, "disc", planner=planner, **SMALL).returns.isfinite().all()


def test_the_discriminator_lifts_the_gaussian(env):
    """The paper's clearest claim, in a fifth of the table's rounds: disc above baseline by 1 at least."""
    how = {"components": 1, "predict": "velocity", "rounds": 2, "runs": 8}
    lift = dl.run_mbrl(env, "disc", **how).returns.mean() - dl.run_mbrl(env, "baseline", **how).returns.mean()
    assert lift > 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"method": "DAM"}, "method must be one of 'baseline', 'minvar', 'disc', 'dam', got 'DAM'"),
        ({"rounds": 0}, "rounds must be a positive integer, got 0"),
        ({"runs": -1}, "runs must be a positive integer, got -1"),
        ({"seed": -1}, "seed must be a non-negative integer, got -1"),
        ({"seed": 1.5}, "seed must be a non-negative integer, got 1.5"),
        ({"episodes": 0}, "episodes must be a positive integer, got 0"),
        ({"steps": 0}, "steps must be a positive integer, got 0"),
        ({"predict": "position"}, "predict must be one of"),
        ({"components": 0}, "components must be a positive integer"),
    ],
)
def test_bad_arguments_are_named(env, change, message):
    with pytest.raises(ValueError, match=message):
        dl.run_mbrl(env, **change)


@pytest.mark.parametrize("predict", ["velocity", "state"])
def test_the_loop_runs_at_the_intersection(predict):
    planner = dl.RandomShooting(horizon=6, candidates=5, particles=2, clip=5.0)
    result = dl.run_mbrl(dl.Intersection(), "dam", 2, predict, planner=planner, **SMALL)
    assert result.data.state.shape == (2, 10 + 2 * 4, 25, 10)
    assert torch.isfinite(result.returns).all()
    assert result.settings["random_episodes"] == 10
    assert result.model.box == 3  # what the recipe says and nobody changed
    assert result.settings["discriminator_options"]["blur"] == 0.5


def test_a_recipe_is_changed_by_the_field_and_its_options_by_the_entry():
    recipe = dl.loop.default_recipe(dl.IcyRoad())
    assert isinstance(recipe.planner, dl.Exhaustive)
    assert dl.loop.default_recipe(dl.Intersection()).planner.hold == (3, 5, 12)
    changed = recipe.but(rounds=3, episodes=None, discriminator_options={"blur": 0.5})
    assert (changed.rounds, changed.episodes) == (3, recipe.episodes)
    assert changed.discriminator_options == {"weight_decay": 0.3, "blur": 0.5}
    assert recipe.discriminator_options["blur"] == 0.1
    with pytest.raises(ValueError, match="later_steps must be a positive integer, got 0"):
        recipe.but(later_steps=0)


def test_a_warm_start_goes_on_from_the_round_before(env, monkeypatch):
    fitted = []
    fit_model = dl.loop.fit_model
    monkeypatch.setattr(
        dl.loop,
        "fit_model",
        lambda model, *a, **how: fitted.append((model, how["steps"])) or fit_model(model, *a, **how),
    )
    recipe = dl.loop.default_recipe(env)
    for later_steps in (None, 7):
        fitted.clear()
        dl.run_mbrl(env, "disc", recipe=recipe.but(later_steps=later_steps), **SMALL)
        models, steps = zip(*fitted, strict=True)
        assert len({id(model) for model in models}) == (1 if later_steps else 3)
        assert steps == ((40, 7, 7) if later_steps else (40, 40, 40))


def test_evaluation_meets_both_turns_equally_often(monkeypatch):
    seen = []
    collect = dl.loop.collect
    monkeypatch.setattr(
        dl.loop, "collect", lambda road, *a, **how: seen.append((road, how)) or collect(road, *a, **how)
    )
    planner = dl.RandomShooting(horizon=2, candidates=2, particles=1)
    dl.run_mbrl(dl.Intersection(noise=0.03), "baseline", 1, planner=planner, **{**SMALL, "evaluation_episodes": 6})
    assert [road.left_prob for road, _ in seen] == [0.5, 0.5, 0.5, 1.0, 0.0]
    assert [how["episodes"] for _, how in seen[-2:]] == [3, 3]
    assert all(road.noise == 0.03 for road, _ in seen)
    states = collect(seen[-2][0], episodes=20, generator=torch.Generator().manual_seed(0)).next_state
    assert (states[:, -1, 9] > -1).all()  # turned left, and not straight on
