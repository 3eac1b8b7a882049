"""The guard itself: each kind of artist with a number that is none."""

import numpy as np
import pytest
import torch
from finite import assert_finite
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure
from matplotlib.transforms import Affine2D

import damlite as dl
from damlite import figures

NAN, INF = np.nan, np.inf
POINTS = np.array([0.0, 1.0, 2.0])


def broken(number):
    return np.array([0.0, number, 2.0])


def masked(axes, x):
    axes.scatter(POINTS, np.ma.masked_equal(np.where(np.isfinite(x), x, -1), -1))


SHOWN = {  # by what shows the numbers x (3,)
    "a line": lambda axes, x: axes.plot(POINTS, x),
    "a line's places": lambda axes, x: axes.plot(x, POINTS, "o"),
    "a whole line": lambda axes, x: axes.plot(POINTS, x - x + x[1]),
    "bars' heights": lambda axes, x: axes.bar(POINTS, x),
    "bars' widths": lambda axes, x: [bar.set_width(w) for bar, w in zip(axes.barh(POINTS, POINTS), x, strict=True)],
    "bars' places": lambda axes, x: [bar.set_x(w) for bar, w in zip(axes.bar(POINTS, POINTS), x, strict=True)],
    "a histogram": lambda axes, x: axes.stairs(POINTS, np.arange(4)).set_data(x),
    "a filled histogram": lambda axes, x: axes.stairs(x, np.arange(4), fill=True),
    "dots": lambda axes, x: axes.scatter(POINTS, POINTS).set_offsets(np.column_stack([POINTS, x])),
    "dots from the start": lambda axes, x: axes.scatter(POINTS, x),
    "dots that are masked": masked,
    "dots' sizes": lambda axes, x: axes.scatter(POINTS, POINTS).set_sizes(x),
    "dots' colours": lambda axes, x: axes.scatter(POINTS, POINTS, c=x),
    "stems": lambda axes, x: axes.vlines(POINTS, 0, 1).set_segments([[(0, 0), (1, y)] for y in x]),
    "error bars": lambda axes, x: axes.errorbar(POINTS, POINTS, np.abs(x)),
    "an outline": lambda axes, x: axes.add_collection(PolyCollection([np.column_stack([POINTS, x])])),
    "an area": lambda axes, x: axes.fill(POINTS, POINTS)[0].set_xy(np.column_stack([POINTS, x])),
    "a car": lambda axes, x: axes.fill(POINTS, POINTS)[0].set_transform(Affine2D().scale(x[1]) + axes.transData),
    "an image": lambda axes, x: axes.imshow(x[None]),
    "a title": lambda axes, x: axes.set_title(f"mean {x.mean():.2f} ± 1"),
    "a percentage": lambda axes, x: axes.text(0, 0, f"{x.mean():.0%} of all"),
    "a label": lambda axes, x: axes.set_xlabel(f"x{x.mean():+.1f}"),
    "a legend": lambda axes, x: (axes.plot(POINTS, label=f"mean {x.mean()}"), axes.legend()),
    "a text's place": lambda axes, x: axes.text(x[1], 0.5, "here"),
    "a text of the figure": lambda axes, x: axes.figure.suptitle(f"{x.mean()}"),
    "an annotation": lambda axes, x: axes.annotate("optimum", (1, x[1]), xytext=(1, x[1])),
}


@pytest.fixture
def axes():
    made = Figure().subplots()
    made.set(xlim=(0, 1), ylim=(0, 1))
    return made


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # Matplotlib's own, about what is drawn here
@pytest.mark.parametrize("number", [NAN, INF, -INF], ids=str)
@pytest.mark.parametrize("what", SHOWN)
def test_each_kind_of_artist_is_looked_at(axes, what, number):
    SHOWN[what](axes, broken(number))
    axes.set(xlim=(0, 1), ylim=(0, 1))
    with pytest.raises(AssertionError):
        assert_finite(axes.figure)


@pytest.mark.parametrize("what", SHOWN)
def test_finite_numbers_pass(axes, what):
    SHOWN[what](axes, broken(1.0)) if "masked" not in what else None
    assert_finite(axes.figure)


def test_a_single_point_must_not_be_infinite(axes):
    axes.plot([INF], [1.0], "o")
    axes.set(xlim=(0, 1))
    with pytest.raises(AssertionError):
        assert_finite(axes.figure)


def test_what_is_hidden_or_empty_passes(axes):
    axes.plot([NAN], [NAN], "x")  # a mark that is not to be seen now
    axes.plot([], [])
    axes.scatter([], [])
    axes.vlines([], [], [])
    axes.plot(POINTS, broken(NAN))[0].set_visible(False)
    axes.set_title("information on the nanny's infinite patience")
    assert_finite(axes.figure)


def test_limits_are_looked_at(axes):
    axes.viewLim.intervaly = (0, NAN)
    with pytest.raises(AssertionError, match="limits"):
        assert_finite(axes.figure)


def test_a_real_picture_is_looked_through():
    env = dl.IcyRoad()
    p = env.transition(torch.tensor([2.0, 0.0, 2.0, 0.0]), torch.tensor(2))
    fig, axes = figures.figure()
    samples = torch.tensor([-1.0, 0.5])
    figures.draw_next_velocity(axes[0, 0], p, p, samples, torch.tensor([1.0, -1.0]))
    assert_finite(fig)
    picture = figures.NextVelocity(axes[0, 0])
    picture.show_density("truth p", p)
    picture.show_density("model q", p)
    picture.show_weights(samples, torch.tensor([1.0, -1.0]))
    assert_finite(fig)
    picture.stems.set_segments([[(0.5, 1.0), (0.5, NAN)]])
    with pytest.raises(AssertionError):
        assert_finite(fig)
