"""The result of a find request as plain values: what `find --json` prints, and the endpoint answers."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from playground.methods.base.progress import FindResult
from playground.methods.base.registry import columns
from playground.services.scales.facts import scales_data


def facts(result: FindResult) -> dict[str, Any]:
    """What was found, but for the vectors: origin, values and norms a row, convergence, found scales."""
    found, origin = result.vector_set, result.vector_set.origin
    parameters = origin.parameters
    return {
        "method": origin.method,
        "model": origin.model,
        "fingerprint": origin.fingerprint,
        "source": origin.source,
        "target": origin.target,
        "tokens": origin.target_tokens,
        "vectors": found.rows,
        "prompts": len(origin.prompts),
        **{column.name: _listed(found.value(column.name)) for column in columns()},
        "norms": found.native_norms.tolist(),
        "subspaces": parameters.get("subspaces", []),
        "converged": origin.converged,
        "stopped": result.stopped,
        "steps": parameters.get("steps_done"),
        "products": parameters.get("products"),
        "residual_norm": origin.residual_norm,
        "reference": origin.reference,
        "sinks": parameters.get("sinks"),
        "unsteered_divergence": parameters.get("unsteered_divergence"),
        "scales": scales_data(found),
        "seed": origin.seed,
        "seconds": result.seconds,
    }


def _listed(values: Tensor | None) -> list[float] | None:
    return None if values is None else values.tolist()
