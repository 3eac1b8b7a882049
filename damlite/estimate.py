"""ESTIMATEVALUE (Alg. 1): what a sequence of actions is worth, imagined through a model and reweighted."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import zip_longest
from typing import Protocol

import torch
from torch import Generator, Tensor

from .mixture import Mixture, noise_parts, offshoot, stratified_parts
from .networks import RoadNetwork
from .ready import sampler, scorer
from .resampling import resampled_steps, survivors
from .support import limits, validate
from .support.threads import one_thread
from .together import together

Reward = Callable[[Tensor, Tensor], Tensor]
LogRatio = Callable[[Tensor, Tensor, Tensor], Tensor]
GREATEST = 80.0  # log of the greatest weight: e^88 is the largest number that float32 can hold


class Dynamics(Protocol):
    """Anything with a transition mixture: a true road or a learned model."""

    def transition(self, state: Tensor, action: Tensor) -> Mixture: ...


@dataclass(frozen=True)
class ImaginedStep:
    """P particles at step t. Sequences that begin alike may share theirs.

    Attributes
    ----------
    state : (..., N, P, S), s_t of N different beginnings
    reward : (..., N, P), r(s_t, a_t); with `correction="reward"` plus what transition t adds to it
    log_weight : (..., N, P), log of the product of the weights of all transitions before step t
    sequence : (C,), which of the N each sequence's is, or None: each has its own
    ancestor : (..., N, P), which of these particles each of step t + 1 descends from, or None: each from its own
    """

    state: Tensor
    reward: Tensor
    log_weight: Tensor
    sequence: Tensor | None = None
    ancestor: Tensor | None = None

    def of_sequences(self, x: Tensor, axis: int = -2) -> Tensor:
        """x, with an axis of N beginnings, as one with an axis of C sequences."""
        return x if self.sequence is None else x.index_select(axis, self.sequence)

    def of_descendants(self, x: Tensor) -> Tensor:
        """x (..., P) of these particles, as that of the particles of the next step."""
        return x if self.ancestor is None else x.gather(-1, self.ancestor)


@dataclass(frozen=True, kw_only=True)
class Estimator:
    """ESTIMATEVALUE (Alg. 1) and every choice in it.

    Attributes
    ----------
    particles : P imagined samples of every sequence, averaged. Alg. 1 has one
    weight : "ratio", w = exp(log_ratio) (Eq. 8); or "sigmoid", w = σ(log_ratio), as Alg. 1 prints it: a
        probability and not a ratio, here to show the damage
    estimator : "per_decision" (Alg. 1), r_t times the weights of the transitions before t; "eq4" (Eq. 4 as
        printed), times the weight of transition t too; "trajectory" (Eq. 2 and 3), the return times all of them
    normalise : divide the weights of each step by their mean over the particles: False, True (self-normalised), or
        "excess" for only where that mean is above one (ours). E_q[p/q] is at most one, but the mean of few particles
        exceeds it by chance too, so that this leans towards small weights even where the ratio is exact
    clip : bound every single log-weight to ±clip (ours); None for no bound but that of floating point
    common_random_numbers : share the particles' random numbers between the sequences, that is along the
        last batch axis (ours); sequences that begin alike then share those particles
    stratified : spread each step's random numbers evenly over the particles (a Latin hypercube; ours), which
        lowers the variance and leaves the mean as it is
    flatten : multiply every log-weight by this number in [0, 1] before it is clipped (Grover et al., 2019): 1 leaves
        it as it is, 0 leaves no weights
    correction : "weight" multiplies rewards with the weights (Alg. 1). "reward" adds scale · log w of transition t to
        the reward r_t of its state and action, and weights nothing (DARC, Eysenbach et al., 2021; Mismatched No More,
        2022): E_q[R] − scale · Σ_t E_q[KL(q‖p)] where the ratio is exact. Transition H, whose state is never judged,
        is left out, but for "eq4"; what `offset`, `normalise` and `resample` do to weights is without effect
    correction_scale : rewards for one nat of log w, if they are added
    resample : wherever the particles' effective sample size is below this share of P, in (0, 1], resample them
        systematically and carry their mean weight on (sequential Monte Carlo), which leaves the mean as it is; None
        for never. Each sequence is then imagined by itself: beginnings that are alike need not have like weights later
    discount : γ in [0, 1]; r_t counts γ^(t−1) times. (Sec. 2 prints γ^t, which is γ times as much for every plan)

    Raises ValueError if a choice is unknown, or a number is out of its range.
    """

    particles: int = 20
    weight: str = "ratio"
    estimator: str = "per_decision"
    normalise: bool | str = False
    clip: float | None = None
    common_random_numbers: bool = False
    stratified: bool = False
    flatten: float = 1.0
    correction: str = "weight"
    correction_scale: float = 1.0
    resample: float | None = None
    discount: float = 1.0

    def __post_init__(self) -> None:
        validate.each(self, validate.integer, "particles")
        limits.at_most(limits.IMAGINED, "imagined states", "particles", self.particles, "ask for fewer")
        validate.choice("weight", self.weight, ("ratio", "sigmoid"))
        validate.choice("estimator", self.estimator, ("per_decision", "eq4", "trajectory"))
        validate.choice("normalise", self.normalise, (False, True, "excess"))
        validate.boolean("common_random_numbers", self.common_random_numbers)
        validate.boolean("stratified", self.stratified)
        validate.choice("correction", self.correction, ("weight", "reward"))
        validate.each(self, validate.number, "clip", optional=True, least=0)
        validate.each(self, validate.number, "correction_scale", least=0)
        validate.each(self, validate.number, "flatten", "discount", least=0, most=1)
        validate.each(self, validate.number, "resample", optional=True, least=0, most=1)
        if self.resample == 0:
            raise ValueError("resample must be None or in (0, 1], got 0")

    @one_thread()
    @torch.no_grad()
    def imagine(
        self,
        dynamics: Dynamics,
        reward: Reward,
        state: Tensor,
        actions: Tensor,
        log_ratio: LogRatio | None = None,
        generator: Generator | None = None,
    ) -> list[ImaginedStep]:
        """The loop of Alg. 1, with its weights kept as logarithms; arguments as for `estimate_value`."""
        state, actions, batch = _checked(dynamics, state, actions)
        _check_functions(reward, log_ratio, generator)
        shared = self.common_random_numbers and len(batch) > 0
        noise_batch = (*batch[:-1], 1) if shared else batch
        draw = stratified_parts if self.stratified else noise_parts

        def noise(features: int) -> tuple[Tensor, Tensor]:
            return draw(*noise_batch, self.particles, features=features, generator=generator)

        move = partial(sampler(dynamics), noise=noise)
        s = state.unsqueeze(-2).expand(*batch, self.particles, state.shape[-1])
        if self.resample is not None and self.correction == "weight" and log_ratio is not None:
            every, aside = self._of_particles(actions, s), offshoot(generator)
            uniform, _ = noise_parts(len(every) - 1, *noise_batch, features=0, generator=aside)
            return self._resampled(s, every, move, reward, log_ratio, uniform)
        tree = shared and actions.ndim == 2 and (state.ndim == 1 or state.shape[-2] == 1)
        if tree:
            s = s.narrow(-3, 0, 1)  # every sequence begins at the same node
            steps = self._of_beginnings(actions, s)
        else:
            steps = [(None, a, None) for a in self._of_particles(actions, s)]
        taken = []
        for t, (parent, a, _) in enumerate(steps, start=1):
            s = s if parent is None else s.index_select(-3, parent)
            a = a.expand(s.shape[:-1]) if tree else a
            s_next = move(s, a) if t < len(steps) else s  # s_{t+1} ~ q(· | s_t, a_t)
            taken.append((s, a, s_next))
            s = s_next

        axis = s.ndim - (3 if tree else 2)  # beginnings, or particles: along it steps are judged together
        log_w = s.new_zeros(taken[0][1].shape)  # w ← 1
        rewards = together("reward", reward, [(s, a) for s, a, _ in taken], axis)  # r_t ← r(s_t, a_t)
        log_ratios = together("log_ratio", scorer(log_ratio), taken[:-1], axis) if log_ratio is not None else ()
        log_weights = [self.log_weight(ratio) for ratio in log_ratios]
        imagined = []
        for (parent, _, node), (s, _, _), r, added in zip_longest(steps, taken, rewards, log_weights):
            log_w = log_w if parent is None else log_w.index_select(-2, parent)
            add = added is not None and self.correction == "reward"
            imagined.append(ImaginedStep(s, r + self.correction_scale * added if add else r, log_w, node))
            if added is not None and not add:
                log_w = log_w + added  # w ← w · w(s_t, a_t, s_{t+1})
        return imagined

    def _of_beginnings(self, actions: Tensor, state: Tensor) -> list[tuple[Tensor | None, Tensor, Tensor]]:
        """The beginnings of sequences (C, H), each of which holds states (..., 1, P, S); one step more for "eq4"."""
        steps = beginnings(actions)
        _check_size(sum(len(action) for _, action, _ in steps), state)
        return [*steps, (None, *steps[-1][1:])] if self.estimator == "eq4" else steps

    def _of_particles(self, actions: Tensor, state: Tensor) -> list[Tensor]:
        """The actions (..., P) of every step; one more for "eq4", which weights r_t by the transition after it too."""
        _check_size(actions.shape[-1], state)
        steps = actions[..., None, :].expand(*state.shape[:-1], -1).movedim(-1, 0).contiguous().unbind()
        return [*steps, steps[-1]] if self.estimator == "eq4" else list(steps)

    def _resampled(
        self,
        state: Tensor,
        actions: list[Tensor],
        move: Callable[[Tensor, Tensor], Tensor],
        reward: Reward,
        log_ratio: LogRatio,
        uniform: Tensor,
    ) -> list[ImaginedStep]:
        """The same loop with particles that are resampled on the way, and so are weighted step by step."""
        score, axis = scorer(log_ratio), state.ndim - 2

        def weigh(*transition: Tensor) -> Tensor:
            return self.log_weight(*together("log_ratio", score, [transition], axis))

        walk = resampled_steps(state, actions, move, weigh, partial(survivors, threshold=self.resample), uniform)
        rewards = together("reward", reward, [(s, a) for (s, _, _), a in zip(walk, actions, strict=True)], axis)
        return [
            ImaginedStep(s, r, log_w, None, ancestor) for (s, log_w, ancestor), r in zip(walk, rewards, strict=True)
        ]

    def log_weight(self, log_ratio: Tensor) -> Tensor:
        """The logarithm of one transition's weight."""
        log_ratio = validate.numbers("log_ratio", log_ratio)
        log_w = torch.nn.functional.logsigmoid(log_ratio) if self.weight == "sigmoid" else log_ratio
        if self.flatten < 1:
            log_w = self.flatten * log_w if self.flatten > 0 else torch.zeros_like(log_w)  # of infinite ones too
        return log_w if self.clip is None else log_w.clamp(-self.clip, self.clip)

    def weights(self, log_w: Tensor) -> Tensor:
        """Weights (..., P) from their logarithms, divided by their mean as `normalise` says."""
        log_w = validate.numbers("log_w", log_w)
        if log_w.ndim == 0:
            raise ValueError(f"log_w must have shape (..., P), got {log_w.item()}")
        if self.normalise == "excess":
            log_mean = log_w.logsumexp(-1, keepdim=True) - math.log(log_w.shape[-1])
            return (log_w - log_mean.clamp(min=0)).exp()
        if self.normalise:
            return log_w.softmax(-1) * log_w.shape[-1]
        return log_w.clamp(max=GREATEST).exp()

    def value(self, imagined: list[ImaginedStep], offset: float | Tensor = 0.0) -> Tensor:
        """Mean over the particles of the weighted rewards, shape (...); `offset` as for `estimate_value`.

        For "eq4" `imagined` holds one step more than there are rewards, for its weights.
        """
        c = _offset(imagined, offset)
        if self.estimator == "per_decision":  # R ← R + w · r_t
            return self._per_decision(imagined, c)
        reward = [x.of_sequences(x.reward) - c[..., None] for x in imagined]
        w = [self.weights(x.of_sequences(x.log_weight)) for x in imagined]
        if self.estimator == "trajectory":
            first, *later = _discounted(reward, self.discount)
            total = first
            for x, r in zip(imagined, later, strict=False):
                total = x.of_descendants(total) + r
            return (w[-1] * total).mean(-1) + c * sum(self.discount**t for t in range(len(reward)))
        each = [
            (later * x.of_descendants(r)).mean(-1) + c
            for x, r, later in zip(imagined, reward, w[1:], strict=False)  # r_H is the last, though one more is drawn
        ]
        return sum(_discounted(each, self.discount))

    def _per_decision(self, imagined: list[ImaginedStep], c: Tensor) -> Tensor:
        """Σ_t γ^(t−1) E[w · (r_t − c)] + c of Alg. 1; of all beginnings at once if sequences share theirs."""
        if imagined[0].sequence is None:
            r, log_w = torch.stack([x.reward for x in imagined]), imagined[0].log_weight
            if all(x.log_weight is log_w for x in imagined) and not log_w.any():  # nothing was weighted
                return _discounted(r.mean(-1), self.discount).sum(0)
            log_w = torch.stack([x.log_weight for x in imagined])
            return _discounted((self.weights(log_w) * (r - c[..., None])).mean(-1) + c, self.discount).sum(0)
        r, log_w = (torch.cat(each, -2) for each in zip(*((x.reward, x.log_weight) for x in imagined), strict=True))
        worth = (self.weights(log_w) * (r - c[..., None])).mean(-1) + c
        parts = worth.split([x.reward.shape[-2] for x in imagined], -1)
        each = [part.index_select(-1, x.sequence) for part, x in zip(parts, imagined, strict=True)]
        return sum(_discounted(each, self.discount))


