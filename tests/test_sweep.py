"""Table 1: the pieces, their summary and the stored results."""

import numpy as np
import pandas as pd
import pytest
import torch

import damlite as dl
from damlite import sweep
from damlite.__main__ import main
from damlite.loop import default_recipe

ICY = {"IcyRoad": dl.IcyRoad()}
SMALL = {"roads": ICY, "rounds": 1, "steps": 20, "random_episodes": 5, "episodes": 2, "evaluation_episodes": 2}


def test_the_numbers_of_a_run_do_not_depend_on_the_processes():
    one, two = (sweep.run_table1(2, ("velocity",), jobs, progress=False, **SMALL) for jobs in (1, 2))
    pd.testing.assert_frame_equal(one, two)
    assert len(one) == 8 * 2 * 2
    assert one.groupby(["model", "method"])["run"].nunique().eq(2).all()


def test_summary_by_hand():
    rows = [
        {
            "road": road,
            "predict": "state",
            "model": "mixture",
            "method": "dam",
            "run": run,
            "round": number,
            "return": value,
        }
        for road in ("IcyRoad", "Intersection", "my road")
        for run, (last, first) in enumerate([(1.0, 9.0), (3.0, 9.0), (8.0, 9.0)])
        for number, value in ((0, last), (1, first))
    ]
    table = sweep.summarise(pd.DataFrame(rows)).set_index("road")
    row = table.loc["IcyRoad"]
    assert row["mean"] == 4
    assert row["stderr"] == pytest.approx(np.std([1, 3, 8], ddof=1) / 3**0.5)
    assert (row["runs"], row["paper_mean"]) == (3, 7.94)
    assert row["iqm"] == 4  # of three runs none is left out
    assert 1 <= row["iqm_low"] < 4 < row["iqm_high"] <= 8
    assert row["regret"] == pytest.approx(9 - 4, abs=0.01)
    assert table.loc["Intersection", "regret"] == pytest.approx(112.5 - 4, abs=0.5)
    assert table.loc["Intersection", "paper_mean"] == 97.72
    assert table.loc["my road", ["regret", "paper_mean", "paper_stderr"]].isna().all()


def test_the_interquartile_mean_leaves_out_a_quarter_at_either_end():
    runs = np.array([[0.0, 5, 6, 100], [4, 2, 3, 1]])
    assert sweep.interquartile_mean(runs).tolist() == [5.5, 2.5]
    low, high = sweep.interval(sweep.interquartile_mean, np.random.default_rng(0).normal(size=400))
    assert -0.25 < low < 0 < high < 0.25


def test_saved_is_loaded(tmp_path):
    returns = sweep.run_table1(1, ("state",), 1, progress=False, **SMALL)
    sweep.save(returns, tmp_path, seeds=1)
    pd.testing.assert_frame_equal(sweep.load(tmp_path), returns)
    assert len(pd.read_csv(tmp_path / "table1.csv")) == 8
    assert '"versions"' in (tmp_path / "table1_settings.json").read_text()


def test_stored_table_is_complete_and_agrees_with_its_raw_returns():
    returns = sweep.load()
    summary = sweep.summarise(returns)
    assert len(summary) == 32
    assert (summary["runs"] >= 20).all()
    for road, rows in returns.groupby("road"):
        rounds = rows.groupby(["predict", "model", "method", "run"])["round"].nunique()
        assert rounds.eq(1 + default_recipe(sweep.ROADS[road]).rounds).all()
    stored = pd.read_csv(sweep.STORED / "table1.csv")
    np.testing.assert_allclose(stored[["mean", "stderr"]], summary[["mean", "stderr"]], atol=6e-4)


def test_a_device_that_is_not_there_is_named():
    for device in ("toaster", "cuda:99"):
        with pytest.raises(ValueError, match=f"device must be one that torch can use here, got '{device}'"):
            sweep.run_table1(1, ("state",), 1, progress=False, device=device, **SMALL)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_gives_the_same_numbers_twice():
    once, again = (sweep.run_table1(2, ("state",), 1, progress=False, device="cuda", **SMALL) for _ in range(2))
    pd.testing.assert_frame_equal(once, again)


def test_everything_new_is_made_on_the_default_device(monkeypatch):
    """Under `torch.device(...)` every generator must be of that device: none may be made on the processor by name."""
    asked = []

    class Remembered(torch.Generator):
        def __new__(cls, *device):
            asked.append(device)
            return super().__new__(cls, *device)

    monkeypatch.setattr(torch, "Generator", Remembered)
    sweep.run_table1(1, ("state",), 1, progress=False, **SMALL)
    assert asked and set(asked) == {(torch.device("cpu"),)}


def test_bad_command_lines_are_refused(capsys):
    for line in (
        ["table1", "--seeds", "0"],
        ["table1", "--predict", "speed"],
        ["ablations", "--runs", "0"],
        ["table2"],
    ):
        with pytest.raises(SystemExit):
            main(line)
    errors = capsys.readouterr().err
    assert "--seeds" in errors and "--runs" in errors
