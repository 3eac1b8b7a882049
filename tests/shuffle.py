"""Every lesson's code cells in any order, and each twice: no cell may show another number than in order.

    python tests/shuffle.py [--only 05 12] [--orders 20] [--again 3] [--seed 0] [--limit 300]

What a cell shows is its printed text, and the text and the pixels of what it displays. It must be what it shows in
order, or as much of that as comes before a NameError, a failed assertion, or, once a cell has stopped with a NameError
and left its work half done, any error. A lesson runs in order, each cell twice, in random orders from a new kernel, and
in random orders in a kernel that has run it all. A kernel is a fork of a process that has imported everything; it is an
InteractiveShell, told to keep what is shown. The score of the predictions tells what was asked so far, in whatever
order, and is not compared.
"""

import argparse
import contextlib
import hashlib
import importlib
import io
import json
import multiprocessing
import os
import pkgutil
import random
import signal
import sys
import tempfile
import time
from base64 import b64decode
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass, field
from pathlib import Path

import torch
from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.interactiveshell import InteractiveShell
from matplotlib.image import imread
from traitlets import Type

from damlite import lessons
from damlite.lessons.predict import Score

NOTEBOOKS = Path(__file__).resolve().parent.parent / "notebooks"
SAME, UNKNOWN, ASSERTED, FOLLOWED = "as in order", "NameError", "failed assertion", "error after a NameError"
TEXTS = ("text/markdown", "text/html", "text/plain")
FORK = multiprocessing.get_context("fork")


@dataclass
class Outcome:
    """What a cell has printed and displayed, and its error: its kind and first line; empty if there is none."""

    printed: str = ""
    displayed: list[str] = field(default_factory=list)
    error: str = ""


class Hook(DisplayHook):
    """Keeps a cell's last value as it would be shown."""

    def __call__(self, result: object = None) -> None:
        """Keep it."""
        if result is not None and not self.quiet():
            self.update_user_ns(result)
            data = {"text/plain": "the score"} if isinstance(result, Score) else self.compute_format_data(result)[0]
            self.shell.shown.append(appearance(data))


class Publisher(DisplayPublisher):
    """Keeps what is displayed."""

    def publish(self, data: dict, *args: object, **kwargs: object) -> None:
        """Keep it."""
        self.shell.shown.append(appearance(data))


class Shell(InteractiveShell):
    """Runs cells as a kernel does, and keeps what they show."""

    displayhook_class, display_pub_class = Type(Hook), Type(Publisher)

    def __init__(self, **kwargs: object) -> None:
        self.shown: list[str] = []
        super().__init__(**kwargs)
        self.history_manager.enabled = False

    def _showtraceback(self, *args: object) -> None:
        """Errors are told by `outcome`."""

    def outcome(self, source: str) -> Outcome:
        """Run a cell."""
        self.shown, printed = [], io.StringIO()
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(io.StringIO()):
            result = self.run_cell(source)
        error = result.error_before_exec or result.error_in_exec
        return Outcome(printed.getvalue(), self.shown, kind(error) if error is not None else "")


def appearance(data: dict) -> str:
    """What is displayed: its texts, and its picture by the pixels."""
    found = [data[name] for name in TEXTS if name in data]
    if "image/png" in data:
        png = data["image/png"]
        pixels = imread(io.BytesIO(b64decode(png) if isinstance(png, str) else png))
        found = [f"picture {pixels.shape} {hashlib.sha256(pixels.tobytes()).hexdigest()[:12]}", *found[-1:]]
    return "\n".join(found)


def kind(error: BaseException) -> str:
    """An error's kind: NameError also where another error wraps one, or tells of it."""
    chain: BaseException | None = error
    while chain is not None:
        if isinstance(chain, NameError):
            return UNKNOWN
        chain = chain.__cause__ or chain.__context__
    return ASSERTED if isinstance(error, AssertionError) else f"{type(error).__name__}: {error}"[:200]


def judge(found: Outcome, wanted: Outcome, half: bool = False) -> str:
    """Which of those that may be an outcome is, where work may be half done; else what it shows, and what it should."""
    if found == wanted:
        return SAME
    begun = wanted.displayed[: len(found.displayed)] == found.displayed and wanted.printed.startswith(found.printed)
    if found.error in (UNKNOWN, ASSERTED) and begun:
        return found.error
    if found.error and half and begun:
        return FOLLOWED
    pairs = [(found.printed, wanted.printed), *zip(found.displayed, wanted.displayed, strict=False)]
    for new, old in [*pairs, (found.error, wanted.error)]:
        if new != old:
            return f"shows {new[:300]!r}, in order {old[:300]!r}"
    return f"shows {len(found.displayed)} of {len(wanted.displayed)} outputs"


def cells_of(path: Path) -> list[tuple[int, str]]:
    """A notebook's code cells: their numbers among all cells, and their sources."""
    cells = enumerate(json.loads(path.read_text())["cells"])
    return [(i, "".join(cell["source"])) for i, cell in cells if cell["cell_type"] == "code"]


