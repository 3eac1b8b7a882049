"""The two roads of the paper, what any environment must have, and coordinates that mean nothing."""

from .distracted import Distracted
from .environment import Environment
from .icy_road import IcyRoad
from .intersection import Intersection

__all__ = ["Distracted", "Environment", "IcyRoad", "Intersection"]
