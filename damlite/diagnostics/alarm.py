"""Whether a sample of weights says that it must not be trusted, and the warning for it."""

import math
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from weakref import WeakSet

import torch
from torch import Tensor

from ..estimate import Dynamics, Estimator, LogRatio
from ..mixture import seeded
from ..ready import LATEST, scorer
from ..support import caution, validate
from ..together import together
from .weights import ALIKE, TRUSTWORTHY_K, above_cut_off, effective_sample_size, pareto_k, tail_size

FEWEST = 25  # weights below which nothing is said: a tail of five is the least that has a shape
SHARE = 0.1  # of the weights: an effective sample size below it is too small
MARGIN, CHANCE = 0.1, 1e-3  # by which the mean must be off one; how likely chance alone is to seem to show it
FRESH = 1000  # particles that a plan is imagined with once more, to look at their weights
EXAMINED: WeakSet = WeakSet()
LESSON = "Lesson 05, “Know when weights fail”, shows what it means and what helps"


class UntrustworthyWeights(UserWarning):
    """What a planner was given as the log of p/q makes weights that say themselves that they cannot be trusted.

    It is warned of once for every fitted discriminator, or other log-ratio, at the first plan that goes by it; a
    planner of one particle, which averages nothing, says nothing. The thresholds are those of `faults`. To be without:
    `warnings.simplefilter("ignore", dl.UntrustworthyWeights)`.
    """


@contextmanager
def quiet() -> Iterator[None]:
    """Without `UntrustworthyWeights`; a decorator too."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UntrustworthyWeights)
        yield


def faults(log_w: Tensor, used: Tensor | None = None, look_at_mean: bool = True) -> list[str]:
    """What is wrong with independent weights of samples of q, in words; of the first thing that is, for every run.

    1. Their effective sample size is below a tenth of N. In the long run it is N/(1 + χ²): χ²(p‖q) is above nine.
    2. k̂ > 0.7 (`pareto_k`): their mean converges so slowly that no number of them is enough. Where many of the largest
       are alike, as clipped ones are, their tail has no shape.
    3. Only if neither is so does their mean have a normal error to go by: it is off one by 0.1 more than by chance
       (two-sided, once in a thousand, shared among the runs). E_q[p/q] is one, and less where q has no support.

    Parameters
    ----------
    log_w : (N,) or (R, N), logarithms of p/q; of NaN nothing is known, and they count as weights of zero
    used : the same as a planner uses them, clipped or flattened; the first two look at these
    look_at_mean : False to leave out the third

    Returns
    -------
    Of each run that has a fault a sentence; fewer than 25 weights have none.
    """
    log_w = _finite(log_w)
    used = log_w if used is None else _finite(used)
    runs, size = log_w.shape
    if size < FEWEST:
        return []
    shares, tails = effective_sample_size(used) / size, pareto_k(used)
    w = log_w.exp()
    mean, error = w.mean(-1), w.std(-1) / math.sqrt(size)
    allowed = MARGIN + math.sqrt(2) * torch.erfinv(torch.tensor(1 - CHANCE / runs).double()) * error
    found = []
    columns = (t.tolist() for t in (shares, tails, _tied(used), mean, allowed))
    for share, k, tied, m, most in zip(*columns, strict=True):
        if share < SHARE:
            found.append(f"{size} imagined trajectories are worth {max(share * size, 1):.0f}")
        elif TRUSTWORTHY_K < k < math.inf and not tied:
            found.append(f"their tail has a Pareto k of {k:.2f}, above {TRUSTWORTHY_K}")
        elif look_at_mean and abs(m - 1) > most:
            found.append(f"their mean is {m:.2f} and not one")
    return found


def examine(
    dynamics: Dynamics,
    log_ratio: LogRatio,
    state: Tensor,
    actions: Tensor,
    used: Callable[[Tensor], Tensor],
    look_at_mean: bool = True,
) -> None:
    """Warn if the weights of a plan cannot be trusted; once for each log-ratio, and each fit of a discriminator.

    The plan was chosen for what its particles were worth, so they are no fair sample. Of each run's first state it is
    imagined once more, with fresh particles and random numbers of its own: nobody else's change. A log-ratio that
    cannot be asked so is asked about every state; if it cannot be asked so either, nothing is said.

    Parameters
    ----------
    dynamics, log_ratio : as of `estimate_value`
    state : (..., S) that were planned for, where axis 0 is R > 1 runs if either has so many
    actions : (..., H), the plans
    used : function of log-ratios, the log-weights that the planner makes of them
    look_at_mean : whether the weights must have a mean of one: not if the planner divides by it
    """
    if actions.shape[-1] < 2 or not _is_new(log_ratio):
        return
    runs = validate.runs(dynamics=dynamics, log_ratio=log_ratio)
    ratios = _fresh_ratios(dynamics, log_ratio, state, actions, runs)
    if not ratios:
        return
    log_w, weighed = (sum(each).reshape(-1, FRESH) for each in (ratios, map(used, ratios)))
    found, kind = faults(log_w, weighed, look_at_mean), "runs" if runs > 1 else "states"
    if found:
        where = "" if len(log_w) == 1 else f" in {len(found)} of {len(log_w)} {kind}; in the first of these"
        caution.warn(f"this plan's weights cannot be trusted{where}: {found[0]}. {LESSON}", UntrustworthyWeights)


def _fresh_ratios(dynamics: Dynamics, log_ratio: LogRatio, state: Tensor, actions: Tensor, runs: int) -> list[Tensor]:
    """Of every transition of fresh particles the log-ratios (..., FRESH).

    Of each run's first state; if that raises, as of a function that knows the batch that was planned for, of them all.
    """
    firsts = [t.reshape(runs, -1, t.shape[-1])[:, 0] for t in (state, actions)]
    for s, a in (firsts, (state.unsqueeze(-2), actions.unsqueeze(-2))):
        with suppress(Exception):  # whatever a function says to a batch that is not its own
            fresh = Estimator(particles=FRESH).imagine(dynamics, _no_reward, s, a, generator=seeded(0))
            moves = zip(fresh, fresh[1:], a[..., None].unbind(-2), strict=False)
            steps = [(now.state, act.expand(now.log_weight.shape), later.state) for now, later, act in moves]
            return together("log_ratio", scorer(log_ratio), steps, a.ndim - 1)
    return []


def _no_reward(state: Tensor, action: Tensor) -> Tensor:
    return state[..., 0]


def _is_new(log_ratio: LogRatio) -> bool:
    """Whether this log-ratio, or this fit of a discriminator, is asked about for the first time."""
    owner = getattr(log_ratio, "__self__", None)
    key = log_ratio if owner is None else owner
    try:
        key = LATEST.get(key, (key,))[0]  # of a network what was made ready to plan with: another after every fit
        new = key not in EXAMINED
        EXAMINED.add(key)
    except TypeError:  # it cannot be remembered
        return False
    return new


def _tied(log_w: Tensor) -> Tensor:
    """Whether more than a quarter of the weights that `pareto_k` fits equal their neighbours, to rounding."""
    largest = log_w.topk(tail_size(log_w.shape[-1]) + 1, dim=-1).values
    above = above_cut_off(largest)
    alike = (largest.diff(dim=-1).abs() < ALIKE) & above
    return alike.sum(-1) > 0.25 * above.sum(-1)


def _finite(log_w: Tensor) -> Tensor:
    log_w = torch.as_tensor(log_w).double().nan_to_num(nan=-math.inf)
    return log_w.reshape(-1, log_w.shape[-1]).clamp(-300, 300)  # of which squares can be summed
