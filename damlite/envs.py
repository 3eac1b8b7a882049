"""The roads: exact transition mixtures and rewards, vectorised over any leading batch."""

import math
from dataclasses import dataclass, replace
from typing import ClassVar

import torch
from torch import Tensor

from . import validate
from .mixture import Kinematics, Mixture


@dataclass(frozen=True)
class IcyRoad:
    """A car on a straight icy road (Appendix C, Eq. 20; time step dt = 1).

    State (x, y, xdot, ydot), start (0, 0, 1, 0). Above the threshold speed the car is likely to be
    thrown off the road to either side, and a kicked car keeps going sideways. The velocities are random;
    the positions follow by semi-implicit Euler integration.

    Parameters
    ----------
    threshold : speed above which the ice throws the car off, in lengths per step (paper: 2)
    swerve_prob : chance of a kick above the threshold (paper: "high"; 0.9 is ours)
    swerve_speed, swerve_spread : mean and standard deviation of a kick's size (ours)
    noise : standard deviation of both velocities' Gaussian noise (ours: without it p has no density)

    Raises
    ------
    ValueError
        If a parameter is not finite, negative where a size is meant, or no probability.
    """

    threshold: float = 2.0
    swerve_prob: float = 0.9
    swerve_speed: float = 1.5
    swerve_spread: float = 0.2
    noise: float = 0.05

    horizon: ClassVar[int] = 5
    n_actions: ClassVar[int] = 3
    state_names: ClassVar[tuple[str, ...]] = ("x", "y", "xdot", "ydot")
    action_names: ClassVar[tuple[str, ...]] = ("decelerate", "cruise", "accelerate")
    kinematics: ClassVar[Kinematics] = Kinematics(
        random=(2, 3), source=(0, 1, 0, 1), scale=(1.0, 1.0, 1.0, 1.0), keep=(1.0, 1.0, 0.0, 0.0)
    )

    def __post_init__(self) -> None:
        validate.number("threshold", self.threshold)
        validate.number("swerve_prob", self.swerve_prob, 0, 1)
        for name in ("swerve_speed", "swerve_spread", "noise"):
            validate.number(name, getattr(self, name), least=0)

    def initial_state(self, *batch: int) -> Tensor:
        """The start (0, 0, 1, 0), shape (*batch, S)."""
        return torch.tensor([0.0, 0.0, 1.0, 0.0]).expand(*batch, 4).clone()

    def transition(self, state: Tensor, action: Tensor) -> Mixture:
        """p(s' | s, a): stay, swerve left (+y) or swerve right, K = 3.

        Parameters
        ----------
        state : (..., S)
        action : (...), 0 decelerate, 1 cruise, 2 accelerate; the batches broadcast
        """
        state, action = _check(self, state, action)
        speed = state[..., 2].round() + (action - 1)
        swerve = self.swerve_prob * (speed > self.threshold)
        log_weights = torch.stack([1 - swerve, swerve / 2, swerve / 2], dim=-1).log()
        kicks = state.new_tensor([0.0, self.swerve_speed, -self.swerve_speed])
        means = torch.stack(torch.broadcast_tensors(speed[..., None], state[..., 3:] + kicks), dim=-1)
        kicked = (self.noise**2 + self.swerve_spread**2) ** 0.5
        stds = state.new_tensor([[self.noise, self.noise], [self.noise, kicked], [self.noise, kicked]])
        return Mixture(log_weights, means, stds.expand_as(means), state, self.kinematics)

    def reward(self, state: Tensor, action: Tensor) -> Tensor:
        """r(s, a) of Eq. 20, on the state before the step, shape (...).

        The bonus for high speed asks for round(xdot) > threshold, so that a model's small error in the
        speed does not pay out a bonus of 8.
        """
        state, _ = _check(self, state, action)
        speed, off_road = state[..., 2], state[..., 1].abs() > 1
        fast = speed.round() > self.threshold
        return speed + torch.where(off_road, -6.0, torch.where(fast, 8.0, 0.0))


