"""Copies of a lesson: a student's, without answers, and a teacher's, with solutions in the stubs' place and notes."""

import copy
import importlib.util
import re
import tempfile
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from .exercise import Exercise
from .solutions import SOLUTION, in_place, printed

if TYPE_CHECKING:
    from nbformat import NotebookNode

NOT_FOR_STUDENTS = {"guard", "teacher"}
CELL_SECONDS = 1200


def student(book: "NotebookNode") -> "NotebookNode":
    """A copy without solutions, outputs, guards and teacher's notes; the book stays as it is.

    Parameters
    ----------
    book : a lesson's notebook. Cells tagged "guard" or "teacher" are left out, and so is a cell of which nothing is
        left without its solution
    """
    book = copy.deepcopy(book)
    book.cells = [cell for cell in book.cells if not NOT_FOR_STUDENTS & set(cell.metadata.get("tags", ()))]
    for cell in book.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
        else:
            cell.source = SOLUTION.sub("", cell.source).strip()
    book.cells = [cell for cell in book.cells if cell.source]
    return book


def teacher(book: "NotebookNode", notes: str = "") -> "NotebookNode":
    """A copy with every printed solution in its stub's place, not executed; the book stays as it is.

    Parameters
    ----------
    book : a lesson's notebook; its guards and the cells tagged "teacher" stay
    notes : Markdown that follows the first cell, if any
    """
    book = copy.deepcopy(book)
    for exercise in printed(book.cells):
        if exercise.solution:
            cell = book.cells[exercise.cell]
            cell.source = in_place(cell.source, exercise.solution)
    if notes:
        cell = copy.deepcopy(next(cell for cell in book.cells if cell.cell_type == "markdown"))
        cell.source, cell.metadata.tags, cell.id = notes, ["teacher"], "teachers-notes"
        book.cells.insert(1, cell)
    return book


def execute(book: "NotebookNode") -> "NotebookNode":
    """Run a notebook in place, in an empty folder, and return it.

    Raises
    ------
    ValueError
        If a cell fails, or if nbclient is not installed.
    """
    try:
        from nbclient import NotebookClient
        from nbclient.exceptions import CellExecutionError
    except ImportError:
        raise ValueError("notebooks need nbclient to be executed: pip install 'damlite[lab]'") from None
    options = {"timeout": CELL_SECONDS, "record_timing": False, "store_widget_state": False, "coalesce_streams": True}
    with tempfile.TemporaryDirectory(prefix="lesson_") as folder:
        try:
            return NotebookClient(book, resources={"metadata": {"path": folder}}, **options).execute()
        except CellExecutionError as error:
            raise ValueError(f"a cell fails: {error}") from None


def notes(lesson: str, folder: Path) -> str:
    """What a teacher should know of a lesson, as Markdown: the folder's file on it, and what its checks know.

    Parameters
    ----------
    lesson : name of the notebook, such as "01_weigh_samples"; its file is 01_weigh_samples.md
    folder : of the files, teaching/notes of the repository. Where it or the file is missing, as beside an installed
        package, the notes are what the checks know
    """
    topic = re.sub(r"^\d+_", "", lesson)
    file = folder / f"{lesson}.md"
    known = [f"- `{name}`: {one}" for name, sentences in misconceptions(topic).items() for one in sentences]
    parts = [file.read_text().strip()] if file.exists() else []
    if known:
        parts.append("\n".join(["**Every mistake that the checks know by name**", "", *known]))
    return "\n\n".join(["## Teacher's notes", *parts]) if parts else ""


def misconceptions(topic: str) -> dict[str, list[str]]:
    """The sentences on classic mistakes that a lesson's checks know, by the exercise's name; none without a module."""
    name = f"{__package__}.{topic}"
    if not topic.isidentifier() or importlib.util.find_spec(name) is None:
        return {}
    exercises = [value for value in vars(import_module(name)).values() if isinstance(value, Exercise)]
    return {one.name: list(one.mistakes) for one in exercises if one.mistakes}
