"""Processes that share work under joblib, and that end with the process that asked for it."""

import functools
import multiprocessing
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator

import joblib

LOOKS = 1.0  # seconds between two looks at whether the process that asked is still there


def share(function: Callable, calls: Iterable[tuple], jobs: int, *, in_order: bool = False) -> Iterator:
    """What a function returns for each tuple of arguments: in their order, or each as it ends.

    Under `joblib.parallel_config("dask")` the work goes to a cluster. Processes of this machine end within seconds
    when this one does, also when it is killed and cannot tell them.
    """
    parallel = joblib.Parallel(n_jobs=jobs, return_as="generator" if in_order else "generator_unordered")
    work = joblib.delayed(_work)
    return parallel(work(os.getpid(), function, *arguments) for arguments in calls)


def _work(asker: int, function: Callable, *arguments: object) -> object:
    if multiprocessing.current_process().name.startswith("LokyProcess"):  # not one of a cluster, and not the asker
        _end_with(asker)
    return function(*arguments)


@functools.cache
def _end_with(asker: int) -> None:
    """End this process, whatever it does, once its parent is gone; once is enough."""

    def watch() -> None:
        while os.getppid() == asker:
            time.sleep(LOOKS)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
