"""Sizes at which a piece of Table 1 takes a moment: for how a sweep goes, not for what it finds."""

from dataclasses import replace

import damlite as dl
from damlite.results import sweeps

PLANNER = dl.RandomShooting(horizon=2, candidates=3, particles=2, clip=3.0)
CHANGES = {
    "rounds": 1,
    "steps": 10,
    "random_episodes": 5,
    "episodes": 2,
    "evaluation_episodes": 2,
    "planner": PLANNER,
}
SMALL = {"roads": {"IcyRoad": dl.IcyRoad()}, "progress": False, **CHANGES}
TINY = dl.Recipe(planner=PLANNER).but(**{name: value for name, value in CHANGES.items() if name != "planner"})
CELLS = [("mixture", "baseline"), ("mixture", "disc")]


def three():
    """Two variants that are the same work under two names, and one that is not."""
    env = dl.IcyRoad()
    other = TINY.but(planner=replace(PLANNER, particles=1))
    return [sweeps.Variant("IcyRoad", name, env, recipe) for name, recipe in (("a", TINY), ("b", TINY), ("1", other))]
