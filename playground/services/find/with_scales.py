"""Finding directions, and then the scales at which they act: what `find` does unless scales are not wanted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from playground.errors import Cancelled
from playground.library.mix import LoadSet
from playground.library.vector_set import VectorSet
from playground.methods.base.progress import FindProgress, FindResult
from playground.methods.base.request import FindRequest
from playground.model.load import LoadedModel
from playground.services.find.run import find
from playground.services.scales import ScalesProgress, find_scales


def find_with_scales(
    loaded: LoadedModel,
    request: FindRequest,
    emit: Callable[[FindProgress | ScalesProgress], None] = lambda event: None,
    cancelled: Callable[[], bool] = lambda: False,
    load_set: LoadSet | None = None,
    keep: Callable[[VectorSet], None] = lambda so_far: None,
    so_far: VectorSet | None = None,
) -> FindResult:
    """`find`, then `find_scales` for all rows in both signs.

    `keep` gets the set after each batch of either. A cancel in the search for scales returns all vectors with the
    scales there are; `cancelled` of the result tells of a cancel before that. Raises what `find` raises.
    """
    result = find(loaded, request, emit, cancelled, load_set, keep, so_far)
    keep(result.vector_set)
    if result.cancelled:
        return result
    try:
        scaled = find_scales(loaded, result.vector_set, None, emit, cancelled, keep)
    except Cancelled:
        return result
    return replace(result, vector_set=scaled)
