"""Lesson 10: one drive over the crossing, with the futures that were planned by; Eq. 21 and backups as exercises."""

from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

import torch
from matplotlib.collections import LineCollection
from torch import Tensor

from .. import figures
from ..data import Policy, collect
from ..envs import Intersection
from ..estimate import Estimator
from ..mixture import Mixture, seeded
from ..planning import Belief, Planner, RandomShooting
from ..recipe import our_recipe
from .exercise import Exercise, WordExercise
from .panel import Panel, dropdown, player, slider

PLANNER = our_recipe(Intersection()).planner
DRIVERS = {  # a planner, or an action for all steps
    "plans with common random numbers": PLANNER,
    "plans with random numbers of each plan's own": RandomShooting(
        horizon=15, candidates=60, particles=10, common_random_numbers=False, stratified=False
    ),
    "always cruises": 1,
    "always decelerates": 0,
}


class Drive(NamedTuple):
    """One episode, and what the driver could foresee before each of its steps.

    Attributes
    ----------
    states : (T + 1, S)
    rewards : (T,)
    futures : T tensors (H, P, S), the states from the present one on
    """

    states: Tensor
    rewards: Tensor
    futures: list[Tensor]


@lru_cache(maxsize=16)
def driven(driver: str, turn: str) -> Drive:
    """The same episode with one of DRIVERS, where the oncoming car turns "left" or "right".

    The futures of a driver that plans are the very particles that its plan was chosen by. One that always does the
    same plans nothing: its futures are imagined through the road here, as many and as far as PLANNER's.
    """
    env, futures = Intersection(), []
    side = env.sides()[turn == "right"]
    data = collect(side, _foresee(env, driver, futures), episodes=1, generator=seeded(0))
    return Drive(torch.cat([data.state[0], data.next_state[0, -1:]]), data.reward[0], futures)


def _foresee(env: Intersection, driver: str, futures: list[Tensor]) -> Policy:
    """A driver's policy for one car, that adds the futures (H, P, S) it foresees at each step to a list."""
    chosen, belief, through_the_road = (
        DRIVERS[driver],
        Belief(env),
        Estimator(particles=PLANNER.particles, stratified=True),
    )

    def always(state: Tensor, step: int, _: torch.Generator) -> Tensor:
        actions = torch.full((min(PLANNER.horizon, env.horizon - step),), chosen)
        imagined = through_the_road.imagine(env, env.reward, state[0], actions, generator=seeded(step))
        futures.append(torch.stack([moment.state for moment in imagined]))
        return actions[:1]

    def plan(state: Tensor, step: int, generator: torch.Generator) -> Tensor:
        best = chosen.plan(belief, state, min(chosen.horizon, env.horizon - step), generator=generator)
        futures.append(best.states[0])
        return best.action

    return always if isinstance(chosen, int) else plan


def cross() -> Panel:
    """Show a drive over the crossing from above and the agent's speed, step by step; played, or moved by hand."""
    env = Intersection()
    fig, axes = figures.figure(2, width=11, height=5.2)
    above, speed = axes[0]
    picture = figures.Crossing(above, env)
    with figures.style():
        paths = [above.add_collection(LineCollection([], color=c, lw=0.7, alpha=0.4)) for c, _ in figures.CARS.values()]
        foreseen = LineCollection([], color=figures.GREY, lw=1.0, alpha=0.7, ls=":", label="foreseen")
    (line,) = speed.plot([], [], "o-", color=figures.CARS["agent"][0], ms=4, label="driven")
    speed.add_collection(foreseen)
    speed.set(xlabel="step", ylabel="the agent's speed (m/s)", xlim=(0, 25), ylim=(-0.4, 6.4))
    speed.legend(loc="upper right", ncols=2)

    def settle(turn: str, driver: str) -> Callable[[int], None]:
        states, rewards, futures = driven(driver, turn)

        def show(step: int) -> None:
            ahead = futures[step].movedim(0, 1)  # (P, H, S)
            picture.show(states[: step + 1])
            for first, lines in zip((0, 5), paths, strict=True):
                lines.set_segments(ahead[..., first : first + 2].numpy())
            line.set_data(range(step + 1), states[: step + 1, 3])
            steps = torch.arange(step, step + ahead.shape[1]).expand(len(ahead), -1)
            foreseen.set_segments(torch.stack([steps, ahead[..., 3]], dim=-1).numpy())
            crashed = env.crashed(ahead).any(-1).sum()
            above.set_title(f"step {step}: {crashed} of {len(ahead)} foreseen futures crash")
            speed.set_title(f"return so far {rewards[:step].sum():.1f}, in the end {rewards.sum():.1f}")

        return show

    controls = {
        "step": slider("step", "of 0.2 s", 6, 0, env.horizon - 1, 1),
        "turn": dropdown("the oncoming car turns to its", ["left", "right"], "left"),
        "driver": dropdown("the agent", list(DRIVERS), next(iter(DRIVERS))),
    }
    description = "Left: both cars, their paths, and the futures that the agent foresees; right: the agent's speed."
    return player(Panel(fig, lambda: None, controls, description, settle), "step", 400)


