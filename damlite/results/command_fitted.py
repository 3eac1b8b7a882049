"""The commands of fitted models: `python -m damlite ratios` and `distractors`, and the fitted part of `map`."""

import argparse
from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from . import distractors, fitted_map, lucky, ratios, table1
from .options import missing, place, positive


def add_options(parser: argparse.ArgumentParser) -> None:
    """Options of the ladder of ratios."""
    roads = list(table1.ROADS)
    parser.add_argument("--runs", type=positive, default=10, help="models and classifiers each (default 10)")
    parser.add_argument("--road", nargs="+", default=roads, choices=roads, help="default both")
    words = "of whose recipe networks and fits are (default paper)"
    parser.add_argument("--networks", nargs="+", default=["paper"], choices=list(ratios.NETWORKS), help=words)
    predicts = list(table1.PREDICTS)
    parser.add_argument("--predict", nargs="+", default=predicts, choices=predicts, help="default both")


def run_ratios(given: argparse.Namespace) -> None:
    """Climb the ladder, save every run's numbers, and print what they come to."""
    out = place(given, "ratios_results", _less_than_stored_ratios)
    roads = {road: table1.ROADS[road] for road in given.road}
    size = ratios.Size(runs=given.runs)
    table = save(ratios.run(given.jobs, roads, given.networks, given.predict, size), out / "ratios.csv")
    print(ratios.summarise(table).round(2).to_string(index=False))
    print(f"written to {out}")


def run_fitted_map(out: Path, jobs: int = 2, runs: int = 10, roads: Iterable[str] = tuple(table1.ROADS)) -> None:
    """The fitted part of the map: save every run's returns in `map_fitted.csv`, and print their means.

    And in `lucky.csv` which plans look better than they are.
    """
    chosen = {road: table1.ROADS[road] for road in roads}
    looks = lucky.run(chosen)
    looks.to_csv(out / "lucky.csv", index=False)
    print(lucky.summarise(looks).round(2).to_string(index=False))
    tables = fitted_map.run_fitted_map(jobs, chosen, size=fitted_map.Size(runs=runs))
    table = save(tables, out / "map_fitted.csv")
    print(fitted_map.summarise(table).round(2).to_string(index=False))


def save(tables: Iterable[pd.DataFrame], path: Path) -> pd.DataFrame:
    """All tables as one, in an order that does not depend on which ended first; written anew as each ends."""
    ended: list[pd.DataFrame] = []
    for table in tables:
        ended.append(table)
        ordered = sorted(ended, key=lambda part: tuple(part.iloc[0, :3]))
        unfinished = path.with_suffix(".tmp")
        pd.concat(ordered, ignore_index=True).to_csv(unfinished, index=False)
        unfinished.replace(path)
    return pd.read_csv(path, keep_default_na=False, na_values={"value": [""], "return": [""]})


def _less_than_stored_ratios(given: argparse.Namespace) -> list[str]:
    """In what a run would hold less than the stored one."""
    if not (table1.STORED / "ratios.csv").exists():
        return []
    stored = ratios.load(table1.STORED)
    runs = stored["run"].nunique()
    wrong = [f"--runs {given.runs}, and {runs} are stored"] if given.runs < runs else []
    for option in ("road", "networks", "predict"):
        wrong += missing(f"--{option}", getattr(given, option), stored[option])
    return wrong


def add_distractors(parser: argparse.ArgumentParser) -> None:
    """The option of the distractors."""
    parser.add_argument("--runs", type=positive, default=4, help="models and classifiers each (default 4)")


def run_distractors(given: argparse.Namespace) -> None:
    """Fit classifiers beside more and more distractors, save what each tells, and print the means."""
    out = place(given, "distractors_results", _less_than_stored_distractors)
    table = distractors.run(runs=given.runs)
    table.to_csv(out / "distractors.csv", index=False)
    told = table.pivot_table(index=["q", "distractors"], columns="quantity", values="value", sort=False)
    print(told.round(3).to_string())
    print(f"written to {out}")


def _less_than_stored_distractors(given: argparse.Namespace) -> list[str]:
    """In what a run would hold less than the stored one."""
    if not (table1.STORED / "distractors.csv").exists():
        return []
    runs = pd.read_csv(table1.STORED / "distractors.csv")["run"].nunique()
    return [f"--runs {given.runs}, and {runs} are stored"] if given.runs < runs else []


COMMANDS = (
    ("ratios", "climb from no weights to an oracle's, with fixed return-weighted models", add_options, run_ratios),
    ("distractors", "is discrimination easier in high dimensions?", add_distractors, run_distractors),
)
