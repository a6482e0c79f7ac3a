"""Limits on KL, change, repetition and perplexity of the texts that Scan shows; an empty field is no limit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from playground.errors import InputError
from playground.services.scan import Cell
from playground.ui.kit.entered import real_or_none


@dataclass(frozen=True)
class Limits:
    """Lower limits `kl` (nats) and `changed`, upper limits `repetition` and `perplexity`; None: no limit.

    `changed` and `repetition` are shares from 0 to 1.
    """

    kl: float | None = None
    changed: float | None = None
    repetition: float | None = None
    perplexity: float | None = None

    def passes(self, cell: Cell) -> bool:
        """Whether a text is within the limits. One without a perplexity (an empty text) is within no limit of that, one
        without a KL (numbers that were not finite) within no limit of that.
        """
        if self.kl is not None and (cell.kl is None or cell.kl < self.kl):
            return False
        if self.changed is not None and cell.changed < self.changed:
            return False
        if self.repetition is not None and cell.repetition > self.repetition:
            return False
        return self.perplexity is None or (cell.perplexity is not None and cell.perplexity <= self.perplexity)


FIELDS = (
    ("kl", "KL, at least", "nats"),
    ("changed", "Changed, at least", "% of the words"),
    ("repetition", "Repetition, at most", "% of 4-grams"),
    ("perplexity", "Perplexity, at most", "under the plain model"),
)
"""The limits in the order of Limits: (name, label of its field, unit)."""


def read_limits(texts: Sequence[object]) -> tuple[Limits, str]:
    """The limits as typed into FIELDS, and a sentence about the first that is no number ("" for none), which counts as
    no limit.
    """
    read: dict[str, float | None] = {}
    wrong = ""
    for (name, label, unit), text in zip(FIELDS, texts, strict=True):
        percent = unit.startswith("%")
        try:
            number = real_or_none(str(text).strip().removesuffix("%") if text and percent else text, f"“{label}”")
        except InputError as error:
            number, wrong = None, wrong or str(error)
        read[name] = number / 100 if percent and number is not None else number
    return Limits(**read), wrong
