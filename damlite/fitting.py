"""TRAINMODEL and TRAINDISCRIMINATOR (Alg. 2), for R stacked runs at once."""

import math
from collections.abc import Callable
from dataclasses import dataclass, fields

import numpy as np
import torch
from torch import Generator, Tensor
from torch.nn.functional import softplus
from tqdm.auto import trange

from .data import Episodes
from .discriminator import Discriminator
from .mixture import Mixture, log_density, seeded, spawn
from .models import DynamicsModel
from .networks import RoadNetwork, safe_std
from .support import caution, limits, validate
from .support.adamw import AdamW
from .support.threads import one_thread

EQUAL = 1e-6  # share of the greatest return: what differs by less does so by rounding
EVALUATE_EVERY = 20  # steps between two looks at the held-out loss


@dataclass(frozen=True, kw_only=True)
class Training:
    """How a network is fitted: AdamW, the learning rate falling to 0 along half a cosine.

    Attributes
    ----------
    steps, batch, learning_rate, weight_decay : of AdamW; a batch holds so many transitions of every run
    patience : stop once no run's held-out loss has improved for so many steps; None for all steps
    """

    steps: int = 2000
    batch: int = 128
    learning_rate: float = 2e-2
    weight_decay: float = 0.1
    patience: int | None = None

    def __post_init__(self) -> None:
        validate.each(self, validate.integer, "steps", "batch")
        validate.each(self, validate.integer, "patience", optional=True)
        validate.each(self, validate.number, "learning_rate", "weight_decay", least=0)
        limits.at_most(limits.STEPS, "steps", "steps", self.steps, "fit in parts, each of which goes on from the last")
        limits.at_most(limits.ACTIVATIONS, "transitions", "batch", self.batch, "ask for fewer")


@dataclass(frozen=True)
class Fit:
    """What happened in a fit.

    Attributes
    ----------
    steps : (L,), the steps at which the losses were looked at
    training_loss, held_out_loss : (L, R); the training loss is the last minibatch's
    best_step : (R,), the step whose parameters were kept
    offset : (R,), c, what was subtracted from every reward to make the returns R ≥ 0 before weighting by them, and
        what a planner must subtract too (see `Belief`); 0 for uniform weights
    diverged : (R,), whether held-out loss or parameters were no finite numbers in the end
    """

    steps: Tensor
    training_loss: Tensor
    held_out_loss: Tensor
    best_step: Tensor
    offset: Tensor
    diverged: Tensor


class DivergedFit(UserWarning):
    """Held-out loss or parameters of a run were finite no longer; it was stopped, and keeps its last good parameters.

    Other runs of the same fit are as if nothing had happened. `Fit.diverged` and `Fit.best_step` tell the same.
    """


def return_weights(returns: Tensor) -> tuple[Tensor, Tensor]:
    """R(τ)/E[R(τ)] of Eq. 9 to 11 for returns (..., E), and the offset (..., 1) that made them ≥ 0.

    Eq. 9 assumes R ≥ 0. IcyRoad's returns are not, so the smallest return is subtracted first; the weights
    have mean one. If all returns are equal, to a millionth of the greatest, q* is p itself and every weight is one.

    Raises ValueError if there are none, or they are not finite, or too great to be added up.
    """
    returns = validate.numbers("returns", returns, finite=True)
    if returns.ndim == 0 or returns.numel() == 0:
        raise ValueError(f"returns must have shape (..., E) with E of at least 1, got {tuple(returns.shape)}")
    offset = returns.min(-1, keepdim=True).values
    shifted = returns - offset
    mean = shifted.mean(-1, keepdim=True)
    if not mean.isfinite().all():
        raise ValueError(f"returns must have a finite mean above the least of them, got up to {returns.abs().max():g}")
    differ = shifted.amax(-1, keepdim=True) > EQUAL * returns.abs().amax(-1, keepdim=True)
    return torch.where(differ, shifted / torch.where(differ, mean, 1.0), torch.ones_like(shifted)), offset


