"""Output of `find`: the progress line, and the result as a JSON object or a table."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from playground.cli.scales import scale_text, scales_data

if TYPE_CHECKING:
    from torch import Tensor

    from playground.library.vector_set import VectorSet
    from playground.services.find import FindProgress, FindResult

_STAGES = {"encode": "reading the prompts", "prepare": "running the model up to the source layer"}
_TABLE_ROWS = 40  # of a table at most; the file and --json hold all
_COLUMNS = {
    "σ": "singular_values",
    "residual": "residuals",
    "objective": "objective",
    "displacement": "displacements",
    "effect": "effects",
    "at the end": "last_effects",
    "KL to base": "divergences",
}


def line(event: FindProgress) -> str:
    """Progress as one line."""
    if event.stage == "batch":
        return f"batch finished · {len(event.norms)} vectors so far"
    if event.stage != "iterate":
        return _STAGES.get(event.stage, "")
    to_go = "" if event.seconds_to_go is None else f" · {event.seconds_to_go:.1f} s to go"
    batch = "" if event.batch is None else f"batch {event.batch + 1} · "
    return f"{batch}step {event.step} of about {event.steps} · {_state(event)} · {event.seconds:.1f} s{to_go}"


def _state(event: FindProgress) -> str:
    if event.singular_values is not None:
        return f"σ₁ {float(event.singular_values[0]):.4g} · largest residual {float(event.residuals.max()):.2g}"
    if event.displacement is not None:
        return f"mean displacement {float(event.displacement.mean()):.4g}"
    return f"mean effect kept {float(event.effect.mean()):.1%}"


def data(out: Path, result: FindResult) -> dict[str, Any]:
    """The object that --json prints."""
    found, origin = result.vector_set, result.vector_set.origin
    spectrum = result.spectrum
    return {
        "file": str(out),
        "method": origin.method,
        "model": origin.model,
        "fingerprint": origin.fingerprint,
        "source": origin.source,
        "target": origin.target,
        "tokens": origin.target_tokens,
        "vectors": found.rows,
        "prompts": len(origin.prompts),
        **{name: _listed(getattr(found, name)) for name in _COLUMNS.values()},
        "norms": found.native_norms.tolist(),
        "subspaces": [] if spectrum is None else [list(rows) for rows in spectrum.subspaces],
        "converged": origin.converged,
        "stopped": result.stopped,
        "steps": origin.parameters.get("steps_done"),
        "products": None if spectrum is None else spectrum.products,
        "residual_norm": origin.residual_norm,
        "reference": origin.reference,
        "sinks": origin.parameters.get("sinks"),
        "unsteered_divergence": origin.parameters.get("unsteered_divergence"),
        "scales": scales_data(found),
        "seed": origin.seed,
        "seconds": result.seconds,
    }


def _listed(values: Tensor | None) -> list[float] | None:
    return None if values is None else values.tolist()


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
    if "unsteered_divergence" in origin.parameters:
        lines.append(
            f"KL(unsteered ‖ base) {origin.parameters['unsteered_divergence']:.3g}: a row below it does more of what "
            "the base does than no push; at the end: share of the effect kept at the last "
            f"{origin.parameters.get('last_effects_tokens')} tokens"
        )
    for first, last in [] if result.spectrum is None else result.spectrum.subspaces:
        lines.append(f"rows {first} to {last - 1}: neighbours within 5 %, a subspace rather than directions")
    return "\n".join([*lines, f"written to {out}"])


def _table(found: VectorSet) -> list[str]:
    columns = {title: getattr(found, name) for title, name in _COLUMNS.items() if getattr(found, name) is not None}
    if found.singular_values is None and found.origin.method != "random":
        columns = {"norm": found.native_norms, **columns}
    signs = {"scale +": 1, "scale −": -1} if found.scales_tried is not None else {}
    if not columns and not signs:
        return []  # norms of 1, and nothing else to tell
    lines = ["row" + "".join(f" {title:>12}" for title in (*columns, *signs))]
    for row in range(min(found.rows, _TABLE_ROWS)):
        values = [
            f"{float(column[row]):.2g}" if title == "residual" else f"{float(column[row]):.4g}"
            for title, column in columns.items()
        ]
        values += [scale_text(found, row, sign) for sign in signs.values()]
        lines.append(f"{row:3d}" + "".join(f" {value:>12}" for value in values))
    if found.rows > _TABLE_ROWS:
        lines.append(f"… and {found.rows - _TABLE_ROWS} more rows")
    if signs:
        lines.append("scale: relative, of the row and of its negative; noise breaks before it says anything else")
    return lines
