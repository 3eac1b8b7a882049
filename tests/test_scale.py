"""A sweep that is killed, damaged or spread over a cluster ends with the same table as one left in peace."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time

import joblib
import pandas as pd
import pytest
from distributed import Client

import damlite as dl
from damlite import sweep

ICY = {"IcyRoad": dl.IcyRoad()}
SMALL = {"roads": ICY, "rounds": 1, "steps": 20, "random_episodes": 5, "episodes": 2, "evaluation_episodes": 2}
SLOWER = {**SMALL, "steps": 120}


@pytest.fixture(scope="module")
def expected():
    return sweep.run_table1(2, ("velocity",), 1, progress=False, **SMALL)


def files(folder):
    return sorted(folder.rglob("*.csv"))


def test_finished_pieces_are_not_run_again(tmp_path, expected, monkeypatch):
    first = sweep.run_table1(2, ("velocity",), 1, folder=tmp_path, progress=False, **SMALL)
    assert len(files(tmp_path)) == 8
    monkeypatch.setattr(sweep, "run_mbrl", None)  # whoever runs one now gets an error
    again = sweep.run_table1(2, ("velocity",), 1, folder=tmp_path, progress=False, **SMALL)
    for table in (first, again):
        pd.testing.assert_frame_equal(table, expected)
    with pytest.raises(TypeError):
        sweep.run_table1(2, ("velocity",), 1, folder=tmp_path, progress=False, **{**SMALL, "steps": 21})


def test_a_damaged_piece_is_named_and_computed_again(tmp_path, expected):
    sweep.run_table1(2, ("velocity",), 1, folder=tmp_path, progress=False, **SMALL)
    whole, changed, empty, *others = files(tmp_path)
    whole.write_text(whole.read_text()[:-100])
    changed.write_text(changed.read_text().replace("velocity,", "velocity, ", 1))
    empty.write_text("")
    before = {path: path.stat().st_mtime_ns for path in others}
    with pytest.warns(UserWarning) as seen:
        table = sweep.run_table1(2, ("velocity",), 1, folder=tmp_path, progress=False, **SMALL)
    pd.testing.assert_frame_equal(table, expected)
    said = "\n".join(str(w.message) for w in seen)
    assert all(f"{path} is truncated or changed" in said for path in (whole, changed, empty))
    assert before == {path: path.stat().st_mtime_ns for path in others}


def test_a_sweep_killed_in_the_middle_goes_on_where_it_stood(tmp_path):
    script = (
        "from damlite import IcyRoad, sweep\n"
        f"sweep.run_table1(2, ('velocity',), 1, folder={str(tmp_path)!r}, progress=False, **{SLOWER})"
    )
    process = subprocess.Popen([sys.executable, "-c", script])
    try:
        deadline = time.monotonic() + 300
        while len(files(tmp_path)) < 2:
            assert process.poll() is None, "the sweep ended before it could be killed"
            assert time.monotonic() < deadline
            time.sleep(0.02)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    kept = {path: path.stat().st_mtime_ns for path in files(tmp_path)}
    assert 2 <= len(kept) < 8
    table = sweep.run_table1(2, ("velocity",), 1, folder=tmp_path, progress=False, **SLOWER)
    assert all(path.stat().st_mtime_ns == when for path, when in kept.items())
    pd.testing.assert_frame_equal(table, sweep.run_table1(2, ("velocity",), 1, progress=False, **SLOWER))


@contextlib.contextmanager
def cluster(folder):
    """A Dask scheduler and two workers, each a process of its own; gives a client and the workers."""
    file = folder / "scheduler.json"
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "env": {**os.environ, "OMP_NUM_THREADS": "1"}}
    dask = [sys.executable, "-m", "dask"]
    processes = [
        subprocess.Popen(
            [*dask, "scheduler", "--host=127.0.0.1", "--port=0", "--no-dashboard", f"--scheduler-file={file}"], **quiet
        )
    ]
    try:
        for _ in range(2):
            options = ["--nthreads=1", "--no-nanny", "--no-dashboard", f"--local-directory={folder}"]
            processes.append(subprocess.Popen([*dask, "worker", f"--scheduler-file={file}", *options], **quiet))
        deadline = time.monotonic() + 60
        while not file.exists():
            assert time.monotonic() < deadline, "the scheduler did not start"
            time.sleep(0.1)
        with Client(scheduler_file=str(file)) as client:
            client.wait_for_workers(2, timeout=60)
            yield client, processes[1:]
    finally:
        for process in processes:
            process.kill()
            process.wait()


def test_a_dask_cluster_gives_the_same_numbers(tmp_path, expected):
    with cluster(tmp_path), joblib.parallel_config("dask"):
        table = sweep.run_table1(2, ("velocity",), progress=False, **SMALL)
    pd.testing.assert_frame_equal(table, expected)


def test_a_worker_killed_in_the_middle_costs_nothing_but_time(tmp_path):
    kept = tmp_path / "pieces"

    def kill(worker):
        while not files(kept):
            time.sleep(0.02)
        worker.kill()

    with cluster(tmp_path) as (client, workers), joblib.parallel_config("dask"):
        thread = threading.Thread(target=kill, args=workers[:1], daemon=True)
        thread.start()
        table = sweep.run_table1(2, ("velocity",), folder=kept, progress=False, **SLOWER)
        thread.join(timeout=10)
        assert workers[0].poll() is not None
        assert len(client.scheduler_info()["workers"]) == 1
    pd.testing.assert_frame_equal(table, sweep.run_table1(2, ("velocity",), 1, progress=False, **SLOWER))
