"""A sweep that is killed with all its processes, whose disk is full, or that shares its folder ends with its table."""

import os
import re
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pandas as pd
import psutil
import pytest
from joblib.externals.loky import get_reusable_executor
from tiny import CHANGES, SMALL

import damlite as dl
from damlite.results import choices, fitted_map, kept, lucky, pool, ratios, sweeps, table1

HERE = str(Path(__file__).parent)
EIGHT = (1, ("velocity",), 1)  # pieces, in this process


@pytest.fixture(scope="module")
def expected():
    return table1.run_table1(*EIGHT, **SMALL)


def files(folder):
    return sorted(folder.rglob("*.csv"))


def script(body, folder):
    """A process that runs it, with its output as text."""
    code = f"""
import pathlib, sys, time
sys.path.insert(0, {HERE!r})
from tiny import SMALL
from damlite.results import kept, pool, table1
folder = {str(folder)!r}
{body}
"""
    return subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)


STOPPED = """
replace, calls = pathlib.Path.replace, []
def stop_at_the_third(path, target):
    calls.append(target)
    if len(calls) == 3:
        print("two are kept", flush=True)
        time.sleep(600)
    return replace(path, target)
pathlib.Path.replace = stop_at_the_third
table1.run_table1(1, ("velocity",), 2, folder=folder, **SMALL)
"""


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_a_killed_sweep_leaves_no_process_and_goes_on_where_it_stood(tmp_path, expected, how):
    """Killed while it writes the third of eight pieces; its workers are soon idle, and nobody can tell them to end."""
    sweep = script(STOPPED, tmp_path)
    try:
        assert sweep.stdout.readline() == "two are kept\n"
        workers = psutil.Process(sweep.pid).children(recursive=True)
        assert sum("loky" in " ".join(process.cmdline()) for process in workers) >= 2
    finally:
        sweep.send_signal(how)
        assert sweep.wait() == -how
    _, alive = psutil.wait_procs(workers, timeout=10)
    assert alive == []
    before = {path: path.stat().st_mtime_ns for path in files(tmp_path)}
    assert len(before) == 2
    pd.testing.assert_frame_equal(table1.run_table1(*EIGHT, folder=tmp_path, **SMALL), expected)
    assert all(path.stat().st_mtime_ns == when for path, when in before.items())
    assert len(files(tmp_path)) == 8


def test_two_sweeps_on_one_folder_give_the_same_table(tmp_path, expected):
    body = """
print("ready", flush=True)
print(table1.run_table1(1, ("velocity",), 1, folder=folder, **SMALL).to_csv(index=False))
"""
    other = script(body, tmp_path)
    assert other.stdout.readline() == "ready\n"
    pd.testing.assert_frame_equal(table1.run_table1(*EIGHT, folder=tmp_path, **SMALL), expected)
    assert other.communicate()[0] == expected.to_csv(index=False) + "\n"
    assert other.returncode == 0
    assert len(files(tmp_path)) == 8
    assert [path for path in tmp_path.rglob("*") if path.is_file() and path.suffix != ".csv"] == []


@pytest.mark.parametrize("full", [1, 8])
def test_what_a_full_disk_does_not_take_is_named_and_written_later(tmp_path, expected, monkeypatch, full):
    """The first one or all of eight pieces are cut off after a few bytes, by the system."""
    write_text, calls = Path.write_text, []

    def on_a_full_disk(path, text):
        calls.append(path)
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        if full == 8 or len(calls) <= full:
            resource.setrlimit(resource.RLIMIT_FSIZE, (100, limits[1]))
        try:
            return write_text(path, text)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)

    monkeypatch.setattr(Path, "write_text", on_a_full_disk)
    with pytest.warns(UserWarning, match=r"IcyRoad-velocity-.*-0\+1 is finished but cannot be kept in .* for now: "):
        table = table1.run_table1(*EIGHT, folder=tmp_path, **SMALL)
    pd.testing.assert_frame_equal(table, expected)
    assert len([path for path in tmp_path.rglob("*") if path.is_file()]) == (8 if full == 1 else 0)
    monkeypatch.undo()
    pd.testing.assert_frame_equal(table1.run_table1(*EIGHT, folder=tmp_path, **SMALL), expected)
    assert len(files(tmp_path)) == 8


def interrupted_after(monkeypatch, pieces):
    """Press the stop button after so many pieces."""
    write, calls = kept.write_piece, []

    def press(*piece):
        write(*piece)
        calls.append(piece)
        if len(calls) == pieces:
            raise KeyboardInterrupt

    monkeypatch.setattr(kept, "write_piece", press)


@pytest.mark.parametrize("jobs", [1, 2])
def test_the_stop_button_keeps_what_is_finished_and_ends_the_rest(tmp_path, expected, monkeypatch, jobs):
    get_reusable_executor().shutdown(wait=True, kill_workers=True)  # those that another test has left idle
    interrupted_after(monkeypatch, 3)
    with pytest.raises(KeyboardInterrupt):
        table1.run_table1(1, ("velocity",), jobs, folder=tmp_path, **SMALL)
    monkeypatch.undo()
    assert len(files(tmp_path)) == 3
    working = [p for p in psutil.Process().children(recursive=True) if "LokyProcess" in " ".join(p.cmdline())]
    assert psutil.wait_procs(working, timeout=10)[1] == []
    pd.testing.assert_frame_equal(table1.run_table1(*EIGHT, folder=tmp_path, **SMALL), expected)


