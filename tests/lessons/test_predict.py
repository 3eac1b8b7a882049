"""Predictions: what counts as an answer, how it stands beside its outcome, the score, and the mark in a picture."""

import ipywidgets
import numpy as np
import pytest
import torch

from damlite import figures
from damlite.lessons.panel import Panel, slider
from damlite.lessons.predict import forget, mark, predict, score
from damlite.lessons.spoken import SCRIPT

WORDS = ("hold", "accelerate", "brake")


@pytest.fixture(autouse=True)
def asked():
    """Each test begins and ends without predictions."""
    forget()
    yield
    forget()


@pytest.fixture
def which():
    return predict("Which plan is best?", WORDS)


@pytest.fixture
def cars():
    return predict("How many of 100 cars?", slider("cars off the road", "of 100", 50, 0, 100, 1))


def shown(displayed):
    """What a notebook gets of it: Markdown, and text with the same words."""
    assert repr(displayed) in displayed._repr_markdown_()
    return repr(displayed)


def test_unanswered_it_says_so(which, cars):
    assert which.given is None and cars.given is None
    assert "not answered yet" in which.children[-1].value and "not answered yet" in cars.children[-1].value
    assert shown(which.against("hold")) == "No answer was given; it is “hold”."
    assert shown(cars.against(23)) == "No answer was given; it is 23."


def test_it_carries_the_script_that_names_its_controls(which, cars):
    for asked in (which, cars):
        scripts = [part.outputs[0]["data"] for part in asked.children if isinstance(part, ipywidgets.Output)]
        assert scripts == [{"application/javascript": SCRIPT}]


@pytest.mark.parametrize(
    ("given", "sentence"),
    [("hold", "You said “hold”; it is “hold”: right."), ("brake", "You said “brake”; it is “hold”: wrong.")],
)
def test_a_word_is_right_or_wrong(which, given, sentence):
    which.control.value = given
    assert which.given == given
    assert f"your answer: “{given}”" in which.children[-1].value
    assert shown(which.against("hold")) == sentence


@pytest.mark.parametrize(
    ("given", "outcome", "within", "end"),
    [
        (40, 23, 0, "You said 40; it is 23: 17 too high."),
        (40, torch.tensor(57), 10, "You said 40; it is 57: 17 too low."),
        (40, np.float64(39.5), 0, "You said 40; it is 39.5: 0.5 too high."),
        (40, 8.998435, 0, "You said 40; it is 8.998: 31.002 too high."),
        (40, 50, 10, "You said 40; it is 50: close enough."),
        (40, 51, 10, "You said 40; it is 51: 11 too low."),
        (0, -0.0001, 1, "You said 0; it is 0: close enough."),
        (40, 40.0, 0, "You said 40; it is 40: right."),
    ],
)
def test_a_number_is_so_far_from_the_outcome(cars, given, outcome, within, end):
    cars.control.value = given
    assert shown(cars.against(outcome, within)) == end


def test_a_slider_moved_away_and_back_is_an_answer(cars):
    cars.control.value = 51
    cars.control.value = 50
    assert cars.given == 50


@pytest.mark.parametrize("outcome", ["drift", None, 3, "Hold"])
def test_an_outcome_that_is_no_option_is_refused(which, outcome):
    with pytest.raises(ValueError, match="outcome must be one of hold, accelerate, brake, got"):
        which.against(outcome)


@pytest.mark.parametrize("outcome", ["many", None, float("nan"), torch.inf, torch.ones(2)])
def test_an_outcome_that_is_no_number_is_refused(cars, outcome):
    with pytest.raises(ValueError, match="outcome must be a finite number, got"):
        cars.against(outcome)


@pytest.mark.parametrize("answer", ["hold", [], ["hold"], ["hold", "hold"], ["hold", 3]])
def test_what_is_no_choice_is_refused(answer):
    with pytest.raises(ValueError, match="answer must be at least two different words or a slider, got"):
        predict("Which?", answer)


def test_the_score_counts_what_is_right_and_what_is_missing(which, cars):
    predict("And a third?", WORDS)
    which.control.value, cars.control.value = "hold", 10
    which.against("hold")
    assert shown(score()) == "1 of 3 predictions right, 1 not answered."
    table = score()._repr_markdown_()
    assert "| Which plan is best? | “hold” | “hold” | right |" in table
    assert "| How many of 100 cars? | 10 | – | no outcome yet |" in table
    assert "| And a third? | – | – | not answered |" in table
    cars.against(12, within=5)
    assert shown(score()) == "2 of 3 predictions right, 1 not answered."


