"""Lesson 08: what a planner's choices buy where everything is known; three plans, a spread, two duels and a referee."""

import math
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import cache, lru_cache

import pandas as pd
import torch
from matplotlib.collections import LineCollection
from torch import Tensor

from .. import figures
from ..data import collect
from ..envs import Environment, Intersection
from ..mixture import seeded
from ..planning import Belief, Planner, policy
from ..recipe import paper_recipe
from ..results import command_map, imagined, outcomes, table1
from ..results import map as maps
from .careful import shortened
from .exercise import Exercise, OpenExercise
from .panel import Panel, dropdown
from .shared import trajectories

CANDIDATES = 100  # of all that the panel shows
TRIES = 200  # decisions at the fork's approach
OPTIMISM = {  # q's probability of a fork, as its place in `map.PROPOSALS`
    "the truth": (0, 0),
    "a little optimistic": (1, 1),
    "optimistic": (2, 3),
    "very optimistic": (3, 4),
}


def one_particle(probability: float) -> pd.DataFrame:
    """What one imagined trajectory can say of three plans at the Intersection's fork: see `map.plans_at_the_fork`.

    Weights are exact, with the shift; of the road's own probability they are all one.

    Returns
    -------
    Table with a row for each plan, and the columns "left" and "right": its estimate if the imagined car turns there.
    """
    env = Intersection()
    offset = outcomes.finite_road(env).least_reward()
    q = maps.belief(env, imagined.Proposal(probability, True, offset))
    planner = paper_recipe(env).planner
    plans = maps.plans_at_the_fork(env, planner.horizon)
    state, _ = maps.approach(q.road)
    law = outcomes.outcomes(q, planner, torch.tensor([state]), torch.stack([*plans.values()]))
    return pd.DataFrame(law.estimates.numpy(), index=[*plans], columns=["left", "right"])


@cache
def stored() -> pd.DataFrame:
    """The map with `CANDIDATES` candidates, by road, probability, weights, numbers and particles."""
    table = command_map.load("map")
    table = table[table["candidates"] == CANDIDATES]
    return table.set_index(["road", "probability", "weights", "numbers", "particles"]).sort_index()


@lru_cache(maxsize=64)
def decisions(road: str, proposal: imagined.Proposal, numbers: str, particles: int) -> outcomes.Choice:
    """`TRIES` plans made at the fork's approach of a road without noise."""
    env = table1.ROADS[road]
    how = {"candidates": CANDIDATES, "particles": particles, "common_random_numbers": maps.NUMBERS[numbers]}
    planner = replace(paper_recipe(env).planner, **how)
    q = maps.belief(env, proposal)
    state, step = maps.approach(q.road)
    steps = min(planner.horizon, env.horizon - step)
    return outcomes.choose(q, planner, torch.full((TRIES,), state), steps, seeded(0))


def proposal_named(road: str, optimism: str, weights: str) -> tuple[imagined.Proposal, str]:
    """A proposal, and the weights that the map has of it: the truth needs none."""
    env = table1.ROADS[road]
    q = maps.PROPOSALS[road][OPTIMISM[optimism][road == "Intersection"]]
    weights = "none" if q == outcomes.probability(env) else weights
    offset = outcomes.finite_road(env).least_reward() if weights == "exact + shift" else 0.0
    return imagined.Proposal(q, weights != "none", offset), weights


