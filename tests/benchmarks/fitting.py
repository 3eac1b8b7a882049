"""Model-steps a second (runs × steps), batch 128, one thread: damlite's fits beside mbrl-lib's trainer.

python tests/benchmarks/fitting.py
"""

from functools import partial

import numpy as np
from measure import in_turn, show

import damlite as dl

BATCH = 128


def mbrl_lib(env, data):
    """A function that fits mbrl-lib's Gaussian network of the same size for about so many steps, and says how many."""
    import mbrl.models
    from mbrl.types import TransitionBatch
    from mbrl.util import TransitionIterator
    from omegaconf import OmegaConf
    from torch.nn.functional import one_hot

    def iterator(part, shuffle):
        state, next_state = (t.flatten(0, 1).numpy() for t in (part.state, part.next_state))
        action = one_hot(part.action.flatten(), env.n_actions).float().numpy()
        nothing = np.zeros(len(state), dtype=bool)
        batch = TransitionBatch(state, action, next_state, part.reward.flatten().numpy(), nothing, nothing)
        return TransitionIterator(batch, BATCH, shuffle_each_epoch=shuffle), batch

    size = len(env.state_names)
    activation = OmegaConf.create({"_target_": "torch.nn.SiLU"})
    network = mbrl.models.GaussianMLP(
        size + env.n_actions, size, "cpu", num_layers=2, hid_size=64, activation_fn_cfg=activation
    )
    model = mbrl.models.OneDTransitionRewardModel(network, target_is_delta=True, normalize=True, learned_rewards=False)
    (training, batch), (held_out, _) = (iterator(part, i == 0) for i, part in enumerate(data.split()))
    model.update_normalizer(batch)
    trainer = mbrl.models.ModelTrainer(model, optim_lr=1e-3, weight_decay=1e-4)

    def fit(steps):
        epochs = max(1, round(steps / len(training)))
        trainer.train(training, held_out, num_epochs=epochs, silent=True)
        return epochs * len(training)

    return fit


def ours(env, runs, components=1, discriminator=False):
    """The same of damlite: a model of R runs, or its discriminator."""
    data = dl.collect(env, episodes=400, runs=runs, generator=dl.seeded(0))
    how = {"generator": dl.seeded(1), "batch": BATCH}
    model = dl.DynamicsModel(env, components, "state", runs, generator=dl.seeded(0))
    disc = dl.Discriminator(env, runs, generator=dl.seeded(0))
    dl.fit_model(model, data, steps=1, **how)

    def fit(steps):
        if discriminator:
            dl.fit_discriminator(disc, model, data, steps=steps, instance_noise=0.1, **how)
        else:
            dl.fit_model(model, data, steps=steps, **how)
        return steps * runs

    return fit


def rows(seconds=1.0, rivals=True, steps=100):
    """Of every contender: model-steps a second."""
    env = dl.IcyRoad()
    fits = {"mbrl-lib, one run": mbrl_lib(env, dl.collect(env, episodes=400))} if rivals else {}
    fits |= {f"damlite Gaussian, {n} run{'s' * (n > 1)}": ours(env, n) for n in (1, 8, 32)}
    fits["damlite mixture of four, 8 runs"] = ours(env, 8, 4)
    fits["damlite discriminator, 8 runs"] = ours(env, 8, discriminator=True)
    taken = {name: fit(steps) for name, fit in fits.items()}
    for name, took in in_turn({name: partial(fit, steps) for name, fit in fits.items()}, seconds).items():
        yield "fitting", f"batch {BATCH}", name, taken[name] / took, "model-steps/s"


if __name__ == "__main__":
    show(rows)
