"""What a student wrote is asked with care: for ten seconds at most, and what goes wrong becomes a sentence."""

import contextlib
import copy
import dis
import io
import signal
import sys
import sysconfig
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

SECONDS = 10.0  # a student's function may take
LINES = 10  # of what it prints that are shown
STUB = "not answered yet. Replace the ... by your code."
PRINTS = "your function prints, but returns nothing. End it with return in place of print."
NO_CODE = {"RESUME", "NOP", "LOAD_CONST", "RETURN_CONST", "RETURN_VALUE", "COPY_FREE_VARS", "LOAD_DEREF"}  # a stub
PACKAGE = str(Path(__file__).resolve().parent.parent)
LIBRARIES = ("<frozen", *(sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")))


class Trouble(Exception):
    """An answer cannot be judged; the message is the sentence that says why."""


class Silent(Trouble):
    """A function answers nothing; the message says so."""


class Stopped(BaseException):
    """The time is up; no Exception, so that a student's `except Exception` does not keep it."""


class Watched:
    """A student's function, and whether its calls changed what they were given.

    Parameters
    ----------
    function : as the student wrote it

    Raises
    ------
    Trouble
        if it is no function; by a call, if that answers nothing
    """

    def __init__(self, function: Callable) -> None:
        if not callable(function):
            raise Trouble(f"expected your function itself, got {type(function).__name__}: {shortened(function)}.")
        self.function, self.changes = function, False

    def __call__(self, *inputs: object) -> object:
        """What the function answers to these inputs."""
        before = copy.deepcopy(inputs)
        answer = self.function(*inputs)
        self.changes |= any(differ(*pair) for pair in zip(before, inputs, strict=True))
        if unanswered(answer):
            raise Silent(silent(self.function))
        return answer


def differ(before: object, after: object) -> bool:
    """Whether a tensor has another shape or another number; other inputs cannot be changed in place."""
    if not isinstance(before, Tensor):
        return False
    return before.shape != after.shape or not torch.allclose(before.double(), after.double(), 0, 0, equal_nan=True)


def carefully(ask: Callable[[], object], seconds: float | None = None) -> object:
    """Call what runs a student's code, and return its answer. What it prints is shown in short.

    Raises
    ------
    Trouble
        if it raises an error, or has not ended after `seconds` (None: SECONDS). A loop in Python ends then; a call of a
        library that never returns cannot be stopped
    """
    seconds = seconds or SECONDS
    printed = io.StringIO()
    try:
        with contextlib.redirect_stdout(printed):
            return in_time(ask, seconds)
    except Stopped as stop:
        sentence = f"stopped after {seconds:g} seconds{line_of(stop)}. Does a loop never end?"
        raise Trouble(sentence) from None
    except Silent:
        if printed.getvalue().strip():
            raise Trouble(PRINTS) from None
        raise
    except Trouble:
        raise
    except (Exception, SystemExit) as error:
        raise Trouble(told(error)) from None
    finally:
        show(printed.getvalue())


def in_time(ask: Callable[[], object], seconds: float) -> object:
    """Call a function, and raise Stopped inside it when the time is up; by the system's clock where there is one."""
    if hasattr(signal, "setitimer") and threading.current_thread() is threading.main_thread():
        return _with_alarm(ask, seconds)
    return _with_trace(ask, seconds)


def _with_alarm(ask: Callable[[], object], seconds: float) -> object:
    def ring(_number: int, _frame: object) -> None:
        raise Stopped

    handler = signal.signal(signal.SIGALRM, ring)
    timer = signal.setitimer(signal.ITIMER_REAL, seconds, 0.1)  # again and again: a bare `except` may keep some
    try:
        return ask()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, handler)
        signal.setitimer(signal.ITIMER_REAL, *timer)


def _with_trace(ask: Callable[[], object], seconds: float) -> object:
    end, before = time.monotonic() + seconds, sys.gettrace()

    def look_at_the_clock(_frame: object, _event: str, _argument: object) -> Callable:
        if time.monotonic() > end:
            raise Stopped
        return look_at_the_clock

    sys.settrace(look_at_the_clock)
    try:
        return ask()
    finally:
        sys.settrace(before)


def told(error: BaseException) -> str:
    """What is said of an error: of the student's code with its line, or of an answer that the check cannot use."""
    ours = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename.startswith(PACKAGE)]
    asked = bool(ours) and (ours[-1].filename, ours[-1].name) == (__file__, "__call__")
    where = line_of(error)
    subject = "your code raises" if where or asked else "your answer cannot be used:"
    return f"{subject} {words_of(error)}{where}."


def words_of(error: BaseException) -> str:
    """An error's kind and the first line of its message."""
    lines = "".join(traceback.format_exception_only(error)).splitlines()
    said = next((line for line in lines if line and not line.startswith(" ")), type(error).__name__)
    return said if len(said) <= 160 else f"{said[:159]}…"


def line_of(error: BaseException) -> str:
    """Where in the student's own cell an error came up; nothing if it is not there, as when arguments do not fit."""
    frames = traceback.extract_tb(error.__traceback__)
    theirs = next((frame.filename for frame in frames if not frame.filename.startswith((PACKAGE, *LIBRARIES))), None)
    last = next((frame for frame in reversed(frames) if frame.filename == theirs), None)
    return f" in line {last.lineno}: `{last.line}`" if last and last.line else ""


def show(printed: str) -> None:
    """Print the first lines of what a student's code has printed, which may be much."""
    lines = printed.splitlines()
    if len(lines) > LINES:
        lines[LINES:] = [f"… and {len(lines) - LINES} lines more"]
    if lines:
        print("\n".join(lines))


def tensor(answer: object) -> Tensor:
    """An answer as a tensor on the CPU, without its gradient; tensors in a list are stacked.

    Raises
    ------
    Trouble
        if it is not made of real numbers
    """
    try:
        if isinstance(answer, list | tuple) and any(isinstance(part, Tensor) for part in answer):
            answer = torch.stack([torch.as_tensor(part) for part in answer])
        numbers = torch.as_tensor(answer.copy() if isinstance(answer, np.ndarray) else answer).detach().cpu()
    except Exception:
        raise Trouble(f"expected numbers, got {type(answer).__name__}: {shortened(answer)}.") from None
    if numbers.is_complex():
        raise Trouble("expected real numbers, got complex ones.")
    return numbers


def shortened(answer: object) -> str:
    """How an answer prints, in at most sixty letters."""
    if isinstance(answer, type):
        return f"{answer.__name__} without its brackets ()"
    try:
        said = " ".join(repr(answer).split())
    except Exception:  # a class of the student's own, whose __repr__ fails
        said = object.__repr__(answer)
    return said if len(said) <= 60 else f"{said[:59]}…"


def unanswered(answer: object) -> bool:
    """Whether this is what a stub answers: nothing, or several times nothing."""
    if isinstance(answer, dict | list | tuple) and answer:
        return all(map(unanswered, answer.values() if isinstance(answer, dict) else answer))
    return answer is None or answer is ...


def silent(function: Callable) -> str:
    """What is said of a function that answers nothing."""
    code = getattr(function, "__code__", None)
    if code is None or {step.opname for step in dis.get_instructions(code)} <= NO_CODE:
        return STUB
    return "your function returns nothing. End it with return."
