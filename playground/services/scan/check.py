"""Validation of scans out of files: types, finite numbers, and indices in range. A scan that was run needs none."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TypeGuard

from playground.library.text import is_text
from playground.limits import LIMITS
from playground.services.scan.cell import Cell, ScanResult
from playground.services.scan.request import ScanRequest


def check_whole_scan(result: ScanResult) -> None:
    """Raises ValueError that names the first wrong field."""
    request = result.request
    texts = (result.model, result.fingerprint, result.dtype, result.set_hash, result.created, *result.warnings)
    _check(
        "scan",
        {
            "text": all(map(is_text, texts)),
            "versions": all(is_text(name) and is_text(version) for name, version in result.versions.items()),
            "layer": _is_whole(result.layer),
            "planned": _is_whole(result.planned),
            "residual_norm": _is_number(result.residual_norm) and result.residual_norm > 0,
            "seconds": _is_number(result.seconds) and _is_number(result.tokens_per_second),
            "cancelled": isinstance(result.cancelled, bool),
            "count of cells": len(result.cells) <= LIMITS.cells,
        },
    )
    _check_request(request)
    scanned = None if request.rows is None else set(request.rows)
    for number, cell in enumerate(result.baselines):
        _check_cell(f"baseline {number}", cell, request)
        _check(f"baseline {number}", {"row": cell.row is None})
    for number, cell in enumerate(result.cells):
        _check_cell(f"cell {number}", cell, request)
        known = _is_whole(cell.row) and (cell.row < LIMITS.cells if scanned is None else cell.row in scanned)
        _check(f"cell {number}", {"row": known})
    _check_groups(result)


def _check_request(request: ScanRequest) -> None:
    """Check the types that a request does not check itself, since it is built from typed values elsewhere."""
    format = request.format
    _check(
        "request",
        {
            "source": is_text(request.source),
            "prompts": all(map(is_text, request.prompts)),
            "prompt_set": request.prompt_set is None or is_text(request.prompt_set),
            "format": isinstance(format.chat, bool) and isinstance(format.thinking, bool),
            "system": format.system is None or is_text(format.system),
            "turns": all(is_text(turn.text) for turn in format.turns),
        },
    )


def _check_cell(what: str, cell: Cell, request: ScanRequest) -> None:
    _check(
        what,
        {
            "recipe": is_text(cell.recipe),
            "text": is_text(cell.text),
            "token_ids": set(map(type, cell.token_ids)) <= {int},
            "sign": cell.sign in (1, -1),
            "prompt": _is_whole(cell.prompt) and cell.prompt < len(request.prompts),
            "sample": _is_whole(cell.sample) and cell.sample < request.samples,
            "perplexity": cell.perplexity is None or _is_number(cell.perplexity),
            "flag": isinstance(cell.noise, bool) and isinstance(cell.finished, bool),
            "kl": cell.kl is None or _is_number(cell.kl),
            **{name: _is_number(getattr(cell, name)) for name in ("scale", "norm", "repetition", "changed")},
        },
    )


def _check_groups(result: ScanResult) -> None:
    """Check that every cell is in one group, unless there are no groups."""
    for number, group in enumerate(result.groups):
        _check(
            f"group {number}",
            {
                "name": is_text(group.name),
                "member": bool(group.members) and set(map(type, group.members)) <= {int},
                "like_baseline": isinstance(group.like_baseline, bool),
            },
        )
    members = sorted(member for group in result.groups for member in group.members)
    if members and members != list(range(len(result.cells))):
        raise ValueError("groups that do not hold every cell once")


def _check(what: str, holds: Mapping[str, bool]) -> None:
    wrong = next((name for name, held in holds.items() if not held), None)
    if wrong is not None:
        raise ValueError(f"wrong {wrong} in {what}")


def _is_whole(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_number(value: object) -> bool:
    """A finite number; whole ones too large for a float are none."""
    try:
        return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    except OverflowError:
        return False
