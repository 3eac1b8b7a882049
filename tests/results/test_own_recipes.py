"""A recipe of a reader's own: named on the command line, it runs through table, ladder and the other sweeps."""

import argparse
import json
import subprocess
import sys

import pandas as pd
import pytest
from tiny import CHANGES

import damlite as dl
from damlite.__main__ import main
from damlite.results import table1
from damlite.results.options import recipe_label, recipe_named, recipe_text

MINE = """
import damlite as dl

FEW = {"rounds": 1, "steps": 10, "random_episodes": 5, "episodes": 2, "evaluation_episodes": 2}

class Lazy(dl.RandomShooting):
    def propose(self, n_actions, batch, steps, generator):
        return super().propose(n_actions, batch, steps, generator).clamp(max=1)

def lazy(env):
    return dl.paper_recipe(env).but(planner=Lazy(horizon=2, candidates=3, particles=2), **FEW)

exhaustive = dl.Recipe(planner=dl.Exhaustive(horizon=2, particles=2)).but(**FEW)
number = 3
nothing = print
"""


@pytest.fixture
def mine(tmp_path, monkeypatch):
    """A working directory with a file of recipes in a folder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "recipes").mkdir()
    (tmp_path / "recipes" / "mine.py").write_text(MINE)
    (tmp_path / "recipes" / "broken.py").write_text("import damlite\n1 / 0\n")
    return "recipes/mine.py"


def test_named_recipes():
    assert recipe_named("our") is dl.our_recipe
    assert recipe_named("paper") is dl.paper_recipe
    env = dl.Intersection()
    assert recipe_named("paper-trajectory")(env) == dl.paper_recipe(env, estimator="trajectory")
    assert set(table1.RECIPES) == set(table1.FOLDERS)


def test_a_recipe_or_a_function_of_the_environment(mine):
    assert recipe_named(f"{mine}:exhaustive").planner == dl.Exhaustive(horizon=2, particles=2)
    assert recipe_named(f"{mine}:lazy")(dl.IcyRoad()).planner.candidates == 3
    assert recipe_named(f"{mine}:lazy") is recipe_named(f"{mine}:lazy")  # the file is run once
    assert recipe_label(f"{mine}:lazy") == "mine.py:lazy"
    assert recipe_label("paper") == "paper"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("theirs", "must be one of our, paper, paper-trajectory, or FILE.py:NAME, got 'theirs'"),
        ("recipes/mine.py", "or FILE.py:NAME, got 'recipes/mine.py'"),
        ("recipes/mine.py:", "or FILE.py:NAME"),
        ("recipes/yours.py:lazy", "no file recipes/yours.py"),
        ("recipes/mine.py:busy", "recipes/mine.py has no busy"),
        ("recipes/mine.py:number", "number must be a Recipe or a function of the environment, got 3"),
        ("recipes/broken.py:lazy", "recipes/broken.py ends with ZeroDivisionError: division by zero"),
        ("recipes/mine.py:nothing", "recipe must be a Recipe, got None"),
    ],
)
def test_what_is_no_recipe_is_said(mine, text, message):
    with pytest.raises(argparse.ArgumentTypeError) as raised:
        recipe_text(text)
    assert message in str(raised.value)


SCRIPT = f"""
import runpy
import gymnasium
import damlite as dl
from damlite import RandomShooting
from damlite.results import table1
LEVEL = 0.2
class Still(gymnasium.Wrapper):
    def step(self, action):
        return self.env.step(action)
def make():
    return Still(gymnasium.make("CartPole-v1"))
def reward(s, a):
    return (s[..., 2].abs() < LEVEL).float()
env = dl.FromGymnasium(make, reward, 6)
table = table1.run_table1(1, ("state",), 2, roads={{"mine": env}}, progress=False, **{CHANGES})
assert len(table) == 16
runpy.run_module("damlite", run_name="__main__", alter_sys=True)  # as python -m damlite
"""


def test_five_lines_and_what_a_script_defines_run_through_the_table(mine, tmp_path):
    """Worker processes can import neither the reader's file nor the script, and get both by value."""
    (tmp_path / "script.py").write_text(SCRIPT)
    how = ["--seeds", "1", "--road", "IcyRoad", "--jobs", "2", "--recipe", f"{mine}:lazy"]
    line = [sys.executable, "script.py", "table1", *how]
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    known = json.loads((tmp_path / "table1_results" / "table1_settings.json").read_text())
    assert known["recipe"] == "mine.py:lazy"
    assert known["recipes"]["IcyRoad"]["planner"]["kind"] == "Lazy"
    assert len(known["seconds"]["pieces"]) == 8
    returns = table1.load(tmp_path / "table1_results")
    expected = table1.run_table1(1, "state", 1, roads={"IcyRoad": dl.IcyRoad()}, recipe=recipe_named(f"{mine}:lazy"))
    pd.testing.assert_frame_equal(returns, expected)


def test_five_lines_run_through_the_sweeps(mine, tmp_path, capsys):
    how = ["--seeds", "1", "--road", "IcyRoad", "--jobs", "1", "--method", "disc", "--model", "mixture", "--recipe"]
    main(["ladder", *how, f"{mine}:exhaustive", "--bottom", f"{mine}:lazy"])
    assert "written to ladder_results" in capsys.readouterr().out
    known = json.loads((tmp_path / "ladder_results" / "ladder_settings.json").read_text())
    assert known["recipe"] == "mine.py:lazy to mine.py:exhaustive"
    rungs = list(known["variants"]["IcyRoad"].values())
    assert "Lazy(" in rungs[0]["recipe"]
    assert rungs[-1]["recipe"] == repr(recipe_named(f"{mine}:exhaustive"))
    main(["particles", *how, f"{mine}:lazy"])
    assert len(pd.read_csv(tmp_path / "particles_results" / "particles.csv")) == 4