def buy() -> Panel:
    """Return, promise, worth and P(best) for what may be bought: another proposal, weights, particles, numbers."""
    fig, axes = figures.figure(2, width=11, height=4.2)
    returns, choice = axes[0]
    with figures.style():
        kinds = {"truth": (figures.TRUTH, "o-", "the truth"), "mine": (figures.MODEL, "s--", "your choice")}
        lines = {kind: returns.plot([], [], mark, color=c, label=label)[0] for kind, (c, mark, label) in kinds.items()}
        errors = {kind: returns.add_collection(LineCollection([], color=c)) for kind, (c, *_) in kinds.items()}
        (here,) = returns.plot([], [], "o", ms=16, mfc="none", mec="black", label="these particles")
        returns.set(
            xscale="log", xlabel="particles", ylabel="return (% of the optimum)", ylim=(-5, 105), xlim=(0.8, 62)
        )
        returns.set_xticks(maps.PARTICLES, maps.PARTICLES)
        returns.minorticks_off()
        returns.legend(loc="lower right", ncols=3, fontsize=9)
        bars = choice.bar([0, 1, 2], [0, 0, 0], color=[figures.MODEL, figures.TRUTH, figures.GREY], width=0.6)
        labels = [choice.text(i, 0, "", ha="center", va="bottom") for i in range(3)]
        choice.set_xticks([0, 1, 2], ["promise of\nthe chosen", "worth of\nthe chosen", "worth of\nthe best"])
        choice.set(ylim=(-60, 540), ylabel="mean (% of the best)")

    def settle(road: str, optimism: str, weights: str, numbers: str, particles: int) -> None:
        proposal, weights = proposal_named(road, optimism, weights)
        best, table = table1.optimum(road) / 100, stored().loc[road]
        truth = outcomes.probability(table1.ROADS[road])
        for kind, cell in {"truth": (truth, "none"), "mine": (proposal.probability, weights)}.items():
            rows = table.loc[(*cell, numbers)].sort_index() / best
            lines[kind].set_data(rows.index, rows["return"])
            ends = zip(rows.index, rows["return"] - rows["stderr"], rows["return"] + rows["stderr"], strict=True)
            errors[kind].set_segments([[(p, low), (p, high)] for p, low, high in ends])
        row = table.loc[(proposal.probability, weights, numbers, particles)]
        here.set_data([particles], [row["return"] / best])
        returns.set_title(f"q({proposal.probability:g}): return {row['return']:.1f} ± {row['stderr']:.1f}")
        made = decisions(road, proposal, numbers, particles)
        means = [x.mean().item() for x in (made.promise, made.worth, made.best)]
        for bar, label, mean in zip(bars, labels, means, strict=True):
            bar.set_height(100 * mean / means[-1])
            label.set(y=max(100 * mean / means[-1], 0) + 8, text=f"{mean:.1f}")
        share = (made.worth >= made.best - 1e-6).double().mean().item()
        choice.set_title(f"one decision before the fork: P(best chosen) {share:.2f}")

    controls = {
        "road": dropdown("road", [*table1.ROADS], "Intersection"),
        "optimism": dropdown("the planner believes in", [*OPTIMISM], "very optimistic"),
        "weights": dropdown("weights", [*maps.WEIGHTS], "exact + shift"),
        "numbers": dropdown("random numbers", [*maps.NUMBERS], "own"),
        "particles": dropdown("particles", [*maps.PARTICLES], 1),
    }
    description = (
        "Left: stored mean return against particles, for the truth and for your choice, with standard errors; right: "
        f"what {TRIES} decisions before the fork promise and what they are worth."
    )
    return Panel(fig, lambda: None, controls, description, settle)


_q = torch.linspace(0.05, 0.95, 19)
check_spread = Exercise(
    "spread",
    (_q, 0.3, 12.0, 40.0),
    lambda q, p, left, right: (q * (1 - q)).sqrt() * (p / q * left - (1 - p) / (1 - q) * right).abs(),
    "zero where q equals q*, and without bound towards both ends.",
    "Two outcomes with probabilities q and 1 − q: E[x²] − E[x]², then the square root.",
    {
        "this is the variance. Take its square root.": lambda q, p, left, right: (
            q * (1 - q) * (p / q * left - (1 - p) / (1 - q) * right) ** 2
        ),
        "this leaves the weights out: it is the spread of unweighted draws from q.": lambda q, p, left, right: (
            (q * (1 - q)).sqrt() * abs(left - right)
        ),
        "this takes means under p. The draws come from q, so means are under q.": lambda q, p, left, right: (
            math.sqrt(p * (1 - p)) * (p / q * left - (1 - p) / (1 - q) * right).abs()
        ),
        "the weights are upside down: they are p/q.": lambda q, p, left, right: (
            (q * (1 - q)).sqrt() * (q / p * left - (1 - q) / (1 - p) * right).abs()
        ),
        "this is the root of E[(wR)²]: subtract the squared mean first.": lambda q, p, left, right: (
            (p * left) ** 2 / q + ((1 - p) * right) ** 2 / (1 - q)
        ).sqrt(),
    },
)

LEADS = (1, 50)  # particles with which the duel is asked for


