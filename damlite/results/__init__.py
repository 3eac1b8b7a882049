"""The paper's results, run again: Table 1, its claims, what each choice in planning is worth, and worked examples."""
