"""Million imagined transitions a second, one thread: `dl.estimate_value` beside mbrl-lib and plain PyTorch.

    python tests/benchmarks/planning.py

Interleaved, medians; before anything is timed the values of all agree to 1e-4, with a model that is sure.
"""

from functools import cache, partial

import torch
from measure import in_turn, show
from rivals import PlainLoop, TunedLoop, mbrl_lib

import damlite as dl

SIZES = {"4-D, horizon 5": (dl.IcyRoad(), 5), "10-D, horizon 25": (dl.Intersection(), 25)}
SEQUENCES = (100, 500, 2000)


def speed_of(state):
    """A reward that costs next to nothing, of the state that a step leads to."""
    return state[..., 2]


def reward(state, action):
    return state[..., 2]


def fitted(env, components, **changes):
    g = dl.seeded(0)
    data = dl.collect(env, episodes=60, generator=g)
    recipe = dl.our_recipe(env).but(steps=20, features=False, std_range=(0.0, float("inf")), start="random", **changes)
    return dl.learn(env, data, "disc", components, "state", recipe, g)


def sure(learned):
    """The model with next to no noise, so that all must agree on the values."""
    model = learned.model
    f = model.features
    with torch.no_grad():
        model.mlp.weights[-1][:, :, 1 + f :] = 0
        model.mlp.biases[-1][:, :, 1 + f :] = -18
    return model


@cache
def one_more(actions):
    """Ours asks for r(s_1), ..., r(s_H), others for r(s_2), ..., r(s_{H+1}): an action more, made before the clock."""
    return torch.cat([actions, actions[:, :1]], -1)


def contenders(env, learned, mixture, rivals=True):
    """Functions of (state, actions): values of the H states that H actions lead to, and ours that of the first."""

    def ours(model, log_ratio=None):
        def values(state, actions):
            return dl.estimate_value(model, reward, state, one_more(actions), log_ratio, particles=1)

        return values

    found = {"mbrl-lib": mbrl_lib(learned.model, speed_of)} if rivals else {}
    found |= {
        "plain PyTorch": PlainLoop(learned.model, speed_of),
        "tuned PyTorch": TunedLoop(learned.model, speed_of),
        "damlite K = 1": ours(learned.model),
        "damlite K = 1, discriminator": ours(learned.model, learned.disc.log_ratio),
        "damlite K = 4": ours(mixture.model),
    }
    return found


def agree(env, rivals=True):
    """Raise AssertionError if the values of contenders with the same model differ by more than 1e-4."""
    learned, mixture = fitted(env, 1), fitted(env, 4)
    sure(learned)
    state, actions = env.initial_state(), torch.randint(3, (50, 5), generator=dl.seeded(1))
    values = {name: found(state, actions) for name, found in contenders(env, learned, mixture, rivals).items()}
    for name, found in values.items():
        if "," not in name and "4" not in name:
            found = found - reward(state, None) if "damlite" in name else found
            torch.testing.assert_close(found, values["plain PyTorch"], atol=1e-4, rtol=1e-4, msg=name)


def rows(seconds=1.0, rivals=True):
    """Of every size and contender: million transitions a second, and how many times the first one's."""
    for size, (env, horizon) in SIZES.items():
        agree(env, rivals)
        found = contenders(env, fitted(env, 1), fitted(env, 4), rivals)
        state = env.initial_state()
        for n in SEQUENCES:
            actions = torch.randint(3, (n, horizon), generator=dl.seeded(1))
            calls = {name: partial(call, state, actions) for name, call in found.items()}
            for name, took in in_turn(calls, seconds).items():
                yield "planning", f"{size}, N = {n}", name, n * horizon / took / 1e6, "million transitions/s"


if __name__ == "__main__":
    show(rows)
