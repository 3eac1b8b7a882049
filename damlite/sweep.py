"""Table 1 on IcyRoad: independent pieces (cell × chunk of stacked seeds) under joblib."""

import json
import platform
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import torch
from tqdm.auto import tqdm

from . import validate
from .envs import IcyRoad
from .loop import METHODS, run_mbrl

STORED = Path(__file__).resolve().parent.parent / "figures"  # the repository's own results
CHUNK = 10  # seeds trained side by side
MODELS = {"Gaussian": 1, "mixture": 4}
# Table 1 of the paper, IcyRoad: mean and standard error over 3 runs.
PAPER = {
    ("Gaussian", "baseline"): (0.71, 1.72),
    ("Gaussian", "minvar"): (0.86, 0.79),
    ("Gaussian", "disc"): (4.88, 0.50),
    ("Gaussian", "dam"): (2.32, 1.76),
    ("mixture", "baseline"): (5.34, 0.84),
    ("mixture", "minvar"): (4.55, 3.50),
    ("mixture", "disc"): (3.30, 2.75),
    ("mixture", "dam"): (7.94, 0.92),
}


def run_table1(
    seeds: int = 20,
    predicts: tuple[str, ...] = ("state", "velocity"),
    jobs: int = 2,
    env: IcyRoad | None = None,
    progress: bool = True,
    **options: object,
) -> pd.DataFrame:
    """Run the eight IcyRoad cells of Table 1 and return every run's returns.

    Parameters
    ----------
    seeds : runs per cell; they are trained side by side in chunks of 10
    predicts : what the models predict; the cells are run for each
    jobs : processes
    env : the road, `IcyRoad()` by default
    progress : show a progress bar
    options : further arguments of `run_mbrl`, the same for all cells

    Returns
    -------
    Long table with columns predict, model, method, run, round and return. Rounds 1, 2, … are the rounds'
    own episodes; round 0 holds the mean over the evaluation episodes after the last round.
    """
    count = len(_pieces(seeds, predicts))
    tables = tqdm(run_pieces(seeds, predicts, jobs, env, **options), total=count, unit="piece", disable=not progress)
    keys = ["predict", "model", "method", "run", "round"]
    return pd.concat(tables).sort_values(keys, ignore_index=True)


def run_pieces(
    seeds: int, predicts: tuple[str, ...], jobs: int = 2, env: IcyRoad | None = None, **options: object
) -> Iterator[pd.DataFrame]:
    """The pieces of `run_table1`, each as it ends."""
    env = IcyRoad() if env is None else env
    parallel = joblib.Parallel(n_jobs=jobs, return_as="generator_unordered")
    return parallel(joblib.delayed(_piece)(env, *piece, options) for piece in _pieces(seeds, predicts))


def _pieces(seeds: int, predicts: tuple[str, ...]) -> list[tuple]:
    validate.integer("seeds", seeds)
    chunks = [(first, min(CHUNK, seeds - first)) for first in range(0, seeds, CHUNK)]
    return list(product(predicts, MODELS, reversed(METHODS), chunks))  # the longest pieces first


def _piece(env: IcyRoad, predict: str, model: str, method: str, chunk: tuple[int, int], options: dict) -> pd.DataFrame:
    """The returns of one chunk of runs of one cell; the first run's number is the seed."""
    first, runs = chunk
    result = run_mbrl(env, method, MODELS[model], predict, runs=runs, seed=first, **options)
    by_round = torch.cat([result.returns[:, None], result.round_returns], dim=-1)
    run, number = np.indices(by_round.shape)
    return pd.DataFrame(
        {
            "predict": predict,
            "model": model,
            "method": method,
            "run": first + run.ravel(),
            "round": number.ravel(),
            "return": by_round.numpy().ravel().astype(float).round(4),
        }
    )


def summarise(returns: pd.DataFrame) -> pd.DataFrame:
    """Mean, standard error and number of runs of every cell after the last round, beside the paper's."""
    final = returns[returns["round"] == 0]
    groups = final.groupby(["predict", "model", "method"], sort=False)["return"]
    table = groups.agg(mean="mean", stderr="sem", runs="count").reset_index()
    paper = [PAPER[key] for key in zip(table["model"], table["method"], strict=True)]
    table["paper_mean"], table["paper_stderr"] = zip(*paper, strict=True)
    ranks = {name: rank for rank, name in enumerate([*MODELS, *METHODS])}
    return table.sort_values(
        ["predict", "model", "method"],
        key=lambda column: column.map(lambda x: ranks.get(x, x)),
        ignore_index=True,
    )


def difference(returns: pd.DataFrame, model: str, method: str, other: str) -> pd.Series:
    """Mean of `method` minus mean of `other` with one model, with its standard error, for each `predict`."""
    table = summarise(returns)
    table = table[table["model"] == model].set_index(["method", "predict"])
    mean = table.loc[method, "mean"] - table.loc[other, "mean"]
    stderr = np.hypot(table.loc[method, "stderr"], table.loc[other, "stderr"])
    text = [f"{m:+.2f} ± {s:.2f}" for m, s in zip(mean, stderr, strict=True)]
    return pd.Series(text, index=mean.index, name=f"{model}: {method} − {other}")


def save(returns: pd.DataFrame, folder: str | Path, **settings: object) -> None:
    """Write the raw returns and their summary as CSV, and the settings and versions that made them."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    returns.to_csv(folder / "table1_returns.csv", index=False)
    summarise(returns).round(3).to_csv(folder / "table1.csv", index=False)
    versions = {
        "python": platform.python_version(),
        "torch": torch.__version__.split("+")[0],
        "numpy": np.__version__,
    }
    (folder / "table1_settings.json").write_text(json.dumps({**settings, "versions": versions}, indent=2) + "\n")


def load(folder: str | Path = STORED) -> pd.DataFrame:
    """The raw returns that `save` wrote, by default those stored in the repository."""
    return pd.read_csv(Path(folder) / "table1_returns.csv")
