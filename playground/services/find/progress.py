"""Progress events and the result of a find."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from playground.core.krylov import Spectrum
from playground.library.vector_set import VectorSet


@dataclass(frozen=True)
class FindProgress:
    """How far it is. `stage` is "encode", "prepare", "iterate" or "done"; `step` of about `steps` while iterating.

    Before the first step ends both are 0, and the values, which are estimates, are None: `singular_values` and
    `residuals` (k,) of power iteration, `objective` and `displacement` (k,) of MELBO. For ortho, `objective` and
    `effect` are those of the batch under way (b,) while `stage` is "iterate" (`objective` is its loss), and those of
    all rows found, earlier runs included, when it is "batch" or "done"; then `last_effects`, `norms` and
    `divergences` (n,) are there too, and in "batch" `unsteered_divergence`, KL(unsteered ‖ base). `batch` counts from
    0. `seconds` is the time so far, `share` in 0..1; `seconds_to_go` is None until it can be judged.
    """

    stage: str
    step: int
    steps: int
    singular_values: Tensor | None
    residuals: Tensor | None
    seconds: float
    share: float
    seconds_to_go: float | None
    objective: Tensor | None = None
    displacement: Tensor | None = None
    effect: Tensor | None = None
    last_effects: Tensor | None = None
    norms: Tensor | None = None
    divergences: Tensor | None = None
    unsteered_divergence: float | None = None
    batch: int | None = None


@dataclass(frozen=True)
class FindResult:
    """`seconds` is the computation alone, without loading the model; `spectrum` is that of power iteration. `stopped`
    says why ortho ended: "count", "effect", "space" or "cancel".
    """

    vector_set: VectorSet
    spectrum: Spectrum | None
    seconds: float
    cancelled: bool
    stopped: str | None = None
