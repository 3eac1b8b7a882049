"""The ledger as a forest: every difference that the paper claims, under each recipe, beside the paper's own."""

from collections.abc import Iterator

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..results import given, table1
from .style import GREY, WEIGHT, check, figure, style

RECIPE_STYLE = {  # colour and marker: never colour alone
    "our": ("#009E73", "o"),
    "paper-trajectory": ("#CC79A7", "^"),
    "paper": ("#D55E00", "s"),
}
OTHER_STYLE = ("#56B4E9", "v")  # a recipe of one's own
PAPERS_MARK = "D"
APART = 0.8  # of a row for the marks of one difference
NUMBERS = ("difference", "low", "high", "tolerance")
COLUMNS = ("recipe", "road", "predict", "source", "claim", "cell", "other", "claimed", "verdict", "firm")
COLUMNS += ("paper_difference", "paper_low", "paper_high")
DIFFERENCE = ["claim", "cell", "other"]
OPINION = {True: ", firm", False: ""}


def draw_ledger(ax: Axes, judged: pd.DataFrame, optimum: float) -> None:
    """One road's rows of `claims.ledger` about Table 1, for one kind of `predict`.

    Each difference has a mark with its 95 % interval (Welch, uncorrected) for each recipe, filled where the verdict is
    firm, and a hollow grey one for the paper's own, whose interval is cut at the edge. A short line marks where the
    claim begins to hold, its head on which side. The verdicts stand on the right, each at its mark's height.

    Parameters
    ----------
    optimum : the road's; differences up to 1.1 times it are shown
    """
    check(ax, optimum)
    given.drawn("judged", judged, ("recipe", *DIFFERENCE), NUMBERS, COLUMNS, ("road", "predict", "source"))
    recipes = _recipes(judged)
    few = judged.groupby(DIFFERENCE, sort=False)["recipe"].nunique() < len(recipes)
    if few.any():
        claim, cell, other = few.idxmax()
        raise ValueError(f"judged must have a row of each recipe for {cell} − {other}, got fewer of {claim!r}")
    limit = 1.1 * (optimum if np.isfinite(optimum) else judged[["low", "high"]].abs().max(axis=None))
    ticks, names = [], []
    for y, quote, rows in _placed(judged):
        if rows is None:
            ax.text(-limit, y, quote, va="center", style="italic")
            continue
        first = rows.iloc[0]
        ticks.append(y)
        names.append(f"{first['cell']} − {first['other']}")
        ax.plot([first["tolerance"]] * 2, [y - 0.45, y + 0.45], color=WEIGHT, lw=1.5)
        ax.plot([first["tolerance"]], [y + 0.45], ">" if first["claimed"] == "above" else "<", color=WEIGHT, ms=6)
        places = [y + APART * ((i + 0.5) / (len(recipes) + 1) - 0.5) for i in range(len(recipes) + 1)]
        _draw_papers(ax, first, places[-1])
        for place, (recipe, (colour, marker)) in zip(places, recipes.items(), strict=False):
            row = rows[rows["recipe"] == recipe].iloc[0]
            _draw_interval(ax, row[["difference", "low", "high"]].tolist(), place, colour, marker, row["firm"])
            said = f"{row['verdict']}{OPINION[bool(row['firm'])]}"
            ax.annotate(said, (1.01, place), xycoords=("axes fraction", "data"), va="center")
    for recipe, (colour, marker) in recipes.items():
        ax.plot([], [], marker, color=colour, label=f"{recipe} recipe, firm")
        ax.plot([], [], marker, color=colour, mfc="white", label=f"{recipe} recipe, not firm")
    ax.plot([], [], PAPERS_MARK, color=GREY, mfc="white", label="the paper's table, 3 runs")
    ax.axvline(0, color=WEIGHT, lw=0.8, zorder=0)
    ax.set_yticks(ticks, names)
    ax.grid(axis="y", visible=False)
    ax.set(xlim=(-limit, limit), ylim=(-0.7, max(ticks) + 1.7), xlabel="difference of mean returns per episode")


def forest(judged: pd.DataFrame, road: str, predict: str = "state") -> Figure:
    """`draw_ledger` of one road and kind of `predict` as a figure.

    judged : as from `claims.ledger`; without a column recipe it is called ours
    """
    given.table("judged", judged, numbers=NUMBERS, others=COLUMNS[1:])
    judged = judged if "recipe" in judged else judged.assign(recipe="our")
    chosen = given.part("judged", judged, source="Table 1", road=road, predict=predict)
    rows = sum(1 for _ in _placed(chosen))
    fig, axes = figure(width=11, height=1.3 + rows * (0.2 + 0.14 * (1 + len(_recipes(chosen)))))
    with style():
        draw_ledger(axes[0, 0], chosen, table1.optimum(road))
        axes[0, 0].set_title(f"{road}, models predict the {predict}")
        fig.legend(loc="outside lower center", ncols=3)
    return fig


def _recipes(judged: pd.DataFrame) -> dict[str, tuple[str, str]]:
    """Each recipe's look, from below."""
    present = list(dict.fromkeys(judged["recipe"]))
    order = [name for name in RECIPE_STYLE if name in present]
    return {name: RECIPE_STYLE.get(name, OTHER_STYLE) for name in [*order, *(n for n in present if n not in order)]}


def _placed(judged: pd.DataFrame) -> Iterator[tuple[float, str, pd.DataFrame | None]]:
    """Heights from below, the last claim first: each claim's differences, then its words above them (without rows)."""
    y = 0.0
    claims = list(judged.groupby("claim", sort=False))
    for quote, part in reversed(claims):
        for _, rows in reversed(list(part.groupby(["cell", "other"], sort=False))):
            yield y, quote, rows
            y += 1
        yield y - 0.1, quote, None
        y += 0.9


def _draw_papers(ax: Axes, row: pd.Series, y: float) -> None:
    """The paper's difference, if it has this road."""
    if pd.notna(row["paper_difference"]):
        _draw_interval(ax, row[["paper_difference", "paper_low", "paper_high"]].tolist(), y, GREY, PAPERS_MARK, False)


def _draw_interval(ax: Axes, ends: list[float], y: float, colour: str, marker: str, filled: bool) -> None:
    """A mark at the first of three numbers, and a line between the other two."""
    middle, low, high = ends
    ax.plot([low, high], [y, y], color=colour, lw=1.5)
    ax.plot([middle], [y], marker, color=colour, mfc=colour if filled else "white", ms=7)
