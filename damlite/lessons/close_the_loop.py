"""Lesson 09: the eight cells of Table 1 on IcyRoad at the press of a button; a loop, a planner, a number of seeds."""

from collections.abc import Callable
from dataclasses import fields, replace
from functools import lru_cache
from html import escape
from typing import NamedTuple

import ipywidgets
import pandas as pd
import torch
from torch import Tensor

from .. import figures
from ..envs import IcyRoad
from ..loop import run_mbrl
from ..planning import RandomShooting
from ..recipe import paper_recipe
from ..results import sweeps, table1, variants
from .careful import shortened
from .exercise import Exercise, OpenExercise
from .panel import lasting_id, with_picture
from .spoken import names

ROAD, OWN = "IcyRoad", "as in the recipe"
MOST_CHANGES = 2  # of `judge_repaired`
FOUND = 2.8  # standard errors that a test at 5 % finds in four experiments of five: 1.96 + 0.84
PARTICLES = [(str(number), number) for number in variants.PARTICLES]


class Setting(NamedTuple):
    """What eight cells are run with: a recipe, particles, the recipe's own number of them, and what is predicted."""

    recipe: str
    particles: int
    own: int
    predict: str

    def __str__(self) -> str:
        return f"the recipe {self.recipe!r} with particles {self.particles} and models that predict the {self.predict}"


class Ablation(ipywidgets.VBox):
    """A button that runs the eight cells anew; the picture is grey meanwhile, and its caption says whose results it is.

    What is chosen is a setting: a recipe, a number of particles and what the models predict. What was run here is shown
    for its setting, what is stored for all others.

    stored : raw returns as from `table1.load_all`, or of our recipe alone, without the column recipe
    particles : as from `sweeps.load("particles", ...)`, our recipe with other numbers of particles; None for none
    """

    def __init__(self, stored: pd.DataFrame, particles: pd.DataFrame | None = None) -> None:
        stored = stored if "recipe" in stored else stored.assign(recipe="our")
        self.stored = stored[stored["road"] == ROAD]
        self.varied = None if particles is None else particles[particles["road"] == ROAD].assign(round=0)
        self.fresh: dict[Setting, pd.DataFrame] = {}  # what was run here
        wide = {"description_width": "initial"}
        self.button = ipywidgets.Button(
            description="run the eight cells", button_style="primary", layout=ipywidgets.Layout(width="auto")
        )
        self.recipe = ipywidgets.Dropdown(options=list(table1.RECIPES), description="recipe")
        self.particles = ipywidgets.Dropdown(options=[(OWN, 0), *PARTICLES], description="particles")
        self.predict = ipywidgets.Dropdown(options=table1.PREDICTS, description="predict")
        self.seeds = ipywidgets.IntSlider(value=2, min=1, max=8, description="seeds (runs)", style=wide)
        self.rounds = ipywidgets.IntSlider(value=3, min=1, max=10, description="rounds")
        self.progress = ipywidgets.IntProgress(max=8, description="cells")
        self.picture = ipywidgets.Image(format="png", layout=ipywidgets.Layout(max_width="100%"))
        self.caption = ipywidgets.HTML()
        chosen = ipywidgets.HBox([self.recipe, self.particles, self.predict])
        running = ipywidgets.HBox([self.seeds, self.rounds, self.button])
        parts = [chosen, running, self.progress, self.picture, self.caption, names()]
        super().__init__(parts, model_id=lasting_id("eight cells"))
        for control in chosen.children:
            control.observe(lambda _: self.show(), names="value")
        self.button.on_click(self.run)
        self.show()

    @property
    def setting(self) -> Setting:
        """What is chosen; the recipe's own number of particles is that number, whichever way it is chosen."""
        recipe = self.recipe.value
        own = table1.RECIPES[recipe](table1.ROADS[ROAD]).planner.particles
        return Setting(recipe, self.particles.value or own, own, self.predict.value)

    @property
    def table(self) -> pd.DataFrame:
        """What is shown: the latest run of the setting, or else what is stored of it, which may be nothing."""
        chosen = self.setting
        if chosen in self.fresh:
            return self.fresh[chosen]
        if chosen.particles == chosen.own:
            rows = self.stored["recipe"] == chosen.recipe
            return self.stored[rows & (self.stored["predict"] == chosen.predict)]
        if chosen.recipe != "our" or self.varied is None:
            return self.stored.iloc[:0]
        rows = self.varied["variant"] == str(chosen.particles)
        return self.varied[rows & (self.varied["predict"] == chosen.predict)]

    @property
    def description(self) -> str:
        """One sentence, the picture's caption and alt text."""
        chosen, table = self.setting, self.table
        if table.empty:
            return f"There are no stored results for {chosen}."
        whose = "your own run" if chosen in self.fresh else "the stored results"
        rounds = f", rounds {table['round'].max()}" if table["round"].any() else ""
        size = f"seeds {table['run'].nunique()}{rounds}"
        return f"Return of the eight cells for {chosen}, beside the paper's: {whose} ({size})."

    def show(self, note: str = "") -> None:
        """Draw what is known of the setting, and say whose it is."""
        table = self.table
        self.picture.value = b"" if table.empty else figures.png(figures.cells(table, self.predict.value))
        self.picture.layout.display = "none" if table.empty else None  # browsers mark an empty picture as broken
        self.caption.value = f"<em>{self.description}</em> {escape(note)}"

    def run(self, _button: object = None) -> None:
        """Run the eight cells with the chosen number of seeds and rounds, and show them."""
        chosen = self.setting
        self.button.disabled, self.picture.layout.opacity, self.progress.value = True, "0.3", 0
        try:
            tables = []
            cells = table1.pieces(self.seeds.value, chosen.predict, [ROAD])
            for table in table1.run_pieces(cells, **self._how(chosen)):
                tables.append(table)
                self.progress.value += 1
            self.fresh[chosen] = pd.concat(tables, ignore_index=True)
            self.show()
        except Exception as error:
            self.show(f"The run stopped: {error!r}")
            raise
        finally:
            self.button.disabled, self.picture.layout.opacity = False, "1"

    def _how(self, chosen: Setting) -> dict[str, object]:
        """What `table1.run_pieces` is told of a setting."""
        env = table1.ROADS[ROAD]
        recipe = table1.RECIPES[chosen.recipe](env)
        planner = replace(recipe.planner, particles=chosen.particles)
        return {"roads": {ROAD: env}, "recipe": recipe, "planner": planner, "rounds": self.rounds.value}

    def _repr_mimebundle_(self, **kwargs: object) -> tuple[dict, dict]:
        return with_picture(super()._repr_mimebundle_(**kwargs), self.picture, self.description)


