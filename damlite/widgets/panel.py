"""Pictures that move: sliders over a Matplotlib figure whose artists stay and are updated."""

import asyncio
import base64
from collections.abc import Callable, Sequence

import ipywidgets
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from .. import figures

LABEL, WIDTH = {"description_width": "21em"}, "46em"
RELEASED = 0.3  # seconds without a change after which a slider counts as released


class Panel(ipywidgets.VBox):
    """Controls above a picture; its mime bundle carries a PNG, shown where no kernel runs.

    Parameters
    ----------
    fig : the figure; its layout is frozen after the first drawing
    draw : function of the controls' values, by name, that updates the figure's artists; quick
    controls : named ipywidgets; their descriptions are their labels
    description : one sentence, the picture's alt text and caption
    settle : function of the controls' values that does what is slow (fitting) and updates the artists that
        hang on it. It is called on the first drawing and when a slider has come to rest; until then
        `draw` shows them greyed out, told so by the keyword `stale=True`
    moving : the artists that `draw` changes, if few: between two settlings only they are drawn anew, on a
        kept picture of all else
    """

    def __init__(
        self,
        fig: Figure,
        draw: Callable[..., None],
        controls: dict[str, ipywidgets.ValueWidget],
        description: str,
        settle: Callable[..., None] | None = None,
        moving: Sequence[Artist] = (),
    ) -> None:
        self.fig, self.draw, self.controls, self.settle, self.moving = fig, draw, controls, settle, moving
        self.canvas = FigureCanvasAgg(fig)
        for artist in moving:
            artist.set_animated(True)  # left out of the kept picture
        self._waiting: asyncio.TimerHandle | None = None
        self.picture = ipywidgets.Image(format="png", layout=ipywidgets.Layout(max_width="100%"))
        super().__init__([*controls.values(), self.picture, ipywidgets.HTML(f"<em>{description}</em>")])
        self._show()
        fig.draw_without_rendering()
        fig.set_layout_engine("none")
        self._show()
        for control in controls.values():
            control.observe(self.update, names="value")

    @property
    def values(self) -> dict:
        """The controls' values by name."""
        return {name: control.value for name, control in self.controls.items()}

    def update(self, _change: object = None) -> None:
        """Draw anew from the controls' values; what is slow follows once they have come to rest."""
        if self.settle is None:
            self.draw(**self.values)
            return self._render()
        self.draw(**self.values, stale=True)
        self._render()
        if self._waiting is not None:
            self._waiting.cancel()
        try:
            self._waiting = asyncio.get_running_loop().call_later(RELEASED, self._show)
        except RuntimeError:  # no event loop, as in a script: nobody moves the slider any further
            self._show()

    def _show(self) -> None:
        if self.settle is None:
            self.draw(**self.values)
        else:
            self.settle(**self.values)
            self.draw(**self.values, stale=False)
        self._kept = None
        self._render()

    def _render(self) -> None:
        """The figure's picture; all but the moving artists from the kept one, as long as the axes stay."""
        limits = [(ax.get_xlim(), ax.get_ylim()) for ax in self.fig.axes]
        if self._kept is None or not self.moving or limits != self._limits:
            with figures.style():
                self.canvas.draw()
            self._kept, self._limits = self.canvas.copy_from_bbox(self.fig.bbox), limits
        else:
            self.canvas.restore_region(self._kept)
        for artist in self.moving:
            self.fig.draw_artist(artist)
        self.picture.value = figures.encode(self.canvas)

    def _repr_mimebundle_(self, **kwargs: object) -> dict:
        return with_picture(super()._repr_mimebundle_(**kwargs), self.picture)


def with_picture(bundle: dict, picture: ipywidgets.Image) -> dict:
    """A widget's mime bundle with its picture as PNG."""
    return {**bundle, "image/png": base64.b64encode(picture.value).decode()}


def veil(ax: Axes) -> Rectangle:
    """A white veil over the title of the axes, shown while its numbers are stale: cheaper than to draw it anew."""
    box = Rectangle((0, 1.01), 1.0, 0.25, transform=ax.transAxes, color="white", alpha=0.7, lw=0)
    box.set(clip_on=False, in_layout=False, visible=False, zorder=10)
    return ax.add_patch(box)


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
