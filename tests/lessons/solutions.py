"""A lesson's exercises to be run: each stub's cell, its solution, and the statements before it that they need."""

import ast
import itertools
import json
import symtable
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from damlite.lessons import solutions as reader


@dataclass(frozen=True)
class Statement:
    """A statement of a notebook: its source, and the global names that it binds, changes in place, and reads."""

    source: str
    imports: bool
    binds: frozenset[str]
    changes: frozenset[str]
    reads: frozenset[str]


def statements(source: str) -> list[Statement]:
    """The statements of a cell."""
    return [statement(node) for node in ast.parse(reader.python(source)).body]


def statement(node: ast.stmt) -> Statement:
    """One statement, and what it does to names."""
    source = ast.unparse(node)
    imports = isinstance(node, ast.Import | ast.ImportFrom)
    reads = read(symtable.symtable(source, "cell", "exec"))
    return Statement(source, imports, frozenset(reader.bound(source)), frozenset(changed(node)), frozenset(reads))


def read(table: symtable.SymbolTable) -> Iterator[str]:
    """Global names that are read, inside functions too."""
    for symbol in table.get_symbols():
        if symbol.is_referenced() and (table.get_type() == "module" or symbol.is_global()):
            yield symbol.get_name()
    for child in table.get_children():
        yield from read(child)


def changed(node: ast.stmt) -> Iterator[str]:
    """Names of what is changed in place: `name[...] = `, `name.attribute = `, and `name.method(...)` alone."""
    targets = [n for n in ast.walk(node) if isinstance(getattr(n, "ctx", None), ast.Store)]
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        targets.append(node.value.func)
    for target in targets:
        root = target
        while isinstance(root, ast.Attribute | ast.Subscript):
            root = root.value
        if root is not target and isinstance(root, ast.Name):
            yield root.id


def origin(earlier: list[Statement], name: str, before: int) -> list[int]:
    """Where a name gets its value before a statement: the last that binds it, and all that change it since."""
    binding = [i for i, one in enumerate(earlier) if name in one.binds]
    binding = [i for i in binding if i < before] or binding  # a function may read what comes after it
    if not binding or earlier[binding[-1]].imports:
        return binding[-1:]
    return [binding[-1], *(i for i in range(binding[-1] + 1, before) if name in earlier[i].changes)]


def needed(earlier: list[Statement], last: list[Statement]) -> list[Statement]:
    """Those of the earlier statements that the last ones hang on, in order."""
    chosen: set[int] = set()
    todo = [(name, len(earlier)) for one in last for name in one.reads]
    while todo:
        new = {*origin(earlier, *todo.pop())} - chosen
        chosen |= new
        todo += [(name, i) for i in new for name in earlier[i].reads]
    return [earlier[i] for i in sorted(chosen)]


@dataclass(frozen=True)
class Printed:
    """An exercise in a notebook: the statements of its stub's cell, those before it, and its solution's, if any."""

    stub: list[Statement]
    earlier: list[Statement]
    solution: list[Statement]

    def before(self) -> dict:
        """Execute what the stub and the solution hang on: the names after."""
        names: dict = {}
        for one in needed(self.earlier, [*self.stub, *self.solution]):
            exec(one.source, names)
        return names

    def run(self, solution: list[Statement], names: dict) -> None:
        """Execute the cell with the solution (none: the stub itself) in place of what it defines."""
        defined = {name for one in solution for name in one.binds}
        for one in [*solution, *(one for one in self.stub if not one.binds & defined)]:
            exec(one.source, names)


def printed(path: Path) -> list[Printed]:
    """The exercises of a notebook, each with the solutions that follow it before the next one."""
    cells = json.loads(path.read_text())["cells"]
    code = [statements("".join(cell["source"])) if cell["cell_type"] == "code" else [] for cell in cells]
    return [
        Printed(code[one.cell], [*itertools.chain(*code[: one.cell])], statements(one.solution))
        for one in reader.printed(cells)
    ]
