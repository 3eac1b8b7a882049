"""Lesson 01: the loop as a block diagram, Fig. 1 with a model that moves; four exercises on weights."""

from collections.abc import Callable

import torch
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from torch import Tensor

from .. import diagnostics, exact, figures
from ..envs import IcyRoad
from ..mixture import Mixture, draw_noise, seeded
from .careful import shortened, tensor
from .exercise import Exercise, OpenExercise, ask_once, same
from .panel import Panel, slider
from .shared import ACCELERATE, STATE

ARROWS, MOST = 25, 4000
LOOP = (  # what stands in the five boxes
    ("collect", "transitions\n(s, a, r, s′)", "the data"),
    ("fit model", "q(s′ | s, a)\nclose to p", "lessons 03, 06"),
    ("fit discriminator", "real or imagined?\nlog p/q", "lessons 02, 05"),
    ("plan", "imagine with q,\nweight by p/q", "lessons 01, 04, 07"),
    ("drive", "on the real road\nby the best plan", "lessons 09, 10"),
)
SAMPLES, ENOUGH, TODAY, TOMORROW = 1000, 125, 0.9, 0.2  # of the two roads' exercise; their probabilities of a swerve


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
        "samples": slider("samples", "next states", 1000, 50, MOST, 50),
    }
    description = "Left: true density, model, and the weights of 25 samples; right: estimates as samples come in."
    return Panel(fig, draw, controls, description)


def draw_loop() -> Figure:
    """The loop of model-based reinforcement learning as a block diagram; the box that DAM adds has a dashed frame."""
    fig, axes = figures.figure(width=11, height=2.9)
    ax = axes[0, 0]
    ax.set(xlim=(0, 10), ylim=(-1.15, 1.2))
    ax.axis("off")
    for x, (title, what, lessons) in zip(range(1, 10, 2), LOOP, strict=True):
        extra = {"ls": "--", "lw": 2.5} if title == "fit discriminator" else {"ls": "-", "lw": 1.5}
        ax.add_patch(Rectangle((x - 0.8, -0.45), 1.6, 1.5, fill=False, ec=figures.WEIGHT, **extra))
        ax.text(x, 0.78, title, ha="center", va="center", weight="bold")
        ax.text(x, 0.22, what, ha="center", va="center")
        ax.text(x, -0.3, lessons, ha="center", va="center", color=figures.GREY)
    arrow = {"arrowstyle": "-|>", "color": figures.WEIGHT, "lw": 1.5, "shrinkA": 0, "shrinkB": 0}
    for x in range(2, 10, 2):
        ax.annotate("", (x + 0.2, 0.3), (x - 0.2, 0.3), arrowprops=arrow)
    ax.plot([9, 9, 1], [-0.45, -0.85, -0.85], color=figures.WEIGHT, lw=1.5)
    ax.annotate("", (1, -0.45), (1, -0.86), arrowprops=arrow)
    ax.text(5, -0.8, "new transitions, next round", ha="center", va="bottom")
    return fig


def draw_log_densities(trajectories: int, steps: int) -> tuple[Tensor, Tensor]:
    """Made-up log-densities of transitions under p and under q, both (N, T)."""
    generator = seeded(0)
    return torch.randn(trajectories, steps, generator=generator), torch.randn(trajectories, steps, generator=generator)


def ask_of_large_ones(sample_size: Callable, inputs: tuple) -> object:
    """The answer at log-weights; infinite if it is right there, and changes when 500 is added to all of them."""
    answer, (log_w,) = ask_once(sample_size, inputs), inputs
    right = diagnostics.effective_sample_size(log_w)
    if not same(answer, right):
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
        "this multiplies over the trajectories in place of the transitions, which are the last axis.": (
            lambda log_p, log_q: (log_p - log_q).sum(0).exp()
        ),
        "these are the weights up to each transition. A trajectory has one weight, the product of all.": (
            lambda log_p, log_q: (log_p - log_q).cumsum(-1).exp()
        ),
        "this divides the weights by their sum. Eq. 3 asks for p/q as it is.": (
            lambda log_p, log_q: (log_p - log_q).sum(-1).softmax(0)
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
        "this is its logarithm. Take exp at the end.": lambda log_w: 2 * log_w.logsumexp(0) - (2 * log_w).logsumexp(0),
        "this is N over the mean square, right only if the weights average to one. Put (Σ w)² in place of N².": (
            lambda log_w: len(log_w) / log_w.exp().square().mean()
        ),
        "this is 1/Σw² for weights that were not divided by their sum first.": lambda log_w: (
            1 / log_w.exp().square().sum()
        ),
    },
    ask=ask_of_large_ones,
)


def before(log_w: Tensor) -> Tensor:
    """Log-weight (N, T) of the transitions before each reward."""
    return log_w.cumsum(-1) - log_w


def discounted(log_w: Tensor, reward: Tensor, discount: Tensor) -> Tensor:
    """Mean over N trajectories of the weighted, discounted rewards; all (N, T), `discount` (T,)."""
    return (log_w.exp() * discount * reward).sum(-1).mean()


def powers(gamma: float, steps: int) -> Tensor:
    """1, γ, γ², … (steps,)."""
    return gamma ** torch.arange(steps)


