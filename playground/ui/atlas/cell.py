"""The chosen cell as HTML: its singular values, what it is coloured by, first texts and words of its vectors."""

from __future__ import annotations

from playground.errors import FileError
from playground.library.atlas import Pair
from playground.services.gallery import Gallery
from playground.ui.atlas.map import said
from playground.ui.atlas.state import AtlasState, CellTexts
from playground.ui.kit.digits import digits
from playground.ui.kit.markup import SIGN_MARKS, changed_words, empty, escape, escape_sentence
from playground.ui.widgets.words import caution, words_line

WAITING = empty("A click on a cell shows its numbers here, and first texts of what its vectors make the model say.")


def cell_html(state: AtlasState, pair: Pair) -> str:
    """Raises FileError for a pair that the atlas which is shown does not have."""
    atlas = state.atlas
    assert atlas is not None
    place = atlas.places.get(pair)
    if place is None:
        raise FileError(f"Expected a cell of this map, got {pair[0]} → {pair[1]}; click one that is filled in.")
    values = atlas.singular_values[place].tolist()
    facts = []
    for name, colour in state.colours.items():
        value = state.values(name).get(pair)
        if value is not None:
            facts.append(f"<div><dt>{escape(colour.title)}</dt><dd>{said(value, colour)}</dd></div>")
    flag = "" if bool(atlas.converged[place]) else ' <span class="sp-badge">not converged</span>'
    sigmas = " · ".join(digits(value) for value in values)
    data = f'data-source="{pair[0]}" data-target="{pair[1]}"'
    return (
        f'<div class="sp-cardhead"><h2>Blocks {pair[0]} → {pair[1]}{flag}</h2><button type="button" class="sp-small '
        f'sp-primary" data-act="gallery" {data}>Read its vectors</button></div>'
        f'<p class="sp-caption">σ {sigmas}</p><dl class="sp-facts">{"".join(facts)}</dl>'
        f"{_first_texts(state.texts.get(pair), len(values))}"
    )


def _first_texts(read: CellTexts | None, rows: int) -> str:
    """Texts of each vector in both signs beside the baseline, and their words; nothing before they are read."""
    if read is None:
        return ""
    gallery = read.gallery
    body = "".join(
        f'<div class="sp-celltexts">{_text(gallery, row, -1)}{_text(gallery, row, 1)}</div>'
        f"{words_line(read.words, row)}"
        for row in range(rows)
        if (row, 1) in gallery.texts
    )
    return (
        f'<p class="sp-caption">First texts at {digits(read.scale)} r on “{escape_sentence(read.prompt)}”</p>'
        f'<div class="sp-galcell sp-baseline"><header><b class="sp-sign">0</b><small>baseline</small></header>'
        f'<div class="sp-text" dir="auto">{escape(gallery.baseline)}</div></div>{body}{caution(read.words)}'
    )


def _text(gallery: Gallery, row: int, sign: int) -> str:
    mark, kind, colour = SIGN_MARKS[sign]
    text = gallery.texts.get((row, sign))
    noise = '<span class="sp-flag">noise</span>' if text is not None and text.noise else ""
    said = "" if text is None else changed_words(gallery.baseline, text.text)
    return (
        f'<div class="sp-galcell sp-{colour}"><header><b class="sp-sign sp-{kind}">{mark}{row}</b>{noise}</header>'
        f'<div class="sp-text" dir="auto">{said}</div></div>'
    )
