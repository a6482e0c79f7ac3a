"""One thing to add: a vector of a set, the average of its first n or of any range, and how much of it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from playground.errors import InputError, PlaygroundError
from playground.library.recipe import Component, component_norm
from playground.library.vector_set import VectorSet
from playground.ui import defaults
from playground.ui.entered import real, whole
from playground.ui.markup import scale_strip

FIRST = "first"
"""The choice in a row picker that stands for the average of the first n rows."""
RANGE = "mean"
"""The one for the average of any range of rows."""
NATIVE_METHODS = ("melbo", "ortho", "difference")
"""Methods whose norms say something: their averages are counted in multiples of what they are."""

STEP = 0.01
"""Of a slider in relative scale, or in multiples of a native norm."""

Load = Callable[[str], VectorSet]


@dataclass(frozen=True)
class Pick:
    """What the controls say. `row` is a number as text, FIRST or RANGE; `count` is n, `last` is included.

    `scale` is relative, with `absolute` the norm of what is added, or with `native` a multiple of the native norm (of
    the vector, or of the average). `widest`: a scale, not absolute, that the slider must reach although it is beyond
    its usual end, because that is what was seen elsewhere.
    """

    set_name: str | None
    row: str | None = "0"
    count: float | None = 3
    first: float | None = 0
    last: float | None = 2
    native: bool = False
    scale: float = 0.0
    absolute: bool = False
    widest: float = 0.0

    @property
    def used(self) -> bool:
        return bool(self.set_name)

    @property
    def rows(self) -> tuple[int, int] | int:
        """The row, or (first, end) of the rows that are averaged. Raises InputError."""
        if self.row == FIRST:
            return 0, whole(self.count, "the number of vectors to average", least=1)
        if self.row != RANGE:
            return whole(self.row, "row", least=0)
        first, last = whole(self.first, "first row", least=0), whole(self.last, "last row", least=0)
        if first > last:
            raise InputError(f"Expected a first row up to the last one, got {first} to {last}; swap them.")
        return first, last + 1

    @property
    def maximum(self) -> float:
        """Where the slider ends, but for absolute scales, which depend on the set: see `reach`."""
        return max(defaults.MAXIMUM_MULTIPLE if self.native else defaults.MAXIMUM_SCALE, self.widest)

    def reach(self, vector_set: VectorSet) -> tuple[float, float]:
        """Where the slider ends, and its step, in the unit of the scale."""
        if self.native or not self.absolute:
            return self.maximum, STEP
        # As fine as a relative scale and finer, and the end on a step: a slider snaps to them.
        step = 10.0 ** (math.floor(math.log10(vector_set.origin.residual_norm)) - 3)
        return rounded(math.ceil(self.maximum * vector_set.origin.residual_norm / step) * step), step

    def unit(self, vector_set: VectorSet) -> float:
        """The norm of what is added at scale 1. Raises InputError for rows that are not there."""
        if self.native:
            return native_norm(self.set_name, self.rows, vector_set)
        return 1.0 if self.absolute else vector_set.origin.residual_norm

    def number(self, vector_set: VectorSet) -> float:
        """The scale as given. Raises InputError when it is not a number within the slider."""
        scale, (most, _) = real(self.scale, "scale"), self.reach(vector_set)
        if not -most <= scale <= most:
            unit = "multiple of the native norm" if self.native else "norm" if self.absolute else "relative scale"
            raise InputError(f"Expected a {unit} from −{most:g} to {most:g}, got {scale:g}; move the slider back.")
        return scale

    def component(self, load: Load) -> Component | None:
        """What is added; None without a set. Raises PlaygroundError."""
        if not self.used:
            return None
        vector_set = load(self.set_name)
        rows, scale, unit = self.rows, self.number(vector_set), self.unit(vector_set)
        if isinstance(rows, int):
            return Component(self.set_name, row=rows, amount=rounded(scale * unit))
        if self.native:
            return Component(self.set_name, mean=rows, amount=rounded(scale))
        whole_norm = native_norm(self.set_name, rows, vector_set)
        return Component(self.set_name, mean=rows, amount=rounded(scale * unit / whole_norm))

    def strip(self, load: Load, remark: str = "") -> str:
        """The small print under the slider: norm, reference norm, layer; ticks at the scales worth trying, and the
        zones where text usually breaks.
        """
        if not self.used:
            return ""
        try:
            vector_set, component = load(self.set_name), self.component(load)
            norm, residual = component_norm(component, vector_set), vector_set.origin.residual_norm
            most, _ = self.reach(vector_set)
            unit, extreme = self.unit(vector_set), defaults.EXTREME_SCALE * residual
            ticks, said = self._ticks(vector_set, unit)
        except PlaygroundError as error:
            return scale_strip(self.maximum, (), str(error))
        parts = [f"norm {norm:.3g} = {norm / residual:.2g} × {residual:.3g}, the mean norm at block "
                 f"{vector_set.origin.source}"]
        if not self.native and component.mean is not None:
            parts.append(f"{component.amount:.3g} × the average")
        elif not self.native and vector_set.origin.method in NATIVE_METHODS:
            native = float(vector_set.native_norms[component.row])
            parts.append(f"native {native if self.absolute else native / residual:.2g}")
        parts += [said, "extreme: text usually breaks here" if norm > extreme else "", remark]
        return scale_strip(most, ticks, " · ".join(part for part in parts if part), extreme / unit)

    def _suggested(self, vector_set: VectorSet) -> tuple[float, float]:
        """Suggested norms of the row for both sides; 0 where there is none."""
        rows, suggested = self.rows, vector_set.suggested_scales
        if not isinstance(rows, int) or suggested is None or rows >= vector_set.rows:
            return 0.0, 0.0
        plus, minus = suggested[rows].tolist()
        return plus, minus

    def _ticks(self, vector_set: VectorSet, unit: float) -> tuple[tuple[float, ...], str]:
        """Where the slider is marked, in its own unit, and what is said of it."""
        plus, minus = (scale / unit for scale in self._suggested(vector_set))
        if plus > 0 or minus > 0:
            said = [f"+{plus:.2g}"] * (plus > 0) + [f"−{minus:.2g}"] * (minus > 0)
            return (plus,) * (plus > 0) + (-minus,) * (minus > 0), f"suggested {' and '.join(said)}"
        if self.native:
            return (-1.0, 1.0), ""
        usual = defaults.SUGGESTED_SCALE * vector_set.origin.residual_norm / unit
        return (-usual, usual), f"try ±{usual:.3g}"


def native_norm(name: str, rows: tuple[int, int] | int, vector_set: VectorSet) -> float:
    """Norm of a row, or of the average of rows, as the method left it. Raises InputError for missing rows."""
    if isinstance(rows, int):
        component_norm(Component(name, row=rows, amount=1.0), vector_set)  # checks the row
        return float(vector_set.native_norms[rows])
    return component_norm(Component(name, mean=rows, amount=1.0), vector_set)


def rounded(amount: float) -> float:
    """Five digits: what the command shows is exactly what was added."""
    return float(f"{amount:.5g}")


def row_choices(vector_set: VectorSet) -> list[tuple[str, str]]:
    """What a row picker offers: the averages where there are several rows, and every row with its label and star."""
    choices = []
    if vector_set.rows > 1:
        choices += [("mean of the first …", FIRST), ("mean of rows …", RANGE)]
    gains = None if vector_set.singular_values is None else vector_set.singular_values.tolist()
    for row, note in enumerate(vector_set.notes):
        star = "★ " if note.star else ""
        gain = "" if gains is None else f" · σ {gains[row]:.3g}"
        discarded = " · discarded" if note.discarded else ""
        choices.append((f"{star}{vector_set.label(row)}{gain}{discarded}", str(row)))
    return choices


def is_average(row: str | None) -> bool:
    return row in (FIRST, RANGE)


def counts_native(row: str | None, vector_set: VectorSet) -> bool:
    """Whether a choice is counted in its native norm to begin with: averages, where norms mean something."""
    return is_average(row) and vector_set.origin.method in NATIVE_METHODS
