"""All that an open-loop plan can lead to, listed: the roads without noise are finite.

Without noise every action leads to one of K states. So a plan's outcomes are finitely many strings, one component for
each time step at which the road can fork, and the law of one imagined return is known exactly. The package's own
planner (`damlite.planning`) needs a simulated transition for every step of every particle of every candidate; here a
particle is one draw of such a string.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property, lru_cache, singledispatch

import torch
from torch import Generator, Tensor

from ..envs import Environment, IcyRoad, Intersection
from ..estimate import Estimator
from ..planning import Planner, every_sequence
from ..support import validate

NOISE = ("noise", "swerve_spread")  # fields of a road that make its next states continuous
DECIMALS = 6  # states and estimates that agree so far are the same


@singledispatch
def chance(env: Environment) -> str:
    """The field that holds the probability of a road's forks: "swerve_prob" or "left_prob".

    Raises ValueError for an environment that is not finite without noise.
    """
    raise ValueError(f"env must be an IcyRoad or an Intersection, which are finite without noise, got {env!r}")


@chance.register
def _(env: IcyRoad) -> str:
    return "swerve_prob"


@chance.register
def _(env: Intersection) -> str:
    return "left_prob"


def probability(env: Environment) -> float:
    """The probability of a road's forks."""
    return vars(env)[chance(env)]


def with_probability(env: Environment, value: float) -> Environment:
    """The road with another probability of its forks, in [0, 1]."""
    return replace(env, **{chance(env): value})


def quiet(env: Environment) -> Environment:
    """The road without noise."""
    chance(env)
    return replace(env, **{f.name: 0.0 for f in fields(env) if f.name in NOISE})


@dataclass(frozen=True, eq=False)
class FiniteRoad:
    """A road without noise as tables: N states from the start to the end of an episode, A actions, K components.

    States are numbered step by step: the start is 0, and a state that can be met at two steps has two numbers.

    Attributes
    ----------
    env : the road, without noise
    states : (N, S), float64
    following : (N, A, K), the number of the state that each component leads to; at the episode's end, itself
    reward : (N, A), r(s, a)
    fork : (N, A), whether the components lead to different states
    """

    env: Environment
    states: Tensor
    following: Tensor
    reward: Tensor
    fork: Tensor

    @cached_property
    def ahead(self) -> Tensor:
        """Whether some plan from a state meets a fork at its step t, from 0: (T, N)."""
        ahead = [self.fork.any(-1)]
        for _ in range(self.env.horizon - 1):
            ahead.append(ahead[-1][self.following].flatten(1).any(-1))
        return torch.stack(ahead)

    def fork_times(self, state: Tensor, transitions: int) -> list[int]:
        """The steps, from 0, at which plans from any of these states (B,) can meet a fork."""
        return self.ahead[:transitions, state].any(-1).nonzero().flatten().tolist()

    def law(self, env: Environment | None = None) -> Tensor:
        """Probabilities (K,) of the components at a fork, by default of the road itself.

        Raises ValueError if they differ from fork to fork, or the road has none.
        """
        env = self.env if env is None else env
        if not self.fork.any():
            raise ValueError(f"env must have a fork within an episode, got {validate.shown(self.env)}")
        state, action = self.fork.nonzero().T
        every = env.transition(self.states[state].float(), action).log_weights.exp().double()  # as the map was made
        if not torch.allclose(every, every[:1]):
            raise ValueError(f"the components must be as probable at every fork, got {every.unique(dim=0).tolist()}")
        return every[0] / every[0].sum()

    def least_reward(self) -> float:
        """The least return of an episode, whatever is done and happens, divided by its steps.

        With this as the offset c of `estimate_value` all returns of an episode are R ≥ 0, as Eq. 9 asks.
        """
        worst = torch.zeros(len(self.states), dtype=self.reward.dtype)
        for _ in range(self.env.horizon):  # a state at the end follows itself, but none is as far from the start
            worst = (self.reward + worst[self.following].amin(-1)).amin(-1)
        return worst[0].item() / self.env.horizon


