"""Input and output of a method's run."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from playground.core.push import Push
from playground.core.time_to_go import Left, TimeToGo
from playground.errors import Cancelled, InputError
from playground.library.recipe import Recipe
from playground.library.vector_set import VectorSet
from playground.methods.base.progress import FindProgress
from playground.methods.base.request import FindRequest
from playground.model.cut.layer_slice import LayerSlice
from playground.model.load import LoadedModel
from playground.model.prompting import Encoded

PREPARE_SHARE = 0.1  # of the whole, as a bar shows it; the passes before the first step take about one step's time


@dataclass(frozen=True)
class Found:
    """What a method found: `vectors` (k, d), `values` a row by the names of its columns and of the optional tensors of
    a VectorSet, and what a file says about the run. `target_tokens` is what was read (None: all, or nothing).
    `converged`, `steps`, `stopped`, `note` and `marks` as in FindResult. `labels`: names of the rows to begin with,
    none or one a row.
    """

    vectors: Tensor
    residual_norm: float
    target_tokens: int | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    values: Mapping[str, Tensor] = field(default_factory=dict)
    converged: bool | None = None
    steps: int = 0
    cancelled: bool = False
    stopped: str | None = None
    note: str = ""
    marks: Mapping[str, float] = field(default_factory=dict)
    labels: tuple[str, ...] = ()


@dataclass(frozen=True)
class Context:
    """A request on its model. `keep` takes what is finished before the rest is. `pushes` gives what a recipe of the
    request adds; a second argument names it in errors. `so_far` is a set to go on with. `time_to_go` follows the shares
    of the solver.
    """

    loaded: LoadedModel
    request: FindRequest
    encoded: Encoded
    emit: Callable[[FindProgress], None]
    cancelled: Callable[[], bool]
    pushes: Callable[[Recipe, str], tuple[Push, ...]]
    keep: Callable[[Found], None]
    so_far: VectorSet | None
    begun: float
    time_to_go: TimeToGo = field(default_factory=TimeToGo)

    @property
    def seconds(self) -> float:
        """Time since the find began."""
        return time.perf_counter() - self.begun

    def tell(
        self, stage: str, share: float, step: int = 0, steps: int = 0, left: Left | None = None, **shown: Any
    ) -> None:
        """Emit progress; `shown` are the other fields of FindProgress."""
        left = Left() if left is None else left
        self.emit(FindProgress(stage, step, steps, self.seconds, share, left.seconds, longer=left.longer, **shown))

    def tell_step(self, event: Any, first_share: float = PREPARE_SHARE, **shown: Any) -> None:
        """Emit a solver's step: its `step`, `steps` and `share`, the last one from `first_share` on."""
        share, left = first_share + (1 - first_share) * event.share, self.time_to_go.at(event.share)
        self.tell("iterate", share, event.step, event.steps, left, **shown)

    def layer_slice(self, target_tokens: int | None, pushes: Sequence[Push] = ()) -> LayerSlice:
        """The blocks between the request's layers, prepared. Raises Cancelled."""
        if self.request.target is None:
            raise InputError(f"Expected a target layer for {self.request.method}, got none; choose one.")
        if self.cancelled():
            raise Cancelled("stopped before the first step")
        options: dict[str, Any] = {"pushes": tuple(pushes)} if pushes else {}
        prepared = LayerSlice.prepare(
            self.loaded,
            self.encoded,
            self.request.source,
            self.request.target,
            target_tokens,
            memory_budget=self.request.memory_budget,
            cancelled=self.cancelled,
            read_sinks=self.request.read_sinks,
            **options,
        )
        self.tell("prepare", PREPARE_SHARE / 2)
        return prepared

    def sinks(self, left_out: int) -> dict[str, Any]:
        """What a file says about attention sinks: nothing where only the last tokens are read."""
        if not self.request.reads_all_positions:
            return {}
        return {"sinks": "read" if self.request.read_sinks else "left out", "sinks_left_out": left_out}

    def vector_of(self, recipe: Recipe, what: str) -> Push:
        """The one push of a recipe whose sets were all found at one layer. Raises InputError as `pushes` does, and
        for several layers.
        """
        pushes = self.pushes(recipe, what)
        if len(pushes) > 1:
            layers = " and ".join(str(push.layer) for push in pushes)
            raise InputError(f"Expected {what} at one layer, got layers {layers}; use sets found at one source layer.")
        return pushes[0]
