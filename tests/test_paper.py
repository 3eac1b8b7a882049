"""Every equation, algorithm, figure and table of the paper is found in code and notebooks."""

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
CODE = "\n".join(path.read_text() for path in sorted((ROOT / "damlite").rglob("*.py")))
LESSONS = "\n".join(
    "".join(cell["source"])
    for path in sorted((ROOT / "notebooks").glob("*.ipynb"))
    for cell in json.loads(path.read_text())["cells"]
)
PLACES = {"code": CODE, "notebooks": LESSONS}


def named(kind, text, between=True):
    """Numbers in "Eq. 3", "Eq. 2 and 3", "Eq. 5 to 8", "Eq. 2, 3 and 8"; of "5 to 8" also those between, or not."""
    found = set()
    for run in re.findall(rf"{kind}\.\s(\d+(?:(?:,\s|\sand\s|\sto\s)\d+)*)", text):
        for first, last in re.findall(r"(\d+)\sto\s(\d+)", run) if between else ():
            found |= set(range(int(first), int(last) + 1))
        found |= {int(number) for number in re.findall(r"\d+", run)}
    return found


def test_the_reader_of_numbers():
    assert named("Eq", "see Eq. 2, 3 and 8; Eq. 11 to 13.") == {2, 3, 8, 11, 12, 13}
    assert named("Eq", "Eq. 11 to 13.", between=False) == {11, 13}
    assert named("Alg", "Alg. 1 and 3, Eq. 2") == {1, 3}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(
    ("kind", "numbers"), [("Eq", range(1, 22)), ("Alg", range(1, 4)), ("Fig", range(1, 3))], ids=["Eq", "Alg", "Fig"]
)
def test_all_are_named(place, kind, numbers):
    assert set(numbers) <= named(kind, PLACES[place])


def test_every_equation_of_the_derivation_has_a_place_of_its_own_in_a_notebook():
    assert set(range(1, 22)) <= named("Eq", LESSONS, between=False)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(
    "box",
    [
        "ESTIMATEVALUE",
        "TRAINMODEL",
        "TRAINDISCRIMINATOR",
        "RSPLANNER",
        "MBRL",
        "Fig. 2 (left)",
        "Fig. 2 (right)",
        "Table 1",
    ],
)
def test_boxes_are_named(place, box):
    assert box in PLACES[place]