@one_thread()
@torch.inference_mode(False)
def fit_model(
    model: DynamicsModel,
    data: Episodes,
    weighting: str | Tensor = "uniform",
    *,
    generator: Generator | None = None,
    progress: bool = False,
    **training: object,
) -> Fit:
    """TRAINMODEL of Alg. 2: minimise −Σ_t R(τ) log q(s_{t+1} | s_t, a_t).

    With return weights that is, up to a constant, KL(q*‖q) to the proposal of least variance: its gradient is
    Eq. 10, which Eq. 11 to 19 derive (only log q depends on q, and log q(τ) is a sum over the steps, Eq. 18). Each run
    keeps the parameters with the least held-out loss (every fifth episode is held out). The stop button leaves it with
    the best that it had by then. Where sparse returns leave all training episodes of a run without weight, or all that
    are held out, "return" weights those alike, and warns: they would teach, or judge, nothing.

    Parameters
    ----------
    model : R runs; fitted in place, from the parameters it has
    data : episodes with a leading axis R, or without one: then every run sees the same
    weighting : "uniform" is maximum likelihood (R(τ) = 1); "return" is Eq. 10, see `return_weights`. Or a weight ≥ 0 of
        every transition, (..., E, T) as `data.reward`, or (E, T) for all runs alike; only their ratios count, and
        a mask is of 0 and 1. Where it is the density ratio of the (s, a) of interest to those of the data, this is
        weighted model estimation (Hishinuma & Senda, 2021): a model that cannot be right everywhere is then right where
        it is asked
    generator : draws the minibatches
    progress : show a progress bar
    training : fields of `Training`

    Raises ValueError if an argument does not fit, or weights are negative, not finite, or all 0 in a run's training or
    in its held-out episodes.
    """
    how = validate.fields(Training, training)
    validate.instance("model", model, DynamicsModel)
    _check_run(model, generator, progress)
    data = _for_runs(data, model)
    weight, offset = _weights(data, weighting)
    weight = _in_both_parts(data, weight, isinstance(weighting, str))
    (training_data, training_weight), (held_out, held_out_weight) = (
        (_transitions(data.select(part)), weight[:, part].flatten(1)) for part in data.parts()
    )
    _check_size(model, how, held_out)
    if not model.fitted:
        model.prepare(training_data.state, training_data.action, training_data.next_state, spawn(generator))

    inputs, f = model.mlp.weights[0].shape[1], model.features
    log_scale = model.change_spread.log().sum(-1)  # of the density of what is standardised

    def rows(d: Episodes, w: Tensor) -> Tensor:  # all that a minibatch is made of, in one tensor
        change = model.standardised_change(d.state, d.next_state)
        return torch.cat([model.inputs(model.observe(d.state), d.action), change, w[..., None]], dim=-1)

    def loss(rows: Tensor) -> Tensor:
        x, change, w = rows.split([inputs, f, 1], dim=-1)
        log_q = log_density(*model.of_change(model.mlp(x)), change) - log_scale
        return -(w[..., 0] * log_q).mean(-1)

    training_rows, held_out_rows = rows(training_data, training_weight), rows(held_out, held_out_weight)
    objective = Objective(
        lambda chosen: loss(_rows(training_rows, chosen)), lambda: loss(held_out_rows), training_rows.shape[1]
    )
    return _minimise(model, objective, how, offset, generator, progress)


