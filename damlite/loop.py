"""MBRL (Alg. 3): plan, drive, fit the model, fit the discriminator, and again; for R runs side by side."""

import math
from copy import deepcopy
from dataclasses import dataclass, fields, replace
from importlib import metadata

import torch
from torch import Generator, Tensor

from .data import Episodes, Policy, collect
from .diagnostics.alarm import quiet
from .discriminator import Discriminator
from .envs import Environment
from .fitting import Fit, fit_discriminator, fit_model
from .mixture import seeded
from .models import DynamicsModel
from .networks import Network
from .planning import Belief, policy
from .recipe import Recipe, our_recipe
from .support import validate
from .support.threads import one_thread

try:
    VERSION = metadata.version("damlite")
except metadata.PackageNotFoundError:
    VERSION = "not installed"

METHODS = {  # of Table 1: how the model is weighted, and whether planning is corrected
    "baseline": ("uniform", False),
    "minvar": ("return", False),
    "disc": ("uniform", True),
    "dam": ("return", True),
}


@dataclass(frozen=True)
class Learned:
    """A model and, for the methods that plan with weights, its discriminator, fitted to the same data.

    Attributes
    ----------
    env : what they are of
    method : one of `METHODS`
    model, model_fit : q(s' | s, a) and its last fit
    disc, disc_fit : the discriminator and its last fit; None for the methods without one
    """

    env: Environment
    method: str
    model: DynamicsModel
    model_fit: Fit | None = None
    disc: Discriminator | None = None
    disc_fit: Fit | None = None

    def __post_init__(self) -> None:
        validate.environment("env", self.env)
        validate.choice("method", self.method, tuple(METHODS))
        validate.instance("model", self.model, DynamicsModel)
        if self.disc is not None:
            validate.instance("disc", self.disc, Discriminator)

    @property
    def belief(self) -> Belief:
        """What a planner goes by: with weights, in rewards shifted as those that the model was weighted with."""
        if self.disc is None:
            return Belief(self.env, self.model)
        validate.instance("model_fit", self.model_fit, Fit, ", whose offset goes with the weights")
        return Belief(self.env, self.model, self.disc.log_ratio, self.model_fit.offset)

    def again(self, data: Episodes, recipe: Recipe, generator: Generator | None = None) -> "Learned":
        """Both fitted further, in place, to data that have grown: `recipe.later_steps` from where they are."""
        validate.instance("recipe", recipe, Recipe)
        if recipe.later_steps is None:
            raise ValueError("recipe must have later_steps to go on with, got None: `learn` begins anew")
        return _fit(self, data, recipe.later(), generator)


def learn(
    env: Environment,
    data: Episodes,
    method: str = "dam",
    components: int = 4,
    predict: str = "state",
    recipe: Recipe | None = None,
    generator: Generator | None = None,
) -> Learned:
    """TRAINMODEL and TRAINDISCRIMINATOR (Alg. 2) from new random parameters, as a method of Table 1 asks.

    Parameters
    ----------
    env : the environment
    data : episodes; with a leading axis R, R models and discriminators are fitted side by side
    method : "baseline", "minvar" (return-weighted model only), "disc" (discriminator only) or "dam" (both)
    components, predict : of `DynamicsModel`
    recipe : its networks and trainings, by default those of `our_recipe(env)`
    generator : where the random numbers come from
    """
    validate.environment("env", env)
    recipe = our_recipe(env) if recipe is None else validate.instance("recipe", recipe, Recipe)
    validate.choice("method", method, tuple(METHODS))
    validate.instance("data", data, Episodes, ", as collect gives")
    validate.generator("generator", generator)
    runs = len(data.state) if data.state.ndim > 3 else 1
    model = DynamicsModel(env, components, predict, runs, generator, **recipe.network)
    return _fit(Learned(env, method, model), data, recipe, generator)


def _fit(learned: Learned, data: Episodes, recipe: Recipe, generator: Generator | None) -> Learned:
    """Its model, and, if the method has one, its discriminator, which is made if there is none yet."""
    weighting, corrected = METHODS[learned.method]
    model, disc = learned.model, learned.disc
    model_fit = fit_model(model, data, weighting, generator=generator, **vars(recipe.model_training))
    if not corrected:
        return replace(learned, model_fit=model_fit)
    if disc is None:
        network = {f.name: recipe.network[f.name] for f in fields(Network)}
        disc = Discriminator(learned.env, model.runs, generator, **network)
    how = {"instance_noise": recipe.instance_noise, **vars(recipe.discriminator_training)}
    disc_fit = fit_discriminator(disc, model, data, generator=generator, **how)
    return replace(learned, model_fit=model_fit, disc=disc, disc_fit=disc_fit)


