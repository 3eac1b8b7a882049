"""What roads, networks and exact truth are given: policies, mixtures, Gymnasium's environments; how it comes wrong."""

import functools
import math

import gymnasium
import numpy as np
import torch

import damlite as dl

from .calls import Way
from .kinds import WAYS as KINDS
from .kinds import fixed, no_return, of_right
from .kinds_learning import CROSSING, ROAD, answers, disc, episodes, model, odd
from .kinds_learning import WAYS as LEARNING


def answer_one(state: torch.Tensor, action: torch.Tensor) -> torch.Tensor:
    """A reward of one."""
    return torch.ones_like(state[..., 0])


class Free(dl.IcyRoad):
    """An icy road on which nothing is won or lost."""

    def reward(self, state: torch.Tensor, action: torch.Tensor) -> torch.Tensor:
        """Nothing."""
        return 0 * state[..., 0]


# How random numbers and probabilities come wrong, by their last axis.
PROBABILITIES = {
    **{way: how for way, how in KINDS["numbers"].items() if way not in ("float16", "int32", "scalar")},
    "scalar": fixed(1.0),
    "of another sum": of_right(lambda p: 2 * p, "error"),
    "negative": of_right(lambda p: torch.cat([-p[..., :1], p[..., 1:] + 2 * p[..., :1]], -1), "error"),
    "one more": of_right(lambda p: torch.cat([p, torch.zeros_like(p[..., :1])], -1), "error"),
}
GIVEN = {way: how for way, how in LEARNING["policy"].items() if way != "None"}

