"""The bands of a set to choose from, and what a search inside one found, as HTML."""

from __future__ import annotations

import math

from playground.core.band import CLUSTER_GAP
from playground.library.vector_set import VectorSet
from playground.services.band import BandProgress, BandResult, Judged, bands_of
from playground.services.durations import to_go
from playground.ui.kit.digits import digits
from playground.ui.kit.markup import SCROLL, changed_words, chips, escape, escape_sentence

SHOWN = 6
"""Bands that are proposed; more are folded."""


def proposals(vector_set: VectorSet) -> str:
    """A button for every band of the set, with its σ; a sentence where there is none."""
    found = bands_of(vector_set)
    if not found:
        why = "no σ" if vector_set.singular_values is None else f"no rows with σ within {CLUSTER_GAP:.0%}"
        return f'<p class="sp-hint">This set has {why}; any rows span something too: name them below.</p>'
    values = [] if vector_set.singular_values is None else vector_set.singular_values.tolist()
    ends = [(written(rows), digits(values[rows[0]]), digits(values[rows[-1]])) for rows in found]
    return chips([(rows, f"rows {rows} · σ {high} to {low}") for rows, high, low in ends], "band", SHOWN)


def usual_rows(vector_set: VectorSet) -> str:
    """Rows to begin with: the widest band; the first rows of a set without any."""
    found = bands_of(vector_set)
    return written(max(found, key=len) if found else tuple(range(min(4, vector_set.rows))))


def written(rows: tuple[int, ...]) -> str:
    """Rows that follow one another, as they are typed."""
    return f"{rows[0]}-{rows[-1]}"


def progress_text(event: BandProgress) -> str:
    """How far a search is, in a line."""
    best = "" if event.value == -math.inf else f" · best {digits(event.value)}, random {digits(event.random_value)}"
    return f"{event.evaluations} of {event.budget} directions{best}{to_go(event)}"


def result_html(result: BandResult) -> str:
    """What was found beside the best random direction, the best row and no push: the target on both sets of prompts,
    and a text of each.
    """
    request, baseline = result.request, result.baseline
    lines = [
        _line("found", result.found, baseline, "steered"),
        _line("best random", result.random, baseline),
        _line(f"row {result.row}{'+' if result.sign > 0 else '−'}", result.best_row, baseline),
        _line("no push", baseline, None, "baseline"),
    ]
    search, held_out = len(request.search.items), len(request.held_out.items)
    said = "" if result.prompt is None else f" · texts on “{result.prompt}”"
    stopped = f" · stopped after {result.evaluations} of {request.budget} directions" if result.cancelled else ""
    rows = ", ".join(map(str, request.rows))
    caption = f"{request.target_name} in nats, rows {rows} at {digits(request.scale)} r{said}{stopped}"
    head = "".join(
        f'<th scope="col">{escape(text)}</th>'
        for text in ("direction", f"search, {search} prompts", f"held out, {held_out}", "text")
    )
    cosines = ", ".join(
        f"{row}: {digits(value, 2)}" for row, value in zip(request.rows, result.cosines.tolist(), strict=True)
    )
    return (
        f'<p class="sp-caption">{escape_sentence(caption)}</p>{SCROLL}<table class="sp-table sp-band" '
        'aria-label="What the search found">'
        f"<thead><tr>{head}</tr></thead><tbody>{''.join(lines)}</tbody></table></div>"
        f'<p class="sp-verdict" role="status">{escape_sentence(result.verdict)}</p>'
        f'<p class="sp-caption">Cosines of what was found with the rows: {cosines}. A search is always best on its own '
        "prompts: “held out” is the column to read.</p>"
    )


def _line(name: str, judged: Judged, baseline: Judged | None, kind: str = "") -> str:
    said = ""
    if judged.text is not None:
        noise = '<span class="sp-flag">noise</span> ' if judged.noise else ""
        against = judged.text if baseline is None or baseline.text is None else baseline.text
        said = f'{noise}<span dir="auto">{changed_words(against, judged.text) or "(ends at once)"}</span>'
    return (
        f'<tr class="sp-{kind}"><th scope="row">{escape(name)}</th><td>{digits(judged.search)}</td>'
        f"<td><b>{digits(judged.held_out)}</b></td><td class=\"sp-bandtext\">{said}</td></tr>"
    )
