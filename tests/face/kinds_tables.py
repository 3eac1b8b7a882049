"""What results are given: tables, roads, variants, cells and runs; and how they come wrong."""

import math
from collections.abc import Callable, Sequence
from pathlib import Path

import matplotlib.axes
import matplotlib.figure
import numpy as np
import pandas as pd
import torch

import damlite as dl
from damlite.results import fitted_map, given, sweeps

from .calls import Way
from .kinds import WAYS as KINDS
from .kinds import fixed, of_right, tensor_ways
from .kinds_learning import CROSSING, GIVEN, episodes, odd
from .kinds_learning import WAYS as LEARNING

SAME = (*sweeps.SAME, "run")


def at(column: str, value: object, rows: int = 1) -> Callable[[pd.DataFrame], pd.DataFrame]:
    """A table with another value in a column of its first rows, or of all if -1."""

    def change(table: pd.DataFrame) -> pd.DataFrame:
        values = table[column].astype(object).tolist()
        rows_changed = len(values) if rows < 0 else rows
        return table.assign(**{column: pd.Series([value] * rows_changed + values[rows_changed:], table.index)})

    return change


def numbers_at(column: str, value: float) -> Callable[[pd.DataFrame], pd.DataFrame]:
    """A table with another number in a column's first row."""
    return lambda table: table.assign(**{column: [value, *table[column].tolist()[1:]]})


def missing_at(column: str) -> Callable[[pd.DataFrame], pd.DataFrame]:
    """A table with a missing number of Pandas' own in a column's first row."""
    return lambda t: t.assign(**{column: pd.array([pd.NA, *t[column].tolist()[1:]], dtype="Float64")})


def table_ways(
    key: Sequence[str] = (), numbers: Sequence[str] = (), others: Sequence[str] = (), flags: Sequence[str] = ()
) -> dict[str, Way]:
    """A table in other clothes, incomplete or with holes."""
    ways = {
        **odd(),
        "class": fixed(pd.DataFrame),
        "list": of_right(lambda t: t.to_numpy().tolist(), "error"),
        "array": of_right(lambda t: t.to_numpy(), "error"),
        "fields": of_right(lambda t: t.to_dict(), "error"),
        "episodes": fixed(episodes()),
        "one column": of_right(lambda t: t.iloc[:, -1], "error"),
        "no rows": of_right(lambda t: t[:0], "error"),
        "nothing": fixed(pd.DataFrame()),
        "columns reversed": of_right(lambda t: t[t.columns[::-1]]),
        "another index": of_right(lambda t: t.set_axis(range(100, 100 + len(t)))),
    }
    for column in (*key, *numbers, *others, *flags):
        ways[f"without {column}"] = of_right(lambda t, c=column: t.drop(columns=c), "error")
    for column in numbers:
        for word, value in (("nan", math.nan), ("inf", math.inf)):
            ways[f"{word} in {column}"] = of_right(numbers_at(column, value), "error")
        ways[f"missing {column}"] = of_right(missing_at(column), "error")
        ways[f"text in {column}"] = of_right(at(column, "2"), "error")
        ways[f"no number in {column}"] = of_right(at(column, None, -1), "error")
        ways[f"bools in {column}"] = of_right(lambda t, c=column: t.assign(**{c: t[c] > 0}), "error")
    for column in flags:
        for word, value in (("text", "True"), ("number", 2), ("nothing", None)):
            ways[f"{word} in {column}"] = of_right(at(column, value), "error")
        ways[f"texts in {column}"] = of_right(at(column, "False", -1), "error")
    for column in key:
        ways[f"empty {column}"] = of_right(at(column, None), "error")
    if key:
        ways["a row twice"] = of_right(lambda t: pd.concat([t, t[:1]]), "error")
        ways["every row twice"] = of_right(lambda t: pd.concat([t, t], ignore_index=True), "error")
    return ways


