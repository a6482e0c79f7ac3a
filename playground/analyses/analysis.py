"""Analysis: what page, command line and files need to know of a way to look at what directions do.

Nothing here, and nothing that the head of an analysis imports, imports torch: help is shown at once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from playground.extensions import resolve

Over = Literal["scales", "mix", "sets"]
"""What is looked at: vectors over scales, with rows (common/scales_result.py); one mix over multiples of it; or whole
sets, without the model."""


@dataclass(frozen=True)
class Quantity:
    """What the rows of an analysis are judged by (`Row.bounds`).

    `axis` is the title of its axis, `share` whether it is a part of one, `caption` what stands above a table of it,
    `several` what values of it are called, `written` how they are written.
    """

    axis: str
    caption: str
    several: str
    share: bool = True
    written: str = ".0%"


@dataclass(frozen=True)
class Column:
    """A number of a row: its name there and in files, how a table of the page (`title`) and of the terminal (`head`)
    call it, its width there, and how it is written. A column `low` stands for the interval up to the column `high`.
    """

    name: str
    title: str = ""
    head: str = ""
    width: int = 8
    written: str = ".0%"

    @property
    def called(self) -> str:
        return self.title or self.name


@dataclass(frozen=True)
class Figure:
    """A plot of the page. `draw` names one of ui/measure_show.py: curves, items, sets, groups, or of what a mix or a
    comparison has. `waits` stands there before. Of curves `value` is the attribute of a row, (value, low, high), and
    `axis` and `share` are as of a Quantity.
    """

    draw: str
    title: str
    waits: str
    value: str = "bounds"
    axis: str = ""
    share: bool = True


@dataclass(frozen=True)
class Option:
    """An option of the command line that only this analysis has, and the field of its request.

    `whole` names a whole number, `flag` takes no value, else it is a text; `several`: it may be given several times,
    and the field is a tuple. `read` makes a value of the text and `said` the text of a value. A value `usual` is left
    out of the command that repeats a run. Without a `field` it does something else than fill one.
    """

    name: str
    help: str
    field: str | None = None
    metavar: str | None = None
    whole: str | None = None
    flag: bool = False
    several: bool = False
    read: Callable[[str], Any] = str
    said: Callable[[Any], str] = str
    usual: Any = None

    @property
    def attribute(self) -> str:
        """Its name among the parsed options."""
        return self.name.removeprefix("--").replace("-", "_")

    def value(self, given: Any) -> Any:
        """The value of the field, of what was parsed."""
        if self.several:
            return tuple(map(self.read, given))
        return given if self.whole or self.flag else self.read(given)

    def words(self, value: Any) -> list[str]:
        """The words of a command that give a value."""
        if self.several:
            return [f"{self.name}={self.said(each)}" for each in value]
        return [] if value == self.usual else [self.name, self.said(value)]


@dataclass(frozen=True)
class Analysis:
    """A way to look at what directions do. `name` is its option on the command line and its kind in files.

    label: what the page calls it. summary: what it says below. help: lines of the command line's description, and
    asks: the help of its option. sets: kinds of prompt sets it can ask (the first are offered first where `first_of`
    says so), whose items are `items_are`; `use` of them to begin with. asked: the field of its request that holds the
    set. request, run, document: paths (extensions.resolve) of its request's class, of what runs it, and of the module
    that writes and reads its fields of a file; none for one over whole sets.
    generates: it writes texts, whose sampling is a field `sampling` of the request. leaderboard: its rows have a `mean`
    that standings compare. shared: it runs about so much faster than a pass for each row. counts: what its progress
    counts. columns, item_columns: of its tables; item_titles: of the page's list of items, item_caption behind its
    caption. place: where it stands among the others.
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
        """The class, function or module that a path stands for."""
        return resolve(getattr(self, part))

    def takes(self, field: str) -> bool:
        """Whether there is an option for that field of its request."""
        return any(option.field == field for option in self.options)

    @property
    def judged_by(self) -> Quantity:
        """The quantity of one over scales."""
        assert self.quantity is not None
        return self.quantity


@dataclass(frozen=True)
class Cell:
    """A cell of the list of items: a text, and whether it is for the behaviour (1), against it (−1), or neither."""

    text: str
    sign: int = 0


@dataclass(frozen=True)
class Fact:
    """A line about an item: a text, or what is there at baseline and here, and the unit of both."""

    term: str
    text: str = ""
    change: tuple[str, str] | None = None
    unit: str = ""
