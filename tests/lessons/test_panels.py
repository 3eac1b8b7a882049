"""Every panel of every lesson over its controls' values: finite numbers, in time, with artists that stay."""

import asyncio
import importlib
import inspect
import pkgutil
import random
import time
import typing

import pytest
from finite import assert_finite

from damlite import lessons
from damlite.lessons.panel import Panel

IMMEDIATE, SETTLED = 0.15, 2.0  # seconds of this process; the tests allow ten times as much, for a slow machine
RANDOM = 3  # settings at random


def panels():
    """Every function of a lesson that takes nothing and returns a panel."""
    for lesson in pkgutil.iter_modules(lessons.__path__):
        module = importlib.import_module(f"{lessons.__name__}.{lesson.name}")
        for name, function in inspect.getmembers(module, inspect.isfunction):
            if function.__module__ != module.__name__ or inspect.signature(function).parameters:
                continue
            if typing.get_type_hints(function).get("return") is Panel:
                yield pytest.param(function, id=f"{lesson.name}.{name}")


@pytest.fixture(scope="module", params=panels())
def panel(request):
    made = request.param()
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


def every_setting(panel):
    """Every control at each of its values, the others at their defaults; then some at random."""
    for name, control in panel.controls.items():
        for value in values(control):
            yield {**panel.values, name: value}
    dice = random.Random(0)
    for _ in range(RANDOM):
        yield {name: anywhere(control, dice) for name, control in panel.controls.items()}


def few_settings(panel):
    """As few as hold every value of every control, shuffled into one another, for what is slow."""
    dice = random.Random(0)
    shuffled = {name: dice.sample(known := values(control), len(known)) for name, control in panel.controls.items()}
    for i in range(max(map(len, shuffled.values()))):
        yield {name: known[i % len(known)] for name, known in shuffled.items()}


def put(panel, chosen):
    """Set all controls, and draw nothing yet."""
    for name, control in panel.controls.items():
        control.unobserve(panel.update, names="value")
        control.value = chosen[name]
        control.observe(panel.update, names="value")


async def move(panel):
    """What a control does that moves: seconds until the picture has changed."""
    return seconds(panel.update)


def seconds(draw):
    """Of this process, for one drawing."""
    started = time.process_time()
    draw()
    return time.process_time() - started


def in_time(draw, limit, tries=3):
    """Whether one of a few tries is fast enough: a machine that stumbles once is not a slow picture."""
    return any(draw() < limit for _ in range(tries))


def other(control):
    return next(value for value in values(control) if value != control.value)


def test_every_lesson_with_a_panel_is_here():
    found = {parameter.id.split(".")[0] for parameter in panels()}
    assert {module for module, _ in lessons.KEY_PANELS.values()} <= found


def test_every_value_of_every_control_draws_finite_numbers_in_time(panel):
    defaults = panel.values
    settings = few_settings(panel) if panel.settle else every_setting(panel)
    for chosen in [*settings, defaults]:
        put(panel, chosen)
        assert in_time(lambda: asyncio.run(move(panel)), 10 * IMMEDIATE), chosen
        assert_finite(panel.fig)  # also what is grey
        if panel.settle:  # without an event loop all follows at once
            assert in_time(lambda: seconds(panel.update), 10 * SETTLED), chosen
            assert_finite(panel.fig)
        assert not panel.stale


def test_every_control_goes_away_and_back_and_artists_stay(panel):
    panel.update()
    before, artists = panel.picture.value, [axes.get_children() for axes in panel.fig.axes]
    for name, control in panel.controls.items():
        default, control.value = control.value, other(control)
        assert panel.picture.value != before or name != next(iter(panel.controls))
        control.value = default
        assert panel.picture.value == before, name
    assert [axes.get_children() for axes in panel.fig.axes] == artists


def test_every_control_has_a_label_and_the_panel_a_description(panel):
    assert all(control.description for control in panel.controls.values())
    assert panel.description.endswith(".")


def test_a_saved_notebook_gets_a_picture_with_its_description(panel):
    data, metadata = panel._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in data
    assert len(data["image/png"]) > 1000
    assert data["text/plain"] == metadata["image/png"]["alt"] == panel.description