def mixed(*columns: str) -> dict[str, Way]:
    """A table of rows that one picture shows, and one row again, or all rows again as of another road, say."""
    again = {
        f"another {c} too": of_right(lambda t, c=c: pd.concat([t, t.assign(**{c: "x"})]), "error") for c in columns
    }
    return {"a row twice": of_right(lambda t: pd.concat([t, t[:1]]), "error"), **again}


ROUNDS = {
    **table_ways(given.RETURNS, ["return"]),
    "without the last round": of_right(lambda t: t[t["round"] != 0], "error"),
    "only the last round": of_right(lambda t: t[t["round"] == 0]),
    "rows in another order": of_right(lambda t: t.sample(frac=1, random_state=1)),
    "one run": of_right(lambda t: t[t["run"] == 0], "runs"),
    "other runs in a cell": of_right(lambda t: t.assign(run=t["run"] + 5 * (t["method"] == "dam")), "runs"),
}
NAME = {
    "None": fixed(None),
    "number": fixed(3),
    "env": fixed(dl.IcyRoad()),
    "class": fixed(dl.IcyRoad),
    "list": fixed(["IcyRoad"]),
    "dict": fixed({}),
    "function": fixed(len),
    "tensor": fixed(torch.zeros(2)),
    "nonsense": fixed("nonsense", "runs"),
}
PAIR = {
    "None": fixed(None),
    "text": fixed("mixture dam"),
    "number": fixed(3),
    "one": fixed(("mixture",)),
    "three": fixed(("mixture", "dam", "dam")),
    "numbers": fixed((1, 2)),
    "empty": fixed(()),
    "dict": fixed({}),
    "function": fixed(len),
    "list": of_right(list),
    "nonsense": fixed(("mixture", "nonsense"), "runs"),
}
RUNS = {
    **{way: how for way, how in tensor_ways("error").items() if way not in ("not contiguous", "float16", "numpy")},
    "float64": of_right(lambda x: x),
    "list": of_right(lambda x: x.tolist()),
    "tuple": of_right(lambda x: tuple(x.tolist())),
    "series": of_right(lambda x: pd.Series(x, index=range(5, 5 + len(x)))),
    "tensor": of_right(lambda x: torch.tensor(x)),
    "requires grad": fixed(torch.ones(3, requires_grad=True), "left out"),
    "int32": of_right(lambda x: np.ceil(x).astype(int), "finite"),
    "uint8": of_right(lambda x: np.ceil(x).astype("uint8"), "finite"),
    "objects": fixed(np.full(3, None)),
    "texts": fixed(np.array(["1", "2", "3"])),
    "number": fixed(2.0),
    "none": of_right(lambda x: x[:0], "error"),
    "one": of_right(lambda x: x[:1], "error"),
    "a table of them": of_right(lambda x: np.stack([x, x]), "error"),
    "nan": of_right(lambda x: np.array([math.nan, *x[1:]]), "error"),
}

