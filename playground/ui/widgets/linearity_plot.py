"""Plot of measured displacement against radius, beside the straight line R·σ."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from playground.ui.kit.plots import HEIGHT, figure
from playground.ui.kit.theme import BASELINE, NEGATIVE, POSITIVE

SIGNS = (("+", POSITIVE), ("−", NEGATIVE))


def linearity(
    radii: Sequence[float],
    measured: Sequence[Sequence[float]],
    predicted: Sequence[float],
    linear_radii: Sequence[float],
    height: int = HEIGHT,
) -> go.Figure:
    """Displacement over radius of one row. radii: (m,); measured: (2, m), plus sign first; predicted: (m,) R·‖Jv‖;
    linear_radii: (2,) where the relative deviation reaches one half, 0 where it does not. Radii in relative scale.
    """
    plot = figure(height)
    plot.add_scatter(
        x=[0, *radii],
        y=[0, *predicted],
        mode="lines",
        line={"color": BASELINE, "width": 1.5, "dash": "dash"},
        hovertemplate="R·σ at %{x:.3g}: %{y:.3g}<extra></extra>",
    )
    plot.add_annotation(
        x=radii[-1], y=predicted[-1], text="R·σ", showarrow=False, xanchor="right", yshift=10, font={"size": 11}
    )
    for (sign, colour), values, reach in zip(SIGNS, measured, linear_radii, strict=True):
        plot.add_scatter(
            x=[0, *radii],
            y=[0, *values],
            mode="lines+markers",
            line={"color": colour, "width": 2},
            marker={"size": 5},
            hovertemplate=f"{sign} at %{{x:.3g}}: %{{y:.3g}}<extra></extra>",
        )
        plot.add_annotation(
            x=radii[-1], y=values[-1], text=sign, showarrow=False, xanchor="left", xshift=6,
            yshift=7 if sign == "+" else -7, font={"color": colour, "size": 14},
        )
        if reach > 0:
            plot.add_vline(x=reach, line={"color": colour, "width": 1.5, "dash": "dot"})
    plot.update_layout(margin={"r": 30})
    plot.update_xaxes(title_text="radius R (relative scale)", rangemode="tozero")
    plot.update_yaxes(title_text="displacement at the target", rangemode="tozero")
    return plot
