"""Format: a kind of file that is read or written, told by its suffix, or by its name where other tools share one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

ONE_A_LAYER = (
    "The file is one vector a layer, scale included: names, native norms, found scales and where the vectors come from "
    "are not in it."
)
"""What most formats of other tools lose."""

Holds = Literal["prompts", "vectors", "table", "directions"]


@dataclass(frozen=True)
class Format:
    """Files that end in `suffix` (with its dot, in lower case) and hold prompts, vectors (a vector set), a table of
    numbers, or directions: vectors as another tool keeps them.

    read: of prompts `read(text, name) -> PromptSet`, of vectors `read(data, name) -> VectorSet`, of directions
    `read(path) -> Directions`, or None for a file of the same suffix that is another format's; an InputError or
    FileError says what is wrong with a file. write: of vectors `write(vector_set) -> bytes`, of a table
    `write(columns, lines) -> text`, of directions `write(directions) -> bytes`. lists: of prompts, the names of several
    lists in a text; where it gives some, `read` takes the name of one as `category`. place: where it stands among the
    others.

    Of directions: `name` and `label` are what the command line and the page call it. `several`: it holds more than one
    vector a layer. `first_block`: the first one it can name. `positions`: those it can say, none for all. `loses`: a
    sentence on what of a vector set no such file holds.
    """

    suffix: str
    holds: Holds
    read: Callable[..., Any] | None = None
    write: Callable[..., Any] | None = None
    lists: Callable[[str], tuple[str, ...]] | None = None
    place: int = 100
    name: str = ""
    label: str = ""
    several: bool = False
    first_block: int = 0
    positions: tuple[str, ...] = ("all",)
    loses: str = ""
