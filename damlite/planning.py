"""ESTIMATEVALUE (Alg. 1) and the planners that call it (RSPLANNER of Alg. 3, and two more)."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from . import validate
from .data import Policy
from .diagnostics import effective_sample_size
from .mixture import Mixture, draw_noise, draw_stratified_noise, seeded

Reward = Callable[[Tensor, Tensor], Tensor]
LogRatio = Callable[[Tensor, Tensor, Tensor], Tensor]


class Dynamics(Protocol):
    """Anything with a transition mixture: a true road or a learned model."""

    def transition(self, state: Tensor, action: Tensor) -> Mixture: ...


WEIGHTS = ("ratio", "sigmoid")
ESTIMATORS = ("per_decision", "eq4", "trajectory")
NORMALISE = (False, True, "excess")


@dataclass(frozen=True)
class ImaginedStep:
    """P particles at step t. Sequences that begin alike may share theirs.

    Attributes
    ----------
    reward : (..., N, P), r(s_t, a_t) of N different beginnings
    log_weight : (..., N, P), log of the product of the weights of all transitions before step t
    sequence : (C,), which of the N each sequence's is, or None: each has its own
    """

    reward: Tensor
    log_weight: Tensor
    sequence: Tensor | None

    def of_sequences(self, x: Tensor, axis: int = -2) -> Tensor:
        """x, with an axis of N beginnings, as one with an axis of C sequences."""
        return x if self.sequence is None else x.index_select(axis, self.sequence)


def estimate_value(
    dynamics: Dynamics,
    reward: Reward,
    state: Tensor,
    actions: Tensor,
    log_ratio: LogRatio | None = None,
    particles: int = 20,
    weight: str = "ratio",
    estimator: str = "per_decision",
    normalise: bool | str = False,
    clip: float | None = None,
    common_random_numbers: bool = False,
    stratified: bool = False,
    offset: float | Tensor = 0.0,
    generator: torch.Generator | None = None,
) -> Tensor:
    """ESTIMATEVALUE (Alg. 1): the expected return of action sequences, imagined and reweighted.

    Parameters
    ----------
    dynamics : q, a learned model; the true road makes an oracle
    reward : function of (state, action)
    state : (..., S), s_1; its batch broadcasts against that of `actions`
    actions : (..., H)
    log_ratio : function of (state, action, next_state), log p/q; None for no correction
    particles : P samples of every sequence, averaged
    weight : "ratio", w = exp(log_ratio) (Eq. 8); or "sigmoid", w = σ(log_ratio), as Alg. 1 prints it: a
        probability and not a ratio, here to show the damage
    estimator : "per_decision" (Alg. 1), r_t times the weights of the transitions before t; "eq4" (Eq. 4 as
        printed), times the weight of transition t too; "trajectory" (Eq. 2), the return times all of them
    normalise : divide the weights of each step by their mean over the particles: False, True (self-normalised), or
        "excess" for only where that mean is above one. E_q[p/q] = ∫ p over all that q can imagine is at most one: less
        says that the truth would not go there, more says that the log-ratio is wrong (ours)
    clip : bound every single log-weight to ±clip
    common_random_numbers : share the particles' random numbers between the sequences, that is along the
        last batch axis; sequences that begin alike then share those particles
    stratified : spread each step's random numbers evenly over the particles (a Latin hypercube), which lowers
        the variance and leaves the mean as it is
    offset : c; every reward is weighted as w·(r − c) + c. As E[w] = 1 that is as right for any c. A model fitted with
        return weights wants the c that made its returns R ≥ 0 (Eq. 9): what it hardly imagines is then what adds
        hardly anything. A number, or one for each of R runs, axis 0 of the batch
    generator : where the random numbers come from

    Returns
    -------
    Estimated returns, shape (...).

    Raises
    ------
    ValueError
        If a shape, a choice or an action does not fit, or `clip` is negative.
    """
    imagined = imagine(
        dynamics,
        reward,
        state,
        actions,
        log_ratio,
        particles,
        weight,
        clip,
        common_random_numbers,
        stratified,
        generator,
        draw_last=validate.choice("estimator", estimator, ESTIMATORS) == "eq4",
    )
    return weighted_return(imagined, estimator, normalise, offset)


def imagine(
    dynamics: Dynamics,
    reward: Reward,
    state: Tensor,
    actions: Tensor,
    log_ratio: LogRatio | None = None,
    particles: int = 20,
    weight: str = "ratio",
    clip: float | None = None,
    common_random_numbers: bool = False,
    stratified: bool = False,
    generator: torch.Generator | None = None,
    draw_last: bool = False,
) -> list[ImaginedStep]:
    """The loop of Alg. 1, with its weights kept as logarithms; parameters as for `estimate_value`.

    draw_last : draw the transition after the last reward too, which only Eq. 4 asks for
    """
    validate.integer("particles", particles)
    validate.choice("weight", weight, WEIGHTS)
    clip = None if clip is None else validate.number("clip", clip, least=0)
    state, actions = torch.as_tensor(state), torch.as_tensor(actions)
    if state.ndim == 0 or actions.ndim == 0 or actions.shape[-1] == 0:
        got = f"{tuple(state.shape)} and {tuple(actions.shape)}"
        raise ValueError(f"state must have shape (..., S) and actions (..., H) with H of at least 1, got {got}")
    batch = validate.broadcastable(state=state[..., 0], actions=actions[..., 0])
    horizon, axis = actions.shape[-1], len(batch) - 1
    shared = common_random_numbers and axis >= 0
    noise_batch = (*batch[:-1], 1) if shared else batch
    tree = shared and actions.ndim == 2 and (state.ndim == 1 or state.shape[-2] == 1)

    s = state.unsqueeze(-2).expand(*batch, particles, state.shape[-1])
    log_w = torch.zeros(*batch, particles)
    node = None  # where each sequence's particles are, if sequences share them
    if tree:  # every sequence begins at the same node
        s, log_w, node = (
            s.narrow(axis, 0, 1),
            log_w.narrow(axis, 0, 1),
            torch.zeros(batch[-1], dtype=torch.long),
        )
    draw = draw_stratified_noise if stratified else draw_noise
    imagined = []
    for t in range(horizon + draw_last):
        if t < horizon:
            a = actions[..., t, None]
        if tree and t < horizon:  # go on from one node for every distinct beginning a_1 … a_t
            distinct, node = torch.unique(torch.stack([node, actions[:, t]]), dim=1, return_inverse=True)
            s, log_w = (x.index_select(axis, distinct[0]) for x in (s, log_w))
            a = distinct[1, :, None]
        a = a.expand(s.shape[:-1])
        imagined.append(ImaginedStep(reward(s, a), log_w, node))  # r_t ← r(s_t, a_t)
        if len(imagined) == horizon + draw_last:
            break
        q = dynamics.transition(s, a)
        noise = draw(*noise_batch, particles, features=q.means.shape[-1], generator=generator)
        s_next = q.sample(noise=noise)  # s_{t+1} ~ q(· | s_t, a_t)
        if log_ratio is not None:
            log_w = log_w + _log_weight(log_ratio(s, a, s_next), weight, clip)  # w ← w · w(s_t, a_t, s_{t+1})
        s = s_next
    return imagined


def weighted_return(
    imagined: list[ImaginedStep],
    estimator: str = "per_decision",
    normalise: bool | str = False,
    offset: float | Tensor = 0.0,
) -> Tensor:
    """Mean over the particles of the weighted rewards, shape (...); see `estimate_value`.

    For "eq4" `imagined` holds one step more than there are rewards, for its weights.
    """

    validate.choice("normalise", normalise, NORMALISE)

    def weights(log_w: Tensor) -> Tensor:
        if normalise == "excess":
            log_mean = log_w.logsumexp(-1, keepdim=True) - math.log(log_w.shape[-1])
            return (log_w - log_mean.clamp(min=0)).exp()
        return log_w.softmax(-1) * log_w.shape[-1] if normalise else log_w.exp()

    c = torch.as_tensor(offset)
    c = c.reshape(c.shape + (1,) * (imagined[0].reward.ndim - 1 - c.ndim))  # of runs, to fit batch and sequences
    c_particle = c[..., None]
    if estimator == "per_decision":  # R ← R + w · r_t
        return sum(
            step.of_sequences((weights(step.log_weight) * (step.reward - c_particle)).mean(-1) + c, -1)
            for step in imagined
        )
    reward = [step.of_sequences(step.reward) - c_particle for step in imagined]
    log_w = [step.of_sequences(step.log_weight) for step in imagined]
    if estimator == "trajectory":
        return (weights(log_w[-1]) * sum(reward)).mean(-1) + len(reward) * c
    return sum((weights(later) * r).mean(-1) + c for r, later in zip(reward[:-1], log_w[1:], strict=True))


def _log_weight(log_ratio: Tensor, weight: str, clip: float | None) -> Tensor:
    log_w = torch.nn.functional.logsigmoid(log_ratio) if weight == "sigmoid" else log_ratio
    return log_w if clip is None else log_w.clamp(-clip, clip)


@dataclass(frozen=True)
class Plan:
    """What a planner chose.

    Attributes
    ----------
    action : (...), the first action of the best sequence
    actions : (..., H), the best sequence
    value : (...), its estimated return
    effective_sample_size : (..., H), of its particles' weights at every step
    """

    action: Tensor
    actions: Tensor
    value: Tensor
    effective_sample_size: Tensor


@dataclass(frozen=True)
class RandomShooting:
    """RSPLANNER (Alg. 3): the best of K = `candidates` random sequences of H = `horizon` actions.

    Parameters
    ----------
    horizon : H
    candidates : K, sequences per decision
    particles : P, imagined samples per sequence
    common_random_numbers : imagine all sequences with the same random numbers
    stratified : spread these evenly over the particles (ours)
    weight, estimator, normalise, clip : as for `estimate_value`
    """

    horizon: int = 5
    candidates: int = 100
    particles: int = 20
    common_random_numbers: bool = True
    stratified: bool = True
    weight: str = "ratio"
    estimator: str = "per_decision"
    normalise: bool | str = False
    clip: float | None = None

    def __post_init__(self) -> None:
        _check_planner(self)
        validate.integer("candidates", self.candidates)

    def plan(
        self,
        dynamics: Dynamics,
        env: object,
        state: Tensor,
        log_ratio: LogRatio | None = None,
        horizon: int | None = None,
        generator: torch.Generator | None = None,
        offset: float | Tensor = 0.0,
    ) -> Plan:
        """Choose actions for states (..., S).

        Parameters
        ----------
        dynamics, log_ratio : what to imagine with
        env : for its reward and its number of actions
        horizon : plan over fewer steps than the planner's own (near an episode's end)
        offset : as for `estimate_value`
        """
        batch, steps = state.shape[:-1], horizon or self.horizon
        candidates = torch.randint(env.n_actions, (*batch, self.candidates, steps), generator=generator)
        return _choose(self, dynamics, env, state, candidates, log_ratio, generator, offset)


@dataclass(frozen=True)
class Exhaustive:
    """Every sequence of H = `horizon` actions; with common random numbers each beginning is imagined once.

    Parameters
    ----------
    hold : each chosen action is held for so many steps: a number, or one for each choice, the last of them for all
        further ones. (3, 5, 12) leaves n_actions**3 sequences of 20 steps, fine at first and coarse later. As only
        the first action is ever driven before planning anew, little is lost; and the fewer candidates there are,
        the less lucky the best of them is (ours)

    The others are those of `RandomShooting`, without `candidates`.
    """

    horizon: int = 5
    particles: int = 20
    hold: int | tuple[int, ...] = 1
    common_random_numbers: bool = True
    stratified: bool = True
    weight: str = "ratio"
    estimator: str = "per_decision"
    normalise: bool | str = False
    clip: float | None = None

    def __post_init__(self) -> None:
        _check_planner(self)
        validate.integers("hold", self.hold)

    def plan(
        self,
        dynamics: Dynamics,
        env: object,
        state: Tensor,
        log_ratio: LogRatio | None = None,
        horizon: int | None = None,
        generator: torch.Generator | None = None,
        offset: float | Tensor = 0.0,
    ) -> Plan:
        """Choose actions for states (..., S); see `RandomShooting.plan`."""
        steps = horizon or self.horizon
        hold = validate.integers("hold", self.hold)
        choice = [i for i, held in enumerate(hold + hold[-1:] * steps) for _ in range(held)][:steps]
        candidates = every_sequence(env.n_actions, choice[-1] + 1)[:, choice]
        return _choose(self, dynamics, env, state, candidates, log_ratio, generator, offset)


@dataclass(frozen=True)
class CrossEntropy:
    """The cross-entropy method (Rubinstein & Kroese) over sequences of discrete actions.

    Each iteration draws `candidates` sequences from independent categorical distributions, one a step,
    and moves these towards the best `elites` of them.

    Parameters
    ----------
    candidates : sequences per iteration
    iterations : rounds of drawing and refitting
    elites : how many of the candidates the distributions are refitted to
    smoothing : weight of the old distribution in the new one, in [0, 1]

    The others are those of `RandomShooting`.
    """

    horizon: int = 5
    candidates: int = 50
    particles: int = 20
    iterations: int = 4
    elites: int = 8
    smoothing: float = 0.2
    common_random_numbers: bool = True
    stratified: bool = True
    weight: str = "ratio"
    estimator: str = "per_decision"
    normalise: bool | str = False
    clip: float | None = None

    def __post_init__(self) -> None:
        _check_planner(self)
        for name in ("candidates", "iterations", "elites"):
            validate.integer(name, getattr(self, name))
        if self.elites > self.candidates:
            raise ValueError(f"elites must be at most candidates = {self.candidates}, got {self.elites}")
        validate.number("smoothing", self.smoothing, 0, 1)

    def plan(
        self,
        dynamics: Dynamics,
        env: object,
        state: Tensor,
        log_ratio: LogRatio | None = None,
        horizon: int | None = None,
        generator: torch.Generator | None = None,
        offset: float | Tensor = 0.0,
    ) -> Plan:
        """Choose actions for states (..., S); see `RandomShooting.plan`."""
        batch, steps = state.shape[:-1], horizon or self.horizon
        probs = torch.full((*batch, 1, steps, env.n_actions), 1 / env.n_actions)
        seed = int(torch.randint(2**62, (), generator=generator))
        for _ in range(self.iterations):
            table = probs.expand(*batch, self.candidates, steps, env.n_actions).reshape(-1, env.n_actions)
            drawn = torch.multinomial(table, 1, generator=generator)
            candidates = drawn.reshape(*batch, self.candidates, steps)
            same = seeded(seed)  # the same imagined noise in every iteration
            values, _ = _evaluate(self, dynamics, env, state, candidates, log_ratio, same, offset)
            best = values.topk(self.elites, dim=-1).indices[..., None].expand(*batch, self.elites, steps)
            elites = torch.nn.functional.one_hot(candidates.gather(-2, best), env.n_actions).float()
            probs = self.smoothing * probs + (1 - self.smoothing) * elites.mean(-3, keepdim=True)
        return _choose(self, dynamics, env, state, candidates, log_ratio, seeded(seed), offset)


Planner = RandomShooting | Exhaustive | CrossEntropy


def every_sequence(n_actions: int, horizon: int) -> Tensor:
    """All n_actions**horizon action sequences, shape (n_actions**horizon, horizon)."""
    return torch.cartesian_prod(*[torch.arange(n_actions)] * horizon).reshape(-1, horizon)


def policy(
    planner: Planner,
    dynamics: Dynamics,
    env: object,
    log_ratio: LogRatio | None = None,
    offset: float | Tensor = 0.0,
) -> Policy:
    """A policy for `collect`: plan anew at every step, never past the episode's end."""

    def act(state: Tensor, step: int, generator: torch.Generator | None) -> Tensor:
        left = min(planner.horizon, env.horizon - step)
        return planner.plan(dynamics, env, state, log_ratio, left, generator, offset).action

    return act


