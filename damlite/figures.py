"""Pictures: each a function that draws on given axes. Truth is blue, the model orange, weights black."""

import io
from contextlib import AbstractContextManager
from importlib.resources import files
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image
from torch import Tensor

from . import ablations, exact
from .data import Episodes, collect
from .discriminator import Discriminator
from .envs import IcyRoad
from .fitting import fit_discriminator, fit_model
from .mixture import Mixture
from .models import DynamicsModel
from .sweep import MODELS, load, optimum, summarise

TRUTH, MODEL, WEIGHT, GREY = "#0072B2", "#E69F00", "#000000", "#767676"
METHOD_STYLE = {  # colour, marker and line: never colour alone
    "baseline": ("#767676", "o", ":"),
    "minvar": ("#CC79A7", "s", "-."),
    "disc": ("#009E73", "^", "--"),
    "dam": ("#D55E00", "D", "-"),
}
DYNAMICS_STYLE = {"truth": (TRUTH, "o"), "Gaussian": (MODEL, "s"), "mixture": ("#009E73", "^")}
LOG_FLOOR = 1e-3  # weights below it are drawn there


def style() -> AbstractContextManager:
    """Our style sheet, for `with style():`."""
    return plt.style.context(str(files("damlite") / "damlite.mplstyle"))


def figure(
    columns: int = 1, rows: int = 1, width: float = 8.0, height: float = 3.6, share: bool = False
) -> tuple[Figure, np.ndarray]:
    """A figure in our style and its axes (rows, columns), not known to pyplot, so that nothing shows it twice.

    share : give all axes the same limits
    """
    with style():
        fig = Figure(figsize=(width, height), layout="constrained")
        axes = fig.subplots(rows, columns, squeeze=False, sharex=share, sharey=share)
    return fig, axes


def png(fig: Figure) -> bytes:
    """The figure as a PNG."""
    with style():
        canvas = FigureCanvasAgg(fig)
        canvas.draw()
    return encode(canvas)


def encode(canvas: FigureCanvasAgg) -> bytes:
    """What is drawn on a canvas as a PNG, packed quickly."""
    buffer = io.BytesIO()
    Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB").save(buffer, format="png", compress_level=1)
    return buffer.getvalue()


def show(fig: Figure, caption: str) -> None:
    """Display the figure in a notebook with its one-sentence description as caption and alt text."""
    from IPython import display

    display.display(display.Image(png(fig), alt=caption), display.Markdown(f"*{caption}*"))


def draw_road(ax: Axes, env: IcyRoad, states: Tensor, label: str | None = None, colour: str = TRUTH) -> None:
    """Cars on the road from above: paths of states (N, T, S), or of one car (T, S), each ending in a marker."""
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
    path = torch.cat([data.state[..., :1, :], data.next_state], dim=-2)[:, : env.horizon]
    draw_road(ax, env, path, colour=colour)
    returns = data.returns
    ax.set_title(f"{title}\nreturn {returns.mean():.1f} ± {returns.std() / len(data) ** 0.5:.1f}")


class NextVelocity:
    """Fig. 1 and Fig. 2 (right), with artists that stay: densities of the next lateral velocity, and weights as arrows.

    Parameters
    ----------
    ax : axes to draw on
    limit : velocities from −limit to +limit are shown, in lengths per step
    arrows : whether to add a second, logarithmic axis for the weights of the model's samples
    """

    def __init__(self, ax: Axes, limit: float = 4.5, arrows: bool = True) -> None:
        self.ax, self.grid = ax, torch.linspace(-limit, limit, 601)
        nothing = [np.nan], [np.nan]
        self.lines, self.areas = {}, {}
        for name, colour, line in (("truth p", TRUTH, "-"), ("model q", MODEL, "--")):
            (self.lines[name],) = ax.plot(*nothing, line, color=colour, label=name)
            (self.areas[name],) = ax.fill(*nothing, color=colour, alpha=0.15)
        ax.set(xlabel="next lateral velocity (lengths per step)", ylabel="density", xlim=(-limit, limit))
        ax.legend(loc="upper center", ncols=2)
        self.arrows: list[Artist] = []
        if not arrows:
            return
        scale = ax.twinx()
        scale.set_yscale("log")
        scale.set(ylim=(LOG_FLOOR, 1 / LOG_FLOOR), ylabel="weight w = p/q of a sample")
        scale.grid(False)
        scale.spines["right"].set_visible(True)
        scale.axhline(1, color=WEIGHT, lw=0.8, ls=":")
        self.stems = scale.vlines([], [], [], color=WEIGHT, lw=1.2)
        self.heads = [scale.plot(*nothing, marker, color=WEIGHT, ms=5)[0] for marker in ("^", "v")]
        self.arrows = [self.stems, *self.heads]

    def show_density(self, name: str, mixture: Mixture) -> None:
        """Draw "truth p" or "model q", a mixture without batch axes."""
        with torch.no_grad():
            density = mixture.marginal(3).log_prob(self.grid).exp().numpy()
        self.lines[name].set_data(self.grid, density)
        self.areas[name].set_xy(np.column_stack([self.grid, density]))
        highest = max(np.nan_to_num(line.get_ydata()).max() for line in self.lines.values())
        self.ax.set_ylim(0, 1.3 * highest)  # room for the legend above the peaks

    def show_weights(self, samples: Tensor, log_weights: Tensor) -> None:
        """Draw samples (N,) of the next lateral velocity with log p/q (N,): arrows up or down from one."""
        w = log_weights.exp().clamp(LOG_FLOOR, 1 / LOG_FLOOR).tolist()
        self.stems.set_segments([[(x, 1.0), (x, y)] for x, y in zip(samples.tolist(), w, strict=True)])
        for head, up in zip(self.heads, (True, False), strict=True):
            tips = [(x, y) for x, y in zip(samples.tolist(), w, strict=True) if (y >= 1) == up]
            head.set_data(*zip(*tips, strict=True) if tips else ([np.nan], [np.nan]))

    @property
    def artists(self) -> list[Artist]:
        """All that moves."""
        return [*self.areas.values(), *self.lines.values(), *self.arrows]

    def grey(self, stale: bool) -> None:
        """Grey out what hangs on the model, or bring it back."""
        self.lines["model q"].set_alpha(0.25 if stale else 1.0)
        for artist in self.arrows:
            artist.set_alpha(0.2 if stale else 1.0)


