"""Pictures: they draw on given axes or return a figure, and compute nothing. Truth is blue, the model orange."""

from .density import LOG_FLOOR, NextVelocity, draw_next_velocity, figure2_right
from .ledger import RECIPE_STYLE, draw_ledger, forest
from .roads import (
    CARS,
    Crossing,
    animate,
    draw_episodes,
    draw_intersection,
    draw_road,
    figure2_left,
    picture,
    render,
)
from .style import DYNAMICS_STYLE, GREY, METHOD_STYLE, MODEL, TRUTH, WEIGHT, drawn, encode, figure, png, show, style
from .sweeps import CAPTIONS, draw_ladder, draw_particles, draw_tornado, ladder, particle_axis, tornado
from .tables import beyond, by_recipe, cells, draw_cells, draw_learning, draw_recipes, draw_rounds, draw_variants

__all__ = [
    "CAPTIONS",
    "CARS",
    "DYNAMICS_STYLE",
    "GREY",
    "LOG_FLOOR",
    "METHOD_STYLE",
    "MODEL",
    "RECIPE_STYLE",
    "TRUTH",
    "WEIGHT",
    "Crossing",
    "NextVelocity",
    "animate",
    "beyond",
    "by_recipe",
    "cells",
    "draw_cells",
    "draw_episodes",
    "draw_intersection",
    "draw_ladder",
    "draw_learning",
    "draw_ledger",
    "draw_next_velocity",
    "draw_particles",
    "draw_recipes",
    "draw_road",
    "draw_rounds",
    "draw_tornado",
    "draw_variants",
    "drawn",
    "encode",
    "figure",
    "figure2_left",
    "figure2_right",
    "forest",
    "ladder",
    "particle_axis",
    "picture",
    "png",
    "render",
    "show",
    "style",
    "tornado",
]
