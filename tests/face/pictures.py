"""The public face: pictures. What they show of right arguments is tested beside them."""

import functools

import pandas as pd
import torch
from matplotlib.axes import Axes

from damlite.figures import density, figure, fitted, ledger, map, png, roads, speed, sweeps, tables
from damlite.results import choices, fitted_map
from damlite.results import sweeps as runs

from .calls import Public
from .kinds_learning import CROSSING, ROAD, disc, episodes, model
from .tables import choice_table, judged, returns, summary, sweep


@functools.cache
def ax() -> Axes:
    """What wrong arguments leave empty."""
    return figure()[1][0, 0]


@functools.cache
def map_table() -> pd.DataFrame:
    """One road's map of two q's."""
    rows = [
        ("IcyRoad", q, weights, numbers, p, 100, 3.0 - q, 0.1, 0.1, 0.1, 0.1)
        for q, weights in ((0.9, "none"), (0.2, "exact + shift"))
        for numbers in ("own", "common")
        for p in (1, 5)
    ]
    names = ["road", "probability", "weights", "numbers", "particles", "candidates", "return", "stderr"]
    return pd.DataFrame(rows, columns=[*names, *map.QUANTITIES])


def fitted_table() -> pd.DataFrame:
    """One cell's two runs."""
    rows = [("IcyRoad", "mixture", "likelihood", "none", "own", 1, 4, run, 2.0 + run) for run in range(2)]
    names = ["road", "model", "fit", "weights", "numbers", "particles", "episodes", "run", "return"]
    return pd.DataFrame(rows, columns=names)


def ratio_table() -> pd.DataFrame:
    """One rung's two runs."""
    rows = [("IcyRoad", "paper", "state", "none", "per_decision", "return", 0, run, 2.0 + run) for run in range(2)]
    names = ["road", "networks", "predict", "rung", "estimator", "quantity", "step", "run", "value"]
    return pd.DataFrame(rows, columns=names)


def picture(name: str, call: object, good: object, /, **kinds: str) -> Public:
    """A picture's row; drawing takes long, and is looked at elsewhere."""
    return Public(f"figures.{name}", call, good, kinds, says={"state": "state or states"}, slow=True)


TWO_PREDICTS = pd.concat([returns(), returns().assign(predict="velocity")])
ICY = ROAD.transition(ROAD.initial_state(), torch.tensor(2))
PATHS = [torch.zeros(3, 10)] * 2
ICE = torch.zeros(3, 4)
SUMMARY = summary().assign(recipe="our")
RUNGS = runs.summarise(sweep())
TORNADO = runs.differences(sweep().replace({"variant": {"1": runs.AS_CHOSEN, "20": "batch: 20"}}))
RATIOS = pd.DataFrame({"road": ["IcyRoad"], "networks": ["paper"], "predict": ["state"], "rung": ["none"]})
RATIOS = RATIOS.assign(**{f"{of}{word}": 1.0 for of in fitted.ESTIMATOR_STYLE for word in ("", " stderr")})
JUDGED = judged()[judged()["source"] == "Table 1"].assign(recipe="our")
BEST = pd.DataFrame({"road": ["IcyRoad"], "particles": [1], "best": [0.5], "least": [0.4], "most": [0.6]})
SPEED = pd.DataFrame(
    [
        ("planning", "horizon 25, N = 3", "us", 1.0),
        ("growth", "plan", "5", 1.0),
        ("growth", "plan, exponent", "5 to 50", 1.0),
    ],
    columns=["group", "size", "contender", "value"],
)

