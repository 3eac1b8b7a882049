"""Lesson 02: a classifier's logit against the exact log p/q, along the next lateral velocity at (2, 0, 2, 0)."""

from collections.abc import Callable
from functools import lru_cache

import torch
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from torch import Tensor
from torch.distributions import Normal
from torch.nn.functional import logsigmoid, softplus

from .. import figures
from ..envs import IcyRoad
from ..mixture import Marginal, seeded
from ..support.adamw import AdamW
from ..support.threads import one_thread
from .exercise import Exercise
from .panel import Panel, dropdown, slider
from .shared import ACCELERATE, STATE

KNOTS = torch.linspace(-4.5, 4.5, 61)  # the logit is a line drawn through its heights at these velocities
GRID = torch.linspace(-4.5, 4.5, 901)
BATCH, STEPS, EVERY = 128, 500, 10
WEIGHTS = {"exp(logit), Eq. 8": torch.exp, "σ(logit), as Alg. 1 prints it": torch.sigmoid}


def tents(x: Tensor) -> Tensor:
    """Features (..., 61) of velocities (...): 1 at its own knot, 0 from the neighbours on."""
    return (1 - (x[..., None].clamp(-4.5, 4.5) - KNOTS).abs() / (KNOTS[1] - KNOTS[0])).relu()


@lru_cache(maxsize=32)
@one_thread()
def heights(cars: int, decay: float) -> Tensor:
    """TRAINDISCRIMINATOR (Alg. 2): the logit's heights at KNOTS after every tenth step, (STEPS / EVERY + 1, 61)."""
    truth = IcyRoad().transition(torch.tensor(STATE), torch.tensor(ACCELERATE))
    g = seeded(0)  # what changes on screen is due to the slider
    real, q = tents(truth.sample((cars,), generator=g)[:, 3]), truth.marginal(3)
    height = torch.zeros(len(KNOTS), requires_grad=True)
    optimiser = AdamW([height])
    path = []
    for step in range(STEPS + 1):
        if step % EVERY == 0:
            path.append(height.detach().clone())
        chosen = real[torch.randint(cars, (BATCH,), generator=g)]
        fake = tents(q.mean + q.std * torch.randn(BATCH, generator=g))
        loss = (softplus(-chosen @ height) + softplus(fake @ height)).mean()
        optimiser.step(torch.autograd.grad(loss, [height]), learning_rate=0.1, weight_decay=decay)
    return torch.stack(path)


def logits(cars: int, decay: float) -> Tensor:
    """The logit on GRID after every tenth step, (STEPS / EVERY + 1, 901)."""
    return heights(cars, decay) @ tents(GRID).T


def loss_on_all(logit: Tensor, p: Marginal, q: Normal) -> float:
    """Loss of a logit (901,) on GRID over all the cars that there could be, real ones from p and fakes from q."""
    bracket = p.log_prob(GRID).exp() * softplus(-logit) + q.log_prob(GRID).exp() * softplus(logit)
    return (bracket.sum() * (GRID[1] - GRID[0])).item()


def draw_truth(density: Axes, ratio: Axes, p: Marginal, q: Normal) -> tuple[Line2D, Line2D]:
    """What is known, left and right; returns the lines of what will be learned: q times the weight, and the logit."""
    log_p, log_q = p.log_prob(GRID), q.log_prob(GRID)
    density.plot(GRID, log_p.exp(), "-", color=figures.TRUTH, label="truth p")
    density.plot(GRID, log_q.exp(), "--", color=figures.MODEL, label="model q")
    (weighted,) = density.plot(GRID, log_q.exp(), ":", color=figures.WEIGHT, label="model × weight")
    ratio.plot(GRID, log_p - log_q, "-", color=figures.TRUTH, label="exact log p/q")
    (learned,) = ratio.plot(GRID, torch.zeros(len(GRID)), ":", color=figures.WEIGHT, label="learned logit")
    for ax, label, limits in ((density, "density", (0, 1.7)), (ratio, "log-ratio (nats)", (-14, 6))):
        ax.set(xlabel="next lateral velocity (lengths per step)", ylabel=label, ylim=limits)
        ax.legend(loc="upper center", ncols=3, columnspacing=1, frameon=False)
    return weighted, learned


