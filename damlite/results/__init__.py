"""The paper's results, run again: Table 1, its claims, what each choice is worth, and worked examples.

Each module is loaded at first use: a sweep's worker processes need few of them.
"""

import importlib
from types import ModuleType

__all__ = ["choices", "claims", "compare", "examples", "papers", "sweeps", "table1"]


def __getattr__(name: str) -> ModuleType:
    if name in __all__:
        return importlib.import_module(f".{name}", __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
