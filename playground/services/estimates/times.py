"""The times that this process learns from, kept in the user's cache folder."""

from __future__ import annotations

import functools
import logging

from playground.errors import PlaygroundError
from playground.model.load import LoadedModel
from playground.places import times_file
from playground.services.durations import Span
from playground.services.estimates.learned import Learned
from playground.services.estimates.speed import measure_speed
from playground.services.estimates.work import Work

_LOG = logging.getLogger(__name__)


@functools.cache
def times() -> Learned:
    """What is learnt, from the file on."""
    return Learned(times_file())


def get_ready(loaded: LoadedModel, again: bool = True) -> None:
    """Measure the speed of a model that nobody uses at the moment; the best of all times counts. Without `again` only
    where it is unknown. A model that cannot run the passes has none, and nothing is expected of it.
    """
    if again or times().speed(loaded) is None:
        try:
            times().keep_speed(loaded, measure_speed(loaded))
        except PlaygroundError as error:
            _LOG.info("the time of runs is not estimated: %s", error)


def expected(loaded: LoadedModel, work: Work) -> Span | None:
    """See `Learned.expect`."""
    return times().expect(loaded, work)


def learn(loaded: LoadedModel, work: Work, took: float, share: float = 1.0) -> None:
    """See `Learned.learn`."""
    times().learn(loaded, work, took, share)
