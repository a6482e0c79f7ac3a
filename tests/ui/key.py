"""Names in the key above a plot."""

from __future__ import annotations

import re

import plotly.graph_objects as go


def names(plot: go.Figure) -> list[str]:
    """In their order."""
    return re.findall(r">[━┅] (.*?)</span>", "".join(note.text for note in plot.layout.annotations))
