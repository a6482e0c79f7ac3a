"""One thing to add: a vector of a set, the average of its first n or of any range, and how much of it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from playground.errors import InputError, PlaygroundError
from playground.library.recipe import Component, component_norm, rounded
from playground.library.scale_window import ScaleWindow
from playground.library.vector_set import VectorSet
from playground.methods.base.registry import norm_of
from playground.ui.kit import defaults
from playground.ui.kit.entered import real, whole
from playground.ui.kit.markup import scale_strip

FIRST = "first"
"""The choice in a row picker that stands for the average of the first n rows."""
RANGE = "mean"
"""The one for the average of any range of rows."""
STEP = 0.01
"""Of a slider in relative scale, or in multiples of a native norm."""
FINE_STEP = 0.001
"""Of one that ends at the break of its vector: breaks on real models begin at a twentieth of the reference norm."""

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
        """Where the slider ends when nothing is known of the vector, in relative scale or multiples of native norms."""
        return max(defaults.MAXIMUM_MULTIPLE if self.native else defaults.MAXIMUM_SCALE, self.widest)

    def reach(self, vector_set: VectorSet) -> tuple[float, float]:
        """Where the slider ends, and its step, in the unit of the scale: a little beyond the break of the vector."""
        most, known = self.maximum, self._largest_break(vector_set)
        if known is not None:
            one = self.unit(vector_set) if self.native else vector_set.origin.residual_norm
            most = max(defaults.BEYOND_BREAK * known / one, self.widest)
            most = math.ceil(most / STEP) * STEP
        if self.native or not self.absolute:
            return rounded(most), STEP if known is None else FINE_STEP
        # As fine as a relative scale and finer, and the end on a step: a slider snaps to them.
        step = 10.0 ** (math.floor(math.log10(vector_set.origin.residual_norm)) - 3)
        return rounded(math.ceil(most * vector_set.origin.residual_norm / step) * step), step

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
        """The small print under the slider: relative scale, norm, multiple of the found scale; ticks at onset and found
        scale, and hatching where text breaks.
        """
        if not self.used:
            return ""
        try:
            vector_set, component = load(self.set_name), self.component(load)
            norm, residual = component_norm(component, vector_set), vector_set.origin.residual_norm
            most, _ = self.reach(vector_set)
            unit, windows = self.unit(vector_set), self._windows(vector_set)
        except PlaygroundError as error:
            return scale_strip(self.maximum, str(error))
        parts = [f"{norm / residual:.2g} r · norm {norm:.3g}"]
        if not self.native and component.mean is not None:
            parts.append(f"{component.amount:.3g} × the average")
        elif not self.native and norm_of(vector_set.origin.method) != "unit":
            native = float(vector_set.native_norms[component.row])
            parts.append(f"native {native if self.absolute else native / residual:.2g}")
        parts.append(self._of_window(windows, component.amount < 0, norm, residual))
        if windows is None:
            breaks = (defaults.EXTREME_SCALE * residual / unit,) * 2
            onsets, found = (), ()
        else:
            ends = [window.break_ for window in windows]
            breaks = tuple(None if end is None else end / unit for end in (ends[1], ends[0]))
            signed = list(zip((1, -1), windows, strict=True))
            onsets = [sign * window.onset / unit for sign, window in signed if window.onset is not None]
            found = [sign * window.found / unit for sign, window in signed if window.found is not None]
        parts += [remark]
        return scale_strip(most, " · ".join(part for part in parts if part), onsets, found, breaks)

    def _windows(self, vector_set: VectorSet) -> tuple[ScaleWindow, ScaleWindow] | None:
        """Found scales of the row and of its negative; None for averages and where they were not looked for."""
        rows = self.rows
        if not isinstance(rows, int) or rows >= vector_set.rows:
            return None
        plus, minus = vector_set.window(rows, 1), vector_set.window(rows, -1)
        return None if plus is None or minus is None else (plus, minus)

    def _largest_break(self, vector_set: VectorSet) -> float | None:
        """Where text breaks in the sign that bears more; None where that is not known."""
        windows = self._windows(vector_set)
        if windows is None:
            return None
        return max(window.tried if window.break_ is None else window.break_ for window in windows)

    def _of_window(
        self, windows: tuple[ScaleWindow, ScaleWindow] | None, negative: bool, norm: float, residual: float
    ) -> str:
        """What the found scales say of a push of this norm."""
        if norm == 0:
            return ""
        if windows is None:
            if norm > defaults.EXTREME_SCALE * residual:
                return "extreme: text usually breaks here"
            return "scales not found yet: Calibrate scale in the Library" if isinstance(self.rows, int) else ""
        window = windows[int(negative)]
        if window.break_ is not None and norm >= window.break_:
            return "text breaks here"
        if window.found is None:
            return "only makes noise in this sign" if window.noise else "nothing happens in this sign"
        return f"{norm / window.found:.2g} × found"


def native_norm(name: str, rows: tuple[int, int] | int, vector_set: VectorSet) -> float:
    """Norm of a row, or of the average of rows, as the method left it. Raises InputError for missing rows."""
    if isinstance(rows, int):
        component_norm(Component(name, row=rows, amount=1.0), vector_set)  # checks the row
        return float(vector_set.native_norms[rows])
    return component_norm(Component(name, mean=rows, amount=1.0), vector_set)


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
    return is_average(row) and norm_of(vector_set.origin.method) != "unit"
