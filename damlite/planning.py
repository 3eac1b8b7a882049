"""Planners: each proposes sequences of actions, and takes the one that ESTIMATEVALUE likes best (Alg. 3)."""

import math
from dataclasses import dataclass
from itertools import chain, islice, repeat

import torch
from torch import Generator, Tensor

from .data import Policy
from .diagnostics import effective_sample_size
from .diagnostics.alarm import examine
from .envs import Environment
from .estimate import Dynamics, Estimator, ImaginedStep, LogRatio
from .mixture import seeded
from .support import limits, validate
from .support.threads import one_thread

TINY = torch.finfo(torch.float32).tiny  # what is smaller may be zero to a tensor
HOW = ", as Belief(env, model, disc.log_ratio) is"


@dataclass(frozen=True)
class Belief:
    """What a planner goes by: the rewards, what it takes for the dynamics, and how wrong that may be.

    Attributes
    ----------
    env : for its reward, its number of actions and its horizon
    dynamics : q, a learned model; None for the environment's own, an oracle
    log_ratio : function of (state, action, next_state), log p/q; None for no correction
    offset : c of `estimate_value`, of one reward: a number, or one for each of R runs

    Raises ValueError if a part is no such thing, or networks are of another road, or of different numbers of runs.
    """

    env: Environment
    dynamics: Dynamics | None = None
    log_ratio: LogRatio | None = None
    offset: float | Tensor = 0.0

    def __post_init__(self) -> None:
        validate.environment("env", self.env)
        if self.dynamics is not None:
            validate.dynamics("dynamics", self.dynamics, ", or be None for the env's own")
        validate.log_ratio("log_ratio", self.log_ratio)
        validate.of_road("dynamics", self.dynamics, self.env)
        validate.of_road("log_ratio", self.log_ratio, self.env)
        validate.offset("offset", self.offset)
        validate.runs(dynamics=self.dynamics, log_ratio=self.log_ratio)


@dataclass(frozen=True)
class Plan:
    """What a planner chose, and the particles that it was imagined with.

    Attributes
    ----------
    action : (...), the first action of the best sequence
    actions : (..., H), the best sequence
    value : (...), its estimated return
    effective_sample_size : (..., H), of its particles' weights at every step
    states : (..., H, P, S), its imagined s_1 … s_H
    log_weights : (..., H, P), the logarithms of what their rewards were weighted with

    With `resample` a particle of one step need not descend from that of the same number before it.
    """

    action: Tensor
    actions: Tensor
    value: Tensor
    effective_sample_size: Tensor
    states: Tensor
    log_weights: Tensor


