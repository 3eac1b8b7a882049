"""Lesson 03: a fitted density over the true one, with the number of components and of cars as sliders."""

from functools import lru_cache

import torch
from torch import Tensor

from .. import exact, figures
from ..envs import IcyRoad
from ..fitting import fit_model
from ..models import DynamicsModel
from .correct import ACCELERATE, STATE, cars_at, fit_controls
from .panel import Panel, veil

STEPS, NEW_CARS = 120, 4000
PLACES = ("fitted", "held out", "new")


def _score(log_prob: Tensor) -> tuple[float, float]:
    """Mean negative log-likelihood of N log-densities and its standard error."""
    return -float(log_prob.detach().mean()), float(log_prob.detach().std(correction=0)) / len(log_prob) ** 0.5


@lru_cache(maxsize=64)
def _fitted(env: IcyRoad, components: int, cars: int) -> tuple[DynamicsModel, list[Tensor]]:
    """The model, and the accelerating cars' next states (N, S): those fitted, those held out, new ones."""
    g = torch.Generator().manual_seed(0)  # what changes on screen is due to the slider
    data = cars_at(env, STATE, cars, g)
    model = DynamicsModel(env, components, generator=g)
    fit_model(model, data, steps=STEPS, generator=g)
    seen = [part.next_state[part.action == ACCELERATE] for part in data.split()]
    new = env.transition(torch.tensor(STATE), torch.tensor(ACCELERATE)).sample((NEW_CARS,), generator=g)
    return model, [*seen, new]


def fit_density() -> Panel:
    """Lesson 03: fit a mixture to cars at (2, 0, 2, 0), and compare its density with the truth.

    The truth moves with the sliders at once; the model is fitted again when they rest.
    """
    fig, axes = figures.figure(2, width=11, height=4)
    picture, scores = figures.NextVelocity(axes[0, 0], arrows=False), axes[0, 1]
    state, action = torch.tensor(STATE), torch.tensor(ACCELERATE)
    veils = [veil(ax) for ax in axes[0]]
    with figures.style():
        (points,) = scores.plot(range(3), [0.0] * 3, "s", color=figures.MODEL, ms=8, label="model q")
        spread = scores.vlines(range(3), 0, 0, color=figures.MODEL)
        (floor,) = scores.plot([-0.5, 2.5], [0.0] * 2, color=figures.TRUTH, label="truth p on the new cars")
        scores.set_xticks(range(3), [f"{place} cars" for place in PLACES])
        scores.set(xlim=(-0.5, 2.5), ylim=(-2.5, 3.5), ylabel="negative log-likelihood (nats)")
        scores.legend(loc="upper left")

    def draw(threshold: float, swerve_prob: float, components: int, cars: int, stale: bool) -> None:
        p = IcyRoad(threshold=threshold, swerve_prob=swerve_prob).transition(state, action)
        picture.show_density("truth p", p)
        new = p.sample((NEW_CARS,), generator=torch.Generator().manual_seed(0))
        floor.set_ydata([_score(p.marginal(3).log_prob(new[:, 3]))[0]] * 2)
        for artist in (picture.lines["model q"], points, spread):
            artist.set_alpha(0.25 if stale else 1.0)
        for white in veils:
            white.set_visible(stale)

    def settle(threshold: float, swerve_prob: float, components: int, cars: int) -> None:
        env = IcyRoad(threshold=threshold, swerve_prob=swerve_prob)
        model, groups = _fitted(env, components, cars)
        p = env.transition(state, action)
        with torch.no_grad():
            q = model.transition(state, action)
        picture.show_density("model q", q)
        promised, truth = exact.next_reward(env, q), exact.next_reward(env, p)
        picture.ax.set_title(f"next reward: model {promised:.1f}, truth {truth:.1f}")
        means, errors = zip(*(_score(q.marginal(3).log_prob(group[:, 3])) for group in groups), strict=True)
        points.set_ydata(means)
        spread.set_segments(
            [[(i, m - 2 * e), (i, m + 2 * e)] for i, (m, e) in enumerate(zip(means, errors, strict=True))]
        )
        gap = (p.marginal(3).log_prob(groups[2][:, 3]) - q.marginal(3).log_prob(groups[2][:, 3])).mean()
        scores.set_title(f"KL(p‖q), from {NEW_CARS} new cars: {gap:.2f} nats")

    description = (
        "Left: true and fitted density of the next lateral velocity at (2, 0, 2, 0) under accelerate; right: its "
        "negative log-likelihood on fitted, held-out and new cars, with two standard errors."
    )
    moving = [*picture.areas.values(), *picture.lines.values(), points, spread, floor, *veils]
    return Panel(fig, draw, fit_controls(), description, settle, moving)
