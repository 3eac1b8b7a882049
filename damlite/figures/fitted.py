"""The map with fitted models, and the ladder of ratios, as pictures."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..results import fitted_map, given, ratios, table1
from .style import GREY, MODEL, TRUTH, WEIGHT, check, figure, style

FIT_COLOUR = {"likelihood": MODEL, "return-weighted": "#D55E00"}
WEIGHTS_STYLE = {"none": ("o", ":"), "learned": ("^", "--"), "exact": ("D", "-")}  # marker and line
ESTIMATOR_STYLE = {"per_decision": ("#56B4E9", ""), "trajectory": ("#CC79A7", "//")}  # colour and hatching
MARKED = {"coarse": (GREY, ":"), "road, coarse": (WEIGHT, "--")}  # rungs whose returns are lines through all


def draw_fitted_map(ax: Axes, summary: pd.DataFrame) -> None:
    """Return against particles with its standard error, for rows of `fitted_map.summarise` of one road and numbers.

    A colour for each fit, a marker and a line for each kind of weights.
    """
    check(ax)
    key, others = ("fit", "weights", "particles"), ("road", "stderr")
    given.drawn("summary", summary, key, ("mean", "particles"), others, ("road", "model", "numbers"))
    for fit, colour in FIT_COLOUR.items():
        for weights, (marker, line) in WEIGHTS_STYLE.items():
            rows = summary[(summary["fit"] == fit) & (summary["weights"] == weights)].sort_values("particles")
            if rows.empty:
                continue
            look = {"color": colour, "marker": marker, "ls": line, "capsize": 3}
            ax.errorbar(rows["particles"], rows["mean"], rows["stderr"], label=f"{fit}, {weights}", **look)
    ax.axhline(table1.optimum(summary["road"].iloc[0]), color=TRUTH, lw=1)
    ax.set_xscale("log")
    particles = sorted(summary["particles"].unique())
    ax.set_xticks(particles, [str(p) for p in particles])
    ax.minorticks_off()
    ax.set(xlabel="particles", ylabel="return per episode")


def fitted_cells(table: pd.DataFrame, road: str, model: str = "mixture") -> Figure:
    """One road's map with fitted models, own numbers beside common ones; the line on top is the optimum.

    table : as from `fitted_map.run_fitted_map`
    """
    summary = fitted_map.summarise(given.part("table", table, road=road, model=model))
    numbers = [name for name in fitted_map.NUMBERS if name in set(summary["numbers"])]
    fig, axes = figure(len(numbers), width=10, height=4.8, share=True)
    for ax, name in zip(axes[0], numbers, strict=True):
        draw_fitted_map(ax, summary[summary["numbers"] == name])
        ax.set_title(f"{road}, {name} random numbers")
    _legend_below(fig, axes[0, 0], 3)
    return fig


def draw_ratios(ax: Axes, summary: pd.DataFrame) -> None:
    """Bars with standard errors, one for each rung and estimator, of one road, recipe and prediction.

    summary : rows of `ratios.summarise`, drawn from top to bottom as they come
    """
    check(ax)
    others = [name for estimator in ESTIMATOR_STYLE for name in (estimator, f"{estimator} stderr")]
    given.drawn("summary", summary, ("rung",), (), ("road", *others), ("road", "networks", "predict"))
    places = range(len(summary))[::-1]
    for i, (estimator, (colour, hatch)) in enumerate(ESTIMATOR_STYLE.items()):
        heights = [place + 0.2 - 0.4 * i for place in places]
        look = {"height": 0.38, "color": colour, "hatch": hatch, "edgecolor": "white", "label": estimator}
        ax.barh(heights, summary[estimator], xerr=summary[f"{estimator} stderr"], error_kw={"capsize": 2}, **look)
    for rung, (colour, line) in MARKED.items():
        best = summary.loc[summary["rung"] == rung, list(ESTIMATOR_STYLE)].max(axis=1)
        if len(best):
            ax.axvline(best.iloc[0], color=colour, ls=line, label=f"{rung}: the better")
    ax.axvline(table1.optimum(summary["road"].iloc[0]), color=TRUTH, lw=1, label="optimum")
    ax.set_yticks(places, summary["rung"])
    ax.grid(axis="y", visible=False)
    ax.set(xlabel="return per episode", ylim=(-0.6, len(summary) - 0.4))


def ratio_ladder(table: pd.DataFrame, road: str, networks: str = "paper") -> Figure:
    """One road's ladder of ratios, a column for each kind of prediction.

    table : as from `ratios.run`
    """
    summary = ratios.summarise(given.part("table", table, road=road, networks=networks))
    predicts = list(dict.fromkeys(summary["predict"]))
    rows = max(summary["predict"].value_counts())
    fig, axes = figure(len(predicts), width=7.5 * len(predicts), height=1.5 + 0.36 * rows)
    for ax, predict in zip(axes[0], predicts, strict=True):
        draw_ratios(ax, summary[summary["predict"] == predict])
        ax.set_title(f"{road}, models predict {predict}")
    _legend_below(fig, axes[0, 0], 5)
    return fig


def _legend_below(fig: Figure, ax: Axes, columns: int) -> None:
    with style():
        fig.legend(*ax.get_legend_handles_labels(), loc="outside lower center", ncols=columns)
