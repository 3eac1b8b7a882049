"""Sizes at which a piece of Table 1 takes a moment: for how a sweep goes, not for what it finds."""

import damlite as dl

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
