"""A setting of a method: default, bounds, words; the command line's option, the page's control and the check of it.

Nothing here imports torch.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal

from playground.errors import InputError
from playground.library.text import is_text, listed, shown
from playground.limits import at_most, check_characters, check_count, check_real, check_whole, limits

Kind = Literal["whole", "real", "reals", "choice", "texts", "row", "recipe"]
"""`texts` are one text or several, none of them empty; `row` is a recipe `FILE#ROW` whose scale may be left out, or a
word; `recipe` one that says how much."""


@dataclass(frozen=True)
class Alternative:
    """One of several settings that say the same in different units, of which one at most is given. `name` is what the
    page calls it, `unit` the choice beside it that stands for this setting.
    """

    name: str
    unit: str


@dataclass(frozen=True)
class Setting:
    """What a field of a method's settings holds, beside its default.

    `quantity` is what messages call it. Numbers lie between `least` (or above it, with `above`) and `most`, or the
    limit of requests that `limit` names, a field of Limits. `choices` are those of a choice, `words` what a row may be
    instead, each with what the page calls it (a word "" stands for None). `metavar` and `help` are for the command
    line; `label`, `info` and `placeholder` for the page, where a `basic` setting is in sight and others are folded
    away. With `percent` the page shows hundred times the number. `pick` says whether the page offers to pick a vector
    for a recipe, beside the mix in Steer; `unset` is what it calls no recipe.
    """

    kind: Kind
    quantity: str
    help: str
    label: str = ""
    info: str = ""
    placeholder: str = ""
    metavar: str = ""
    least: float = -math.inf
    most: float = math.inf
    limit: str = ""
    above: bool = False
    choices: tuple[str, ...] = ()
    words: Mapping[str, str] = field(default_factory=dict)
    basic: bool = False
    percent: bool = False
    slider: int | None = None
    """The end of a slider on the page; without it a number is typed."""
    alternative: Alternative | None = None
    pick: bool = True
    unset: str = ""
    optional: bool = False
    """Whether None is a value; so it is where None is the default."""

    @property
    def bound(self) -> float:
        """The largest number, by `limit` or `most`."""
        return getattr(limits(), self.limit) if self.limit else self.most

    @property
    def slider_end(self) -> int | None:
        """The end of the slider on the page; None without one."""
        return None if self.slider is None else int(min(self.slider, self.bound))

    @property
    def noted(self) -> str:
        """`info` with the largest number that the page takes, where a limit of requests bounds it."""
        end = self.bound if self.slider_end is None else self.slider_end
        return f"{self.info}; {at_most(end)}" if self.limit else self.info

    def check(self, value: Any) -> Any:
        """The value as it is kept. Raises InputError for one of another type or out of bounds."""
        if value is None and self.optional:
            return value
        if self.kind in ("whole", "real"):
            self._check_number(value)
        elif self.kind == "reals":
            value = tuple(value) if isinstance(value, list | tuple) else (value,)
            for one in value:
                self._check_number(one)
        elif self.kind == "texts":
            value = self._texts(value)
        elif self.kind == "choice":
            if value not in self.choices:
                raise InputError(
                    f"Expected a {self.quantity}: {listed(self.choices)}, got {shown(value)}; choose one of them."
                )
        else:
            self.recipe(value)
        return value

    def recipe(self, value: Any) -> Any:
        """The Recipe that a value of kind row or recipe stands for; None for None and for a word. A row without scale
        has scale 1. Raises InputError.
        """
        if value is None or value in self.words:
            return None
        if not isinstance(value, str):
            raise InputError(f"Expected {self.quantity} as text, got {shown(value)}; write FILE#ROW.")
        if self.kind == "row":
            parts = value.split(",")
            value = ",".join(part if "@" in part.rpartition("#")[2] else f"{part}@1" for part in parts)
        from playground.library.recipe import parse

        try:
            return parse(value)
        except InputError as error:
            raise InputError(f"{self.quantity}: {error}") from error

    def _texts(self, value: Any) -> tuple[str, ...]:
        texts = (value,) if isinstance(value, str) else value
        if not isinstance(texts, list | tuple) or not texts or not all(map(is_text, texts)):
            raise InputError(f"Expected a {self.quantity} or several as text, got {shown(value)}; type one.")
        if not math.isinf(self.bound):
            check_count(f"{self.quantity}s", len(texts), int(self.bound), "give fewer")
        for text in texts:
            check_characters(f"a {self.quantity}", text, limits().answer_characters)
            if not text.strip():
                raise InputError(f"Expected a {self.quantity} with text in it, got an empty one; fill it in.")
        return tuple(texts)

    def _check_number(self, value: Any) -> None:
        if self.kind == "whole":
            check_whole(self.quantity, value, int(self.least), None if math.isinf(self.bound) else int(self.bound))
        else:
            check_real(self.quantity, value, self.least, self.bound, self.above)


def setting(default: Any, kind: Kind, quantity: str, **words: Any) -> Any:
    """A field of a method's settings dataclass: its default, and the fields of Setting."""
    return field(default=default, metadata={"setting": Setting(kind, quantity, optional=default is None, **words)})


def settings_of(settings: type) -> dict[str, Setting]:
    """Every setting of a settings dataclass by name, in order."""
    return {one.name: one.metadata["setting"] for one in fields(settings)}


@dataclass(frozen=True)
class NoSettings:
    """Settings of a method that has none."""


def check_settings(settings: Any) -> None:
    """Check every setting of a settings object; None is its default. Raises InputError; to be called from
    `__post_init__`.
    """
    for one in fields(settings):
        value = getattr(settings, one.name)
        value = one.default if value is None else value
        object.__setattr__(settings, one.name, one.metadata["setting"].check(value))
