"""What each deviation is worth: one choice changed, all else as it was, and what that does to every method.

From the stored sweeps. On the ladder a choice is changed from the paper's to ours on the rung where it is taken over;
under the sensitivity, from what was chosen for the paper's recipe to another level.
"""

import ast
import json
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from . import given, kept, sweeps
from .kept import MODELS
from .table1 import METHODS

SOURCES = ("ladder", "sensitivity")  # of the sweeps that are looked at
OPEN = "not said"  # what the paper has where the sensitivity varies something
# What is looked at of a variant's returns, as weights of its methods' means.
CONTRASTS: dict[str, dict[str, int]] = {
    **{method: {method: 1} for method in METHODS},
    **{f"{above}_minus_{below}": {above: 1, below: -1} for above, below in sweeps.PAIRS},
}
COLUMNS = ["source", "road", "model", "choice", "paper", "ours", "instead", "runs"]
COLUMNS += [name for contrast in CONTRASTS for name in (contrast, f"{contrast}_stderr")]


def deviations(folder: str | Path) -> pd.DataFrame:
    """Every choice of the ladder and of the sensitivity, those whose tables are in the folder.

    Returns
    -------
    Table with `COLUMNS`: where it is from, road and model, the choice, what of the recipe it changes in the paper's
    form and in ours ("not said", and what was chosen, under the sensitivity, whose other level is `instead`), how many
    runs, and the effects with their standard errors: of each method's mean return, of disc − baseline and of
    dam − disc. An effect is ours − paper's, or instead − chosen, paired by the runs' numbers; NaN where a method was
    not run.

    Raises ValueError if there is no such folder.
    """
    folder, rows = given.folder(folder), []
    for source in SOURCES:
        if not (folder / f"{source}.csv").exists():
            continue
        returns = sweeps.load(source, folder)
        told = json.loads((folder / f"{source}_settings.json").read_text())["variants"]
        for road, variants in told.items():
            names = list(variants)
            for number, name in enumerate(names[1:]):
                first = names[number] if source == "ladder" else names[0]
                told_of = _told(source, name, *changed(variants[first], variants[name]))
                for model in MODELS:
                    part = returns[(returns["road"] == road) & (returns["model"] == model)]
                    by_variant = [part[part["variant"] == variant] for variant in (first, name)]
                    if not any(one.empty for one in by_variant):
                        rows.append({"source": source, "road": road, "model": model, **told_of, **effects(*by_variant)})
    return pd.DataFrame(rows, columns=COLUMNS)


def _told(source: str, name: str, before: str, after: str) -> dict[str, str]:
    """What a row says of the choice."""
    if source == "ladder":
        return {"choice": name, "paper": before, "ours": after, "instead": ""}
    return {"choice": name.partition(":")[0], "paper": OPEN, "ours": before, "instead": after}


def effects(before: pd.DataFrame, after: pd.DataFrame) -> dict[str, float]:
    """The number of runs, and every contrast's change from one variant's runs to the other's, with its error.

    Parameters
    ----------
    before, after : rows of one road, model and variant, with columns method, run and return; only runs that both have
        are looked at
    """
    for name, value in (("before", before), ("after", after)):
        given.table(name, value, ("method", "run"), ("return",))
    by_run = [one.pivot(index="run", columns="method", values="return") for one in (before, after)]
    change = (by_run[1] - by_run[0]).dropna(how="all")
    found: dict[str, float] = {"runs": len(change)}
    for contrast, weights in CONTRASTS.items():
        there = all(method in change for method in weights)
        parts = [weight * change[method] for method, weight in weights.items()] if there else [pd.Series(dtype=float)]
        values = pd.concat(parts, axis=1).dropna().sum(axis=1)
        found[contrast] = values.mean() if len(values) else float("nan")
        found[f"{contrast}_stderr"] = values.sem() if len(values) > 1 else float("nan")
    return found


def changed(before: Mapping[str, object], after: Mapping[str, object]) -> tuple[str, str]:
    """What two variants differ in, as settings tell them: the fields' values of the one and of the other."""
    each = []
    for variant in (before, after):
        known = _fields(str(variant["recipe"])) | _fields(str(variant["environment"]))
        each.append(known | {f"components of {model}": str(k) for model, k in variant["models"].items()})
    _join_trainings(each)
    names = [name for name in dict.fromkeys((*each[0], *each[1])) if each[0].get(name) != each[1].get(name)]
    names = [name for name in names if name]  # the environment's or recipe's own kind goes without saying
    one, other = (", ".join(f"{name}={known[name]}" for name in names if name in known) for known in each)
    return one, other


def _join_trainings(each: list[dict[str, str]]) -> None:
    """Say once what model and discriminator are trained with alike in both variants."""
    for name in [name for name in each[0] if name.startswith("model_training.")]:
        field = name.removeprefix("model_training.")
        pair = (name, f"discriminator_training.{field}")
        if all(pair[1] in known and known[pair[0]] == known[pair[1]] for known in each):
            for known in each:
                known[field] = known.pop(pair[0])
                del known[pair[1]]


def _fields(text: str, prefix: str = "") -> dict[str, str]:
    """The fields of a dataclass by its `repr`, those of its fields behind a dot, but a planner's without its name."""
    try:
        tree = ast.parse(text, mode="eval").body
    except SyntaxError:  # something of one's own that says what it is in other words
        return {prefix: text}
    if not isinstance(tree, ast.Call):
        return {prefix: ast.unparse(tree)}
    found = {prefix: ast.unparse(tree.func)}
    for field in tree.keywords:
        name = str(field.arg)
        found |= _fields(ast.unparse(field.value), name if prefix in ("", "planner") else f"{prefix}.{name}")
    return found


def save(folder: str | Path) -> pd.DataFrame:
    """Write the folder's deviations as deviations.csv, three digits behind the point, and return them."""
    table = deviations(folder).round(3)
    table.to_csv(kept.check_writable(folder) / "deviations.csv", index=False)
    return table


def load(folder: str | Path) -> pd.DataFrame:
    """The table that `save` wrote."""
    words = dict.fromkeys(COLUMNS[:7], str)
    numbers = {name: [""] for name in COLUMNS[8:]}
    return pd.read_csv(
        given.path("folder", folder) / "deviations.csv", dtype=words, keep_default_na=False, na_values=numbers
    )
