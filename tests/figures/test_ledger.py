"""The ledger as a forest: its marks are the ledger's numbers, and its words the verdicts."""

import numpy as np
import pandas as pd
import pytest
from finite import assert_finite

from damlite import figures
from damlite.results import claims, table1


@pytest.fixture(scope="module")
def judged():
    """Two recipes: the stored returns, and the same with the methods' names dealt anew."""
    ours = table1.load()
    names = dict(zip(figures.METHOD_STYLE, reversed(figures.METHOD_STYLE), strict=True))
    returns = pd.concat([ours.assign(recipe="our"), ours.replace({"method": names}).assign(recipe="paper")])
    return claims.ledger(returns, pd.read_csv(table1.STORED / "figure2_masses.csv"), resamples=199)


@pytest.mark.parametrize("recipes", [("our",), ("our", "paper")])
@pytest.mark.parametrize("road", table1.ROADS)
def test_marks_and_words_are_the_ledgers(judged, road, recipes):
    chosen = judged[judged["recipe"].isin(recipes)]
    fig = figures.forest(chosen, road, "velocity")
    (ax,) = fig.axes
    rows = chosen[
        (chosen["road"] == road) & (chosen["predict"] == "velocity") & (chosen["source"] == "Table 1")
    ].reset_index(drop=True)
    for recipe in recipes:
        colour, marker = figures.RECIPE_STYLE[recipe]
        of_recipe = rows[rows["recipe"] == recipe]
        mine = [line for line in ax.lines if line.get_color() == colour and len(line.get_xdata())]
        marks = {float(line.get_ydata()[0]): line for line in mine if line.get_marker() == marker}
        spans = {float(line.get_ydata()[0]): line.get_xdata() for line in mine if line.get_marker() == "None"}
        words = {float(text.xy[1]): text.get_text() for text in ax.texts if hasattr(text, "xy")}
        from_above = sorted(marks, reverse=True)
        assert [marks[y].get_xdata()[0] for y in from_above] == of_recipe["difference"].tolist()
        assert np.array([spans[y] for y in from_above]).tolist() == of_recipe[["low", "high"]].to_numpy().tolist()
        firm = [marks[y].get_markerfacecolor() != "white" for y in from_above]
        assert firm == of_recipe["firm"].tolist()
        ends = np.where(of_recipe["firm"], ", firm", "")
        assert [words[y] for y in from_above] == (of_recipe["verdict"] + ends).tolist()
    papers = [line for line in ax.lines if line.get_marker() == "D" and len(line.get_xdata())]
    seen = sorted(((line.get_ydata()[0], line.get_xdata()[0]) for line in papers), reverse=True)
    assert [x for _, x in seen] == rows[rows["recipe"] == recipes[0]]["paper_difference"].tolist()
    first = rows[rows["recipe"] == recipes[0]]
    labels = dict(zip(ax.get_yticks(), (label.get_text() for label in ax.get_yticklabels()), strict=True))
    from_above = [labels[y] for y in sorted(labels, reverse=True)]
    assert from_above == (first["cell"] + " − " + first["other"]).tolist()
    assert_finite(fig)


def test_every_claim_stands_above_its_differences(judged):
    fig = figures.forest(judged, "IcyRoad")
    (ax,) = fig.axes
    quotes = [text.get_text() for text in ax.texts if not hasattr(text, "xy")]
    assert set(quotes) == {claim.quote for claim in claims.CLAIMS}
    assert fig.axes[0].get_title() == "IcyRoad, models predict the state"
    texts = [*ax.texts, *ax.get_yticklabels(), *fig.legends[0].get_texts()]
    assert min(text.get_size() for text in texts) >= 11


def test_recipes_differ_in_more_than_colour():
    looks = [*figures.RECIPE_STYLE.values(), ("#767676", "D")]
    for same in zip(*looks, strict=True):
        assert len(set(same)) == len(looks)


def test_a_ledger_without_recipes_and_one_without_rows(judged):
    ours = judged[judged["recipe"] == "our"].drop(columns="recipe")
    assert_finite(figures.forest(ours, "Intersection"))
    with pytest.raises(ValueError, match=r"road must be one that judged has \(IcyRoad, Intersection\), got 'mine'"):
        figures.forest(ours, "mine")
