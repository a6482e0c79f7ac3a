"""Estimated time of Compute, shown before the click."""

from __future__ import annotations

from playground.model.load import LoadedModel
from playground.services.estimates import expected, work_of_find, work_of_scales
from playground.services.find import FindRequest
from playground.ui.kit.markup import estimate


def hint(loaded: LoadedModel, request: FindRequest, scales: bool = False) -> str:
    """A line on the size of a run and its estimated time, as HTML; `scales` adds the search for scales after it.

    Empty for layers that the model does not have. Raises PlaygroundError for prompts that cannot be formatted.
    """
    method = request.by
    if not 0 <= request.source < (request.target or loaded.block_count) < loaded.block_count + 1:
        return ""
    count = len(request.prompts) + len(request.against) + len(request.answers)
    parts = [f"{count} {'prompt' if count == 1 else 'prompts'}"]
    if request.target is not None:
        most = "at most " if method.at_most else ""
        blocks = request.target - request.source
        parts += [f"{blocks} {'block' if blocks == 1 else 'blocks'}", f"{most}{request.vectors} vectors"]
        parts += [f"{most}{getattr(request.settings, name)} {name}" for name in method.cost]
    took = expected(loaded, work_of_find(loaded, request))
    last = None
    if scales:
        last = expected(loaded, work_of_scales(loaded, request.prompts, request.format, request.k))
    return estimate(" × ".join(parts), took, "" if last is None else f", then {last} for the scales")