@lru_cache(maxsize=8)
def finite_road(env: Environment) -> FiniteRoad:
    """The tables of a road without its noise: all states that any actions can lead to within an episode."""
    env = quiet(env)
    either = with_probability(env, 0.5)  # what can happen is the same for all probabilities but 0 and 1
    actions = torch.arange(env.n_actions)
    layers, following, first = [env.initial_state(1).double()], [], 0
    for _ in range(env.horizon):
        state = layers[-1]
        p = either.transition(state[:, None], actions)
        later = env.kinematics.complete(state[:, None, None], p.means)
        likeliest = p.log_weights.argmax(-1)[..., None, None].expand(*later.shape[:-2], 1, later.shape[-1])
        later = torch.where(p.log_weights[..., None].isfinite(), later, later.gather(-2, likeliest))
        flat = later.flatten(0, -2)
        _, number = torch.unique((flat * 10**DECIMALS).round().long(), dim=0, return_inverse=True)
        first += len(state)
        following.append(first + number.reshape(later.shape[:-1]))
        layers.append(flat.new_empty(int(number.max()) + 1, flat.shape[-1]).index_copy(0, number, flat))
    last = first + torch.arange(len(layers[-1]))
    following.append(last[:, None, None].expand(-1, *following[-1].shape[1:]))
    states, following = torch.cat(layers), torch.cat(following)
    fork = (following != following[..., :1]).any(-1)
    return FiniteRoad(env, states, following, env.reward(states[:, None], actions).double(), fork)


@dataclass(frozen=True, eq=False)
class FiniteBelief:
    """What a planner goes by on a finite road, as `planning.Belief` says it of any.

    Attributes
    ----------
    road : for its states and rewards, and p
    proposal : (K,), probabilities of the components under q
    weighted : whether rewards are weighted with the exact p/q
    offset : c of `estimate_value`, of one reward

    Raises ValueError if these are no probabilities of the road's components.
    """

    road: FiniteRoad
    proposal: Tensor
    weighted: bool = False
    offset: float = 0.0

    def __post_init__(self) -> None:
        components = self.road.following.shape[-1]
        if validate.distribution("proposal", self.proposal).shape != (components,):
            raise ValueError(f"proposal must have shape ({components},), got {tuple(self.proposal.shape)}")

    @property
    def log_ratio(self) -> Tensor:
        """The logarithms (K,) of p/q at a fork; 0 for a component that q never draws."""
        return torch.where(self.proposal > 0, self.road.law() / self.proposal, 1.0).log()


@dataclass(frozen=True, eq=False)
class Outcomes:
    """The exact laws of L plans, each over the same M = K**F strings of components at F fork times.

    Attributes
    ----------
    returns : (L, M), Σ_t r_t of a plan
    estimates : (L, M), Y, what one particle contributes to its estimate
    ratio : (L, M), p/q of the trajectory up to s_H, without clip; a component that a plan never meets has no part in it
    truth, proposal : (M,), the strings' probabilities under p and q
    """

    returns: Tensor
    estimates: Tensor
    ratio: Tensor
    truth: Tensor
    proposal: Tensor

    @property
    def worth(self) -> Tensor:
        """J, the expected return of each plan under p, open loop: (L,)."""
        return self.returns @ self.truth

    @property
    def mean(self) -> Tensor:
        """E_q[Y] of each plan, (L,)."""
        return self.estimates @ self.proposal

    @property
    def variance(self) -> Tensor:
        """Var_q[Y] of each plan, (L,); an estimate of P own particles has a P-th of it."""
        return (self.estimates - self.mean[:, None]).square() @ self.proposal

    def least_variance(self, shift: float = 0.0) -> Tensor:
        """J²·χ²(q*‖q) of each plan, (L,): the variance of one particle of the *trajectory* estimator.

        q* ∝ p·(R − shift) over trajectories, and J is the mean of R − shift. Where R − shift ≥ 0, q* is a
        distribution, and the proposal of no variance.
        """
        part = self.ratio * (self.returns - shift)
        return (part.square() @ self.proposal - (part @ self.proposal).square()).clamp(min=0)


def independent(planner: Planner) -> None:
    """Raise ValueError unless estimates are means of undiscounted, weighted returns of independent particles."""
    for name, expected in (("normalise", False), ("resample", None), ("correction", "weight"), ("discount", 1.0)):
        if (got := getattr(planner, name)) != expected:
            what = "an estimate that is a mean of weighted returns of independent particles"
            raise ValueError(f"{name} must be {expected!r} for {what}, got {got!r}")


