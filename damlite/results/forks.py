"""Where luck is decided on either road: who knows the odds there, and what is left if all else is known."""

import math
from dataclasses import dataclass, replace
from functools import singledispatch

import torch
from torch import Tensor

from ..envs import Environment, IcyRoad, Intersection
from ..estimate import Dynamics, LogRatio
from ..mixture import Mixture
from ..support import validate

LEAST = 1e-6  # a probability counts as no less: logarithms stay finite


@dataclass(frozen=True)
class Fork:
    """Which way luck falls in transitions, told by one coordinate of the next state.

    Attributes
    ----------
    here : (...), whether the transition can be a matter of luck
    known : (...), whether its odds are known at all: where it is decided already one outcome has them all
    coordinate : of the next state, on which it shows
    centre : (...), that coordinate where nothing happens
    edge : how far from the centre something has happened, in the coordinate's unit
    odds : (..., 3), true probabilities of the outcomes −1, 0 and 1
    possible : which outcomes are a matter of luck; the odds are those given one of them
    """

    here: Tensor
    known: Tensor
    coordinate: int
    centre: Tensor
    edge: float
    odds: Tensor
    possible: tuple[bool, bool, bool]

    def outcome(self, next_state: Tensor) -> Tensor:
        """−1 below the centre by more than the edge, 1 above it, 0 between; shape (...)."""
        off = next_state[..., self.coordinate] - self.centre
        return (off > self.edge).long() - (off < -self.edge).long()

    def lucky(self, next_state: Tensor, throughout: bool = False) -> Tensor:
        """Whether luck decided this transition, or `throughout` whether its odds are known; shape (...)."""
        where = self.known if throughout else self.here
        return where & torch.tensor(self.possible)[self.outcome(next_state) + 1]

    def odds_under(self, mixture: Mixture) -> Tensor:
        """Probabilities (..., 3) of the outcomes under a mixture, given a possible one."""
        marginal = mixture.marginal(self.coordinate)
        low, high = (marginal.cdf(self.centre + side * self.edge) for side in (-1, 1))
        odds = torch.stack([low, high - low, 1 - high], dim=-1).clamp(min=LEAST) * torch.tensor(self.possible)
        return odds / odds.sum(-1, keepdim=True)


def fork(env: Environment, state: Tensor, action: Tensor) -> Fork:
    """Where luck is decided for states (..., S) and actions (...).

    On ice: above the threshold speed, whether the car swerves and to which side. At the crossing: from a straight
    heading, to which side the oncoming car turns, given that it turns (when it does is no matter of luck).

    Raises
    ------
    ValueError
        For an environment whose forks are not known.
    """
    size = validate.sizes(env)
    return _fork(env, validate.states("state", state, size and size[0]), torch.as_tensor(action))


@singledispatch
def _fork(env: Environment, state: Tensor, action: Tensor) -> Fork:
    raise ValueError(f"env must be an IcyRoad or an Intersection to know where luck is decided, got {env!r}")


@_fork.register
def _(env: Intersection, state: Tensor, action: Tensor) -> Fork:
    turned = state[..., 9] + math.pi / 2
    undecided = turned.abs() <= env.turning
    left = torch.where(undecided, env.left_prob, (turned > 0).to(state))
    odds = torch.stack([1 - left, torch.zeros_like(left), left], dim=-1)
    moving = ~env.crashed(state)
    centre = torch.full_like(turned, -math.pi / 2)
    return Fork(undecided & moving, moving, 9, centre, env.turning, odds, (True, False, True))


@_fork.register
def _(env: IcyRoad, state: Tensor, action: Tensor) -> Fork:
    fast = env.fast(state[..., 2].round() + (action - 1))
    swerve = env.swerve_prob * fast.to(state)
    odds = torch.stack([swerve / 2, 1 - swerve, swerve / 2], dim=-1)
    return Fork(fast, torch.ones_like(fast), 3, state[..., 3], env.swerve_speed / 2, odds, (True, True, True))


def coarse_log_ratio(
    env: Environment,
    q: Dynamics,
    state: Tensor,
    action: Tensor,
    next_state: Tensor,
    *,
    throughout: bool = False,
) -> Tensor:
    """log P(outcome)/Q(outcome) where luck decided, and 0 elsewhere, shape (...).

    An oracle that knows the road's odds and the model's, and nothing else that a ratio p/q may hold: neither how
    precise the model is, nor where it errs on what is no matter of luck. The mean of its weights under q is one.

    Parameters
    ----------
    throughout : hold a model to it also where the road has decided already: a car that turned left keeps left
    """
    state, action, next_state = broadcast(state, action, next_state)
    at = fork(env, state, action)
    chosen = (at.outcome(next_state) + 1)[..., None]
    imagined = at.odds_under(q.transition(state, action)).gather(-1, chosen)[..., 0]
    true = at.odds.gather(-1, chosen)[..., 0]
    log_ratio = true.clamp(min=LEAST).log() - imagined.clamp(min=LEAST).log()
    return torch.where(at.lucky(next_state, throughout), log_ratio, 0.0)


