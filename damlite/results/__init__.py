"""The paper's results, run again: Table 1, its claims, what each choice is worth, and worked examples.

Each module is loaded at first use: a sweep's worker processes need few of them.
"""

from ..support.later import modules

__all__ = ["choices", "claims", "compare", "examples", "papers", "sweeps", "table1"]
__getattr__, __dir__ = modules(__name__, __all__)
