"""Lesson 10: what can be known of weights where nobody knows the truth, at the edge of a windy strip."""

from dataclasses import dataclass
from functools import lru_cache

import gymnasium
import numpy as np
import torch
from torch import Tensor

from .. import diagnostics, figures
from ..data import Episodes
from ..discriminator import Discriminator
from ..fitting import fit_discriminator, fit_model
from ..gym import FromGymnasium
from ..models import DynamicsModel
from .panel import Panel, slider, veil

EDGE, HOLD, FALLEN = 0.1, 3, 0.2095  # m, Gymnasium's steps to a decision, rad
STATE, RIGHT = (0.09, 0.5, 0.0, 0.0), 1  # a cart that is about to roll into the wind
SAMPLES, REAL, FRESH, BINS = 2000, 400, 1000, 5
ANGLES = torch.linspace(-0.9, 0.9, 46)


class Wind(gymnasium.Wrapper):
    """CartPole with a windy strip right of `EDGE`: with probability `chance` a gust sets the pole to ±`tilt`.

    Every action is held for `HOLD` of Gymnasium's steps.
    """

    def __init__(self, env: gymnasium.Env, chance: float = 0.9, tilt: float = 0.3) -> None:
        super().__init__(env)
        self.chance, self.tilt = chance, tilt

    def step(self, action: int) -> tuple[np.ndarray, float, bool, bool, dict]:
        """One decision."""
        cart = self.unwrapped
        for _ in range(HOLD):
            _, reward, fell, late, info = self.env.step(action)
            if fell:
                break
        if not fell and cart.state[0] > EDGE and self.np_random.random() < self.chance:
            cart.state[2] = self.np_random.choice([-self.tilt, self.tilt])
            fell = abs(cart.state[2]) > FALLEN
        return np.float32(cart.state), reward, bool(fell), late, info


@dataclass(frozen=True)
class WindyCartPole:
    """Makes CartPole with gusts, for `FromGymnasium`."""

    chance: float = 0.9
    tilt: float = 0.3

    def __call__(self) -> gymnasium.Env:
        return Wind(gymnasium.make("CartPole-v1"), self.chance, self.tilt)


def fallen(state: Tensor) -> Tensor:
    """Whether the pole leans too far or the cart has left the track, for states (..., S): shape (...)."""
    return (state[..., 2].abs() > FALLEN) | (state[..., 0].abs() > 2.4)


def wind_reward(state: Tensor, action: Tensor) -> Tensor:
    """1 for an upright pole, 9 in the wind, 0 for a fallen one; shape (...)."""
    return torch.where(fallen(state), 0.0, torch.where(state[..., 0] > EDGE, 9.0, 1.0))


@lru_cache(maxsize=1)
def _road() -> FromGymnasium:
    return FromGymnasium(WindyCartPole(), wind_reward, 1)


def steps_from(make: WindyCartPole, state: Tensor, action: Tensor) -> Tensor:
    """Real next states (N, S) of carts put at states (N, S), under actions (N,)."""
    env = make()
    env.reset(seed=0)
    after = []
    for s, a in zip(state.double().numpy(), action.tolist(), strict=True):
        env.unwrapped.state, env.unwrapped.steps_beyond_terminated = s.copy(), None
        after.append(env.step(a)[0])
    return torch.as_tensor(np.stack(after))


@lru_cache(maxsize=128)
def _real(chance: float, tilt: float) -> Tensor:
    """Next angles (REAL,) of carts about to roll into the wind."""
    state = torch.tensor(STATE).expand(REAL, 4)
    return steps_from(WindyCartPole(chance, tilt), state, torch.full((REAL,), RIGHT))[:, 2]


@lru_cache(maxsize=64)
def _fitted(chance: float, tilt: float, components: int, carts: int) -> tuple:
    """The model's next angles (SAMPLES,) and their log-weights, held-out loss and calibration."""
    g = torch.Generator().manual_seed(0)  # what changes on screen is due to the slider
    spread = torch.tensor([0.03, 0.2, 0.02, 0.2])
    state = torch.tensor(STATE) + spread * torch.randn(carts + FRESH, 4, generator=g)
    action = torch.randint(2, (carts + FRESH,), generator=g)
    after = steps_from(WindyCartPole(chance, tilt), state, action)
    env = _road()
    every = Episodes(*(t[:, None] for t in (state, action, wind_reward(state, action), after)))
    data, fresh = (every.select(part) for part in (torch.arange(carts), torch.arange(carts, carts + FRESH)))
    model = DynamicsModel(env, components, "state", std_range=(0.05, 1.6), generator=g)
    fit_model(model, data, steps=150, generator=g)
    disc = Discriminator(env, generator=g)
    fit = fit_discriminator(disc, model, data, steps=250, blur=0.1, generator=g)
    s, a = torch.tensor(STATE).expand(SAMPLES, 4), torch.full((SAMPLES,), RIGHT)
    there = fresh.state[:, 0], fresh.action[:, 0]
    with torch.no_grad():
        imagined = model.transition(s, a).sample(generator=g)
        log_w = disc.log_ratio(s, a, imagined)
        fake = model.transition(*there).sample(generator=g)
        logits = disc.log_ratio(*there, fresh.next_state[:, 0]), disc.log_ratio(*there, fake)
    return imagined[:, 2], log_w, float(fit.held_out_loss.min()), diagnostics.calibration(*logits, bins=BINS)


