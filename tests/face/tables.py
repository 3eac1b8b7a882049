"""The public face: what the results make of tables, and what makes tables."""

import functools
import tempfile
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd

import damlite as dl
from damlite.results import (
    choices,
    claims,
    compare,
    deviations,
    distractors,
    examples,
    fitted_map,
    kept,
    lucky,
    map,
    papers,
    ratios,
    sweeps,
    table1,
)

from .calls import Public
from .kinds_learning import ROAD, episodes, recipe
from .learning import RECIPE

X, Y = np.array([5.0, 9.0, 7.5]), np.array([1.0, 2.0, 4.0])
CELLS = list(product(table1.MODELS, dl.METHODS))


@functools.cache
def returns() -> pd.DataFrame:
    """Three runs of each cell, with two rounds."""
    rng = np.random.default_rng(0)
    rows = [("IcyRoad", "state", *cell, run, last) for cell in CELLS for run in range(3) for last in (1, 0)]
    table = pd.DataFrame(rows, columns=["road", "predict", "model", "method", "run", "round"])
    return table.assign(**{"return": rng.normal(4, 2, len(rows)).round(4)})


@functools.cache
def summary() -> pd.DataFrame:
    """Of these runs."""
    return table1.summarise(returns())


def masses() -> pd.DataFrame:
    """Three runs of Fig. 2."""
    of = [("truth", "exact"), ("Gaussian", "sampled"), ("Gaussian", "weighted")]
    rows = [(*cell, run, 0.1 * number + 0.01 * run) for number, cell in enumerate(of) for run in range(3)]
    return pd.DataFrame(rows, columns=["of", "counted", "run", "mass"])


def sweep() -> pd.DataFrame:
    """Two variants of two methods."""
    rows = [
        ("IcyRoad", variant, "state", "mixture", method, run, float(run + len(method) + int(variant)))
        for variant in ("1", "20")
        for method in ("baseline", "disc", "dam")
        for run in range(3)
    ]
    return pd.DataFrame(rows, columns=[*sweeps.SAME, "run", "return"])


def one_variant() -> pd.DataFrame:
    """One of them."""
    return sweep()[sweep()["variant"] == "20"]


def choice_table() -> pd.DataFrame:
    """Two variants of one choice."""
    rows = [
        ("IcyRoad", "truth", "particles", variant, run, float(run + int(variant)))
        for variant in ("20", "1")
        for run in range(3)
    ]
    return pd.DataFrame(rows, columns=["road", "dynamics", "ablation", "variant", "run", "return"])


def proposals_table() -> pd.DataFrame:
    """Returns of three q's."""
    rows = [("IcyRoad", q, 1, 3 - q, 0.5) for q in (0.1, 0.5, 0.9)]
    return pd.DataFrame(rows, columns=["road", "probability", "particles", "return", "stderr"])


@functools.cache
def judged() -> pd.DataFrame:
    """A ledger."""
    return claims.ledger(returns(), masses(), 19)


@functools.cache
def variants() -> list[sweeps.Variant]:
    """Two of one road."""
    return [sweeps.Variant("IcyRoad", str(n), ROAD, recipe(rounds=n)) for n in (1, 2)]


@functools.cache
def folder() -> Path:
    """One that goes when this process ends."""
    kept = tempfile.TemporaryDirectory()
    folder.kept = kept
    return Path(kept.name)


def pair(**more: object) -> dict[str, object]:
    """Two cells' runs."""
    return {"x": X, "y": Y, **more}


ROADS = {"IcyRoad": ROAD}
SIZES = {"seeds": "count", "first_seed": "seed"}
CHANGES = {name: kind for name, kind in RECIPE.items() if name != "episodes"}
TESTS = (compare.welch, compare.bootstrap, compare.permutation, compare.mann_whitney)
TESTS += (compare.improvement, compare.improvement_interval)
FEW = (compare.mann_whitney, compare.improvement, compare.improvement_interval)
DRAWN = (compare.bootstrap, compare.permutation)

