"""What results are given, asked before any work whether it fits: tables, roads and names of cells."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from ..envs import Environment
from ..support import validate
from ..support.validate import shown

RETURNS = ("road", "predict", "model", "method", "run", "round")  # what tells one return of a table from another


def table(
    name: str,
    value: object,
    key: Iterable[str] = (),
    numbers: Iterable[str] = (),
    others: Iterable[str] = (),
    flags: Iterable[str] = (),
) -> pd.DataFrame:
    """Return `value` if it is a table with at least one row and these columns; raise ValueError otherwise.

    key : columns in which no two rows are alike, and none is without a name
    numbers : columns that are finite throughout
    flags : columns that are True or False throughout
    """
    key, numbers, flags = list(key), list(numbers), list(flags)
    columns = [*key, *numbers, *others, *flags]
    if not isinstance(value, pd.DataFrame):
        raise ValueError(f"{name} must be a DataFrame with columns {', '.join(columns)}, got {shown(value)}")
    if missing := [column for column in columns if column not in value]:
        raise ValueError(f"{name} must have columns {', '.join(columns)}, got none called {', '.join(missing)}")
    if value.empty:
        raise ValueError(f"{name} must have at least one row, got none")
    for column in numbers:
        kinds = pd.api.types
        other = kinds.is_bool_dtype(value[column]) or kinds.is_complex_dtype(value[column])
        numeric = kinds.is_numeric_dtype(value[column]) and not other
        known = value[column].to_numpy(float, na_value=np.nan) if numeric else np.full(len(value), np.nan)
        bad = int((~np.isfinite(known)).sum())
        if bad:
            got = f"{bad} of {len(value)} that are not"
            raise ValueError(f"{name} must have finite numbers in column {column}, got {got}")
    for column in flags:
        told = value[column].infer_objects()
        if not pd.api.types.is_bool_dtype(told) or told.isna().any():
            raise ValueError(f"{name} must have True or False in column {column}, got {told.dtype} or holes")
    _filled(name, value, key)
    if key and (twice := int(value.duplicated(key).sum())):
        raise ValueError(f"{name} must have one row for each {', '.join(key)}, got {twice} of them again")
    return value


def drawn(
    name: str,
    value: object,
    key: Iterable[str],
    numbers: Iterable[str],
    others: Iterable[str] = (),
    one: Iterable[str] = (),
) -> pd.DataFrame:
    """The same of rows that one picture shows: all share their value in each of some columns, where it is there.

    one : these columns; those that must be there stand in `others` too
    """
    rows = table(name, value, (), numbers, (*key, *others))
    for column in one:
        options = list(rows[column].unique()) if column in rows else []
        if len(options) > 1:
            raise ValueError(f"{name} must be of one {column}, got {', '.join(map(str, options))}: choose one of them")
    return table(name, rows, key)


def _filled(name: str, rows: pd.DataFrame, columns: Iterable[str]) -> None:
    for column in columns:
        if rows[column].isna().any():
            raise ValueError(f"{name} must say in column {column} what each row is of, got rows where it is empty")


def part(
    name: str, value: object, numbers: Iterable[str] = (), others: Iterable[str] = (), /, **chosen: str | int
) -> pd.DataFrame:
    """Rows of a table in which columns have chosen values; raise ValueError if it is no such table or has no such row.

    numbers, others : columns that it must have besides, see `table`
    """
    rows = table(name, value, numbers=numbers, others=(*others, *chosen))
    _filled(name, rows, chosen)
    for column, one in chosen.items():
        options = list(rows[column].unique())
        if isinstance(one, bool) or not isinstance(one, str | int | np.integer) or one not in options:
            there = ", ".join(map(str, options))
            raise ValueError(f"{column} must be one that {name} has ({there}), got {shown(one)}")
        rows = rows[rows[column] == one]
    return rows


def last_returns(value: object) -> pd.DataFrame:
    """Rows after the last round of a table as from `table1.run_table1`, a cell's by run, returns as float64.

    Raises ValueError if it is another table.
    """
    recipe = ("recipe",) if isinstance(value, pd.DataFrame) and "recipe" in value else ()
    returns = table("returns", value, (*recipe, *RETURNS), ("return",))
    final = returns[returns["round"] == 0]
    if final.empty:
        raise ValueError("returns must have rows of round 0, which is after the last round, got none")
    return final.sort_values("run", kind="stable").astype({"return": float})


def roads(value: object) -> Mapping[str, Environment]:
    """Return `value` if it is a mapping from names to environments; raise ValueError otherwise."""
    if not isinstance(value, Mapping) or not value:
        raise ValueError(f"roads must be a dict of environments by name, got {shown(value)}")
    for name, env in value.items():
        validate.environment(f"roads[{name!r}]", env)
    return value


def names(name: str, value: object) -> tuple[object, ...]:
    """Return one name, or all in a list or a mapping, as a tuple; raise ValueError otherwise, or if there are none."""
    several = (value,) if isinstance(value, str) else tuple(value) if isinstance(value, Iterable) else ()
    if not several:
        raise ValueError(f"{name} must be one or more names, got {shown(value)}")
    return several


def counts(name: str, value: object, of: Iterable[str]) -> None:
    """Raise ValueError if it is no mapping with a positive integer for each of these roads."""
    if not isinstance(value, Mapping):
        raise ValueError(f"{name} must be a dict of numbers by road, for {', '.join(of)}, got {value!r}")
    for road in of:
        validate.integer(f"{name}[{road!r}]", value.get(road))


def every(name: str, value: object, options: Iterable[str]) -> tuple[str, ...]:
    """Return one of the options, or several in a list, as a tuple; raise ValueError otherwise."""
    options = tuple(options)
    chosen = (value,) if isinstance(value, str) else tuple(value) if isinstance(value, Iterable) else ()
    if not chosen:
        raise ValueError(f"{name} must be one or more of {', '.join(map(repr, options))}, got {shown(value)}")
    return tuple(validate.choice(name, one, options) for one in chosen)


def pair(name: str, value: object, *options: Iterable[str]) -> tuple[str, str]:
    """Return a pair of names, each one of its options if there are any; raise ValueError otherwise."""
    fits = isinstance(value, list | tuple) and len(value) == 2 and all(isinstance(one, str) for one in value)
    if not fits or any(one not in tuple(known) for one, known in zip(value, options, strict=False)):
        of = " and ".join(f"one of {', '.join(map(repr, known))}" for known in options) or "two names"
        raise ValueError(f"{name} must be a pair of {of}, got {shown(value)}")
    return tuple(value)


def folder(value: object) -> Path:
    """Return `value` as a path to look for tables in; raise ValueError if no such folder is there."""
    found = path("folder", value)
    if not found.is_dir():
        raise ValueError(f"folder must be one that is there, got {str(value)!r}")
    return found


def path(name: str, value: object) -> Path:
    """Return `value` as a path; raise ValueError if it is none."""
    try:
        return Path(value)
    except TypeError:
        raise ValueError(f"{name} must be a path, got {shown(value)}") from None
