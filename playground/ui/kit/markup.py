"""HTML fragments of the page: texts, bars, tables, buttons.

Model text, prompts, labels and file names are data: all of it goes through `escape`, so that none can become markup,
a link or a request.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Sequence

from playground.library.formats import csv_table
from playground.services.changed import pieces

SIGN_MARKS = {1: ("+", "plus", "steered"), -1: ("−", "minus", "negative")}
"""By sign: how it is written, and the classes of its mark and of what is shown of it."""
SCROLL = '<div class="sp-scroll" tabindex="0">'
"""Begins a box that scrolls to the side, by keyboard too."""


def escape(text: object) -> str:
    """`text` escaped for the inside of an element or of a quoted attribute."""
    return html.escape(str(text), quote=True)


_BIDI_CONTROL = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def visible_controls(text: str) -> str:
    """`text` with bidirectional control characters written as \\u202e, for names and prompts inside a sentence: an
    override would turn round the words after it. Texts that stand by themselves are shown as they are.
    """
    return _BIDI_CONTROL.sub(lambda control: f"\\u{ord(control[0]):04x}", text)


def escape_sentence(text: str) -> str:
    """A sentence that may quote names and prompts, escaped."""
    return escape(visible_controls(text))


def run_line(text: str) -> str:
    """One line on the progress of a run, or on its end."""
    return f'<div class="sp-under-plot sp-progress"><span role="status">{escape_sentence(text)}</span></div>'


def notice(text: str, kind: str = "error") -> str:
    """One sentence beside the control it is about. `kind`: error, warning, info."""
    if not text:
        return ""
    text = text[0].upper() + text[1:]
    if text[-1] not in ".!?…":
        text += "."
    role = "alert" if kind == "error" else "status"
    return f'<p class="sp-notice sp-{kind}" role="{role}">{escape_sentence(text)}</p>'


def empty(text: str) -> str:
    """Placeholder of an empty place: a sentence on how to fill it."""
    return f'<p class="sp-empty">{escape_sentence(text)}</p>'


def command(line: str) -> str:
    """The command that repeats a run, with a copy button; nothing for an empty one."""
    if not line:
        return ""
    return (
        f'<div class="sp-command"><span>repeat this</span><code tabindex="0">{escape(line)}</code>'
        f'<button type="button" class="sp-small" data-copy="{escape(line)}" '
        f'aria-label="Copy the command">copy</button></div>'
    )


def numbers_link(name: str, header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A button that downloads the numbers of a plot as CSV, without a request to the server."""
    text = csv_table.write(header, rows)
    return (
        f'<button type="button" class="sp-small sp-numbers" data-csv="{escape(text)}" '
        f'data-name="{escape(name)}.csv" aria-label="Download the numbers of this plot as CSV">numbers (CSV)</button>'
    )


def changed_words(baseline: str, steered: str) -> str:
    """`steered` as HTML with the words that differ from `baseline` marked."""
    marked = []
    for text, changed in pieces(baseline, steered):
        marked.append(f'<mark class="sp-changed">{escape(text)}</mark>' if changed else escape(text))
    return "".join(marked)


_CONTROL = re.compile("[\u0000-\u001f\u007f-\u00a0\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]")


def visible_token(token: str) -> str:
    """A token with its white space, control and invisible characters made visible."""
    shown = token.replace("\n", "↵").replace("\t", "⇥").replace(" ", "·") or "∅"
    return _CONTROL.sub(lambda control: f"\\u{ord(control[0]):04x}", shown)


def estimate(size: str, took: object | None, then: str = "") -> str:
    """HTML of the line beside a button: the size of a run, and the time it is expected to take, where that is known."""
    return f'<p class="sp-hint">{escape(size if took is None else f"{size} · {took}{then}")}</p>'


