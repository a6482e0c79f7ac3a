"""Texts that ship beside a model's sets: what `generate` writes for some requests, to be shown before anything runs.

A file holds each request as it is written in JSON, with the fingerprint of the model and the hashes of the sets that it
was written with; its texts are shown only where all of them are the same. playground/ui/steer/write_kept.py writes it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from playground.library.atomic import write_atomically
from playground.library.mix import LoadSet
from playground.library.vector_set import vectors_hash
from playground.model.load import LoadedModel
from playground.services.generate import GeneratedRow, GenerateRequest, GenerateResult

FORMAT = 1


@dataclass(frozen=True)
class KeptTexts:
    """The texts of some requests. `model`: fingerprint; `sets`: `vectors_hash` by name; `rows` by request."""

    model: str
    sets: Mapping[str, str]
    rows: Mapping[str, tuple[GeneratedRow, ...]]

    def of(self, loaded: LoadedModel, request: GenerateRequest, load_set: LoadSet) -> GenerateResult | None:
        """The result of a request; None where it is not kept, or was written with other weights or vectors. Raises
        FileError for a set that is not there.
        """
        rows = self.rows.get(_key(request))
        if rows is None or loaded.fingerprint != self.model:
            return None
        names = {part.source for recipe in request.recipes for part in recipe.components}
        if any(vectors_hash(load_set(name)) != self.sets.get(name) for name in names):
            return None
        return GenerateResult(rows, seconds=0.0, tokens_per_second=0.0, cancelled=False, warnings=())


def keep(
    loaded: LoadedModel, results: Sequence[tuple[GenerateRequest, GenerateResult]], load_set: LoadSet, path: Path
) -> None:
    """Write the file. Raises FileError when it cannot be written."""
    names = {part.source for request, _ in results for recipe in request.recipes for part in recipe.components}
    head = {
        "format": FORMAT,
        "model": loaded.fingerprint,
        "sets": {name: vectors_hash(load_set(name)) for name in sorted(names)},
    }
    lines = ",\n".join(
        json.dumps({"request": asdict(request), "rows": [asdict(row) for row in result.rows]}, ensure_ascii=False)
        for request, result in results
    )
    write_atomically(path, f'{json.dumps(head)[:-1]}, "texts": [\n{lines}\n]}}\n'.encode())


def read(path: Path) -> KeptTexts:
    """The texts of a file that ships; without any where it is not there."""
    if not path.is_file():
        return KeptTexts("", {}, {})
    kept: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    rows = {
        json.dumps(one["request"], sort_keys=True): tuple(
            GeneratedRow(**{**row, "token_ids": tuple(row["token_ids"])}) for row in one["rows"]
        )
        for one in kept["texts"]
    }
    return KeptTexts(kept["model"], kept["sets"], rows)


def _key(request: GenerateRequest) -> str:
    return json.dumps(asdict(request), sort_keys=True)
