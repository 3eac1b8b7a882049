"""Lesson 12: six ways to use one log-ratio, in one planner, beside the exact truth; copies, and a duel to design."""

from collections.abc import Callable, Sequence
from functools import lru_cache, partial

import torch
from matplotlib.figure import Figure
from torch import Tensor

from .. import exact, figures
from ..envs import IcyRoad
from ..estimate import estimate_value
from ..mixture import seeded
from ..planning import Belief, RandomShooting
from ..resampling import systematic
from .careful import shortened, tensor
from .exercise import Exercise, OpenExercise
from .panel import Panel, dropdown, slider

RELATIVES = {  # fields of `Estimator`; None: the log-ratio is not used
    "no correction": None,
    "multiplied": {},
    "added": {"correction": "reward"},
    "resampled": {"resample": 0.5},
    "self-normalised": {"normalise": True},
    "flattened": {"flatten": 0.5},
}
LOOKS = {
    "no correction": ("o-", "grey"),
    "multiplied": ("s-", "black"),
    "added": ("^--", "#CC79A7"),
    "resampled": ("D:", "#009E73"),
    "self-normalised": ("v-.", "#D55E00"),
    "flattened": ("x--", "#56B4E9"),
}
ACCELERATE = (2, 2, 2, 2, 2)
ESTIMATES, DECISIONS, CANDIDATES = 300, 20, 100  # of one plan; of the planner; plans of a decision
NUMBERS = {"own": False, "common": True}


def believed(road: float, model: float, relative: str) -> Belief:
    """The road's rewards, the model for its dynamics, and the exact log p/q if the relative uses it."""
    p, q = IcyRoad(swerve_prob=road), IcyRoad(swerve_prob=model)
    return Belief(p, q, None if RELATIVES[relative] is None else partial(exact.log_ratio, p, q))


def choices(relative: str, scale: float, particles: int) -> dict[str, object]:
    """The fields of `Estimator` that make a relative."""
    return {**(RELATIVES[relative] or {}), "particles": particles, "correction_scale": scale}


def shoot(belief: Belief, how: dict[str, object], decisions: int, common: bool, seed: int) -> tuple[Tensor, Tensor]:
    """Promise and exact worth, both (D,), of what random shooting chooses in D decisions."""
    planner = RandomShooting(candidates=CANDIDATES, common_random_numbers=common, stratified=False, **how)
    chosen = planner.plan(belief, belief.env.initial_state(decisions), generator=seeded(seed))
    return chosen.value, exact.value(belief.env, chosen.actions)


@lru_cache(maxsize=256)
def judged(road: float, model: float, relative: str, scale: float, particles: int, numbers: str) -> tuple[Tensor, ...]:
    """What a relative says of "always accelerate", and what a planner that uses it chooses.

    Parameters
    ----------
    road, model : probability of a throw on the road, p, and in the model, q
    relative : a key of `RELATIVES`
    scale : λ, rewards for one nat, of "added"
    particles : P
    numbers : "own" or "common", of the planner

    Returns
    -------
    Estimates (E,) of the plan; promise and exact worth (D,) of the sequences chosen in D decisions.
    """
    belief, how = believed(road, model, relative), choices(relative, scale, particles)
    p, q, ratio = belief.env, belief.dynamics, belief.log_ratio
    plan, start = torch.tensor(ACCELERATE), p.initial_state(ESTIMATES)
    estimates = estimate_value(q, p.reward, start, plan, ratio, generator=seeded(0), **how)
    return estimates, *shoot(belief, how, DECISIONS, NUMBERS[numbers], seed=1)


def bias_and_spread(sizes: Sequence[int], curves: dict[str, Tensor]) -> Figure:
    """Draw the bias, with its standard error, and the standard deviation of estimates against the particles.

    Parameters
    ----------
    sizes : N numbers of particles
    curves : of every relative its biases, standard deviations, and the biases' standard errors, (3, N)
    """
    fig, axes = figures.figure(2, width=10.5)
    for name, (bias, spread, error) in curves.items():
        mark, colour = LOOKS[name]
        axes[0, 0].errorbar(sizes, bias, error, fmt=mark, color=colour)
        axes[0, 1].plot(sizes, spread, mark, color=colour, label=name)
    for ax, what in zip(axes[0], ("bias (points)", "standard deviation (points)"), strict=True):
        ax.set(xscale="log", xlabel="particles", ylabel=what)
        ax.set_xticks(sizes, sizes)
        ax.minorticks_off()
    axes[0, 1].legend()
    return fig


