"""The ledger: what the paper says about Table 1 and Fig. 2, and what the raw numbers say to it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch

from ..data import collect
from ..envs import IcyRoad
from ..loop import METHODS
from ..mixture import seeded
from ..recipe import Recipe
from ..support import limits, validate
from . import compare, given
from .examples import learn_velocities
from .papers import UNKNOWN, paper_difference
from .table1 import MODELS, optimum

Cell = tuple[str, str]  # (model, method) in Table 1, (distribution, how its samples are counted) in Fig. 2
ALPHA = 1 - compare.LEVEL
TOLERANCE = 1 / 18  # of the road's optimum: less is no help (0.5 points on IcyRoad, 6.25 at the Intersection)
UNREALISTIC = (0.25, 0.9)  # sizes of the next lateral velocity that the icy road all but never makes
TESTS = ("welch", "bootstrap", "permutation", "mann_whitney")
CLAIM = ["road", "source", "claim", "cell"]  # columns that tell one claim of a table from another
DIFFERENCE = ["road", "source", "cell", "other", "tolerance"]  # columns that tell one hypothesis from another


@dataclass(frozen=True)
class Claim:
    """One sentence of the paper about a cell, as its differences to one other cell or to each of several.

    A difference is mean(cell) − mean(other): of returns after the last round in Table 1, of shares of unrealistic next
    states in Fig. 2. The claim holds if all of its differences are `above` the tolerance (in Table 1 a share of the
    road's optimum), or, where the paper says "worse", "does not help" or "downweight", if they are below it. So a
    "does not help" is a claim of non-superiority: that what is gained is less than the tolerance.
    """

    source: str
    quote: str
    cell: Cell
    others: tuple[Cell, ...]
    above: bool
    tolerance: float = 0.0


BEST = "DAM using multimodal dynamics models obtains the best results"
IMPROVES = "our proposed approach improves performance over standard model-based RL"
WORSE = "minvar only is often worse than the baseline"
ALREADY = "with unimodal models, simply having a discriminator for planning already increases performance"
NO_HELP = "adding the minimum variance objective does not help with unimodal models"
HELPS = "but it does help with multimodal models"
SPREADS = "the unimodal model places large probability mass on unrealistic regions of the state space"
DOWNWEIGHTS = "importance weights that downweight the model's samples in the unrealistic regions"
DAM = ("mixture", "dam")
REST = tuple((model, method) for model in MODELS for method in METHODS if (model, method) != DAM)
CLAIMS = (
    Claim("Table 1", BEST, DAM, REST, above=True),
    *(Claim("Table 1", IMPROVES, (model, "dam"), ((model, "baseline"),), above=True) for model in MODELS),
    *(Claim("Table 1", WORSE, (model, "minvar"), ((model, "baseline"),), above=False) for model in MODELS),
    Claim("Table 1", ALREADY, ("Gaussian", "disc"), (("Gaussian", "baseline"),), above=True),
    Claim("Table 1", NO_HELP, ("Gaussian", "dam"), (("Gaussian", "disc"),), above=False, tolerance=TOLERANCE),
    Claim("Table 1", HELPS, DAM, (("mixture", "disc"),), above=True),
)
FIGURE2_CLAIMS = (
    Claim("Fig. 2", SPREADS, ("Gaussian", "sampled"), (("truth", "exact"),), above=True, tolerance=0.1),
    Claim("Fig. 2", DOWNWEIGHTS, ("Gaussian", "weighted"), (("truth", "exact"),), above=False, tolerance=0.1),
)


def ledger(
    returns: pd.DataFrame, masses: pd.DataFrame | None = None, resamples: int = compare.RESAMPLES
) -> pd.DataFrame:
    """Every difference that a claim of the paper is about, a row each, with its tests, intervals and verdict.

    A *table* is one recipe and one kind of `predict`, on all roads, as Table 1 is. Two families of hypotheses are
    corrected by Holm: the differences of one claim on one road (seven for "the best", one for the others), and all
    different differences of the table (twelve on each road that is given: one road alone is a smaller family).

    Parameters
    ----------
    returns : raw returns as from `table1.run_table1`; with a column recipe, each recipe is a table
    masses : as from `unrealistic_mass`, a table of its own under the recipe "own"; None to leave Fig. 2 out
    resamples : how often the bootstrap draws and the permutation test deals

    Returns
    -------
    Table with columns recipe (if `returns` has it), predict, road, source, claim, cell, other, claimed, tolerance, and

    - difference of the means, its 95 % interval by Welch (low, high) and by the bootstrap (boot_low, boot_high);
    - improvement, the probability that a run of the cell is above one of the other, with its interval (improvement_low,
      improvement_high);
    - p_welch, p_bootstrap, p_permutation and p_mann_whitney, two-sided and uncorrected, that the difference is the
      tolerance; p_claim, Welch's corrected for the claim; p_table, Welch's corrected for the table; p_worst, the
      greatest of the four, each corrected for the table; family, how many differences the table has;
    - verdict: "reproduced" if p_claim < 0.05 and the difference is on the claimed side of the tolerance, "not
      reproduced" if it is on the other side, "undecided" if p_claim is not below 0.05; firm, whether all four tests
      say so after correction for the whole table;
    - the paper's difference with its interval (paper_difference, paper_low, paper_high), see `papers.paper_difference`.

    On a road whose optimum is not known, claims with a tolerance are left out.

    Raises
    ------
    ValueError
        If a table lacks a column or holds what is no number, or a cell has fewer than two runs.
    """
    final = given.last_returns(returns)
    if masses is not None:
        given.table("masses", masses, ("of", "counted", "run"), ("mass",))
    validate.integer("resamples", resamples, most=compare.MOST)
    names = ["recipe", "predict"] if "recipe" in final else ["predict"]
    tables = []
    for keys, table in final.groupby(names, sort=True):
        rows = []
        for road, part in table.groupby("road", sort=True):
            runs = {cell: group.to_numpy() for cell, group in part.groupby(["model", "method"])["return"]}
            rows += _rows("returns", CLAIMS, runs, road, resamples)
        tables.append(_judged(pd.DataFrame(rows)).assign(**dict(zip(names, keys, strict=True))))
    if masses is not None:
        by_cell = masses.sort_values("run", kind="stable").groupby(["of", "counted"])["mass"]
        runs = {cell: group.to_numpy(float) for cell, group in by_cell}
        rows = pd.DataFrame(_rows("masses", FIGURE2_CLAIMS, runs, "IcyRoad", resamples))
        tables.append(_judged(rows).assign(**dict(zip(names, ("own", "velocity")[-len(names) :], strict=True))))
    judged = pd.concat(tables, ignore_index=True)
    return judged[[*names, *judged.columns.drop(names)]]


def _rows(
    name: str,
    claims: tuple[Claim, ...],
    runs: Mapping[Cell, np.ndarray],
    road: str,
    resamples: int = compare.RESAMPLES,
) -> Iterator[dict]:
    """The differences of the claims about one road, uncorrected, from the table that was given under a name."""
    seen: dict[tuple, dict] = {}
    for claim in claims:
        share = optimum(road) if claim.source == "Table 1" and claim.tolerance else 1.0
        tolerance = claim.tolerance * share
        if np.isnan(tolerance):
            continue
        for other in claim.others:
            for cell in (claim.cell, other):
                if len(runs.get(cell, ())) < 2:
                    words = f"{' '.join(cell)} on {road}"
                    raise ValueError(f"{name} must hold at least 2 runs of {words}, got {len(runs.get(cell, ()))}")
            key = (claim.cell, other, tolerance)
            if key not in seen:
                seen[key] = _tested(runs[claim.cell], runs[other], tolerance, resamples)
            theirs = paper_difference(road, claim.cell, other) if claim.source == "Table 1" else UNKNOWN
            yield {
                "road": road,
                "source": claim.source,
                "claim": claim.quote,
                "cell": " ".join(claim.cell),
                "other": " ".join(other),
                "claimed": "above" if claim.above else "below",
                "tolerance": tolerance,
                **seen[key],
                **{f"paper_{name}": value for name, value in theirs._asdict().items()},
            }


def _tested(x: np.ndarray, y: np.ndarray, tolerance: float, resamples: int) -> dict:
    """One difference by all tests, each against the tolerance; intervals are of the difference itself."""
    moved = x - tolerance
    welch, ends = compare.welch(moved, y)
    drawn, drawn_ends = compare.bootstrap(moved, y, resamples)
    tests = {
        "welch": welch,
        "bootstrap": drawn,
        "permutation": compare.permutation(moved, y, resamples),
        "mann_whitney": compare.mann_whitney(moved, y),
    }
    likely = compare.improvement_interval(x, y)
    return {
        "difference": x.mean() - y.mean(),
        "low": ends.low + tolerance,
        "high": ends.high + tolerance,
        "boot_low": drawn_ends.low + tolerance,
        "boot_high": drawn_ends.high + tolerance,
        "improvement": compare.improvement(x, y),
        "improvement_low": likely.low,
        "improvement_high": likely.high,
        **{f"p_{name}": test.p for name, test in tests.items()},
        "agree": len({test.above for test in tests.values()}) == 1,
    }


def _judged(rows: pd.DataFrame) -> pd.DataFrame:
    """One table's rows with corrected p-values, verdict and firmness, rounded."""
    p = [f"p_{name}" for name in TESTS]
    different = rows.drop_duplicates(DIFFERENCE)
    corrected = different[DIFFERENCE].join(different[p].apply(compare.holm, raw=True))
    by_table = rows[DIFFERENCE].merge(corrected, on=DIFFERENCE, how="left")[p]
    p_claim = rows.groupby(CLAIM)["p_welch"].transform(lambda family: compare.holm(family.to_numpy()))
    above = rows["difference"] > rows["tolerance"]
    holds, decided = above == (rows["claimed"] == "above"), p_claim < ALPHA
    verdict = np.where(decided, np.where(holds, "reproduced", "not reproduced"), "undecided")
    worst = by_table.max(axis=1)
    judged = rows.drop(columns="agree").assign(
        p_claim=p_claim, p_table=by_table["p_welch"], p_worst=worst, family=len(different)
    )
    chances = [name for name in judged if name.startswith("p_")]
    judged[chances] = judged[chances].map(lambda p: float(f"{p:.3g}"))  # three digits of even the smallest
    digits = {name: 3 for name in judged.select_dtypes("float").columns.difference(chances)}
    judged = judged.round(digits | {"improvement": 5})  # a share of 20 × 20 pairs, to the last of its digits
    return judged.assign(verdict=verdict, firm=decided & (worst < ALPHA) & rows["agree"])


def verdicts(judged: pd.DataFrame) -> pd.DataFrame:
    """The ledger with a row for each claim, road, recipe and kind of `predict`.

    A claim about several differences is reproduced if all of them are, not reproduced if one of them is not, else
    undecided; firm if all that it takes are. Column differences: how many it is about.
    """
    given.table("judged", judged, others=(*CLAIM, "other", "verdict"), flags=("firm",))
    names = [name for name in ("recipe", "predict") if name in judged]
    rows = []
    for keys, part in judged.groupby([*names, *CLAIM], sort=False):
        against = part["verdict"] == "not reproduced"
        if against.any():
            verdict, firm = "not reproduced", bool(part["firm"][against].any())
        elif (part["verdict"] == "reproduced").all():
            verdict, firm = "reproduced", bool(part["firm"].all())
        else:
            verdict, firm = "undecided", False
        named = dict(zip([*names, *CLAIM], keys, strict=True))
        rows.append({**named, "differences": len(part), "verdict": verdict, "firm": firm})
    return pd.DataFrame(rows)


def counts(judged: pd.DataFrame) -> pd.DataFrame:
    """How often each sentence comes out how, over the roads and the models that it is about ("often", "both").

    Returns
    -------
    Table with columns recipe (if the ledger has it), predict, source, claim, of (in how many places the paper says it),
    and the numbers of places where it is reproduced, undecided, not reproduced, reproduced_firmly and
    not_reproduced_firmly.
    """
    by_claim = verdicts(judged)
    names = [name for name in ("recipe", "predict", "source", "claim") if name in by_claim]
    kinds = {}
    for word in ("reproduced", "undecided", "not reproduced"):
        kinds[word] = by_claim["verdict"] == word
    for word in ("reproduced", "not reproduced"):
        kinds[f"{word.replace(' ', '_')}_firmly"] = kinds[word] & by_claim["firm"]
    counted = by_claim[names].assign(of=1, **kinds)
    return counted.groupby(names, sort=False).sum().reset_index()


def unrealistic_mass(runs: int = 20, seed: int = 0, samples: int = 2000) -> pd.DataFrame:
    """How likely a next lateral velocity between staying and swerving is, at the state and action of Fig. 2 (right).

    Each run fits a Gaussian and its discriminator to 400 random episodes of its own.

    Returns
    -------
    Table with columns of, counted, run and mass: of the truth (exact), of the Gaussian's samples, and of its samples
    weighted by exp(logit) (Eq. 8), their weights normalised.
    """
    count = validate.integer("runs", runs) * validate.integer("samples", samples, most=10**6) * max(Recipe.hidden)
    size = f"{runs:,} × {samples:,} × {max(Recipe.hidden)}"
    limits.at_most(limits.ACTIVATIONS, "numbers in a layer", "runs × samples", count, "ask for fewer", size)
    env, generator = IcyRoad(), seeded(validate.integer("seed", seed, least=0))
    data = collect(env, episodes=400, runs=runs, generator=generator)
    learned = learn_velocities(env, data, 1, generator)
    state, action = torch.tensor([2.0, 0.0, 2.0, 0.0]).expand(runs, samples, 4), torch.full((runs, samples), 2)
    with torch.no_grad():
        next_state = learned.model.transition(state, action).sample(generator=generator)
        weights = learned.disc.log_ratio(state, action, next_state).softmax(-1)
    least, most = UNREALISTIC
    size = next_state[..., 3].abs()
    there = ((size > least) & (size < most)).float()
    p = env.transition(state[0, 0], action[0, 0]).marginal(3)
    edges = p.cdf(torch.tensor([-most, -least, least, most]))
    exact = (edges[1] - edges[0] + edges[3] - edges[2]).expand(runs)
    masses = {
        ("truth", "exact"): exact,
        ("Gaussian", "sampled"): there.mean(-1),
        ("Gaussian", "weighted"): (weights * there).sum(-1),
    }
    parts = [
        pd.DataFrame({"of": of, "counted": counted, "run": range(runs), "mass": mass.double().numpy().round(5)})
        for (of, counted), mass in masses.items()
    ]
    return pd.concat(parts, ignore_index=True)
