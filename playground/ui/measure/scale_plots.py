"""Plots of measurements over scales: curves beside random directions, items as violins, next tokens.

Points carry what a click opens in their customdata, "CURVE|PLACE OF THE SCALE|ITEM" (page.js hands it on).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from playground.ui.kit.plots import figure, plain, waiting
from playground.ui.kit.theme import BASELINE, NEGATIVE, POSITIVE, STEERED

HEIGHT = 300
STRENGTH = ("rgba(13,159,120,.16)", "rgba(13,159,120,.45)")
"""Band of the chosen vector, and lines of the others."""
GREY = "rgba(138,145,156,.14)"
"""Inside of violins, but for those of the best vectors."""
EARLIER = ("#8b5fbf", "rgba(139,95,191,.14)")
"""Line and band of an earlier measurement shown beside this one."""
GROUPS = (POSITIVE, NEGATIVE, BASELINE, "#8b5fbf", "#c2437a", "#7a8b2e", STEERED)
"""Lines of groups of replies, in their order: of choices the behaviour, the other answer, and what is unclear."""
MOST_LABEL = 60
"""Characters of a name beside a line."""
MOST_LINES = 48
"""Lines drawn beside the chosen one: of a large set the first."""


@dataclass(frozen=True)
class Curve:
    """One direction over the scales: a value for each, and the interval it lies in (the value itself where none is).

    `name` tells it from others, and a click opens it; `called` is its text beside the line (None: the name).
    """

    name: str
    scales: Sequence[float]
    values: Sequence[float]
    lows: Sequence[float]
    highs: Sequence[float]
    called: str | None = None

    @property
    def label(self) -> str:
        """The text beside the line, without anything that plotly takes for markup or a placeholder."""
        return plain(self.name if self.called is None else self.called, MOST_LABEL)


@dataclass(frozen=True)
class Axes:
    """The titles of the axes. `share`: the values are parts of one, and the axis shows all of it."""

    x: str
    y: str
    share: bool = False


def over_scales(
    curves: Sequence[Curve],
    controls: Sequence[Curve],
    baseline: float,
    looked: str,
    axes: Axes,
    earlier: Curve | None = None,
    height: int = HEIGHT,
) -> go.Figure:
    """The curve called `looked` with its interval as a band, the others thin; random directions dotted."""
    plot = figure(height)
    for curve in controls:
        plot.add_scatter(
            x=list(curve.scales), y=list(curve.values), mode="lines",
            line={"color": BASELINE, "width": 1, "dash": "dot"},
            hovertemplate=f"{curve.label} at %{{x:.3g}}: %{{y:.3g}}<extra></extra>",
        )
    plot.add_hline(y=baseline, line={"color": BASELINE, "width": 1.5})
    for curve in curves[:MOST_LINES]:
        if curve.name != looked:
            _line(plot, curve, STRENGTH[1], 1, 4)
    if earlier is not None:
        _band(plot, earlier, EARLIER[1])
        _line(plot, earlier, EARLIER[0], 2, 5, clickable=False)
        _label(plot, f"{earlier.label} (earlier)", earlier, EARLIER[0])
    chosen = next((curve for curve in curves if curve.name == looked), None)
    if chosen is not None:
        _band(plot, chosen, STRENGTH[0])
        _line(plot, chosen, STEERED, 2.5, 7)
        _label(plot, chosen.label, chosen, STEERED)
    _annotate(plot, controls, baseline, curves)
    plot.update_xaxes(title_text=axes.x, zeroline=True)
    plot.update_yaxes(title_text=axes.y, zeroline=False)
    if axes.share:
        plot.update_yaxes(range=[-0.03, 1.03], tickformat=".0%")
    return plot


def groups_over_scales(curves: Sequence[Curve], axes: Axes, height: int = HEIGHT) -> go.Figure:
    """A line with its interval for every group of replies of one vector; a click opens the curve's name."""
    if not curves or not curves[0].scales:
        return waiting("The share of every group of replies, for one vector, is drawn here.", height)
    plot = figure(height)
    for place, curve in enumerate(curves):
        colour = GROUPS[place % len(GROUPS)]
        _band(plot, curve, f"rgba({','.join(str(int(colour[at : at + 2], 16)) for at in (1, 3, 5))},.1)")
        _line(plot, curve, colour, 2, 6)
        # Names at different scales, or above each other where there is one: groups often end at the same share.
        scales, steps = len(curve.scales), max(len(curves) - 1, 1)
        at = place * (scales - 1) // steps
        plot.add_annotation(
            x=curve.scales[at], y=curve.values[at], text=curve.label, showarrow=False,
            yshift=12 if scales > 1 else 12 + 14 * place, font={"color": colour, "size": 12},
        )
    plot.update_xaxes(title_text=axes.x, zeroline=True)
    plot.update_yaxes(title_text=axes.y, zeroline=False, range=[-0.03, 1.08], tickformat=".0%")
    return plot


