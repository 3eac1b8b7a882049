"""Every exercise of every lesson: praise, stubs, shapes, nonsense, each mistake by its own sentence, each solution."""

import copy
import importlib
import json
import pkgutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from solutions import printed

from damlite import lessons
from damlite.lessons import careful
from damlite.lessons.careful import STUB
from damlite.lessons.exercise import CHANGES, Check, Exercise, OpenExercise, WordExercise, same
from damlite.lessons.solutions import names_of_checks

NOTEBOOKS = sorted((Path(__file__).resolve().parents[2] / "notebooks").glob("*.ipynb"))
MODULES = {
    found.name: importlib.import_module(f"damlite.lessons.{found.name}")
    for found in pkgutil.iter_modules(lessons.__path__)
}
EXERCISES = [
    pytest.param(value, id=f"{lesson}.{name}")
    for lesson, module in MODULES.items()
    for name, value in vars(module).items()
    if isinstance(value, Exercise)
]
CHECKS = [
    pytest.param(value, id=f"{lesson}.{name}")
    for lesson, module in MODULES.items()
    for name, value in vars(module).items()
    if isinstance(value, Check)
]
FUNCTIONS = [case for case in CHECKS if getattr(case.values[0], "of_a_function", isinstance(case.values[0], Exercise))]
MISTAKES = [
    pytest.param(*case.values, sentence, mistake, id=f"{case.id}: {sentence[:40]}")
    for case in EXERCISES
    for sentence, mistake in case.values[0].mistakes.items()
]
PRINTED = [
    pytest.param(exercise, id=f"{path.stem}-{i}")
    for path in NOTEBOOKS
    for i, exercise in enumerate(printed(path), start=1)
]


@pytest.mark.parametrize("exercise", EXERCISES)
def test_the_reference_is_praised(exercise):
    assert exercise(exercise.right) == f"{exercise.name}: right, {exercise.praise}"


@pytest.mark.parametrize("stub", [..., None], ids=["...", "None"])
@pytest.mark.parametrize("exercise", EXERCISES)
def test_a_stub_is_not_answered_yet(exercise, stub):
    assert exercise(lambda *_: stub) == f"{exercise.name}: not answered yet. Replace the ... by your code."


@pytest.mark.parametrize("exercise", EXERCISES)
def test_a_wrong_shape_is_told_from_the_right_one(exercise):
    def thrice(*inputs):
        return torch.stack([torch.as_tensor(exercise.right(*inputs))] * 3)

    assert exercise(thrice).startswith(f"{exercise.name}: expected ")


@pytest.mark.parametrize("exercise", EXERCISES)
def test_nonsense_gets_a_hint(exercise):
    verdict = exercise(lambda *inputs: torch.as_tensor(exercise.right(*inputs)) + 0.137)
    assert verdict in {f"{exercise.name}: not yet. {hint}" for hint in (exercise.hint, *exercise.symptoms)}


@pytest.mark.parametrize(("exercise", "sentence", "mistake"), MISTAKES)
def test_every_mistake_gets_its_own_sentence(exercise, sentence, mistake):
    assert exercise(mistake) == f"{exercise.name}: {sentence}"
    answers = [exercise.ask(function, exercise.inputs) for function in (exercise.right, mistake)]
    assert not same(*answers)


@pytest.mark.parametrize("exercise", EXERCISES)
def test_a_function_that_edits_its_inputs_spoils_no_later_answer(exercise):
    def careless(*inputs):
        answer = exercise.right(*copy.deepcopy(inputs))
        for x in inputs:
            if isinstance(x, torch.Tensor):
                x.zero_()
        return answer

    assert "right" in exercise(careless)
    assert exercise(exercise.right) == f"{exercise.name}: right, {exercise.praise}"


@pytest.mark.parametrize("edit", [torch.Tensor.exp_, torch.Tensor.zero_], ids=["exp_", "zero_"])
@pytest.mark.parametrize("exercise", EXERCISES)
def test_an_answer_is_judged_by_the_inputs_as_they_were(exercise, edit):
    """Computed after an edit in place, it is what it would be with an edited copy, and no other."""

    def edits(inputs):
        return [edit(x) if isinstance(x, torch.Tensor) and x.is_floating_point() else x for x in inputs]

    def careless(*inputs):
        edits(inputs)
        return exercise.right(*inputs)

    def pure(*inputs):
        return exercise.right(*edits(copy.deepcopy(inputs)))

    assert exercise(careless).removesuffix(CHANGES) == exercise(pure)


def endless(*_):
    while True:
        pass


def faulty(*_):
    raise ZeroDivisionError("on purpose")


