"""Lesson 13: weights where nobody knows the truth, at the edge of a windy strip; exercises on environments."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import gymnasium
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import StepPatch
from torch import Tensor

from .. import diagnostics, figures
from ..data import Episodes, collect
from ..discriminator import Discriminator
from ..fitting import fit_discriminator, fit_model
from ..gym import FromGymnasium
from ..mixture import seeded
from ..models import DynamicsModel
from .exercise import Exercise, OpenExercise, ask_once
from .panel import Panel, slider

EDGE, HOLD, FALLEN = 0.1, 3, 0.2095  # m, Gymnasium's steps to a decision, rad
STATE, RIGHT = (0.09, 0.5, 0.0, 0.0), 1  # a cart that is about to roll into the wind
SAMPLES, REAL, FRESH, BINS = 2000, 400, 1000, 5
ANGLES = np.linspace(-0.9, 0.9, 46)


class Wind(gymnasium.Wrapper):
    """CartPole with a windy strip right of `EDGE`: with probability `gust_prob` a gust sets the pole to ±`tilt`.

    Every action is held for `HOLD` of Gymnasium's steps.
    """

    def __init__(self, env: gymnasium.Env, gust_prob: float = 0.9, tilt: float = 0.3) -> None:
        super().__init__(env)
        self.gust_prob, self.tilt = gust_prob, tilt

    def step(self, action: int) -> tuple[np.ndarray, float, bool, bool, dict]:
        """One decision."""
        cart = self.unwrapped
        for _ in range(HOLD):
            _, reward, fell, late, info = self.env.step(action)
            if fell:
                break
        if not fell and cart.state[0] > EDGE and self.np_random.random() < self.gust_prob:
            cart.state[2] = self.np_random.choice([-self.tilt, self.tilt])
            fell = abs(cart.state[2]) > FALLEN
        return np.float32(cart.state), reward, bool(fell), late, info


@dataclass(frozen=True)
class WindyCartPole:
    """Makes CartPole with gusts, for `FromGymnasium`."""

    gust_prob: float = 0.9
    tilt: float = 0.3

    def __call__(self) -> gymnasium.Env:
        return Wind(gymnasium.make("CartPole-v1"), self.gust_prob, self.tilt)


def fallen(state: Tensor) -> Tensor:
    """Whether the pole leans too far or the cart has left the track, for states (..., S): shape (...)."""
    return (state[..., 2].abs() > FALLEN) | (state[..., 0].abs() > 2.4)


def wind_reward(state: Tensor, action: Tensor) -> Tensor:
    """1 for an upright pole, 9 in the wind, 0 for a fallen one; shape (...)."""
    return torch.where(fallen(state), 0.0, torch.where(state[..., 0] > EDGE, 9.0, 1.0))


@lru_cache(maxsize=1)
def windy_road() -> FromGymnasium:
    """The windy strip as a road of one step."""
    return FromGymnasium(WindyCartPole(), wind_reward, 1)


def steps_from(make: WindyCartPole, state: Tensor, action: Tensor) -> Tensor:
    """Real next states (N, S) of carts put at states (N, S), under actions (N,)."""
    env = make()
    env.reset(seed=0)
    after = []
    for s, a in zip(state.double().numpy(), action.tolist(), strict=True):
        env.unwrapped.state, env.unwrapped.steps_beyond_terminated = s.copy(), None
        after.append(env.step(a)[0])
    return torch.as_tensor(np.stack(after)).to(state)


@lru_cache(maxsize=128)
def real_angles(gust_prob: float, tilt: float) -> Tensor:
    """Next angles (REAL,) of carts about to roll into the wind."""
    state = torch.tensor(STATE).expand(REAL, 4)
    return steps_from(WindyCartPole(gust_prob, tilt), state, torch.full((REAL,), RIGHT))[:, 2]


@lru_cache(maxsize=64)
def fitted(
    gust_prob: float, tilt: float, components: int, carts: int
) -> tuple[Tensor, Tensor, float, diagnostics.Calibration]:
    """The model's next angles (SAMPLES,), their log-weights, the held-out loss, and the calibration on fresh carts."""
    g = seeded(0)  # what changes on screen is due to the slider
    spread = torch.tensor([0.03, 0.2, 0.02, 0.2])
    state = torch.tensor(STATE) + spread * torch.randn(carts + FRESH, 4, generator=g)
    action = torch.randint(2, (carts + FRESH,), generator=g)
    after = steps_from(WindyCartPole(gust_prob, tilt), state, action)
    env = windy_road()
    every = Episodes(*(t[:, None] for t in (state, action, wind_reward(state, action), after)))
    data, fresh = (every.select(part) for part in (torch.arange(carts), torch.arange(carts, carts + FRESH)))
    model = DynamicsModel(env, components, "state", std_range=(0.05, 1.6), generator=g)
    fit_model(model, data, steps=150, generator=g)
    disc = Discriminator(env, generator=g)
    fit = fit_discriminator(disc, model, data, steps=250, instance_noise=0.1, generator=g)
    s, a = torch.tensor(STATE).expand(SAMPLES, 4), torch.full((SAMPLES,), RIGHT)
    there = fresh.state[:, 0], fresh.action[:, 0]
    with torch.no_grad():
        imagined = model.transition(s, a).sample(generator=g)
        log_w = disc.log_ratio(s, a, imagined)
        fake = model.transition(*there).sample(generator=g)
        logits = disc.log_ratio(*there, fresh.next_state[:, 0]), disc.log_ratio(*there, fake)
    return imagined[:, 2], log_w, float(fit.held_out_loss.min()), diagnostics.calibration(*logits, bins=BINS)


