"""A Matplotlib figure whose artists stay: it finds which of them move, and keeps the picture of the rest."""

from collections.abc import Callable, Iterator

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.backends.backend_agg import FigureCanvasAgg, RendererAgg
from matplotlib.figure import Figure
from matplotlib.legend import Legend
from matplotlib.spines import Spine
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from ..figures.style import encode, style

LETTERS = Text | Legend  # they are slow to draw, and most stay the same


class MovingPicture:
    """Draws a figure again and again, and each time only what has moved and what lies over it.

    Matplotlib marks an artist as stale when something of it is set; `watch` reads these marks.

    Parameters
    ----------
    fig : the figure
    """

    def __init__(self, fig: Figure) -> None:
        self.fig, self.canvas = fig, FigureCanvasAgg(fig)
        self.moving: set[Artist] = set()
        self._kept: object | None = None  # the picture of what does not move; None: out of date
        self._frame: list = []  # what the kept picture was drawn with
        self._above: list[Artist] = []  # what is drawn on the kept picture
        self._sprites: dict[Artist, dict[str, Sprite]] = {}  # of each text and legend, by its alphas
        self._blank: RendererAgg | None = None

    def watch(self, function: Callable, /, **values: object) -> tuple[object, set[Artist]]:
        """Call a function, and return what it returns and the artists that it touched."""
        for artist in leaves(self.fig):
            artist.stale = False
        touched: set[Artist] = set()
        try:
            returned = function(**values)
        finally:  # also what a function touched before it failed has moved
            after = leaves(self.fig)
            touched.update(artist for artist in after if artist.stale)
            drawn = {after[artist] for artist in touched}
            self._moved(drawn)
            for artist in drawn:
                self._sprites.pop(artist, None)
        return returned, touched

    def fade(self, alphas: dict[Artist, object]) -> None:
        """Set the alpha of each artist."""
        for artist, alpha in alphas.items():
            artist.set_alpha(alpha)
        if alphas:
            drawn = leaves(self.fig)
            self._moved({drawn[artist] for artist in alphas if artist in drawn})

    def _moved(self, drawn: set[Artist | None]) -> None:
        """Take note of what is to be drawn anew; None: everything."""
        if not drawn <= self.moving:
            self._kept = None
        self.moving |= drawn - {None}

    def freeze_layout(self) -> None:
        """Lay the figure out, and let nothing that comes later move its axes."""
        if engine := self.fig.get_layout_engine():
            with style():
                for _ in range(2):  # ticks follow from the first layout, and the second makes room for them
                    engine.execute(self.fig)
        self.fig.set_layout_engine("none")
        self._kept = None

    def png(self) -> bytes:
        """The figure as it is now, as a PNG."""
        if self._kept is None or list(look(self.fig)) != self._frame:
            self._keep()
        else:
            self.canvas.restore_region(self._kept)
        for artist in self._above:
            if isinstance(artist, LETTERS):
                self._sprite(artist).paste(self.canvas)
            else:
                self.fig.draw_artist(artist)
        return encode(self.canvas)

    def prepare(self) -> None:
        """Draw in advance what is slow to draw, as it is now; a later picture finds it done."""
        for artist in self._above:
            if isinstance(artist, LETTERS):
                self._sprite(artist)

    def _keep(self) -> None:
        """Draw what does not move, and keep its picture."""
        self._sprites.clear()
        for artist in self._above:
            artist.set_animated(False)
        self._above = list(above(self.fig, self.moving))
        for artist in self._above:
            artist.set_animated(True)  # left out of the kept picture
        with style():
            self.canvas.draw()
        self._kept, self._frame = self.canvas.copy_from_bbox(self.fig.bbox), list(look(self.fig))

    def _sprite(self, artist: Text | Legend) -> "Sprite":
        """The picture of a text or legend, drawn once for all times that it looks so."""
        alphas = str([part.get_alpha() for part in (artist, *parts(artist))])
        known = self._sprites.setdefault(artist, {})
        if alphas not in known:
            width, height = self.canvas.get_width_height(physical=True)
            self._blank = self._blank or RendererAgg(width, height, self.fig.dpi)
            self._blank.clear()
            artist.draw(self._blank)
            known[alphas] = Sprite(np.asarray(self._blank.buffer_rgba()))
        return known[alphas]


class Sprite:
    """A part of a picture, to be pasted on others.

    Parameters
    ----------
    pixels : array (H, W, 4) with alpha; only its bounding box is kept
    """

    def __init__(self, pixels: np.ndarray) -> None:
        self.box = tuple(
            slice(*(seen[[0, -1]] + [0, 1])) if len(seen := pixels[..., 3].any(axis).nonzero()[0]) else slice(0)
            for axis in (1, 0)
        )
        part = pixels[self.box].astype(np.float32)
        self.alpha = part[..., 3:] / 255
        self.colour = part[..., :3] * self.alpha + 0.5  # half a level, so that cutting off rounds

    def paste(self, canvas: FigureCanvasAgg) -> None:
        """Blend it over what is drawn on a canvas."""
        under = np.asarray(canvas.buffer_rgba())[self.box][..., :3]
        under[:] = self.colour + under * (1 - self.alpha)


def leaves(fig: Figure) -> dict[Artist, Artist | None]:
    """Every artist that a function may touch, and what must be drawn anew then; None: everything."""
    found: dict[Artist, Artist | None] = {}
    for owner in (fig, *fig.axes):
        for child in owner.get_children():
            if isinstance(child, Axis):
                found.update(dict.fromkeys((child.label, child.offsetText)))
            elif not isinstance(child, Axes | Spine):
                found.update(dict.fromkeys((child, *parts(child)), child))
        found[owner.patch] = None
    return found


def parts(artist: Artist) -> tuple[Artist, ...]:
    """What a legend shows; nothing for other artists."""
    if not isinstance(artist, Legend):
        return ()
    return (*artist.get_texts(), *artist.legend_handles, artist.get_title(), artist.get_frame())


def look(fig: Figure) -> Iterator[object]:
    """What the kept picture hangs on besides its artists: which there are, and the axes with limits and ticks."""
    yield fig.get_children()
    for ax in fig.axes:
        yield ax.get_children(), ax.get_visible(), ax.axison, ax.bbox.bounds
        for axis in (ax.xaxis, ax.yaxis):
            yield tuple(axis.get_view_interval()), axis.get_scale()
            yield from ((ticks.locator, ticks.formatter) for ticks in (axis.major, axis.minor))


def above(fig: Figure, moving: set[Artist]) -> Iterator[Artist]:
    """What moves, and what lies over it in the same place, in Matplotlib's order of drawing."""
    places: list[Bbox] = []  # the axes in which something moves, so far
    for part in in_order(fig):
        if part in moving:
            yield part
        if not isinstance(part, Axes) or not part.get_visible():
            continue
        fixed = {part.patch, *(child for child in part.get_children() if isinstance(child, Axis))}
        if not part.axison:
            fixed.update(part.spines.values())
        for artist in in_order(part):
            if artist in moving:
                places.append(part.bbox)
            if artist in moving or (artist not in fixed and any(part.bbox.overlaps(place) for place in places)):
                yield artist


def in_order(owner: Figure | Axes) -> list[Artist]:
    """The children of a figure or axes, the lowest first."""
    return sorted(owner.get_children(), key=Artist.get_zorder)
