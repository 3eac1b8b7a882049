"""What a sweep keeps: each piece's table as it ends, under a fingerprint of all that its numbers hang on."""

import contextlib
import hashlib
import inspect
import io
import re
import secrets
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import pandas as pd
import torch
from torch import Tensor

from ..data import collect
from ..envs import Environment
from ..mixture import seeded
from ..recipe import Recipe
from ..support import validate

PACKAGE = Path(__file__).resolve().parent.parent
SHOWN = ("results", "figures", "lessons", "stored")  # folders beside the method's: they show its numbers
EPISODES, IMAGINED = 32, 1000  # how often an environment is asked what it does
SECONDS = "# seconds: "  # that the work took; a piece of an older layout has no such line
SEAL = "# sha256 of the lines above: "
CELL = ["road", "predict", "model", "method"]
COLUMNS = [*CELL, "run", "round", "return"]  # of a piece
MODELS = {"Gaussian": 1, "mixture": 4}  # K, the number of components


class Piece(NamedTuple):
    """One chunk of stacked runs of one cell; the first run's number is the seed."""

    road: str
    predict: str
    model: str
    method: str
    first: int
    runs: int


def fingerprint(env: Environment, recipe: Recipe, device: str = "cpu", models: Mapping[str, int] | None = None) -> str:
    """A name for all that a piece's numbers hang on: what the environment does, recipe, K, device, torch, the method.

    An environment is known by what it answers to fixed questions, whatever it is called; a difference that shows in
    none of the answers is not seen.

    models : K of each kind of model, by default `MODELS`
    """
    validate.environment("env", env)
    validate.instance("recipe", recipe, Recipe)
    facts = (
        env,
        recipe,
        dict(MODELS if models is None else models),
        device,
        torch.get_default_dtype(),
        torch.__version__,
    )
    digest = hashlib.sha256(f"{without_addresses(facts)}\n{_source(type(recipe.planner))}".encode())
    for answer in behaviour(env):
        digest.update(f"{answer.dtype} {tuple(answer.shape)}".encode())
        digest.update(answer.detach().cpu().contiguous().numpy().tobytes())
    for path in method_files():
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def method_files() -> list[Path]:
    """The source of the method, without the results, the pictures, the lessons and the command line."""
    found = (path for path in PACKAGE.rglob("*.py") if path.relative_to(PACKAGE).parts[0] not in SHOWN)
    return sorted(path for path in found if path.name != "__main__.py")


def without_addresses(value: object) -> str:
    """The value's `repr`, the same in every process."""
    return re.sub(r" at 0x[0-9a-fA-F]+", "", repr(value))


def behaviour(env: Environment) -> Iterator[Tensor]:
    """What an environment says of itself and does: its sizes, random episodes, and its answers at imagined states."""
    sizes = (env.horizon, env.n_actions, len(env.state_names))
    yield torch.tensor(list(f"{sizes} {env.kinematics} {env.state_names} {env.action_names}".encode()))
    for road in (env, *env.sides()):
        generator = seeded(0)
        data = collect(road, episodes=EPISODES, generator=generator)
        yield from (data.state, data.action, data.reward, data.next_state)
        for state in _imagined(data.state.flatten(0, -2), generator):
            action = torch.randint(road.n_actions, state.shape[:-1], generator=generator)
            yield torch.as_tensor(road.reward(state, action))
            yield torch.as_tensor(road.features(state))
            if road.kinematics is not None:
                mixture = road.transition(state, action)
                yield from (mixture.log_weights, mixture.means, mixture.stds)


