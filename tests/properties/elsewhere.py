"""A second device that every machine has: tensors that live elsewhere, and never meet one of the processor's."""

from collections.abc import Iterator

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._device import _device_constructors

PLACE = torch.device("cpu", 1)  # what tensors elsewhere call their device; torch itself makes nothing there
MAKERS = _device_constructors()
MAY_MIX = {Tensor.copy_, Tensor.__getitem__, Tensor.__setitem__, Tensor.to}  # as between a GPU and the processor


class Away(Tensor):
    """A tensor elsewhere."""

    @classmethod
    def __torch_function__(cls, function, types, args=(), kwargs=None):
        return called(function, args, kwargs or {}, new=False)


class Elsewhere(TorchFunctionMode):
    """While it is on, new tensors are made elsewhere: all for which no device is named, and all that are random."""

    def __torch_function__(self, function, types, args=(), kwargs=None):
        kwargs = dict(kwargs or {})
        if function not in MAKERS:
            return called(function, args, kwargs, new=False)
        named = kwargs.pop("device", None)
        if named in (None, PLACE) or kwargs.get("generator") is not None:
            return called(function, args, kwargs, new=True)
        return called(function, args, {**kwargs, "device": named}, new=False)


def called(function, args, kwargs, new):
    """What the function gives, and where it is."""
    tensors = list(tensors_of((args, kwargs)))
    away = new or any(isinstance(t, Away) for t in tensors)
    if away and function is Tensor.numpy and not kwargs.get("force"):
        raise TypeError("numpy() of a tensor that is elsewhere")
    if away and not new and function not in MAY_MIX and any(type(t) is Tensor and t.ndim > 0 for t in tensors):
        raise RuntimeError(f"{function} was given a tensor of the processor's beside one elsewhere")
    if function is Tensor.to and len(tensors) == 2:
        away = isinstance(tensors[1], Away)
    with torch._C.DisableTorchFunctionSubclass():
        result = function(*args, **kwargs)
        if function is Tensor.cpu:
            return result.as_subclass(Tensor)
    if away and function == Tensor.device.__get__:
        return PLACE
    return moved(result) if away else result


def moved(result):
    """The same, with its tensors elsewhere."""
    if isinstance(result, Tensor):
        return result if isinstance(result, Away) else result.as_subclass(Away)
    if type(result) in (tuple, list):
        return type(result)(map(moved, result))
    if isinstance(result, tuple):  # of torch.return_types
        return type(result)(map(moved, result))
    return result


def tensors_of(value) -> Iterator[Tensor]:
    """Every tensor among arguments, however deep."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, tuple | list):
        for each in value:
            yield from tensors_of(each)
    elif isinstance(value, dict):
        yield from tensors_of(tuple(value.values()))
