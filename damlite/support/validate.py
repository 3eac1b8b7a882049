"""Errors that name the argument, what came and what was expected."""

import inspect
import math
import operator
from collections.abc import Callable, Collection, Sequence
from typing import TypeVar

import torch
from torch import Tensor

from . import limits

Choices = TypeVar("Choices")
MOST = 10**9  # that anything is counted to: more steps, episodes or particles end no sooner than a typing error


def shown(value: object) -> str:
    """What came, in one line: a class without its brackets, a network by its kind, a long text or tensor shortened."""
    if isinstance(value, type):
        return f"the class {value.__name__} (without brackets)"
    if isinstance(value, torch.nn.Module) or " object at 0x" in repr(value):
        return _a(type(value))
    first, *more = repr(value).splitlines() or [""]
    size = f" of shape {tuple(value.shape)}" if isinstance(value, Tensor) and value.numel() > 1 else ""
    return f"{first[:100]} …{size}" if more or len(first) > 100 else f"{first}{size}"


def _a(kind: type) -> str:
    return f"{'an' if kind.__name__[0] in 'AEIOU' else 'a'} {kind.__name__}"


def integer(name: str, value: object, least: int = 1, most: int = MOST) -> int:
    """Return `value` if it is a whole number in [least, most]; raise ValueError otherwise."""
    try:
        result = least - 1 if isinstance(value, bool) else operator.index(value)
    except TypeError:
        result = least - 1
    if not least <= result <= most:
        kind = {0: "a non-negative", 1: "a positive"}.get(least, f"at least {least}, an")
        bound = f" of at most {most:,}" if result > most else ""
        raise ValueError(f"{name} must be {kind} integer{bound}, got {shown(value)}")
    return result


def integers(name: str, value: object, only_tuples: bool = False) -> tuple[int, ...]:
    """Return a positive integer, or a tuple or list of some, as a tuple; raise ValueError if `value` is neither."""
    every = value if isinstance(value, tuple | list) else (None if only_tuples else value,)
    try:
        return tuple(integer(name, each) for each in every or (None,))
    except ValueError:
        kind = "a tuple of positive integers" if only_tuples else "a positive integer or a tuple of them"
        raise ValueError(f"{name} must be {kind}, got {shown(value)}") from None


def boolean(name: str, value: object) -> bool:
    """Return `value` if it is True or False; raise ValueError otherwise."""
    if not isinstance(value, bool):
        raise ValueError(f"{name} must be True or False, got {shown(value)}")
    return value


def instance(name: str, value: Choices, kind: type[Choices], hint: str = "") -> Choices:
    """Return `value` if it is of this kind; raise ValueError, with a hint where to find one, otherwise."""
    if not isinstance(value, kind):
        raise ValueError(f"{name} must be {_a(kind)}{hint}, got {shown(value)}")
    return value


def environment(name: str, value: object) -> object:
    """Return `value` if it is an environment with a horizon, actions and coordinates; raise ValueError otherwise."""
    from ..envs import Environment  # here, as they ask this module

    env = instance(name, value, Environment)
    for count in ("horizon", "n_actions"):
        integer(f"{name}.{count}", getattr(env, count, None))
    labels = getattr(env, "state_names", None)
    if not isinstance(labels, Collection) or not len(labels) or not all(isinstance(label, str) for label in labels):
        raise ValueError(f"{name}.state_names must be a sequence of texts, at least one, got {shown(labels)}")
    return env


def kinematics(name: str, env: object) -> object:
    """The kinematics of an environment, or None; raise ValueError if they do not fit its coordinates."""
    from ..mixture import Kinematics

    found, size = env.kinematics, len(env.state_names)
    if found is None:
        return None
    instance(f"{name}.kinematics", found, Kinematics)
    lengths = {len(each) for each in (found.source, found.scale, found.keep)}
    known = all(0 <= i < size for i in found.random) and all(0 <= f < len(found.random) for f in found.source)
    if lengths != {size} or not known:
        raise ValueError(f"{name}.kinematics must be of its {size} coordinates, got {shown(found)}")
    return found


