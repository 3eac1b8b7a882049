"""The public face: roads, what they give, episodes, and Gymnasium both ways."""

from functools import partial

import gymnasium
import torch

import damlite as dl

from .calls import Public
from .kinds_learning import CROSSING, ROAD, episodes

ICE = {
    "threshold": "number",
    "swerve_prob": "probability",
    "swerve_speed": "size",
    "swerve_spread": "size",
    "noise": "size",
}
STATE = torch.tensor([[0.0, 0.5, 1.0, 0.1], [1.0, 0.0, 2.0, 0.0], [2.0, 0.0, 3.0, 0.2]])
ACTION = torch.tensor([0, 2, 1])
NEXT = torch.tensor([[0.1, 0.6, 0.05, 0.1], [3.9, 0.0, 3.0, 0.02], [5.0, 0.2, 3.0, 0.2]])
GREATER = dl.Distracted(env=ROAD, distractors=2)


def crossing() -> dict[str, torch.Tensor]:
    """Two states of both cars, and actions."""
    data = episodes(crossing=True)
    return {"state": data.state[:2, 4], "action": torch.tensor([1, 2])}


def cruise(state: torch.Tensor, step: int, generator: torch.Generator) -> torch.Tensor:
    """One action for all cars."""
    return torch.full(state.shape[:-1], 1)


def cart_reward(state: torch.Tensor, action: torch.Tensor) -> torch.Tensor:
    """Upright and near the middle."""
    return -state[..., 2].abs() - 0.1 * state[..., 0].abs()


def as_it_is(state: torch.Tensor) -> torch.Tensor:
    """What a network is given."""
    return state


def cart() -> gymnasium.Env:
    """Gymnasium's own."""
    return gymnasium.make("CartPole-v1")


def gymnasium_road(**given: object) -> object:
    """A road as Gymnasium's, driven one step."""
    env = dl.gym.GymRoad(**given)
    env.reset(seed=0)
    return env.step(1)[:2]


def stepped(action: int) -> object:
    """What one step gives."""
    env = dl.gym.GymRoad()
    env.reset(seed=0)
    return env.step(action)[:2]


def of_road(road: dl.Environment, good: object, states: str = "states") -> list[Public]:
    """What every road has."""
    kind, both = type(road).__name__, {"state": states, "action": "actions"}
    return [
        Public(f"dl.{kind}.transition", road.transition, good, both),
        Public(f"dl.{kind}.reward", road.reward, good, both),
        Public(
            f"dl.{kind}.features",
            road.features,
            lambda: {"state": good()["state"]},
            {"state": states},
            {("state", "no states"): "finite"},
        ),
        Public(
            f"dl.{kind}.initial_state",
            lambda batch: road.initial_state(batch),
            lambda: {"batch": 2},
            {"batch": "batch"},
        ),
    ]


