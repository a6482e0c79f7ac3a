"""Regular expressions that replies are searched for: a name and a pattern each, safe for untrusted patterns.

Patterns are those of Rust's regex crate, which pydantic brings along: the time of a search grows linearly with the
text, whatever the pattern. Python's own `re` can need years for a text of fifty characters. What is given up for that
are look-around and references back to a group.
"""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from playground.errors import InputError
from playground.library.text import is_text, shown

MAX_PATTERNS = 16
MAX_NAME = 40
MAX_PATTERN = 300
"""Characters of a pattern."""
MAX_WORK = 8000
"""Largest product of a pattern's length and the counts in its braces, such as {3} and {2,40}: about the states that a
search keeps for each character.
"""
MAX_READ = 4000
"""Characters of a reply that are searched: about a thousand tokens, half a second for the slowest pattern."""
_COUNTS = re.compile(r"\{(\d+),?(\d*)\}", re.ASCII)
_BLANKS = re.compile(r"\s|#[^\n]*\n?")
"""What (?x) lets stand anywhere in a pattern, within braces too."""
REST = "rest"
"""Replies that match none of the patterns."""


@dataclass(frozen=True)
class ReplyPattern:
    """A regular expression that is searched for anywhere in a reply; `(?i)` at its beginning ignores upper case.

    Raises InputError for a name that is empty, long, or `rest`, and for a pattern that cannot be used.
    """

    name: str
    regex: str

    def __post_init__(self) -> None:
        if (
            not is_text(self.name)
            or not self.name.isprintable()
            or not re.fullmatch(rf"[^\s=,][^=,]{{0,{MAX_NAME - 1}}}", self.name)
        ):
            raise InputError(
                f"Expected a name of 1 to {MAX_NAME} characters for a pattern, without comma and equals sign, got "
                f"{shown(self.name)}; write it like polite=(?i)please."
            )
        if self.name == REST:
            raise InputError(
                f"Expected a name other than {REST} for a pattern, got it: it stands for replies that match no "
                "pattern; choose another."
            )
        if not is_text(self.regex) or not 1 <= len(self.regex) <= MAX_PATTERN:
            raise InputError(
                f"Expected a pattern of 1 to {MAX_PATTERN} characters for {self.name}, got "
                f"{len(self.regex) if isinstance(self.regex, str) else shown(self.regex)}; shorten it, or split it."
            )
        counts, most = _counts(self.regex), MAX_WORK // len(self.regex)
        if counts > most:
            raise InputError(
                f"Expected counts in braces that multiply to at most {most} in a pattern as long as {self.name}, got "
                f"{counts if counts < 10**9 else 'more'}; use * or +, or smaller counts."
            )
        _search(self.regex)

    def matches(self, text: str) -> bool:
        """Whether the pattern is found in the first MAX_READ characters of a text."""
        return _search(self.regex)(text[:MAX_READ])


def parse(text: str) -> ReplyPattern:
    """A pattern as it is typed, NAME=REGEX. Raises InputError."""
    name, separator, regex = text.partition("=")
    if not separator:
        raise InputError(
            f"Expected a pattern as NAME=REGEX, got {shown(text)}; write it like polite=(?i)please."
        )
    return ReplyPattern(name.strip(), regex.strip())


def check_patterns(patterns: Sequence[ReplyPattern]) -> None:
    """Raises InputError for too many patterns, and for two of one name."""
    if len(patterns) > MAX_PATTERNS:
        raise InputError(f"Expected at most {MAX_PATTERNS} patterns, got {len(patterns)}; leave some out.")
    names = [pattern.name for pattern in patterns]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise InputError(f"Expected patterns of different names, got {shown(twice)} twice; rename one.")


def _counts(regex: str) -> int:
    """The product of the largest counts in braces."""
    return max(
        math.prod(max(1, int(last or first)) for first, last in _COUNTS.findall(text))
        for text in (regex, _BLANKS.sub("", regex))
    )


@functools.lru_cache(maxsize=256)
def _search(regex: str) -> Callable[[str], bool]:
    """Whether a text holds the pattern. Raises InputError for one that is no regular expression of this kind."""
    from typing import Annotated

    from pydantic import StringConstraints, TypeAdapter, ValidationError
    from pydantic_core import SchemaError

    try:
        compiled = TypeAdapter(Annotated[str, StringConstraints(pattern=regex)])
    except SchemaError as error:
        raise InputError(
            f"Expected a regular expression, got {shown(regex)}: {_reason(str(error))}; mend the pattern."
        ) from error

    def search(text: str) -> bool:
        try:
            compiled.validate_python(text)
        except ValidationError:
            return False
        return True

    return search


def _reason(message: str) -> str:
    """What is wrong with a pattern, out of the compiler's message of several lines."""
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    return lines[-1].removeprefix("SchemaError:").removeprefix("error:").strip().rstrip(".")
