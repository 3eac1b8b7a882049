"""MBRL (Alg. 3): plan, drive, fit the model, fit the discriminator, and again; for R runs side by side."""

import math
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor
from tqdm.auto import tqdm

from . import validate
from .data import Episodes, Policy, collect
from .discriminator import Discriminator
from .envs import Intersection
from .fitting import Fit, fit_discriminator, fit_model, one_thread
from .mixture import seeded
from .models import DynamicsModel
from .planning import Exhaustive, Planner, policy

# What each method of Table 1 uses: how the model is weighted, and whether planning is corrected.
METHODS = {
    "baseline": ("uniform", False),
    "minvar": ("return", False),
    "disc": ("uniform", True),
    "dam": ("return", True),
}

FEW_SEQUENCES = 1000  # up to here a planner can try them all


@dataclass(frozen=True)
class Recipe:
    """How `run_mbrl` plans and learns on a road: the same for all models and methods, so that cells compare.

    Attributes
    ----------
    planner : what drives
    rounds : J, each of `episodes` episodes driven with the newest model, after `random_episodes` random ones
    evaluation_episodes : driven at the end to measure a run's return, see `evaluate`; no data to learn from
    steps : of both fits of the first round, and of every round that begins from new random parameters
    later_steps : of both fits of the later rounds, but never more than `steps`; they then go on from the
        parameters of the round before. None to begin anew every round, as Alg. 2 does
    box : of `DynamicsModel` and `Discriminator`
    std_range : of `DynamicsModel`
    model_options, discriminator_options : further arguments of `fit_model` and `fit_discriminator`
    """

    planner: Planner
    rounds: int = 10
    random_episodes: int = 20
    episodes: int = 10
    evaluation_episodes: int = 40
    steps: int = 400
    later_steps: int | None = None
    box: float | None = None
    std_range: tuple[float, float] = (0.01, math.inf)
    model_options: dict = field(default_factory=lambda: {"weight_decay": 0.3})
    discriminator_options: dict = field(default_factory=lambda: {"weight_decay": 0.3, "blur": 0.1})

    def __post_init__(self) -> None:
        for name in ("rounds", "random_episodes", "episodes", "evaluation_episodes", "steps"):
            validate.integer(name, getattr(self, name))
        if self.later_steps is not None:
            validate.integer("later_steps", self.later_steps)

    def but(self, **changes: object) -> "Recipe":
        """This recipe with some fields changed, those that are not None; dicts are added to."""
        new = {}
        for name, value in changes.items():
            if value is not None:
                old = getattr(self, name)
                new[name] = {**old, **value} if isinstance(old, dict) else value
        return replace(self, **new)


def default_recipe(env: object) -> Recipe:
    """What works on a road.

    Where a planner can try all action sequences (IcyRoad) it does. On longer roads it tries those that hold each
    action for a while, the later the longer: random shooting's hundred candidates are a hundred chances to be
    lucky, and a planner that does not look far past a crash takes it for a small loss. Over so many steps weights
    grow large by small errors: their mean is kept from exceeding one. Longer roads also get more random
    episodes, warm starts, networks that look at nothing far off their data, a model that is blunt and a
    discriminator that is blunter.
    """
    if env.n_actions**env.horizon <= FEW_SEQUENCES:
        return Recipe(Exhaustive(env.horizon, particles=50, clip=5.0))
    return Recipe(
        Exhaustive(min(env.horizon, 20), particles=20, hold=(3, 5, 12), normalise="excess", clip=2.0),
        rounds=2,
        random_episodes=600,
        episodes=10,
        evaluation_episodes=10,
        steps=2500,
        later_steps=1000,
        box=3.0,
        std_range=(0.1, 1.6),
        model_options={"learning_rate": 5e-2, "weight_decay": 0.01},
        discriminator_options={"weight_decay": 0.3, "blur": 0.5},
    )


@dataclass(frozen=True)
class MBRLResult:
    """What `run_mbrl` gives back.

    Attributes
    ----------
    returns : (R,), mean return of each run over fresh evaluation episodes after the last round
    round_returns : (R, J), mean return of each round's own episodes
    data : every episode driven, with a leading axis R
    model, discriminator, model_fit, discriminator_fit : fitted in the last round; the discriminator and
        its fit are None for the methods without one
    settings : what was asked for, and the recipe
    """

    returns: Tensor
    round_returns: Tensor
    data: Episodes
    model: DynamicsModel
    model_fit: Fit
    discriminator: Discriminator | None
    discriminator_fit: Fit | None
    settings: dict


