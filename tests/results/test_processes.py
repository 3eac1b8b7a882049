"""Whether one process does the work or several share it: the same numbers."""

import gymnasium
import pandas as pd
from tiny import CELLS, SMALL, three

import damlite as dl
from damlite.results import pool, sweeps, table1


def test_the_numbers_of_a_run_do_not_depend_on_the_processes():
    one, two = (table1.run_table1(2, ("velocity",), jobs, **SMALL) for jobs in (1, 2))
    pd.testing.assert_frame_equal(one, two)
    assert len(one) == 8 * 2 * 2
    assert one.groupby(["model", "method"])["run"].nunique().eq(2).all()


def test_the_numbers_of_a_sweep_do_not_depend_on_the_processes_or_on_what_is_kept(tmp_path):
    one = sweeps.run_sweep(three(), CELLS, seeds=2, jobs=1, folder=tmp_path)
    pd.testing.assert_frame_equal(sweeps.run_sweep(three(), CELLS, seeds=2, jobs=2), one)


def cartpole():
    return gymnasium.make("CartPole-v1")


def upright(state, action):
    return (state[..., 2].abs() < 0.2).float()


def test_an_environment_of_ones_own_goes_in_and_its_pieces_are_kept(tmp_path, monkeypatch):
    env = dl.FromGymnasium(cartpole, upright, 10)
    how = {**SMALL, "roads": {"my road": env}}
    one, two = (table1.run_table1(1, ("state",), jobs, folder=tmp_path / str(jobs), **how) for jobs in (1, 2))
    pd.testing.assert_frame_equal(one, two)
    assert set(one["road"]) == {"my road"}
    assert table1.summarise(one)["regret"].isna().all()
    monkeypatch.setattr(pool, "run_mbrl", None)  # whoever runs one now gets an error
    pd.testing.assert_frame_equal(table1.run_table1(1, ("state",), 1, folder=tmp_path / "1", **how), one)