def eight_cells() -> Ablation:
    """The button over all that is stored."""
    return Ablation(table1.load_all(), sweeps.load("particles", table1.STORED))


def toy_rollout(model: float | None, disc: float | None) -> float:
    """A trajectory as a number that tells which model and which discriminator drove it."""
    return 1.0 + 2.0 * (model or 0.0) + 3.0 * (disc or 0.0)


def toy_model(data: list[float]) -> float:
    """A model as a number that tells what it was fitted to."""
    return 0.3 * sum(data) / max(len(data), 1) + 0.1 * len(data)


def toy_discriminator(model: float | None, data: list[float]) -> float:
    """A discriminator as a number that tells its model and its data."""
    return 0.2 * (model or 0.0) - 0.1 * sum(data) + 0.05


def printed_loop(
    rollout: Callable[[object, object], object],
    train_model: Callable[[list], object],
    train_discriminator: Callable[[object, list], object],
    rounds: int,
    fits: tuple[object, object] = (None, None),
) -> list:
    """MBRL of Alg. 3: the data set after some rounds, from an empty one; `fits` is what the first round drives with."""
    data, (model, disc) = [], fits
    for _ in range(rounds):
        data = [*data, rollout(model, disc)]
        model = train_model(data)
        disc = train_discriminator(model, data)
    return data


def with_the_last_model(
    rollout: Callable[[object, object], object],
    train_model: Callable[[list], object],
    train_discriminator: Callable[[object, list], object],
    rounds: int,
) -> list:
    """The same, with the discriminator fitted before the model is."""
    data, model, disc = [], None, None
    for _ in range(rounds):
        data = [*data, rollout(model, disc)]
        disc = train_discriminator(model, data)
        model = train_model(data)
    return data


check_mbrl = Exercise(
    "mbrl",
    (toy_rollout, toy_model, toy_discriminator, 4),
    printed_loop,
    "each round drives with the newest pair, and fits both to all that was driven.",
    "In each round: data + [rollout(model, disc)], then train_model(data), then train_discriminator(model, data).",
    {
        "the fits see the newest trajectory alone. 𝒯 ← 𝒯 ∪ {τ}: they are made on all the data.": (
            lambda roll, fit, tell, rounds: printed_loop(
                roll, lambda data: fit(data[-1:]), lambda model, data: tell(model, data[-1:]), rounds
            )
        ),
        "the discriminator is fitted against the model of the round before. Train the model first: the discriminator "
        "must know the one that is planned with.": with_the_last_model,
        "the model is never told to the discriminator. It learns to tell the road from *this* model.": (
            lambda roll, fit, tell, rounds: printed_loop(roll, fit, lambda _, data: tell(None, data), rounds)
        ),
        "every round drives at random. Hand the newest model and discriminator to rollout.": (
            lambda roll, fit, tell, rounds: printed_loop(lambda *_: roll(None, None), fit, tell, rounds)
        ),
        "the discriminator is not used: this drives with the model alone.": (
            lambda roll, fit, tell, rounds: printed_loop(lambda model, _: roll(model, None), fit, tell, rounds)
        ),
        "this keeps the newest trajectory alone. 𝒯 ← 𝒯 ∪ {τ}: it is added to those that there are.": (
            lambda roll, fit, tell, rounds: printed_loop(
                roll, lambda data: fit(data[-1:]), lambda model, data: tell(model, data[-1:]), rounds
            )[-1:]
        ),
        "this fits before it drives, at first to nothing. A round begins with the trajectory.": (
            lambda roll, fit, tell, rounds: printed_loop(roll, fit, tell, rounds, (fit([]), tell(fit([]), [])))
        ),
        "rollout takes the model first, then the discriminator.": (
            lambda roll, fit, tell, rounds: printed_loop(lambda model, disc: roll(disc, model), fit, tell, rounds)
        ),
        "the fits miss the newest trajectory. Add it to the data before they are made.": (
            lambda roll, fit, tell, rounds: printed_loop(
                roll,
                lambda data: fit(data[:-1]) if data[1:] else None,
                lambda model, data: tell(model, data[:-1]) if data[1:] else None,
                rounds,
            )
        ),
        "this drives one round too few.": lambda roll, fit, tell, rounds: printed_loop(roll, fit, tell, rounds - 1),
        "this drives one round too many.": lambda roll, fit, tell, rounds: printed_loop(roll, fit, tell, rounds + 1),
    },
)


