"""The panel itself, on a small figure: what moves, what is grey and when, and the picture in the end."""

import asyncio
import io
import sys
from collections import Counter

import numpy as np
import pytest
from IPython.core.formatters import DisplayFormatter
from matplotlib.collections import PathCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.text import Text
from PIL import Image

from damlite import figures
from damlite.lessons import panel as panels
from damlite.lessons.moving import MovingPicture
from damlite.lessons.panel import FAINT, Panel, dropdown, player, slider


class Small:
    """A panel with one artist of each kind; it writes down what is called."""

    def __init__(self):
        self.calls, self.fail = [], None
        self.fig, ((self.left, self.right),) = figures.figure(2, width=7)
        self.left.set(xlim=(0, 10), ylim=(0, 10))
        self.right.set(xlim=(0, 10), ylim=(0, 10))
        (self.quick,) = self.left.plot([0, 10], [0, 0], lw=6, label="quick")
        self.still = self.left.axhline(5, color="black", lw=4, label="still")
        self.left.legend(loc="upper right")
        self.twin = self.left.twinx()
        self.twin.set(ylim=(0, 1))
        (self.over,) = self.twin.plot([0, 10], [0.5, 0.5], "--", color="red", lw=3, alpha=0.8)
        self.dots = self.right.scatter([], [], s=100, alpha=0.5)
        self.bars = self.right.bar([2, 8], [1, 1])
        self.word = self.right.text(5, 5, "", size=20)
        (self.shown,) = self.right.plot([0, 10], [1, 1], "k:")
        controls = {
            "height": slider("height", "units", 4, 0, 10, 1),
            "number": slider("number", "units", 3.0, 1.0, 9.0, 1.0),
            "word": dropdown("word", ["one", "two"], "one"),
        }
        self.panel = Panel(self.fig, self.draw, controls, "What it is.", self.settle)

    def draw(self, height, word):
        self.calls.append(("draw", height, word))
        self.quick.set_ydata([0, height])
        if self.fail == "draw":
            raise RuntimeError("draw failed")
        self.word.set(text=word, alpha=0.6 if word == "one" else None)
        self.over.set_ydata([height / 10, 0.5])

    def settle(self, number):
        self.calls.append(("settle", number))
        self.bars[0].set_height(number)
        if self.fail == "settle":
            raise RuntimeError("settle failed")
        self.dots.set_offsets([[number, 1], [number, 9]])
        self.right.title.set_text(f"number {number:g}")

        def show(height):
            self.calls.append(("show", height, number))
            self.shown.set_ydata([height, number])

        return show

    @property
    def slow(self):
        return [self.bars[0], self.dots, self.right.title, self.shown]


OWN = [None, 0.5, None, None]  # the alphas of what is slow


@pytest.fixture
def small():
    made = Small()
    yield made
    made.panel.close_all()


def pixels(png):
    return np.asarray(Image.open(io.BytesIO(png))).astype(int)


def alphas(artists):
    return [artist.get_alpha() for artist in artists]


def drawn_anew(panel):
    """The figure drawn by Matplotlib from scratch."""
    for axes in panel.fig.axes:
        for artist in axes.get_children():
            artist.set_animated(False)
    return pixels(figures.encode(figures.drawn(panel.fig)))


async def rest():
    await asyncio.sleep(panels.RELEASED + 0.05)


def test_what_the_functions_touch_is_found_and_no_more(small):
    moving = small.panel._moving.moving
    assert moving == {small.quick, small.over, small.word, *small.slow}
    assert small.still not in moving
    assert small.bars[1] not in moving


@pytest.mark.parametrize(("name", "value"), [("height", 9), ("number", 7.0), ("word", "two")])
def test_the_picture_is_what_matplotlib_draws_from_scratch(small, name, value):
    before = small.panel.picture.value
    small.panel.controls[name].value = value
    seen = pixels(small.panel.picture.value)
    assert np.abs(seen - pixels(before)).max() > 50
    assert np.abs(seen - drawn_anew(small.panel)).max() <= 2  # letters are blended in from a copy


def test_what_is_grey_is_drawn_as_from_scratch(small):
    async def move():
        small.panel.controls["number"].value = 7.0
        return pixels(small.panel.picture.value)

    seen = asyncio.run(move())
    assert np.abs(seen - drawn_anew(small.panel)).max() <= 2


def test_away_and_back_is_the_same_picture(small):
    before = small.panel.picture.value
    for name, value in (("height", 9), ("number", 7.0), ("word", "two")):
        control = small.panel.controls[name]
        first, control.value = control.value, value
        assert small.panel.picture.value != before
        control.value = first
        assert small.panel.picture.value == before


