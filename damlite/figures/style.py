"""One look for all pictures: truth is blue, the model orange, weights black; and how a figure is shown."""

import io
import math
from contextlib import AbstractContextManager
from pathlib import Path

import matplotlib.style
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from ..support import validate

SHEET = Path(__file__).with_name("damlite.mplstyle")
TRUTH, MODEL, WEIGHT, GREY = "#0072B2", "#E69F00", "#000000", "#767676"
METHOD_STYLE = {  # colour, marker and line: never colour alone
    "baseline": ("#767676", "o", ":"),
    "minvar": ("#CC79A7", "s", "-."),
    "disc": ("#009E73", "^", "--"),
    "dam": ("#D55E00", "D", "-"),
}
DYNAMICS_STYLE = {"truth": (TRUTH, "o"), "Gaussian": (MODEL, "s"), "mixture": ("#009E73", "^")}


def style() -> AbstractContextManager:
    """Our style sheet, for `with style():`."""
    return matplotlib.style.context(SHEET)


def figure(
    columns: int = 1, rows: int = 1, width: float = 8.0, height: float = 3.6, share: bool = False
) -> tuple[Figure, np.ndarray]:
    """A figure in our style and its axes (rows, columns), not known to pyplot, so that nothing shows it twice.

    share : give all axes the same limits
    """
    with style():
        fig = Figure(figsize=(width, height), layout="constrained")
        axes = fig.subplots(rows, columns, squeeze=False, sharex=share, sharey=share)
    return fig, axes


def check(ax: object, optimum: float = 0.0) -> None:
    """Raise ValueError if nothing can be drawn on this, or a road's optimum is neither a number nor NaN (not known)."""
    validate.instance("ax", ax, Axes, " of a figure")
    if not (isinstance(optimum, float | np.floating) and math.isnan(optimum)):
        validate.number("optimum", optimum)


def png(fig: Figure) -> bytes:
    """The figure as a PNG with a palette of 256 colours: the eye sees no difference, and it has a third of the size."""
    image = pixels(drawn(fig)).quantize(256, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    return packed(image, optimize=True)


def drawn(fig: Figure) -> FigureCanvasAgg:
    """A canvas with the figure on it."""
    validate.instance("fig", fig, Figure)
    with style():
        canvas = FigureCanvasAgg(fig)
        canvas.draw()
    return canvas


def encode(canvas: FigureCanvasAgg) -> bytes:
    """What is drawn on a canvas as a PNG with all its colours, packed quickly."""
    return packed(pixels(canvas), compress_level=1)


def pixels(canvas: FigureCanvasAgg) -> Image.Image:
    """What is drawn on a canvas, without transparency."""
    return Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")


def packed(image: Image.Image, **how: object) -> bytes:
    """The bytes of a PNG."""
    buffer = io.BytesIO()
    image.save(buffer, format="png", **how)
    return buffer.getvalue()


def show(fig: Figure, caption: str) -> None:
    """Display the figure in a notebook with its one-sentence description as caption and alt text."""
    from IPython import display

    display.display(display.Image(png(fig), alt=caption), display.Markdown(f"*{caption}*"))