def shares(angles: Tensor, weights: Tensor | None = None) -> np.ndarray:
    """Share of the angles, or of their weights, between any two of ANGLES; what lies beyond counts at the ends."""
    weights = torch.ones_like(angles) if weights is None else weights
    inside = angles.numpy().clip(ANGLES[0], ANGLES[-1])
    return np.histogram(inside, ANGLES, weights=weights.double().numpy())[0] / weights.sum().item()


def windy_edge() -> Panel:
    """The next angle of the pole at the edge of the wind, real, imagined and weighted; calibration beside.

    The truth is known from real steps only. It moves with the sliders at once; model and discriminator are fitted
    again when they rest.
    """
    fig, axes = figures.figure(2, width=11, height=4)
    left, right = axes[0]
    with figures.style():
        truth, model, weighted = draw_stairs(left)
        curve = draw_calibration(right)

    def draw(gust_prob: float, tilt: float) -> None:
        truth.set_data(real := shares(real_angles(gust_prob, tilt)))
        left.set_ylim(0, 1.4 * max(real.max(), 0.4))

    def settle(gust_prob: float, tilt: float, components: int, carts: int) -> None:
        angle, log_w, loss, calibration = fitted(gust_prob, tilt, components, carts)
        model.set_data(shares(angle))
        weighted.set_data(shares(angle, log_w.exp()))
        up = angle.abs() < FALLEN
        real, promised = (real_angles(gust_prob, tilt).abs() < FALLEN).float().mean(), up.float().mean()
        left.set_title(
            f"stays upright: {real:.0%} really, {promised:.0%} in the model,\n{log_w.softmax(0)[up].sum():.0%} weighted"
        )
        filled = calibration.count > 0  # an empty bin repeats its neighbour, so that no point is lost
        nearest = (torch.arange(BINS)[:, None] - torch.arange(BINS)).abs().double()
        pick = nearest.masked_fill(~filled, torch.inf).argmin(1)
        curve.set_data(calibration.predicted[pick].numpy(), calibration.observed[pick].numpy())
        ess = diagnostics.effective_sample_size(log_w) / SAMPLES
        right.set_title(f"held-out loss {loss:.3f}, chance level 1.386;\neffective sample size {ess:.0%}")

    controls = {
        "gust_prob": slider("probability of a gust", "0 to 1", 0.9, 0.0, 1.0, 0.1),
        "tilt": slider("gusts set the pole to ±", "rad", 0.3, 0.1, 0.6, 0.05),
        "components": slider("components of the model", "Gaussians", 1, 1, 6, 1),
        "carts": slider("training set", "carts", 1000, 100, 2000, 100),
    }
    description = (
        "Left: the pole's next angle at the edge of the wind in real steps, in the model and in the weighted model; "
        "right: calibration of the discriminator on fresh steps."
    )
    return Panel(fig, draw, controls, description, settle)


