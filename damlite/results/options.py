"""What the commands that make results have in common: options, recipes by name, and where tables may go."""

import argparse
import contextlib
import functools
import runpy
from collections.abc import Callable, Iterator
from pathlib import Path

from ..envs import Environment
from ..recipe import Recipe
from . import kept, table1

Less = Callable[[argparse.Namespace], list[str]]  # in what a run would hold less than what is stored


def positive(text: str) -> int:
    """A positive integer of the command line."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be a positive integer, got {text}")
    return int(text)


def natural(text: str) -> int:
    """A non-negative integer of the command line."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"must be a non-negative integer, got {text}")
    return int(text)


def recipe_named(text: str) -> Recipe | Callable[[Environment], Recipe]:
    """The recipe that a command line names: one of `table1.RECIPES`, or FILE.py:NAME, a reader's own.

    Parameters
    ----------
    text : "our", "paper", "paper-trajectory"; or a Python file and, after a colon, the name in it of a `Recipe` or of
        a function of the environment that returns one. The file is run once

    Raises
    ------
    ValueError
        If there is no such recipe or file, if the file fails, or if the name in it is something else.
    """
    return table1.RECIPES[text] if text in table1.RECIPES else _own_recipe(text)


@functools.cache
def _own_recipe(text: str) -> Recipe | Callable[[Environment], Recipe]:
    file, _, name = text.rpartition(":")
    known = ", ".join(table1.RECIPES)
    if not file.endswith(".py") or not name.isidentifier():
        raise ValueError(f"recipe must be one of {known}, or FILE.py:NAME, got {text!r}")
    if not Path(file).is_file():
        raise ValueError(f"recipe must name a file that is there, got {text!r}: no file {file}")
    try:
        names = runpy.run_path(file)
    except Exception as error:
        raise ValueError(f"recipe {text!r}: {file} ends with {type(error).__name__}: {error}") from error
    if name not in names:
        raise ValueError(f"recipe {text!r}: {file} has no {name}")
    if not isinstance(names[name], Recipe) and not callable(names[name]):
        kinds = "a Recipe or a function of the environment"
        raise ValueError(f"recipe {text!r}: {name} must be {kinds}, got {names[name]!r}")
    return names[name]


def recipe_label(text: str) -> str:
    """What settings call a recipe of the command line: its name, or a reader's file without its folder."""
    return text if text in table1.RECIPES else Path(text).name


def recipe_text(text: str) -> str:
    """A recipe of the command line, which is there and fits both roads."""
    try:
        table1.recipes(table1.ROADS, recipe_named(text))
    except Exception as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    return text


def add_recipe(parser: argparse.ArgumentParser, default: str, words: str = "how to plan and learn") -> None:
    """The option --recipe."""
    which = f"{', '.join(table1.RECIPES)}, or FILE.py:NAME, a Recipe of yours or a function of the environment"
    parser.add_argument("--recipe", type=recipe_text, default=default, help=f"{words}: {which} (default {default})")


def add_pieces(parser: argparse.ArgumentParser, seeds: int) -> None:
    """The options of every command that runs pieces of the table: which runs and roads, and where they are kept."""
    roads = list(table1.ROADS)
    parser.add_argument("--seeds", type=positive, default=seeds, help=f"runs per cell (default {seeds})")
    parser.add_argument("--first-seed", type=natural, default=0, help="the first run's number (default 0)")
    parser.add_argument("--road", nargs="+", default=roads, choices=roads, help="default both")
    parser.add_argument(
        "--keep", type=Path, default=Path("table1_pieces"), help="where finished pieces are kept (default %(default)s)"
    )
    parser.add_argument("--dask", metavar="ADDRESS", help="send the pieces to the Dask scheduler at this address")


def add_places(parser: argparse.ArgumentParser, default: str) -> None:
    """The options of every command that writes tables."""
    parser.add_argument("--jobs", type=positive, default=2, help="processes (default 2)")
    parser.add_argument("--out", type=Path, help=f"folder for the tables (default {default})")
    parser.add_argument(
        "--replace", action="store_true", help="replace the repository's stored tables, by no less than they hold"
    )


def place(given: argparse.Namespace, default: str, less_than_stored: Less, recipe: str = "our") -> Path:
    """Where the tables go; ends the program, before any work, if they may not or cannot go there.

    recipe : under which of the stored recipes they belong
    """
    out = given.out or Path(default)
    stored = {table1.place(name, root).resolve() for name in table1.RECIPES for root in _roots()}
    if given.replace:
        wrong = ["--out given too: the stored tables have their place"] if given.out else []
        if table1.STORED != table1.REPOSITORY:
            wrong.append("no repository here: an installed package keeps its tables")
        if wrong := wrong + less_than_stored(given):
            given.fail(f"--replace would lose stored results: {'; '.join(wrong)}")
        out = table1.place(recipe)
    elif out.resolve() in stored:
        given.fail(f"--out {out} holds the stored tables: give --replace to replace them")
    try:
        return kept.check_writable(out)
    except ValueError as error:
        given.fail(str(error))


def _roots() -> tuple[Path, Path]:
    return table1.STORED, table1.REPOSITORY


def fewer_seeds(given: argparse.Namespace, stored: int) -> list[str]:
    """In what the runs asked for are less than so many stored ones."""
    wrong = [f"--seeds {given.seeds}, and {stored} are stored"] if given.seeds < stored else []
    if given.first_seed:
        wrong.append(f"--first-seed {given.first_seed}, and the stored ones begin at 0")
    return wrong


def missing(option: str, asked: list[str], stored: list[str]) -> list[str]:
    """What an option leaves out of what is stored."""
    left_out = sorted(set(stored) - set(asked))
    return [f"{option} without {' and '.join(left_out)}"] if left_out else []


@contextlib.contextmanager
def on_cluster(address: str | None) -> Iterator[None]:
    """Let joblib send its work to a Dask scheduler; without an address to processes of this machine."""
    if address is None:
        yield
        return
    import joblib
    from distributed import Client

    with Client(address), joblib.parallel_config("dask"):
        yield
