"""What the reports of all kinds of measurements have in common."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from playground.library.prompts import PromptSet
from playground.services.measure.result import Measurement, Row


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


def row(row: Row, numbers: Mapping[str, float]) -> dict[str, Any]:
    """A row for the JSON object: what was measured, where, and its numbers."""
    return {
        "file": row.source,
        "vector": int(row.vector) if row.vector.isdecimal() else row.vector,
        "layer": row.layer,
        "scale": row.scale,
        "relative": row.relative,
        **numbers,
    }
