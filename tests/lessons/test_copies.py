"""Copies for students and for teachers, of a small lesson and of every lesson that there is."""

import copy
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from solutions import statements

from damlite.__main__ import main
from damlite.lessons import copies
from damlite.lessons.solutions import in_place, names_of_checks, printed

NOTEBOOKS = sorted((Path(__file__).resolve().parents[2] / "notebooks").glob("*.ipynb"))
SOLUTION = """<details><summary>Solution</summary>

```python
def double(x):
    return 2 * x  # twice
```
Twice.
</details>"""
STUB = 'def double(x):\n    """Twice x."""\n    ...\n\n\nprint(check_double(double))'


@pytest.fixture
def book():
    code = [
        new_code_cell("def check_double(f):\n    return f(2) == 4"),
        new_code_cell("assert True", metadata={"tags": ["guard"]}),
        new_code_cell(STUB, execution_count=3, outputs=[new_output("stream", text="False\n")]),
    ]
    words = [
        new_markdown_cell("# Double"),
        new_markdown_cell("Ask why.", metadata={"tags": ["teacher"]}),
        new_markdown_cell(f"{SOLUTION}\n\n**2.** Another."),
        new_markdown_cell("<details><summary>Solution</summary>Any.</details>"),
    ]
    return new_notebook(cells=[words[0], *code, words[2], words[1], words[3]])


@pytest.fixture
def folder(tmp_path, book):
    """A folder with the lesson under the name 07_double."""
    (tmp_path / "books").mkdir()
    nbformat.write(book, tmp_path / "books" / "07_double.ipynb")
    return tmp_path


def sources(book):
    return [cell.source for cell in book.cells]


def copies_of(folder, *arguments):
    main(["copies", "--notebooks", str(folder / "books"), "--notes", str(folder / "notes"), *map(str, arguments)])


def refused(capsys, folder, *arguments):
    """What the command says when it refuses."""
    with pytest.raises(SystemExit) as ended:
        copies_of(folder, *arguments)
    assert ended.value.code == 2
    return capsys.readouterr().err


def test_a_students_copy_has_neither_answers_nor_guards_nor_outputs(book):
    before = copy.deepcopy(book)
    made = copies.student(book)
    assert sources(made) == ["# Double", sources(book)[1], STUB, "**2.** Another."]
    assert all(cell.outputs == [] and cell.execution_count is None for cell in made.cells if cell.cell_type == "code")
    assert book == before
    nbformat.validate(made)


def test_a_teachers_copy_is_solved_and_has_notes(book):
    before = copy.deepcopy(book)
    made = copies.teacher(book, "Pause here.")
    assert sources(made)[:2] == ["# Double", "Pause here."]
    assert made.cells[4].source.startswith("def double(x):\n    return 2 * x  # twice\n\n\nprint(")
    assert "Ask why." in sources(made) and "assert True" in sources(made)
    assert book == before
    nbformat.validate(made)


def test_a_solution_replaces_what_it_defines_and_nothing_else():
    stub = "a = 1\n\n\n@cache\ndef f():\n    ...\n\n\nb = (\n    2\n)\ncheck_f(f, a, b)"
    solution = "def f():\n    return 3"
    assert in_place(stub, solution) == f"{solution}\n\n\na = 1\nb = (\n    2\n)\ncheck_f(f, a, b)"
    assert in_place("answer = ...\ncheck_it(answer)", "answer = 3") == "answer = 3\n\n\ncheck_it(answer)"


def test_the_command_writes_both_and_runs_the_teachers(folder, capsys):
    (folder / "notes").mkdir()
    (folder / "notes" / "07_double.md").write_text("Five minutes.\n")
    copies_of(folder, "07", "--student", folder / "s", "--teacher", folder / "t")
    assert capsys.readouterr().out.split() == [str(folder / kind / "07_double.ipynb") for kind in "st"]
    student, teacher = (nbformat.read(folder / kind / "07_double.ipynb", 4) for kind in "st")
    assert STUB in sources(student) and "details" not in "".join(sources(student))
    assert teacher.cells[1].source == "## Teacher's notes\n\nFive minutes."
    (solved,) = [cell for cell in teacher.cells if "# twice" in cell.source and cell.cell_type == "code"]
    assert solved.outputs[0].text == "True\n" and "timing" not in str(solved.metadata)


