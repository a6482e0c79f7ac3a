"""Figures as SVG text, in the standard library alone: lines with bands, violins, bars and points.

Every function takes data and returns one `<svg>` element, which can stand in an HTML page, in Markdown as a file, or by
itself. Colours follow the reader's light or dark mode. Numbers that are not finite are left out: lines have gaps there.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Literal, TypeVar

Role = Literal["main", "random"]
"""Role of a series: random directions are dotted grey, all else has a colour by its place."""

WIDTH, HEIGHT = 680, 340
_LEFT, _RIGHT, _TOP, _BOTTOM = 62, 14, 12, 46
_LEGEND_LINE, _NAME_LINE, _LETTER = 18, 13, 6.6  # px: lines of the legend and of a name, a letter of 11 px
_TICKS = 6
_LONGEST = 28
"""Characters of a line of a name under a violin or a group of bars; the tooltip has the whole name."""
_DENSITY_POINTS = 48

_LIGHT = ("#0b7a5c", "#1f6fb2", "#b8570a", "#7447a3", "#a8336a", "#5f6d1f", "#1b7f8c", "#8a4b2a")
_DARK = ("#2cc79b", "#6fb5ea", "#f0a050", "#b794e0", "#ec86b3", "#b4c26a", "#5fc9d6", "#d39b78")
COLOURS = len(_LIGHT)


def _css(colours: Sequence[str], text: str, grid: str, grey: str) -> str:
    rules = [f".fig text{{fill:{text}}} .fig .grid{{stroke:{grid}}} .fig .axis,.fig .zero{{stroke:{grey}}}"]
    rules += [f".fig .c{place}{{stroke:{colour};fill:{colour}}}" for place, colour in enumerate(colours)]
    rules.append(f".fig .grey{{stroke:{grey};fill:{grey}}}")
    return " ".join(rules)


_STYLE = (
    _css(_LIGHT, "#444", "#e2e2e2", "#8a8f98")
    + " @media (prefers-color-scheme:dark){"
    + _css(_DARK, "#c8c8c8", "#3a3a3a", "#9097a1")
    + "} "
    # After the colours, which name both stroke and fill.
    ".fig text{font:11px system-ui,sans-serif} .fig .line{fill:none;stroke-width:2} "
    ".fig .dotted{stroke-dasharray:2 3;stroke-width:1.2} .fig .dashed{stroke-dasharray:6 4} "
    ".fig .band{stroke:none;fill-opacity:.15} .fig .body{fill-opacity:.16;stroke-width:1} "
    ".fig .dot{stroke:none;fill-opacity:.7} .fig .bar{stroke:none;fill-opacity:.75} .fig .rod{fill:none}"
)


@dataclass(frozen=True)
class Axes:
    """Titles and range of the axes. `share`: values are parts of one, drawn from 0 to 1 in per cent. `low` and
    `high` bound the vertical axis where they are given; it includes all values anyway.
    """

    x: str
    y: str
    share: bool = False
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class _Series:
    name: str
    role: Role = field(default="main", kw_only=True)


@dataclass(frozen=True)
class Line(_Series):
    """Values over x, with the bounds of an interval each where `lows` and `highs` are given."""

    xs: Sequence[float]
    ys: Sequence[float]
    lows: Sequence[float] | None = None
    highs: Sequence[float] | None = None


@dataclass(frozen=True)
class Violin(_Series):
    """A distribution: its values, each drawn as a point too. A name may have several lines."""

    values: Sequence[float]


@dataclass(frozen=True)
class Bars(_Series):
    """One value a category."""

    values: Sequence[float]


@dataclass(frozen=True)
class Points(_Series):
    """Pairs of values, each with its tooltip where `texts` are given."""

    xs: Sequence[float]
    ys: Sequence[float]
    texts: Sequence[str] | None = None


def lines(series: Sequence[Line], axes: Axes, title: str, marked: float | None = None) -> str:
    """Lines with their intervals as bands; `marked` is a dashed horizontal line, such as the baseline's value."""
    ys = [value for line in series for values in (line.ys, line.lows or (), line.highs or ()) for value in values]
    frame = _Frame(axes, [x for line in series for x in line.xs], _with(ys, marked), _legend(series))
    parts = [*frame.grid(), *_marked(frame, marked)]
    for place, line in _drawn(series):
        style = _class(place, line.role)
        if line.lows is not None and line.highs is not None:
            for run in _runs(line.xs, line.lows, line.highs):
                edge = [(x, high) for x, _, high in run] + [(x, low) for x, low, _ in reversed(run)]
                parts.append(f'<polygon class="band {style}" points="{frame.path(edge)}"/>')
        dotted = " dotted" if line.role == "random" else ""
        for run in _runs(line.xs, line.ys):
            parts.append(f'<polyline class="line {style}{dotted}" points="{frame.path(run)}"/>')
        if line.role == "main":
            parts += [_dot(frame, style, x, y, f"{line.name} at {x:g}: {y:.4g}") for x, y in _finite(line.xs, line.ys)]
    return frame.svg(parts, title)


