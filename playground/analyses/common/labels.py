"""Labels of measured vectors, as the notes of their sets have them now."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from playground.analyses.common.result import MeasuredSet
from playground.errors import FileError
from playground.library.mix import LoadSet
from playground.library.recipe import Recipe
from playground.once import log_once

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Labels:
    """Labels of the rows of vector sets, by the set's name. Names are those of Row: `set#3`, `random-0`."""

    sets: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def of(self, name: str) -> str:
        """The label of a vector; "" where it has none, and for averages and random directions."""
        source, _, row = name.rpartition("#")
        labels = self.sets.get(source, ())
        return labels[int(row)] if row.isdecimal() and int(row) < len(labels) else ""

    def of_recipe(self, recipe: Recipe) -> str:
        """The label of the vector in a recipe of one component; "" for averages and mixes."""
        components = recipe.components
        return self.of(f"{components[0].source}#{components[0].row}") if len(components) == 1 else ""

    def called(self, name: str) -> str:
        """A vector's name, followed by its label where it has one."""
        label = self.of(name)
        return f"{name} “{label}”" if label else name


UNLABELLED = Labels()


def labels_of(sets: Iterable[MeasuredSet], load_set: LoadSet) -> Labels:
    """The labels of measured sets. A set that cannot be read has none, nor has another set of the same name."""
    measured: dict[str, set[str]] = {}
    for one in sets:
        measured.setdefault(one.source, set()).add(one.digest)
    found = {}
    for source, digests in measured.items():
        try:
            vector_set = load_set(source)
        except FileError as error:
            log_once(_LOG, logging.INFO, "vectors of %s are shown without labels (%s)", source, str(error))
            continue
        if digests == {MeasuredSet.of(source, vector_set).digest}:
            found[source] = tuple(note.label for note in vector_set.notes)
    return Labels(found)
