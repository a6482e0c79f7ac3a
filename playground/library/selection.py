"""Selection of items from a prompt set: the first, or a seeded sample, optionally balanced by answer letter."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from playground.errors import InputError
from playground.library.prompt_set import ChoiceItem, PromptSet
from playground.library.text import shown


def select(prompt_set: PromptSet, count: int | None, seed: int | None = None, balance: bool = False) -> PromptSet:
    """The set of the items at `places`."""
    chosen = places(prompt_set, count, seed, balance)
    if len(chosen) == len(prompt_set.items):
        return prompt_set
    return replace(prompt_set, items=tuple(prompt_set.items[place] for place in chosen))


def places(
    prompt_set: PromptSet, count: int | None, seed: int | None = None, balance: bool = False
) -> tuple[int, ...]:
    """The places, from 0 and rising, of the first `count` items, or with a seed of as many drawn at random.

    With `balance` as many items have one answer letter for the behaviour as the other (one more when `count` is odd);
    None for `count` stands for as many as there are. Raises InputError for more items than that, for less than 1, and
    for a balance of items without two letters.
    """
    if not balance:
        available = len(prompt_set.items)
        count = available if count is None else count
        if not 1 <= count <= available:
            raise InputError(f"Expected 1 to {available} items of {prompt_set.name}, got {count}; choose fewer.")
        if seed is None or count == available:
            return tuple(range(count))
        return tuple(sorted(random.Random(seed).sample(range(available), count)))
    groups = _by_letter(prompt_set)
    least, most = sorted(map(len, groups))
    available = 2 * least + (most > least)
    count = 2 * least if count is None else count
    if not 1 <= count <= available:
        raise InputError(
            f"Expected 1 to {available} items of {prompt_set.name} with letters alike, got {count}; choose fewer, or "
            "leave the balance out."
        )
    draws = None if seed is None else random.Random(seed)
    sizes = [count // 2, count // 2]
    if count % 2:
        roomy = [place for place in range(2) if len(groups[place]) > sizes[place]]
        sizes[roomy[0] if draws is None else draws.choice(roomy)] += 1
    chosen = [
        place
        for group, size in zip(groups, sizes, strict=True)
        for place in (group[:size] if draws is None else draws.sample(group, size))
    ]
    return tuple(sorted(chosen))


def label_pair(items: Sequence[ChoiceItem]) -> frozenset[str] | None:
    """The two answers that more than half of the items have, whichever of them shows the behaviour, such as (A) and
    (B): what the set labels its options with. None in a set of free answers, also where they are the same for all
    items, such as “To” against “I”: then always the same one shows the behaviour, and no question names both.
    """
    pairs = Counter(frozenset((item.matching.strip(), item.other.strip())) for item in items)
    pair, count = pairs.most_common(1)[0]
    if 2 * count <= len(items):
        return None
    chosen = [item for item in items if {item.matching.strip(), item.other.strip()} == pair]
    one_sided = len({item.matching.strip() for item in chosen}) == 1
    named = any(all(answer in item.question for answer in pair) for item in chosen)
    return None if one_sided and not named else pair


def _by_letter(prompt_set: PromptSet) -> list[list[int]]:
    """The places of the items whose behaviour has the one letter, and of those where it has the other."""
    items = [item for item in prompt_set.items if isinstance(item, ChoiceItem)]
    pair = label_pair(items) if items else None
    if pair is None:
        raise InputError(
            f"Expected choice items with answers such as (A) and (B) to balance, got {prompt_set.name} without; leave "
            "the balance out."
        )
    groups = [
        [place for place, item in enumerate(items) if item.matching.strip() == letter and item.other.strip() in pair]
        for letter in sorted(pair)
    ]
    empty = [letter for letter, group in zip(sorted(pair), groups, strict=True) if not group]
    if empty:
        raise InputError(
            f"Expected items with the behaviour at {' and at '.join(map(shown, sorted(pair)))} to balance, got none at "
            f"{shown(empty[0])}; leave the balance out."
        )
    return groups