def sides(name: str, env: object) -> tuple:
    """The sides of an environment, at least one; raise ValueError if one has other coordinates or actions."""
    found = env.sides()
    if not isinstance(found, tuple | list) or not found:
        raise ValueError(f"{name}.sides() must be a tuple of environments, at least one, got {shown(found)}")
    for side in found:
        if (got := sizes(environment(f"each of {name}.sides()", side))) != (expected := sizes(env)):
            raise ValueError(f"{name}.sides() must have (coordinates, actions) {expected}, got {got}")
    return tuple(found)


def known_dynamics(name: str, value: object) -> object:
    """Return `value` if it is an environment that knows its transition; raise ValueError otherwise."""
    from ..envs import Environment

    if type(environment(name, value)).transition is Environment.transition:
        raise ValueError(f"{name} must be an environment with a known transition for exact ratios, got {shown(value)}")
    return value


def unchanged(name: str, value: Choices, kind: type[Choices], *own: str) -> Choices:
    """Return `value` if it is of this kind and has these of it as they are; raise ValueError if its class has others.

    What is known in closed form of a kind of environment is not known of a class that changes them.
    """
    for one in own:
        if getattr(type(instance(name, value, kind)), one) != getattr(kind, one):
            raise ValueError(f"{name} must have the {one} of {kind.__name__}, got {shown(value)}, which has its own")
    return value


def environment_class(name: str, value: object) -> type:
    """Return `value` if it is a class of environments; raise ValueError otherwise."""
    from ..envs import Environment

    if not (isinstance(value, type) and issubclass(value, Environment)):
        raise ValueError(f"{name} must be a class of environments, as IcyRoad is, got {shown(value)}")
    return value


def batch(name: str, sizes: object, each: int = 0) -> tuple[int, ...]:
    """Return sizes of batch axes as a tuple; raise ValueError if one is no whole number of at least 0.

    each : numbers that each entry of the batch holds, which are refused if they are more than fit in all
    """
    if not isinstance(sizes, tuple | list):
        raise ValueError(f"{name} must be a tuple of sizes, got {shown(sizes)}")
    found = tuple(integer(name, size, least=0) for size in sizes)
    size = " × ".join(f"{n:,}" for n in (*found, each))
    limits.at_most(limits.IMAGINED, "numbers", name, math.prod(found) * each, "ask for fewer at a time", size)
    return found


def each(owner: object, check: Callable, *names: str, optional: bool = False, **bounds: float) -> None:
    """Check fields of a frozen dataclass on its construction; a NumPy number or a tensor is kept as a plain number.

    So is a whole number beyond int64, as a float.

    optional : a field may be None
    """
    for name in names:
        value = getattr(owner, name)
        if value is None and optional:
            continue
        checked = check(name, value, **bounds)
        fits = type(value) is not int or abs(value) < 2**63  # torch takes no greater one
        if type(value) not in (int, float) or not fits:
            object.__setattr__(owner, name, checked)


def fields(kind: type[Choices], given: dict[str, object]) -> Choices:
    """Return a dataclass of this kind with the given fields; raise ValueError if it has no such field."""
    known = kind.__dataclass_fields__
    for name, value in given.items():
        if name not in known:
            raise ValueError(f"{name} is no choice of {kind.__name__} (got {shown(value)}); it has {', '.join(known)}")
    return kind(**given)


def number(name: str, value: object, least: float = -math.inf, most: float = math.inf) -> float:
    """Return `value` as a float if it is finite and in [least, most]; raise ValueError otherwise."""
    try:
        result = math.nan if isinstance(value, bool | str | bytes) else float(value)
    except (TypeError, ValueError, RuntimeError, OverflowError):
        result = math.nan
    if not (math.isfinite(result) and least <= result <= most):
        bounds = "" if (least, most) == (-math.inf, math.inf) else f" in [{least:g}, {most:g}]"
        raise ValueError(f"{name} must be a finite number{bounds}, got {shown(value)}")
    return result


def choice(name: str, value: object, options: Sequence[str | bool]) -> str | bool:
    """Return `value` if it is one of `options`; raise ValueError otherwise."""
    if not any(isinstance(value, type(option)) and value == option for option in options):
        raise ValueError(f"{name} must be one of {', '.join(map(repr, options))}, got {shown(value)}")
    return value


