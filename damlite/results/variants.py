"""The variants of the sweeps over recipes: lists that are made before anything is run."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from itertools import product

from ..envs import Environment
from ..estimate import Estimator
from ..loop import METHODS
from ..planning import Planner
from ..recipe import Recipe, our_recipe, paper_recipe
from ..support import validate
from .kept import MODELS
from .table1 import RECIPES, ROADS, RecipeFor, recipes

SHARED = tuple(f.name for f in fields(Estimator))  # what planners of every kind have
AS_CHOSEN, BOTTOM = "as chosen", "bottom"  # the first variants of the sensitivity and of the ladder
PARTICLES = (1, 2, 5, 20)


@dataclass(frozen=True)
class Variant:
    """One recipe on one road, under a name; `models` says how many components each kind of model has.

    cells : those that it is run for; None for all that are asked for
    """

    road: str
    name: str
    env: Environment
    recipe: Recipe
    models: Mapping[str, int] = field(default_factory=lambda: MODELS)
    cells: tuple[tuple[str, str], ...] | None = None


def particle_axis(roads: Mapping[str, Environment] = ROADS, recipe: RecipeFor = our_recipe) -> list[Variant]:
    """A recipe, ours by default, with 1, 2, 5 and 20 particles and all else as it is."""
    chosen = recipes(roads, recipe)
    return [
        Variant(road, str(p), env, chosen[road].but(planner=replace(chosen[road].planner, particles=p)))
        for road, env in roads.items()
        for p in PARTICLES
    ]


# The rungs, in words, and what each takes over. Data come before particles, for with the paper's each rung above would
# take five times as long; stratified numbers come with the particles, for those of a single one are plain ones.
RUNGS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("estimator", ("planner.weight", "planner.estimator")),
    ("common numbers", ("planner.common_random_numbers",)),
    ("data", ("rounds", "random_episodes", "episodes")),
    ("particles, stratified", ("planner.particles", "planner.stratified")),
    ("planner", ("planner",)),
    ("clip, normalised", ("planner.clip", "planner.normalise")),
    ("k-means start", ("start",)),
    ("networks, noise", ("hidden", "box", "features", "std_range", "instance_noise")),
    ("training", ("model_training", "discriminator_training", "later_steps", "evaluation_episodes")),
)


def ladder(
    roads: Mapping[str, Environment] = ROADS,
    top: RecipeFor = our_recipe,
    bottom: RecipeFor = RECIPES["paper-trajectory"],
) -> list[Variant]:
    """From one recipe to another, one choice more at a time: by default from the paper's (Sec. 3.2) to ours.

    The first rung is the bottom recipe, the last one is the top recipe itself; a rung that changes
    nothing on a road is left out there.
    """
    lower, upper = recipes(roads, bottom), recipes(roads, top)
    rungs = []
    for road, env in roads.items():
        rungs.append(Variant(road, BOTTOM, env, lower[road]))
        for name, what in RUNGS:
            changed = _take_over(rungs[-1].recipe, upper[road], what)
            if changed != rungs[-1].recipe:
                rungs.append(Variant(road, name, env, changed))
        assert rungs[-1].recipe == upper[road], "the rungs leave out a field of Recipe"
    return rungs


def _take_over(current: Recipe, top: Recipe, what: tuple[str, ...]) -> Recipe:
    """The current recipe with some fields of the top one's."""
    changes: dict[str, object] = {}
    for name in what:
        if name == "planner":  # another kind, which leaves what all kinds have as it is
            changes["planner"] = replace(top.planner, **{name: getattr(current.planner, name) for name in SHARED})
        elif name.startswith("planner."):
            name = name.removeprefix("planner.")
            planner: Planner = changes.get("planner", current.planner)
            changes["planner"] = replace(planner, **{name: getattr(top.planner, name)})
        else:
            changes[name] = getattr(top, name)
    return current.but(**changes)


# What the paper leaves open, and the two other levels of each: fixed before any of them was run.
OF_ROAD: dict[str, dict[str, tuple[float, float]]] = {
    "IcyRoad": {"swerve_prob": (0.7, 1.0), "swerve_spread": (0.1, 0.4), "noise": (0.025, 0.1)},
    "Intersection": {"crash_distance": (2.0, 3.0), "noise": (0.01, 0.04)},
}
COMPONENTS = (2, 8)  # K of the mixture; the table's is 4
Levels = list[tuple[str, Recipe]]


