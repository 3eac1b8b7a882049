"""The project's own promises: set-up files in step, pins without addresses, a README that tells the truth."""

import re
import tomllib
from pathlib import Path

import versions
import yaml

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def requirements():
    extras = PROJECT["optional-dependencies"]
    return sorted([*PROJECT["dependencies"], *extras["lab"], *extras["test"]])


def name_of(requirement):
    return re.split(r"[><=~! ;]", requirement)[0].lower()


def test_conda_says_the_same_as_pip():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    given = [d for d in environment["dependencies"] if isinstance(d, str) and d != "pip"]
    assert f"python{PROJECT['requires-python']}" in given
    packages = sorted(d.replace("pytorch", "torch") for d in given if not d.startswith("python>"))
    assert packages == requirements()
    assert {"pip": ["--editable ."]} in environment["dependencies"]


def test_every_requirement_is_pinned_without_an_address():
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    assert all("==" in line for line in lines)
    assert not re.search(r"https?:|@|--", "\n".join(lines))
    pinned = {name_of(line) for line in lines}
    assert {name_of(r) for r in requirements()} <= pinned


def test_every_package_that_is_pinned_is_pinned_once_for_a_platform():
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pins = [(name_of(line), line.partition(";")[2]) for line in lines]
    assert len(set(pins)) == len(pins)
    assert lines == sorted(lines, key=lambda line: (line.partition("==")[0], line))


def test_jupyter_starts_without_building_grammars():
    """From 4.25 on jsonschema has `rfc3987-syntax` build 38 of them at import: seconds of every start, none of use."""
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    assert "rfc3987-syntax" not in map(name_of, lines)
    (version,) = (line.partition("==")[2] for line in lines if name_of(line) == "jsonschema")
    assert tuple(map(int, version.split("."))) < (4, 25)


def test_lanes_hold_every_requirement_to_its_lower_bound():
    """The quick one has PyTorch as `make test` does, and so the packages that nothing here names."""
    everything = {*requirements(), *PROJECT["optional-dependencies"]["cluster"]}
    assert all(re.fullmatch(r"[a-z0-9-]+>=[0-9.]+", requirement) for requirement in everything)
    bounds = {requirement.replace(">=", "==") for requirement in everything}
    assert set(versions.lower_bounds()) == bounds
    pins, usual = set(versions.few_new()), set((ROOT / "constraints.txt").read_text().splitlines())
    assert bounds - pins == {"torch==2.4"}
    assert pins - bounds == {line for line in usual if name_of(line) not in map(name_of, bounds) or "torch==" in line}


def test_readme_names_the_two_commands():
    readme = (ROOT / "README.md").read_text()
    makefile = (ROOT / "Makefile").read_text()
    for command in ("make lab", "make test"):
        assert command in readme
        assert re.search(rf"^{command.split()[1]}:", makefile, re.MULTILINE)


def test_readmes_pictures_and_links_exist():
    readme = (ROOT / "README.md").read_text()
    for target in re.findall(r"\]\(([^)#:]+)\)", readme) + re.findall(r'<img src="([^"]+)"', readme):
        assert (ROOT / target).exists(), target


def test_the_index_says_the_lessons_minutes():
    readme = (ROOT / "README.md").read_text()
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        minutes = re.search(r"\*\*Time\*\* (\d+) minutes", path.read_text()).group(1)
        assert re.search(rf"\(notebooks/{path.name}\) \| {minutes} \|", readme), path.name


def test_make_lab_opens_a_notebook_that_exists():
    """JupyterLab takes the path from where it is started, and refuses one that is not there."""
    makefile = (ROOT / "Makefile").read_text().replace("\\\n", "")
    command = re.search(r"jupyter lab (.+)$", makefile, re.MULTILINE).group(1)
    assert (ROOT / command.split()[-1]).exists(), command


def test_what_the_command_line_writes_beside_is_no_part_of_the_repository():
    ignored = (ROOT / ".gitignore").read_text().split()
    commands = ("table1", "particles", "ladder", "sensitivity", "ablations", "ratios", "distractors", "map")
    written = {"table1_pieces/", "table1_quick/", *(f"{name}_results/" for name in commands), "portability.json"}
    assert written <= set(ignored)


def test_a_first_look_is_no_target_that_replaces_stored_tables():
    """Those that do so say it, and there is one for every stored table."""
    commands = re.findall(r"^\t.*-m damlite (.+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    replacing = [command for command in commands if "--replace" in command]
    full = "table1 --seeds 20 --predict state velocity"
    others = ("particles", "ladder", "sensitivity", "ablations", "ratios", "distractors", "map --episodes 500 --fitted")
    table1 = [f"{full} --replace", f"{full} --recipe paper --replace", f"{full} --recipe paper-trajectory --replace"]
    assert replacing == [*table1, *(f"{name} --replace" for name in others)]
    assert set(commands) - set(replacing) == {"figures", "report"}


def test_one_target_makes_all_stored_tables():
    makefile = (ROOT / "Makefile").read_text()
    made = re.search(r"^tables:.*\n((?:\t.*\n)+)", makefile, re.MULTILINE).group(1)
    replacing = re.findall(r"^\t.*-m damlite (\w+) .*--replace$", makefile, re.MULTILINE)
    assert re.findall(r"\$\(MAKE\) (\w+)", made) == list(dict.fromkeys(replacing))


def test_every_notebook_is_run_once():
    """`make test` runs pytest once, over the notebooks too, in two workers that each take whole files."""
    options = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["pytest"]["ini_options"]
    assert options["testpaths"] == ["tests", "notebooks"]
    assert {"--nbval-lax", "--nbval-current-env"} <= set(options["addopts"].split())
    makefile = (ROOT / "Makefile").read_text()
    assert makefile.count("$(PYTEST)") == 1
    assert "$(PYTEST) -n 3 --dist loadscope" in makefile
    for path in (ROOT / "tests").rglob("*.py"):
        assert path == Path(__file__) or not re.search(r"NotebookClient|nbconvert", path.read_text()), path


def test_test_files_have_names_of_their_own():
    """pytest imports them by their names alone."""
    names = [path.name for path in (ROOT / "tests").rglob("*.py") if path.name != "conftest.py"]
    assert len(set(names)) == len(names)


def test_files_that_are_run_first_are_there():
    """`conftest.py` orders by name what takes longest; a file that was renamed would run last."""
    named = re.findall(r'"([^"]+\.(?:py|ipynb))"', (ROOT / "conftest.py").read_text())
    there = {path.name for folder in ("tests", "notebooks") for path in (ROOT / folder).rglob("*.*")}
    assert set(named) <= there
