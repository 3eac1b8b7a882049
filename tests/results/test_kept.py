"""Kept pieces: found again while they hold, and never for another environment, whatever it is called."""

import pickle
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import gymnasium
import pandas as pd
import pytest
import torch
from tiny import CHANGES

import damlite as dl
from damlite.results import kept, pool, table1

RECIPE = dl.our_recipe(dl.IcyRoad())


def known(env, recipe=RECIPE, device="cpu"):
    return kept.fingerprint(env, recipe, device)


def renamed(name, base, **methods):
    """A subclass that goes by its base's name, as one that was edited would."""
    return type(name, (base,), methods)()


def icy_reward(bonus):
    def reward(self, state, action):
        return dl.IcyRoad.reward(self, state, action) + bonus * (state[..., 1].abs() > 1)

    return reward


EDITED = {
    "its reward": lambda: renamed("IcyRoad", dl.IcyRoad, reward=icy_reward(0.5)),
    "its reward, far off the road": lambda: renamed(
        "IcyRoad", dl.IcyRoad, reward=lambda self, s, a: dl.IcyRoad.reward(self, s, a) - (s[..., 1] > 6).float()
    ),
    "its features": lambda: renamed("IcyRoad", dl.IcyRoad, features=lambda self, s: 2 * s),
    "its start": lambda: renamed(
        "IcyRoad", dl.IcyRoad, initial_state=lambda self, *batch: dl.IcyRoad.initial_state(self, *batch) + 0.01
    ),
    "its dynamics": lambda: renamed(
        "IcyRoad", dl.IcyRoad, transition=lambda self, s, a: dl.IcyRoad.transition(replace(self, noise=0.06), s, a)
    ),
    "its sides": lambda: renamed("IcyRoad", dl.IcyRoad, sides=lambda self: (dl.IcyRoad(), dl.IcyRoad(threshold=3))),
    "its horizon": lambda: renamed("IcyRoad", dl.IcyRoad, horizon=6),
    "its number of actions": lambda: renamed("IcyRoad", dl.IcyRoad, action_names=("slow", "hold", "fast")),
}


@pytest.mark.parametrize("what", EDITED)
def test_an_edit_under_the_same_name_is_seen(what):
    edited = EDITED[what]()
    assert repr(edited) == repr(dl.IcyRoad())
    assert known(edited) != known(dl.IcyRoad())


def test_a_crash_that_only_plans_meet_is_seen():
    """Cars of random driving seldom crash; those of a plan do."""
    edited = renamed("Intersection", dl.Intersection, crashed=lambda self, s: self.distance(s) < 2.4)
    assert repr(edited) == repr(dl.Intersection())
    assert known(edited) != known(dl.Intersection())


def test_a_parameter_the_recipe_and_the_device_are_seen():
    names = [known(dl.IcyRoad()), known(dl.IcyRoad(threshold=1)), known(dl.IcyRoad(), RECIPE.but(steps=3))]
    names += [
        known(dl.IcyRoad(), RECIPE.but(planner=replace(RECIPE.planner, clip=4.0))),
        known(dl.IcyRoad(), device="x"),
    ]
    assert len(set(names)) == 5
    assert known(dl.IcyRoad()) == names[0]


def test_a_planner_of_ones_own_is_known_by_its_source():
    class Lazy(dl.RandomShooting):
        def propose(self, n_actions, batch, steps, generator):
            return torch.ones(1, steps, dtype=torch.long)

    first = Lazy

    class Lazy(dl.RandomShooting):
        def propose(self, n_actions, batch, steps, generator):
            return torch.zeros(1, steps, dtype=torch.long)

    first, second = (RECIPE.but(planner=kind()) for kind in (first, Lazy))
    assert repr(first) == repr(second)
    assert known(dl.IcyRoad(), first) != known(dl.IcyRoad(), second)


def test_the_number_of_components_is_seen(monkeypatch):
    before = known(dl.IcyRoad())
    monkeypatch.setitem(kept.MODELS, "mixture", 8)
    assert known(dl.IcyRoad()) != before


def test_the_default_dtype_is_seen():
    single = known(dl.IcyRoad())
    torch.set_default_dtype(torch.float64)
    try:
        assert known(dl.IcyRoad()) != single
    finally:
        torch.set_default_dtype(torch.float32)
    assert known(dl.IcyRoad()) == single


def cartpole():
    return gymnasium.make("CartPole-v1")


def upright(state, action):
    return (state[..., 2].abs() < 0.2).float()


def own(make=cartpole, reward=upright):
    return dl.FromGymnasium(make, reward, 10)


def heavier():
    made = cartpole()
    made.unwrapped.gravity = 12.0
    return made


heavier.__qualname__ = cartpole.__qualname__


