"""Output of `find`: the progress line, and the result as a JSON object or a table."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from playground.cli.scales import scale_text
from playground.methods.base.registry import columns, norm_of
from playground.services.durations import to_go

if TYPE_CHECKING:
    from playground.library.vector_set import VectorSet
    from playground.methods.base.progress import FindProgress, FindResult

_STAGES = {"encode": "reading the prompts", "prepare": "running the model up to the source layer"}
_TABLE_ROWS = 40  # of a table at most; the file and --json hold all

def line(event: FindProgress) -> str:
    """Progress as one line."""
    if event.stage == "batch":
        return f"batch finished · {len(event.values['norms'])} vectors so far"
    if event.stage != "iterate":
        return _STAGES.get(event.stage, "")
    batch = "" if event.batch is None else f"batch {event.batch + 1} · "
    return f"{batch}step {event.step} of about {event.steps} · {event.state} · {event.seconds:.1f} s{to_go(event)}"


def data(out: Path, result: FindResult) -> dict[str, Any]:
    """The object that --json prints."""
    from playground.services.find.facts import facts

    return {"file": str(out), **facts(result)}


def text(out: Path, result: FindResult) -> str:
    """The result for a person to read."""
    found, origin = result.vector_set, result.vector_set.origin
    layers = f"block {origin.source}" + ("" if origin.target is None else f" → {origin.target}")
    lines = [
        f"{found.rows} {'direction' if found.rows == 1 else 'directions'} · {origin.method} · {origin.model} · "
        f"{layers} · {len(origin.prompts)} {'prompt' if len(origin.prompts) == 1 else 'prompts'} · "
        f"{result.seconds:.2f} s",
        f"reference norm at block {origin.source}: {origin.residual_norm:.4g} (relative scale 1)",
        *_table(found),
    ]
    if origin.parameters.get("sinks_left_out"):
        lines.append(f"{origin.parameters['sinks_left_out']} positions are attention sinks and were left out")
    if result.note:
        lines.append(result.note)
    return "\n".join([*lines, f"written to {out}"])


def _table(found: VectorSet) -> list[str]:
    table = {
        column.short or column.title: (values, column.digits)
        for column in columns()
        if (values := found.value(column.name)) is not None
    }
    if norm_of(found.origin.method) != "unit":
        table = {"norm": (found.native_norms, 4), **table}
    signs = {"scale +": 1, "scale −": -1} if found.scales_tried is not None else {}
    if not table and not signs:
        return []  # norms of 1, and nothing else to tell
    lines = ["row" + "".join(f" {title:>12}" for title in (*table, *signs))]
    for row in range(min(found.rows, _TABLE_ROWS)):
        cells = [f"{float(values[row]):.{digits}g}" for values, digits in table.values()]
        cells += [scale_text(found, row, sign) for sign in signs.values()]
        lines.append(f"{row:3d}" + "".join(f" {cell:>12}" for cell in cells))
    if found.rows > _TABLE_ROWS:
        lines.append(f"… and {found.rows - _TABLE_ROWS} more rows")
    if signs:
        lines.append("scale: relative, of the row and of its negative; noise breaks before it says anything else")
    return lines