def points(series: Sequence[Points], axes: Axes, title: str) -> str:
    """A scatter plot."""
    xs, ys = [x for one in series for x in one.xs], [y for one in series for y in one.ys]
    frame = _Frame(axes, xs, ys, _legend(series))
    parts = frame.grid()
    for place, one in _drawn(series):
        texts = one.texts if one.texts is not None else [one.name] * len(one.xs)
        for x, y, text in zip(one.xs, one.ys, texts, strict=True):
            if math.isfinite(x) and math.isfinite(y):
                parts.append(_dot(frame, _class(place, one.role), x, y, f"{text}: {x:.4g}, {y:.4g}"))
    return frame.svg(parts, title)


def violins(groups: Sequence[Violin], axes: Axes, title: str, marked: float | None = None) -> str:
    """Violins side by side, every value a point, the mean a thick line; all are equally wide where they are widest.

    The density is Gaussian with Silverman's bandwidth, cut at the smallest and the largest value.
    """
    values = [value for group in groups for value in group.values]
    frame = _Frame(axes, [-0.5, len(groups) - 0.5], _with(values, marked), (), [group.name for group in groups])
    parts = [*frame.grid(), *_marked(frame, marked)]
    for place, group in _drawn(groups):
        style, own = _class(place, group.role), sorted(value for value in group.values if math.isfinite(value))
        if not own:
            continue
        outline = density(own)
        edge = [(place + 0.42 * width, value) for value, width in outline]
        edge += [(place - 0.42 * width, value) for value, width in reversed(outline)]
        parts.append(f'<polygon class="body {style}" points="{frame.path(edge)}"/>')
        for index, value in enumerate(own):
            across = place + 0.5 * ((index * 0.6180339887) % 1 - 0.5)  # spread evenly, and always the same
            parts.append(_dot(frame, style, across, value, f"{group.name}: {value:.4g}", 2))
        mean = sum(own) / len(own)
        parts.append(
            f'<polyline class="line {style}" points="{frame.path([(place - 0.3, mean), (place + 0.3, mean)])}">'
            f"<title>{escape(group.name)}: mean {mean:.4g} of {len(own)}</title></polyline>"
        )
    return frame.svg(parts, title)


def bars(categories: Sequence[str], series: Sequence[Bars], axes: Axes, title: str) -> str:
    """Groups of bars, one group a category, a bar a series beside each other."""
    values = [0.0, *(value for one in series for value in one.values)]
    frame = _Frame(axes, [-0.5, len(categories) - 0.5], values, _legend(series), categories)
    parts = frame.grid()
    for place, category in enumerate(categories):
        for number, one in enumerate(series):
            value, style = one.values[place], _class(number, one.role)
            if not math.isfinite(value):
                continue
            wide = 0.8 / len(series)
            left = place - 0.4 + number * wide
            (x0, y0), (x1, y1) = frame.at(left, 0.0), frame.at(left + wide, value)
            said = f"{one.name}, {category}: {value:.4g}"
            parts.append(
                f'<rect class="bar {style}" x="{x0:.1f}" y="{min(y0, y1):.1f}" width="{max(x1 - x0 - 1, 1):.1f}" '
                f'height="{abs(y1 - y0):.1f}"><title>{escape(said)}</title></rect>'
            )
    return frame.svg(parts, title)


