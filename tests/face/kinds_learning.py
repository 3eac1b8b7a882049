"""What fits, estimates and planners are given: functions, networks, episodes, recipes; and how it comes wrong."""

import functools
import math
import types
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch

import damlite as dl

from .calls import Way
from .kinds import WAYS as KINDS
from .kinds import fixed, no_return, of_right, tensor_ways

ROAD, CROSSING = dl.IcyRoad(), dl.Intersection()


@functools.cache
def episodes(runs: int | None = None, crossing: bool = False) -> dl.Episodes:
    """A few random ones."""
    return dl.collect(CROSSING if crossing else ROAD, episodes=3, runs=runs, generator=dl.seeded(0))


def model(runs: int = 1, env: dl.Environment = ROAD, **choices: object) -> dl.DynamicsModel:
    """A small one with random parameters."""
    return dl.DynamicsModel(env, 2, "state", runs, dl.seeded(1), hidden=(4,), **choices)


def disc(runs: int = 1, env: dl.Environment = ROAD) -> dl.Discriminator:
    """A small one with random parameters."""
    return dl.Discriminator(env, runs, dl.seeded(2), hidden=(4,))


def recipe(**changes: object) -> dl.Recipe:
    """One that takes next to no time."""
    planner = dl.RandomShooting(particles=2, candidates=2, horizon=2)
    small = {"rounds": 1, "random_episodes": 2, "episodes": 2, "evaluation_episodes": 2, "hidden": (4,), "steps": 2}
    return dl.Recipe(planner=planner).but(**small | changes)


def odd(env: object = None) -> dict[str, Way]:
    """What is nobody's object."""
    return {
        "None": fixed(None),
        "text": fixed("good"),
        "number": fixed(3),
        "module": fixed(torch),
        "function": fixed(torch.zeros),
        "dict": fixed({}),
        "tensor": fixed(torch.zeros(2)),
        "namespace": fixed(types.SimpleNamespace(env=env, runs=1, fitted=True, horizon=5)),
    }


class Forgetful:
    """Dynamics whose author forgot to return."""

    def transition(self, state: object, action: object) -> None:
        """Nothing."""


def answers(change: Callable, outcome: str = "error") -> Way:
    """A function whose answer is the right one's, changed."""
    return Way(lambda right: lambda *given: change(right(*given)), outcome)


FUNCTION = {
    "text": fixed("reward"),
    "number": fixed(3),
    "module": fixed(math),
    "dict": fixed({}),
    "tensor": fixed(torch.zeros(2)),
    "class": fixed(dl.IcyRoad),
    "planner": fixed(dl.Exhaustive()),
    "no return": fixed(no_return),
    "returns text": answers(lambda x: "good"),
    "returns a list of texts": answers(lambda x: ["good"] * len(x)),
    "returns one number": answers(lambda x: 1.0, "finite"),
    "returns one integer": answers(lambda x: 1, "finite"),
    "returns True": answers(lambda x: True),
    "returns one of numpy": answers(lambda x: x.mean().double().numpy()[()]),
    "returns one tensor": answers(lambda x: x.mean()),
    "returns another shape": answers(lambda x: x[..., None]),
    "returns the first": answers(lambda x: x[..., :1]),
    "returns twice as many": answers(lambda x: torch.cat([x, x], -1)),
    "returns a pair": answers(lambda x: (x, x)),
    "returns complex": answers(lambda x: x + 1j),
    "returns float64": answers(lambda x: x.double(), "same"),
    "returns numpy": answers(lambda x: x.numpy(), "same"),
    "returns integers": answers(lambda x: x.round().int(), "finite"),
    "returns bools": answers(lambda x: x > 0, "finite"),
    "returns nan": answers(lambda x: x * math.nan),
    "of one argument": fixed(lambda state: state[..., 0]),
    "of no argument": fixed(lambda: 1.0),
    "of five arguments": fixed(lambda a, b, c, d, e: a[..., 0]),
    "edits what it is given": Way(lambda right: lambda *given: (right(*given), given[0].zero_())[0], "same"),
}
NETWORK = {"class": fixed(dl.DynamicsModel), "env": fixed(ROAD), **odd(ROAD)}
GIVEN = {way: how for way, how in FUNCTION.items() if not way.startswith(("returns", "of ", "no return", "edits"))}

