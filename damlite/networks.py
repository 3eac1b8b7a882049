"""R small networks trained side by side as one: every parameter has a leading axis of runs."""

import math
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Generator, Tensor, nn

from .envs import Environment
from .support import limits, validate

ROWS = 1024  # rows per run that pass through the network at once: their activations stay in the cache


@dataclass(frozen=True, kw_only=True)
class Network:
    """What a network is like.

    Attributes
    ----------
    hidden : widths of the hidden layers
    box : bound every standardised feature to ±box, so that a network is asked about nothing far off its
        training data; None for no bound
    features : give the network the environment's own features; False for the state as it is
    """

    hidden: tuple[int, ...] = (64, 64)
    box: float | None = None
    features: bool = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "hidden", validate.integers("hidden", self.hidden, only_tuples=True))
        _check_size("hidden", (1, *self.hidden, 1))
        validate.boolean("features", self.features)
        validate.each(self, validate.number, "box", optional=True, least=0)


@dataclass(frozen=True, kw_only=True)
class MixtureNetwork(Network):
    """What a model's network is like.

    Attributes
    ----------
    std_range : least and greatest standard deviation of a component, in units of each predicted change's own
        spread. The least keeps the likelihood of few data bounded; a higher one lets the network attend to rare
        events rather than to the last digit of common ones. The greatest keeps a few wild particles from
        spoiling a mean over long imagined trajectories
    start : where the components of a mixture begin: on "clusters" of the data (k-means; ours), or at "random"
    """

    std_range: tuple[float, float] = (0.01, math.inf)
    start: str = "clusters"

    def __post_init__(self) -> None:
        super().__post_init__()
        validate.choice("start", self.start, ("clusters", "random"))
        if not isinstance(self.std_range, tuple | list) or len(self.std_range) != 2:
            raise ValueError(f"std_range must be (least, greatest), got {validate.shown(self.std_range)}")
        least, greatest = self.std_range
        object.__setattr__(self, "std_range", (least, greatest))
        validate.number("std_range[0]", least, least=0)
        if greatest != math.inf:
            validate.number("std_range[1]", greatest, least=max(least, 1e-3))


class StackedMLP(nn.Module):
    """R independent multilayer perceptrons with SiLU between their layers.

    Stacking R small networks into one batched product is what makes many seeds affordable; a run's
    output and gradient depend on its own parameters and inputs alone. `sizes` are the widths of input, hidden layers
    and output; the initial weights are uniform in ±1/√in.
    """

    def __init__(self, runs: int, sizes: tuple[int, ...], generator: Generator | None = None) -> None:
        super().__init__()
        self.weights, self.biases = nn.ParameterList(), nn.ParameterList()
        for fan_in, fan_out in pairwise(sizes):
            both = torch.rand(runs, fan_in + 1, fan_out, generator=generator).mul(2).sub(1).div(fan_in**0.5)
            self.weights.append(nn.Parameter(both[:, :-1].clone()))
            self.biases.append(nn.Parameter(both[:, -1:].clone()))

    def forward(self, x: Tensor) -> Tensor:
        """Outputs (R, B, out) of inputs (R, B, in)."""
        return Layers.apply(x, *self.weights, *self.biases)


class Layers(torch.autograd.Function):
    """x (R, B, in) through all layers, and back: a graph of one node takes a fraction of the time.

    The last layer's few outputs are products with long rows if transposed, which are several times as fast.
    """

    @staticmethod
    def forward(ctx: object, x: Tensor, *parameters: Tensor) -> Tensor:
        n = len(parameters) // 2
        (*weights, last), (*biases, last_bias) = parameters[:n], parameters[n:]
        inputs, sums = [x], []
        for weight, bias in zip(weights, biases, strict=True):
            sums.append(torch.baddbmm(bias, inputs[-1], weight))
            inputs.append(nn.functional.silu(sums[-1]))
        ctx.save_for_backward(*inputs, *sums, *weights, last)
        return torch.baddbmm(last_bias.mT, last.mT, inputs[-1].mT).mT

    @staticmethod
    def backward(ctx: object, gradient: Tensor) -> tuple[Tensor | None, ...]:
        n = (len(ctx.saved_tensors) + 1) // 3
        inputs, sums, weights = ctx.saved_tensors[:n], ctx.saved_tensors[n : 2 * n - 1], ctx.saved_tensors[2 * n - 1 :]
        of_weights = [torch.bmm(gradient.mT, inputs[-1]).mT.contiguous()]
        of_biases = [gradient.sum(1, keepdim=True)]
        for x, before, weight in zip(inputs[-2::-1], sums[::-1], weights[:0:-1], strict=True):
            gradient = torch.ops.aten.silu_backward(torch.bmm(gradient, weight.mT), before)
            of_weights.append(torch.bmm(x.mT, gradient))
            of_biases.append(gradient.sum(1, keepdim=True))
        of_x = torch.bmm(gradient, weights[0].mT) if ctx.needs_input_grad[0] else None
        return of_x, *of_weights[::-1], *of_biases[::-1]


