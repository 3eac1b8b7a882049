"""AdamW by torch's own kernel, and not by its optimiser, which loads torch.compile at first: seconds."""

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor
from torch.optim import adamw as functional


class AdamW:
    """AdamW (Loshchilov and Hutter, 2019) with torch's default β and ε.

    Parameters
    ----------
    parameters : tensors of any shapes, changed in place by every step
    """

    def __init__(self, parameters: Iterable[Tensor]) -> None:
        self.parameters = list(parameters)
        self.momenta = [[torch.zeros_like(p) for p in self.parameters] for _ in range(2)]
        self.counts = [torch.tensor(0.0) for _ in self.parameters]

    @torch.no_grad()
    def step(self, gradients: Sequence[Tensor], learning_rate: float, weight_decay: float) -> None:
        """Move the parameters, given a gradient for each of them in its shape."""
        functional.adamw(
            self.parameters,
            list(gradients),
            *self.momenta,
            [],
            self.counts,
            amsgrad=False,
            beta1=0.9,
            beta2=0.999,
            lr=learning_rate,
            weight_decay=weight_decay,
            eps=1e-8,
            maximize=False,
            fused=True,
        )
