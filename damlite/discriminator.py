"""The classifier whose logit is the log of p/q (Eq. 5 to 8)."""

import torch
from torch import Generator, Tensor

from .envs import Environment
from .networks import Network, RoadNetwork
from .support import validate


class Discriminator(RoadNetwork):
    """D(s, a, s'): is this next state real or imagined?

    Trained on equally many real and imagined next states of the *same real* (s, a), its optimum is
    σ(log p/q) (Eq. 5 to 7), so that its logit is the log-ratio and exp of it the weight (Eq. 8).

    Parameters
    ----------
    env : the environment
    runs : R independent discriminators, trained side by side
    generator : draws the initial weights
    choices : fields of `Network`: hidden, box, features
    """

    def __init__(self, env: Environment, runs: int = 1, generator: Generator | None = None, **choices: object) -> None:
        super().__init__(env, 3, 1, runs, validate.fields(Network, choices), generator)

    def transition_features(self, state: Tensor, next_state: Tensor) -> Tensor:
        """What the network is given of the state before, of the state after, and the change between them."""
        before, after = self.observe(state), self.observe(next_state)
        return torch.cat([before, after, after - before], dim=-1)

    def prepare(self, state: Tensor, next_state: Tensor) -> None:
        """Before the first fit: take the scales from the training data (R, B, S)."""
        self.standardise(self.transition_features(state, next_state))
        self.fitted.fill_(True)  # last: what was interrupted is done anew

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

    def logits(self, state: Tensor, action: Tensor, next_state: Tensor) -> Tensor:
        """The same (R, B) of transitions (R, B, S), (R, B), (R, B, S) that need no checking."""
        return self.mlp(self.inputs(self.transition_features(state, next_state), action))[..., 0]
