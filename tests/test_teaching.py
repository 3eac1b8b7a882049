"""The teacher's pack: its links lead somewhere, its names exist, its self-test has answers."""

import json
import re
from dataclasses import fields, is_dataclass
from functools import reduce
from pathlib import Path

import pytest

import damlite as dl

TEACHING = Path(__file__).resolve().parent.parent / "teaching"
LESSONS = sorted((TEACHING.parent / "notebooks").glob("*.ipynb"))
HEADINGS = ["Before class", "Questions to ask", "Misconceptions that the checks know", "Pacing"]
ROWS = [
    [column.strip() for column in line.split("|")[1:-1]]
    for line in re.sub(r"\\mid", " ", (TEACHING / "notation.md").read_text()).splitlines()
    if line.startswith("| $")
]


def named(owner, name):
    """What an object has under a name; a dataclass's field counts."""
    if isinstance(owner, type) and is_dataclass(owner) and name in {field.name for field in fields(owner)}:
        return name
    return getattr(owner, name)


def test_a_name_that_is_not_there_is_seen():
    assert named(dl.Estimator, "particles")
    with pytest.raises(AttributeError):
        named(dl.Estimator, "partikles")


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[2])
def test_every_code_name_exists(row):
    symbol, meaning, code, lesson, _ = row
    assert symbol and meaning and lesson
    reduce(named, re.fullmatch(r"`([\w.]+)`", code).group(1).split("."), dl)


def words_of(lesson):
    """The Markdown of the lesson with this title, without its references."""
    for path in TEACHING.parent.glob("notebooks/*.ipynb"):
        cells = json.loads(path.read_text())["cells"]
        if cells[0]["source"][0].strip().partition(" · ")[2].lower() == lesson:
            text = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
            return text.partition("## References")[0]
    raise LookupError(lesson)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row[0]} {row[2]}")
def test_an_equation_of_the_notation_is_treated_in_its_lesson(row):
    text = words_of(row[3].lower())
    cited = re.findall(r"(?:Eq|Alg)\. \d+", row[4])
    assert ", ".join(cited) == row[4]
    assert not [name for name in cited if not re.search(rf"{re.escape(name)}(?!\d| to \d)", text)]


def test_the_self_test_has_five_questions_each_with_its_answer():
    parts = re.split(r"^\*\*(\d)\.\*\*", (TEACHING / "prerequisites.md").read_text(), flags=re.MULTILINE)[1:]
    assert parts[::2] == list("12345")
    assert all(part.count("<summary>Answer</summary>") == part.count("</details>") == 1 for part in parts[1::2])


def test_links_lead_to_files():
    for page in TEACHING.glob("*.md"):
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
            assert (TEACHING / target).exists(), target


def test_the_routes_take_the_time_that_they_say():
    route = re.search(r"## Ninety minutes.*?(?=\n## )", (TEACHING / "README.md").read_text(), re.DOTALL).group()
    assert sum(map(int, re.findall(r"^\| (\d+) \|", route, re.MULTILINE))) == 90


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_a_lesson_has_notes_that_fit_it(path):
    notes = (TEACHING / "notes" / f"{path.stem}.md").read_text()
    parts = re.split(r"^\*\*([^*.]+)\.?\*\*", notes, flags=re.MULTILINE)
    assert parts[1::2] == HEADINGS and len(notes.splitlines()) <= 25
    sections = dict(zip(HEADINGS, parts[2::2], strict=True))
    book = "\n".join("".join(cell["source"]) for cell in json.loads(path.read_text())["cells"])
    exercises = set(re.findall(r"^\*\*(\d)\.\*\* ", book.partition("## Exercises")[2], re.MULTILINE))
    misconceptions = re.findall(r"^- (?:Exercise (\d): )?", sections[HEADINGS[2]], re.MULTILINE)
    assert 3 <= len(misconceptions) <= 5
    assert set(misconceptions) <= exercises
    assert 2 <= len(re.findall(r"^- .+\? \*.+\*$", sections[HEADINGS[1]], re.MULTILINE)) <= 4
    claimed = int(re.search(r"\*\*Time\*\* (\d+) minutes", book).group(1))
    assert abs(sum(map(int, re.findall(r"(\d+) min\b", sections["Pacing"]))) - claimed) <= 5
