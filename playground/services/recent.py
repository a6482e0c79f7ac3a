"""The last runs and errors of this process, without any text: what a bug report tells of them.

Of a request only numbers, true or false, and words out of fixed lists are kept; of an error its type and the places in
the code. Prompts, names of sets, labels, paths and messages are never kept.
"""

from __future__ import annotations

import functools
import logging
import math
import traceback
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any

import playground
from playground.core.positions import POSITIONS
from playground.library import checks, direction
from playground.methods.base.registry import registered
from playground.methods.base.setting import settings_of

LOG = logging.getLogger("playground.verbose")
"""What is logged here holds no text of a user; services/verbose.py writes it to a file."""

KEPT = 20
"""Runs, and errors, that are kept."""
FEW = 16
"""Entries of a list beyond which only their number is kept."""
DEEP = 4
"""Requests inside requests that are looked into."""
_ROOT = Path(playground.__file__).resolve().parents[1]


@dataclass(frozen=True)
class Run:
    """A request that was run: its class, and its settings as `settings` gives them."""

    kind: str
    settings: dict[str, Any]


@dataclass(frozen=True)
class Failure:
    """An error: its type, those of its causes, and the places in the code from the outermost to where it was raised."""

    types: tuple[str, ...]
    places: tuple[str, ...]


RUNS: deque[Run] = deque(maxlen=KEPT)
FAILURES: deque[Failure] = deque(maxlen=KEPT)


def ran(request: object) -> None:
    """Keep the settings of a request that is being run."""
    run = Run(type(request).__name__, settings(request))
    RUNS.append(run)
    LOG.info("run %s %s", run.kind, run.settings)


def failed(error: BaseException) -> None:
    """Keep the type and the places of an error."""
    failure = failure_of(error)
    FAILURES.append(failure)
    LOG.info("error %s at %s", " from ".join(failure.types), ", ".join(failure.places))


def failure_of(error: BaseException) -> Failure:
    """Type and places of an error, without its message."""
    types: list[str] = []
    cause = error
    while len(types) < FEW:
        types.append(type(cause).__name__)
        following = cause.__cause__ or cause.__context__
        if following is None:
            break
        cause = following
    frames = traceback.extract_tb(error.__traceback__)[-FEW:]
    return Failure(tuple(types), tuple(f"{_file(frame.filename)}:{frame.lineno} {frame.name}" for frame in frames))


def settings(request: object, deep: int = DEEP) -> dict[str, Any]:
    """Numbers, truth values and choices in the fields of a request; of all else what it is, or how many there are."""
    if not is_dataclass(request):
        return {}
    choices, kept = _choices(), {}
    for field in fields(request):
        value = getattr(request, field.name, None)
        kept[field.name] = value if value in choices.get(field.name, ()) else _kept(value, deep)
    return kept


def _kept(value: object, deep: int) -> Any:
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, list | tuple) and len(value) <= FEW and not any(isinstance(entry, str) for entry in value):
        return [_kept(entry, deep - 1) for entry in value]
    if isinstance(value, list | tuple | Mapping):
        return f"({len(value)} entries)"
    return settings(value, deep - 1) if deep > 0 and is_dataclass(value) else f"({type(value).__name__})"


@functools.cache
def _choices() -> dict[str, tuple[object, ...]]:
    """The words that a field of a request may have, where they come out of a fixed list."""
    methods = registered()
    words: dict[str, tuple[object, ...]] = {
        "method": tuple(methods),
        "positions": POSITIONS,
        "unit": (*checks.UNITS, *direction.UNITS),
    }
    for method in methods.values():
        words |= {name: setting.choices for name, setting in settings_of(method.settings).items() if setting.choices}
    return words


def _file(name: str) -> str:
    """A file of the code by its place in the package or in the installed packages: no folder of a user."""
    path = Path(name)
    if path.is_relative_to(_ROOT / "playground"):
        return path.relative_to(_ROOT).as_posix()
    parts = path.parts
    if "site-packages" in parts:
        return "/".join(parts[parts.index("site-packages") + 1 :])
    return path.name
