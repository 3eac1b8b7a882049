"""Lesson 06: a proposal on its way from p to q* and beyond, and the spread of its estimate."""

from collections.abc import Callable, Iterator

import torch
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from torch import Tensor

from .. import figures
from ..envs import IcyRoad
from ..mixture import seeded
from .careful import tensor
from .exercise import Exercise, OpenExercise, same
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
        "alpha": slider("α, from p (0) to q* (1)", "power", 0.5, 0.0, 2.0, 0.1),
        "offset": slider("offset", "units of reward", -3.5, -12.0, -3.5, 0.5),
    }
    text = "Densities of p, of q ∝ p·(r − offset)^α and of q* (left), and the spread of one weighted draw (right)."
    return Panel(fig, draw, controls, text)


def share(x: Tensor) -> Tensor:
    """Numbers (N,), scaled to sum to one."""
    return x / x.sum()


def divergence(p: Tensor, q: Tensor) -> Tensor:
    """KL(p‖q) of probabilities (N,), in nats."""
    return (p * (p / q).log()).sum()


def variance(q: Tensor, x: Tensor) -> Tensor:
    """Variance of x (N,) under the probabilities q (N,)."""
    return (q * x**2).sum() - (q * x).sum() ** 2


def chi_square(p: Tensor, q: Tensor) -> Tensor:
    """χ²(p‖q) of probabilities (N,): Var_q[p/q]."""
    return variance(q, p / q)


def draws_needed(p: Tensor, q: Tensor, returns: Tensor, n: Tensor) -> Tensor:
    """Draws from q whose mean of w·R has the variance of n draws from p."""
    best = share(p * returns)
    return n * chi_square(best, q) / chi_square(best, p)


check_draws_needed = Exercise(
    "draws_needed",
    (
        torch.tensor([0.2, 0.5, 0.3]),
        torch.tensor([0.5, 0.3, 0.2]),
        torch.tensor([4.0, 1.0, 2.0]),
        torch.tensor(60.0),
    ),
    draws_needed,
    "a proposal's price is its χ² from q*.",
    "J²χ²(q*‖p)/n must equal J²χ²(q*‖q)/m. Solve for m.",
    {
        "this is upside down: it gives the draws from p that are as good as n from q.": lambda p, q, r, n: (
            n**2 / draws_needed(p, q, r, n)
        ),
        "this is n itself: no proposal is asked for.": lambda p, q, r, n: n,
        "this takes the ratio of the standard deviations. Draws divide the variance.": lambda p, q, r, n: (
            n * (draws_needed(p, q, r, n) / n).sqrt()
        ),
        "this takes q* ∝ R, without p. Eq. 9 has the product R·p.": lambda p, q, r, n: (
            n * chi_square(share(r), q) / chi_square(share(r), p)
        ),
        "this takes χ²(q‖q*). In the variance q* is squared, and q is below it.": lambda p, q, r, n: (
            n * chi_square(q, share(p * r)) / chi_square(p, share(p * r))
        ),
        "this takes the KL divergences. The variance is a χ² divergence.": lambda p, q, r, n: (
            n * divergence(share(p * r), q) / divergence(share(p * r), p)
        ),
        "this compares second moments: the squared mean J² is still to be subtracted from both.": lambda p, q, r, n: (
            n * (q * (p / q * r) ** 2).sum() / (p * r**2).sum()
        ),
        "this is n·χ²(q*‖q). Compare it with the χ² of p, from which the n draws come.": lambda p, q, r, n: (
            n * chi_square(share(p * r), q)
        ),
        "the weighted draws have the mean J. This subtracts the mean of the unweighted ones.": lambda p, q, r, n: (
            n * ((q * (p / q * r) ** 2).sum() - (q * r).sum() ** 2) / variance(p, r)
        ),
        "this is n·E_q[w²]: how uneven the weights are, whatever the returns.": lambda p, q, r, n: n * (p**2 / q).sum(),
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
        "this takes the mean of p·R over the outcomes. p holds their probabilities: sum.": lambda p, r, q: (
            q * (p * r).mean() - p * r
        ),
        "this leaves p out: every outcome counts alike. Eq. 17 is a mean under p.": lambda p, r, q: q * r.sum() - r,
    },
)