def draw_next_velocity(
    ax: Axes,
    truth: Mixture,
    model: Mixture,
    samples: Tensor | None = None,
    log_weights: Tensor | None = None,
    limit: float = 4.5,
) -> None:
    """Fig. 2 (right) once: see `NextVelocity` for the arguments; arrows only if there are samples (N,)."""
    picture = NextVelocity(ax, limit, arrows=samples is not None)
    picture.show_density("truth p", truth)
    picture.show_density("model q", model)
    if samples is not None:
        picture.show_weights(samples, log_weights)


def draw_rounds(ax: Axes, returns: pd.DataFrame, optimum: float) -> None:
    """Mean return of every round's episodes with its standard error, a line for every method."""
    for method, (colour, marker, line) in METHOD_STYLE.items():
        rows = returns[(returns["method"] == method) & (returns["round"] > 0)]
        if rows.empty:
            continue
        by_round = rows.groupby("round")["return"].agg(["mean", "sem"])
        ax.errorbar(
            by_round.index,
            by_round["mean"],
            by_round["sem"],
            color=colour,
            marker=marker,
            ls=line,
            label=method,
        )
    ax.axhline(optimum, color=TRUTH, lw=1)
    ax.annotate("optimum", (1, optimum), color=TRUTH, va="bottom")
    ax.set(xlabel="round", ylabel="return per episode")


def draw_learning(axes: np.ndarray, returns: pd.DataFrame, optimum: float) -> None:
    """`draw_rounds` on 2 × 2 axes: a row for what the models predict, a column for the kind of model."""
    for row, predict in zip(axes, ("state", "velocity"), strict=True):
        for ax, model in zip(row, MODELS, strict=True):
            draw_rounds(ax, returns[(returns["predict"] == predict) & (returns["model"] == model)], optimum)
            ax.set(title=f"{model}, predicts {predict}", ylim=(-1, 10))
    axes[0, 1].legend(loc="lower right", ncols=2)


def draw_ablation(ax: Axes, table: pd.DataFrame, model: str, optimum: float) -> None:
    """One model's four cells: our mean and standard error, beside the paper's."""
    rows = table[table["model"] == model].set_index("method")
    for i, method in enumerate(METHOD_STYLE):
        colour, marker, _ = METHOD_STYLE[method]
        row = rows.loc[method]
        ax.errorbar(i - 0.1, row["mean"], row["stderr"], color=colour, marker=marker, ms=8, capsize=4)
        theirs = row["paper_mean"], row["paper_stderr"]
        ax.errorbar(i + 0.15, *theirs, color=GREY, marker=marker, mfc="white", ms=7, capsize=4)
    ax.plot([], [], "ko", label="ours")
    ax.plot([], [], "o", color=GREY, mfc="white", label="paper")
    ax.axhline(optimum, color=TRUTH, lw=1)
    ax.set_xticks(range(len(METHOD_STYLE)), list(METHOD_STYLE))
    ax.set(title=model, ylabel="return per episode", ylim=(-0.1 * optimum, 1.1 * optimum))


