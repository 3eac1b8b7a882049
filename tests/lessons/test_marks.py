"""Marks: a line for each check, in the file that the environment or a call names; no exception if there is none."""

import json
import warnings
from datetime import datetime

import pytest

from damlite.lessons import drive_on_ice
from damlite.lessons.exercise import Exercise
from damlite.lessons.know_when_weights_fail import check_diagnosis
from damlite.lessons.marks import VARIABLE, marks_to


@pytest.fixture(autouse=True)
def nowhere(monkeypatch):
    """No file of marks before a test and after it."""
    monkeypatch.delenv(VARIABLE, raising=False)
    marks_to(None)
    yield
    marks_to(None)


def lines(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def answer():
    """A right answer, a wrong one, a stub, one that raises; what was said of them."""
    given = (lambda x: x / (1 - x), lambda x: x, lambda x: None, lambda x: 1 / 0)
    return [drive_on_ice.check_weight(one) for one in given]


def test_each_check_adds_a_line(tmp_path, monkeypatch):
    path = tmp_path / "marks.jsonl"
    monkeypatch.setenv(VARIABLE, str(path))
    said = [*answer(), check_diagnosis({"A": "degeneracy", "B": "support", "C": "overfit"})]
    found = lines(path)
    assert [line["verdict"] for line in found] == said
    assert [line["right"] for line in found] == [True, False, False, False, True]
    assert {(line["lesson"], line["exercise"]) for line in found} == {
        ("drive_on_ice", "weight"),
        ("know_when_weights_fail", "diagnosis"),
    }
    assert all(datetime.fromisoformat(line["time"]).tzinfo is not None for line in found)
    assert set(found[0]) == {"time", "lesson", "exercise", "right", "verdict"}


def test_a_call_comes_before_the_environment_and_gives_way_to_it(tmp_path, monkeypatch):
    told, named = tmp_path / "told", tmp_path / "named"
    monkeypatch.setenv(VARIABLE, str(named))
    marks_to(told)
    answer()
    assert len(lines(told)) == 4 and not named.exists()
    marks_to(None)
    answer()
    assert len(lines(told)) == 4 and len(lines(named)) == 4


def test_a_check_of_a_notebook_has_no_lesson(tmp_path):
    marks_to(tmp_path / "marks")
    Exercise("own", (1.0,), lambda x: x, "fine.", "think.")(lambda x: x)
    assert lines(tmp_path / "marks")[0]["lesson"] == ""


@pytest.mark.parametrize("name", ["", "missing/marks"])
def test_a_file_that_cannot_be_written_is_warned_of_once(tmp_path, name):
    marks_to(tmp_path / name)
    with pytest.warns(UserWarning, match="no marks are kept: .* cannot be written") as warned:
        said = answer()
    assert len(warned) == 1
    assert said[0].startswith("weight: right")


def test_without_a_file_nothing_is_written_or_warned_of(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        answer()
    assert not list(tmp_path.iterdir())
