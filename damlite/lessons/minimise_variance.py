"""Lesson 06: a proposal on its way from p to q* and beyond, and the spread of its estimate."""

import torch
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from torch import Tensor

from .. import figures
from ..envs import IcyRoad
from .exercise import Exercise
from .panel import Panel, slider
from .shared import ACCELERATE, STATE

CELL = 0.02  # lengths per step
VELOCITY = torch.arange(-4 + CELL / 2, 4, CELL, dtype=torch.float64)
SPEED = torch.linspace(2.8, 3.2, 9, dtype=torch.float64)  # four standard deviations to either side
ALPHA = torch.linspace(0, 2, 81, dtype=torch.float64)


def cells(swerve_prob: float) -> tuple[Tensor, Tensor]:
    """Probabilities and rewards (9, 400) of the next states at (2, 0, 2, 0) under "accelerate", on a grid."""
    env, action = IcyRoad(swerve_prob=swerve_prob), torch.tensor(ACCELERATE)
    state = torch.tensor(STATE, dtype=torch.float64)
    z = torch.stack(torch.meshgrid(SPEED, VELOCITY, indexing="ij"), dim=-1)
    next_state = env.kinematics.complete(state, z)
    p = env.transition(state, action).log_prob(next_state).exp()
    return p / p.sum(), env.reward(next_state, action)


def spreads(p: Tensor, reward: Tensor, offset: float, alpha: Tensor) -> tuple[Tensor, Tensor]:
    """Standard deviation (A,) of one draw from q ∝ p·(r − offset)^α, weighted by p/q (Sec. 3.2).

    The first is that of w·(r − offset), zero at α = 1 (Eq. 9); the second that of w·r, without the shift.
    """
    p, reward = p.flatten(), reward.flatten()
    power = (reward - offset) ** alpha[:, None]
    size = (p * power).sum(-1)  # q = p·power/size, w = size/power

    def spread(x: Tensor) -> Tensor:
        second = (p * x**2 / power).sum(-1) * size
        return (second - (p * x).sum() ** 2).clamp(min=0).sqrt()

    return spread(reward - offset), spread(reward)


def density_lines(ax: Axes) -> list[Line2D]:
    """Lines for p, q and q*, still without data."""
    looks = {"truth p": (figures.TRUTH, "-"), "q": (figures.MODEL, "--"), "q*": (figures.GREY, ":")}
    lines = [ax.plot([0], [0], style, color=colour, label=name)[0] for name, (colour, style) in looks.items()]
    ax.set(xlabel="next lateral velocity (lengths per step)", ylabel="density", xlim=(-3, 3), ylim=(0, 8.5))
    ax.legend(loc="upper left")
    return lines


def spread_lines(ax: Axes) -> tuple[list[Line2D], list[Line2D]]:
    """Lines and dots for the two spreads, still without data."""
    styles = (("w·(r − offset)", "-", "o"), ("w·r, not shifted", "-.", "s"))
    lines = [ax.plot([0], [0], line, color=figures.WEIGHT, lw=1.8, label=name)[0] for name, line, _ in styles]
    dots = [ax.plot([0], [0], mark, color=figures.MODEL, mec="black", ms=9)[0] for *_, mark in styles]
    ax.axvline(1, color=figures.GREY, ls=":")
    ax.set(xlabel="α: how far q goes from p (0) to q* (1)", ylabel="standard deviation of one draw")
    ax.set(xlim=(0, 2), ylim=(0, 12))
    ax.legend(loc="upper left")
    return lines, dots


def minimum_variance() -> Panel:
    """Proposal q ∝ p·R^α between p (α = 0), q* (α = 1) and beyond, with its estimate's spread."""
    fig, axes = figures.figure(2, width=11, height=4.2)
    density, curve = axes[0]
    lines, (spans, dots) = density_lines(density), spread_lines(curve)

    def draw(swerve_prob: float, alpha: float, offset: float) -> None:
        p, reward = cells(swerve_prob)
        on_road = (VELOCITY.abs() <= 1).expand_as(p)
        stays = []
        for line, power in zip(lines, (0.0, alpha, 1.0), strict=True):
            q = p * (reward - offset) ** power
            q = q / q.sum()
            line.set_data(VELOCITY, q.sum(0) / CELL)
            stays.append(float(q[on_road].sum()))
        density.set_title(f"on the road: p {stays[0]:.0%}, q {stays[1]:.0%}, q* {stays[2]:.0%}")
        here = spreads(p, reward, offset, torch.tensor([alpha], dtype=torch.float64))
        for span, dot, y, now in zip(spans, dots, spreads(p, reward, offset, ALPHA), here, strict=True):
            span.set_data(ALPHA, y)
            dot.set_data([alpha], now)
        curve.set_title(f"one draw: ± {here[0].item():.2f} shifted, ± {here[1].item():.2f} not shifted")

    controls = {
        "swerve_prob": slider("probability of swerving", "0 to 1", 0.9, 0.0, 1.0, 0.1),
        "alpha": slider("α, from p to q* and beyond", "power of r − offset", 0.5, 0.0, 2.0, 0.1),
        "offset": slider("offset", "units of reward", -3.5, -12.0, -3.5, 0.5),
    }
    text = "Densities of p, of q ∝ p·(r − offset)^α and of q* (left), and the spread of one weighted draw (right)."
    return Panel(fig, draw, controls, text)