def estimate_value(
    dynamics: Dynamics,
    reward: Reward,
    state: Tensor,
    actions: Tensor,
    log_ratio: LogRatio | None = None,
    *,
    offset: float | Tensor = 0.0,
    generator: Generator | None = None,
    **choices: object,
) -> Tensor:
    """ESTIMATEVALUE (Alg. 1): the expected returns (...) of action sequences, imagined and reweighted.

    Parameters
    ----------
    dynamics : q, a learned model; the true road makes an oracle
    reward : function of (state, action): a number for each, or one for all
    state : (..., S), s_1; its batch broadcasts against that of `actions`, and axis 0 of what they share is R if a model
        or discriminator has R > 1 runs: give states (R, 1, S) for all runs to judge the same sequences (C, H)
    actions : (..., H)
    log_ratio : function of (state, action, next_state), log p/q; None for no correction
    offset : c; every reward is weighted as w·(r − c) + c, which is as right for any c where E_q[w] = 1. A model fitted
        with return weights wants the c that made its returns R ≥ 0 (Eq. 9): what it hardly imagines is then what adds
        hardly anything. Where q lacks support, E_q[w] < 1, and the shift adds c·(1 − E_q[w]). A number, or one for
        each of R runs, axis 0 of the batch
    generator : where the random numbers come from
    choices : fields of `Estimator`

    Raises ValueError if a shape, a choice or an action does not fit, or a value is no number.
    """
    how = validate.fields(Estimator, choices)
    values = how.value(how.imagine(dynamics, reward, state, actions, log_ratio, generator), offset)
    if values.isnan().any():
        raise ValueError("reward and log_ratio must be numbers for what is imagined, got NaN")
    return values


