"""Intersection (Eq. 21): its exact transition mixture and reward, vectorised over any leading batch."""

import math
from dataclasses import dataclass, replace
from typing import ClassVar

import torch
from torch import Tensor

from ..mixture import Kinematics, Mixture
from ..support import validate
from .environment import Environment


@dataclass(frozen=True, kw_only=True)
class Intersection(Environment):
    """Two cars meet at a crossing without traffic lights (Appendix C, Eq. 21; time step dt = 0.2 s).

    State: x, y, vx, vy and heading of the agent's car, then the same of the oncoming car; metres, metres per
    second, radians. The agent drives north in the right lane and chooses its speed; the oncoming car drives
    south at 5 m/s and, once its y is at most 5 m, turns to its left (across the agent's lane) or to its right,
    each with probability one half. Its heading tells whether it turns already, so that the state is Markov.
    Cars whose centres are closer than `crash_distance` have crashed, and stand still for good (ours). Velocities
    and headings are random; the positions follow by semi-implicit Euler integration. All of the geometry is ours.

    Parameters
    ----------
    left_prob : probability that the oncoming car turns to its left (paper and ours: 0.5)
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
        validate.each(self, validate.number, "left_prob", least=0, most=1)
        validate.each(self, validate.number, "crash_distance", "noise", least=0)

    def initial_state(self, *batch: int) -> Tensor:
        """The start: both cars 12 m before the middle, at 5 m/s; shape (*batch, S)."""
        agent, other = [1.75, -12.0, 0.0, 5.0, math.pi / 2], [-1.75, 12.0, 0.0, -5.0, -math.pi / 2]
        return torch.tensor(agent + other).expand(*validate.batch("batch", batch, 10), 10).clone()

    def transition(self, state: Tensor, action: Tensor) -> Mixture:
        """p(s' | s, a): the oncoming car goes on, or, at the crossing, turns left or right; K = 2.

        Parameters
        ----------
        state : (..., S)
        action : (...), 0 decelerate, 1 cruise, 2 accelerate; the batches broadcast
        """
        state, action = validate.transition(self, state, action)
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
        to_left = torch.where(undecided, state.new_tensor(self.left_prob), 1.0)  # decided: both components are the same
        log_weights = torch.stack([to_left, 1 - to_left], dim=-1).log()
        return Mixture(log_weights, means, torch.full_like(means, self.noise), state, self.kinematics)

    def reward(self, state: Tensor, action: Tensor) -> Tensor:
        """r(s, a) of Eq. 21, on the state before the step, shape (...): the agent's speed, −10 after a crash."""
        state, _ = validate.transition(self, state, action)
        return state[..., 3] - 10.0 * self.crashed(state)

    def features(self, state: Tensor) -> Tensor:
        """What networks are given (..., 8): what moves of the state, and the logarithm of the cars' distance (ours).

        Crashes depend on the distance alone, and a small network finds it in ten coordinates only slowly. The agent's
        x, vx and heading are left out: they hold noise only, which tells real from imagined and helps no plan.
        """
        state = validate.states("state", state, len(self.state_names))
        moving = state[..., [1, 3, 5, 6, 7, 8, 9]]
        return torch.cat([moving, self.distance(state).clamp(min=0.1).log()[..., None]], dim=-1)

    def sides(self) -> tuple["Intersection", "Intersection"]:
        """This road with the oncoming car always turning left, and always right."""
        return replace(self, left_prob=1.0), replace(self, left_prob=0.0)

    def crashed(self, state: Tensor) -> Tensor:
        """Whether the cars' centres are closer than `crash_distance`, for states (..., S): shape (...)."""
        return self.distance(validate.states("state", state, len(self.state_names))) < self.crash_distance

    @staticmethod
    def distance(state: Tensor) -> Tensor:
        """Distance of the cars' centres in metres, for states (..., S): shape (...)."""
        return torch.linalg.vector_norm(state[..., 0:2] - state[..., 5:7], dim=-1)