def _check_planner(planner: Planner) -> None:
    validate.integer("horizon", planner.horizon)
    validate.integer("particles", planner.particles)
    validate.choice("weight", planner.weight, WEIGHTS)
    validate.choice("estimator", planner.estimator, ESTIMATORS)
    validate.choice("normalise", planner.normalise, NORMALISE)
    if planner.clip is not None:
        validate.number("clip", planner.clip, least=0)


@torch.no_grad()
def _evaluate(
    planner: Planner,
    dynamics: Dynamics,
    env: object,
    state: Tensor,
    candidates: Tensor,
    log_ratio: LogRatio | None,
    generator: torch.Generator | None,
    offset: float | Tensor,
) -> tuple[Tensor, list[ImaginedStep]]:
    """Values (..., C) of candidates (..., C, H) and what was imagined."""
    imagined = imagine(
        dynamics,
        env.reward,
        state.unsqueeze(-2),
        candidates,
        log_ratio,
        planner.particles,
        planner.weight,
        planner.clip,
        planner.common_random_numbers,
        planner.stratified,
        generator,
        draw_last=planner.estimator == "eq4",
    )
    return weighted_return(imagined, planner.estimator, planner.normalise, offset), imagined


def _choose(
    planner: Planner,
    dynamics: Dynamics,
    env: object,
    state: Tensor,
    candidates: Tensor,
    log_ratio: LogRatio | None,
    generator: torch.Generator | None,
    offset: float | Tensor,
) -> Plan:
    """a ← arg max ESTIMATEVALUE(s_t, a⁽ⁱ⁾) (Alg. 3)."""
    values, imagined = _evaluate(planner, dynamics, env, state, candidates, log_ratio, generator, offset)
    value, best = values.max(-1)
    steps = candidates.shape[-1]
    index = best[..., None, None].expand(*best.shape, 1, steps)
    actions = candidates.expand(*values.shape, steps).gather(-2, index)[..., 0, :]
    ess = torch.stack([step.of_sequences(effective_sample_size(step.log_weight), -1) for step in imagined[:steps]], -1)
    return Plan(actions[..., 0], actions, value, ess.gather(-2, index)[..., 0, :])