PUBLIC = [
    Public("dl.IcyRoad", dl.IcyRoad, lambda: {name: getattr(ROAD, name) for name in ICE}, ICE),
    Public(
        "dl.Intersection",
        dl.Intersection,
        lambda: {"left_prob": 0.5, "crash_distance": 2.5, "noise": 0.02},
        {"left_prob": "probability", "crash_distance": "size", "noise": "size"},
    ),
    Public(
        "dl.Distracted",
        dl.Distracted,
        lambda: {"env": ROAD, "distractors": 2, "memory": 0.5},
        {"env": "env", "distractors": "count", "memory": "probability"},
        {("distractors", "zero"): "runs"},
    ),
    *of_road(ROAD, lambda: {"state": STATE, "action": ACTION}),
    *of_road(CROSSING, crossing),
    Public(
        "dl.Intersection.crashed",
        CROSSING.crashed,
        lambda: {"state": crossing()["state"]},
        {"state": "states"},
        {("state", "no states"): "finite", ("state", "nan"): "finite"},  # no crash where nothing is known
    ),
    Public(
        "dl.IcyRoad.fast",
        ROAD.fast,
        lambda: {"speed": torch.tensor([1.0, 3.0])},
        {"speed": "values"},
        {("speed", "nan"): "finite"},
    ),
    Public("dl.gym.GymRoad.step", stepped, lambda: {"action": 1}, {"action": "one action"}),
    *of_road(GREATER, lambda: {"state": torch.cat([STATE, STATE[:, :2]], -1), "action": ACTION}),
    *(
        Public(
            f"{name} of {type(road).__name__}",
            partial(dl.collect, road),
            lambda: {
                "policy": cruise,
                "episodes": 3,
                "runs": 2,
                "generator": dl.seeded(0),
            },
            {"policy": "driver", "episodes": "count", "runs": "optional count", "generator": "generator"},
            says={"policy": "policy or belief"},
        )
        for name, road in (("dl.collect", ROAD), ("dl.collect", CROSSING))
    ),
    Public("dl.collect", dl.collect, lambda: {"env": ROAD, "episodes": 2}, {"env": "env"}),
    Public(
        "dl.seeded", lambda seed: dl.seeded(seed).initial_seed(), lambda: {"seed": 3}, {"seed": "seed of a generator"}
    ),
    Public(
        "dl.Episodes.select",
        lambda chosen: episodes().select(chosen),
        lambda: {"chosen": torch.tensor([0, 2])},
        {"chosen": "chosen"},
    ),
    Public(
        "dl.Episodes.map",
        lambda function: episodes().map(function),
        lambda: {"function": torch.clone},
        {"function": "function of tensors"},
    ),
    Public(
        "dl.Episodes.__add__",
        lambda other: episodes() + other,
        lambda: {"other": episodes()},
        {"other": "other episodes"},
    ),
    Public(
        "dl.Episodes.check",
        lambda env: episodes().check(env),
        lambda: {"env": ROAD},
        {"env": "exact env"},
        says={"env": "env or data.state or data.action"},
    ),
    Public(
        "Mixture.log_prob",
        ROAD.transition(STATE, ACTION).log_prob,
        lambda: {"next_state": NEXT},
        {"next_state": "states"},
        {("next_state", "inf"): "runs"},  # its density is 0
    ),
    Public(
        "Mixture.sample",
        ROAD.transition(STATE, ACTION).sample,
        lambda: {"shape": (2,), "generator": dl.seeded(0)},
        {"shape": "shape", "generator": "generator"},
    ),
    Public(
        "Mixture.sample of given numbers",
        ROAD.transition(STATE, ACTION).sample,
        lambda: {"noise": torch.full((3, 3), 0.3)},
        {"noise": "noise"},
        {("noise", "nan"): "nan", ("noise", "inf"): "runs"},  # in a hot path
    ),
    Public("Mixture.marginal", ROAD.transition(STATE, ACTION).marginal, lambda: {"i": 1}, {"i": "coordinate"}),
    *(
        Public(
            f"Marginal.{name}",
            getattr(ROAD.transition(STATE, ACTION).marginal(2), name),
            lambda: {"x": torch.tensor([0.5, 2.0, 3.0])},
            {"x": "values"},
            {("x", "nan"): "nan"},
        )
        for name in ("log_prob", "cdf")
    ),
    Public(
        "dl.FromGymnasium",
        lambda **given: dl.collect(dl.FromGymnasium(**given), episodes=2, generator=dl.seeded(0)),
        lambda: {
            "make": cart,
            "reward": cart_reward,
            "horizon": 5,
            "state_names": ("x", "v", "angle", "turn"),
            "action_names": ("left", "right"),
            "features": as_it_is,
        },
        {
            "make": "make",
            "reward": "reward",
            "horizon": "count",
            "state_names": "names",
            "action_names": "names",
            "features": "features",
        },
        {("state_names", "text"): "runs", ("reward", "returns nan"): "nan", ("features", "returns nan"): "finite"},
    ),
    Public(
        "dl.FromGymnasium.initial_state",
        lambda batch, generator: dl.FromGymnasium(cart, cart_reward, 5).initial_state(batch, generator=generator),
        lambda: {"batch": 2, "generator": dl.seeded(0)},
        {"batch": "batch", "generator": "generator"},
    ),
    Public(
        "dl.gym.GymRoad",
        gymnasium_road,
        lambda: {"road": dl.IcyRoad, "render_mode": None, "threshold": 2.0},
        {"road": "road class", "render_mode": "render mode", "threshold": "number"},
    ),
]
