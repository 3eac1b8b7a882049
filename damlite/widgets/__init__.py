"""The lessons' widgets: each function gives a `Panel`, a pure drawing function of its sliders' values."""

from .ablation import Ablation
from .classify import learn_ratio
from .correct import next_velocity
from .cross import cross
from .drive import drive
from .fit import fit_density
from .gallery import weight_collapse
from .own import windy_edge
from .panel import Panel
from .plan import winners_curse
from .replay import replay
from .seeds import few_seeds
from .variance import minimum_variance
from .weigh import weigh_samples, weights_decay

KEY_PANELS = {  # each lesson's key picture; lesson 07's is the stored ablation
    "00": drive,
    "01": weigh_samples,
    "02": learn_ratio,
    "03": fit_density,
    "04": next_velocity,
    "05": minimum_variance,
    "06": winners_curse,
    "08": cross,
    "09": few_seeds,
    "10": windy_edge,
}

__all__ = [
    "KEY_PANELS",
    "Ablation",
    "Panel",
    "cross",
    "drive",
    "few_seeds",
    "fit_density",
    "learn_ratio",
    "minimum_variance",
    "next_velocity",
    "replay",
    "weigh_samples",
    "weight_collapse",
    "weights_decay",
    "windy_edge",
    "winners_curse",
]
