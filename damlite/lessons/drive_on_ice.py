"""Lesson 00: a fixed plan on a road whose threshold speed moves; a weight and Alg. 1's estimate as exercises."""

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid, pad

from .. import exact, figures
from ..data import collect
from ..envs import IcyRoad
from ..mixture import seeded
from .exercise import Exercise
from .panel import Panel, dropdown, slider

PLANS = {
    "accelerate once, then hold": (2, 1, 1, 1, 1),
    "accelerate twice, then hold": (2, 2, 1, 1, 1),
    "always accelerate": (2, 2, 2, 2, 2),
    "never accelerate": (1, 1, 1, 1, 1),
}
EPISODES = 40


def drive() -> Panel:
    """Drive a fixed plan down the icy road while its threshold speed moves."""
    fig, axes = figures.figure(2, width=10, height=3.8)
    road, bars = axes[0]
    figures.draw_road(road, IcyRoad(), torch.zeros(EPISODES, 6, 4))
    paths, cars = road.lines[2::2], road.lines[3::2]  # after the two edges of the road
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
        generator = seeded(0)  # what changes on screen is due to the slider
        data = collect(env, lambda s, t, _: actions[t].expand(s.shape[:-1]), episodes=EPISODES, generator=generator)
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
        "swerve_prob": slider("probability of swerving above it", "0 to 1", 0.9, 0.0, 1.0, 0.1),
    }
    description = f"Left: {EPISODES} cars that follow the chosen plan; right: the exact return of every plan."
    return Panel(fig, draw, controls, description)


def draw_particles(particles: int, steps: int) -> tuple[Tensor, Tensor]:
    """Made-up rewards and log-ratios, both (P, T)."""
    generator = seeded(0)
    return torch.rand(particles, steps, generator=generator) + 1, torch.randn(particles, steps, generator=generator)


def log_weight_before(log_ratio: Tensor) -> Tensor:
    """Log-weight of each reward, the sum of the log-ratios before it, from log-ratios (P, T)."""
    return log_ratio.cumsum(-1) - log_ratio


def mean_return(log_weight: Tensor, rewards: Tensor) -> Tensor:
    """Mean over P particles of Σ_t w_t r_t."""
    return (log_weight.exp() * rewards).sum(-1).mean()


check_weight = Exercise(
    name="weight",
    inputs=(torch.linspace(-2, 2, 9),),
    right=lambda logit: logit.exp(),
    praise="exp(logit) = p/q.",
    hint="Eq. 7 says D = σ(log p/q); the argument is the logit log p/q (Eq. 8).",
    mistakes={
        "this is σ(logit) = p/(p + q), the probability of being real, not p/q. Which function of the logit "
        "undoes the logarithm in Eq. 7?": lambda logit: logit.sigmoid(),
        "this is q/p, the inverse. The discriminator says 1 for real transitions, so a large logit means that p is "
        "larger than q.": lambda logit: (-logit).exp(),
        "this is log p/q. The estimate multiplies rewards by the ratio itself.": lambda logit: logit,
    },
)
check_estimate = Exercise(
    name="estimate",
    inputs=draw_particles(particles=6, steps=4),
    right=lambda r, x: mean_return(log_weight_before(x), r),
    praise="that is Alg. 1.",
    hint="Start each particle with w = 1; for each t add w · r_t, then multiply w; at the end take the mean.",
    mistakes={
        "this weights r_t by transition t too, as Eq. 4 prints it: your weights are one step late. r(s_t) is known "
        "before transition t is drawn (Alg. 1).": lambda r, x: mean_return(x.cumsum(-1), r),
        "this leaves the weights out: it is the uncorrected mean under q.": lambda r, x: r.sum(-1).mean(),
        "this uses σ(log-ratio) = p/(p + q) for the weight, not p/q. Use exp.": lambda r, x: mean_return(
            log_weight_before(logsigmoid(x)), r
        ),
        "this inverts the ratio: the weight is p/q, exp(+log_ratio).": lambda r, x: mean_return(
            -log_weight_before(x), r
        ),
        "this weights the whole return by the product of the earlier transitions' weights (Eq. 2): unbiased, but "
        "Alg. 1 weights each reward only by the transitions before it.": lambda r, x: mean_return(
            log_weight_before(x)[:, -1:], r
        ),
        "this weights each reward by one transition alone. The weights multiply: w ← w · w(s_t, a_t, s_{t+1}).": (
            lambda r, x: mean_return(pad(x[:, :-1], (1, 0)), r)
        ),
    },
)
