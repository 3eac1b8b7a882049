"""An environment with coordinates beside its own that mean nothing: what a network must look past."""

from dataclasses import dataclass

import torch
from torch import Tensor

from ..mixture import Kinematics, Mixture
from ..support import validate
from .environment import Environment


@dataclass(frozen=True, kw_only=True)
class Distracted(Environment):
    """Another environment with D coordinates more, which its own never meet: z' = ρ z + √(1 − ρ²) ε, ε ~ N(0, 1).

    Rewards, actions and the dynamics of its own coordinates are what they were. So p/q of two environments that differ
    in their own coordinates alone is what it was too, whatever D is (ours, for Sec. 3.1).

    Parameters
    ----------
    env : the environment, with known kinematics
    distractors : D; they start at 0 and have a variance that nears one
    memory : ρ in [0, 1), how much of itself a distractor keeps

    Raises
    ------
    ValueError
        If D is no non-negative integer, ρ is out of its range, or the environment's kinematics are unknown.
    """

    env: Environment
    distractors: int
    memory: float = 0.9

    def __post_init__(self) -> None:
        validate.environment("env", self.env)
        validate.each(self, validate.integer, "distractors", least=0, most=10**6)
        validate.each(self, validate.number, "memory", least=0, most=1)
        if self.memory == 1:
            raise ValueError("memory must be below 1, got 1: then nothing would be random")
        if validate.kinematics("env", self.env) is None:
            raise ValueError(f"env must have known kinematics to be given more coordinates, got {self.env!r}")

    @property
    def horizon(self) -> int:
        """Steps of an episode."""
        return self.env.horizon

    @property
    def n_actions(self) -> int:
        """Its actions are the environment's."""
        return self.env.n_actions

    @property
    def action_names(self) -> tuple[str, ...]:
        """Labels of the actions."""
        return self.env.action_names

    @property
    def state_names(self) -> tuple[str, ...]:
        """Labels of its own coordinates and of the distractors."""
        return (*self.env.state_names, *(f"distractor {i + 1}" for i in range(self.distractors)))

    @property
    def kinematics(self) -> Kinematics:
        """That of its own coordinates; a distractor is random by itself."""
        own, d = self.env.kinematics, self.distractors
        size, features = len(own.source), len(own.random)
        random, source = (tuple(range(n, n + d)) for n in (size, features))
        return Kinematics(own.random + random, own.source + source, own.scale + (1.0,) * d, own.keep + (0.0,) * d)

    def own(self, state: Tensor) -> Tensor:
        """The environment's own coordinates of states (..., S + D)."""
        return validate.states("state", state, len(self.state_names))[..., : len(self.env.state_names)]

    def initial_state(self, *batch: int) -> Tensor:
        """The environment's start, with distractors at 0: (*batch, S + D)."""
        validate.batch("batch", batch, len(self.state_names))
        return torch.cat([self.env.initial_state(*batch), torch.zeros(*batch, self.distractors)], -1)

    def transition(self, state: Tensor, action: Tensor) -> Mixture:
        """p(s' | s, a): in every component the distractors are the same Gaussians."""
        state, action = validate.transition(self, state, action)
        p, z = self.env.transition(self.own(state), action), state[..., len(self.env.state_names) :].unsqueeze(-2)
        means = torch.cat([p.means, (self.memory * z).expand(*p.means.shape[:-1], -1)], -1)
        fresh = p.stds.new_full((*p.stds.shape[:-1], self.distractors), (1 - self.memory**2) ** 0.5)
        return Mixture(p.log_weights, means, torch.cat([p.stds, fresh], -1), state, self.kinematics)

    def reward(self, state: Tensor, action: Tensor) -> Tensor:
        """r(s, a) of the environment, shape (...)."""
        return self.env.reward(self.own(state), action)

    def features(self, state: Tensor) -> Tensor:
        """What networks are given: the environment's features, and all distractors."""
        own, state = self.own(state), torch.as_tensor(state)
        return torch.cat([self.env.features(own), state[..., len(self.env.state_names) :]], -1)

    def sides(self) -> tuple["Distracted", ...]:
        """The environment's sides, as distracted."""
        return tuple(
            Distracted(env=side, distractors=self.distractors, memory=self.memory) for side in self.env.sides()
        )
