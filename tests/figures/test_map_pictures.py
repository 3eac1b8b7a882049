"""The map's pictures show the table's numbers."""

import numpy as np
import pandas as pd
import pytest
from finite import assert_finite

from damlite.figures import map as pictures
from damlite.figures.style import TRUTH
from damlite.results import map as maps


@pytest.fixture
def table():
    """A map with every column, its numbers drawn at random."""
    rng, rows = np.random.default_rng(0), []
    for road, proposals in maps.PROPOSALS.items():
        for q in proposals:
            for weights in maps.WEIGHTS if q != proposals[0] else ("none",):
                for numbers in maps.NUMBERS:
                    for p in maps.PARTICLES:
                        rows += [(road, q, weights, numbers, p, k, *rng.random(7)) for k in maps.CANDIDATES]
    return pd.DataFrame(rows, columns=maps.COLUMNS)


@pytest.mark.parametrize("road", maps.PROPOSALS)
def test_who_wins(table, road):
    fig = pictures.who_wins(table, road)
    for ax, numbers in zip(fig.axes, ("own", "common"), strict=True):
        lines = [line for line in ax.lines if line.get_label()[0] != "_"]
        assert len(lines) == len(maps.PROPOSALS[road])
        assert len({(line.get_color(), line.get_marker(), line.get_linestyle()) for line in lines}) == len(lines)
        assert lines[0].get_color() == TRUTH
        for line, q in zip(lines, maps.PROPOSALS[road], strict=True):
            kind = "none" if line is lines[0] else "exact + shift"
            rows = table[(table["road"] == road) & (table["probability"] == q) & (table["weights"] == kind)]
            rows = rows[(rows["numbers"] == numbers) & (rows["candidates"] == 100)]
            np.testing.assert_allclose(line.get_xydata(), rows[["particles", "return"]])
    assert_finite(fig)


def test_candidates_and_explanations(table):
    fig = pictures.by_candidates(table, "IcyRoad")
    assert [ax.get_title() for ax in fig.axes] == [f"{k} candidates" for k in maps.CANDIDATES]
    assert_finite(fig)
    fig = pictures.explained(table, "Intersection")
    assert [ax.get_title() for ax in fig.axes] == list(pictures.QUANTITIES.values())
    assert_finite(fig)


def test_the_best_q():
    rows = [("IcyRoad", p, 0.2, 0.1, 0.4) for p in (1, 20)] + [("Intersection", 1, 0.1, 0.1, 0.2)]
    best = pd.DataFrame(rows, columns=["road", "particles", "best", "least", "most"])
    fig = pictures.best_proposals(best, {"IcyRoad": 0.9, "Intersection": 0.5})
    marks = fig.axes[0].lines[0].get_xydata()
    np.testing.assert_allclose(marks, [[1, 0.2], [20, 0.2]])
    assert [ax.get_title() for ax in fig.axes] == ["IcyRoad, own random numbers", "Intersection, own random numbers"]
    assert_finite(fig)


def test_every_picture_has_a_caption():
    assert set(pictures.CAPTIONS) == {"map", "candidates", "explained", "best"}
