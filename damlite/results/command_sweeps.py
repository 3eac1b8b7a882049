"""The commands of the sweeps over recipes: `python -m damlite particles`, `ladder` and `sensitivity`."""

import argparse
from functools import partial
from itertools import product

from . import deviations, sweeps, table1
from .options import (
    add_pieces,
    add_recipe,
    fewer_seeds,
    missing,
    on_cluster,
    place,
    recipe_label,
    recipe_named,
    recipe_text,
)

# What each is of: its recipe unless told otherwise, its models, its methods.
BOTTOM = "paper-trajectory"  # where the ladder begins
RECIPE = {"particles": "our", "ladder": "our", "sensitivity": "paper"}
MODEL = {"particles": ["Gaussian", "mixture"], "ladder": ["mixture"], "sensitivity": ["mixture"]}
METHOD = {"particles": list(table1.METHODS), "ladder": list(table1.METHODS), "sensitivity": ["baseline", "disc", "dam"]}


def add_options(name: str, parser: argparse.ArgumentParser) -> None:
    """A sweep's options."""
    add_pieces(parser, seeds=10)
    add_recipe(parser, RECIPE[name], "where the ladder leads" if name == "ladder" else "what is varied")
    if name == "ladder":
        words = f"the recipe that it begins with, named as for --recipe (default {BOTTOM})"
        parser.add_argument("--bottom", type=recipe_text, default=BOTTOM, help=words)
    models, methods = list(table1.MODELS), list(table1.METHODS)
    told = f"default {' '.join(MODEL[name])}"
    parser.add_argument("--model", nargs="+", default=MODEL[name], choices=models, help=f"kinds of model ({told})")
    told = f"default {' '.join(METHOD[name])}"
    parser.add_argument("--method", nargs="+", default=METHOD[name], choices=methods, help=f"methods ({told})")
    parser.add_argument("--predict", default="state", choices=table1.PREDICTS, help="default state, as in the paper")


def run(name: str, given: argparse.Namespace) -> None:
    """Run a sweep, save every run's return, and print what it comes to."""
    out = place(given, f"{name}_results", partial(_less_than_stored, name))
    roads = {road: table1.ROADS[road] for road in given.road}
    variants = _variants(name, given, roads)
    cells = list(product(given.model, given.method))
    how = {"predict": given.predict, "jobs": given.jobs, "folder": given.keep}
    with on_cluster(given.dask):
        returns = sweeps.run_sweep(variants, cells, given.seeds, given.first_seed, **how)
    sweeps.save(returns, variants, out, name, _label(given))
    if name in deviations.SOURCES:
        deviations.save(out)
    print(sweeps.summarise(returns).round(2).to_string(index=False))
    print(sweeps.differences(returns).round(2).to_string(index=False))
    print(f"written to {out}")


def _variants(name: str, given: argparse.Namespace, roads: dict) -> list[sweeps.Variant]:
    recipe = recipe_named(given.recipe)
    if name == "ladder":
        return sweeps.ladder(roads, recipe, recipe_named(given.bottom))
    return {"particles": sweeps.particle_axis, "sensitivity": sweeps.sensitivity}[name](roads, recipe)


def _label(given: argparse.Namespace) -> str:
    """What the settings call the recipe; a ladder has two."""
    label = recipe_label(given.recipe)
    return f"{recipe_label(given.bottom)} to {label}" if "bottom" in given else label


def _less_than_stored(name: str, given: argparse.Namespace) -> list[str]:
    """In what a run would hold less than the stored one."""
    wrong = []
    for option, asked, default in (
        ("--recipe", given.recipe, RECIPE[name]),
        ("--predict", given.predict, "state"),
        ("--bottom", getattr(given, "bottom", BOTTOM), BOTTOM),
    ):
        if asked != default:
            wrong.append(f"{option} {asked}, and the stored one is of {default}")
    if not (table1.STORED / f"{name}.csv").exists():
        return wrong + fewer_seeds(given, 0)
    stored = sweeps.load(name, table1.STORED)
    wrong += fewer_seeds(given, stored["run"].nunique())
    for option in ("road", "model", "method"):
        wrong += missing(f"--{option}", getattr(given, option), stored[option])
    return wrong


COMMANDS = tuple(
    (name, words, partial(add_options, name), partial(run, name))
    for name, words in (
        ("particles", "run a recipe with 1, 2, 5 and 20 particles"),
        ("ladder", "lead from one recipe to another, one choice at a time"),
        ("sensitivity", "vary what the paper leaves open, one at a time"),
    )
)
