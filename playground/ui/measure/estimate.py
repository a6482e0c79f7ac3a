"""Estimated time of a measurement, shown before the click."""

from __future__ import annotations

from playground.analyses import registry
from playground.analyses.common.request import counted
from playground.model.load import LoadedModel
from playground.ui.kit import cost
from playground.ui.kit.cost import CHARACTERS_A_TOKEN, TEMPLATE_TOKENS
from playground.ui.kit.markup import escape
from playground.ui.kit.running import seconds
from playground.ui.measure.form import Request

MANY_ROWS = 600
"""Vectors whose angles take a second to work out."""


def operations(loaded: LoadedModel, request: Request) -> float:
    """Floating-point operations of a run, by order of magnitude: the whole model on every token that is read."""
    tokens = sum(len(text) / CHARACTERS_A_TOKEN + TEMPLATE_TOKENS for text in request.read) + request.written
    return 2 * loaded.parameters * tokens * request.pushes / registry.of(request).shared


def hint(loaded: LoadedModel, request: Request) -> str:
    """A line with the amount of a measurement and its estimated time, as HTML."""
    took = seconds(cost.duration(loaded, registry.of(request).label, operations(loaded, request)))
    return f'<p class="sp-hint">{escape(request.amount)} · about {took}</p>'


def comparing(rows: int) -> str:
    """A line with the cost of comparing so many vectors, as HTML: none of the model's time, and seconds for many."""
    took = "at once" if rows < MANY_ROWS else "some seconds"
    return f'<p class="sp-hint">{counted(rows, "vector")}, the model is not asked · {took}</p>'