def evaluate(env: object, act: Policy, episodes: int, runs: int, generator: torch.Generator | None = None) -> Tensor:
    """Mean return (R,) of a policy over fresh episodes.

    At the Intersection half of the episodes meet a car that turns left and half one that turns right, so that the
    coin adds no variance.
    """
    roads = env.sides() if isinstance(env, Intersection) else (env,)
    share = max(episodes // len(roads), 1)
    driven = [collect(road, act, episodes=share, runs=runs, generator=generator) for road in roads]
    return torch.stack([data.returns.mean(-1) for data in driven]).mean(0)


def run_mbrl(
    env: object,
    method: str = "dam",
    components: int = 4,
    predict: str = "state",
    *,
    runs: int = 8,
    seed: int = 0,
    rounds: int | None = None,
    random_episodes: int | None = None,
    episodes: int | None = None,
    evaluation_episodes: int | None = None,
    planner: Planner | None = None,
    steps: int | None = None,
    model_options: dict | None = None,
    discriminator_options: dict | None = None,
    recipe: Recipe | None = None,
    progress: bool = False,
) -> MBRLResult:
    """MBRL of Alg. 3 with one of the four methods of Table 1.

    Parameters
    ----------
    env : the road
    method : "baseline", "minvar" (return-weighted model only), "disc" (discriminator only) or "dam" (both)
    components : K of the model; 1 is the paper's unimodal Gaussian
    predict : what the model predicts, "state" as in the paper, or "velocity"
    runs : R independent repetitions, side by side
    seed : of all random numbers; the same seed gives the same result
    recipe : how to plan and learn, by default `default_recipe(env)`
    rounds, random_episodes, episodes, evaluation_episodes, planner, steps, model_options, discriminator_options :
        each in place of the recipe's own, see `Recipe`
    progress : show a progress bar

    Raises
    ------
    ValueError
        If the method is unknown or a number is no positive integer.
    """
    changes = {key: value for key, value in locals().items() if key in Recipe.__dataclass_fields__}
    recipe = (default_recipe(env) if recipe is None else recipe).but(**changes)
    weighting, corrected = METHODS[validate.choice("method", method, tuple(METHODS))]
    validate.integer("runs", runs)
    generator = seeded(validate.integer("seed", seed, least=0))
    network = {"runs": runs, "box": recipe.box, "generator": generator}

    def train(
        data: Episodes, model: DynamicsModel | None = None, disc: Discriminator | None = None
    ) -> tuple[DynamicsModel, Fit, Discriminator | None, Fit | None]:
        warm = model is not None and recipe.later_steps is not None
        how = {"steps": min(recipe.later_steps, recipe.steps) if warm else recipe.steps, "generator": generator}
        if not warm:
            model = DynamicsModel(env, components, predict, std_range=recipe.std_range, **network)
        model_fit = fit_model(model, data, **{"weighting": weighting, **how, **recipe.model_options})
        if not corrected:
            return model, model_fit, None, None
        disc = disc if warm else Discriminator(env, **network)
        return model, model_fit, disc, fit_discriminator(disc, model, data, **{**how, **recipe.discriminator_options})

    def plan(model: DynamicsModel, fit: Fit, disc: Discriminator | None) -> Policy:
        weighed = (disc.log_ratio, fit.offset / env.horizon) if disc else ()  # R(τ) − offset = Σ_t (r_t − offset/T)
        return policy(recipe.planner, model, env, *weighed)

    with one_thread():
        data = collect(env, episodes=recipe.random_episodes, runs=runs, generator=generator)
        model, model_fit, disc, disc_fit = train(data)
        round_returns = []
        for _ in tqdm(range(recipe.rounds), disable=not progress, desc=f"{method}, K = {components}", unit="round"):
            act = plan(model, model_fit, disc)  # RSPLANNER
            driven = collect(env, act, episodes=recipe.episodes, runs=runs, generator=generator)  # τ ← ROLLOUT
            data = data + driven  # 𝒯 ← 𝒯 ∪ {τ}
            model, model_fit, disc, disc_fit = train(data, model, disc)
            round_returns.append(driven.returns.mean(-1))
        returns = evaluate(env, plan(model, model_fit, disc), recipe.evaluation_episodes, runs, generator)
    settings = {
        "method": method,
        "components": components,
        "predict": predict,
        "runs": runs,
        "seed": seed,
        **vars(recipe),
    }
    return MBRLResult(returns, torch.stack(round_returns, -1), data, model, model_fit, disc, disc_fit, settings)