def evaluate(env: Environment, act: Policy, episodes: int, runs: int, generator: Generator | None = None) -> Tensor:
    """Mean return (R,) of a policy over fresh episodes, equally many on each of the environment's `sides`.

    At the Intersection half of the episodes meet a car that turns left and half one that turns right, so that the
    coin adds no variance; an odd number is rounded up.
    """
    sides = validate.sides("env", validate.environment("env", env))
    validate.policy("act", act)
    runs = validate.integer("runs", runs)
    validate.generator("generator", generator)
    share = math.ceil(validate.integer("episodes", episodes) / len(sides))
    driven = [collect(side, act, episodes=share, runs=runs, generator=generator) for side in sides]
    return torch.stack([data.returns.mean(-1) for data in driven]).mean(0)


@dataclass(frozen=True)
class MBRLResult:
    """What `run_mbrl` gives back.

    Attributes
    ----------
    returns : (R,), mean return of each run over fresh evaluation episodes after the last round
    round_returns : (R, J), mean return of each round's own episodes
    data : every episode driven, with a leading axis R
    learned : model and discriminator as fitted in the last round
    settings : what was asked for, the recipe, how many evaluation episodes were driven, and the package's version
    """

    returns: Tensor
    round_returns: Tensor
    data: Episodes
    learned: Learned
    settings: dict


@one_thread()
def run_mbrl(
    env: Environment,
    method: str = "dam",
    components: int = 4,
    predict: str = "state",
    *,
    runs: int = 8,
    seed: int = 0,
    recipe: Recipe | None = None,
    **changes: object,
) -> MBRLResult:
    """MBRL of Alg. 3 with one of the four methods of Table 1.

    Parameters
    ----------
    env : the environment
    method : "baseline", "minvar" (return-weighted model only), "disc" (discriminator only) or "dam" (both)
    components : K of the model; 1 is the paper's unimodal Gaussian
    predict : what the model predicts, "state" as in the paper, or "velocity"
    runs : R independent repetitions, side by side
    seed : of all random numbers; the same seed gives the same result
    recipe : how to plan and learn, by default `our_recipe(env)`; the paper's own is `paper_recipe(env)`
    changes : of the recipe, see `Recipe.but`

    Raises ValueError if the method or a change is unknown, or a number does not fit. Whatever ends it after the first
    fits, the stop button too, has an attribute `so_far`: the `MBRLResult` of all finished rounds, its `returns` NaN.
    """
    validate.environment("env", env)
    recipe = (our_recipe(env) if recipe is None else validate.instance("recipe", recipe, Recipe)).but(**changes)
    validate.choice("method", method, tuple(METHODS))
    runs = validate.integer("runs", runs)
    generator = seeded(validate.integer("seed", seed, least=0, most=2**63 - 1))
    asked = {"method": method, "components": components, "predict": predict, "runs": runs, "seed": seed}
    sides = len(validate.sides("env", env))
    driven = sides * math.ceil(recipe.evaluation_episodes / sides)
    settings = {**asked, "recipe": recipe, "evaluation_episodes": driven, "version": VERSION}
    data = collect(env, episodes=recipe.random_episodes, runs=runs, generator=generator)
    learned = learn(env, data, method, components, predict, recipe, generator)
    so_far = MBRLResult(torch.full((runs,), math.nan), data.returns[:, :0], data, learned, settings)
    try:
        for _ in range(recipe.rounds):
            so_far = _one_round_more(so_far, recipe, generator)
        act = policy(recipe.planner, so_far.learned.belief)
        returns = evaluate(env, act, recipe.evaluation_episodes, runs, generator)
    except BaseException as stopped:
        stopped.so_far = so_far
        done = f"{so_far.round_returns.shape[-1]} of {recipe.rounds} rounds are finished"
        stopped.add_note(f"{done}; their result is this exception's so_far: import sys; sys.last_value.so_far")
        raise
    return replace(so_far, returns=returns)


def _one_round_more(so_far: MBRLResult, recipe: Recipe, generator: Generator) -> MBRLResult:
    """A round of Alg. 3, from plan to fits; what is learned so far stays as it is."""
    learned, runs = so_far.learned, so_far.settings["runs"]
    act = policy(recipe.planner, learned.belief)  # RSPLANNER
    with quiet():  # until the last fit, which is evaluated
        driven = collect(learned.env, act, episodes=recipe.episodes, runs=runs, generator=generator)  # τ ← ROLLOUT
    data = so_far.data + driven  # 𝒯 ← 𝒯 ∪ {τ}
    if recipe.later_steps is None:
        components, predict = learned.model.components, learned.model.predict
        learned = learn(learned.env, data, learned.method, components, predict, recipe, generator)
    else:
        learned = deepcopy(learned, {id(learned.env): learned.env}).again(data, recipe, generator)
    round_returns = torch.cat([so_far.round_returns, driven.returns.mean(-1, keepdim=True)], -1)
    return replace(so_far, round_returns=round_returns, data=data, learned=learned)
