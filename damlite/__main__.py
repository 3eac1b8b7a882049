"""Command line: `python -m damlite COMMAND`; each command makes stored tables, or draws or tells what they hold."""

import argparse

from .lessons import command as pictures
from .results import command as results


def main(arguments: list[str] | None = None) -> None:
    """Parse the command line and run one of the commands."""
    parser = argparse.ArgumentParser(prog="python -m damlite", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    results.add_commands(commands)
    pictures.add_commands(commands)
    given = parser.parse_args(arguments)
    given.run(given)


if __name__ == "__main__":
    main()
