"""Lesson 01: Fig. 1 with a model that moves, and weights along a horizon; two exercises on weights."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from .. import diagnostics, exact, figures
from ..envs import IcyRoad
from ..mixture import Mixture, draw_noise, seeded
from .careful import tensor, unanswered
from .exercise import Exercise, ask_once, same
from .panel import Panel, slider
from .shared import ACCELERATE, STATE

ARROWS, MOST, STEPS, PATHS = 25, 4000, 25, 30


def weigh_samples() -> Panel:
    """Fig. 1 at (2, 0, 2, 0) under "accelerate": a Gaussian model q that moves, and its samples' exact weights."""
    env, state, action = IcyRoad(), torch.tensor(STATE), torch.tensor(ACCELERATE)
    p = env.transition(state, action)
    truth = exact.next_reward(env, p).item()
    noise = draw_noise(MOST, features=2, generator=seeded(0))  # the same for all values
    fig, axes = figures.figure(2, width=11, height=4.2)
    left, right = axes[0]
    picture = figures.NextVelocity(left)
    picture.show_density("truth p", p)
    with figures.style():
        right.axhline(truth, color=figures.TRUTH, label="truth")
        (plain,) = right.plot([], [], "--", color=figures.MODEL, label="model's samples")
        (weighted,) = right.plot([], [], "-", color=figures.WEIGHT, lw=1.5, label="weighted samples")
        right.set(xlabel="samples so far", ylabel="estimate of the mean next reward", xscale="log")
        right.set(xlim=(1, MOST), ylim=(-8, 14))
        right.legend(loc="upper right", ncols=3, columnspacing=1.0, handlelength=1.5)

    def draw(shift: float, spread: float, samples: int) -> None:
        std = torch.tensor([[env.noise, spread]])
        q = Mixture(torch.zeros(1), torch.tensor([[3.0, shift]]), std, state, env.kinematics)
        next_state = q.sample(noise=noise[:samples])
        log_w = p.log_prob(next_state) - q.log_prob(next_state)
        w, reward, count = log_w.exp(), env.reward(next_state, action), torch.arange(1, samples + 1)
        picture.show_density("model q", q)
        picture.show_weights(next_state[:ARROWS, 3], log_w[:ARROWS])
        plain.set_data(count, reward.cumsum(0) / count)
        weighted.set_data(count, (w * reward).cumsum(0) / count)
        worth, k = diagnostics.effective_sample_size(log_w), diagnostics.pareto_k(log_w)
        lasting = samples / exact.weight_second_moment(p, q)
        error = samples**-0.5
        left.set_title(
            f"{samples} samples are worth {worth:.0f} (by exact E[w²]: {lasting:.0f})\n"
            f"mean weight {w.mean():.2f} ± {w.std() * error:.2f}, Pareto k {k:.2f}"
        )
        right.set_title(
            f"weighted {(w * reward).mean():.2f} ± {(w * reward).std() * error:.2f}, truth {truth:.2f}\n"
            f"not weighted {reward.mean():.2f} ± {reward.std() * error:.2f}"
        )

    controls = {
        "shift": slider("mean of the model", "lengths per step", 0.0, -2.0, 2.0, 0.1),
        "spread": slider("spread of the model", "lengths per step", 1.4, 0.1, 3.0, 0.1),
        "samples": slider("sample", "next states", 1000, 50, MOST, 50),
    }
    description = "Left: true density, model, and the weights of 25 samples; right: estimates as samples come in."
    return Panel(fig, draw, controls, description)


def weights_decay() -> Panel:
    """What is left of P particles along a horizon, for a model whose mean is δ standard deviations off."""
    noise = torch.randn(STEPS, MOST, generator=seeded(0))
    steps = np.arange(STEPS + 1)
    fig, axes = figures.figure(2, width=11, height=4.2)
    with figures.style():
        left, right = axes[0]
        paths = left.plot(np.full((2, PATHS), np.nan), "-", color=figures.WEIGHT, lw=0.7, alpha=0.5)
        (median,) = left.plot([], [], "--", color=figures.MODEL, lw=3, label="median weight, exp(−tδ²/2)")
        left.axhline(1, color=figures.TRUTH, label="mean weight, 1")
        (law,) = right.plot([], [], "-", color=figures.TRUTH, label="law, exp(−tδ²)")
        (good,) = right.plot([], [], "o", color=figures.WEIGHT, label="sample, Pareto k ≤ 0.7")
        (bad,) = right.plot([], [], "x", color=figures.WEIGHT, ms=8, mew=2, label="sample, Pareto k > 0.7")
        (one,) = right.plot([], [], ":", color=figures.GREY, label="worth one particle")
        left.set(ylabel="weight of a particle", ylim=(1e-9, 1e5))
        right.set(ylabel="effective share of the particles", ylim=(1e-5, 2))
        for ax in (left, right):
            ax.set(xlabel="transitions so far, t", yscale="log", xlim=(0, STEPS))
            ax.legend(loc="lower left")

    def draw(shift: float, particles: int) -> None:
        log_w = torch.zeros(STEPS + 1, particles)
        log_w[1:] = (-shift * noise[:, :particles] - shift**2 / 2).cumsum(0)
        for path, values in zip(paths, log_w.T.exp(), strict=False):
            path.set_data(steps, values)
        median.set_data(steps, np.exp(-steps * shift**2 / 2))
        law.set_data(steps, np.exp(-steps * shift**2))
        share = (diagnostics.effective_sample_size(log_w) / particles).numpy()
        trusted = (diagnostics.pareto_k(log_w) <= diagnostics.TRUSTWORTHY_K).numpy()
        good.set_data(steps[trusted], share[trusted])
        bad.set_data(steps[~trusted], share[~trusted])
        one.set_data([0, STEPS], [1 / particles] * 2)
        left.set_title(f"{PATHS} of {particles} particles")
        right.set_title(f"after {STEPS} transitions worth {share[-1] * particles:.1f} of {particles}")

    controls = {
        "shift": slider("shift δ of the model's mean", "standard deviations", 0.3, 0.0, 1.0, 0.05),
        "particles": slider("particles", "number", 1000, 50, MOST, 50),
    }
    description = "Weights along a horizon (left) and what share of the particles they are worth (right), in log scale."
    return Panel(fig, draw, controls, description)


