"""Table 1 side by side, as lessons 09 to 11 show it, against the raw returns."""

import re

import pytest

from damlite.lessons.shared import side_by_side
from damlite.results import report, table1


@pytest.mark.parametrize(("road", "digits"), [("IcyRoad", 2), ("Intersection", 1)])
def test_the_cells_are_those_of_the_raw_returns_beside_the_papers(road, digits):
    shown = side_by_side(road)
    ordered = [report.RECIPE_WORDS[recipe] for recipe in ("paper", "paper-trajectory", "our")]
    assert list(shown.columns) == ["the paper's table", *ordered]
    assert list(shown.index) == [(model, method) for of, model, method in table1.PAPER if of == road]
    for recipe, words in report.RECIPE_WORDS.items():
        returns = table1.load(recipe=recipe)
        rows = returns[(returns["road"] == road) & (returns["predict"] == "state") & (returns["round"] == 0)]
        runs = rows.groupby(["model", "method"])["return"]
        for cell, said in shown[words].items():
            mean, error = map(float, re.fullmatch(r"(\S+) ± (\S+)", said).groups())
            assert mean == pytest.approx(runs.mean()[cell], abs=0.51 * 10**-digits)
            assert error == pytest.approx(runs.sem()[cell], abs=0.51 * 10**-digits)
    for cell, said in shown["the paper's table"].items():
        mean, error = table1.PAPER[road, *cell]
        assert said == f"{mean:.{digits}f} ± {error:.{digits}f}"
    assert side_by_side(road, "velocity")[report.RECIPE_WORDS["our"]].ne(shown[report.RECIPE_WORDS["our"]]).all()
