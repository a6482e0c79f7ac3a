"""Vector sets as parts of a bundled page: rows with notes, values and found scales; cosines and spectrum."""

from __future__ import annotations

import json

from playground.analyses.compare.run import compare
from playground.errors import InputError
from playground.extensions import resolve
from playground.library.vector_set import VectorSet, vectors_hash
from playground.services.bundle.part import Block, Column, Part, Plot, Table, versions

SIGNED = {"onsets": "onset", "breaks": "break", "found_scales": "found"}


def part(vector_set: VectorSet) -> Part:
    """A vector set: a row a vector, and what its method and the search for scales say of it."""
    origin, name = vector_set.origin, vector_set.name or "vectors"
    frame = vector_set.to_frame()
    columns = [
        Column("vector"), Column("name"), Column("note"), Column("discarded", filter=True), Column("norm", "number"),
    ]  # fmt: skip
    values = []
    for column in frame.columns[4:]:
        field, _, sign = column.rpartition("_")
        titled = SIGNED.get(field)
        title = column.replace("_", " ") if titled is None else f"{titled} {'+' if sign == 'plus' else '−'}"
        columns.append(Column(title, "number", detail=titled is None and sign in ("plus", "minus")))
        values.append([float(f"{value:.4g}") for value in frame[column]])
    columns.append(Column(""))
    rows = tuple(
        (
            str(row), note.label, note.note, "discarded" if note.discarded else "", float(f"{norm:.4g}"),
            *(column[row] for column in values), int(note.star),
        )
        for row, (note, norm) in enumerate(zip(vector_set.notes, vector_set.native_norms.tolist(), strict=True))
    )  # fmt: skip
    star = len(columns) - 1
    table = Table("Vectors", tuple(columns), rows, "vectors", "Scales are norms of what is added.", star=star)
    target = "" if origin.target is None else f"block {origin.target}"
    facts = (
        ("description", vector_set.description), ("model", origin.model), ("revision", origin.revision or ""),
        ("fingerprint", origin.fingerprint), ("method", origin.method), ("source", f"block {origin.source}"),
        ("target", target), ("vectors (SHA-256)", vectors_hash(vector_set)),
        ("settings", json.dumps(dict(origin.parameters), ensure_ascii=False) if origin.parameters else ""),
        ("seed", "" if origin.seed is None else str(origin.seed)),
        ("prompts", origin.prompt_set or f"{len(origin.prompts)} typed"), ("prompt hash", origin.prompt_hash),
        ("system prompt", origin.system or ""),
        ("reference norm", f"{origin.residual_norm:.4g} ({origin.reference})"),
        ("converged", "" if origin.converged is None else "yes" if origin.converged else "no"),
        ("created", origin.created), ("versions", versions(origin.versions)),
    )  # fmt: skip
    return Part(f"Vector set {name}", "vector set", facts, (*_plots(vector_set), table), files=(origin.model,))


def _plots(vector_set: VectorSet) -> list[Block]:
    """Spectrum and cosines; none for a set of one row, or of more than can be compared."""
    if vector_set.rows < 2:
        return []
    try:
        seen = compare([(vector_set, None)])
    except InputError:
        return []
    draw = resolve("playground.ui.measure.compare_plots")
    return [Plot("Spectrum", draw.spectra(seen)), Plot("Cosines", draw.cosines(seen))]
