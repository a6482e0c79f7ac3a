"""Progress events and the result of a find."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from torch import Tensor

from playground.library.vector_set import VectorSet


@dataclass(frozen=True)
class FindProgress:
    """How far it is. `stage` is "encode", "prepare", "iterate", "batch" or "done"; `step` of about `steps` while
    iterating, both 0 before.

    `values` are estimates by the names of the method's columns: of the vectors under way while `stage` is "iterate",
    (k,), in a method that works batch by batch those of batch number `batch` (from 0); of all rows found, earlier runs
    included, when it is "batch" or "done". `marks` are levels that values are compared with. `state` says in a few
    words how it goes. `seconds` is the time so far, `share` in 0..1; `seconds_to_go` is None until it can be judged,
    and `longer` tells that it is more than before (core/time_to_go.py).
    """

    stage: str
    step: int
    steps: int
    seconds: float
    share: float
    seconds_to_go: float | None
    values: Mapping[str, Tensor] = field(default_factory=dict)
    marks: Mapping[str, float] = field(default_factory=dict)
    batch: int | None = None
    state: str = ""
    longer: bool = False


@dataclass(frozen=True)
class FindResult:
    """`seconds` is the computation alone, without loading the model; `steps` were done. `note` says in a sentence or
    two what came of it. `stopped` says why a method that may end early did: "count", "effect", "space" or "cancel".
    `marks` as in FindProgress.
    """

    vector_set: VectorSet
    seconds: float
    cancelled: bool
    steps: int = 0
    stopped: str | None = None
    note: str = ""
    marks: Mapping[str, float] = field(default_factory=dict)
