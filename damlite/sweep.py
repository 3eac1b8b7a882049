"""Table 1 on both roads: independent pieces (cell × chunk of stacked seeds) under joblib, kept as they end."""

import contextlib
import functools
import hashlib
import io
import json
import os
import platform
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import product
from pathlib import Path
from typing import NamedTuple

import joblib
import numpy as np
import pandas as pd
import torch
from scipy import stats
from tqdm.auto import tqdm

from . import exact, validate
from .envs import IcyRoad, Intersection
from .loop import METHODS, run_mbrl

STORED = Path(__file__).resolve().parent.parent / "figures"  # the repository's own results
CHUNK = 10  # seeds trained side by side
SEAL = "# sha256 of the lines above: "
MODELS = {"Gaussian": 1, "mixture": 4}
ROADS = {"IcyRoad": IcyRoad(), "Intersection": Intersection()}
# Table 1 of the paper: mean and standard error over 3 runs.
PAPER = {
    ("IcyRoad", "Gaussian", "baseline"): (0.71, 1.72),
    ("IcyRoad", "Gaussian", "minvar"): (0.86, 0.79),
    ("IcyRoad", "Gaussian", "disc"): (4.88, 0.50),
    ("IcyRoad", "Gaussian", "dam"): (2.32, 1.76),
    ("IcyRoad", "mixture", "baseline"): (5.34, 0.84),
    ("IcyRoad", "mixture", "minvar"): (4.55, 3.50),
    ("IcyRoad", "mixture", "disc"): (3.30, 2.75),
    ("IcyRoad", "mixture", "dam"): (7.94, 0.92),
    ("Intersection", "Gaussian", "baseline"): (62.67, 22.10),
    ("Intersection", "Gaussian", "minvar"): (31.40, 1.111),
    ("Intersection", "Gaussian", "disc"): (87.79, 15.34),
    ("Intersection", "Gaussian", "dam"): (46.76, 9.543),
    ("Intersection", "mixture", "baseline"): (29.58, 0.105),
    ("Intersection", "mixture", "minvar"): (31.30, 1.634),
    ("Intersection", "mixture", "disc"): (60.18, 19.58),
    ("Intersection", "mixture", "dam"): (97.72, 5.127),
}
QUICK = {"rounds": 1, "episodes": 2, "evaluation_episodes": 4, "steps": 300}  # options for a first look


class Piece(NamedTuple):
    """One chunk of stacked runs of one cell; the first run's number is the seed."""

    road: str
    predict: str
    model: str
    method: str
    first: int
    runs: int


def run_table1(
    seeds: int = 20,
    predicts: tuple[str, ...] = ("state", "velocity"),
    jobs: int = 2,
    roads: Mapping[str, object] = ROADS,
    folder: str | Path | None = None,
    progress: bool = True,
    device: str = "cpu",
    **options: object,
) -> pd.DataFrame:
    """Run the cells of Table 1, eight for each road, and return every run's returns.

    Its pieces are independent: on this machine's processes, or under `joblib.parallel_config("dask")` on a
    cluster, the numbers are the same.

    Parameters
    ----------
    seeds : runs per cell; they are trained side by side in chunks of 10
    predicts : what the models predict; the cells are run for each
    jobs : processes
    roads : the environments by name; by default both of the paper, and one's own go in as well
    folder : where each piece is kept as it ends, and found again by a later call with the same settings and
        the same code; None to keep nothing
    progress : show a progress bar
    device : where each piece's tensors are, "cuda" for a GPU, whose numbers differ from the processor's as those of
        other seeds would
    options : further arguments of `run_mbrl`, the same for all cells

    Returns
    -------
    Long table with columns road, predict, model, method, run, round and return. Rounds 1, 2, … are the rounds'
    own episodes; round 0 holds the mean over the evaluation episodes after the last round.
    """
    every = pieces(seeds, predicts, roads)
    kept = {} if folder is None else {name: Path(folder) / _digest(env, device, options) for name, env in roads.items()}
    found = (read_piece(kept[piece.road], piece) for piece in every if kept)
    tables = [table for table in found if table is not None]
    done = {_key(table) for table in tables}
    left = [piece for piece in every if piece not in done]
    with tqdm(total=len(every), initial=len(done), unit="piece", disable=not progress) as bar:
        for table in run_pieces(left, jobs, roads, device, **options):
            if kept:
                write_piece(kept[table["road"].iloc[0]], table)
            tables.append(table)
            bar.update()
    keys = ["road", "predict", "model", "method", "run", "round"]
    return pd.concat(tables).sort_values(keys, ignore_index=True)


def run_pieces(
    chosen: list[Piece],
    jobs: int = 2,
    roads: Mapping[str, object] = ROADS,
    device: str = "cpu",
    **options: object,
) -> Iterator[pd.DataFrame]:
    """The tables of the pieces, each as it ends."""
    parallel = joblib.Parallel(n_jobs=jobs, return_as="generator_unordered")
    return parallel(joblib.delayed(_run_piece)(roads[piece.road], piece, device, options) for piece in chosen)


def pieces(seeds: int, predicts: Iterable[str], roads: Iterable[str] = ROADS) -> list[Piece]:
    """All that Table 1 takes, the longest first."""
    validate.integer("seeds", seeds)
    chunks = [(first, min(CHUNK, seeds - first)) for first in range(0, seeds, CHUNK)]
    cells = product(reversed(tuple(roads)), predicts, reversed(MODELS), reversed(METHODS), chunks)
    return [Piece(*cell, *chunk) for *cell, chunk in cells]