def test_functions_get_what_they_name_and_settle_is_called_only_when_that_has_changed(small):
    assert small.calls == [("settle", 3.0), ("draw", 4, "one"), ("show", 4, 3.0)]
    small.calls.clear()
    small.panel.controls["height"].value = 9
    small.panel.controls["word"].value = "two"
    assert small.calls == [("draw", 9, "one"), ("show", 9, 3.0), ("draw", 9, "two"), ("show", 9, 3.0)]
    small.calls.clear()
    small.panel.controls["number"].value = 7.0
    assert small.calls[-3:] == [("settle", 7.0), ("draw", 9, "two"), ("show", 9, 7.0)]
    assert [call for call in small.calls if call[0] == "settle"] == [("settle", 7.0)]


def test_what_is_slow_is_grey_until_the_controls_rest(small, monkeypatch):
    monkeypatch.setattr(panels, "RELEASED", 0.1)

    async def move():
        small.panel.controls["height"].value = 9  # which settle does not name
        assert alphas(small.slow) == OWN
        small.panel.controls["number"].value = 6.0
        small.panel.controls["number"].value = 7.0
        small.panel.controls["height"].value = 8
        small.panel.controls["word"].value = "two"
        grey = alphas(small.slow), alphas([small.quick, small.over, small.word, small.bars[1]])
        assert small.panel.stale
        assert ("settle", 7.0) not in small.calls
        await rest()
        return grey

    (slow, quick) = asyncio.run(move())
    assert slow == [FAINT, FAINT * 0.5, FAINT, FAINT]
    assert quick == [None, 0.8, None, None]
    assert alphas(small.slow) == OWN
    assert [call for call in small.calls if call[0] == "settle"] == [("settle", 3.0), ("settle", 7.0)]
    assert small.bars[0].get_height() == 7.0
    assert not small.panel.stale


def test_what_moves_back_before_it_rests_was_never_stale(small, monkeypatch):
    monkeypatch.setattr(panels, "RELEASED", 0.1)
    before = small.panel.picture.value

    async def move():
        small.panel.controls["number"].value = 7.0
        small.panel.controls["number"].value = 3.0
        assert alphas(small.slow) == OWN
        assert small.panel.picture.value == before
        small.calls.append("at rest")
        await rest()

    asyncio.run(move())
    assert small.calls[-1] == "at rest"
    assert [call for call in small.calls if call[0] == "settle"] == [("settle", 3.0)]


def test_an_alpha_that_draw_sets_itself_is_kept_and_greyed(small):
    line, text = small.shown, small.right.title

    def draw(height):
        line.set_alpha(height / 10)
        text.set_alpha(None if height == 4 else [0.2, 0.9][height % 2])

    small.panel.draw = draw

    async def move():
        small.panel.controls["number"].value = 7.0
        first = alphas([line, text])
        small.panel.controls["height"].value = 9
        second = alphas([line, text])
        small.panel.controls["number"].value = 3.0
        return first, second, alphas([line, text])

    first, second, last = asyncio.run(move())
    assert first == pytest.approx([0.4 * FAINT, FAINT])
    assert second == pytest.approx([0.9 * FAINT, 0.9 * FAINT])
    assert last == [0.9, 0.9]


def test_alphas_of_many_are_greyed_one_by_one(small):
    small.dots.set_alpha([0.2, 0.8])
    small.panel.controls["height"].value = 5

    async def move():
        small.panel.controls["number"].value = 7.0
        return np.array(small.dots.get_alpha())

    assert asyncio.run(move()) == pytest.approx([0.2 * FAINT, 0.8 * FAINT])
    small.panel.controls["number"].value = 3.0
    assert list(small.dots.get_alpha()) == [0.2, 0.8]


@pytest.mark.parametrize("moved", ["height", "number"])
def test_after_an_exception_the_next_move_is_right(small, moved):
    value = {"height": 9, "number": 7.0}[moved]
    small.fail = {"height": "draw", "number": "settle"}[moved]
    with pytest.raises(RuntimeError, match="failed"):
        small.panel.controls[moved].value = value
    small.fail = None
    assert alphas(small.slow) == OWN
    other = Small()
    small.panel.controls[moved].value = other.panel.controls[moved].value
    assert small.panel.picture.value == other.panel.picture.value
    for panel in (small.panel, other.panel):
        panel.controls[moved].value = value
    assert small.panel.picture.value == other.panel.picture.value


