"""How often a discriminator is right."""

from dataclasses import dataclass

import torch
from torch import Tensor

from ..support import validate


@dataclass(frozen=True)
class Calibration:
    """How often a discriminator's "real with probability D" is right.

    Attributes
    ----------
    predicted, observed : (bins,), mean prediction and share of real transitions in each bin (NaN if empty)
    count : (bins,), transitions in the bin
    error : mean of |predicted − observed| over the transitions, the expected calibration error
    """

    predicted: Tensor
    observed: Tensor
    count: Tensor
    error: float


def calibration(real_logit: Tensor, fake_logit: Tensor, bins: int = 10) -> Calibration:
    """Calibration of a discriminator from its logits for real and imagined transitions, of any shape.

    Parameters
    ----------
    real_logit, fake_logit : equally many logits; a calibrated D is right in a share D of the cases
    bins : of equal width on [0, 1]
    """
    real_logit, fake_logit = (
        validate.known(name, logit) for name, logit in (("real_logit", real_logit), ("fake_logit", fake_logit))
    )
    bins = validate.integer("bins", bins, most=10**6)
    if real_logit.numel() != fake_logit.numel() or real_logit.numel() == 0:
        got = f"{real_logit.numel()} and {fake_logit.numel()}"
        raise ValueError(f"real_logit and fake_logit must hold equally many logits, at least one, got {got}")
    probability = torch.cat([real_logit.flatten(), fake_logit.flatten()]).sigmoid().double()
    real = torch.arange(len(probability)) < real_logit.numel()
    index = (probability * bins).long().clamp(max=bins - 1)
    count = torch.bincount(index, minlength=bins)
    predicted = torch.bincount(index, weights=probability, minlength=bins) / count
    observed = torch.bincount(index, weights=real.double(), minlength=bins) / count
    error = (count * (predicted - observed).abs()).nan_to_num().sum() / count.sum()
    return Calibration(predicted, observed, count, float(error))
