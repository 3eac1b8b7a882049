"""What cases are drawn from: batches, mixtures, roads, a walk to imagine, and estimators."""

from dataclasses import dataclass

import torch
from hypothesis import strategies as st
from hypothesis.extra.numpy import mutually_broadcastable_shapes

import damlite as dl
from damlite.mixture import Kinematics, Mixture

SEEDS = st.integers(0, 2**32 - 1)
DTYPES = st.sampled_from([torch.float32, torch.float64])
BATCHES = st.lists(st.integers(1, 3), max_size=3).map(tuple)
KINEMATICS = st.sampled_from([Kinematics.every_coordinate(2), dl.IcyRoad.kinematics, dl.Intersection.kinematics])


def broadcastable(count):
    """So many batch shapes that broadcast, and what they broadcast to."""
    return mutually_broadcastable_shapes(num_shapes=count, max_dims=3, max_side=3)


def close(one, other, dtype=torch.float32, rounding=1.0):
    """Equal up to rounding, which may add up to so many times what it usually is."""
    tolerance = rounding * {torch.float32: 2e-5, torch.float64: 1e-10}[dtype]
    torch.testing.assert_close(one, other, rtol=tolerance, atol=tolerance, equal_nan=False)


@st.composite
def mixtures(draw, batch=None, kinematics=KINEMATICS, sharpness=1.0):
    """Mixtures of any batch, number of components and dtype; a greater sharpness makes weights more unequal."""
    batch = draw(BATCHES) if batch is None else batch
    kinematics, k, dtype, g = draw(kinematics), draw(st.integers(1, 5)), draw(DTYPES), dl.seeded(draw(SEEDS))
    size = (*batch, k, len(kinematics.random))
    return Mixture(
        (sharpness * torch.randn(*batch, k, generator=g, dtype=dtype)).log_softmax(-1),
        2 * torch.randn(size, generator=g, dtype=dtype),
        0.1 + torch.rand(size, generator=g, dtype=dtype),
        torch.randn(*batch, len(kinematics.keep), generator=g, dtype=dtype),
        kinematics,
    )


PROBABILITIES = st.floats(0, 1)
ICY_ROADS = st.builds(
    dl.IcyRoad,
    threshold=st.floats(-1, 6),
    swerve_prob=PROBABILITIES,
    swerve_speed=st.floats(0, 3),
    swerve_spread=st.floats(0, 1),
    noise=st.floats(0.01, 1),
)
CROSSINGS = st.builds(
    dl.Intersection, left_prob=PROBABILITIES, crash_distance=st.floats(0, 5), noise=st.floats(0.01, 0.5)
)
ROADS = st.one_of(ICY_ROADS, CROSSINGS)


def distracted(roads):
    """Such roads, with coordinates beside them."""
    return st.builds(dl.Distracted, env=roads, distractors=st.integers(0, 4), memory=st.floats(0, 0.99))


ENVIRONMENTS = st.one_of(ROADS, distracted(ROADS))


def states_of(env, batch, seed, dtype=torch.float32):
    """States around those that random drivers reach, and far from them."""
    g = dl.seeded(seed)
    driven = dl.collect(env, episodes=4, generator=g).state.flatten(0, 1).to(dtype)
    chosen = driven[torch.randint(len(driven), batch, generator=g)]
    spread = 10 ** (3 * torch.rand(*batch, 1, generator=g, dtype=dtype) - 2)
    return chosen + spread * torch.randn(chosen.shape, generator=g, dtype=dtype)


def actions_of(env, batch, seed):
    """Actions of this batch, uniform."""
    return torch.randint(env.n_actions, batch, generator=dl.seeded(seed))


@dataclass(frozen=True)
class Walk(dl.Environment):
    """One coordinate: s' = 0.8 s + a − 1 + std ε; rewards and log-ratios are waves."""

    std: float = 0.0
    n_actions: int = 3
    horizon: int = 5
    scale: float = 1.0
    shift: float = 0.0

    state_names = ("s",)
    action_names = ("left", "stay", "right", "far")
    kinematics = Kinematics.every_coordinate(1)

    def initial_state(self, *batch):
        return torch.zeros(*batch, 1)

    def transition(self, state, action):
        mean = (0.8 * state + action[..., None] - 1)[..., None]
        return Mixture(torch.zeros_like(mean[..., 0]), mean, torch.full_like(mean, self.std), state, self.kinematics)

    def reward(self, state, action):
        return self.scale * ((3 * state[..., 0]).sin() + action) + self.shift


def ratio_of(size, sharp=False):
    """A log-ratio within ±size: a wave, or one that jumps from one end to the other."""

    def log_ratio(state, action, next_state):
        wave = torch.sin(7 * next_state[..., 0] + 3 * state[..., 0] + action)
        return size * (wave.sign() if sharp else wave)

    return log_ratio


def estimators(kind=dl.Estimator, **given):
    """Estimators, or planners, with every choice drawn that is not given."""
    choices = {
        "particles": st.integers(1, 6),
        "weight": st.sampled_from(["ratio", "sigmoid"]),
        "estimator": st.sampled_from(["per_decision", "eq4", "trajectory"]),
        "normalise": st.sampled_from([False, True, "excess"]),
        "clip": st.none() | st.floats(0, 10),
        "common_random_numbers": st.booleans(),
        "stratified": st.booleans(),
        "flatten": st.floats(0, 1),
        "correction": st.sampled_from(["weight", "reward"]),
        "correction_scale": st.floats(0, 3),
        "resample": st.none() | st.floats(0.1, 1),
        "discount": st.floats(0, 1),
    }
    return st.builds(kind, **{**choices, **given})
