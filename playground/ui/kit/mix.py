"""Rows of a mix as the page has them, the recipe they make, and the rows of a recipe."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace

from playground.library.recipe import Component, Recipe
from playground.library.vector_set import VectorSet
from playground.ui.kit import defaults
from playground.ui.kit.pick import RANGE, Load, Pick, native_norm


@dataclass(frozen=True)
class MixRow(Pick):
    """One row as the page has it: a pick, nothing when muted, and alone when it is the one with `solo`."""

    mute: bool = False
    solo: bool = False

    def component(self, load: Callable[[str], VectorSet], mute: bool = True) -> Component | None:
        """What the row adds; None when it is empty or (with `mute`) muted. Raises PlaygroundError."""
        return None if mute and self.mute else super().component(load)

    def strip(self, load: Callable[[str], VectorSet], remark: str = "") -> str:
        """The small print under the slider, also of a row that is muted."""
        pick = Pick(*(getattr(self, field.name) for field in fields(Pick)))
        return pick.strip(load, remark or ("muted" if self.mute else ""))


def opening_mix(start: defaults.Opening) -> list[MixRow]:
    """The rows the page begins with."""
    return [] if start.set_name is None else [MixRow(start.set_name, str(start.row), scale=start.scale)]


def sounding(rows: Sequence[MixRow]) -> list[MixRow]:
    """The rows that add something as far as mute and solo go: the one with solo, also when it is muted, or all that
    are not muted.
    """
    alone = [row for row in rows if row.used and row.solo]
    return alone or [row for row in rows if row.used and not row.mute]


def recipe_of(rows: Sequence[MixRow], load: Load) -> Recipe:
    """What the mix adds: rows at scale 0 add nothing and are left out. Raises PlaygroundError."""
    components = [row.component(load, mute=False) for row in sounding(rows)]
    return Recipe(tuple(part for part in components if part is not None and part.amount != 0))


def mix_of(recipe: Recipe, load: Callable[[str], VectorSet]) -> list[MixRow]:
    """The rows of the mixer that add what `recipe` adds. Raises what `load` raises."""
    rows = []
    for component in recipe.components:
        if component.row is not None:
            # Amounts have five digits, so that eight give them back.
            scale = float(f"{component.amount / load(component.source).origin.residual_norm:.8g}")
            rows.append(MixRow(component.source, str(component.row), scale=scale))
            continue
        rows.append(_average(component, load))
    return rows


def _average(component: Component, load: Callable[[str], VectorSet]) -> MixRow:
    """An average in multiples of what it is, or where that is beyond the slider in relative scale: of vectors of norm 1
    an average is so short.
    """
    first, end = component.mean
    row = MixRow(component.source, RANGE, first=first, last=end - 1, native=True, scale=component.amount)
    if abs(component.amount) <= row.maximum:
        return row
    vector_set = load(component.source)
    relative = component.amount * native_norm(component.source, component.mean, vector_set)
    return replace(row, native=False, scale=float(f"{relative / vector_set.origin.residual_norm:.8g}"))
