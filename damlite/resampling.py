"""Sequential Monte Carlo: particles of small weight make room for copies of those of large weight."""

import math
from collections.abc import Callable

import torch
from torch import Tensor


def resampled_steps(
    state: Tensor,
    actions: list[Tensor],
    move: Callable[[Tensor, Tensor], Tensor],
    weigh: Callable[[Tensor, Tensor, Tensor], Tensor],
    resample: Callable[[Tensor, Tensor], tuple[Tensor | None, Tensor]],
    uniform: Tensor,
) -> list[tuple[Tensor, Tensor, Tensor | None]]:
    """P particles through H steps, resampled before each (Doucet & Johansen, 2009).

    Parameters
    ----------
    state : (..., P, S), s_1
    actions : H tensors (..., P)
    move : function of (state, action), s_{t+1} ~ q(· | s_t, a_t)
    weigh : function of (state, action, next_state), the log-weight (..., P) of a transition
    resample : function of the log-weights (..., P) and of numbers (..., 1), as `survivors`
    uniform : (H - 1, ..., 1), the numbers of every step, so that none hangs on what was resampled before, or elsewhere

    Returns
    -------
    Of every step, as it was before resampling: states (..., P, S), log-weights (..., P) of all transitions so far, and
    which of its particles each of the next step descends from (..., P), or None: each from its own.
    """
    log_w, steps = state.new_zeros(actions[0].shape), []
    for action, numbers in zip(actions[:-1], uniform, strict=True):
        ancestor, carried = resample(log_w, numbers)
        steps.append((state, log_w, ancestor))
        if ancestor is not None:
            state = state.gather(-2, ancestor[..., None].expand(state.shape))
        next_state = move(state, action)
        log_w, state = carried + weigh(state, action, next_state), next_state
    return [*steps, (state, log_w, None)]


def survivors(log_w: Tensor, uniform: Tensor, threshold: float) -> tuple[Tensor | None, Tensor]:
    """Resample the particles wherever their effective sample size is below threshold·P.

    Copies carry the mean weight, so that for every function E[1/P Σ w f] stays what it was, and estimates unbiased.

    Parameters
    ----------
    log_w : (..., P), log-weights
    uniform : (..., 1), as `systematic`
    threshold : in (0, 1]

    Returns
    -------
    Of each particle its ancestor (..., P), or None if nothing is resampled; and the log-weights after it. Particles
    whose log-weights are no numbers stay as they are.
    """
    size, log_sum = log_w.shape[-1], log_w.logsumexp(-1, keepdim=True)
    few = (2 * log_sum - (2 * log_w).logsumexp(-1, keepdim=True)).exp() < threshold * size  # NaN is not
    if not few.any():
        return None, log_w
    ancestor = torch.where(few, systematic(log_w, uniform), torch.arange(size, device=log_w.device))
    return ancestor, torch.where(few, log_sum - math.log(size), log_w)


def systematic(log_w: Tensor, uniform: Tensor) -> Tensor:
    """Systematic resampling (Kitagawa, 1996): particle i is drawn P·w_i/Σw times, rounded up or down at random.

    Parameters
    ----------
    log_w : (..., P), log-weights
    uniform : one number on [0, 1) for each set of particles, (..., 1); may be shared between sets

    Returns
    -------
    Numbers (..., P) of the particles drawn, in ascending order.
    """
    edges = log_w.double().softmax(-1).cumsum(-1)
    places = (torch.arange(log_w.shape[-1], device=log_w.device) + uniform.to(edges)) / log_w.shape[-1]
    places = (places * edges[..., -1:]).expand(edges.shape).contiguous()  # rounding leaves the last edge not quite at 1
    return torch.searchsorted(edges, places, right=True).clamp(max=log_w.shape[-1] - 1)
