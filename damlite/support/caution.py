"""Warnings that point at the reader's own line."""

import sys
import warnings

OURS = ("damlite", "contextlib", "torch")  # what stands between that line and here


def warn(text: str, kind: type[Warning]) -> None:
    """Warn at the innermost line outside the package."""
    frame, level = sys._getframe(1), 2
    while frame.f_back is not None and frame.f_globals.get("__name__", "").partition(".")[0] in OURS:
        frame, level = frame.f_back, level + 1
    warnings.warn(text, kind, stacklevel=level)
