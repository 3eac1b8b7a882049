"""A lesson's exercises as printed: the cell of each stub, and the solutions folded below it."""

import ast
import re
import symtable
from collections.abc import Iterable
from dataclasses import dataclass

SOLUTION = re.compile(r"<details>\s*<summary>Solution</summary>(.*?)</details>", re.DOTALL)
PYTHON = re.compile(r"```python\n(.*?)```", re.DOTALL)


@dataclass(frozen=True, kw_only=True)
class Printed:
    """An exercise in a notebook.

    Attributes
    ----------
    cell : index of its stub's cell
    solution : the code of the solutions that follow it before the next exercise; empty if none is printed
    """

    cell: int
    solution: str


def printed(cells: Iterable[dict]) -> list[Printed]:
    """The exercises of a notebook's cells, in order: code cells that read a name check_…, and what is folded below."""
    stubs: list[int] = []
    solutions: dict[int, list[str]] = {}
    for index, cell in enumerate(cells):
        source = "".join(cell["source"])
        if cell["cell_type"] == "code" and names_of_checks(source):
            stubs.append(index)
        elif cell["cell_type"] == "markdown" and stubs:
            codes = [code for text in SOLUTION.findall(source) for code in PYTHON.findall(text)]
            solutions.setdefault(stubs[-1], []).extend(codes)
    return [Printed(cell=stub, solution="\n\n".join(map(str.strip, solutions.get(stub, ())))) for stub in stubs]


def in_place(stub: str, solution: str) -> str:
    """A stub's cell with the solution in the place of the statements that bind the same names."""
    defined, lines = bound(solution), stub.splitlines()
    kept = [node for node in ast.parse(stub).body if not bound(ast.unparse(node)) & defined]
    sources = ["\n".join(lines[first_line(node) - 1 : node.end_lineno]) for node in kept]
    return "\n\n\n".join(filter(None, (solution, "\n".join(sources))))


def first_line(node: ast.stmt) -> int:
    """The line on which a statement begins, its decorators included."""
    return min([node.lineno, *(one.lineno for one in getattr(node, "decorator_list", ()))])


def bound(source: str) -> set[str]:
    """The global names that a source binds."""
    symbols = symtable.symtable(source, "cell", "exec").get_symbols()
    return {symbol.get_name() for symbol in symbols if symbol.is_assigned() or symbol.is_imported()}


def names_of_checks(source: str) -> set[str]:
    """The names check_… that a cell reads."""
    names = {getattr(node, "attr", getattr(node, "id", "")) for node in ast.walk(ast.parse(python(source)))}
    return {name for name in names if isinstance(name, str) and name.startswith("check_")}


def python(source: str) -> str:
    """A cell without the lines that only IPython reads."""
    return "\n".join(line for line in source.splitlines() if not line.lstrip().startswith(("%", "!")))
