"""The number of texts that are generated side by side when there are many."""

from __future__ import annotations

from collections.abc import Mapping

from playground.model.cut.memory import generation_rows
from playground.model.load import LoadedModel

MOST_ROWS = {"cpu": 48, "mps": 64}
"""Texts of a batch at most: a CPU gains nothing from more, and the first texts should not be waited for."""
_MOST_ROWS_ELSEWHERE = 384


def rows_together(loaded: LoadedModel, length: int, most_rows: Mapping[str, int] = MOST_ROWS) -> int:
    """Texts of up to `length` tokens, prompt included, that go side by side, at most `most_rows` of the kind of device;
    at least 1.
    """
    most = most_rows.get(loaded.device.type, _MOST_ROWS_ELSEWHERE)
    return min(most, generation_rows(loaded, length))