def broadcast(state: Tensor, action: Tensor, next_state: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """States, actions and next states of one batch."""
    state, next_state = validate.states("state", state, None), validate.states("next_state", next_state, None)
    action = torch.as_tensor(action)
    batch = validate.broadcastable(state=state[..., 0], action=action, next_state=next_state[..., 0])
    return state.expand(*batch, -1), action.expand(batch), next_state.expand(*batch, -1)


@dataclass(frozen=True)
class RoadWithOddsOf:
    """The true road but for luck, whose odds are a model's: all else of the model put right.

    Attributes
    ----------
    env : the road
    model : whose odds
    """

    env: Environment
    model: Dynamics

    def transition(self, state: Tensor, action: Tensor) -> Mixture:
        """The road's mixture with other weights where luck decides."""
        p, at = self.env.transition(state, action), fork(self.env, state, action)
        low, none, high = at.odds_under(self.model.transition(state, action)).log().unbind(-1)
        log_weights = torch.stack([none, high, low], dim=-1)[..., -p.log_weights.shape[-1] :]
        return replace(p, log_weights=torch.where(at.here[..., None], log_weights, p.log_weights))


@dataclass(frozen=True)
class Patched:
    """One dynamics where a transition can be a matter of luck, another one elsewhere.

    Attributes
    ----------
    env : the road
    here, elsewhere : the two
    """

    env: Environment
    here: Dynamics
    elsewhere: Dynamics

    def transition(self, state: Tensor, action: Tensor) -> "Either":
        """Both of them; which one holds is told by the state and the action."""
        mask = fork(self.env, state, action).here
        return Either(mask, self.here.transition(state, action), self.elsewhere.transition(state, action))


@dataclass(frozen=True)
class Either:
    """Two mixtures, perhaps over different coordinates: the first where `mask` (...) is true."""

    mask: Tensor
    first: Mixture
    second: Mixture

    @property
    def means(self) -> Tensor:
        """Those of the mixture over more coordinates: as many random numbers a sample takes."""
        return max(self.first.means, self.second.means, key=lambda means: means.shape[-1])

    def sample(self, *, noise: Tensor) -> Tensor:
        """Next states (..., S) from random numbers (..., 1 + F)."""
        first, second = (m.sample(noise=noise[..., : 1 + m.means.shape[-1]]) for m in (self.first, self.second))
        return torch.where(self.mask[..., None], first, second)


class OnlyLuck(Environment):
    """A road of whose states networks are shown only the coordinates that luck shows on.

    Parameters
    ----------
    env : the road
    """

    def __init__(self, env: Environment) -> None:
        self.env, self.horizon, self.n_actions, self.kinematics = env, env.horizon, env.n_actions, env.kinematics
        self.state_names, self.action_names = env.state_names, env.action_names

    def initial_state(self, *batch: int) -> Tensor:
        """Those of the road."""
        return self.env.initial_state(*batch)

    def features(self, state: Tensor) -> Tensor:
        """The oncoming car's heading; on ice the speeds along and across the road."""
        return state[..., shown(self.env)]


@singledispatch
def shown(env: Environment) -> list[int]:
    """The coordinates that luck shows on, and hangs on."""
    raise ValueError(f"env must be an IcyRoad or an Intersection to know what luck shows on, got {env!r}")


@shown.register
def _(env: Intersection) -> list[int]:
    return [9]


@shown.register
def _(env: IcyRoad) -> list[int]:
    return [2, 3]


def only_at_the_fork(env: Environment, log_ratio: LogRatio, elsewhere: LogRatio | None = None) -> LogRatio:
    """A log-ratio where luck decided, and another one (1 if None) elsewhere."""

    def mixed(state: Tensor, action: Tensor, next_state: Tensor) -> Tensor:
        state, action, next_state = broadcast(state, action, next_state)
        lucky = fork(env, state, action).lucky(next_state)
        other = 0.0 if elsewhere is None else elsewhere(state, action, next_state)
        return torch.where(lucky, log_ratio(state, action, next_state), other)

    return mixed