def draw_log_densities(trajectories: int, steps: int) -> tuple[Tensor, Tensor]:
    """Made-up log-densities of transitions under p and under q, both (N, T)."""
    generator = seeded(0)
    return torch.randn(trajectories, steps, generator=generator), torch.randn(trajectories, steps, generator=generator)


def ask_of_large_ones(sample_size: Callable, inputs: tuple) -> object:
    """The answer at log-weights; infinite if it is right there, and changes when 500 is added to all of them."""
    answer, (log_w,) = ask_once(sample_size, inputs), inputs
    right = diagnostics.effective_sample_size(log_w)
    if unanswered(answer) or not same(answer, right):
        return answer
    far = tensor(ask_once(sample_size, (log_w + 500.0,))).float()  # overflows in double precision, too
    return answer if torch.isclose(far, right, rtol=1e-3) else torch.inf


check_trajectory_weight = Exercise(
    name="trajectory_weight",
    inputs=draw_log_densities(trajectories=5, steps=4),
    right=lambda log_p, log_q: (log_p - log_q).sum(-1).exp(),
    praise="a product of p/q over the transitions.",
    hint="The logarithm of a product is a sum: sum log p − log q over the transitions (the last axis), then exp.",
    mistakes={
        "this is log w(τ). Eq. 3 asks for the weight itself.": lambda log_p, log_q: (log_p - log_q).sum(-1),
        "this is q/p, the inverse: p, the truth, belongs above the line.": lambda log_p, log_q: (
            (log_q - log_p).sum(-1).exp()
        ),
        "this adds the transitions' weights. Eq. 3 is a product: add their logarithms, then take exp.": (
            lambda log_p, log_q: (log_p - log_q).exp().sum(-1)
        ),
        "this is the weight of the last transition alone. All of them multiply.": lambda log_p, log_q: (
            log_p[:, -1] - log_q[:, -1]
        ).exp(),
        "this is the geometric mean of the weights: a sum of logarithms is meant, not their mean.": (
            lambda log_p, log_q: (log_p - log_q).mean(-1).exp()
        ),
        "this multiplies over the trajectories too: keep one weight for each of them.": (
            lambda log_p, log_q: (log_p - log_q).sum().exp()
        ),
    },
)
check_sample_size = Exercise(
    name="sample_size",
    inputs=(torch.randn(50, generator=seeded(0)),),
    right=diagnostics.effective_sample_size,
    praise="between 1 and N.",
    hint="Σ w is logsumexp(log_w), and Σ w² is logsumexp(2 log_w), both after exp.",
    mistakes={
        "right for small log-weights, but exp overflows for large ones. The answer does not change when a "
        "constant is added to all: work in log space, with logsumexp.": lambda log_w: (
            log_w.exp().sum() ** 2 / log_w.exp().square().sum()
        ),
        "this treats log-weights as weights. Take exp, or use logsumexp.": lambda log_w: (
            log_w.sum() ** 2 / log_w.square().sum()
        ),
        "this is Σw/Σw²: the sum above the line has to be squared.": lambda log_w: (
            log_w.exp().sum() / log_w.exp().square().sum()
        ),
        "below the line the squares come before the sum: Σ w², not (Σ w)².": lambda log_w: (
            log_w.exp().sum() ** 2 / log_w.exp().sum() ** 2
        ),
        "this is the share of the samples. Multiply by their number.": lambda log_w: (
            diagnostics.effective_sample_size(log_w) / len(log_w)
        ),
        "this is 1/Σw² for weights that were not divided by their sum first.": lambda log_w: (
            1 / log_w.exp().square().sum()
        ),
    },
    ask=ask_of_large_ones,
)