def _shares(angles: Tensor, weights: Tensor | None = None) -> np.ndarray:
    """Share of the angles, or of their weights, between any two of ANGLES; what lies beyond counts at the ends."""
    weights = torch.ones_like(angles) if weights is None else weights
    inside = angles.clamp(float(ANGLES[0]), float(ANGLES[-1]))
    return (torch.histogram(inside, ANGLES, weight=weights).hist / weights.sum()).numpy()


def windy_edge() -> Panel:
    """Lesson 10: the next angle of the pole at the edge of the wind, real, imagined and weighted; calibration beside.

    The truth is known from real steps only. It moves with the sliders at once; model and discriminator are fitted
    again when they rest.
    """
    fig, axes = figures.figure(2, width=11, height=4)
    left, right = axes[0]
    veils = [veil(ax) for ax in axes[0]]
    edges = ANGLES.numpy()
    zeros = np.zeros(len(edges) - 1)
    with figures.style():
        left.axvspan(-FALLEN, FALLEN, color="#eeeeee", zorder=0)
        left.text(0.5, 0.76, "upright", ha="center", color=figures.GREY, transform=left.transAxes)
        truth = left.stairs(zeros, edges, color=figures.TRUTH, fill=True, alpha=0.4, label="real steps")
        model = left.stairs(zeros, edges, color=figures.MODEL, ls="--", lw=2, label="model")
        weighted = left.stairs(zeros, edges, color=figures.WEIGHT, lw=1.5, label="model, weighted")
        left.set(xlim=(edges[0], edges[-1]), xlabel="next angle of the pole (rad)", ylabel="share")
        left.legend(loc="upper center", ncols=3, fontsize=11)
        right.plot([0, 1], [0, 1], ":", color=figures.GREY, label="calibrated")
        (curve,) = right.plot(np.zeros(BINS), np.zeros(BINS), "o-", color=figures.WEIGHT, label="fresh steps")
        right.set(xlim=(0, 1), ylim=(0, 1.05), xlabel="D: probability to be real", ylabel="share of real ones")
        right.legend(loc="upper left")

    def draw(chance: float, tilt: float, components: int, carts: int, stale: bool) -> None:
        shares = _shares(_real(chance, tilt))
        truth.set_data(shares)
        left.set_ylim(0, 1.4 * max(shares.max(), 0.4))
        for artist in (model, weighted, curve):
            artist.set_alpha(0.25 if stale else 1.0)
        for white in veils:
            white.set_visible(stale)

    def settle(chance: float, tilt: float, components: int, carts: int) -> None:
        angle, log_w, loss, calibration = _fitted(chance, tilt, components, carts)
        model.set_data(_shares(angle))
        weighted.set_data(_shares(angle, log_w.exp()))
        up = angle.abs() < FALLEN
        real, promised = (_real(chance, tilt).abs() < FALLEN).float().mean(), up.float().mean()
        left.set_title(
            f"stays upright: {real:.0%} really, {promised:.0%} in the model,\n{log_w.softmax(0)[up].sum():.0%} weighted"
        )
        filled = calibration.count > 0  # an empty bin repeats its neighbour, so that no point is lost
        nearest = (torch.arange(BINS)[:, None] - torch.arange(BINS)).abs().double()
        pick = nearest.masked_fill(~filled, torch.inf).argmin(1)
        curve.set_data(calibration.predicted[pick].numpy(), calibration.observed[pick].numpy())
        ess = diagnostics.effective_sample_size(log_w) / SAMPLES
        right.set_title(f"held-out loss {loss:.3f}, knowing nothing 1.386;\neffective sample size {ess:.0%}")

    controls = {
        "chance": slider("chance of a gust", "probability", 0.9, 0.0, 1.0, 0.1),
        "tilt": slider("gusts set the pole to ±", "rad", 0.3, 0.1, 0.6, 0.05),
        "components": slider("components of the model", "Gaussians", 1, 1, 6, 1),
        "carts": slider("training set", "carts", 1000, 100, 2000, 100),
    }
    description = (
        "Left: the pole's next angle at the edge of the wind in real steps, in the model and in the weighted model; "
        "right: calibration of the discriminator on fresh steps."
    )
    return Panel(fig, draw, controls, description, settle, [truth, model, weighted, curve, *veils])