HOSTILE = {  # what a student's function may do, and what is said of it
    "raises": (faulty, "your code raises ZeroDivisionError: on purpose in line "),
    "takes nothing": (lambda: 1.0, "your code raises TypeError: <lambda>() takes 0 positional arguments"),
    "answers a word": (lambda *_: "abc", "expected numbers, got str: 'abc'."),
    "answers a dictionary": (lambda *_: {"a": 1.0}, "expected numbers, got dict: {'a': 1.0}."),
    "answers a function": (lambda *_: endless, "expected numbers, got function: <function endless"),
    "answers a complex number": (lambda *_: 1j, "expected real numbers, got complex ones."),
}


@pytest.mark.parametrize("hostile", HOSTILE)
@pytest.mark.parametrize("exercise", EXERCISES)
def test_a_hostile_answer_gets_a_sentence_that_helps(exercise, hostile):
    function, sentence = HOSTILE[hostile]
    assert exercise(function).startswith(f"{exercise.name}: {sentence}")


@pytest.mark.parametrize("check", FUNCTIONS)
def test_what_runs_for_ever_is_stopped(check, monkeypatch):
    monkeypatch.setattr(careful, "SECONDS", 0.2)
    if getattr(check, "seconds", None):
        check = replace(check, seconds=0.2)
    assert check(endless).startswith(f"{check.name}: stopped after 0.2 seconds in line ")


@pytest.mark.parametrize("hostile", [*(function for function, _ in HOSTILE.values()), lambda *_: float("nan")])
@pytest.mark.parametrize("check", FUNCTIONS)
def test_a_hostile_function_is_never_right_and_gets_a_sentence(check, hostile):
    verdict = check(hostile)
    assert verdict.startswith(f"{check.name}: ") and len(verdict) > len(check.name) + 20
    assert not verdict.startswith(f"{check.name}: right, ")


@pytest.mark.parametrize("check", FUNCTIONS)
def test_a_function_that_answers_nothing_is_a_stub_or_has_forgotten_its_return(check):
    def forgetful(*_inputs):
        return None if _inputs else print(end="")

    assert check(lambda *_: ...) == f"{check.name}: {STUB}"
    assert check(forgetful) == f"{check.name}: your function returns nothing. End it with return."


def spoilt(answer):
    """The same shape, and no number in it."""
    return torch.full_like(torch.as_tensor(answer).double(), torch.nan)


@pytest.mark.parametrize("exercise", EXERCISES)
def test_nan_is_named_or_gets_the_exercises_own_word_for_it(exercise):
    verdict = exercise(lambda *inputs: spoilt(exercise.right(*inputs)))
    assert "NaN" in verdict
    assert verdict.startswith(f"{exercise.name}: not yet. ")


@pytest.mark.parametrize("kind", [torch.float64, torch.float16, torch.bfloat16])
@pytest.mark.parametrize("exercise", EXERCISES)
def test_a_right_answer_may_be_of_another_precision(exercise, kind):
    verdict = exercise(lambda *inputs: torch.as_tensor(exercise.right(*inputs)).to(kind))
    assert verdict.startswith(f"{exercise.name}: right, ")


@pytest.mark.parametrize("exercise", EXERCISES)
def test_a_right_answer_may_come_from_numpy(exercise):
    verdict = exercise(lambda *inputs: torch.as_tensor(exercise.right(*inputs)).numpy())
    assert verdict == f"{exercise.name}: right, {exercise.praise}"


@pytest.mark.parametrize("exercise", EXERCISES)
def test_a_right_answer_may_require_a_gradient_or_be_a_list_of_tensors(exercise):
    def taped(*inputs):
        return torch.as_tensor(exercise.right(*inputs)).double().requires_grad_() * 1

    def listed(*inputs):
        answer = taped(*inputs)
        return [*answer] if answer.ndim else answer

    assert exercise(taped) == exercise(listed) == f"{exercise.name}: right, {exercise.praise}"


def test_no_kind_of_number_is_so_coarse_that_all_is_right():
    assert same(torch.ones(2).to(torch.bfloat16), torch.ones(2) + 0.01)
    assert not same(torch.ones(2).to(torch.float8_e4m3fn), torch.ones(2) + 0.1)


@pytest.mark.parametrize(("exercise", "sentence", "mistake"), MISTAKES)
def test_no_mistake_is_right_in_coarse_numbers(exercise, sentence, mistake):
    verdict = exercise(lambda *inputs: torch.as_tensor(mistake(*inputs)).to(torch.float16))
    assert not verdict.startswith(f"{exercise.name}: right, ")


