"""damlite: learn and reproduce Discriminator Augmented Model-Based Reinforcement Learning (Haghgoo et al., 2021).

The names below are the public face; each says in its docstring which equation or algorithm of the paper it implements.
`results`, `figures` and `lessons` are loaded at first use: they bring pandas, Matplotlib and ipywidgets.
"""

from . import diagnostics, exact, gym
from .data import Episodes, collect
from .diagnostics.alarm import UntrustworthyWeights
from .discriminator import Discriminator
from .envs import Distracted, Environment, IcyRoad, Intersection
from .estimate import Estimator, estimate_value
from .fitting import DivergedFit, Fit, Training, fit_discriminator, fit_model, return_weights
from .gym import FromGymnasium
from .loop import METHODS, Learned, MBRLResult, evaluate, learn, run_mbrl
from .mixture import seeded
from .models import DynamicsModel
from .planning import MPPI, Belief, CrossEntropy, Exhaustive, Plan, RandomShooting, every_sequence, policy
from .recipe import Recipe, our_recipe, paper_recipe
from .support.later import modules

__all__ = """
METHODS MPPI Belief CrossEntropy Discriminator Distracted DivergedFit DynamicsModel Environment Episodes Estimator
Exhaustive Fit FromGymnasium IcyRoad Intersection Learned MBRLResult Plan RandomShooting Recipe Training
UntrustworthyWeights collect diagnostics estimate_value evaluate every_sequence exact fit_discriminator fit_model gym
learn our_recipe paper_recipe policy return_weights run_mbrl seeded
""".split()
LATER = ("results", "figures", "lessons")
__getattr__, __dir__ = modules(__name__, LATER)