def _run_piece(env: object, piece: Piece, device: str, options: dict) -> pd.DataFrame:
    """Every run's return after every round."""
    road, predict, model, method, first, runs = piece
    with contextlib.nullcontext() if device == "cpu" else validate.device("device", device):
        result = run_mbrl(env, method, MODELS[model], predict, runs=runs, seed=first, **options)
    by_round = torch.cat([result.returns[:, None], result.round_returns], dim=-1).cpu()
    run, number = np.indices(by_round.shape)
    return pd.DataFrame(
        {
            "road": road,
            "predict": predict,
            "model": model,
            "method": method,
            "run": first + run.ravel(),
            "round": number.ravel(),
            "return": by_round.numpy().ravel().astype(float).round(4),
        }
    )


def _key(table: pd.DataFrame) -> Piece:
    """The piece whose table this is."""
    cell = table[["road", "predict", "model", "method"]].iloc[0]
    return Piece(*cell, int(table["run"].min()), int(table["run"].nunique()))


def _digest(env: object, device: str, options: dict) -> str:
    """A name for all that the numbers hang on: the road, the device, the settings, torch's version and our own code."""
    digest = hashlib.sha256(repr((env, device, sorted(options.items()), torch.__version__)).encode())
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _path(folder: Path, piece: Piece) -> Path:
    return folder / "-".join([*piece[:4], f"{piece.first}+{piece.runs}.csv"])


def write_piece(folder: Path, table: pd.DataFrame) -> Path:
    """Keep a piece's table as CSV with a checksum as last line; the file appears at once and whole."""
    folder.mkdir(parents=True, exist_ok=True)
    path = _path(folder, _key(table))
    text = table.to_csv(index=False)
    unfinished = path.with_suffix(f".{os.getpid()}.tmp")
    unfinished.write_text(f"{text}{SEAL}{hashlib.sha256(text.encode()).hexdigest()}\n")
    unfinished.replace(path)
    return path


def read_piece(folder: Path, piece: Piece) -> pd.DataFrame | None:
    """The kept table of a piece; None if there is none, or, with a warning that names it, a damaged file."""
    path = _path(folder, piece)
    if not path.exists():
        return None
    text, _, seal = path.read_text(errors="replace").rpartition(SEAL)
    if seal.strip() != hashlib.sha256(text.encode()).hexdigest():
        warnings.warn(f"{path} is truncated or changed; its runs are computed again", stacklevel=2)
        return None
    return pd.read_csv(io.StringIO(text)).round({"return": 4})


def summarise(returns: pd.DataFrame) -> pd.DataFrame:
    """Every cell after the last round, beside the paper's, a row each.

    Columns: mean, stderr and runs; iqm, the mean of the middle half of the runs (Agarwal et al., 2021), with the
    ends of its 95 % bootstrap interval; regret, the road's optimum minus the mean; the paper's mean and error.
    What is not known (the optimum of an environment of one's own, an interval from one run) is NaN.
    """
    final = returns[returns["round"] == 0]
    rows = []
    for (road, predict, model, method), group in final.groupby(["road", "predict", "model", "method"], sort=False):
        values = group["return"]
        low, high = interval(interquartile_mean, values.to_numpy()) if len(values) > 1 else (np.nan, np.nan)
        paper_mean, paper_stderr = PAPER.get((road, model, method), (np.nan, np.nan))
        rows.append(
            {
                "road": road,
                "predict": predict,
                "model": model,
                "method": method,
                "mean": values.mean(),
                "stderr": values.sem(),
                "runs": len(values),
                "iqm": float(interquartile_mean(values.to_numpy())),
                "iqm_low": low,
                "iqm_high": high,
                "regret": optimum(road) - values.mean(),
                "paper_mean": paper_mean,
                "paper_stderr": paper_stderr,
            }
        )
    table = pd.DataFrame(rows)
    ranks = {name: rank for rank, name in enumerate([*MODELS, *METHODS])}
    return table.sort_values(
        ["road", "predict", "model", "method"],
        key=lambda column: column.map(lambda x: ranks.get(x, x)),
        ignore_index=True,
    )


@functools.cache
def optimum(road: str) -> float:
    """The best mean return that anyone can reach on one of the paper's roads; NaN for others."""
    return exact.optimum(ROADS[road]) if road in ROADS else float("nan")


def interquartile_mean(runs: np.ndarray, axis: int = -1) -> np.ndarray:
    """Mean of the middle half, along `axis`: a quarter of the runs is left out at either end."""
    return stats.trim_mean(runs, 0.25, axis=axis)


def interval(
    statistic: Callable[..., np.ndarray], *samples: np.ndarray, level: float = 0.95, resamples: int = 4000
) -> tuple[float, float]:
    """Bootstrap interval (SciPy, percentiles) of a statistic of the runs of one cell or of several."""
    drawn = stats.bootstrap(
        samples,
        statistic,
        n_resamples=resamples,
        confidence_level=level,
        method="percentile",
        rng=np.random.default_rng(0),
    )
    return float(drawn.confidence_interval.low), float(drawn.confidence_interval.high)


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
