"""The benchmarks: that they measure what they say, and that what is stored of them is shown."""

import json
import re
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import damlite as dl
from damlite.figures import png
from damlite.figures.speed import speed
from damlite.results import report, table1

sys.path.insert(0, str(Path(__file__).parent / "benchmarks"))
environments, fitting, growth, measure, planning = map(
    __import__, ("environments", "fitting", "growth", "measure", "planning")
)


@pytest.mark.parametrize("env", [dl.IcyRoad(), dl.Intersection()], ids=["icy", "crossing"])
def test_contenders_give_the_same_values_before_they_are_timed(env):
    planning.agree(env, rivals=False)


def test_a_contender_that_gives_other_values_is_found(monkeypatch):
    right = planning.contenders

    def wrong(*given):
        found = right(*given)
        tuned = found["tuned PyTorch"]
        return found | {"tuned PyTorch": lambda state, actions: tuned(state, actions) + 1e-2}

    monkeypatch.setattr(planning, "contenders", wrong)
    with pytest.raises(AssertionError, match="tuned PyTorch"):
        planning.agree(dl.Intersection(), rivals=False)


def test_medians_are_of_calls_in_turn():
    called = []
    took = measure.in_turn({"a": lambda: called.append("a"), "b": lambda: called.append("b")}, 1e-9)
    assert called == ["a", "b"] * 4  # once to warm up, and three times
    assert set(took) == {"a", "b"}


def test_a_fit_is_of_so_many_model_steps():
    assert fitting.ours(dl.IcyRoad(), 3)(2) == 6


def test_an_exponent_by_hand():
    sizes = np.array([1, 2, 5, 10])
    assert growth.exponent(sizes, 3 * sizes**1.5) == pytest.approx(1.5)


def test_every_row_has_its_unit():
    rows = list(environments.rows(1e-9, numbers=(1, 3)))
    assert {row[2] for row in rows} == {"Gymnasium vector", "damlite collect"}
    assert all(len(row) == 5 and row[3] > 0 and row[4] == "thousand steps/s" for row in rows)


def test_the_stored_benchmarks_are_shown():
    table = pd.read_csv(table1.STORED / "speed.csv", keep_default_na=False)
    for _, part in table[table["group"] != "growth"].groupby(["group", "size"]):
        assert part["times_the_first"].to_numpy() == pytest.approx((part["value"] / part["value"].iloc[0]), rel=2e-3)
    row = table[(table["group"] == "planning") & (table["contender"] == "damlite K = 4")].iloc[0]
    (line,) = [one for one in report.speed_block(table1.STORED, "planning").splitlines() if row["size"] in one]
    assert f"| {row['value']:.3g} ({row['times_the_first']:.1f}×) |" in line
    known = json.loads((table1.STORED / "speed_settings.json").read_text())
    assert known["hardware"]["processor"] in report.machine_block(table1.STORED)
    assert re.search(rf"{known['matrix_gflops']:.0f} billion", report.machine_block(table1.STORED))
    assert len(png(speed(table))) > 10_000


def test_growth_by_hand(tmp_path):
    head = "group,size,contender,value,unit,times_the_first"
    rows = ["growth,plan,5,0.01,s,1", "growth,plan,50,0.1,s,10", 'growth,"plan, exponent",,1.0,,1']
    (tmp_path / "speed.csv").write_text("\n".join([head, *rows]))
    assert "| plan | 5 to 50 | 10 to 100 | 1.00 |" in report.speed_block(tmp_path, "growth")
