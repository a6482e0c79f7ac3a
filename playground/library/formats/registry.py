"""Registry of formats: those of this package, and those that others add by entry points of the group GROUP."""

from __future__ import annotations

import functools

from playground.extensions import added, shipped
from playground.library.formats.format import Format, Holds

GROUP = "steering_playground.formats"


@functools.cache
def formats(holds: Holds) -> dict[str, Format]:
    """The formats of files with such content, by name where they have one, else by suffix; of two alike the first that
    was found.
    """
    found: dict[str, Format] = {}
    for each in (*shipped("playground.library.formats", "FORMAT", Format), *added(GROUP, Format)):
        if each.holds == holds:
            found.setdefault(each.name or each.suffix, each)
    ordered = sorted(found.values(), key=lambda each: (each.place, each.suffix))
    return {each.name or each.suffix: each for each in ordered}
