"""IcyRoad (Eq. 20): its exact transition mixture and reward, vectorised over any leading batch."""

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from ..mixture import Kinematics, Mixture
from ..support import validate
from .environment import Environment


@dataclass(frozen=True, kw_only=True)
class IcyRoad(Environment):
    """A car on a straight icy road (Appendix C, Eq. 20; time step dt = 1).

    State (x, y, xdot, ydot), start (0, 0, 1, 0). Above the threshold speed the car is likely to be
    thrown off the road to either side, and a kicked car keeps going sideways. The velocities are random;
    the positions follow by semi-implicit Euler integration (ours: the paper says "simple Euler").

    Parameters
    ----------
    threshold : speed above which the ice throws the car off, in lengths per step (paper: 2)
    swerve_prob : probability of a kick above the threshold (paper: "high"; 0.9 is ours)
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
        validate.each(self, validate.number, "threshold")
        validate.each(self, validate.number, "swerve_prob", least=0, most=1)
        validate.each(self, validate.number, "swerve_speed", "swerve_spread", "noise", least=0)

    def initial_state(self, *batch: int) -> Tensor:
        """The start (0, 0, 1, 0), shape (*batch, S)."""
        return torch.tensor([0.0, 0.0, 1.0, 0.0]).expand(*validate.batch("batch", batch, 4), 4).clone()

    def transition(self, state: Tensor, action: Tensor) -> Mixture:
        """p(s' | s, a): stay, swerve left (+y) or swerve right, K = 3.

        Parameters
        ----------
        state : (..., S)
        action : (...), 0 decelerate, 1 cruise, 2 accelerate; the batches broadcast
        """
        state, action = validate.transition(self, state, action)
        speed = state[..., 2].round() + (action - 1)
        swerve = self.swerve_prob * self.fast(speed).to(speed)
        log_weights = torch.stack([1 - swerve, swerve / 2, swerve / 2], dim=-1).log()
        kicks = state.new_tensor([0.0, self.swerve_speed, -self.swerve_speed])
        means = torch.stack(torch.broadcast_tensors(speed[..., None], state[..., 3:] + kicks), dim=-1)
        kicked = (self.noise**2 + self.swerve_spread**2) ** 0.5
        stds = state.new_tensor([[self.noise, self.noise], [self.noise, kicked], [self.noise, kicked]])
        return Mixture(log_weights, means, stds.expand_as(means), state, self.kinematics)

    def reward(self, state: Tensor, action: Tensor) -> Tensor:
        """r(s, a) of Eq. 20, on the state before the step, shape (...).

        The bonus for high speed asks for round(xdot) > threshold (ours), so that a model's small error in the
        speed does not pay out a bonus of 8.
        """
        state, _ = validate.transition(self, state, action)
        speed, off_road = state[..., 2], state[..., 1].abs() > 1
        fast = self.fast(speed.round())
        return speed + torch.where(off_road, -6.0, torch.where(fast, 8.0, 0.0))

    def fast(self, speed: Tensor) -> Tensor:
        """Whether whole speeds (...) are above the threshold, shape (...); its floor is a number of every precision."""
        return validate.numbers("speed", speed) > float(math.floor(self.threshold))
