"""What is trained or driven for a picture."""

import torch
from torch import Tensor

from ..data import Episodes, Policy, collect
from ..discriminator import Discriminator
from ..envs import Environment, IcyRoad, Intersection
from ..fitting import Training
from ..loop import Learned, learn
from ..mixture import seeded
from ..models import DynamicsModel
from ..planning import Belief, Exhaustive, policy
from ..recipe import Recipe, our_recipe
from ..support import validate


def learn_velocities(
    env: Environment, data: Episodes, components: int, generator: torch.Generator | None = None
) -> Learned:
    """A velocity-predicting model and its discriminator, fitted for 1,000 steps each without instance noise."""
    training = Training(steps=1000)
    recipe = Recipe(planner=Exhaustive(), model_training=training, discriminator_training=training, instance_noise=0.0)
    return learn(env, data, "disc", components, "velocity", recipe, generator)


def fitted_example(
    threshold: float = 2.0,
    episodes: int = 400,
    components: int = 1,
    seed: int = 0,
    env: IcyRoad | None = None,
) -> tuple[IcyRoad, DynamicsModel, Discriminator]:
    """`learn_velocities` from random episodes of a road: the road, the model and the discriminator."""
    env = IcyRoad(threshold=threshold) if env is None else validate.instance("env", env, IcyRoad)
    validate.integer("components", components)
    generator = seeded(validate.integer("seed", seed, least=0))
    data = collect(env, episodes=episodes, generator=generator)
    learned = learn_velocities(env, data, components, generator)
    return env, learned.model, learned.disc


def both_turns(env: Intersection, act: Policy | None = None, seed: int = 0) -> list[Tensor]:
    """One episode's states (T + 1, S) with the oncoming car turning left, and one with it turning right.

    act : a policy as for `collect`; by default the planner that knows the road
    """
    validate.environment("env", env)
    validate.policy("act", act)
    validate.integer("seed", seed, least=0)
    act = policy(our_recipe(env).planner, Belief(env)) if act is None else act
    states = []
    for side in env.sides():
        data = collect(side, act, episodes=1, generator=seeded(seed))
        states.append(torch.cat([data.state[0], data.next_state[0, -1:]]))
    return states
