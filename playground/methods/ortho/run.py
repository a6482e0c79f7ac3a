"""MELBO-ortho: directions orthogonal to a base and to each other that repeat its effect, batch by batch."""

from __future__ import annotations

import math
from dataclasses import asdict, replace
from typing import Any

import torch
from torch import Tensor

from playground.core.displacement import value
from playground.core.likeness import Likeness
from playground.core.ortho import OrthoBatch, OrthoStep, iterate
from playground.core.push import Push
from playground.errors import Cancelled, InputError
from playground.methods.base.context import PREPARE_SHARE, Context, Found
from playground.methods.ortho import METHOD, ortho
from playground.model.cut.layer_slice import LayerSlice
from playground.model.reading.next_token import divergences, next_logits

VALUES = tuple(column.name for column in METHOD.values)
LAST_TOKENS = 2
"""Positions at the end of each prompt where the share of the effect is told as well: what the model says next is made
there, and a mean over all positions can be kept without them."""


def run(context: Context) -> Found:
    """As the request says, after the rows of `so_far` when there are some. Every finished batch goes to `keep`.

    Raises Cancelled when it is stopped before there is another row, InputError for a base that cannot be used and when
    no dimension is left.
    """
    request, so_far = context.request, context.so_far
    chosen = ortho(request)
    base = _base(context) if so_far is None or so_far.base is None else so_far.base
    tokens = request.last_tokens
    layer_slice = context.layer_slice(tokens)
    left = chosen.vectors - (0 if so_far is None else so_far.rows)
    rows = _Rows(context, layer_slice, base, min(chosen.batch, left))
    known, share, steps, stopped = None if so_far is None else so_far.vectors, PREPARE_SHARE, 0, None
    for event in iterate(layer_slice, base, chosen, known, context.cancelled):
        if isinstance(event, OrthoStep):
            steps += 1
            share = PREPARE_SHARE + (1 - PREPARE_SHARE) * event.share
            values, state = {"objective": event.loss, "effects": event.effect}, _state(event)
            context.tell_step(event, values=values, batch=event.batch, marks=rows.marks, state=state)
        elif isinstance(event, OrthoBatch):
            if not rows.add(event.vectors, event.objective, event.effect):
                stopped = "overflow"
                break
            found = rows.found(asdict(chosen), steps)
            context.keep(found)
            context.tell("batch", share, steps, steps, values=rows.values, marks=rows.marks)
        else:
            stopped = event.stopped
    if not rows.new:
        if stopped == "cancel":
            raise Cancelled("stopped before the first batch ended")
        if stopped == "overflow":
            raise InputError(
                "Expected finite next-token logits under the base and its copies, got NaN or infinity; make the base "
                "shorter, or load the model with dtype float32."
            )
        raise InputError(
            "Expected a base whose effect can be repeated, found no vector that does; choose another base."
        )
    return rows.found(asdict(chosen), steps, stopped)


def _base(context: Context) -> Tensor:
    """(d,): what the request's recipe adds at the source layer."""
    push = context.vector_of(context.request.recipes()["base"], "a base")
    if push.layer != context.request.source:
        raise InputError(
            f"Expected a base found at source layer {context.request.source}, got one of layer {push.layer}; "
            "choose that source layer, or another base."
        )
    return push.vector


def _state(event: OrthoStep) -> str:
    return f"mean effect kept {float(event.effect.mean()):.1%}"