def draw_stairs(ax: Axes) -> list[StepPatch]:
    """Empty histograms of the next angle: real steps, the model, and the model weighted."""
    ax.axvspan(-FALLEN, FALLEN, color="#eeeeee", zorder=0)
    ax.text(0.5, 0.76, "upright", ha="center", color=figures.GREY, transform=ax.transAxes)
    looks = {
        "real steps": {"color": figures.TRUTH, "fill": True, "alpha": 0.4},
        "model": {"color": figures.MODEL, "ls": "--", "lw": 2},
        "model, weighted": {"color": figures.WEIGHT, "lw": 1.5},
    }
    drawn = [ax.stairs(np.zeros(len(ANGLES) - 1), ANGLES, label=label, **look) for label, look in looks.items()]
    ax.set(xlim=(ANGLES[0], ANGLES[-1]), xlabel="next angle of the pole (rad)", ylabel="share")
    ax.legend(loc="upper center", ncols=3, fontsize=11)
    return drawn


def draw_calibration(ax: Axes) -> Line2D:
    """The diagonal, and an empty calibration curve."""
    ax.plot([0, 1], [0, 1], ":", color=figures.GREY, label="calibrated")
    (curve,) = ax.plot(np.zeros(BINS), np.zeros(BINS), "o-", color=figures.WEIGHT, label="fresh steps")
    ax.set(xlim=(0, 1), ylim=(0, 1.05), xlabel="D: probability to be real", ylabel="share of real ones")
    ax.legend(loc="upper left")
    return curve


check_absorb = Exercise(
    name="absorb",
    inputs=(torch.arange(1.0, 13.0).reshape(6, 2), torch.tensor([False, False, True, False, True, True])),
    right=lambda seen, terminated: seen[[0, 1, 2, 2, 2, 2]],
    praise="the state that ended the episode stays, as a crash does at the Intersection.",
    hint="Find the first true entry of `terminated`. From there on every row is that row.",
    mistakes={
        "this changes nothing. After the end the environment's answers mean nothing.": lambda seen, terminated: seen,
        "this fills up with zeros. Zero is a state like any other, an upright pole for one: keep the last.": (
            lambda seen, terminated: torch.cat([seen[:3], torch.zeros_like(seen[3:])])
        ),
        "this goes back to the state before the end. The state that ended the episode is the one that stays.": (
            lambda seen, terminated: seen[[0, 1, 1, 1, 1, 1]]
        ),
        "this is one step late: the state after the end is no longer real.": (
            lambda seen, terminated: seen[[0, 1, 2, 3, 3, 3]]
        ),
        "this stays from the last `terminated`. The first one ends the episode.": (
            lambda seen, terminated: seen[[0, 1, 2, 3, 4, 4]]
        ),
        "this cuts the episode off. All episodes must be equally long: keep the last state.": (
            lambda seen, terminated: seen[:3]
        ),
    },
)

UNBATCHED = torch.inf  # no reward


def ask_of_a_batch(reward: Callable, inputs: tuple) -> object:
    """Rewards of a batch; UNBATCHED where the function fails there but not for the batch's first state alone."""
    try:
        return ask_once(reward, inputs)
    except (IndexError, RuntimeError, TypeError, ValueError):
        ask_once(reward, tuple(x[0, 0] for x in inputs))  # what fails here too has another cause: its error shows it
        return UNBATCHED