check_discounted_value = Exercise(
    name="discounted_value",
    inputs=(*draw_log_densities(trajectories=6, steps=4), 0.9),
    right=lambda log_w, reward, gamma: discounted(before(log_w), reward, powers(gamma, reward.shape[-1])),
    praise="each reward with the weights before it, and its own power of γ.",
    hint="Reward t gets the product of the weights of transitions 1 to t − 1, and γ to the power t − 1. With γ = 0 "
    "only the first reward counts, and its weight is one.",
    mistakes={
        "this is Eq. 4 as printed: reward t has the weight of transition t too, which is drawn after it.": (
            lambda log_w, reward, gamma: discounted(log_w.cumsum(-1), reward, powers(gamma, reward.shape[-1]))
        ),
        "this is Eq. 2: all rewards have all weights. Right on average, and noisier than need be.": (
            lambda log_w, reward, gamma: discounted(
                log_w.sum(-1, keepdim=True), reward, powers(gamma, reward.shape[-1])
            )
        ),
        "the weights are missing: this is what the model itself promises.": lambda log_w, reward, gamma: discounted(
            0 * log_w, reward, powers(gamma, reward.shape[-1])
        ),
        "the discount is missing: this is right for γ = 1.": lambda log_w, reward, gamma: discounted(
            before(log_w), reward, torch.ones(reward.shape[-1])
        ),
        "one γ too many: the first reward is not discounted here.": lambda log_w, reward, gamma: discounted(
            before(log_w), reward, gamma * powers(gamma, reward.shape[-1])
        ),
        "every reward has the weight of one transition only. Those of all transitions before it multiply.": (
            lambda log_w, reward, gamma: discounted(
                log_w.roll(1, -1).index_fill(-1, torch.tensor([0]), 0.0), reward, powers(gamma, reward.shape[-1])
            )
        ),
        "this is the plain sum of rewards: weights and discount are both missing.": lambda log_w, reward, gamma: (
            reward.sum(-1).mean()
        ),
        "this weights by the sum of the log-ratios. The weight is exp of it.": lambda log_w, reward, gamma: (
            (before(log_w) * powers(gamma, reward.shape[-1]) * reward).sum(-1).mean()
        ),
        "every reward is discounted by the same γ. Reward t gets γ to the power t − 1.": lambda log_w, reward, gamma: (
            gamma * discounted(before(log_w), reward, torch.ones(reward.shape[-1]))
        ),
        "this averages over the rewards, too. A return is their sum; the mean is over the trajectories.": (
            lambda log_w, reward, gamma: (
                discounted(before(log_w), reward, powers(gamma, reward.shape[-1])) / reward.shape[-1]
            )
        ),
        "these are the trajectories' own values. The estimate is their mean.": lambda log_w, reward, gamma: (
            before(log_w).exp() * powers(gamma, reward.shape[-1]) * reward
        ).sum(-1),
        "this sums over the trajectories. The estimate is their mean.": lambda log_w, reward, gamma: (
            len(reward) * discounted(before(log_w), reward, powers(gamma, reward.shape[-1]))
        ),
    },
)


def worth_on(swerve_prob: float, mean: float, spread: float) -> float:
    """What SAMPLES weighted samples of one Gaussian model are worth on a road, by the exact E[w²]."""
    env, state = IcyRoad(swerve_prob=swerve_prob), torch.tensor(STATE)
    p, stds = env.transition(state, torch.tensor(ACCELERATE)), torch.tensor([[env.noise, spread]])
    q = Mixture(torch.zeros(1), torch.tensor([[3.0, mean]]), stds, state, env.kinematics)
    return SAMPLES / exact.weight_second_moment(p, q).item()


def judge_for_both(for_both: tuple[float, float]) -> str:
    """Are 1000 samples of a Gaussian (mean, spread) worth at least 125 on today's road and on tomorrow's?

    The verdict on the mean and the spread of one model for two roads.
    """
    try:
        mean, spread = map(float, for_both)
    except (TypeError, ValueError):
        return f"expected two numbers, mean and spread, got {shortened(for_both)}."
    if not (abs(mean) <= 10 and 0.01 <= spread <= 10):
        return f"expected a mean within ±10 and a spread from 0.01 to 10 lengths per step, got {mean:g} and {spread:g}."
    today, tomorrow = (worth_on(swerve, mean, spread) for swerve in (TODAY, TOMORROW))
    found = f"{SAMPLES} samples are worth {today:.0f} today and {tomorrow:.0f} tomorrow"
    if min(today, tomorrow) >= ENOUGH:
        return f"right, {found}."
    if abs(mean) > 0.1:
        return f"{found}. Both roads are symmetric, and this model is not: one side gets giant weights."
    if today >= ENOUGH:
        return f"{found}. It is made for today: tomorrow most cars stay, in a peak that it seldom visits."
    if tomorrow >= ENOUGH:
        return f"{found}. It is made for tomorrow: today most cars swerve, and so far out it seldom goes."
    return f"{found}. It is {'far too narrow' if spread < 0.7 else 'far too broad'} for both."


check_for_both = OpenExercise(name="for_both", verdict=judge_for_both)