def _candidates(recipe: Recipe, env: Environment) -> Levels:
    planner = recipe.planner
    count = getattr(planner, "candidates", None)  # planners that try all sequences draw none
    if count is None:
        return []
    levels = (max(1, round(count / 3)), 3 * count)
    return [(str(n), recipe.but(planner=replace(planner, candidates=n))) for n in levels]


def _horizon(recipe: Recipe, env: Environment) -> Levels:
    planner = recipe.planner
    levels = (-(-planner.horizon // 2), min(env.horizon, 2 * planner.horizon))
    return [(str(h), recipe.but(planner=replace(planner, horizon=h))) for h in levels]


def _episodes(recipe: Recipe, env: Environment) -> Levels:
    """Half and twice the data, of the random episodes and of every round's; named by the latter."""
    halves = (max(1, recipe.random_episodes // 2), max(1, recipe.episodes // 2))
    levels = (halves, (2 * recipe.random_episodes, 2 * recipe.episodes))
    return [(f"{r} and {e}", recipe.but(random_episodes=r, episodes=e)) for r, e in levels]


def _width(recipe: Recipe, env: Environment) -> Levels:
    levels = (tuple(max(1, w // 2) for w in recipe.hidden), tuple(2 * w for w in recipe.hidden))
    return [("×".join(map(str, hidden)), recipe.but(hidden=hidden)) for hidden in levels]


def _clip(recipe: Recipe, env: Environment) -> Levels:
    return [(f"{clip:g}", recipe.but(planner=replace(recipe.planner, clip=clip))) for clip in (2.0, 5.0)]


def _noise(recipe: Recipe, env: Environment) -> Levels:
    levels = (0.1, 0.5) if recipe.instance_noise == 0 else (0.0, 2 * recipe.instance_noise)
    return [(f"{noise:g}", recipe.but(instance_noise=noise)) for noise in levels]


def _steps(recipe: Recipe, env: Environment) -> Levels:
    """Half and twice the steps of both trainings; named by the model's."""
    levels = []
    for times in (0.5, 2):
        both = {name: getattr(recipe, name) for name in ("model_training", "discriminator_training")}
        both = {name: replace(how, steps=max(1, int(times * how.steps))) for name, how in both.items()}
        levels.append((str(both["model_training"].steps), recipe.but(**both)))
    return levels


OF_RECIPE: dict[str, Callable[[Recipe, Environment], Levels]] = {
    "candidates": _candidates,
    "horizon": _horizon,
    "episodes": _episodes,
    "width": _width,
    "clip": _clip,
    "instance noise": _noise,
    "steps": _steps,
}


def sensitivity(roads: Mapping[str, Environment] = ROADS, recipe: RecipeFor = paper_recipe) -> list[Variant]:
    """What the paper leaves open, one at a time; each road's first variant is the recipe as it was chosen.

    A variant is named by what is changed and, after a colon, by what it is. A level that is the chosen one is left
    out: a longer horizon on a road whose whole episode is planned already, say.
    """
    chosen = recipes(roads, recipe)
    return [variant for road, env in roads.items() for variant in _one_at_a_time(road, env, chosen[road])]


def _other_level(road: str, env: Environment, name: str, level: float) -> Environment:
    """The road with another level of a field; raise ValueError if it only is called as a road that has it."""
    try:
        return replace(env, **{name: level})
    except TypeError:
        raise ValueError(f"roads[{road!r}] must have the field {name}, got {validate.shown(env)}") from None


def _one_at_a_time(road: str, env: Environment, recipe: Recipe) -> Iterator[Variant]:
    yield Variant(road, AS_CHOSEN, env, recipe)
    for name, levels in OF_ROAD.get(road, {}).items():
        for level in levels:
            if (changed := _other_level(road, env, name, level)) != env:
                yield Variant(road, f"{name}: {level:g}", changed, recipe)
    for count in COMPONENTS:
        cells = tuple(product(["mixture"], METHODS))  # the Gaussian has one in any case
        yield Variant(road, f"components: {count}", env, recipe, {**MODELS, "mixture": count}, cells)
    for name, levels in OF_RECIPE.items():
        for level, changed in levels(recipe, env):
            if changed != recipe:
                yield Variant(road, f"{name}: {level}", env, changed)
