"""Learned networks made ready to plan with: nothing left to check or to learn, and so several times as fast.

What they give is what `DynamicsModel.transition(...).sample(...)` and `Discriminator.log_ratio` give, to rounding and
without gradients. Scales are folded into the first and the last layer, actions are rows of a table, and one component
is not chosen.
"""

import math
from collections.abc import Callable
from weakref import WeakKeyDictionary

import torch
from torch import Tensor
from torch.nn.functional import pad, silu, softplus

from .discriminator import Discriminator
from .mixture import choose
from .models import DynamicsModel
from .networks import ROWS, RoadNetwork
from .support import validate

Noise = Callable[[int], tuple[Tensor, Tensor]]  # of F features: random numbers (..., 1) and (..., F) of `noise_parts`
Step = Callable[[Tensor, Tensor, Noise], Tensor]  # s_{t+1} ~ q(· | s_t, a_t)
NARROW = 16  # columns: a product with fewer takes several times as long
LATEST: WeakKeyDictionary = WeakKeyDictionary()  # of every network what was made ready, and of which parameters


def sampler(dynamics: object) -> Step:
    """A function of (state, action, noise): a step of P particles of every state, which were checked before."""
    if type(dynamics) is DynamicsModel and "transition" not in vars(dynamics):
        return _ready(dynamics, ReadyModel)

    def step(state: Tensor, action: Tensor, noise: Noise) -> Tensor:
        q = validate.mixture("dynamics", dynamics.transition(state, action))
        return q.sample(noise=torch.cat(noise(q.means.shape[-1]), -1))

    return step


def scorer(log_ratio: Callable[[Tensor, Tensor, Tensor], Tensor]) -> Callable[[Tensor, Tensor, Tensor], Tensor]:
    """The same function of transitions that were checked before."""
    owner = getattr(log_ratio, "__self__", None)
    if type(owner) is Discriminator and log_ratio.__func__ is Discriminator.log_ratio:
        return _ready(owner, ReadyDiscriminator)
    return log_ratio


def _ready(network: RoadNetwork, kind: Callable[[RoadNetwork], Step]) -> Step:
    """The network made ready, anew only if a choice, a parameter or a scale is another than when it was last."""
    choices, now = network.choices(), network.tensors()
    ready, chosen, then = LATEST.get(network, (None, (), ()))
    if choices != chosen or len(now) != len(then) or not all(map(_same, now, then)):
        ready, then = kind(network), [t.detach().clone() for t in now]
        LATEST[network] = ready, choices, then
    return ready


def _same(one: Tensor, other: Tensor) -> bool:
    return one.device == other.device and one.dtype == other.dtype and torch.equal(one, other)


class ReadyNetwork:
    """The outputs (R, B, out) of a RoadNetwork for features (R, B, inputs) and actions (R, B); no axis if R is 1."""

    def __init__(self, network: RoadNetwork) -> None:
        single = network.runs == 1
        self.add_product = Tensor.addmm_ if single else Tensor.baddbmm_
        self.product = torch.addmm if single else torch.baddbmm
        self.lead = () if single else (network.runs,)
        first, *weights = network.mlp.weights
        bias, *biases = network.mlp.biases
        tensors = (network.centre, network.spread, first, bias, *weights, *biases)
        centre, spread, first, bias, *rest = (t[0] if single else t for t in tensors)
        self.weights, self.biases = rest[: len(weights)], rest[len(weights) :]
        inputs, n_actions = centre.shape[-1], network.env.n_actions
        self.first = first[..., :inputs, :] / spread.mT
        self.table = first[..., inputs:, :] + (bias - centre @ self.first)
        if self.lead:
            self.table = self.table.flatten(0, 1)  # (R·A, hidden)
            self.row = torch.arange(0, len(self.table), n_actions, device=first.device)[:, None]
        box = network.network.box
        self.bounds = None if box is None else (centre - box * spread, centre + box * spread)

    def __call__(self, features: Tensor, action: Tensor) -> Tensor:
        """What `RoadNetwork.evaluate` gives."""
        x = features if self.bounds is None else features.clamp(*self.bounds)
        h = self.table.index_select(0, (action + self.row).flatten() if self.lead else action)
        h = self.add_product(h.view(*action.shape, -1) if self.lead else h, x, self.first)
        for weight, bias in zip(self.weights, self.biases, strict=True):
            h = self.product(bias, silu(h, inplace=True), weight)
        return h

    def by_rows(self, function: Callable[..., Tensor], state: Tensor, action: Tensor, *others: Tensor) -> Tensor:
        """A function of states (R, B, S), actions (R, B), … by the thousand rows: their activations stay in the cache.

        Raises ValueError if axis 0 is not R > 1.
        """
        if self.lead and action.shape[:1] != self.lead:
            got = tuple(action.shape)
            raise ValueError(f"state must have a leading axis of runs = {self.lead[0]}, got batch {got}")
        state, *others = (t.reshape(*self.lead, -1, t.shape[-1]) for t in (state, *others))
        action = action.reshape(*self.lead, -1)
        if action.shape[-1] <= ROWS:
            return function(state, action, *others)
        axis = len(self.lead)
        parts = zip(*(t.split(ROWS, dim=axis) for t in (state, action, *others)), strict=True)
        return torch.cat([function(*part) for part in parts], dim=axis)


