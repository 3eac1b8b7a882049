"""What a notebook's cells do to names, told from their source: why they show the same numbers in any order."""

import ast
import copy
import symtable
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from solutions import changed

from damlite.lessons import solutions as reader

AT_ONCE = {"genexpr", "listcomp", "setcomp", "dictcomp"}  # inner scopes that run where they stand


@dataclass
class Cell:
    """A cell's names.

    Attributes
    ----------
    binds : what it gives a value, imports included
    reads : what it reads and has not bound before, and what its functions read, whenever they are called
    changes : what it changes in place, fits or draws from, without having made it; modules are not changed
    generators : what it binds to a new generator
    """

    binds: set[str] = field(default_factory=set)
    reads: set[str] = field(default_factory=set)
    changes: set[str] = field(default_factory=set)
    generators: set[str] = field(default_factory=set)

    def add(self, node: ast.stmt) -> None:
        """Take note of the next statement."""
        source = ast.unparse(node)
        now, later = reads(symtable.symtable(source, "cell", "exec"))
        if isinstance(node, ast.AugAssign):
            now |= {found.id for found in ast.walk(node.target) if isinstance(found, ast.Name)}
        self.reads |= (now - self.binds) | later
        self.changes |= (set(changed_or_fitted(node)) & now) - self.binds
        self.binds |= reader.bound(source)
        self.generators |= set(new_generators(node))


def cell(source: str) -> Cell:
    """What a cell does."""
    found = Cell()
    for node in in_turn(ast.parse(reader.python(source)).body):
        found.add(node)
    return found


def in_turn(body: Sequence[ast.stmt]) -> Iterator[ast.stmt]:
    """Statements as they run: the head of a loop or a `with`, then what is inside."""
    for node in body:
        if isinstance(node, ast.For | ast.With):
            head = copy.copy(node)
            head.body, head.orelse = [ast.Pass()], []
            yield head
            yield from in_turn([*node.body, *getattr(node, "orelse", ())])
        else:
            yield node


def reads(table: symtable.SymbolTable) -> tuple[set[str], set[str]]:
    """Global names that are read where a statement stands, and those that its functions read later."""
    module = table.get_type() == "module"
    now = {one.get_name() for one in table.get_symbols() if one.is_referenced() and (module or one.is_global())}
    later: set[str] = set()
    for child in table.get_children():
        at_once, after = reads(child)
        (now if child.get_name() in AT_ONCE else later).update(at_once)
        later |= after
    return now, later


def changed_or_fitted(node: ast.stmt) -> Iterator[str]:
    """Names of what a statement changes in place, and of what it hands to `fit_…` to be fitted."""
    if not (isinstance(node, ast.Expr) and ast.unparse(node).split("(")[0].endswith(".against")):  # marks a prediction
        yield from changed(node)
    if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
        yield node.target.id
    for call in ast.walk(node):
        if isinstance(call, ast.Call) and getattr(call.func, "attr", "").startswith("fit_") and call.args:
            yield from (found.id for found in ast.walk(call.args[0]) if isinstance(found, ast.Name))


def new_generators(node: ast.stmt) -> Iterator[str]:
    """Names that a statement binds to what `seeded` returns, or NumPy's `default_rng`."""
    if not isinstance(node, ast.Assign):
        return
    for target in node.targets:
        both = isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple)
        for name, value in zip(target.elts, node.value.elts, strict=True) if both else [(target, node.value)]:
            if isinstance(value, ast.Call) and ast.unparse(value.func).endswith(("seeded", "default_rng")):
                yield from (found.id for found in ast.walk(name) if isinstance(found, ast.Name))


def hazards(sources: Sequence[str]) -> list[str]:
    """Why a notebook's cells may show other numbers in another order: a sentence for each name."""
    cells = [cell(source) for source in sources]
    modules = {
        name
        for source in sources
        for node in ast.parse(reader.python(source)).body
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in reader.bound(ast.unparse(node))
    }
    bound = Counter(name for one in cells for name in one.binds)
    read = set().union(*(one.reads for one in cells))
    found = [f"{name}: several cells bind it, and one reads it" for name in sorted(read) if bound[name] > 1]
    for one in cells:
        found += [f"{name}: a cell changes what another has made" for name in sorted(one.changes - modules)]
        elsewhere = set().union(*(other.reads for other in cells if other is not one))
        found += [f"{name}: several cells draw from it" for name in sorted(one.generators & elsewhere)]
    return found
