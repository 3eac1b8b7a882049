"""Pictures that move: controls over a Matplotlib figure whose artists stay and are updated."""

import asyncio
import base64
import hashlib
import html
import inspect
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import ipywidgets
import numpy as np
from matplotlib.artist import Artist
from matplotlib.figure import Figure

from ..support.memory import give_back
from .moving import MovingPicture
from .spoken import names

LABEL, WIDTH = {"description_width": "21em"}, "46em"
RELEASED = 0.3  # seconds without a change after which a control has come to rest
_MADE: Counter[str] = Counter()  # widgets with a lasting id, by their words
FAINT = 0.25  # of its own alpha has what is stale


class Panel(ipywidgets.VBox):
    """Controls above a picture; its mime bundle carries a PNG, shown where no kernel runs.

    The functions get the controls that they name. The panel finds by itself which artists they move, and draws only
    these anew; its layout is frozen after the first drawing.

    Parameters
    ----------
    fig : the figure
    draw : function that updates artists, quick; called on every move
    controls : named ipywidgets; their descriptions are their labels
    description : one sentence, the picture's caption and alt text
    settle : function that does what is slow (fitting), and updates the artists that hang on it. It is called at the
        first drawing, and when a control that it names has changed and come to rest. It may return a function that
        draws its result; this one is called then and on every move. What either of them touches is grey as long as
        any control that `settle` names differs from what was settled last
    """

    def __init__(
        self,
        fig: Figure,
        draw: Callable[..., None],
        controls: dict[str, ipywidgets.ValueWidget],
        description: str,
        settle: Callable[..., Callable[..., None] | None] | None = None,
    ) -> None:
        self.fig, self.draw, self.controls, self.settle, self.description = fig, draw, controls, settle, description
        self._show: Callable[..., None] | None = None  # what settle returned
        self._settled: dict | None = None  # the values that were settled last
        self._slow: set[Artist] = set()  # what hangs on them
        self._own: dict[Artist, object] = {}  # the own alpha of each artist that is grey now
        self._waiting: asyncio.TimerHandle | None = None
        self._moving = MovingPicture(fig)
        self.picture = ipywidgets.Image(format="png", layout=ipywidgets.Layout(max_width="100%"))
        self.trouble = ipywidgets.HTML()  # below all else while something has failed
        parts = [*controls.values(), self.picture, ipywidgets.HTML(f"<em>{description}</em>"), names()]
        super().__init__(parts, model_id=lasting_id(description))
        self._settle_and_draw()
        self._moving.freeze_layout()
        self._render()
        self._foresee()
        for control in controls.values():
            control.observe(self.update, names="value")

    @property
    def values(self) -> dict:
        """The controls' values by name."""
        return {name: control.value for name, control in self.controls.items()}

    @property
    def stale(self) -> bool:
        """Whether a control that `settle` names has changed since."""
        return self.settle is not None and self._settled != self._named(self.settle)

    def update(self, _change: object = None) -> None:
        """Draw anew from the controls' values; what is slow follows once they have come to rest."""
        if self._waiting is not None:
            self._waiting.cancel()
        with self._telling():
            self._draw()
            if self.stale:
                try:
                    self._waiting = asyncio.get_running_loop().call_later(RELEASED, self._rest)
                except RuntimeError:  # no event loop, as in a script: nobody moves a control any further
                    return self._rest()
                self._grey()
            self._render()

    def _rest(self) -> None:
        with self._telling():
            self._settle_and_draw()
            self._render()
            self._foresee()

    @contextmanager
    def _telling(self) -> Iterator[None]:
        """Tell what fails, the stop button too, in the panel: in JupyterLab an exception shows nowhere else."""
        others = tuple(part for part in self.children if part is not self.trouble)
        try:
            yield
        except BaseException as error:
            words = html.escape(f"{type(error).__name__}: {error}".removesuffix(": "))
            self.trouble.value = f"<b>The picture is not of these values.</b> {words}. The next move tries again."
            self.children = (*others, self.trouble)
            raise
        if self.trouble in self.children:
            self.children = others

    def _foresee(self) -> None:
        """Draw grey letters now, while nobody waits for them."""
        self._grey()
        self._moving.prepare()
        self._restore()

    def _settle_and_draw(self) -> None:
        if self.stale:
            self._restore()
            values, self._settled = self._named(self.settle), None  # stays None if it fails
            self._show = self._call_slow(self.settle)
            self._settled = values
        self._draw()

    def _draw(self) -> None:
        self._restore()
        self._moving.watch(self.draw, **self._named(self.draw))
        if self._show is not None:
            self._call_slow(self._show)

    def _call_slow(self, function: Callable) -> object:
        returned, touched = self._moving.watch(function, **self._named(function))
        self._slow |= touched
        return returned

    def _named(self, function: Callable) -> dict:
        """The values of the controls that a function names; what has a default need not be one."""
        names, values = inspect.signature(function).parameters, self.values
        unknown = [name for name, one in names.items() if name not in values and one.default is one.empty]
        if unknown:
            raise ValueError(f"{function.__name__} must name controls ({', '.join(values)}), got {', '.join(unknown)}")
        return {name: value for name, value in values.items() if name in names}

    def _grey(self) -> None:
        self._own = {artist: artist.get_alpha() for artist in self._slow}
        self._moving.fade({a: FAINT if own is None else np.multiply(FAINT, own) for a, own in self._own.items()})

    def _restore(self) -> None:
        own, self._own = self._own, {}
        self._moving.fade(own)

    def _render(self) -> None:
        self.picture.value = self._moving.png()
        give_back()

    def _repr_mimebundle_(self, **kwargs: object) -> tuple[dict, dict]:
        return with_picture(super()._repr_mimebundle_(**kwargs), self.picture, self.description)


def lasting_id(words: str) -> str:
    """A widget's id, the same in every run of a notebook: of its words, and how many with the same came before."""
    _MADE[words] += 1
    return hashlib.md5(f"{words} {_MADE[words]}".encode()).hexdigest()


def with_picture(bundle: dict, picture: ipywidgets.Image, description: str) -> tuple[dict, dict]:
    """A widget's mime bundle with its picture as PNG, and the metadata with the picture's alt text."""
    png = base64.b64encode(picture.value).decode()
    return {**bundle, "image/png": png, "text/plain": description}, {"image/png": {"alt": description}}


def player(panel: Panel, control: str, interval: int) -> Panel:
    """Put a player above the panel that moves one of its sliders, a step every `interval` milliseconds."""
    slider = panel.controls[control]
    play = ipywidgets.Play(
        min=slider.min, max=slider.max, value=slider.value, interval=interval, repeat=True, description="play"
    )
    ipywidgets.jslink((play, "value"), (slider, "value"))
    panel.children = (play, *panel.children)
    return panel


def slider(label: str, unit: str, value: float, low: float, high: float, step: float) -> ipywidgets.ValueWidget:
    """A slider with a label and a unit, in our width; of whole numbers if all of its own are int."""
    whole = all(isinstance(number, int) for number in (value, low, high, step))
    return (ipywidgets.IntSlider if whole else ipywidgets.FloatSlider)(
        value=value,
        min=low,
        max=high,
        step=step,
        description=f"{label} ({unit})",
        style=LABEL,
        layout=ipywidgets.Layout(width=WIDTH, max_width="100%"),
    )


def dropdown(label: str, options: list, value: object) -> ipywidgets.Dropdown:
    """A choice with a label, in line with the sliders."""
    return ipywidgets.Dropdown(
        options=options, value=value, description=label, style=LABEL, layout=ipywidgets.Layout(width=WIDTH)
    )