@dataclass(frozen=True, kw_only=True)
class Planner(Estimator):
    """The best of the sequences that `propose` names; a kind of planner is a way to propose.

    Every planner has the fields of `Estimator` too, with common and stratified random numbers by default (ours).

    Attributes
    ----------
    horizon : H, steps to look ahead
    """

    horizon: int = 5
    common_random_numbers: bool = True
    stratified: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        validate.each(self, validate.integer, "horizon")

    def propose(self, n_actions: int, batch: tuple[int, ...], steps: int, generator: Generator | None) -> Tensor:
        """Sequences to choose from for states of this batch, shape (*batch, C, steps), or (C, steps) for all alike."""
        raise NotImplementedError(f"{type(self).__name__} needs a propose")

    @one_thread()
    @torch.no_grad()
    def plan(
        self, belief: Belief, state: Tensor, steps: int | None = None, *, generator: Generator | None = None
    ) -> Plan:
        """a ← arg max ESTIMATEVALUE(s_t, a⁽ⁱ⁾) (Alg. 3).

        Parameters
        ----------
        belief : what to plan with
        state : (..., S); with a model or a discriminator of R > 1 runs, axis 0 is R
        steps : look ahead so far in place of `horizon` (near an episode's end)
        generator : where the random numbers come from

        Raises ValueError if an argument does not fit, or if every sequence's value is NaN: reward or log-ratio is no
        number in what was imagined.
        """
        validate.instance("belief", belief, Belief, HOW)
        steps = self.horizon if steps is None else validate.integer("steps", steps)
        state = validate.first_states("state", state, len(belief.env.state_names))
        validate.of_runs("state", state, validate.runs(dynamics=belief.dynamics, log_ratio=belief.log_ratio))
        validate.generator("generator", generator)
        plan = self.search(belief, state, steps, generator)
        if belief.log_ratio is not None and self.averages_weights:
            dynamics = belief.env if belief.dynamics is None else belief.dynamics
            examine(dynamics, belief.log_ratio, state, plan.actions, self.log_weight, not self.normalise)
        return plan

    @property
    def averages_weights(self) -> bool:
        """Whether rewards are weighted with ratios, and averaged."""
        return self.particles > 1 and self.weight == "ratio" and self.correction == "weight" and self.flatten > 0

    def search(self, belief: Belief, state: Tensor, steps: int, generator: Generator | None) -> Plan:
        """Propose once, and choose."""
        sequences = self.propose(belief.env.n_actions, state.shape[:-1], steps, generator)
        values, imagined = self.judge(belief, state, sequences, generator)
        return self.choose(sequences, values, imagined)

    def judge(
        self, belief: Belief, state: Tensor, sequences: Tensor, generator: Generator | None
    ) -> tuple[Tensor, list[ImaginedStep]]:
        """Values (..., C) of sequences (..., C, H), −inf for what is no number; and what was imagined."""
        env, q = belief.env, belief.env if belief.dynamics is None else belief.dynamics
        imagined = self.imagine(q, env.reward, state.unsqueeze(-2), sequences, belief.log_ratio, generator)
        values = self.value(imagined, belief.offset)
        unknown = values.isnan()
        if unknown.all(-1).any():
            raise ValueError("reward and log_ratio must be numbers for what is imagined, got NaN for every sequence")
        return values.masked_fill(unknown, -torch.inf), imagined

    def choose(self, sequences: Tensor, values: Tensor, imagined: list[ImaginedStep]) -> Plan:
        """The sequence (..., H) of the greatest of values (..., C)."""
        value, best = values.max(-1)
        steps = sequences.shape[-1]
        actions = _pick(sequences.expand(*values.shape, steps), best, 1)
        states, log_weights = [], []
        for x in imagined[:steps]:
            node = best if x.sequence is None else x.sequence[best]
            log_weights.append(_pick(x.log_weight, node, 1))
            states.append(_pick(x.state, node, 2))
        log_weights = torch.stack(log_weights, -2)
        ess = effective_sample_size(log_weights)
        return Plan(actions[..., 0], actions, value, ess, torch.stack(states, -3), log_weights)


def _pick(x: Tensor, node: Tensor, trailing: int) -> Tensor:
    """Of x (..., N, *rest), with so many trailing axes, the entry of each of nodes (...)."""
    rest = x.shape[x.ndim - trailing :]
    index = node.reshape(*node.shape, 1, *(1,) * trailing).expand(*node.shape, 1, *rest)
    return x.gather(node.ndim, index).squeeze(node.ndim)


@dataclass(frozen=True, kw_only=True)
class RandomShooting(Planner):
    """RSPLANNER (Alg. 3): the best of K = `candidates` random sequences of H = `horizon` actions."""

    candidates: int = 100

    def __post_init__(self) -> None:
        super().__post_init__()
        validate.each(self, validate.integer, "candidates")
        limits.at_most(limits.SEQUENCES, "sequences", "candidates", self.candidates, "ask for fewer")

    def propose(self, n_actions: int, batch: tuple[int, ...], steps: int, generator: Generator | None) -> Tensor:
        """a⁽ⁱ⁾ ~ π, uniform and independent, shape (*batch, K, steps)."""
        _drawable(batch, self.candidates, steps)
        return torch.randint(n_actions, (*batch, self.candidates, steps), generator=generator)


