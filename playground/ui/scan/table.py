"""HTML table of a scan: a section for each prompt, a line for each text or group of similar texts."""

from __future__ import annotations

from collections.abc import Sequence

from playground.library.vector_set import RowNote
from playground.services.scan import Cell, ScanResult
from playground.ui.kit.markup import changed_words, empty, escape
from playground.ui.scan.view import PAGE, Entry, ScanView, Section, note_of, row_of, sections

WAITING = empty(
    "Scan writes a text for every vector, sign and scale here, texts that say alike together, with what tells sense "
    "from noise."
)
NOTHING = empty(
    "No text passes the filters above: show noise or discarded vectors, those without a star, all groups, search for "
    "less, or empty the fields of limits."
)
LONG = 260
"""Characters beyond which a text is clamped and can be unfolded."""
MEMBERS = 40
"""Cells of a group that are listed under it; “only this group” shows all of them."""
COLUMNS = ("vector", "scale", "text", "effect", "noise", "keep")


def table(
    result: ScanResult,
    view: ScanView,
    notes: Sequence[RowNote],
    first: int = 0,
    above: str = "",
    kept: bool = True,
) -> str:
    """The page of the table that holds entry `first`, under the HTML `above`. Unless notes are `kept`, they are shown
    read-only.
    """
    parts = sections(result, view, notes)
    total = sum(len(part.entries) for part in parts)
    if not total:
        return f"{above}{NOTHING}"
    first = min(max(first, 0), total - 1) // PAGE * PAGE
    lines, place = [], 0
    for part in parts:
        entries = part.entries[max(first - place, 0) : max(first + PAGE - place, 0)]
        place += len(part.entries)
        if entries:
            lines.append(_section(result, part, many=len(result.request.prompts) > 1))
            lines += [_entry(result, entry, notes, kept) for entry in entries]
    head = "".join(f'<th scope="col">{name}</th>' for name in COLUMNS)
    grouped = any(entry.group is not None for part in parts for entry in part.entries)
    pages = _pages(first, total, "groups" if grouped else "texts", _hidden(result, parts))
    return (
        f'{above}{pages}<table class="sp-scan" aria-label="Texts of the scan"><thead><tr>{head}</tr></thead>'
        f"<tbody>{''.join(lines)}</tbody></table>{pages if total > PAGE else ''}"
    )


def undo_line(row: int) -> str:
    """The line above the table after a vector was discarded, with its undo button."""
    return (
        f'<p class="sp-notice sp-info sp-undo" role="status">Vector {row} is discarded. <button type="button" '
        f'class="sp-small" data-act="discard" data-row="{row}" data-value="false">undo</button></p>'
    )


def _section(result: ScanResult, part: Section, many: bool) -> str:
    """The head of a section: the prompt, and its baseline texts."""
    request = result.request
    number = f"prompt {part.prompt + 1} of {len(request.prompts)}" if many else "prompt"
    baselines = [cell for cell in result.baselines if cell.prompt == part.prompt]
    texts = "".join(
        f'<div class="sp-baseline-line">{_text(escape(cell.text), len(cell.text))}</div>' for cell in baselines
    )
    return (
        f'<tr class="sp-scanhead"><th scope="rowgroup" colspan="{len(COLUMNS)}"><span class="sp-sample">{number}</span>'
        f'<div class="sp-prompt">{escape(request.prompts[part.prompt])}</div>'
        f'<span class="sp-sample">baseline</span>{texts}</th></tr>'
    )


def _entry(result: ScanResult, entry: Entry, notes: Sequence[RowNote], kept: bool) -> str:
    cell = result.cells[entry.cells[0]]
    note = note_of(notes, cell)
    below = "" if entry.group is None else _group(result, entry.group, entry.cells, notes, kept)
    discarded = " sp-discarded" if note.discarded else ""
    grouped = " sp-grouped" if entry.group is not None and len(entry.cells) > 1 else ""
    return (
        f'<tr class="sp-cell{discarded}{grouped}"><td class="sp-c-vector">{_vector(cell)}</td>'
        f'<td class="sp-c-scale">{cell.scale:g}</td>'
        f'<td class="sp-c-text">{_sample(result, cell)}{_changed(result, cell)}{below}</td>'
        f'<td class="sp-c-effect">{_effect(cell)}</td>'
        f'<td class="sp-c-noise">{_noise(cell)}</td>'
        f'<td class="sp-c-keep">{_tools(entry.cells[0], cell, note, kept)}</td></tr>'
    )


def _vector(cell: Cell) -> str:
    mark, kind = ("+", "plus") if cell.sign > 0 else ("−", "minus")
    return f'<b class="sp-sign sp-{kind}">{mark}{cell.row}</b>'


def _sample(result: ScanResult, cell: Cell) -> str:
    return f'<span class="sp-sample">sample {cell.sample + 1}</span>' if result.request.samples > 1 else ""


def _changed(result: ScanResult, cell: Cell) -> str:
    """The text with the words that its baseline does not have marked."""
    if not cell.text:
        return '<div class="sp-text sp-empty">(ended at once)</div>'
    baseline = result.baseline_of().get((cell.prompt, cell.sample))
    body = escape(cell.text) if baseline is None else changed_words(baseline.text, cell.text)
    return _text(body, len(cell.text))


def _text(body: str, length: int) -> str:
    if length <= LONG:
        return f'<div class="sp-text">{body}</div>'
    return (
        f'<div class="sp-text sp-clamp">{body}</div><button type="button" class="sp-small sp-unfold" data-unfold '
        f'aria-expanded="false">whole text</button>'
    )


