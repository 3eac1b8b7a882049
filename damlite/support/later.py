"""Modules that are loaded at first use."""

import importlib
import sys
from collections.abc import Callable, Collection
from types import ModuleType


def modules(package: str, names: Collection[str]) -> tuple[Callable[[str], ModuleType], Callable[[], list[str]]]:
    """A package's `__getattr__` and `__dir__` (PEP 562) that load its modules of these names at first use."""

    def get(name: str) -> ModuleType:
        if name in names:
            return importlib.import_module(f".{name}", package)
        raise AttributeError(f"module {package!r} has no attribute {name!r}")

    def listed() -> list[str]:
        return sorted({*vars(sys.modules[package]), *names})

    return get, listed
