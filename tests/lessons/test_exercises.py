"""Every exercise of every lesson: praise, stubs, shapes, nonsense, each mistake by its own sentence, each solution."""

import copy
import importlib
import json
import pkgutil
from pathlib import Path

import pytest
import torch
from solutions import printed

from damlite import lessons
from damlite.lessons.exercise import Exercise, same
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


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_asks_all_exercises_of_its_module_and_no_others(path):
    module = MODULES[path.stem[3:]]
    own = {
        name
        for name, value in vars(module).items()
        if isinstance(value, Exercise) or (name.startswith("check_") and value.__module__ == module.__name__)
    }
    cells = [cell for cell in json.loads(path.read_text())["cells"] if cell["cell_type"] == "code"]
    assert own == {name for cell in cells for name in names_of_checks("".join(cell["source"]))}
    assert len(own) >= 2


@pytest.mark.parametrize("exercise", PRINTED)
def test_a_printed_stub_is_not_answered_yet(exercise, capsys):
    exercise.run([])
    assert "not answered yet" in capsys.readouterr().out


@pytest.mark.parametrize("exercise", PRINTED)
def test_a_printed_solution_is_right(exercise, capsys):
    assert exercise.solution
    exercise.run(exercise.solution)
    assert ": right, " in capsys.readouterr().out
