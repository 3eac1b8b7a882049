"""Lesson 06: the best of many noisy promises is the luckiest."""

import torch

from .. import exact, figures
from ..envs import IcyRoad
from ..planning import RandomShooting
from .panel import Panel, dropdown, slider

DECISIONS = 60
NUMBERS = {  # what the sequences share: (common_random_numbers, stratified)
    "each sequence its own": (False, False),
    "common to all sequences": (True, False),
    "common and stratified": (True, True),
}


def winners_curse() -> Panel:
    """Lesson 06: what random shooting through the true road promises, against what its choice is worth."""
    env = IcyRoad()
    best = exact.optimum(env)
    fig, axes = figures.figure(2, width=10, height=3.9)
    cloud, means = axes[0]
    low, high = -8.0, 42.0
    with figures.style():
        cloud.plot([low, high], [low, high], ":", color="black", lw=1)
        cloud.text(14, 11.5, "dotted: promise kept")
        cloud.set(xlim=(low, high), ylim=(low, 15), title="one mark for every decision")
        cloud.set(xlabel="promised return (points)", ylabel="exact return (points)")
        dots = cloud.scatter([], [], s=45, marker="D", color=figures.MODEL, edgecolor="black", alpha=0.5)
        for ax in (cloud, means):
            ax.axhline(best, color=figures.TRUTH, lw=1)
        cloud.text(high, best + 0.3, "optimum", color=figures.TRUTH, ha="right")
        bars = means.bar([0, 1], [0, 0], color=[figures.MODEL, figures.TRUTH], width=0.6)
        bars[0].set_hatch("//")
        errors = [means.plot([i, i], [0, 0], color="black", lw=2)[0] for i in (0, 1)]
        labels = [means.text(i, 0, "", ha="center", va="bottom") for i in (0, 1)]
        means.set_xticks([0, 1], ["promised", "exact"])
        means.set(ylim=(-4, high), ylabel="mean return (points)", title="mean ± 2 standard errors")

    def draw(particles: int, candidates: int, numbers: str, stale: bool) -> None:
        for artist in (dots, *bars, *errors, *labels):
            artist.set_alpha(0.2 if stale else 0.8)

    def settle(particles: int, candidates: int, numbers: str) -> None:
        common, stratified = NUMBERS[numbers]
        planner = RandomShooting(5, candidates, particles, common, stratified)
        g = torch.Generator().manual_seed(0)  # what changes on screen is due to the slider
        plan = planner.plan(env, env, env.initial_state(DECISIONS), generator=g)
        worth = exact.value(env, plan.actions)
        dots.set_offsets(torch.stack([plan.value, worth], -1).numpy())
        for i, values in enumerate((plan.value, worth)):
            mean, error = values.mean().item(), 2 * values.std().item() / DECISIONS**0.5
            bars[i].set_height(mean)
            errors[i].set_ydata([mean - error, mean + error])
            labels[i].set(y=max(mean + error, 0) + 0.5, text=f"{mean:.1f}")

    controls = {
        "particles": slider("particles", "per sequence", 1, 1, 20, 1),
        "candidates": slider("candidates", "sequences", 100, 5, 200, 5),
        "numbers": dropdown("random numbers", list(NUMBERS), "each sequence its own"),
    }
    description = (
        f"What random shooting through the true road promises and what its choice is worth, in {DECISIONS} decisions: "
        "each of them (left) and their means (right)."
    )
    return Panel(fig, draw, controls, description, settle)
