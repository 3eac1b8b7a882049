"""The map of who wins where, without learning: q is the road with another probability of its forks, p/q is exact.

Returns are driven on the roads as they are. What explains them is exact, and of one state of the road without noise:
the fork's approach, see `approach`.
"""

import math
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import product

import pandas as pd
import torch
from torch import Tensor

from ..data import collect
from ..envs import Environment
from ..mixture import seeded
from ..planning import Planner, RandomShooting, every_sequence
from ..recipe import paper_recipe
from ..support import limits, validate
from ..support.threads import one_thread
from . import given, imagined, table1, workers
from .outcomes import (
    FiniteBelief,
    FiniteRoad,
    choose,
    draw_strings,
    finite_road,
    outcomes,
    probability,
    quiet,
    with_probability,
)
from .table1 import ROADS, RecipeFor

WEIGHTS = ("none", "exact", "exact + shift")
NUMBERS = {"own": False, "common": True}  # each sequence's own random numbers, or the same for all
PARTICLES, CANDIDATES = (1, 2, 5, 10, 20, 50), (10, 30, 100, 300)
PROPOSALS = {"IcyRoad": (0.9, 0.6, 0.4, 0.2), "Intersection": (0.5, 0.4, 0.3, 0.23, 0.1)}  # q's, the truth first
BETWEEN = {
    "IcyRoad": (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9),
    "Intersection": (0.02, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5),
}
TRIES = 400  # plans made at the fork's approach, for what explains a cell
CELL = ["road", "probability", "weights", "numbers", "particles", "candidates"]
EXPLAINED = ["spread", "spread_theory", "p_best", "promise_minus_worth"]
COLUMNS = [*CELL, "return", "stderr", "episodes", *EXPLAINED]


@dataclass(frozen=True)
class Cell:
    """One cell of the map; the fields are those of its table."""

    road: str
    probability: float
    weights: str
    numbers: str
    particles: int
    candidates: int

    def seed(self, seed: int) -> int:
        """A seed of its own, the same in whatever map the cell is."""
        return zlib.crc32(repr((seed, *vars(self).values())).encode())


def run_map(
    roads: Mapping[str, Environment] = ROADS,
    recipe: RecipeFor = paper_recipe,
    *,
    proposals: Mapping[str, tuple[float, ...]] = PROPOSALS,
    particles: tuple[int, ...] = PARTICLES,
    candidates: tuple[int, ...] = CANDIDATES,
    episodes: int = 200,
    **how: int,
) -> pd.DataFrame:
    """Drive every cell: q × weights × random numbers × particles × candidates.

    Parameters
    ----------
    roads : the environments by name
    recipe : for its planner, which must be random shooting; only particles, candidates and numbers are changed
    proposals : each road's probabilities of its forks under q
    particles, candidates : P and K of the planner
    episodes : of each cell, equally many on each of a road's sides
    how : `jobs`, processes (default 1), and `seed` (default 0)

    Returns
    -------
    Table with `COLUMNS`: a cell, its mean return, standard error and number of episodes; and of the fork's approach,
    without noise, the mean over plans of the standard deviation of an estimate, what √(J²·χ²(q*‖q)/P) says of the
    trajectory estimator (where p/q is exact), the probability that the best of the proposed sequences is chosen, and
    the mean of the chosen one's estimate minus its worth. The truth needs no weights, and has rows for "none" only.

    Raises ValueError before any work if a number does not fit or a planner is another.
    """
    _check(roads, proposals, particles=particles, candidates=candidates)
    cells = [
        Cell(road, q, weights, numbers, p, k)
        for road in roads
        for q, weights in product(proposals[road], WEIGHTS)
        if q != probability(roads[road]) or weights == "none"
        for numbers, p, k in product(NUMBERS, particles, candidates)
    ]
    return _run(cells, roads, recipe, episodes, **how)


def between(
    roads: Mapping[str, Environment] = ROADS,
    recipe: RecipeFor = paper_recipe,
    *,
    proposals: Mapping[str, tuple[float, ...]] = BETWEEN,
    particles: tuple[int, ...] = PARTICLES,
    candidates: int = 100,
    episodes: int = 200,
    **how: int,
) -> pd.DataFrame:
    """As `run_map`, on a finer grid of q's between q* and p: own numbers, exact weights and shift."""
    _check(roads, proposals, particles=particles)
    validate.integer("candidates", candidates)
    cells = [
        Cell(road, q, "exact + shift", "own", p, candidates)
        for road in roads
        for q, p in product(proposals[road], particles)
    ]
    return _run(cells, roads, recipe, episodes, **how)


def _check(roads: object, proposals: object, **numbers: object) -> None:
    """Raise ValueError if a map cannot be of these roads, q's and numbers."""
    for env in given.roads(roads).values():
        approach(finite_road(env))
    if not isinstance(proposals, Mapping) or not set(roads) <= set(proposals):
        roads = ", ".join(roads)
        raise ValueError(f"proposals must be a dict of probabilities by road, for {roads}, got {proposals!r}")
    for name in roads:
        _probabilities(f"proposals[{name!r}]", proposals[name])
    for name, value in numbers.items():
        validate.integers(name, value, only_tuples=True)