@dataclass(frozen=True, kw_only=True)
class Exhaustive(Planner):
    """Every sequence of H = `horizon` actions; with common random numbers each beginning is imagined once (ours).

    Attributes
    ----------
    hold : each chosen action is held for so many steps (action repeat): a number, or one for each choice, the last of
        them for all further ones. (3, 5, 12) leaves n_actions**3 sequences of 20 steps, fine at first and coarse
        later. As only the first action is ever driven before planning anew, little is lost; and the fewer candidates
        there are, the less lucky the best of them is
    """

    hold: int | tuple[int, ...] = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        held = validate.integers("hold", self.hold)
        object.__setattr__(self, "hold", held if isinstance(self.hold, tuple | list) else held[0])

    def propose(self, n_actions: int, batch: tuple[int, ...], steps: int, generator: Generator | None) -> Tensor:
        """All of them, for every state alike, shape (C, steps)."""
        limits.at_most(limits.SEQUENCES, "steps", "horizon", steps, "look less far ahead")
        hold = validate.integers("hold", self.hold)
        choices = (i for i, held in enumerate(chain(hold, repeat(hold[-1]))) for _ in range(held))
        choice = list(islice(choices, steps))
        limits.sequences("horizon", n_actions, choice[-1] + 1, "give `hold`, or RandomShooting")
        return every_sequence(n_actions, choice[-1] + 1)[:, choice]


@dataclass(frozen=True, kw_only=True)
class IteratedPlanner(Planner):
    """Sequences from independent categorical distributions, one a step, which move towards those of great value.

    Each iteration draws `candidates` sequences, judges them, and refits the distributions to them; a kind of it is a
    way to say how much each candidate counts in that.

    Attributes
    ----------
    candidates : sequences per iteration
    iterations : rounds of drawing, all imagined with the same random numbers
    smoothing : weight of the old distribution in the new one, in [0, 1]
    """

    candidates: int = 50
    iterations: int = 4
    smoothing: float = 0.2

    def __post_init__(self) -> None:
        super().__post_init__()
        validate.each(self, validate.integer, "candidates", "iterations")
        validate.each(self, validate.number, "smoothing", least=0, most=1)
        drawn, size = self.candidates * self.iterations, f"{self.candidates:,} × {self.iterations:,}"
        limits.at_most(limits.SEQUENCES, "sequences", "candidates × iterations", drawn, "ask for fewer", size)

    def search(self, belief: Belief, state: Tensor, steps: int, generator: Generator | None) -> Plan:
        """Draw, judge and refit, and choose from the last draw."""
        n, batch = belief.env.n_actions, state.shape[:-1]
        _drawable(batch, self.candidates, steps, n)
        probabilities = torch.full((*batch, 1, steps, n), 1 / n)
        seed = int(torch.randint(2**62, (), generator=generator))
        for i in range(self.iterations):
            table = probabilities.expand(*batch, self.candidates, steps, n).reshape(-1, n)
            sequences = torch.multinomial(table, 1, generator=generator).reshape(*batch, self.candidates, steps)
            values, imagined = self.judge(belief, state, sequences, seeded(seed))
            if i < self.iterations - 1:
                probabilities = self.refit(probabilities, sequences, values)
        return self.choose(sequences, values, imagined)

    def count(self, values: Tensor) -> Tensor:
        """How much each candidate counts, (..., C), given all their values (..., C); any scale."""
        raise NotImplementedError(f"{type(self).__name__} needs a count")

    def refit(self, probabilities: Tensor, sequences: Tensor, values: Tensor) -> Tensor:
        """Probabilities (..., 1, H, A), moved towards how often sequences (..., C, H) that count take each action."""
        counts = self.count(values)[..., None, None]
        taken = torch.nn.functional.one_hot(sequences, probabilities.shape[-1])
        frequency = (counts * taken).sum(-3, keepdim=True) / counts.sum(-3, keepdim=True)
        return self.smoothing * probabilities + (1 - self.smoothing) * frequency


