"""The command that draws every picture, results and lessons alike: `python -m damlite figures`."""

import argparse
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from ..envs import Intersection
from ..figures import (
    animate,
    beyond,
    cells,
    figure2_left,
    figure2_right,
    fitted,
    ladder,
    particle_axis,
    png,
    tornado,
)
from ..figures import map as map_pictures
from ..figures.speed import speed
from ..results import choices, command_map, examples, fitted_map, kept, outcomes, ratios, sweeps, table1
from ..results import map as maps
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
    """Table 1 under every recipe, and all that was varied, from a folder's tables: file names and contents."""
    for recipe, returns in table1.load_all(folder).groupby("recipe", sort=False):
        of = "" if recipe == "our" else f"_{recipe.replace('-', '_')}"
        for road, predict in returns[["road", "predict"]].drop_duplicates().itertuples(index=False):
            yield f"ablation_{road.lower()}_{predict}{of}.png", png(cells(returns, predict, road))
    if (folder / "ablations.csv").exists():
        summary = choices.summarise(pd.read_csv(folder / "ablations.csv"))
        for choice in summary["ablation"].unique():
            yield f"beyond_{choice.replace(' ', '_')}.png", png(beyond(summary, choice))
    yield from varied(folder)
    yield from fitted_models(folder)
    yield from who_wins_where(folder)
    if (folder / "speed.csv").exists():
        yield "speed.png", png(speed(pd.read_csv(folder / "speed.csv", keep_default_na=False)))


def varied(folder: Path) -> Iterator[tuple[str, bytes]]:
    """The sweeps over recipes, those whose tables are there."""
    there = {name: sweeps.load(name, folder) for name in sweeps.NAMES if (folder / f"{name}.csv").exists()}
    if "particles" in there:
        yield "particles.png", png(particle_axis(there["particles"]))
    if "ladder" in there:
        for model in there["ladder"]["model"].unique():
            yield f"ladder_{model.lower()}.png", png(ladder(there["ladder"], model))
    if "sensitivity" in there:
        for road, model in there["sensitivity"][["road", "model"]].drop_duplicates().itertuples(index=False):
            yield f"sensitivity_{road.lower()}_{model.lower()}.png", png(tornado(there["sensitivity"], road, model))


def fitted_models(folder: Path) -> Iterator[tuple[str, bytes]]:
    """The map with fitted models and the ladder of ratios, if their tables are there."""
    if (folder / "map_fitted.csv").exists():
        table = fitted_map.load(folder)
        for road, model in table[["road", "model"]].drop_duplicates().itertuples(index=False):
            yield f"map_fitted_{road.lower()}_{model.lower()}.png", png(fitted.fitted_cells(table, road, model))
    if (folder / "ratios.csv").exists():
        table = ratios.load(folder)
        for road, networks in table[["road", "networks"]].drop_duplicates().itertuples(index=False):
            yield f"ratios_{road.lower()}_{networks}.png", png(fitted.ratio_ladder(table, road, networks))


def who_wins_where(folder: Path) -> Iterator[tuple[str, bytes]]:
    """The map without learning, and the best q, if their tables are there."""
    if (folder / "map.csv").exists():
        table = command_map.load("map", folder)
        for road in table["road"].unique():
            yield f"map_{road.lower()}.png", png(map_pictures.who_wins(table, road))
            yield f"map_candidates_{road.lower()}.png", png(map_pictures.by_candidates(table, road))
            yield f"map_explained_{road.lower()}.png", png(map_pictures.explained(table, road))
    if (folder / "map_between.csv").exists():
        table = command_map.load("map_between", folder)
        truth = {road: outcomes.probability(table1.ROADS[road]) for road in table["road"].unique()}
        yield "map_best.png", png(map_pictures.best_proposals(maps.best_probability(table), truth))


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
