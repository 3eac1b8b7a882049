"""Lesson 04: Fig. 2 (right) with a threshold speed that moves; weights over a horizon; a mean and a diagnosis."""

import math
from functools import lru_cache

import numpy as np
import torch
from matplotlib.axes import Axes
from torch import Tensor

from .. import diagnostics, exact, figures
from ..discriminator import Discriminator
from ..envs import IcyRoad
from ..fitting import fit_discriminator, fit_model
from ..mixture import Mixture, seeded
from ..models import DynamicsModel
from .exercise import Exercise, WordExercise
from .panel import Panel, dropdown, slider
from .shared import ACCELERATE, STATE, cars_at, fit_controls

ARROWS, SAMPLES = 25, 2000
STEPS, REPEATS = 20, 40
FLOOR, HIGHEST_K, REACH = 1e-4, 2.0, 4.0  # ends of the three vertical axes of `weight_collapse`
WEIGHTS = {  # (clipped, normalised)
    "as they are": (False, False),
    "normalised": (False, True),
    "clipped": (True, False),
    "clipped and normalised": (True, True),
}


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


def weight_second_moment(shift: float, spread: float) -> float:
    """E_q[w²] of one step: p is a standard Gaussian, q one with mean `shift` and standard deviation `spread`."""
    left = 2 * spread**2 - 1
    return spread**2 / math.sqrt(left) * math.exp(shift**2 / left) if left > 0 else math.inf


def imagine_squares(
    shift: float, spread: float, particles: int, clip: float | None, normalise: bool
) -> tuple[Tensor, Tensor]:
    """The weighted mean of z_t² (M, T), whose truth is one, in M experiments, and log-weights (M, T, P).

    Each of P particles draws z_t ~ q at T steps; z_t is weighted by the product of p/q up to step t.
    """
    noise = torch.randn(REPEATS, STEPS, particles, generator=seeded(0))  # what changes is due to the sliders
    z = shift + spread * noise
    log_w = 0.5 * (noise**2 - z**2) + math.log(spread)
    log_w = (log_w if clip is None else log_w.clamp(-clip, clip)).cumsum(1)
    w = log_w.softmax(-1) * particles if normalise else log_w.exp()
    return (w * z**2).mean(-1), log_w


def weight_collapse() -> Panel:
    """Effective sample size, Pareto k and a weighted estimate, step by step, with exact weights."""
    fig, axes = figures.figure(3, width=12, height=3.9)
    left, middle, right = axes[0]
    with figures.style():
        dress(left, middle, right)
        steps, nothing = np.arange(1, STEPS + 1), np.full(STEPS, np.nan)
        (law,) = left.plot(steps, nothing, ":", color=figures.GREY, label="1/E[w²], unclipped")
        (share,) = left.plot(steps, nothing, "o-", color=figures.WEIGHT, ms=4, label="measured")
        (tail,) = middle.plot(steps, nothing, "o-", color=figures.WEIGHT, ms=4)
        (alone,) = right.plot([1, STEPS], [0, 0], "--", color=figures.MODEL, label="model alone")
        (mean,) = right.plot(steps, nothing, "o", color=figures.WEIGHT, ms=4, label="weighted, ± std")
        bars = right.vlines(steps, nothing, nothing, color=figures.WEIGHT, lw=1.5)
        for ax, place in ((left, "lower left"), (right, "upper right")):
            ax.legend(loc=place, fontsize=11)

    def draw(shift: float, spread: float, particles: int, weights: str, clip: float) -> None:
        clipped, normalise = WEIGHTS[weights]
        estimate, log_w = imagine_squares(shift, spread, particles, clip if clipped else None, normalise)
        law.set_ydata((1 / weight_second_moment(shift, spread)) ** steps)
        ess = diagnostics.effective_sample_size(log_w) / particles
        share.set_ydata(ess.median(0).values.clamp(min=FLOOR))
        tail.set_ydata(diagnostics.pareto_k(log_w[:8]).median(0).values.clamp(-1, HIGHEST_K))
        alone.set_ydata([min(shift**2 + spread**2, REACH)] * 2)
        centre, std = estimate.mean(0).clamp(-1, REACH), estimate.std(0)
        mean.set_ydata(centre)
        bars.set_segments([[(t, c - s), (t, c + s)] for t, c, s in zip(steps, centre, std.clamp(max=9), strict=True)])
        left.set_title(f"{particles} particles are worth\n{ess.median(0).values[4] * particles:.0f} after 5 steps")
        right.set_title(f"after 5 steps\n{estimate[:, 4].mean():.2f} ± {std[4]:.2f}, truth 1")

    controls = {
        "shift": slider("the model's shift δ", "standard deviations", 0.5, 0.0, 2.0, 0.1),
        "spread": slider("the model's spread", "of the truth's", 1.0, 0.5, 2.0, 0.1),
        "particles": slider("particles", "imagined samples", 500, 50, 1000, 50),
        "weights": dropdown("weights", list(WEIGHTS), "as they are"),
        "clip": slider("clip at", "log-weight of a step", 1.0, 0.0, 3.0, 0.25),
    }
    description = (
        f"Exact weights of a Gaussian model step by step, in {REPEATS} experiments: what share of the particles is "
        "left, the tail of the weights, and a weighted estimate with its standard deviation."
    )
    return Panel(fig, draw, controls, description)


def dress(left: Axes, middle: Axes, right: Axes) -> None:
    """What stays in `weight_collapse`: labels, limits, the trustworthy k and the truth."""
    left.set(yscale="log", ylim=(FLOOR, 2), ylabel="effective share of the particles")
    middle.axhline(diagnostics.TRUSTWORTHY_K, color=figures.GREY, ls="--", lw=1)
    middle.annotate("above: do not trust", (1, diagnostics.TRUSTWORTHY_K), va="bottom", color=figures.GREY)
    middle.set(ylim=(-1, HIGHEST_K), ylabel="Pareto k of the weights")
    right.axhline(1, color=figures.TRUTH, label="truth")
    right.set(ylim=(-1, REACH), ylabel="estimate of E[z²]")
    for ax in (left, middle, right):
        ax.set(xlim=(0, STEPS + 1), xlabel="step")


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

check_diagnosis = WordExercise(
    name="diagnosis",
    right={"A": "collapse", "B": "support", "C": "overfit"},
    hints={
        "A": "Many steps, mean weight near one, a few giants: the weights multiplied.",
        "B": "The weights' mean is far below one: where p is, q never goes.",
        "C": "Sure on the data it was trained on, wrong on new: look at the two losses.",
    },
    praise="all three.",
)
