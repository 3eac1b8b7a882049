"""One torch thread for what several only slow down: small networks on small batches."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def one_thread() -> Iterator[None]:
    """Run on one torch thread, and give the caller's number back, also after an exception; a decorator too.

    Fits, planning and estimates do this by themselves: threads that wait for one another cost them most where other
    processes keep the cores busy.
    """
    before = torch.get_num_threads()
    try:
        if before != 1:
            torch.set_num_threads(1)
        yield
    finally:
        if before != 1:
            torch.set_num_threads(before)
