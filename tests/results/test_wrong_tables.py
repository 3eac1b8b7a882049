"""Tables that are none: each function says what it misses, and none makes numbers of them."""

import numpy as np
import pandas as pd
import pytest

from damlite import figures
from damlite.figures import map as map_pictures
from damlite.results import (
    choices,
    claims,
    command_map,
    compare,
    fitted_map,
    lucky,
    ratios,
    sweeps,
    table1,
)
from damlite.results import map as maps

STORED = table1.STORED


def judge(returns):
    return claims.ledger(returns, resamples=99)


RETURNS = table1.load()
# Functions of one table, a table that they take, the columns that tell its rows apart, and a column of numbers.
CASES = {
    "summarise": (table1.summarise, RETURNS, [*RETURNS.columns[:-1]], "return"),
    "ledger": (judge, RETURNS, [*RETURNS.columns[:-1]], "return"),
    "cells": (figures.cells, RETURNS, [*RETURNS.columns[:-1]], "return"),
    "sweeps": (sweeps.summarise, ladder := sweeps.load("ladder", STORED), [*ladder.columns[:-1]], "return"),
    "differences": (sweeps.differences, ladder, [*ladder.columns[:-1]], "return"),
    "choices": (choices.summarise, made := pd.read_csv(STORED / "ablations.csv"), [*made.columns[:-1]], "return"),
    "fitted map": (fitted_map.summarise, mapped := fitted_map.load(STORED), [*mapped.columns[:-1]], "return"),
    "lucky": (lucky.summarise, lucks := pd.read_csv(STORED / "lucky.csv", keep_default_na=False), lucky.CELL, "risky"),
    "ratios": (ratios.summarise, ratios.load(STORED), ratios.COLUMNS[:-1], None),
    "best": (maps.best_probability, between := command_map.load("map_between"), ["road", "particles"], "stderr"),
    "who wins": (
        lambda table: map_pictures.who_wins(table, "IcyRoad"),
        command_map.load("map"),
        maps.CELL,
        "stderr",
    ),
    "verdicts": (claims.verdicts, pd.read_csv(STORED / "claims.csv"), ["predict", *claims.CLAIM, "other"], None),
}


@pytest.mark.parametrize("name", CASES)
def test_a_wrong_table_is_refused_with_a_sentence(name):
    function, table, keys, number = CASES[name]
    wrong = {
        r"must be a pandas DataFrame, got list": table.to_dict("records"),
        r"must be a pandas DataFrame, got NoneType": None,
        r"must have at least one row, got none": table[:0],
        r"must have one row for each .*, got another for": pd.concat([table, table[:1]]),
        rf"must have columns .*, got no {keys[-1]}": table.drop(columns=keys[-1]),
    }
    if number is not None:
        first = table.index == table.index[0]
        wrong[rf"\['{number}'\] must be finite numbers, got 1 that are not"] = table.assign(
            **{number: table[number].where(~first)}
        )
        wrong[r"must be finite numbers, got \d+ that are not"] = table.assign(**{number: "much"})
    for message, what in wrong.items():
        with pytest.raises(ValueError, match=message):
            function(what)


def test_a_ledger_wants_the_same_runs_of_every_cell_and_a_last_round():
    dam = (RETURNS["road"] == "IcyRoad") & (RETURNS["method"] == "dam")
    message = "returns on IcyRoad must hold the same runs of every cell, got .* of 20 and .* of 19 or of others"
    with pytest.raises(ValueError, match=message):
        judge(RETURNS[~(dam & (RETURNS["run"] == 0))])
    with pytest.raises(ValueError, match="must hold the same runs of every cell"):
        judge(RETURNS.assign(run=RETURNS["run"].where(~dam, RETURNS["run"] + 1000)))
    with pytest.raises(ValueError, match="returns of round 0 must have at least one row"):
        judge(RETURNS[RETURNS["round"] > 0])
    with pytest.raises(ValueError, match=r"runs must hold at least 2 of \('mixture', 'dam'\), got 0"):
        judge(RETURNS[RETURNS["method"] != "dam"])
    with pytest.raises(ValueError, match="masses must have columns"):
        claims.ledger(RETURNS, RETURNS, resamples=99)


def test_a_picture_of_rows_that_are_not_there_says_so():
    with pytest.raises(ValueError, match="table of road 'IcyRoad', candidates 7 must have at least one row"):
        map_pictures.who_wins(command_map.load("map"), "IcyRoad", 7)


def test_a_wrong_table_replaces_none_that_is_saved(tmp_path):
    one = RETURNS[RETURNS["run"] < 2]
    table1.save(one, tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(ValueError, match="must have one row for each"):
        table1.save(pd.concat([one, one]), tmp_path)
    with pytest.raises(ValueError, match="finite"):
        sweeps.save(ladder.assign(**{"return": np.nan}), [], tmp_path, "ladder", "our")
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


TWO = np.array([1.0, 2.0, 4.0]), np.array([0.0, 3.0])


@pytest.mark.parametrize(
    "test", [compare.welch, compare.bootstrap, compare.permutation, compare.mann_whitney, compare.improvement_interval]
)
def test_two_cells_are_finite_numbers_along_one_axis(test):
    x, y = TWO
    assert test(x.tolist(), y) == test(x, y)
    for wrong in ([], [1.0, np.nan], [[1.0, 2.0]], 3.0, [1.0, np.inf]):
        with pytest.raises(ValueError, match=r"x must be at least . finite numbers along one axis, got "):
            test(wrong, y)
        with pytest.raises(ValueError, match=r"y must be at least . finite numbers along one axis, got "):
            test(x, wrong)


@pytest.mark.parametrize("p", [[0.5, np.nan], [1.5], [[0.1]], [-0.1]])
def test_p_values_are_shares(p):
    with pytest.raises(ValueError, match="p must be p-values from 0 to 1 along one axis"):
        compare.holm(p)
