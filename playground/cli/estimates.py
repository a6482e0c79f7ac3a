"""The time that runs of the command line are expected to take, and learning from those that ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from playground.services import estimates

if TYPE_CHECKING:
    from playground.cli.terminal import Progress
    from playground.model.load import LoadedModel
    from playground.services.estimates import Work


def tell_expected(progress: Progress, loaded: LoadedModel, work: Work, scales: Work | None = None) -> None:
    """Show how long the work is expected to take, and the search for scales after it, first of all progress."""
    estimates.get_ready(loaded, again=False)
    took = estimates.expected(loaded, work)
    if took is not None:
        then = "" if scales is None else f", then {estimates.expected(loaded, scales)} for the scales"
        progress.show(f"takes {took}{then}")