@pytest.mark.parametrize("error", [RuntimeError("a < b"), KeyboardInterrupt()])
@pytest.mark.parametrize(("moved", "function"), [("height", "draw"), ("number", "settle")])
def test_what_fails_is_told_in_the_panel_until_a_move_succeeds(small, monkeypatch, moved, function, error):
    """As JupyterLab moves a control: by a message, whose exception nobody sees."""
    panel, before, value = small.panel, small.panel.children, {"height": 9, "number": 7.0}[moved]
    working = getattr(panel, function)

    def failing(height=None, number=None):
        working(**({"height": height, "word": "one"} if function == "draw" else {"number": number}))
        raise error

    setattr(panel, function, failing)
    with pytest.raises(type(error)):
        panel.controls[moved].set_state({"value": value})
    assert panel.children == (*before, panel.trouble)
    told = {RuntimeError: "RuntimeError: a &lt; b.", KeyboardInterrupt: "KeyboardInterrupt."}[type(error)]
    assert told in panel.trouble.value and "not of these values" in panel.trouble.value
    setattr(panel, function, working)
    panel.controls["word"].set_state({"index": 1})
    other = Small().panel
    other.controls[moved].value, other.controls["word"].value = value, "two"
    assert panel.children == before
    assert panel.picture.value == other.picture.value


def test_what_fails_at_rest_is_told_in_the_panel_too(small, monkeypatch):
    monkeypatch.setattr(panels, "RELEASED", 0.1)
    small.fail, failed = "settle", []

    async def move():
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: failed.append(context["exception"]))
        small.panel.controls["number"].value = 7.0
        assert small.panel.trouble not in small.panel.children
        await rest()
        assert small.panel.trouble in small.panel.children and small.panel.stale
        small.fail = None
        small.panel.controls["height"].value = 5
        await rest()

    asyncio.run(move())
    assert [str(error) for error in failed] == ["settle failed"]
    assert small.panel.trouble not in small.panel.children and not small.panel.stale


def test_what_failed_while_it_was_grey_gets_its_alpha_back(small):
    async def move():
        small.panel.controls["number"].value = 7.0
        small.fail = "draw"
        with pytest.raises(RuntimeError):
            small.panel.controls["height"].value = 9
        small.fail = None
        small.panel.controls["height"].value = 4
        return alphas(small.slow)

    assert asyncio.run(move()) == [FAINT, FAINT * 0.5, FAINT, FAINT]
    small.panel.controls["number"].value = 3.0
    assert alphas(small.slow) == OWN
    assert small.panel.picture.value == Small().panel.picture.value


def test_a_control_that_does_not_exist_is_named():
    def draw(heihgt, line=None):
        pass

    with pytest.raises(ValueError, match=r"draw must name controls \(height\), got heihgt"):
        Panel(figures.figure()[0], draw, {"height": slider("height", "units", 4, 0, 10, 1)}, "It.")


def test_a_panel_without_anything_slow_is_drawn_at_once():
    fig, axes = figures.figure()
    (line,) = axes[0, 0].plot([0, 1], [0, 1])
    panel = Panel(fig, lambda y: line.set_ydata([0, y]), {"y": slider("y", "units", 0.5, 0.0, 1.0, 0.1)}, "It.")
    before = panel.picture.value

    async def move():
        panel.controls["y"].value = 0.9
        return panel.stale

    assert not asyncio.run(move())
    assert panel.picture.value != before
    assert panel.values == {"y": 0.9}


@pytest.mark.parametrize("layout", [None, "tight", "constrained"])
def test_a_figure_of_ones_own_is_laid_out_as_it_says_and_once(layout):
    fig = Figure(layout=layout)
    axes = fig.subplots()
    (line,) = axes.plot([0, 1], [0, 1])
    default = axes.get_position().bounds
    panel = Panel(fig, lambda y: line.set_ydata([0, y]), {"y": slider("y", "1", 0.5, 0.0, 1.0, 0.1)}, "A line.")
    before, place = panel.picture.value, axes.get_position().bounds
    assert (place == default) == (layout is None)
    axes.set_ylabel("two\nlines", size=30)
    panel.controls["y"].value = 0.9
    assert panel.picture.value != before
    assert axes.get_position().bounds == place


def moved(change):
    """A picture of a line whose `change` is called between two drawings; how many times all was drawn, and both."""
    fig, axes = figures.figure()
    (line,) = axes[0, 0].plot([0, 1], [0, 1], label="line")
    axes[0, 0].set(xlim=(0, 1), ylim=(0, 1), xlabel="x")
    axes[0, 0].legend()
    picture = MovingPicture(fig)
    picture.watch(lambda: line.set_ydata([0, 0.5]))
    picture.freeze_layout()
    before = picture.png()
    drawn = []
    draw = picture.canvas.draw
    picture.canvas.draw = lambda: (drawn.append(1), draw())
    picture.watch(lambda: change(axes[0, 0], line))
    after = pixels(picture.png())
    for artist in axes[0, 0].get_children():
        artist.set_animated(False)
    assert np.abs(after - pixels(figures.encode(figures.drawn(fig)))).max() <= 2
    return len(drawn), np.abs(after - pixels(before)).max()


