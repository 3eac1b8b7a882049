"""The sweeps over recipes as pictures: the ladder, the particle axis, and a tornado of what the paper leaves open."""

from collections.abc import Iterable

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..results import given, sweeps, table1
from .style import GREY, METHOD_STYLE, TRUTH, check, figure, style

# A sentence for each picture: its caption, and what stands for it where it is not seen.
CAPTIONS = {
    "ladder": "Mean return of the four methods, with standard errors, on each rung from the paper's recipe to ours, "
    "one choice more at a time; on the left the paper's own numbers, the line is the road's optimum.",
    "particles": "Mean return of each cell under our recipe, with standard errors, against the number of imagined "
    "particles; open marks are the paper's numbers, of one particle, the line is the road's optimum.",
    "tornado": "What the discriminator is worth (left) and return weighting beside it (right) where one choice that "
    "the paper leaves open is changed; bars begin at the recipe as chosen, whose 95 % interval is shaded.",
}
OPEN = {"ls": "", "mfc": "white", "ms": 7, "capsize": 4}  # the paper's marks
OTHERS, ONE = ("road", "model", "stderr"), ("road", "predict", "model")  # what rungs have, and share in one picture
RUNS = ((*sweeps.SAME, "run"), ("return",), (), ("predict",))  # what `given.drawn` asks of a sweep's returns
LEVELS = (("#56B4E9", "//"), ("#E69F00", ""))  # colour and hatching of a choice's first and second level


def draw_ladder(ax: Axes, summary: pd.DataFrame) -> None:
    """One road's and one model's rungs, rows of `sweeps.summarise`: a line with a band for every method."""
    check(ax)
    given.drawn("summary", summary, ("variant", "method"), ("mean",), OTHERS, ONE)
    road, model = summary["road"].iloc[0], summary["model"].iloc[0]
    rungs = list(summary["variant"].unique())
    for i, (method, (colour, marker, line)) in enumerate(METHOD_STYLE.items()):
        rows = summary[summary["method"] == method].set_index("variant")
        if rows.empty:
            continue
        places = np.array([rungs.index(variant) for variant in rows.index])
        ax.plot(places, rows["mean"], color=colour, marker=marker, ls=line, label=method)
        ax.fill_between(places, rows["mean"] - rows["stderr"], rows["mean"] + rows["stderr"], color=colour, alpha=0.15)
        if (theirs := table1.PAPER.get((road, model, method))) is not None:
            ax.errorbar(-1.3 + 0.2 * i, *theirs, color=colour, marker=marker, **OPEN)
    _draw_optimum(ax, road)
    words = ["the paper's\nTable 1", *("as printed" if rung == sweeps.BOTTOM else f"+ {rung}" for rung in rungs)]
    ax.set_xticks([-1, *range(len(rungs))], words, rotation=40, ha="right", rotation_mode="anchor")
    ax.set(title=f"{road}, {model}", ylabel="return per episode")


def draw_particles(ax: Axes, summary: pd.DataFrame) -> None:
    """One road's and one model's methods against the number of particles, rows of `sweeps.summarise`."""
    check(ax)
    given.drawn("summary", summary, ("variant", "method"), ("mean",), OTHERS, ONE)
    _numbered("summary", summary)
    road, model = summary["road"].iloc[0], summary["model"].iloc[0]
    for i, (method, (colour, marker, line)) in enumerate(METHOD_STYLE.items()):
        rows = summary[summary["method"] == method]
        if rows.empty:
            continue
        places = rows["variant"].astype(int) * 1.03 ** (i - 1.5)  # a little apart, so that errors are seen
        look = {"color": colour, "marker": marker, "ls": line, "label": method, "capsize": 3}
        ax.errorbar(places, rows["mean"], rows["stderr"], **look)
        if (theirs := table1.PAPER.get((road, model, method))) is not None:
            ax.errorbar(0.45 * 1.08**i, *theirs, color=colour, marker=marker, **OPEN)
    _draw_optimum(ax, road)
    particles = sorted(summary["variant"].astype(int).unique())
    ax.set_xscale("log")
    ax.set_xticks([0.5, *particles], ["paper", *map(str, particles)])
    ax.set_xticks([], minor=True)
    ax.set(title=f"{road}, {model}", xlabel="particles", ylabel="return per episode", xlim=(0.4, 1.3 * particles[-1]))


def _numbered(name: str, rows: pd.DataFrame) -> None:
    """Raise ValueError if variants of the rows are no numbers of particles."""
    if others := [variant for variant in map(str, rows["variant"].unique()) if not variant.isdecimal()]:
        raise ValueError(f"{name} must have numbers of particles in column variant, got {', '.join(others)}")


def _draw_optimum(ax: Axes, road: str) -> None:
    optimum = table1.optimum(road)
    if np.isfinite(optimum):
        ax.axhline(optimum, color=TRUTH, lw=1)
        ax.annotate(
            "optimum", (0.99, optimum), xycoords=("axes fraction", "data"), color=TRUTH, ha="right", va="bottom"
        )
        ax.margins(y=0.1)


