"""What every check of an exercise does: say by name what is wrong, and hint."""

from collections.abc import Callable

import torch
from torch import Tensor


def answer(function: Callable, *arguments: object) -> Tensor | None:
    """What the student's function returns, or None for a stub that is still untouched."""
    result = function(*arguments)
    return None if result is None or result is ... else torch.as_tensor(result).detach()


def say(text: str) -> str:
    """Print the verdict and return it."""
    print(text)
    return text


def untouched(name: str) -> str:
    """The verdict on a stub."""
    return say(f"{name}: not answered yet. Replace the ... by your code.")


def compare(name: str, given: Tensor | None, right: Tensor, mistakes: dict[str, Tensor], praise: str, hint: str) -> str:
    """The verdict on an answer.

    Parameters
    ----------
    name : of the student's function
    given : its answer; None if untouched
    right : the reference
    mistakes : what each classic mistake would have given, by the sentence that names it
    praise, hint : said of the right answer, and of one that is neither right nor known
    """
    if given is None:
        return untouched(name)
    right = torch.as_tensor(right)
    if given.shape != right.shape:
        what = "one number" if right.ndim == 0 else f"shape {tuple(right.shape)}"
        return say(f"{name}: expected {what}, got shape {tuple(given.shape)}.")
    if _same(given, right):
        return say(f"{name}: right, {praise}")
    for message, value in mistakes.items():
        if _same(given, torch.as_tensor(value)):
            return say(f"{name}: {message}")
    return say(f"{name}: not yet. {hint}")


def _same(given: Tensor, other: Tensor) -> bool:
    return torch.allclose(given.double(), other.double(), rtol=1e-4, atol=1e-5)