def judge_lead(lead: Callable[[int], tuple[float, float]]) -> str:
    """Does a function of the particles return the truth's lead over q(0.2) on ice with ten candidates, and its error?

    Its answers are held against the stored map, within five standard errors.

    The verdict on a duel.
    """
    found = [lead(particles) for particles in LEADS]
    try:
        pairs = torch.tensor([[float(number) for number in pair] for pair in found])
    except (TypeError, ValueError):  # no pairs, or not of numbers
        pairs = torch.empty(0)
    if pairs.shape != (len(LEADS), 2) or not pairs.isfinite().all():
        return f"expected a lead and its standard error for each number of particles, got {shortened(found)}."
    for particles, (mean, error) in zip(LEADS, pairs.tolist(), strict=True):
        known, sure = known_lead(particles)
        if not 0 < error < 2:
            return (
                f"with {particles} particles a standard error of {error:.2f}? It is √(s₁² + s₂²) of the means' errors."
            )
        if abs(mean + known) < 5 * math.hypot(error, sure) < abs(mean - known):
            return "the sign is turned round: the truth's mean minus that of q(0.2)."
        if abs(mean - known) > 5 * math.hypot(error, sure):
            told = f"with {particles} particles the lead should be near {known:.1f}, got {mean:.1f}"
            return f"{told}. Did you drive with ten candidates, a horizon of 5, and own numbers?"
    first, last = (f"{mean:+.1f} ± {error:.1f}" for mean, error in pairs.tolist())
    told = f"right, {first} with one particle and {last} with {LEADS[-1]}"
    if mean > 2 * error:  # of the last one
        return f"{told}: the order turns round with ten plans, too."
    return f"{told}. That error is too large to say who leads; the map has {known:+.1f} ± {sure:.1f}: it turns round."


check_lead = OpenExercise(name="lead", verdict=judge_lead, of_a_function=True, seconds=300)


def known_lead(particles: int) -> tuple[float, float]:
    """The stored lead of the truth over q(0.2) on ice with ten candidates and own numbers, and its standard error."""
    table = command_map.load("map").query("road == 'IcyRoad' and candidates == 10 and numbers == 'own'")
    table = table[table["particles"] == particles].set_index(["probability", "weights"])
    truth, wrong = table.loc[(0.9, "none")], table.loc[(0.2, "exact + shift")]
    return truth["return"] - wrong["return"], math.hypot(truth["stderr"], wrong["stderr"])


BUDGET, GOOD, EPISODES = 600, 90.0, 10  # imagined trajectories a decision; a mean return; episodes a side


def judge_repaired(planner: Planner) -> str:
    """Does a planner that knows the Intersection drive well, with at most `BUDGET` imagined trajectories a decision?

    The verdict on a planner: its fields, then its drives.
    """
    if not isinstance(planner, Planner):
        return f"expected a planner such as dl.RandomShooting(...), got {shortened(planner)}."
    env = Intersection()
    if (spent := trajectories(planner, env)) > BUDGET:
        return f"this imagines {spent} trajectories a decision, more than {BUDGET}."
    mean = drive_both_sides(env, policy(planner, Belief(env)), EPISODES).mean().item()
    if mean > GOOD:
        return f"right, {mean:.1f} points from {spent} trajectories a decision, with no weight and no q but the truth."
    if not planner.common_random_numbers:
        return (
            f"{mean:.1f} points. Each sequence has its own numbers, so the luckiest wins. That costs nothing to change."
        )
    if planner.horizon <= 12:
        return f"{mean:.1f} points. A crash costs 10 in every step after it; how many of these does the planner see?"
    return f"{mean:.1f} points, and {GOOD:.0f} are asked. Common, stratified numbers, more particles, a longer horizon."


check_repaired = OpenExercise(name="repaired", verdict=judge_repaired, seconds=300)


def drive_both_sides(env: Environment, act: Callable, episodes: int) -> Tensor:
    """Returns (sides, E) of a policy, as many episodes on each of a road's sides."""
    g = seeded(0)
    return torch.stack([collect(side, act, episodes=episodes, generator=g).returns for side in env.sides()])


CLAIMS = {  # whether the map refutes it, and what of the map decides
    "A": (True, "With one own trajectory q(0.1) is far ahead of the truth at the Intersection, and q(0.2) on IcyRoad."),
    "B": (True, "The mean spread is larger under q(0.1) than under the truth, and larger than under q(0.23)."),
    "C": (True, "With own numbers the truth is far behind q(0.1) at the Intersection with 20 and with 50 particles."),
    "D": (
        False,
        "Without weights no optimistic q is ahead of the truth by more than two of its errors; the map agrees.",
    ),
    "E": (False, "Nothing is learned in the map, so it can neither support nor refute this."),
}


def judge_refuted(letters: Iterable[str]) -> str:
    """Which of the claims A to E does the map refute?

    The verdict on a choice of claims: the first letter that is wrong, and why.
    """
    given = letters
    letters = letters.replace(",", "").replace(" ", "") if isinstance(letters, str) else letters
    if not isinstance(letters, str | set | list | tuple) or not set(letters) <= set(CLAIMS):
        return f"expected some of the letters {', '.join(CLAIMS)}, got {shortened(given)}."
    for letter, (refuted, why) in CLAIMS.items():
        if refuted != (letter in letters):
            return f"look again at {letter}. {why}"
    return "right, two claims hold only in one regime, one names a wrong reason, and one is about something else."


check_refuted = OpenExercise(name="refuted", verdict=judge_refuted)