def _probabilities(name: str, value: object) -> None:
    if not isinstance(value, tuple | list) or not value:
        raise ValueError(f"{name} must be a tuple of probabilities, got {validate.shown(value)}")
    for one in value:
        validate.number(name, one, 0, 1)


def _run(
    cells: list[Cell],
    roads: Mapping[str, Environment],
    recipe: RecipeFor,
    episodes: int,
    *,
    jobs: int = 1,
    seed: int = 0,
) -> pd.DataFrame:
    validate.integer("episodes", episodes, least=4)
    validate.integer("jobs", jobs)
    validate.integer("seed", seed, least=0)
    planners = {road: one.planner for road, one in table1.recipes(roads, recipe).items()}
    for planner in planners.values():
        validate.instance("recipe's planner", planner, RandomShooting)
    chosen = {
        cell: replace(
            planners[cell.road],
            particles=cell.particles,
            candidates=cell.candidates,
            common_random_numbers=NUMBERS[cell.numbers],
        )
        for cell in cells
    }
    calls = ((cell, roads[cell.road], planner, episodes, cell.seed(seed)) for cell, planner in chosen.items())
    rows = workers.share(_row, calls, jobs, in_order=True)
    return pd.DataFrame(rows, columns=COLUMNS)


@one_thread()
def _row(cell: Cell, env: Environment, planner: RandomShooting, episodes: int, seed: int) -> tuple:
    weighted = cell.weights != "none"
    offset = finite_road(env).least_reward() if cell.weights == "exact + shift" else 0.0
    proposal = imagined.Proposal(cell.probability, weighted, offset)
    mean, stderr, driven = drive(env, proposal, planner, episodes, seed)
    explained = explain(env, proposal, planner, seed)
    numbers = (mean, stderr, *(explained[name] for name in EXPLAINED))
    mean, stderr, *rest = (round(x, 4) for x in numbers)
    return (*vars(cell).values(), mean, stderr, driven, *rest)


def drive(
    env: Environment, proposal: imagined.Proposal, planner: Planner, episodes: int, seed: int
) -> tuple[float, float, int]:
    """Mean return, its standard error, and how many episodes: as many on each of the road's sides."""
    sides, generator = env.sides(), seeded(seed)
    share = math.ceil(episodes / len(sides))
    act = imagined.policy(env, proposal, planner)
    returns = [collect(side, act, episodes=share, generator=generator).returns for side in sides]
    by_side = torch.stack(returns).double()
    stderr = (by_side.var(-1) / share).sum().sqrt() / len(sides)
    return by_side.mean().item(), stderr.item(), share * len(sides)


def approach(road: FiniteRoad) -> tuple[int, int]:
    """The fork's approach, a state's number and its step from 0: cruising, the last but two before a fork can be.

    Raises ValueError if cruising never comes so near to one.
    """
    state = 0
    for step in range(road.env.horizon):
        if road.ahead[:3, state].any():
            return state, step
        state = int(road.following[state, 1, 0])
    raise ValueError(f"env must have a fork that cruising comes within 3 steps of, got {validate.shown(road.env)}")


def belief(env: Environment, proposal: imagined.Proposal) -> FiniteBelief:
    """The proposal on the road without noise."""
    road = finite_road(env)
    law = road.law(with_probability(quiet(env), proposal.probability))
    return FiniteBelief(road, law, proposal.weighted, proposal.offset)


def explain(env: Environment, proposal: imagined.Proposal, planner: Planner, seed: int) -> dict[str, float]:
    """What explains a cell, at the fork's approach without noise: see `run_map`."""
    q = belief(env, proposal)
    state, step = approach(q.road)
    steps = min(planner.horizon, env.horizon - step)
    plans = torch.randint(env.n_actions, (2000, steps), generator=seeded(0))  # the same for every cell
    law = outcomes(q, planner, torch.tensor([state]), plans)
    theory = math.nan
    if proposal.weighted or proposal.probability == probability(env):
        shift = steps * proposal.offset
        theory = (law.least_variance(shift) / planner.particles).sqrt().mean().item()
    made = choose(q, planner, torch.full((TRIES,), state), steps, seeded(seed))
    return {
        "spread": (law.variance / planner.particles).sqrt().mean().item(),
        "spread_theory": theory,
        "p_best": (made.worth >= made.best - 1e-6).double().mean().item(),
        "promise_minus_worth": (made.promise - made.worth).mean().item(),
    }


KINDS = ("safe", "best risky", "luckiest")  # of plans at the fork's approach


