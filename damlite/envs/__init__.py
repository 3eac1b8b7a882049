"""The two roads of the paper, and what any environment must have."""

from .environment import Environment
from .icy_road import IcyRoad
from .intersection import Intersection

__all__ = ["Environment", "IcyRoad", "Intersection"]
