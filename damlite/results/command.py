"""The commands that make results: `python -m damlite table1`, `ablations`, and the sweeps over recipes.

They write beside the stored tables, and replace those only when told to and with no less than they hold.
"""

import argparse
from pathlib import Path

import pandas as pd

from . import choices, claims, command_fitted, command_map, command_report, command_sweeps, table1
from .options import (
    add_pieces,
    add_places,
    add_recipe,
    fewer_seeds,
    missing,
    on_cluster,
    place,
    positive,
    recipe_label,
    recipe_named,
)

__all__ = ["add_commands", "recipe_named", "run_ablations", "run_table1"]


def add_commands(commands: argparse._SubParsersAction) -> None:
    """Add the commands to the program's."""
    for name, words, options, run in (
        ("table1", "run the paper's Table 1", _table1_options, run_table1),
        ("ablations", "find what each choice in planning is worth", _ablations_options, run_ablations),
        *command_sweeps.COMMANDS,
        *command_fitted.COMMANDS,
        *command_map.COMMANDS,
    ):
        parser = commands.add_parser(name, help=words, description=words)
        options(parser)
        add_places(parser, f"{name}_results")
        parser.set_defaults(run=run, fail=parser.error)
    words = "bring the tables of numbers in README.md and REPRODUCTION.md up to date with what is stored"
    command_report.add_options(commands.add_parser("report", help=words, description=words))


def _table1_options(parser: argparse.ArgumentParser) -> None:
    add_pieces(parser, seeds=20)
    add_recipe(parser, "our")
    parser.add_argument("--rounds", type=positive, help="rounds of planning and fitting (default the recipe's)")
    parser.add_argument(
        "--quick", action="store_true", help="few rounds and episodes: a first look, written to table1_quick"
    )
    parser.add_argument(
        "--predict",
        nargs="+",
        default=["state"],
        choices=table1.PREDICTS,
        help="what models predict (default state, as in the paper)",
    )
    parser.add_argument("--device", default="cpu", help="where the tensors are: cpu (default) or cuda, a GPU")


def _ablations_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--runs", type=positive, default=10, help="models and discriminators each (default 10)")


def run_table1(given: argparse.Namespace) -> None:
    """Run the table, save it, and judge the paper's claims by it."""
    stored_as = given.recipe if given.recipe in table1.RECIPES else "our"
    out = place(given, "table1_quick" if given.quick else "table1_results", _less_than_stored_table1, stored_as)
    roads = {name: table1.ROADS[name] for name in given.road}
    how = {"recipe": recipe_named(given.recipe), "device": given.device, **(table1.QUICK if given.quick else {})}
    if given.rounds is not None:
        how["rounds"] = given.rounds
    where = {"roads": roads, "folder": given.keep, "first_seed": given.first_seed}
    with on_cluster(given.dask):
        returns = table1.run_table1(given.seeds, given.predict, given.jobs, **where, **how)
    table1.save(returns, out, roads, label=recipe_label(given.recipe), **how)
    print(table1.summarise(returns).round(2).to_string(index=False))
    if given.seeds > 1:
        _judge(returns, out, with_figure2=given.recipe == "our")
    print(f"written to {out}")


def _judge(returns: pd.DataFrame, out: Path, with_figure2: bool) -> None:
    """The ledger of a table, written and printed; that of Fig. 2 hangs on no recipe, and stands with ours."""
    masses = None
    if with_figure2:
        masses = claims.unrealistic_mass(returns["run"].nunique())
        masses.to_csv(out / "figure2_masses.csv", index=False)
    judged = claims.ledger(returns, masses)
    judged.to_csv(out / "claims.csv", index=False)
    print(claims.verdicts(judged).to_string(index=False))


def run_ablations(given: argparse.Namespace) -> None:
    """Run the ablations, and save every run's return."""
    out = place(given, "ablations_results", _less_than_stored_ablations)
    table = choices.run(given.runs, given.jobs)
    table.to_csv(out / "ablations.csv", index=False)
    print(choices.summarise(table).round(2).to_string(index=False))
    print(f"written to {out}")


def _less_than_stored_table1(given: argparse.Namespace) -> list[str]:
    """In what a run of the table would hold less than the stored one of its recipe."""
    wrong = []
    if given.quick:
        wrong.append("--quick")
    if given.rounds is not None:
        wrong.append(f"--rounds {given.rounds}, and the stored ones have their recipe's")
    if given.recipe not in table1.RECIPES:
        return [*wrong, f"--recipe {given.recipe}, and the stored ones are by {', '.join(table1.RECIPES)}"]
    try:
        stored = table1.load(recipe=given.recipe)
    except FileNotFoundError:
        return wrong + fewer_seeds(given, 0)
    wrong += fewer_seeds(given, stored["run"].nunique())
    wrong += missing("--road", given.road, stored["road"])
    return wrong + missing("--predict", given.predict, stored["predict"])


def _less_than_stored_ablations(given: argparse.Namespace) -> list[str]:
    """In what a run of the ablations would hold less than the stored ones."""
    runs = pd.read_csv(table1.STORED / "ablations.csv")["run"].nunique()
    return [f"--runs {given.runs}, and {runs} are stored"] if given.runs < runs else []
