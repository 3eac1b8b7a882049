"""Lesson 03: a fitted density over the true one, with components and cars as sliders; two log-densities to write."""

import math
from functools import lru_cache

import torch
from torch import Tensor

from .. import exact, figures
from ..envs import IcyRoad
from ..fitting import fit_model
from ..mixture import seeded
from ..models import DynamicsModel
from .exercise import Exercise
from .panel import Panel
from .shared import ACCELERATE, STATE, cars_at, fit_controls

STEPS, NEW_CARS = 120, 4000
PLACES = ("fitted", "held out", "new")
HALF_LOG_2PI = 0.5 * math.log(2 * math.pi)


def score(log_prob: Tensor) -> tuple[float, float]:
    """Mean negative log-likelihood of N log-densities and its standard error."""
    return -float(log_prob.detach().mean()), float(log_prob.detach().std(correction=0)) / len(log_prob) ** 0.5


@lru_cache(maxsize=64)
def fitted(env: IcyRoad, components: int, cars: int) -> tuple[DynamicsModel, list[Tensor]]:
    """The model, and the accelerating cars' next states (N, S): those fitted, those held out, new ones."""
    generator = seeded(0)  # what changes on screen is due to the slider
    data = cars_at(env, STATE, cars, generator)
    model = DynamicsModel(env, components, generator=generator)
    fit_model(model, data, steps=STEPS, generator=generator)
    seen = [part.next_state[part.action == ACCELERATE] for part in data.split()]
    new = env.transition(torch.tensor(STATE), torch.tensor(ACCELERATE)).sample((NEW_CARS,), generator=generator)
    return model, [*seen, new]


def fit_density() -> Panel:
    """Fit a mixture to cars at (2, 0, 2, 0), and compare its density with the truth.

    The truth moves with the sliders at once; the model is fitted again when they rest.
    """
    fig, axes = figures.figure(2, width=11, height=4)
    picture, scores = figures.NextVelocity(axes[0, 0], arrows=False), axes[0, 1]
    state, action = torch.tensor(STATE), torch.tensor(ACCELERATE)
    with figures.style():
        (points,) = scores.plot(range(3), [0.0] * 3, "s", color=figures.MODEL, ms=8, label="model q")
        spread = scores.vlines(range(3), 0, 0, color=figures.MODEL)
        (floor,) = scores.plot([-0.5, 2.5], [0.0] * 2, color=figures.TRUTH, label="truth p on the new cars")
        scores.set_xticks(range(3), [f"{place} cars" for place in PLACES])
        scores.set(xlim=(-0.5, 2.5), ylim=(-2.5, 3.5), ylabel="negative log-likelihood (nats)")
        scores.legend(loc="upper left")

    def draw(threshold: float, swerve_prob: float) -> None:
        p = IcyRoad(threshold=threshold, swerve_prob=swerve_prob).transition(state, action)
        picture.show_density("truth p", p)
        new = p.sample((NEW_CARS,), generator=seeded(0))
        floor.set_ydata([score(p.marginal(3).log_prob(new[:, 3]))[0]] * 2)

    def settle(threshold: float, swerve_prob: float, components: int, cars: int) -> None:
        env = IcyRoad(threshold=threshold, swerve_prob=swerve_prob)
        model, groups = fitted(env, components, cars)
        p = env.transition(state, action)
        with torch.no_grad():
            q = model.transition(state, action)
        picture.show_density("model q", q)
        promised, truth = exact.next_reward(env, q), exact.next_reward(env, p)
        picture.ax.set_title(f"next reward: model {promised:.1f}, truth {truth:.1f}")
        results = [score(q.marginal(3).log_prob(group[:, 3])) for group in groups]
        points.set_ydata([mean for mean, _ in results])
        spread.set_segments([[(i, m - 2 * e), (i, m + 2 * e)] for i, (m, e) in enumerate(results)])
        gap = (p.marginal(3).log_prob(groups[2][:, 3]) - q.marginal(3).log_prob(groups[2][:, 3])).mean()
        scores.set_title(f"KL(p‖q), from {NEW_CARS} new cars: {gap:.2f} nats")

    description = (
        "Left: true and fitted density of the next lateral velocity at (2, 0, 2, 0) under accelerate; right: its "
        "negative log-likelihood on fitted, held-out and new cars, with two standard errors."
    )
    return Panel(fig, draw, fit_controls(), description, settle)


