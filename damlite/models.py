"""The learned dynamics q(s' | s, a): a Gaussian or a mixture density network."""

import math
import warnings

import torch
from scipy.cluster.vq import kmeans2
from torch import Tensor
from torch.nn.functional import softplus

from . import validate
from .mixture import Kinematics, Mixture
from .networks import RoadNetwork, observe, safe_std

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
    hidden : widths of the hidden layers
    std_range : least and greatest standard deviation of a component, in units of each predicted change's own
        spread. The least keeps the likelihood of few data bounded; a higher one lets the network attend to rare
        events rather than to the last digit of common ones. The greatest keeps a few wild particles from
        spoiling a mean over long imagined trajectories
    box : bound of the standardised features, see `RoadNetwork`
    generator : draws the initial weights

    Raises
    ------
    ValueError
        If `predict` is unknown or a size is no positive integer, or if `predict` is "velocity" and the environment
        has no `kinematics`.
    """

    def __init__(
        self,
        env: object,
        components: int = 4,
        predict: str = "velocity",
        runs: int = 1,
        hidden: tuple[int, ...] = (64, 64),
        std_range: tuple[float, float] = (0.01, math.inf),
        box: float | None = None,
        generator: torch.Generator | None = None,
    ) -> None:
        self.components = validate.integer("components", components)
        self.predict = validate.choice("predict", predict, ("velocity", "state"))
        size = len(env.state_names)
        if predict == "velocity" and not hasattr(env, "kinematics"):
            raise ValueError('predict must be "state" for an environment without known kinematics, got "velocity"')
        kinematics = env.kinematics if predict == "velocity" else Kinematics.every_coordinate(size)
        self.features = len(kinematics.random)
        inputs = observe(env, env.initial_state()).shape[-1]
        super().__init__(env, inputs, self.components * (1 + 2 * self.features), runs, hidden, box, generator)
        self.std_floor = validate.number("std_range[0]", std_range[0], least=0)
        self.std_cap = std_range[1] if std_range[1] == math.inf else validate.number("std_range[1]", std_range[1], 1e-3)
        self.kinematics = kinematics
        self.register_buffer("change_centre", torch.zeros(self.runs, 1, self.features))
        self.register_buffer("change_spread", torch.ones(self.runs, 1, self.features))

    def prepare(self, state: Tensor, action: Tensor, next_state: Tensor, generator: torch.Generator) -> None:
        """Before the first fit: take scales and components' places from the training data, (R, B, S) and (R, B).

        Components that start at random share what one could do, or die: likelihood then stays in a poor local
        optimum, with one broad Gaussian over both sides of a swerve. So each starts on a cluster (k-means) of
        what a linear regression on (s, a) leaves unexplained.
        """
        self.standardise(observe(self.env, state))
        change = self.kinematics.random_part(next_state) - self.kinematics.random_part(state)
        self.change_centre.copy_(change.mean(1, keepdim=True))
        self.change_spread.copy_(safe_std(change))
        if self.components == 1 or state.shape[1] < self.components:
            return
        features = (observe(self.env, state) - self.centre) / self.spread
        inputs = torch.cat([features, self.one_hot(action)], dim=-1)
        changes = (change - self.change_centre) / self.change_spread
        gram = inputs.mT @ inputs + 1e-3 * torch.eye(inputs.shape[-1])
        residual = changes - inputs @ torch.linalg.solve(gram, inputs.mT @ changes)
        residual += 1e-3 * torch.randn(residual.shape, generator=generator)  # no two alike
        k, f = self.components, self.features
        seeds = torch.randint(2**31, (self.runs,), generator=generator).tolist()
        for bias, points, seed in zip(
            self.mlp.biases[-1].data[:, 0], residual.double().cpu().numpy(), seeds, strict=True
        ):
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
        state = validate.states("state", state, len(self.env.state_names))
        action = validate.actions("action", action, self.env.n_actions)
        batch = validate.broadcastable(state=state[..., 0], action=action)
        state, action = state.expand(*batch, state.shape[-1]), action.expand(batch)
        k, f = self.components, self.features
        log_weights, means, log_stds = self.evaluate(observe(self.env, state), action).split([k, k * f, k * f], dim=-1)
        centre, spread = (self._per_run(t, len(batch)) for t in (self.change_centre, self.change_spread))
        now = self.kinematics.random_part(state).unsqueeze(-2)
        means = now + centre + spread * means.reshape(*batch, k, f)
        log_stds = log_stds.reshape(*batch, k, f).clamp(max=5.0)
        if self.std_cap < math.inf:  # bent, not cut: without a gradient a component would die
            log_cap = math.log(self.std_cap)
            log_stds = log_cap - softplus(log_cap - log_stds)
        stds = spread * (self.std_floor + log_stds.exp())
        return Mixture(log_weights.log_softmax(-1), means, stds, state, self.kinematics)

    def _per_run(self, scale: Tensor, axes: int) -> Tensor:
        """A buffer (R, 1, F) as (R, 1, ..., F), to fit `axes` batch axes and one of components."""
        if self.runs == 1:
            return scale[0]
        return scale.reshape(self.runs, *(1,) * axes, self.features)
