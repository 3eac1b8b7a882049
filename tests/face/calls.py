"""Hostile calls of the public face: a call that is right, and every argument of it made wrong in each way of its kind.

`PYTHONPATH=. python tests/face/count.py` counts what becomes of them.
"""

import dataclasses
import math
import re
import resource
import signal
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import pandas as pd
import torch
from torch import Tensor

SECONDS = 10.0  # that a call may take: none needs one on a quiet machine
KILOBYTES = 1_000_000  # that a call may add to the most that the process ever held


@dataclasses.dataclass(frozen=True)
class Public:
    """One public function, class or method, and a call of it that is right.

    Attributes
    ----------
    name : as a reader writes it, "dl.collect"
    call : function of keyword arguments, the public name itself unless it is a method
    good : makes the arguments of a right call, anew each time
    kinds : of each parameter what it is, a key of `kinds.WAYS`
    but : outcomes that differ from the kind's own, by (argument, way)
    slow : make it wrong only in ways that must end in an error; the right call takes long
    says : what an error calls an argument, where it is not the argument's name: one name, or "this or that"
    """

    name: str
    call: Callable
    good: Callable[[], dict[str, object]]
    kinds: dict[str, str] = dataclasses.field(default_factory=dict)
    but: dict[tuple[str, str], str] = dataclasses.field(default_factory=dict)
    says: dict[str, str] = dataclasses.field(default_factory=dict)
    slow: bool = False


@dataclasses.dataclass(frozen=True)
class Way:
    """A way to make an argument wrong, or unusual: from the right value another, and what must become of it.

    `outcome` is "error" (which names the argument, what came and what was expected), "same" (the right call's result,
    to rounding), "finite" (some other result, without NaN), "nan" (NaN in, NaN out) or "runs" (nothing to compare).
    """

    change: Callable[[object], object]
    outcome: str = "error"


@dataclasses.dataclass(frozen=True)
class Call:
    """One argument of a public name, wrong in one way."""

    public: Public
    argument: str
    way: str
    change: Callable[[object], object]
    expected: str

    def __str__(self) -> str:
        return f"{self.public.name}({self.argument}: {self.way})"

    def outcome(self) -> tuple[str, str]:
        """What became of it, and the words for that: an outcome of `Way`, or "obscure", "wrong", "late" or "large"."""
        arguments = self.public.good()
        arguments[self.argument] = self.change(arguments.get(self.argument))
        before, start = _peak(), time.monotonic()
        try:
            with limited(), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                result = self.public.call(**arguments)
        except _TooLate:
            return "late", f"took more than {SECONDS:g} s"
        except Exception as error:
            result, message = None, f"{type(error).__name__}: {error}"
            kind = "error" if self.names_it(error) else "obscure"
        else:
            kind, message = self.judged(result), f"{result!r}"[:300]
        if time.monotonic() - start > SECONDS:
            return "late", f"took {time.monotonic() - start:.0f} s"
        if _peak() - before > KILOBYTES:
            return "large", f"took {(_peak() - before) / 1e6:.1f} GB"
        return kind, message

    def names_it(self, error: Exception) -> bool:
        """Does this error name the argument, what was expected and what came?"""
        said = "|".join(map(re.escape, self.public.says.get(self.argument, self.argument).split(" or ")))
        text = str(error)
        expected = re.search(r"\b(must|needs?|takes|is no|has no|expected)\b", text)
        named = re.search(rf"(?<!\w)({said})(?!\w)", text)
        return isinstance(error, ValueError | TypeError) and bool(named and expected and re.search(r"\bgot\b", text))

    def judged(self, result: object) -> str:
        """Which outcome a result is, as far as the expected one asks."""
        if self.expected == "runs":
            return "runs"
        if self.expected == "same":
            return "same" if alike(result, self.public.call(**self.public.good())) else "wrong"
        numbers = list(tensors(result))
        if any(t.isnan().any() for t in numbers if t.is_floating_point()):
            return "nan"
        return "finite" if self.expected == "finite" else "wrong"


def calls(public: Public, ways: dict[str, dict[str, Way]]) -> Iterator[Call]:
    """Every argument of a public name in every way of its kind."""
    for argument, kind in public.kinds.items():
        for way, how in ways[kind].items():
            expected = public.but.get((argument, way), how.outcome)
            if expected == "error" or not (public.slow or expected == "left out"):
                yield Call(public, argument, way, how.change, expected)


class _TooLate(BaseException):
    pass


@contextmanager
def limited() -> Iterator[None]:
    """Stop what takes too long, as far as Python can."""

    def stop(*_: object) -> None:
        raise _TooLate

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def tensors(x: object) -> Iterator[Tensor]:
    """Every number in a result."""
    if isinstance(x, Tensor):
        yield x
    elif isinstance(x, torch.nn.Module):
        yield from x.state_dict().values()
    elif isinstance(x, np.ndarray) and x.dtype.kind in "fiub":
        yield torch.as_tensor(x)
    elif isinstance(x, float | int | np.number) and not isinstance(x, bool):
        yield torch.tensor(float(x))
    elif dataclasses.is_dataclass(x) and not isinstance(x, type):
        for field in dataclasses.fields(x):
            yield from tensors(getattr(x, field.name))
    elif isinstance(x, pd.DataFrame | pd.Series):
        yield from tensors(x.to_numpy())
    elif isinstance(x, np.ndarray | list | tuple):
        for value in x:
            yield from tensors(value)
    elif isinstance(x, dict):
        for value in x.values():
            yield from tensors(value)


def alike(one: object, other: object) -> bool:
    """Do two results hold the same numbers, to rounding?"""
    pairs = list(tensors(one)), list(tensors(other))
    if len(pairs[0]) != len(pairs[1]) or (type(one) is not type(other)):
        return False
    if not pairs[0] and not callable(one):
        return repr(one) == repr(other)
    return all(
        a.shape == b.shape and torch.allclose(a.double(), b.double(), rtol=1e-4, atol=1e-5, equal_nan=True)
        for a, b in zip(*pairs, strict=True)
        if not math.prod(a.shape) == math.prod(b.shape) == 0
    )
