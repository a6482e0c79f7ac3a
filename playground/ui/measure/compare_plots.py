"""Plots of compared sets: cosines as a heat map, principal angles, spectra."""

from __future__ import annotations

import math

import plotly.graph_objects as go

from playground.analyses.compare.run import Comparison, pooled
from playground.ui.kit.plots import figure, plain, waiting
from playground.ui.kit.theme import BASELINE, NEGATIVE, POSITIVE

HEIGHT = 420
MOST_CELLS = 120
"""Rows of the heat map: beyond it neighbouring vectors share a cell, which a screen could not tell apart anyway."""
MOST_NAME = 60
"""Characters of a name in a hover text."""
MOST_TICK = 28
"""Characters of a name on an axis or beside a line."""
DIVERGING = [[0, NEGATIVE], [0.5, "rgba(138,145,156,.08)"], [1, POSITIVE]]
LINES = ("#0d9f78", "#8b5fbf", "#3b8fd4", "#e07b1a", "#c2437a", "#7a8b2e")


def cosines(comparison: Comparison, height: int = HEIGHT) -> go.Figure:
    """Cosines of all rows with all rows, set after set; lines between the sets."""
    values, firsts = pooled(comparison.cosines, comparison.starts, MOST_CELLS)
    plot = figure(height)
    names = [plain(comparison.name(first), MOST_NAME) for first in firsts]
    plot.add_heatmap(
        z=[[round(value, 3) for value in row] for row in values.tolist()],
        zmin=-1,
        zmax=1,
        colorscale=DIVERGING,
        colorbar={
            "thickness": 10, "title": {"text": "cosine", "side": "right", "font": {"size": 12}}, "outlinewidth": 0,
        },
        customdata=[[f"{left} · {right}" for right in names] for left in names] if len(names) <= 60 else None,
        hovertemplate=("%{customdata}: " if len(names) <= 60 else "%{y}, %{x}: ") + "%{z:.3f}<extra></extra>",
    )
    ticks = []
    for compared, start in zip(comparison.sets, comparison.starts, strict=True):
        begin = sum(first < start for first in firsts)
        end = sum(first < start + len(compared.rows) for first in firsts)
        ticks.append(((begin + end - 1) / 2, compared.name))
        if begin:
            for line in ({"x0": begin - 0.5, "x1": begin - 0.5, "y0": -0.5, "y1": len(firsts) - 0.5},
                         {"y0": begin - 0.5, "y1": begin - 0.5, "x0": -0.5, "x1": len(firsts) - 0.5}):
                plot.add_shape(type="line", line={"color": BASELINE, "width": 1.5}, **line)
    places, labels = [place for place, _ in ticks], [plain(name, MOST_TICK) for _, name in ticks]
    plot.update_xaxes(
        title_text="vector", showgrid=False, zeroline=False, tickmode="array", tickvals=places, ticktext=labels
    )
    plot.update_yaxes(
        title_text="vector", showgrid=False, zeroline=False, tickmode="array", tickvals=places, ticktext=labels,
        autorange="reversed",
        tickangle=-90, ticklabelstandoff=4,
    )
    return plot


def angles(comparison: Comparison, height: int = HEIGHT) -> go.Figure:
    """Principal angles between every two sets, in degrees, from the closest direction on."""
    if not comparison.angles:
        return waiting("Choose a second set: the angles between what the two span are drawn here.", height)
    plot = figure(height)
    for number, pair in enumerate(comparison.angles):
        degrees = [math.degrees(angle) for angle in pair.angles.tolist()]
        name = " and ".join(comparison.sets[place].name for place in (pair.first, pair.second))
        colour = LINES[number % len(LINES)]
        plot.add_scatter(
            x=list(range(1, len(degrees) + 1)), y=degrees, mode="lines+markers",
            line={"color": colour, "width": 2}, marker={"size": 5},
            hovertemplate=f"{plain(name, 2 * MOST_NAME)}: angle %{{x}} is %{{y:.1f}}°<extra></extra>",
        )
        if len(comparison.angles) <= 3:
            plot.add_annotation(
                x=len(degrees), y=degrees[-1], text=plain(name, 44), showarrow=False, xanchor="right",
                yanchor="top", yshift=-6, font={"size": 11, "color": colour},
            )
    plot.update_xaxes(title_text="angle, from the smallest on")
    plot.update_yaxes(title_text="principal angle / degrees", range=[0, 93], tickvals=[0, 15, 30, 45, 60, 75, 90])
    return plot


def spectra(comparison: Comparison, height: int = HEIGHT) -> go.Figure:
    """The spectrum of each set, a line each: the quantity that its method gives for every vector, or its norm."""
    plot = figure(height)
    for number, compared in enumerate(comparison.sets):
        values, colour = compared.spectrum.tolist(), LINES[number % len(LINES)]
        plot.add_scatter(
            x=list(compared.rows), y=values, mode="lines+markers" if len(values) <= 60 else "lines",
            line={"color": colour, "width": 2}, marker={"size": 5},
            hovertemplate=f"{plain(compared.name, MOST_NAME)} %{{x}}: {compared.quantity} %{{y:.4g}}<extra></extra>",
        )
        plot.add_annotation(
            x=compared.rows[-1], y=values[-1], text=plain(compared.name, MOST_TICK), showarrow=False, xanchor="right",
            yshift=11, font={"size": 11, "color": colour},
        )
    quantities = list(dict.fromkeys(compared.quantity for compared in comparison.sets))
    plot.update_xaxes(title_text="vector")
    plot.update_yaxes(title_text=" / ".join(quantities), rangemode="tozero")
    return plot
