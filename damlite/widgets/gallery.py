"""Lesson 04: how weights collapse over a horizon, for Gaussians that differ by a shift and a spread."""

import math

import numpy as np
import torch
from torch import Tensor

from .. import diagnostics, figures
from .panel import Panel, dropdown, slider

STEPS, REPEATS = 20, 40
FLOOR, HIGHEST_K, REACH = 1e-4, 2.0, 4.0  # ends of the three vertical axes
WEIGHTS = {
    "as they are": (False, False),
    "normalised": (False, True),
    "clipped": (True, False),
    "clipped and normalised": (True, True),
}


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
    g = torch.Generator().manual_seed(0)  # what changes on screen is due to the slider
    noise = torch.randn(REPEATS, STEPS, particles, generator=g)
    z = shift + spread * noise
    log_w = 0.5 * (noise**2 - z**2) + math.log(spread)
    log_w = (log_w if clip is None else log_w.clamp(-clip, clip)).cumsum(1)
    w = log_w.softmax(-1) * particles if normalise else log_w.exp()
    return (w * z**2).mean(-1), log_w


def weight_collapse() -> Panel:
    """Effective sample size, Pareto k and a weighted estimate, step by step, with exact weights."""
    fig, axes = figures.figure(3, width=12, height=3.9)
    left, middle, right = axes[0]
    steps = np.arange(1, STEPS + 1)
    nothing = np.full(STEPS, np.nan)
    (law,) = left.plot(steps, nothing, ":", color=figures.GREY, label="1/E[w²], unclipped")
    (share,) = left.plot(steps, nothing, "o-", color=figures.WEIGHT, ms=4, label="measured")
    left.set(yscale="log", ylim=(FLOOR, 2), xlabel="step", ylabel="effective share of the particles")
    (tail,) = middle.plot(steps, nothing, "o-", color=figures.WEIGHT, ms=4)
    middle.axhline(diagnostics.TRUSTWORTHY_K, color=figures.GREY, ls="--", lw=1)
    middle.annotate("above: do not trust", (1, diagnostics.TRUSTWORTHY_K), va="bottom", color=figures.GREY)
    middle.set(ylim=(-1, HIGHEST_K), xlabel="step", ylabel="Pareto k of the weights")
    right.axhline(1, color=figures.TRUTH, label="truth")
    (alone,) = right.plot([1, STEPS], [0, 0], "--", color=figures.MODEL, label="model alone")
    (mean,) = right.plot(steps, nothing, "o", color=figures.WEIGHT, ms=4, label="weighted, ± std")
    bars = right.vlines(steps, nothing, nothing, color=figures.WEIGHT, lw=1.5)
    right.set(ylim=(-1, REACH), xlabel="step", ylabel="estimate of E[z²]")
    for ax in (left, right):
        ax.legend(loc="upper right" if ax is right else "lower left", fontsize=11)
    for ax in axes[0]:
        ax.set_xlim(0, STEPS + 1)

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
    moving = [law, share, tail, alone, mean, bars, left.title, right.title]
    return Panel(fig, draw, controls, description, moving=moving)
