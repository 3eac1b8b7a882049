"""Lesson 04: Fig. 2 (right) with a threshold speed that moves; a mean, a salted road, plans that are misjudged."""

from functools import lru_cache

import torch
from torch import Tensor

from .. import diagnostics, exact, figures
from ..discriminator import Discriminator
from ..envs import IcyRoad
from ..estimate import LogRatio, estimate_value
from ..fitting import fit_discriminator, fit_model
from ..mixture import Mixture, seeded
from ..models import DynamicsModel
from .careful import shortened
from .exercise import Exercise, OpenExercise
from .panel import Panel
from .shared import ACCELERATE, STATE, cars_at, fit_controls

ARROWS, SAMPLES = 25, 2000
PARTICLES, MARGIN = 4000, 1.0  # of `judge_misjudged`: the model must prefer the wrong plan by so much


@lru_cache(maxsize=64)
def fitted(env: IcyRoad, components: int, cars: int) -> tuple[Mixture, Tensor, Tensor, Tensor]:
    """The model's mixture at the state, next states (N, S) drawn from it, their learned and exact log-ratios (N,)."""
    g = seeded(0)  # what changes on screen is due to the slider
    data = cars_at(env, STATE, cars, g)
    model = DynamicsModel(env, components, generator=g)
    fit_model(model, data, steps=100, generator=g)
    disc = Discriminator(env, generator=g)
    fit_discriminator(disc, model, data, steps=200, learning_rate=5e-2, generator=g)  # few steps: larger ones
    s, a = torch.tensor(STATE), torch.tensor(ACCELERATE)
    with torch.no_grad():
        q = model.transition(s, a)
        next_state = q.sample((SAMPLES,), generator=g)
        return q, next_state, disc.log_ratio(s, a, next_state), exact.log_ratio(env, model, s, a, next_state)


def next_velocity() -> Panel:
    """Fig. 2 (right): truth, model and weights at (2, 0, 2, 0) under "accelerate".

    The truth moves with the sliders at once; model and discriminator are fitted again when they rest.
    """
    fig, axes = figures.figure(2, width=11, height=4)
    pictures = [figures.NextVelocity(ax) for ax in axes[0]]
    with figures.style():
        note = fig.suptitle(" ", size=11)
    state, action = torch.tensor(STATE), torch.tensor(ACCELERATE)

    def draw(threshold: float, swerve_prob: float) -> None:
        p = IcyRoad(threshold=threshold, swerve_prob=swerve_prob).transition(state, action)
        relation = "above" if threshold < 3 else "not above"
        note.set_text(f"speed 3 is {relation} the threshold {threshold:g}")
        for picture in pictures:
            picture.show_density("truth p", p)

    def settle(threshold: float, swerve_prob: float, components: int, cars: int) -> None:
        env = IcyRoad(threshold=threshold, swerve_prob=swerve_prob)
        q, next_state, *log_ratios = fitted(env, components, cars)
        reward = env.reward(next_state, action)
        truth = exact.next_reward(env, env.transition(state, action))
        for picture, log_w, name in zip(pictures, log_ratios, ("learned", "exact"), strict=True):
            picture.show_density("model q", q)
            picture.show_weights(next_state[:ARROWS, 3], log_w[:ARROWS])
            ess = diagnostics.effective_sample_size(log_w) / SAMPLES
            picture.ax.set_title(
                f"{name} weights: {ess:.0%} effective\nnext reward: model {reward.mean():.1f}, "
                f"weighted {(log_w.exp() * reward).mean():.1f}, truth {truth:.1f}"
            )

    description = (
        "Densities of the next lateral velocity at (2, 0, 2, 0) under accelerate, true and modelled, "
        "with the discriminator's weights (left) and the exact ones (right) as arrows in log scale."
    )
    return Panel(fig, draw, fit_controls(), description, settle)


def weighted_mean(w: Tensor, r: Tensor) -> Tensor:
    """Σ w r/Σ w of weights and rewards (N,)."""
    return (w * r).sum() / w.sum()


def draw_weighted_rewards(samples: int) -> tuple[Tensor, Tensor]:
    """Made-up rewards, from 1 to 5, and log-ratios, both (N,)."""
    generator = seeded(0)
    return 1 + 4 * torch.rand(samples, generator=generator), torch.randn(samples, generator=generator)