@one_thread()
@torch.inference_mode(False)
def fit_discriminator(
    disc: Discriminator,
    model: DynamicsModel,
    data: Episodes,
    *,
    instance_noise: float = 0.0,
    generator: Generator | None = None,
    progress: bool = False,
    **training: object,
) -> Fit:
    """TRAINDISCRIMINATOR of Alg. 2: minimise −log D(s, a, s') − log(1 − D(s, a, s̃')), s̃' ~ q(· | s, a).

    Every (s, a) is a real one (Sec. 3.1), and every fake is drawn afresh from the model. The episodes that
    the model's fit held out are held out here too, so the held-out loss is of data new to both.

    Parameters
    ----------
    disc, model : R runs each; the discriminator is fitted in place, from the parameters it has
    instance_noise : standard deviation of noise added to real and imagined next states alike, in units of each
        coordinate's own spread of changes. It keeps the ratio finite where p has no density (a model with
        `predict="state"`), and the classifier from being surer than its few data allow (ours)
    data, generator, progress, training : as for `fit_model`
    """
    how = validate.fields(Training, training)
    validate.number("instance_noise", instance_noise, least=0)
    _check_pair(disc, model)
    _check_run(disc, generator, progress)
    training_data, held_out = (_transitions(part) for part in _for_runs(data, disc).split())
    _check_size(disc, how, held_out, copies=2)
    if not disc.fitted:
        disc.prepare(training_data.state, training_data.next_state)
    local = spawn(generator)
    noise = float(instance_noise) * safe_std(training_data.next_state - training_data.state)
    held_out_seed = int(torch.randint(2**62, (), generator=local))
    kinematics, sign = model.kinematics, torch.tensor([-1.0, 1.0])[:, None]

    @torch.no_grad()
    def rows(d: Episodes) -> Tensor:  # all that a minibatch is made of, in one tensor
        q = model.transition(d.state, d.action)  # the model stays as it is: one look at it for all steps
        parts = (d.state, d.next_state, d.action[..., None].to(d.state), q.log_weights, q.means, q.stds)
        sizes[:] = [part.flatten(2).shape[-1] for part in parts]
        return torch.cat([part.flatten(2) for part in parts], dim=-1).to(d.state)  # of the discriminator's precision

    def loss(rows: Tensor, source: torch.Generator) -> Tensor:
        state, next_state, action, log_weights, *gaussians = rows.split(sizes, dim=-1)
        k = log_weights.shape[-1]
        means, stds = (t.unflatten(-1, (k, -1)) for t in gaussians)
        imagined = Mixture(log_weights, means, stds, state, kinematics).sample(generator=source)
        after = torch.cat([next_state, imagined], dim=1)
        after = torch.addcmul(after, torch.randn(after.shape, generator=source), noise)
        before, action = torch.cat([state, state], dim=1), torch.cat([action, action], dim=1)[..., 0].long()
        logits = disc.logits(before, action, after).unflatten(1, (2, -1))  # of real ones, and of imagined ones
        return softplus(sign * logits).sum(1).mean(-1)

    sizes: list[int] = []
    training_rows, held_out_rows = rows(training_data), rows(held_out)
    objective = Objective(
        lambda chosen: loss(_rows(training_rows, chosen), local),
        lambda: loss(held_out_rows, seeded(held_out_seed)),  # the same fakes every time
        training_rows.shape[1],
    )
    return _minimise(disc, objective, how, torch.zeros(disc.runs), generator, progress)


@dataclass(frozen=True)
class Objective:
    """R losses (R,) to minimise: of minibatches of row numbers (R, B) below `size`, and of what is held out."""

    minibatch_loss: Callable[[Tensor], Tensor]
    held_out_loss: Callable[[], Tensor]
    size: int


@torch.enable_grad()  # wherever it is called, and whatever the stop button leaves
def _minimise(
    network: RoadNetwork,
    objective: Objective,
    how: Training,
    offset: Tensor,
    generator: Generator | None,
    progress: bool,
) -> Fit:
    """AdamW on the sum of R losses; each run keeps its best parameters, also if it is interrupted."""
    local, runs, size = spawn(generator), network.runs, objective.size
    patience = how.steps if how.patience is None else how.patience
    first_row = torch.arange(runs)[:, None] * size  # of each run, in the rows of all
    parameters = list(network.parameters())
    with torch.no_grad():
        best = _Best(parameters, objective.held_out_loss())
    optimiser = AdamW(parameters)
    log: list[tuple[Tensor, Tensor, Tensor]] = []
    try:
        for step in trange(1, how.steps + 1, disable=not progress, leave=False, desc=type(network).__name__):
            losses = objective.minibatch_loss(first_row + torch.randint(size, (runs, how.batch), generator=local))
            gradients = torch.autograd.grad(losses.sum(), parameters)  # given ones it would load sympy
            rate = how.learning_rate * (1 + math.cos(math.pi * (step - 1) / how.steps)) / 2
            optimiser.step(gradients, rate, how.weight_decay)
            if step % EVALUATE_EVERY and step != how.steps:
                continue
            with torch.no_grad():
                now = objective.held_out_loss()
            log.append((torch.tensor(step), losses.detach(), now))
            best.look(step, now, patience)
            if (best.dead | (step - best.step > patience)).all():
                break
    finally:  # the stop button too
        best.restore()
    best.warn(type(network).__name__)
    at, training_losses, held_out_losses = (torch.stack(each) for each in zip(*log, strict=True))
    return Fit(at, training_losses, held_out_losses, best.step, offset, best.lost >= 0)


