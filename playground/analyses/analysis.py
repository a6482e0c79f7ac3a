"""Analysis: description of a measurement or comparison for the page, the command line and files.

This module and the `__init__` of every analysis import no torch, so that help is shown at once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from playground.extensions import resolve

Over = Literal["scales", "mix", "sets"]
"""Input of an analysis: vectors over scales, with rows (common/scales_result.py); multiples of one mix; or whole sets,
without the model."""


@dataclass(frozen=True)
class Quantity:
    """The main quantity of an analysis, which `Row.bounds` returns.

    `axis` is the title of its axis, `share` whether it is a proportion from 0 to 1, `caption` the caption of its table,
    `several` its plural in sentences, `written` its format specification.
    """

    axis: str
    caption: str
    several: str
    share: bool = True
    written: str = ".0%"


@dataclass(frozen=True)
class Column:
    """A column of a table of rows: `name` in the row and in files, heading on the page (`title`) and in the terminal
    (`head`), width in the terminal, format specification (`written`). A column `low` is written as the interval up to
    the column `high`.
    """

    name: str
    title: str = ""
    head: str = ""
    width: int = 8
    written: str = ".0%"

    @property
    def called(self) -> str:
        """Heading on the page."""
        return self.title or self.name


@dataclass(frozen=True)
class Figure:
    """A plot of the page. `draw` names its function in playground/ui/measure/figure.py. `waits` is shown before there
    is a result. For curves `value` is the attribute of a row, (value, low, high); `axis` and `share` as in Quantity.
    """

    draw: str
    title: str
    waits: str
    value: str = "bounds"
    axis: str = ""
    share: bool = True


@dataclass(frozen=True)
class Option:
    """A command-line option that only this analysis has, and the field of its request.

    Its value is a whole number (`whole` names it, `limit` its bound, a field of Limits), nothing (`flag`), or a text;
    `several`: it may be given several times, and the field is a tuple. `read` converts the text to the value and `said`
    the value to the text. The default value `usual` is left out of the command that repeats a run. Without a `field` it
    fills none of the request.
    """

    name: str
    help: str
    field: str | None = None
    metavar: str | None = None
    whole: str | None = None
    limit: str = ""
    flag: bool = False
    several: bool = False
    read: Callable[[str], Any] = str
    said: Callable[[Any], str] = str
    usual: Any = None

    @property
    def attribute(self) -> str:
        """Its attribute in the namespace of argparse."""
        return self.name.removeprefix("--").replace("-", "_")

    def value(self, given: Any) -> Any:
        """The value of the field, from the parsed option."""
        if self.several:
            return tuple(map(self.read, given))
        return given if self.whole or self.flag else self.read(given)

    def words(self, value: Any) -> list[str]:
        """The command-line arguments that give a value."""
        if self.several:
            return [f"{self.name}={self.said(each)}" for each in value]
        return [] if value == self.usual else [self.name, self.said(value)]


@dataclass(frozen=True)
class Analysis:
    """A measurement of what directions do, or a comparison of sets. `name` is its command-line option and its kind in
    files.

    label, summary: its name and description on the page. help: lines of the command line's description, and asks: the
    help of its option. sets: kinds of prompt sets that it takes (of the kind `first_of` they are offered first);
    items_are: their items, in an error message; use: the default number of items. asked: the field of its request that
    holds the prompt set. request, run, document: paths (extensions.resolve) of its request's class, of the function
    that runs it, and of the module that writes and reads its fields of a file; empty for one over whole sets.
    generates: it generates texts, whose settings are the field `sampling` of the request. leaderboard: its rows have a
    `mean` that standings compare. shared: its speed-up over one forward pass per row, about. counts: the unit of its
    progress. columns, item_columns: of its tables; item_titles: of the page's list of items, item_caption the end of
    the caption. place: its position among the analyses.
    """

    name: str
    label: str
    summary: str
    figures: tuple[Figure, ...]
    over: Over = "scales"
    help: tuple[str, ...] = ()
    asks: str = ""
    sets: tuple[str, ...] = ()
    first_of: str | None = None
    items_are: str = "items"
    use: int = 16
    asked: str = "prompts"
    request: str = ""
    run: str = ""
    document: str = ""
    quantity: Quantity | None = None
    columns: tuple[Column, ...] = ()
    item_columns: tuple[str, ...] = ()
    item_titles: tuple[str, ...] = ("question", "baseline", "here")
    item_caption: str = ""
    generates: bool = False
    leaderboard: bool = False
    shared: float = 1
    counts: str = "row"
    options: tuple[Option, ...] = ()
    place: int = 100

    def load(self, part: Literal["request", "run", "document"]) -> Any:
        """Import the class, function or module at a path."""
        return resolve(getattr(self, part))

    def takes(self, field: str) -> bool:
        """Whether an option fills that field of its request."""
        return any(option.field == field for option in self.options)

    @property
    def judged_by(self) -> Quantity:
        """The quantity of an analysis over scales."""
        assert self.quantity is not None
        return self.quantity


@dataclass(frozen=True)
class Cell:
    """A cell of the list of items: a text, and its sign: for the behaviour (1), against it (−1), or neither (0)."""

    text: str
    sign: int = 0


@dataclass(frozen=True)
class Fact:
    """A line of an item's card: a text, or the values at baseline and at a row, with their unit."""

    term: str
    text: str = ""
    change: tuple[str, str] | None = None
    unit: str = ""