def plans_at_the_fork(env: Environment, horizon: int = 10) -> dict[str, Tensor]:
    """Three plans (H,) at the fork's approach, by kind.

    "safe" is worth most of those whose return is certain, "best risky" of the others; "luckiest" has the greatest
    return that anything can have.

    Raises ValueError if the road has no fork, or all plans of so many steps are certain, or none is.
    """
    road = finite_road(validate.environment("env", env))
    validate.integer("horizon", horizon)
    state, step = approach(road)
    every = every_sequence(env.n_actions, min(horizon, env.horizon - step))
    law = outcomes(FiniteBelief(road, road.law()), RandomShooting(), torch.tensor([state]), every)
    risky = law.returns.amax(-1) - law.returns.amin(-1) > 1e-6
    if risky.all() or not risky.any():
        which = "all are" if risky.any() else "none is"
        raise ValueError(f"horizon must leave plans that are risky and plans that are not, got {horizon}: {which}")
    never = -torch.inf
    return {
        "safe": every[law.worth.masked_fill(risky, never).argmax()],
        "best risky": every[law.worth.masked_fill(~risky, never).argmax()],
        "luckiest": every[law.returns.amax(-1).argmax()],
    }


def luck(
    env: Environment,
    proposals: tuple[float, ...],
    particles: tuple[int, ...] = (1, 20),
    *,
    planner: Planner | None = None,
    best_of: int = 100,
    draws: int = 100_000,
) -> pd.DataFrame:
    """Which plans can look better than they are: the law of the estimates of three plans at the fork's approach.

    Parameters
    ----------
    env : the road
    proposals : q's probabilities of a fork; where it is not the road's own, weights are exact, with the shift
    particles : P, own numbers
    planner : for its choices as an estimator and its horizon, by default that of `paper_recipe`
    best_of : of how many such estimates the best is taken
    draws : for both quantiles; mean and spread are exact

    Returns
    -------
    Table with columns probability, particles, plan, actions, worth (J), mean and spread of the estimate, its 95 %
    quantile, and the median of the best of so many (heavy tails leave its mean to a few draws).
    """
    validate.environment("env", env)
    _probabilities("proposals", proposals)
    validate.integers("particles", particles, only_tuples=True)
    validate.integer("best_of", best_of)
    validate.integer("draws", draws, most=10**7)
    size, way_out = f"{draws:,} × {max(particles):,} particles", "ask for fewer draws or particles"
    limits.at_most(limits.OUTCOMES, "strings of outcomes", "draws", draws * max(particles), way_out, size)
    planner = paper_recipe(env).planner if planner is None else validate.instance("planner", planner, Planner)
    plans = plans_at_the_fork(env, planner.horizon)
    road, rows = finite_road(env), []
    state, _ = approach(road)
    for q, p, (kind, plan) in product(proposals, particles, plans.items()):
        weighted = q != probability(env)
        known = belief(env, imagined.Proposal(q, weighted, road.least_reward() if weighted else 0.0))
        how = replace(planner, particles=p, common_random_numbers=False)
        law = outcomes(known, how, torch.tensor([state]), plan[None])
        forks = round(math.log(len(law.proposal), len(known.proposal)))
        string = draw_strings(how, known.proposal, forks, (draws,), seeded(0))
        estimates = law.estimates[0].take(string).mean(-1).sort().values
        spread = (law.variance / p).sqrt().item()
        quantile, best = (estimates[int(share * draws)].item() for share in (0.95, 0.5 ** (1 / best_of)))
        word = "".join("-0+"[a] for a in plan.tolist())
        rows.append((q, p, kind, word, law.worth.item(), law.mean.item(), spread, quantile, best))
    names = ["probability", "particles", "plan", "actions", "worth", "mean", "spread", "quantile", "best"]
    return pd.DataFrame(rows, columns=names)


def luck_by_road(roads: Mapping[str, Environment] = ROADS) -> pd.DataFrame:
    """`luck` of each road's truth and of its most optimistic q, the best of as many estimates as there are candidates.

    Its columns behind `road`, and last `best_of`.
    """
    tables = []
    for road, env in roads.items():
        candidates = paper_recipe(env).planner.candidates
        table = luck(env, (PROPOSALS[road][0], PROPOSALS[road][-1]), best_of=candidates)
        table.insert(0, "road", road)
        tables.append(table.assign(best_of=candidates))
    return pd.concat(tables, ignore_index=True).round(4)


def best_probability(table: pd.DataFrame) -> pd.DataFrame:
    """Where the best q is for every road and P, from `between`.

    Columns road, particles, best (q's probability of the greatest mean return), least and most (of all whose mean is
    within two standard errors of the difference): the greatest of noisy means alone says little.
    """
    given.table("table", table, numbers=("probability", "particles", "return", "stderr"), others=("road",))
    rows = []
    for (road, particles), part in table.groupby(["road", "particles"], sort=False):
        first = part.loc[part["return"].idxmax()]
        error = (part["stderr"] ** 2 + first["stderr"] ** 2) ** 0.5
        close = part.loc[first["return"] - part["return"] <= 2 * error, "probability"]
        rows.append((road, particles, first["probability"], close.min(), close.max()))
    return pd.DataFrame(rows, columns=["road", "particles", "best", "least", "most"])