_noise = seeded(0)
_backup = (
    torch.randn(7, generator=_noise),
    torch.rand(7, 3, 2, generator=_noise),
    torch.randn(7, 3, 2, generator=_noise),
)
check_backup = Exercise(
    "backup",
    (_backup[0], _backup[1] / _backup[1].sum(-1, keepdim=True), 5 * _backup[2]),
    lambda r, p, v: r + (p * v).sum(-1).amax(-1),
    "one step of dynamic programming; 25 of them give the optimum.",
    "Sum p·v over the last axis, then the maximum over the actions, then add r.",
    {
        "this takes the best next state, as if the driver could choose the coin too. First the mean over k.": (
            lambda r, p, v: r + (p * v).amax((-1, -2))
        ),
        "this takes the maximum over next states and then over actions. Chance decides between next states.": (
            lambda r, p, v: r + v.amax((-1, -2))
        ),
        "this takes the mean of the best: max inside the sum. The action is chosen before the coin falls.": (
            lambda r, p, v: r + (p * v.amax(1, keepdim=True)).sum(-1).mean(-1)
        ),
        "this averages over the actions. The driver takes the best one.": lambda r, p, v: r + (p * v).sum(-1).mean(-1),
        "this takes the worst action.": lambda r, p, v: r + (p * v).sum(-1).amin(-1),
        "this forgets the reward of the state itself.": lambda r, p, v: (p * v).sum(-1).amax(-1),
        "this weights both next states alike. Use their probabilities p.": lambda r, p, v: r + v.mean(-1).amax(-1),
    },
)

_particles = torch.randn(2, 30, 6, generator=seeded(0))
check_shifted_value = Exercise(
    "shifted_value",
    (_particles[0].exp(), _particles[1], -2.5),
    lambda w, r, c: (w * (r - c) + c).sum(-1).mean(),
    "where E[w] = 1 its mean is the same for every c, and only its spread depends on c.",
    "Shift each reward, weight it, shift it back, sum over the steps, mean over the particles.",
    {
        "this subtracts c and never adds it again: its value is T·c too small or too large.": lambda w, r, c: (
            (w * (r - c)).sum(-1).mean()
        ),
        "this adds c before the weighting and takes it away after: the sign of the shift is wrong.": lambda w, r, c: (
            (w * (r + c) - c).sum(-1).mean()
        ),
        "this weights c along with the reward: w·(r − c) + w·c = w·r, no shift at all.": lambda w, r, c: (
            (w * r).sum(-1).mean()
        ),
        "this adds c once for the whole trajectory. Every one of the T rewards was shifted.": lambda w, r, c: (
            (w * (r - c)).sum(-1).mean() + c
        ),
        "this is the sum over the particles. A value is their mean.": lambda w, r, c: (w * (r - c) + c).sum(),
        "this is the mean over the steps too. A return is the sum over the steps.": lambda w, r, c: (
            w * (r - c) + c
        ).mean(),
    },
)


class Blind:
    """A belief's dynamics of which nothing can be seen but what it answers."""

    def __init__(self, road: Intersection) -> None:
        self._road = road

    def transition(self, state: Tensor, action: Tensor) -> Mixture:
        """q(s' | s, a)."""
        return self._road.transition(state, action)


UNLUCKY = RandomShooting(horizon=10, candidates=100, particles=5, common_random_numbers=False, stratified=False)
PATIENTS = {  # the fault, where it shows, and what it is made of
    "A": ("crash", "Right after a crash its cars drive on.", PLANNER, Intersection(crash_distance=0.01)),
    "B": ("planner", "Its dynamics answer as the road does, at the fork and after a crash.", UNLUCKY, Intersection()),
    "C": (
        "turn",
        "At the fork its first mixture weight, of a left turn, is far below ½.",
        PLANNER,
        Intersection(left_prob=0.05),
    ),
}


def patient(name: str) -> tuple[Planner, Belief]:
    """A driver that crashes too often: its planner, and what it believes; `name` is "A", "B" or "C"."""
    _, _, planner, road = PATIENTS[name]
    return planner, Belief(Intersection(), Blind(road))


check_diagnosis = WordExercise(
    name="diagnosis",
    right={name: fault for name, (fault, *_) in PATIENTS.items()},
    hints={name: shows for name, (_, shows, *_) in PATIENTS.items()},
    praise="all three: each part was asked something whose answer is known.",
)
