"""Choice of a vector, or of an average of vectors, and its scale; conversion to a recipe component."""

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
from playground.ui.kit.digits import digits
from playground.ui.kit.entered import real, whole
from playground.ui.kit.markup import scale_strip

FIRST = "first"
"""Value of a row picker for the average of the first n rows."""
RANGE = "mean"
"""Value of a row picker for the average of a range of rows."""
STEP = 0.01
"""Step of a slider in relative scale, or in multiples of a native norm."""
FINE_STEP = 0.001
"""Step of a slider that ends near the break of its vector: on real models some break at 0.05 of the reference norm."""

Load = Callable[[str], VectorSet]


@dataclass(frozen=True)
class Pick:
    """Values of the controls. `row` is a number as text, FIRST or RANGE; `count` is n, `last` is included.

    `scale` is relative, with `absolute` a norm, or with `native` a multiple of the native norm (of the vector, or of
    the average). `widest`: a scale, not absolute, that the slider must reach although it is beyond its usual end,
    because another tab showed its effect.
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
        """Whether a set is chosen."""
        return bool(self.set_name)

    @property
    def source(self) -> str:
        """The name of the set. Raises InputError when none is chosen."""
        if not self.set_name:
            raise InputError("Expected a set of vectors, got none; choose one.")
        return self.set_name

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
        """End of the slider for a vector without known breaks, in relative scale or multiples of the native norm."""
        return max(defaults.MAXIMUM_MULTIPLE if self.native else defaults.MAXIMUM_SCALE, self.widest)

    def reach(self, vector_set: VectorSet) -> tuple[float, float]:
        """(end, step) of the slider in the unit of the scale; the end is a little beyond the break of the vector.

        Raises InputError for rows that are not there.
        """
        most, known = self.maximum, self._largest_break(vector_set)
        if known is not None:
            unit = self.unit(vector_set) if self.native else vector_set.origin.residual_norm
            most = max(defaults.BEYOND_BREAK * known / unit, self.widest)
            most = math.ceil(most / STEP) * STEP
        if self.native or not self.absolute:
            return rounded(most), STEP if known is None else FINE_STEP
        # At least as fine as a relative scale; the end is a multiple of the step, to which a slider snaps.
        step = 10.0 ** (math.floor(math.log10(vector_set.origin.residual_norm)) - 3)
        return rounded(math.ceil(most * vector_set.origin.residual_norm / step) * step), step

    def unit(self, vector_set: VectorSet) -> float:
        """The norm of the push at scale 1. Raises InputError for rows that are not there."""
        if self.native:
            return native_norm(self.source, self.rows, vector_set)
        return 1.0 if self.absolute else vector_set.origin.residual_norm

    def number(self, vector_set: VectorSet) -> float:
        """The scale. Raises InputError when it is not a number within the slider."""
        scale, (most, _) = real(self.scale, "scale"), self.reach(vector_set)
        if not -most <= scale <= most:
            unit = "multiple of the native norm" if self.native else "norm" if self.absolute else "relative scale"
            raise InputError(f"Expected a {unit} from −{most:g} to {most:g}, got {scale:g}; move the slider back.")
        return scale

    def component(self, load: Load) -> Component | None:
        """The component of a recipe; None without a set. Raises PlaygroundError."""
        return self._component(load(self.source)) if self.used else None

    def _component(self, vector_set: VectorSet) -> Component:
        source = self.source
        rows, scale, unit = self.rows, self.number(vector_set), self.unit(vector_set)
        if isinstance(rows, int):
            return Component(source, row=rows, amount=rounded(scale * unit))
        if self.native:
            return Component(source, mean=rows, amount=rounded(scale))
        return Component(source, mean=rows, amount=rounded(scale * unit / native_norm(source, rows, vector_set)))

    def strip(self, load: Load, remark: str = "") -> str:
        """Marks and small print under the slider as HTML: ticks at onset and found scale, hatching where text breaks,
        relative scale, norm, and multiple of the found scale. For a pick that is wrong, the error instead.
        """
        if not self.used:
            return ""
        try:
            vector_set = load(self.source)
            component = self._component(vector_set)
            norm, residual = component_norm(component, vector_set), vector_set.origin.residual_norm
            most, _ = self.reach(vector_set)
            unit, windows = self.unit(vector_set), self._windows(vector_set)
        except PlaygroundError as error:
            return scale_strip(self.maximum, str(error))
        parts = [f"{digits(norm / residual, 2)} r · norm {digits(norm)}"]
        if not self.native and component.mean is not None:
            parts.append(f"{digits(component.amount)} × the average")
        elif not self.native and norm_of(vector_set.origin.method) != "unit":
            native = float(vector_set.native_norms[component.row])
            parts.append(f"native {digits(native if self.absolute else native / residual, 2)}")
        parts.append(self._window_remark(windows, component.amount < 0, norm, residual))
        onsets: list[float] = []
        found: list[float] = []
        breaks: tuple[float | None, float | None] = (defaults.EXTREME_SCALE * residual / unit,) * 2
        if windows is not None:
            plus, minus = (None if window.break_ is None else window.break_ / unit for window in windows)
            breaks = (minus, plus)
            signed = list(zip((1, -1), windows, strict=True))
            onsets = [sign * window.onset / unit for sign, window in signed if window.onset is not None]
            found = [sign * window.found / unit for sign, window in signed if window.found is not None]
        parts += [remark]
        return scale_strip(most, " · ".join(part for part in parts if part), onsets, found, breaks)

    def _windows(self, vector_set: VectorSet) -> tuple[ScaleWindow, ScaleWindow] | None:
        """Scale windows of the row and of its negative; None for averages, and where none were searched for."""
        rows = self.rows
        if not isinstance(rows, int) or rows >= vector_set.rows:
            return None
        plus, minus = vector_set.window(rows, 1), vector_set.window(rows, -1)
        return None if plus is None or minus is None else (plus, minus)

    def _largest_break(self, vector_set: VectorSet) -> float | None:
        """The larger of the breaks in the two signs, as a norm; None where they are not known."""
        windows = self._windows(vector_set)
        if windows is None:
            return None
        return max(window.tried if window.break_ is None else window.break_ for window in windows)

    def _window_remark(
        self, windows: tuple[ScaleWindow, ScaleWindow] | None, negative: bool, norm: float, residual: float
    ) -> str:
        """A remark on a push of this norm from its scale window."""
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
        return f"{digits(norm / window.found, 2)} × found"


def native_norm(name: str, rows: tuple[int, int] | int, vector_set: VectorSet) -> float:
    """Native norm of a row, or of the average of rows [first, end). Raises InputError for missing rows."""
    if isinstance(rows, int):
        component_norm(Component(name, row=rows, amount=1.0), vector_set)  # checks the row
        return float(vector_set.native_norms[rows])
    return component_norm(Component(name, mean=rows, amount=1.0), vector_set)


def row_choices(vector_set: VectorSet) -> list[tuple[str, str]]:
    """(label, value) choices of a row picker: the averages if there are several rows, then every row."""
    choices = []
    if vector_set.rows > 1:
        choices += [("mean of the first …", FIRST), ("mean of rows …", RANGE)]
    gains = None if vector_set.singular_values is None else vector_set.singular_values.tolist()
    for row, note in enumerate(vector_set.notes):
        star = "★ " if note.star else ""
        gain = "" if gains is None else f" · σ {digits(gains[row])}"
        discarded = " · discarded" if note.discarded else ""
        choices.append((f"{star}{vector_set.label(row)}{gain}{discarded}", str(row)))
    return choices


def is_average(row: str | None) -> bool:
    """Whether the value of a row picker is an average."""
    return row in (FIRST, RANGE)


def counts_native(row: str | None, vector_set: VectorSet) -> bool:
    """Whether a choice begins in multiples of its native norm: averages, where the method's norms mean something."""
    return is_average(row) and norm_of(vector_set.origin.method) != "unit"