CHANGES = {
    "the line": (0, lambda axes, line: line.set_ydata([1, 0])),
    "the same limits": (0, lambda axes, line: (line.set_ydata([1, 0]), axes.set_ylim(0, 1))),
    "limits": (1, lambda axes, line: axes.set_ylim(-1, 2)),
    "a scale": (1, lambda axes, line: axes.set_xscale("symlog")),
    "ticks": (1, lambda axes, line: axes.set_xticks([0.2, 0.8])),
    "labels of ticks": (1, lambda axes, line: axes.set_xticks([0.2, 0.8], ["a", "b"])),
    "a label": (1, lambda axes, line: axes.set_xlabel("y")),
    "a text of the legend": (1, lambda axes, line: axes.get_legend().get_texts()[0].set_text("another")),
    "a new legend": (1, lambda axes, line: axes.legend(loc="lower right")),
    "a title": (1, lambda axes, line: axes.set_title("new")),
    "a new line": (1, lambda axes, line: axes.plot([0, 1], [0.3, 0.3])),
    "a line that goes": (1, lambda axes, line: line.remove()),
    "a line that hides": (0, lambda axes, line: line.set_visible(False)),
    "the axes' colour": (1, lambda axes, line: axes.set_facecolor("yellow")),
    "axes that hide": (1, lambda axes, line: axes.set_visible(False)),
    "axes without axis": (1, lambda axes, line: axes.set_axis_off()),
}


@pytest.mark.parametrize("what", CHANGES)
def test_what_changes_is_drawn_and_all_else_only_when_it_must_be(what):
    times, change = CHANGES[what]
    drawn, difference = moved(change)
    assert drawn == times
    assert difference > 50


@pytest.mark.parametrize(("name", "value"), [("height", 9), ("number", 7.0)])
def test_letters_that_stay_or_turn_grey_are_not_drawn_again(small, monkeypatch, name, value):
    small.panel.controls["number"].value = 5.0  # settled
    drawn = []
    draw = Text.draw

    def count(text, renderer):
        drawn.append(text)
        return draw(text, renderer)

    async def move():
        small.panel.controls[name].value = value
        return list(drawn)

    monkeypatch.setattr(Text, "draw", count)
    assert asyncio.run(move()) == [small.word]  # which is set every time


def test_lines_and_dots_are_artists_of_the_figure_as_before(small):
    kinds = [type(artist) for artist in small.right.get_children()]
    small.panel.controls["number"].value = 7.0
    assert [type(artist) for artist in small.right.get_children()] == kinds
    assert {Line2D, PathCollection} <= set(kinds)


def test_a_saved_notebook_gets_the_picture_and_its_description(small):
    data, metadata = DisplayFormatter().format(small.panel)
    assert "application/vnd.jupyter.widget-view+json" in data
    assert len(data["image/png"]) > 1000
    assert data["text/plain"] == "What it is."
    assert metadata["image/png"]["alt"] == "What it is."


def test_a_player_moves_its_slider_from_above(small):
    assert player(small.panel, "height", 400) is small.panel
    play, height = small.panel.children[:2]
    assert height is small.panel.controls["height"]
    assert (play.min, play.max, play.value, play.interval) == (0, 10, 4, 400)


def test_a_slider_of_whole_numbers_has_whole_numbers():
    assert isinstance(slider("n", "units", 1, 0, 2, 1).value, int)
    assert isinstance(slider("x", "units", 1, 0, 2, 0.5).value, float)
    assert slider("x", "lengths", 1.0, 0.0, 2.0, 0.5).description == "x (lengths)"


def test_ids_are_the_same_in_every_run_and_for_each_widget_its_own(monkeypatch):
    runs = []
    for _ in range(2):
        monkeypatch.setattr(panels, "_MADE", Counter())
        runs.append([panels.lasting_id(words) for words in ("a picture", "another", "a picture")])
    assert runs[0] == runs[1]
    assert len(set(runs[0])) == 3


@pytest.mark.skipif(sys.platform != "linux", reason="other systems' C libraries give memory back by themselves")
def test_a_move_gives_free_memory_back(small):
    """60 MB in pieces that the C library takes from its heap, and one above them that stays."""
    from panels_at_random import held

    pieces = [np.ones(7_500) for _ in range(1_000)]
    top, before = np.ones(7_500), held()
    del pieces
    small.panel.controls["height"].value = 7
    assert before - held() > 40
    assert top.all()
