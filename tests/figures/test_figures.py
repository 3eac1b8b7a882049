"""Pictures: what they show, that every number in them is one, and how they are shown."""

import base64
import io

import IPython.display
import numpy as np
import pandas as pd
import pytest
import torch
from finite import assert_finite
from PIL import Image

import damlite as dl
from damlite import figures
from damlite.results import choices, table1

STATE, ACCELERATE = torch.tensor([2.0, 0.0, 2.0, 0.0]), torch.tensor(2)


@pytest.fixture
def axes():
    return figures.figure()[1][0, 0]


@pytest.fixture(scope="module")
def turns():
    """One episode (26, 10) with the oncoming car turning left, which ends in a crash, and one with it turning right."""
    env = dl.Intersection()
    cruise = [dl.collect(side, lambda s, t, g: torch.ones(1).long(), episodes=1) for side in env.sides()]
    return [torch.cat([data.state[0], data.next_state[0, -1:]]) for data in cruise]


def pixels(png):
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).astype(int)


def test_a_figure_is_drawn_in_our_style_and_packed(axes):
    with figures.style():
        axes.plot([0, 1], [0, 1], label="line")
        axes.set(xlabel="x", title="title")
        axes.legend()
    texts = [axes.title, axes.xaxis.label, *axes.get_xticklabels(), *axes.get_legend().get_texts()]
    assert min(text.get_size() for text in texts) >= 11
    whole, light = figures.encode(figures.drawn(axes.figure)), figures.png(axes.figure)
    assert pixels(whole).shape == (360, 800, 3)
    assert (pixels(whole) == np.asarray(axes.figure.canvas.buffer_rgba())[..., :3]).all()
    assert len(light) < len(whole)
    assert np.abs(pixels(light) - pixels(whole)).max() < 16  # fewer colours, and none that is much off


def test_methods_and_dynamics_differ_in_more_than_colour():
    for looks in (figures.METHOD_STYLE.values(), figures.DYNAMICS_STYLE.values()):
        for same in zip(*looks, strict=True):
            assert len(set(same)) == len(looks)


def test_show_gives_caption_and_alt_text(axes, monkeypatch):
    shown = []
    monkeypatch.setattr(IPython.display, "display", lambda *things: shown.extend(things))
    figures.show(axes.figure, "Two lines.")
    image, caption = shown
    data, metadata = image._repr_mimebundle_()
    assert metadata["image/png"]["alt"] == "Two lines."
    assert pixels(base64.b64decode(data["image/png"])).shape == (360, 800, 3)
    assert caption.data == "*Two lines.*"


def test_densities_are_those_of_the_mixtures_and_weights_point_up_or_down(axes):
    env = dl.IcyRoad()
    p, q = env.transition(STATE, ACCELERATE), env.transition(STATE, torch.tensor(1))
    picture = figures.NextVelocity(axes)
    picture.show_density("truth p", p)
    picture.show_density("model q", q)
    picture.show_weights(torch.tensor([-1.0, 0.5, 2.0]), torch.tensor([1.0, -1.0, -100.0]))
    for name, mixture in (("truth p", p), ("model q", q)):
        x, y = picture.lines[name].get_data()
        np.testing.assert_allclose(y, mixture.marginal(3).log_prob(torch.as_tensor(x)).exp(), rtol=1e-5, atol=1e-12)
    up, down = (head.get_xydata() for head in picture.heads)
    np.testing.assert_allclose(up, [[-1.0, np.e]])
    np.testing.assert_allclose(down, [[0.5, 1 / np.e], [2.0, figures.LOG_FLOOR]])
    assert [path.vertices[1, 1] for path in picture.stems.get_paths()] == pytest.approx([*up[:, 1], *down[:, 1]])
    assert_finite(axes.figure)
    picture.show_weights(torch.tensor([0.5]), torch.tensor([-1.0]))
    assert np.isnan(picture.heads[0].get_xydata()).all()  # none points up any longer
    assert_finite(axes.figure)


def test_figure_2_right_shows_samples_with_both_weights(env, generator):
    model, disc = dl.DynamicsModel(env, 1, generator=generator), dl.Discriminator(env, generator=generator)
    fig = figures.figure2_right(env, model, disc, samples=7)
    assert [ax.get_title() for ax in fig.axes[:2]] == ["weights from the discriminator", "weights from the exact ratio"]
    assert [len(ax.collections[0].get_paths()) for ax in fig.axes[2:]] == [7, 7]
    assert_finite(fig)


def test_one_choice_is_drawn_for_as_many_roads_as_there_are():
    rows = [("IcyRoad", "truth", "particles", v, run, 1.0 * run) for v in ("20", "1") for run in range(3)]
    table = pd.DataFrame(rows, columns=["road", "dynamics", "ablation", "variant", "run", "return"])
    fig = figures.beyond(choices.summarise(table), "particles")
    assert [ax.get_title() for ax in fig.axes] == ["IcyRoad"]
    assert_finite(fig)


def test_cars_on_the_icy_road_end_in_a_mark(axes, env, random_data):
    figures.draw_episodes(axes, env, random_data.select(torch.arange(3)), "random")
    paths, cars = axes.lines[2::2], axes.lines[3::2]
    assert len(paths) == len(cars) == 3
    for path, car in zip(paths, cars, strict=True):
        np.testing.assert_array_equal(path.get_xydata()[-1], car.get_xydata()[0])
    assert axes.get_title().startswith("random\nreturn ")
    assert_finite(axes.figure)


