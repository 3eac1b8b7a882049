"""R small networks trained side by side as one: every parameter has a leading axis of runs."""

from itertools import pairwise

import torch
from torch import Tensor, nn

from . import validate

ROWS = 1024  # rows per run that pass through the network at once: their activations stay in the cache


class StackedMLP(nn.Module):
    """R independent multilayer perceptrons with SiLU between their layers.

    Stacking R small networks into one batched product is what makes many seeds affordable; a run's
    output and gradient depend on its own parameters and inputs alone.

    Parameters
    ----------
    runs : R
    sizes : widths of input, hidden layers and output
    generator : draws the initial weights, uniform in ±1/√in
    """

    def __init__(self, runs: int, sizes: tuple[int, ...], generator: torch.Generator | None = None) -> None:
        super().__init__()
        self.weights, self.biases = nn.ParameterList(), nn.ParameterList()
        for fan_in, fan_out in pairwise(sizes):
            both = torch.rand(runs, fan_in + 1, fan_out, generator=generator).mul(2).sub(1).div(fan_in**0.5)
            self.weights.append(nn.Parameter(both[:, :-1].clone()))
            self.biases.append(nn.Parameter(both[:, -1:].clone()))

    def forward(self, x: Tensor) -> Tensor:
        """Outputs (R, B, out) of inputs (R, B, in)."""
        last = len(self.weights) - 1
        for layer, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            x = torch.baddbmm(bias, x, weight)
            x = x if layer == last else nn.functional.silu(x)
        return x


class RoadNetwork(nn.Module):
    """A StackedMLP on standardised features of (state, action, ...), for one environment.

    Parameters
    ----------
    env : the environment, for the sizes of states and actions
    runs : R
    hidden : widths of the hidden layers
    box : bound every standardised feature to ±box, so that a network is asked about nothing far off its
        training data; None for no bound
    """

    def __init__(
        self,
        env: object,
        inputs: int,
        outputs: int,
        runs: int,
        hidden: tuple[int, ...],
        box: float | None,
        generator: torch.Generator | None,
    ) -> None:
        super().__init__()
        self.env, self.runs = env, validate.integer("runs", runs)
        self.box = None if box is None else validate.number("box", box, least=0)
        for width in hidden:
            validate.integer("hidden", width)
        self.mlp = StackedMLP(self.runs, (inputs + env.n_actions, *hidden, outputs), generator)
        self.register_buffer("centre", torch.zeros(self.runs, 1, inputs))
        self.register_buffer("spread", torch.ones(self.runs, 1, inputs))
        self.register_buffer("fitted", torch.tensor(False))

    def standardise(self, features: Tensor) -> None:
        """Remember mean and standard deviation of the features (R, B, inputs) of the first training data.

        A later fit goes on from the network as it is, and so keeps the scales.
        """
        self.fitted.fill_(True)
        self.centre.copy_(features.mean(1, keepdim=True))
        self.spread.copy_(safe_std(features))

    def evaluate(self, features: Tensor, action: Tensor) -> Tensor:
        """Outputs (..., out) for features (..., inputs) and actions (...), where axis 0 is R if R > 1."""
        batch = features.shape[:-1]
        if self.runs > 1 and (not batch or batch[0] != self.runs):
            raise ValueError(f"state must have a leading axis of runs = {self.runs}, got batch {tuple(batch)}")
        features, action = features.reshape(self.runs, -1, features.shape[-1]), action.reshape(self.runs, -1)
        if features.shape[1] <= ROWS:
            return self._rows(features, action).reshape(*batch, -1)
        parts = zip(features.split(ROWS, dim=1), action.split(ROWS, dim=1), strict=True)
        return torch.cat([self._rows(*part) for part in parts], dim=1).reshape(*batch, -1)

    def _rows(self, features: Tensor, action: Tensor) -> Tensor:
        features = (features - self.centre) / self.spread
        if self.box is not None:
            features = features.clamp(-self.box, self.box)
        return self.mlp(torch.cat([features, self.one_hot(action)], dim=-1))

    def one_hot(self, action: Tensor) -> Tensor:
        """Actions (...) as indicators (..., A)."""
        return nn.functional.one_hot(action, self.env.n_actions).to(self.centre)


def observe(env: object, state: Tensor) -> Tensor:
    """What networks are given of a state (..., S): the road's own `features` if it has any, else all of it."""
    return env.features(state) if hasattr(env, "features") else state


def safe_std(x: Tensor) -> Tensor:
    """Standard deviation over axis 1, and 1 where it vanishes: a constant feature stays constant."""
    std = x.std(1, keepdim=True, correction=0)
    return torch.where(std < 1e-6, torch.ones_like(std), std)