class ReadyModel:
    """Steps of a DynamicsModel; the last layer gives changes in their own units, one component after the other."""

    def __init__(self, model: DynamicsModel) -> None:
        self.model, self.network = model, ReadyNetwork(model)
        k, f, lead, spread = model.components, model.features, self.network.lead, model.change_spread
        floor, cap = model.network.std_range
        limits = [spread.log() + 5.0, floor * spread, *([spread.log() + math.log(cap)] if cap < math.inf else [])]
        self.limits = limits if lead else [t[0, 0] for t in limits]
        chances, means, log_stds = torch.arange(k * (1 + 2 * f), device=spread.device).split([k, k * f, k * f])
        columns = [means.view(k, f), log_stds.view(k, f)]
        order = torch.cat([*columns, chances[:, None]] if k > 1 else columns, -1).flatten()
        for last in (self.network.weights, self.network.biases):
            last[-1] = last[-1].index_select(-1, order)
        weight, bias = (last[-1].unflatten(-1, (k, -1)) for last in (self.network.weights, self.network.biases))
        centre, spread = (t[:, None] if lead else t[0] for t in (model.change_centre, spread))
        weight[..., :f] *= spread
        bias[..., :f] = torch.addcmul(centre, bias[..., :f], spread)
        bias[..., f : 2 * f] += spread.log()
        for last in (self.network.weights, self.network.biases):
            last[-1] = pad(last[-1], (0, max(0, NARROW - len(order))))
        self.whole = model.predict == "state"
        if not self.whole:
            self.scale, self.keep = (spread.new_tensor(t) for t in (model.kinematics.scale, model.kinematics.keep))
            self.source = torch.tensor(model.kinematics.source, device=spread.device)

    def __call__(self, state: Tensor, action: Tensor, noise: Noise) -> Tensor:
        """The next states (..., S) of states (..., S) and actions (...)."""
        model, k, f = self.model, self.model.components, self.model.features
        pick, normal = noise(f)
        if normal.dtype != state.dtype or normal.device != state.device:
            pick, normal = pick.to(state), normal.to(state)
        out = self.network.by_rows(self._outputs, state, action).view(*action.shape, -1)
        if k > 1:
            out = out[..., : k * (1 + 2 * f)].unflatten(-1, (k, -1))
            out = choose(pick, out[..., -1], out)
        mean, log_std, _ = out.split((f, f, out.shape[-1] - 2 * f), -1)
        limits = [model.per_run(t, action.ndim - 1) for t in self.limits] if model.runs > 1 else self.limits
        most, floor, *log_cap = limits
        log_std = log_std.clamp(max=most)
        for cap in log_cap:  # if there is one
            log_std = cap - softplus(cap - log_std)
        now = state if self.whole else model.kinematics.random_part(state)
        z = torch.addcmul(now + mean, log_std.exp_().add_(floor), normal)
        return z if self.whole else torch.addcmul(z.index_select(-1, self.source) * self.scale, state, self.keep)

    def _outputs(self, state: Tensor, action: Tensor) -> Tensor:
        return self.network(self.model.observe(state), action)


class ReadyDiscriminator:
    """The log-ratios of a Discriminator."""

    def __init__(self, disc: Discriminator) -> None:
        self.disc, self.network = disc, ReadyNetwork(disc)

    def __call__(self, state: Tensor, action: Tensor, next_state: Tensor) -> Tensor:
        """log p/q (...) of transitions (..., S), (...), (..., S)."""
        scale = self.disc.centre
        if state.dtype != scale.dtype:
            state, next_state = state.to(scale), next_state.to(scale)

        def logits(s: Tensor, a: Tensor, s_next: Tensor) -> Tensor:
            return self.network(self.disc.transition_features(s, s_next), a)

        return self.network.by_rows(logits, state, action, next_state).view(action.shape)
