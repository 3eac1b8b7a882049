"""The command that draws every picture, results and lessons alike: `python -m damlite figures`."""

import argparse
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from ..envs import Intersection
from ..figures import animate, beyond, cells, figure2_left, figure2_right, png
from ..results import choices, examples, kept, table1
from . import KEY_PANELS, key_panel


def add_commands(commands: argparse._SubParsersAction) -> None:
    """Add the command to the program's."""
    words = "draw every figure from the stored tables"
    parser = commands.add_parser("figures", help=words, description=words)
    here = table1.REPOSITORY if table1.STORED == table1.REPOSITORY else Path("figures")
    parser.add_argument("--tables", type=Path, default=table1.STORED, help="folder of the tables (default: the stored)")
    parser.add_argument("--out", type=Path, default=here, help="folder for the pictures (default figures)")
    parser.set_defaults(run=run, fail=parser.error)


def run(given: argparse.Namespace) -> None:
    """Draw them all, and print where they went."""
    try:
        out = kept.check_writable(given.out)
    except ValueError as error:
        given.fail(str(error))
    for pictures in (tables(given.tables), scenes(), lessons()):
        for name, content in pictures:
            (out / name).write_bytes(content)
            print(out / name)


def tables(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Table 1, and what each choice in planning is worth, from a folder's tables: file names and contents."""
    returns = table1.load(folder)
    for road, predict in returns[["road", "predict"]].drop_duplicates().itertuples(index=False):
        yield f"ablation_{road.lower()}_{predict}.png", png(cells(returns, predict, road))
    if (folder / "ablations.csv").exists():
        summary = choices.summarise(pd.read_csv(folder / "ablations.csv"))
        for choice in summary["ablation"].unique():
            yield f"beyond_{choice.replace(' ', '_')}.png", png(beyond(summary, choice))


def scenes() -> Iterator[tuple[str, bytes]]:
    """Fig. 2, and the crossing's animation."""
    yield "figure2_right.png", png(figure2_right(*examples.fitted_example()))
    env = Intersection()
    turns = examples.both_turns(env)
    yield "figure2_left.png", png(figure2_left(env, turns))
    yield "intersection.gif", animate(env, turns)


def lessons() -> Iterator[tuple[str, bytes]]:
    """Each lesson's key picture: its panel at rest; none without ipywidgets."""
    try:
        import ipywidgets  # noqa: F401
    except ImportError:
        print("the lessons' pictures are left out: they need ipywidgets (pip install 'damlite[lab]')")
        return
    for lesson in KEY_PANELS:
        yield f"lesson_{lesson}.png", key_panel(lesson).picture.value