def compare() -> Panel:
    """A relative's estimates of one plan beside its exact value; promise, worth and regret of its choices."""
    fig, axes = figures.figure(2, width=11, height=4.2)
    said, choice = axes[0]
    places = (torch.arange(ESTIMATES) + 0.5) / ESTIMATES
    with figures.style():
        (dots,) = said.plot(places, places, ".", color=figures.MODEL, ms=4, label="estimates, in ascending order")
        mean = said.axhline(0, color=figures.MODEL, ls="--", label="their mean")
        truth = said.axhline(0, color=figures.TRUTH, label="exact value")
        said.set(xlabel="share of the estimates", ylabel="return (points)", ylim=(-25, 50))
        said.legend(loc="upper left", fontsize=9)
        bars = choice.bar([0, 1, 2], [0, 0, 0], color=[figures.MODEL, figures.TRUTH, figures.GREY], width=0.6)
        labels = [choice.text(i, 0, "", ha="center", va="bottom") for i in range(3)]
        choice.set_xticks([0, 1, 2], ["promise of\nthe chosen", "worth of\nthe chosen", "worth of\nthe best"])
        choice.set(ylim=(-3, 40), ylabel="mean return (points)")

    def settle(road: float, model: float, relative: str, scale: float, particles: int, numbers: str) -> None:
        estimates, promise, worth = judged(road, model, relative, scale, particles, numbers)
        env = IcyRoad(swerve_prob=road)
        value, best = exact.value(env, torch.tensor(ACCELERATE)), exact.optimum(env)
        dots.set_ydata(estimates.sort().values)
        mean.set_ydata([estimates.mean()] * 2)
        truth.set_ydata([value] * 2)
        error = estimates.std() / ESTIMATES**0.5
        said.set_title(f"always accelerate: {estimates.mean():.1f} ± {error:.1f}, exactly {value:.1f}")
        heights = [promise.mean().item(), worth.mean().item(), best]
        for bar, label, height in zip(bars, labels, heights, strict=True):
            bar.set_height(min(height, 37))
            label.set(y=min(max(height, 0), 36.5) + 0.6, text=f"{height:.1f}")
        regret = best - worth
        choice.set_title(f"regret {regret.mean():.1f} ± {regret.std() / DECISIONS**0.5:.1f}")

    controls = {
        "relative": dropdown("the log-ratio is", [*RELATIVES], "multiplied"),
        "road": dropdown("the road throws with probability", [0.9, 0.2], 0.9),
        "model": slider("the model throws with probability", "0 to 1", 0.5, 0.1, 0.9, 0.1),
        "particles": dropdown("particles", [1, 5, 20], 20),
        "numbers": dropdown("random numbers", [*NUMBERS], "own"),
        "scale": slider("scale of what is added", "points per nat", 1.0, 0.0, 20.0, 1.0),
    }
    description = (
        f"Left: {ESTIMATES} estimates of always accelerating by the chosen relative, their mean and the exact value; "
        f"right: what {DECISIONS} decisions promise, what they are worth, and the best plan's worth."
    )
    return Panel(fig, lambda: None, controls, description, settle)


_generator = seeded(12)
_rewards, _log_ratio = (torch.randn(7, 5, generator=_generator) for _ in range(2))
check_added = Exercise(
    "added",
    (_rewards, _log_ratio, 2.5),
    lambda r, ratio, scale: (r.sum(-1) + scale * ratio[:, :-1].sum(-1)).mean(),
    "and no exponential anywhere: its variance grows with the steps, not exponentially in them.",
    "Every particle's rewards, plus scale times the log-ratios of its first H − 1 transitions; then the mean.",
    {
        "the last transition is in it: nothing is rewarded in the state it leads to.": lambda r, ratio, scale: (
            (r + scale * ratio).sum(-1).mean()
        ),
        "the sign is turned round: this pays for what q draws too often.": lambda r, ratio, scale: (
            r.sum(-1) - scale * ratio[:, :-1].sum(-1)
        ).mean(),
        "the scale is missing.": lambda r, ratio, scale: (r.sum(-1) + ratio[:, :-1].sum(-1)).mean(),
        "one value for each particle: take their mean.": lambda r, ratio, scale: (
            r.sum(-1) + scale * ratio[:, :-1].sum(-1)
        ),
        "this multiplies by weights, as Alg. 1 does.": lambda r, ratio, scale: (
            ((ratio.cumsum(-1) - ratio).exp() * r).sum(-1).mean()
        ),
        "weights are added where their logarithms should be.": lambda r, ratio, scale: (
            r.sum(-1) + scale * ratio[:, :-1].exp().sum(-1)
        ).mean(),
    },
)

