"""Marks: each check can add a line to a file, for whoever collects them."""

import json
import os
import warnings
from datetime import UTC, datetime
from pathlib import Path

VARIABLE = "DAMLITE_MARKS"  # of the environment; names the file
_told: dict[str, str] = {}  # "path": what `marks_to` was told; "unwritable": the file that has been warned of


def marks_to(path: str | os.PathLike | None) -> None:
    """Let every check from now on add a line to this file; None: to the file that DAMLITE_MARKS names, if any."""
    _told.clear()
    if path is not None:
        _told["path"] = os.fspath(path)


def record(lesson: str, exercise: str, right: bool, verdict: str) -> None:
    """Add a line of JSON to the file of marks, if there is one: time (UTC), lesson, exercise, right, verdict.

    A file that cannot be written is warned of once.
    """
    path = _told.get("path") or os.environ.get(VARIABLE)
    if not path:
        return
    now = datetime.now(UTC).isoformat(timespec="seconds")
    line = {"time": now, "lesson": lesson, "exercise": exercise, "right": right, "verdict": verdict}
    try:
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(json.dumps(line, ensure_ascii=False) + "\n")
    except (OSError, ValueError) as error:
        if _told.get("unwritable") != path:
            _told["unwritable"] = path
            warnings.warn(f"no marks are kept: {path!r} cannot be written ({error})", stacklevel=2)
