"""The command of the map: `python -m damlite map`."""

import argparse
from pathlib import Path

import pandas as pd

from . import command_fitted, table1
from . import map as maps
from .given import path
from .options import add_recipe, missing, place, positive, recipe_named

NAMES = ("map", "map_between")


def add_options(parser: argparse.ArgumentParser) -> None:
    """Options of the map."""
    roads = list(table1.ROADS)
    parser.add_argument("--episodes", type=positive, default=200, help="of every cell, at least 4 (default 200)")
    parser.add_argument("--road", nargs="+", default=roads, choices=roads, help="default both")
    parser.add_argument("--fitted", action="store_true", help="the map with fitted models too, which takes longer")
    add_recipe(parser, "paper", "whose planner, random shooting, is varied")


def run(given: argparse.Namespace) -> None:
    """Drive the map and the q's between, save both tables, and print what they come to."""
    if given.episodes < 4:
        given.fail(f"argument --episodes: must be at least 4, got {given.episodes}")
    out = place(given, "map_results", _less_than_stored)
    roads = {road: table1.ROADS[road] for road in given.road}
    how = {"recipe": recipe_named(given.recipe), "episodes": given.episodes, "jobs": given.jobs}
    for name, drive in zip(NAMES, (maps.run_map, maps.between), strict=True):
        try:
            table = drive(roads, **how)
        except ValueError as error:
            given.fail(str(error))
        table.to_csv(out / f"{name}.csv", index=False)
    print(maps.best_probability(table).to_string(index=False))
    looks = maps.luck_by_road(roads)
    looks.to_csv(out / "luck.csv", index=False)
    print(looks.to_string(index=False))
    if given.fitted:
        command_fitted.run_fitted_map(out, given.jobs, roads=given.road)
    print(f"written to {out}")


def load(name: str, folder: str | Path | None = None) -> pd.DataFrame:
    """A stored table, "map" or "map_between"."""
    file = (table1.STORED if folder is None else path("folder", folder)) / f"{name}.csv"
    return pd.read_csv(file, keep_default_na=False, na_values={"spread_theory": [""]})


def _less_than_stored(given: argparse.Namespace) -> list[str]:
    """In what a run would hold less than the stored one."""
    wrong = [f"--recipe {given.recipe}, and the stored one is of paper"] if given.recipe != "paper" else []
    if not (table1.STORED / "map.csv").exists():
        return wrong
    stored = load("map")
    if given.episodes < (episodes := stored["episodes"].min()):
        wrong.append(f"--episodes {given.episodes}, and {episodes} are stored")
    return wrong + missing("--road", given.road, stored["road"])


COMMANDS = (("map", "map who wins where, without learning: q is the road with other odds", add_options, run),)
