"""Lesson 07: the eight cells of Table 1 on IcyRoad under any stored recipe, at the press of a button."""

from dataclasses import replace
from html import escape
from typing import NamedTuple

import ipywidgets
import pandas as pd
import torch
from torch import Tensor

from .. import figures
from ..results import table1, variants
from .careful import unanswered
from .exercise import STUB, Exercise, Judgement, tell
from .panel import lasting_id, with_picture

ROAD, OWN = "IcyRoad", "as in the recipe"
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
        parts = [chosen, running, self.progress, self.picture, self.caption]
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


def _shifted(returns: Tensor) -> Tensor:
    return returns - returns.min()


check_shift = Exercise(
    "return_weights",
    (torch.tensor([-9.0, 1.0, 5.0, 9.0]),),
    lambda returns: _shifted(returns) / _shifted(returns).mean(),
    "none is negative and their mean is one.",
    "Subtract the smallest return, then divide by the mean of what is left.",
    {
        "the shift is missing. Eq. 9 assumes R ≥ 0, and a negative weight pushes the model away from real data. "
        "Subtract the smallest return first.": lambda returns: returns / returns.mean(),
        "the shift is missing and the mean is not divided out.": lambda returns: returns,
        "shifted, but not divided by the mean: Eq. 9 has E[R] below the line.": _shifted,
        "these sum to one; Eq. 9 divides by the mean, so that they average to one.": (
            lambda returns: _shifted(returns) / _shifted(returns).sum()
        ),
    },
    {
        "Some weights are negative. Eq. 9 assumes R ≥ 0: subtract the smallest return.": (
            lambda weights: bool((weights < 0).any())
        ),
    },
)


def check_best_method(best: tuple[str, str], table: pd.DataFrame) -> str:
    """Print and return the verdict on the (model, method) of the highest mean in a table of `table1.summarise`."""
    top, rival = (table.loc[table[column].idxmax()] for column in ("mean", "paper_mean"))
    given = tuple(best) if isinstance(best, list | tuple) else best
    right, cell = False, given if isinstance(given, tuple) else ()
    if unanswered(given):
        verdict = STUB
    elif right := cell == (top["model"], top["method"]):
        verdict = f"right, {top['mean']:.2f} ± {top['stderr']:.2f}."
    elif cell == (rival["model"], rival["method"]):
        verdict = "that is the paper's best cell. Which is best in our table, in the column mean?"
    else:
        verdict = "not that one. Look for the largest number in the column mean; answer (model, method)."
    return tell("best", Judgement(right, verdict), "close_the_loop")
