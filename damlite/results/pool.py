"""Independent pieces of work under joblib, each run once, kept as it ends, and found again."""

import contextlib
import os
import platform
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from tqdm.auto import tqdm

from ..diagnostics.alarm import quiet
from ..envs import Environment
from ..loop import METHODS, run_mbrl
from ..recipe import Recipe
from ..support import validate
from . import kept, workers
from .kept import Piece

PASSES = 3  # one step of training costs about as much as so many passes forward of its batch


class Task(NamedTuple):
    """A piece, and all that its numbers hang on; `models` says how many components each kind of model has."""

    piece: Piece
    env: Environment
    recipe: Recipe
    device: str = "cpu"
    models: Mapping[str, int] = kept.MODELS


def run(
    tasks: list[Task], jobs: int = 2, folder: str | Path | None = None, progress: bool = True
) -> list[pd.DataFrame]:
    """The tables of the tasks, in their order.

    Parameters
    ----------
    tasks : what to do; two that are the same work, whatever they are for, are done once if there is a folder
    jobs : processes of this machine; a cluster's under `joblib.parallel_config("dask")`
    folder : where each piece is kept as it ends and found again, see `kept.fingerprint`; None to keep nothing
    progress : show a progress bar

    Returns
    -------
    One table a task as from `run_mbrl`: road, predict, model, method, run, round and return. Its `attrs["seconds"]`
    says how long the work took when it was done.

    A piece that cannot be written, because the disk is full, say, is named in a warning and written with a later one;
    it is in what is returned in any case.

    Raises
    ------
    ValueError
        Before any work, if the folder cannot be written to.
    """
    places = [None] * len(tasks) if folder is None else _places(tasks, kept.check_writable(folder))
    found: dict[object, pd.DataFrame] = {}
    left: dict[object, int] = {}
    names = [number if place is None else (place, tasks[number].piece) for number, place in enumerate(places)]
    for number, name in enumerate(names):
        if name in found or name in left:
            continue
        table = None if places[number] is None else kept.read_piece(places[number], tasks[number].piece)
        if table is None:
            left[name] = number
        else:
            found[name] = table
    with tqdm(total=len(found) + len(left), initial=len(found), unit="piece", disable=not progress) as bar:
        order = sorted(left, key=lambda name: cost(tasks[left[name]]), reverse=True)
        waiting: list[tuple[Path, pd.DataFrame]] = []
        for number, table in stream([tasks[left[name]] for name in order], jobs):
            name = order[number]
            if (place := places[left[name]]) is not None:
                waiting = _keep([*waiting, (place, table)])
            found[name] = table
            bar.update()
    return [found[name] for name in names]


def _keep(waiting: list[tuple[Path, pd.DataFrame]]) -> list[tuple[Path, pd.DataFrame]]:
    """Keep what is finished; return, with a warning, what cannot be written now and is tried again with the next."""
    failed = []
    for place, table in waiting:
        try:
            kept.write_piece(place, table)
        except OSError as error:
            failed.append((place, table))
            name = kept.name_of(kept.piece_of(table))
            warnings.warn(f"{name} is finished but cannot be kept in {place} for now: {error}", stacklevel=3)
    return failed


def _places(tasks: list[Task], folder: Path) -> list[Path]:
    """Where each task's piece is kept; what the pieces of one variant share is asked once."""
    known: dict[tuple, Path] = {}
    places = []
    for task in tasks:
        same = (id(task.env), id(task.recipe), id(task.models), task.device)
        if same not in known:
            place = folder / kept.fingerprint(task.env, task.recipe, task.device, task.models)
            known[same] = kept.check_writable(place)
        places.append(known[same])
    return places


def stream(tasks: list[Task], jobs: int = 2) -> Iterator[tuple[int, pd.DataFrame]]:
    """The number of a task and its table, each as it ends."""
    return workers.share(_run, enumerate(tasks), jobs)


def cost(task: Task) -> float:
    """Roughly what a task takes, in rows that pass through a network: the order of work hangs on it, no number."""
    recipe, planner, corrected = task.recipe, task.recipe.planner, METHODS[task.piece.method][1]
    steps = (recipe.rounds * recipe.episodes + recipe.evaluation_episodes) * task.env.horizon
    imagined = min(planner.horizon, task.env.horizon) * planner.particles * getattr(planner, "candidates", 50)
    rounds = 1 + recipe.rounds
    how = recipe.model_training
    again = how.steps if recipe.later_steps is None else min(how.steps, recipe.later_steps)
    trained = (how.steps + (rounds - 1) * again) * how.batch * PASSES
    return task.piece.runs * (1 + corrected) * (steps * imagined + trained)


@quiet()  # thousands of fits, many of them untrustworthy on purpose
def _run(number: int, task: Task) -> tuple[int, pd.DataFrame]:
    """Every run's return after every round; 0 is the number of the evaluation after the last."""
    road, predict, model, method, first, runs = task.piece
    began = time.perf_counter()
    with contextlib.nullcontext() if task.device == "cpu" else validate.device("device", task.device):
        components = task.models[model]
        result = run_mbrl(task.env, method, components, predict, runs=runs, seed=first, recipe=task.recipe)
    by_round = torch.cat([result.returns[:, None], result.round_returns], dim=-1).cpu()
    run, by = np.indices(by_round.shape)
    table = pd.DataFrame(
        {
            "road": road,
            "predict": predict,
            "model": model,
            "method": method,
            "run": first + run.ravel(),
            "round": by.ravel(),
            "return": by_round.numpy().ravel().astype(float).round(4),
        }
    )
    table.attrs["seconds"] = round(time.perf_counter() - began, 3)
    return number, table


def seconds(tables: Iterable[pd.DataFrame], name: Callable[[pd.DataFrame], str] | None = None) -> dict[str, float]:
    """How long each piece's work took, by its name; those of an older layout do not say."""
    name = name or (lambda table: kept.name_of(kept.piece_of(table)))
    return {name(table): table.attrs["seconds"] for table in tables if "seconds" in table.attrs}


def told_seconds(by_piece: Mapping[str, float]) -> dict:
    """Seconds as settings tell them: the total, on what machine, and those of each piece."""
    return {
        "seconds": {"total": round(sum(by_piece.values()), 1), "pieces": dict(sorted(by_piece.items()))},
        "hardware": hardware(),
    }


def hardware() -> dict[str, object]:
    """The processor's name and its number of cores; nothing that tells whose machine it is."""
    name = platform.processor() or platform.machine()
    with contextlib.suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        name = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), name)
    return {"processor": name, "cores": os.cpu_count()}
