"""The classifier whose logit is the log of p/q (Eq. 5 to 8)."""

import torch
from torch import Tensor

from . import validate
from .networks import RoadNetwork, observe


class Discriminator(RoadNetwork):
    """D(s, a, s'): is this next state real or imagined?

    Trained on equally many real and imagined next states of the *same real* (s, a), its optimum is
    σ(log p/q) (Eq. 5 to 7), so that its logit is the log-ratio and exp of it the weight (Eq. 8).

    Parameters
    ----------
    env : the environment
    runs : R independent discriminators, trained side by side
    hidden : widths of the hidden layers
    box : bound of the standardised features, see `RoadNetwork`
    generator : draws the initial weights
    """

    def __init__(
        self,
        env: object,
        runs: int = 1,
        hidden: tuple[int, ...] = (64, 64),
        box: float | None = None,
        generator: torch.Generator | None = None,
    ) -> None:
        inputs = 3 * observe(env, env.initial_state()).shape[-1]
        super().__init__(env, inputs, 1, runs, hidden, box, generator)

    def transition_features(self, state: Tensor, next_state: Tensor) -> Tensor:
        """What the road shows of the state before, of the state after, and the change between them."""
        before, after = observe(self.env, state), observe(self.env, next_state)
        return torch.cat([before, after, after - before], dim=-1)

    def log_ratio(self, state: Tensor, action: Tensor, next_state: Tensor) -> Tensor:
        """The logit D̃(s', a, s), an estimate of log p(s' | s, a) − log q(s' | s, a) (Eq. 7), shape (...).

        Parameters
        ----------
        state, next_state : (..., S); with R > 1 runs, axis 0 is R
        action : (...); the batches broadcast
        """
        size = len(self.env.state_names)
        state = validate.states("state", state, size)
        next_state = validate.states("next_state", next_state, size)
        action = validate.actions("action", action, self.env.n_actions)
        batch = validate.broadcastable(state=state[..., 0], action=action, next_state=next_state[..., 0])
        features = self.transition_features(state.expand(*batch, size), next_state.expand(*batch, size))
        return self.evaluate(features, action.expand(batch))[..., 0]
