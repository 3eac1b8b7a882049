"""The public face: networks, exact truth and diagnostics."""

import torch

import damlite as dl

from .calls import Public
from .kinds_learning import ROAD, disc, model
from .roads import ACTION, NEXT, STATE

NETWORK = {"hidden": (4,), "box": 3.0, "features": True}
KINDS = {"hidden": "widths", "box": "optional size", "features": "flag"}
VELOCITIES = dl.DynamicsModel(ROAD, 1, generator=dl.seeded(0), hidden=(4,))
TRANSITION = {"state": STATE, "action": ACTION, "next_state": NEXT}
TRANSITION_KINDS = {"state": "states", "action": "actions", "next_state": "states"}
P, Q = torch.tensor([0.2, 0.3, 0.5]), torch.tensor([0.5, 0.25, 0.25])
FINITE = {"p": P, "q": Q, "returns": torch.tensor([1.0, -2.0, 3.0])}


def some(*names: str, **more: object) -> dict[str, object]:
    """Arguments of a question about a finite distribution."""
    return {name: FINITE[name] for name in names} | more


PUBLIC = [
    Public(
        "dl.DynamicsModel",
        dl.DynamicsModel,
        lambda: {
            "env": ROAD,
            "components": 2,
            "predict": "state",
            "runs": 2,
            "generator": dl.seeded(0),
            **NETWORK,
            "std_range": (0.1, 1.5),
            "start": "random",
        },
        {
            "env": "env",
            "components": "count",
            "predict": "choice",
            "runs": "count",
            "generator": "generator",
            **KINDS,
            "std_range": "range",
            "start": "choice",
        },
    ),
    Public(
        "dl.Discriminator",
        dl.Discriminator,
        lambda: {"env": ROAD, "runs": 2, "generator": dl.seeded(0), **NETWORK},
        {"env": "env", "runs": "count", "generator": "generator", **KINDS},
    ),
    Public(
        "dl.DynamicsModel.transition",
        model().transition,
        lambda: {"state": STATE, "action": ACTION},
        {"state": "states", "action": "actions"},
    ),
    Public("dl.Discriminator.log_ratio", disc().log_ratio, lambda: dict(TRANSITION), TRANSITION_KINDS),
    Public(
        "dl.exact.value",
        dl.exact.value,
        lambda: {"env": ROAD, "actions": torch.tensor([[2, 1, 1], [0, 1, 2]]), "discount": 0.9},
        {"env": "known ice", "actions": "planned actions", "discount": "probability"},
    ),
    Public(
        "dl.exact.best_sequence",
        dl.exact.best_sequence,
        lambda: {"env": ROAD, "discount": 0.9},
        {"env": "known ice", "discount": "probability"},
    ),
    Public(
        "dl.exact.optimum",
        dl.exact.optimum,
        lambda: {"env": ROAD, "discount": 0.9},
        {"env": "env", "discount": "probability"},
    ),
    Public(
        "dl.exact.closed_loop_optimum",
        dl.exact.closed_loop_optimum,
        lambda: {"env": ROAD, "discount": 0.9},
        {"env": "env", "discount": "probability"},
    ),
    Public(
        "dl.exact.log_ratio",
        dl.exact.log_ratio,
        lambda: {"env": ROAD, "model": VELOCITIES, **TRANSITION},
        {"env": "exact env", "model": "exact model", **TRANSITION_KINDS},
        {("next_state", "inf"): "nan"},
    ),
    Public(
        "dl.exact.weight_second_moment",
        dl.exact.weight_second_moment,
        lambda: {"p": ROAD.transition(STATE, ACTION), "q": VELOCITIES.transition(STATE, ACTION)},
        {"p": "mixture", "q": "mixture"},
    ),
    Public(
        "dl.exact.next_reward",
        dl.exact.next_reward,
        lambda: {"env": ROAD, "mixture": ROAD.transition(STATE, ACTION)},
        {"env": "known ice", "mixture": "mixture"},
    ),
    Public(
        "dl.exact.next_reward_variance",
        dl.exact.next_reward_variance,
        lambda: {"env": ROAD, "state": STATE, "action": ACTION, "q": VELOCITIES.transition(STATE, ACTION)},
        {"env": "known ice", "state": "states", "action": "actions", "q": "optional mixture"},
    ),
    Public("dl.exact.chi_square", dl.exact.chi_square, lambda: some("p", "q"), dict.fromkeys("pq", "distribution")),
    Public(
        "dl.exact.least_variance_proposal",
        dl.exact.least_variance_proposal,
        lambda: some("p", "returns"),
        {"p": "distribution", "returns": "returns of outcomes"},
    ),
    Public(
        "dl.exact.estimate_variance",
        dl.exact.estimate_variance,
        lambda: some("p", "q", "returns", particles=3),
        {**dict.fromkeys("pq", "distribution"), "returns": "returns of outcomes", "particles": "count"},
        {("returns", "zeros"): "finite"},
    ),
    Public(
        "dl.diagnostics.effective_sample_size",
        dl.diagnostics.effective_sample_size,
        lambda: {"log_w": torch.tensor([[0.1, -0.3, 0.5], [2.0, 1.0, -4.0]]), "dim": -1},
        {"log_w": "log weights", "dim": "dim"},
    ),
    Public(
        "dl.diagnostics.pareto_k",
        dl.diagnostics.pareto_k,
        lambda: {"log_w": torch.randn(2, 60, generator=dl.seeded(0)), "dim": -1},
        {"log_w": "log weights", "dim": "dim"},
        {("dim", "first"): "runs"}  # too few
        | {("log_w", way): "error" for way in ("inf", "one infinite", "minus inf")},
    ),
    Public(
        "dl.diagnostics.calibration",
        dl.diagnostics.calibration,
        lambda: {
            "real_logit": torch.tensor([0.3, 2.0, -1.0]),
            "fake_logit": torch.tensor([-0.3, -2.0, 1.0]),
            "bins": 4,
        },
        {"real_logit": "logits", "fake_logit": "logits", "bins": "count"},
        {("fake_logit", "inf"): "nan"},  # of the bins that are empty
    ),
]
