"""A grammar that writes and reads: the same rules make a text and tell whether a text could have been made by them.

A rule is a name with alternatives. An alternative is text with slots in braces; `{act}` stands for any alternative of
the rule `act`. A slot may carry a number, `{m1}`: all slots of that name in one text are filled alike when writing.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Mapping

_SLOT = re.compile(r"\{([a-z_]+)(\d*)\}")
_WORD = re.compile(r"[\w'’-]+")

_Memo = dict[tuple[str, int], frozenset[int]]  # where a rule ends, by its name and where it starts


class Grammar:
    """Rules by name; a text never repeats an alternative of a `distinct` rule.

    A slot without a rule is an error when the grammar is built, never while it is used.
    """

    def __init__(self, rules: Mapping[str, Iterable[str]], distinct: Iterable[str] = ()) -> None:
        self._distinct = frozenset(distinct)
        self._rules = {name: [_split(text) for text in alternatives] for name, alternatives in rules.items()}
        self._words: dict[str, dict[str, list[str]]] = {}
        for name, alternatives in self._rules.items():
            for parts in alternatives:
                for kind, value in parts:
                    if kind != "text" and _rule_of(value) not in self._rules:
                        raise ValueError(f"rule {name!r} has a slot {value!r} that no rule fills")
            if len(alternatives) > 8 and all(len(parts) == 1 and parts[0][0] == "text" for parts in alternatives):
                self._words[name] = _by_first_word(parts[0][1] for parts in alternatives)

    def write(self, rule: str, rng: random.Random, bound: dict[str, str] | None = None) -> str:
        """One text of `rule`. `bound` gives slots their text; numbered slots that it lacks are chosen once."""
        return self._write(rule, rng, {} if bound is None else dict(bound), set())

    def _write(self, rule: str, rng: random.Random, bound: dict[str, str], used: set[tuple[str, int]]) -> str:
        alternatives = self._rules[rule]
        choice = rng.randrange(len(alternatives))
        if rule in self._distinct:
            while (rule, choice) in used:
                choice = rng.randrange(len(alternatives))
            used.add((rule, choice))
        out = []
        for kind, value in alternatives[choice]:
            if kind == "text":
                out.append(value)
                continue
            text = bound.get(value)
            if text is None:
                text = self._write(_rule_of(value), rng, bound, used)
                if value[-1].isdigit():
                    bound[value] = text
            out.append(text)
        return "".join(out)

    def reads(self, rule: str, text: str) -> bool:
        """Whether the whole of `text` can be made by `rule`."""
        return len(text) in self._ends(rule, text, 0, {})

    def longest(self, rule: str, text: str) -> int:
        """How many characters from the start of `text` the rule can make at most; -1 when none fits."""
        return max(self._ends(rule, text, 0, {}), default=-1)

    def _ends(self, rule: str, text: str, start: int, memo: _Memo) -> frozenset[int]:
        key = (rule, start)
        if key not in memo:
            if rule in self._words:
                memo[key] = frozenset(_word_ends(self._words[rule], text, start))
            else:
                ends: set[int] = set()
                for parts in self._rules[rule]:
                    ends |= self._sequence_ends(parts, text, start, memo)
                memo[key] = frozenset(ends)
        return memo[key]

    def _sequence_ends(self, parts: list[tuple[str, str]], text: str, start: int, memo: _Memo) -> set[int]:
        here = {start}
        for kind, value in parts:
            if kind == "text":
                here = {end + len(value) for end in here if text.startswith(value, end)}
            else:
                here = {later for end in here for later in self._ends(_rule_of(value), text, end, memo)}
            if not here:
                break
        return here


def _split(text: str) -> list[tuple[str, str]]:
    parts: list[tuple[str, str]] = []
    last = 0
    for match in _SLOT.finditer(text):
        if match.start() > last:
            parts.append(("text", text[last : match.start()]))
        parts.append(("slot", match.group(1) + match.group(2)))
        last = match.end()
    if last < len(text) or not parts:
        parts.append(("text", text[last:]))
    return parts


def _rule_of(slot: str) -> str:
    return slot.rstrip("0123456789")


def _by_first_word(texts: Iterable[str]) -> dict[str, list[str]]:
    index: dict[str, list[str]] = {}
    for text in texts:
        match = _WORD.match(text)
        index.setdefault(match.group() if match else "", []).append(text)
    return index


def _word_ends(index: dict[str, list[str]], text: str, start: int) -> Iterable[int]:
    match = _WORD.match(text, start)
    first = match.group() if match else ""
    for candidate in index.get(first, ()):
        end = start + len(candidate)
        whole_word = end >= len(text) or not (text[end].isalnum() and candidate[-1].isalnum())
        if text.startswith(candidate, start) and whole_word:
            yield end
