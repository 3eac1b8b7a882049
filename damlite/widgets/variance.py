"""Lesson 05: a proposal on its way from p to q* and beyond, and the spread of its estimate."""

import torch
from torch import Tensor

from .. import figures
from ..envs import IcyRoad
from .panel import Panel, slider

STATE, ACCELERATE = (2.0, 0.0, 2.0, 0.0), 2
CELL = 0.02  # lengths per step
VELOCITY = torch.arange(-4 + CELL / 2, 4, CELL, dtype=torch.float64)
SPEED = torch.linspace(2.8, 3.2, 9, dtype=torch.float64)  # four standard deviations to either side
ALPHA = torch.linspace(0, 2, 81, dtype=torch.float64)


def _cells(swerve_prob: float) -> tuple[Tensor, Tensor]:
    """Probabilities and rewards (9, V) of the next states at (2, 0, 2, 0) under "accelerate"."""
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
    chance, number = p.flatten(), reward.flatten()
    power = (number - offset) ** alpha[:, None]
    size = (chance * power).sum(-1)  # q = p·power/size, w = size/power

    def spread(x: Tensor) -> Tensor:
        second = (chance * x**2 / power).sum(-1) * size
        return (second - (chance * x).sum() ** 2).clamp(min=0).sqrt()

    return spread(number - offset), spread(number)


def minimum_variance() -> Panel:
    """Lesson 05: q ∝ p·R^α between p (α = 0), q* (α = 1) and beyond, with its estimate's spread."""
    fig, axes = figures.figure(2, width=11, height=4.2)
    density, curve = axes[0]
    looks = {"truth p": (figures.TRUTH, "-"), "q": (figures.MODEL, "--"), "q*": (figures.GREY, ":")}
    lines = [density.plot([0], [0], style, color=colour, label=name)[0] for name, (colour, style) in looks.items()]
    density.set(xlabel="next lateral velocity (lengths per step)", ylabel="density", xlim=(-3, 3), ylim=(0, 8.5))
    density.legend(loc="upper left")
    styles = (("w·(r − offset)", "-", "o"), ("w·r, not shifted", "-.", "s"))
    spans = [curve.plot([0], [0], line, color=figures.WEIGHT, lw=1.8, label=name)[0] for name, line, _ in styles]
    dots = [curve.plot([0], [0], mark, color=figures.MODEL, mec="black", ms=9)[0] for *_, mark in styles]
    curve.axvline(1, color=figures.GREY, ls=":")
    curve.set(xlabel="α: how far q goes from p (0) to q* (1)", ylabel="standard deviation of one draw")
    curve.set(xlim=(0, 2), ylim=(0, 12))
    curve.legend(loc="upper left")

    def draw(swerve_prob: float, alpha: float, offset: float) -> None:
        p, reward = _cells(swerve_prob)
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
        "swerve_prob": slider("chance to swerve", "probability", 0.9, 0.0, 1.0, 0.1),
        "alpha": slider("α, from p to q* and beyond", "power of r − offset", 0.5, 0.0, 2.0, 0.1),
        "offset": slider("offset", "units of reward", -3.5, -12.0, -3.5, 0.5),
    }
    text = "Densities of p, of q ∝ p·(r − offset)^α and of q* (left), and the spread of one weighted draw (right)."
    return Panel(fig, draw, controls, text, moving=[*lines, *spans, *dots, density.title, curve.title])
