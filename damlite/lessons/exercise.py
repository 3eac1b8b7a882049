"""An exercise is data: inputs, the right answer, and each classic mistake as a function, by the sentence naming it."""

import copy
import dis
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import torch
from torch import Tensor

from .careful import Trouble, Watched, carefully, shortened, tensor, unanswered
from .marks import record

STUB = "not answered yet. Replace the ... by your code."
NO_CODE = {"RESUME", "NOP", "LOAD_CONST", "RETURN_CONST", "RETURN_VALUE", "COPY_FREE_VARS", "LOAD_DEREF"}  # a stub


class Judgement(NamedTuple):
    """Whether an answer is right, and what is said of it."""

    right: bool
    sentence: str


class Check(ABC):
    """What all checks have in common: called with an answer, they print the verdict, note it, and return it."""

    name: str

    def __call__(self, given: object) -> str:
        """Print the verdict on an answer, and return it."""
        try:
            judgement = Judgement(False, STUB) if unanswered(given) else self.judge(given)
        except Trouble as trouble:
            judgement = Judgement(False, str(trouble))
        return tell(self.name, judgement, lesson_of(self))

    @abstractmethod
    def judge(self, given: object) -> Judgement:
        """The judgement of an answer; Trouble if it cannot be judged."""


def tell(name: str, judgement: Judgement, lesson: str) -> str:
    """Print a verdict, note it in the file of marks, and return it."""
    print(verdict := f"{name}: {judgement.sentence}")
    record(lesson, name, judgement.right, verdict)
    return verdict


def lesson_of(check: Check) -> str:
    """The name of the lesson whose module holds a check; empty for one that a notebook makes."""
    for name, module in list(sys.modules.items()):
        if name.startswith(f"{__package__}.") and any(value is check for value in vars(module).values()):
            return name.removeprefix(f"{__package__}.")
    return ""


def ask_once(given: Callable, inputs: tuple) -> object:
    """What a function answers to copies of the inputs."""
    return given(*copy.deepcopy(inputs))


@dataclass(frozen=True)
class Exercise(Check):
    """Ask a student's function, and say what is wrong with its answer.

    `right` and the mistakes are functions as the student's is, so that one test holds for all exercises: the right
    one is praised, and each mistake gets its own sentence.

    Attributes
    ----------
    name : of what the student writes
    inputs : what it is asked with
    right : the reference
    praise, hint : said of the right answer, and of one that is neither right nor known
    mistakes : what classic mistakes compute, of whatever shape, by the sentence that names each; the first that fits
        is said
    symptoms : of a wrong answer that is no known mistake, a function of the answer (a tensor) by the hint that it calls
        for in place of `hint`
    ask : function of (function, inputs) that returns its answer; by default its value at the inputs
    """

    name: str
    inputs: tuple
    right: Callable
    praise: str
    hint: str
    mistakes: dict[str, Callable] = field(default_factory=dict)
    symptoms: dict[str, Callable[[Tensor], bool]] = field(default_factory=dict)
    ask: Callable[[Callable, tuple], object] = ask_once

    def judge(self, given: Callable) -> Judgement:
        """The judgement of a student's function."""
        if not callable(given):
            raise Trouble(f"expected your function itself, got {type(given).__name__}: {shortened(given)}.")
        watched = Watched(given)
        answer, printed = carefully(lambda: self.ask(watched, self.inputs))
        if unanswered(answer):
            return Judgement(False, silent(given, printed))
        answer, right = tensor(answer), tensor(self.ask(self.right, self.inputs))
        note = " But it changes its inputs: work on copies of them." if watched.changes else ""
        if same(answer, right):
            return Judgement(True, f"right, {self.praise}{note}")
        return Judgement(False, self._wrong(answer, right) + note)

    def _wrong(self, answer: Tensor, right: Tensor) -> str:
        """What is wrong with an answer."""
        for sentence, mistake in self.mistakes.items():
            if same(answer, self.ask(mistake, self.inputs)):
                return sentence
        if answer.shape != right.shape:
            what = "one number" if right.ndim == 0 else f"shape {tuple(right.shape)}"
            return f"expected {what}, got shape {tuple(answer.shape)}."
        if not answer.is_floating_point() and torch.equal(answer, right.to(answer.dtype)):
            return "these are whole numbers, the fractions are cut off. Answer with floating-point numbers."
        hints = [hint for hint, fits in self.symptoms.items() if fits(answer)]
        if count := int(answer.isnan().sum()):
            hints.append(f"There are NaN ({count} of {answer.numel()}): a logarithm of 0 or less, 0/0 or ∞ − ∞?")
        return f"not yet. {(*hints, self.hint)[0]}"


@dataclass(frozen=True, kw_only=True)
class OpenExercise(Check):
    """An exercise with many right answers: properties are checked, and the first that does not hold is named.

    Attributes
    ----------
    name : of what the student makes
    properties : pairs of a function of the answer that says whether it has the property, and the sentence said if not,
        or a function of the answer that makes it
    praise : said if all hold, or a function of the answer that makes it
    ask : function of what the student gives that returns the answer; student's code that it runs is stopped and
        explained as in an `Exercise`. By default what is given
    """

    name: str
    properties: tuple[tuple[Callable[[object], bool], str | Callable[[object], str]], ...]
    praise: str | Callable[[object], str]
    ask: Callable[[object], object] = lambda given: given

    def judge(self, given: object) -> Judgement:
        """The judgement of an answer."""
        answer, printed = carefully(lambda: self.ask(given))
        if unanswered(answer):
            return Judgement(False, silent(given, printed))
        for holds, sentence in self.properties:
            if not carefully(lambda holds=holds: bool(holds(answer)))[0]:
                return Judgement(False, sentence(answer) if callable(sentence) else sentence)
        return Judgement(True, f"right, {self.praise(answer) if callable(self.praise) else self.praise}")


@dataclass(frozen=True, kw_only=True)
class WordExercise(Check):
    """An exercise whose answers are words, one for each case.

    Attributes
    ----------
    name : of what the student answers
    right : the right word of each case
    hints : what is said of each case that has another word
    praise : said if all are right
    """

    name: str
    right: dict[str, str]
    hints: dict[str, str]
    praise: str

    def judge(self, given: dict[str, str]) -> Judgement:
        """The judgement of a word for each case."""
        known = sorted({*self.right.values()})
        fits = isinstance(given, dict) and set(given) == set(self.right)
        if not fits or any(word not in known for word in given.values()):
            keys = f"{', '.join(list(self.right)[:-1])} and {list(self.right)[-1]}"
            raise Trouble(f"expected keys {keys} with values from {known}, got {shortened(given)}.")
        for case, word in self.right.items():
            if given[case] != word:
                return Judgement(False, f"{case} is not {given[case]}. {self.hints[case]}")
        return Judgement(True, f"right, {self.praise}")


def silent(given: object, printed: bool) -> str:
    """What is said of a function that answers nothing."""
    if printed:
        return "your function prints, but returns nothing. End it with return in place of print."
    code = getattr(given, "__code__", None)
    if code is None or {step.opname for step in dis.get_instructions(code)} <= NO_CODE:
        return STUB
    return "your function returns nothing. End it with return."


def same(given: object, other: object) -> bool:
    """Whether two answers agree in shape and, but for rounding, in every number."""
    given, other = tensor(given), tensor(other)
    grain = 4 * torch.finfo(given.dtype).eps if given.is_floating_point() else 0.0  # that of float16 is coarse
    close = {"rtol": max(1e-4, grain), "atol": max(1e-5, grain)}
    return given.shape == other.shape and torch.allclose(given.double(), other.double(), **close)
