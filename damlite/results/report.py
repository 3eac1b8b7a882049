"""Tables of numbers for texts: README.md and REPRODUCTION.md show what is stored, and are brought up to date from it.

In a text a table stands between `<!-- table: NAME ROAD -->` and `<!-- end -->`; NAME is one of `BLOCKS`, and ROAD is
left out where the table is about both roads. `speed` has a group of benchmarks in its place.
"""

import json
import re
from collections.abc import Callable, Iterable
from itertools import product
from pathlib import Path

import pandas as pd

from . import claims, command_map, deviations, fitted_map, given, kept, lucky, papers, ratios, sweeps, table1
from . import map as maps

NOT_RUN = "*Not run.*"
RECIPE_WORDS = {"our": "our recipe", "paper": "paper's, per-decision", "paper-trajectory": "paper's, trajectory"}
EXACT = "exact + shift"  # weights of the map's rows that are shown
CANDIDATES = 100  # of the map's rows that are shown
PLACES = (("own", 1), ("own", 2), ("own", 5), ("own", 20), ("common", 1), ("common", 20))  # of the maps, shown
TRIED = ("baseline", "disc", "dam")  # methods that settings were chosen by
SIGNIFICANT = 2.0  # standard errors from which on an effect of the sensitivity is shown
VERDICTS = ("reproduced", "undecided", "not reproduced")
MARK = re.compile(r"(<!-- table: ([^\n]+?) -->\n).*?(<!-- end -->)", re.DOTALL)


def refresh(text: str, folder: str | Path | None = None) -> str:
    """The text with each of its tables made anew from a folder's stored tables, by default the repository's.

    Raises ValueError if there is no such table.
    """
    folder = table1.STORED if folder is None else given.path("folder", folder)

    def anew(match: re.Match) -> str:
        name, _, road = match[2].partition(" ")
        if name not in BLOCKS:
            raise ValueError(f"text must ask for tables out of {', '.join(BLOCKS)}, got {match[2]!r}")
        try:
            block = BLOCKS[name](folder, road)
        except FileNotFoundError:
            block = NOT_RUN
        return f"{match[1]}\n{block}\n\n{match[3]}"

    return MARK.sub(anew, text)


