"""Table 1 as pictures, and what each choice in planning is worth."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..results import given, table1
from .ledger import PAPERS_MARK, RECIPE_STYLE
from .style import DYNAMICS_STYLE, GREY, METHOD_STYLE, TRUTH, check, figure, style

CELL_NUMBERS = ("mean", "stderr", "paper_mean", "paper_stderr")


def draw_rounds(ax: Axes, returns: pd.DataFrame, optimum: float) -> None:
    """Mean return of every round's episodes with its standard error, a line for every method."""
    check(ax, optimum)
    given.drawn("returns", returns, (), ("round", "return"), ("method",), ("recipe", "road", "predict", "model"))
    for method, (colour, marker, line) in METHOD_STYLE.items():
        rows = returns[(returns["method"] == method) & (returns["round"] > 0)]
        if rows.empty:
            continue
        by_round = rows.groupby("round")["return"].agg(["mean", "sem"])
        look = {"color": colour, "marker": marker, "ls": line, "label": method}
        ax.errorbar(by_round.index, by_round["mean"], by_round["sem"], **look)
    ax.axhline(optimum, color=TRUTH, lw=1)
    ax.annotate("optimum", (1, optimum), color=TRUTH, va="bottom")
    ax.set(xlabel="round", ylabel="return per episode")


def draw_learning(axes: np.ndarray, returns: pd.DataFrame, optimum: float) -> None:
    """`draw_rounds` on 2 × 2 axes: a row for what the models predict, a column for the kind of model."""
    if (shape := np.shape(axes)) != (2, 2):
        raise ValueError(f"axes must be those of 2 × 2, as figure(2, 2)[1] are, got shape {shape}")
    given.table("returns", returns, others=("predict", "model"))
    axes = np.asarray(axes)
    for row, predict in zip(axes, ("state", "velocity"), strict=True):
        for ax, model in zip(row, table1.MODELS, strict=True):
            draw_rounds(ax, returns[(returns["predict"] == predict) & (returns["model"] == model)], optimum)
            ax.set(title=f"{model}, predicts {predict}", ylim=(-1, 10))
    axes[0, 1].legend(loc="lower right", ncols=2)


def draw_cells(ax: Axes, table: pd.DataFrame, model: str, optimum: float) -> None:
    """One model's four cells of one road: our mean and standard error, beside the paper's."""
    check(ax, optimum)
    rows = given.part("table", table, (), ("method", *CELL_NUMBERS), model=model)
    given.drawn("table", rows, ("method",), (), (), ("recipe", "road", "predict"))
    rows = _by_method("table", rows)
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
    ax.set(title=model, ylabel="return per episode")
    if np.isfinite(optimum):
        ax.set_ylim(-0.1 * optimum, 1.1 * optimum)


