"""A plain SVG of how cost grows: one small panel a quantity, both axes logarithmic, readable in light and dark mode."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

_WIDTH, _HEIGHT, _GAP, _LEFT, _BOTTOM, _TOP = 200, 170, 30, 46, 34, 14
_STYLE = """
text { font: 11px sans-serif; fill: #444 } .axis { stroke: #999 } .grid { stroke: #ddd }
.line { stroke: #2a6fbb; fill: none; stroke-width: 2 } circle { fill: #2a6fbb }
.linear { stroke: #999; fill: none; stroke-dasharray: 3 3 }
@media (prefers-color-scheme: dark) { text { fill: #ccc } .grid { stroke: #444 }
.line { stroke: #7ab0ee } circle { fill: #7ab0ee } }
"""


def write_panels(path: Path, panels: Mapping[str, Sequence[tuple[float, float]]], unit: str) -> None:
    """Draw a panel for every quantity: its (value, measured) points, all panels on one vertical scale. The dashed line
    starts at the first point and grows in proportion.
    """
    measured = [y for points in panels.values() for _, y in points]
    low, high = math.floor(math.log10(min(measured))), math.ceil(math.log10(max(measured)))
    width = len(panels) * (_WIDTH + _GAP) + _LEFT
    height = _TOP + _HEIGHT + _BOTTOM
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" '
        f'aria-label="{unit} of power iteration against {", ".join(panels)}"><style>{_STYLE}</style>'
    ]
    for number, (name, points) in enumerate(panels.items()):
        parts += _panel(_LEFT + number * (_WIDTH + _GAP), name, points, low, max(high, low + 1))
    parts.append(f'<text x="4" y="{_TOP - 3}">{unit}</text></svg>')
    path.write_text("\n".join(parts) + "\n", encoding="utf-8")


def _panel(left: float, name: str, points: Sequence[tuple[float, float]], low: int, high: int) -> list[str]:
    first, last = math.log10(points[0][0]), math.log10(points[-1][0])

    def place(x: float, y: float) -> tuple[float, float]:
        across = (math.log10(x) - first) / (last - first)
        up = (math.log10(y) - low) / (high - low)
        return left + _WIDTH * (0.05 + 0.9 * across), _TOP + _HEIGHT * (1 - up)

    bottom = _TOP + _HEIGHT
    parts = []
    for power in range(low, high + 1):
        y = place(points[0][0], 10.0**power)[1]
        parts.append(f'<line class="grid" x1="{left}" y1="{y:.1f}" x2="{left + _WIDTH}" y2="{y:.1f}"/>')
        parts.append(f'<text x="{left - 6}" y="{y + 4:.1f}" text-anchor="end">{10.0**power:g}</text>')
    parts.append(f'<line class="axis" x1="{left}" y1="{bottom}" x2="{left + _WIDTH}" y2="{bottom}"/>')
    (x0, y0), end = points[0], points[-1][0]
    reach = min(end, x0 * 10.0**high / y0)
    parts.append(f'<polyline class="linear" points="{_path([place(x0, y0), place(reach, y0 * reach / x0)])}"/>')
    parts.append(f'<polyline class="line" points="{_path([place(*point) for point in points])}"/>')
    for value, seconds in points:
        x, y = place(value, seconds)
        parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3"><title>{value:g}: {seconds:.3g}</title></circle>')
        parts.append(f'<text x="{x:.1f}" y="{bottom + 14}" text-anchor="middle">{value:g}</text>')
    parts.append(f'<text x="{left + _WIDTH / 2}" y="{bottom + 29}" text-anchor="middle">{name}</text>')
    return parts


def _path(points: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
