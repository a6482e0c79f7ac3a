"""Word-by-word difference of two texts, from their longest common subsequence of words."""

from __future__ import annotations

import re
from collections.abc import Sequence

MOST_PAIRS = 8000**2
"""Words of the one text times words of the other that are compared, in 30 ms at most. Longer texts have only what they
begin and end with in common."""

_WORDS = re.compile(r"\s+|[^\s]+")


def pieces(before: str, after: str) -> list[tuple[str, bool]]:
    """`after` in runs of whole words and white space, each with whether it differs from `before`."""
    tokens = _WORDS.findall(after)
    words = [place for place, token in enumerate(tokens) if not token.isspace()]
    kept = {words[number] for number in _common(before.split(), [tokens[place] for place in words])}
    parts: list[tuple[str, bool]] = []
    for place, token in enumerate(tokens):
        # White space belongs to a change when no word beside it is kept.
        changed = place not in kept and not (token.isspace() and {place - 1, place + 1} & kept)
        if parts and parts[-1][1] == changed:
            parts[-1] = (parts[-1][0] + token, changed)
        else:
            parts.append((token, changed))
    return parts


def changed_share(before: str, after: str) -> float:
    """The share of words that two texts do not have in common, in their order: 0 for equal texts, 1 at most."""
    old, new = before.split(), after.split()
    if not old and not new:
        return 0.0
    return 1.0 - 2 * len(_common(old, new)) / (len(old) + len(new))


def _common(old: Sequence[str], new: Sequence[str]) -> list[int]:
    """Indices into `new` of a longest common subsequence of the two, rising.

    What both begin and end with is taken first, which a longest one always may have. Between them, one addition of
    whole numbers of len(old) bits a word (Hyyrö, "Bit-parallel LCS-length computation revisited", 2004): its time does
    not depend on what the texts say.
    """
    shorter = min(len(old), len(new))
    start = next((place for place in range(shorter) if old[place] != new[place]), shorter)
    end = next((place for place in range(shorter - start) if old[-1 - place] != new[-1 - place]), shorter - start)
    middle = _common_middle(old[start : len(old) - end], new[start : len(new) - end])
    return [*range(start), *(start + place for place in middle), *range(len(new) - end, len(new))]


def _common_middle(old: Sequence[str], new: Sequence[str]) -> list[int]:
    if len(old) * len(new) > MOST_PAIRS:
        return []
    places: dict[str, int] = {}
    for column, word in enumerate(old):
        places[word] = places.get(word, 0) | 1 << column
    # In row r, bit c is 0 where old[: c + 1] has one more word in common with new[: r + 1] than old[:c] has.
    rows, row = [], (1 << len(old)) - 1
    every = row
    for word in new:
        both = row & places.get(word, 0)
        row = ((row + both) | (row - both)) & every
        rows.append(row)
    kept, column, place = [], len(old), len(new)
    while column and place:
        if rows[place - 1] >> (column - 1) & 1:
            column -= 1
            continue
        place -= 1
        if not place or rows[place - 1] >> (column - 1) & 1:
            kept.append(place)
            column -= 1
    return kept[::-1]


def first_difference(text: str, baseline: str) -> tuple[str, str] | None:
    """What a text and the baseline's begin with, as far as the first word in which they differ: the answers whose odds
    tell whether the one or the other is written. None for equal texts, and where one ends before they differ.
    """
    ours, others = text.split(), baseline.split()
    for number, (word, other) in enumerate(zip(ours, others, strict=False), start=1):
        if word != other:
            return " ".join(ours[:number]), " ".join(others[:number])
    return None