def test_environments_of_gymnasium_are_known_by_what_they_do():
    others = [own(heavier), own(reward=lambda s, a: 2 * upright(s, a))]
    others.append(own(reward=lambda s, a: upright(s, a) * (s[..., 0].abs() < 2.4)))  # differs in imagined states only
    assert {repr(env) for env in others} == {repr(own())}
    assert len({known(env) for env in [own(), *others]}) == 4


def test_a_copy_and_another_process_give_the_same_name():
    env = own()
    assert known(pickle.loads(pickle.dumps(env))) == known(env)
    here = str(Path(__file__).parent)
    script = f"import sys; sys.path.insert(0, {here!r})\nimport test_kept as t\nprint(t.known(t.own()))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == known(env)


@pytest.mark.parametrize(
    ("file", "seen"),
    [
        ("loop.py", True),
        ("estimate.py", True),
        ("__main__.py", False),
        ("figures/tables.py", False),
        ("results/claims.py", False),
        ("lessons/panel.py", False),
    ],
)
def test_an_edit_of_the_method_is_seen_and_one_of_an_axis_label_is_not(tmp_path, monkeypatch, file, seen):
    shutil.copytree(kept.PACKAGE, tmp_path / "damlite", ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(kept, "PACKAGE", tmp_path / "damlite")
    before = known(dl.IcyRoad())
    with (tmp_path / "damlite" / file).open("a") as source:
        source.write("\n# an edit\n")
    assert (known(dl.IcyRoad()) != before) == seen


def test_pieces_of_an_edited_road_are_computed_again(tmp_path):
    """The whole way: the numbers of the road as it is now, not of what it was called before."""
    how = {"folder": tmp_path, "progress": False, **CHANGES}
    table1.run_table1(1, ("state",), 1, roads={"mine": dl.IcyRoad()}, **how)
    edited = renamed("IcyRoad", dl.IcyRoad, reward=lambda self, s, a: 100 + dl.IcyRoad.reward(self, s, a))
    table = table1.run_table1(1, ("state",), 1, roads={"mine": edited}, **how)
    assert (table["return"] > 400).all()


@pytest.fixture(scope="module")
def pieces(tmp_path_factory):
    """A folder of kept pieces of roads with awkward names, and their table."""
    folder = tmp_path_factory.mktemp("pieces")
    roads = {"1": dl.IcyRoad(), "NA": dl.IcyRoad()}
    return folder, roads, table1.run_table1(1, ("state",), 1, roads=roads, folder=folder, progress=False, **CHANGES)


def test_roads_may_be_called_as_numbers_are(pieces, monkeypatch):
    folder, roads, table = pieces
    monkeypatch.setattr(pool, "run_mbrl", None)  # whoever runs one now gets an error
    again = table1.run_table1(1, ("state",), 1, roads=roads, folder=folder, progress=False, **CHANGES)
    pd.testing.assert_frame_equal(again, table)


def test_another_pieces_file_is_not_taken_for_it(pieces, tmp_path):
    folder, _, _ = pieces
    shutil.copytree(folder, tmp_path / "copy")
    path = next(tmp_path.rglob("1-state-mixture-dam-*.csv"))
    piece = kept.piece_of(kept.read_piece(path.parent, kept.Piece("1", "state", "mixture", "dam", 0, 1)))
    shutil.copy(next(tmp_path.rglob("1-state-mixture-disc-*.csv")), path)
    with pytest.warns(UserWarning, match="holds another piece; its runs are computed again"):
        assert kept.read_piece(path.parent, piece) is None
    path.unlink()
    path.mkdir()
    with pytest.raises(ValueError, match="must be a file, got something else"):
        kept.read_piece(path.parent, piece)


def test_seconds_are_kept_and_a_piece_of_an_older_layout_has_none(tmp_path):
    piece = kept.Piece("IcyRoad", "state", "mixture", "dam", 3, 1)
    table = pd.DataFrame([(*piece[:5], 0, 1.25)], columns=[*kept.CELL, "run", "round", "return"])
    kept.write_piece(tmp_path, table)  # as it was written before seconds were kept
    old = kept.read_piece(tmp_path, piece)
    pd.testing.assert_frame_equal(old, table)
    assert old.attrs == {} and pool.seconds([old]) == {}
    table.attrs["seconds"] = 12.345
    path = kept.write_piece(tmp_path, table)
    new = kept.read_piece(tmp_path, piece)
    pd.testing.assert_frame_equal(new, table)
    assert pool.seconds([old, new]) == {"IcyRoad-state-mixture-dam-3+1": 12.345}
    path.write_text(path.read_text().replace("12.345", "12.346"))
    with pytest.warns(UserWarning, match="is truncated or changed"):
        assert kept.read_piece(tmp_path, piece) is None


def test_other_components_are_another_work():
    env = dl.IcyRoad()
    assert kept.fingerprint(env, RECIPE, models={**kept.MODELS, "mixture": 2}) != known(env)
    assert kept.fingerprint(env, RECIPE, models=dict(kept.MODELS)) == known(env)
