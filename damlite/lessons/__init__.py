"""The lessons: a module for each notebook, under its name without the number; its panels first, its exercises below."""

import warnings
from importlib import import_module
from typing import TYPE_CHECKING

from ..diagnostics.alarm import UntrustworthyWeights

if TYPE_CHECKING:
    from .panel import Panel

# The course plans with weights that cannot be trusted, to show what becomes of it: it says so in its own words.
warnings.filterwarnings("ignore", category=UntrustworthyWeights, append=True)

# Each lesson's key picture, as the module and the function that draw it; lesson 09's is the stored Table 1.
KEY_PANELS = {
    "00": ("drive_on_ice", "drive"),
    "01": ("weigh_samples", "weigh_samples"),
    "02": ("classify_real_from_imagined", "learn_ratio"),
    "03": ("fit_models", "fit_density"),
    "04": ("correct_the_model", "next_velocity"),
    "05": ("know_when_weights_fail", "weight_degeneracy"),
    "06": ("minimise_variance", "minimum_variance"),
    "07": ("plan_ahead", "winners_curse"),
    "08": ("buy_variance_or_particles", "buy"),
    "10": ("cross_the_intersection", "cross"),
    "11": ("reproduce_table1", "few_seeds"),
    "12": ("compare_the_relatives", "compare"),
    "13": ("take_it_further", "windy_edge"),
}


def key_panel(lesson: str) -> "Panel":
    """The panel of a lesson's key picture, at rest; its module is loaded now, and not before."""
    module, function = KEY_PANELS[lesson]
    return getattr(import_module(f".{module}", __name__), function)()
