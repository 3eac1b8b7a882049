"""Errors that name the argument, what came and what was expected."""

import math

import numpy as np
import pytest
import torch

import damlite as dl
from damlite.support import validate


def test_a_whole_number_beyond_int64_is_kept_as_a_float(env):
    great = 10**30
    assert type(dl.Estimator(clip=2).clip) is int
    assert [type(x) for x in (dl.Estimator(clip=great).clip, dl.MPPI(temperature=great).temperature)] == [float] * 2
    assert dl.IcyRoad(threshold=great).reward(env.initial_state(), 0) == 1
    assert dl.networks.Network(box=great).box == float(great)


def test_what_fits_comes_back():
    assert validate.integer("n", np.int64(3)) == 3
    assert type(validate.integer("n", np.int64(3))) is int
    assert validate.integer("n", 0, least=0) == 0
    assert validate.integers("n", 4) == (4,)
    assert validate.integers("n", (4, 2)) == (4, 2)
    assert validate.number("x", 2) == 2.0
    assert validate.number("x", torch.tensor(0.5), 0, 1) == 0.5
    assert validate.choice("c", "b", ("a", "b")) == "b"
    assert validate.boolean("b", False) is False
    assert validate.states("s", [[1, 2]], 2).dtype == torch.float32
    assert validate.actions("a", torch.tensor([0, 2], dtype=torch.int32), 3).dtype == torch.int64
    assert validate.broadcastable(a=torch.zeros(2, 1), b=torch.zeros(3)) == (2, 3)
    assert validate.fields(dl.Training, {"steps": 7}) == dl.Training(steps=7)
    assert validate.device("device", "cpu") == torch.device("cpu")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: validate.integer("n", True), "n must be a positive integer, got True"),
        (lambda: validate.integer("n", 1.0), "n must be a positive integer, got 1.0"),
        (lambda: validate.integer("n", -1, least=0), "n must be a non-negative integer, got -1"),
        (lambda: validate.integers("n", ()), r"n must be a positive integer or a tuple of them, got \(\)"),
        (lambda: validate.integers("n", 3, only_tuples=True), "n must be a tuple of positive integers, got 3"),
        (lambda: validate.boolean("b", 1), "b must be True or False, got 1"),
        (lambda: validate.instance("road", 3, dl.IcyRoad), "road must be an IcyRoad, got 3"),
        (lambda: validate.fields(dl.Training, {"step": 7}), r"step is no choice of Training \(got 7\); it has steps,"),
        (lambda: validate.number("x", math.nan), "x must be a finite number, got nan"),
        (lambda: validate.number("x", "much", 0, 1), r"x must be a finite number in \[0, 1\], got 'much'"),
        (lambda: validate.choice("c", "z", ("a", "b")), "c must be one of 'a', 'b', got 'z'"),
        (lambda: validate.device("device", "abacus"), "device must be one that torch can use here, got 'abacus'"),
        (lambda: validate.states("s", torch.zeros(2, 3), 4), r"s must have shape \(..., 4\), got \(2, 3\)"),
        (lambda: validate.states("s", 1.0, 4), r"s must have shape \(..., 4\), got \(\)"),
        (lambda: validate.actions("a", torch.tensor([True]), 3), "a must be integers from 0 to 2, got torch.bool"),
        (lambda: validate.actions("a", torch.tensor([-1, 0]), 3), "a must be integers from 0 to 2, got -1 to 0"),
        (
            lambda: validate.broadcastable(a=torch.zeros(2), b=torch.zeros(3)),
            r"batch shapes must broadcast, got a \(2,\), b \(3,\)",
        ),
    ],
)
def test_what_does_not_fit_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
