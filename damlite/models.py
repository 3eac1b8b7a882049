"""The learned dynamics q(s' | s, a): a Gaussian or a mixture density network."""

import math
import warnings

import numpy as np
import torch
from torch import Generator, Tensor
from torch.nn.functional import softplus

from .envs import Environment
from .mixture import Kinematics, Mixture
from .networks import MixtureNetwork, RoadNetwork, safe_std
from .support import validate

START_LOG_STD = -1.0  # of a component among several, in the same units


class DynamicsModel(RoadNetwork):
    """q(s' | s, a) as a Gaussian mixture whose parameters a network computes (Bishop, 1994).

    Parameters
    ----------
    env : the environment to model
    components : K; 1 is the paper's unimodal Gaussian, 4 (ours) its mixture density network
    predict : "velocity", the random coordinates only, integrated by the road's own kinematics, so that
        the exact ratio p/q exists; or "state", every coordinate on its own, as the paper does
    runs : R independent models, trained side by side
    generator : draws the initial weights
    choices : fields of `MixtureNetwork`: hidden, box, features, std_range, start

    Raises ValueError if a choice is unknown, a size is no positive integer, or `predict` is "velocity" and the
    environment has no `kinematics`.
    """

    def __init__(
        self,
        env: Environment,
        components: int = 4,
        predict: str = "velocity",
        runs: int = 1,
        generator: Generator | None = None,
        **choices: object,
    ) -> None:
        network = validate.fields(MixtureNetwork, choices)
        validate.environment("env", env)
        k = validate.integer("components", components)
        validate.choice("predict", predict, ("velocity", "state"))
        if predict == "velocity" and env.kinematics is None:
            raise ValueError('predict must be "state" for an environment without known kinematics, got "velocity"')
        whole = Kinematics.every_coordinate(len(env.state_names))
        kinematics = validate.kinematics("env", env) if predict == "velocity" else whole
        features = len(kinematics.random)
        super().__init__(env, 1, k * (1 + 2 * features), runs, network, generator)
        self.components, self.predict, self.kinematics, self.features = k, predict, kinematics, features
        self.register_buffer("change_centre", torch.zeros(self.runs, 1, self.features))
        self.register_buffer("change_spread", torch.ones(self.runs, 1, self.features))

    def choices(self) -> tuple[object, ...]:
        """All that its outputs depend on beside parameters and scales."""
        return (self.network, self.components, self.predict, self.kinematics)

    def prepare(self, state: Tensor, action: Tensor, next_state: Tensor, generator: torch.Generator) -> None:
        """Before the first fit: take scales and components' places from the training data, (R, B, S) and (R, B)."""
        self.standardise(self.observe(state))
        change = self.kinematics.random_part(next_state) - self.kinematics.random_part(state)
        self.change_centre.copy_(change.mean(1, keepdim=True))
        self.change_spread.copy_(safe_std(change))
        if self.network.start == "clusters" and 1 < self.components <= state.shape[1]:
            change = self.standardised_change(state, next_state)
            self._start_on_clusters(self.inputs(self.observe(state), action), change, generator)
        self.fitted.fill_(True)  # last: what was interrupted is done anew

    def _start_on_clusters(self, inputs: Tensor, changes: Tensor, generator: torch.Generator) -> None:
        """Start each component on a cluster (k-means) of what a linear regression on (s, a) leaves unexplained.

        Components that start at random share what one could do, or die: likelihood then stays in a poor local
        optimum, with one broad Gaussian over both sides of a swerve.
        """
        from scipy.cluster.vq import kmeans2

        gram = inputs.mT @ inputs + 1e-3 * torch.eye(inputs.shape[-1])
        residual = changes - inputs @ torch.linalg.solve(gram, inputs.mT @ changes)
        residual += 1e-3 * torch.randn(residual.shape, generator=generator)  # no two alike
        k, f = self.components, self.features
        seeds = torch.randint(2**31, (self.runs,), generator=generator).tolist()
        biases = self.mlp.biases[-1].data[:, 0]
        for bias, points, seed in zip(biases, residual.double().cpu().numpy(), seeds, strict=True):
            if not np.isfinite(points).all():  # the fit says so
                continue
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # an empty cluster is no harm
                centres, cluster = kmeans2(points, k, minit="++", seed=seed)
            share = torch.bincount(torch.as_tensor(cluster).long(), minlength=k) + 1.0
            bias[:k] = (share / share.sum()).log()
            bias[k : k * (1 + f)] = torch.as_tensor(centres).flatten()
            bias[k * (1 + f) :] = START_LOG_STD

    def transition(self, state: Tensor, action: Tensor) -> Mixture:
        """q(s' | s, a).

        Parameters
        ----------
        state : (..., S); with R > 1 runs, axis 0 is R
        action : (...); the batches broadcast
        """
        state, action = validate.transition(self.env, state, action)
        log_weights, means, stds = self.of_change(self.evaluate(self.observe(state), action))
        centre, spread = (self.per_run(t, action.ndim) for t in (self.change_centre, self.change_spread))
        now = self.kinematics.random_part(state).unsqueeze(-2)
        return Mixture(log_weights, now + centre + spread * means, spread * stds, state, self.kinematics)

    def of_change(self, outputs: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Log-weights (..., K), means and standard deviations (..., K, F) of the standardised change, from outputs."""
        batch, k, f = outputs.shape[:-1], self.components, self.features
        log_weights, means, log_stds = outputs.split([k, k * f, k * f], dim=-1)
        log_stds = log_stds.reshape(*batch, k, f).clamp(max=5.0)
        floor, cap = self.network.std_range
        if cap < math.inf:  # bent, not cut: without a gradient a component would die
            log_stds = math.log(cap) - softplus(math.log(cap) - log_stds)
        log_weights = log_weights.log_softmax(-1) if k > 1 else torch.zeros_like(log_weights)
        return log_weights, means.reshape(*batch, k, f), floor + log_stds.exp()

    def standardised_change(self, state: Tensor, next_state: Tensor) -> Tensor:
        """What a fit predicts, (R, B, F), of transitions (R, B, S)."""
        change = self.kinematics.random_part(next_state) - self.kinematics.random_part(state)
        return (change - self.change_centre) / self.change_spread

    def per_run(self, scale: Tensor, axes: int) -> Tensor:
        """A buffer (R, 1, F) as (R, 1, ..., F), to fit `axes` batch axes and one of components."""
        if self.runs == 1:
            return scale[0]
        return scale.reshape(self.runs, *(1,) * axes, self.features)