WAYS: dict[str, dict[str, Way]] = {
    "driver": {
        **GIVEN,
        "None": fixed(None, "finite"),
        "no return": fixed(no_return),
        "returns text": answers(lambda a: "left"),
        "returns one action": answers(lambda a: 1, "finite"),
        "returns one tensor": answers(lambda a: torch.tensor(1), "finite"),
        "returns floats": answers(lambda a: a.float()),
        "returns bools": answers(lambda a: a > 0),
        "returns too great ones": answers(lambda a: a + 10),
        "returns negative ones": answers(lambda a: a - 10),
        "returns nan": answers(lambda a: a * math.nan),
        "returns another shape": answers(lambda a: torch.stack([a, a], -1)),
        "returns twice as many": answers(lambda a: torch.cat([a, a], -1)),
        "returns none": answers(lambda a: a[..., :0]),
        "returns a plan": answers(lambda a: dl.Exhaustive()),
        "returns int32": answers(lambda a: a.int(), "same"),
        "returns numpy": answers(lambda a: a.numpy(), "same"),
        "returns a list": answers(lambda a: a.tolist(), "same"),
        "of one argument": fixed(lambda state: state[..., 0].long()),
        "of no argument": fixed(lambda: 1),
        "edits the state": Way(lambda right: lambda *given: (right(*given), given[0].zero_())[0], "same"),
        "the planner's plan": fixed(dl.Exhaustive(particles=2).plan),
    },
    "coordinate": {way: how for way, how in KINDS["count"].items() if way not in ("zero", "negative", "None")}
    | {"None": fixed(None), "zero": fixed(0, "finite"), "last": fixed(-1, "finite"), "too great": fixed(4)},
    "one action": {**KINDS["count"], "zero": fixed(0, "finite"), "too great": fixed(3)},
    "shape": {
        "number": fixed(3),
        "list": fixed([2], "finite"),
        "negative": fixed((-1,)),
        "fraction": fixed((2.5,)),
        "text": fixed("2"),
        "None": fixed(None),
        "huge": fixed((10**18,)),
        "True": fixed((True,)),
        "none": fixed((0,), "finite"),
    },
    "noise": {
        **{way: how for way, how in KINDS["numbers"].items() if way not in ("None", "empty", "int32", "float16")},
        "None": fixed(None, "finite"),
        "one column less": of_right(lambda x: x[..., :-1], "error"),
        "one column more": of_right(lambda x: torch.cat([x, x[..., :1]], -1), "error"),
        "of another batch": of_right(lambda x: torch.cat([x, x, x]), "error"),
    },
    "chosen": {
        "list": of_right(lambda x: x.tolist()),
        "numpy": of_right(lambda x: x.numpy()),
        "mask": fixed(torch.tensor([True, False, True]), "same"),
        "numpy mask": fixed(np.array([True, False, True]), "same"),
        "list of bools": fixed([True, False, True], "same"),
        "empty list": fixed([], "finite"),
        "mask of another length": fixed(torch.tensor([True, False])),
        "too great": fixed(torch.tensor([7])),
        "floats": fixed(torch.tensor([0.5])),
        "text": fixed("first"),
        "None": fixed(None),
        "number": fixed(1),
        "dict": fixed({}),
    },
    "other episodes": {
        **odd(),
        "of another road": fixed(episodes(crossing=True)),
        "of more runs": fixed(episodes(4)),
        "class": fixed(dl.Episodes),
    },
    "function of tensors": {
        way: how
        for way, how in LEARNING["belief log_ratio"].items()
        if way in ("text", "number", "module", "dict", "tensor", "class")
    }
    | {"None": fixed(None), "no return": fixed(no_return)},
    "components": {**KINDS["count"]},
    "make": {
        **odd(),
        "class": fixed(int),
        "no return": fixed(no_return),
        "a road": fixed(lambda: ROAD),
        "the environment itself": fixed(gymnasium.make("CartPole-v1")),
        "with continuous actions": fixed(lambda: gymnasium.make("Pendulum-v1")),
        "with discrete states": fixed(lambda: gymnasium.make("FrozenLake-v1")),
        "of one argument": fixed(lambda name: gymnasium.make(name)),
        "fails": fixed(lambda: gymnasium.make("NoSuchThing-v7")),
    },
    "names": {
        "None": fixed(None, "runs"),
        "list": of_right(list),
        "too few": of_right(lambda names: names[:-1], "error"),
        "number": fixed(3),
        "text": fixed("abcd"),
        "numbers": of_right(lambda names: tuple(range(len(names))), "error"),
        "None in it": of_right(lambda names: (None, *names[1:]), "error"),
    },
    "features": {
        **{
            way: how
            for way, how in LEARNING["reward"].items()
            if way
            in (
                "text",
                "number",
                "module",
                "dict",
                "tensor",
                "class",
                "planner",
                "no return",
                "returns text",
                "of no argument",
                "returns a pair",
                "returns complex",
                "returns nan",
            )
        },
        "None": fixed(None),
        "of one number": answers(lambda x: x[..., 0]),
    },
    "road class": {
        **odd(),
        "a road": fixed(ROAD),
        "another class": fixed(int),
        "a learned model": fixed(dl.DynamicsModel),
    },
    "render mode": {"text": fixed("human"), "number": fixed(3), "list": fixed(["rgb_array"]), "module": fixed(torch)},
    "batch": {
        "fraction": fixed(2.5),
        "negative": fixed(-1),
        "text": fixed("2"),
        "None": fixed(None),
        "list": fixed([2]),
        "True": fixed(True),
        "huge": fixed(10**18),
        "more than fit": fixed(10**9),
        "nan": fixed(math.nan),
    },
    "exact model": {
        **{way: how for way, how in LEARNING["model"].items() if way != "env"},
        "of states": fixed(dl.DynamicsModel(ROAD, 2, "state")),
        "the road": fixed(ROAD, "finite"),
        "of more runs": fixed(model(3)),
    },
    "exact env": {**KINDS["env"], "another road": fixed(CROSSING), "the model": fixed(dl.DynamicsModel(ROAD, 1))}
    | {"of unknown dynamics": fixed(dl.FromGymnasium(functools.partial(gymnasium.make, "CartPole-v1"), answer_one, 5))},
    "ice": {**KINDS["env"], "another road": fixed(CROSSING)},
    "known ice": {**KINDS["env"], "another road": fixed(CROSSING), "with a reward of its own": fixed(Free())},
    "mixture": {**odd(), "env": fixed(ROAD), "a model": fixed(model()), "samples": fixed(torch.zeros(2, 4))}
    | {"of another road": fixed(CROSSING.transition(CROSSING.initial_state(2), torch.ones(2).long()))},
    "optional mixture": {**odd(), "None": fixed(None, "finite"), "env": fixed(ROAD), "a model": fixed(model())},
    "logits": {
        **KINDS["numbers"],
        "inf": of_right(lambda x: x + math.inf, "finite"),  # certain, and right or wrong
        "fewer": of_right(lambda x: x[..., :-1], "error"),
        "the discriminator": fixed(disc()),
    },
    "log weights": {
        **{way: how for way, how in KINDS["numbers"].items() if way != "inf"},
        "inf": of_right(lambda x: x + math.inf, "finite"),
        "one infinite": of_right(lambda x: torch.cat([x[..., :1] + math.inf, x[..., 1:]], -1), "finite"),
        "minus inf": of_right(lambda x: x - math.inf, "finite"),
        "one zero weight": of_right(lambda x: torch.cat([x[..., :1] - math.inf, x[..., 1:]], -1), "finite"),
        "huge": of_right(lambda x: x + 1e30, "finite"),
    },
    "dim": {
        "fraction": fixed(0.5),
        "text": fixed("last"),
        "None": fixed(None),
        "list": fixed([0]),
        "too great": fixed(5),
        "nan": fixed(math.nan),
        "first": fixed(0, "finite"),
        "numpy": fixed(np.int64(-1), "same"),
        "numpy of no axes": fixed(np.array(-1), "same"),
        "True": fixed(True),
    },
    "distribution": PROBABILITIES,
    "returns of outcomes": {
        **{way: how for way, how in KINDS["numbers"].items() if way not in ("float16", "int32", "scalar")},
        "zeros": of_right(lambda x: 0 * x, "error"),
        "one more": of_right(lambda x: torch.cat([x, x[..., :1]], -1), "error"),
        "scalar": fixed(1.0),
    },
    "plan": {**LEARNING["planned actions"]},
    "seed of a generator": {**LEARNING["seed"], "minus one": fixed(-1)},
}