def _by_method(name: str, rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of all four methods, each under its name; raise ValueError if there is none of one."""
    if missing := sorted(set(METHOD_STYLE) - set(rows["method"])):
        raise ValueError(f"{name} must have all methods of each cell, got none called {', '.join(missing)}")
    return rows.drop_duplicates("method").set_index("method").loc[list(METHOD_STYLE)]


def draw_recipes(ax: Axes, summary: pd.DataFrame) -> None:
    """One model's four cells on one road: a mark for each recipe beside the paper's, rows of `report.summary_of`."""
    check(ax)
    others = ("road", "model", *CELL_NUMBERS)
    given.drawn("summary", summary, ("recipe", "method"), (), others, ("road", "predict", "model"))
    look = {"ls": "", "ms": 8, "capsize": 4}
    theirs = _by_method("summary", summary)
    places = np.arange(len(METHOD_STYLE))
    errors = {"marker": PAPERS_MARK, "color": GREY, "mfc": "white", "label": "the paper's table, 3 runs"}
    ax.errorbar(places - 0.3, theirs["paper_mean"], theirs["paper_stderr"], **look | errors)
    drawn = [name for name in reversed(RECIPE_STYLE) if name in set(summary["recipe"])]
    for i, name in enumerate(drawn):
        colour, marker = RECIPE_STYLE[name]
        rows = _by_method("summary", summary[summary["recipe"] == name])
        ours = {"marker": marker, "color": colour, "label": f"{name} recipe"}
        ax.errorbar(places - 0.1 + 0.2 * i, rows["mean"], rows["stderr"], **look | ours)
    optimum = table1.optimum(summary["road"].iloc[0])
    ax.axhline(optimum, color=TRUTH, lw=1)
    ax.set_xticks(places, list(METHOD_STYLE))
    ax.set(title=summary["model"].iloc[0], ylabel="return per episode", ylim=(-0.12 * optimum, 1.1 * optimum))


def draw_variants(ax: Axes, table: pd.DataFrame, order: list[str]) -> None:
    """One choice on one road, rows of `choices.summarise`: a mark for each dynamics beside each variant."""
    check(ax)
    given.drawn("table", table, ("dynamics", "variant"), ("mean",), ("road", "stderr"), ("road", "ablation"))
    if missing := sorted(set(table["variant"]) - set(order)):
        raise ValueError(f"order must name every variant of the table, got none called {', '.join(missing)}")
    for i, (dynamics, (colour, marker)) in enumerate(DYNAMICS_STYLE.items()):
        rows = table[table["dynamics"] == dynamics].set_index("variant")
        if rows.empty:
            continue
        places = [order.index(variant) + 0.18 * (i - 1) for variant in rows.index]
        label = dynamics if dynamics == "truth" else f"{dynamics}, weighted"
        how = {"color": colour, "marker": marker, "ls": "", "ms": 8, "capsize": 4, "label": label}
        ax.errorbar(places, rows["mean"], rows["stderr"], **how)
    ax.axhline(table1.optimum(table["road"].iloc[0]), color=TRUTH, lw=1)
    ax.set_xticks(range(len(order)), order)
    ax.set(title=table["road"].iloc[0], xlim=(-0.5, len(order) - 0.5), ylabel="return per episode")


def cells(returns: pd.DataFrame, predict: str = "state", road: str = "IcyRoad") -> Figure:
    """The eight cells of Table 1 on one road beside the paper's, from the raw returns of `table1.run_table1`."""
    rows = given.part("returns", returns, road=road, predict=predict)
    table = table1.summarise(given.drawn("returns", rows, (), ("return",), one=("recipe",)))
    fig, axes = figure(2, width=9)
    for ax, model in zip(axes[0], table1.MODELS, strict=True):
        draw_cells(ax, table, model, table1.optimum(road))
    axes[0, 1].legend(loc="lower right")
    return fig


def by_recipe(summary: pd.DataFrame, road: str, predict: str = "state") -> Figure:
    """The eight cells on one road under every recipe, beside the paper's; the line is the optimum.

    summary : as from `report.summary_of`
    """
    rows = given.part("summary", summary, (), ("recipe", "model", "method", *CELL_NUMBERS), road=road, predict=predict)
    fig, axes = figure(2, width=10, height=4.4, share=True)
    for ax, model in zip(axes[0], table1.MODELS, strict=True):
        draw_recipes(ax, rows[rows["model"] == model])
    with style():
        fig.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=4)
    return fig


def beyond(table: pd.DataFrame, choice: str) -> Figure:
    """One choice of `choices.summarise` on every road; the line is the optimum."""
    chosen = given.part("table", table, ("mean",), ("road", "dynamics", "variant", "stderr"), ablation=choice)
    order = list(chosen["variant"].unique())
    if all(variant.isdigit() for variant in order):
        order.sort(key=int)
    parts = [rows for _, rows in chosen.groupby("road")]
    fig, axes = figure(len(parts), width=5 * len(parts), height=3.8)
    for ax, rows in zip(axes[0], parts, strict=True):
        draw_variants(ax, rows, order)
    handles, labels = axes[0, -1].get_legend_handles_labels()
    with style():
        fig.legend(handles, labels, loc="outside lower center", ncols=3)
    return fig
