"""The roads from above: the icy road, and Fig. 2 (left), the Intersection, still or as an animation."""

import io
from collections.abc import Callable, Sequence
from functools import singledispatch

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Polygon, Rectangle
from matplotlib.transforms import Affine2D
from PIL import Image
from torch import Tensor

from ..data import Episodes
from ..envs import Environment, IcyRoad, Intersection
from ..support import validate
from .style import GREY, TRUTH, WEIGHT, check, figure, png

CARS = {"agent": ("#009E73", "-"), "oncoming car": ("#CC79A7", "--")}  # colour and line of each path
LANE, REACH = 3.5, 14.0  # metres: half a road's width, and how far is drawn
BODY, NOSE = (2.4, 1.4), [(0.5, -0.5), (1.1, 0), (0.5, 0.5)]


def draw_road(ax: Axes, env: IcyRoad, states: Tensor, label: str | None = None, colour: str = TRUTH) -> None:
    """Cars on the road from above: paths of states (N, T, S), or of one car (T, S), each ending in a marker."""
    check(ax)
    states = _states(env, states, IcyRoad, (2, 3))
    paths = states if states.ndim == 3 else states[None]
    ax.axhspan(-1, 1, color="#dcecf5", zorder=0)
    ax.axhline(1, color=GREY, lw=1)
    ax.axhline(-1, color=GREY, lw=1)
    for i, path in enumerate(paths.numpy()):
        ax.plot(path[:, 0], path[:, 1], color=colour, lw=1, alpha=0.6, label=label if i == 0 else None)
        ax.plot(*path[-1, :2], "s", color=colour, ms=5)
    ax.set(xlabel="x (lengths)", ylabel="y (lengths)")
    low, high = ax.get_ylim()
    ax.set_ylim(min(low, -2.0), max(high, 2.0))
    left, right = ax.get_xlim()
    ax.set_xlim(min(left, -0.5), max(right, 5.0))


def draw_episodes(ax: Axes, env: IcyRoad, data: Episodes, title: str, colour: str = TRUTH) -> None:
    """The paths of E driven episodes, with their mean return and its standard error in the title."""
    validate.instance("env", env, IcyRoad)
    validate.instance("data", data, Episodes, ", as collect gives")
    path = torch.cat([data.state[..., :1, :], data.next_state], dim=-2)[:, : env.horizon]
    draw_road(ax, env, path, colour=colour)
    returns = data.returns
    ax.set_title(f"{title}\nreturn {returns.mean():.1f} ± {returns.std() / len(data) ** 0.5:.1f}")


class Crossing:
    """The crossing with both cars and their paths, with artists that stay."""

    def __init__(self, ax: Axes, env: Intersection, legend: bool = True) -> None:
        check(ax)
        validate.instance("env", env, Intersection)
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
        states = _states(self.env, states, Intersection, (2,))
        for path, parts, first in zip(self.paths, self.cars, (0, 5), strict=True):
            xs, ys, _, _, headings = states[:, first : first + 5].numpy().T
            path.set_data(xs, ys)
            for part in parts:
                part.set_transform(Affine2D().rotate(headings[-1]).translate(xs[-1], ys[-1]) + self.ax.transData)
        crashed = self.env.crashed(states[-1])
        middle = ((states[-1, :2] + states[-1, 5:7]) / 2).tolist() if crashed else [np.nan, np.nan]
        self.crash.set_data([middle[0]], [middle[1]])


def draw_intersection(ax: Axes, env: Intersection, states: Tensor, legend: bool = True) -> None:
    """Fig. 2 (left) once: both cars' paths of states (T, S)."""
    check(ax)
    states = _states(env, states, Intersection, (2,))
    Crossing(ax, env, legend).show(states)


def _states(
    env: object, states: object, road: type[Environment], axes: tuple[int, ...], name: str = "states"
) -> Tensor:
    """States of a road to draw; raise ValueError if they or the road are others."""
    validate.instance("env", env, road)
    states = validate.numbers(name, validate.states(name, states, len(road.state_names)), finite=True)
    if states.shape[-2:-1] == (0,):
        raise ValueError(f"{name} must hold at least one state, got shape {tuple(states.shape)}")
    if states.ndim not in axes:
        raise ValueError(f"{name} must be those of one path, (T, S), got shape {tuple(states.shape)}")
    return states.detach()


def _two(env: object, episodes: object) -> list[Tensor]:
    if isinstance(episodes, Tensor | np.ndarray) and episodes.ndim == 3:
        episodes = list(episodes)
    if not isinstance(episodes, list | tuple) or len(episodes) != 2:
        raise ValueError(f"episodes must be the states of two, as both_turns gives, got {validate.shown(episodes)}")
    return [_states(env, states, Intersection, (2,), "each of episodes") for states in episodes]


def figure2_left(env: Intersection, episodes: Sequence[Tensor], step: int = 14) -> Figure:
    """Fig. 2 (left) of the paper: the two scenarios, from `examples.both_turns`, each drawn up to a step.

    episodes : states (T, S) of either, or those of both as one tensor (2, T, S)
    """
    validate.integer("step", step)
    episodes = _two(env, episodes)
    fig, axes = figure(2, width=9, height=4.8)
    for ax, states, turn in zip(axes[0], episodes, ("left", "right"), strict=True):
        draw_intersection(ax, env, states[: step + 1], legend=turn == "left")
        ax.set_title(f"the oncoming car turns to its {turn}")
    return fig


def animate(env: Intersection, episodes: Sequence[Tensor]) -> bytes:
    """Both scenarios step by step, as an animated GIF in the road's own time."""
    episodes = _two(env, episodes)
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


@singledispatch
def picture(env: Environment, states: Tensor) -> Figure:
    """A road from above, small and plain, with the paths of its cars: states (T, S).

    Raises
    ------
    ValueError
        If the environment is none of the roads.
    """
    raise ValueError(f"env must be a road that can be drawn, IcyRoad or Intersection, got {validate.shown(env)}")


@picture.register
def _(env: IcyRoad, states: Tensor) -> Figure:
    return _plain(draw_road, env, states, (6, 2.4))


@picture.register
def _(env: Intersection, states: Tensor) -> Figure:
    return _plain(draw_intersection, env, states, (5, 5))


def _plain(draw: Callable[..., None], env: Environment, states: Tensor, size: tuple[float, float]) -> Figure:
    fig = Figure(figsize=size, dpi=80, layout="constrained")
    draw(fig.subplots(), env, states)
    return fig


def render(env: Environment, state: Tensor) -> np.ndarray:
    """The road from above in one state (S,), as an RGB image (H, W, 3) of whole numbers from 0 to 255."""
    canvas = FigureCanvasAgg(picture(env, validate.numbers("state", state)[None]))
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()
