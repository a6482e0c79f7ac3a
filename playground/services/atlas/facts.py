"""An atlas as plain values: what `atlas --json` prints, and the endpoint answers."""

from __future__ import annotations

from typing import Any

from playground.library.atlas import Atlas
from playground.services.atlas.run import AtlasResult


def facts(result: AtlasResult, made: Atlas) -> dict[str, Any]:
    """All but the vectors; `made` is the atlas of the result, with the effects that were measured since."""
    return {
        "model": made.origin.model,
        "fingerprint": made.origin.fingerprint,
        "layers": sorted({*made.sources, *made.targets}),
        "pairs": made.pairs.tolist(),
        "singular_values": made.singular_values.tolist(),
        "converged": made.converged.tolist(),
        "effects": {name: values.tolist() for name, values in made.effects.items()},
        "tokens": made.origin.target_tokens,
        "prompts": len(made.origin.prompts),
        "seed": made.origin.seed,
        "unfinished": result.unfinished,
        "rows_times_blocks": result.rows_times_blocks,
        "seconds": result.seconds,
    }
