"""The command that brings texts up to date: `python -m damlite report`."""

import argparse
from pathlib import Path

from . import deviations, report, table1

TEXTS = ("README.md", "REPRODUCTION.md")  # the repository's, with tables from what is stored


def add_options(parser: argparse.ArgumentParser) -> None:
    """Which texts, and from which tables."""
    here = table1.STORED == table1.REPOSITORY
    texts = [table1.REPOSITORY.parent / name for name in TEXTS] if here else []
    words = f"Markdown files with marked tables (default the repository's {' and '.join(TEXTS)})"
    parser.add_argument("texts", nargs="*" if here else "+", type=Path, default=texts, help=words)
    parser.add_argument("--tables", type=Path, default=table1.STORED, help="folder of the tables (default: the stored)")
    parser.set_defaults(run=run, fail=parser.error)


def run(given: argparse.Namespace) -> None:
    """Write deviations.csv beside the sweeps that it is from, then every table of the texts anew."""
    if any((given.tables / f"{name}.csv").exists() for name in deviations.SOURCES):
        deviations.save(given.tables)
        print(given.tables / "deviations.csv")
    for path in given.texts:
        try:
            path.write_text(report.refresh(path.read_text(), given.tables))
        except (OSError, ValueError) as error:
            given.fail(f"{path}: {error}")
        print(path)