class _Best:
    """The parameters of every run's least held-out loss so far.

    Attributes
    ----------
    loss, step : (R,), that loss and when it was seen; infinite and 0 if it never was a number
    lost : (R,), the step since which no look found finite loss and parameters; −1 if the last one did
    dead : (R,), whether the parameters are finite no longer, and so never will be
    """

    def __init__(self, parameters: list[Tensor], loss: Tensor) -> None:
        self.parameters = parameters
        self.kept = [p.detach().clone() for p in parameters]
        self.loss = torch.where(loss.isfinite(), loss, torch.inf)
        self.step = torch.zeros(len(loss), dtype=torch.long)
        self.lost = torch.where(loss.isfinite(), -1, 0)
        self.dead = torch.zeros_like(loss, dtype=torch.bool)

    def look(self, step: int, loss: Tensor, patience: int) -> None:
        """Keep the parameters of every run whose loss (R,) is its least, unless it is out of patience."""
        self.dead = ~torch.stack([p.detach().isfinite().flatten(1).all(1) for p in self.parameters]).all(0)
        good = loss.isfinite() & ~self.dead
        better = good & (loss < self.loss) & (step - self.step <= patience)
        self.loss, self.step = torch.where(better, loss, self.loss), torch.where(better, step, self.step)
        self.lost = torch.where(good, -1, torch.where(self.lost < 0, step, self.lost))
        pairs, chosen = zip(self.kept, self.parameters, strict=True), better[:, None, None]
        self.kept = [torch.where(chosen, p.detach(), kept) for kept, p in pairs]  # all at once

    @torch.no_grad()
    def restore(self) -> None:
        """Give the network its best parameters back."""
        torch._foreach_copy_(self.parameters, self.kept)

    def warn(self, name: str) -> None:
        """Warn of the runs that diverged."""
        if not (lost := self.lost.ge(0).nonzero().flatten().tolist()):
            return
        runs = "" if len(self.lost) == 1 else f" in {len(lost)} of {len(self.lost)} runs; in run {lost[0]}"
        since, kept = self.lost[lost[0]].item(), self.step[lost[0]].item()
        text = (
            f"the fit of a {name} diverged{runs}: by step {since} its held-out loss or its parameters were finite no "
            f"longer, and it keeps those of step {kept}. Try a lower learning_rate, or data that are not so large"
        )
        caution.warn(text, DivergedFit)


def _check_pair(disc: object, model: object) -> None:
    validate.instance("disc", disc, Discriminator)
    if isinstance(model, type) or not all(hasattr(model, name) for name in ("transition", "kinematics", "runs")):
        raise ValueError(f"model must be a DynamicsModel, got {validate.shown(model)}")
    if disc.runs != model.runs:
        raise ValueError(f"disc and model must have equally many runs, got {disc.runs} and {model.runs}")
    sizes = [validate.sizes(one) for one in (disc, model)]
    if sizes[0] != sizes[1]:
        raise ValueError(f"disc and model must be of one road, got (coordinates, actions) {sizes[0]} and {sizes[1]}")


def _check_run(network: RoadNetwork, generator: object, progress: object) -> None:
    if any(t.is_inference() for t in network.tensors()):
        name = "disc" if isinstance(network, Discriminator) else "model"
        raise ValueError(f"{name} must be made outside torch.inference_mode() to be fitted, got one made in it")
    validate.generator("generator", generator)
    validate.boolean("progress", progress)


