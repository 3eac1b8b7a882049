"""The ladder of ratios: what a planner earns by fixed return-weighted models, from no weights to an oracle's.

Models are fitted once, and a planner with one own particle drives by them. From rung to rung only the ratio changes
that particles are weighted with, or which part of the model is put right. Beside the returns stands where a learned
ratio errs: at the fork, where luck is decided, or on the steps before and after it.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from functools import partial
from pathlib import Path

import pandas as pd
import torch
from torch import Tensor

from .. import exact
from ..data import Episodes, collect
from ..diagnostics import effective_sample_size
from ..discriminator import Discriminator
from ..envs import Environment
from ..estimate import Dynamics, LogRatio
from ..fitting import Fit, fit_discriminator, fit_model
from ..loop import evaluate
from ..mixture import seeded
from ..models import DynamicsModel
from ..networks import Network
from ..planning import Belief, Planner, policy
from ..recipe import Recipe, our_recipe, paper_recipe
from ..support import validate
from ..support.threads import one_thread
from . import given, workers
from .forks import OnlyLuck, Patched, RoadWithOddsOf, coarse_log_ratio, fork, only_at_the_fork
from .kept import MODELS
from .table1 import PREDICTS, ROADS

ESTIMATORS = ("per_decision", "trajectory")
NETWORKS = {"our": our_recipe, "paper": paper_recipe}  # whose networks and trainings
EPISODES = {"IcyRoad": 400, "Intersection": 600}  # random ones that the models are fitted to
DRIVEN = {"IcyRoad": 100, "Intersection": 20}  # evaluation episodes of each run
SEED = 1000
MORE = 10  # times the models' data
FRESH, PLANS = 100, 20  # episodes that errors are measured on, and plans of each run whose weights are looked at
NAMES = {-1: "right", 0: "none", 1: "left"}  # of a fork's outcomes
COLUMNS = ["road", "networks", "predict", "rung", "estimator", "quantity", "step", "run", "value"]
RATIOS = ("none", "exact", "coarse", "coarse throughout", "learned", "learned at the fork", "learned elsewhere")
DYNAMICS = ("model", "road at the fork", "road elsewhere", "road")


@dataclass(frozen=True, kw_only=True)
class Rung:
    """What particles are imagined through, and what they are weighted with.

    Attributes
    ----------
    ratio : "none"; "exact", p/q of a velocity model; "coarse", the fork's odds alone, or "coarse throughout", see
        `coarse_log_ratio`; "learned", a classifier's; "learned at the fork", 1 elsewhere; or "learned elsewhere",
        coarse at the fork
    dynamics : "model"; "road at the fork", with the model's odds, and the model elsewhere; "road elsewhere", and the
        model at the fork; or "road", with the model's odds
    times : the classifier is fitted to so many times the model's data
    instance_noise : of its fit; None for the recipe's
    only_luck : show the classifier what luck shows on, instead of everything
    clip : of the planner
    """

    ratio: str = "learned"
    dynamics: str = "model"
    times: int = 1
    instance_noise: float | None = None
    only_luck: bool = False
    clip: float | None = None

    def __post_init__(self) -> None:
        validate.choice("ratio", self.ratio, RATIOS)
        validate.choice("dynamics", self.dynamics, DYNAMICS)
        validate.integer("times", self.times)

    @property
    def name(self) -> str:
        """What the tables call it."""
        words = [self.ratio if self.dynamics == "model" else f"{self.dynamics}, {self.ratio}"]
        words += [f"{self.times}× data"] if self.times > 1 else []
        words += [f"noise {self.instance_noise:g}"] if self.instance_noise is not None else []
        words += ["only luck"] if self.only_luck else []
        words += [f"clip {self.clip:g}"] if self.clip is not None else []
        return ", ".join(words)


RUNGS = (
    Rung(ratio="none"),
    *(Rung(instance_noise=noise) for noise in (0.0, 0.03, 0.1, 0.2, 0.5)),
    *(Rung(clip=clip) for clip in (2.0, 5.0)),
    Rung(times=MORE),
    Rung(times=MORE, clip=2.0),
    Rung(only_luck=True),
    Rung(only_luck=True, times=MORE),
    Rung(ratio="learned at the fork"),
    Rung(ratio="learned elsewhere"),
    Rung(ratio="coarse"),
    Rung(ratio="coarse throughout"),
    Rung(ratio="exact"),
    Rung(ratio="exact", clip=2.0),
    Rung(ratio="coarse", dynamics="road at the fork"),
    Rung(ratio="coarse", dynamics="road elsewhere"),
    Rung(ratio="none", dynamics="road"),
    Rung(ratio="coarse", dynamics="road"),
)


@dataclass(frozen=True, kw_only=True)
class Size:
    """How much a ladder takes.

    Attributes
    ----------
    runs : R data sets, models and classifiers
    random_episodes : that models are fitted to, by road
    driven : evaluation episodes of each run, by road
    particles : imagined for each plan whose weights are looked at
    rungs : which of them
    changes : of the recipes, see `Recipe.but`
    """

    runs: int = 10
    random_episodes: Mapping[str, int] = field(default_factory=EPISODES.copy)
    driven: Mapping[str, int] = field(default_factory=DRIVEN.copy)
    particles: int = 100
    rungs: tuple[Rung, ...] = RUNGS
    changes: Mapping[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        validate.integer("runs", self.runs)


def run(
    jobs: int = 2,
    roads: Mapping[str, Environment] = ROADS,
    networks: Iterable[str] = ("paper",),
    predicts: Iterable[str] = PREDICTS,
    size: Size | None = None,
) -> Iterator[pd.DataFrame]:
    """Climb the ladder on each road, for each recipe's networks and each kind of prediction.

    Parameters
    ----------
    jobs : processes
    roads : the environments by name
    networks : of whose recipe networks and fits are, names of `NETWORKS`; the planner is that of `paper_recipe`
    predicts : what the models predict
    size : how much it takes

    Yields
    ------
    The table of one road, recipe and prediction as it ends: columns road, networks, predict, rung, estimator,
    quantity, step, run and value. Quantities: "return", by estimator; "error left", "error right" and "error none",
    mean error of the log-ratio where the fork fell so, against the coarse oracle, and "spread …" its standard
    deviation; "error elsewhere" and "spread elsewhere"; and by step of a plan "ess" (share of the particles), "mean
    weight", and "spread of log-weights".
    """
    size = Size() if size is None else validate.instance("size", size, Size)
    networks = dict.fromkeys(given.every("networks", networks, NETWORKS))  # what is named twice is run once
    predicts = dict.fromkeys(given.every("predicts", predicts, PREDICTS))
    given.roads(roads)
    validate.integer("jobs", jobs)
    cells = [(road, of, predict) for road in reversed(tuple(roads)) for of in networks for predict in predicts]
    given.counts("random_episodes", size.random_episodes, roads)
    given.counts("driven", size.driven, roads)
    yield from workers.share(_climb, ((roads[road], road, of, predict, size) for road, of, predict in cells), jobs)


@one_thread()
def _climb(env: Environment, road: str, of: str, predict: str, size: Size) -> pd.DataFrame:
    """Every rung of one road, recipe and prediction."""
    fitted = Fitted(
        env, NETWORKS[of](env).but(random_episodes=size.random_episodes[road], **size.changes), predict, size
    )
    planner = paper_recipe(env).planner
    rows = []
    for rung in size.rungs:
        if rung.ratio == "exact" and predict == "state":
            continue
        belief = fitted.belief(rung)
        how = replace(planner, clip=rung.clip)
        for estimator in ESTIMATORS:
            act = policy(replace(how, estimator=estimator), belief)
            values = evaluate(env, act, size.driven[road], size.runs, seeded(SEED + 1))
            rows.append((rung.name, estimator, "return", 0, values))
        for quantity, step, values in fitted.looked_at(rung, how):
            rows.append((rung.name, "", quantity, step, values))
    table = [
        (road, of, predict, *row, number, round(value, 4))
        for *row, values in rows
        for number, value in enumerate(values.tolist())
    ]
    return pd.DataFrame(table, columns=COLUMNS)


class Fitted:
    """R return-weighted models and, made when asked for, the classifiers of a ladder.

    Parameters
    ----------
    env : the road
    recipe : of the models' and classifiers' networks and fits, and how many random episodes they see
    predict : of the models
    size : runs and particles
    """

    def __init__(self, env: Environment, recipe: Recipe, predict: str, size: Size) -> None:
        self.env, self.recipe, self.size, generator = env, recipe, size, seeded(SEED)
        self.data = collect(env, episodes=recipe.random_episodes, runs=size.runs, generator=generator)
        self.model = DynamicsModel(env, MODELS["mixture"], predict, size.runs, generator, **recipe.network)
        how = vars(recipe.model_training)
        self.fit: Fit = fit_model(self.model, self.data, "return", generator=generator, **how)
        self.discs: dict[tuple, Discriminator] = {}

    def belief(self, rung: Rung) -> Belief:
        """What a planner goes by on a rung; without weights in the rewards as they are, as `minvar` has them."""
        ratio = self.log_ratio(rung)
        return Belief(self.env, self.dynamics(rung.dynamics), ratio, 0.0 if ratio is None else self.fit.offset)

    def dynamics(self, name: str) -> Dynamics:
        """The model, or what is put in place of a part of it."""
        road = RoadWithOddsOf(self.env, self.model)
        known = {
            "model": self.model,
            "road": road,
            "road at the fork": Patched(self.env, road, self.model),
            "road elsewhere": Patched(self.env, self.model, road),
        }
        return known[name]

    def log_ratio(self, rung: Rung) -> LogRatio | None:
        """The rung's ratio."""
        coarse = partial(coarse_log_ratio, self.env, self.model)
        known = {
            "none": None,
            "exact": partial(exact.log_ratio, self.env, self.model),
            "coarse": coarse,
            "coarse throughout": partial(coarse, throughout=True),
        }
        if rung.ratio in known:
            return known[rung.ratio]
        learned = self.disc(rung).log_ratio
        if rung.ratio == "learned at the fork":
            return only_at_the_fork(self.env, learned)
        return only_at_the_fork(self.env, coarse, learned) if rung.ratio == "learned elsewhere" else learned

    def disc(self, rung: Rung) -> Discriminator:
        """The rung's classifier; rungs that differ in nothing that it hangs on share it."""
        noise = self.recipe.instance_noise if rung.instance_noise is None else rung.instance_noise
        key = (rung.times, noise, rung.only_luck)
        if key in self.discs:
            return self.discs[key]
        network = {f.name: getattr(self.recipe, f.name) for f in fields(Network)}
        env = OnlyLuck(self.env) if rung.only_luck else self.env
        network = {**network, "features": True} if rung.only_luck else network
        disc, data = Discriminator(env, self.size.runs, seeded(SEED + 2), **network), self.data
        if rung.times > 1:
            count = (rung.times - 1) * self.recipe.random_episodes
            data = data + collect(self.env, episodes=count, runs=self.size.runs, generator=seeded(SEED + 3))
        how = {"instance_noise": noise, **vars(self.recipe.discriminator_training)}
        fit_discriminator(disc, self.model, data, generator=seeded(SEED + 4), **how)
        return self.discs.setdefault(key, disc)

    @torch.no_grad()
    def looked_at(self, rung: Rung, planner: Planner) -> Iterator[tuple[str, int, Tensor]]:
        """Quantities, steps and values (R,) of a rung: where its log-ratio errs, and what becomes of the weights."""
        belief = self.belief(rung)
        if belief.log_ratio is None:
            return
        fresh = collect(self.env, episodes=FRESH, runs=self.size.runs, generator=seeded(SEED + 5))
        if rung.dynamics == "model":
            yield from self.errors(belief.log_ratio, planner, fresh.map(lambda t: t.flatten(1, 2)))
        steps = min(planner.horizon, self.env.horizon)
        begun = fresh.state[:, :PLANS, (self.env.horizon - steps) // 3]
        actions = torch.randint(self.env.n_actions, (*begun.shape[:-1], steps), generator=seeded(SEED + 6))
        how = replace(planner, particles=self.size.particles)
        imagined = how.imagine(
            belief.dynamics, self.env.reward, begun, actions, belief.log_ratio, generator=seeded(SEED + 7)
        )
        for step, now in enumerate(imagined, start=1):
            log_w = now.log_weight
            yield "ess", step, (effective_sample_size(log_w) / self.size.particles).mean(-1)
            yield "mean weight", step, how.weights(log_w).mean((-1, -2))
            yield "spread of log-weights", step, log_w.std(-1).mean(-1)

    def errors(self, log_ratio: LogRatio, planner: Planner, fresh: Episodes) -> Iterator[tuple[str, int, Tensor]]:
        """Mean and spread of the log-ratio's error, of what is imagined from fresh real (s, a) (R, N).

        The measure is the coarse oracle, and where luck decides nothing, 0.
        """
        state, action = fresh.state, fresh.action
        imagined = self.model.transition(state, action).sample(generator=seeded(SEED + 8))
        at = fork(self.env, state, action)
        off = planner.log_weight(log_ratio(state, action, imagined))
        off = off - coarse_log_ratio(self.env, self.model, state, action, imagined)
        decided = at.lucky(fresh.next_state) & at.lucky(imagined)
        where = {NAMES[way]: decided & (at.outcome(imagined) == way) for way in NAMES}
        for name, chosen in {**where, "elsewhere": ~at.here}.items():
            if chosen.any():
                mean, spread = _moments(off, chosen)
                yield f"error {name}", 0, mean
                yield f"spread {name}", 0, spread


def _moments(x: Tensor, chosen: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation (R,) of the chosen of x (R, N); NaN for a run without any."""
    count = chosen.sum(-1)
    mean = torch.where(chosen, x, 0.0).sum(-1) / count
    return mean, (torch.where(chosen, (x - mean[:, None]).square(), 0.0).sum(-1) / count).sqrt()


def load(folder: str | Path) -> pd.DataFrame:
    """The table that the command wrote as ratios.csv; a rung may be called "none"."""
    return pd.read_csv(given.path("folder", folder) / "ratios.csv", keep_default_na=False, na_values={"value": [""]})


def summarise(table: pd.DataFrame) -> pd.DataFrame:
    """A row for each rung: mean return and its standard error by estimator, and the means of all else.

    Of the weights those of a plan's last step are shown.
    """
    given.table("table", table, others=COLUMNS)
    keys, rows = ["road", "networks", "predict", "rung"], []
    for key, part in table.groupby(keys, sort=False):
        row = dict(zip(keys, key, strict=True))
        returns = part[part["quantity"] == "return"]
        for estimator, values in returns.groupby("estimator", sort=False)["value"]:
            row[estimator], row[f"{estimator} stderr"] = values.mean(), values.sem()
        row["runs"] = returns["run"].nunique()
        for quantity, values in part[part["quantity"] != "return"].groupby("quantity", sort=False):
            row[quantity] = values.loc[values["step"] == values["step"].max(), "value"].mean()
        rows.append(row)
    return pd.DataFrame(rows)
