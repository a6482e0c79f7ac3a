"""MELBO-ortho: directions orthogonal to a base and to each other that repeat its effect, batch by batch."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import torch
from torch import Tensor

from playground.core.ortho import OrthoBatch, OrthoStep, iterate
from playground.core.push import Push
from playground.errors import Cancelled, InputError
from playground.model.next_token import divergences, next_logits
from playground.services.find import settings
from playground.services.find.context import PREPARE_SHARE, Context, Found
from playground.services.find.continuing import check_continues

VALUES = ("objective", "effects", "divergences")
"""What is kept of every row: the loss it reached, the share of the effect it keeps, and KL(row ‖ base)."""


def run(context: Context) -> Found:
    """As the request says, after the rows of `so_far` when there are some. Every finished batch goes to `keep`.

    Raises Cancelled when it is stopped before there is another row, InputError for a base that cannot be used, for
    `so_far` of another run, and when no dimension is left.
    """
    request, so_far = context.request, context.so_far
    chosen = settings.ortho(request)
    if so_far is None:
        base = _base(context)
    else:
        check_continues(so_far, request, context.loaded)
        base = so_far.base
    layer_slice = context.layer_slice(None)
    rows = _Rows(context, layer_slice.residual_norm, base)
    known, share, steps, stopped = None if so_far is None else so_far.vectors, PREPARE_SHARE, 0, None
    for event in iterate(layer_slice, base, chosen, known, context.cancelled):
        if isinstance(event, OrthoStep):
            steps += 1
            share = PREPARE_SHARE + (1 - PREPARE_SHARE) * event.share
            context.tell_step(event, objective=event.loss, effect=event.effect, batch=event.batch)
        elif isinstance(event, OrthoBatch):
            rows.add(event.vectors, event.objective, event.effect)
            found = rows.found(asdict(chosen), steps)
            context.keep(found)
            context.tell("batch", share, steps, steps, **rows.shown)
        else:
            stopped = event.stopped
    if not rows.new:
        if stopped == "cancel":
            raise Cancelled("stopped before the first batch ended")
        raise InputError(
            "Expected a base whose effect can be repeated, found no vector that does; choose another base."
        )
    return rows.found(asdict(chosen), steps, stopped)


def _base(context: Context) -> Tensor:
    """(d,): what the request's recipe adds at the source layer."""
    push = context.vector_of(context.request.recipe("base"), "a base")
    if push.layer != context.request.source:
        raise InputError(
            f"Expected a base found at source layer {context.request.source}, got one of layer {push.layer}; "
            "choose that source layer, or another base."
        )
    return push.vector


class _Rows:
    """All rows so far, those of earlier runs first, with their values."""

    def __init__(self, context: Context, residual_norm: float, base: Tensor) -> None:
        self._context = context
        self._residual_norm = residual_norm
        self._base = base
        so_far = context.so_far
        self._vectors = torch.empty(0, len(base)) if so_far is None else so_far.vectors
        self._known = len(self._vectors)
        self._values = {name: torch.empty(0) if so_far is None else getattr(so_far, name) for name in VALUES}

    @property
    def new(self) -> int:
        """How many rows this run has found."""
        return len(self._vectors) - self._known

    def add(self, vectors: Tensor, objective: Tensor, effect: Tensor) -> None:
        self._vectors = torch.cat([self._vectors, vectors])
        added = {"objective": objective, "effects": effect, "divergences": self._divergences(vectors)}
        self._values = {name: torch.cat([self._values[name], added[name]]) for name in VALUES}

    @property
    def shown(self) -> dict[str, Tensor]:
        """Values as fields of FindProgress."""
        return {
            "objective": self._values["objective"],
            "effect": self._values["effects"],
            "divergences": self._values["divergences"],
            "norms": self._vectors.norm(dim=1),
        }

    def found(self, chosen: dict[str, Any], steps: int, stopped: str | None = None) -> Found:
        request = self._context.request
        parameters = chosen | {"base": request.base, "steps_done": steps}
        del parameters["seed"]  # it has a field of its own
        if stopped is not None:
            parameters["stopped"] = stopped
        return Found(
            vectors=self._vectors,
            residual_norm=self._residual_norm,
            parameters=parameters,
            values=self._values | {"base": self._base},
            steps=steps,
            cancelled=stopped == "cancel",
            stopped=stopped,
        )

    def _divergences(self, vectors: Tensor) -> Tensor:
        """(k,): KL(row ‖ base) of the next token in nats, averaged over the prompts, which go through one by one."""
        loaded, encoded, layer = self._context.loaded, self._context.encoded, self._context.request.source
        pushes = [(Push(layer, vector),) for vector in (self._base, *vectors)]
        total = torch.zeros(len(vectors), dtype=torch.float64)
        for prompt in range(len(encoded)):
            logits = next_logits(loaded, encoded.take([prompt] * len(pushes)), pushes)
            total += divergences(logits[1:], logits[0])
        return (total / len(encoded)).float()