@dataclass(frozen=True, kw_only=True)
class CrossEntropy(IteratedPlanner):
    """The cross-entropy method (Rubinstein & Kroese) over sequences of discrete actions.

    The best `elites` of the candidates count alike, the others nothing; the best of the last draw is the plan.

    Attributes
    ----------
    elites : how many of the candidates the distributions are refitted to
    """

    elites: int = 8

    def __post_init__(self) -> None:
        super().__post_init__()
        validate.each(self, validate.integer, "elites")
        if self.elites > self.candidates:
            raise ValueError(f"elites must be at most candidates = {self.candidates}, got {self.elites}")

    def count(self, values: Tensor) -> Tensor:
        """One for the elites, and zero."""
        return torch.zeros_like(values).scatter(-1, values.topk(self.elites, dim=-1).indices, 1.0)


@dataclass(frozen=True, kw_only=True)
class MPPI(IteratedPlanner):
    """Model predictive path integral control (Williams et al., 2017) over sequences of discrete actions.

    It asks for nothing but values V: a candidate counts exp(V/temperature), and the distributions move to the weighted
    frequencies of actions, as Gaussians move to the weighted mean. MPPI drives that mean; discrete actions have none,
    and so the first action with the greatest weight in the last draw is driven. Its plan is the best sequence drawn
    that begins with it. Every plan begins with uniform distributions, none with those of the plan before (ours).

    Attributes
    ----------
    temperature : λ > 0, in units of the return. Towards 0 the best candidate alone counts, as for one elite
    """

    temperature: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        validate.each(self, validate.number, "temperature", least=0)
        if self.temperature == 0:
            raise ValueError("temperature must be above 0, got 0")

    def count(self, values: Tensor) -> Tensor:
        """softmax(V/λ), also where V or V/λ is no finite number: all of the greatest value then count alike."""
        best = values.amax(-1, keepdim=True)
        below = (values - best).nan_to_num(nan=0.0, neginf=-torch.inf) / max(self.temperature, TINY)
        finite = (best / self.temperature).isfinite()
        return torch.where(finite, values / self.temperature, below).softmax(-1)

    def choose(self, sequences: Tensor, values: Tensor, imagined: list[ImaginedStep]) -> Plan:
        """The best of the sequences (..., C, H) that begin with the action of the greatest total weight."""
        first = sequences[..., 0]
        taken = torch.nn.functional.one_hot(first)
        action = (self.count(values)[..., None] * taken).sum(-2).argmax(-1, keepdim=True)
        return super().choose(sequences, values.masked_fill(first != action, -torch.inf), imagined)


def every_sequence(n_actions: int, horizon: int) -> Tensor:
    """All n_actions**horizon action sequences, shape (n_actions**horizon, horizon).

    Raises ValueError if they are more than a million.
    """
    n_actions, horizon = validate.integer("n_actions", n_actions), validate.integer("horizon", horizon)
    limits.sequences("horizon", n_actions, horizon, "try a random part of them, as RandomShooting does")
    if n_actions == 1:  # however long it is
        return torch.zeros(1, horizon, dtype=torch.long)
    return torch.cartesian_prod(*[torch.arange(n_actions)] * horizon).reshape(-1, horizon)


def _drawable(batch: tuple[int, ...], candidates: int, steps: int, actions: int = 1) -> None:
    """Refuse to draw more numbers than `Estimator.imagine` could then imagine states for."""
    states = math.prod(batch)
    size = f"{states:,} states × {candidates:,} candidates × {steps:,} steps × {actions:,}"
    way_out = "ask for fewer candidates, or plan for fewer states at a time"
    limits.at_most(limits.DRAWN, "random numbers", "candidates", states * candidates * steps * actions, way_out, size)


def policy(planner: Planner, belief: Belief) -> Policy:
    """A policy for `collect`: plan anew at every step, never past the episode's end.

    It raises ValueError where the road that is driven goes on when `belief.env` has ended.
    """
    validate.instance("planner", planner, Planner)
    validate.instance("belief", belief, Belief, HOW)

    def act(state: Tensor, step: int, generator: Generator | None) -> Tensor:
        left = belief.env.horizon - step
        if left < 1:
            raise ValueError(
                f"belief must be of an env as long as the road that is driven, got horizon = {belief.env.horizon}"
            )
        return planner.plan(belief, state, min(planner.horizon, left), generator=generator).action

    return act
