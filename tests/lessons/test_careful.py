"""A student's code under care: its time, its errors with their line, what it prints, and what is left afterwards."""

import signal
import sys
import threading
import time

import numpy as np
import pytest
import torch

import damlite as dl
from damlite.lessons import careful
from damlite.lessons.careful import Trouble, Watched, carefully, shortened, tensor, unanswered
from damlite.lessons.correct_the_model import check_misjudged
from damlite.lessons.drive_on_ice import check_harmless_road
from damlite.lessons.know_when_weights_fail import check_broken


def divide():
    nothing = 0
    return 1 / nothing


def loop():
    while True:
        pass


def stubborn():
    while True:
        try:
            time.sleep(0.01)
        except Exception:
            pass


def deep():
    return deep()


def elsewhere(function):
    """What a function does in another thread: its answer, or its error."""
    got = []

    def run():
        try:
            got.append(function())
        except Exception as error:
            got.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(timeout=30)
    return got[0]


def trouble(function):
    try:
        return carefully(function)
    except Trouble as found:
        return found


@pytest.fixture
def short(monkeypatch):
    monkeypatch.setattr(careful, "SECONDS", 0.2)


@pytest.mark.parametrize("endless", [loop, stubborn])
@pytest.mark.parametrize("where", [lambda function: function(), elsewhere], ids=["main thread", "another"])
def test_what_never_ends_is_stopped(endless, where, short):
    started = time.monotonic()
    found = where(lambda: trouble(endless))
    assert 0.2 <= time.monotonic() - started < 5
    assert str(found).startswith("stopped after 0.2 seconds in line ")
    assert str(found).endswith("Does a loop never end?")


def test_the_alarm_of_others_and_their_trace_are_given_back(short):
    rang = []
    before = signal.signal(signal.SIGALRM, lambda *_: rang.append(True))
    trace = sys.gettrace()
    signal.setitimer(signal.ITIMER_REAL, 0.6)
    try:
        assert carefully(lambda: 3) == 3
        trouble(loop)
        elsewhere(lambda: trouble(loop))
        assert sys.gettrace() is trace
        time.sleep(1)
        assert rang == [True]
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_no_alarm_is_left():
    carefully(lambda: 3)
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


def test_an_error_is_named_with_its_line():
    line = divide.__code__.co_firstlineno + 2
    with pytest.raises(
        Trouble, match=rf"your code raises ZeroDivisionError: division by zero in line {line}: `return 1 / nothing`\."
    ):
        carefully(divide)


def test_an_error_inside_a_library_is_named_with_the_students_line():
    with pytest.raises(Trouble, match=r"your code raises RuntimeError: .* in line \d+: `carefully\(lambda: torch"):
        carefully(lambda: torch.ones(2) + torch.ones(3))


@pytest.mark.parametrize("error", [ValueError("bad"), SystemExit(3), KeyError("k"), AssertionError(), SyntaxError("x")])
def test_errors_of_all_kinds_become_sentences(error):
    def raises():
        raise error

    with pytest.raises(Trouble, match=f"your code raises {type(error).__name__}"):
        carefully(raises)


def test_recursion_without_an_end_is_named():
    with pytest.raises(Trouble, match="RecursionError"):
        carefully(deep)


def test_the_keyboard_still_interrupts():
    def interrupted():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        carefully(interrupted)


def test_what_is_printed_is_shown_in_short(capsys):
    assert carefully(lambda: [print(i) for i in range(40)][:0]) == []
    shown = capsys.readouterr().out.splitlines()
    assert shown == [*map(str, range(10)), "… and 30 lines more"]


def test_changed_inputs_are_noticed_and_kept_ones_are_not():
    kept, changed = Watched(lambda x, n: x + n), Watched(lambda x, n: x.add_(n))
    for watched in (kept, changed):
        watched(torch.tensor([1.0, torch.nan]), 2)
    assert (kept.changes, changed.changes) == (False, True)


@pytest.mark.parametrize("answer", [3, 2.5, True, np.float64(2), np.arange(4)[::-1], [1.0, 2.0], torch.ones(2)])
def test_numbers_of_all_kinds_are_numbers(answer):
    wanted = list(answer) if np.ndim(answer) else answer
    assert tensor(answer).tolist() == wanted


@pytest.mark.parametrize("answer", ["abc", {"a": 1}, object(), ["a"], [1, None], print, (i for i in range(3))])
def test_what_is_no_number_is_named(answer):
    with pytest.raises(Trouble, match=f"expected numbers, got {type(answer).__name__}: "):
        tensor(answer)


def test_tensors_in_a_list_are_stacked_and_those_of_other_shapes_named():
    parts = [torch.ones(2, requires_grad=True), torch.zeros(2)]
    assert tensor(parts).tolist() == tensor(tuple(parts)).tolist() == [[1, 1], [0, 0]]
    assert not tensor(parts).requires_grad
    with pytest.raises(Trouble, match="expected numbers, got list: "):
        tensor([torch.ones(2), torch.ones(3)])


def test_a_tensor_without_numbers_is_named():
    with pytest.raises(Trouble, match="expected numbers, got Tensor: "):
        tensor(torch.ones(2, device="meta"))


class Mute:
    def __repr__(self):
        raise ValueError("no words")


def test_what_cannot_be_printed_is_named_by_its_class():
    assert shortened(Mute()).startswith("<test_careful.Mute object at 0x")
    with pytest.raises(Trouble, match="expected your function itself, got Mute: <"):
        Watched(Mute())


def test_missing_brackets_are_named():
    assert shortened(dl.IcyRoad) == "IcyRoad without its brackets ()"
    said = check_harmless_road(dl.IcyRoad)
    assert said == "harmless_road: expected a dl.IcyRoad, got type: IcyRoad without its brackets ()."


def test_an_error_of_the_check_is_not_called_one_of_the_students_code():
    said = check_misjudged(([2, 2, 2, 2], [1, 1, 1, 1]), "model", "disc")
    assert said == "misjudged: your answer cannot be used: AttributeError: 'str' object has no attribute 'env'."


def test_no_line_of_a_library_is_called_the_students():
    said = check_broken(torch.nn.Linear(2, 2))
    assert said.startswith("broken: your code raises RuntimeError: mat1 and mat2") and " in line " not in said


def test_complex_numbers_are_not_real():
    with pytest.raises(Trouble, match="expected real numbers"):
        tensor(1j)


@pytest.mark.parametrize("answer", [None, ..., {"a": ..., "b": None}, [..., ...], (None,)])
def test_a_stub_is_unanswered(answer):
    assert unanswered(answer)


@pytest.mark.parametrize("answer", [0, "", [], {}, {"a": ..., "b": 1}, torch.zeros(2)])
def test_all_else_is_an_answer(answer):
    assert not unanswered(answer)
