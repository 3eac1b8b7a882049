"""Lesson 00: a fixed plan on a road whose threshold speed moves."""

import torch

from .. import exact, figures
from ..data import collect
from ..envs import IcyRoad
from .panel import Panel, dropdown, slider

PLANS = {
    "accelerate once, then hold": (2, 1, 1, 1, 1),
    "accelerate twice, then hold": (2, 2, 1, 1, 1),
    "always accelerate": (2, 2, 2, 2, 2),
    "never accelerate": (1, 1, 1, 1, 1),
}
EPISODES = 40


def drive() -> Panel:
    """Lesson 00: drive a fixed plan down the icy road while its threshold speed moves."""
    fig, axes = figures.figure(2, width=10, height=3.8)
    road, bars = axes[0]
    figures.draw_road(road, IcyRoad(), torch.zeros(EPISODES, 6, 4))
    paths = road.lines[2::2]
    cars = road.lines[3::2]
    road.set(xlim=(0, 21), ylim=(-16, 16))
    with figures.style():
        columns = bars.barh(list(PLANS), [0.0] * len(PLANS), color=figures.TRUTH)
        marks = [bars.text(0, i, "", va="center") for i in range(len(PLANS))]
        bars.set(xlim=(-12, 48), xlabel="exact expected return", title="what each plan is worth")
        bars.axvline(0, color="black", lw=1)
        bars.invert_yaxis()

    def draw(plan: str, threshold: float, swerve_prob: float) -> None:
        env = IcyRoad(threshold=threshold, swerve_prob=swerve_prob)
        actions = torch.tensor(PLANS[plan])
        g = torch.Generator().manual_seed(0)  # what changes on screen is due to the slider
        data = collect(env, lambda s, t, _: actions[t].expand(s.shape[:-1]), episodes=EPISODES, generator=g)
        states = torch.cat([data.state, data.next_state[:, -1:]], dim=1)
        for path, car, state in zip(paths, cars, states.numpy(), strict=True):
            path.set_data(state[:, 0], state[:, 1])
            car.set_data(state[-1:, 0], state[-1:, 1])
        off = (data.state[..., 1].abs() > 1).any(-1).sum()
        road.set_title(f"{off} of {EPISODES} cars leave the road")
        for bar, mark, (name, sequence) in zip(columns, marks, PLANS.items(), strict=True):
            value = exact.value(env, torch.tensor(sequence))
            bar.set_width(value)
            bar.set_alpha(1.0 if name == plan else 0.4)
            mark.set(x=max(value, 0) + 0.8, text=f"{value:.2f}")

    controls = {
        "plan": dropdown("plan", list(PLANS), "always accelerate"),
        "threshold": slider("threshold speed", "lengths per step", 2.0, 0.0, 4.0, 1.0),
        "swerve_prob": slider("chance to swerve above it", "probability", 0.9, 0.0, 1.0, 0.1),
    }
    return Panel(
        fig,
        draw,
        controls,
        f"Left: {EPISODES} cars that follow the chosen plan; right: the exact return of every plan.",
    )
