"""HTML tables of the Library: the sets of the folder, and one set with the fields of its file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from playground.library.origin import Origin
from playground.library.store import Entry
from playground.library.vector_set import VectorSet
from playground.methods.base.registry import called
from playground.services.words import SetWords
from playground.ui.kit.digits import digits
from playground.ui.kit.markup import SCROLL, empty, escape, facts, notice
from playground.ui.kit.running import seconds
from playground.ui.widgets.vector_row import row_head, row_values
from playground.ui.widgets.words import caution, words_line

LONG = 120
"""Characters of a parameter beyond which only its length is shown."""
PAGE = 48
"""Vectors on one page of a set."""
NO_SETS = "No sets yet: compute vectors in Discover and save them, or upload a file of vectors below."
CHOOSE = "Choose a set on the left to see what it is, and to name, star and note its vectors."


def sets(entries: Sequence[Entry], selected: str | None, model: str | None) -> str:
    """Every set of the library; broken files with what is wrong."""
    if not entries:
        return empty(NO_SETS)
    lines = []
    for entry in entries:
        name = escape(entry.name)
        if entry.problem is not None:
            lines.append(
                f'<tr class="sp-broken"><th scope="row">{name}</th><td colspan="2">{escape(entry.problem)}</td></tr>'
            )
            continue
        chosen = ' aria-current="true"' if entry.name == selected else ""
        other = "" if model is None or entry.model == model else ' class="sp-other"'
        stars = f"★ {entry.stars}" if entry.stars else ""
        rows = f"{entry.rows:,} vector{'' if entry.rows == 1 else 's'}"
        lines.append(
            f'<tr data-act="open" data-name="{name}" tabindex="0"{chosen}><th scope="row">{name}'
            f"<small>{escape(called(entry.method))} · <span{other}>{escape(short(entry.model))}</span> · "
            f"{layers(entry.source, entry.target)} · {rows}</small></th>"
            f"<td>{escape(entry.created[:10])}</td><td>{stars}</td></tr>"
        )
    head = "".join(f'<th scope="col">{text}</th>' for text in ("set", "created", "stars"))
    return (
        f'{SCROLL}<table class="sp-table" aria-label="Vector sets"><thead><tr>{head}</tr></thead>'
        f"<tbody>{''.join(lines)}</tbody></table></div>"
    )


def details(vector_set: VectorSet, warning: str | None) -> str:
    """The origin of a set, as HTML: model, layers, method, prompts, parameters and versions."""
    origin = vector_set.origin
    converged = {None: None, True: "yes", False: "no: values may be off, or larger ones missing"}[origin.converged]
    if origin.target is None:
        read_at = None
    else:
        read_at = f"block {origin.target}" + (f", last {origin.target_tokens} tokens" if origin.target_tokens else "")
    asked = "chat template" if origin.chat else "raw text"
    listing = facts(
        [
            ("description", vector_set.description),
            ("method", called(origin.method)),
            ("model", origin.model),
            ("revision", origin.revision),
            ("fingerprint", origin.fingerprint),
            (
                "added at",
                f"block {origin.source} of {origin.block_count} ({origin.hook_site}, {origin.positions} positions)",
            ),
            ("read at", read_at),
            ("rows × width", f"{vector_set.rows} × {origin.width}"),
            ("reference norm", _reference(origin)),
            ("attention sinks", _sinks(origin.parameters)),
            ("converged", converged),
            ("prompts", f"{len(origin.prompts)} as {asked}" + (f", {origin.prompt_set}" if origin.prompt_set else "")),
            ("system prompt", origin.system),
            ("seed", origin.seed),
            ("parameters", _parameters(origin.parameters)),
            ("computed in", None if origin.seconds is None else seconds(origin.seconds)),
            ("created", origin.created),
            ("versions", ", ".join(f"{name} {version}" for name, version in origin.versions.items())),
        ]
    )
    prompts = "".join(f"<li>{escape(prompt)}</li>" for prompt in origin.prompts)
    folded = ""
    if prompts:
        folded = f'<details><summary>all prompts</summary><ol class="sp-prompts">{prompts}</ol></details>'
    head = notice(warning, "warning") if warning else ""
    return f'<div class="sp-details">{head}{listing}{folded}</div>'


def _reference(origin: Origin) -> str:
    """The reference norm of a set, and which statistic over tokens it is."""
    kind = "median over all tokens" if origin.reference == "median" else "mean over all tokens (format version 1)"
    return f"{digits(origin.residual_norm, 4)}, the {kind}: relative scale 1"


def _sinks(parameters: Mapping[str, object]) -> str | None:
    """Whether attention sinks were read, where the set reads all positions; None where that is not recorded."""
    if "sinks" not in parameters:
        return None
    left_out = parameters.get("sinks_left_out", 0)
    return f"left out at {left_out} positions" if parameters["sinks"] == "left out" else "read, as published"


def _parameters(parameters: Mapping[str, object]) -> str:
    """Names and values; long lists, such as the prompts of the other side, by their length."""
    parts = []
    for key, value in parameters.items():
        if key in ("sinks", "sinks_left_out"):
            continue  # has a line of its own
        if isinstance(value, list) and len(str(value)) > LONG:
            parts.append(f"{key} ({len(value)})")
        else:
            parts.append(f"{key} {value}")
    return ", ".join(parts)


def rows(vector_set: VectorSet, first: int = 0, words: SetWords | None = None) -> str:
    """The vectors of one page, from the one that holds row `first` on: gain, star, name, note and words of each."""
    first = min(max(first, 0), vector_set.rows - 1) // PAGE * PAGE
    end = min(first + PAGE, vector_set.rows)
    values, cards = row_values(vector_set), []
    for row in range(first, end):
        note = vector_set.notes[row]
        discarded = " sp-discarded" if note.discarded else ""
        cards.append(
            f'<div class="sp-look sp-libraryrow{discarded}">{row_head(row, note.star, note.label, values[row])}'
            f'<input class="sp-note" data-act="note" data-row="{row}" value="{escape(note.note)}" placeholder="note" '
            f'aria-label="Note on vector {row}"><button type="button" class="sp-small" data-act="steer" '
            f'data-row="{row}" aria-label="Steer with vector {row}">steer</button></div>'
            f"{words_line(words, row)}"
        )
    pages = ""
    if vector_set.rows > PAGE:
        before = _turn("earlier", first - PAGE) if first > 0 else ""
        after = _turn("later", end) if end < vector_set.rows else ""
        span = f'<span class="sp-empty">{first}–{end - 1} of {vector_set.rows} vectors</span>'
        pages = f'<div class="sp-libraryrow">{span}{before}{after}</div>'
    return f'<div class="sp-looks">{caution(words)}{pages}{"".join(cards)}</div>'


def _turn(label: str, row: int) -> str:
    return f'<button type="button" class="sp-small" data-act="page" data-row="{row}">{label}</button>'


def layers(source: int | None, target: int | None) -> str:
    """ "3 → 9", or the one layer there is."""
    if source is None:
        return ""
    return str(source) if target is None else f"{source} → {target}"


def short(model: str) -> str:
    """The last part of a path or a Hub id."""
    return model.rstrip("/\\").replace("\\", "/").rsplit("/", 1)[-1]
