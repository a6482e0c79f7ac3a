"""Checks that requests share: seeds, scales, and which items are asked."""

from __future__ import annotations

import math

from playground.errors import InputError
from playground.library.prompt_set import PromptSet
from playground.library.selection import places
from playground.library.text import shown
from playground.limits import check_count, check_whole, limits

UNITS = ("f", "r", "a")
"""What scales count: multiples of the found scale of each vector and sign, multiples of the reference norm of the set,
or norms of what is added; the units of recipes.
"""


def check_seed(seed: object) -> None:
    """Raises InputError unless `seed` is one that torch and a file's header both hold."""
    check_whole("seed", seed, least=0, most=2**63 - 1)


def check_unit(unit: object) -> None:
    """Raises InputError unless scales can be counted so."""
    if unit not in UNITS:
        raise InputError(f"Expected scales in f (found), r (relative) or a (absolute), got {shown(unit)}; choose one.")


def check_selection(sample_seed: object, balance: object) -> None:
    """Raises InputError unless these are the seed of a sample or None, and true or false."""
    if sample_seed is not None:
        check_seed(sample_seed)
    if not isinstance(balance, bool):
        raise InputError(f"Expected balance to be true or false, got {shown(balance)}; choose one.")


def asked_places(
    asked: PromptSet, max_items: int | None, sample_seed: int | None, balance: bool
) -> tuple[int, ...]:
    """The places in a set of the items that a measurement asks: at most `max_items`, all of them for None.

    Raises InputError for a balance that the set cannot have.
    """
    count = None if max_items is None else min(max_items, len(asked.items))
    return places(asked, count, sample_seed, balance)


def checked_scales(scales: object) -> tuple[float, ...]:
    """Scales (one number, or several) in rising order, each once, −0 taken for 0.

    Raises InputError for none, too many, and what is not a finite number.
    """
    listed = scales if isinstance(scales, tuple | list) else (scales,)
    for scale in listed:
        number = isinstance(scale, int | float) and not isinstance(scale, bool)
        if not number or not math.isfinite(scale):
            raise InputError(f"Expected scales that are finite numbers, got {shown(scale)}; write them like -5, 5.")
    rising = tuple(sorted({float(scale) + 0.0 for scale in listed}))  # + 0.0 makes −0 the baseline as well
    check_count("scales", len(rising), limits().scales, "give some numbers", least=1)
    return rising
