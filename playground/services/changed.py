"""Word-by-word difference of two texts."""

from __future__ import annotations

import difflib
import re

_WORDS = re.compile(r"\s+|[^\s]+")


def pieces(before: str, after: str) -> list[tuple[str, bool]]:
    """`after` in runs of whole words and white space, each with whether it differs from `before`."""
    old, new = _WORDS.findall(before), _WORDS.findall(after)
    matcher = difflib.SequenceMatcher(None, old, new, autojunk=False)
    parts = [("".join(new[start:end]), kind != "equal") for kind, _, _, start, end in matcher.get_opcodes()]
    return [(text, changed) for text, changed in parts if text]


def changed_share(before: str, after: str) -> float:
    """The share of words that two texts do not have in common, in their order: 0 for equal texts, 1 at most."""
    old, new = before.split(), after.split()
    if not old and not new:
        return 0.0
    return 1.0 - difflib.SequenceMatcher(None, old, new, autojunk=False).ratio()


def first_difference(text: str, baseline: str) -> tuple[str, str] | None:
    """What a text and the baseline's begin with, as far as the first word in which they differ: the answers whose odds
    tell whether the one or the other is written. None for equal texts, and where one ends before they differ.
    """
    ours, others = text.split(), baseline.split()
    for number, (word, other) in enumerate(zip(ours, others, strict=False), start=1):
        if word != other:
            return " ".join(ours[:number]), " ".join(others[:number])
    return None
