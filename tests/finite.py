"""Whether a figure shows numbers only: no infinity anywhere, and nothing that is not a number."""

import re
from collections.abc import Iterator
from functools import singledispatch

import numpy as np
from matplotlib.artist import Artist
from matplotlib.collections import Collection
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.legend import Legend
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, StepPatch
from matplotlib.text import Text

NO_NUMBER = re.compile(r"(?<![a-z])(nan|inf)(?![a-z])", re.IGNORECASE)


def assert_finite(fig: Figure) -> None:
    """Fail if an axes' limits or an artist that is not hidden holds a number that is not finite."""
    for axes in fig.axes:
        assert np.isfinite([*axes.get_xlim(), *axes.get_ylim()]).all(), f"limits of {axes}"
    for artist in shown(fig):
        for numbers in numbers_of(artist):
            numbers = np.ma.filled(np.ma.asarray(numbers, dtype=float), np.nan)
            assert np.isfinite(numbers).all(), f"{artist} {artist.get_label()!r}: {numbers}"
        if isinstance(artist, Text):
            assert not NO_NUMBER.search(artist.get_text()), artist.get_text()


def shown(fig: Figure) -> Iterator[Artist]:
    """All visible artists of a figure but axes and their ticks, which hang on the limits alone."""
    for owner in (fig, *fig.axes):
        for child in owner.get_children():
            if child.get_visible():
                yield child
                yield from child.get_texts() if isinstance(child, Legend) else ()
    for axes in fig.axes:
        yield from (axes.xaxis.label, axes.yaxis.label)


@singledispatch
def numbers_of(artist: Artist) -> Iterator[object]:
    """What an artist draws, as arrays; nothing of artists that are no data."""
    yield from ()


@numbers_of.register
def _(line: Line2D) -> Iterator[object]:
    points = np.ma.filled(np.ma.asarray(line.get_xydata(), dtype=float), np.nan)
    if not (len(points) == 1 and np.isnan(points).any()):  # a single point that is no number is a mark that is hidden
        yield points


@numbers_of.register
def _(collection: Collection) -> Iterator[object]:
    yield collection.get_offsets()
    yield from (path.vertices for path in collection.get_paths())
    yield collection.get_linewidths()
    if hasattr(collection, "get_sizes"):
        yield collection.get_sizes()
    if collection.get_array() is not None:
        yield collection.get_array()


@numbers_of.register
def _(patch: Patch) -> Iterator[object]:
    yield patch.get_path().vertices
    yield patch.get_patch_transform().get_matrix()
    yield patch.get_transform().get_affine().get_matrix()


@numbers_of.register
def _(steps: StepPatch) -> Iterator[object]:
    values, edges, baseline = steps.get_data()  # its path leaves out what is not a number
    yield from (values, edges, np.zeros(0) if baseline is None else baseline)


@numbers_of.register
def _(image: AxesImage) -> Iterator[object]:
    yield image.get_array()
    yield image.get_extent()


@numbers_of.register
def _(text: Text) -> Iterator[object]:
    yield text.get_position()
