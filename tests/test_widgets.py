"""The widgets' drawing functions over their controls' values."""

import itertools

import numpy as np
import pytest

from damlite import sweep, widgets


@pytest.fixture(scope="module")
def panel():
    return widgets.drive()


def values(control):
    if hasattr(control, "options"):
        return control.options
    return sorted({control.min, control.value, control.max})


def test_every_end_of_every_control_draws_finite_numbers(panel):
    for combination in itertools.product(*(values(control) for control in panel.controls.values())):
        panel.draw(**dict(zip(panel.controls, combination, strict=True)))
        for axes in panel.fig.axes:
            for line in axes.lines:
                assert np.isfinite(np.asarray(line.get_xydata(), dtype=float)).all()


def test_moving_a_slider_changes_the_picture_and_back_restores_it(panel):
    control = panel.controls["threshold"]
    before = panel.picture.value
    control.value = 3.0
    assert panel.picture.value != before
    control.value = 2.0
    assert panel.picture.value == before


def test_artists_are_kept(panel):
    artists = [id(artist) for axes in panel.fig.axes for artist in axes.get_children()]
    panel.controls["swerve_prob"].value = 0.3
    assert artists == [id(artist) for axes in panel.fig.axes for artist in axes.get_children()]


def test_a_saved_notebook_gets_a_png(panel):
    bundle = panel._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in bundle
    assert len(bundle["image/png"]) > 1000


def test_the_button_runs_the_cells_and_is_ready_again(monkeypatch):
    small = {"steps": 20, "random_episodes": 5, "episodes": 2, "evaluation_episodes": 2}
    run = sweep.run_pieces
    monkeypatch.setattr(sweep, "run_pieces", lambda **how: run(jobs=1, **how, **small))
    ablation = widgets.Ablation(sweep.load())
    before = ablation.picture.value
    ablation.seeds.value = ablation.rounds.value = 1
    ablation.run()
    assert ablation.progress.value == 8
    assert len(ablation.table) == 8 * 2
    assert ablation.picture.value != before
    assert not ablation.button.disabled
    assert ablation.picture.layout.opacity == "1"