def _discounted(steps: Tensor | list[Tensor], discount: float) -> Tensor | list[Tensor]:
    """γ^(t−1) x_t of H tensors x_t, in a list or along axis 0."""
    return steps if discount == 1 else torch.stack([discount**t * x for t, x in enumerate(steps)])


def beginnings(actions: Tensor) -> list[tuple[Tensor, Tensor, Tensor]]:
    """The tree of sequences (C, H), step by step, so that those that begin alike are imagined once.

    For each step: of every distinct beginning a_1 … a_t its parent (N,), the beginning one step shorter, and its last
    action (N, 1); and which of these beginnings each sequence has (C,).
    """
    node, steps = torch.zeros(len(actions), dtype=torch.long, device=actions.device), []
    for a in actions.T:
        (parent, action), node = torch.unique(torch.stack([node, a]), dim=1, return_inverse=True)
        steps.append((parent, action[:, None], node))
    return steps


def _check_size(steps: int, state: Tensor) -> None:
    """Refuse to imagine so many steps of states (..., P, S) if they would not fit."""
    size = " × ".join(f"{n:,}" for n in (steps, *state.shape))
    way_out = "ask for fewer particles or sequences, or for fewer states at a time"
    limits.at_most(limits.IMAGINED, "numbers", "particles", steps * state.numel(), way_out, size)


