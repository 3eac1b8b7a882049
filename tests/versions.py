"""The tests with the oldest versions that pyproject.toml allows, and with the newest: `make lanes`.

    python tests/versions.py [oldest newest quick]

Each lane has an environment of its own in lanes/, which every run brings up to date. `oldest` has each lower bound of
pyproject.toml as it stands, on the oldest Python that is here. `newest` has what pip finds, on the newest Python, and
the package fails where it uses what is deprecated there. `quick`, for CI, is `oldest` with PyTorch as constraints.txt
has it, and with fewer tests.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parent.parent
LANES = ROOT / "lanes"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
SHOWN = ("torch", "numpy", "scipy", "pandas", "matplotlib", "gymnasium", "joblib")
DEPRECATED = ("DeprecationWarning", "PendingDeprecationWarning", "FutureWarning")
VERSIONS = f"""
import platform
from importlib.metadata import version
print(f"Python {{platform.python_version()}}", *(f"{{name}} {{version(name)}}" for name in {SHOWN}), sep=", ")
"""

KEEPERS = (".pyenv/versions", ".local/share/uv/python")  # where pyenv and uv keep Pythons

# Not of any lane: the browser, the installation, the project's files, texts and scripts.
LEFT_OUT = ("browser", "install", "project", "structure", "notebooks", "teaching", "benchmarks", "shuffle")


def lower_bounds() -> list[str]:
    """Every lower bound of pyproject.toml as a pin."""
    required = [PROJECT["dependencies"], *PROJECT["optional-dependencies"].values()]
    return sorted({requirement.replace(">=", "==") for group in required for requirement in group})


def few_new() -> list[str]:
    """constraints.txt, but for the lower bounds of all that pyproject.toml names except PyTorch."""
    bounds = {pin.partition("==")[0]: pin for pin in lower_bounds() if not pin.startswith("torch==")}
    usual = (ROOT / "constraints.txt").read_text().splitlines()
    return [bounds.get(line.partition("==")[0], line) for line in usual]


@dataclass(frozen=True, kw_only=True)
class Lane:
    """Which Python of those that are here, in order; what is installed, held to what; what is run, how strictly."""

    python: int
    extras: str = "lab,cluster,test"
    pins: Callable[[], list[str]] = list
    tests: tuple[str, ...]
    strict: bool = False


WHOLE = (
    "tests/test_*.py",
    "tests/results/test_*.py",
    "tests/figures/test_*.py",
    "notebooks/01_*.ipynb",
    "notebooks/05_*.ipynb",
)
QUICK = ("tests/test_[!fp]*.py", "tests/figures/test_figures.py", "tests/results/test_kept.py")  # no fitting, planning
ALL = {
    "oldest": Lane(python=0, pins=lower_bounds, tests=WHOLE),
    "newest": Lane(python=-1, tests=WHOLE, strict=True),
    "quick": Lane(python=0, extras="test", pins=few_new, tests=QUICK),
}


def pythons() -> list[str]:
    """Every Python that is here, is allowed, and can make environments; the oldest first."""
    least = tuple(map(int, re.findall(r"\d+", PROJECT["requires-python"])))
    named = [shutil.which(f"python3.{minor}") for minor in range(least[1], 30)]
    kept = [found for of in KEEPERS for found in Path.home().glob(f"{of}/*/bin/python3")]
    found = {}
    for path in (sys.executable, *filter(None, named), *kept):
        asked = [path, "-c", "import ensurepip, sys; print(*sys.version_info[:3])"]
        version = tuple(map(int, subprocess.run(asked, capture_output=True, check=False).stdout.split()))
        if version >= least:
            found.setdefault(version, str(path))
    return [found[version] for version in sorted(found)]


def build(name: str, lane: Lane) -> Path:
    """Make a lane's environment, or bring it up to date; its Python."""
    python = LANES / name / "bin" / "python"
    if not python.exists():
        subprocess.run([pythons()[lane.python], "-m", "venv", LANES / name], check=True)
    pins = LANES / f"{name}.txt"
    pins.write_text("\n".join(lane.pins()))
    install = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile"]
    install += ["--upgrade", "--upgrade-strategy", "eager", "--editable", f".[{lane.extras}]", "--constraint", pins]
    subprocess.run(install, cwd=ROOT, check=True)
    return python


def run(name: str, lane: Lane, python: Path) -> tuple[bool, str]:
    """Run a lane's tests: whether all is well, and the counts."""
    files = [path for pattern in lane.tests for path in sorted(ROOT.glob(pattern)) if not path.stem.endswith(LEFT_OUT)]
    counts = LANES / f"{name}.xml"
    command = [python, "-m", "pytest", "-q", "-n", "2", "--dist", "loadscope", f"--junitxml={counts}", *files]
    if lane.strict:
        command += ["-o", "filterwarnings=" + "\n".join(f"error::{kind}:damlite" for kind in DEPRECATED)]
    counts.unlink(missing_ok=True)
    ended = subprocess.run(command, cwd=ROOT, env={**os.environ, "OMP_NUM_THREADS": "1"}, check=False)
    suite = ElementTree.parse(counts).getroot()[0].attrib
    tests, skipped, *failed = (int(suite[kind]) for kind in ("tests", "skipped", "failures", "errors"))
    return not ended.returncode, f"{tests - skipped - sum(failed)} passed, {sum(failed)} failed, {skipped} skipped"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lanes", nargs="*", choices=ALL, metavar="LANE", help="oldest and newest, if none is given")
    lanes = parser.parse_args().lanes or ["oldest", "newest"]
    LANES.mkdir(exist_ok=True)
    said, well = [], True
    for name in lanes:
        began = time.monotonic()
        python = build(name, ALL[name])
        built = time.monotonic()
        passed, counts = run(name, ALL[name], python)
        well &= passed
        shown = subprocess.run([python, "-c", VERSIONS], capture_output=True, text=True, check=True).stdout.strip()
        said.append(
            f"{name}: {counts}; {built - began:.0f} s to set up, {time.monotonic() - built:.0f} s to run; {shown}"
        )
    print(*said, sep="\n")
    sys.exit(not well)


if __name__ == "__main__":
    main()
