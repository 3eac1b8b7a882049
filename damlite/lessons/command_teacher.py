"""The teacher's commands: `python -m damlite copies` and `slides`."""

import argparse
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from ..results import kept
from . import copies, slides

if TYPE_CHECKING:
    from nbformat import NotebookNode


def add_commands(commands: argparse._SubParsersAction) -> None:
    """Add the commands to the program's."""
    words = "copy lessons for students (without solutions) and for teachers (solved, with notes, executed)"
    parser = commands.add_parser("copies", help=words, description=words)
    _add_lessons(parser)
    parser.add_argument("--student", type=Path, metavar="DIR", help="folder for the students' copies")
    parser.add_argument("--teacher", type=Path, metavar="DIR", help="folder for the teacher's copies")
    parser.add_argument(
        "--notes",
        type=Path,
        default=Path("teaching/notes"),
        metavar="DIR",
        help="folder of a Markdown file a lesson, for the teacher's copies (default teaching/notes)",
    )
    parser.set_defaults(run=run_copies, fail=parser.error)
    words = "make slides of lessons, an HTML file each that fetches nothing, from the cells tagged slide"
    parser = commands.add_parser("slides", help=words, description=words)
    _add_lessons(parser)
    parser.add_argument("--out", type=Path, metavar="DIR", default=Path("slides"), help="their folder (default slides)")
    parser.set_defaults(run=run_slides, fail=parser.error)


def _add_lessons(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("names", nargs="*", help="lessons, such as 01_weigh_samples or 01 (default all)")
    parser.add_argument(
        "--notebooks", type=Path, default=Path("notebooks"), metavar="DIR", help="their folder (default notebooks)"
    )
    parser.add_argument("--replace", action="store_true", help="write over files that are there already")


def run_copies(given: argparse.Namespace) -> None:
    """Write the copies, and print where they are."""
    made: dict[str, Callable[[NotebookNode, str], NotebookNode]] = {
        "student": lambda book, lesson: copies.student(book),
        "teacher": lambda book, lesson: copies.execute(copies.teacher(book, copies.notes(lesson, given.notes))),
    }
    folders = {kind: vars(given)[kind] for kind in made if vars(given)[kind] is not None}
    try:
        if not folders:
            raise ValueError("--student or --teacher must name a folder, got neither")
        if len({folder.resolve() for folder in folders.values()}) < len(folders):
            raise ValueError(f"--student and --teacher must be two folders, got {given.student} for both")
        lessons = find(given.notebooks, given.names)
        for kind, folder in folders.items():
            check_free(f"--{kind}", folder, [path.name for path in lessons], given)
        for path in lessons:
            for kind, folder in folders.items():
                _write(made[kind](read(path), path.stem), folder / path.name)
    except ValueError as error:
        given.fail(str(error))


def run_slides(given: argparse.Namespace) -> None:
    """Write the slides, and print where they are."""
    try:
        lessons = find(given.notebooks, given.names)
        check_free("--out", given.out, [f"{path.stem}.html" for path in lessons], given)
        pages = {given.out / f"{path.stem}.html": slides.slides(read(path), path.stem) for path in lessons}
    except ValueError as error:
        given.fail(str(error))
    for path, page in pages.items():
        path.write_text(page, encoding="utf-8")
        print(path)


def find(folder: Path, names: Iterable[str]) -> list[Path]:
    """The notebooks of a folder that are named, wholly or by their number; all if none is.

    Raises
    ------
    ValueError
        If the folder holds no notebook, or none of a name.
    """
    there = sorted(folder.glob("*.ipynb"))
    if not there:
        raise ValueError(f"--notebooks must be a folder of notebooks, got {str(folder)!r}, which holds none")
    chosen = []
    for name in names:
        found = [path for path in there if name in (path.stem, path.name, path.stem.partition("_")[0])]
        if not found:
            known = ", ".join(path.stem for path in there)
            raise ValueError(f"names must be lessons of {folder} ({known}), got {name!r}")
        chosen += found
    return chosen or there


def check_free(argument: str, folder: Path, names: list[str], given: argparse.Namespace) -> None:
    """Raise ValueError, before anything is made, if a folder is the notebooks' own or holds a file of such a name."""
    kept.check_writable(folder)
    if folder.resolve() == given.notebooks.resolve():
        raise ValueError(f"{argument} must be another folder than that of the notebooks, got {folder}")
    taken = [name for name in names if (folder / name).exists()]
    if taken and not given.replace:
        raise ValueError(f"{argument} {folder} holds {', '.join(taken)} already; --replace writes over what is there")


def read(path: Path) -> "NotebookNode":
    """A notebook; ValueError if it cannot be read, or if nbformat is missing."""
    try:
        import nbformat
    except ImportError:
        raise ValueError("notebooks need nbformat to be read: pip install 'damlite[lab]'") from None
    try:
        return nbformat.read(path, as_version=4)
    except (OSError, nbformat.reader.NotJSONError) as error:
        raise ValueError(f"--notebooks: {path} cannot be read: {error}") from None


def _write(book: "NotebookNode", path: Path) -> None:
    import nbformat

    nbformat.write(book, path)
    print(path)
