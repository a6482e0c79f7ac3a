"""The chosen cell as HTML: its singular values, how it stands to its neighbours, and words of its vectors; buttons."""

from __future__ import annotations

from playground.errors import FileError
from playground.library.atlas import Pair
from playground.services.atlas.colours import colours_of
from playground.ui.atlas.state import AtlasState
from playground.ui.kit.digits import digits
from playground.ui.kit.markup import empty, escape
from playground.ui.widgets.words import caution, words_line

WAITING = empty("A click on a cell shows its numbers here, and leads to its vectors and what they make the model say.")


def cell_html(state: AtlasState, pair: Pair) -> str:
    """Raises FileError for a pair that the atlas which is shown does not have."""
    atlas = state.atlas
    assert atlas is not None
    place = atlas.places.get(pair)
    if place is None:
        raise FileError(f"Expected a cell of this map, got {pair[0]} → {pair[1]}; click one that is filled in.")
    values = atlas.singular_values[place].tolist()
    facts = []
    for name, colour in colours_of(atlas).items():
        value = state.values(name).get(pair)
        if value is not None:
            facts.append(f"<div><dt>{escape(colour.title)}</dt><dd>{digits(value)}</dd></div>")
    flag = "" if bool(atlas.converged[place]) else ' <span class="sp-badge">not converged</span>'
    sigmas = " · ".join(digits(value) for value in values)
    data = f'data-source="{pair[0]}" data-target="{pair[1]}"'
    found = state.words.get(pair)
    read = "" if found else f'<button type="button" class="sp-small" data-act="words" {data}>Its words</button>'
    said = "".join(words_line(found, row, f"{row}") for row in range(len(values)))
    return (
        f'<div class="sp-cardhead"><h2>Blocks {pair[0]} → {pair[1]}{flag}</h2><button type="button" class="sp-small '
        f'sp-primary" data-act="gallery" {data}>Read its vectors</button>{read}</div>'
        f'<p class="sp-caption">σ {sigmas}</p><dl class="sp-facts">{"".join(facts)}</dl>{caution(found)}{said}'
    )
