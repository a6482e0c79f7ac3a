"""Inputs and outputs that all methods share."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from playground.core.krylov import Spectrum
from playground.core.push import Push
from playground.errors import Cancelled, InputError
from playground.library.mix import LoadSet, mix
from playground.library.recipe import Recipe
from playground.library.vector_set import VectorSet
from playground.model.layer_slice import LayerSlice
from playground.model.load import LoadedModel
from playground.model.prompting import Encoded
from playground.services.find.progress import FindProgress
from playground.services.find.request import FindRequest

PREPARE_SHARE = 0.1  # of the whole, as a bar shows it; the passes before the first step take about one step's time


@dataclass(frozen=True)
class Found:
    """What a method found: `vectors` (k, d) in native norm, with the values a row that it has, and what a file says
    about the run. `target_tokens` is what was read (None: all, or nothing).
    """

    vectors: Tensor
    residual_norm: float
    target_tokens: int | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    values: Mapping[str, Tensor] = field(default_factory=dict)  # optional tensors of VectorSet by name
    converged: bool | None = None
    spectrum: Spectrum | None = None
    steps: int = 0
    cancelled: bool = False
    stopped: str | None = None


@dataclass(frozen=True)
class Context:
    """A request on its model. `keep` takes what is finished before the rest is."""

    loaded: LoadedModel
    request: FindRequest
    encoded: Encoded
    emit: Callable[[FindProgress], None]
    cancelled: Callable[[], bool]
    load_set: LoadSet | None
    keep: Callable[[Found], None]
    so_far: VectorSet | None
    begun: float

    @property
    def seconds(self) -> float:
        """Time since the find began."""
        return time.perf_counter() - self.begun

    def tell(
        self,
        stage: str,
        share: float,
        step: int = 0,
        steps: int = 0,
        to_go: float | None = None,
        **values: Any,
    ) -> None:
        """Emit progress; `values` are fields of FindProgress."""
        shown = {"singular_values": None, "residuals": None, **values}
        self.emit(FindProgress(stage, step, steps, seconds=self.seconds, share=share, seconds_to_go=to_go, **shown))

    def tell_step(self, event: Any, first_share: float = PREPARE_SHARE, **values: Any) -> None:
        """Emit a solver's step: its `step`, `steps`, `seconds` and `share`, the last one from `first_share` on."""
        to_go = event.seconds / event.share * (1 - event.share) if event.share > 0 else None
        self.tell("iterate", first_share + (1 - first_share) * event.share, event.step, event.steps, to_go, **values)

    def layer_slice(self, target_tokens: int | None, pushes: Sequence[Push] = ()) -> LayerSlice:
        """The blocks between the request's layers, prepared. Raises Cancelled."""
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

    def sinks(self, left_out: int, everything_read: bool) -> dict[str, Any]:
        """What a file says about attention sinks: nothing where only the last tokens are read."""
        if not everything_read:
            return {}
        return {"sinks": "read" if self.request.read_sinks else "left out", "sinks_left_out": left_out}

    def pushes(self, recipe: Recipe, what: str) -> tuple[Push, ...]:
        """What a recipe of the request adds. Raises InputError for sets of another model and for recipes that add
        nothing, FileError for sets that are not there.
        """
        if self.load_set is None:
            raise InputError(f"Expected a way to read the set of {what}, got none; pass load_set to find.")
        made = mix(self.loaded, recipe, self.load_set)
        if made.warnings:
            raise InputError(f"Expected {what} from a set of this model, got another one's: {made.warnings[0]}")
        if not made.pushes:
            raise InputError(f"Expected {what} that adds something, got a recipe of scale 0; give it a scale.")
        return made.pushes

    def vector_of(self, recipe: Recipe, what: str) -> Push:
        """The one push of a recipe whose sets were all found at one layer. Raises InputError as `pushes` does, and
        for several layers.
        """
        pushes = self.pushes(recipe, what)
        if len(pushes) > 1:
            layers = " and ".join(str(push.layer) for push in pushes)
            raise InputError(f"Expected {what} at one layer, got layers {layers}; use sets found at one source layer.")
        return pushes[0]
