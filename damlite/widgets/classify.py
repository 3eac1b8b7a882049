"""Lesson 02: a classifier's logit against the exact log p/q, along the next lateral velocity at (2, 0, 2, 0)."""

from functools import lru_cache

import torch
from torch import Tensor
from torch.distributions import Normal
from torch.nn.functional import softplus

from .. import figures
from ..envs import IcyRoad
from .panel import Panel, dropdown, slider

STATE, ACCELERATE = torch.tensor([2.0, 0.0, 2.0, 0.0]), torch.tensor(2)
KNOTS = torch.linspace(-4.5, 4.5, 61)  # the logit is a line drawn through its heights at these velocities
GRID = torch.linspace(-4.5, 4.5, 901)
BATCH, STEPS, EVERY = 128, 500, 10
WEIGHTS = {"exp(logit), Eq. 8": torch.exp, "σ(logit), as Alg. 1 prints it": torch.sigmoid}


def tents(x: Tensor) -> Tensor:
    """Features (..., 61) of velocities (...): 1 at its own knot, 0 from the neighbours on."""
    return (1 - (x[..., None].clamp(-4.5, 4.5) - KNOTS).abs() / (KNOTS[1] - KNOTS[0])).relu()


@lru_cache(maxsize=64)
def _logits(cars: int, decay: float) -> Tensor:
    """TRAINDISCRIMINATOR (Alg. 2): the logit on GRID after every tenth step, (STEPS / EVERY + 1, 901)."""
    truth = IcyRoad().transition(STATE, ACCELERATE)
    g = torch.Generator().manual_seed(0)  # what changes on screen is due to the slider
    real, q = tents(truth.sample((cars,), generator=g)[:, 3]), truth.marginal(3)
    height = torch.zeros(len(KNOTS), requires_grad=True)
    optimiser = torch.optim.AdamW([height], lr=0.1, weight_decay=decay)
    path = []
    for step in range(STEPS + 1):
        if step % EVERY == 0:
            path.append(height.detach().clone())
        chosen = real[torch.randint(cars, (BATCH,), generator=g)]
        fake = tents(q.mean + q.std * torch.randn(BATCH, generator=g))
        loss = (softplus(-chosen @ height) + softplus(fake @ height)).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return torch.stack(path) @ tents(GRID).T


def learn_ratio() -> Panel:
    """Lesson 02: densities and log-ratios, true and learned, as training set, steps and weight decay change."""
    p = IcyRoad().transition(STATE, ACCELERATE).marginal(3)
    log_p, log_q = p.log_prob(GRID), Normal(p.mean, p.std).log_prob(GRID)  # the best Gaussian there is
    p, q = (log.exp() * (GRID[1] - GRID[0]) for log in (log_p, log_q))
    fig, axes = figures.figure(2, width=11, height=4.2)
    density, ratio = axes[0]
    density.plot(GRID, log_p.exp(), "-", color=figures.TRUTH, label="truth p")
    density.plot(GRID, log_q.exp(), "--", color=figures.MODEL, label="model q")
    (weighed,) = density.plot(GRID, log_q.exp(), ":", color=figures.WEIGHT, label="model × weight")
    ratio.plot(GRID, log_p - log_q, "-", color=figures.TRUTH, label="exact log p/q")
    (learned,) = ratio.plot(GRID, torch.zeros(len(GRID)), ":", color=figures.WEIGHT, label="learned logit")
    for ax, label, limits in ((density, "density", (0, 1.7)), (ratio, "log-ratio (nats)", (-14, 6))):
        ax.set(xlabel="next lateral velocity (lengths per step)", ylabel=label, ylim=limits)
        ax.legend(loc="upper center", ncols=3, columnspacing=1, frameon=False)
    settled: dict[tuple[int, float], Tensor] = {}  # the last training's logits, by its settings

    def loss(logit: Tensor) -> float:  # on all the cars there could be
        return (p * softplus(-logit) + q * softplus(logit)).sum().item()

    best, guessing = loss(log_p - log_q), loss(torch.zeros(len(GRID)))

    def draw(cars: int, decay: float, steps: int, weight: str, stale: bool) -> None:
        ((settings, logits),) = settled.items()
        w = WEIGHTS[weight](logit := logits[steps // EVERY])
        weighed.set_ydata(log_q.exp() * w)
        learned.set_ydata(logit)
        density.set_title(f"mean weight {(q * w).sum():.2f}, exactly: 1")
        ratio.set_title(f"loss on new cars {loss(logit):.2f} (best {best:.2f}, guessing {guessing:.2f})")
        for artist in (weighed, learned, density.title, ratio.title):
            artist.set_alpha(0.25 if stale and settings != (cars, decay) else 1.0)

    def settle(cars: int, decay: float, steps: int, weight: str) -> None:
        settled.clear()
        settled[cars, decay] = _logits(cars, decay)

    controls = {
        "cars": slider("training set", "real cars", 500, 20, 1000, 20),
        "decay": slider("weight decay", "AdamW", 0.0, 0.0, 1.0, 0.05),
        "steps": slider("training", "steps", 300, 0, STEPS, EVERY),
        "weight": dropdown("weight of a sample", list(WEIGHTS), next(iter(WEIGHTS))),
    }
    description = "Left: densities, and the model's times the weight; right: the exact log-ratio and the learned logit."
    return Panel(fig, draw, controls, description, settle, [weighed, learned, density.title, ratio.title])
