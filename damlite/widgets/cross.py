"""Lesson 08: one drive over the crossing, step by step, with the futures that the planner imagines."""

from functools import lru_cache

import ipywidgets
import torch
from matplotlib.collections import LineCollection
from torch import Tensor

from .. import figures
from ..crossing import CARS, Crossing
from ..data import collect
from ..envs import Intersection
from ..loop import default_recipe
from ..planning import RandomShooting
from .panel import Panel, dropdown, slider

PLANNER = default_recipe(Intersection()).planner  # Table 1's
AHEAD, FUTURES = PLANNER.horizon, 40  # steps and particles to show
DRIVERS = {
    "plans with common random numbers": PLANNER,
    "plans with random numbers of each plan's own": RandomShooting(15, 60, 10, False, False),
    "always cruises": 1,
    "always brakes": 0,
}


@lru_cache(maxsize=32)
def _drive(driver: str, turn: str) -> tuple[Tensor, Tensor, list[Tensor]]:
    """States (T + 1, S), rewards (T,), and for each step the futures (P, AHEAD + 1, S) of the plan then."""
    env = Intersection()
    side = env.sides()[turn == "right"]
    planner, plans = DRIVERS[driver], []

    def remember(state: Tensor, step: int, g: torch.Generator) -> Tensor:
        if isinstance(planner, int):
            plans.append(torch.full((env.horizon - step,), planner))
        else:
            left = min(planner.horizon, env.horizon - step)
            plans.append(planner.plan(env, env, state, None, left, g).actions[0])
        return plans[-1][:1]

    data = collect(side, remember, episodes=1, generator=torch.Generator().manual_seed(0))
    states = torch.cat([data.state[0], data.next_state[0, -1:]])
    futures = []
    for t, plan in enumerate(plans):
        g, imagined = torch.Generator().manual_seed(1), [states[t].expand(FUTURES, -1)]
        for action in plan[:AHEAD]:
            imagined.append(env.transition(imagined[-1], action).sample(generator=g))
        futures.append(torch.stack(imagined, dim=1))
    return states, data.reward[0], futures


def cross() -> Panel:
    """Lesson 08: the crossing from above and the agent's speed, step by step; played, or moved by hand."""
    env = Intersection()
    fig, axes = figures.figure(2, width=11, height=5.2)
    above, speed = axes[0]
    picture = Crossing(above, env)
    with figures.style():
        threads = [above.add_collection(LineCollection([], color=c, lw=0.6, alpha=0.35)) for c, _ in CARS.values()]
        planned = LineCollection([], color=figures.GREY, lw=0.8, alpha=0.5, ls=":", label="planned, as imagined")
    (driven,) = speed.plot([], [], "o-", color="#009E73", ms=4, label="driven")
    speed.add_collection(planned)
    speed.set(xlabel="step", ylabel="the agent's speed (m/s)", xlim=(0, 25), ylim=(-0.4, 6.4))
    speed.legend(loc="upper right", ncols=2)

    settled: dict[tuple[str, str], tuple[Tensor, Tensor, list[Tensor]]] = {}  # the last drive, by its settings

    def draw(step: int, turn: str, driver: str, stale: bool) -> None:
        ((settings, (states, reward, futures)),) = settled.items()
        picture.show(states[: step + 1])
        ahead = futures[step]
        for first, lines in zip((0, 5), threads, strict=True):
            lines.set_segments(ahead[..., first : first + 2].numpy())
        driven.set_data(range(step + 1), states[: step + 1, 3])
        steps = torch.arange(step, step + ahead.shape[1]).expand(len(ahead), -1)
        planned.set_segments(torch.stack([steps, ahead[..., 3]], dim=-1).numpy())
        crashed = (env.crashed(ahead).any(-1)).float().mean()
        above.set_title(f"step {step}: of {FUTURES} imagined futures {crashed:.0%} crash")
        speed.set_title(f"return so far {reward[:step].sum():.1f}, in the end {reward.sum():.1f}")
        for artist in (driven, *picture.paths, above.title, speed.title):
            artist.set_alpha(0.25 if stale and settings != (driver, turn) else 1.0)

    def settle(step: int, turn: str, driver: str) -> None:
        settled.clear()
        settled[driver, turn] = _drive(driver, turn)

    controls = {
        "step": slider("step", "of 0.2 s", 6, 0, env.horizon - 1, 1),
        "turn": dropdown("the oncoming car turns to its", ["left", "right"], "left"),
        "driver": dropdown("the agent", list(DRIVERS), next(iter(DRIVERS))),
    }
    description = "Left: the cars, their paths, and the futures that the plan imagines; right: the agent's speed."
    moving = [*picture.artists, *threads, driven, planned, above.title, speed.title]
    panel = Panel(fig, draw, controls, description, settle, moving)
    play = ipywidgets.Play(min=0, max=env.horizon - 1, value=6, interval=400, repeat=True, description="play")
    ipywidgets.jslink((play, "value"), (controls["step"], "value"))
    panel.children = (play, *panel.children)
    return panel
