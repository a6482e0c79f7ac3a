"""Requests of measurements: questions, vectors, scales and random controls, checked when built."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar

from playground.analyses import registry
from playground.core.positions import Positions, check_positions
from playground.errors import InputError
from playground.library.checks import (
    asked_places,
    check_seed,
    check_selection,
    check_unit,
    checked_scales,
)
from playground.library.prompt_set import PromptSet
from playground.library.recipe import Component, Recipe, resolve
from playground.library.rows import read_rows
from playground.library.text import shown
from playground.library.vector_set import VectorSet
from playground.limits import check_characters, check_count, check_whole, limits
from playground.model.prompting import PromptFormat

SCALES = (-1.0, -0.75, -0.5, -0.25, 0.0, 0.25, 0.5, 0.75, 1.0)
"""Default relative scales: both signs, up to a push as large as the residual stream."""
MULTIPLES, FEW_MULTIPLES = (-1.5, -1.0, -0.5, 0.0, 0.5, 1.0, 1.5), (-1.0, -0.5, 0.0, 0.5, 1.0)
"""Default multiples of found scales; fewer where texts are generated."""


@dataclass(frozen=True)
class MeasuredVector:
    """One direction: a row of a set, or the average of rows A to B−1 (`mean`). Either is scaled to the norm asked for.

    `source` is the name of a set in the library or the path of a file. Raises InputError for neither or both, and for
    what no recipe could name.
    """

    source: str
    row: int | None = None
    mean: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        self.component(1.0)

    def component(self, amount: float) -> Component:
        """The component of a recipe that adds it: `amount` is the norm for a row, the multiplier for an average."""
        return Component(self.source, self.row, self.mean, amount)

    @property
    def label(self) -> str:
        """Its label within the set: `3`, or `mean:0-12`."""
        return str(self.row) if self.mean is None else f"mean:{self.mean[0]}-{self.mean[1]}"

    def __str__(self) -> str:
        return f"{self.source}#{self.label}"


def read_vectors(source: str, text: str, vector_set: VectorSet) -> tuple[MeasuredVector, ...]:
    """Vectors of the set `source` as typed: rows as `read_rows` reads them, and averages `mean:A-B` of rows A to B−1
    between commas. Raises InputError for what is neither, and for rows that are not there.
    """
    check_characters("a list of vectors", text, limits().list_characters)
    found: dict[MeasuredVector, None] = {}
    for part in [part for part in text.split(",") if part.strip()] or ["all"]:
        if part.strip().lower().startswith("mean"):
            found[_read_mean(source, part.strip().lower(), vector_set)] = None
            continue
        rows = read_rows(part, vector_set)
        found |= {MeasuredVector(source, row): None for row in (range(vector_set.rows) if rows is None else rows)}
    return tuple(found)


def _read_mean(source: str, text: str, vector_set: VectorSet) -> MeasuredVector:
    mean = re.fullmatch(r"mean:(\d{1,9})-(\d{1,9})", text, re.ASCII)
    if mean is None:
        raise InputError(
            f"Expected an average of rows A to B−1 as mean:A-B, got {shown(text)}; write it like mean:0-3, with commas "
            "to other vectors."
        )
    made = MeasuredVector(source, mean=(int(mean[1]), int(mean[2])))
    resolve(Recipe((made.component(1.0),)), lambda _: vector_set)  # refuses rows that are not there
    return made


@dataclass(frozen=True, kw_only=True)
class Asking(ABC):
    """What the requests of all analyses of a model hold. Each has the prompt set in a field of its own, and returns it
    as `asked`.

    The first `max_items` items of the set are asked (None: all), or with a `sample_seed` as many drawn at random; with
    `balance` as many for one answer letter as for the other. `controls` random directions of equal norm are drawn from
    `seed`. `positions` are the tokens at which a push is added. Raises InputError when a value is wrong whatever the
    model.
    """

    KIND: ClassVar[str]  # the name of its analysis

    controls: int = 4
    seed: int = 0
    format: PromptFormat = field(default_factory=PromptFormat)
    positions: Positions = "all"
    max_items: int | None = None
    sample_seed: int | None = None
    balance: bool = False

    def __post_init__(self) -> None:
        # Never none: without a control a change cannot be distinguished from the effect of any push of that norm.
        check_whole("number of random controls", self.controls, least=1, most=self.most_controls())
        check_seed(self.seed)
        check_positions(self.positions)
        if self.max_items is not None:
            check_whole("number of items", self.max_items, least=1)
        check_selection(self.sample_seed, self.balance)

    @classmethod
    def most_controls(cls) -> int:
        """The limit of random controls."""
        return limits().controls

    @property
    @abstractmethod
    def asked(self) -> PromptSet:
        """The whole prompt set."""

    @cached_property
    def places(self) -> tuple[int, ...]:
        """Indices in the set, from 0, of the items that are asked."""
        return asked_places(self.asked, self.max_items, self.sample_seed, self.balance)

    @property
    def written(self) -> int:
        """The number of tokens generated for each push, at most."""
        return 0


@dataclass(frozen=True, kw_only=True)
class OverScales(Asking):
    """A request of vectors × scales on one prompt set, with the baseline and `controls` random directions: the base of
    the requests of all analyses over scales.

    `scales` count norms of what is added, multiples of the reference norm that each vector's set holds, or multiples of
    the scale found for each vector, by `unit`; negative ones turn the vector around. Each of the `controls` is measured
    at every layer and every norm at which a vector is, in multiples of found scales at the median of their norms.
    """

    vectors: tuple[MeasuredVector, ...]
    scales: tuple[float, ...]
    unit: str = "a"

    def __post_init__(self) -> None:
        analysis = registry.of(self)
        if self.asked.kind not in analysis.sets:
            raise InputError(
                f"Expected a set of the kind {' or '.join(analysis.sets)}, got “{self.asked.name}” of the kind "
                f"{self.asked.kind}; choose one whose items are {analysis.items_are}."
            )
        object.__setattr__(self, "vectors", tuple(self.vectors))
        check_count("vectors", len(self.vectors), limits().measured_vectors, "choose some", least=1)
        if len(set(self.vectors)) < len(self.vectors):
            raise InputError("Expected different vectors, got one of them twice; leave it out.")
        object.__setattr__(self, "scales", checked_scales(self.scales))
        check_unit(self.unit)
        super().__post_init__()
        _ = self.places  # refuses what cannot be chosen
        self.format.check_prompts(self.questions_asked)
        check_count(
            "pushes ((vectors + controls) × scales)", self.pushes, limits().pushes, "ask for fewer vectors or scales"
        )

    @classmethod
    def most_controls(cls) -> int:
        return limits().measured_vectors

    @property
    def sources(self) -> tuple[str, ...]:
        """The vector sets, each once."""
        return tuple(dict.fromkeys(vector.source for vector in self.vectors))

    @property
    def items(self) -> tuple[Any, ...]:
        """The items that are asked."""
        return tuple(self.asked.items[place] for place in self.places)

    @property
    def questions_asked(self) -> tuple[str, ...]:
        """The texts of the items."""
        return tuple(item if isinstance(item, str) else item.question for item in self.items)

    @property
    def alike(self) -> dict[str, object]:
        """Properties, by name, that are equal in results that can be compared in one table."""
        return {
            "prompt set": self.asked.hash,
            "items": self.items,
            "prompt format": self.format,
            "positions": self.positions,
            "unit of scales": self.unit,
        }

    @property
    def pushes(self) -> int:
        """The number of pushes: directions × scales other than 0, and the baseline."""
        return 1 + (len(self.vectors) + self.controls) * sum(scale != 0 for scale in self.scales)

    @property
    def read(self) -> tuple[str, ...]:
        """The texts that the model reads for each push."""
        return self.questions_asked

    @property
    def amount(self) -> str:
        """The size of the measurement, in words."""
        steered = sum(scale != 0 for scale in self.scales)
        return (
            f"{counted(len(self.items), 'item')} × ({counted(len(self.vectors), 'vector')} + {self.controls} "
            f"random) × {counted(steered, 'scale')}, and the baseline"
        )


def counted(number: int, what: str) -> str:
    """A number with its noun: `1 item`, `2 items`."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
