"""A lesson's honest minutes, counted: `python tests/minutes.py` prints those of every lesson.

Words / 120 + lines of code / 10 + 1 a prediction + 4 a panel + 5 an exercise. Folded solutions, guards, references and
sections whose heading says "optional" are not counted.
"""

import ast
import json
import re
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from damlite.lessons.solutions import names_of_checks, python

NOTEBOOKS = Path(__file__).resolve().parent.parent / "notebooks"
WIDGET = "application/vnd.jupyter.widget-view+json"
FOLDED = re.compile(r"<details>.*?</details>", re.DOTALL)
PARTS = re.compile(r"^(?=#{1,4} )", re.MULTILINE)
UNCOUNTED = re.compile(r"optional|^#+ References", re.IGNORECASE)
LINES_OF_CODE = re.compile(r"^\s*[^\s#].*$", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class Counted:
    """What a lesson holds; all but `cells` and `asserts` without what is not counted."""

    cells: int
    words: int
    lines: int
    predictions: int
    panels: int
    exercises: int
    asserts: int  # those that students see
    claimed: int  # minutes, by the first cell

    @property
    def minutes(self) -> float:
        """By the formula above."""
        return self.words / 120 + self.lines / 10 + self.predictions + 4 * self.panels + 5 * self.exercises


def count(path: Path) -> Counted:
    """Count a notebook."""
    cells = json.loads(path.read_text())["cells"]
    text, code = counted(cells)
    sources = ["".join(cell["source"]) for cell in code]
    seen = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code" and not guards(cell)]
    claimed = re.search(r"\*\*Time\*\* (\d+) minutes", "".join(cells[0]["source"]))
    return Counted(
        cells=len(cells),
        words=len(re.findall(r"\S*\w\S*", text)),
        lines=sum(len(LINES_OF_CODE.findall(source)) for source in sources),
        # recorded predictions; before a lesson has any, the words "Predict" in bold
        predictions=len(re.findall(r"\bpredict\(", "\n".join(sources))) or len(re.findall(r"\*\*Predict", text)),
        panels=sum(pictured(output) for cell in code for output in cell["outputs"]),
        exercises=sum(bool(names_of_checks(source)) for source in sources),
        asserts=sum(isinstance(node, ast.Assert) for source in seen for node in ast.walk(ast.parse(python(source)))),
        claimed=int(claimed.group(1)) if claimed else 0,
    )


def counted(cells: list[dict]) -> tuple[str, list[dict]]:
    """The words and the code cells that are counted."""
    text, code = [], []
    left_out = 0  # the level of the heading that is not counted, and what is below it neither; 0: all is counted
    for cell in cells:
        if cell["cell_type"] == "code":
            code += [cell] * (not left_out and not guards(cell))
            continue
        for part in PARTS.split(FOLDED.sub("", "".join(cell["source"]))):
            level = len(part) - len(part.lstrip("#"))
            if level and (not left_out or level <= left_out):
                left_out = level if UNCOUNTED.search(part.splitlines()[0]) else 0
            text += [part] * (not left_out)
    return "\n".join(text), code


def guards(cell: dict) -> bool:
    """Whether a cell guards the words, and is not for students."""
    return "guard" in cell["metadata"].get("tags", ())


def pictured(output: dict) -> bool:
    """Whether an output is a widget with a picture, as a panel is and a question is not."""
    return {WIDGET, "image/png"} <= output.get("data", {}).keys()


if __name__ == "__main__":
    for path in map(Path, sys.argv[1:]) if sys.argv[1:] else sorted(NOTEBOOKS.glob("*.ipynb")):
        found = count(path)
        told = ", ".join(f"{number} {name}" for name, number in asdict(found).items())
        print(f"{path.stem}: {found.minutes:.0f} minutes ({told})")
