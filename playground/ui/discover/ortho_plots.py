"""Plots of a set of orthogonal copies: effect, KL to the base, and norm, each over the vector number."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from playground.ui.kit.digits import digits
from playground.ui.kit.plots import DOTTED, SOLID, figure, key, waiting
from playground.ui.kit.theme import BASELINE, PLOT_TEXT, STEERED

HEIGHT = 180
"""So low that the gallery begins within the first screen of a laptop, under two rows of plots."""
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
    entries = []
    if stop_share:
        plot.add_hline(y=100 * stop_share, line={"color": BASELINE, "width": 1.5, "dash": "dash"})
        entries.append((DOTTED, f"stops at {100 * stop_share:.3g} %", PLOT_TEXT))
    if last_effects:
        plot.add_scatter(
            x=list(range(len(last_effects))),
            y=[100 * effect for effect in last_effects],
            mode="markers",
            marker={"size": 6 if len(effects) <= 100 else 3, "color": PLOT_TEXT, "symbol": "diamond", "opacity": 0.8},
            hovertemplate="vector %{x}, last tokens: %{y:.1f} %<extra></extra>",
        )
        entries = [("●", "at all tokens", STEERED), ("◆", "at the last tokens", PLOT_TEXT), *entries]
    if entries:
        key(plot, entries)
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
    line = None if unsteered is None else (DOTTED, f"no push {digits(unsteered)} nats", unsteered)
    plot = _averaged(values, "KL(vector ‖ base) / nats", "%{y:.3g} nats", line, height)
    if unsteered is not None:
        plot.update_yaxes(range=[0, 1.1 * max(unsteered, *values)])
    return plot


def norm(values: Sequence[float], base: float | None = None, height: int = HEIGHT) -> go.Figure:
    """Native norm of each vector with a moving average, and the norm of the base as a line."""
    if not values:
        return waiting("The norm that each vector needs is drawn here, batch by batch.", height)
    line = None if base is None else (DOTTED, f"base {digits(base)}", base)
    return _averaged(values, "native norm", "%{y:.3g}", line, height)


def _averaged(
    values: Sequence[float], quantity: str, reading: str, line: tuple[str, str, float] | None, height: int
) -> go.Figure:
    """Points with their moving average and a level `line` of other values: (mark, name, value)."""
    entries = []
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
        entries.append((SOLID, f"mean of {window}", PLOT_TEXT))
    if line is not None:
        mark, name, level = line
        plot.add_hline(y=level, line={"color": BASELINE, "width": 1.5, "dash": "dash"})
        entries.append((mark, name, PLOT_TEXT))
    if entries:
        key(plot, entries)
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
