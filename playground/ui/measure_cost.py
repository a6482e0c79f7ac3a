"""Estimated time of a measurement, shown before the click."""

from __future__ import annotations

from playground.analyses.choices.request import MeasureRequest
from playground.analyses.common.over_texts import OverTexts
from playground.analyses.next_token.run import ShiftsRequest
from playground.analyses.replies.run import RepliesRequest
from playground.model.load import LoadedModel
from playground.ui import cost
from playground.ui.cost import CHARACTERS_A_TOKEN, TEMPLATE_TOKENS
from playground.ui.markup import escape
from playground.ui.measure_form import CHOICES, EXACT, NEXT, REPLIES
from playground.ui.running import seconds

Request = MeasureRequest | OverTexts | ShiftsRequest


MANY_ROWS = 600
"""Vectors whose angles take a second to work out."""
SHARED = 6
"""Choices run about so much less: blocks up to the source, and what items have in common, are run once for all rows."""


def operations(loaded: LoadedModel, request: Request) -> float:
    """Floating-point operations of a run, by order of magnitude: the whole model on every token that is read."""
    whole = 2 * loaded.parameters * _tokens(request) * _rows(request)
    return whole / SHARED if isinstance(request, MeasureRequest) else whole


def _tokens(request: Request) -> float:
    """Tokens read, or written, a row over all items."""
    if isinstance(request, ShiftsRequest):
        return sum(len(prompt) / CHARACTERS_A_TOKEN + TEMPLATE_TOKENS for prompt in request.texts)
    if isinstance(request, OverTexts):
        read = sum(len(text) / CHARACTERS_A_TOKEN + TEMPLATE_TOKENS for text in request.questions_asked)
        return request.per_item * (read + len(request.items) * request.sampling.max_new_tokens)
    return sum(len(item.question) / CHARACTERS_A_TOKEN + TEMPLATE_TOKENS for item in request.items)


def _rows(request: Request) -> int:
    """Directions at scales other than 0, and the baseline."""
    if isinstance(request, ShiftsRequest):
        return 1 + (1 + request.controls) * sum(scale != 0 for scale in request.multipliers)
    return 1 + (len(request.vectors) + request.controls) * sum(scale != 0 for scale in request.scales)


def hint(loaded: LoadedModel, request: Request) -> str:
    """One line: how much is asked of the model, and about how long it takes."""
    rows = _rows(request)
    if isinstance(request, ShiftsRequest):
        kind, count = NEXT, len(request.texts)
        said = f"{_count(count, 'prompt')} × {rows} pushes"
    else:
        kind = CHOICES
        if isinstance(request, OverTexts):
            kind = REPLIES if isinstance(request, RepliesRequest) else EXACT
        steered = sum(scale != 0 for scale in request.scales)
        said = (
            f"{_count(len(request.items), 'item')} × ({_count(len(request.vectors), 'vector')} + {request.controls} "
            f"random) × {_count(steered, 'scale')}, and the baseline"
        )
        if isinstance(request, OverTexts):
            said += f", {_count(request.per_item, 'sample')} each" if request.per_item > 1 else ""
            said += f" = {request.texts} texts"
    took = seconds(cost.duration(loaded, kind, operations(loaded, request)))
    return f'<p class="sp-hint">{escape(said)} · about {took}</p>'


def comparing(rows: int) -> str:
    """What comparing so many vectors costs: nothing of the model, and seconds from about a thousand on."""
    took = "at once" if rows < MANY_ROWS else "some seconds"
    return f'<p class="sp-hint">{_count(rows, "vector")}, the model is not asked · {took}</p>'


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