DISASTER, MOVED, TELLS = -1000.0, 0.1, 1.3  # a return; how far a weight may move; the best tenth's least mean weight
ROWS = torch.tensor([[0.8, 0.2], [0.3, 0.7]], dtype=torch.float64)  # the lesson's car: on the road, off it
PATHS = torch.tensor([[0, 0], [0, 1], [1, 0], [1, 1]]).T  # (s_2, s_3)
RETURNS = torch.tensor([6.0, 3.0, 2.0, 1.0], dtype=torch.float64)
KL_FIT = torch.tensor([[8.16 / 8.9, 0.74 / 8.9], [6 / 13, 7 / 13]], dtype=torch.float64)
LESS = 0.395  # between the variance of Eq. 10's table, 0.400, and the least, 0.391


def judge_steady_weights(steady_weights: Callable[[Tensor], Tensor]) -> str:
    """Do weights (E,) of returns (E,) tell good episodes from bad ones, with a disaster among them as without?

    The verdict on weights, by their properties.
    """
    calm = 4 * torch.randn(200, generator=seeded(0), dtype=torch.float64)
    found = []
    for returns in (calm, torch.cat([calm, torch.tensor([DISASTER], dtype=torch.float64)])):
        weights = steady_weights(returns.clone())
        weights = tensor(weights).double()
        if weights.shape != returns.shape:
            return f"expected shape {tuple(returns.shape)}, got shape {tuple(weights.shape)}."
        found.append(weights)
    return next((sentence for sentence, fits in faults(calm, *found) if fits), STEADY)


check_steady_weights = OpenExercise(name="steady_weights", verdict=judge_steady_weights, of_a_function=True)


STEADY = "right, one disaster no longer sets the offset, and no episode is left out."


def faults(calm: Tensor, before: Tensor, after: Tensor) -> Iterator[tuple[str, bool]]:
    """What may be wrong with the weights (E,) of calm returns and (E + 1,) of these and a disaster."""
    order, both = calm.argsort(), torch.cat([before, after])
    yield "not all of them are finite numbers.", not bool(both.isfinite().all())
    yield "some are negative. A weight stands for q*/p, which never is.", bool((both < 0).any())
    yield "their mean is not one: divide by it.", any(abs(w.mean() - 1) > 1e-3 for w in (before, after))
    yield "a better episode has a smaller weight.", bool((before[order].diff() < -1e-9).any())
    best = order[-20:]
    yield "they hardly tell good from bad: this is maximum likelihood.", bool(before[best].mean() < TELLS)
    flat = (
        "the disaster sets the offset: beside −1000 all others look alike. Take an offset that one episode cannot move."
    )
    yield flat, bool(after[best].mean() < TELLS)
    moved = "one disaster moves the others' weights by more than a tenth."
    yield moved, bool((after[:-1] - before).abs().max() > MOVED)
    yield (
        "an episode has weight 0: what q never draws is missing in the estimate. Leave a little.",
        bool((both == 0).any()),
    )


def judge_better_table(better_table: Callable[[], Tensor]) -> str:
    """Has a table q(s' | s) (2, 2) of the lesson's car less variance than the one that Eq. 10 leads to?

    The verdict on a table, by the variance of one draw.
    """
    table = better_table()
    table = tensor(table).double()
    if table.shape != (2, 2):
        return f"expected shape (2, 2), got shape {tuple(table.shape)}."
    if not bool((table > 0).all()) or not torch.allclose(table.sum(-1), torch.ones(2).double(), atol=1e-4):
        return "each row is a distribution: positive, with the sum one."
    found = table_variance(table)
    if found < LESS:
        return f"right, its variance is {found:.3f}: the least KL is not the least variance."
    if same(table, ROWS):
        return "this is the truth itself, with a variance of 3.884."
    if torch.allclose(table, KL_FIT, atol=2e-3):
        return "this is where Eq. 10 ends, with a variance of 0.400. Minimise the variance in place of the KL."
    return f"not yet: its variance is {found:.3f}, and Eq. 10's 0.400. Follow the gradient of the variance."


check_better_table = OpenExercise(name="better_table", verdict=judge_better_table, of_a_function=True)


def table_variance(table: Tensor) -> float:
    """Variance of one weighted draw of the lesson's car, imagined with q(s' | s) (2, 2)."""
    p, q = (rows[0, PATHS[0]] * rows[PATHS[0], PATHS[1]] for rows in (ROWS, table))
    return variance(q, p / q * RETURNS).item()
