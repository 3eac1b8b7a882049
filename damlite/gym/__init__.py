"""Gymnasium, both ways: the roads as its environments, and its environments as roads.

The roads are registered on import as damlite/IcyRoad-v0 and damlite/Intersection-v0.
"""

import gymnasium

from ..envs import IcyRoad, Intersection
from .own import FromGymnasium
from .roads import GymRoad

__all__ = ["FromGymnasium", "GymRoad"]

for road in (IcyRoad, Intersection):
    gymnasium.register(
        f"damlite/{road.__name__}-v0", entry_point=GymRoad, kwargs={"road": road}, max_episode_steps=road.horizon
    )
