"""Learned networks made ready to plan with: nothing left to check or to learn, and so several times as fast.

What they give is what `DynamicsModel.transition(...).sample(...)` and `Discriminator.log_ratio` give, to rounding and
without gradients. Scales are folded into the first layer, actions are rows of a table, and one component is not chosen.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import silu, softplus

from .discriminator import Discriminator
from .models import DynamicsModel
from .networks import ROWS, RoadNetwork
from .support import validate

Noise = Callable[[int], Tensor]  # random numbers (..., 1 + F) of `draw_noise`, for F features
Step = Callable[[Tensor, Tensor, Noise], Tensor]  # s_{t+1} ~ q(· | s_t, a_t)


def sampler(dynamics: object, state: Tensor, actions: Tensor) -> Step:
    """A function of (state, action, noise) that takes a step with P particles of every state (..., S) and actions (..., H).

    Raises ValueError if they do not fit a learned model; any other dynamics checks them at every step.
    """
    if type(dynamics) is DynamicsModel:
        validate.states("state", state, len(dynamics.env.state_names))
        validate.actions("action", actions, dynamics.env.n_actions)
        return ReadyModel(dynamics, validate.broadcastable(state=state[..., 0], actions=actions[..., 0]))

    def step(state: Tensor, action: Tensor, noise: Noise) -> Tensor:
        q = dynamics.transition(state, action)
        return q.sample(noise=noise(q.means.shape[-1]))

    return step


def scorer(log_ratio: Callable[[Tensor, Tensor, Tensor], Tensor]) -> Callable[[Tensor, Tensor, Tensor], Tensor]:
    """The same function of transitions that were checked before."""
    owner = getattr(log_ratio, "__self__", None)
    if type(owner) is Discriminator and log_ratio.__func__ is Discriminator.log_ratio:
        return ReadyDiscriminator(owner)
    return log_ratio


class ReadyNetwork:
    """The outputs (R, B, out) of a RoadNetwork for features (R, B, inputs) and actions (R, B); no axis if R is 1."""

    def __init__(self, network: RoadNetwork) -> None:
        single = network.runs == 1
        self.add_product = Tensor.addmm_ if single else Tensor.baddbmm_
        self.product = torch.addmm if single else torch.baddbmm
        self.lead = () if single else (network.runs,)
        inputs, n_actions, box = network.centre.shape[-1], network.env.n_actions, network.network.box
        first, *weights = network.mlp.weights
        bias, *biases = network.mlp.biases
        tensors = (network.centre, first[:, :inputs] / network.spread.mT, *weights, *biases)
        self.centre, self.first, *rest = (t[0] if single else t for t in tensors)
        self.weights, self.biases = rest[: len(weights)], rest[len(weights) :]
        self.bound = None if box is None else box * (network.spread[0] if single else network.spread)
        self.table = (first[:, inputs:] + bias).flatten(0, 1)  # (R·A, hidden)
        self.row = torch.arange(0, len(self.table), n_actions, device=first.device).view(*self.lead, 1)

    def __call__(self, features: Tensor, action: Tensor) -> Tensor:
        """What `RoadNetwork.evaluate` gives."""
        x = features - self.centre
        if self.bound is not None:
            x = x.clamp(-self.bound, self.bound)
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
        tensors = [t.reshape(*self.lead, -1, t.shape[-1]) for t in (state, *others)]
        tensors.insert(1, action.reshape(*self.lead, -1))
        axis = len(self.lead)
        if tensors[1].shape[axis] <= ROWS:
            return function(*tensors)
        parts = zip(*(t.split(ROWS, dim=axis) for t in tensors), strict=True)
        return torch.cat([function(*part) for part in parts], dim=axis)


class ReadyModel:
    """Steps of a DynamicsModel."""

    def __init__(self, model: DynamicsModel, batch: torch.Size) -> None:
        self.model, self.network = model, ReadyNetwork(model)
        scales = (model.change_centre, model.change_spread)
        self.centre, self.spread = (model.per_run(t, len(batch)) for t in scales)  # of P particles of each
        k, f, kinematics = model.components, model.features, model.kinematics
        outputs = torch.arange(k * (1 + 2 * f), device=model.centre.device)
        by_component = outputs[k:].view(2, k, f).transpose(0, 1)  # mean and log std of the first, of the second, …
        order = torch.cat([outputs[:k] if k > 1 else outputs[:0], by_component.flatten()])
        for last in (self.network.weights, self.network.biases):
            last[-1] = last[-1][..., order]
        self.scale, self.keep = (model.centre.new_tensor(t) for t in (kinematics.scale, kinematics.keep))
        self.source = torch.tensor(kinematics.source, device=order.device)
        self.whole = kinematics == type(kinematics).every_coordinate(len(kinematics.source))

    def __call__(self, state: Tensor, action: Tensor, noise: Noise) -> Tensor:
        """The next states (..., S) of states (..., S) and actions (...)."""
        model, k, f = self.model, self.model.components, self.model.features
        numbers = noise(f).to(state)
        pick, normal = numbers[..., :1], numbers[..., 1:]
        out = self.network.by_rows(lambda s, a: self.network(model.observe(s), a), state, action)
        out = out.view(*action.shape, out.shape[-1])
        if k > 1:
            edges = out[..., :k].log_softmax(-1).exp_().cumsum(-1)[..., :-1]
            component = (pick >= edges).sum(-1).flatten()
            row = torch.arange(0, k * len(component), k, device=component.device)
            out = out[..., k:].reshape(-1, 2 * f).index_select(0, row.add_(component)).view(*action.shape, -1)
        mean, log_std = out[..., :f], out[..., f:].clamp_(max=5.0)
        floor, cap = model.network.std_range
        if cap < math.inf:
            log_std = math.log(cap) - softplus(math.log(cap) - log_std)
        change = torch.addcmul(mean, log_std.exp_().add_(floor), normal)
        now = state if self.whole else model.kinematics.random_part(state)
        z = torch.addcmul(now + self.centre, change, self.spread)
        if self.whole:
            return z
        return torch.addcmul(z.index_select(-1, self.source) * self.scale, state, self.keep)


class ReadyDiscriminator:
    """The log-ratios of a Discriminator."""

    def __init__(self, disc: Discriminator) -> None:
        self.disc, self.network = disc, ReadyNetwork(disc)

    def __call__(self, state: Tensor, action: Tensor, next_state: Tensor) -> Tensor:
        """log p/q (...) of transitions (..., S), (...), (..., S)."""

        def logits(s: Tensor, a: Tensor, s_next: Tensor) -> Tensor:
            return self.network(self.disc.transition_features(s, s_next), a)

        return self.network.by_rows(logits, state, action, next_state).view(action.shape)
