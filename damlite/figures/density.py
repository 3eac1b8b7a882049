"""Fig. 1 and Fig. 2 (right): densities of the next lateral velocity, and weights as arrows."""

import numpy as np
import torch
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from .. import exact
from ..discriminator import Discriminator
from ..envs import IcyRoad
from ..mixture import Mixture, seeded
from ..models import DynamicsModel
from ..support import validate
from .style import MODEL, TRUTH, WEIGHT, check, figure

SIZE = len(IcyRoad.state_names)
LOG_FLOOR = 1e-3  # weights below it are drawn there


class NextVelocity:
    """Densities of the next lateral velocity, and weights as arrows, with artists that stay.

    Parameters
    ----------
    ax : axes to draw on
    limit : velocities from −limit to +limit are shown, in lengths per step
    arrows : whether to add a second, logarithmic axis for the weights of the model's samples
    """

    def __init__(self, ax: Axes, limit: float = 4.5, arrows: bool = True) -> None:
        self.ax, self.arrows, self.grid = ax, arrows, torch.linspace(-limit, limit, 601)
        nothing = [np.nan], [np.nan]
        self.lines, self.areas = {}, {}
        for name, colour, line in (("truth p", TRUTH, "-"), ("model q", MODEL, "--")):
            (self.lines[name],) = ax.plot(*nothing, line, color=colour, label=name)
            (self.areas[name],) = ax.fill(*nothing, color=colour, alpha=0.15)
        ax.set(xlabel="next lateral velocity (lengths per step)", ylabel="density", xlim=(-limit, limit))
        ax.legend(loc="upper center", ncols=2)
        if arrows:
            self._add_arrows()

    def _add_arrows(self) -> None:
        scale = self.ax.twinx()
        scale.set_yscale("log")
        scale.set(ylim=(LOG_FLOOR, 1 / LOG_FLOOR), ylabel="weight w = p/q of a sample")
        scale.grid(False)
        scale.spines["right"].set_visible(True)
        scale.axhline(1, color=WEIGHT, lw=0.8, ls=":")
        self.stems = scale.vlines([], [], [], color=WEIGHT, lw=1.2)
        self.heads: list[Artist] = [
            scale.plot([np.nan], [np.nan], marker, color=WEIGHT, ms=5)[0] for marker in ("^", "v")
        ]

    def show_density(self, name: str, mixture: Mixture) -> None:
        """Draw "truth p" or "model q", a mixture of the icy road without batch axes."""
        validate.choice("name", name, tuple(self.lines))
        _one_of_the_ice("mixture", mixture)
        with torch.no_grad():
            density = mixture.marginal(3).log_prob(self.grid).exp().numpy()
        velocity = self.grid.numpy()  # Matplotlib goes through a tensor number by number
        self.lines[name].set_data(velocity, density)
        self.areas[name].set_xy(np.column_stack([velocity, density]))
        highest = max(np.nan_to_num(line.get_ydata()).max() for line in self.lines.values())
        self.ax.set_ylim(0, 1.3 * highest)  # room for the legend above the peaks

    def show_weights(self, samples: Tensor, log_weights: Tensor) -> None:
        """Draw samples (N,) of the next lateral velocity with log p/q (N,): arrows up or down from one.

        Raises ValueError if they do not fit each other, or there is no axis for arrows.
        """
        if not self.arrows:
            raise ValueError(f"arrows must be True where weights are to be shown, got {self.arrows!r}")
        samples, log_weights = _arrows(samples, log_weights)
        w = log_weights.exp().clamp(LOG_FLOOR, 1 / LOG_FLOOR).tolist()
        self.stems.set_segments([[(x, 1.0), (x, y)] for x, y in zip(samples.tolist(), w, strict=True)])
        for head, up in zip(self.heads, (True, False), strict=True):
            tips = [(x, y) for x, y in zip(samples.tolist(), w, strict=True) if (y >= 1) == up]
            head.set_data(*zip(*tips, strict=True) if tips else ([np.nan], [np.nan]))


def _one_of_the_ice(name: str, value: object) -> Mixture:
    """Return one mixture of the icy road, of velocities or states; raise ValueError if it is anything else."""
    mixture = validate.instance(name, value, Mixture)
    if (shape := tuple(mixture.state.shape)) != (SIZE,) or mixture.log_weights.ndim != 1:
        raise ValueError(f"{name} must be of one state of the icy road, shape ({SIZE},), got {shape}")
    return mixture


def _arrows(samples: object, log_weights: object) -> tuple[Tensor, Tensor]:
    """Return samples and their log-weights, both (N,); raise ValueError if they are anything else."""
    samples, log_weights = validate.numbers("samples", samples, finite=True), validate.known("log_weights", log_weights)
    if samples.ndim != 1 or samples.shape != log_weights.shape:
        got = f"{tuple(samples.shape)} and {tuple(log_weights.shape)}"
        raise ValueError(f"samples and log_weights must both have shape (N,), got {got}")
    return samples, log_weights


def draw_next_velocity(
    ax: Axes,
    truth: Mixture,
    model: Mixture,
    samples: Tensor | None = None,
    log_weights: Tensor | None = None,
    limit: float = 4.5,
) -> None:
    """Fig. 2 (right) once: see `NextVelocity` for the arguments; arrows only if there are samples (N,)."""
    check(ax)
    _one_of_the_ice("truth", truth)
    _one_of_the_ice("model", model)
    arrows = None if samples is None else _arrows(samples, log_weights)
    picture = NextVelocity(ax, limit, arrows=samples is not None)
    picture.show_density("truth p", truth)
    picture.show_density("model q", model)
    if arrows is not None:
        picture.show_weights(*arrows)


def figure2_right(env: IcyRoad, model: DynamicsModel, disc: Discriminator, samples: int = 25) -> Figure:
    """Fig. 2 (right) of the paper: at (2, 0, 2, 0) under "accelerate"."""
    validate.instance("env", env, IcyRoad)
    validate.instance("model", model, DynamicsModel)
    validate.instance("disc", disc, Discriminator)
    for name, network in (("model", model), ("disc", disc)):
        if network.runs > 1 or validate.sizes(network) != validate.sizes(env):
            raise ValueError(f"{name} must be of the env's road and of one run, got {network.runs} of {network.env!r}")
    validate.integer("samples", samples, most=10**4)
    state, action = torch.tensor([2.0, 0.0, 2.0, 0.0]), torch.tensor(2)
    fig, axes = figure(2, width=10)
    with torch.no_grad():
        q = model.transition(state, action)
        next_state = q.sample((samples,), generator=seeded(0))
        learned = disc.log_ratio(state, action, next_state)
        ratio = exact.log_ratio(env, model, state, action, next_state)
        for ax, log_weights, title in zip(axes[0], (learned, ratio), ("discriminator", "exact ratio"), strict=True):
            draw_next_velocity(ax, env.transition(state, action), q, next_state[:, 3], log_weights)
            ax.set_title(f"weights from the {title}")
    return fig
