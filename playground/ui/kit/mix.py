"""Rows of a mix, and their conversion to a recipe and back."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace

from playground.errors import InputError, PlaygroundError
from playground.library.recipe import Component, Recipe, component_norm, format_blocks, read_blocks
from playground.library.vector_set import VectorSet
from playground.ui.kit import defaults
from playground.ui.kit.digits import digits
from playground.ui.kit.markup import scale_strip
from playground.ui.kit.pick import RANGE, Load, Pick, native_norm


@dataclass(frozen=True)
class MixRow(Pick):
    """One row of the mixer. A muted row does nothing; while a row has `solo`, the others do nothing. `operation` is
    what is done with the vector, a key of OPPOSITE, and `blocks` where, as in a recipe; "" is at the source of its set.
    """

    mute: bool = False
    solo: bool = False
    operation: str = "add"
    blocks: str = ""

    def component(self, load: Callable[[str], VectorSet], mute: bool = True) -> Component | None:
        """The component of the row; None when it is empty or (with `mute`) muted. Raises PlaygroundError."""
        made = None if mute and self.mute else super().component(load)
        if made is None:
            return None
        blocks = read_blocks(self.blocks, "at which a row works") if (self.blocks or "").strip() else None
        if self.operation == "ablate":  # several rows by their span
            return Component(made.source, made.row, operation="ablate", span=made.mean, blocks=blocks)
        return replace(made, operation=self.operation, blocks=blocks)

    def strip(self, load: Callable[[str], VectorSet], remark: str = "") -> str:
        """Marks and small print under the slider, as `Pick.strip`, for a muted row too."""
        pick = Pick(*(getattr(self, field.name) for field in fields(Pick)))
        remark = remark or ("muted" if self.mute else "")
        if self.operation == "add" and not self.blocks:
            return pick.strip(load, remark)
        try:
            made = self.component(load, mute=False)
        except PlaygroundError as error:
            return scale_strip(self.maximum, str(error)) + _CHANGED
        if made is None:
            return ""
        at = f"at block{'s' * ('-' in self.blocks)} {self.blocks.strip()}" if self.blocks else ""
        if made.operation == "add":
            return pick.strip(load, " · ".join(part for part in (at, remark) if part)) + _CHANGED
        vector_set = load(self.source)
        bound = math.copysign(component_norm(made, vector_set), made.amount) / vector_set.origin.residual_norm
        what = {
            "ablate": "what lies along these rows is taken out" if made.span else "what lies along it is taken out",
            "cap": f"kept at {digits(bound, 2)} r along it at most",
            "floor": f"kept at {digits(bound, 2)} r along it at least",
        }[made.operation]
        shown = scale_strip(self.maximum, " · ".join(part for part in (what, at, remark) if part))
        return shown + (_ABLATES if made.operation == "ablate" else _CHANGED)


_CHANGED = '<i class="sp-unusual"></i>'
_ABLATES = '<i class="sp-unusual sp-ablates"></i>'
"""Marks for the style sheet: what a row does shows while it is not the usual, and an ablation has no scale."""


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
    return Recipe(tuple(part for part in components if part is not None and (part.amount or part.operation != "add")))


def mix_of(recipe: Recipe, load: Callable[[str], VectorSet]) -> list[MixRow]:
    """The rows of a mix that has this recipe. Raises what `load` raises."""
    rows = []
    for component in recipe.components:
        how = {"operation": component.operation, "blocks": format_blocks(component.blocks)}
        if component.span is not None:
            first, end = component.span
            rows.append(MixRow(component.source, RANGE, first=first, last=end - 1, **how))
            continue
        if component.mean is not None:
            if component.operation == "ablate":
                raise InputError(
                    "Expected a recipe that the mixer can show, got one that ablates an average; ablate the span of "
                    "these rows, or generate it by the command line or the API."
                )
            rows.append(replace(_average(component, component.mean, load), **how))
            continue
        # Amounts have five digits, so eight restore them.
        scale = float(f"{component.amount / load(component.source).origin.residual_norm:.8g}")
        rows.append(MixRow(component.source, str(component.row), scale=scale, **how))
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