WAYS: dict[str, dict[str, Way]] = {
    "returns": ROUNDS,
    "many returns": {**ROUNDS, "one run": of_right(lambda t: t[t["run"] == 0], "error")}
    | {
        "no such cell": of_right(lambda t: t[t["method"] != "disc"], "error"),
        "another name": of_right(lambda t: t.replace("disc", "dsic"), "error"),
    },
    "masses": {**table_ways(("of", "counted", "run"), ["mass"]), "None": fixed(None, "finite")}
    | {
        "one run": of_right(lambda t: t[t["run"] == 0], "error"),
        "no truth": of_right(lambda t: t[t["of"] != "truth"], "error"),
    },
    "judged": table_ways(others=("road", "source", "claim", "cell", "other", "verdict"), flags=["firm"]),
    "sweep": {
        **table_ways(SAME, ["return"]),
        "one run": of_right(lambda t: t[t["run"] == 0], "runs"),
        "other runs in a variant": of_right(lambda t: t.assign(run=t["run"] + 9 * (t["variant"] == "20")), "runs"),
    },
    "choices": {
        **table_ways(("road", "ablation", "dynamics", "variant", "run"), ["return"]),
        "other runs in a variant": of_right(lambda t: t.assign(run=t["run"] + 9 * (t["variant"] == "20")), "runs"),
    },
    "summary": table_ways(others=("mean", "stderr", "paper_mean", "paper_stderr")),
    "agreement": table_ways(others=("predict",), flags=["within"]),
    "proposals table": table_ways(numbers=("probability", "particles", "return", "stderr"), others=("road",)),
    "road": NAME,
    "cell": PAIR,
    "paper's cell": {**PAIR, "nonsense": fixed(("mixture", "nonsense")), "swapped": fixed(("dam", "mixture"))},
    "paper's road": {**NAME, "nonsense": fixed("nonsense")},
    "runs": RUNS,
    "one run or more": {**RUNS, "one": of_right(lambda x: x[:1], "runs")},
    "chances": {
        **RUNS,
        "one": of_right(lambda x: x[:1], "finite"),
        "above one": of_right(lambda x: x + 1, "error"),
        "below zero": of_right(lambda x: x - 1, "error"),
    },
    "two errors": {
        **{way: how for way, how in RUNS.items() if way not in ("int32", "a table of them")},
        "negative": of_right(lambda x: -x, "error"),
        "three": fixed(np.ones(3)),
    },
    "resamples": {**KINDS["count"], "a billion": fixed(10**9)},
    "roads": {
        "None": fixed(None),
        "text": fixed("IcyRoad"),
        "number": fixed(3),
        "list": fixed(["IcyRoad"]),
        "envs": fixed([dl.IcyRoad()]),
        "env": fixed(dl.IcyRoad()),
        "class": fixed(dl.IcyRoad),
        "empty": fixed({}),
        "classes": fixed({"IcyRoad": dl.IcyRoad}),
        "names": fixed({"IcyRoad": "IcyRoad"}),
        "nothing": fixed({"IcyRoad": None}),
        "module": fixed(dl),
        "function": fixed(len),
    },
    "named roads": {},
    "names of roads": {
        "None": fixed(None),
        "number": fixed(3),
        "numbers": fixed([3]),
        "none": fixed([]),
        "empty": fixed({}),
        "a path": fixed(["my/road"]),
        "env": fixed(dl.IcyRoad()),
        "function": fixed(len),
        "text": fixed("IcyRoad", "same"),
        "list": of_right(list),
        "twice": fixed(["IcyRoad", "IcyRoad"], "same"),
    },
    "predicts": {
        "nonsense": fixed("nonsense"),
        "empty": fixed(""),
        "none": fixed([]),
        "None": fixed(None),
        "number": fixed(3),
        "one wrong": fixed(["state", "position"]),
        "numbers": fixed([1]),
        "function": fixed(len),
        "text": fixed("state", "same"),
        "twice": fixed(["state", "state"], "same"),
    },
    "several names": {
        "nonsense": fixed("nonsense"),
        "none": fixed([]),
        "None": fixed(None),
        "number": fixed(3),
        "one wrong": of_right(lambda names: [*names, "nonsense"], "error"),
        "function": fixed(len),
        "text": of_right(lambda names: names[0]),
    },
    "table's size": {**{way: how for way, how in odd().items() if way != "None"}, "class": fixed(fitted_map.Size)},
    "sizes": {
        "None": fixed(None),
        "number": fixed(4),
        "text": fixed("4"),
        "negative": fixed((0, -1)),
        "fraction": fixed((0.5,)),
        "function": fixed(len),
    },
    "fields": {"fields": fixed({}), "text": fixed("fast"), "number": fixed(3), "class": fixed(dl.Training)},
    "variant's runs": {
        **table_ways(("method", "run"), ["return"]),
        "two variants": of_right(lambda t: pd.concat([t, t.assign(variant="5")]), "error"),
    },
    "recipe for": {
        **{way: how for way, how in LEARNING["recipe"].items() if way not in ("function of env", "None", "function")},
        "None": fixed(None),
        "function of nothing": fixed(lambda env: None),
        "function of a number": fixed(lambda env: 3),
    },
    "device": {
        "nonsense": fixed("toaster"),
        "empty": fixed(""),
        "capitals": fixed("CPU"),
        "None": fixed(None),
        "list": fixed(["cpu"]),
        "dict": fixed({}),
        "function": fixed(len),
        "float": fixed(0.5),
    },
    "folder": {
        "number": fixed(3),
        "list": fixed(["here"]),
        "dict": fixed({}),
        "function": fixed(len),
        "a file": fixed(Path(__file__)),
        "below a file": fixed(Path(__file__) / "here"),
        "with a null": fixed("here\0there"),
        "None": fixed(None),
    },
    "variants": {
        "None": fixed(None),
        "none": fixed([]),
        "numbers": fixed([3]),
        "text": fixed("ladder"),
        "one": of_right(lambda v: v[0], "error"),
        "twice": of_right(lambda v: [*v, *v], "error"),
        "class": fixed(sweeps.Variant),
        "recipes": of_right(lambda v: [one.recipe for one in v], "error"),
        "function": fixed(len),
        "tuple": of_right(tuple),
    },
    "cells": {
        "None": fixed(None),
        "none": fixed([]),
        "text": fixed("mixture"),
        "number": fixed(3),
        "numbers": fixed([3]),
        "ones": fixed([("mixture",)]),
        "nonsense": fixed([("mixture", "nonsense")]),
        "swapped": fixed([("dam", "mixture")]),
        "one cell": fixed(("mixture", "dam")),
        "function": fixed(len),
        "tuple": of_right(tuple),
    },
    "pairs": {
        "None": fixed(None),
        "none": fixed([]),
        "text": fixed("disc"),
        "number": fixed(3),
        "ones": fixed([("disc",)]),
        "nonsense": fixed([("disc", "nonsense")]),
        "one pair": fixed(("disc", "baseline")),
        "function": fixed(len),
        "tuple": of_right(tuple),
        "lists": of_right(lambda p: [list(one) for one in p]),
        "not run": fixed([("minvar", "dam")], "runs"),
    },
    "episodes by road": {
        "None": fixed(None),
        "number": fixed(3),
        "text": fixed("IcyRoad"),
        "empty": fixed({}),
        "zero": fixed({"IcyRoad": 0}),
        "fraction": fixed({"IcyRoad": 2.5}),
        "text of a road": fixed({"IcyRoad": "4"}),
        "another road": fixed({"Intersection": 4}),
        "huge": fixed({"IcyRoad": 10**18}),
        "list": fixed([4]),
    },
    "proposals by road": {
        "None": fixed(None),
        "number": fixed(0.5),
        "empty": fixed({}),
        "another road": fixed({"Intersection": (0.5,)}),
        "a number of a road": fixed({"IcyRoad": 0.5}),
        "none of a road": fixed({"IcyRoad": ()}),
        "above one": fixed({"IcyRoad": (0.9, 1.5)}),
        "nan": fixed({"IcyRoad": (0.9, math.nan)}),
        "text": fixed({"IcyRoad": ("0.9",)}),
    },
    "proposals": {
        "None": fixed(None),
        "number": fixed(0.5),
        "none": fixed(()),
        "above one": fixed((0.9, 1.5)),
        "nan": fixed((math.nan,)),
        "text": fixed(("0.9",)),
        "function": fixed(len),
    },
    "statistic": {**GIVEN, "None": fixed(None)},
    "reference": {
        "None": fixed(None, "runs"),
        "nonsense": fixed("nonsense"),
        "number": fixed(20),
        "list": fixed(["20"]),
        "frame": fixed(pd.DataFrame()),
        "function": fixed(len),
    },
}
WAYS["named roads"] = {
    **WAYS["roads"],
    "a path": fixed({"my/road": dl.IcyRoad()}),
    "two lines": fixed({"my\nroad": dl.IcyRoad()}),
    "no name": fixed({"": dl.IcyRoad()}),
    "a number's name": fixed({3: dl.IcyRoad()}),
    "another by the paper's name": fixed({"IcyRoad": dl.IcyRoad(swerve_prob=0.0)}),
}
WAYS["optional folder"] = {**WAYS["folder"], "None": fixed(None, "runs")}
WAYS["given function"] = {**GIVEN, "None": fixed(None, "runs")}
WAYS |= {
    "axes": {
        **{way: how for way, how in odd().items() if way != "namespace"},
        "class": fixed(matplotlib.axes.Axes),
        "figure": fixed(matplotlib.figure.Figure()),
        "array": of_right(lambda ax: np.array([ax]), "error"),
        "pyplot": fixed(matplotlib),
    },
    "optimum": {way: how for way, how in KINDS["number"].items() if way != "nan"},  # NaN is an optimum not known
    "one there": {**{way: how for way, how in NAME.items() if way != "nonsense"}, "nonsense": fixed("nonsense")},
    "rounds to draw": {
        **table_ways(numbers=("round", "return"), others=("method",)),
        **{way: how for way, how in mixed("road", "predict", "model").items() if way != "a row twice"},
    },
    "cells to draw": {
        **mixed("recipe", "road", "predict"),
        **table_ways(others=("model", "method", "mean", "stderr", "paper_mean", "paper_stderr")),
        "without a method": of_right(lambda t: t[t["method"] != "dam"], "error"),
    },
    "recipes": table_ways(others=("recipe", "road", "model", "method", "mean", "stderr", "paper_mean")),
    "variants' means": table_ways(numbers=("mean",), others=("road", "dynamics", "variant", "stderr")),
    "rungs to draw": table_ways(numbers=("mean",), others=("road", "model", "variant", "method", "stderr"))
    | mixed("road", "predict", "model"),
    "numbers to draw": table_ways(numbers=("mean",), others=("road", "model", "variant", "method", "stderr"))
    | mixed("road", "predict", "model")
    | {"rungs": of_right(lambda t: t.replace({"variant": {"1": "bottom"}}), "error")},
    "bars to draw": {
        **mixed("road", "predict", "model", "pair"),
        **table_ways(numbers=("difference",), others=("variant", "model", "pair", "low", "high")),
        "three levels": of_right(
            lambda t: pd.concat([t, *(t[1:].assign(variant=f"batch: {n}") for n in (5, 10))]), "error"
        ),
        "without the chosen": of_right(lambda t: t[t["variant"] != sweeps.AS_CHOSEN], "error"),
    },
    "choices to draw": {
        "None": fixed(None),
        "number": fixed(3),
        "none": fixed([]),
        "nonsense": fixed(["batches"]),
        "text": fixed("nonsense"),
        "levels": fixed(["batch: 20"]),
    },
    "ledger": table_ways(
        numbers=("difference", "low", "high", "tolerance"),
        others=("road", "predict", "source", "claim", "cell", "other", "claimed", "verdict", "firm", "paper_low"),
    ),
    "map to draw": table_ways(numbers=("probability", "particles", "return"), others=("weights", "numbers", "road")),
    "map's rows": table_ways(numbers=("probability", "particles", "return", "stderr"), others=("weights",))
    | mixed("road", "numbers", "candidates"),
    "best to draw": table_ways(("road", "particles"), ("best", "least", "most")),
    "means to draw": table_ways(numbers=("mean", "particles"), others=("road", "fit", "weights", "stderr"))
    | mixed("road", "model", "numbers"),
    "bars of ratios": table_ways(others=("road", "rung", "trajectory stderr", "per_decision"))
    | mixed("road", "networks", "predict"),
    "truth": {
        "None": fixed(None),
        "number": fixed(0.9),
        "empty": fixed({}),
        "of another road": fixed({"Intersection": 0.5}),
        "text": fixed("IcyRoad"),
    },
    "fitted to draw": table_ways(("road", "model", "fit", "weights", "numbers", "particles", "run"), ("return",)),
    "ratios to draw": table_ways(others=("road", "networks", "predict", "rung", "estimator", "quantity", "value")),
    "speed to draw": table_ways(numbers=("value",), others=("group", "size", "contender")),
    "data to draw": {
        way: how for way, how in LEARNING["data"].items() if way in ("None", "text", "class", "states alone", "dict")
    },
    "two paths": {
        **odd(),
        "one": of_right(lambda paths: paths[:1], "error"),
        "of the ice": fixed([torch.zeros(3, 4)] * 2),
        "nan": of_right(lambda paths: [path * math.nan for path in paths], "error"),
        "no steps": of_right(lambda paths: [path[:0] for path in paths], "error"),
        "texts": fixed(["left", "right"]),
        "episodes": fixed(episodes()),
    },
}
WAYS["variants to draw"] = WAYS["variants' means"] | mixed("ablation")
WAYS["recipes to draw"] = (
    WAYS["recipes"]
    | mixed("road", "predict", "model")
    | {
        "without a method": of_right(lambda t: t[t["method"] != "dam"], "error"),
        "without one of a recipe": of_right(lambda t: pd.concat([t, t[1:].assign(recipe="paper")]), "error"),
    }
)
WAYS["ledger to draw"] = (
    WAYS["ledger"]
    | mixed("road", "predict", "source")
    | {
        "a recipe without a row": of_right(lambda t: pd.concat([t, t[1:].assign(recipe="paper")]), "error"),
    }
)
OF_TWO = {
    "two of them": of_right(lambda x: torch.stack([x, x]), "error"),
    "one less": of_right(lambda x: x[:-1], "error"),
}
SERVED = ("inf", "list", "numpy", "float64", "float16", "not contiguous", "int32")
WAYS |= {
    "arrows": {way: how for way, how in tensor_ways("error").items() if way not in SERVED} | OF_TWO,
    "no arrows": {"False": fixed(False)},
    "states of a path": {
        **odd(),
        "a batch": of_right(lambda x: torch.stack([x, x]), "error"),
        "of the ice": fixed(torch.zeros(3, 4)),
        "none": of_right(lambda x: x[:0], "error"),
        "one state": of_right(lambda x: x[0], "error"),
    },
    "one of the ice": {
        **odd(),
        "of the crossing": of_right(lambda p: CROSSING.transition(CROSSING.initial_state(), torch.tensor(1)), "error"),
        "two of them": of_right(lambda p: p.map(lambda x: torch.stack([x, x])), "error"),
        "its mean": of_right(lambda p: p.mean, "error"),
    },
    "drawn density": {"nonsense": fixed("truth"), "None": fixed(None), "list": fixed(["truth p"])},
    "figure": {**odd(), "axes": fixed(np.zeros((1, 1)))},
    "four axes": {
        **odd(),
        "one": of_right(lambda axes: axes[:1, :1], "error"),
        "a row": of_right(lambda axes: axes[0], "error"),
    },
}
WAYS["samples to draw"] = {way: how for way, how in WAYS["arrows"].items() if way != "None"}
WAYS["two paths"]["one tensor's first"] = of_right(lambda paths: torch.stack(list(paths))[:1], "error")
WAYS["speed to draw"]["planning alone"] = of_right(lambda t: t[t["group"] == "planning"], "error")
WAYS["speed to draw"]["growth alone"] = of_right(lambda t: t[t["group"] == "growth"], "error")
WAYS["pairs of a sweep"] = {**WAYS["sweep"], "one method": of_right(lambda t: t[t["method"] == "dam"], "error")}
WAYS["particles of a sweep"] = {
    **WAYS["sweep"],
    "rungs": of_right(lambda t: t.replace({"variant": {"1": "bottom"}}), "error"),
    "another predict too": of_right(lambda t: pd.concat([t, t.assign(predict="velocity")]), "error"),
}
