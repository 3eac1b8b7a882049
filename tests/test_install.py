"""The package as others get it: a wheel has all that it needs, and importing it brings no more than that."""

import shutil
import statistics
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PARTS = ("pyproject.toml", "README.md", "LICENSE", "damlite", "figures")
DEEPER = {"another_recipe/table1_returns.csv", "another_recipe/table1_settings.json"}
LATER = ("matplotlib", "pandas", "joblib", "ipywidgets", "scipy.stats", "scipy.cluster", "IPython", "dask")


def python(script, cwd, **environment):
    """What a fresh process prints that runs the script."""
    command = [sys.executable, "-c", script]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, cwd=cwd, env=environment)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


@pytest.fixture(scope="module")
def target(tmp_path_factory):
    """A folder with the package, installed from a wheel that was built from a copy of the tree."""
    folder = tmp_path_factory.mktemp("install")
    for part in PARTS:
        if (ROOT / part).is_dir():
            shutil.copytree(ROOT / part, folder / "copy" / part, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            (folder / "copy").mkdir(exist_ok=True)
            shutil.copy(ROOT / part, folder / "copy" / part)
    for name in DEEPER:
        (folder / "copy" / "figures" / name).parent.mkdir(exist_ok=True)
        (folder / "copy" / "figures" / name).touch()
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "--no-input"]
    offline = ["--no-deps", "--no-index"]
    wheel = [*pip, "wheel", *offline, "--no-build-isolation", "--wheel-dir", folder / "dist", folder / "copy"]
    subprocess.run(wheel, check=True, capture_output=True)
    (built,) = (folder / "dist").glob("*.whl")
    subprocess.run([*pip, "install", *offline, "--target", folder / "target", built], check=True, capture_output=True)
    shutil.rmtree(folder / "copy")
    return folder / "target"


USED = """
import sys
sys.modules["ipywidgets"] = None
import damlite as dl
from damlite.results import table1
from damlite.figures import cells, png
from pathlib import Path

print(dl.__file__)
plan = dl.Exhaustive(particles=50).plan(dl.Belief(dl.IcyRoad()), dl.IcyRoad().initial_state(), generator=dl.seeded(0))
print(plan.actions.tolist()[:4])
returns = table1.load()
print(table1.STORED, len(returns))
print(png(cells(returns))[:4])

from damlite.__main__ import main
for line in (["--help"], ["table1", "--help"], ["ablations", "--help"], ["ladder", "--help"], ["figures", "--help"]):
    try:
        main(line)
    except SystemExit as ended:
        assert ended.code == 0, line
from damlite.lessons import command
print(list(command.lessons()))
"""


def test_a_wheel_plans_draws_has_the_stored_table_and_its_commands_without_ipywidgets(target, tmp_path):
    said = python(USED, tmp_path, PYTHONPATH=str(target))
    assert said.endswith("[]\n") and "they need ipywidgets" in said
    file, plan, stored, picture, *_ = said.splitlines()
    assert Path(file) == target / "damlite" / "__init__.py"
    assert plan == "[2, 1, 1, 1]"  # accelerate once, then hold
    place, rows = stored.split()
    assert Path(place) == target / "damlite" / "stored"
    assert int(rows) == len((ROOT / "figures" / "table1_returns.csv").read_text().splitlines()) - 1
    assert "PNG" in picture


def test_a_wheel_brings_every_stored_table(target):
    """Those of the recipes' folders too."""
    assert tables(target / "damlite" / "stored") == tables(ROOT / "figures") | DEEPER
    assert all(path.suffix in (".csv", ".json") for path in (target / "damlite" / "stored").rglob("*.*"))


def tables(folder):
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.suffix in (".csv", ".json")}


def test_every_package_is_named():
    """A folder that is not named in pyproject.toml would be missing in a wheel."""
    named = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]
    there = {".".join(path.parent.relative_to(ROOT).parts) for path in (ROOT / "damlite").rglob("*.py")}
    assert set(named) == there | {"damlite.stored"}


COST = f"""
import sys, time
began = time.process_time()
import torch
loaded = time.process_time()
import damlite
print(time.process_time() - loaded, loaded - began)
print([name for name in {LATER} if name in sys.modules])
import damlite.figures
print([name for name in ("matplotlib.pyplot", "ipywidgets", "damlite.lessons") if name in sys.modules])
"""


def test_importing_it_is_quick_and_brings_nothing_that_can_wait(tmp_path):
    """At most half a second more than torch, of the process's own work: a busy machine stretches that but little."""
    runs = [python(COST, tmp_path).splitlines() for _ in range(3)]
    assert [brought for _, *both in runs for brought in both] == ["[]"] * 6
    own, torchs = (statistics.median(float(times.split()[i]) for times, *_ in runs) for i in (0, 1))
    assert own < max(0.5, 0.4 * torchs)
