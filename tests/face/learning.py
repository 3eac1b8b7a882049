"""The public face: fits, estimates, planners, recipes and the loop."""

from dataclasses import fields

import torch

import damlite as dl

from .calls import Public
from .kinds_learning import ROAD, disc, episodes, model, recipe

START = torch.tensor([[0.0, 0.0, 1.0, 0.0], [0.5, 0.2, 2.0, 0.1]])  # of two cars
TRAINING = {
    "steps": "count",
    "batch": "count",
    "learning_rate": "size",
    "weight_decay": "size",
    "patience": "optional count",
}
ESTIMATOR = {
    "particles": "count",
    "weight": "choice",
    "estimator": "choice",
    "normalise": "normalise",
    "clip": "optional size",
    "common_random_numbers": "flag",
    "stratified": "flag",
    "flatten": "probability",
    "correction": "choice",
    "correction_scale": "size",
    "resample": "share",
    "discount": "probability",
}
ITERATED = {"candidates": "count", "iterations": "count", "smoothing": "probability"}
RECIPE = {
    "planner": "planner",
    "rounds": "count",
    "random_episodes": "count",
    "episodes": "count",
    "evaluation_episodes": "count",
    "model_training": "training",
    "discriminator_training": "training",
    "later_steps": "optional count",
    "instance_noise": "size",
    "hidden": "widths",
    "box": "optional size",
    "features": "flag",
    "std_range": "range",
    "start": "choice",
}


def choices(kind: type, **given: object) -> dict[str, object]:
    """A right value of every field of a group of choices."""
    return {f.name: getattr(kind(**given), f.name) for f in fields(kind)}


def estimator() -> dict[str, object]:
    """Every choice of an estimate, small."""
    return choices(dl.Estimator, particles=2, clip=3.0, resample=0.5)


def seed() -> dict[str, object]:
    """A generator, anew."""
    return {"generator": dl.seeded(0)}


def imagining() -> dict[str, object]:
    """Arguments of an estimate."""
    return {
        "dynamics": model(),
        "reward": ROAD.reward,
        "state": START[0],
        "actions": torch.tensor([[2, 2, 1], [1, 0, 2]]),
        "log_ratio": disc().log_ratio,
        **seed(),
    }


IMAGINING = {
    "dynamics": "dynamics",
    "reward": "reward",
    "state": "planned state",
    "actions": "planned actions",
    "log_ratio": "log_ratio",
    "generator": "generator",
}
# Of another road or of more runs: that the state does not fit is as good a sentence.
SAYS = {name: f"{name} or state must have" for name in ("dynamics", "log_ratio")}
SMALL = dl.Estimator(particles=2)


def planned() -> dict[str, object]:
    """Arguments of a plan."""
    return {"belief": dl.Belief(ROAD, model(), disc().log_ratio), "state": START, "steps": 2, **seed()}


PLANNED = {"belief": "belief", "state": "planned state", "steps": "optional count", "generator": "generator"}
PLANNERS = {
    dl.Exhaustive: ({"hold": (1, 2)}, {"hold": "hold"}),
    dl.RandomShooting: ({"candidates": 3}, {"candidates": "count"}),
    dl.CrossEntropy: ({"candidates": 3, "elites": 2, "iterations": 2}, {**ITERATED, "elites": "count"}),
    dl.MPPI: ({"candidates": 3, "iterations": 2}, {**ITERATED, "temperature": "positive"}),
}


def learned() -> dl.Learned:
    """Fitted for next to no time."""
    return dl.learn(ROAD, episodes(), "dam", 2, "state", recipe(later_steps=2), dl.seeded(0))


