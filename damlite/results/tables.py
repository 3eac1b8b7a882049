"""Tables of results: whether they hold what a summary, a test or a picture needs."""

from collections.abc import Iterable

import numpy as np
import pandas as pd


def check(name: str, table: object, keys: Iterable[str], numbers: Iterable[str] = ()) -> pd.DataFrame:
    """Return a table that is fit for use.

    Parameters
    ----------
    name : what the argument is called
    table : the table
    keys : columns that together tell every row from the others
    numbers : columns of finite numbers

    Raises
    ------
    ValueError
        If it is no table, lacks a column, has no row, holds a row twice or a number that is NaN or infinite.
    """
    keys, numbers = list(keys), list(numbers)
    there = present(name, table, (*keys, *numbers))
    if missing := [column for column in (*keys, *numbers) if column not in there]:
        raise ValueError(f"{name} must have columns {', '.join((*keys, *numbers))}, got no {', '.join(missing)}")
    if table.empty:
        raise ValueError(f"{name} must have at least one row, got none")
    for column in numbers:
        values = pd.to_numeric(table[column], errors="coerce")
        if bad := int((~np.isfinite(values)).sum()):
            raise ValueError(f"{name}[{column!r}] must be finite numbers, got {bad} that are not")
    if (again := table.duplicated(keys)).any():
        first = ", ".join(map(str, table.loc[again, keys].iloc[0]))
        raise ValueError(f"{name} must have one row for each {', '.join(keys)}, got another for {first}")
    return table


def present(name: str, table: object, columns: Iterable[str]) -> list[str]:
    """Those of the columns that a table has; raise ValueError if it is no table."""
    if not isinstance(table, pd.DataFrame):
        raise ValueError(f"{name} must be a pandas DataFrame, got {type(table).__name__}")
    return [column for column in columns if column in table]


def check_same_runs(name: str, table: pd.DataFrame, cell: Iterable[str]) -> pd.DataFrame:
    """Return a table whose cells all have the runs of the same numbers; raise ValueError otherwise."""
    runs = {cell: set(part["run"]) for cell, part in table.groupby(list(cell), sort=False)}
    first, *others = runs
    for other in others:
        if runs[other] != runs[first]:
            named = (f"{' '.join(map(str, which))} of {len(runs[which])}" for which in (first, other))
            raise ValueError(f"{name} must hold the same runs of every cell, got {' and '.join(named)} or of others")
    return table
