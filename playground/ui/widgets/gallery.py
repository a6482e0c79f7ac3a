"""HTML of the gallery: a row a vector with its texts at −, without and at + its found scale, star, name and discard."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import gradio as gr

from playground.library.vector_set import VectorSet
from playground.services.gallery import SIGNS, Gallery, GalleryText
from playground.services.strip import Strip
from playground.services.words import SetWords
from playground.ui.kit.digits import digits
from playground.ui.kit.frame import BOARD_JS
from playground.ui.kit.markup import SIGN_MARKS, changed_words, empty, escape, escape_sentence
from playground.ui.widgets.scale_strip import strip_html
from playground.ui.widgets.vector_row import row_values
from playground.ui.widgets.words import caution, words_line

LONG = 150
"""Characters beyond which a text is clamped and can be unfolded: four lines of a third of the column."""
WAITING = empty("A row for each vector comes here after Compute: its texts in both signs, a star, a name to give.")
_JS = Path(__file__).with_name("gallery.js").read_text(encoding="utf-8")


@dataclass(frozen=True)
class Shown:
    """What the gallery shows of a set beside its notes and scales: `gallery` on `prompt`, suggested `names` by row, the
    open `strips` by row, the vector that was `discarded` last, which can be brought back, and `words` once read.
    """

    gallery: Gallery = field(default_factory=Gallery)
    prompt: str = ""
    names: Mapping[int, str] = field(default_factory=dict)
    strips: Mapping[int, Strip] = field(default_factory=dict)
    discarded: int | None = None
    words: SetWords | None = None


def board(name: str) -> gr.HTML:
    """The board of the gallery, below its search field and keys. Its `act` events: star, label, discard, strip, steer
    (with the sign or the multiple of a cell of the strip).
    """
    gr.HTML(
        '<div class="sp-galtools"><input type="search" class="sp-search" maxlength="200" placeholder="search texts and '
        'names" aria-label="Search texts and names of the gallery"><span class="sp-matches" role="status"></span>'
        '<button type="button" class="sp-small sp-keysbutton" aria-expanded="false" title="keys">keys ?</button>'
        '<p class="sp-keys" hidden><kbd>j</kbd> <kbd>k</kbd> next, previous · <kbd>s</kbd> star · <kbd>n</kbd> name · '
        "<kbd>o</kbd> scale strip · <kbd>x</kbd> discard · <kbd>u</kbd> undo · <kbd>/</kbd> search · <kbd>?</kbd> "
        "these keys</p></div>",
        elem_id=f"{name}-tools",
    )
    options: dict[str, Any] = {"elem_id": name, "js_on_load": BOARD_JS + _JS.replace("TOOLS", f"{name}-tools")}
    return gr.HTML(WAITING, **options)


def gallery_html(vector_set: VectorSet, shown: Shown) -> str:
    """All rows of a set; those that only make noise or change nothing, and discarded ones, are folded at the end."""
    gains = row_values(vector_set)
    rows: dict[str, list[str]] = {"": [], "noise folded": [], "discarded": []}
    for row in range(vector_set.rows):
        noise = is_noise_row(vector_set, shown, row)
        place = "discarded" if vector_set.notes[row].discarded else "noise folded" if noise else ""
        rows[place].append(_row(vector_set, shown, row, gains[row]))
    folds = "".join(
        f'<details class="sp-galfold" data-fold="{name}"><summary>{name} ({len(own)})</summary>{"".join(own)}</details>'
        for name, own in rows.items()
        if name and own
    )
    none = empty("Every vector is folded below.") if not rows[""] else ""
    return f'<div class="sp-gallery">{_head(vector_set, shown)}{"".join(rows[""])}{none}{folds}</div>'


def is_noise_row(vector_set: VectorSet, shown: Shown, row: int) -> bool:
    """Whether neither sign of a row says anything in text: its texts are noise, or no scale was found."""
    for sign in SIGNS:
        window, text = vector_set.window(row, sign), shown.gallery.texts.get((row, sign))
        missing = window is not None and window.found is None
        if not (missing or (text is not None and text.noise)):
            return False
    return True


def _head(vector_set: VectorSet, shown: Shown) -> str:
    undo = ""
    if shown.discarded is not None:
        undo = (
            f'<p class="sp-notice sp-info sp-undo" role="status">Vector {escape(vector_set.label(shown.discarded))} is '
            f'discarded. <button type="button" class="sp-small" data-act="discard" data-row="{shown.discarded}" '
            'data-value="false">undo</button></p>'
        )
    if not shown.gallery.texts:
        return undo
    found = shown.gallery.share > 0 and vector_set.scales_tried is not None  # not those of the search for scales
    where = "at the found scales" if found else "at the scales shown"
    return (
        f'{undo}<p class="sp-caption">“{escape_sentence(shown.prompt)}”, both signs {where} (r: relative to the '
        f"reference norm). A click on a text opens its scale strip.</p>{caution(shown.words)}"
    )


def _row(vector_set: VectorSet, shown: Shown, row: int, gain: str) -> str:
    note, suggested, strip = vector_set.notes[row], shown.names.get(row, ""), shown.strips.get(row)
    pressed = "true" if note.star else "false"
    take = ""
    if suggested and not note.label:
        take = (
            f'<button type="button" class="sp-small sp-take" data-act="label" data-row="{row}" '
            f'data-value="{escape(suggested)}" title="take the suggested name" '
            f'aria-label="Name vector {row} {escape(suggested)}">take</button>'
        )
    discard, verb = ("false", "bring back") if note.discarded else ("true", "discard")
    texts, steer = "", "".join(_steer(row, sign, f"steer {SIGN_MARKS[sign][0]}") for sign in SIGNS)
    if shown.gallery.texts or vector_set.scales_tried is not None:
        baseline, steer = shown.gallery.baseline, ""  # a button each in the heads of the texts
        texts = (
            f'<div class="sp-galtexts">{_text(vector_set, shown, row, -1)}<div class="sp-galcell sp-baseline">'
            f'<header><b class="sp-sign">0</b><small>baseline</small></header>{_body(escape(baseline), baseline, row)}'
            f"</div>{_text(vector_set, shown, row, 1)}</div>"
        )
    below = "" if strip is None else strip_html(
        strip, vector_set.origin.residual_norm, row, "steer", "Open in Steer", streaming=strip.cells[0].text is None
    )  # fmt: skip
    return (
        f'<article class="sp-galrow{" sp-discarded" * note.discarded}" data-row="{row}" tabindex="-1" '
        f'aria-label="Vector {row}"><div class="sp-rowhead"><button type="button" class="sp-star" data-act="star" '
        f'data-row="{row}" aria-pressed="{pressed}" aria-label="Star vector {row}">{"★" if note.star else "☆"}</button>'
        f'<b>{row}</b><span class="sp-gain">{escape(gain)}</span><input class="sp-name" data-act="label" '
        f'data-row="{row}" value="{escape(note.label)}" maxlength="120" data-suggested="{escape(suggested)}" '
        f'placeholder="{escape(suggested or "name it")}" aria-label="Name of vector {row}">{take}'
        f'<span class="sp-grow"></span>{steer}<button type="button" class="sp-small" data-act="strip" data-row="{row}" '
        f'aria-expanded="{"false" if strip is None else "true"}" aria-label="Scale strip of vector {row}">scale strip'
        f'</button><button type="button" class="sp-small" data-act="discard" data-row="{row}" data-value="{discard}" '
        f'aria-label="{verb.capitalize()} vector {row}">{verb}</button></div>{texts}'
        f"{words_line(shown.words, row)}{below}</article>"
    )


def _text(vector_set: VectorSet, shown: Shown, row: int, sign: int) -> str:
    """The text of a row in one sign, or why there is none."""
    mark, kind, colour = SIGN_MARKS[sign]
    window, text = vector_set.window(row, sign), shown.gallery.texts.get((row, sign))
    size, steer, body = "", "", ""
    if text is not None:
        size = f"{digits(text.scale / vector_set.origin.residual_norm, 2)} r"
        body = _steered(text, shown.gallery.baseline, row)
    elif window is not None and window.found is None:
        said = "noise: text breaks before it says anything else" if window.noise else "no effect at any scale tried"
        body = f'<span class="sp-empty">{said}</span>'
    if text is not None or window is None or window.found is not None:
        steer = _steer(row, sign, "steer")
    noise = '<span class="sp-flag">noise</span>' if text is not None and text.noise else ""
    return (
        f'<div class="sp-galcell sp-{colour}"><header><b class="sp-sign sp-{kind}">{mark}{row}</b><small>{size}</small>'
        f'{noise}<span class="sp-grow"></span>{steer}</header>{body}</div>'
    )


def _steer(row: int, sign: int, label: str) -> str:
    return (
        f'<button type="button" class="sp-small" data-act="steer" data-row="{row}" data-sign="{sign}" '
        f'aria-label="Steer with vector {row}, sign {SIGN_MARKS[sign][0]}">{label}</button>'
    )


def _steered(text: GalleryText, baseline: str, row: int) -> str:
    if not text.text and text.noise is not None:
        return '<span class="sp-empty">(ends at once)</span>'
    return _body(changed_words(baseline, text.text), text.text, row)


def _body(marked: str, text: str, row: int) -> str:
    opens = f'dir="auto" data-act="strip" data-row="{row}"'
    if len(text) <= LONG and text.count("\n") < 4:
        return f'<div class="sp-text" {opens}>{marked}</div>'
    return (
        f'<div class="sp-text sp-clamp" {opens}>{marked}</div><button type="button" class="sp-small sp-unfold" '
        'data-unfold aria-expanded="false">whole text</button>'
    )