def states_of_poles() -> tuple[Tensor, Tensor]:
    """States (2, 3, 4) and actions (2, 3): calm and windy places, poles that stand and that lean to either side."""
    x = torch.tensor([[-0.5, 0.09, 0.11], [0.3, 0.3, -0.2]])
    angle = torch.tensor([[0.19, -0.19, 0.05], [0.21, -0.21, -0.21]])
    return torch.stack([x, torch.full_like(x, 5.0), angle, torch.full_like(x, 0.7)], -1), torch.zeros_like(x).long()


def pay(state: Tensor, down: Tensor, calm: float = 1.0, wind: float = 9.0) -> Tensor:
    """Rewards (...): 0 where the pole is down (...), otherwise by the place."""
    return torch.where(down, 0.0, torch.where(state[..., 0] > EDGE, wind, calm))


def leans(state: Tensor) -> Tensor:
    """Whether the pole leans by more than 0.2 rad, for states (..., 4)."""
    return state[..., 2].abs() > 0.2


check_wind_reward = Exercise(
    name="reward",
    inputs=states_of_poles(),
    right=lambda state, action: pay(state, leans(state)),
    praise="and it takes batches of any shape, as planners need.",
    hint="Coordinate 0 is the position, 2 the angle: torch.where on the angle first, then on the position.",
    mistakes={
        "it works for one state, but fails on a batch of states. Use torch.where in place of if, and state[..., 2] in "
        "place of state[2].": lambda state, action: 0.0 if abs(state[2]) > 0.2 else 9.0 if state[0] > EDGE else 1.0,
        "a pole that leans to the left has fallen too: take the absolute value of the angle.": (
            lambda state, action: pay(state, state[..., 2] > 0.2)
        ),
        "a fallen pole in the wind gets paid. Nobody gets anything for a fallen pole.": (
            lambda state, action: torch.where(state[..., 0] > EDGE, 9.0, pay(state, leans(state)))
        ),
        "fallen poles get paid.": lambda state, action: pay(state, torch.zeros_like(leans(state))),
        "the wind pays 8 *more* than the calm, 9 in all.": lambda state, action: pay(state, leans(state), wind=8.0),
        "calm and wind are exchanged.": lambda state, action: pay(state, leans(state), calm=9.0, wind=1.0),
        "one number for the whole batch, the sum. Every state needs a reward of its own.": (
            lambda state, action: pay(state, leans(state)).sum()
        ),
        "one number for the whole batch, the mean. Every state needs a reward of its own.": (
            lambda state, action: pay(state, leans(state)).mean()
        ),
    },
    ask=ask_of_a_batch,
)


def judge_own(env: FromGymnasium) -> str:
    """Can a planner learn anything in an environment of one's own? The verdict, from eight episodes of random play."""
    if not isinstance(env, FromGymnasium):
        return f"this is a {type(env).__name__}. Put it in: dl.FromGymnasium(make, reward, horizon)."
    data = collect(env, episodes=8, generator=seeded(0))
    if data.reward.isnan().any():
        return "some rewards are NaN. A planner cannot compare them."
    if data.reward.min() == data.reward.max():
        return (
            f"every state that random play met has the reward {data.reward.min():g}. "
            "To a planner all is equal then: reward what leads to the goal, too."
        )
    if (data.next_state == data.state).all(-1).float().mean() > 0.5:
        return "more than half of all steps come after the end. Choose a shorter horizon."
    size = f"{len(env.state_names)} coordinates, {env.n_actions} actions, {env.horizon} steps"
    return f"right, {size}; random play returns {data.returns.mean():.1f}. `run_mbrl` takes it from here."


check_own = OpenExercise(name="own", verdict=judge_own, seconds=60)