@lru_cache(maxsize=32)
def returns_with(planner: RandomShooting) -> Tensor:
    """Returns (R,) of the mixture alone after two rounds of the paper's recipe with another planner."""
    env = IcyRoad()
    result = run_mbrl(
        env, "baseline", 4, "state", runs=8, seed=0, recipe=paper_recipe(env), planner=planner, rounds=2, steps=200
    )
    return result.returns


def judge_repaired(planner: RandomShooting) -> str:
    """With at most two fields of the paper's planner changed, does the loop gain?

    The verdict on a planner.
    """
    theirs = paper_recipe(IcyRoad()).planner
    if not isinstance(planner, RandomShooting):
        return f"expected the paper's planner as replace(theirs, ...) changes it, got {shortened(planner)}."
    changed = [f.name for f in fields(theirs) if getattr(theirs, f.name) != getattr(planner, f.name)]
    if changed == ["stratified"]:
        return "stratifying spreads the particles of a sequence evenly. There is one, so this changes nothing."
    if not 1 <= len(changed) <= MOST_CHANGES:
        return f"expected one or two changed fields, got {len(changed)}: {', '.join(changed) or 'none'}."
    before, after = returns_with(theirs), returns_with(planner)
    gain = float(after.mean() - before.mean())
    error = float(((before.var() + after.var()) / len(before)).sqrt())
    found = f"{before.mean():.1f} became {after.mean():.1f}, a gain of {gain:.1f} ± {error:.1f}"
    if gain < 2 * error:
        return f"no gain of two standard errors: {found}. What makes one estimate noisy, or the best of many too high?"
    return f"right, {found}."


check_repaired = OpenExercise(name="repaired", verdict=judge_repaired, seconds=600)


check_seeds_needed = Exercise(
    "seeds_needed",
    (torch.tensor([0.1, 0.39, -0.85]), torch.tensor([0.25, 0.25, 0.32]), 20),
    lambda difference, stderr, seeds: seeds * (FOUND * stderr / difference) ** 2,
    "half the standard error takes four times the seeds.",
    "With n seeds the standard error is stderr · √(seeds/n). Set 2.8 times it equal to the difference; solve for n.",
    {
        "a standard error shrinks with the square root of the number of seeds, not with the number.": (
            lambda difference, stderr, seeds: seeds * FOUND * stderr / difference
        ),
        "this is how many times as many seeds. Multiply by those that there were.": (
            lambda difference, stderr, seeds: (FOUND * stderr / difference) ** 2
        ),
        "the ratio is upside down: a smaller difference takes more seeds.": (
            lambda difference, stderr, seeds: seeds * (difference / (FOUND * stderr)) ** 2
        ),
        "this is for two standard errors (1.96). Of the experiments, only half would find the difference.": (
            lambda difference, stderr, seeds: seeds * (1.96 * stderr / difference) ** 2
        ),
        "2.8 is forgotten: this makes the standard error as large as the difference.": (
            lambda difference, stderr, seeds: seeds * (stderr / difference) ** 2
        ),
        "this is rounded up, as one would run it. Answer with the number before rounding.": (
            lambda difference, stderr, seeds: (seeds * (FOUND * stderr / difference) ** 2).ceil()
        ),
        "2.8 is not squared.": lambda difference, stderr, seeds: seeds * FOUND * (stderr / difference) ** 2,
        "this takes the square root where a square belongs.": (
            lambda difference, stderr, seeds: seeds * (FOUND * stderr / difference).abs().sqrt()
        ),
        "the given standard error is that of a mean over the seeds already; it is not divided by √seeds again.": (
            lambda difference, stderr, seeds: (FOUND * stderr / difference) ** 2 / seeds
        ),
    },
)