def _checked(dynamics: Dynamics, state: object, actions: object) -> tuple[Tensor, Tensor, torch.Size]:
    """States (..., S), of a network's own precision, and actions (..., H), and the batch that they share."""
    validate.dynamics("dynamics", dynamics, ", as a road or a model has")
    size, most = validate.sizes(dynamics) or (None, None)
    state, actions = validate.first_states("state", state, size), validate.sequences("actions", actions, most)
    if isinstance(dynamics, RoadNetwork):
        state = state.to(dynamics.centre.dtype)
    return state, actions, validate.broadcastable(state=state[..., 0], actions=actions[..., 0])


def _check_functions(reward: object, log_ratio: object, generator: object) -> None:
    validate.function("reward", reward, "state, action", ", as env.reward is")
    validate.log_ratio("log_ratio", log_ratio)
    validate.generator("generator", generator)


def _offset(imagined: list[ImaginedStep], offset: float | Tensor) -> Tensor:
    """The offset, of all runs or of each, in a shape that fits batch and sequences."""
    if not (isinstance(imagined, list | tuple) and imagined and all(isinstance(x, ImaginedStep) for x in imagined)):
        raise ValueError(
            f"imagined must be a list of ImaginedStep, as imagine gives it, got {validate.shown(imagined)}"
        )
    like, shape = imagined[0].log_weight, imagined[0].reward.shape
    validate.offset("offset", offset)
    c = torch.as_tensor(offset, dtype=like.dtype, device=like.device)
    if c.numel() > 1 and (len(shape) < 2 or len(c) != shape[0]):
        raise ValueError(f"offset must be a number, or one for each run on axis 0 of {tuple(shape)}, got {len(c)}")
    c = c.reshape(()) if c.numel() == 1 else c
    return c.reshape(c.shape + (1,) * (len(shape) - 1 - c.ndim))