def draw_tornado(ax: Axes, differences: pd.DataFrame, order: list[str]) -> None:
    """One road's and one pair's differences, rows of `sweeps.differences`: a bar for each level of each choice.

    order : the choices, from the lowest bar to the highest; the table has one level or two of each
    """
    check(ax)
    others = ("model", "pair", "low", "high")
    rows = given.drawn("differences", differences, ("variant",), ("difference",), others, (*ONE, "pair"))
    rows = rows.set_index("variant")
    if sweeps.AS_CHOSEN not in rows.index:
        raise ValueError(f"differences must have the variant {sweeps.AS_CHOSEN!r}, got {', '.join(rows.index)}")
    chosen, by_choice = rows.loc[sweeps.AS_CHOSEN], _levels(rows.index)
    order = given.every("order", order, by_choice)
    if np.isfinite(chosen["low"]):
        ax.axvspan(chosen["low"], chosen["high"], color=GREY, alpha=0.2, lw=0)
    ax.axvline(chosen["difference"], color=GREY, ls="--", lw=1.5)
    ax.axvline(0, color="black", lw=1)
    for place, choice in enumerate(order):
        for i, (variant, (colour, hatch)) in enumerate(zip(by_choice[choice], LEVELS, strict=False)):
            row, y = rows.loc[variant], place + 0.2 - 0.4 * i
            width = row["difference"] - chosen["difference"]
            ax.barh(y, width, 0.38, left=chosen["difference"], color=colour, hatch=hatch, edgecolor="black", lw=0.5)
            reach = [[row["difference"] - row["low"]], [row["high"] - row["difference"]]]
            ax.errorbar(row["difference"], y, xerr=reach if np.isfinite(row["low"]) else None, color="black", capsize=2)
            level = variant.removeprefix(f"{choice}: ")
            ax.annotate(level, (1.01, y), xycoords=("axes fraction", "data"), va="center", annotation_clip=False)
    ax.set_yticks(range(len(order)), order)
    ax.set(xlabel="difference of returns per episode", ylim=(-0.6, len(order) - 0.4))
    ax.set_title(f"{rows['pair'].iloc[0]}, {rows['model'].iloc[0]}")


def _levels(variants: Iterable[str]) -> dict[str, list[str]]:
    """The variants of each choice; raise ValueError if there are more than can be drawn."""
    levels: dict[str, list[str]] = {}
    for variant in variants:
        if variant != sweeps.AS_CHOSEN:
            levels.setdefault(variant.partition(":")[0], []).append(variant)
    for choice, every in levels.items():
        if len(every) > len(LEVELS):
            said = f"{len(LEVELS)} levels of {choice}, got {len(every)}: {', '.join(every)}"
            raise ValueError(f"differences must have at most {said}")
    return levels


def ladder(returns: pd.DataFrame, model: str = "mixture") -> Figure:
    """The ladder of one model on every road, from the returns of `sweeps.run_sweep`."""
    returns = given.drawn("returns", given.part("returns", returns, model=model), *RUNS)
    summary = sweeps.summarise(returns)
    parts = [part for _, part in summary.groupby("road", sort=False)]
    fig, axes = figure(1, len(parts), width=10, height=4.6 * len(parts))
    for ax, part in zip(axes[:, 0], parts, strict=True):
        draw_ladder(ax, part)
    _share_legend(fig, axes[0, 0])
    return fig


def particle_axis(returns: pd.DataFrame) -> Figure:
    """All cells against the number of particles, from the returns of `sweeps.run_sweep`: a row for every road."""
    _numbered("returns", given.drawn("returns", returns, *RUNS))
    summary = sweeps.summarise(returns)
    roads, models = list(summary["road"].unique()), [m for m in table1.MODELS if m in set(summary["model"])]
    fig, axes = figure(len(models), len(roads), width=5 * len(models), height=3.8 * len(roads))
    for row, road in zip(axes, roads, strict=True):
        for ax, model in zip(row, models, strict=True):
            draw_particles(ax, summary[(summary["road"] == road) & (summary["model"] == model)])
    _share_legend(fig, axes[0, 0])
    return fig


def tornado(returns: pd.DataFrame, road: str, model: str = "mixture") -> Figure:
    """What the paper leaves open on one road, the choice that moves a difference furthest at the top."""
    returns = given.drawn("returns", given.part("returns", returns, road=road, model=model), *RUNS)
    table = sweeps.differences(returns)
    if table.empty:
        words = " or ".join(f"{above} and {below}" for above, below in sweeps.PAIRS)
        got = ", ".join(map(str, returns["method"].unique()))
        raise ValueError(f"returns must have both methods of a pair, {words}, got {got}")
    pairs = list(table["pair"].unique())
    reach: dict[str, float] = {}
    for _, rows in table.groupby("pair"):
        shift = rows.set_index("variant")["difference"].sub(rows["difference"].iloc[0]).abs()
        for choice, variants in _levels(shift.index).items():
            reach[choice] = max(reach.get(choice, 0.0), shift[variants].max())
    order = sorted(reach, key=reach.get)
    fig, axes = figure(len(pairs), 1, width=6 * len(pairs), height=1.6 + 0.55 * len(order))
    for ax, pair in zip(axes[0], pairs, strict=True):
        rows = table[table["pair"] == pair]
        there = _levels(rows["variant"])
        draw_tornado(ax, rows, [choice for choice in order if choice in there])
    with style():
        fig.suptitle(road)
    return fig


def _share_legend(fig: Figure, ax: Axes) -> None:
    handles, labels = ax.get_legend_handles_labels()
    with style():
        fig.legend(handles, labels, loc="outside lower center", ncols=4)
