"""Predictions are answers: a question before a picture, the reader's answer beside the outcome, and a score."""

import html
import math
from collections.abc import Sequence
from dataclasses import dataclass

import ipywidgets
from matplotlib.axes import Axes

from .panel import Panel, lasting_id
from .spoken import names

_ASKED: dict[str, "Prediction"] = {}  # this kernel's predictions by their questions, in the order of the first asking


class Prediction(ipywidgets.VBox):
    """A question with its control; made by `predict`.

    Attributes
    ----------
    question : what is asked
    control : radio buttons, or a slider
    compared : the answer beside the outcome as `against` showed it last; None before
    """

    def __init__(self, question: str, control: ipywidgets.ValueWidget) -> None:
        self.question, self.control = question, control
        self.compared: Compared | None = None
        self._moved = False
        self._said = ipywidgets.HTML()
        label = ipywidgets.HTMLMath(f"<strong>Predict:</strong> {html.escape(question, quote=False)}")
        super().__init__([label, control, names(), self._said], model_id=lasting_id(question))
        control.observe(self._move, names="value")
        self._say()

    @property
    def options(self) -> tuple[str, ...] | None:
        """The words to choose from; None where a number is asked for."""
        return self.control.options if isinstance(self.control, ipywidgets.RadioButtons) else None

    @property
    def given(self) -> str | float | None:
        """The reader's answer: an option, or where the slider stands once it was moved; None if there is none."""
        return self.control.value if self._moved else None

    def against(self, outcome: object, within: float = 0.0) -> "Compared":
        """The reader's answer beside the outcome, to be shown where the outcome is.

        Parameters
        ----------
        outcome : one of the options; for a slider a number, or a tensor or array that holds one
        within : how far from the outcome a number may be and still be right, in the slider's unit

        Raises
        ------
        ValueError
            if the outcome is none of the options, or no finite number
        """
        self.compared = Compared(self.question, self.given, self._checked(outcome), within)
        return self.compared

    def _checked(self, outcome: object) -> str | float:
        if self.options is not None:
            if outcome not in self.options:
                raise ValueError(f"outcome must be one of {', '.join(self.options)}, got {outcome!r}")
            return outcome
        try:
            number = float(outcome)
        except (TypeError, ValueError, RuntimeError):  # no number at all
            number = math.nan
        if not math.isfinite(number):
            raise ValueError(f"outcome must be a finite number, got {outcome!r}")
        return number

    def _move(self, _change: object) -> None:
        self._moved = True
        self._say()

    def _say(self) -> None:
        """Under the control, what counts as the answer now."""
        todo = "not answered yet" if self.options else "not answered yet: move the slider"
        said = todo if self.given is None else f"your answer: {html.escape(words(self.given))}"
        self._said.value = f"<em>{said}</em>"

    def _repr_mimebundle_(self, **kwargs: object) -> dict:
        asked = self.control.description if self.options is None else " / ".join(self.options)
        if self.options is None:
            asked += f", from {words(self.control.min)} to {words(self.control.max)}"
        return {**super()._repr_mimebundle_(**kwargs), "text/plain": f"Predict: {self.question}\n{asked}"}


@dataclass(frozen=True)
class Compared:
    """An answer beside its outcome; shown as a sentence.

    Attributes
    ----------
    question : what was asked
    given : the reader's answer; None if there is none
    outcome : what it turned out to be; None if that is not known yet
    within : how far from the outcome a number may be and still be right
    """

    question: str
    given: str | float | None
    outcome: str | float | None
    within: float = 0.0

    @property
    def right(self) -> bool:
        """Whether the answer is the outcome, or as close to it as was asked for."""
        if self.given is None or self.outcome is None:
            return False
        if isinstance(self.outcome, str):
            return self.given == self.outcome
        return abs(self.given - self.outcome) <= self.within

    @property
    def verdict(self) -> str:
        """In a few words: right, by how much too high, or why there is nothing to compare."""
        if self.given is None:
            return "not answered"
        if self.outcome is None:
            return "no outcome yet"
        if self.right:
            return "right" if self.given == self.outcome else "close enough"
        if isinstance(self.outcome, str):
            return "wrong"
        return f"{words(abs(self.given - self.outcome))} too {'high' if self.given > self.outcome else 'low'}"

    def __repr__(self) -> str:
        """The sentence."""
        if self.given is None:
            return f"No answer was given; it is {words(self.outcome)}."
        return f"You said {words(self.given)}; it is {words(self.outcome)}: {self.verdict}."

    def _repr_markdown_(self) -> str:
        return f"**{self!r}**"


