"""A sweep that goes on, is damaged or spread over a cluster ends with the same table as one left in peace."""

import os
import signal
import subprocess
import sys
import time

import joblib
import pandas as pd
import pytest
from distributed import Client
from tiny import CHANGES, SMALL

import damlite as dl
from damlite.results import kept, pool, table1


@pytest.fixture(scope="module")
def expected():
    return table1.run_table1(2, ("velocity",), 1, **SMALL)


@pytest.fixture
def folder(tmp_path, expected):
    """A folder with all eight pieces of what is expected."""
    env, recipe = dl.IcyRoad(), dl.our_recipe(dl.IcyRoad()).but(**CHANGES)
    for _, table in expected.groupby(["model", "method"]):
        table.attrs.clear()  # what all pieces took
        kept.write_piece(tmp_path / kept.fingerprint(env, recipe), table)
    return tmp_path


def files(folder):
    return sorted(folder.rglob("*.csv"))


def test_finished_pieces_are_not_run_again(tmp_path, folder, expected, monkeypatch):
    assert len(files(folder)) == 8
    monkeypatch.setattr(pool, "run_mbrl", None)  # whoever runs one now gets an error
    again = table1.run_table1(2, ("velocity",), 1, folder=folder, **SMALL)
    pd.testing.assert_frame_equal(again, expected)
    for change in ({"steps": 21}, {"rounds": 2}, {"recipe": dl.paper_recipe}):
        with pytest.raises(TypeError):
            table1.run_table1(2, ("velocity",), 1, folder=folder, **{**SMALL, **change})


def test_a_damaged_piece_is_named_and_computed_again(folder, expected):
    whole, changed, empty, *others = files(folder)
    whole.write_text(whole.read_text()[:-100])
    changed.write_text(changed.read_text().replace("velocity,", "velocity, ", 1))
    empty.write_text("")
    before = {path: path.stat().st_mtime_ns for path in others}
    with pytest.warns(UserWarning) as seen:
        table = table1.run_table1(2, ("velocity",), 1, folder=folder, **SMALL)
    pd.testing.assert_frame_equal(table, expected)
    said = "\n".join(str(w.message) for w in seen)
    assert all(f"{path} is truncated or changed" in said for path in (whole, changed, empty))
    assert before == {path: path.stat().st_mtime_ns for path in others}


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """A Dask scheduler and two workers, each a process of its own: a client and the workers."""
    folder = tmp_path_factory.mktemp("cluster")
    file = folder / "scheduler.json"
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "env": {**os.environ, "OMP_NUM_THREADS": "1"}}
    dask, there = [sys.executable, "-m", "dask"], f"--scheduler-file={file}"
    command = [*dask, "scheduler", "--host=127.0.0.1", "--port=0", "--no-dashboard", there]
    processes = [subprocess.Popen(command, **quiet)]
    try:
        command = [
            *dask,
            "worker",
            there,
            "--nthreads=1",
            "--no-nanny",
            "--no-dashboard",
            f"--local-directory={folder}",
        ]
        processes += [subprocess.Popen(command, **quiet) for _ in range(2)]
        deadline = time.monotonic() + 180
        while not file.exists():
            assert time.monotonic() < deadline, "the scheduler did not start"
            time.sleep(0.1)
        with Client(scheduler_file=str(file)) as client:
            client.wait_for_workers(2, timeout=180)
            yield client, processes[1:]
    finally:
        for process in processes:
            process.kill()
            process.wait()


def test_a_dask_cluster_gives_the_same_numbers(cluster, expected):
    with joblib.parallel_config("dask"):
        table = table1.run_table1(2, ("velocity",), **SMALL)
    pd.testing.assert_frame_equal(table, expected)


def test_a_worker_killed_in_the_middle_costs_nothing_but_time(cluster, expected, tmp_path, monkeypatch):
    """Killed when the first piece of eight has come back."""
    client, (first, _) = cluster
    write_piece = kept.write_piece

    def kill_and_write(folder, table):
        first.kill()
        return write_piece(folder, table)

    monkeypatch.setattr(kept, "write_piece", kill_and_write)
    with joblib.parallel_config("dask"):
        table = table1.run_table1(2, ("velocity",), folder=tmp_path, **SMALL)
    pd.testing.assert_frame_equal(table, expected)
    assert first.wait(timeout=10) == -signal.SIGKILL
    deadline = time.monotonic() + 60
    while len(client.scheduler_info()["workers"]) > 1:
        assert time.monotonic() < deadline, "the scheduler did not notice"
        time.sleep(0.1)
