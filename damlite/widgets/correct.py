"""Lesson 04: Fig. 2 (right) with a threshold speed that moves."""

from functools import lru_cache

import ipywidgets
import torch
from torch import Tensor

from .. import diagnostics, exact, figures
from ..data import Episodes
from ..discriminator import Discriminator
from ..envs import IcyRoad
from ..fitting import fit_discriminator, fit_model
from ..models import DynamicsModel
from .panel import Panel, slider, veil

STATE, ACCELERATE = (2.0, 0.0, 2.0, 0.0), 2
ARROWS, SAMPLES = 25, 2000


def cars_at(env: IcyRoad, state: tuple[float, ...], count: int, generator: torch.Generator) -> Episodes:
    """One step of `count` cars put at the same state, each with a random action: (count, 1) transitions."""
    s = torch.tensor(state).expand(count, 1, -1)
    a = torch.randint(env.n_actions, (count, 1), generator=generator)
    return Episodes(s, a, env.reward(s, a), env.transition(s, a).sample(generator=generator))


def fit_controls() -> dict[str, ipywidgets.ValueWidget]:
    """Sliders for the road, the model and its training set."""
    return {
        "threshold": slider("threshold speed", "lengths per step", 2.0, 0.0, 4.0, 0.5),
        "swerve_prob": slider("chance to swerve above it", "probability", 0.9, 0.0, 1.0, 0.1),
        "components": slider("components of the model", "Gaussians", 1, 1, 6, 1),
        "cars": slider("training set", "cars", 1000, 50, 2000, 50),
    }


@lru_cache(maxsize=64)
def _fitted(env: IcyRoad, components: int, cars: int) -> tuple[DynamicsModel, Tensor, Tensor, Tensor]:
    """The model, next states (N, S) drawn from it, and their learned and exact log-ratios (N,)."""
    g = torch.Generator().manual_seed(0)  # what changes on screen is due to the slider
    data = cars_at(env, STATE, cars, g)
    model = DynamicsModel(env, components, generator=g)
    fit_model(model, data, steps=100, generator=g)
    disc = Discriminator(env, generator=g)
    fit_discriminator(disc, model, data, steps=200, learning_rate=5e-2, generator=g)  # few steps: larger ones
    s, a = torch.tensor(STATE).expand(SAMPLES, 4), torch.full((SAMPLES,), ACCELERATE)
    with torch.no_grad():
        next_state = model.transition(s, a).sample(generator=g)
        return model, next_state, disc.log_ratio(s, a, next_state), exact.log_ratio(env, model, s, a, next_state)


def next_velocity() -> Panel:
    """Fig. 2 (right): truth, model and weights at (2, 0, 2, 0) under "accelerate".

    The truth moves with the sliders at once; model and discriminator are fitted again when they rest.
    """
    fig, axes = figures.figure(2, width=11, height=4)
    pictures = [figures.NextVelocity(ax) for ax in axes[0]]
    veils = [veil(ax) for ax in axes[0]]
    with figures.style():
        note = fig.suptitle(" ", size=11)
    state, action = torch.tensor(STATE), torch.tensor(ACCELERATE)

    def draw(threshold: float, swerve_prob: float, components: int, cars: int, stale: bool) -> None:
        env = IcyRoad(threshold=threshold, swerve_prob=swerve_prob)
        relation = "above" if threshold < 3 else "not above"
        note.set_text(f"speed 3 is {relation} the threshold {threshold:g}")
        for picture, white in zip(pictures, veils, strict=True):
            picture.show_density("truth p", env.transition(state, action))
            picture.grey(stale)
            white.set_visible(stale)

    def settle(threshold: float, swerve_prob: float, components: int, cars: int) -> None:
        env = IcyRoad(threshold=threshold, swerve_prob=swerve_prob)
        model, next_state, *log_ratios = _fitted(env, components, cars)
        reward = env.reward(next_state, action)
        truth = exact.next_reward(env, env.transition(state, action))
        for picture, log_w, name in zip(pictures, log_ratios, ("learned", "exact"), strict=True):
            with torch.no_grad():
                picture.show_density("model q", model.transition(state, action))
            picture.show_weights(next_state[:ARROWS, 3], log_w[:ARROWS])
            ess = diagnostics.effective_sample_size(log_w) / SAMPLES
            picture.ax.set_title(
                f"{name} weights: {ess:.0%} effective\nnext reward: model {reward.mean():.1f}, "
                f"weighed {(log_w.exp() * reward).mean():.1f}, truth {truth:.1f}"
            )

    description = (
        "Densities of the next lateral velocity at (2, 0, 2, 0) under accelerate, true and modelled, "
        "with the discriminator's weights (left) and the exact ones (right) as arrows in log scale."
    )
    moving = [artist for picture in pictures for artist in picture.artists] + [*veils, note]
    return Panel(fig, draw, fit_controls(), description, settle, moving)
