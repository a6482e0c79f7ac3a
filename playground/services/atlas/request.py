"""AtlasRequest: over which prompts and layers, checked when it is built."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from playground.core.atlas.solver import ROWS_BESIDE
from playground.errors import InputError
from playground.limits import check_count, check_whole, limits
from playground.methods.base.request import FindRequest, find_request
from playground.model.load import LoadedModel
from playground.model.prompting import Encoded

USUAL_VECTORS = 4
USUAL_SWEEPS = 8.0
"""Whole sweeps of a first basis that a run usually costs, what its share of the work is counted by: 7 on the organism,
10 on SmolLM2."""


@dataclass(frozen=True)
class AtlasRequest:
    """`find` is power iteration between the first source and the last target; every `step`-th layer between them, and
    the last one, is a source and a target. Raises InputError for another method and for settings that an atlas does not
    have.
    """

    find: FindRequest
    step: int = 1

    def __post_init__(self) -> None:
        if self.find.method != "power":
            raise InputError(f"Expected power iteration for an atlas, got {self.find.method}; leave the method out.")
        if self.find.read_sinks:
            raise InputError("Expected an atlas that leaves attention sinks out, got read_sinks; leave it out.")
        check_whole("step between layers", self.step, least=1)
        check_count(
            f"forward passes’ worth of an atlas over {len(self.find.prompts)} prompts",
            math.ceil(self.passes * len(self.find.prompts)), limits().passes,
            "ask for fewer vectors, prompts or layers",
        )  # fmt: skip

    @property
    def layers(self) -> tuple[int, ...]:
        """Layers that are sources or targets, the first to the last."""
        first, last = self.find.source, self.find.target
        assert last is not None
        return (*range(first, last, self.step), last)

    @property
    def sources(self) -> tuple[int, ...]:
        return self.layers[:-1]

    @property
    def targets(self) -> tuple[int, ...]:
        return self.layers[1:]

    @property
    def pairs(self) -> int:
        """How many pairs of layers."""
        return len(self.sources) * (len(self.sources) + 1) // 2

    @property
    def blocks(self) -> int:
        """Blocks that a sweep of one row from every source passes."""
        return sum(self.targets[-1] - source for source in self.sources)

    @property
    def passes(self) -> float:
        """Forward passes of a prompt up to the last target that a run usually costs: a row that is carried through a
        block costs about as much as two passes of its tokens.
        """
        assert self.find.target is not None
        return 2 * USUAL_SWEEPS * (self.find.k + ROWS_BESIDE) * self.blocks / (self.find.target + 1)

    def encode(self, loaded: LoadedModel) -> Encoded:
        """The prompts as this model reads them. Raises InputError for layers, k and prompts that do not fit it."""
        return self.find.encode(loaded)


def atlas_request(
    loaded: LoadedModel, source: int | None = None, target: int | None = None, step: int = 1, **values: Any
) -> AtlasRequest:
    """A request from fields of FindRequest; all layers of the model where none are given. Raises InputError."""
    values = {"vectors": USUAL_VECTORS} | values
    first = 0 if source is None else source
    end = loaded.block_count - 1
    last = end if target is None else target
    # Before the pairs between them are counted.
    check_whole("source layer", first, 0, max(end - 1, 0))
    check_whole("target layer", last, first + 1, max(end, first + 1))
    return AtlasRequest(find_request("power", source=first, target=last, **values), step)