def density(values: Sequence[float]) -> list[tuple[float, float]]:
    """(value, density) from the smallest to the largest of the values, with the largest density 1."""
    low, high, n = min(values), max(values), len(values)
    mean = sum(values) / n
    deviation = math.sqrt(sum((value - mean) ** 2 for value in values) / n)
    if deviation == 0:
        return [(low, 1.0)]
    ordered = sorted(values)
    middle = ordered[(3 * n) // 4] - ordered[n // 4]
    spread = min(deviation, middle / 1.349) if middle > 0 else deviation
    width = 0.9 * spread * n**-0.2
    at = [low + (high - low) * step / (_DENSITY_POINTS - 1) for step in range(_DENSITY_POINTS)]
    heights = [sum(math.exp(-0.5 * ((x - value) / width) ** 2) for value in values) for x in at]
    top = max(heights)
    return [(x, height / top) for x, height in zip(at, heights, strict=True)]


def ticks(low: float, high: float, count: int = _TICKS) -> list[float]:
    """Round numbers from `low` to `high`, about `count` of them."""
    raw = (high - low) / max(count - 1, 1)
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor >= raw * 0.999)
    return [number * step for number in range(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1)]


class _Frame:
    """The panel of a figure: coordinates, axes and legend."""

    def __init__(
        self,
        axes: Axes,
        xs: Iterable[float],
        ys: Iterable[float],
        legend: Sequence[tuple[str, str]],
        names: Sequence[str] | None = None,
    ) -> None:
        self.axes, self.names = axes, names
        self.legend, rows = _placed(legend)
        self.top = _TOP + rows * _LEGEND_LINE
        self.bottom = self.top + HEIGHT - _TOP - _BOTTOM
        self.below = _NAME_LINE * (max((name.count("\n") for name in names), default=0) if names else 0)
        self.height = self.bottom + _BOTTOM + self.below
        self.x = _span(xs, 0.0 if names is not None else 0.02)
        low, high = _span([y for y in [*ys, axes.low, axes.high] if y is not None], 0.04)
        self.y = (min(low, 0.0), max(high, 1.0)) if axes.share else (low, high)

    def at(self, x: float, y: float) -> tuple[float, float]:
        across = (x - self.x[0]) / (self.x[1] - self.x[0])
        up = (y - self.y[0]) / (self.y[1] - self.y[0])
        return _LEFT + (WIDTH - _LEFT - _RIGHT) * across, self.bottom - (self.bottom - self.top) * up

    def path(self, places: Iterable[Sequence[float]]) -> str:
        return " ".join("{:.1f},{:.1f}".format(*self.at(x, y)) for x, y in places)

    def grid(self) -> list[str]:
        """Grid lines, ticks and titles of both axes."""
        right, parts = WIDTH - _RIGHT, []
        for value in ticks(*self.y):
            y = self.at(self.x[0], value)[1]
            said = f"{100 * value:.0f} %" if self.axes.share else f"{value + 0.0:.4g}"
            parts.append(f'<line class="grid" x1="{_LEFT}" y1="{y:.1f}" x2="{right}" y2="{y:.1f}"/>')
            parts.append(f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{said}</text>')
        if self.y[0] < 0 < self.y[1]:
            y = self.at(self.x[0], 0)[1]
            parts.append(f'<line class="zero" x1="{_LEFT}" y1="{y:.1f}" x2="{right}" y2="{y:.1f}"/>')
        if self.names is None:
            labels = [(value, [f"{value + 0.0:.4g}"], "") for value in ticks(*self.x)]
        else:
            letters = max(3, min(_LONGEST, int((right - _LEFT) / max(len(self.names), 1) / _LETTER)))
            labels = [
                (place, [_cut(part, letters) for part in name.split("\n")], name.replace("\n", " "))
                for place, name in enumerate(self.names)
            ]
        for value, texts, whole in labels:
            x, hover = self.at(value, self.y[0])[0], f"<title>{escape(whole)}</title>" if whole else ""
            for line, text in enumerate(texts):
                y = self.bottom + 16 + line * _NAME_LINE
                parts.append(f'<text x="{x:.1f}" y="{y}" text-anchor="middle">{hover}{escape(text)}</text>')
        middle, half, lowest = (_LEFT + right) / 2, (self.top + self.bottom) / 2, self.bottom + 36 + self.below
        parts.append(f'<line class="axis" x1="{_LEFT}" y1="{self.bottom}" x2="{right}" y2="{self.bottom}"/>')
        parts.append(
            f'<text x="{middle:.1f}" y="{lowest}" text-anchor="middle">{escape(self.axes.x)}</text>'
        )
        parts.append(
            f'<text transform="translate(14 {half:.1f}) rotate(-90)" text-anchor="middle">{escape(self.axes.y)}</text>'
        )
        return parts

    def svg(self, parts: Sequence[str], title: str) -> str:
        """The whole element. `title` is its label for screen readers."""
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" class="fig" viewBox="0 0 {WIDTH} {self.height}" role="img" '
            f'aria-label="{escape(title)}"><style>{_STYLE}</style>'
        )
        return "\n".join([head, *self.legend, *parts, "</svg>"])


