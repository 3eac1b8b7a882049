"""A lesson's exercises as printed: each stub's cell, its solution, and the statements before it that they need."""

import ast
import json
import re
import symtable
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

SOLUTION = re.compile(r"<summary>Solution</summary>(.*?)</details>", re.DOTALL)
PYTHON = re.compile(r"```python\n(.*?)```", re.DOTALL)


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
    return [statement(node) for node in ast.parse(source).body]


def statement(node: ast.stmt) -> Statement:
    """One statement, and what it does to names."""
    source = ast.unparse(node)
    table = symtable.symtable(source, "cell", "exec")
    binds = {symbol.get_name() for symbol in table.get_symbols() if symbol.is_assigned() or symbol.is_imported()}
    imports = isinstance(node, ast.Import | ast.ImportFrom)
    return Statement(source, imports, frozenset(binds), frozenset(changed(node)), frozenset(read(table)))


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

    def run(self, solution: list[Statement]) -> dict:
        """Execute the cell with the solution (none: the stub itself) in place of what it defines; the names after."""
        defined = {name for one in solution for name in one.binds}
        last = [*solution, *(one for one in self.stub if not one.binds & defined)]
        names: dict = {}
        for one in [*needed(self.earlier, last), *last]:
            exec(one.source, names)
        return names


def printed(path: Path) -> list[Printed]:
    """The exercises of a notebook, each with the solutions that follow it before the next one."""
    exercises: list[Printed] = []
    earlier: list[Statement] = []
    for cell in json.loads(path.read_text())["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] == "code":
            here = statements(source)
            if names_of_checks(source):
                exercises.append(Printed(here, list(earlier), []))
            earlier += here
        elif exercises:
            for text in SOLUTION.findall(source):
                exercises[-1].solution.extend(one for code in PYTHON.findall(text) for one in statements(code))
    return exercises


def names_of_checks(source: str) -> set[str]:
    """The names check_… that a cell reads."""
    nodes = ast.walk(ast.parse(source))
    names = {getattr(node, "attr", getattr(node, "id", "")) for node in nodes}
    return {name for name in names if isinstance(name, str) and name.startswith("check_")}