@pytest.fixture
def folder(tmp_path, expected):
    """A folder with all eight pieces, and the path of the first."""
    table1.run_table1(*EIGHT, folder=tmp_path, **SMALL)
    return tmp_path


def flipped(path):
    bits = bytearray(path.read_bytes())
    bits[len(bits) // 2] ^= 1
    path.write_bytes(bits)


def another_sealed(path):
    """A file with a good seal and other columns, as of another layout."""
    table = kept.read_piece(path.parent, piece_at(path)).rename(columns={"round": "loop"})
    text = table.to_csv(index=False)
    path.write_text(f"{text}{kept.SEAL}{kept.hashlib.sha256(text.encode()).hexdigest()}\n")


def piece_at(path):
    *cell, runs = path.stem.split("-")
    return kept.Piece(*cell, *map(int, runs.split("+")))


DAMAGED = {
    "a flipped bit": (flipped, "truncated or changed"),
    "half of it": (lambda path: os.truncate(path, path.stat().st_size // 2), "truncated or changed"),
    "nothing": (lambda path: os.truncate(path, 0), "truncated or changed"),
    "bytes": (lambda path: path.write_bytes(os.urandom(1000)), "truncated or changed"),
    "another piece": (lambda path: path.write_bytes(files(path.parent)[1].read_bytes()), "holds another piece"),
    "another layout": (another_sealed, "holds another piece"),
}


def test_every_damaged_piece_is_named_and_computed_again(folder, expected, monkeypatch):
    seen = []
    run = pool.run_mbrl
    monkeypatch.setattr(pool, "run_mbrl", lambda *given, **how: seen.append(given) or run(*given, **how))
    for damage, words in DAMAGED.values():
        path = files(folder)[0]
        damage(path)
        with pytest.warns(UserWarning, match=f"{re.escape(str(path))} .*{words}.*; its runs are computed again"):
            table = table1.run_table1(*EIGHT, folder=folder, **SMALL)
        pd.testing.assert_frame_equal(table, expected)
    assert len(seen) == len(DAMAGED)


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo], ids=["a directory", "a FIFO"])
def test_what_is_no_file_in_a_pieces_place_is_named_before_any_work(folder, monkeypatch, make):
    monkeypatch.setattr(pool, "run_mbrl", None)  # whoever runs one now gets another error
    path = files(folder)[0]
    path.unlink()
    make(path)
    with pytest.raises(ValueError, match=f"{re.escape(str(path))} must be a file, got something else"):
        table1.run_table1(*EIGHT, folder=folder, **SMALL)


def test_a_file_in_the_place_of_the_pieces_folder_is_named_before_any_work(tmp_path, monkeypatch):
    monkeypatch.setattr(pool, "run_mbrl", None)  # whoever runs one now gets another error
    env = dl.IcyRoad()
    place = tmp_path / kept.fingerprint(env, dl.our_recipe(env).but(**CHANGES))
    place.touch()
    with pytest.raises(ValueError, match=f"folder must be one that can be written to, got '{re.escape(str(place))}'"):
        table1.run_table1(*EIGHT, folder=tmp_path, **SMALL)


def test_cells_that_are_named_twice_are_run_once():
    tiny = dl.our_recipe(dl.IcyRoad()).but(**CHANGES)
    variant = sweeps.Variant("IcyRoad", "a", dl.IcyRoad(), tiny)
    once, twice = (sweeps.run_sweep([variant], [("mixture", "dam")] * n, seeds=1, jobs=1) for n in (1, 2))
    pd.testing.assert_frame_equal(once, twice)


def test_what_is_named_twice_is_fitted_once(monkeypatch):
    """The other tables' cells; what each would do is only written down."""
    asked = []

    def share(function, calls, jobs):
        asked.append([call[1:-1] for call in calls])
        return iter(())

    for module in (fitted_map, ratios):
        monkeypatch.setattr(module.workers, "share", share)
    list(fitted_map.run_fitted_map(models=("mixture", "mixture")))
    list(ratios.run(networks=["paper", "paper"], predicts=["state", "state"]))
    assert [len(set(calls)) == len(calls) > 0 for calls in asked] == [True, True]
    monkeypatch.setattr(lucky, "learn", lambda env, data, method, k, predict, *_: (method, k, predict))
    fits = [learned for _, learned in lucky._fits(dl.IcyRoad(), dl.paper_recipe(dl.IcyRoad()), 1, ["state", "state"])]
    assert len(set(fits)) == len(fits) == 4


MINE = {"mine": dl.IcyRoad()}


@pytest.mark.parametrize(
    ("run", "message"),
    [
        (lambda: choices.run(1, 1, episodes={"IcyRoad": 0, "Intersection": 2}), r"episodes\['IcyRoad'\] .* got 0"),
        (lambda: choices.run(1, 1, roads=MINE), r"episodes\['mine'\] must be a positive integer, got None"),
        (lambda: choices.run(0, 1), "runs must be a positive integer, got 0"),
        (lambda: next(fitted_map.run_fitted_map(1, MINE)), r"random_episodes\['mine'\] .* got None"),
        (lambda: next(ratios.run(1, MINE)), r"random_episodes\['mine'\] .* got None"),
    ],
)
def test_what_cannot_be_driven_is_refused_before_any_work(monkeypatch, run, message):
    for module in (choices, fitted_map, ratios):
        monkeypatch.setattr(module.workers, "share", None)  # whoever begins gets another error
    with pytest.raises(ValueError, match=message):
        run()
