"""Extensions: objects that modules of a package hold, and those that other distributions add by entry points."""

from __future__ import annotations

import importlib
import logging
import pkgutil
from importlib.metadata import entry_points
from typing import Any, TypeVar

_LOG = logging.getLogger(__name__)
T = TypeVar("T")


def shipped(package: str, attribute: str, kind: type[T]) -> list[T]:
    """The `attribute` of every module and package right in `package` that has one."""
    modules = pkgutil.iter_modules(importlib.import_module(package).__path__)
    found = (getattr(importlib.import_module(f"{package}.{module.name}"), attribute, None) for module in modules)
    return [each for each in found if isinstance(each, kind)]


def added(group: str, kind: type[T]) -> list[T]:
    """What other distributions add to an entry-point group. A broken one is logged with its name, and left out."""
    found = []
    for point in sorted(entry_points(group=group), key=lambda point: point.name):
        try:
            made = point.load()
            if not isinstance(made, kind):
                raise TypeError(f"{point.value} is no {kind.__name__}")
        except Exception as error:  # a stranger's module: whatever it does, the program is to work without it
            _LOG.warning("%s “%s” is left out: %s: %s", group, point.name, type(error).__name__, error)
            continue
        found.append(made)
    return found


def resolve(path: str) -> Any:
    """What a path MODULE:NAME stands for, or MODULE alone; imported when it is used."""
    module, _, name = path.partition(":")
    found = importlib.import_module(module)
    return getattr(found, name) if name else found