def in_fork(sources: Sequence[str], limit: float) -> Iterator[Outcome]:
    """The outcomes of cells that run one after another in a fork; a cell that runs over the limit is the last."""
    receiver, sender = FORK.Pipe(duplex=False)

    def work() -> None:
        os.setsid()
        receiver.close()
        shell = Shell.instance()
        for source in sources:
            sender.send(astuple(shell.outcome(source)))  # `__main__` is now the lesson's: no class of ours is found

    process = FORK.Process(target=work)
    process.start()
    sender.close()
    try:
        for _ in sources:
            if not receiver.poll(limit):
                yield Outcome("still running", [], f"after {limit:g} seconds")  # no cell prints so
                return
            yield Outcome(*receiver.recv())
    except EOFError:
        yield Outcome("the kernel died", [], "for no known reason")
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.join()


@dataclass
class Report:
    """What was found of a lesson: how often each outcome, and where a cell shows something else."""

    counts: Counter = field(default_factory=Counter)
    complaints: list[str] = field(default_factory=list)

    def compare(self, how: str, numbers: Sequence[int], found: Sequence[Outcome], wanted: dict[int, Outcome]) -> None:
        """Take note of cells that ran in some order."""
        half = False
        for number, outcome in zip(numbers, found, strict=False):
            verdict = judge(outcome, wanted[number], half)
            half |= verdict == UNKNOWN
            fair = verdict in (SAME, UNKNOWN, ASSERTED, FOLLOWED)
            self.counts[verdict if fair else "another"] += 1
            if not fair:
                self.complaints.append(f"cell {number}, {how}: {verdict}")


def examine(path: Path, orders: int, again: int, seed: int, limit: float) -> Report:
    """Run a lesson in order, and in all other ways, each in a kernel of its own."""
    cells, dice, report = dict(cells_of(path)), random.Random(f"{path.name} {seed}"), Report()

    def run(numbers: Sequence[int]) -> list[Outcome]:
        return list(in_fork([cells[number] for number in numbers], limit))

    def compare(how: str, numbers: Sequence[int], earlier: Sequence[int] = ()) -> None:
        report.compare(how, numbers, run([*earlier, *numbers])[len(earlier) :], wanted)

    wanted = dict(zip(cells, run([*cells]), strict=False))
    for number, outcome in wanted.items():
        if outcome.error:
            report.complaints.append(f"cell {number}, in order: {outcome.error}")
    if len(wanted) < len(cells):  # it ended early
        return report
    compare("each twice", [number for number in cells for _ in range(2)])
    for i in range(1, orders + 1):
        compare(f"order {i}", dice.sample([*cells], len(cells)))
    for i in range(1, again + 1):
        compare(f"after all, order {i}", dice.sample([*cells], len(cells)), [*cells])
    return report


def apart(path: Path, **how: object) -> Report:
    """Examine a lesson in a process of its own, in an empty folder."""
    receiver, sender = FORK.Pipe(duplex=False)

    def work() -> None:
        with tempfile.TemporaryDirectory(prefix="lesson_") as folder:
            os.chdir(folder)
            report = examine(path, **how)
            sender.send((report.counts, report.complaints))

    process = FORK.Process(target=work)
    process.start()
    sender.close()
    try:
        return Report(*receiver.recv())
    except EOFError:
        return Report(complaints=["the lesson's process died"])
    finally:
        process.join()


def import_all() -> None:
    """Import what lessons use, so that forks need not; torch imports much at its first optimiser."""
    for found in pkgutil.iter_modules(lessons.__path__):
        importlib.import_module(f"{lessons.__name__}.{found.name}")
    torch.optim.Adam([torch.zeros(1, requires_grad=True)])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", metavar="WORD", help="lessons whose name holds one of these")
    parser.add_argument("--orders", type=int, default=20, help="random orders in a new kernel (default 20)")
    parser.add_argument("--again", type=int, default=3, help="random orders after all has run (default 3)")
    parser.add_argument("--seed", type=int, default=0, help="of the orders")
    parser.add_argument("--limit", type=float, default=300, help="seconds that a cell may take (default 300)")
    given = vars(parser.parse_args())
    only = given.pop("only") or [""]
    paths = [path for path in sorted(NOTEBOOKS.glob("*.ipynb")) if any(word in path.name for word in only)]
    if not paths:
        parser.error(f"--only {' '.join(only)}: there is no such lesson")
    import_all()
    bad = False
    for path in paths:
        began, report = time.monotonic(), apart(path, **given)
        counts = ", ".join(f"{count} {name}" for name, count in report.counts.most_common())
        print(f"{path.stem}: {counts}; {time.monotonic() - began:.0f} s", flush=True)
        print(*(f"  {line}" for line in report.complaints), sep="\n", end="\n" if report.complaints else "", flush=True)
        bad |= bool(report.complaints)
    sys.exit(bad)


if __name__ == "__main__":
    main()
