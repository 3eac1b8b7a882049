"""What costs what, and how it grows, as a picture."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, StrMethodFormatter

from ..results import given
from .style import figure, style

CAPTIONS = {
    "speed": "Imagined transitions a second on one thread against the number of candidate sequences, beside mbrl-lib "
    "and PyTorch by hand (left); and how seconds grow with what is asked for, in multiples of the smallest (right).",
}
LOOKS = (
    ("#666666", "o", "-"),
    ("#CC79A7", "s", ":"),
    ("#E69F00", "^", ":"),
    ("#0072B2", "D", "-"),
    ("#56B4E9", "v", "--"),
    ("#009E73", "P", "-."),
)


def draw_rates(ax: Axes, rows: pd.DataFrame) -> None:
    """Transitions a second against candidates, rows of `speed.csv` that share a size of state and a horizon."""
    rows = rows.assign(candidates=rows["size"].str.extract(r"N = (\d+)", expand=False).astype(int))
    for (contender, part), (colour, marker, line) in zip(rows.groupby("contender", sort=False), LOOKS, strict=False):
        ax.plot(part["candidates"], part["value"], color=colour, marker=marker, ls=line, label=contender)
    ax.set_xscale("log")
    ax.set_yscale("log")
    ax.set_xticks(sorted(rows["candidates"].unique()), sorted(rows["candidates"].unique()))
    ax.minorticks_off()
    ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    ax.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    title = rows["size"].iloc[0].rpartition(",")[0]
    ax.set(title=title, xlabel="candidate sequences", ylabel="million imagined transitions a second")
    ax.legend(fontsize="small")


def draw_growth(ax: Axes, rows: pd.DataFrame) -> None:
    """Seconds against sizes, both in multiples of the smallest; the exponent of each is in its label."""
    exponents = rows[rows["size"].str.endswith("exponent")].set_index("size")["value"]
    measured = rows[~rows["size"].str.endswith("exponent")]
    for (kind, part), (colour, marker, line) in zip(measured.groupby("size", sort=False), LOOKS, strict=False):
        sizes = part["contender"].astype(int)
        label = f"{kind}: power {exponents[f'{kind}, exponent']:.2f}"
        times = part["value"] / part["value"].iloc[0]
        ax.plot(sizes / sizes.iloc[0], times, color=colour, marker=marker, ls=line, label=label)
    ax.set(xscale="log", yscale="log", title="growth")
    ax.set(xlabel="size, times the smallest", ylabel="seconds, times the least")
    ax.legend(fontsize="small")


def speed(table: pd.DataFrame) -> Figure:
    """Planning at its longer horizon, and growth, of `speed.csv`."""
    given.table("table", table, numbers=("value",), others=("group", "size", "contender"))
    planning = table[(table["group"] == "planning") & table["size"].astype(str).str.contains("horizon 25")]
    growth = table[table["group"] == "growth"]
    if planning.empty or growth.empty:
        got = ", ".join(map(str, table["group"].unique()))
        raise ValueError(f"table must have rows of growth, and of planning at horizon 25, got {got}")
    with style():
        fig, ((left, right),) = figure(2, width=11, height=4.4)
        draw_rates(left, planning)
        draw_growth(right, growth)
    return fig
