"""The stop button, at whatever moment: objects stay usable, and what is finished is kept."""

import signal
import subprocess
import sys
from contextlib import contextmanager

import pytest
import torch

import damlite as dl
from damlite import fitting, networks

TINY = dl.RandomShooting(horizon=2, candidates=3, particles=2)
LOOP = {"recipe": dl.Recipe(planner=TINY, rounds=3, random_episodes=5, episodes=2, evaluation_episodes=2).but(steps=20)}
STEPS = 60  # of a fit, which looks at its held-out loss every 20


@contextmanager
def stopped_at(line):
    """Press the stop button at that line of all that the package goes through, counted from 1; `lines[0]` counts."""
    lines, before = [0], sys.gettrace()

    def trace(frame, event, _):
        if "/damlite/" not in frame.f_code.co_filename:
            return None
        if event == "line":
            lines[0] += 1
            if lines[0] == line:
                raise KeyboardInterrupt
        return trace

    sys.settrace(trace)
    try:
        yield lines
    finally:
        sys.settrace(before)


def moments(function, count):
    """So many lines, from the first of a call to the last but a few, which only give threads back."""
    with stopped_at(None) as lines:
        function()
    return [1 + (lines[0] - 20) * i // (count - 1) for i in range(count)]


def values(network):
    return [p.detach().clone() for p in network.parameters()]


def data(env, seed=0):
    return dl.collect(env, episodes=6, runs=2, generator=dl.seeded(seed))


def fits(env):
    """By name a new network, and how it is fitted."""
    known = dl.DynamicsModel(env, 2, runs=2, generator=dl.seeded(1))
    dl.fit_model(known, data(env), steps=20, generator=dl.seeded(2))

    def model(network):
        dl.fit_model(network, data(env), "return", steps=STEPS, learning_rate=0.3, generator=dl.seeded(3))

    def disc(network):
        dl.fit_discriminator(network, known, data(env), steps=STEPS, learning_rate=0.3, generator=dl.seeded(3))

    return {
        "model": (lambda: dl.DynamicsModel(env, 3, runs=2, generator=dl.seeded(4)), model),
        "disc": (lambda: dl.Discriminator(env, runs=2, generator=dl.seeded(4)), disc),
    }


@pytest.mark.parametrize("kind", ["model", "disc"])
def test_a_fit_that_is_stopped_leaves_the_best_parameters_so_far(monkeypatch, three_threads, kind):
    make, fit = fits(dl.IcyRoad())[kind]
    seen = []  # what was looked at, and its losses
    objective = fitting.Objective

    def watched(minibatch, held_out, size):
        def look():
            losses = held_out()
            seen.append((values(network), losses))
            return losses

        return objective(minibatch, look, size)

    network = make()
    points = moments(lambda: fit(network), 7)
    whole = values(network)
    monkeypatch.setattr(fitting, "Objective", watched)
    for point in points:
        seen.clear()
        network = make()
        before = values(network)
        with pytest.raises(KeyboardInterrupt), stopped_at(point):
            fit(network)
        assert torch.is_grad_enabled() and torch.get_num_threads() == 3
        if seen:
            assert network.fitted
            assert any(is_best(network, seen[:known]) for known in {len(seen), max(1, len(seen) - 1)}), point
        elif not network.fitted:  # nothing has begun
            fit(network)
            assert all(map(torch.equal, values(network), whole)), point
        else:
            assert len(before) == len(values(network))
        fit(network)
        assert all(p.isfinite().all() for p in network.parameters())


def is_best(network, seen):
    """Whether each run has the parameters of the least loss, the first of equals."""
    best = torch.stack([losses for _, losses in seen]).argmin(0)
    return all(
        torch.equal(p[run], seen[best[run]][0][i][run])
        for i, p in enumerate(network.parameters())
        for run in range(network.runs)
    )


@pytest.mark.parametrize("later_steps", [None, 20])
def test_a_loop_that_is_stopped_gives_all_finished_rounds(later_steps, three_threads):
    env = dl.IcyRoad()
    how = {"runs": 2, "seed": 3, "later_steps": later_steps, **LOOP}
    results = []
    points = moments(lambda: results.append(dl.run_mbrl(env, **how)), 6)
    (whole,) = results
    until = {3: whole, **{rounds: dl.run_mbrl(env, **{**how, "rounds": rounds}) for rounds in (1, 2)}}
    done = set()
    for point in points:
        with pytest.raises(KeyboardInterrupt) as stopped, stopped_at(point):
            dl.run_mbrl(env, **how)
        if not hasattr(stopped.value, "so_far"):
            assert not done
            continue
        assert torch.is_grad_enabled() and torch.get_num_threads() == 3
        result = stopped.value.so_far
        rounds = result.round_returns.shape[-1]
        done.add(rounds)
        assert f"{rounds} of 3 rounds are finished" in stopped.value.__notes__[0]
        assert result.returns.isnan().all() and result.returns.shape == whole.returns.shape
        assert torch.equal(result.round_returns, whole.round_returns[:, :rounds])
        assert torch.equal(result.data.state, whole.data.state[:, : 5 + 2 * rounds])
        if rounds:
            same_networks(result.learned, until[rounds].learned)
    assert done == {0, 1, 2, 3}


def same_networks(one, other):
    for mine, theirs in ((one.model, other.model), (one.disc, other.disc)):
        assert all(map(torch.equal, mine.state_dict().values(), theirs.state_dict().values()))


def test_an_error_of_ones_own_loses_no_round_either():
    class Broken(dl.RandomShooting):
        left = 12  # plans: two rounds of five steps, and two more

        def plan(self, *given, **how):
            type(self).left -= 1
            if not self.left:
                raise RuntimeError("broken")
            return super().plan(*given, **how)

    with pytest.raises(RuntimeError, match="broken") as stopped:
        dl.run_mbrl(dl.IcyRoad(), runs=2, planner=Broken(**vars(TINY)), **LOOP)
    assert stopped.value.so_far.round_returns.shape == (2, 2)


SIGINT = f"""
import signal
import sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # one started in the background ignores it
import damlite as dl
from damlite.networks import StackedMLP
already = set(sys.modules)
env, tiny = dl.IcyRoad(), dl.{TINY!r}
plan, drives = dl.RandomShooting.plan, []
def told(*given, **how):
    drives.append(1)
    if len(drives) == 12:
        print(*[m for m in sys.modules if m.split(".")[0] in ("torch", "sympy") and m not in already], flush=True)
    return plan(*given, **how)
dl.RandomShooting.plan = told
how = dict(runs=2, planner=tiny, steps=20, random_episodes=5, episodes=2, evaluation_episodes=2)
try:
    dl.run_mbrl(env, rounds=10**6, **how)
except KeyboardInterrupt as stopped:
    print(stopped.so_far.round_returns.shape[-1])
print(dl.run_mbrl(env, rounds=1, **how).returns.isfinite().all().item())
"""


def test_the_stop_button_itself_and_what_torch_loads_late():
    """A module of torch that is half loaded when the button is pressed stays broken: none is loaded in a fit."""
    process = subprocess.Popen([sys.executable, "-c", SIGINT], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline().split() == ["torch.utils._device"]  # by the first generator: a small one
    process.send_signal(signal.SIGINT)
    rounds, again = process.communicate(timeout=300)[0].split()
    assert int(rounds) >= 2 and again == "True"
    assert process.returncode == 0


def test_a_thread_number_is_given_back_whenever_it_is_stopped(three_threads):
    model = networks.StackedMLP(1, (2, 2))
    for line in (1, 2, 3):
        with pytest.raises(KeyboardInterrupt), stopped_at(line):
            fitting.one_thread()(model)(torch.zeros(1, 1, 2))
        assert torch.get_num_threads() == 3
