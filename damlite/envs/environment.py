"""What the method asks of an environment."""

import torch
from torch import Tensor

from ..data import Episodes, Policy, roll_out
from ..mixture import Kinematics, Mixture
from ..support import validate


class Environment:
    """What the method asks of an environment. A subclass says the first block; the second has defaults.

    Attributes
    ----------
    horizon : T, steps of an episode
    n_actions : A; actions are the integers from 0 to A − 1
    state_names : labels of the S coordinates
    action_names : labels of the actions
    kinematics : how the random coordinates complete a next state; None if unknown, and then models can only predict
        every coordinate on its own (`predict="state"`)
    """

    horizon: int
    n_actions: int
    state_names: tuple[str, ...]
    action_names: tuple[str, ...]
    kinematics: Kinematics | None = None

    def initial_state(self, *batch: int) -> Tensor:
        """First states s_1, shape (*batch, S)."""
        raise NotImplementedError(f"{type(self).__name__} needs an initial_state")

    def transition(self, state: Tensor, action: Tensor) -> Mixture:
        """p(s' | s, a), the true dynamics, for states (..., S) and actions (...)."""
        raise NotImplementedError(f"{type(self).__name__} has no known dynamics to plan through: give a learned model")

    def reward(self, state: Tensor, action: Tensor) -> Tensor:
        """r(s, a) for states (..., S) and actions (...), on the state before the step, shape (...)."""
        raise NotImplementedError(f"{type(self).__name__} needs a reward")

    def features(self, state: Tensor) -> Tensor:
        """What networks are given of states (..., S): by default all of it."""
        return validate.states("state", state, len(self.state_names))

    def sides(self) -> tuple["Environment", ...]:
        """Variants to evaluate on equally often, so that chance which no driver can foresee adds no variance."""
        return (self,)

    def rollout(self, policy: Policy | None, batch: tuple[int, ...], generator: torch.Generator | None) -> Episodes:
        """Real episodes (*batch, T); see `collect`."""

        def step(state: Tensor, action: Tensor) -> Tensor:
            return validate.mixture("env", self.transition(state, action)).sample(generator=generator)

        return roll_out(self, validate.starts("env", self, batch), step, policy, generator)
