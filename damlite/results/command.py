"""The commands that make results: `python -m damlite table1` and `ablations`.

They write beside the stored tables, and replace those only when told to and with no less than they hold.
"""

import argparse
import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd

from . import choices, claims, kept, table1

Fail = Callable[[str], None]  # prints what is wrong, and ends the program


def positive(text: str) -> int:
    """A positive integer of the command line."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be a positive integer, got {text}")
    return int(text)


def add_commands(commands: argparse._SubParsersAction) -> None:
    """Add both commands to the program's."""
    for name, words, options, run in (
        ("table1", "run the paper's Table 1", _table1_options, run_table1),
        ("ablations", "find what each choice in planning is worth", _ablations_options, run_ablations),
    ):
        parser = commands.add_parser(name, help=words, description=words)
        options(parser)
        parser.add_argument("--jobs", type=positive, default=2, help="processes (default 2)")
        parser.add_argument("--out", type=Path, help=f"folder for the tables (default {name}_results)")
        parser.add_argument(
            "--replace", action="store_true", help="replace the repository's stored tables, by no less than they hold"
        )
        parser.set_defaults(run=run, fail=parser.error)


def _table1_options(parser: argparse.ArgumentParser) -> None:
    roads = list(table1.ROADS)
    parser.add_argument("--seeds", type=positive, default=20, help="runs per cell (default 20)")
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
    parser.add_argument("--road", nargs="+", default=roads, choices=roads, help="default both")
    parser.add_argument("--recipe", default="our", choices=table1.RECIPES, help="how to plan and learn (default our)")
    parser.add_argument(
        "--keep", type=Path, default=Path("table1_pieces"), help="where finished pieces are kept (default %(default)s)"
    )
    parser.add_argument("--dask", metavar="ADDRESS", help="send the pieces to the Dask scheduler at this address")
    parser.add_argument("--device", default="cpu", help="where the tensors are: cpu (default) or cuda, a GPU")


def _ablations_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--runs", type=positive, default=10, help="models and discriminators each (default 10)")


def run_table1(given: argparse.Namespace) -> None:
    """Run the table, save it, and judge the paper's claims by it."""
    out = _place(given, "table1_quick" if given.quick else "table1_results", _less_than_stored_table1)
    roads = {name: table1.ROADS[name] for name in given.road}
    how = {"recipe": table1.RECIPES[given.recipe], "device": given.device, **(table1.QUICK if given.quick else {})}
    if given.rounds is not None:
        how["rounds"] = given.rounds
    with on_cluster(given.dask):
        returns = table1.run_table1(given.seeds, given.predict, given.jobs, roads=roads, folder=given.keep, **how)
    table1.save(returns, out, roads, **how)
    print(table1.summarise(returns).round(2).to_string(index=False))
    if given.seeds > 1:
        masses = claims.unrealistic_mass(given.seeds)
        masses.to_csv(out / "figure2_masses.csv", index=False)
        judged = claims.ledger(returns, masses)
        judged.to_csv(out / "claims.csv", index=False)
        print(judged.to_string(index=False))
    print(f"written to {out}")


def run_ablations(given: argparse.Namespace) -> None:
    """Run the ablations, and save every run's return."""
    out = _place(given, "ablations_results", _less_than_stored_ablations)
    table = choices.run(given.runs, given.jobs)
    table.to_csv(out / "ablations.csv", index=False)
    print(choices.summarise(table).round(2).to_string(index=False))
    print(f"written to {out}")


def _place(
    given: argparse.Namespace, default: str, less_than_stored: Callable[[argparse.Namespace], list[str]]
) -> Path:
    """Where the tables go; ends the program, before any work, if they may not or cannot go there."""
    out = given.out or Path(default)
    if given.replace:
        wrong = ["--out given too: the stored tables have their place"] if given.out else []
        if table1.STORED != table1.REPOSITORY:
            wrong.append("no repository here: an installed package keeps its tables")
        if wrong := wrong + less_than_stored(given):
            given.fail(f"--replace would lose stored results: {'; '.join(wrong)}")
        out = table1.STORED
    elif out.resolve() in (table1.STORED.resolve(), table1.REPOSITORY.resolve()):
        given.fail(f"--out {out} holds the stored tables: give --replace to replace them")
    try:
        return kept.check_writable(out)
    except ValueError as error:
        given.fail(str(error))


def _less_than_stored_table1(given: argparse.Namespace) -> list[str]:
    """In what a run of the table would hold less than the stored one."""
    stored = table1.load()
    wrong = []
    if given.seeds < (seeds := stored["run"].nunique()):
        wrong.append(f"--seeds {given.seeds}, and {seeds} are stored")
    for option, asked, column in (("--road", given.road, "road"), ("--predict", given.predict, "predict")):
        if missing := sorted(set(stored[column]) - set(asked)):
            wrong.append(f"{option} without {' and '.join(missing)}")
    if given.quick:
        wrong.append("--quick")
    if given.rounds is not None:
        wrong.append(f"--rounds {given.rounds}, and the stored ones have their recipe's")
    if given.recipe != "our":
        wrong.append(f"--recipe {given.recipe}, and the stored ones are by ours")
    return wrong


def _less_than_stored_ablations(given: argparse.Namespace) -> list[str]:
    """In what a run of the ablations would hold less than the stored ones."""
    runs = pd.read_csv(table1.STORED / "ablations.csv")["run"].nunique()
    return [f"--runs {given.runs}, and {runs} are stored"] if given.runs < runs else []


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