def items_over_scales(
    name: str,
    scales: Sequence[float],
    differences: Sequence[Sequence[float]],
    numbers: Sequence[int],
    axes: Axes,
    height: int = HEIGHT,
) -> go.Figure:
    """A violin a scale over the items' logit differences (scales, items), every item a point that can be clicked.

    Orange points are items on which the behaviour wins, blue ones those on which the other answer does.
    """
    if not scales:
        return waiting("The items of one vector, a violin a scale, are drawn here.", height)
    plot = figure(height)
    for place, values in enumerate(differences):
        _violin(plot, place, values, BASELINE, GREY)
        customdata = [f"{name}|{place}|{number}" for number in numbers]
        hover = f"item %{{text}} at {scales[place]:g}: %{{y:.2f}}<extra>click to open</extra>"
        _points(plot, place, values, numbers, customdata, hover, 6)
    plot.add_hline(y=0, line={"color": BASELINE, "width": 1.5})
    for text, anchor, colour in (("behaviour wins", "bottom", POSITIVE), ("other answer wins", "top", NEGATIVE)):
        plot.add_annotation(
            x=1, xref="paper", y=0, text=text, showarrow=False, xanchor="right", yanchor=anchor, font={
                "size": 11, "color": colour,
            },
        )
    plot.update_xaxes(
        title_text=axes.x, tickmode="array", tickvals=list(range(len(scales))), zeroline=False, showgrid=False,
        ticktext=[f"{scale:g}" for scale in scales], range=[-0.6, len(scales) - 0.4],
    )
    plot.update_yaxes(title_text=axes.y, zeroline=False)
    return plot


@dataclass(frozen=True)
class Violin:
    """The items of one direction at one scale. `opens` is the point that a click opens, without the item (None: none,
    as for random directions and what is not in the measurement that is looked at).
    """

    called: str
    method: str
    values: Sequence[float]
    opens: str | None = None
    random: bool = False


