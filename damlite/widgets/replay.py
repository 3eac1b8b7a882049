"""Lesson 06: one episode step by step, with what the planner believed."""

from functools import lru_cache

import ipywidgets
import torch
from torch import Tensor

from .. import figures
from ..data import collect
from ..discriminator import Discriminator
from ..envs import IcyRoad
from ..fitting import fit_discriminator, fit_model
from ..models import DynamicsModel
from ..planning import Exhaustive
from .panel import Panel, dropdown, slider

PARTICLES = 40


@lru_cache(maxsize=1)
def _fitted(env: IcyRoad) -> tuple[DynamicsModel, Discriminator]:
    g = torch.Generator().manual_seed(0)
    odds = torch.tensor([0, 1, 1, 2, 2, 2])  # a bold driver: so small a fit must have seen much of the ice
    data = collect(env, lambda s, t, g: odds[torch.randint(6, s.shape[:-1], generator=g)], episodes=1000, generator=g)
    model = DynamicsModel(env, components=1, hidden=(32, 32), generator=g)
    fit_model(model, data, steps=300, generator=g)
    disc = Discriminator(env, hidden=(32, 32), generator=g)
    fit_discriminator(disc, model, data, steps=300, generator=g)
    return model, disc


@lru_cache(maxsize=2)
def _episode(env: IcyRoad, weighed: bool) -> tuple[Tensor, list[tuple]]:
    """The real states (T, S) and, for each step but the last, (plan, imagined states (P, T', S), weights (P, T'))."""
    model, disc = _fitted(env)
    log_ratio = disc.log_ratio if weighed else None
    planner, g = Exhaustive(env.horizon, particles=50, clip=5.0), torch.Generator().manual_seed(4)
    states, beliefs = [env.initial_state()], []
    for t in range(env.horizon - 1):
        with torch.no_grad():
            plan = planner.plan(model, env, states[-1], log_ratio, env.horizon - t, g)
            imagined, log_w = [states[-1].expand(PARTICLES, -1)], [torch.zeros(PARTICLES)]
            for a in plan.actions[:-1].expand(PARTICLES, -1).T:
                imagined.append(model.transition(imagined[-1], a).sample(generator=g))
                log_w.append(log_w[-1] + weighed * disc.log_ratio(imagined[-2], a, imagined[-1]).clamp(-5, 5))
        beliefs.append((plan, torch.stack(imagined, 1), torch.stack(log_w, 1).exp()))
        states.append(env.transition(states[-1], plan.action).sample(generator=g))
    return torch.stack(states), beliefs


def replay() -> Panel:
    """Lesson 06: what the planner believed at each step, beside what happened; played, or moved by hand."""
    env = IcyRoad()
    fig, axes = figures.figure(2, width=10, height=3.6, share=True)
    believed, happened = axes[0]
    with figures.style():
        for ax in axes[0]:
            figures.draw_road(ax, env, torch.zeros(1, 1, 4))
            ax.set(xlim=(-0.5, 16), ylim=(-9, 9), yticks=(-8, -4, 0, 4, 8))
        happened.set_ylabel("")
        threads = [believed.plot([], [], "--", color=figures.MODEL, lw=0.8, alpha=0.5)[0] for _ in range(PARTICLES)]
        dots = believed.scatter([], [], color=figures.MODEL, edgecolor="black", lw=0.5, zorder=3)

    def draw(step: int, weights: str) -> None:
        states, beliefs = _episode(env, weights == "with weights")
        plan, imagined, w = beliefs[step - 1]
        for thread, particle in zip(threads, imagined, strict=True):
            thread.set_data(*particle[:, :2].T)
        dots.set_offsets(imagined[:, 1:, :2].reshape(-1, 2).numpy())
        dots.set_sizes((20 * w[:, 1:]).clamp(0.5, 150).flatten().numpy())
        for ax, driven in zip(axes[0], (states[:step, :2], states[: step + 1, :2]), strict=True):
            ax.lines[2].set_data(*driven.T)  # the path, and the car at its end
            ax.lines[3].set_data(*driven[-1:].T)
        earned = env.reward(states, torch.tensor(1)).cumsum(0)
        promise = plan.value + (earned[step - 2] if step > 1 else 0)
        believed.set_title(f"believed at step {step}: {env.action_names[plan.action]},\npromised return {promise:.1f}")
        happened.set_title(f"what happened: step {step + 1},\nreturn so far {round(earned[step].item(), 1) + 0.0}")

    controls = {
        "step": slider("step", "of the episode", 2, 1, env.horizon - 1, 1),
        "weights": dropdown("planning", ["without weights", "with weights"], "without weights"),
    }
    description = (
        "Left: the car so far (blue) and what was imagined (orange, large where it weighs much); right: reality."
    )
    panel = Panel(fig, draw, controls, description)
    play = ipywidgets.Play(min=1, max=env.horizon - 1, value=2, interval=1200, repeat=True, description="play")
    ipywidgets.jslink((play, "value"), (controls["step"], "value"))
    panel.children = (play, *panel.children)
    return panel
