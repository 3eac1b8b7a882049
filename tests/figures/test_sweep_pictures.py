"""The sweeps as pictures: every mean is where it belongs, beside the paper's, and every number is one."""

import itertools

import numpy as np
import pandas as pd
import pytest
from finite import assert_finite

from damlite import figures
from damlite.lessons import command
from damlite.results import sweeps, table1

METHODS = list(figures.METHOD_STYLE)


def made_up(variants, models=("Gaussian", "mixture"), methods=tuple(METHODS), runs=5):
    """Returns of every variant, drawn around means that differ."""
    rng, rows = np.random.default_rng(0), []
    for i, v in enumerate(variants):
        for j, (model, method) in enumerate(itertools.product(models, methods)):
            if v.cells is None or (model, method) in v.cells:
                values = rng.normal(i + 3 * j, 1, runs)
                rows += [(v.road, v.name, "state", model, method, run, x) for run, x in enumerate(values)]
    return pd.DataFrame(rows, columns=[*sweeps.SAME, "run", "return"])


def line(ax, method):
    """The points of a method's line."""
    colour, marker, style = figures.METHOD_STYLE[method]
    found = [x for x in ax.lines if (x.get_color(), x.get_marker(), x.get_linestyle()) == (colour, marker, style)]
    return found[0].get_xydata()


def open_marks(ax):
    """Heights of the paper's marks."""
    return [x.get_ydata()[0] for x in ax.lines if x.get_markerfacecolor() == "white" and len(x.get_ydata())]


@pytest.fixture(scope="module")
def tables():
    made = {"ladder": sweeps.ladder, "particles": sweeps.particle_axis, "sensitivity": sweeps.sensitivity}
    return {name: made_up(make()) for name, make in made.items()}


def test_the_ladder_shows_every_rung_of_both_roads(tables):
    fig = figures.ladder(tables["ladder"], "Gaussian")
    rungs = {road: [v.name for v in sweeps.ladder() if v.road == road] for road in table1.ROADS}
    for ax, (road, names) in zip(fig.axes, rungs.items(), strict=True):
        of = tables["ladder"].query("road == @road and model == 'Gaussian'")
        for method in METHODS:
            means = of[of["method"] == method].groupby("variant")["return"].mean()[names]
            np.testing.assert_allclose(line(ax, method), np.column_stack([range(len(names)), means]))
        assert open_marks(ax) == [table1.PAPER[road, "Gaussian", method][0] for method in METHODS]
        words = [text.get_text() for text in ax.get_xticklabels()]
        assert words[1:] == ["as printed", *(f"+ {name}" for name in names[1:])]
    assert_finite(fig)


def test_the_particle_axis_shows_all_cells_beside_the_papers(tables):
    fig = figures.particle_axis(tables["particles"])
    assert [ax.get_title() for ax in fig.axes] == [
        f"{road}, {model}" for road in table1.ROADS for model in table1.MODELS
    ]
    ax = fig.axes[3]
    of = tables["particles"].query("road == 'Intersection' and model == 'mixture' and method == 'dam'")
    means = of.groupby("variant")["return"].mean()[["1", "2", "5", "20"]]
    np.testing.assert_allclose(line(ax, "dam")[:, 1], means)
    np.testing.assert_allclose(line(ax, "dam")[:, 0], [1, 2, 5, 20], rtol=0.1)
    assert open_marks(ax) == [table1.PAPER["Intersection", "mixture", method][0] for method in METHODS]
    assert_finite(fig)


def test_the_tornado_has_a_bar_for_every_level_the_widest_at_the_top(tables):
    fig = figures.tornado(tables["sensitivity"], "IcyRoad")
    chosen = tables["sensitivity"].query("road == 'IcyRoad' and model == 'mixture'")
    table = sweeps.differences(chosen)
    for ax, pair in zip(fig.axes, ("disc − baseline", "dam − disc"), strict=True):
        rows = table[table["pair"] == pair].set_index("variant")["difference"]
        ends = sorted(bar.get_x() + bar.get_width() for bar in ax.patches if bar.get_height() < 0.5)
        np.testing.assert_allclose(ends, sorted(rows.drop(sweeps.AS_CHOSEN)))
        assert ax.get_title() == f"{pair}, mixture"
    shift = table.pivot(index="variant", columns="pair", values="difference")
    shift = (shift - shift.loc[sweeps.AS_CHOSEN]).abs().max(axis=1)
    top = fig.axes[0].get_yticklabels()[-1].get_text()
    assert shift.idxmax().startswith(f"{top}: ")
    assert_finite(fig)


def test_rows_of_several_models_are_not_drawn_as_one(tables):
    with pytest.raises(ValueError, match="summary must be of one model, got Gaussian, mixture: choose one of them"):
        figures.draw_ladder(figures.figure()[1][0, 0], sweeps.summarise(tables["ladder"].query("road == 'IcyRoad'")))


def test_a_pair_without_some_choice_is_drawn_without_it(tables):
    table = tables["sensitivity"]
    lacks = (table["method"] == "dam") & table["variant"].str.startswith("clip")
    left, right = (
        [label.get_text() for label in ax.get_yticklabels()] for ax in figures.tornado(table[~lacks], "IcyRoad").axes
    )
    assert [choice for choice in left if choice != "clip"] == right


def test_a_single_run_is_drawn_without_intervals():
    assert_finite(figures.tornado(made_up(sweeps.sensitivity(), runs=1), "Intersection", "Gaussian"))


def test_what_is_stored_is_drawn(tables, tmp_path):
    assert list(command.varied(tmp_path)) == []
    for name, table in tables.items():
        table.to_csv(tmp_path / f"{name}.csv", index=False)
    drawn = dict(command.varied(tmp_path))
    roads = [
        f"sensitivity_{road}_{model}.png" for road in ("icyroad", "intersection") for model in ("gaussian", "mixture")
    ]
    assert set(drawn) == {"particles.png", "ladder_gaussian.png", "ladder_mixture.png", *roads}
    assert all(content.startswith(b"\x89PNG") for content in drawn.values())


def test_every_picture_has_its_sentence():
    assert set(figures.CAPTIONS) == {"ladder", "particles", "tornado"}
