"""Registry of analyses: those of this package, and those that others add by entry points of the group GROUP."""

from __future__ import annotations

import functools
from typing import Protocol

from playground.analyses.analysis import Analysis
from playground.errors import InputError
from playground.extensions import added, shipped

GROUP = "steering_playground.analyses"


class OfKind(Protocol):
    """A request: `KIND` is the name of its analysis."""

    @property
    def KIND(self) -> str: ...


@functools.cache
def analyses() -> dict[str, Analysis]:
    """All analyses by name, in the order of their places; of two with one name the first that was found."""
    found: dict[str, Analysis] = {}
    for analysis in (*shipped("playground.analyses", "ANALYSIS", Analysis), *added(GROUP, Analysis)):
        found.setdefault(analysis.name, analysis)
    return {each.name: each for each in sorted(found.values(), key=lambda each: (each.place, each.name))}


def measured() -> dict[str, Analysis]:
    """The analyses that run the model: all but comparisons of whole sets."""
    return {name: analysis for name, analysis in analyses().items() if analysis.over != "sets"}


def of(request: OfKind) -> Analysis:
    """The analysis of a request."""
    return analyses()[request.KIND]


def labelled(label: str) -> Analysis:
    """The analysis with a label of the page. Raises InputError for an unknown label."""
    for analysis in analyses().values():
        if analysis.label == label:
            return analysis
    labels = ", ".join(each.label for each in analyses().values())
    raise InputError(f"Expected a kind of measurement, got “{label}”; choose {labels}.")