def _placed(legend: Sequence[tuple[str, str]]) -> tuple[list[str], int]:
    """The legend, wrapped into lines, and how many lines it has."""
    parts, x, row = [], float(_LEFT), 0
    for name, style in legend:
        wide = 26 + _LETTER * len(name)
        if x > _LEFT and x + wide > WIDTH - _RIGHT:
            x, row = float(_LEFT), row + 1
        y = _TOP + row * _LEGEND_LINE
        parts.append(f'<line class="line {style}" x1="{x:.0f}" y1="{y}" x2="{x + 14:.0f}" y2="{y}"/>')
        parts.append(f'<text x="{x + 18:.0f}" y="{y + 4}">{escape(name)}</text>')
        x += wide
    return parts, row + 1 if legend else 0


def _legend(series: Sequence[_Series]) -> list[tuple[str, str]]:
    """Name and style of every series, each name once: many random lines may share one."""
    found: dict[str, str] = {}
    for place, one in enumerate(series):
        found.setdefault(one.name, _class(place, one.role) + (" dotted" if one.role == "random" else ""))
    return list(found.items()) if len(found) > 1 or len(series) > 1 else []


_One = TypeVar("_One", bound=_Series)


def _drawn(series: Sequence[_One]) -> list[tuple[int, _One]]:
    """The series with their places, random ones first, so that they lie beneath."""
    return sorted(enumerate(series), key=lambda pair: pair[1].role == "main")


def _class(place: int, role: Role) -> str:
    return f"c{place % COLOURS}" if role == "main" else "grey"


def _dot(frame: _Frame, style: str, x: float, y: float, said: str, radius: float = 3) -> str:
    across, down = frame.at(x, y)
    return (
        f'<circle class="dot {style}" cx="{across:.1f}" cy="{down:.1f}" r="{radius:g}"><title>{escape(said)}</title>'
        "</circle>"
    )


def _marked(frame: _Frame, marked: float | None) -> list[str]:
    if marked is None or not math.isfinite(marked):
        return []
    ends = frame.path([(frame.x[0], marked), (frame.x[1], marked)])
    return [f'<polyline class="rod grey dashed" points="{ends}"><title>{marked:.4g}</title></polyline>']


def _with(values: Sequence[float], marked: float | None) -> list[float]:
    return [*values] if marked is None else [*values, marked]


def _finite(xs: Sequence[float], ys: Sequence[float]) -> list[tuple[float, float]]:
    return [(x, y) for x, y in zip(xs, ys, strict=True) if math.isfinite(x) and math.isfinite(y)]


def _runs(*columns: Sequence[float]) -> list[list[tuple[float, ...]]]:
    """The rows of columns in runs without a value that is not finite."""
    runs: list[list[tuple[float, ...]]] = [[]]
    for row in zip(*columns, strict=True):
        if all(map(math.isfinite, row)):
            runs[-1].append(row)
        elif runs[-1]:
            runs.append([])
    return [run for run in runs if run]


def _span(values: Iterable[float], margin: float) -> tuple[float, float]:
    """The smallest and the largest finite value with a margin; 0 to 1 where there is none, and never empty."""
    finite = [value for value in values if math.isfinite(value)]
    low, high = (min(finite), max(finite)) if finite else (0.0, 1.0)
    if low == high:
        half = abs(low) / 2 or 0.5
        low, high = low - half, high + half
    return low - margin * (high - low), high + margin * (high - low)


def _cut(text: str, letters: int) -> str:
    return text if len(text) <= letters else f"{text[: letters - 1]}…"
