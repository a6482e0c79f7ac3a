"""Format: a kind of file that is read or written, told by its suffix."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

Holds = Literal["prompts", "vectors", "table"]


@dataclass(frozen=True)
class Format:
    """Files that end in `suffix` (with its dot, in lower case) and hold prompts, vectors, or a table of numbers.

    read: of prompts `read(text, name) -> PromptSet`, of vectors `read(data, name) -> VectorSet`; an InputError or
    FileError says what is wrong with a file. write: of vectors `write(vector_set) -> bytes`, of a table
    `write(columns, lines) -> text`. lists: of prompts, the names of several lists in a text; where it gives some,
    `read` takes the name of one as `category`. place: where it stands among the others.
    """

    suffix: str
    holds: Holds
    read: Callable[..., Any] | None = None
    write: Callable[..., Any] | None = None
    lists: Callable[[str], tuple[str, ...]] | None = None
    place: int = 100