class _Rows:
    """All rows so far, those of earlier runs first, with their values."""

    def __init__(self, context: Context, layer_slice: LayerSlice, base: Tensor, batch: int) -> None:
        self._context = context
        self._residual_norm = layer_slice.residual_norm
        self._sinks = context.sinks(layer_slice.sinks)
        self._base = base
        self._last_tokens = min(LAST_TOKENS, *context.encoded.lengths)
        # Without a stop: a batch that is kept after one is still measured.
        self._last = replace(context, cancelled=lambda: False).layer_slice(self._last_tokens)
        self._last_likeness = Likeness(self._last, base.float(), lambda: False)
        # Whatever does not depend on the rows is computed now: a stop should not wait for it.
        self._last.pieces(batch)
        both = torch.stack([base, torch.zeros_like(base)])
        pairs = [self._next(prompt, both) for prompt in range(len(context.encoded))]
        self._base_logits = [pair[0] for pair in pairs]
        unsteered = [float(divergences(pair[1:], pair[0])) for pair in pairs]
        self._unsteered = sum(unsteered) / len(unsteered)  # KL(unsteered ‖ base), which a row must be below
        so_far = context.so_far
        self._vectors = torch.empty(0, len(base)) if so_far is None else so_far.vectors
        self._known = len(self._vectors)
        self._values = {name: self._known_values(name) for name in VALUES}

    @property
    def new(self) -> int:
        """How many rows this run has found."""
        return len(self._vectors) - self._known

    def add(self, vectors: Tensor, objective: Tensor, effect: Tensor) -> bool:
        """Whether the rows are added: not when a value of theirs is not finite, which no file holds."""
        added = {
            "objective": objective,
            "effects": effect,
            "last_effects": self._at_last_tokens(vectors),
            "divergences": self._divergences(vectors),
        }
        if not all(bool(one.isfinite().all()) for one in added.values()) or not math.isfinite(self._unsteered):
            return False
        self._vectors = torch.cat([self._vectors, vectors])
        self._values = {name: torch.cat([self._values[name], added[name]]) for name in VALUES}
        return True

    @property
    def values(self) -> dict[str, Tensor]:
        """Of all rows, by the names of the method's columns, and their norms."""
        return self._values | {"norms": self._vectors.norm(dim=1)}

    @property
    def marks(self) -> dict[str, float]:
        """Levels that figures compare the values with."""
        return {
            "stop_share": self._context.request.settings.stop_share,
            "unsteered_divergence": self._unsteered,
            "base_norm": float(self._base.norm()),
        }

    def found(self, chosen: dict[str, Any], steps: int, stopped: str | None = None) -> Found:
        request = self._context.request
        parameters = chosen | {"base": request.settings.base, "steps_done": steps}
        parameters |= {"unsteered_divergence": self._unsteered}
        parameters |= {"last_effects_tokens": self._last_tokens} | self._sinks
        del parameters["seed"]  # it has a field of its own
        if stopped is not None:
            parameters["stopped"] = stopped
        return Found(
            vectors=self._vectors,
            residual_norm=self._residual_norm,
            target_tokens=request.last_tokens,
            parameters=parameters,
            values=self._values | {"base": self._base},
            steps=steps,
            cancelled=stopped == "cancel",
            stopped=stopped,
            note=self._note(stopped),
            marks=self.marks,
        )

    def _note(self, stopped: str | None) -> str:
        """How many there are and why no more, and what the first and the last keep of the effect."""
        stop_share = self._context.request.settings.stop_share
        why = {
            "count": "as many as were asked for",
            "effect": f"the effect left fell under {100 * stop_share:g} %",
            "space": "no dimension is left",
            "cancel": "stopped",
            "overflow": "the model's numbers cease to be finite",
        }.get(stopped or "", "so far")
        effects, ends = self._values["effects"], self._values["last_effects"]
        return (
            f"{len(self._vectors)} vectors: {why}. The first keeps {100 * float(effects[0]):.0f} % of the effect, the "
            f"last {100 * float(effects[-1]):.0f} %. At the last tokens the first keeps {100 * float(ends[0]):.0f} %, "
            f"the last {100 * float(ends[-1]):.0f} %. KL(unsteered ‖ base) is {self._unsteered:.3g}: a row below it "
            "does more of what the base does than no push."
        )

    def _known_values(self, name: str) -> Tensor:
        """What an earlier run kept; shares at the last tokens are computed for files that have none yet."""
        so_far = self._context.so_far
        if so_far is None:
            return torch.empty(0)
        known = getattr(so_far, name)
        return self._at_last_tokens(so_far.vectors) if known is None else known

    def _at_last_tokens(self, vectors: Tensor) -> Tensor:
        """(k,): the share of the base's effect that each row keeps at the last tokens."""
        loss = value(self._last, vectors, self._last_likeness)
        return self._last_likeness.effect(loss).float()

    def _divergences(self, vectors: Tensor) -> Tensor:
        """(k,): KL(row ‖ base) of the next token in nats, averaged over the prompts, which go through one by one."""
        divergence = torch.zeros(len(vectors), dtype=torch.float64)
        for prompt, base in enumerate(self._base_logits):
            divergence += divergences(self._next(prompt, vectors), base)
        return (divergence / len(self._base_logits)).float()

    def _next(self, prompt: int, vectors: Tensor) -> Tensor:
        """(k, vocabulary): logits of the next token with each of `vectors` (k, d) added."""
        pushes = [(Push(self._context.request.source, vector),) for vector in vectors]
        return next_logits(self._context.loaded, self._context.encoded.take([prompt] * len(pushes)), pushes)
