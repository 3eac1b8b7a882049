"""Is discrimination easier in high dimensions (Sec. 3.1)? Classifiers on the ice, with coordinates that mean nothing.

Two kinds of q: a road with other odds, which is wrong in nothing but its own coordinates; and models fitted to the
data, which err a little in every distractor too. Either way p/q is known, and so is the best that a classifier can do.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import pandas as pd
import torch
from torch import Tensor
from torch.nn.functional import softplus

from .. import exact
from ..data import Episodes, collect
from ..diagnostics import effective_sample_size
from ..discriminator import Discriminator
from ..envs import Distracted, Environment, IcyRoad
from ..estimate import LogRatio
from ..fitting import Training, fit_discriminator, fit_model
from ..mixture import Kinematics, Mixture, seeded
from ..models import DynamicsModel
from ..support import validate
from ..support.threads import one_thread
from .kept import MODELS

DISTRACTORS = (0, 4, 16, 64)
OTHER_ODDS = 0.5  # of a kick, of the road that is no model
FRESH = 200  # episodes of each run that classifiers are judged on
COLUMNS = ["distractors", "q", "quantity", "run", "value"]


@dataclass(frozen=True)
class KnownDynamics:
    """An environment's dynamics in the place of R models."""

    env: Environment
    runs: int

    @property
    def kinematics(self) -> Kinematics:
        """The environment's."""
        return self.env.kinematics

    def transition(self, state: Tensor, action: Tensor) -> Mixture:
        """The environment's."""
        return self.env.transition(state, action)


@one_thread()
def run(
    distractors: tuple[int, ...] = DISTRACTORS,
    runs: int = 4,
    *,
    episodes: int = 400,
    training: Training | None = None,
    seed: int = 0,
) -> pd.DataFrame:
    """Fit models and classifiers to random episodes on the ice, for every number of distractors.

    Parameters
    ----------
    distractors : numbers D of `Distracted`
    runs : R data sets, models and classifiers
    episodes : of each data set
    training : of every fit; by default 1,000 steps
    seed : of all that is random

    Returns
    -------
    Table with `COLUMNS`. q is "other odds", "Gaussian" or "mixture" (velocities); quantities, each in nats unless it is
    a share, all of transitions that no fit has seen:
    "divergence", E_p[log p/q], how wrong q is;
    "to be told", 2 log 2 less the loss of the best classifier, twice the Jensen-Shannon divergence of p and q;
    "told", the same of the fitted one;
    "effective share", "learned effective share", N_eff/N of the weights, exact and learned, of one step.
    """
    training = Training(steps=1000) if training is None else validate.instance("training", training, Training)
    validate.integer("runs", runs)
    validate.integer("episodes", episodes)
    rows = []
    for count in validate.batch("distractors", distractors):
        generator = seeded(seed)
        road = Distracted(env=IcyRoad(), distractors=count)
        data, fresh = (collect(road, episodes=e, runs=runs, generator=generator) for e in (episodes, FRESH))
        other = Distracted(env=IcyRoad(swerve_prob=OTHER_ODDS), distractors=count)
        proposals = {"other odds": KnownDynamics(other, runs)}
        for name, components in MODELS.items():
            model = DynamicsModel(road, components, "velocity", runs, generator)
            fit_model(model, data, generator=generator, **vars(training))
            proposals[name] = model
        for name, q in proposals.items():
            disc = Discriminator(road, runs, generator)
            fit_discriminator(disc, q, data, generator=generator, **vars(training))
            for quantity, values in _judged(q, disc, partial(exact.log_ratio, road, q), fresh, generator):
                rows += [(count, name, quantity, number, value) for number, value in enumerate(values.tolist())]
    return pd.DataFrame(rows, columns=COLUMNS)


@torch.no_grad()
def _judged(
    q: KnownDynamics | DynamicsModel,
    disc: Discriminator,
    log_ratio: LogRatio,
    fresh: Episodes,
    generator: torch.Generator,
) -> Iterator[tuple[str, Tensor]]:
    """Every quantity, one value a run."""
    state, action, real = (t.flatten(1, 2) for t in (fresh.state, fresh.action, fresh.next_state))
    imagined = q.transition(state, action).sample(generator=generator)
    best, learned = (
        [ratio(state, action, later).double() for later in (real, imagined)] for ratio in (log_ratio, disc.log_ratio)
    )
    yield "divergence", best[0].mean(-1)
    for name, (of_real, of_imagined) in (("to be told", best), ("told", learned)):
        loss = softplus(-of_real) + softplus(of_imagined)
        yield name, 2 * math.log(2) - loss.mean(-1)
    for name, (_, of_imagined) in (("effective share", best), ("learned effective share", learned)):
        yield name, effective_sample_size(of_imagined) / of_imagined.shape[-1]
