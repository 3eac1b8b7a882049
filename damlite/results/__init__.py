"""The paper's results, run again: Table 1, its claims, what each choice is worth, and worked examples."""

from . import choices, claims, compare, examples, papers, sweeps, table1

__all__ = ["choices", "claims", "compare", "examples", "papers", "sweeps", "table1"]
