"""The project's own promises: set-up files in step, pins without addresses, a README that tells the truth."""

import re
import tomllib
from pathlib import Path

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
    command = re.search(r"jupyter lab (.+)$", (ROOT / "Makefile").read_text(), re.MULTILINE).group(1)
    assert (ROOT / command.split()[-1]).exists(), command