def draw_variants(ax: Axes, table: pd.DataFrame, order: list[str]) -> None:
    """One ablation on one road, rows of `ablations.summarise`: a mark for each dynamics beside each variant."""
    for i, (dynamics, (colour, marker)) in enumerate(DYNAMICS_STYLE.items()):
        rows = table[table["dynamics"] == dynamics].set_index("variant")
        if rows.empty:
            continue
        places = [order.index(variant) + 0.18 * (i - 1) for variant in rows.index]
        label = dynamics if dynamics == "truth" else f"{dynamics}, weighed"
        how = {"color": colour, "marker": marker, "ls": "", "ms": 8, "capsize": 4, "label": label}
        ax.errorbar(places, rows["mean"], rows["stderr"], **how)
    ax.axhline(optimum(table["road"].iloc[0]), color=TRUTH, lw=1)
    ax.set_xticks(range(len(order)), order)
    ax.set(title=table["road"].iloc[0], xlim=(-0.5, len(order) - 0.5), ylabel="return per episode")


def beyond(table: pd.DataFrame, ablation: str) -> Figure:
    """One ablation of `ablations.summarise` on both roads; the line is the optimum."""
    chosen = table[table["ablation"] == ablation]
    order = list(chosen["variant"].unique())
    if all(variant.isdigit() for variant in order):
        order.sort(key=int)
    fig, axes = figure(2, width=10, height=3.8)
    for ax, (_, rows) in zip(axes[0], chosen.groupby("road"), strict=True):
        draw_variants(ax, rows, order)
    handles, labels = axes[0, 1].get_legend_handles_labels()
    with style():
        fig.legend(handles, labels, loc="outside lower center", ncols=3)
    return fig


def fitted_example(
    threshold: float = 2.0,
    episodes: int = 400,
    components: int = 1,
    seed: int = 0,
    env: IcyRoad | None = None,
) -> tuple[IcyRoad, DynamicsModel, Discriminator]:
    """A velocity-predicting model and its discriminator, fitted to random episodes of a road."""
    env = IcyRoad(threshold=threshold) if env is None else env
    generator = torch.Generator().manual_seed(seed)
    data = collect(env, episodes=episodes, generator=generator)
    model = DynamicsModel(env, components, generator=generator)
    fit_model(model, data, steps=1000, generator=generator)
    disc = Discriminator(env, generator=generator)
    fit_discriminator(disc, model, data, steps=1000, generator=generator)
    return env, model, disc


def figure2_right(env: IcyRoad, model: DynamicsModel, disc: Discriminator, samples: int = 25) -> Figure:
    """Fig. 2 (right) of the paper: at (2, 0, 2, 0) under "accelerate"."""
    state, action = torch.tensor([2.0, 0.0, 2.0, 0.0]), torch.tensor(2)
    fig, axes = figure(2, width=10)
    with torch.no_grad():
        q = model.transition(state, action)
        next_state = q.sample((samples,), generator=torch.Generator().manual_seed(0))
        learned = disc.log_ratio(state, action, next_state)
        ratio = exact.log_ratio(env, model, state, action, next_state)
        for ax, log_weights, title in zip(axes[0], (learned, ratio), ("discriminator", "exact ratio"), strict=True):
            draw_next_velocity(ax, env.transition(state, action), q, next_state[:, 3], log_weights)
            ax.set_title(f"weights from the {title}")
    return fig


def ablation(returns: pd.DataFrame, predict: str = "state", road: str = "IcyRoad") -> Figure:
    """The eight cells of Table 1 on one road beside the paper's, from the raw returns of `sweep.run_table1`."""
    table = summarise(returns[(returns["road"] == road) & (returns["predict"] == predict)])
    fig, axes = figure(2, width=9)
    for ax, model in zip(axes[0], MODELS, strict=True):
        draw_ablation(ax, table, model, optimum(road))
    axes[0, 1].legend(loc="lower right")
    return fig


def write_all(folder: str | Path) -> list[Path]:
    """Every picture of results that the README shows, written to `folder` as PNG; `python -m damlite figures`."""
    folder = Path(folder)
    drawn = {"figure2_right": figure2_right(*fitted_example())}
    returns = load(folder)
    if (folder / "ablations.csv").exists():
        table = ablations.summarise(pd.read_csv(folder / "ablations.csv"))
        for name in table["ablation"].unique():
            drawn[f"beyond_{name.replace(' ', '_')}"] = beyond(table, name)
    for road, predict in returns[["road", "predict"]].drop_duplicates().itertuples(index=False):
        drawn[f"ablation_{road.lower()}_{predict}"] = ablation(returns, predict, road)
    paths = []
    for name, fig in drawn.items():
        paths.append(folder / f"{name}.png")
        paths[-1].write_bytes(png(fig))
    return paths
