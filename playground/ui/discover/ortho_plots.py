"""Plots of a set of orthogonal copies: effect, KL to the base, and norm, each over the vector number."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from playground.ui.kit.plots import HEIGHT, figure, waiting
from playground.ui.kit.theme import BASELINE, PLOT_TEXT, STEERED

LEAST_WINDOW = 5
"""Window of the moving average in a small set, in vectors; in a large one it is a fortieth of them."""


def moving_average(values: Sequence[float]) -> tuple[list[float], int]:
    """(averages over a centred window, cut short at the ends; the window's size)."""
    window = max(LEAST_WINDOW, len(values) // 40) | 1  # odd: as many before as after
    reach = window // 2
    sums = [0.0]
    for value in values:
        sums.append(sums[-1] + value)
    averages = []
    for index in range(len(values)):
        first, end = max(index - reach, 0), min(index + reach + 1, len(values))
        averages.append((sums[end] - sums[first]) / (end - first))
    return averages, window


def effect_left(
    effects: Sequence[float],
    stop_share: float | None = None,
    unfinished: int = 0,
    last_effects: Sequence[float] = (),
    height: int = HEIGHT,
) -> go.Figure:
    """Share of the base's effect that each vector keeps, the last `unfinished` of them still being found.

    `stop_share` is where the search ends by itself. `last_effects` are the shares at the last tokens alone, of the
    vectors that are finished.
    """
    if not effects:
        return waiting("How much of the base's effect each vector keeps is drawn here, batch by batch.", height)
    plot = _numbered([100 * effect for effect in effects], "effect left / %", unfinished, "%{y:.1f} %", height)
    if stop_share:
        plot.add_hline(y=100 * stop_share, line={"color": BASELINE, "width": 1.5, "dash": "dash"})
        plot.add_annotation(
            x=1, xref="paper", y=100 * stop_share, text="stops here", showarrow=False, xanchor="right", yshift=8,
            font={"size": 11},
        )
    if last_effects:
        plot.add_scatter(
            x=list(range(len(last_effects))),
            y=[100 * effect for effect in last_effects],
            mode="markers",
            marker={"size": 6 if len(effects) <= 100 else 3, "color": PLOT_TEXT, "symbol": "diamond", "opacity": 0.8},
            hovertemplate="vector %{x}, last tokens: %{y:.1f} %<extra></extra>",
        )
        plot.add_annotation(
            x=1, xref="paper", y=1, yref="paper", text="◆ at the last tokens", showarrow=False, xanchor="right",
            yshift=8, font={"size": 11},
        )
    shares = (*effects, *last_effects)
    low = min(0.0, *(100 * share for share in shares))
    plot.update_yaxes(range=[1.05 * low - (5 if low < 0 else 0), max(105.0, 105 * max(shares))])
    return plot


def divergence(values: Sequence[float], unsteered: float | None = None, height: int = HEIGHT) -> go.Figure:
    """KL divergence in nats of the model steered by each vector from that steered by the base, with a moving average.

    `unsteered`, a line, is that of the model without a push: a vector with the effect of the base stays below it.
    """
    if not values:
        return waiting("How far each vector is from doing what the base does is drawn here, batch by batch.", height)
    plot = _averaged(values, "KL(vector ‖ base) / nats", "%{y:.3g} nats", height)
    if unsteered is not None:
        plot.add_hline(y=unsteered, line={"color": BASELINE, "width": 1.5, "dash": "dash"})
        plot.add_annotation(
            x=1, xref="paper", y=unsteered, text="no push", showarrow=False, xanchor="right", yshift=8,
            font={"size": 11},
        )
        plot.update_yaxes(range=[0, 1.1 * max(unsteered, *values)])
    return plot


def norm(values: Sequence[float], base: float | None = None, height: int = HEIGHT) -> go.Figure:
    """Native norm of each vector with a moving average, and the norm of the base as a line."""
    if not values:
        return waiting("The norm that each vector needs is drawn here, batch by batch.", height)
    plot = _averaged(values, "native norm", "%{y:.3g}", height)
    if base is not None:
        plot.add_hline(y=base, line={"color": BASELINE, "width": 1.5})
        plot.add_annotation(
            x=1, xref="paper", y=base, text=f"base {base:.3g}", showarrow=False, xanchor="right", yshift=8,
            font={"size": 11},
        )
    return plot


def _averaged(values: Sequence[float], quantity: str, reading: str, height: int) -> go.Figure:
    plot = _numbered(values, quantity, 0, reading, height)
    averages, window = moving_average(values)
    if len(values) > LEAST_WINDOW:
        plot.add_scatter(
            x=list(range(len(values))),
            y=averages,
            mode="lines",
            line={"color": PLOT_TEXT, "width": 2},
            hovertemplate=f"mean of {window} round %{{x}}: {reading}<extra></extra>",
        )
        plot.add_annotation(
            x=len(values) - 1, y=averages[-1], text=f"mean of {window}", showarrow=False, xanchor="right", yshift=11,
            font={"size": 11},
        )
    plot.update_yaxes(rangemode="tozero")
    return plot


def _numbered(values: Sequence[float], quantity: str, unfinished: int, reading: str, height: int) -> go.Figure:
    """One point a vector, the smaller the more there are; hollow ones for the last `unfinished`."""
    plot = figure(height)
    done, size = len(values) - unfinished, 6 if len(values) <= 100 else 4 if len(values) <= 400 else 2.5
    for first, end, symbol in ((0, done, "circle"), (done, len(values), "circle-open")):
        if end > first:
            plot.add_scatter(
                x=list(range(first, end)),
                y=list(values[first:end]),
                mode="markers",
                marker={"size": size, "color": STEERED, "symbol": symbol, "opacity": 0.8},
                hovertemplate=f"vector %{{x}}: {reading}<extra></extra>",
            )
    plot.update_xaxes(title_text="vector number", range=[-0.7, max(len(values), 4) - 0.3])
    plot.update_yaxes(title_text=quantity)
    return plot
