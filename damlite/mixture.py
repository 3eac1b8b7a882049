"""The one idea: every dynamics, true or learned, maps (state, action) to a Gaussian mixture.

Only some coordinates of the next state are random (on the roads: velocities and headings). The others
follow from them by semi-implicit Euler integration, x' = x + dt·xdot'. `Kinematics` says how.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from numpy import broadcast_shapes  # torch's loads sympy when first called, for a second
from torch import Generator, Tensor

from .support import limits, validate

LOG_2PI = math.log(2 * math.pi)


@dataclass(frozen=True)
class Kinematics:
    """Completes the F random coordinates z of a next state to all S coordinates.

    next_state[i] = keep[i]·state[i] + scale[i]·z[source[i]], and z[f] is next_state[random[f]].
    """

    random: tuple[int, ...]
    source: tuple[int, ...]
    scale: tuple[float, ...]
    keep: tuple[float, ...]

    @classmethod
    def every_coordinate(cls, size: int) -> "Kinematics":
        """Nothing is integrated: every coordinate is random on its own (`predict="state"`)."""
        return cls(tuple(range(size)), tuple(range(size)), (1.0,) * size, (0.0,) * size)

    def complete(self, state: Tensor, z: Tensor) -> Tensor:
        """Next state (..., S) from state (..., S) and random coordinates z (..., F)."""
        return state * state.new_tensor(self.keep) + z[..., self.source] * z.new_tensor(self.scale)

    def random_part(self, state: Tensor) -> Tensor:
        """The random coordinates (..., F) of a state (..., S)."""
        first, last = self.random[0], self.random[-1]
        if self.random == tuple(range(first, last + 1)):  # neighbours: a view is faster than a copy
            return state[..., first : last + 1]
        return state[..., self.random]


def seeded(seed: int) -> torch.Generator:
    """A new generator on torch's default device (`with torch.device("cuda"):` moves all that follows to a GPU)."""
    seed = validate.integer("seed", seed, least=0, most=2**64 - 1)
    return torch.Generator(torch.get_default_device()).manual_seed(seed)


def spawn(generator: Generator | None) -> Generator:
    """A new generator seeded by one draw: what it is used for does not move the old one any further."""
    device = torch.get_default_device() if generator is None else generator.device
    seed = int(torch.randint(2**62, (), generator=generator, device=device))
    return torch.Generator(device).manual_seed(seed)


def offshoot(generator: Generator | None) -> Generator | None:
    """What `spawn` gives, with the old one left as it is; of None it is None, torch's own generator.

    For numbers that must not shift those that come next.
    """
    if generator is None:
        return None
    copy = torch.Generator(generator.device)
    copy.set_state(generator.get_state())
    return spawn(copy)


def draw_noise(*shape: int, features: int, generator: Generator | None = None) -> Tensor:
    """Random numbers for `Mixture.sample`, shape (*shape, 1 + features).

    The first is uniform on [0, 1) and picks the component, the others are standard normal. Handing the
    same ones to two mixtures gives common random numbers.

    Raises ValueError if they are more than a hundred million.
    """
    _check_size(shape, features)
    return torch.cat(noise_parts(*shape, features=features, generator=generator), dim=-1)


def _check_size(shape: tuple[int, ...], features: int) -> None:
    size = " × ".join(f"{n:,}" for n in (*shape, 1 + features))
    limits.at_most(limits.DRAWN, "numbers", "shape", math.prod(shape) * (1 + features), "draw them in parts", size)


def noise_parts(*shape: int, features: int, generator: Generator | None = None) -> tuple[Tensor, Tensor]:
    """The two parts of `draw_noise`, of shapes (*shape, 1) and (*shape, features)."""
    device = generator.device if generator is not None else None
    pick = torch.rand(*shape, 1, generator=generator, device=device)
    return pick, torch.randn(*shape, features, generator=generator, device=device)


def draw_stratified_noise(*shape: int, features: int, generator: Generator | None = None) -> Tensor:
    """As `draw_noise`, with the numbers spread evenly over the last axis of `shape`: a Latin hypercube.

    Each single sample has the same distribution as before. But P samples hold one number from each P-th of
    the distribution, in every feature, in an order of its own: chances are met almost exactly.
    """
    _check_size(shape, features)
    return torch.cat(stratified_parts(*shape, features=features, generator=generator), dim=-1)


