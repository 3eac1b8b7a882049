"""Lesson 05: the law of weight degeneracy with sliders; patients, a broken discriminator, blinds and a treatment."""

import math
from collections.abc import Callable

import numpy as np
import torch
from matplotlib.axes import Axes
from torch import Tensor
from torch.distributions import Normal

from .. import diagnostics, figures
from ..envs import IcyRoad
from ..mixture import Marginal, seeded
from .careful import shortened, tensor
from .exercise import OpenExercise, WordExercise
from .panel import Panel, dropdown, slider
from .shared import ACCELERATE, STATE

STEPS, REPEATS = 20, 40
FLOOR, HIGHEST_K, REACH = 1e-4, 2.0, 4.0  # ends of the three vertical axes of `weight_degeneracy`
WEIGHTS = {  # (clipped, normalised)
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
    noise = torch.randn(REPEATS, STEPS, particles, generator=seeded(0))  # what changes is due to the sliders
    z = shift + spread * noise
    log_w = 0.5 * (noise**2 - z**2) + math.log(spread)
    log_w = (log_w if clip is None else log_w.clamp(-clip, clip)).cumsum(1)
    w = log_w.softmax(-1) * particles if normalise else log_w.exp()
    return (w * z**2).mean(-1), log_w


def weight_degeneracy() -> Panel:
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
            ax.legend(loc=place, fontsize=11, frameon=True, framealpha=0.9)  # lines pass below

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
    """What stays in `weight_degeneracy`: labels, limits, the trustworthy k and the truth."""
    left.set(yscale="log", ylim=(FLOOR, 2), ylabel="effective share of the particles")
    middle.axhline(diagnostics.TRUSTWORTHY_K, color=figures.GREY, ls="--", lw=1)
    middle.set_title("above the dashed line:\ndo not trust the weights")
    middle.set(ylim=(-1, HIGHEST_K), ylabel="Pareto k of the weights")
    right.axhline(1, color=figures.TRUTH, label="truth")
    right.set(ylim=(-1, REACH), ylabel="estimate of E[z²]")
    for ax in (left, middle, right):
        ax.set(xlim=(0, STEPS + 1), xlabel="step")


def chart(log_w: Tensor) -> dict[str, float]:
    """Mean weight, effective sample size and Pareto k of log-weights (N,)."""
    return {
        "mean weight": log_w.exp().mean().item(),
        "are worth": diagnostics.effective_sample_size(log_w).item(),
        "Pareto k": diagnostics.pareto_k(log_w).item(),
    }


def draw_calibration(ax: Axes, found: diagnostics.Calibration) -> None:
    """Claim and outcome of a classifier's probabilities, in bins, with the line of those that are calibrated."""
    ax.plot([0, 1], [0, 1], color=figures.TRUTH, label="calibrated")
    ax.plot(found.predicted, found.observed, "ko--", label="measured")
    ax.set(xlabel="claimed probability of real", ylabel="share that is real")
    ax.legend(loc="upper left")


check_diagnosis = WordExercise(
    name="diagnosis",
    right={"A": "degeneracy", "B": "support", "C": "overfit"},
    hints={
        "A": "Many steps, mean weight near one, a few giants: the weights multiplied.",
        "B": "The weights' mean is far below one: where p is, q never goes.",
        "C": "Sure on the data it was trained on, wrong on new: look at the two losses.",
    },
    praise="all three.",
)


SAMPLES = 4000


def lateral() -> tuple[Marginal, Normal]:
    """The next lateral velocity at (2, 0, 2, 0) under "accelerate", and the Gaussian with its mean and spread."""
    p = IcyRoad().transition(torch.tensor(STATE), torch.tensor(ACCELERATE)).marginal(3)
    return p, Normal(p.mean, p.std)


def draw_cars(generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Next lateral velocities of real and of imagined cars, both (SAMPLES,)."""
    road = IcyRoad().transition(torch.tensor(STATE), torch.tensor(ACCELERATE))
    _, q = lateral()
    real = road.sample((SAMPLES,), generator=generator)[:, 3]
    return real, q.loc + q.scale * torch.randn(SAMPLES, generator=generator)


def alarms(real: Tensor, fake: Tensor) -> dict[str, bool]:
    """Which alarms ring for the logits (N,) of real and of imagined next states.

    The mean weight rings when it is off one by 0.1, the effective sample size below a tenth of N, k above 0.7, the
    calibration at an error of 0.1.
    """
    seen = chart(fake)
    return {
        "mean weight": abs(seen["mean weight"] - 1) > 0.1,
        "effective sample size": seen["are worth"] < len(fake) / 10,
        "Pareto k": seen["Pareto k"] > diagnostics.TRUSTWORTHY_K,
        "calibration": diagnostics.calibration(real, fake).error > 0.1,
    }


def judge_broken(broken: Callable[[Tensor], Tensor]) -> str:
    """Does only the calibration alarm ring for this log-ratio (N,) of next lateral velocities (N,)?

    The verdict on a discriminator that shall be broken, on 4000 real and as many imagined cars.
    """
    logits = [broken(velocity.clone()) for velocity in draw_cars(seeded(0))]
    logits = [tensor(one).double() for one in logits]
    if any(one.shape != (SAMPLES,) for one in logits):
        return f"expected {SAMPLES} log-ratios for {SAMPLES} velocities, got shape {tuple(logits[0].shape)}."
    if not all(one.isfinite().all() for one in logits):
        return "some log-ratios are infinite or NaN. Weights must be positive: what is the logarithm of 0?"
    ringing = [name for name, rings in alarms(*logits).items() if rings]
    if ringing == ["calibration"]:
        return "right, calibration alone: the other three look at the weights, and not at who bears them."
    return f"not yet. Calibration alone must ring; here rings: {', '.join(ringing) or 'nothing'}."


check_broken = OpenExercise(name="broken", verdict=judge_broken, of_a_function=True)


FAULTS = ("healthy", "degeneracy", "support", "overfit", "swapped")
BLINDS, MEMORY, WIDTH = 20, 20, 0.05  # blinds that are asked; of the overfitted one, cars that it knows and how close


def blind(number: int) -> tuple[Tensor, Tensor]:
    """A neighbour's discriminator as seen from outside: its logits (N,) for new real and new imagined next states.

    The number chooses what is wrong with it, if anything; `hidden` knows.
    """
    return FAULTY[hidden(number)](seeded(number))


def hidden(number: int) -> str:
    """What is wrong with a blind: every ten hold each fault twice, shuffled."""
    order = torch.randperm(10, generator=seeded(1000 + number // 10))
    return FAULTS[order[number % 10] % len(FAULTS)]


def healthy(generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """The exact log-ratio."""
    p, q = lateral()
    real, fake = (p.log_prob(v) - q.log_prob(v) for v in draw_cars(generator))
    return real, fake


def degenerate(generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Exact log-ratios of whole trajectories: 40 steps of a model that is off by 0.35 standard deviations."""
    noise = torch.randn(2, SAMPLES, 40, generator=generator)
    real, fake = (0.35**2 / 2 - 0.35 * (noise + torch.tensor([0.0, 0.35])[:, None, None])).sum(-1)
    return real, fake


def unsupported(generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """The exact log-ratio to a model that knows only cars that stay."""
    p, q = lateral()[0], Normal(0.0, 0.1)
    real, _ = draw_cars(generator)
    fake = 0.1 * torch.randn(SAMPLES, generator=generator)
    return p.log_prob(real) - q.log_prob(real), p.log_prob(fake) - q.log_prob(fake)


def overfitted(generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """The log-ratio of two densities that are peaks at the few cars that were trained on."""
    known = [cars[:MEMORY] for cars in draw_cars(generator)]

    def density(v: Tensor, cars: Tensor) -> Tensor:
        return Normal(cars, WIDTH).log_prob(v[:, None]).exp().mean(-1) + 1e-3

    real, fake = (density(v, known[0]).log() - density(v, known[1]).log() for v in draw_cars(generator))
    return real, fake


def swapped(generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Trained with the labels the wrong way round."""
    real, fake = healthy(generator)
    return -real, -fake


FAULTY = dict(zip(FAULTS, (healthy, degenerate, unsupported, overfitted, swapped), strict=True))


def judge_diagnose(diagnose: Callable[[Tensor, Tensor], str]) -> str:
    """Does a function name the fault of each of twenty blinds, from the logits of real and of imagined next states?

    The verdict on a doctor: the first blind whose fault it does not find.
    """
    for number in range(BLINDS):
        said, fault = diagnose(*blind(number)), hidden(number)
        if said not in FAULTS:
            return f"expected one of the words {', '.join(FAULTS)}, got {shortened(said)}."
        if said != fault:
            ringing = [name for name, rings in alarms(*blind(number)).items() if rings]
            return f"blind {number} is not “{said}”. The alarms that ring there: {', '.join(ringing) or 'none'}."
    return f"right, all {BLINDS} blinds."


check_diagnose = OpenExercise(name="diagnose", verdict=judge_diagnose, of_a_function=True)


WARDS = {  # shift of the model, spread of a factor that all particles share, greatest error that is let pass
    "off its data (all particles share a factor)": (0.5, 3.0, 0.27),
    "degenerate (a few giants)": (1.5, 0.0, 0.33),
}


def draw_ward(shift: float, shared: float) -> tuple[Tensor, Tensor]:
    """Rewards z² and log-ratios, both (400, 100): experiments, and particles z ~ N(shift, 1). The truth is E_p[z²] = 1.

    The exact log-ratio to p = N(0, 1), plus a random number for each experiment with standard deviation `shared`.
    """
    generator = seeded(0)
    z = shift + torch.randn(400, 100, generator=generator)
    factor = shared * torch.randn(400, 1, generator=generator)
    return z**2, shift**2 / 2 - shift * z + factor


def judge_treat(treat: Callable[[Tensor, Tensor], Tensor]) -> str:
    """Is one treatment close to the truth in both wards?

    The verdict on estimates (400,) from rewards and log-ratios (400, 100), by their root mean square error.
    """
    found = []
    for name, (shift, shared, allowed) in WARDS.items():
        reward, log_ratio = draw_ward(shift, shared)
        estimate = tensor(treat(reward, log_ratio)).double()
        if estimate.shape != (400,):
            return f"expected 400 estimates, one for each experiment, got shape {tuple(estimate.shape)}."
        if torch.equal(estimate, tensor(treat(2 * reward, log_ratio)).double()):
            return (
                "twice the rewards give the same estimates. Estimate from the rewards: the truth is not known outside."
            )
        error = (estimate - 1).square().mean().sqrt().item()
        found.append((f"{name}: error {error:.2f}, allowed {allowed}", error <= allowed))
    text = "; ".join(words for words, _ in found)
    return f"right, both wards. {text}." if all(fine for _, fine in found) else f"not yet. {text}."


check_treat = OpenExercise(name="treat", verdict=judge_treat, of_a_function=True)
