"""The public face: driving the roads."""

import damlite as dl

from .calls import Public

PUBLIC = [
    Public(
        "dl.collect",
        dl.collect,
        lambda: {"env": dl.IcyRoad(), "policy": None, "episodes": 3, "runs": 2, "generator": dl.seeded(0)},
        {"env": "env", "episodes": "count", "runs": "optional count", "generator": "generator"},
    ),
]
