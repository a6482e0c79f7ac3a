"""Registry of analyses: those of this package, and those that others add by entry points of the group GROUP."""

from __future__ import annotations

import functools
from typing import Protocol

from playground.analyses.analysis import Analysis
from playground.errors import InputError
from playground.extensions import added, shipped

GROUP = "steering_playground.analyses"


class OfKind(Protocol):
    """A request, which says the name of its analysis."""

    @property
    def KIND(self) -> str: ...


@functools.cache
def analyses() -> dict[str, Analysis]:
    """All analyses by name, in the order in which they are offered; of two of one name the first that was found."""
    found: dict[str, Analysis] = {}
    for analysis in (*shipped("playground.analyses", "ANALYSIS", Analysis), *added(GROUP, Analysis)):
        found.setdefault(analysis.name, analysis)
    return {each.name: each for each in sorted(found.values(), key=lambda each: (each.place, each.name))}


def measured() -> dict[str, Analysis]:
    """Those that ask the model something: all but comparisons of whole sets."""
    return {name: analysis for name, analysis in analyses().items() if analysis.over != "sets"}


def of(request: OfKind) -> Analysis:
    """The analysis of a request."""
    return analyses()[request.KIND]


def labelled(label: str) -> Analysis:
    """The analysis that the page calls so. Raises InputError for one there is not."""
    for analysis in analyses().values():
        if analysis.label == label:
            return analysis
    labels = ", ".join(each.label for each in analyses().values())
    raise InputError(f"Expected a kind of measurement, got “{label}”; choose {labels}.")
