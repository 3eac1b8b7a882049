"""Lesson 03: a fitted density over the true one, with components and cars as sliders; a fit, a loss, two models."""

import math
from dataclasses import replace
from functools import lru_cache

import torch
from torch import Tensor

from .. import exact, figures
from ..envs import IcyRoad
from ..fitting import fit_model
from ..mixture import seeded
from ..models import DynamicsModel
from ..support import validate
from .careful import shortened, unanswered
from .exercise import Exercise, OpenExercise
from .panel import Panel
from .shared import ACCELERATE, STATE, cars_at, fit_controls

STEPS, NEW_CARS = 120, 4000
PLACES = ("fitted", "held out", "new")
HALF_LOG_2PI = 0.5 * math.log(2 * math.pi)
MARGIN = 1e-6  # of the numbers of `measure` from 0 and 1
LESS_KL, CLOSER = 0.3, 1.0  # of `judge_misled`: nats, and reward


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


def weighted_gaussian(v: Tensor, w: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of the Gaussian of greatest weighted likelihood, for v (N,) and weights w (N,)."""
    mean = (w * v).sum() / w.sum()
    return mean, spread_about(mean, v, w)


def spread_about(centre: Tensor, v: Tensor, w: Tensor) -> Tensor:
    """Root of the weighted mean squared distance of v (N,) from a centre."""
    return ((w * (v - centre).square()).sum() / w.sum()).sqrt()


check_weighted_fit = Exercise(
    name="weighted_fit",
    inputs=(torch.tensor([-1.5, 0.1, 1.2, 1.7, 2.4]), torch.tensor([0.2, 1.0, 3.0, 0.5, 2.0])),
    right=weighted_gaussian,
    praise="the sum of the weights takes the place of N.",
    hint="Set Σ w (v − μ) and −Σ w/σ + Σ w (v − μ)²/σ³ to zero, and solve: first for μ, then for σ.",
    mistakes={
        "the weights are not used: this is the plain mean and standard deviation.": (
            lambda v, w: weighted_gaussian(v, torch.ones_like(w))
        ),
        "these are Σ w … divided by N. In both derivatives the sum of the weights stands where N stood.": (
            lambda v, w: ((w * v).mean(), (w * (v - (w * v).mean()).square()).mean().sqrt())
        ),
        "the mean is right, but the width is divided by N: its derivative is −Σ w/σ + …, so divide by Σ w.": (
            lambda v, w: (weighted_gaussian(v, w)[0], (w * (v - weighted_gaussian(v, w)[0]).square()).mean().sqrt())
        ),
        "the mean is right, but the width is about the plain mean. The squared distances are those from μ̂.": (
            lambda v, w: (weighted_gaussian(v, w)[0], spread_about(v.mean(), v, w))
        ),
        "this is the mean alone. Return the standard deviation, too.": lambda v, w: weighted_gaussian(v, w)[0],
        "the mean is right, but the width is divided by Σ w − 1. Its derivative is zero with Σ w.": (
            lambda v, w: (
                weighted_gaussian(v, w)[0],
                weighted_gaussian(v, w)[1] * (w.sum() / (w.sum() - 1)).sqrt(),
            )
        ),
        "the mean is right, but the width is that of the data without weights.": lambda v, w: (
            weighted_gaussian(v, w)[0],
            v.std(),
        ),
        "the mean is right, but the width is not weighted.": (
            lambda v, w: (weighted_gaussian(v, w)[0], spread_about(weighted_gaussian(v, w)[0], v, torch.ones_like(w)))
        ),
        "the second number is the variance σ²; take its root.": (
            lambda v, w: (weighted_gaussian(v, w)[0], weighted_gaussian(v, w)[1].square())
        ),
        "mean and standard deviation stand in the wrong order.": lambda v, w: weighted_gaussian(v, w)[::-1],
        "these weigh each car by the square of its weight: one w belongs to each log-density.": (
            lambda v, w: weighted_gaussian(v, w.square())
        ),
    },
)


def log_densities(v: Tensor, means: Tensor, log_stds: Tensor) -> Tensor:
    """Log-density (N, K) of each Gaussian at v (N,)."""
    return -0.5 * ((v[:, None] - means) / log_stds.exp()).square() - log_stds - HALF_LOG_2PI


def mixture(v: Tensor, scores: Tensor, means: Tensor, log_stds: Tensor) -> Tensor:
    """Log-density (N,) of a mixture at v (N,), from a network's output of shape (K,) each."""
    return (scores.log_softmax(-1) + log_densities(v, means, log_stds)).logsumexp(-1)


check_mixture_log_prob = Exercise(
    name="mixture_log_prob",
    inputs=(
        torch.tensor([-1.4, 0.1, 0.9, 1.6, -12.0]),
        torch.tensor([-0.5, 1.0, 1.3]),
        torch.tensor([0.0, 1.5, -1.5]),
        torch.tensor([-1.6, -0.9, -0.7]),
    ),
    right=mixture,
    praise="also where every density underflows.",
    hint="log Σ_k α_k N_k = logsumexp over k of log α_k + log N_k, and log α = log_softmax of the scores.",
    mistakes={
        "exp underflows: far from every component this says log 0 = −inf, and the gradient is lost. Take the largest "
        "term out first (torch.logsumexp does).": lambda v, scores, means, log_stds: (
            (scores.softmax(-1) * log_densities(v, means, log_stds).exp()).sum(-1).log()
        ),
        "this is the sum of the logs. A mixture adds densities, so the sum stands inside the logarithm.": (
            lambda v, scores, means, log_stds: (scores.log_softmax(-1) + log_densities(v, means, log_stds)).sum(-1)
        ),
        "the mixture weights are forgotten: the components add up to three densities, not one.": (
            lambda v, scores, means, log_stds: log_densities(v, means, log_stds).logsumexp(-1)
        ),
        "the scores are taken for log-weights. A softmax must make them sum to one first.": (
            lambda v, scores, means, log_stds: (scores + log_densities(v, means, log_stds)).logsumexp(-1)
        ),
        "the mixture weights are added as they are. To a log-density their logarithm is added (log_softmax).": (
            lambda v, scores, means, log_stds: (scores.softmax(-1) + log_densities(v, means, log_stds)).logsumexp(-1)
        ),
        "this is the mean of the components' log-densities, Σ α log N. By Jensen's inequality that is below "
        "log Σ α N; the sum stands inside the logarithm.": lambda v, scores, means, log_stds: (
            scores.softmax(-1) * log_densities(v, means, log_stds)
        ).sum(-1),
        "−log σ is forgotten. Without it a wider Gaussian is always better, and σ grows without bound.": (
            lambda v, scores, means, log_stds: (
                scores.log_softmax(-1) + log_densities(v, means, log_stds) + log_stds
            ).logsumexp(-1)
        ),
        "the network puts out log σ, and this takes it for σ.": (
            lambda v, scores, means, log_stds: mixture(v, scores, means, log_stds.abs().log())
        ),
        "the constant −½ log 2π is missing. It moves no maximum, but without it this is no density.": (
            lambda v, scores, means, log_stds: mixture(v, scores, means, log_stds) + HALF_LOG_2PI
        ),
        "the sign is wrong: this is the negative log-likelihood, the loss.": (
            lambda v, scores, means, log_stds: -mixture(v, scores, means, log_stds)
        ),
        "this is the largest term alone. The others count too.": lambda v, scores, means, log_stds: (
            scores.log_softmax(-1) + log_densities(v, means, log_stds)
        ).amax(-1),
        "this takes σ for the variance: the squared distance is divided by σ².": lambda v, scores, means, log_stds: (
            scores.log_softmax(-1) - 0.5 * (v[:, None] - means).square() / log_stds.exp() - log_stds - HALF_LOG_2PI
        ).logsumexp(-1),
        "this is the density. Leave the logarithm on.": (
            lambda v, scores, means, log_stds: mixture(v, scores, means, log_stds).exp()
        ),
    },
    symptoms={
        "Far from every component this stays above −30. Was a small number added inside the logarithm? The gradient "
        "is then lost there: use torch.logsumexp.": lambda answer: bool(-30 < answer[-1] < 0)
    },
)


def measure(stay: float, speed_std: float) -> tuple[float, float]:
    """KL(p‖q) in nats and promised next reward of a model of the car at (2, 0, 2, 0) that accelerates.

    The model has the true modes and widths, but for two numbers.

    Parameters
    ----------
    stay : its probability of no swerve, above 0 and below 1; 0.1 in truth
    speed_std : its standard deviation of the next forward speed, above 0, in lengths per step; 0.05 in truth
    """
    stay = validate.number("stay", stay, least=MARGIN, most=1 - MARGIN)
    speed_std = validate.number("speed_std", speed_std, least=MARGIN)
    env = IcyRoad()
    p = env.transition(torch.tensor(STATE), torch.tensor(ACCELERATE))
    stds = p.stds.clone()
    stds[:, 0] = speed_std
    q = replace(p, log_weights=torch.tensor([stay, (1 - stay) / 2, (1 - stay) / 2]).log(), stds=stds)
    grid = torch.linspace(-6, 6, 6001, dtype=torch.float64)
    log_p = p.marginal(3).log_prob(grid)
    sideways = torch.trapezoid(log_p.exp() * (log_p - q.marginal(3).log_prob(grid)), grid)
    ratio = env.noise / speed_std  # the speed is independent of the kick, so that their KLs add
    forward = -math.log(ratio) + 0.5 * ratio**2 - 0.5
    return forward + float(sideways), float(exact.next_reward(env, q))


def judge_misled(lower_loss: tuple[float, float], better_promise: tuple[float, float]) -> str:
    """Does the first model win by its KL, and the second by its promise?

    The verdict on two models, each as the arguments of `measure`.
    """
    models = {"lower_loss": lower_loss, "better_promise": better_promise}
    for name, model in models.items():
        if unanswered(model):
            return f"{name} is not answered yet."
        if not isinstance(model, tuple | list) or len(model) != 2:
            return f"{name} must be two numbers, (stay, speed_std), got {shortened(model)}."
    try:
        (kl, promise), (other_kl, other_promise) = (measure(*model) for model in models.values())
    except ValueError as error:
        return f"{error}."
    truth = measure(0.1, IcyRoad().noise)[1]
    found = f"KL {kl:.2f} and {other_kl:.2f} nats, promises {promise:.2f} and {other_promise:.2f}, truth {truth:.2f}"
    if kl > other_kl - LESS_KL:
        return f"the first model's KL is not smaller by {LESS_KL} or more: {found}."
    if abs(promise - truth) < abs(other_promise - truth) + CLOSER:
        return f"the second model's promise is not closer by {CLOSER:g} or more: {found}."
    return f"right, {found}. Held-out loss would choose the first, and a planner would pay for it."


check_misled = OpenExercise(name="misled", verdict=judge_misled)
