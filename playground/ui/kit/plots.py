"""Base of all plotly figures: layout template, placeholders, sign colours, text for labels.

Every figure is transparent with grey text, so that it reads in light and in dark mode; lines are labelled beside
themselves rather than in a legend.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import Any

import plotly.graph_objects as go

from playground.ui.kit.markup import visible_controls
from playground.ui.kit.theme import NEGATIVE, PLOT_GRID, PLOT_TEXT, POSITIVE, STEERED

HEIGHT = 250

_AXIS = {
    "gridcolor": PLOT_GRID,
    "linecolor": PLOT_GRID,
    "zerolinecolor": PLOT_GRID,
    "zerolinewidth": 2,
    "title": {"standoff": 6, "font": {"size": 12}},
    "fixedrange": True,
    "automargin": True,
}
# Instead of plotly's own template, which is most of the JSON of a plot and takes 10 ms to attach.
_LOOK = go.layout.Template(
    layout={
        "autosize": True,
        "autotypenumbers": "strict",
        "margin": {"l": 54, "r": 16, "t": 12, "b": 42},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"color": PLOT_TEXT, "size": 12, "family": "'IBM Plex Sans', system-ui, sans-serif"},
        "showlegend": False,
        "hovermode": "closest",
        "hoverlabel": {"align": "left"},
        "bargap": 0.25,
        "modebar": {
            "orientation": "v",
            "bgcolor": "rgba(0,0,0,0)",
            "color": PLOT_TEXT,
            "activecolor": STEERED,
            "remove": ["zoom", "pan", "select", "lasso2d", "zoomIn", "zoomOut", "autoScale", "resetScale", "toImage"],
        },
        "xaxis": _AXIS,
        "yaxis": _AXIS,
    }
)


def waiting(sentence: str, height: int = HEIGHT) -> go.Figure:
    """An empty figure with a sentence on what will be drawn there, in lines that are not cut at the width of a card."""
    plot = figure(height)
    text = "<br>".join(textwrap.wrap(sentence, 40))
    plot.add_annotation(text=text, x=0.5, y=0.5, xref="paper", yref="paper", showarrow=False, align="center")
    plot.update_xaxes(visible=False)
    plot.update_yaxes(visible=False)
    return plot


def sign_colour(sign: float) -> str:
    """The colour of a sign: blue for minus, orange for plus."""
    return NEGATIVE if sign < 0 else POSITIVE


def figure(height: int = HEIGHT, x: Mapping[str, Any] | None = None, y: Mapping[str, Any] | None = None) -> go.Figure:
    """An empty figure in the style of the page: transparent, grey text, thin grid, no legend.

    `x` and `y` are plotly's layout of the axes, for plots that follow a slider: `update_xaxes` and its like take 5 ms
    more each.
    """
    return go.Figure(layout={"template": _LOOK, "height": height, "xaxis": x, "yaxis": y})


def plain(text: str, most: int = 18) -> str:
    """`text` cut to `most` characters and escaped for plotly labels and hover texts, which interpret some HTML, TeX and
    %{placeholders}.
    """
    text = text.strip()
    text = visible_controls(text if len(text) <= most else text[: most - 1] + "…")
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("$", "")
    return text.replace("%{", "% {")
