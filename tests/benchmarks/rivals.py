"""The same Gaussian network planned with by others: mbrl-lib's ModelEnv, and plain loops of batched PyTorch.

Each gives values (N,) of action sequences (N, H): summed rewards of the H states that they lead to.
"""

import numpy as np
import torch
from torch.nn.functional import one_hot, silu


class PlainLoop:
    """What one would write by hand: a loop over steps, a batch of sequences, the model's own parameters."""

    def __init__(self, model, reward):
        self.model, self.reward = model, reward
        self.layers = [(w[0].detach(), b[0].detach()) for w, b in zip(model.mlp.weights, model.mlp.biases, strict=True)]

    @torch.no_grad()
    def __call__(self, state, actions, generator=None):
        model, s, total = self.model, state.expand(len(actions), -1), 0.0
        floor = model.network.std_range[0]
        for a in actions.T:
            x = (s - model.centre[0]) / model.spread[0]
            h = torch.cat([x, one_hot(a, model.env.n_actions).float()], -1)
            for weight, bias in self.layers[:-1]:
                h = silu(h @ weight + bias)
            weight, bias = self.layers[-1]
            mean, log_std = (h @ weight + bias)[:, 1:].chunk(2, -1)
            std = floor + log_std.clamp(max=5).exp()
            noise = torch.randn(mean.shape, generator=generator)
            s = s + model.change_centre[0] + model.change_spread[0] * (mean + std * noise)
            total = total + self.reward(s)
        return total


class TunedLoop:
    """The same with all that helps: scales folded into the layers, actions as a table, addmm, noise drawn before."""

    def __init__(self, model, reward):
        self.reward, self.size = reward, len(model.env.state_names)
        (first, bias), *middle, (last, last_bias) = [
            (w[0].detach(), b[0].detach()) for w, b in zip(model.mlp.weights, model.mlp.biases, strict=True)
        ]
        spread, change = model.spread[0], model.change_spread[0]
        self.first = first[: self.size] / spread.T
        self.table = first[self.size :] + bias - (model.centre[0] / spread) @ first[: self.size]
        self.middle = [(w, b[0]) for w, b in middle]
        mean, log_std = last[:, 1:].chunk(2, -1)
        mean_bias, log_std_bias = last_bias[0, 1:].chunk(2, -1)
        self.last = torch.cat([mean * change, log_std], -1).contiguous()
        self.last_bias = torch.cat([mean_bias * change[0] + model.change_centre[0, 0], log_std_bias + change[0].log()])
        self.floor = model.network.std_range[0] * change

    @torch.no_grad()
    def __call__(self, state, actions, generator=None):
        n, steps = actions.shape
        s, total = state.expand(n, -1), torch.zeros(n)
        noise = torch.randn(steps, n, self.size, generator=generator)
        for a, z in zip(actions.T, noise, strict=True):
            h = silu(torch.addmm(self.table.index_select(0, a), s, self.first), inplace=True)
            for weight, bias in self.middle:
                h = silu(torch.addmm(bias, h, weight), inplace=True)
            out = torch.addmm(self.last_bias, h, self.last)
            s = torch.addcmul(s + out[:, : self.size], out[:, self.size :].exp_().add_(self.floor), z)
            total += self.reward(s)
        return total


def mbrl_lib(model, reward):
    """`ModelEnv.evaluate_action_sequences` of mbrl-lib with the parameters of a Gaussian `DynamicsModel` of one run."""
    import mbrl.models
    from gym.spaces import Box
    from omegaconf import OmegaConf

    size, n_actions = len(model.env.state_names), model.env.n_actions
    hidden = model.network.hidden
    rival = mbrl.models.GaussianMLP(
        size + n_actions,
        size,
        "cpu",
        num_layers=len(hidden),
        hid_size=hidden[0],
        activation_fn_cfg=OmegaConf.create({"_target_": "torch.nn.SiLU"}),
    )
    layers = [layer[0] for layer in rival.hidden_layers] + [rival.mean_and_logvar]
    spread, centre = model.change_spread[0], model.change_centre[0]
    with torch.no_grad():
        for layer, w, b in zip(layers, model.mlp.weights, model.mlp.biases, strict=True):
            w, b = w[0].clone(), b[0].clone()
            if layer is layers[-1]:  # of changes in their own units; twice the logarithm of a standard deviation
                w = torch.cat([w[:, 1 : 1 + size] * spread, 2 * w[:, 1 + size :]], -1)
                b = torch.cat([b[:, 1 : 1 + size] * spread + centre, 2 * (b[:, 1 + size :] + spread.log())], -1)
            layer.weight.copy_(w.T if layer.weight.shape == w.T.shape and layer.weight.ndim == 2 else w)
            layer.bias.copy_(b[0] if layer.bias.ndim == 1 else b)
        rival.max_logvar.fill_(20.0)
        rival.min_logvar.fill_(-40.0)
    wrapped = mbrl.models.OneDTransitionRewardModel(rival, target_is_delta=True, normalize=True, learned_rewards=False)
    wrapped.input_normalizer.mean = torch.cat([model.centre[0], torch.zeros(1, n_actions)], -1)
    wrapped.input_normalizer.std = torch.cat([model.spread[0], torch.ones(1, n_actions)], -1)

    class Spaces:
        observation_space, action_space = Box(-np.inf, np.inf, (size,)), Box(0, 1, (n_actions,))

    env = mbrl.models.ModelEnv(
        Spaces,
        wrapped,
        lambda action, state: torch.zeros(len(state), 1, dtype=torch.bool),
        lambda action, state: reward(state)[:, None],
        torch.Generator(),
    )

    def values(state, actions, generator=None):
        return env.evaluate_action_sequences(one_hot(actions, n_actions).float(), state.numpy(), 1)

    return values