@pytest.mark.parametrize("exercise", EXERCISES)
def test_whole_numbers_in_place_of_fractions_are_named(exercise):
    right = torch.as_tensor(exercise.ask(exercise.right, exercise.inputs))
    verdict = exercise(lambda *inputs: torch.as_tensor(exercise.right(*inputs)).long())
    whole = torch.equal(right, right.round())
    assert verdict.startswith(f"{exercise.name}: right, ") == whole
    assert ("these are whole numbers" in verdict) == (not whole) or verdict.split(": ", 1)[1] in exercise.mistakes


@pytest.mark.parametrize("exercise", EXERCISES)
def test_printing_in_place_of_returning_is_named(exercise, capsys):
    verdict = exercise(lambda *_: print("0.5"))
    assert (
        verdict == f"{exercise.name}: your function prints, but returns nothing. End it with return in place of print."
    )
    assert len(capsys.readouterr().out.splitlines()) <= careful.LINES + 2


@pytest.mark.parametrize("exercise", EXERCISES)
def test_a_forgotten_return_is_named(exercise):
    def forgetful(*inputs):
        exercise.right(*inputs)

    assert exercise(forgetful) == f"{exercise.name}: your function returns nothing. End it with return."


@pytest.mark.parametrize("given", [3.0, "abc", float("nan"), [1, 2], {}, torch.ones(3)], ids=str)
@pytest.mark.parametrize("check", CHECKS)
def test_what_is_no_answer_at_all_gets_a_sentence(check, given):
    verdict = check(given)
    assert verdict.startswith(f"{check.name}: ") and len(verdict) > len(check.name) + 20
    assert not verdict.startswith(f"{check.name}: right, ")


@pytest.mark.parametrize("given", [None, ...])
@pytest.mark.parametrize("check", CHECKS)
def test_a_bare_stub_is_not_answered_yet(check, given):
    assert check(given) == f"{check.name}: {STUB}"


def judge_growth(function):
    """Whether values are positive and grow: the verdict."""
    values = [function(n) for n in (1, 2, 3)]
    if min(values) <= 0:
        return f"{min(values)} is not positive."
    return f"right, up to {values[-1]}." if values == sorted({*values}) else "it does not grow."


GROW = OpenExercise(name="grow", verdict=judge_growth, of_a_function=True)


@pytest.mark.parametrize(
    ("given", "verdict"),
    [
        (lambda n: n, "grow: right, up to 3."),
        (lambda n: n**2, "grow: right, up to 9."),
        (lambda n: n - 1, "grow: 0 is not positive."),
        (lambda n: 4 - n, "grow: it does not grow."),
        (lambda n: None, f"grow: {STUB}"),
        (..., f"grow: {STUB}"),
    ],
)
def test_an_open_exercise_has_many_right_answers(given, verdict):
    assert GROW(given) == verdict


@pytest.mark.parametrize(
    ("given", "start"),
    [
        (faulty, "your code raises ZeroDivisionError: on purpose in line "),
        (lambda n: "a" * n, "your code raises TypeError"),
        (endless, "stopped after 0.2 seconds in line "),
        (lambda n: print(n), "your function prints, but returns nothing."),
    ],
)
def test_an_open_exercise_survives_too(given, start, monkeypatch):
    monkeypatch.setattr(careful, "SECONDS", 0.2)
    assert GROW(given).startswith(f"grow: {start}")


def test_words_for_cases():
    check = WordExercise(name="kind", right={"A": "x", "B": "y"}, hints={"A": "Look.", "B": "Think."}, praise="both.")
    assert check({"A": "x", "B": "y"}) == "kind: right, both."
    assert check({"A": "x", "B": "x"}) == "kind: B is not x. Think."
    assert check({"A": ["x"], "B": "x"}).startswith("kind: expected keys A and B with values from ['x', 'y'], got ")


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_asks_all_exercises_of_its_module_and_no_others(path):
    module = MODULES[path.stem[3:]]
    own = {
        name
        for name, value in vars(module).items()
        if isinstance(value, Check) or (name.startswith("check_") and value.__module__ == module.__name__)
    }
    cells = [cell for cell in json.loads(path.read_text())["cells"] if cell["cell_type"] == "code"]
    assert own == {name for cell in cells for name in names_of_checks("".join(cell["source"]))}
    assert len(own) >= 2


@pytest.mark.parametrize("exercise", PRINTED)
def test_a_printed_stub_is_not_answered_yet_and_its_solution_is_right(exercise, capsys):
    """Each where the same cells have run, and the solution without what the stub defines."""
    assert exercise.solution
    names = exercise.before()
    exercise.run([], {**names})
    assert "not answered yet" in capsys.readouterr().out
    exercise.run(exercise.solution, {**names})
    assert ": right, " in capsys.readouterr().out