WAYS: dict[str, dict[str, Way]] = {
    "reward": {**FUNCTION, "None": fixed(None), "env": fixed(ROAD), "a discriminator": fixed(disc())},
    "log_ratio": {
        **FUNCTION,
        "None": fixed(None, "finite"),
        "the discriminator": fixed(disc()),
        "a model": fixed(model()),
        "of more runs": fixed(disc(3).log_ratio),
        "of another road": fixed(disc(env=CROSSING).log_ratio),
        "returns inf": answers(lambda x: x + math.inf, "runs"),
    },
    "dynamics": {
        **{name: way for name, way in odd(ROAD).items()},
        "class": fixed(dl.DynamicsModel),
        "a discriminator": fixed(disc()),
        "transition": of_right(lambda q: q.transition, "error"),
        "forgetful": fixed(Forgetful()),
        "of another road": fixed(model(env=CROSSING)),
        "another road": fixed(CROSSING),
        "of more runs": fixed(model(3)),
    },
    "belief dynamics": {
        **{way: how for way, how in odd().items() if way != "None"},
        "None": fixed(None, "runs"),
        "class": fixed(dl.DynamicsModel),
        "a discriminator": fixed(disc()),
        "transition": of_right(lambda q: q.transition, "error"),
        "of another road": fixed(model(env=CROSSING)),
        "another road": fixed(CROSSING),
    },
    "belief log_ratio": {
        **GIVEN,
        "None": fixed(None, "runs"),
        "the discriminator": fixed(disc()),
        "model": fixed(model()),
        "of another road": fixed(disc(env=CROSSING).log_ratio),
    },
    "model": {
        **NETWORK,
        "a discriminator": fixed(disc()),
        "of another road": fixed(model(env=CROSSING)),
        "of more runs": fixed(model(3)),
    },
    "disc": {
        **NETWORK,
        "class": fixed(dl.Discriminator),
        "a model": fixed(model()),
        "log_ratio": fixed(disc().log_ratio),
        "of another road": fixed(disc(env=CROSSING)),
        "of more runs": fixed(disc(3)),
    },
    "data": {
        **odd(),
        "class": fixed(dl.Episodes),
        "of another road": fixed(episodes(crossing=True)),
        "of more runs": fixed(episodes(4)),
        "states alone": of_right(lambda d: d.state, "error"),
        "none": of_right(lambda d: d.select(torch.zeros(0, dtype=torch.long)), "error"),
        "nan": of_right(lambda d: replace(d, reward=d.reward * math.nan), "error"),
        "infinite": of_right(lambda d: replace(d, next_state=d.next_state + math.inf), "error"),
        "wrong actions": of_right(lambda d: replace(d, action=d.action + 7), "error"),
        "misshapen": of_right(lambda d: replace(d, reward=d.reward[..., :-1]), "error"),
        "without rewards": of_right(lambda d: replace(d, reward=None), "error"),
        "floating actions": of_right(lambda d: replace(d, action=d.action.float()), "error"),
        "float64": of_right(lambda d: d.map(lambda t: t.double() if t.is_floating_point() else t)),
        "int32": of_right(lambda d: replace(d, action=d.action.int())),
        "not contiguous": of_right(lambda d: d.map(lambda t: torch.stack([t, t], -1)[..., 0])),
        "requires grad": of_right(lambda d: replace(d, state=d.state.clone().requires_grad_())),
    },
    "weighting": {
        **KINDS["choice"],
        "tensor": of_right(lambda w: torch.ones_like(episodes().reward), "finite"),
        "numpy": of_right(lambda w: np.ones(tuple(episodes().reward.shape)), "finite"),
        "integers": of_right(lambda w: torch.ones_like(episodes().reward).int(), "finite"),
        "lists": of_right(lambda w: torch.ones_like(episodes().reward).tolist(), "finite"),
        "mask": of_right(lambda w: torch.ones_like(episodes().reward).bool(), "finite"),
        "nothing held out": of_right(lambda w: episodes().reward.abs() * torch.tensor([[1], [1], [0]]), "error"),
        "nothing to train on": of_right(lambda w: episodes().reward.abs() * torch.tensor([[0], [0], [1]]), "error"),
        "negative": of_right(lambda w: -torch.ones_like(episodes().reward), "error"),
        "nan": of_right(lambda w: episodes().reward * math.nan, "error"),
        "infinite": of_right(lambda w: episodes().reward + math.inf, "error"),
        "zeros": of_right(lambda w: torch.zeros_like(episodes().reward), "error"),
        "complex": of_right(lambda w: episodes().reward + 1j, "error"),
        "misshapen": of_right(lambda w: episodes().reward[..., :-1], "error"),
        "one": fixed(torch.tensor(1.0)),
        "dict": fixed({}),
        "True": fixed(True),
    },
    "planned state": {
        **{way: how for way, how in KINDS["states"].items() if way not in ("nan", "inf")},
        "nan": of_right(lambda x: x * math.nan, "error"),
        "inf": of_right(lambda x: x + math.inf, "error"),
    },
    "planned actions": {**KINDS["actions"], "no steps": of_right(lambda a: a[..., :0], "error"), "scalar": fixed(1)},
    "offset": {
        "None": fixed(None),
        "text": fixed("2"),
        "nan": fixed(math.nan),
        "inf": fixed(math.inf),
        "True": fixed(True),
        "complex": fixed(1j),
        "function": fixed(len),
        "dict": fixed({}),
        "numpy": of_right(np.float64),
        "tensor": of_right(lambda c: torch.tensor(float(c), dtype=torch.float64)),
        "of one run": of_right(lambda c: torch.tensor([float(c)])),
        "list": of_right(lambda c: [float(c)]),
        "integer": fixed(1, "finite"),
        "of more runs": fixed(torch.ones(7)),
        "misshapen": fixed(torch.ones(1, 1)),
        "one for each sequence": fixed(torch.ones(3, 1)),
        "none": fixed(torch.ones(0)),
        "nan of one run": fixed(torch.tensor([math.nan])),
    },
    "normalise": {
        **KINDS["choice"],
        "zero": fixed(0),
        "one": fixed(1.0),
        "True": fixed(True, "runs"),
        "capitals": fixed("EXCESS"),
    },
    "values": {**tensor_ways("nan"), "inf": of_right(lambda x: x + math.inf, "runs"), "number": fixed(1.0, "finite")},
    "belief offset": {},
    "share": {**KINDS["probability"], "None": fixed(None, "runs"), "zero": fixed(0.0)},
    "positive": {**KINDS["size"], "zero": fixed(0.0)},
    "hold": {
        **{way: how for way, how in KINDS["count"].items() if how.outcome == "error" and way != "list"},
        "numpy": fixed(np.int64(2), "runs"),
        "None": fixed(None),
        "empty": fixed(()),
        "list": fixed([3, 5], "runs"),
        "list with zero": fixed([3, 0]),
        "empty list": fixed([]),
        "with zero": fixed((3, 0)),
        "with text": fixed((3, "5")),
        "huge in a tuple": fixed((3, 10**18)),
        "tuple": fixed((1, 2), "runs"),
    },
    "belief": {
        **odd(ROAD),
        "class": fixed(dl.Belief),
        "env": fixed(ROAD),
        "a model": fixed(model()),
        "a discriminator": fixed(disc()),
    },
    "planner": {
        **odd(),
        "class": fixed(dl.Exhaustive),
        "name": fixed("exhaustive"),
        "estimator": fixed(dl.Estimator()),
        "belief": fixed(dl.Belief(ROAD)),
        "training": fixed(dl.Training()),
    },
    "training": {
        **odd(),
        "class": fixed(dl.Training),
        "planner": fixed(dl.Exhaustive()),
        "recipe": fixed(recipe()),
        "fields": fixed({"steps": 3}),
    },
    "recipe": {
        **odd(),
        "None": fixed(None, "left out"),
        "class": fixed(dl.Recipe),
        "function of env": fixed(dl.our_recipe),
        "planner": fixed(dl.Exhaustive()),
        "training": fixed(dl.Training()),
        "name": fixed("paper"),
    },
    "widths": {
        "number": fixed(64),
        "list": fixed([64], "runs"),
        "list of numpy": fixed([np.int64(8)], "runs"),
        "list with zero": fixed([64, 0]),
        "empty list": fixed([]),
        "empty": fixed(()),
        "text": fixed("64"),
        "with zero": fixed((64, 0)),
        "with negative": fixed((64, -1)),
        "with fraction": fixed((64, 0.5)),
        "with text": fixed(("64",)),
        "with None": fixed((None,)),
        "huge": fixed((10**18,)),
        "None": fixed(None),
        "tensor": fixed(torch.tensor([64])),
        "function": fixed(len),
        "dict": fixed({}),
    },
    "range": {
        "number": fixed(0.1),
        "list": fixed([0.1, 1.0], "runs"),
        "swapped list": fixed([1.0, 0.1]),
        "three": fixed((0.1, 1.0, 2.0)),
        "swapped": fixed((1.0, 0.1)),
        "negative": fixed((-0.1, 1.0)),
        "nan": fixed((math.nan, 1.0)),
        "nan above": fixed((0.1, math.nan)),
        "infinite below": fixed((math.inf, math.inf)),
        "text": fixed("ab"),
        "texts": fixed(("0.1", "1")),
        "with True": fixed((0.1, True)),
        "None": fixed(None),
        "with None": fixed((0.1, None)),
        "empty": fixed(()),
        "function": fixed(len),
        "tensor": fixed(torch.tensor([0.1, 1.0])),
    },
    "policy": {  # what one answers is asked by `collect`
        **GIVEN,
        "None": fixed(None, "finite"),
        "actions": fixed([2, 2, 1, 1, 1]),
        "env": fixed(ROAD),
        "belief": fixed(dl.Belief(ROAD)),
    },
    "seed": {
        way: how
        for way, how in {**KINDS["count"], "minus one": fixed(-1), "zero": fixed(0, "finite")}.items()
        if way != "huge"
    }
    | {"too great for a generator": fixed(2**70)},
    "imagined": {
        **odd(),
        "empty": fixed([]),
        "tensors": fixed([torch.zeros(2, 3)]),
        "one step": of_right(lambda steps: steps[0], "error"),
        "class": fixed(dl.Plan),
        "tuple": of_right(tuple),
    },
}
WAYS["belief offset"] = {
    way: how if how.outcome == "error" else replace(how, outcome="runs")
    for way, how in WAYS["offset"].items()
    if way not in ("of more runs", "one for each sequence")  # how many there are is told by the state
}
