"""Plotly figure of a scan: KL of the next token against the share of words that changed, a point a text."""

from __future__ import annotations

import plotly.graph_objects as go

from playground.services.scan.cell import Cell, ScanResult
from playground.ui.kit import plots
from playground.ui.kit.theme import BASELINE

HEIGHT = 320


def figure_of(result: ScanResult) -> go.Figure:
    """A point a text, in the colour of its sign, noise grey and open. Points hold "ROW|" in their customdata."""
    plot = plots.figure(HEIGHT)
    for sign in (-1, 1):
        _points(plot, [cell for cell in result.cells if cell.sign == sign and not cell.noise], plots.sign_colour(sign))
    _points(plot, [cell for cell in result.cells if cell.noise], BASELINE, "circle-open")
    plot.update_xaxes(title_text="words changed", tickformat=".0%", range=[-0.03, 1.03], zeroline=False)
    plot.update_yaxes(title_text="KL(steered ‖ baseline) / nats", rangemode="tozero", zeroline=False)
    return plot


def _points(plot: go.Figure, cells: list[Cell], colour: str, symbol: str = "circle") -> None:
    cells = [cell for cell in cells if cell.kl is not None]
    plot.add_scatter(
        x=[round(cell.changed, 4) for cell in cells], y=[round(cell.kl or 0.0, 4) for cell in cells], mode="markers",
        marker={"size": 7, "color": colour, "opacity": 0.7, "symbol": symbol},
        customdata=[f"{cell.row}|" for cell in cells],
        text=[f"{'+' if cell.sign > 0 else '−'}{cell.row} at {cell.scale:g}: {_first(cell)}" for cell in cells],
        cliponaxis=False, hovertemplate="%{text}<br>KL %{y:.3g}, %{x:.0%} changed<extra></extra>",
    )


def _first(cell: Cell) -> str:
    return plots.plain(" ".join(cell.text.split()) or "(ends at once)", 60)