_log_w = torch.tensor([0.3, -1.2, 2.0, 0.1, -0.4, 0.9, -2.0, 0.5])
check_ancestors = Exercise(
    "ancestors",
    (_log_w, 0.6),
    lambda log_w, u: systematic(log_w, torch.tensor([u])),
    "one random number for all of them: each is copied P·w/Σw times, rounded up or down.",
    "Edges: the cumulated shares w/Σw. Places: (i + u)/P. The ancestor is the first particle whose edge is beyond.",
    {
        "the weights are not divided by their sum: shares must end at 1.": lambda log_w, u: torch.searchsorted(
            log_w.exp().cumsum(0), (torch.arange(8) + u) / 8, right=True
        ).clamp(max=7),
        "the places miss u: without a random shift the copies are biased.": lambda log_w, u: torch.searchsorted(
            log_w.softmax(0).cumsum(0), torch.arange(8) / 8, right=True
        ).clamp(max=7),
        "these are the numbers of copies. Answer with the particle that each copy descends from.": lambda log_w, u: (
            torch.bincount(systematic(log_w, torch.tensor([u])), minlength=8)
        ),
        "only the heaviest is copied: every particle gets its share.": lambda log_w, u: log_w.argmax().expand(8),
    },
)

DUEL, MOST = 60, 20  # decisions a side; the greatest number of particles


def judge_duel(duel: Callable[[], tuple[float, float, float, int]]) -> str:
    """Does adding beat multiplying where the road, the model, the scale and the particles are these?

    The verdict on a function that returns (road, model, scale, particles): the regrets of either in `DUEL` decisions
    with own numbers.
    """
    design = duel()
    numbers = tensor(design).double().flatten().tolist()
    if len(numbers) != 4:
        return f"expected four numbers (road, model, scale, particles), got {shortened(design)}."
    road, model, scale, particles = numbers
    if not (0 < road < 1 and 0 < model < 1):
        return f"both probabilities must be above 0 and below 1, so that log p/q is finite, got {road:g} and {model:g}."
    if not 0 <= scale < float("inf") or particles not in range(1, MOST + 1):
        return f"expected a scale of at least 0 and 1 to {MOST} particles, got {scale:g} and {particles:g}."
    multiplied, added = (regrets(road, model, scale, int(particles), how) for how in ("multiplied", "added"))
    lead = multiplied.mean() - added.mean()
    error = (multiplied.var() / DUEL + added.var() / DUEL).sqrt()
    found = f"regret {added.mean():.1f} added, {multiplied.mean():.1f} multiplied"
    if lead > 3 * error:
        return f"right, {found}: a lead of {lead:.1f} ± {error:.1f}."
    if lead > 0:
        return f"{found}: a lead of {lead:.1f} ± {error:.1f} may be luck. Make multiplying worse, or the scale larger."
    if model > road:
        return f"{found}. This model is pessimistic: a penalty lowers what it undervalues already."
    return f"{found}. What harms products of weights, and leaves a sum of logarithms alone?"


def regrets(road: float, model: float, scale: float, particles: int, relative: str) -> Tensor:
    """Regrets (D,) of `DUEL` decisions by random shooting with own numbers."""
    belief = believed(road, model, relative)
    _, worth = shoot(belief, choices(relative, scale, particles), DUEL, common=False, seed=2)
    return exact.optimum(belief.env) - worth


check_duel = OpenExercise(name="duel", verdict=judge_duel, of_a_function=True, seconds=60)