def learn_ratio() -> Panel:
    """Densities and log-ratios, true and learned, as training set, steps and weight decay change."""
    p = IcyRoad().transition(torch.tensor(STATE), torch.tensor(ACCELERATE)).marginal(3)
    q = Normal(p.mean, p.std)  # the best Gaussian there is
    fig, axes = figures.figure(2, width=11, height=4.2)
    density, ratio = axes[0]
    weighted, learned = draw_truth(density, ratio, p, q)
    best, guessing = (loss_on_all(x, p, q) for x in (p.log_prob(GRID) - q.log_prob(GRID), torch.zeros(len(GRID))))
    q_density = q.log_prob(GRID).exp()

    def settle(cars: int, decay: float) -> Callable[[int, str], None]:
        path = logits(cars, decay)

        def show(steps: int, weight: str) -> None:
            product = q_density * WEIGHTS[weight](logit := path[steps // EVERY])
            weighted.set_ydata(product)
            learned.set_ydata(logit)
            density.set_title(f"mean weight {product.sum() * (GRID[1] - GRID[0]):.2f}, exactly: 1")
            now = loss_on_all(logit, p, q)
            ratio.set_title(f"loss on new cars {now:.2f} (best {best:.2f}, guessing {guessing:.2f})")

        return show

    controls = {
        "cars": slider("training set", "real cars", 500, 20, 1000, 20),
        "decay": slider("weight decay", "AdamW", 0.0, 0.0, 1.0, 0.05),
        "steps": slider("training", "steps", 300, 0, STEPS, EVERY),
        "weight": dropdown("weight of a sample", list(WEIGHTS), next(iter(WEIGHTS))),
    }
    description = "Left: densities, and the model's times the weight; right: the exact log-ratio and the learned logit."
    return Panel(fig, lambda: None, controls, description, settle)  # all that moves hangs on the training


def draw_losses(ax: Axes, p: Marginal, q: Normal) -> None:
    """ℓ(D) = −p log D − q log(1 − D) at three velocities, and a dot at D = p/(p + q)."""
    share = torch.linspace(0.001, 0.999, 999)
    for place, name, line in ((1.4, "on a mode", "-"), (0.8, "between two", "--"), (0.1, "on a flank", ":")):
        at_p, at_q = (density.log_prob(torch.tensor(place)).exp() for density in (p, q))
        best = at_p / (at_p + at_q)
        curve, least = (-at_p * d.log() - at_q * (1 - d).log() for d in (share, best))
        ax.plot(share, curve, line, color=figures.WEIGHT, label=f"velocity {place}, {name}")
        ax.plot(best, least, "o", color=figures.TRUTH, ms=9)
    ax.set(xlabel="the classifier's D at this place (probability)", ylabel="loss density ℓ(D)", ylim=(0, 2))
    ax.legend(loc="upper center")


def draw_logits(ax: Axes, exact: Tensor, logit: Tensor, title: str, most: int = 250) -> None:
    """Learned logit against exact log p/q, both (2, N): of real transitions (0) and of imagined ones (1)."""
    for kind, (name, colour, marker) in enumerate((("real", figures.TRUTH, "o"), ("imagined", figures.MODEL, "x"))):
        x, y = (t[kind, :most].clamp(-12, 6) for t in (exact, logit))
        ax.plot(x, y, marker, color=colour, ms=4, alpha=0.6, label=name)
    ax.plot([-12, 6], [-12, 6], color=figures.GREY, lw=1)
    ax.set(title=title, xlabel="exact log p/q (nats)", ylabel="learned logit (nats)")
    ax.legend(loc="upper left")


def loss(real: Tensor, fake: Tensor) -> Tensor:
    """TRAINDISCRIMINATOR's loss (Alg. 2) from the logits (N,) of real and of imagined transitions."""
    return (softplus(-real) + softplus(fake)).mean()


check_classifier_loss = Exercise(
    "classifier_loss",
    (torch.tensor([1.5, -0.4, 0.3]), torch.tensor([-2.0, 0.7, -0.1])),
    loss,
    "it equals softplus(−real) + softplus(fake).",
    "−log σ(x) is softplus(−x), and −log(1 − σ(x)) is softplus(x): add both and take the mean.",
    {
        "the imagined transitions are missing: forgotten −log(1 − D(fake)). Without it D = 1 everywhere is best.": (
            lambda real, fake: softplus(-real).mean()
        ),
        "the real transitions are missing: forgotten −log D(real).": lambda real, fake: softplus(fake).mean(),
        "the labels are swapped: this asks for D = 1 on imagined transitions. Its logit is log q/p.": (
            lambda real, fake: loss(fake, real)
        ),
        "this takes −log D(fake) in place of −log(1 − D(fake)), as if the imagined were real too.": (
            lambda real, fake: loss(real, -fake)
        ),
        "the sign is wrong: this is log D + log(1 − D), which training would have to make large.": (
            lambda real, fake: -loss(real, fake)
        ),
        "this sums over the transitions. Take the mean, so that it does not grow with the batch.": (
            lambda real, fake: (softplus(-real) + softplus(fake)).sum()
        ),
        "this takes the logits for probabilities' logarithms; pass them through σ first.": (
            lambda real, fake: (fake - real).mean()
        ),
        "this is half of it: the two terms of Alg. 2 are added, not averaged.": (
            lambda real, fake: loss(real, fake) / 2
        ),
    },
    symptoms={
        "There are NaN: a logit may be negative, so take the logarithm of σ(logit), not of the logit.": (
            lambda answer: bool(answer.isnan().any())
        )
    },
)
check_unequal_weight = Exercise(
    "unequal_weight",
    (torch.linspace(-2, 2, 9), 4.0),
    lambda logit, k: k * logit.exp(),
    "k · exp(logit) = p/q.",
    "Minimise −p log D − k·q log(1 − D) at one place, then solve the logit for p/q.",
    {
        "this is right for k = 1. With k fakes per real one D = p/(p + k·q): what is its logit?": (
            lambda logit, k: logit.exp()
        ),
        "the factor is upside down: more fakes push the logit down by log k, so add it again.": (
            lambda logit, k: logit.exp() / k
        ),
        "this uses σ in place of exp: a probability, not a ratio.": lambda logit, k: k * logit.sigmoid(),
        "this is σ(logit), a probability, and k is left out.": lambda logit, k: logit.sigmoid(),
        "this is the inverse, q/p.": lambda logit, k: (-logit).exp() / k,
        "this is k·(1 − D)/D: upside down. The weight grows with the logit.": lambda logit, k: k * (-logit).exp(),
        "this raises the weight to the power k. More fakes shift the logit by log k, which multiplies the weight.": (
            lambda logit, k: (k * logit).exp()
        ),
        "almost: k fakes stand beside one real transition, so the factor is k, not k + 1.": (
            lambda logit, k: (k + 1) * logit.exp()
        ),
        "this is log p/q. The weight is the ratio itself.": lambda logit, k: logit + torch.tensor(k).log(),
        "this adds log k outside the exponential. exp(logit + log k) = k·exp(logit).": (
            lambda logit, k: logit.exp() + torch.tensor(k).log()
        ),
        "this is σ(logit + log k) = p/(p + q), not p/q.": (
            lambda logit, k: logsigmoid(logit + torch.tensor(k).log()).exp()
        ),
    },
)
check_repaired_weight = Exercise(
    "repaired_weight",
    (torch.tensor([-1.2, -0.5, 0.0, 1.0, 2.0]), 0.25),
    lambda logit, share: (logit.exp() - share) / (1 - share),
    "(exp(logit) − ε)/(1 − ε): the fakes among the real are taken out again.",
    "What is labelled real has the density (1 − ε)·p + ε·q. Divide it by q, set it equal to exp(logit), solve for p/q.",
    {
        "this is Eq. 8 as it is: the ratio of what was labelled real to q. A fake that no real car resembles keeps "
        "the weight ε.": lambda logit, share: logit.exp(),
        "the fakes are taken out, but what is left is not yet scaled up: only 1 − ε of the label was real.": (
            lambda logit, share: logit.exp() - share
        ),
        "this scales down. Of the transitions labelled real, ε are fakes: take them out, then scale up.": (
            lambda logit, share: (1 - share) * logit.exp()
        ),
        "this scales up and takes nothing out. With q alone, p = 0, the weight must come out as 0.": (
            lambda logit, share: logit.exp() / (1 - share)
        ),
        "this adds the fakes instead of taking them out: it makes the weight that a logit should have.": (
            lambda logit, share: (1 - share) * logit.exp() + share
        ),
        "ε and 1 − ε are swapped: ε is the share of fakes.": lambda logit, share: (logit.exp() - 1 + share) / share,
        "this corrects probabilities, not ratios: D is not linear in p.": lambda logit, share: (
            (logit.sigmoid() - share) / (1 - share)
        ),
        "this is log p/q. The weight is the ratio itself.": lambda logit, share: (
            (logit.exp() - share) / (1 - share)
        ).log(),
    },
)
