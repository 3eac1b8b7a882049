"""Table 1 under several recipes as one picture: every mark is where its mean is, with its error, beside the paper's."""

from itertools import product

import numpy as np
import pandas as pd
import pytest
from finite import assert_finite

from damlite import figures
from damlite.results import table1

METHODS = list(figures.METHOD_STYLE)


def summary(recipes, road="Intersection"):
    """Means and errors that all differ."""
    cells = list(product(recipes, table1.PREDICTS, table1.MODELS, METHODS))
    return pd.DataFrame(
        [
            {"recipe": recipe, "road": road, "predict": predict, "model": model, "method": method}
            | {"mean": 1.5 * i, "stderr": 0.1 + 0.01 * i}
            | dict(zip(("paper_mean", "paper_stderr"), table1.PAPER[road, model, method], strict=True))
            for i, (recipe, predict, model, method) in enumerate(cells)
        ]
    )


def drawn(ax, label):
    """Places, heights and half-widths of the marks under a label."""
    (bars,) = [c for c in ax.containers if c.get_label() == label]
    marks, _, (lines,) = bars.lines
    ends = np.array(lines.get_segments())[:, :, 1]
    return *marks.get_data(orig=False), (ends[:, 1] - ends[:, 0]) / 2


@pytest.mark.parametrize("recipes", [("our", "paper", "paper-trajectory"), ("our", "paper"), ("our",)])
def test_every_recipe_stands_beside_the_paper(recipes):
    table = summary(recipes)
    fig = figures.by_recipe(table, "Intersection", "velocity")
    chosen = table[table["predict"] == "velocity"]
    for ax, model in zip(fig.axes, table1.MODELS, strict=True):
        assert ax.get_title() == model
        x, means, errors = drawn(ax, "the paper's table, 3 runs")
        theirs = np.array([table1.PAPER["Intersection", model, method] for method in METHODS])
        np.testing.assert_allclose(np.column_stack([means, errors]), theirs)
        places = [x]
        for recipe in recipes:
            rows = chosen[(chosen["recipe"] == recipe) & (chosen["model"] == model)].set_index("method").loc[METHODS]
            x, means, errors = drawn(ax, f"{recipe} recipe")
            np.testing.assert_allclose(np.column_stack([means, errors]), rows[["mean", "stderr"]])
            places.append(x)
        assert len(ax.containers) == 1 + len(recipes)
        assert (np.rint(places) == range(4)).all()
        assert np.unique(places).size == 4 * len(places)
    assert_finite(fig)


def test_what_is_not_there_is_said():
    with pytest.raises(ValueError, match=r"road must be one that summary has \(Intersection\), got 'IcyRoad'"):
        figures.by_recipe(summary(["our"]), "IcyRoad")
