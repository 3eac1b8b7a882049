"""Errors that name the argument, what came and what was expected."""

import math
from collections.abc import Sequence
from typing import TypeVar

import torch
from torch import Tensor

Choices = TypeVar("Choices")


def integer(name: str, value: object, least: int = 1) -> int:
    """Return `value` if it is a whole number of at least `least`; raise ValueError otherwise."""
    if isinstance(value, bool) or not hasattr(value, "__index__") or value.__index__() < least:
        kind = {0: "a non-negative", 1: "a positive"}.get(least, f"at least {least}, an")
        raise ValueError(f"{name} must be {kind} integer, got {value!r}")
    return value.__index__()


def integers(name: str, value: object, only_tuples: bool = False) -> tuple[int, ...]:
    """Return a positive integer, or a tuple of some, as a tuple; raise ValueError if `value` is neither."""
    every = value if isinstance(value, tuple) else (None if only_tuples else value,)
    try:
        return tuple(integer(name, each) for each in every or (None,))
    except ValueError:
        kind = "a tuple of positive integers" if only_tuples else "a positive integer or a tuple of them"
        raise ValueError(f"{name} must be {kind}, got {value!r}") from None


def boolean(name: str, value: object) -> bool:
    """Return `value` if it is True or False; raise ValueError otherwise."""
    if not isinstance(value, bool):
        raise ValueError(f"{name} must be True or False, got {value!r}")
    return value


def instance(name: str, value: Choices, kind: type[Choices]) -> Choices:
    """Return `value` if it is of this kind; raise ValueError otherwise."""
    if not isinstance(value, kind):
        article = "an" if kind.__name__[0] in "AEIOU" else "a"
        raise ValueError(f"{name} must be {article} {kind.__name__}, got {value!r}")
    return value


def fields(kind: type[Choices], given: dict[str, object]) -> Choices:
    """Return a dataclass of this kind with the given fields; raise ValueError if it has no such field."""
    known = kind.__dataclass_fields__
    for name, value in given.items():
        if name not in known:
            raise ValueError(f"{name} is no choice of {kind.__name__} (got {value!r}); it has {', '.join(known)}")
    return kind(**given)


def number(name: str, value: object, least: float = -math.inf, most: float = math.inf) -> float:
    """Return `value` as a float if it is finite and in [least, most]; raise ValueError otherwise."""
    try:
        result = float(value)
    except (TypeError, ValueError):
        result = math.nan
    if not (math.isfinite(result) and least <= result <= most):
        bounds = "" if (least, most) == (-math.inf, math.inf) else f" in [{least:g}, {most:g}]"
        raise ValueError(f"{name} must be a finite number{bounds}, got {value!r}")
    return result


def choice(name: str, value: object, options: Sequence[str]) -> str:
    """Return `value` if it is one of `options`; raise ValueError otherwise."""
    if value not in options:
        raise ValueError(f"{name} must be one of {', '.join(map(repr, options))}, got {value!r}")
    return value


def device(name: str, value: str) -> torch.device:
    """Return `value` as a device that torch can use here; raise ValueError otherwise."""
    try:
        found = torch.device(value)
        torch.empty(0, device=found)
    except (RuntimeError, AssertionError) as error:
        raise ValueError(f"{name} must be one that torch can use here, got {value!r}: {error}") from None
    return found


def states(name: str, value: object, size: int) -> Tensor:
    """Return `value` as a float tensor (..., size); raise ValueError if its last axis is another."""
    tensor = torch.as_tensor(value)
    tensor = tensor if tensor.is_floating_point() else tensor.float()
    if tensor.ndim == 0 or tensor.shape[-1] != size:
        raise ValueError(f"{name} must have shape (..., {size}), got {tuple(tensor.shape)}")
    return tensor


def actions(name: str, value: object, n_actions: int) -> Tensor:
    """Return `value` as an int64 tensor of numbers from 0 to n_actions - 1; raise ValueError otherwise."""
    tensor = torch.as_tensor(value)
    if tensor.is_floating_point() or tensor.dtype == torch.bool:
        raise ValueError(f"{name} must be integers from 0 to {n_actions - 1}, got {tensor.dtype}")
    low, high = (int(x) for x in tensor.aminmax()) if tensor.numel() else (0, 0)
    if not 0 <= low <= high < n_actions:
        raise ValueError(f"{name} must be integers from 0 to {n_actions - 1}, got {low} to {high}")
    return tensor.long()


def transition(env: object, state: object, action: object) -> tuple[Tensor, Tensor]:
    """Return states (..., S) and actions (...) of an environment, broadcast against each other."""
    state = states("state", state, len(env.state_names))
    action = actions("action", action, env.n_actions).to(state.device)
    batch = broadcastable(state=state[..., 0], action=action)
    return state.expand(*batch, state.shape[-1]), action.expand(batch)


def broadcastable(**tensors: Tensor) -> torch.Size:
    """Return the broadcast batch shape of the named tensors' leading axes; raise ValueError if none.

    Each tensor is given by its batch part alone (a view without its feature axis).
    """
    shapes = {t.shape for t in tensors.values()}
    if len(shapes) == 1:
        return shapes.pop()
    try:
        return torch.broadcast_tensors(*tensors.values())[0].shape
    except RuntimeError:
        shapes = ", ".join(f"{name} {tuple(t.shape)}" for name, t in tensors.items())
        raise ValueError(f"batch shapes must broadcast, got {shapes}") from None
