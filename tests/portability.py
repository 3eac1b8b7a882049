"""Every notebook and numeric test as on other processors: a table of what passes, and in how many seconds.

    python tests/portability.py [--only 05 test_exact] [--columns default-1 native-all] [--fresh]

A column is a set of vector instructions (none, AVX2, all that are here) and a number of threads (one, all that are
here). What has passed is kept in portability.json while neither the package nor the file changes, so that a run that
was stopped goes on where it stood.
"""

import argparse
import hashlib
import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from itertools import product
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
KEPT = ROOT / "portability.json"
INSTRUCTIONS = {"default": "default", "avx2": "avx2", "native": None}
THREADS = {"1": "1", "all": None}
COLUMNS = {
    f"{name}-{count}": {"ATEN_CPU_CAPABILITY": INSTRUCTIONS[name], "OMP_NUM_THREADS": THREADS[count]}
    for name, count in product(INSTRUCTIONS, THREADS)
}
# No numbers of their own: the browser, the set-up files, the installation, and sweeps that are killed or spread.
LEFT_OUT = ("test_browser", "test_project", "test_notebooks", "test_install", "test_scale", "test_command_line")
AT_ONCE = 2


def rows(only: list[str] | None) -> list[Path]:
    """The notebooks and test files whose name holds one of the words."""
    files = [*ROOT.glob("notebooks/*.ipynb"), *ROOT.glob("tests/test_*.py"), *ROOT.glob("tests/results/test_*.py")]
    return [
        path
        for path in sorted(files, key=lambda path: (path.suffix == ".py", path))
        if path.stem not in LEFT_OUT and (not only or any(word in path.name for word in only))
    ]


def digest(path: Path) -> str:
    """Of all that a row's result hangs on: the package and the file."""
    found = hashlib.sha256(path.read_bytes())
    for source in sorted(ROOT.glob("damlite/**/*.py")):
        found.update(source.read_bytes())
    return found.hexdigest()


def run(path: Path, column: str) -> dict:
    """Run one file as one column says."""
    environment = {key: value for key, value in os.environ.items() if key not in ("CI", *COLUMNS[column])}
    environment |= {key: value for key, value in COLUMNS[column].items() if value is not None}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(path.relative_to(ROOT))]
    began = time.monotonic()
    ended = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    seconds = round(time.monotonic() - began)
    return {"passed": ended.returncode == 0, "seconds": seconds, "output": ended.stdout[-6000:] + ended.stderr[-2000:]}


def show(files: list[Path], columns: list[str], results: dict[str, dict]) -> None:
    """Print the table, and above it the end of what the failed ones said."""
    for path, column in product(files, columns):
        found = results[f"{path.name} {column}"]
        if not found["passed"]:
            print(f"\n--- {path.name} {column}\n{found['output']}")
    width = max(len(path.stem) for path in files)
    print(f"\n{'':{width}}" + "".join(f"{column:>14}" for column in columns))
    for path in files:
        cells = (results[f"{path.name} {column}"] for column in columns)
        marks = (f"{'pass' if cell['passed'] else 'FAIL'} {cell['seconds']} s" for cell in cells)
        print(f"{path.stem:{width}}" + "".join(f"{mark:>14}" for mark in marks))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", metavar="WORD", help="files whose name holds one of these")
    parser.add_argument("--columns", nargs="+", choices=COLUMNS, default=list(COLUMNS), metavar="COLUMN")
    parser.add_argument("--fresh", action="store_true", help="take nothing from an earlier run")
    given = parser.parse_args()
    files = rows(given.only)
    if not files:
        parser.error(f"--only {' '.join(given.only)}: there is no such file")
    kept = json.loads(KEPT.read_text()) if KEPT.exists() and not given.fresh else {}
    digests = {path: digest(path) for path in files}
    wanted = {f"{path.name} {column}": (path, column) for path, column in product(files, given.columns)}
    passed = {key for key, found in kept.items() if found["passed"]}
    left = [key for key, (path, _) in wanted.items() if key not in passed or kept[key]["digest"] != digests[path]]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        running = {pool.submit(run, *wanted[key]): key for key in left}
        for number, future in enumerate(as_completed(running), 1):
            key = running[future]
            kept[key] = {**future.result(), "digest": digests[wanted[key][0]]}
            KEPT.write_text(json.dumps(kept, indent=1))
            word = "pass" if kept[key]["passed"] else "FAIL"
            print(f"{number}/{len(left)} {key}: {word}, {kept[key]['seconds']} s", flush=True)
    show(files, given.columns, kept)
    sys.exit(not all(kept[key]["passed"] for key in wanted))


if __name__ == "__main__":
    main()
