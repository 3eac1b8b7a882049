"""Fig. 2 (left): the Intersection from above, drawn from the environment itself; still, or as an animation."""

import io
from collections.abc import Sequence

import numpy as np
import torch
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Polygon, Rectangle
from matplotlib.transforms import Affine2D
from PIL import Image
from torch import Tensor

from .data import collect
from .envs import Intersection
from .figures import GREY, WEIGHT, figure, png
from .loop import default_recipe
from .planning import policy

CARS = {"agent": ("#009E73", "-"), "oncoming car": ("#CC79A7", "--")}  # colour and line of each path
LANE, REACH = 3.5, 14.0  # metres: half a road's width, and how far is drawn
BODY, NOSE = (2.4, 1.4), [(0.5, -0.5), (1.1, 0), (0.5, 0.5)]


class Crossing:
    """The crossing with both cars and their paths, with artists that stay."""

    def __init__(self, ax: Axes, env: Intersection, legend: bool = True) -> None:
        self.ax, self.env = ax, env
        ax.axvspan(-LANE, LANE, color="#eeeeee", zorder=0)
        ax.axhspan(-LANE, LANE, color="#eeeeee", zorder=0)
        for far in (-20, 20):  # the middle lines end at the crossing
            near = LANE if far > 0 else -LANE
            ax.plot([0, 0], [near, far], [near, far], [0, 0], color=GREY, lw=1, ls=(0, (6, 6)))
        self.paths, self.cars = [], []
        for name, (colour, line) in CARS.items():
            self.paths += ax.plot([], [], line, color=colour, lw=1.5, label=name)
            length, width = BODY
            body = Rectangle((-length / 2, -width / 2), length, width, fc=colour, ec=WEIGHT, zorder=3)
            self.cars.append([ax.add_patch(part) for part in (body, Polygon(NOSE, fc="white", zorder=3))])
        (self.crash,) = ax.plot([], [], "X", color=WEIGHT, ms=14, zorder=4, label="crash")
        ax.set(xlim=(-REACH, REACH), ylim=(-REACH, REACH), aspect="equal", xlabel="x (m)", ylabel="y (m)")
        if legend:
            ax.legend(loc="upper right")

    def show(self, states: Tensor) -> None:
        """Draw paths of states (T, S); each car stands where its path ends."""
        for path, parts, first in zip(self.paths, self.cars, (0, 5), strict=True):
            xs, ys, _, _, headings = states[:, first : first + 5].numpy().T
            path.set_data(xs, ys)
            for part in parts:
                part.set_transform(Affine2D().rotate(headings[-1]).translate(xs[-1], ys[-1]) + self.ax.transData)
        crashed = self.env.crashed(states[-1])
        middle = ((states[-1, :2] + states[-1, 5:7]) / 2).tolist() if crashed else [np.nan, np.nan]
        self.crash.set_data([middle[0]], [middle[1]])

    @property
    def artists(self) -> list[Artist]:
        """All that moves."""
        return [*self.paths, *(part for parts in self.cars for part in parts), self.crash]


def draw_intersection(ax: Axes, env: Intersection, states: Tensor, legend: bool = True) -> None:
    """Fig. 2 (left) once: both cars' paths of states (T, S)."""
    Crossing(ax, env, legend).show(states)


def both_turns(env: Intersection, act: object = None, seed: int = 0) -> list[Tensor]:
    """One episode's states (T + 1, S) with the oncoming car turning left, and one with it turning right.

    act : a policy as for `collect`; by default the planner that knows the road
    """
    act = policy(default_recipe(env).planner, env, env) if act is None else act
    states = []
    for side in env.sides():
        data = collect(side, act, episodes=1, generator=torch.Generator().manual_seed(seed))
        states.append(torch.cat([data.state[0], data.next_state[0, -1:]]))
    return states


def figure2_left(env: Intersection, episodes: Sequence[Tensor], step: int = 14) -> Figure:
    """Fig. 2 (left) of the paper: the two scenarios, from `both_turns`, each drawn up to a step."""
    fig, axes = figure(2, width=9, height=4.8)
    for ax, states, turn in zip(axes[0], episodes, ("left", "right"), strict=True):
        draw_intersection(ax, env, states[: step + 1], legend=turn == "left")
        ax.set_title(f"the oncoming car turns to its {turn}")
    return fig


def animate(env: Intersection, episodes: Sequence[Tensor]) -> bytes:
    """Both scenarios step by step, as an animated GIF in the road's own time."""
    fig, axes = figure(2, width=7, height=3.8)
    pictures = [Crossing(ax, env, legend=False) for ax in axes[0]]
    for ax, turn in zip(axes[0], ("left", "right"), strict=True):
        ax.set_title(f"turns to its {turn}")
    frames = []
    for t in range(1, len(episodes[0]) + 1):
        for picture, states in zip(pictures, episodes, strict=True):
            picture.show(states[:t])
        frames.append(Image.open(io.BytesIO(png(fig))).quantize(32))
    buffer = io.BytesIO()
    wait = [round(1000 * env.dt)] * (len(frames) - 1) + [1500]  # milliseconds
    frames[0].save(buffer, "GIF", save_all=True, append_images=frames[1:], duration=wait, loop=0)
    return buffer.getvalue()