LEDGERS = [
    Public(
        "claims.ledger",
        claims.ledger,
        lambda: {"returns": returns(), "masses": masses(), "resamples": 19},
        {"returns": "many returns", "masses": "masses", "resamples": "resamples"},
    ),
    Public("claims.verdicts", claims.verdicts, lambda: {"judged": judged()}, {"judged": "judged"}),
    Public("claims.counts", claims.counts, lambda: {"judged": judged()}, {"judged": "judged"}),
    Public(
        "claims.unrealistic_mass",
        claims.unrealistic_mass,
        lambda: {"runs": 2, "seed": 0, "samples": 10},
        {"runs": "count", "seed": "seed", "samples": "count"},
        slow=True,
    ),
    *(
        Public(
            f"compare.{test.__name__}",
            test,
            lambda test=test: pair(**({"resamples": 19} if test in DRAWN else {})),
            dict.fromkeys("xy", "one run or more" if test in FEW else "runs")
            | ({"resamples": "resamples"} if test in DRAWN else {}),
        )
        for test in TESTS
    ),
    Public(
        "compare.welch_from_errors",
        compare.welch_from_errors,
        lambda: {"difference": 1.0, "errors": np.array([0.5, 0.25]), "runs": np.array([3, 4])},
        {"difference": "number", "errors": "two errors", "runs": "two errors"},
    ),
    Public("compare.holm", compare.holm, lambda: {"p": np.array([0.5, 0.01, 0.2])}, {"p": "chances"}),
    Public(
        "papers.paper_difference",
        papers.paper_difference,
        lambda: {"road": "IcyRoad", "cell": ("mixture", "dam"), "other": ("mixture", "disc")},
        {"road": "road", "cell": "paper's cell", "other": "paper's cell"},
    ),
    Public("papers.agreement", papers.agreement, lambda: {"summary": summary()}, {"summary": "summary"}),
    Public(
        "papers.agreement_counts",
        papers.agreement_counts,
        lambda: {"cells": papers.agreement(summary())},
        {"cells": "agreement"},
    ),
    Public(
        "papers.repetitions_ahead",
        papers.repetitions_ahead,
        lambda: {"road": "IcyRoad", "cell": ("mixture", "dam"), "runs": 3, "repetitions": 9, "seed": 0},
        {
            "road": "paper's road",
            "cell": "paper's cell",
            "runs": "count",
            "repetitions": "count",
            "seed": "seed",
        },
    ),
]
TABLE1 = [
    Public(
        "table1.run_table1",
        lambda **given: table1.run_table1(**given),
        lambda: {
            "seeds": 2,
            "predicts": ["state"],
            "jobs": 1,
            "roads": ROADS,
            "folder": None,
            "progress": False,
            "first_seed": 0,
            "recipe": recipe(),
            "device": "cpu",
            **{name: getattr(recipe(box=3.0, later_steps=2), name) for name in CHANGES},
            "steps": 2,
        },
        {
            **SIZES,
            "predicts": "predicts",
            "jobs": "count",
            "roads": "named roads",
            "folder": "optional folder",
            "progress": "flag",
            "recipe": "recipe for",
            "device": "device",
            **CHANGES,
            "steps": "count",
        },
        slow=True,
    ),
    Public(
        "table1.pieces",
        table1.pieces,
        lambda: {"seeds": 12, "predicts": ["state"], "roads": ROADS, "first_seed": 0},
        {**SIZES, "predicts": "predicts", "roads": "names of roads"},
    ),
    Public("table1.chunked", table1.chunked, lambda: {"seeds": 12, "first_seed": 3}, SIZES),
    Public(
        "table1.recipes",
        table1.recipes,
        lambda: {"roads": ROADS, "recipe": recipe(box=3.0), "rounds": 2},
        {"roads": "roads", "recipe": "recipe for", "rounds": "count"},
    ),
    Public("table1.summarise", table1.summarise, lambda: {"returns": returns()}, {"returns": "returns"}),
    Public("table1.optimum", table1.optimum, lambda: {"road": "IcyRoad"}, {"road": "road"}),
    Public(
        "table1.interval",
        lambda statistic, runs, level, resamples: table1.interval(statistic, runs, level=level, resamples=resamples),
        lambda: {"statistic": table1.interquartile_mean, "runs": X, "level": 0.9, "resamples": 19},
        {"statistic": "statistic", "runs": "runs", "level": "probability", "resamples": "resamples"},
        says={"runs": "samples"},
    ),
    Public(
        "table1.save",
        table1.save,
        lambda: {"returns": returns(), "folder": folder(), "roads": ROADS, "recipe": recipe()},
        {"returns": "returns", "folder": "folder", "recipe": "recipe for"},
    ),
    Public(
        "table1.settings",
        table1.settings,
        lambda: {"roads": ROADS, "recipe": recipe()},
        {"roads": "roads", "recipe": "recipe for"},
    ),
    Public(
        "table1.load",
        table1.load,
        lambda: {"folder": None, "recipe": "our"},
        {"recipe": "choice"},
    ),
    Public(
        "table1.place",
        table1.place,
        lambda: {"recipe": "our", "folder": None},
        {"recipe": "choice", "folder": "optional folder"},
        {("folder", way): "runs" for way in ("a file", "below a file", "with a null")},  # nothing is looked at yet
    ),
]
SWEEPS = [
    Public(
        "sweeps.run_sweep",
        sweeps.run_sweep,
        lambda: {
            "variants": variants(),
            "cells": [("mixture", "dam")],
            "seeds": 2,
            "first_seed": 0,
            "predict": "state",
            "jobs": 1,
            "folder": None,
        },
        {
            "variants": "variants",
            "cells": "cells",
            **SIZES,
            "predict": "choice",
            "jobs": "count",
            "folder": "optional folder",
        },
        slow=True,
    ),
    Public(
        "sweeps.summarise",
        sweeps.summarise,
        lambda: {"returns": sweep(), "reference": "20"},
        {"returns": "sweep", "reference": "reference"},
    ),
    Public(
        "sweeps.differences",
        sweeps.differences,
        lambda: {"returns": sweep(), "pairs": sweeps.PAIRS},
        {"returns": "sweep", "pairs": "pairs"},
    ),
    Public(
        "sweeps.save",
        sweeps.save,
        lambda: {"returns": sweep(), "variants": variants(), "folder": folder(), "name": "ladder", "recipe": "own"},
        {"returns": "sweep", "folder": "folder", "variants": "variants", "name": "choice"},
        {("variants", "twice"): "runs"},
    ),
    Public(
        "sweeps.particle_axis",
        sweeps.particle_axis,
        lambda: {"roads": ROADS, "recipe": recipe()},
        {"roads": "roads", "recipe": "recipe for"},
    ),
    Public(
        "sweeps.ladder",
        sweeps.ladder,
        lambda: {"roads": ROADS, "top": dl.our_recipe, "bottom": dl.paper_recipe},
        {"roads": "roads", "top": "recipe for", "bottom": "recipe for"},
        says={"top": "recipe", "bottom": "recipe"},
    ),
    Public(
        "sweeps.sensitivity",
        sweeps.sensitivity,
        lambda: {"roads": ROADS, "recipe": dl.paper_recipe},
        {"roads": "roads", "recipe": "recipe for"},
    ),
    Public("choices.variants", choices.variants, lambda: {"planner": dl.Exhaustive()}, {"planner": "planner"}),
    Public("choices.recipe_for", choices.recipe_for, lambda: {"env": ROAD}, {"env": "env"}),
    Public("choices.summarise", choices.summarise, lambda: {"table": choice_table()}, {"table": "choices"}),
    Public(
        "choices.run",
        choices.run,
        lambda: {"runs": 2, "jobs": 1, "roads": ROADS, "episodes": {"IcyRoad": 2}, "planner": dl.Exhaustive()},
        {"runs": "count", "jobs": "count", "roads": "roads", "episodes": "episodes by road", "planner": "planner"},
        slow=True,
    ),
]
EXAMPLES = [
    Public(
        "examples.learn_velocities",
        examples.learn_velocities,
        lambda: {"env": ROAD, "data": episodes(), "components": 1, "generator": dl.seeded(0)},
        {"env": "env", "data": "data", "components": "count", "generator": "generator"},
        {("data", "of more runs"): "left out"},  # as many models are fitted
        slow=True,
    ),
    Public(
        "examples.fitted_example",
        examples.fitted_example,
        lambda: {"threshold": 2.0, "episodes": 3, "components": 1, "seed": 0, "env": None},
        {"threshold": "number", "episodes": "count", "components": "count", "seed": "seed", "env": "env"},
        {("env", "None"): "left out"},  # a road with the threshold
        slow=True,
    ),
    Public(
        "examples.both_turns",
        examples.both_turns,
        lambda: {"env": ROAD, "act": None, "seed": 0},
        {"env": "env", "act": "given function", "seed": "seed"},
        slow=True,
    ),
    Public(
        "map.run_map",
        map.run_map,
        lambda: {
            "roads": ROADS,
            "recipe": dl.paper_recipe,
            "proposals": {"IcyRoad": (0.9,)},
            "particles": (1,),
            "candidates": (2,),
            "episodes": 4,
            "jobs": 1,
            "seed": 0,
        },
        {
            "roads": "roads",
            "recipe": "recipe for",
            "proposals": "proposals by road",
            "particles": "widths",
            "candidates": "widths",
            "episodes": "count",
            "jobs": "count",
            "seed": "seed",
        },
        slow=True,
    ),
    Public(
        "map.between",
        map.between,
        lambda: {
            "roads": ROADS,
            "recipe": dl.paper_recipe,
            "proposals": {"IcyRoad": (0.9,)},
            "particles": (1,),
            "candidates": 2,
            "episodes": 4,
        },
        {
            "roads": "roads",
            "proposals": "proposals by road",
            "particles": "widths",
            "candidates": "count",
            "episodes": "count",
        },
        slow=True,
    ),
    Public(
        "map.luck",
        map.luck,
        lambda: {"env": ROAD, "proposals": (0.9,), "particles": (1,), "best_of": 2, "draws": 20},
        {
            "env": "env",
            "proposals": "proposals",
            "particles": "widths",
            "planner": "planner",
            "best_of": "count",
            "draws": "count",
        },
        {("planner", "None"): "left out"},  # the paper's
        slow=True,
    ),
    Public(
        "map.plans_at_the_fork",
        map.plans_at_the_fork,
        lambda: {"env": ROAD, "horizon": 3},
        {"env": "env", "horizon": "count"},
        slow=True,
    ),
    Public(
        "map.best_probability", map.best_probability, lambda: {"table": proposals_table()}, {"table": "proposals table"}
    ),
]
FITTED = [
    Public(
        "fitted_map.run_fitted_map",
        lambda **how: list(fitted_map.run_fitted_map(**how)),
        lambda: {"jobs": 1, "roads": ROADS, "models": ("mixture",), "size": fitted_map.Size(runs=1)},
        {"jobs": "count", "roads": "roads", "models": "several names", "size": "table's size"},
        slow=True,
    ),
    Public(
        "fitted_map.Size",
        fitted_map.Size,
        lambda: {"runs": 2, "particles": (1, 3), "steps": 5},
        {"runs": "count", "particles": "widths", "steps": "optional count"},
        {("particles", way): "runs" for way in ("number", "list", "tensor")},
    ),
    Public(
        "fitted_map.fitted",
        fitted_map.fitted,
        lambda: {"env": ROAD, "fit": "likelihood", "model": "mixture", "runs": 1, "recipe": recipe()},
        {"env": "env", "fit": "choice", "model": "choice", "runs": "count", "recipe": "recipe"},
        slow=True,
    ),
    Public(
        "ratios.run",
        lambda **how: list(ratios.run(**how)),
        lambda: {"jobs": 1, "roads": ROADS, "networks": ["paper"], "predicts": ["state"], "size": ratios.Size(runs=1)},
        {
            "jobs": "count",
            "roads": "roads",
            "networks": "several names",
            "predicts": "predicts",
            "size": "table's size",
        },
        slow=True,
    ),
    Public(
        "lucky.run",
        lucky.run,
        lambda: {"roads": ROADS, "runs": 1, "predicts": ["state"], "estimates": 3},
        {"roads": "roads", "runs": "count", "predicts": "predicts", "estimates": "count"},
        slow=True,
    ),
    Public(
        "lucky.looks_better",
        lucky.looks_better,
        lambda: {"planner": dl.paper_recipe(ROAD).planner, "belief": dl.Belief(ROAD), "runs": 1, "estimates": 3},
        {"planner": "planner", "belief": "belief", "runs": "count", "estimates": "count"},
        slow=True,
    ),
    Public(
        "distractors.run",
        distractors.run,
        lambda: {"distractors": (0,), "runs": 1, "episodes": 2, "training": dl.Training(steps=2), "seed": 0},
        {"distractors": "sizes", "runs": "count", "episodes": "count", "training": "fields", "seed": "seed"},
        slow=True,
    ),
    Public("deviations.deviations", deviations.deviations, lambda: {"folder": folder()}, {"folder": "folder"}),
    Public(
        "deviations.effects",
        deviations.effects,
        lambda: {"before": one_variant(), "after": one_variant()},
        {"before": "variant's runs", "after": "variant's runs"},
    ),
    Public(
        "kept.fingerprint",
        kept.fingerprint,
        lambda: {"env": ROAD, "recipe": recipe()},
        {"env": "env", "recipe": "recipe"},
    ),
]
PUBLIC = [*LEDGERS, *TABLE1, *SWEEPS, *EXAMPLES, *FITTED]
