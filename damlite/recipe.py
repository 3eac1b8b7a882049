"""Recipes: all that lies between an environment and a number, as the paper prints it and as we found it to work."""

import math
from dataclasses import dataclass, fields, replace

from .envs import Environment
from .fitting import Training
from .networks import MixtureNetwork
from .planning import Exhaustive, Planner, RandomShooting
from .support import limits, validate

FEW_SEQUENCES = 1000  # up to here a planner can try them all
TRAINING = Training(steps=400, weight_decay=0.3)  # of small networks on few data


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """All that lies between an environment and a number: the same for all models and methods, so that cells compare.

    Attributes
    ----------
    planner : what drives; its fields say how values are estimated
    rounds : J, each of `episodes` episodes driven with the newest model, after `random_episodes` random ones
    evaluation_episodes : driven at the end to measure a run's return, as many on each of a road's sides, and so rounded
        up, see `evaluate`; no data to learn from
    model_training, discriminator_training : of the fits of the first round, and of every round that begins from new
        random parameters
    later_steps : of both fits of the later rounds, but never more than the training's own; they then go on from the
        parameters of the round before. None to begin anew every round, as Alg. 2 does
    instance_noise : of `fit_discriminator`
    hidden, box, features, std_range, start : of the networks, see `MixtureNetwork`
    """

    planner: Planner
    rounds: int = 10
    random_episodes: int = 20
    episodes: int = 10
    evaluation_episodes: int = 40
    model_training: Training = TRAINING
    discriminator_training: Training = TRAINING
    later_steps: int | None = None
    instance_noise: float = 0.1
    hidden: tuple[int, ...] = (64, 64)
    box: float | None = None
    features: bool = True
    std_range: tuple[float, float] = (0.01, math.inf)
    start: str = "clusters"

    def __post_init__(self) -> None:
        for name, kind in (("planner", Planner), ("model_training", Training), ("discriminator_training", Training)):
            validate.instance(name, getattr(self, name), kind)
        validate.each(self, validate.integer, "rounds", "random_episodes", "episodes", "evaluation_episodes")
        validate.each(self, validate.integer, "later_steps", optional=True)
        validate.each(self, validate.number, "instance_noise", least=0)
        limits.at_most(limits.STEPS, "rounds", "rounds", self.rounds, "drive more episodes a round")
        network = MixtureNetwork(**self.network)
        for name in ("hidden", "std_range"):  # as tuples
            object.__setattr__(self, name, getattr(network, name))

    @property
    def network(self) -> dict[str, object]:
        """Those fields that are a model's network's."""
        return {f.name: getattr(self, f.name) for f in fields(MixtureNetwork)}

    def but(self, **changes: object) -> "Recipe":
        """This recipe with some fields changed; `steps` stands for those of both trainings.

        Raises ValueError if there is no such field, or its new value does not fit.
        """
        if "steps" in changes:
            steps = changes.pop("steps")
            for name in ("model_training", "discriminator_training"):
                training = validate.instance(name, changes.get(name, getattr(self, name)), Training)
                changes[name] = replace(training, steps=steps)
        return validate.fields(type(self), {**{f.name: getattr(self, f.name) for f in fields(self)}, **changes})

    def later(self) -> "Recipe":
        """This recipe for a round that goes on from the parameters of the round before."""
        model, disc = self.model_training, self.discriminator_training
        model, disc = (replace(how, steps=min(self.later_steps, how.steps)) for how in (model, disc))
        return replace(self, model_training=model, discriminator_training=disc)


def paper_recipe(env: Environment, estimator: str = "per_decision") -> Recipe:
    """As the paper prints it, where it says (Alg. 1 to 3).

    Random shooting, one imagined trajectory a sequence with random numbers of its own, weights exp(logit) with no bound
    but floating point's (`estimate.GREATEST`), ten rounds, each from new random parameters. The paper leaves open, and
    ours is: on short roads the whole episode as horizon and K = 10 (about where the oracle returns on ice what the
    paper's mixture does), on others 10 steps and K = 50; networks and training; instance noise, without which a model
    of whole states has no ratio, and little of which lets small errors of many steps drown what one step decides; and
    20 random episodes first and 10 more a round, where Alg. 3 prints one.

    `estimator` : "per_decision", as Alg. 1 prints it; "trajectory", for which Sec. 3.2 derives q*; or "eq4"
    """
    validate.environment("env", env)
    candidates = 10 if env.n_actions**env.horizon <= FEW_SEQUENCES else 50
    one = {"particles": 1, "common_random_numbers": False, "stratified": False, "estimator": estimator}
    planner = RandomShooting(horizon=min(env.horizon, 10), candidates=candidates, **one)
    both = dict.fromkeys(("model_training", "discriminator_training"), Training(steps=400, batch=64, weight_decay=0.01))
    network = {"box": 3.0, "std_range": (0.1, 1.6), "start": "random", "instance_noise": 0.3}
    return Recipe(planner=planner, evaluation_episodes=math.ceil(500 / env.horizon), **both, **network)


def our_recipe(env: Environment) -> Recipe:
    """What works on a road (ours).

    Where a planner can try all action sequences (IcyRoad) it does. On longer roads it tries those that hold each
    action for a while, the later the longer: random shooting's hundred candidates are a hundred occasions to be
    lucky, and a planner that does not look far past a crash takes it for a small loss. Over so many steps weights
    grow large by small errors: their mean is kept from exceeding one. Longer roads also get more random
    episodes, warm starts, networks that look at nothing far off their data, a model that is blunt and a
    discriminator that is blunter.
    """
    validate.environment("env", env)
    if env.n_actions**env.horizon <= FEW_SEQUENCES:
        return Recipe(planner=Exhaustive(horizon=env.horizon, particles=50, clip=5.0))
    horizon = min(env.horizon, 20)
    return Recipe(
        planner=Exhaustive(horizon=horizon, particles=20, hold=(3, 5, 12), normalise="excess", clip=2.0),
        rounds=2,
        random_episodes=600,
        episodes=10,
        evaluation_episodes=10,
        model_training=Training(steps=2500, learning_rate=5e-2, weight_decay=0.01),
        discriminator_training=Training(steps=2500, weight_decay=0.3),
        later_steps=1000,
        instance_noise=0.5,
        box=3.0,
        std_range=(0.1, 1.6),
    )