def markdown(head: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """A table in Markdown."""
    head = list(head)
    return "\n".join(f"| {' | '.join(map(str, row))} |" for row in (head, ["---"] * len(head), *rows))


def number(road: str, mean: float, stderr: float | None = None, sign: bool = False) -> str:
    """A mean ± its standard error, with as many digits as the road's returns are worth; a dash for NaN."""
    if pd.isna(mean):
        return "–"
    digits = 2 if table1.optimum(road) < 20 else 1
    said = f"{mean:{'+' if sign else ''}.{digits}f}".replace("-", "−")
    return said if stderr is None or pd.isna(stderr) else f"{said} ± {stderr:.{digits}f}"


def summary_of(folder: str | Path) -> pd.DataFrame:
    """Mean and standard error of every cell of Table 1 under each recipe, beside the paper's, in the paper's order.

    Without the bootstrap intervals that `table1.summarise` draws, which take most of its time.
    """
    returns = table1.load_all(folder)
    final = returns[returns["round"] == 0].groupby(["recipe", *kept.CELL])["return"].agg(["mean", "sem"])
    rows = [
        {"recipe": recipe, "road": road, "predict": predict, "model": model, "method": method}
        | {"mean": final.at[key, "mean"], "stderr": final.at[key, "sem"]}
        | {"paper_mean": mean, "paper_stderr": stderr}
        for recipe, predict in product(RECIPE_WORDS, table1.PREDICTS)
        for (road, model, method), (mean, stderr) in table1.PAPER.items()
        if (key := (recipe, road, predict, model, method)) in final.index
    ]
    return pd.DataFrame(rows)


def table1_block(folder: str | Path, road: str, predict: str = "state") -> str:
    """One road's eight cells under each recipe beside the paper's; a tick where they are within two errors."""
    cells = papers.agreement(summary_of(folder))
    cells = cells[(cells["road"] == road) & (cells["predict"] == predict)]
    there = [recipe for recipe in RECIPE_WORDS if recipe in set(cells["recipe"])]
    rows = []
    for (model, method), part in cells.groupby(["model", "method"], sort=False):
        by_recipe = part.set_index("recipe")
        said = [f"{model} `{method}`"]
        for recipe in there:
            one = by_recipe.loc[recipe]
            said.append(number(road, one["mean"], one["stderr"]) + (" ✓" if one["within"] else ""))
        theirs = part.iloc[0]
        rows.append([*said, f"{theirs['paper_mean']:.2f} ± {theirs['paper_stderr']:.2f}"])
    counted = cells.groupby("recipe")["within"].sum()
    rows.append(["✓ of 8", *(counted[recipe] for recipe in there), ""])
    return markdown(["", *(RECIPE_WORDS[recipe] for recipe in there), "the paper"], rows)


def within_block(folder: str | Path, road: str = "") -> str:
    """How many of the 16 cells are within two combined standard errors of the paper's."""
    counted = papers.agreement_counts(papers.agreement(summary_of(folder))).set_index("recipe")
    rows = [
        (words, row["predict"], f"{row['within']} of {row['cells']}")
        for recipe, words in RECIPE_WORDS.items()
        for _, row in counted[counted.index == recipe].iterrows()
    ]
    return markdown(["recipe", "models predict", "cells within two errors"], rows)


def verdicts_block(folder: str | Path, road: str, predict: str = "state") -> str:
    """What each claim about Table 1 comes to on one road under each recipe."""
    places = {recipe: table1.place(recipe, folder) / "claims.csv" for recipe in RECIPE_WORDS}
    places = {recipe: path for recipe, path in places.items() if path.exists()}
    if not places:
        raise FileNotFoundError("claims.csv")
    said: dict[tuple[str, str], list[str]] = {}
    counted = []
    for path in places.values():
        by_claim = claims.verdicts(pd.read_csv(path))
        here = (by_claim["road"] == road) & (by_claim["predict"] == predict) & (by_claim["source"] == "Table 1")
        for row in by_claim[here].itertuples():
            said.setdefault((row.claim, row.cell), []).append(row.verdict + (" (firm)" if row.firm else ""))
        counted.append(" / ".join(str((by_claim[here]["verdict"] == verdict).sum()) for verdict in VERDICTS))
    rows = [(f"“{quote}”", cell, *words) for (quote, cell), words in said.items()]
    rows.append((" / ".join(VERDICTS), "", *counted))
    return markdown([road, "of", *(RECIPE_WORDS[recipe] for recipe in places)], rows)


def map_block(folder: str | Path, road: str) -> str:
    """The truth and every q with exact weights and shift, with own and common numbers."""
    table = command_map.load("map", folder)
    table = table[(table["road"] == road) & (table["candidates"] == CANDIDATES)]
    rows = []
    for i, (q, part) in enumerate(table.groupby("probability", sort=False)):
        kind = part[part["weights"] == (EXACT if i else "none")].set_index(["numbers", "particles"])
        rows.append([_proposal(i, q), *(number(road, *kind.loc[place, ["return", "stderr"]]) for place in PLACES)])
    return markdown(["", *(f"{particles} {numbers}" for numbers, particles in PLACES)], rows)


def _proposal(place: int, probability: float) -> str:
    """What a row of the map is called; the truth is the first."""
    return f"q({probability:g}), exact weights" if place else f"the truth, {probability:g}"


def candidates_block(folder: str | Path, road: str) -> str:
    """The map with one own trajectory a sequence, against the number of candidates."""
    table = command_map.load("map", folder)
    table = table[(table["road"] == road) & (table["numbers"] == "own") & (table["particles"] == 1)]
    every = sorted(table["candidates"].unique())
    rows = []
    for i, (q, part) in enumerate(table.groupby("probability", sort=False)):
        kind = part[part["weights"] == (EXACT if i else "none")].set_index("candidates")
        rows.append([_proposal(i, q), *(number(road, *kind.loc[k, ["return", "stderr"]]) for k in every)])
    return markdown(["", *(f"K = {k}" for k in every)], rows)


def best_block(folder: str | Path, road: str = "") -> str:
    """Where the best q is for each number of own particles."""
    best = maps.best_probability(command_map.load("map_between", folder))
    particles = sorted(best["particles"].unique())
    rows = []
    for road, part in best.groupby("road", sort=False):
        by = part.set_index("particles")
        rows.append([road, *(f"{by.at[p, 'best']:g} ({by.at[p, 'least']:g}–{by.at[p, 'most']:g})" for p in particles)])
    return markdown(["", *(f"P = {p}" for p in particles)], rows)


def fitted_block(folder: str | Path, road: str, model: str = "mixture") -> str:
    """The map with fitted models of one kind."""
    summary = fitted_map.summarise(fitted_map.load(folder))
    summary = summary[(summary["road"] == road) & (summary["model"] == model)]
    rows = []
    for (fit, weights), part in summary.groupby(["fit", "weights"], sort=False):
        by = part.set_index(["numbers", "particles"])
        rows.append([fit, weights, *(number(road, *by.loc[place, ["mean", "stderr"]]) for place in PLACES)])
    return markdown(["fit", "weights", *(f"{particles} {numbers}" for numbers, particles in PLACES)], rows)


def particles_block(folder: str | Path, road: str) -> str:
    """Our recipe with fewer and more particles."""
    summary = sweeps.summarise(sweeps.load("particles", folder))
    summary = summary[summary["road"] == road]
    particles = sorted(summary["variant"].unique(), key=int)
    rows = []
    for model in table1.MODELS:
        for method in table1.METHODS:
            by = summary[(summary["model"] == model) & (summary["method"] == method)].set_index("variant")
            if not by.empty:
                numbers = (number(road, *by.loc[p, ["mean", "stderr"]]) for p in particles)
                rows.append([f"{model} `{method}`", *numbers])
    return markdown(["", *(f"P = {p}" for p in particles)], rows)


def ladder_block(folder: str | Path, road: str, model: str = "mixture") -> str:
    """What each rung of the ladder does to the methods and to their differences."""
    table = _deviations(folder, "ladder", road, model)
    shown = list(deviations.CONTRASTS)
    rows = [
        [row["choice"], _code(row["paper"]), _code(row["ours"]), *(_effect(road, row, contrast) for contrast in shown)]
        for _, row in table.iterrows()
    ]
    return markdown(["choice", "paper", "ours", *(name.replace("_minus_", " − ") for name in shown)], rows)


def sensitivity_block(folder: str | Path, road: str, model: str = "mixture") -> str:
    """What moves disc − baseline or dam − disc by more than two standard errors, under its picture if one is there."""
    table = _deviations(folder, "sensitivity", road, model)
    pairs = [contrast for contrast in deviations.CONTRASTS if "_minus_" in contrast]
    beyond = pd.concat([table[pair].abs() > SIGNIFICANT * table[f"{pair}_stderr"] for pair in pairs], axis=1).any(
        axis=1
    )
    rows = [
        [row["choice"], _code(row["ours"]), _code(row["instead"]), *(_effect(road, row, pair) for pair in pairs)]
        for _, row in table[beyond].iterrows()
    ]
    head = ["choice", "chosen", "instead", *(pair.replace("_minus_", " − ") for pair in pairs)]
    folder = given.path("folder", folder)
    file = folder / f"sensitivity_{road.lower()}_{model.lower()}.png"
    words = f"Tornado charts of {road}: how far each choice moves disc − baseline and dam − disc"
    picture = f"![{words}]({folder.name}/{file.name})\n\n" if file.exists() else ""
    move = "moves" if beyond.sum() == 1 else "move"
    said = f"{beyond.sum()} of {len(table)} levels {move} one of the two by more than two of its standard errors"
    return picture + said + (f":\n\n{markdown(head, rows)}" if rows else ".")


def _deviations(folder: str | Path, source: str, road: str, model: str) -> pd.DataFrame:
    table = deviations.load(folder)
    table = table[(table["source"] == source) & (table["road"] == road) & (table["model"] == model)]
    if table.empty:
        raise FileNotFoundError(source)
    return table


def _effect(road: str, row: pd.Series, contrast: str) -> str:
    """An effect with its error."""
    return number(road, row[contrast], row[f"{contrast}_stderr"], sign=True)


def _code(words: str) -> str:
    return f"`{words}`" if words else ""


def ratios_block(folder: str | Path, road: str, networks: str = "paper") -> str:
    """The ladder of ratios, models of states beside models of velocities."""
    table = ratios.load(folder)
    summary = ratios.summarise(table[(table["road"] == road) & (table["networks"] == networks)])
    if summary.empty:
        raise FileNotFoundError("ratios.csv")
    there = [(p, e) for p in table1.PREDICTS if p in set(summary["predict"]) for e in ratios.ESTIMATORS]
    rows = []
    for rung, part in summary.groupby("rung", sort=False):
        by = part.set_index("predict")
        rows.append([rung, *(number(road, *by.loc[p, [e, f"{e} stderr"]]) if p in by.index else "–" for p, e in there)])
    return markdown(["ratio", *(f"{p}, {e.replace('_', '-')}" for p, e in there)], rows)


def lucky_block(folder: str | Path, road: str) -> str:
    """How often reckless plans look better than the safe one, with fitted models."""
    summary = lucky.summarise(
        pd.read_csv(given.path("folder", folder) / "lucky.csv", dtype=dict.fromkeys(lucky.CELL, str))
    )
    summary = summary[summary["road"] == road]
    rows = []
    for (predict, model, fit), part in summary.groupby(lucky.CELL[1:4], sort=False):
        by = part.set_index("weights")
        shares = (
            f"{by.at[weights, 'luckiest']:.0%} ± {by.at[weights, 'luckiest_stderr']:.0%}"
            if weights in by.index
            else "–"
            for weights in fitted_map.WEIGHTS
        )
        rows.append([predict, model, fit, *shares])
    head = (f"{'no' if weights == 'none' else weights} weights" for weights in fitted_map.WEIGHTS)
    return markdown(["predict", "model", "fit", *head], rows)


def luck_block(folder: str | Path, road: str = "") -> str:
    """Which plans can look better than they are where the ratio is exact: one own particle."""
    table = pd.read_csv(given.path("folder", folder) / "luck.csv")
    table = table[table["particles"] == 1]
    rows = []
    for (road, q), part in table.groupby(["road", "probability"], sort=False):
        by = part.set_index("plan")
        first = maps.PROPOSALS[road].index(q)
        told = (
            f"{number(road, by.at[plan, 'best'])} (worth {number(road, by.at[plan, 'worth'])})" for plan in by.index
        )
        rows.append([road, _proposal(first, q), part["best_of"].iloc[0], *told])
    return markdown(["", "imagined by", "estimates", *table["plan"].unique()], rows)


def tried_block(folder: str | Path, road: str) -> str:
    """What was tried before the paper's recipe was chosen; its means were written down by hand."""
    table = pd.read_csv(given.path("folder", folder) / "tried.csv", dtype={"runs": str})
    rows = [
        [row["data"], row["setting"], row["estimator"], row["runs"]]
        + [number(road, row[method], row[f"{method}_stderr"]) for method in TRIED]
        for _, row in table[table["road"] == road].iterrows()
    ]
    return markdown(["data", "setting", "estimator", "runs", *(f"`{method}`" for method in TRIED)], rows)


def compute_block(folder: str | Path, road: str = "") -> str:
    """How long the pieces of every stored table took, as its settings tell."""
    paths = {f"Table 1, {words}": table1.place(recipe, folder) for recipe, words in RECIPE_WORDS.items()}
    paths = {words: path / "table1_settings.json" for words, path in paths.items()}
    paths |= {name: given.path("folder", folder) / f"{name}_settings.json" for name in sweeps.NAMES}
    rows = []
    for words, path in paths.items():
        known = json.loads(path.read_text()) if path.exists() else {}
        pieces = known.get("seconds", {}).get("pieces", {})
        if pieces:
            hardware = f"{known['hardware']['processor']}, {known['hardware']['cores']} cores"
            times = (f"{sum(pieces.values()) / 60:.0f}", f"{max(pieces.values()):.0f}")
            rows.append([words, known["seeds"], len(pieces), *times, hardware])
        elif known:
            rows.append([words, known["seeds"], *["not recorded"] * 3, ""])
    return markdown(["table", "runs", "pieces", "minutes of all, added up", "longest, s", "processor"], rows)


def speed_block(folder: str | Path, group: str) -> str:
    """A group of benchmarks: contenders side by side, and how many times the first each is; or exponents of growth."""
    table = pd.read_csv(given.path("folder", folder) / "speed.csv", keep_default_na=False)
    table = table[table["group"] == group]
    if group == "growth":
        return _growth(table)
    contenders = list(dict.fromkeys(table["contender"]))
    rows = []
    for size, part in table.groupby("size", sort=False):
        found = part.set_index("contender")
        said = [f"{_three_digits(row['value'])} ({row['times_the_first']:.1f}×)" for _, row in found.iterrows()]
        said[0] = _three_digits(found["value"].iloc[0])
        rows.append([size, *(dict(zip(found.index, said, strict=True)).get(name, "–") for name in contenders)])
    return markdown([table["unit"].iloc[0], *contenders], rows)


def _three_digits(value: float) -> str:
    return f"{float(f'{value:.3g}'):,.0f}" if value >= 100 else f"{value:.3g}"


def _growth(table: pd.DataFrame) -> str:
    """Of every size that grows: from where to where, the seconds at both ends, and the fitted exponent."""
    rows = []
    for kind, part in table[table["contender"] != ""].groupby("size", sort=False):
        (exponent,) = table.loc[table["size"] == f"{kind}, exponent", "value"]
        first, last = part.iloc[0], part.iloc[-1]
        times = [f"{row['value'] * 1e3:.3g}" for row in (first, last)]
        rows.append([kind, f"{first['contender']} to {last['contender']}", " to ".join(times), f"{exponent:.2f}"])
    return markdown(["", "from, to", "ms", "exponent"], rows)


def machine_block(folder: str | Path, road: str = "") -> str:
    """What the benchmarks were run on."""
    known = json.loads((given.path("folder", folder) / "speed_settings.json").read_text())
    hardware = known["hardware"]
    rate = f"{known['matrix_gflops']:.0f} billion operations a second in a product of matrices"
    return f"One thread of {hardware['processor']} ({hardware['cores']} cores); {rate}."


BLOCKS: dict[str, Callable[[str | Path, str], str]] = {
    "table1": table1_block,
    "within": within_block,
    "verdicts": verdicts_block,
    "map": map_block,
    "candidates": candidates_block,
    "best": best_block,
    "fitted": fitted_block,
    "particles": particles_block,
    "ladder": ladder_block,
    "sensitivity": sensitivity_block,
    "ratios": ratios_block,
    "lucky": lucky_block,
    "luck": luck_block,
    "tried": tried_block,
    "compute": compute_block,
    "speed": speed_block,
    "machine": machine_block,
}
