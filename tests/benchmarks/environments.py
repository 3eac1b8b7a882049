"""Steps a second of the roads, driven at random: `dl.collect` beside Gymnasium's vector API.

python tests/benchmarks/environments.py
"""

from functools import partial

import gymnasium
from measure import in_turn, show

import damlite as dl

ROADS = {"damlite/IcyRoad-v0": dl.IcyRoad(), "damlite/Intersection-v0": dl.Intersection()}


def gymnasiums(name, cars, steps):
    """A function that takes so many random steps with a vector of cars."""
    cars = gymnasium.make_vec(name, num_envs=cars, vectorization_mode="sync")
    cars.action_space.seed(0)

    def drive():
        cars.reset(seed=0)
        for _ in range(steps):
            cars.step(cars.action_space.sample())

    return drive


def rows(seconds=1.0, rivals=True, numbers=(1, 100, 2000)):
    """Of both, for each road and number of cars: steps a second."""
    for name, env in ROADS.items():
        for cars in numbers:
            calls = {"Gymnasium vector": gymnasiums(name, cars, env.horizon)} if cars < 2000 else {}
            calls["damlite collect"] = partial(dl.collect, env, episodes=cars)
            for contender, took in in_turn(calls, seconds).items():
                size = f"{type(env).__name__}, {cars} {'car' if cars == 1 else 'cars'}"
                yield "environments", size, contender, cars * env.horizon / took / 1e3, "thousand steps/s"


if __name__ == "__main__":
    show(rows)