def test_an_answer_changed_after_the_outcome_does_not_count(which):
    which.control.value = "brake"
    which.against("hold")
    which.control.value = "hold"
    assert "“brake” | “hold” | wrong" in score()._repr_markdown_()


def test_a_question_asked_again_replaces_itself_in_its_place(which, cars):
    which.control.value = "hold"
    which.against("hold")
    again = predict(which.question, WORDS)
    assert again.given is None
    assert [one.question for one in score().answers] == [which.question, cars.question]
    assert shown(score()) == "0 of 2 predictions right, 2 not answered."


def test_forgotten_there_is_nothing_to_score(which):
    forget()
    assert shown(score()) == "0 of 0 predictions right, 0 not answered."


def test_a_bar_in_a_question_does_not_break_the_table():
    predict("Is p(s' | s) wide?", ("yes", "no"))
    row = score()._repr_markdown_().splitlines()[2]
    assert row.count("|") == 5


def test_a_saved_notebook_gets_the_question_and_its_options_in_words(which, cars):
    data = which._repr_mimebundle_()
    assert data["text/plain"] == "Predict: Which plan is best?\nhold / accelerate / brake"
    assert cars._repr_mimebundle_()["text/plain"].endswith("cars off the road (of 100), from 0 to 100")
    assert "application/vnd.jupyter.widget-view+json" in data


def test_a_question_is_text_and_no_markup():
    assert "a &lt; b" in predict("Is a < b?", ("yes", "no")).children[0].value


def drawn():
    fig, ((ax,),) = figures.figure()
    ax.barh(WORDS, [1.0, 2.0, 3.0])
    ax.set(xlim=(0, 5))
    ax.invert_yaxis()
    return fig, ax


def dashed(ax):
    return [line for line in ax.lines if line.get_linestyle() == "--"]


def test_unanswered_nothing_is_marked(which, cars):
    _, ax = drawn()
    for prediction in (which, cars):
        assert mark(ax, prediction) is ax
    assert not ax.lines and not ax.texts


@pytest.mark.parametrize(("axis", "data"), [("x", "get_xdata"), ("y", "get_ydata")])
def test_a_number_is_marked_where_it_lies_and_the_axis_holds_it(cars, axis, data):
    _, ax = drawn()
    cars.control.value = 40
    mark(ax, cars, axis)
    (line,) = dashed(ax)
    assert set(getattr(line, data)()) == {40}
    low, high = sorted(getattr(ax, f"get_{axis}lim")())
    assert low <= 0 and high == 40
    assert [text.get_text() for text in ax.texts] == ["your prediction"]
    assert ax.yaxis_inverted()


def test_a_word_is_pointed_at_where_its_row_ends(which):
    _, ax = drawn()
    which.control.value = "brake"
    mark(ax, which)
    (text,) = ax.texts
    assert text.get_text() == "◀ your prediction" and text.get_position() == (0.98, 2)
    assert not ax.lines


def test_a_word_is_pointed_at_above_its_column(which):
    _, ((ax,),) = figures.figure()
    ax.bar(WORDS, [1.0, 2.0, 3.0])
    which.control.value = "accelerate"
    mark(ax, which)
    (text,) = ax.texts
    assert text.get_text().split() == ["your", "prediction", "▼"] and text.get_position() == (1, 0.98)


def test_a_word_without_a_tick_is_refused(which):
    _, ((ax,),) = figures.figure()
    which.control.value = "brake"
    with pytest.raises(ValueError, match="a tick named 'brake'"):
        mark(ax, which)


def test_another_axis_is_refused(which):
    with pytest.raises(ValueError, match="axis must be 'x' or 'y', got 'z'"):
        mark(drawn()[1], which, "z")


def test_a_panel_is_drawn_anew_with_the_mark(cars):
    fig, ax = drawn()
    panel = Panel(fig, lambda: None, {}, "Bars.")
    before = panel.picture.value
    assert mark(panel, cars) is panel and panel.picture.value == before
    cars.control.value = 3
    assert mark(panel, cars) is panel
    assert len(dashed(ax)) == 1 and panel.picture.value != before
