"""What would take more than a few GB, or than minutes, is refused before any work, with its size and a way out.

Each limit stands here once. What the course, the tables, the tests and the benchmarks do stays far inside them all.
"""

import math

SEQUENCES = 1_000_000  # action sequences: proposed at once, or by all iterations of a planner
IMAGINED = 100_000_000  # numbers of imagined states: 0.4 GB, and with all that is kept beside them up to 2.5 GB
DRAWN = 100_000_000  # random numbers at once: 0.4 GB, and up to 3 GB while they are made
OUTCOMES = 50_000_000  # strings of outcomes, one for each particle, drawn at once: 2 GB while they are made and sorted
PARAMETERS = 50_000_000  # of all runs of a network: 1.2 GB in a fit, with gradients, momenta and the best so far
ACTIVATIONS = 100_000_000  # of a network for all rows that a step of a fit looks at: up to 2 GB with their gradients
STEPS = 1_000_000  # of a fit, and rounds of a recipe: an hour or more
EXACT_SEQUENCES = 10_000  # among which the best is found by exact values: ten seconds
TRANSITIONS = 3_000_000  # between the histories that exact values enumerate: ten seconds
REACHABLE = 100_000  # next states of one step of the closed-loop optimum


def at_most(limit: int, unit: str, name: str, count: int, way_out: str, size: str = "") -> None:
    """Raise ValueError if the argument of this name leaves more than `limit` of a unit; `size` says how they came."""
    if count > limit:
        got = f"{size} = {count:,}" if size else f"{count:,}"
        raise ValueError(f"{name} must leave at most {limit:,} {unit}, got {got}: {way_out}")


def sequences(name: str, n_actions: int, steps: int, way_out: str, limit: int = SEQUENCES) -> None:
    """Raise ValueError if there are more than `limit` sequences of so many steps with `n_actions` each."""
    at_most(limit, "steps", name, steps, way_out)
    size = f"{n_actions}**{steps}"
    if steps * math.log10(n_actions) > 30:  # so large a number says nothing, and may take long
        raise ValueError(f"{name} must leave at most {limit:,} sequences, got {size}: {way_out}")
    at_most(limit, "sequences", name, n_actions**steps, way_out, size)
