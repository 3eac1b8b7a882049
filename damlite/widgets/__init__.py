"""The lessons' widgets: each function gives a `Panel`, a pure drawing function of its sliders' values."""

from .ablation import Ablation
from .classify import learn_ratio
from .correct import next_velocity
from .drive import drive
from .fit import fit_density
from .panel import Panel
from .variance import minimum_variance

__all__ = ["Ablation", "Panel", "drive", "fit_density", "learn_ratio", "minimum_variance", "next_velocity"]
