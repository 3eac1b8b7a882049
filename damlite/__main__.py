"""Command line: `python -m damlite table1`, `ablations` and `figures`."""

import argparse
import contextlib
from collections.abc import Iterator
from pathlib import Path

from . import ablations, claims, crossing, figures, sweep, widgets
from .envs import Intersection


def write_scenes(folder: Path) -> list[Path]:
    """Fig. 2 (left) as PNG, the crossing's animation as GIF, and each lesson's key picture: its widget at rest."""
    env = Intersection()
    scenes = crossing.both_turns(env)
    paths = [folder / "figure2_left.png", folder / "intersection.gif"]
    paths[0].write_bytes(figures.png(crossing.figure2_left(env, scenes)))
    paths[1].write_bytes(crossing.animate(env, scenes))
    for lesson, panel in widgets.KEY_PANELS.items():
        paths.append(folder / f"lesson_{lesson}.png")
        paths[-1].write_bytes(panel().picture.value)
    return paths


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


def main(arguments: list[str] | None = None) -> None:
    """Parse the command line and run one of the three commands."""
    parser = argparse.ArgumentParser(prog="python -m damlite", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    table1 = commands.add_parser("table1", help="run the paper's Table 1")
    table1.add_argument("--seeds", type=int, default=20, help="runs per cell (default 20)")
    table1.add_argument("--rounds", type=int, help="rounds of planning and fitting (default: what suits the road)")
    table1.add_argument("--quick", action="store_true", help="few rounds and episodes: a first look, not a result")
    table1.add_argument("--jobs", type=int, default=2, help="processes (default 2)")
    table1.add_argument(
        "--predict",
        nargs="+",
        default=["state"],
        choices=["state", "velocity"],
        help="what models predict (default state, as in the paper)",
    )
    table1.add_argument("--road", nargs="+", default=list(sweep.ROADS), choices=list(sweep.ROADS), help="default both")
    table1.add_argument("--out", type=Path, help="where the tables go (default figures, or table1_quick with --quick)")
    table1.add_argument(
        "--keep", type=Path, default=Path("table1_pieces"), help="where finished pieces are kept (default %(default)s)"
    )
    table1.add_argument("--dask", metavar="ADDRESS", help="send the pieces to the Dask scheduler at this address")
    table1.add_argument("--device", default="cpu", help="where the tensors are: cpu (default) or cuda, a GPU")
    beyond = commands.add_parser("ablations", help="run the ablations beyond the paper")
    beyond.add_argument("--runs", type=int, default=10, help="models and discriminators each (default 10)")
    beyond.add_argument("--jobs", type=int, default=2, help="processes (default 2)")
    beyond.add_argument("--out", type=Path, default=sweep.STORED, help="where ablations.csv goes (default figures)")
    figure = commands.add_parser("figures", help="draw every figure from the stored tables")
    figure.add_argument("--out", type=Path, default=sweep.STORED, help="where tables are and figures go")
    given = parser.parse_args(arguments)
    if given.command == "figures":
        for path in figures.write_all(given.out) + write_scenes(given.out):
            print(path)
        return
    if given.command == "ablations":
        if given.runs < 1:
            parser.error(f"--runs must be positive, got {given.runs}")
        given.out.mkdir(parents=True, exist_ok=True)
        table = ablations.run(given.runs, given.jobs)
        table.to_csv(given.out / "ablations.csv", index=False)
        print(ablations.summarise(table).round(2).to_string(index=False))
        return
    if given.seeds < 1 or (given.rounds is not None and given.rounds < 1):
        parser.error(f"--seeds and --rounds must be positive, got {given.seeds} and {given.rounds}")
    out = given.out or (Path("table1_quick") if given.quick else sweep.STORED)
    options = dict(sweep.QUICK) if given.quick else {}
    if given.rounds is not None:
        options["rounds"] = given.rounds
    roads = {name: sweep.ROADS[name] for name in given.road}
    with on_cluster(given.dask):
        how = {"folder": given.keep, "device": given.device}
        returns = sweep.run_table1(given.seeds, tuple(given.predict), given.jobs, roads, **how, **options)
    settings = {"seeds": given.seeds, "roads": given.road, "predict": given.predict, "options": options}
    settings["device"] = given.device
    sweep.save(returns, out, **settings)
    print(sweep.summarise(returns).round(2).to_string(index=False))
    if given.seeds > 1:
        masses = claims.unrealistic_mass(given.seeds)
        masses.to_csv(out / "figure2_masses.csv", index=False)
        judged = claims.ledger(returns, masses)
        judged.to_csv(out / "claims.csv", index=False)
        print(judged.to_string(index=False))


if __name__ == "__main__":
    main()