PUBLIC = [
    picture(
        "draw_rounds",
        tables.draw_rounds,
        lambda: {"ax": ax(), "returns": returns()[returns()["model"] == "mixture"], "optimum": 9.0},
        ax="axes",
        returns="rounds to draw",
        optimum="optimum",
    ),
    picture(
        "draw_cells",
        tables.draw_cells,
        lambda: {"ax": ax(), "table": SUMMARY[::-1], "model": "mixture", "optimum": 9.0},
        ax="axes",
        table="cells to draw",
        model="one there",
        optimum="optimum",
    ),
    picture(
        "draw_recipes",
        tables.draw_recipes,
        lambda: {"ax": ax(), "summary": SUMMARY[SUMMARY["model"] == "mixture"]},
        ax="axes",
        summary="recipes to draw",
    ),
    picture(
        "draw_variants",
        tables.draw_variants,
        lambda: {"ax": ax(), "table": choices.summarise(choice_table()), "order": ["1", "20"]},
        ax="axes",
        table="variants to draw",
    ),
    picture(
        "cells",
        tables.cells,
        lambda: {"returns": returns(), "predict": "state", "road": "IcyRoad"},
        returns="returns",
        predict="one there",
        road="one there",
    ),
    picture(
        "by_recipe",
        tables.by_recipe,
        lambda: {"summary": SUMMARY, "road": "IcyRoad", "predict": "state"},
        summary="recipes",
        road="one there",
        predict="one there",
    ),
    picture(
        "beyond",
        tables.beyond,
        lambda: {"table": choices.summarise(choice_table()), "choice": "particles"},
        table="variants' means",
    ),
    picture(
        "forest",
        ledger.forest,
        lambda: {"judged": judged(), "road": "IcyRoad", "predict": "state"},
        judged="ledger",
        road="one there",
        predict="one there",
    ),
    picture(
        "draw_ledger",
        ledger.draw_ledger,
        lambda: {"ax": ax(), "judged": JUDGED, "optimum": 9.0},
        ax="axes",
        judged="ledger to draw",
        optimum="optimum",
    ),
    picture(
        "draw_ladder",
        sweeps.draw_ladder,
        lambda: {"ax": ax(), "summary": RUNGS},
        ax="axes",
        summary="rungs to draw",
    ),
    picture(
        "draw_particles",
        sweeps.draw_particles,
        lambda: {"ax": ax(), "summary": RUNGS},
        ax="axes",
        summary="numbers to draw",
    ),
    picture(
        "draw_tornado",
        sweeps.draw_tornado,
        lambda: {"ax": ax(), "differences": TORNADO[TORNADO["pair"] == "dam − disc"], "order": ["batch"]},
        ax="axes",
        differences="bars to draw",
        order="choices to draw",
    ),
    picture(
        "ladder",
        sweeps.ladder,
        lambda: {"returns": sweep(), "model": "mixture"},
        returns="sweep",
        model="one there",
    ),
    picture("particle_axis", sweeps.particle_axis, lambda: {"returns": sweep()}, returns="particles of a sweep"),
    picture(
        "tornado",
        sweeps.tornado,
        lambda: (
            {"returns": sweep().replace({"variant": {"1": runs.AS_CHOSEN, "20": "batch: 20"}})}
            | {"road": "IcyRoad", "model": "mixture"}
        ),
        returns="pairs of a sweep",
        road="one there",
        model="one there",
    ),
    picture(
        "map.draw_map",
        map.draw_map,
        lambda: {"ax": ax(), "rows": map_table()[map_table()["numbers"] == "own"]},
        ax="axes",
        rows="map's rows",
    ),
    *(
        picture(
            f"map.{draw.__name__}",
            draw,
            lambda more=more: {"table": map_table(), "road": "IcyRoad", **more},
            table="map to draw",
            road="one there",
            **dict.fromkeys(more, "one there"),
        )
        for draw, more in (
            (map.who_wins, {"candidates": 100}),
            (map.by_candidates, {"numbers": "own"}),
            (map.explained, {"candidates": 100, "numbers": "own"}),
        )
    ),
    picture(
        "map.best_proposals",
        map.best_proposals,
        lambda: {"best": BEST, "truth": {"IcyRoad": 0.9}},
        best="best to draw",
        truth="truth",
    ),
    picture(
        "fitted.draw_fitted_map",
        fitted.draw_fitted_map,
        lambda: {"ax": ax(), "summary": fitted_map.summarise(fitted_table())},
        ax="axes",
        summary="means to draw",
    ),
    picture(
        "fitted.draw_ratios",
        fitted.draw_ratios,
        lambda: {"ax": ax(), "summary": RATIOS},
        ax="axes",
        summary="bars of ratios",
    ),
    picture(
        "fitted.fitted_cells",
        fitted.fitted_cells,
        lambda: {"table": fitted_table(), "road": "IcyRoad", "model": "mixture"},
        table="fitted to draw",
        road="one there",
        model="one there",
    ),
    picture(
        "fitted.ratio_ladder",
        fitted.ratio_ladder,
        lambda: {"table": ratio_table(), "road": "IcyRoad", "networks": "paper"},
        table="ratios to draw",
        road="one there",
        networks="one there",
    ),
    picture("speed", speed.speed, lambda: {"table": SPEED}, table="speed to draw"),
    picture(
        "figure2_right",
        density.figure2_right,
        lambda: {"env": ROAD, "model": model(), "disc": disc(), "samples": 3},
        env="env",
        model="model",
        disc="disc",
        samples="count",
    ),
    picture(
        "draw_next_velocity",
        density.draw_next_velocity,
        lambda: {"ax": ax(), "truth": ICY, "model": ICY, "samples": torch.ones(3), "log_weights": torch.zeros(3)},
        ax="axes",
        truth="one of the ice",
        model="one of the ice",
        samples="samples to draw",
        log_weights="arrows",
    ),
    picture(
        "NextVelocity.show_density",
        lambda name, mixture: density.NextVelocity(ax()).show_density(name, mixture),
        lambda: {"name": "truth p", "mixture": ICY},
        name="drawn density",
        mixture="one of the ice",
    ),
    picture(
        "NextVelocity.show_weights",
        lambda arrows, **shown: density.NextVelocity(ax(), arrows=arrows).show_weights(**shown),
        lambda: {"arrows": True, "samples": torch.ones(3), "log_weights": torch.zeros(3)},
        arrows="no arrows",
        samples="arrows",
        log_weights="arrows",
    ),
    picture(
        "Crossing.show",
        lambda ax, env, states: roads.Crossing(ax, env).show(states),
        lambda: {"ax": ax(), "env": CROSSING, "states": PATHS[0]},
        ax="axes",
        env="env",
        states="states of a path",
    ),
    picture(
        "draw_learning",
        tables.draw_learning,
        lambda: {"axes": figure(2, 2)[1], "returns": TWO_PREDICTS, "optimum": 9.0},
        axes="four axes",
    ),
    picture("png", png, lambda: {"fig": figure()[0]}, fig="figure"),
    picture(
        "draw_road",
        roads.draw_road,
        lambda: {"ax": ax(), "env": ROAD, "states": ICE},
        ax="axes",
        env="env",
        states="planned state",
    ),
    picture(
        "draw_episodes",
        roads.draw_episodes,
        lambda: {"ax": ax(), "env": ROAD, "data": episodes(), "title": "driven"},
        ax="axes",
        env="env",
        data="data to draw",
    ),
    picture(
        "draw_intersection",
        roads.draw_intersection,
        lambda: {"ax": ax(), "env": CROSSING, "states": PATHS[0]},
        ax="axes",
        env="env",
        states="planned state",
    ),
    picture(
        "figure2_left",
        roads.figure2_left,
        lambda: {"env": CROSSING, "episodes": PATHS, "step": 1},
        env="env",
        episodes="two paths",
        step="count",
    ),
    picture("animate", roads.animate, lambda: {"env": CROSSING, "episodes": PATHS}, env="env", episodes="two paths"),
    picture(
        "picture",
        lambda env, states: roads.picture(env, states),
        lambda: {"env": ROAD, "states": ICE},
        env="env",
        states="planned state",
    ),
    picture("render", roads.render, lambda: {"env": ROAD, "state": ICE[0]}, env="env", state="planned state"),
]