def stratified_parts(*shape: int, features: int, generator: Generator | None = None) -> tuple[Tensor, Tensor]:
    """The two parts of `draw_stratified_noise`, of shapes (*shape, 1) and (*shape, features)."""
    size = (*shape[:-1], 1 + features, shape[-1])
    device = generator.device if generator is not None else None
    order = torch.rand(size, generator=generator, device=device).argsort(-1)
    uniform = (order + torch.rand(size, generator=generator, device=device)) / shape[-1]
    uniform = uniform.movedim(-1, -2).clamp(1e-7, 1 - 1e-7)
    return uniform[..., :1], torch.special.ndtri(uniform[..., 1:])


@dataclass(frozen=True)
class Marginal:
    """A one-dimensional Gaussian mixture: log_weights, means and stds of shape (..., K)."""

    log_weights: Tensor
    means: Tensor
    stds: Tensor

    def log_prob(self, x: Tensor) -> Tensor:
        """Log-density at x, whose shape broadcasts against the batch (...)."""
        _require_noise(self.stds)
        return torch.logsumexp(self.log_weights + _log_normal(_column(x), self.means, self.stds), dim=-1)

    def cdf(self, x: Tensor) -> Tensor:
        """Probability of a value of at most x, whose shape broadcasts against the batch (...)."""
        _require_noise(self.stds)
        below = torch.special.ndtr((_column(x) - self.means) / self.stds)
        return (self.log_weights.exp() * below).sum(-1)

    @property
    def mean(self) -> Tensor:
        """Mean, shape (...)."""
        return (self.log_weights.exp() * self.means).sum(-1)

    @property
    def std(self) -> Tensor:
        """Standard deviation, shape (...)."""
        second = (self.log_weights.exp() * (self.means**2 + self.stds**2)).sum(-1)
        return (second - self.mean**2).clamp(min=0).sqrt()


@dataclass(frozen=True)
class Mixture:
    """Distribution of the next state: K Gaussians over its F random coordinates.

    Attributes
    ----------
    log_weights : (..., K), logarithms of weights that sum to one
    means, stds : (..., K, F), in the units of the state's random coordinates
    state : (..., S), the state before the step
    kinematics : completes random coordinates to a next state
    """

    log_weights: Tensor
    means: Tensor
    stds: Tensor
    state: Tensor
    kinematics: Kinematics

    def map(self, function: Callable[[Tensor], Tensor]) -> "Mixture":
        """The same function, of the batch axes, applied to each tensor."""
        tensors = (self.log_weights, self.means, self.stds, self.state)
        return Mixture(*map(function, tensors), self.kinematics)

    def log_prob(self, next_state: Tensor) -> Tensor:
        """Log-density (...) of the random coordinates of next_state (..., S).

        The other coordinates follow from the random ones, so they carry no density and are not looked at.

        Raises ValueError if a standard deviation is zero (a road with `noise=0`), where no density exists, or if the
        shape of next_state does not fit.
        """
        next_state = validate.states("next_state", next_state, self.state.shape[-1])
        validate.broadcastable(next_state=next_state[..., 0], mixture=self.log_weights[..., 0])
        _require_noise(self.stds)
        return log_density(self.log_weights, self.means, self.stds, self.kinematics.random_part(next_state))

    def sample(
        self, shape: tuple[int, ...] = (), *, generator: Generator | None = None, noise: Tensor | None = None
    ) -> Tensor:
        """Draw next states (*shape, ..., S).

        Parameters
        ----------
        shape : extra leading sizes, as in torch.distributions
        generator : where the random numbers come from
        noise : (..., 1 + F) from `draw_noise`, broadcast against the batch, in place of `generator`; with `shape`, to
            (*shape, ..., 1 + F)
        """
        batch, features = self.log_weights.shape[:-1], self.means.shape[-1]
        size = (*validate.batch("shape", shape), *batch)
        if noise is None:
            noise = draw_noise(*size, features=features, generator=validate.generator("generator", generator))
        noise = validate.states("noise", noise, 1 + features).to(self.means)
        validate.broadcastable(noise=noise[..., 0], mixture=self.log_weights[..., 0])
        noise = validate.expanded("noise", noise, (*size, 1 + features)) if shape else noise
        if self.means.shape[-2] == 1:
            means, stds = self.means[..., 0, :], self.stds[..., 0, :]
            return self.kinematics.complete(self.state, means + stds * noise[..., 1:])
        chosen = choose(noise[..., :1], self.log_weights, torch.cat([self.means, self.stds], -1))
        means, stds = chosen.chunk(2, -1)
        return self.kinematics.complete(self.state, means + stds * noise[..., 1:])

    def marginal(self, i: int) -> Marginal:
        """Distribution of coordinate i of the next state alone; a negative one counts from the last."""
        size = self.state.shape[-1]
        try:
            i = validate.integer("i", i, least=-size, most=size - 1)
        except ValueError:
            got = validate.shown(i)
            raise ValueError(f"i must be a state coordinate from 0 to {size - 1}, got {got}") from None
        kin = self.kinematics
        means = kin.keep[i] * self.state[..., i, None] + kin.scale[i] * self.means[..., kin.source[i]]
        return Marginal(self.log_weights, means, kin.scale[i] * self.stds[..., kin.source[i]])

    @property
    def mean(self) -> Tensor:
        """Mean next state, shape (..., S)."""
        z = (self.log_weights.exp()[..., None] * self.means).sum(-2)
        return self.kinematics.complete(self.state, z)


