"""The methods there are: those of this package, and what others register under an entry point."""

from __future__ import annotations

import functools

from playground.errors import InputError
from playground.extensions import added, shipped
from playground.library.text import listed
from playground.methods.base.method import Column, Method

GROUP = "steering_playground.methods"
"""The entry-point group; a value is "module:METHOD"."""


@functools.cache
def registered() -> dict[str, Method]:
    """Every method by name, in the order of menus; of two of one name the first that was found."""
    found: dict[str, Method] = {}
    for method in (*shipped("playground.methods", "METHOD", Method), *added(GROUP, Method)):
        found.setdefault(method.name, method)
    return {method.name: method for method in sorted(found.values(), key=lambda one: (one.rank, one.name))}


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
