"""The map as HTML: a grid of cells, source down and target across, which report clicks; its legend; profiles."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from playground.library.atlas import Atlas, Pair
from playground.services.atlas.colours import COLOURS, Colour
from playground.services.atlas.difference import PairDifference, difference_colours
from playground.ui.atlas.state import AtlasState
from playground.ui.kit.digits import digits
from playground.ui.kit.frame import BOARD_JS
from playground.ui.kit.markup import empty, escape, run_line

WAITING = empty("Compute fills in a cell for each pair of layers here: the source down, the target across.")
_JS = Path(__file__).with_name("map.js").read_text(encoding="utf-8")
GAIN = next(iter(COLOURS))
"""What a map that is under way is coloured by."""
_FAINT = 0.07
"""Opacity of the smallest value; nothing is known where a cell is hatched."""


def board(shown: str) -> gr.HTML:
    """The board of the map, with a map on it. Its `act` event is `cell`, with the source and the target of the cell."""
    options: dict[str, Any] = {"elem_id": "atlas-map", "js_on_load": BOARD_JS + _JS}
    return gr.HTML(shown, **options)


def drawn(state: AtlasState, colour: str) -> str:
    """The map of the atlas that is shown, or of the pairs known so far, as HTML."""
    if state.atlas is None:
        known = {pair: gains[0] for pair, gains in state.gains.items() if gains}
        return map_html(state.layers, known, COLOURS[GAIN], state.gains, state.cell)
    colours = state.colours
    colour = colour if colour in colours else GAIN
    return map_html(state.layers, state.values(colour), colours[colour], state.gains, state.cell, state.changes)


def about(made: Atlas) -> str:
    """What an atlas that was opened is, as a line of HTML."""
    count = len(made.origin.prompts)
    prompts = f"{count} {'prompt' if count == 1 else 'prompts'}"
    found = f" of {made.origin.prompt_set}" if made.origin.prompt_set else ""
    return run_line(f"{made.name or 'a file'}: {len(made.pairs)} pairs, {made.k} vectors each, on {prompts}{found}")


def map_html(
    layers: Sequence[int], values: Mapping[Pair, float], colour: Colour, gains: Mapping[Pair, Sequence[float]],
    cell: Pair | None = None, changes: Mapping[Pair, PairDifference] | None = None,
) -> str:
    """The map of `values` over all pairs of `layers`; `gains` are the σ of each pair and `changes` how it differs from
    that of another model, told on hover.
    """
    if not layers:
        return WAITING
    sources, targets = layers[:-1], layers[1:]
    shade = _shades(values, colour)
    chosen = cell if cell in values else next(iter(values), None)
    hover = {pair: _hover(pair, values[pair], colour, gains, changes or {}) for pair in values}
    head = "".join(f'<b class="sp-maphead" role="columnheader">{target}</b>' for target in targets)
    rows = "".join(
        f'<div role="row"><b class="sp-maphead" role="rowheader">{source}</b>'
        + "".join(_cell((source, target), values, colour, shade, hover, chosen, cell) for target in targets)
        + f"{_profile(values, colour, shade, 0, source)}</div>"
        for source in sources
    )
    two_sided = " sp-diverging" if colour.diverging else ""
    below = "".join(_profile(values, colour, shade, 1, target) for target in targets)
    return (
        '<div class="sp-mapaxes" aria-hidden="true">source ↓ target →</div><div class="sp-mapscroll">'
        f'<div class="sp-map{two_sided}" role="grid" aria-label="Map of layers by {escape(colour.title)}: source down, '
        f'target across" style="--layers:{len(targets)};--digits:{len(str(targets[-1]))}"><div role="row">'
        f'<b class="sp-maphead"></b>{head}<b class="sp-maphead" title="mean of the row">mean</b></div>{rows}'
        f'<div role="row"><b class="sp-maphead" title="mean of the column">mean</b>{below}<i></i></div></div></div>'
        f"{_legend(values, colour)}"
    )


def _cell(
    pair: Pair, values: Mapping[Pair, float], colour: Colour, shade: Mapping[Pair, float],
    hover: Mapping[Pair, str], chosen: Pair | None, cell: Pair | None,
) -> str:
    source, target = pair
    if source >= target:
        return '<i role="gridcell"></i>'
    if pair not in values:
        return '<i class="sp-mapnone" role="gridcell" title="not known yet"></i>'
    look = f"sp-mapcell{_side(shade[pair])}{' sp-chosen' if pair == cell else ''}"
    return (
        f'<button type="button" role="gridcell" class="{look}" data-act="cell" '
        f'data-source="{source}" data-target="{target}" style="--shade:{abs(shade[pair]):.3f}" '
        f'title="{escape(hover[pair])}" '
        f'tabindex="{0 if pair == chosen else -1}" aria-label="source {source}, target {target}: '
        f'{said(values[pair], colour)}"></button>'
    )


def said(value: float, colour: Colour) -> str:
    """A value of a colour with its unit; with its sign, where both sides of 0 are told apart."""
    plus = "+" if colour.diverging and value > 0 else ""
    return f"{plus}{digits(value)}{colour.unit}"


def _hover(
    pair: Pair, value: float, colour: Colour, gains: Mapping[Pair, Sequence[float]],
    changes: Mapping[Pair, PairDifference],
) -> str:
    lines = [f"{pair[0]} → {pair[1]}: {said(value, colour)}"]
    if pair in changes:
        named = difference_colours({})
        lines += [
            f"{named['log-ratio'].title} {said(changes[pair].log_ratio, named['log-ratio'])}",
            f"{named['angle'].title} {said(changes[pair].angle, named['angle'])}",
        ]
    if sigmas := ", ".join(digits(each) for each in gains.get(pair, ())[:4]):
        lines.append(f"σ {sigmas}")
    return "\n".join(lines)


def _side(shade: float) -> str:
    return " sp-below" if shade < 0 else ""


def _profile(
    values: Mapping[Pair, float], colour: Colour, shade: Mapping[Pair, float], side: int, layer: int
) -> str:
    """The mean shade of a row (side 0) or a column (1) as a cell, with the mean value on hover."""
    own = [pair for pair in values if pair[side] == layer]
    if not own:
        return '<i role="gridcell"></i>'
    mean = sum(values[pair] for pair in own) / len(own)
    dark = sum(shade[pair] for pair in own) / len(own)
    which = ("source", "target")[side]
    return (
        f'<i class="sp-mapmean{_side(dark)}" role="gridcell" style="--shade:{abs(dark):.3f}" title="{which} {layer}, '
        f'mean of {len(own)}: {said(mean, colour)}" aria-label="{which} {layer}, mean {said(mean, colour)}"></i>'
    )


def _shades(values: Mapping[Pair, float], colour: Colour) -> dict[Pair, float]:
    """Opacity of each cell, below 0 for the other side of a diverging colour."""
    if colour.diverging:
        largest = max(map(abs, values.values()), default=0.0) or 1.0
        return {
            pair: math.copysign(_FAINT + (1 - _FAINT) * abs(value) / largest, value) for pair, value in values.items()
        }
    scale = {pair: _place(value, colour) for pair, value in values.items()}
    if not scale:
        return {}
    low, high = min(scale.values()), max(scale.values())
    span = (high - low) or 1.0
    return {pair: _FAINT + (1 - _FAINT) * (at - low) / span for pair, at in scale.items()}


def _place(value: float, colour: Colour) -> float:
    return math.log(max(value, 1e-12)) if colour.ratio else value


def _legend(values: Mapping[Pair, float], colour: Colour) -> str:
    if not values:
        return ""
    low, high = min(values.values()), max(values.values())
    if colour.diverging:
        high = max(-low, high)
        low = -high
    two_sided = " sp-diverging" if colour.diverging else ""
    ratio = ", logarithmic" if colour.ratio else ""
    return (
        f'<div class="sp-maplegend{two_sided}"><span>{escape(colour.title)}{ratio}'
        f"</span><span>{said(low, colour)}</span><i></i><span>{said(high, colour)}</span></div>"
    )
