"""One thing at a time: the particle axis, the ladder from recipe to recipe, and what the paper leaves open.

Each is a list of variants, and one engine runs them all: every variant's cells in one pool of pieces. A variant that
is the same work as another, or as a cell of Table 1, is run once.
"""

import json
from collections.abc import Iterable
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd

from ..loop import METHODS
from ..support import validate
from . import compare, given, kept, pool
from .kept import MODELS, Piece
from .table1 import PREDICTS, chunked, versions
from .variants import AS_CHOSEN, BOTTOM, RUNGS, Variant, ladder, particle_axis, sensitivity

__all__ = [
    "AS_CHOSEN",
    "BOTTOM",
    "NAMES",
    "RUNGS",
    "Variant",
    "differences",
    "ladder",
    "load",
    "particle_axis",
    "run_sweep",
    "save",
    "sensitivity",
    "summarise",
]

ALL_CELLS = tuple(product(MODELS, METHODS))
NAMES = ("particles", "ladder", "sensitivity")  # of the stored ones
SAME = ("road", "variant", "predict", "model", "method")
PAIRS = (("disc", "baseline"), ("dam", "disc"))


def run_sweep(
    variants: list[Variant],
    cells: Iterable[tuple[str, str]] = ALL_CELLS,
    seeds: int = 10,
    first_seed: int = 0,
    *,
    predict: str = "state",
    jobs: int = 2,
    folder: str | Path | None = None,
) -> pd.DataFrame:
    """Run every variant's cells, seeds side by side in chunks of 10, all in one pool.

    Parameters
    ----------
    variants : what to run
    cells : pairs of a model and a method; what is named twice is run once
    seeds, first_seed : runs per cell, and the first one's number; the same for all variants
    predict : what the models predict
    jobs : processes
    folder : where pieces are kept and found again, see `pool.run`

    Returns
    -------
    Long table with columns road, variant, predict, model, method, run and return (after the last round). Its
    `attrs["seconds"]` tells how long the work of each piece took.
    """
    _check_variants(variants)
    names = [(variant.road, variant.name) for variant in variants]
    if len(set(names)) < len(names):
        raise ValueError(f"variants must have different names on a road, got {names}")
    validate.choice("predict", predict, PREDICTS)
    validate.integer("jobs", jobs)
    cells, chunks = _pairs("cells", cells, MODELS, METHODS), chunked(seeds, first_seed)
    work = [
        (variant, Piece(kept.check_name(variant.road), predict, *cell, *chunk))
        for variant in variants
        for cell in cells
        for chunk in chunks
        if variant.cells is None or cell in variant.cells
    ]
    tasks = [pool.Task(piece, v.env, v.recipe, models=v.models) for v, piece in work]
    tables = pool.run(tasks, jobs, folder)
    seconds, parts = {}, []
    for (variant, piece), table in zip(work, tables, strict=True):
        last = table[table["round"] == 0].drop(columns="round")
        last.insert(1, "variant", variant.name)
        parts.append(last)
        if "seconds" in table.attrs:
            seconds[f"{variant.name}: {kept.name_of(piece)}"] = table.attrs["seconds"]
    for part in parts:
        part.attrs.clear()
    returns = pd.concat(parts, ignore_index=True)
    returns.attrs["seconds"] = seconds
    return returns


def summarise(returns: pd.DataFrame, reference: str | None = None) -> pd.DataFrame:
    """Every variant's cells: mean return and its standard error, and the difference to a reference variant's.

    Parameters
    ----------
    returns : as from `run_sweep`
    reference : the variant to compare with; by default each road's first

    Returns
    -------
    Table with columns road, variant, predict, model, method, mean, stderr, runs; difference, its standard error from
    the runs that both have, paired, and `unpaired_stderr`, as if they were independent. Runs of one number begin with
    the same random episodes where the two recipes ask for equally many, and go apart from the first fit on: pairing
    hardly helps. (Between the methods of the stored table such runs correlate by 0.08 on average.)
    """
    given.table("returns", returns, (*SAME, "run"), ("return",))
    if reference is not None:
        validate.choice("reference", reference, list(returns["variant"].unique()))
    rows = []
    cell_keys = ["road", "predict", "model", "method"]
    for (road, predict, model, method), cell in returns.groupby(cell_keys, sort=False):
        by_run = cell.pivot(index="run", columns="variant", values="return")
        # a cell that was not run for the reference has no difference to it
        first = by_run.get(cell["variant"].iloc[0] if reference is None else reference)
        for variant in cell["variant"].unique():
            values = by_run[variant].dropna()
            row = {"road": road, "variant": variant, "predict": predict, "model": model, "method": method}
            row |= {"mean": values.mean(), "stderr": values.sem(), "runs": len(values)}
            if first is not None:
                difference = (by_run[variant] - first).dropna()
                unpaired = np.hypot(values.sem(), first.dropna().sem())
                row |= {"difference": difference.mean(), "difference_stderr": difference.sem()}
                row |= {"unpaired_stderr": unpaired}
            rows.append(row)
    return pd.DataFrame(rows)