def _effect(cell: Cell) -> str:
    """Distances of a text from its baseline: KL of the next token, share of words changed."""
    kl = "–" if cell.kl is None else f"{cell.kl:.2f}"
    return (
        f'<span class="sp-c-kl" title="KL(steered ‖ baseline) of the next token, in nats">KL {kl}</span> '
        f'<span title="share of words that differ from the baseline">changed {100 * cell.changed:.0f} %</span>'
    )


def _noise(cell: Cell) -> str:
    """Perplexity and repetition of a text, and the noise flag that follows from them."""
    perplexity = "–" if cell.perplexity is None else f"{cell.perplexity:.1f}"
    flag = '<span class="sp-flag">noise</span>' if cell.noise else ""
    return (
        f'<span title="perplexity of the text under the model as it is">ppl {perplexity}</span> '
        f'<span title="share of repeated 4-grams">rep {100 * cell.repetition:.0f} %</span>{flag}'
    )


def _tools(number: int, cell: Cell, note: RowNote, kept: bool) -> str:
    """Star, name and discard button of the vector; the button that opens this text in Steer."""
    row = row_of(cell)
    discard, label = ("false", "bring back") if note.discarded else ("true", "discard")
    return (
        f'<div class="sp-celltools">{_star_and_name(row, note, kept)}</div><div class="sp-celltools">{_steer(number)}'
        f'<button type="button" class="sp-small" data-act="discard" data-row="{row}" data-value="{discard}" '
        f'{"" if kept else "disabled "}aria-label="{label.capitalize()} vector {row}">{label}</button></div>'
    )


def _star_and_name(row: int, note: RowNote, kept: bool) -> str:
    disabled = "" if kept else " disabled"
    pressed, star = ("true", "★") if note.star else ("false", "☆")
    return (
        f'<button type="button" class="sp-star" data-act="star" data-row="{row}" aria-pressed="{pressed}" '
        f'aria-label="Star vector {row}"{disabled}>{star}</button>'
        f'<input class="sp-name" data-act="label" data-row="{row}" value="{escape(note.label)}" maxlength="120" '
        f'placeholder="name it" aria-label="Name of vector {row}"{disabled}>'
    )


def _steer(number: int) -> str:
    """The buttons that open a text in Steer, and pin it for comparison."""
    return (
        f'<button type="button" class="sp-small" data-act="steer" data-cell="{number}" '
        f'aria-label="Open this text in Steer">steer</button>'
        f'<button type="button" class="sp-small" data-act="pin" data-cell="{number}" '
        f'aria-label="Pin this text to compare it with others">pin</button>'
    )


def _group(
    result: ScanResult, place: int, numbers: Sequence[int], notes: Sequence[RowNote], kept: bool
) -> str:
    """The part under the typical text of a group: the number of texts, their vectors, and each of them."""
    group, cells = result.groups[place], [result.cells[number] for number in numbers]
    name = f'<b class="sp-groupname">{escape(group.name)}</b>'
    like = '<span class="sp-detail">as the baseline</span>' if group.like_baseline else ""
    if len(cells) == 1:
        return f'<div class="sp-group">{name}{like}</div>'
    vectors = dict.fromkeys((cell.row, cell.sign) for cell in sorted(cells, key=lambda cell: (cell.row, -cell.sign)))
    lines = []
    for number in numbers[:MEMBERS]:
        cell = result.cells[number]
        lines.append(
            f'<div class="sp-lookline">{_vector(cell)}<span class="sp-c-scale">{cell.scale:g}</span>'
            f'<span class="sp-text sp-oneline">{escape(cell.text)}</span>'
            f"{_star_and_name(row_of(cell), note_of(notes, cell), kept)}{_steer(number)}</div>"
        )
    rest = "" if len(cells) <= MEMBERS else empty(f"The first {MEMBERS} of {len(cells)}; “only these” shows all.")
    signed = "".join(_vector(result.cells[number]) for number in _one_each(result, numbers))
    return (
        f'<details class="sp-group"><summary>{name}<span class="sp-count">{len(cells)} texts of {len(vectors)} signed '
        f'{"vector" if len(vectors) == 1 else "vectors"}</span>{like}<span class="sp-vectors">{signed}</span></summary>'
        f'{"".join(lines)}{rest}<button type="button" class="sp-small" data-act="group" data-name="{place}">'
        f"only these</button></details>"
    )


def _one_each(result: ScanResult, numbers: Sequence[int]) -> list[int]:
    """A cell of every signed vector, in order of the vectors; of a large group the first dozen."""
    first = {(result.cells[n].row, result.cells[n].sign): n for n in reversed(numbers)}
    return [first[key] for key in sorted(first, key=lambda key: (key[0], -key[1]))][:12]


def _hidden(result: ScanResult, parts: Sequence[Section]) -> str:
    """The number of texts that are filtered out, as text; "" for none."""
    shown = sum(len(entry.cells) for part in parts for entry in part.entries)
    return f" · {len(result.cells) - shown} of {len(result.cells)} texts filtered out" * (shown < len(result.cells))


def _pages(first: int, total: int, what: str, hidden: str) -> str:
    """The line of pages: range of entries, texts filtered out, and buttons to the pages around."""
    end = min(first + PAGE, total)
    span = f"{total} {what if total > 1 else what[:-1]}" if total <= PAGE else f"{first + 1}–{end} of {total} {what}"
    before = _turn("earlier", first - PAGE) if first > 0 else ""
    after = _turn("later", end) if end < total else ""
    return f'<div class="sp-pages"><span class="sp-detail">{span}{hidden}</span>{before}{after}</div>'


def _turn(label: str, entry: int) -> str:
    return f'<button type="button" class="sp-small" data-act="page" data-entry="{entry}">{label}</button>'