def choose(pick: Tensor, log_weights: Tensor, values: Tensor) -> Tensor:
    """The values (..., V), out of (..., K, V), of the components that uniform numbers (..., 1) pick by inverse CDF.

    The same number picks alike in like mixtures, which is what makes random numbers common. Batches broadcast, and K
    logarithms that do not sum to one are weighed by their softmax.
    """
    batch = broadcast_shapes(pick.shape[:-1], log_weights.shape[:-1])
    k, size = values.shape[-2:]
    mass = (log_weights - log_weights.amax(-1, keepdim=True)).exp_().cumsum(-1)  # of this and earlier components
    edges, picked = mass[..., :-1].expand(*batch, k - 1).contiguous(), pick * mass[..., -1:]
    component = torch.searchsorted(edges, picked, right=True).flatten()
    rows = values.expand(*batch, k, size).reshape(-1, size)
    first = torch.arange(0, len(rows), k, device=rows.device)
    return rows.index_select(0, first.add_(component)).view(*batch, size)


def log_density(log_weights: Tensor, means: Tensor, stds: Tensor, z: Tensor) -> Tensor:
    """Log-density (...) at z (..., F) of K Gaussians: log_weights (..., K), means and stds (..., K, F)."""
    if z.shape[:-1] != means.shape[:-2]:
        batch = broadcast_shapes(z.shape[:-1], means.shape[:-2])
        log_weights, z = (t.expand(*batch, t.shape[-1]) for t in (log_weights, z))
        means, stds = (t.expand(*batch, *t.shape[-2:]) for t in (means, stds))
    return LogDensity.apply(log_weights, means, stds, z)


class LogDensity(torch.autograd.Function):
    """The same of one batch (...), and its gradient: a component's share of it is its posterior probability."""

    @staticmethod
    def forward(ctx: object, log_weights: Tensor, means: Tensor, stds: Tensor, z: Tensor) -> Tensor:
        u = (z.unsqueeze(-2) - means).div_(stds)
        joint = log_weights - (u.square() / 2 + stds.log()).sum(-1) - means.shape[-1] * LOG_2PI / 2
        result = joint.logsumexp(-1) if joint.shape[-1] > 1 else joint[..., 0]
        ctx.save_for_backward((joint - result.unsqueeze(-1)).exp_(), u, stds)
        return result

    @staticmethod
    def backward(ctx: object, gradient: Tensor) -> tuple[Tensor | None, ...]:
        share, u, stds = ctx.saved_tensors
        share = share * gradient.unsqueeze(-1)
        of_means = share.unsqueeze(-1) * u / stds
        of_stds = of_means * u - share.unsqueeze(-1) / stds
        return share, of_means, of_stds, -of_means.sum(-2)


def _log_normal(x: Tensor, mean: Tensor, std: Tensor) -> Tensor:
    return -0.5 * ((x - mean) / std).square() - (std.log() + 0.5 * LOG_2PI)


def _require_noise(stds: Tensor) -> None:
    if (stds <= 0).any():
        raise ValueError("a density needs noise > 0: this mixture has a standard deviation of 0")


def _column(x: Tensor) -> Tensor:
    return validate.numbers("x", x)[..., None]
