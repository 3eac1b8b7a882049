"""What the panels of lessons 03 and 04 have in common: cars put at one state, and the sliders of a fit to them."""

import ipywidgets
import torch

from ..data import Episodes
from ..envs import IcyRoad
from .panel import slider

STATE, ACCELERATE = (2.0, 0.0, 2.0, 0.0), 2


def cars_at(env: IcyRoad, state: tuple[float, ...], count: int, generator: torch.Generator) -> Episodes:
    """One step of `count` cars put at the same state, each with a random action: (count, 1) transitions."""
    s = torch.tensor(state).expand(count, 1, -1)
    a = torch.randint(env.n_actions, (count, 1), generator=generator)
    return Episodes(s, a, env.reward(s, a), env.transition(s, a).sample(generator=generator))


def fit_controls() -> dict[str, ipywidgets.ValueWidget]:
    """Sliders for the road, the model and its training set."""
    return {
        "threshold": slider("threshold speed", "lengths per step", 2.0, 0.0, 4.0, 0.5),
        "swerve_prob": slider("probability of swerving above it", "0 to 1", 0.9, 0.0, 1.0, 0.1),
        "components": slider("components of the model", "Gaussians", 1, 1, 6, 1),
        "cars": slider("training set", "cars", 1000, 50, 2000, 50),
    }
