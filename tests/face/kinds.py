"""What an argument can be, and the ways in which each kind of argument comes wrong, or unusual."""

import math
import random
import types
from collections.abc import Callable

import numpy as np
import torch

import damlite as dl

from .calls import Way


def fixed(value: object, outcome: str = "error") -> Way:
    """This value in place of the right one."""
    return Way(lambda _: value, outcome)


def of_right(change: Callable, outcome: str = "same") -> Way:
    """The right value, changed."""
    return Way(change, outcome)


def no_return(*_: object, **__: object) -> None:
    """A function whose author forgot to return."""


def tensor_ways(served: str) -> dict[str, Way]:
    """A tensor of floating-point numbers, in other clothes or none."""
    return {
        "list": of_right(lambda x: x.tolist()),
        "numpy": of_right(lambda x: x.numpy()),
        "float64": of_right(lambda x: x.double()),
        "requires grad": of_right(lambda x: x.clone().requires_grad_()),
        "not contiguous": of_right(
            lambda x: x.unsqueeze(-1).expand(*x.shape, 2).transpose(-1, 0).transpose(-1, 0)[..., 0]
        ),
        "float16": of_right(lambda x: x.half(), "finite"),
        "int32": of_right(lambda x: x.round().int(), "finite"),
        "bool": of_right(lambda x: x > 0, "error"),
        "complex": of_right(lambda x: x + 1j, "error"),
        "nan": of_right(lambda x: x * math.nan, served),
        "inf": of_right(lambda x: x + math.inf, served),
        "None": fixed(None),
        "text": fixed("2"),
        "module": fixed(torch),
        "function": fixed(torch.zeros),
        "dict": fixed({}),
        "objects": of_right(lambda x: np.full(x.shape, None), "error"),
        "set": fixed({1.0}),
    }


_NUMBER = {
    "text": fixed("2"),
    "None": fixed(None),
    "nan": fixed(math.nan),
    "inf": fixed(math.inf),
    "minus inf": fixed(-math.inf),
    "True": fixed(True),
    "list": fixed([1.0]),
    "two": fixed(torch.tensor([1.0, 2.0])),
    "complex": fixed(1j),
    "function": fixed(math.sqrt),
    "module": fixed(math),
    "dict": fixed({}),
    "numpy": of_right(lambda x: np.float64(x)),
    "tensor": of_right(lambda x: torch.tensor(float(x), dtype=torch.float64)),
}
_SIZE = {**_NUMBER, "negative": fixed(-1.0)}
_COUNT = {
    "zero": fixed(0),
    "negative": fixed(-1),
    "fraction": fixed(2.5),
    "True": fixed(True),
    "text": fixed("3"),
    "None": fixed(None),
    "nan": fixed(math.nan),
    "inf": fixed(math.inf),
    "list": fixed([3]),
    "two": fixed(torch.tensor([1, 2])),
    "function": fixed(len),
    "huge": fixed(10**18),
    "numpy": of_right(lambda x: np.int64(x)),
    "numpy of no axes": of_right(lambda x: np.array(x)),
    "tensor": of_right(lambda x: torch.tensor(x)),
}

# Each kind's ways. A public name whose outcome is another says so in its `but`.
WAYS: dict[str, dict[str, Way]] = {
    "number": _NUMBER,
    "size": _SIZE,  # a number of at least 0
    "probability": {**_SIZE, "above one": fixed(1.5)},
    "optional size": {**_SIZE, "None": fixed(None, "finite")},
    "count": _COUNT,
    "optional count": {**_COUNT, "None": fixed(None, "finite")},
    "flag": {
        "one": fixed(1),
        "text": fixed("yes"),
        "None": fixed(None),
        "zero": fixed(0.0),
        "list": fixed([]),
        "tensor": fixed(torch.tensor([True, False])),
    },
    "choice": {
        "nonsense": fixed("nonsense"),
        "empty": fixed(""),
        "capitals": of_right(lambda x: str(x).upper(), "error"),
        "number": fixed(3),
        "None": fixed(None),
        "list": of_right(lambda x: [x], "error"),
        "tensor": fixed(torch.zeros(2)),
        "function": fixed(len),
    },
    "states": {
        **tensor_ways("nan"),
        "inf": of_right(lambda x: x + math.inf, "runs"),
        "one coordinate more": of_right(lambda x: torch.cat([x, x[..., :1]], -1), "error"),
        "one coordinate less": of_right(lambda x: x[..., :-1], "error"),
        "scalar": fixed(1.0),
        "no states": of_right(lambda x: x[:0], "error"),
    },
    "numbers": {**tensor_ways("error"), "scalar": fixed(1.0), "empty": of_right(lambda x: x[..., :0], "error")},
    "actions": {
        "list": of_right(lambda x: x.tolist()),
        "numpy": of_right(lambda x: x.numpy()),
        "int32": of_right(lambda x: x.int()),
        "uint8": of_right(lambda x: x.to(torch.uint8)),
        "uint16": of_right(lambda x: x.to(torch.uint16)),
        "numpy uint64": of_right(lambda x: x.numpy().astype(np.uint64)),
        "not contiguous": of_right(lambda x: x.unsqueeze(-1).expand(*x.shape, 2)[..., 0]),
        "floats": of_right(lambda x: x.float(), "error"),
        "bool": of_right(lambda x: x > 0, "error"),
        "complex": of_right(lambda x: x + 0j, "error"),
        "negative": of_right(lambda x: x - 10, "error"),
        "too great": of_right(lambda x: x + 10, "error"),
        "huge": of_right(lambda x: x + 10**15, "error"),
        "None": fixed(None),
        "text": fixed("left"),
        "texts": fixed(["left"]),
        "module": fixed(torch),
        "function": fixed(torch.zeros),
        "dict": fixed({}),
        "planner": fixed(dl.Exhaustive()),
    },
    "env": {
        "class": fixed(dl.IcyRoad),
        "None": fixed(None),
        "text": fixed("IcyRoad"),
        "number": fixed(3),
        "module": fixed(dl),
        "dict": fixed({}),
        "tensor": fixed(torch.zeros(4)),
        "namespace": fixed(types.SimpleNamespace(horizon=5, n_actions=3)),
    },
    "generator": {
        "seed": fixed(0),
        "text": fixed("0"),
        "numpy": fixed(np.random.default_rng(0)),
        "module": fixed(random),
        "function": fixed(dl.seeded),
        "True": fixed(True),
        "None": fixed(None, "runs"),
    },
}
