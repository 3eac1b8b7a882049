"""The paper's results, run again: Table 1, its claims, what each choice in planning is worth, and worked examples."""

from . import choices, claims, examples, table1

__all__ = ["choices", "claims", "examples", "table1"]
