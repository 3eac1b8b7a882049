"""MBRL (Alg. 3): plan, drive, fit the model, fit the discriminator, and again; for R runs side by side."""

from dataclasses import dataclass

import torch
from torch import Tensor
from tqdm.auto import tqdm

from . import validate
from .data import Episodes, collect
from .discriminator import Discriminator
from .envs import Intersection
from .fitting import Fit, fit_discriminator, fit_model, one_thread
from .models import DynamicsModel
from .planning import Exhaustive, Planner, RandomShooting, policy

# What each method of Table 1 uses: how the model is weighted, and whether planning is corrected.
METHODS = {
    "baseline": ("uniform", False),
    "minvar": ("return", False),
    "disc": ("uniform", True),
    "dam": ("return", True),
}

WEIGHT_DECAY = 0.3  # of both fits: the first rounds have few data
BLUR = 0.1  # of `fit_discriminator`: a smooth discriminator plans better, see its docstring


FEW_SEQUENCES = 1000  # up to here a planner can try them all


def default_planner(env: object) -> Planner:
    """`Exhaustive` where the road has few action sequences, else `RandomShooting`; log-weights clipped to ±5."""
    if env.n_actions**env.horizon <= FEW_SEQUENCES:
        return Exhaustive(env.horizon, particles=50, clip=5.0)
    return RandomShooting(env.horizon, candidates=100, particles=20, clip=5.0)


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
    settings : the arguments of `run_mbrl`
    """

    returns: Tensor
    round_returns: Tensor
    data: Episodes
    model: DynamicsModel
    model_fit: Fit
    discriminator: Discriminator | None
    discriminator_fit: Fit | None
    settings: dict


def run_mbrl(
    env: object,
    method: str = "dam",
    components: int = 4,
    predict: str = "state",
    *,
    rounds: int = 10,
    runs: int = 8,
    seed: int = 0,
    random_episodes: int = 20,
    episodes: int = 10,
    evaluation_episodes: int = 40,
    planner: Planner | None = None,
    steps: int = 400,
    model_options: dict | None = None,
    discriminator_options: dict | None = None,
    progress: bool = False,
) -> MBRLResult:
    """MBRL of Alg. 3 with one of the four methods of Table 1.

    Parameters
    ----------
    env : the road
    method : "baseline", "minvar" (return-weighted model only), "disc" (discriminator only) or "dam" (both)
    components : K of the model; 1 is the paper's unimodal Gaussian
    predict : what the model predicts, "state" as in the paper, or "velocity"
    rounds : J, each of `episodes` episodes driven with the newest model, after `random_episodes` random ones
    runs : R independent repetitions, side by side
    seed : of all random numbers; the same seed gives the same result
    evaluation_episodes : driven at the end to measure `returns`; no data to learn from. At the Intersection half
        of them meet a car that turns left and half one that turns right, so that the coin adds no variance
    planner : by default `default_planner(env)`
    steps : of both fits, each from new random parameters every round
    model_options, discriminator_options : further arguments of `fit_model` and `fit_discriminator`
    progress : show a progress bar

    Raises
    ------
    ValueError
        If the method is unknown or a number is no positive integer.
    """
    settings = {key: value for key, value in locals().items() if key not in ("env", "progress")}
    weighting, corrected = METHODS[validate.choice("method", method, tuple(METHODS))]
    for name in ("rounds", "runs", "random_episodes", "episodes", "evaluation_episodes", "steps"):
        validate.integer(name, settings[name])
    planner = default_planner(env) if planner is None else planner
    generator = torch.Generator().manual_seed(validate.integer("seed", seed, least=0))
    how = {"steps": steps, "weight_decay": WEIGHT_DECAY, "generator": generator}
    how_model = {**how, "weighting": weighting, **(model_options or {})}
    how_disc = {**how, "blur": BLUR, **(discriminator_options or {})}

    def train(data: Episodes) -> tuple[DynamicsModel, Fit, Discriminator | None, Fit | None]:
        model = DynamicsModel(env, components, predict, runs, generator=generator)
        model_fit = fit_model(model, data, **how_model)
        if not corrected:
            return model, model_fit, None, None
        disc = Discriminator(env, runs, generator=generator)
        return model, model_fit, disc, fit_discriminator(disc, model, data, **how_disc)

    def drive(road: object, model: DynamicsModel, disc: Discriminator | None, count: int) -> Episodes:
        act = policy(planner, model, env, disc.log_ratio if disc else None)
        return collect(road, act, episodes=count, runs=runs, generator=generator)

    with one_thread():
        data = collect(env, episodes=random_episodes, runs=runs, generator=generator)
        model, model_fit, disc, disc_fit = train(data)
        round_returns = []
        for _ in tqdm(range(rounds), disable=not progress, desc=f"{method}, K = {components}", unit="round"):
            driven = drive(env, model, disc, episodes)  # τ ← ROLLOUT(RSPLANNER)
            data = data + driven  # 𝒯 ← 𝒯 ∪ {τ}
            model, model_fit, disc, disc_fit = train(data)
            round_returns.append(driven.returns.mean(-1))
        roads = env.sides() if isinstance(env, Intersection) else (env,)
        share = max(evaluation_episodes // len(roads), 1)
        returns = torch.stack([drive(road, model, disc, share).returns.mean(-1) for road in roads]).mean(0)
    return MBRLResult(returns, torch.stack(round_returns, -1), data, model, model_fit, disc, disc_fit, settings)
