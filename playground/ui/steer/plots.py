"""Plot of the logit difference over multiples of the mix, with random pushes for comparison."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from playground.ui.kit.plots import DOTTED, SOLID, figure, key, plain
from playground.ui.kit.theme import BASELINE, STEERED

_BASELINE = {"color": BASELINE, "width": 1.5}
_RANDOM = {"color": BASELINE, "width": 1, "dash": "dot"}


def difference_curve(
    multipliers: Sequence[float],
    differences: Sequence[float],
    controls: Sequence[Sequence[float]],
    baseline: float,
    here: float,
    answers: tuple[str, str],
) -> go.Figure:
    """Logit difference in nats over multiples of the current mix.

    multipliers, differences: (m,); controls: (c, m), random pushes of equal norm; `baseline` without a push; `here` at
    multiplier 1, the present sliders.
    """
    plot = figure(
        x={"title": {"text": "multiple of the current mix"}, "zeroline": False},
        y={"title": {"text": f"logit difference ({plain(answers[0])} − {plain(answers[1])})"}, "zeroline": False},
    )
    if controls:
        low = [min(column) for column in zip(*controls, strict=True)]
        high = [max(column) for column in zip(*controls, strict=True)]
        plot.add_scatter(
            x=[*multipliers, *reversed(multipliers)],
            y=[*high, *reversed(low)],
            fill="toself",
            fillcolor="rgba(138,145,156,.16)",
            line={"width": 0},
            hoverinfo="skip",
            mode="lines",
        )
        for row in controls:
            plot.add_scatter(
                x=list(multipliers),
                y=list(row),
                mode="lines",
                line=_RANDOM,
                hovertemplate="random push ×%{x:.2g}: %{y:.2f}<extra></extra>",
            )
    across = {"xref": "x domain", "x0": 0, "x1": 1}
    plot.add_shape(type="line", y0=baseline, y1=baseline, line=_BASELINE, **across)
    plot.add_scatter(
        x=list(multipliers),
        y=list(differences),
        mode="lines+markers",
        line={"color": STEERED, "width": 2.5},
        marker={"size": 5, "color": STEERED},
        hovertemplate="mix ×%{x:.2g}: %{y:.2f}<extra></extra>",
    )
    plot.add_scatter(
        x=[1],
        y=[here],
        mode="markers",
        marker={"size": 13, "color": STEERED, "line": {"width": 2, "color": "#fff"}},
        hovertemplate="you are here: %{y:.2f}<extra></extra>",
    )
    plot.add_annotation(
        x=1,
        y=here,
        text="you are here",
        showarrow=False,
        xanchor="right",
        xshift=-8,
        yshift=12 if here >= baseline else -12,
        font={"color": STEERED, "size": 12},
    )
    random = [(DOTTED, "random, equal norm", BASELINE)] if controls else []
    key(plot, [(SOLID, "mix", STEERED), (SOLID, "baseline", BASELINE), *random])
    return plot
