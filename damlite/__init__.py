"""damlite: learn and reproduce Discriminator Augmented Model-Based Reinforcement Learning.

The names below are the package's public face; each says in its docstring which equation or algorithm of
the paper (Haghgoo, Zhou, Sharma & Finn, 2021) it implements.
"""

from . import ablations, checks, claims, diagnostics, exact, figures, gym, sweep
from .data import Episodes, collect
from .discriminator import Discriminator
from .envs import IcyRoad, Intersection
from .fitting import Fit, fit_discriminator, fit_model, return_weights
from .gym import FromGymnasium
from .loop import METHODS, MBRLResult, run_mbrl
from .models import DynamicsModel
from .planning import CrossEntropy, Exhaustive, Plan, RandomShooting, estimate_value, imagine, policy

__all__ = [
    "METHODS",
    "CrossEntropy",
    "Discriminator",
    "DynamicsModel",
    "Episodes",
    "Exhaustive",
    "Fit",
    "FromGymnasium",
    "IcyRoad",
    "Intersection",
    "MBRLResult",
    "Plan",
    "RandomShooting",
    "ablations",
    "checks",
    "claims",
    "collect",
    "diagnostics",
    "estimate_value",
    "exact",
    "figures",
    "fit_discriminator",
    "fit_model",
    "gym",
    "imagine",
    "policy",
    "return_weights",
    "run_mbrl",
    "sweep",
]
