"""Lesson 07: the eight cells of Table 1 on IcyRoad at the press of a button."""

from html import escape

import ipywidgets
import pandas as pd
import torch
from torch import Tensor

from .. import figures
from ..results import table1
from .exercise import Exercise
from .panel import lasting_id, with_picture


class Ablation(ipywidgets.VBox):
    """A button that runs the eight cells anew; the picture is grey meanwhile, and its caption says whose results it is.

    stored : raw returns of `table1.run_table1`, shown for each kind of model until that is run here
    """

    def __init__(self, stored: pd.DataFrame) -> None:
        self.stored = stored[stored["road"] == "IcyRoad"]
        self.fresh: dict[str, pd.DataFrame] = {}  # what was run here, by what the models predict
        self.button = ipywidgets.Button(
            description="run the eight cells", button_style="primary", layout=ipywidgets.Layout(width="auto")
        )
        self.predict = ipywidgets.Dropdown(options=table1.PREDICTS, description="predict")
        self.seeds = ipywidgets.IntSlider(
            value=2, min=1, max=8, description="seeds (runs)", style={"description_width": "initial"}
        )
        self.rounds = ipywidgets.IntSlider(value=3, min=1, max=10, description="rounds")
        self.progress = ipywidgets.IntProgress(max=8, description="cells")
        self.picture = ipywidgets.Image(format="png", layout=ipywidgets.Layout(max_width="100%"))
        self.caption = ipywidgets.HTML()
        controls = ipywidgets.HBox([self.predict, self.seeds, self.rounds, self.button])
        super().__init__([controls, self.progress, self.picture, self.caption], model_id=lasting_id("eight cells"))
        self.predict.observe(lambda _: self.show(), names="value")
        self.button.on_click(self.run)
        self.show()

    @property
    def table(self) -> pd.DataFrame:
        """What is shown: the latest run of the chosen kind of model, or else what is stored of it."""
        kind = self.predict.value
        return self.fresh.get(kind, self.stored[self.stored["predict"] == kind])

    @property
    def description(self) -> str:
        """One sentence, the picture's caption and alt text."""
        kind, table = self.predict.value, self.table
        if table.empty:
            return f"There are no stored results for models that predict the {kind}."
        whose = "your own run" if kind in self.fresh else "the stored results"
        size = f"seeds {table['run'].nunique()}, rounds {table['round'].max()}"
        return f"Return of the eight cells with models that predict the {kind}, beside the paper's: {whose} ({size})."

    def show(self, note: str = "") -> None:
        """Draw what is known of the chosen kind of model, and say whose it is."""
        table = self.table
        self.picture.value = b"" if table.empty else figures.png(figures.cells(table, self.predict.value))
        self.caption.value = f"<em>{self.description}</em> {escape(note)}"

    def run(self, _button: object = None) -> None:
        """Run the eight cells with the chosen number of seeds and rounds, and show them."""
        kind = self.predict.value
        self.button.disabled, self.picture.layout.opacity, self.progress.value = True, "0.3", 0
        try:
            tables = []
            chosen = table1.pieces(self.seeds.value, kind, ["IcyRoad"])
            for table in table1.run_pieces(chosen, rounds=self.rounds.value):
                tables.append(table)
                self.progress.value += 1
            self.fresh[kind] = pd.concat(tables, ignore_index=True)
            self.show()
        except Exception as error:
            self.show(f"The run stopped: {error!r}")
            raise
        finally:
            self.button.disabled, self.picture.layout.opacity = False, "1"

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
    if given is None or given is ...:
        verdict = "not answered yet. Replace the ... by your code."
    elif given == (top["model"], top["method"]):
        verdict = f"right, {top['mean']:.2f} ± {top['stderr']:.2f}."
    elif given == (rival["model"], rival["method"]):
        verdict = "that is the paper's best cell. Which is best in our table, in the column mean?"
    else:
        verdict = "not that one. Look for the largest number in the column mean; answer (model, method)."
    print(verdict := f"best: {verdict}")
    return verdict
