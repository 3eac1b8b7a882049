"""The script behind `make shuffle`, on small notebooks that it must and must not complain of."""

import io
import json

import numpy as np
import pytest
from PIL import Image
from shuffle import ASSERTED, FOLLOWED, SAME, UNKNOWN, Outcome, Report, apart, appearance, judge, kind

HONEST = [
    "n = 3",
    "print(n)\nfor i in range(n):\n    print(i)\ni",
    "try:\n    m = n + 1\nexcept NameError:\n    raise ValueError('no n') from None",
    "left = m - n",
    "assert 'left' in globals()\nn",
]


def lesson(folder, sources):
    cells = [{"cell_type": "code", "source": source.splitlines(keepends=True)} for source in sources]
    (folder / "lesson.ipynb").write_text(json.dumps({"cells": cells}))
    return folder / "lesson.ipynb"


def report(folder, sources, orders=3, again=1, limit=60):
    return apart(lesson(folder, sources), orders=orders, again=again, seed=0, limit=limit)


def test_an_honest_lesson_shows_the_same_or_stops(tmp_path):
    found = report(tmp_path, HONEST)
    assert found.complaints == []
    assert set(found.counts) == {SAME, UNKNOWN, ASSERTED}
    assert sum(found.counts.values()) == len(HONEST) * (2 + 3 + 1)


def test_another_number_is_told(tmp_path):
    found = report(
        tmp_path, ["import random\ng = random.Random(0)", "g.randint(0, 10**9)", "n = 1", "n += 1\nprint(n)"]
    )
    assert any(line.startswith("cell 1, each twice: shows '") for line in found.complaints)
    assert "cell 3, each twice: shows '3\\n', in order '2\\n'" in found.complaints
    assert any(line.startswith("cell 3, after all, order 1: ") for line in found.complaints)
    assert found.counts["another"] == len(found.complaints)


def test_what_runs_too_long_is_ended_and_told(tmp_path):
    found = report(tmp_path, ["n = 1", "while n == 2:\n    pass", "n = 2", "print(n)"], orders=2, limit=2)
    assert any("shows 'still running'" in line for line in found.complaints)


def test_a_lesson_that_fails_in_order_is_told(tmp_path):
    assert report(tmp_path, ["1 / 0"], orders=0, again=0).complaints == [
        "cell 0, in order: ZeroDivisionError: division by zero"
    ]


@pytest.mark.parametrize(
    ("printed", "displayed", "error", "verdict"),
    [
        ("1\n2\n", ["a", "b"], "", SAME),
        ("1\n", [], UNKNOWN, UNKNOWN),
        ("", [], ASSERTED, ASSERTED),
        ("1\n2\n", ["a"], ASSERTED, ASSERTED),
        ("1\n3\n", [], ASSERTED, r"shows '1\n3\n', in order '1\n2\n'"),
        ("1\n2\n", ["a", "c"], "", "shows 'c', in order 'b'"),
        ("1\n2\n", ["c"], UNKNOWN, "shows 'c', in order 'a'"),
        ("1\n2\n", ["a"], "", "shows 1 of 2 outputs"),
        ("1\n2\n", ["a", "b"], "ValueError: x", "shows 'ValueError: x', in order ''"),
    ],
)
def test_outcomes_are_judged(printed, displayed, error, verdict):
    assert judge(Outcome(printed, displayed, error), Outcome("1\n2\n", ["a", "b"])) == verdict


def test_an_error_may_follow_a_cell_that_stopped_half_done():
    """The second cell was to fill what the third reads."""
    wanted = {0: Outcome("1\n"), 1: Outcome("2\n"), 2: Outcome("3\n")}
    stopped, lost = Outcome("", [], UNKNOWN), Outcome("", [], "KeyError: 2")
    for found, counted in (
        ([stopped, lost], {UNKNOWN: 1, FOLLOWED: 1}),
        ([Outcome("2\n"), lost], {SAME: 1, "another": 1}),
        ([stopped, Outcome("4\n", [], "KeyError: 2")], {UNKNOWN: 1, "another": 1}),
        ([stopped, Outcome("4\n")], {UNKNOWN: 1, "another": 1}),
        ([stopped, Outcome("still running", [], "after 2 seconds")], {UNKNOWN: 1, "another": 1}),
    ):
        report = Report()
        report.compare("order 1", [1, 2], found, wanted)
        assert report.counts == counted


def raised(source):
    try:
        exec(source, {})
    except Exception as error:
        return kind(error)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("n", UNKNOWN),
        ("try:\n    n\nexcept NameError as error:\n    raise KeyError('n') from error", UNKNOWN),
        ("try:\n    n\nexcept NameError:\n    1 / 0", UNKNOWN),
        ("assert 0", ASSERTED),
        ("1 / 0", "ZeroDivisionError: division by zero"),
    ],
)
def test_errors_are_told_apart(source, said):
    assert raised(source) == said


def png(pixels, **how):
    kept = io.BytesIO()
    Image.fromarray(pixels).save(kept, "png", **how)
    return {"image/png": kept.getvalue(), "text/plain": "<Image>"}


def test_pictures_are_compared_by_their_pixels():
    pixels = np.zeros((40, 40, 3), np.uint8)
    packed, unpacked = png(pixels, compress_level=9), png(pixels, compress_level=0)
    assert packed["image/png"] != unpacked["image/png"]
    assert appearance(packed) == appearance(unpacked)
    pixels[3, 5] = 1
    assert appearance(png(pixels)) != appearance(packed)
