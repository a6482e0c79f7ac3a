"""Comparison of pinned texts: a column for each, a line for each prompt, the words that differ coloured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from playground.ui.kit.markup import changed_words, empty, escape, escape_sentence

MOST = 6
"""Pinned at once: more columns are too narrow to read."""
MOST_PROMPTS = 40
"""Lines that are shown: the page would be slow with thousands."""


@dataclass(frozen=True)
class Pinned:
    """One column: `texts` for each prompt (None: it has none); `opens` are the data attributes of the button below each
    text that opens it in Steer, and `unpin` those of the button that takes the column away.
    """

    title: str
    texts: tuple[str | None, ...]
    opens: tuple[str, ...]
    unpin: str


def side_by_side(prompts: Sequence[str], baselines: Sequence[str | None], pinned: Sequence[Pinned]) -> str:
    """The comparison as HTML, "" without a column. One column is coloured where it differs from the baseline, several
    where they differ from the first of them.
    """
    if not pinned:
        return ""
    against = "the baseline" if len(pinned) == 1 else f"“{pinned[0].title}”"
    note = f"Coloured: words that differ from {against}."
    if len(pinned) == 1:
        note += " Pin another text to compare the two."
    if len(prompts) > MOST_PROMPTS:
        note += f" The first {MOST_PROMPTS} of {len(prompts)} prompts."
    heads = "".join(
        f'<th scope="col">{escape_sentence(each.title)} <button type="button" class="sp-small" {each.unpin} '
        f'aria-label="Unpin {escape_sentence(each.title)}">unpin</button></th>'
        for each in pinned
    )
    lines = []
    for place, (prompt, baseline) in enumerate(zip(prompts[:MOST_PROMPTS], baselines, strict=False)):
        first = baseline if len(pinned) == 1 else pinned[0].texts[place]
        cells = "".join(
            _cell(each, place, None if number == 0 and len(pinned) > 1 else first)
            for number, each in enumerate(pinned)
        )
        lines.append(
            f'<tr><th scope="row" class="sp-prompt">{escape(prompt)}</th><td>{_text(baseline, None)}</td>{cells}</tr>'
        )
    return (
        f'<section class="sp-compare" aria-label="Comparison"><div class="sp-cardhead"><h3>Compare</h3>'
        f'<small>{escape_sentence(note)}</small></div><div class="sp-scroll" tabindex="0"><table aria-label="Pinned '
        f'texts"><thead><tr><th scope="col">prompt</th><th scope="col">baseline</th>{heads}</tr></thead>'
        f"<tbody>{''.join(lines)}</tbody></table></div></section>"
    )


def _cell(column: Pinned, place: int, against: str | None) -> str:
    text = column.texts[place]
    if text is None:
        return f"<td>{empty('not generated')}</td>"
    return (
        f'<td>{_text(text, against)}<button type="button" class="sp-small" {column.opens[place]} '
        f'aria-label="Open {escape_sentence(column.title)} in Steer">open in Steer</button></td>'
    )


def _text(text: str | None, against: str | None) -> str:
    if text is None:
        return empty("not generated")
    if not text:
        return '<div class="sp-text sp-empty">(ends at once)</div>'
    return f'<div class="sp-text" dir="auto">{escape(text) if against is None else changed_words(against, text)}</div>'
