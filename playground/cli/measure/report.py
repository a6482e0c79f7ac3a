"""Parts of reports that all kinds of measurements share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from playground.analyses.common.result import SCALE_NAMES, Measurement, Row
from playground.analyses.common.table import Result, set_table
from playground.library.prompts import PromptSet


def about(result: Measurement) -> dict[str, Any]:
    """How it went, for the JSON object: whatever was measured."""
    return {
        "model": result.model,
        "seconds": result.seconds,
        "cancelled": result.cancelled,
        "warnings": list(result.warnings),
    }


def asked(name: str, prompt_set: PromptSet, items: int) -> dict[str, Any]:
    """What was asked, under the name of the option that named it."""
    return {name: prompt_set.name, f"{name}_hash": prompt_set.hash, "items": items}


def best_of_sets(result: Result, value: str, written: str) -> list[str]:
    """Lines on the best vector of each set by what `value` names, after an empty one; none without a row."""
    if not result.rows:
        return []
    table = set_table([result])
    unit = SCALE_NAMES[table.unit]
    names = [f"{line.method}: {line.name} of {line.tried}" for line in table.lines]
    width = max(map(len, (unit, *names))) + 2
    lines = ["", f"Best vector of each set, by the span of its {value} over {unit}s:", ""]
    lines.append(f"{unit:<{width}}" + "".join(f"{scale:>9g}" for scale in table.scales) + f"{'span':>9}")
    for name, line in zip(names, table.lines, strict=True):
        values = "".join(f"{'' if each is None else format(each, written):>9}" for each in line.values)
        lines.append(f"{name:<{width}}{values}{format(line.span, written).removeprefix('+'):>9}")
    return lines


def row(row: Row, numbers: Mapping[str, float]) -> dict[str, Any]:
    """A row for the JSON object: what was measured, where, and its numbers."""
    return {
        "file": row.source,
        "vector": int(row.vector) if row.vector.isdecimal() else row.vector,
        "layer": row.layer,
        "scale": row.scale,
        "relative": row.relative,
        **({} if row.multiple is None else {"multiple": row.multiple}),
        **numbers,
    }