def token_shifts(shifts: Sequence[tuple[str, float, float]], kl: float | None) -> str:
    """Next-token probabilities before (grey) and after (accent); shifts are (token, before, after)."""
    rows = []
    for token, before, after in shifts:
        rows.append(
            f'<tr><th scope="row"><code>{escape(visible_token(token))}</code></th>'
            f'<td class="sp-bars"><i class="sp-before" style="width:{100 * before:.1f}%"></i>'
            f'<i class="sp-after" style="width:{100 * after:.1f}%"></i></td>'
            f'<td class="sp-number"><span class="sp-was">{before:.2f}</span> → <b>{after:.2f}</b></td></tr>'
        )
    divergence = ""
    if kl is not None:
        divergence = (
            f'<span class="sp-kl" title="Kullback–Leibler divergence of the steered from the baseline next-token '
            f'distribution">KL(steered ‖ baseline) <b>{kl:.2f}</b> nats</span>'
        )
    csv_rows = [(token, f"{before:.6g}", f"{after:.6g}") for token, before, after in shifts]
    return (
        f'<div class="sp-tokens"><div class="sp-legend"><span class="sp-key sp-before"></span>before'
        f'<span class="sp-key sp-after"></span>after{divergence}</div>'
        f'<table aria-label="Next-token probabilities before and after">{"".join(rows)}</table>'
        f"{numbers_link('next-token', ('token', 'before', 'after'), csv_rows)}</div>"
    )


def scale_strip(
    maximum: float,
    text: str,
    onsets: Sequence[float] = (),
    found: Sequence[float] = (),
    breaks: tuple[float | None, float | None] = (None, None),
) -> str:
    """Marks and small print under a slider from −maximum to maximum, in its unit: ticks at zero, at `onsets` and at
    `found` scales (signed), hatching beyond `breaks`, where text breaks in the negative and in the positive sign.
    """
    ticks = ""
    for side, value in zip(("left", "right"), breaks, strict=True):
        if value is not None and value < maximum:
            ticks += f'<b class="sp-extreme" style="{side}:0;width:{50 - 50 * value / maximum:.2f}%"></b>'
    ticks += '<i class="sp-zero" style="left:50%"></i>'
    for name, values in (("onset", onsets), ("found", found)):
        for value in values:
            if abs(value) <= maximum:
                ticks += f'<i class="sp-{name}" style="left:{50 + 50 * value / maximum:.2f}%" title="{name}"></i>'
    return (
        f'<div class="sp-strip"><div class="sp-ticks" aria-hidden="true">{ticks}</div>'
        f"<small>{escape(text)}</small></div>"
    )


def facts(pairs: Sequence[tuple[str, object]]) -> str:
    """A list of names and values; empty values are left out."""
    items = "".join(
        f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in pairs if value not in (None, "")
    )
    return f'<dl class="sp-facts">{items}</dl>'


def prompt_preview(
    prompts: Sequence[str], total: int, title: str = "", shown: int = 4, notes: Sequence[str] = ()
) -> str:
    """The prompts that will be used, all but the first `shown` folded away, under a caption and `notes` on the set."""
    lines = "".join(f"<li>{escape(prompt)}</li>" for prompt in prompts[:shown])
    rest = "".join(f"<li>{escape(prompt)}</li>" for prompt in prompts[shown:])
    more = ""
    if rest:
        more = (
            f"<details><summary>and {len(prompts) - shown} more</summary>"
            f'<ol class="sp-prompts" start="{shown + 1}">{rest}</ol></details>'
        )
    head = f'<p class="sp-caption">{escape_sentence(title)}: {len(prompts)} of {total} used</p>'
    head += "".join(f'<p class="sp-caption">{escape_sentence(note)}</p>' for note in notes)
    return f'<div class="sp-preview">{head}<ol class="sp-prompts">{lines}</ol>{more}</div>'


def chips(names: Sequence[tuple[str, str]], what: str = "example", shown: int | None = None) -> str:
    """Small buttons, one for each (key, label) of `names`. `what` is the noun for one of them and their `data-act`.
    What comes after the first `shown` (None: all) is folded.
    """
    buttons = [
        f'<button type="button" class="sp-chip" data-act="{what}" data-name="{escape(key)}">{escape(label)}</button>'
        for key, label in names
    ]
    first, rest = "".join(buttons[:shown]), "".join(buttons[shown:] if shown is not None else [])
    more = f"<details><summary>more</summary><div>{rest}</div></details>" if rest else ""
    said = f"<span>{what}s</span>"
    return f'<div class="sp-chips" role="group" aria-label="{what.capitalize()}s">{said}{first}{more}</div>'
