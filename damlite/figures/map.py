"""The map of who wins where, as pictures."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..results import given, table1
from .style import GREY, TRUTH, WEIGHT, check, figure, style

# A sentence for each picture: its caption, and what stands for it where it is not seen.
CAPTIONS = {
    "map": "Mean return against the number of imagined particles, with a band of one standard error, for planners "
    "that know the road (blue) and for optimistic ones with exact weights and shift; own random numbers on the left, "
    "common ones on the right, and the grey line is the road's optimum.",
    "candidates": "The same map with own random numbers, a panel for each number of candidate sequences.",
    "explained": "What explains the map at the fork's approach, with own random numbers: the standard deviation of one "
    "estimate, the probability that the best of the proposed sequences is chosen, and by how much the chosen one's "
    "estimate exceeds its worth.",
    "best": "The probability of q's forks with the greatest mean return, against the number of particles, with all "
    "that are within two standard errors of it; the blue line is the road's own.",
}
LOOKS = (  # of q's from the likest to the least like the truth: colour, marker and line
    ("#56B4E9", "s", "-."),
    ("#009E73", "^", "--"),
    ("#CC79A7", "v", ":"),
    ("#D55E00", "D", "-"),
)
QUANTITIES = {
    "spread": "standard deviation of an estimate",
    "p_best": "P(the best is chosen)",
    "promise_minus_worth": "estimate − worth of the chosen",
}


NUMBERS, OTHERS = ("probability", "particles", "return", "stderr"), ("weights", "numbers", "candidates")


def draw_map(ax: Axes, rows: pd.DataFrame, column: str = "return", weights: str = "exact + shift") -> None:
    """A column against particles, a line for each q, of rows of the map that share numbers and candidates."""
    check(ax)
    others, one = ("weights", column), ("road", "numbers", "candidates")
    given.drawn("rows", rows, ("probability", "weights", "particles"), NUMBERS, others, one)
    proposals = list(dict.fromkeys(rows["probability"]))
    looks = [(TRUTH, "o", "-"), *LOOKS[-(len(proposals) - 1) :]]
    for i, (q, (colour, marker, line)) in enumerate(zip(proposals, looks, strict=True)):
        kind = weights if i else "none"
        part = rows[(rows["probability"] == q) & (rows["weights"] == kind)].sort_values("particles")
        label = f"q({q:g}), {weights}" if i else f"the truth, {q:g}"
        ax.plot(part["particles"], part[column], color=colour, marker=marker, ls=line, label=label)
        if column == "return":
            low, high = part["return"] - part["stderr"], part["return"] + part["stderr"]
            ax.fill_between(part["particles"], low, high, color=colour, alpha=0.2, lw=0)
    _particles(ax, rows)


def _particles(ax: Axes, rows: pd.DataFrame) -> None:
    particles = sorted(rows["particles"].unique())
    ax.set_xscale("log")
    ax.set_xticks(particles, [str(p) for p in particles])
    ax.minorticks_off()
    ax.set_xlabel("particles")


def who_wins(table: pd.DataFrame, road: str, candidates: int = 100) -> Figure:
    """One road's map, own random numbers beside common ones."""
    rows = given.part("table", table, NUMBERS, OTHERS, road=road, candidates=candidates)
    fig, axes = figure(2, width=10, height=4.8, share=True)
    for ax, numbers in zip(axes[0], ("own", "common"), strict=True):
        draw_map(ax, rows[rows["numbers"] == numbers])
        ax.axhline(table1.optimum(road), color=GREY, lw=1)
        ax.set(title=f"{road}, {numbers} random numbers", ylabel="return per episode")
    return _with_legend(fig, axes[0, 0])


def by_candidates(table: pd.DataFrame, road: str, numbers: str = "own") -> Figure:
    """One road's map, a panel for each number of candidates."""
    rows = given.part("table", table, NUMBERS, OTHERS, road=road, numbers=numbers)
    every = sorted(rows["candidates"].unique())
    fig, axes = figure(len(every), width=3.2 * len(every), height=4.4, share=True)
    for ax, candidates in zip(axes[0], every, strict=True):
        draw_map(ax, rows[rows["candidates"] == candidates])
        ax.axhline(table1.optimum(road), color=GREY, lw=1)
        ax.set_title(f"{candidates} candidates")
    axes[0, 0].set_ylabel(f"{road}: return per episode")
    return _with_legend(fig, axes[0, 0])


def explained(table: pd.DataFrame, road: str, candidates: int = 100, numbers: str = "own") -> Figure:
    """What explains one road's map, a panel for each quantity."""
    others = (*OTHERS, *QUANTITIES)
    rows = given.part("table", table, NUMBERS, others, road=road, candidates=candidates, numbers=numbers)
    fig, axes = figure(len(QUANTITIES), width=12, height=4.4)
    for ax, (column, words) in zip(axes[0], QUANTITIES.items(), strict=True):
        draw_map(ax, rows, column)
        ax.set(title=words)
    axes[0, 0].set_ylabel(road)
    return _with_legend(fig, axes[0, 0])


def best_proposals(best: pd.DataFrame, truth: dict[str, float]) -> Figure:
    """Where the best q is, a panel for each road.

    Parameters
    ----------
    best : as from `map.best_probability`
    truth : each road's own probability of its forks
    """
    given.table("best", best, ("road", "particles"), ("particles", "best", "least", "most"))
    roads = list(dict.fromkeys(best["road"]))
    if not isinstance(truth, dict) or not set(roads) <= set(truth):
        raise ValueError(f"truth must be a dict of probabilities for {', '.join(roads)}, got {truth!r}")
    fig, axes = figure(len(roads), width=10, height=4.0)
    for ax, road in zip(axes[0], roads, strict=True):
        rows = best[best["road"] == road]
        ax.vlines(rows["particles"], rows["least"], rows["most"], color=GREY, lw=4, alpha=0.5)
        ax.plot(rows["particles"], rows["best"], "D", color=WEIGHT)
        ax.axhline(truth[road], color=TRUTH)
        ax.annotate("the truth", (rows["particles"].min(), truth[road]), color=TRUTH, va="bottom")
        _particles(ax, rows)
        ax.set(title=f"{road}, own random numbers", ylabel="best probability of q", ylim=(0, 1.15 * truth[road]))
    return fig


def _with_legend(fig: Figure, ax: Axes) -> Figure:
    handles, labels = ax.get_legend_handles_labels()
    with style():
        fig.legend(handles, labels, loc="outside lower center", ncols=3)
    return fig