@dataclass(frozen=True)
class Intersection:
    """Two cars meet at a crossing without traffic lights (Appendix C, Eq. 21; time step dt = 0.2 s).

    State: x, y, vx, vy and heading of the agent's car, then the same of the oncoming car; metres, metres per
    second, radians. The agent drives north in the right lane and chooses its speed; the oncoming car drives
    south at 5 m/s and, once its y is at most 5 m, turns to its left (across the agent's lane) or to its right,
    each with probability one half. Its heading tells whether it turns already, so that the state is Markov.
    Cars whose centres are closer than `crash_distance` have crashed, and stand still for good. Velocities and
    headings are random; the positions follow by semi-implicit Euler integration.

    Parameters
    ----------
    left_prob : chance that the oncoming car turns to its left (paper and ours: 0.5)
    crash_distance : distance of the centres below which the cars have crashed, in metres (ours)
    noise : standard deviation of the Gaussian noise on every velocity (m/s) and heading (rad) (ours)

    Raises
    ------
    ValueError
        If a parameter is not finite, negative, or no probability.
    """

    left_prob: float = 0.5
    crash_distance: float = 2.5
    noise: float = 0.02

    horizon: ClassVar[int] = 25
    n_actions: ClassVar[int] = 3
    state_names: ClassVar[tuple[str, ...]] = tuple(
        f"{car}_{name}" for car in ("agent", "other") for name in ("x", "y", "vx", "vy", "heading")
    )
    action_names: ClassVar[tuple[str, ...]] = ("decelerate", "cruise", "accelerate")
    dt: ClassVar[float] = 0.2
    top_speed: ClassVar[float] = 5.0
    turn_y: ClassVar[float] = 5.0  # the oncoming car turns from here on
    left_radius: ClassVar[float] = 5.25
    right_radius: ClassVar[float] = 1.75
    turning: ClassVar[float] = 0.1  # rad off straight: more than noise, less than one step of either turn
    kinematics: ClassVar[Kinematics] = Kinematics(
        random=(2, 3, 4, 7, 8, 9),
        source=(0, 1, 0, 1, 2, 3, 4, 3, 4, 5),
        scale=(0.2, 0.2, 1.0, 1.0, 1.0) * 2,
        keep=(1.0, 1.0, 0.0, 0.0, 0.0) * 2,
    )

    def __post_init__(self) -> None:
        validate.number("left_prob", self.left_prob, 0, 1)
        for name in ("crash_distance", "noise"):
            validate.number(name, getattr(self, name), least=0)

    def initial_state(self, *batch: int) -> Tensor:
        """The start: both cars 12 m before the middle, at 5 m/s; shape (*batch, S)."""
        agent, other = [1.75, -12.0, 0.0, 5.0, math.pi / 2], [-1.75, 12.0, 0.0, -5.0, -math.pi / 2]
        return torch.tensor(agent + other).expand(*batch, 10).clone()

    def transition(self, state: Tensor, action: Tensor) -> Mixture:
        """p(s' | s, a): the oncoming car goes on, or, at the crossing, turns left or right; K = 2.

        Parameters
        ----------
        state : (..., S)
        action : (...), 0 decelerate, 1 cruise, 2 accelerate; the batches broadcast
        """
        state, action = _check(self, state, action)
        moving = ~self.crashed(state)
        speed = moving * (state[..., 3].round() + (action - 1)).clamp(0, self.top_speed)
        turned = state[..., 9] + math.pi / 2  # how far the oncoming car has turned, to its left
        undecided = moving & (turned.abs() <= self.turning) & (state[..., 6] <= self.turn_y)
        left, right = (self.top_speed * self.dt / radius for radius in (self.left_radius, -self.right_radius))
        on = torch.where(turned > self.turning, turned + left, torch.where(turned < -self.turning, turned + right, 0.0))
        on = torch.where(moving, on.clamp(-math.pi / 2, math.pi / 2), turned)
        means = []
        for turn in (left, right):
            heading = torch.where(undecided, turned + turn, on) - math.pi / 2
            other = (self.top_speed * moving * heading.cos(), self.top_speed * moving * heading.sin(), heading)
            agent = (torch.zeros_like(speed), speed, torch.full_like(speed, math.pi / 2))
            means.append(torch.stack(agent + other, dim=-1))
        means = torch.stack(means, dim=-2)
        chance = torch.where(undecided, self.left_prob, 1.0)  # decided: both components are the same
        log_weights = torch.stack([chance, 1 - chance], dim=-1).log()
        return Mixture(log_weights, means, torch.full_like(means, self.noise), state, self.kinematics)

    def reward(self, state: Tensor, action: Tensor) -> Tensor:
        """r(s, a) of Eq. 21, on the state before the step, shape (...): the agent's speed, −10 after a crash."""
        state, _ = _check(self, state, action)
        return state[..., 3] - 10.0 * self.crashed(state)

    def features(self, state: Tensor) -> Tensor:
        """What networks are given (..., 8): what moves of the state, and the logarithm of the cars' distance (ours).

        Crashes hang on the distance alone, and a small network finds it in ten coordinates only slowly. The agent's
        x, vx and heading are left out: they hold noise only, which tells real from imagined and helps no plan.
        """
        moving = state[..., [1, 3, 5, 6, 7, 8, 9]]
        return torch.cat([moving, self.distance(state).clamp(min=0.1).log()[..., None]], dim=-1)

    def sides(self) -> tuple["Intersection", "Intersection"]:
        """This road with the oncoming car always turning left, and always right: to evaluate on both alike."""
        return replace(self, left_prob=1.0), replace(self, left_prob=0.0)

    def crashed(self, state: Tensor) -> Tensor:
        """Whether the cars' centres are closer than `crash_distance`, for states (..., S): shape (...)."""
        return self.distance(state) < self.crash_distance

    @staticmethod
    def distance(state: Tensor) -> Tensor:
        """Distance of the cars' centres in metres, for states (..., S): shape (...)."""
        return torch.linalg.vector_norm(state[..., 0:2] - state[..., 5:7], dim=-1)


def _check(road: IcyRoad | Intersection, state: Tensor, action: Tensor) -> tuple[Tensor, Tensor]:
    state = validate.states("state", state, len(road.state_names))
    action = validate.actions("action", action, road.n_actions).to(state.device)
    batch = validate.broadcastable(state=state[..., 0], action=action)
    return state.expand(*batch, state.shape[-1]), action.expand(batch)