def items_over_sets(
    violins: Sequence[Violin], baseline: float, numbers: Sequence[int], axes: Axes, height: int = HEIGHT
) -> go.Figure:
    """A violin a vector set over the items of its best vector, side by side at one scale; random directions grey."""
    if not violins:
        return waiting("The items of the best vector of each set, side by side, are drawn here.", height)
    plot = figure(height)
    for place, violin in enumerate(violins):
        line, fill = (BASELINE, GREY) if violin.random else (STEERED, STRENGTH[0])
        _violin(plot, place, violin.values, line, fill)
        customdata = None if violin.opens is None else [f"{violin.opens}{number}" for number in numbers]
        _points(plot, place, violin.values, numbers, customdata, "item %{text}: %{y:.2f}<extra></extra>", 5)
    plot.add_hline(y=0, line={"color": BASELINE, "width": 1.5})
    plot.add_hline(y=baseline, line={"color": BASELINE, "width": 1, "dash": "dash"})
    plot.add_annotation(
        x=1, xref="paper", y=baseline, text="baseline mean", showarrow=False, xanchor="right", yshift=8,
        font={"size": 11},
    )
    plot.update_xaxes(
        title_text=axes.x, tickmode="array", tickvals=list(range(len(violins))), zeroline=False, showgrid=False,
        range=[-0.6, len(violins) - 0.4],
        ticktext=[
            "<br>".join(plain(text, MOST_LABEL // 2) for text in (each.method, each.called))
            for each in violins
        ],
    )
    plot.update_yaxes(title_text=axes.y, zeroline=False)
    return plot


def _violin(plot: go.Figure, place: int, values: Sequence[float], line: str, fill: str) -> None:
    plot.add_violin(
        x=[place] * len(values), y=list(values), width=0.85, points=False, hoverinfo="skip", spanmode="hard",
        line={"color": line, "width": 1}, fillcolor=fill, meanline={"visible": True},
    )


def _points(
    plot: go.Figure, place: int, values: Sequence[float], numbers: Sequence[int], customdata: list[str] | None,
    hovertemplate: str, size: float,
) -> None:
    """Adds a point for every item: orange above 0, where the behaviour wins, else blue."""
    plot.add_scatter(
        x=[place + _jitter(index) for index in range(len(values))], y=list(values), mode="markers",
        marker={"size": size, "opacity": 0.75, "color": [POSITIVE if value > 0 else NEGATIVE for value in values]},
        customdata=customdata, hovertemplate=hovertemplate, text=[str(number) for number in numbers],
    )


def tokens_over_scales(
    texts: Sequence[str],
    probabilities: Sequence[Sequence[float]],
    scales: Sequence[float],
    x: str,
    height: int = HEIGHT,
) -> go.Figure:
    """Probabilities (tokens, scales) of next tokens as a heat map, the likeliest at the top."""
    plot = figure(height)
    plot.add_heatmap(
        z=[list(row) for row in probabilities],
        x=[f"{scale:g}" for scale in scales],
        y=list(range(len(texts))),
        zmin=0,
        zmax=1,
        colorscale=[[0, "rgba(13,159,120,0)"], [1, STEERED]],
        text=[[f"{value:.2f}" if value >= 0.005 else "" for value in row] for row in probabilities],
        texttemplate="%{text}",
        showscale=False,
        customdata=[[text] * len(scales) for text in texts],
        hovertemplate="“%{customdata}” at %{x}: %{z:.3f}<extra></extra>",
        xgap=1,
        ygap=1,
    )
    plot.update_xaxes(title_text=x, type="category", showgrid=False, zeroline=False)
    plot.update_yaxes(
        title_text="next token", autorange="reversed", showgrid=False, zeroline=False, tickmode="array",
        tickvals=list(range(len(texts))), ticktext=list(texts),
    )
    plot.update_layout(margin={"l": 90})
    return plot


def _line(plot: go.Figure, curve: Curve, colour: str, width: float, size: float, clickable: bool = True) -> None:
    plot.add_scatter(
        x=list(curve.scales),
        y=list(curve.values),
        mode="lines+markers",
        line={"color": colour, "width": width},
        marker={"size": size, "color": colour},
        customdata=[f"{curve.name}|{place}|" for place in range(len(curve.scales))] if clickable else None,
        hovertemplate=f"{curve.label} at %{{x:.3g}}: %{{y:.3g}}<extra></extra>",
    )


def _band(plot: go.Figure, curve: Curve, colour: str) -> None:
    plot.add_scatter(
        x=[*curve.scales, *reversed(curve.scales)],
        y=[*curve.highs, *reversed(curve.lows)],
        fill="toself",
        fillcolor=colour,
        line={"width": 0},
        mode="lines",
        hoverinfo="skip",
    )


def _label(plot: go.Figure, text: str, curve: Curve, colour: str) -> None:
    """The name beside the end of a line, on the side where it lies highest: there it is least in the way."""
    right = curve.values[-1] >= curve.values[0]
    end = -1 if right else 0
    plot.add_annotation(
        x=curve.scales[end], y=curve.values[end], text=text, showarrow=False, xanchor="right" if right else "left",
        yshift=12, font={"color": colour, "size": 12},
    )


def _annotate(plot: go.Figure, controls: Sequence[Curve], baseline: float, curves: Sequence[Curve]) -> None:
    """Adds the names of the grey lines: baseline, and random directions."""
    if not curves or not curves[0].scales:
        return
    plot.add_annotation(
        x=1, xref="paper", y=baseline, text="baseline", showarrow=False, xanchor="right", yshift=8, font={"size": 11}
    )
    if controls and controls[0].scales:
        curve = max(controls, key=lambda control: abs(control.values[0] - baseline))
        plot.add_annotation(
            x=curve.scales[0], y=curve.values[0], text="random, equal norm", showarrow=False, xanchor="left", yshift=-9,
            font={"size": 11},
        )


def _jitter(index: int) -> float:
    """A place beside the middle, −0.3 to 0.3, spread evenly for any number of points and always the same."""
    return 0.6 * ((index * 0.6180339887) % 1 - 0.5)