def generator(name: str, value: object) -> torch.Generator | None:
    """Return `value` if it is a generator or None; raise ValueError otherwise."""
    return value if value is None else instance(name, value, torch.Generator, ", as seeded(0) makes one, or None")


def function(name: str, value: object, of: str, hint: str = "") -> Callable:
    """Return `value` if it is a function; raise ValueError, which names a method of it that may be meant, otherwise."""
    no_forward = getattr(type(value), "forward", None) is torch.nn.Module.forward  # a network that is no function
    if isinstance(value, type) or not callable(value) or hasattr(value, name) or no_forward:
        meant = f": give its {name}" if hasattr(value, name) else ""
        raise ValueError(f"{name} must be a function of ({of}){hint}, got {shown(value)}{meant}")
    return value


def answer(name: str, function: Callable, *given: Tensor, shape: torch.Size) -> Tensor:
    """What the function that was given as `name` says, a number for each transition; raise ValueError otherwise."""
    try:
        found = function(*given)
    except TypeError:
        takes(name, function, len(given))
        raise
    return one_each(name, found, given[0], shape)


def one_each(name: str, found: object, state: Tensor, shape: torch.Size | None = None) -> Tensor:
    """What a function says of states (..., S), as floating-point numbers (...); raise ValueError if it is no such."""
    shape = state.shape[:-1] if shape is None else shape
    if type(found) in (int, float):  # a number of Python's is meant for all; a tensor () may have lost its axes
        return state.new_full(shape, found)
    if not isinstance(found, Tensor) or not found.is_floating_point():
        found = numbers(f"what {name} returns", found.to(state) if _is_bool(found) else found)
    if found.shape != shape:
        got = f"shape {tuple(found.shape)}" if found.ndim else shown(found.item())
        raise ValueError(f"{name} must return a number for each transition, shape {tuple(shape)}, got {got}")
    return found


def features(name: str, found: object, state: Tensor) -> Tensor:
    """What a function says of states (..., S), if it is floating-point numbers (..., F); raise ValueError otherwise."""
    shape = ", ".join([*map(str, state.shape[:-1]), "F"])
    expected = f"{name} must return floating-point numbers ({shape}) of states {tuple(state.shape)}"
    if not isinstance(found, Tensor) or not found.is_floating_point():
        raise ValueError(f"{expected}, got {found.dtype if isinstance(found, Tensor) else shown(found)}")
    if found.ndim == 0 or found.shape[:-1] != state.shape[:-1] or found.shape[-1] == 0:
        raise ValueError(f"{expected}, got shape {tuple(found.shape)}")
    return found


def _is_bool(value: object) -> bool:
    return isinstance(value, Tensor) and value.dtype == torch.bool


def takes(name: str, function: Callable, count: int) -> None:
    """Raise ValueError if the function cannot be called with so many arguments."""
    try:
        inspect.signature(function).bind(*range(count))
    except TypeError as error:
        raise ValueError(f"{name} must take {count} arguments, got a function that does not: {error}") from None
    except ValueError:  # one that has no signature
        return


def dynamics(name: str, value: object, hint: str = "") -> object:
    """Return `value` if it has a transition; raise ValueError, with a hint what does, otherwise."""
    if isinstance(value, type) or not callable(getattr(value, "transition", None)):
        raise ValueError(f"{name} must have a transition{hint}, got {shown(value)}")
    return value


def mixture(name: str, found: object) -> object:
    """What a transition of dynamics of this name returned, if it can be sampled; raise ValueError otherwise."""
    if not hasattr(found, "sample"):
        raise ValueError(f"{name} must have a transition that returns a Mixture, got {shown(found)} from it")
    return found


def starts(name: str, env: object, batch: tuple[int, ...]) -> Tensor:
    """First states (*batch, S) of an environment; raise ValueError if it gives others, or such as are not finite."""
    asked, shape = f"{name}.initial_state", (*batch, len(env.state_names))
    try:
        found = env.initial_state(*batch)
    except TypeError:
        takes(asked, env.initial_state, len(batch))
        raise
    found = numbers(f"what {asked} returns", found, finite=True)
    if found.shape != shape:
        raise ValueError(f"{asked} must return states of shape {shape}, got {tuple(found.shape)}")
    return found