def _imagined(state: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """States like those of a model that errs a little, and of one that errs far: (IMAGINED, S) each, of states (N, S).

    In the second, each feature comes from a state of its own, so that what seldom meets does (two cars, say).
    """
    count, size = state.shape
    chosen = torch.randint(count, (2, IMAGINED, size), generator=generator)
    noise = torch.randn((2, IMAGINED, size), generator=generator)
    spread = state.std(0)
    near = state[chosen[0, :, 0]] + 0.3 * spread * noise[0]
    return near, state.gather(0, chosen[1]) + (spread + 1) * noise[1]


def _source(kind: type) -> str:
    """The source of a planner's functions, if it is of one's own: the package's is in `method_files`."""
    found = []
    for base in kind.__mro__:
        for function in vars(base).values():
            if inspect.isfunction(function) and not base.__module__.startswith(f"{PACKAGE.name}."):
                with contextlib.suppress(OSError, TypeError):  # made by a dataclass, or typed in without a file
                    found.append(inspect.getsource(function))
    return "\n".join(found)


def check_writable(folder: str | Path) -> Path:
    """Return the folder, made where it is missing; raise ValueError if nothing can be written to it."""
    try:
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except (OSError, TypeError, ValueError) as error:
        raise ValueError(f"folder must be one that can be written to, got {str(folder)!r}: {error}") from None


def check_name(road: object) -> str:
    """Return a road's name; raise ValueError if no file can be called so."""
    if not isinstance(road, str) or not re.fullmatch(r"[^\s./\\:*?\"<>|\x00-\x1f][^/\\:*?\"<>|\x00-\x1f]{0,99}", road):
        raise ValueError(f"roads must have names that a file can have (no / or the like), got {road!r}")
    return road


def piece_of(table: pd.DataFrame) -> Piece:
    """The piece whose table this is."""
    return Piece(*table[CELL].iloc[0], int(table["run"].min()), int(table["run"].nunique()))


def name_of(piece: Piece) -> str:
    """What a piece is called, in files and in settings."""
    return "-".join([*piece[:4], f"{piece.first}+{piece.runs}"])


def _path(folder: Path, piece: Piece) -> Path:
    return folder / f"{name_of(piece)}.csv"


def write_piece(folder: Path, table: pd.DataFrame) -> Path:
    """Keep a piece's table as CSV, the seconds that it took, and a checksum; the file appears at once and whole."""
    folder.mkdir(parents=True, exist_ok=True)
    path = _path(folder, piece_of(table))
    text = table.to_csv(index=False)
    if "seconds" in table.attrs:
        text += f"{SECONDS}{table.attrs['seconds']}\n"
    return write_whole(path, f"{text}{SEAL}{hashlib.sha256(text.encode()).hexdigest()}\n")


def write_whole(path: Path, text: str) -> Path:
    """Write a file that appears at once and whole; what was there stays if the new one cannot be written."""
    unfinished = path.with_suffix(f".{secrets.token_hex(4)}.tmp")  # writers on several machines may share a folder
    try:
        unfinished.write_text(text)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
    return path


def read_piece(folder: Path, piece: Piece) -> pd.DataFrame | None:
    """The kept table of a piece; None if there is none, or, with a warning that names it, a damaged or foreign file.

    Raises
    ------
    ValueError
        If something that is no file stands in its place.
    """
    path = _path(folder, piece)
    if not path.exists():
        return None
    if not path.is_file():
        raise ValueError(f"{path} must be a file, got something else: move it away")
    text, _, seal = path.read_text(errors="replace").rpartition(SEAL)
    if seal.strip() != hashlib.sha256(text.encode()).hexdigest():
        warnings.warn(f"{path} is truncated or changed; its runs are computed again", stacklevel=2)
        return None
    text, _, seconds = text.partition(SECONDS)
    table = read_returns(io.StringIO(text)).round({"return": 4})
    if table.empty or list(table) != COLUMNS or piece_of(table) != piece:
        warnings.warn(f"{path} holds another piece; its runs are computed again", stacklevel=2)
        return None
    if seconds:
        table.attrs["seconds"] = float(seconds)
    return table


def read_returns(source: Path | io.StringIO) -> pd.DataFrame:
    """A table of returns from CSV; a road may be called "1" or "NA"."""
    names = dict.fromkeys(CELL, str)
    return pd.read_csv(source, dtype=names, keep_default_na=False, na_values={"return": [""]})
