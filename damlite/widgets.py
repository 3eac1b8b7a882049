"""Pictures that move: sliders over a Matplotlib figure whose artists stay and are updated."""

import base64
from collections.abc import Callable

import ipywidgets
import pandas as pd
import torch
from matplotlib.figure import Figure

from . import exact, figures, sweep
from .data import collect
from .envs import IcyRoad

PLANS = {
    "accelerate once, then hold": (2, 1, 1, 1, 1),
    "accelerate twice, then hold": (2, 2, 1, 1, 1),
    "always accelerate": (2, 2, 2, 2, 2),
    "never accelerate": (1, 1, 1, 1, 1),
}
EPISODES = 40
LABEL, WIDTH = {"description_width": "21em"}, "46em"


class Panel(ipywidgets.VBox):
    """Controls above a picture; its mime bundle carries a PNG, shown where no kernel runs.

    Parameters
    ----------
    fig : the figure; its layout is frozen after the first drawing
    draw : function of the controls' values, by name, that updates the figure's artists
    controls : named ipywidgets; their descriptions are their labels
    description : one sentence, the picture's alt text and caption
    """

    def __init__(
        self,
        fig: Figure,
        draw: Callable[..., None],
        controls: dict[str, ipywidgets.ValueWidget],
        description: str,
    ) -> None:
        self.fig, self.draw, self.controls = fig, draw, controls
        self.picture = ipywidgets.Image(format="png", layout=ipywidgets.Layout(max_width="100%"))
        super().__init__([*controls.values(), self.picture, ipywidgets.HTML(f"<em>{description}</em>")])
        draw(**self.values)
        fig.draw_without_rendering()
        fig.set_layout_engine("none")
        self.update()
        for control in controls.values():
            control.observe(self.update, names="value")

    @property
    def values(self) -> dict:
        """The controls' values by name."""
        return {name: control.value for name, control in self.controls.items()}

    def update(self, _change: object = None) -> None:
        """Draw anew from the controls' values."""
        self.draw(**self.values)
        self.picture.value = figures.png(self.fig)

    def _repr_mimebundle_(self, **kwargs: object) -> dict:
        return _with_picture(super()._repr_mimebundle_(**kwargs), self.picture)


def _with_picture(bundle: dict, picture: ipywidgets.Image) -> dict:
    return {**bundle, "image/png": base64.b64encode(picture.value).decode()}


def slider(label: str, unit: str, value: float, low: float, high: float, step: float) -> ipywidgets.FloatSlider:
    """A slider with a label and a unit, in our width."""
    return ipywidgets.FloatSlider(
        value=value,
        min=low,
        max=high,
        step=step,
        description=f"{label} ({unit})",
        style=LABEL,
        layout=ipywidgets.Layout(width=WIDTH, max_width="100%"),
    )


def drive() -> Panel:
    """Lesson 00: drive a fixed plan down the icy road while its threshold speed moves."""
    fig, axes = figures.figure(2, width=10, height=3.8)
    road, bars = axes[0]
    figures.draw_road(road, IcyRoad(), torch.zeros(EPISODES, 6, 4))
    paths = road.lines[2::2]
    cars = road.lines[3::2]
    road.set(xlim=(0, 21), ylim=(-16, 16))
    with figures.style():
        columns = bars.barh(list(PLANS), [0.0] * len(PLANS), color=figures.TRUTH)
        marks = [bars.text(0, i, "", va="center") for i in range(len(PLANS))]
        bars.set(xlim=(-12, 48), xlabel="exact expected return", title="what each plan is worth")
        bars.axvline(0, color="black", lw=1)
        bars.invert_yaxis()

    def draw(plan: str, threshold: float, swerve_prob: float) -> None:
        env = IcyRoad(threshold=threshold, swerve_prob=swerve_prob)
        actions = torch.tensor(PLANS[plan])
        g = torch.Generator().manual_seed(0)  # what changes on screen is due to the slider
        data = collect(env, lambda s, t, _: actions[t].expand(s.shape[:-1]), episodes=EPISODES, generator=g)
        states = torch.cat([data.state, data.next_state[:, -1:]], dim=1)
        for path, car, state in zip(paths, cars, states.numpy(), strict=True):
            path.set_data(state[:, 0], state[:, 1])
            car.set_data(state[-1:, 0], state[-1:, 1])
        off = (data.state[..., 1].abs() > 1).any(-1).sum()
        road.set_title(f"{off} of {EPISODES} cars leave the road")
        for bar, mark, (name, sequence) in zip(columns, marks, PLANS.items(), strict=True):
            value = exact.value(env, torch.tensor(sequence))
            bar.set_width(value)
            bar.set_alpha(1.0 if name == plan else 0.4)
            mark.set(x=max(value, 0) + 0.8, text=f"{value:.2f}")

    controls = {
        "plan": ipywidgets.Dropdown(
            options=list(PLANS),
            value="always accelerate",
            description="plan",
            style={"description_width": "17em"},
        ),
        "threshold": slider("threshold speed", "lengths per step", 2.0, 0.0, 4.0, 1.0),
        "swerve_prob": slider("chance to swerve above it", "probability", 0.9, 0.0, 1.0, 0.1),
    }
    return Panel(
        fig,
        draw,
        controls,
        f"Left: {EPISODES} cars that follow the chosen plan; right: the exact return of every plan.",
    )


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
            pieces = sweep.run_pieces(seeds=self.seeds.value, predicts=(self.predict.value,), rounds=self.rounds.value)
            tables = []
            for table in pieces:
                tables.append(table)
                self.progress.value += 1
            self.table = pd.concat(tables, ignore_index=True)
            self.show()
        finally:
            self.button.disabled, self.picture.layout.opacity = False, "1"

    def _repr_mimebundle_(self, **kwargs: object) -> dict:
        return _with_picture(super()._repr_mimebundle_(**kwargs), self.picture)