check_corrected_mean = Exercise(
    name="corrected_mean",
    inputs=draw_weighted_rewards(samples=8),
    right=lambda r, log_ratio: weighted_mean(log_ratio.exp(), r),
    praise="and never outside the rewards seen.",
    hint="Weights are exp(log_ratio); the answer is Σ w r/Σ w.",
    mistakes={
        "this is the plain estimate, Σ w r/N. Here the weights are to be divided by their own mean: Σ w r/Σ w.": (
            lambda r, log_ratio: (log_ratio.exp() * r).mean()
        ),
        "this leaves the weights out: it is the mean under q.": lambda r, log_ratio: r.mean(),
        "this uses σ(log-ratio) = p/(p + q), the probability of being real, not p/q.": (
            lambda r, log_ratio: weighted_mean(log_ratio.sigmoid(), r)
        ),
        "this inverts the ratio: the weight is exp(+log_ratio).": (
            lambda r, log_ratio: weighted_mean((-log_ratio).exp(), r)
        ),
        "this weights by log p/q. Take exp first.": lambda r, log_ratio: weighted_mean(log_ratio, r),
        "this is Σ w r: divide by the sum of the weights.": lambda r, log_ratio: (log_ratio.exp() * r).sum(),
    },
)


def draw_yesterday(cars: int) -> tuple[Mixture, Mixture, Tensor, Tensor]:
    """Yesterday's and today's mixtures at the state, next states (N, S) of yesterday's cars and their rewards (N,)."""
    yesterday, today = (IcyRoad(swerve_prob=prob) for prob in (0.9, 0.3))
    s, a = torch.tensor(STATE), torch.tensor(ACCELERATE)
    p, q = today.transition(s, a), yesterday.transition(s, a)
    next_state = q.sample((cars,), generator=seeded(0))
    return q, p, next_state, yesterday.reward(next_state, a)


def salted(q: Mixture, p: Mixture, next_state: Tensor, reward: Tensor) -> Tensor:
    """The mean reward under p from samples of q."""
    return ((p.log_prob(next_state) - q.log_prob(next_state)).exp() * reward).mean()


check_salted_mean = Exercise(
    name="salted_mean",
    inputs=draw_yesterday(cars=4000),
    right=salted,
    praise="about 7, and nobody had to drive.",
    hint="The truth p is today's road, and the samples come from yesterday's: w = p(s')/q(s') of each next state.",
    mistakes={
        "this is yesterday's mean: the weights are missing.": lambda q, p, s, r: r.mean(),
        "this inverts the ratio. The samples are yesterday's, so yesterday's density is the denominator.": (
            lambda q, p, s, r: salted(p, q, s, r)
        ),
        "this weights by log p/q. Take exp first.": lambda q, p, s, r: ((p.log_prob(s) - q.log_prob(s)) * r).mean(),
        "this weights by today's density alone. Divide by the density that the samples were drawn from.": (
            lambda q, p, s, r: (p.log_prob(s).exp() * r).mean()
        ),
        "this is Σ w r: a mean divides by the number of cars.": lambda q, p, s, r: salted(q, p, s, r) * len(r),
        "this divides by the sum of the weights, as in exercise 1. That is a good estimate, too; here the plain mean "
        "of w r is asked for, which has no bias.": (
            lambda q, p, s, r: weighted_mean((p.log_prob(s) - q.log_prob(s)).exp(), r)
        ),
        "this draws a mean from the road itself; use the cars that were stored.": (
            lambda q, p, s, r: exact.next_reward(IcyRoad(swerve_prob=0.3), p)
        ),
    },
)


def judge_misjudged(plans: tuple[list[int], list[int]], model: DynamicsModel, disc: Discriminator) -> str:
    """Does the model alone prefer the first of two plans of four actions, truth and learned weights the second?

    The verdict on two plans, by exact values and by estimates from 4000 particles.
    """
    env = model.env
    try:
        actions = torch.stack([torch.as_tensor(plan) for plan in plans])
    except (TypeError, ValueError, RuntimeError):
        return f"expected two lists of four actions, got {shortened(plans)}."
    allowed = torch.arange(env.n_actions)
    if actions.shape != (2, 4) or actions.is_floating_point() or not torch.isin(actions, allowed).all():
        return f"expected two lists of four whole numbers from 0 to {env.n_actions - 1}, got {shortened(plans)}."

    def values(log_ratio: LogRatio | None) -> list[float]:
        how = {"particles": PARTICLES, "generator": seeded(0)}
        return estimate_value(model, env.reward, env.initial_state(2), actions, log_ratio, **how).tolist()

    with torch.no_grad():
        alone, weighted, truth = values(None), values(disc.log_ratio), exact.value(env, actions).tolist()
    known = f"model {alone[0]:.1f} and {alone[1]:.1f}, weighted {weighted[0]:.1f} and {weighted[1]:.1f}, "
    known += f"truth {truth[0]:.1f} and {truth[1]:.1f}"
    if alone[0] < alone[1] + MARGIN:
        return f"the model does not prefer the first plan by {MARGIN:g}: {known}."
    if truth[0] >= truth[1]:
        return f"the model is right about these two: {known}."
    if weighted[0] >= weighted[1]:
        return f"the weights do not turn the order round: {known}."
    return f"right, {known}."


check_misjudged = OpenExercise(name="misjudged", verdict=judge_misjudged, seconds=60)