class RoadNetwork(nn.Module):
    """A StackedMLP on standardised features of (state, action, ...), for one environment.

    It is given what it sees of a state `looks` times, one-hot actions, and gives `outputs` numbers back.
    """

    def __init__(
        self, env: Environment, looks: int, outputs: int, runs: int, network: Network, generator: Generator | None
    ) -> None:
        super().__init__()
        self.env, self.network, self.runs = validate.environment("env", env), network, validate.integer("runs", runs)
        validate.generator("generator", generator)
        start = validate.starts("env", env, ())
        inputs = looks * validate.features("env.features", self.observe(start), start).shape[-1]
        sizes = (inputs + env.n_actions, *network.hidden, outputs)
        _check_size("runs, hidden and components", sizes, self.runs)
        self.mlp = StackedMLP(self.runs, sizes, generator)
        self.register_buffer("indicators", torch.eye(env.n_actions), persistent=False)
        self.register_buffer("centre", torch.zeros(self.runs, 1, inputs))
        self.register_buffer("spread", torch.ones(self.runs, 1, inputs))
        self.register_buffer("fitted", torch.tensor(False))

    def tensors(self) -> list[Tensor]:
        """All that its outputs depend on: parameters and scales."""
        layers = (self.mlp.weights, self.mlp.biases)
        return [*self._buffers.values(), *(t for each in layers for t in each._parameters.values())]

    def choices(self) -> tuple[object, ...]:
        """All else that they depend on."""
        return (self.network,)

    def observe(self, state: Tensor) -> Tensor:
        """What the network is given of states (..., S)."""
        return self.env.features(state) if self.network.features else state

    def standardise(self, features: Tensor) -> None:
        """Remember mean and standard deviation of the features (R, B, inputs) of the first training data.

        A later fit goes on from the network as it is, and so keeps the scales.
        """
        self.centre.copy_(features.mean(1, keepdim=True))
        self.spread.copy_(safe_std(features))

    def evaluate(self, features: Tensor, action: Tensor) -> Tensor:
        """Outputs (..., out) for features (..., inputs) and actions (...), where axis 0 is R if R > 1."""
        batch = features.shape[:-1]
        if self.runs > 1 and (not batch or batch[0] != self.runs):
            raise ValueError(f"state must have a leading axis of runs = {self.runs}, got batch {tuple(batch)}")
        features = features.to(self.centre.dtype).reshape(self.runs, -1, features.shape[-1])
        action = action.reshape(self.runs, -1)
        if features.shape[1] <= ROWS:
            return self._rows(features, action).reshape(*batch, -1)
        parts = zip(features.split(ROWS, dim=1), action.split(ROWS, dim=1), strict=True)
        return torch.cat([self._rows(*part) for part in parts], dim=1).reshape(*batch, -1)

    def _rows(self, features: Tensor, action: Tensor) -> Tensor:
        return self.mlp(self.inputs(features, action))

    def inputs(self, features: Tensor, action: Tensor) -> Tensor:
        """What the layers are given, (R, B, inputs + A), of features (R, B, inputs) and actions (R, B)."""
        features = (features - self.centre) / self.spread
        if self.network.box is not None:
            features = features.clamp(-self.network.box, self.network.box)
        return torch.cat([features, self.one_hot(action)], dim=-1)

    def one_hot(self, action: Tensor) -> Tensor:
        """Actions (...) as indicators (..., A)."""
        return self.indicators.index_select(0, action.flatten()).view(*action.shape, -1)


def _check_size(names: str, sizes: tuple[int, ...], runs: int = 1) -> None:
    """Refuse networks of more parameters than fit; `sizes` as of `StackedMLP`."""
    each = sum((fan_in + 1) * fan_out for fan_in, fan_out in pairwise(sizes))
    way_out = "make fewer runs side by side, or narrower layers"
    limits.at_most(limits.PARAMETERS, "parameters", names, runs * each, way_out, f"{runs:,} × {each:,}")


def safe_std(x: Tensor) -> Tensor:
    """Standard deviation over axis 1, and 1 where it vanishes: a constant feature stays constant."""
    std = x.std(1, keepdim=True, correction=0)
    if not std.isfinite().all():  # squares of what is above 1e19 are no float32
        std = torch.where(std.isfinite(), std, x.double().std(1, keepdim=True, correction=0).to(x))
    return torch.where(std < 1e-6, torch.ones_like(std), std)
