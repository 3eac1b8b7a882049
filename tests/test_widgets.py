"""The widgets' drawing functions over their controls' values."""

import asyncio
import random
import time

import numpy as np
import pytest

from damlite import sweep, widgets

PANELS = [name for name in widgets.__all__ if name.islower()]
IMMEDIATE, SETTLED = 0.15, 2.0  # seconds; the tests allow ten times as much


@pytest.fixture(scope="module", params=PANELS)
def panel(request):
    made = getattr(widgets, request.param)()
    yield made
    made.close_all()


def values(control):
    """Least, default and largest, or every option."""
    if hasattr(control, "options"):
        return [option[1] if isinstance(option, tuple) else option for option in control.options]
    return sorted({control.min, control.value, control.max})


def anywhere(control, dice):
    if hasattr(control, "options"):
        return dice.choice(values(control))
    steps = round((control.max - control.min) / control.step)
    return type(control.value)(control.min + control.step * dice.randint(0, steps))


def settings(panel):
    """Every control at each of its ends, the others at their defaults; then three at random."""
    for name, control in panel.controls.items():
        for value in values(control):
            yield {**panel.values, name: value}
    dice = random.Random(0)
    for _ in range(3):
        yield {name: anywhere(control, dice) for name, control in panel.controls.items()}


def assert_finite(fig):
    """No infinite number anywhere, and no artist that is partly not a number (wholly: it is hidden)."""
    for axes in fig.axes:
        assert np.isfinite([*axes.get_xlim(), *axes.get_ylim()]).all()
        for line in axes.lines:
            data = np.asarray(line.get_xydata(), dtype=float)
            assert not np.isinf(data).any()
            assert np.isfinite(data).all() or np.isnan(data).any(axis=-1).all(), line.get_label()


def test_every_end_of_every_control_draws_finite_numbers_in_time(panel):
    for chosen in settings(panel):
        started = time.perf_counter()
        if panel.settle is None:
            panel.draw(**chosen)
        else:
            panel.draw(**chosen, stale=True)
            assert time.perf_counter() - started < 10 * IMMEDIATE, chosen
            panel.settle(**chosen)
            panel.draw(**chosen, stale=False)
        assert time.perf_counter() - started < 10 * (IMMEDIATE if panel.settle is None else SETTLED), chosen
        assert_finite(panel.fig)


def test_a_control_changes_the_picture_and_back_restores_it(panel):
    panel._show()
    control = next(iter(panel.controls.values()))
    default, before = control.value, panel.picture.value
    control.value = next(value for value in values(control) if value != default)
    assert panel.picture.value != before
    control.value = default
    assert panel.picture.value == before


def test_artists_are_kept(panel):
    artists = [id(artist) for axes in panel.fig.axes for artist in axes.get_children()]
    for control in panel.controls.values():
        default = control.value
        control.value = next(value for value in values(control) if value != default)
        control.value = default
    assert artists == [id(artist) for axes in panel.fig.axes for artist in axes.get_children()]


def test_every_control_has_a_label(panel):
    assert all(control.description for control in panel.controls.values())


def test_a_saved_notebook_gets_a_png(panel):
    bundle = panel._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in bundle
    assert len(bundle["image/png"]) > 1000


def test_what_is_stale_is_grey_until_the_slider_rests():
    """With an event loop the slow part waits; without one it follows at once (the other tests)."""
    panel = widgets.next_velocity()
    picture = panel.fig.axes[0].lines[1]  # the model's density
    threshold = panel.controls["threshold"]

    async def move():
        threshold.value = 3.0
        threshold.value = 3.5
        stale = picture.get_alpha(), picture.get_ydata().copy()
        await asyncio.sleep(widgets.panel.RELEASED + 0.1)
        return stale, (picture.get_alpha(), picture.get_ydata().copy())

    (stale_alpha, stale), (alpha, settled) = asyncio.run(move())
    assert stale_alpha < 0.5
    assert alpha == 1.0
    assert np.abs(stale - settled).max() > 0.1


def test_the_button_runs_the_cells_and_is_ready_again(monkeypatch):
    small = {"steps": 20, "random_episodes": 5, "episodes": 2, "evaluation_episodes": 2}
    run = sweep.run_pieces
    monkeypatch.setattr(sweep, "run_pieces", lambda pieces, **how: run(pieces, jobs=1, **how, **small))
    ablation = widgets.Ablation(sweep.load())
    before = ablation.picture.value
    ablation.seeds.value = ablation.rounds.value = 1
    ablation.run()
    assert ablation.progress.value == 8
    assert len(ablation.table) == 8 * 2
    assert ablation.picture.value != before
    assert not ablation.button.disabled
    assert ablation.picture.layout.opacity == "1"