@dataclass(frozen=True)
class Score:
    """How the reader did; shown as a table.

    Attributes
    ----------
    answers : each prediction, in the order of asking
    """

    answers: tuple[Compared, ...]

    def __repr__(self) -> str:
        """In one sentence."""
        right, missing = sum(one.right for one in self.answers), sum(one.given is None for one in self.answers)
        return f"{right} of {len(self.answers)} predictions right, {missing} not answered."

    def _repr_markdown_(self) -> str:
        cells = [(one.question, words(one.given), words(one.outcome), one.verdict) for one in self.answers]
        rows = [("prediction", "you said", "it is", "verdict"), ("---",) * 4, *cells]
        table = [" | ".join(part.replace("|", "&#124;") for part in row) for row in rows]
        return "\n".join(f"| {row} |" for row in table) + f"\n\n{self}"


def predict(question: str, answer: Sequence[str] | ipywidgets.ValueWidget) -> Prediction:
    """Ask for a prediction, to be shown as a cell's last expression; the same question asked again replaces itself.

    Parameters
    ----------
    question : one sentence; LaTeX between dollar signs is typeset
    answer : the words to choose from, or a slider as `panel.slider` makes it

    Raises
    ------
    ValueError
        if the words are not at least two different strings
    """
    if not isinstance(answer, ipywidgets.ValueWidget):
        if isinstance(answer, str) or not all(isinstance(word, str) for word in answer) or len({*answer}) < 2:
            raise ValueError(f"answer must be at least two different words or a slider, got {answer!r}")
        layout = ipywidgets.Layout(width="max-content", max_width="100%")
        answer = ipywidgets.RadioButtons(options=tuple(answer), value=None, layout=layout)
    _ASKED[question] = Prediction(question, answer)
    return _ASKED[question]


def score() -> Score:
    """How the reader has done so far in this notebook: every prediction's answer as its outcome found it."""
    return Score(tuple(one.compared or Compared(one.question, one.given, None) for one in _ASKED.values()))


def forget() -> None:
    """Begin anew: no prediction has been asked."""
    _ASKED.clear()


def mark(picture: Axes | Panel, prediction: Prediction, axis: str = "x", axes: int = 0) -> Axes | Panel:
    """Mark the reader's answer as "your prediction": a number by a dashed line, a word by an arrowhead at its tick.

    Nothing is drawn if there is no answer.

    Parameters
    ----------
    picture : axes, or a panel whose figure has them
    prediction : the answer; a word must be the name of a tick
    axis : "x" or "y", along which a number is measured
    axes : which of a panel's axes

    Returns
    -------
    The picture, so that a cell can end with `mark(lesson.drive(), prediction)`.

    Raises
    ------
    ValueError
        if `axis` is another word, or a word is the name of no tick
    """
    if axis not in ("x", "y"):
        raise ValueError(f"axis must be 'x' or 'y', got {axis!r}")
    if prediction.given is None:
        return picture
    if isinstance(picture, Panel):
        mark(picture.fig.axes[axes], prediction, axis)
        picture.update()
        return picture
    if isinstance(prediction.given, str):
        point_at(picture, prediction.given)
    else:
        draw_line(picture, axis, prediction.given)
    return picture


def point_at(ax: Axes, name: str) -> None:
    """An arrowhead at the far end of the row or column of the tick with a name; it covers nothing that starts there."""
    for axis in (ax.yaxis, ax.xaxis):
        for place, label in zip(axis.get_ticklocs(), axis.get_ticklabels(), strict=False):
            if label.get_text() != name:
                continue
            if axis is ax.yaxis:
                ax.text(0.98, place, "◀ your prediction", ha="right", va="center", transform=ax.get_yaxis_transform())
            else:
                said = "your\nprediction\n▼"
                ax.text(place, 0.98, said, ha="center", va="top", transform=ax.get_xaxis_transform())
            return
    raise ValueError(f"the axes must have a tick named {name!r} to mark it, got none")


def draw_line(ax: Axes, axis: str, place: float) -> None:
    """A dashed line across the axes at a place of an axis, which is widened to hold it, with its label along it."""
    upright = axis == "x"
    low, high = getattr(ax, f"get_{axis}bound")()
    getattr(ax, f"set_{axis}bound")(min(low, place), max(high, place))
    (ax.axvline if upright else ax.axhline)(place, color="black", ls="--", lw=1.5)
    where = {"rotation": 90, "va": "top", "ha": "right"} if upright else {"va": "bottom", "ha": "right"}
    x, y = (place, 0.98) if upright else (0.98, place)
    transform = ax.get_xaxis_transform() if upright else ax.get_yaxis_transform()
    ax.text(x, y, "your prediction", transform=transform, **where)


def words(value: str | float | None) -> str:
    """An answer as it is printed: a word in quotation marks, a number with at most three digits after the point."""
    if value is None:
        return "–"
    return f"“{value}”" if isinstance(value, str) else f"{round(value, 3) + 0.0:.10g}"