def share(x: Tensor) -> Tensor:
    """Numbers (N,), scaled to sum to one."""
    return x / x.sum()


def shifted(returns: Tensor) -> Tensor:
    """Returns (N,), the smallest of them 0."""
    return returns - returns.min()


def variance(q: Tensor, x: Tensor) -> Tensor:
    """Variance of x (N,) under the probabilities q (N,)."""
    return (q * x**2).sum() - (q * x).sum() ** 2


check_optimal_proposal = Exercise(
    "q_star",
    (torch.tensor([0.1, 0.2, 0.3, 0.4]), torch.tensor([6.0, -2.0, 1.0, 3.0])),
    lambda p, r: share(p * shifted(r)),
    "w·R is the same for every outcome.",
    "Shift the returns so that the smallest is 0, multiply by p, divide by the sum.",
    {
        "the shift is missing: one of your probabilities is negative. Eq. 9 assumes R ≥ 0, so subtract the smallest "
        "return first.": lambda p, r: share(p * r),
        "this takes |R|. That is the best proposal for a mean of w·R without a shift, but its variance is not zero. "
        "Subtract the smallest return instead.": lambda p, r: share(p * r.abs()),
        "this is R alone, without p: it would draw an unlikely outcome as often as a likely one with the same "
        "return. Eq. 9 has the product R·p.": lambda p, r: share(shifted(r)),
        "this does not sum to one: divide R·p by its sum E_p[R].": lambda p, r: p * shifted(r),
        "this divides by the plain mean of R. E_p[R] in Eq. 9 is a mean under p.": lambda p, r: (
            p * shifted(r) / shifted(r).mean()
        ),
        "this is p itself, the proposal of maximum likelihood.": lambda p, r: p,
    },
)
check_estimate_variance = Exercise(
    "variance",
    (torch.tensor([0.2, 0.5, 0.3]), torch.tensor([0.5, 0.3, 0.2]), torch.tensor([4.0, 1.0, 2.0])),
    lambda p, q, r: variance(q, p / q * r),
    "E_q[w²R²] − E_p[R]².",
    "Var_q[X] = E_q[X²] − E_q[X]² with X = w·R and w = p/q.",
    {
        "this is the variance of R under p. Either the weight's square is forgotten (E_q[w R²] is E_p[R²]), or the "
        "draws come from p. They come from q, and w·R is squared as a whole.": lambda p, q, r: variance(p, r),
        "this is the variance of R under q, without weights.": lambda p, q, r: variance(q, r),
        "this is the second moment E_q[w²R²]. Subtract the square of the mean.": lambda p, q, r: (
            q * (p / q * r) ** 2
        ).sum(),
        "this averages w²R² under p. The draws come from q.": lambda p, q, r: (
            (p * (p / q * r) ** 2).sum() - (p * r).sum() ** 2
        ),
        "this is the standard deviation, the root of the variance.": lambda p, q, r: variance(q, p / q * r).sqrt(),
        "the weight is upside down: it is p/q.": lambda p, q, r: variance(q, q / p * r),
        "this gives every outcome the same probability. Average under q.": lambda p, q, r: (p / q * r).var(
            correction=0
        ),
    },
)
check_weighted_gradient = Exercise(
    "gradient",
    (torch.tensor([0.2, 0.5, 0.3]), torch.tensor([4.0, 1.0, 2.0]), torch.tensor([0.3, 0.3, 0.4])),
    lambda p, r, q: q * (p * r).sum() - p * r,
    "zero exactly at q = q*.",
    "∂ log q_j / ∂ logit_i is 1{i = j} − q_i. Average −R times it under p.",
    {
        "the sign is reversed: this is the gradient of +E_p[R log q]; a descent step would unlearn.": lambda p, r, q: (
            p * r - q * (p * r).sum()
        ),
        "the returns are missing: this is maximum likelihood, the gradient of −E_p[log q].": lambda p, r, q: q - p,
        "this is q − q*, the gradient of the KL itself (Eq. 16). Same direction; Eq. 17 has it times E_p[R].": (
            lambda p, r, q: q - share(p * r)
        ),
        "the softmax's normalisation is missing: raising one logit lowers the other probabilities.": (
            lambda p, r, q: -p * r
        ),
        "this is the gradient in q, not in the logits. Go through the softmax.": lambda p, r, q: -p * r / q,
        "this leaves p out: every outcome counts alike. Eq. 17 is a mean under p.": lambda p, r, q: q * r.sum() - r,
    },
)
