"""Reward and log-ratio of many imagined steps, asked for a few thousand transitions at a time."""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from .support import validate

TOGETHER = 4096  # transitions that are judged at once: more at a time would leave the cache


def together(name: str, function: Callable[..., Tensor], steps: list[tuple[Tensor, ...]], axis: int) -> list[Tensor]:
    """A function of each step's tensors, asked of some steps at once; of copies, lest it edits them.

    Parameters
    ----------
    name : the argument that the function was given as
    function : of as many tensors as a step holds
    steps : tensors alike but for the size of one axis; the second is without features, (...)
    axis : that axis

    Returns
    -------
    Of every step what the function says of it, in the shape of its second tensor.

    Raises ValueError if it says anything but a number for each.
    """
    found = []
    for some in _groups(steps):
        copies = [torch.cat(parts, axis) for parts in zip(*some, strict=True)]
        said = validate.answer(name, function, *copies, shape=copies[1].shape)
        found += said.split([step[1].shape[axis] for step in some], axis)
    return found


def _groups(steps: list[tuple[Tensor, ...]]) -> list[list[tuple[Tensor, ...]]]:
    """Steps in groups of at most TOGETHER transitions, or of one step."""
    groups, size = [], math.inf
    for step in steps:
        size += step[1].numel()
        if size > TOGETHER:
            groups.append([])
            size = step[1].numel()
        groups[-1].append(step)
    return groups
