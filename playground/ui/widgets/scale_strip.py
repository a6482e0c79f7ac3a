"""HTML of a scale strip: one prompt over signed multiples of a found scale, a click on a cell goes there."""

from __future__ import annotations

from playground.services.strip import Strip, StripCell
from playground.ui.kit.markup import changed_words, escape


def strip_html(strip: Strip, residual: float, row: int, act: str, what: str, streaming: bool = False) -> str:
    """The cells of a row's strip side by side. Each sends the event `act` with its multiple; `what` says in its label
    what that does. `residual` is the reference norm.
    """
    baseline = next((cell.text for cell in strip.cells if not cell.multiple), None) or ""
    cells = "".join(_cell(cell, baseline, residual, strip.found, row, act, what, streaming) for cell in strip.cells)
    return f'<div class="sp-scalestrip" role="group" aria-label="Scale strip of vector {row}">{cells}</div>'


def multiple_text(multiple: float) -> str:
    """A multiple as it is written on the page: −½, 1½."""
    whole, half = divmod(abs(multiple), 1)
    digits = f"{whole:.0f}" if whole or not half else ""
    return f"{'−' if multiple < 0 else ''}{digits}{'½' if half else ''}"


def _cell(
    cell: StripCell, baseline: str, residual: float, found: bool, row: int, act: str, what: str, streaming: bool
) -> str:
    if not cell.multiple:
        kind, title, size = "baseline", "baseline", ""
        body = escape(cell.text or "")
    else:
        kind = "negative" if cell.norm < 0 else "steered"
        relative = f"{cell.norm / residual:.2g} r".replace("-", "−")
        title, size = (f"{multiple_text(cell.multiple)} f", relative) if found else (relative, "")
        body = changed_words(baseline, cell.text or "")
    if cell.text == "" and not streaming:
        body = '<span class="sp-empty">(ends at once)</span>'
    data = f'data-act="{act}" data-row="{row}" data-multiple="{cell.multiple:g}"'
    return (
        f'<div class="sp-stripcell sp-{kind}"><div><button type="button" class="sp-small" {data} '
        f'title="{escape(what)}" aria-label="{escape(what)}: {title}">{title}</button><small>{size}</small></div>'
        f'<div class="sp-text" dir="auto" {data}>{body}</div></div>'
    )
