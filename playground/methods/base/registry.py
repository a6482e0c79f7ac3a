"""The methods there are: those of this package, and what others register under an entry point."""

from __future__ import annotations

import functools
import importlib
import logging
import pkgutil
from importlib import metadata

from playground import methods as package
from playground.errors import InputError
from playground.library.text import listed
from playground.methods.base.method import Column, Method

ENTRY_POINTS = "steering_playground.methods"
"""The entry-point group; a value is "module:METHOD"."""

_log = logging.getLogger(__name__)


@functools.cache
def registered() -> dict[str, Method]:
    """Every method by name, in the order of menus. One of another package that cannot be used is logged and left
    out."""
    found = [
        importlib.import_module(f"{package.__name__}.{module.name}").METHOD
        for module in pkgutil.iter_modules(package.__path__)
        if module.name != "base"
    ]
    for point in metadata.entry_points(group=ENTRY_POINTS):
        try:
            method = point.load()
        except Exception as error:  # another package's code: whatever it raises, the rest goes on without it
            _log.warning("method %s (%s) is left out: %s: %s", point.name, point.value, type(error).__name__, error)
            continue
        if not isinstance(method, Method) or method.name in {one.name for one in found}:
            why = "its name is taken" if isinstance(method, Method) else "it is no Method"
            _log.warning("method %s (%s) is left out: %s", point.name, point.value, why)
            continue
        found.append(method)
    return {method.name: method for method in sorted(found, key=lambda one: (one.rank, one.name))}


def method_of(name: object) -> Method:
    """The method of this name. Raises InputError when there is none."""
    found = registered().get(name) if isinstance(name, str) else None
    if found is None:
        raise InputError(f"Expected a method: {listed(registered())}, got {name!r}; choose one of them.")
    return found


def called(name: str) -> str:
    """What a method is called in running text; the name itself for one that is not here."""
    return registered()[name].called if name in registered() else name


def norm_of(name: str) -> str:
    """What norms of a method's rows mean, as in Method; "unit", nothing, for one that is not here."""
    return registered()[name].norm if name in registered() else "unit"


@functools.cache
def columns() -> tuple[Column, ...]:
    """Columns of all methods, each once."""
    every = {column.name: column for method in registered().values() for column in method.values}
    return tuple(every.values())
