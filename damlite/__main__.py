"""Command line: `python -m damlite COMMAND`; each makes tables, draws or tells what they hold, or serves a teacher."""

import argparse

from .lessons import command as pictures
from .lessons import command_teacher as teachers
from .results import command as results


def main(arguments: list[str] | None = None) -> None:
    """Parse the command line and run one of the commands."""
    parser = argparse.ArgumentParser(prog="python -m damlite", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    results.add_commands(commands)
    pictures.add_commands(commands)
    teachers.add_commands(commands)
    given = parser.parse_args(arguments)
    given.run(given)


if __name__ == "__main__":
    main()
