"""Plots of a search for vectors: σ, objective and displacement over steps and vectors."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from playground.ui.kit.plots import HEIGHT, figure, waiting
from playground.ui.kit.theme import PLOT_TEXT, STEERED


def convergence(history: Sequence[tuple[int, Sequence[float], Sequence[float]]], height: int = HEIGHT) -> go.Figure:
    """One line a vector over the steps; each history entry is (step, singular values (k,), residuals (k,)).

    The band round a line is residual × σ, each residual relative to its own σ: a true singular value lies in it.
    """
    if not history:
        return waiting("Compute draws one line a vector here, with what is still uncertain as a band.", height)
    plot = figure(height)
    count = max(len(values) for _, values, _ in history)
    for vector in reversed(range(count)):
        entries = [entry for entry in history if vector < len(entry[1])]
        steps = [step for step, _, _ in entries]
        values = [row[vector] for _, row, _ in entries]
        reach = [residuals[vector] * row[vector] for _, row, residuals in entries]
        strong = 1 - 0.65 * vector / max(count - 1, 1)
        colour = f"rgba(13,159,120,{strong:.2f})"
        plot.add_scatter(
            x=[*steps, *reversed(steps)],
            y=[value + r for value, r in zip(values, reach, strict=True)]
            + [max(value - r, 0) for value, r in reversed(list(zip(values, reach, strict=True)))],
            fill="toself",
            fillcolor=f"rgba(13,159,120,{0.14 * strong:.3f})",
            line={"width": 0},
            mode="lines",
            hoverinfo="skip",
        )
        plot.add_scatter(
            x=steps,
            y=values,
            mode="lines+markers",
            line={"color": colour, "width": 2},
            marker={"size": 5, "color": colour},
            hovertemplate=f"vector {vector}, step %{{x}}: σ %{{y:.3g}}<extra></extra>",
        )
    last_step, last_values, _ = history[-1]
    for vector in {0, count - 1} if len(last_values) == count else {0}:
        plot.add_annotation(
            x=last_step,
            y=last_values[vector],
            text=f"σ<sub>{vector}</sub> {last_values[vector]:.3g}",
            showarrow=False,
            xanchor="left",
            xshift=8,
            font={"color": STEERED, "size": 12},
        )
    plot.update_layout(margin={"r": 66})
    top = max(step for step, _, _ in history)
    plot.update_xaxes(title_text="step", dtick=1 if top <= 12 else None, range=[0.8, max(top, 3) + 0.2])
    plot.update_yaxes(title_text="singular value σ (gain)", rangemode="tozero")
    return plot


def spectrum(
    singular_values: Sequence[float],
    residuals: Sequence[float],
    subspaces: Sequence[tuple[int, int]],
    tolerance: float,
    height: int = HEIGHT,
) -> go.Figure:
    """Singular values as bars, paler where the residual is above `tolerance`; subspaces (rows [a, b)) bracketed."""
    plot = figure(height)
    settled = [residual <= tolerance for residual in residuals]
    plot.add_bar(
        x=list(range(len(singular_values))),
        y=list(singular_values),
        customdata=list(residuals),
        marker={"color": [STEERED if done else "rgba(13,159,120,.4)" for done in settled], "line": {"width": 0}},
        hovertemplate="vector %{x}: σ %{y:.4g}, residual %{customdata:.2g} of it<extra></extra>",
    )
    top = max(singular_values, default=1.0)
    for first, end in subspaces:
        if end - first < 2:
            continue
        level = max(singular_values[first:end]) + 0.05 * top
        plot.add_shape(
            type="path",
            line={"color": PLOT_TEXT, "width": 1.5},
            path=f"M {first - 0.35} {level} L {first - 0.35} {level + 0.03 * top} "
            f"L {end - 0.65} {level + 0.03 * top} L {end - 0.65} {level}",
        )
        plot.add_annotation(
            x=(first + end - 1) / 2, y=level + 0.03 * top, text="subspace", showarrow=False, yshift=9, font={"size": 11}
        )
    plot.update_xaxes(title_text="vector", dtick=1 if len(singular_values) <= 16 else None, showgrid=False)
    plot.update_yaxes(title_text="singular value σ (gain)", range=[0, top * 1.2])
    return plot


POINTS = 120
"""Points of a line that is redrawn several times a second, at most; more would not be visible."""


def climb(
    history: Sequence[tuple[int, Sequence[float]]], quantity: str, labels: str = "", height: int = HEIGHT
) -> go.Figure:
    """One line a vector over the steps; each history entry is (step, values (k,)). `labels` names the highest line."""
    if not history:
        return waiting(f"The {quantity} of every vector is drawn here, step by step.", height)
    plot = figure(height)
    stride = -(-len(history) // POINTS)
    kept = [*history[:-1:stride], history[-1]]
    steps = [step for step, _ in kept]
    count = min(len(values) for _, values in kept)
    for vector in reversed(range(count)):
        strong = 1 - 0.65 * vector / max(count - 1, 1)
        plot.add_scatter(
            x=steps,
            y=[values[vector] for _, values in kept],
            mode="lines" if len(kept) > 1 else "markers",
            line={"color": f"rgba(13,159,120,{strong:.2f})", "width": 2},
            hovertemplate=f"vector {vector}, step %{{x}}: %{{y:.3g}}<extra></extra>",
        )
    if labels:
        last = kept[-1][1]
        highest = max(range(count), key=last.__getitem__)
        plot.add_annotation(
            x=steps[-1], y=last[highest], text=f"{labels}{highest} {last[highest]:.3g}", showarrow=False,
            xanchor="left", xshift=6, font={"color": STEERED, "size": 12},
        )
        plot.update_layout(margin={"r": 66})
    plot.update_xaxes(title_text="step", range=[0, max(steps[-1], 3)])
    plot.update_yaxes(title_text=quantity, rangemode="tozero")
    return plot


def heights(values: Sequence[float], quantity: str, height: int = HEIGHT) -> go.Figure:
    """One value a vector as bars, such as the displacement at the target layer by a push of the radius."""
    plot = figure(height)
    plot.add_bar(
        x=list(range(len(values))),
        y=list(values),
        marker={"color": STEERED, "line": {"width": 0}},
        hovertemplate="vector %{x}: %{y:.4g}<extra></extra>",
    )
    plot.update_xaxes(title_text="vector", dtick=1 if len(values) <= 16 else None, showgrid=False)
    plot.update_yaxes(title_text=quantity, rangemode="tozero")
    return plot