def log_ratio(name: str, value: object) -> Callable | None:
    """Return `value` if it is a function of transitions or None; raise ValueError otherwise."""
    hint = ", as disc.log_ratio is, or None"
    return value if value is None else function(name, value, "state, action, next_state", hint)


def policy(name: str, value: object) -> Callable | None:
    """Return `value` if it is a function, as a policy is, or None; raise ValueError otherwise."""
    hint = ", as policy(planner, belief) makes one, or None"
    return value if value is None else function(name, value, "state, step, generator", hint)


def device(name: str, value: str) -> torch.device:
    """Return `value` as a device that torch can use here; raise ValueError otherwise."""
    try:
        found = torch.device(value)
        torch.empty(0, device=found)
    except (RuntimeError, AssertionError, TypeError, ValueError) as error:
        raise ValueError(f"{name} must be one that torch can use here, got {shown(value)}: {error}") from None
    return found


def numbers(name: str, value: object, finite: bool = False, masks: bool = False) -> Tensor:
    """Return `value`, also of a list or an array, as a float tensor; raise ValueError if it holds anything else.

    masks : True and False are served, as 1 and 0
    """
    tensor = value if isinstance(value, Tensor) else _as_tensor(value)
    tensor = tensor.float() if masks and _is_bool(tensor) else tensor
    if tensor is None or tensor.is_complex() or tensor.dtype == torch.bool:
        raise ValueError(f"{name} must be a tensor of numbers, got {shown(value)}")
    tensor = tensor if tensor.is_floating_point() else tensor.float()
    if finite and not tensor.isfinite().all():
        raise ValueError(f"{name} must be finite, got {int((~tensor.isfinite()).sum())} NaN or infinite numbers")
    return tensor


def distribution(name: str, value: object) -> Tensor:
    """Return probabilities (..., M) as float64; raise ValueError if one is negative or they do not sum to one."""
    tensor = numbers(name, value).double()
    if tensor.ndim == 0 or not (tensor >= 0).all() or not ((tensor.sum(-1) - 1).abs() < 1e-5).all():
        raise ValueError(f"{name} must be probabilities that sum to one along the last axis, got {shown(tensor)}")
    return tensor


def known(name: str, value: object) -> Tensor:
    """The same of numbers that may be infinite, but not NaN."""
    tensor = numbers(name, value)
    if unknown := int(tensor.isnan().sum()):
        raise ValueError(f"{name} must be numbers, got {unknown} NaN")
    return tensor


def _as_tensor(value: object) -> Tensor | None:
    try:
        return torch.as_tensor(value)
    except (TypeError, ValueError, RuntimeError):
        return None


def offset(name: str, value: object) -> Tensor:
    """Return `value` as a tensor () or (R,): a finite number, or one for each run; raise ValueError otherwise."""
    tensor = numbers(name, value, finite=True)
    if tensor.ndim > 1 or tensor.numel() == 0:
        raise ValueError(f"{name} must be a number, or one for each run (R,), got shape {tuple(tensor.shape)}")
    return tensor


def sizes(dynamics: object) -> tuple[int, int] | None:
    """Numbers of coordinates and of actions of a road, or of that which a network is of; None if it is not told."""
    road = dynamics if hasattr(dynamics, "state_names") else getattr(dynamics, "env", None)
    return (len(road.state_names), road.n_actions) if hasattr(road, "state_names") else None


def _network(value: object) -> object | None:
    """The learned network that this is, or is a method of; None if it is neither."""
    from ..networks import RoadNetwork  # here, as they ask this module

    owner = getattr(value, "__self__", value)
    return owner if isinstance(owner, RoadNetwork) else None


def of_road(name: str, value: object, env: object) -> None:
    """Raise ValueError if a road, a network or a method of one is of another road than this environment."""
    value = _network(value) or value
    if sizes(value) is None:
        return
    road = value if hasattr(value, "state_names") else value.env
    kind, expected, got = "(coordinates, actions)", sizes(env), sizes(value)
    if expected == got:
        kind, expected, got = "coordinates", tuple(env.state_names), tuple(road.state_names)
    if expected != got:
        raise ValueError(f"{name} must be of the env's road, with {kind} {expected}, got {got}")


