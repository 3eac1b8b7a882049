"""An exercise is data: inputs, the right answer, and each classic mistake as a function, by the sentence naming it."""

import copy
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import torch
from torch import Tensor

from .careful import STUB, Trouble, Watched, carefully, shortened, tensor, unanswered
from .marks import record

CHANGES = " But it changes its inputs: work on copies of them."


class Judgement(NamedTuple):
    """Whether an answer is right, and what is said of it."""

    right: bool
    sentence: str


class Check(ABC):
    """What all checks have in common: called with an answer, they print the verdict, mark it, and return it."""

    name: str

    def __call__(self, given: object, *others: object) -> str:
        """Print the verdict on an answer, given what else it is judged by, and return it."""
        try:
            judgement = Judgement(False, STUB) if unanswered(given) else self.judge(given, *others)
        except Trouble as trouble:
            judgement = Judgement(False, str(trouble))
        print(verdict := f"{self.name}: {judgement.sentence}")
        record(lesson_of(self), self.name, judgement.right, verdict)
        return verdict

    @abstractmethod
    def judge(self, given: object, *others: object) -> Judgement:
        """The judgement of an answer; Trouble if it cannot be judged."""


def lesson_of(check: Check) -> str:
    """The name of the lesson whose module holds a check; empty for one that a notebook makes."""
    for name, module in list(sys.modules.items()):
        if name.startswith(f"{__package__}.") and id(check) in map(id, vars(module).values()):
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
        watched = Watched(given)
        answer = tensor(carefully(lambda: self.ask(watched, self.inputs)))
        right = tensor(self.ask(self.right, self.inputs))
        note = CHANGES if watched.changes else ""
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
    """An exercise with many right answers, judged by their properties.

    Attributes
    ----------
    name : of what the student makes
    verdict : function of the answer, and of what else the check is told, that returns what is said of it: it begins
        with "right, " if it is. Student's code that it runs is explained, and stopped, as in an `Exercise`
    of_a_function : whether the answer is a function
    seconds : that the verdict may take; None: as long as in an `Exercise`
    """

    name: str
    verdict: Callable[..., str]
    of_a_function: bool = False
    seconds: float | None = None

    def judge(self, given: object, *others: object) -> Judgement:
        """The judgement of an answer."""
        answer = Watched(given) if self.of_a_function else given
        sentence = str(carefully(lambda: self.verdict(answer, *others), self.seconds))
        note = CHANGES if isinstance(answer, Watched) and answer.changes else ""
        return Judgement(sentence.startswith("right, "), sentence + note)


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


def same(given: object, other: object) -> bool:
    """Whether two answers agree in shape and, but for rounding, in every number."""
    given, other = tensor(given), tensor(other)
    coarse = torch.finfo(torch.bfloat16).eps  # no coarser kind is served
    grain = 4 * min(torch.finfo(given.dtype).eps, coarse) if given.is_floating_point() else 0.0
    close = {"rtol": max(1e-4, grain), "atol": max(1e-5, grain)}
    return given.shape == other.shape and torch.allclose(given.double(), other.double(), **close)
