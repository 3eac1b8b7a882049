"""Pictures: they draw on given axes or return a figure, and compute nothing. Truth is blue, the model orange."""

from .density import LOG_FLOOR, NextVelocity, draw_next_velocity, figure2_right
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
from .style import DYNAMICS_STYLE, GREY, METHOD_STYLE, MODEL, TRUTH, WEIGHT, encode, figure, png, show, style
from .tables import beyond, cells, draw_cells, draw_learning, draw_rounds, draw_variants

__all__ = [
    "CARS",
    "DYNAMICS_STYLE",
    "GREY",
    "LOG_FLOOR",
    "METHOD_STYLE",
    "MODEL",
    "TRUTH",
    "WEIGHT",
    "Crossing",
    "NextVelocity",
    "animate",
    "beyond",
    "cells",
    "draw_cells",
    "draw_episodes",
    "draw_intersection",
    "draw_learning",
    "draw_next_velocity",
    "draw_road",
    "draw_rounds",
    "draw_variants",
    "encode",
    "figure",
    "figure2_left",
    "figure2_right",
    "picture",
    "png",
    "render",
    "show",
    "style",
]
