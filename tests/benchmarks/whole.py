"""Seconds for cells of Table 1 on two processes: all of IcyRoad's, and of the Intersection the dearest.

python tests/benchmarks/whole.py
"""

import time

from measure import show

from damlite.results import table1

SEEDS = 8
RECIPES = {"our recipe": "our", "paper's recipe": "paper"}


def seconds_for(road, recipe, models, methods):
    """Seconds of some cells of a road, with models of states."""
    roads = {road: table1.ROADS[road]}
    pieces = table1.pieces(SEEDS, ("state",), roads, 0)
    chosen = [piece for piece in pieces if piece.model in models and piece.method in methods]
    started = time.perf_counter()
    for _ in table1.run_pieces(chosen, 2, roads, recipe=table1.RECIPES[recipe]):
        pass
    return time.perf_counter() - started


def rows(seconds=1.0, rivals=True):
    """Of each recipe: seconds, once."""
    for words, recipe in RECIPES.items():
        cells = seconds_for("IcyRoad", recipe, tuple(table1.MODELS), tuple(table1.METHODS))
        yield "whole", f"IcyRoad, eight cells, {SEEDS} seeds", words, cells, "s"
        cells = seconds_for("Intersection", recipe, ("mixture",), ("disc", "dam"))
        yield "whole", f"Intersection, mixture disc and dam, {SEEDS} seeds", words, cells, "s"


if __name__ == "__main__":
    show(rows)
