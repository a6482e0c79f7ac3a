"""Requests of measurements by analysis, and running them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from playground.analyses import registry
from playground.analyses.analysis import Analysis
from playground.analyses.common.request import MULTIPLES
from playground.library.mix import LoadSet
from playground.library.prompts import PromptSet
from playground.model.cut.memory import within_memory
from playground.model.interrupt import interrupts_passes
from playground.model.load import LoadedModel
from playground.model.prompting import PromptFormat
from playground.services import recent


def measure_request(analysis: Analysis, asked: PromptSet, **fields: Any) -> Any:
    """The request of an analysis that asks the set `asked`; `fields` are the other ones of its request class.

    Without a `format` it is the set's; `scales` None are MULTIPLES of found scales. Raises InputError for wrong values.
    """
    if analysis.over == "scales" and fields.get("scales") is None:
        fields |= {"scales": MULTIPLES, "unit": "f"}
    return analysis.load("request")(**{analysis.asked: asked, "format": PromptFormat.of_set(asked), **fields})


@within_memory
@interrupts_passes
def measure(
    loaded: LoadedModel,
    request: Any,
    load_set: LoadSet,
    emit: Callable[[Any], None] = lambda event: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Any:
    """The result (a Measurement) of a request of any analysis that asks the model, by the `run` of its analysis."""
    recent.ran(request)
    return registry.of(request).load("run")(loaded, request, load_set, emit, cancelled)