def test_what_is_there_stays_unless_it_may_be_replaced(folder, capsys):
    copies_of(folder, "--student", folder / "s")
    path = folder / "s" / "07_double.ipynb"
    path.write_text("mine")
    said = refused(capsys, folder, "--student", folder / "s", "--teacher", folder / "t")
    assert "--student" in said and "07_double.ipynb already" in said
    assert path.read_text() == "mine" and not list(folder.glob("t/*"))
    copies_of(folder, "--student", folder / "s", "--replace")
    assert path.read_text() != "mine"


def test_what_cannot_be_is_refused_by_name(folder, capsys):
    assert "--student or --teacher must name a folder" in refused(capsys, folder)
    assert "got '8'" in refused(capsys, folder, "8", "--student", folder / "s")
    assert "two folders" in refused(capsys, folder, "--student", folder / "s", "--teacher", folder / "s")
    assert "another folder" in refused(capsys, folder, "--student", folder / "books", "--replace")
    assert "holds none" in refused(capsys, folder, "--notebooks", str(folder / "s"), "--student", folder / "u")
    (folder / "books" / "07_double.ipynb").write_text("{")
    assert "cannot be read" in refused(capsys, folder, "--student", folder / "s")


def test_a_cell_that_fails_is_told(folder, book, capsys):
    book.cells[1].source = "1 / 0"
    nbformat.write(book, folder / "books" / "07_double.ipynb")
    assert "ZeroDivisionError" in refused(capsys, folder, "--teacher", folder / "t")
    assert not list(folder.glob("t/*"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_lesson_can_be_copied(path):
    book = nbformat.read(path, as_version=4)
    student, teacher = copies.student(book), copies.teacher(book, "A note.")
    assert "<summary>Solution" not in "".join(sources(student))
    stubs = [cell.source for cell in student.cells if cell.cell_type == "code" and names_of_checks(cell.source)]
    assert len(stubs) == len(printed(book.cells)) > 0
    solved = [book.cells[one.cell].source for one in printed(book.cells) if one.solution]
    assert solved and not set(solved) & set(sources(teacher))
    for made in (student, teacher):
        nbformat.validate(made)
    reads = {name for cell in student.cells if cell.cell_type == "code" for name in all_names(cell.source, "reads")}
    bound = {name for cell in student.cells if cell.cell_type == "code" for name in all_names(cell.source, "binds")}
    left_out = {
        name
        for cell in book.cells
        if "guard" in cell.metadata.get("tags", ())
        for name in all_names(cell.source, "binds")
    }
    assert not reads & (left_out - bound), "a guard makes what a later cell reads"


def all_names(source, kind):
    return [name for one in statements(source) for name in getattr(one, kind)]


def test_a_lessons_notes_name_the_mistakes_that_its_checks_know(tmp_path):
    known = copies.misconceptions("weigh_samples")
    assert known and all(sentences for sentences in known.values())
    said = copies.notes("01_weigh_samples", tmp_path)
    assert all(sentence in said for sentences in known.values() for sentence in sentences)
    assert copies.notes("07_double", tmp_path) == ""


def test_a_teachers_copy_carries_the_file_of_its_lesson():
    notes = NOTEBOOKS[0].parents[1] / "teaching" / "notes"
    for path in NOTEBOOKS:
        made = copies.teacher(nbformat.read(path, as_version=4), copies.notes(path.stem, notes))
        assert (notes / f"{path.stem}.md").read_text().strip() in made.cells[1].source