PUBLIC = [
    Public(
        "dl.Training",
        dl.Training,
        lambda: choices(dl.Training, steps=2, batch=3, patience=2),
        TRAINING,
    ),
    Public(
        "dl.return_weights",
        dl.return_weights,
        lambda: {"returns": torch.tensor([[1.0, 2.0, 5.0], [0.0, 1.0, 7.0]])},
        {"returns": "numbers"},
    ),
    Public(
        "dl.fit_model",
        dl.fit_model,
        lambda: {
            "model": model(),
            "data": episodes(),
            "weighting": "return",
            **seed(),
            "progress": False,
            **choices(dl.Training, steps=2, batch=3, patience=2),
        },
        {
            "model": "model",
            "data": "data",
            "weighting": "weighting",
            "generator": "generator",
            "progress": "flag",
            **TRAINING,
        },
        {("model", "of more runs"): "finite"},  # each sees the same data
        says={"model": "data or model"},
    ),
    Public(
        "dl.fit_discriminator",
        dl.fit_discriminator,
        lambda: {
            "disc": disc(),
            "model": model(),
            "data": episodes(),
            "instance_noise": 0.1,
            **seed(),
            "progress": False,
            **choices(dl.Training, steps=2, batch=3, patience=2),
        },
        {
            "disc": "disc",
            "model": "model",
            "data": "data",
            "instance_noise": "size",
            "generator": "generator",
            "progress": "flag",
            **TRAINING,
        },
    ),
    Public("dl.Estimator", dl.Estimator, estimator, ESTIMATOR),
    Public(
        "dl.Estimator.imagine",
        SMALL.imagine,
        imagining,
        IMAGINING,
        {("reward", "returns nan"): "nan", ("log_ratio", "returns nan"): "nan"},  # a planner leaves such plans out
        SAYS,
    ),
    Public(
        "dl.Estimator.weights",
        dl.Estimator(normalise="excess").weights,
        lambda: {"log_w": torch.tensor([[0.1, -0.3, 0.0], [2.0, 1.0, -4.0]])},
        {"log_w": "values"},
        {("log_w", "number"): "error"},  # has no axis of particles
    ),
    Public(
        "dl.Estimator.log_weight",
        dl.Estimator(clip=2.0, flatten=0.5).log_weight,
        lambda: {"log_ratio": torch.tensor([[0.1, -0.3, 0.0], [2.0, 1.0, -4.0]])},
        {"log_ratio": "values"},
    ),
    Public(
        "dl.Estimator.value",
        SMALL.value,
        lambda: {"imagined": SMALL.imagine(**imagining()), "offset": 0.5},
        {"imagined": "imagined", "offset": "offset"},
    ),
    Public(
        "dl.estimate_value",
        dl.estimate_value,
        lambda: {**imagining(), "offset": 0.5, **estimator()},
        {**IMAGINING, "offset": "offset", **ESTIMATOR},
        says=SAYS,
    ),
    Public(
        "dl.Belief",
        dl.Belief,
        lambda: {"env": ROAD, "dynamics": model(), "log_ratio": disc().log_ratio, "offset": 0.5},
        {"env": "env", "dynamics": "belief dynamics", "log_ratio": "belief log_ratio", "offset": "belief offset"},
    ),
    Public(
        "dl.Belief of a plan",
        lambda **given: dl.Exhaustive(particles=2, horizon=2).plan(
            dl.Belief(ROAD, **given), START, generator=dl.seeded(0)
        ),
        lambda: {"dynamics": model(), "log_ratio": disc().log_ratio, "offset": 0.5},
        {"dynamics": "dynamics", "log_ratio": "log_ratio", "offset": "offset"},
        {("dynamics", "None"): "finite"},  # the road itself
        SAYS,
    ),
    *(
        Public(
            f"dl.{kind.__name__}",
            kind,
            lambda kind=kind, given=given: choices(kind, particles=2, horizon=2, clip=3.0, resample=0.5, **given),
            {**ESTIMATOR, "horizon": "count", **kinds},
        )
        for kind, (given, kinds) in PLANNERS.items()
    ),
    *(
        Public(f"dl.{kind.__name__}.plan", kind(particles=2, horizon=2, **given).plan, planned, PLANNED)
        for kind, (given, _) in PLANNERS.items()
    ),
    Public(
        "dl.every_sequence",
        dl.every_sequence,
        lambda: {"n_actions": 3, "horizon": 2},
        {"n_actions": "count", "horizon": "count"},
    ),
    Public(
        "dl.policy",
        dl.policy,
        lambda: {"planner": dl.RandomShooting(particles=2), "belief": dl.Belief(ROAD)},
        {"planner": "planner", "belief": "belief"},
    ),
    Public("dl.Recipe", dl.Recipe, lambda: choices(dl.Recipe, planner=dl.Exhaustive(), later_steps=3, box=3.0), RECIPE),
    Public(
        "dl.Recipe.but",
        recipe().but,
        lambda: {**choices(dl.Recipe, planner=dl.Exhaustive(), later_steps=3, box=3.0), "steps": 3},
        {**RECIPE, "steps": "count"},
    ),
    Public("dl.our_recipe", dl.our_recipe, lambda: {"env": ROAD}, {"env": "env"}),
    Public(
        "dl.paper_recipe",
        dl.paper_recipe,
        lambda: {"env": ROAD, "estimator": "eq4"},
        {"env": "env", "estimator": "choice"},
    ),
    Public(
        "dl.learn",
        dl.learn,
        lambda: {
            "env": ROAD,
            "data": episodes(),
            "method": "dam",
            "components": 2,
            "predict": "state",
            "recipe": recipe(),
            **seed(),
        },
        {
            "env": "env",
            "data": "data",
            "method": "choice",
            "components": "count",
            "predict": "choice",
            "recipe": "recipe",
            "generator": "generator",
        },
        {("data", "of more runs"): "finite"},  # as many models are fitted
    ),
    Public(
        "dl.Learned.again",
        lambda **given: learned().again(**given),
        lambda: {"data": episodes(), "recipe": recipe(later_steps=2), **seed()},
        {"data": "data", "recipe": "recipe", "generator": "generator"},
        {("recipe", "None"): "error"},
    ),
    Public(
        "dl.evaluate",
        dl.evaluate,
        lambda: {
            "env": ROAD,
            "act": lambda state, step, generator: torch.full(state.shape[:-1], 1),
            "episodes": 2,
            "runs": 2,
            **seed(),
        },
        {"env": "env", "act": "policy", "episodes": "count", "runs": "count", "generator": "generator"},
        says={"act": "act or policy"},
    ),
    Public(
        "dl.run_mbrl",
        dl.run_mbrl,
        lambda: {
            "env": ROAD,
            "method": "dam",
            "components": 2,
            "predict": "state",
            "runs": 2,
            "seed": 0,
            "recipe": recipe(),
            **{f.name: getattr(recipe(box=3.0, later_steps=2), f.name) for f in fields(dl.Recipe)},
            "steps": 2,
        },
        {
            "env": "env",
            "method": "choice",
            "components": "count",
            "predict": "choice",
            "runs": "count",
            "seed": "seed",
            "recipe": "recipe",
            **RECIPE,
            "steps": "count",
        },
    ),
]