def test_a_crash_is_marked_where_it_is(axes, turns):
    env = dl.Intersection()
    crossing = figures.Crossing(axes, env)
    crashed = int(env.crashed(turns[0]).int().argmax())
    crossing.show(turns[0][: crashed + 1])
    middle = (turns[0][crashed, :2] + turns[0][crashed, 5:7]) / 2
    np.testing.assert_allclose(crossing.crash.get_xydata(), [middle.tolist()])
    assert_finite(axes.figure)
    crossing.show(turns[0][:crashed])
    assert np.isnan(crossing.crash.get_xydata()).all()
    for path, states in zip(crossing.paths, (turns[0][:crashed, :2], turns[0][:crashed, 5:7]), strict=True):
        np.testing.assert_array_equal(path.get_xydata(), states)
    assert_finite(axes.figure)


def test_figure_2_left_and_its_animation(turns):
    env = dl.Intersection()
    fig = figures.figure2_left(env, turns, step=5)
    assert [len(ax.lines[4].get_xydata()) for ax in fig.axes] == [6, 6]
    assert_finite(fig)
    short = [states[:3] for states in turns]
    film = Image.open(io.BytesIO(figures.animate(env, short)))
    durations = []
    for frame in range(film.n_frames):
        film.seek(frame)
        durations.append(film.info["duration"])
    assert durations == [200, 200, 1500]


def test_both_turns_may_be_one_tensor_and_weights_a_list(turns, axes, env):
    short = [states[:3] for states in turns]
    drawn = [figures.figure2_left(dl.Intersection(), paths, 2) for paths in (short, torch.stack(short))]
    for one, other in zip(*(fig.axes for fig in drawn), strict=True):
        np.testing.assert_array_equal(one.lines[4].get_xydata(), other.lines[4].get_xydata())
    picture = figures.NextVelocity(axes)
    picture.show_weights([-1.0, 0.5], [1.0, -1.0])
    np.testing.assert_allclose([head.get_xydata()[0] for head in picture.heads], [[-1, np.e], [0.5, 1 / np.e]])


def test_an_optimum_that_is_not_known_may_be_of_any_kind(axes):
    returns = pd.DataFrame({"round": [1], "return": [2.0], "method": ["dam"]})
    for unknown in (float("nan"), np.float32("nan")):
        figures.draw_rounds(axes, returns, unknown)


@pytest.mark.parametrize(("road", "size"), [(dl.IcyRoad(), (192, 480, 3)), (dl.Intersection(), (400, 400, 3))])
def test_every_road_has_a_picture(road, size):
    state = road.initial_state()
    seen = figures.render(road, state)
    assert (seen.shape, seen.dtype) == (size, np.uint8)
    assert seen.std() > 1
    state[0] += 1.0
    assert (figures.render(road, state) != seen).any()


def test_what_is_no_road_has_no_picture():
    class Elsewhere(dl.Environment):
        pass

    with pytest.raises(ValueError, match=r"env must be a road that can be drawn.*got an Elsewhere"):
        figures.render(Elsewhere(), torch.zeros(4))


def test_the_eight_cells_stand_beside_the_papers():
    returns = table1.load()
    fig = figures.cells(returns, "velocity", "Intersection")
    rows = returns[(returns["road"] == "Intersection") & (returns["predict"] == "velocity") & (returns["round"] == 0)]
    for ax, model in zip(fig.axes, table1.MODELS, strict=True):
        marks = [line.get_xydata()[0] for line in ax.lines if line.get_marker() in "os^D" and len(line.get_xydata())]
        of_model = rows[rows["model"] == model].groupby("method")["return"].mean()
        papers = [table1.PAPER["Intersection", model, method][0] for method in figures.METHOD_STYLE]
        assert [y for x, y in marks if x % 1 > 0.5 or x < 0] == pytest.approx(of_model[list(figures.METHOD_STYLE)])
        assert [y for x, y in marks if 0 < x % 1 < 0.5] == pytest.approx(papers)
    assert_finite(fig)


def test_learning_shows_every_round():
    returns = table1.load()
    fig, axes = figures.figure(2, 2, width=9, height=7)
    figures.draw_learning(axes, returns[returns["road"] == "IcyRoad"], 8.998)
    rows = returns[
        (returns["road"] == "IcyRoad") & (returns["predict"] == "velocity") & (returns["model"] == "mixture")
    ]
    means = rows[(rows["method"] == "dam") & (rows["round"] > 0)].groupby("round")["return"].mean()
    drawn = next(c for c in axes[1, 1].containers if c.get_label() == "dam")
    np.testing.assert_allclose(drawn.lines[0].get_xydata(), np.column_stack([means.index, means]))
    assert_finite(fig)


def test_every_choice_is_drawn_on_both_roads():
    summary = choices.summarise(pd.read_csv(table1.STORED / "ablations.csv"))
    for choice in summary["ablation"].unique():
        fig = figures.beyond(summary, choice)
        assert [ax.get_title() for ax in fig.axes] == ["IcyRoad", "Intersection"]
        named = {text.get_text() for text in fig.legends[0].get_texts()}
        assert named - {"truth"} == {"Gaussian, weighted", "mixture, weighted"}
        assert_finite(fig)
