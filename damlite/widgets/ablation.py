"""Lesson 07: the eight cells at the press of a button."""

import ipywidgets
import pandas as pd

from .. import figures, sweep
from .panel import with_picture


class Ablation(ipywidgets.VBox):
    """Lesson 07: a button that runs the eight cells anew; the picture is grey while it is out of date."""

    def __init__(self, stored: pd.DataFrame) -> None:
        self.table = stored
        self.button = ipywidgets.Button(description="run the eight cells", button_style="primary")
        self.predict = ipywidgets.Dropdown(options=["state", "velocity"], description="predict")
        self.seeds = ipywidgets.IntSlider(
            value=2, min=1, max=8, description="seeds (runs)", style={"description_width": "initial"}
        )
        self.rounds = ipywidgets.IntSlider(value=3, min=1, max=10, description="rounds")
        self.progress = ipywidgets.IntProgress(max=8, description="cells")
        self.picture = ipywidgets.Image(format="png", layout=ipywidgets.Layout(max_width="100%"))
        controls = ipywidgets.HBox([self.predict, self.seeds, self.rounds, self.button])
        super().__init__([controls, self.progress, self.picture])
        self.predict.observe(lambda _: self.show(), names="value")
        self.button.on_click(self.run)
        self.show()

    def show(self) -> None:
        """Draw the table's cells of the chosen kind of model, if it has them."""
        if (self.table["predict"] == self.predict.value).any():
            self.picture.value = figures.png(figures.ablation(self.table, self.predict.value))

    def run(self, _button: object = None) -> None:
        """Run the eight cells with the chosen number of seeds and rounds, and show them."""
        self.button.disabled, self.picture.layout.opacity, self.progress.value = True, "0.3", 0
        try:
            pieces = sweep.pieces(self.seeds.value, (self.predict.value,), ("IcyRoad",))
            tables = []
            for table in sweep.run_pieces(pieces, rounds=self.rounds.value):
                tables.append(table)
                self.progress.value += 1
            self.table = pd.concat(tables, ignore_index=True)
            self.show()
        finally:
            self.button.disabled, self.picture.layout.opacity = False, "1"

    def _repr_mimebundle_(self, **kwargs: object) -> dict:
        return with_picture(super()._repr_mimebundle_(**kwargs), self.picture)