def differences(returns: pd.DataFrame, pairs: Iterable[tuple[str, str]] = PAIRS) -> pd.DataFrame:
    """What one method is worth over another, within every variant and model.

    Returns
    -------
    Table with columns road, variant, predict, model, pair ("disc − baseline"), difference, stderr, low and high: the
    95 % interval of `compare.welch`, for two methods' runs are independent but for their random episodes. From a
    single run there is no error and no interval, but NaN.
    """
    given.table("returns", returns, (*SAME, "run"), ("return",))
    rows, pairs = [], _pairs("pairs", pairs, METHODS, METHODS)
    keys = ["road", "variant", "predict", "model"]
    for cell, part in returns.groupby(keys, sort=False):
        runs = {method: group["return"] for method, group in part.groupby("method")}
        for above, below in pairs:
            if above not in runs or below not in runs:
                continue
            x, y = runs[above], runs[below]
            low, high = float("nan"), float("nan")
            if min(len(x), len(y)) > 1:
                low, high = compare.welch(x.to_numpy(), y.to_numpy())[1]
            numbers = (x.mean() - y.mean(), np.hypot(x.sem(), y.sem()), low, high)
            rows.append((*cell, f"{above} − {below}", *numbers))
    return pd.DataFrame(rows, columns=[*keys, "pair", "difference", "stderr", "low", "high"])


def _check_variants(variants: object) -> None:
    if not isinstance(variants, list | tuple) or not variants:
        raise ValueError(f"variants must be a list of at least one Variant, got {validate.shown(variants)}")
    for variant in variants:
        validate.instance("each of variants", variant, Variant)


def _pairs(name: str, value: object, *options: Iterable[str]) -> list[tuple[str, str]]:
    """Pairs of names; raise ValueError if it is anything else, or none. Each once."""
    pairs = [] if isinstance(value, str) or not isinstance(value, Iterable) else list(value)
    if not pairs:
        raise ValueError(f"{name} must be a list of at least one pair of names, got {validate.shown(value)}")
    return list(dict.fromkeys(given.pair(f"each of {name}", one, *options) for one in pairs))


def save(returns: pd.DataFrame, variants: list[Variant], folder: str | Path, name: str, recipe: str) -> None:
    """Write every run's return as NAME.csv, and all that made them as NAME_settings.json.

    recipe : what the recipe is called that the variants are made from
    """
    folder = kept.check_writable(folder)
    given.table("returns", returns, (*SAME, "run"), ("return",))
    validate.choice("name", name, NAMES)
    _check_variants(variants)
    kept.write_whole(folder / f"{name}.csv", returns.to_csv(index=False))
    roads: dict[str, dict] = {}
    for variant in variants:
        told = {"environment": variant.env, "recipe": variant.recipe}
        told = {key: kept.without_addresses(value) for key, value in told.items()}
        roads.setdefault(variant.road, {})[variant.name] = told | {"models": dict(variant.models)}
    known = {
        "recipe": recipe,
        "seeds": int(returns["run"].nunique()),
        "first_seed": int(returns["run"].min()),
        "predict": list(dict.fromkeys(returns["predict"])),
        "models": list(dict.fromkeys(returns["model"])),
        "methods": list(dict.fromkeys(returns["method"])),
        "versions": versions(),
        "variants": roads,
        **pool.told_seconds(returns.attrs.get("seconds", {})),
    }
    kept.write_whole(folder / f"{name}_settings.json", json.dumps(known, indent=2) + "\n")


def load(name: str, folder: str | Path) -> pd.DataFrame:
    """The returns that `save` wrote under one of `NAMES`; a variant may be called "1"."""
    path = given.path("folder", folder) / f"{validate.choice('name', name, NAMES)}.csv"
    return pd.read_csv(path, dtype=dict.fromkeys(SAME, str), keep_default_na=False)
