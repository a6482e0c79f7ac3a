"""Rows of a mix, and their conversion to a recipe and back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace

from playground.errors import InputError
from playground.library.recipe import Component, Recipe
from playground.library.vector_set import VectorSet
from playground.ui.kit import defaults
from playground.ui.kit.pick import RANGE, Load, Pick, native_norm


@dataclass(frozen=True)
class MixRow(Pick):
    """One row of the mixer. A muted row adds nothing; while a row has `solo`, the others add nothing."""

    mute: bool = False
    solo: bool = False

    def component(self, load: Callable[[str], VectorSet], mute: bool = True) -> Component | None:
        """The component that the row adds; None when it is empty or (with `mute`) muted. Raises PlaygroundError."""
        return None if mute and self.mute else super().component(load)

    def strip(self, load: Callable[[str], VectorSet], remark: str = "") -> str:
        """Marks and small print under the slider, as `Pick.strip`, for a muted row too."""
        pick = Pick(*(getattr(self, field.name) for field in fields(Pick)))
        return pick.strip(load, remark or ("muted" if self.mute else ""))


def opening_mix(start: defaults.Opening) -> list[MixRow]:
    """The rows the page begins with."""
    return [] if start.set_name is None else [MixRow(start.set_name, str(start.row), scale=start.scale)]


def active_rows(rows: Sequence[MixRow]) -> list[MixRow]:
    """The rows that mute and solo leave: the ones with solo, even if muted, else all that are not muted."""
    alone = [row for row in rows if row.used and row.solo]
    return alone or [row for row in rows if row.used and not row.mute]


def recipe_of(rows: Sequence[MixRow], load: Load) -> Recipe:
    """The recipe of a mix; rows at scale 0 are left out. Raises PlaygroundError."""
    components = [row.component(load, mute=False) for row in active_rows(rows)]
    return Recipe(tuple(part for part in components if part is not None and part.amount != 0))


def mix_of(recipe: Recipe, load: Callable[[str], VectorSet]) -> list[MixRow]:
    """The rows of a mix that has this recipe. Raises what `load` raises."""
    rows = []
    for component in recipe.components:
        if component.blocks is not None:
            raise InputError(
                f"Expected a recipe that the mixer can show, got one at the blocks {component.blocks[0]} to "
                f"{component.blocks[1]}; generate it by the command line or the API."
            )
        if component.operation != "add":
            raise InputError(
                "Expected a recipe that only adds, which the mixer can show, got one that ablates or caps; generate it "
                "by the command line or the API."
            )
        if component.mean is not None:
            rows.append(_average(component, component.mean, load))
            continue
        # Amounts have five digits, so eight restore them.
        scale = float(f"{component.amount / load(component.source).origin.residual_norm:.8g}")
        rows.append(MixRow(component.source, str(component.row), scale=scale))
    return rows


def _average(component: Component, mean: tuple[int, int], load: Callable[[str], VectorSet]) -> MixRow:
    """The row of an average, in multiples of its native norm, or in relative scale where that is beyond the slider: the
    average of vectors of norm 1 is short.
    """
    first, end = mean
    row = MixRow(component.source, RANGE, first=first, last=end - 1, native=True, scale=component.amount)
    if abs(component.amount) <= row.maximum:
        return row
    vector_set = load(component.source)
    relative = component.amount * native_norm(component.source, mean, vector_set)
    return replace(row, native=False, scale=float(f"{relative / vector_set.origin.residual_norm:.8g}"))