def gaussian(x: Tensor, mean: Tensor, std: Tensor) -> Tensor:
    """Log-density (N,) of a Gaussian at x (N,)."""
    return -0.5 * ((x - mean) / std) ** 2 - std.log() - HALF_LOG_2PI


check_gaussian_log_prob = Exercise(
    name="gaussian_log_prob",
    inputs=(torch.linspace(-2, 3, 11), torch.tensor(0.5), torch.tensor(0.6)),
    right=gaussian,
    praise="and −log σ is what keeps the fit from growing wider and wider.",
    hint="Take the logarithm of exp(−(x − μ)²/(2σ²)) / √(2πσ²): three terms, one of them −log σ.",
    mistakes={
        "−log σ is forgotten. Without it a wider Gaussian is always better, and σ grows without bound.": (
            lambda x, mean, std: gaussian(x, mean, std) + std.log()
        ),
        "the third argument is the standard deviation σ, and this takes it for the variance σ².": (
            lambda x, mean, std: gaussian(x, mean, std.sqrt())
        ),
        "the sign is wrong: this is the negative log-likelihood, the loss.": (
            lambda x, mean, std: -gaussian(x, mean, std)
        ),
        "the constant −½ log 2π is missing. It moves no maximum, but without it this is no density, and two kinds of "
        "model can no longer be compared.": lambda x, mean, std: gaussian(x, mean, std) + HALF_LOG_2PI,
        "this is the density itself. Take its logarithm, and on paper: exp underflows far from the mean.": (
            lambda x, mean, std: gaussian(x, mean, std).exp()
        ),
        "½ is missing before the squared distance.": (
            lambda x, mean, std: gaussian(x, mean, std) - 0.5 * ((x - mean) / std) ** 2
        ),
    },
)
check_mixture_log_prob = Exercise(
    name="mixture_log_prob",
    inputs=(
        torch.tensor([0.1, 0.3, 0.6]).log(),
        torch.tensor([[-1.0, -2.0, -0.5], [-3.0, -0.2, -4.0], [-250.0, -240.0, -251.0], [-0.7, -0.8, -0.9]]),
    ),
    right=lambda log_weights, by_component: (log_weights + by_component).logsumexp(-1),
    praise="also where every density underflows.",
    hint="log Σ_k exp(log α_k + log N_k), over the last axis, with torch.logsumexp.",
    mistakes={
        "exp underflows: far from every component this says log 0 = −inf, and the gradient is lost. Take the largest "
        "term out first (torch.logsumexp does).": lambda log_weights, by_component: (
            (log_weights + by_component).exp().sum(-1).log()
        ),
        "this is the sum of the logs. A mixture adds densities, so the sum stands inside the logarithm.": (
            lambda log_weights, by_component: (log_weights + by_component).sum(-1)
        ),
        "the log-weights are forgotten: the components add up to three densities, not one.": (
            lambda log_weights, by_component: by_component.logsumexp(-1)
        ),
        "this is the mean of the components' log-densities, Σ α log N. By Jensen's inequality that is below "
        "log Σ α N; the sum stands inside the logarithm.": lambda log_weights, by_component: (
            log_weights.exp() * by_component
        ).sum(-1),
        "this takes the log-weights for weights: a log-weight is added to a log-density, not multiplied with it.": (
            lambda log_weights, by_component: (log_weights * by_component).logsumexp(-1)
        ),
        "this is the largest term alone. The others count too.": lambda log_weights, by_component: (
            log_weights + by_component
        ).amax(-1),
        "this is the density. Leave the logarithm on.": lambda log_weights, by_component: (
            (log_weights + by_component).exp().sum(-1)
        ),
    },
)