def outcomes(belief: FiniteBelief, planner: Planner, state: Tensor, actions: Tensor) -> Outcomes:
    """The exact laws of plans from a state.

    Parameters
    ----------
    belief : p, q and weights
    planner : for its choices as an `Estimator`; see `independent`
    state : (B,), numbers of states
    actions : (B, C, H) or (C, H); the laws are those of B·C plans, flattened
    """
    independent(planner)
    state = validate.actions("state", state, len(belief.road.states))
    actions = validate.sequences("actions", actions, belief.road.env.n_actions)
    road, steps = belief.road, actions.shape[-1]
    transitions = steps if planner.estimator == "eq4" else steps - 1
    times = road.fork_times(state, transitions)
    n_actions, n = road.following.shape[1:]
    fork = road.fork[..., None]
    log_ratio, log_weight = (x * fork for x in (belief.log_ratio, planner.log_weight(belief.log_ratio)))
    offset = belief.offset if belief.weighted else 0.0
    s = state[:, None, None]
    total = value = log_w = ratio = torch.zeros(len(state), actions.shape[-2], 1, dtype=road.reward.dtype)
    for t in range(steps):
        node = s * n_actions + actions[..., t, None]
        reward = road.reward.take(node)
        total = total + reward
        if belief.weighted and planner.estimator == "per_decision":
            value = value + log_w.exp() * (reward - offset)
        if t == transitions:
            break
        node = node[..., None] * n + torch.arange(n if t in times else 1)
        s = road.following.take(node).flatten(-2)
        if t in times:
            total, value, reward, log_w, ratio = (
                x.repeat_interleave(n, -1) for x in (total, value, reward, log_w, ratio)
            )
            log_w = log_w + log_weight.take(node).flatten(-2)
            if t < steps - 1:
                ratio = ratio + log_ratio.take(node).flatten(-2)
        if belief.weighted and planner.estimator == "eq4":
            value = value + log_w.exp() * (reward - offset)
    if belief.weighted and planner.estimator == "trajectory":
        value = log_w.exp() * (total - steps * offset)
    value = value + steps * offset if belief.weighted else total
    p, q = (strings(law, len(times)) for law in (road.law(), belief.proposal))
    return Outcomes(*(x.flatten(0, 1) for x in (total, value, ratio.exp())), p, q)


def strings(law: Tensor, forks: int) -> Tensor:
    """Probabilities (K**F,) of all strings of F independent components with probabilities (K,)."""
    every = torch.ones(1, dtype=law.dtype)
    for _ in range(forks):
        every = (every[:, None] * law).flatten()
    return every


def draw_strings(
    estimator: Estimator, law: Tensor, forks: int, batch: Sequence[int], generator: Generator | None = None
) -> Tensor:
    """Numbers (*batch, P) of the strings that P particles draw, as `Mixture.sample` picks components.

    With common random numbers the last size of `batch` is one, and all plans share them.
    """
    shared = (*batch[:-1], 1) if estimator.common_random_numbers else tuple(batch)
    size = (*shared, estimator.particles)
    string = torch.zeros(size, dtype=torch.long)
    for _ in range(forks):
        uniform = torch.rand(size, generator=generator)
        if estimator.stratified:
            order = torch.rand(size, generator=generator).argsort(-1)
            uniform = (order + uniform) / estimator.particles
        component = torch.bucketize(uniform, law.cumsum(0)[:-1].to(uniform), right=True)
        string = string * len(law) + component
    return string


@dataclass(frozen=True)
class Choice:
    """What a planner chose in each of B states.

    Attributes
    ----------
    action : (B,), the first action of the sequence of the best estimate
    promise, worth : (B,), that estimate, and the sequence's exact worth J
    best : (B,), the greatest worth of the sequences proposed
    """

    action: Tensor
    promise: Tensor
    worth: Tensor
    best: Tensor


def choose(
    belief: FiniteBelief, planner: Planner, state: Tensor, steps: int, generator: Generator | None = None
) -> Choice:
    """`planner.plan` for states (B,), with every estimate drawn from its exact law."""
    n_actions = belief.road.env.n_actions
    sequences = planner.propose(n_actions, state.shape, steps, generator).expand(len(state), -1, steps)
    batch = sequences.shape[:-1]
    different, which = state.unique(return_inverse=True)
    if len(different) * n_actions**steps <= math.prod(batch):  # fewer are possible than are proposed
        law = outcomes(belief, planner, different, every_sequence(n_actions, steps))
        code = sequences @ (n_actions ** torch.arange(steps - 1, -1, -1))
        row = which[:, None] * n_actions**steps + code
    else:
        law = outcomes(belief, planner, state, sequences)
        row = torch.arange(math.prod(batch)).reshape(batch)
    forks = round(math.log(len(law.proposal), len(belief.proposal)))
    string = draw_strings(planner, belief.proposal, forks, batch, generator) if forks else torch.zeros(1).long()
    estimate = law.estimates.take(row[..., None] * len(law.proposal) + string).mean(-1)
    chosen = estimate.round(decimals=DECIMALS).max(-1).indices[:, None]
    worth = law.worth[row]
    action, promise, at_worth = (x.gather(-1, chosen)[:, 0] for x in (sequences[..., 0], estimate, worth))
    return Choice(action, promise, at_worth, worth.amax(-1))
