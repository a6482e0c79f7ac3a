"""Telling text from noise: repetition, and how unlikely the model without steering finds a text.

Both are judged against the baseline's own text of the same prompt, since a list of steps repeats itself more than a
refusal, and a model may be sure or unsure of what it says.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Protocol

N = 4
"""Length of the n-grams, as in seq-rep-4 (Welleck et al., 2020): shorter ones recur in any text."""
MORE_REPETITION = 0.25
"""Share of repeated n-grams above the baseline's from which a text counts as noise."""
MORE_PERPLEXITY = 4.0
"""Factor above the baseline's perplexity from which a text counts as noise."""


class Judged(Protocol):
    """A text with its share of repeated n-grams, and its perplexity under the unsteered model (None: an empty text)."""

    @property
    def repetition(self) -> float: ...

    @property
    def perplexity(self) -> float | None: ...


def repetition(tokens: Sequence[int]) -> float:
    """The share of n-grams of tokens that occurred before in the text: 1 − distinct / all; 0 for a short text."""
    grams = [tuple(tokens[start : start + N]) for start in range(len(tokens) - N + 1)]
    return 1 - len(set(grams)) / len(grams) if grams else 0.0


def is_noise(text: Judged, baseline: Judged) -> bool:
    """Whether a text repeats itself that much more than the baseline's, or is that much less likely; or is empty."""
    if text.perplexity is None:
        return baseline.perplexity is not None
    if text.repetition - baseline.repetition > MORE_REPETITION:
        return True
    usual = 1.0 if baseline.perplexity is None else baseline.perplexity
    # A perplexity that overflowed is no number to compare.
    return not math.isfinite(text.perplexity) or text.perplexity > MORE_PERPLEXITY * usual