def runs(**networks: object) -> int:
    """How many runs networks or methods of some have; raise ValueError if two that have several differ."""
    found = {name: getattr(_network(one), "runs", 1) for name, one in networks.items()}
    several = {name: count for name, count in found.items() if count > 1}
    if len({*several.values()}) > 1:
        names, counts = " and ".join(several), " and ".join(map(str, several.values()))
        raise ValueError(f"{names} must have equally many runs, got {counts}")
    return max(found.values())


def of_runs(name: str, states: Tensor, count: int) -> None:
    """Raise ValueError if axis 0 of states (..., S) is not that of R > 1 runs."""
    batch = tuple(states.shape[:-1])
    if count > 1 and batch[:1] != (count,):
        raise ValueError(f"{name} must have a leading axis of runs = {count}, got batch {batch}")


def states(name: str, value: object, size: int | None) -> Tensor:
    """Return `value` as a float tensor (..., size); raise ValueError if its last axis is another (None: any)."""
    tensor = numbers(name, value)
    if tensor.ndim == 0 or (size is not None and tensor.shape[-1] != size):
        expected = "S" if size is None else size
        raise ValueError(f"{name} must have shape (..., {expected}), got {tuple(tensor.shape)}")
    return tensor


def first_states(name: str, value: object, size: int | None) -> Tensor:
    """The same of states to imagine from: at least one, and all finite."""
    tensor = numbers(name, states(name, value, size), finite=True)
    if tensor.numel() == 0:
        raise ValueError(f"{name} must hold at least one state, got shape {tuple(tensor.shape)}")
    return tensor


def actions(name: str, value: object, n_actions: int | None) -> Tensor:
    """Return `value` as an int64 tensor of numbers from 0 to n_actions - 1; raise ValueError otherwise."""
    most = math.inf if n_actions is None else n_actions - 1
    expected = f"{name} must be integers from 0" + (f" to {most}" if n_actions else "")
    tensor = _as_tensor(value)
    if tensor is None or tensor.is_floating_point() or tensor.is_complex() or tensor.dtype == torch.bool:
        raise ValueError(f"{expected}, got {shown(value) if tensor is None else tensor.dtype}")
    tensor = tensor.long()  # of uint16 and the like torch knows no least
    low, high = (int(x) for x in tensor.aminmax()) if tensor.numel() else (0, 0)
    if not 0 <= low <= high <= most:
        raise ValueError(f"{expected}, got {low} to {high}")
    return tensor


def chosen(name: str, value: object, count: int) -> Tensor:
    """Return numbers below `count` (N,), or a mask (count,), as a tensor; raise ValueError otherwise."""
    tensor = _as_tensor(value)
    mask = tensor is not None and _is_bool(tensor)
    if tensor is not None and tensor.shape == (0,) and not mask:
        tensor = tensor.long()  # of an empty list torch makes floats
    tensor = tensor if mask else actions(name, value if tensor is None else tensor, count)
    if tensor.ndim != 1 or (mask and len(tensor) != count):
        kind = f"a mask ({count},)" if mask else "numbers (N,)"
        raise ValueError(f"{name} must be {kind}, got shape {tuple(tensor.shape)}")
    return tensor


def sequences(name: str, value: object, n_actions: int | None) -> Tensor:
    """The same of sequences of actions (..., H), H at least 1."""
    tensor = actions(name, value, n_actions)
    if tensor.ndim == 0 or tensor.shape[-1] == 0:
        raise ValueError(f"{name} must have shape (..., H) with H of at least 1, got {tuple(tensor.shape)}")
    return tensor


def transition(env: object, state: object, action: object) -> tuple[Tensor, Tensor]:
    """Return states (..., S) and actions (...) of an environment, broadcast against each other."""
    state = states("state", state, len(env.state_names))
    action = actions("action", action, env.n_actions).to(state.device)
    batch = broadcastable(state=state[..., 0], action=action)
    return state.expand(*batch, state.shape[-1]), action.expand(batch)


def expanded(name: str, value: Tensor, shape: tuple[int, ...]) -> Tensor:
    """Return a tensor as one of this shape; raise ValueError if it does not broadcast to it."""
    try:
        return value.expand(shape)
    except RuntimeError:
        raise ValueError(f"{name} must have shape {shape}, or broadcast to it, got {tuple(value.shape)}") from None


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