def _check_size(network: RoadNetwork, how: Training, held_out: Episodes, copies: int = 1) -> None:
    """Refuse a fit whose network would look at more at a time than fits; at `copies` of each transition."""
    width = sum(weight.shape[1] for weight in network.mlp.weights)
    for name, transitions in (("batch", how.batch), ("data", held_out.reward.shape[1])):
        factors = (network.runs, copies, transitions, width)
        size, way_out = " × ".join(f"{n:,}" for n in factors), "give fewer, or fit fewer runs side by side"
        limits.at_most(limits.ACTIVATIONS, "numbers in the layers", name, math.prod(factors), way_out, size)


def _for_runs(data: Episodes, network: RoadNetwork) -> Episodes:
    """The data, of the network's precision, with a leading axis of its runs."""
    validate.instance("data", data, Episodes, ", as collect gives")
    for field in fields(data):
        validate.instance(f"data.{field.name}", getattr(data, field.name), Tensor)
    precise = network.centre.dtype
    data = data.check(network.env).map(lambda t: (t.to(precise) if t.is_floating_point() else t.long()).detach())
    if data.state.ndim == 3:
        return data.map(lambda t: t.expand(network.runs, *t.shape))
    if data.state.ndim != 4 or len(data.state) != network.runs:
        raise ValueError(f"data must have a leading axis of runs = {network.runs}, got {tuple(data.state.shape)}")
    return data


def _weights(data: Episodes, weighting: str | Tensor) -> tuple[Tensor, Tensor]:
    """Weights (R, E, T) of mean one for every transition, and the offset (R,) of one reward that they call for."""
    none = torch.zeros(len(data.reward))
    if isinstance(weighting, Tensor | np.ndarray | list | tuple):
        weighting = validate.numbers("weighting", weighting, masks=True)
        shapes = (data.reward.shape, data.reward.shape[1:])
        if weighting.shape not in shapes:
            expected = " or ".join(str(tuple(shape)) for shape in shapes)
            raise ValueError(f"weighting must have shape {expected}, got {tuple(weighting.shape)}")
        weight = weighting.to(data.reward).expand(data.reward.shape)
        mean = weight.mean((-2, -1), keepdim=True)
        if not (weight >= 0).all() or not ((mean > 0) & mean.isfinite()).all():
            raise ValueError(
                f"weighting must be finite, at least 0 and not 0 throughout, got {validate.shown(weighting)}"
            )
        return weight / mean, none
    if validate.choice("weighting", weighting, ("uniform", "return")) == "uniform":
        return torch.ones_like(data.reward), none
    weight, lowest = return_weights(data.returns)
    length = data.reward.shape[-1]
    return weight[..., None].expand(data.reward.shape), lowest[:, 0] / length  # R(τ) − lowest = Σ_t (r_t − c)


def _in_both_parts(data: Episodes, weight: Tensor, named: bool) -> Tensor:
    """The weights (R, E, T), one for each of a run's training, or held-out, episodes if none of these has any.

    Raises ValueError in place of that if the weights were given and not `named`.
    """
    for part, chosen in zip(("training", "held-out"), data.parts(), strict=True):
        none = (weight[:, chosen] == 0).flatten(1).all(1)
        if not none.any():
            continue
        runs = "" if len(none) == 1 else f" in {int(none.sum())} of {len(none)} runs"
        if not named:
            numbers = chosen.nonzero().flatten().tolist()
            got = f"only 0 in episodes {validate.shown(numbers)}{runs}"
            raise ValueError(f"weighting must be above 0 somewhere in the {part} episodes, got {got}")
        text = f"no {part} episode has a return above the least of all{runs}, and so a weight: they are weighted alike"
        caution.warn(f"{text}. Try more episodes, or rewards that are less sparse", UserWarning)
        weight = torch.where(none[:, None, None] & chosen[:, None], 1.0, weight)
    return weight


def _rows(t: Tensor, chosen: Tensor) -> Tensor:
    """The chosen rows (R, B, ...) of t (R, N, ...), numbered across the runs."""
    return t.flatten(0, 1).index_select(0, chosen.flatten()).unflatten(0, chosen.shape)


def _transitions(data: Episodes) -> Episodes:
    """Episodes (R, E, T, ...) as loose transitions (R, E·T, ...)."""
    return data.map(lambda t: t.flatten(1, 2))
