"""An exercise is data: inputs, the right answer, and each classic mistake as a function, by the sentence naming it."""

import copy
from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor


def ask_once(given: Callable, inputs: tuple) -> object:
    """What a function answers to copies of the inputs."""
    return given(*copy.deepcopy(inputs))


@dataclass(frozen=True)
class Exercise:
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

    def __call__(self, given: Callable) -> str:
        """Print the verdict on an answer, and return it."""
        print(verdict := f"{self.name}: {self.judge(given)}")
        return verdict

    def judge(self, given: Callable) -> str:
        """The verdict on an answer."""
        answer = self.ask(given, self.inputs)
        if unanswered(answer):
            return "not answered yet. Replace the ... by your code."
        answer, right = tensor(answer), tensor(self.ask(self.right, self.inputs))
        if same(answer, right):
            return f"right, {self.praise}"
        for sentence, mistake in self.mistakes.items():
            if same(answer, self.ask(mistake, self.inputs)):
                return sentence
        if answer.shape != right.shape:
            what = "one number" if right.ndim == 0 else f"shape {tuple(right.shape)}"
            return f"expected {what}, got shape {tuple(answer.shape)}."
        return f"not yet. {next((hint for hint, fits in self.symptoms.items() if fits(answer)), self.hint)}"


def unanswered(answer: object) -> bool:
    """Whether this is what a stub answers."""
    return answer is None or answer is ...


def tensor(answer: object) -> Tensor:
    """An answer as a tensor, without its gradient."""
    return torch.as_tensor(answer).detach()


def same(given: object, other: object) -> bool:
    """Whether two answers agree in shape and, but for rounding, in every number."""
    given, other = tensor(given), tensor(other)
    return given.shape == other.shape and torch.allclose(given.double(), other.double(), rtol=1e-4, atol=1e-5)
