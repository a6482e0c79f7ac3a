"""The Jacobian of a layer slice as an operator, linearised once.

For every chunk of prompts the graph of g(u) = Jᵀu is built once (Jᵀ by one backward pass that is itself recorded).
Then JᵀU is a backward pass through the forward graph, and JV a backward pass through the graph of g with respect to u
(forward mode by reverse mode twice: Townsend, 2017), each batched over all columns.

Few tokens are run in as many copies as there are columns instead, and differentiated plainly: batching by vmap costs
every operation some time of its own, which for them is a tenth of all.

Measured on one CPU core, 5 of 12 blocks of width 256, 6 columns over 60 tokens, against vmap of `torch.func.jvp` and
`vjp`, which run the blocks again at each product: JV 62 ms against 148, JᵀU 64 against 89.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from playground.core.operators import LinearOperator
from playground.core.out_of_memory import is_out_of_memory
from playground.errors import Cancelled, InputError, ModelError
from playground.model.cut.agreement import Refused, go_without
from playground.model.cut.memory import allocated

if TYPE_CHECKING:
    from playground.model.cut.chunk import Chunk

# Tokens, copies counted, up to which copies save more than linearising them costs: 12 columns of a prompt of 30 tokens.
_LOG = logging.getLogger(__name__)

_COPIED_TOKENS = 384
_SHARE_OF_GRAPHS = 0.6  # of the budget may be kept between products; the rest is for what one product needs


class SliceJacobian(LinearOperator):
    """[J_1; …; J_n]/√n of shape (n·K·d, d), its rows multiplied by `scales`. See `LayerSlice.jacobian`.

    `scales` broadcasts to (K, d). A chunk shorter than K positions fills the last ones; the others are zero.
    Graphs of as many chunks as the budget holds are kept; the others are built again at each product. Columns go
    through a chunk together, in fewer at a time when the budget asks for it or the device runs out of memory.
    """

    def __init__(
        self,
        run: Callable[[Chunk, Tensor], Tensor],
        chunks: Sequence[Chunk],
        theta0: Tensor,
        output_shape: tuple[int, int, int],
        scales: Tensor,
        depth: int,
        memory_budget: int,
        cancelled: Callable[[], bool],
    ) -> None:
        stream = chunks[0].stream
        self.dtype = torch.promote_types(stream.dtype, torch.float32)
        self.device = stream.device
        self.shape = (math.prod(output_shape), output_shape[2])
        self._run = run
        self._chunks = chunks
        self._theta0 = theta0.to(self.device, self.dtype)
        self._output_shape = output_shape
        self._scales = scales.to(self.dtype).to(self.device).expand(output_shape[1:]) / math.sqrt(output_shape[0])
        self._depth = depth
        self._graph_budget = int(_SHARE_OF_GRAPHS * memory_budget)
        self._work_budget = memory_budget - self._graph_budget
        self._cancelled = cancelled
        self._kept: dict[int, _Linearised] = {}
        self._most_columns: int | None = None  # set when memory has run out

    @property
    def precision(self) -> torch.dtype:
        return self._chunks[0].stream.dtype

    def matmat(self, rows: Tensor) -> Tensor:
        self._check(rows, self.shape[1])
        rows = rows.to(self.device, self.dtype)

        def attempt() -> Tensor:
            result = torch.zeros(len(rows), *self._output_shape, dtype=self.dtype, device=self.device)

            def fill(chunk: Chunk, linearised: _Linearised, part: slice) -> None:
                images = linearised.forward(rows[part]).to(result)
                result[part, list(chunk.rows), -images.shape[2] :] = images

            self._through_chunks(len(rows), fill)
            return (result * self._scales).flatten(1)

        return self._retried(attempt, len(rows))

    def rmatmat(self, rows: Tensor) -> Tensor:
        self._check(rows, self.shape[0])
        cotangents = rows.to(self.device, self.dtype).unflatten(1, self._output_shape) * self._scales

        def attempt() -> Tensor:
            result = torch.zeros(len(rows), self.shape[1], dtype=self.dtype, device=self.device)

            def add(chunk: Chunk, linearised: _Linearised, part: slice) -> None:
                result[part] += linearised.backward(cotangents[part, list(chunk.rows), -linearised.positions :])

            self._through_chunks(len(rows), add)
            return result

        return self._retried(attempt, len(rows))

    @property
    def kept_graphs(self) -> int:
        """How many chunks' graphs are held now."""
        return len(self._kept)

    def _through_chunks(self, columns: int, work: Callable[[Chunk, _Linearised, slice], None]) -> None:
        """`work` on every chunk, linearised, and every slice of columns that go through it together."""
        for number in range(len(self._chunks)):
            if self._cancelled():
                raise Cancelled
            # In a call of its own, so that a graph that is not kept is gone before the next one is built.
            self._through_chunk(number, columns, work)

    def _through_chunk(self, number: int, columns: int, work: Callable[[Chunk, _Linearised, slice], None]) -> None:
        chunk = self._chunks[number]
        linearised = self._kept.get(number)
        if linearised is None:
            fitting = columns if columns * chunk.graph_bytes <= self._graph_budget else 1
            linearised = _linearised(self._run, chunk, self._theta0, fitting)
            if self._can_keep(number, linearised.bytes):
                self._kept[number] = linearised
        # A column's work is at most what one block keeps: a backward pass frees behind it as it goes.
        fitting = max(1, self._work_budget * self._depth // max(linearised.bytes, 1))
        together = min(columns, fitting, self._most_columns or columns)
        for begin in range(0, columns, together):
            work(chunk, linearised, slice(begin, begin + together))

    def _can_keep(self, number: int, size: int) -> bool:
        """Whether a graph of `size` bytes kept of chunk `number` leaves room to build those of the others in turn."""
        kept = size + sum(linearised.bytes for linearised in self._kept.values())
        others = set(range(len(self._chunks))) - {number, *self._kept}
        return kept + max((self._chunks[other].graph_bytes for other in others), default=0) <= self._graph_budget

    def _retried(self, attempt: Callable[[], Tensor], columns: int) -> Tensor:
        """Run a product; when the device's memory runs out, take fewer columns at a time, then keep no graphs."""
        while True:
            try:
                return attempt()
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
                together = min(columns, self._most_columns or columns)
                if together > 1:
                    self._most_columns = together // 2
                    _LOG.info("out of memory: %d columns at a time from here on", self._most_columns)
                elif self._kept:
                    self._kept.clear()
                    self._graph_budget = 0
                    _LOG.info("out of memory: graphs are built for every product from here on")
                else:
                    raise ModelError(
                        "Expected room for the graph of one chunk of prompts, but the device ran out of memory; use "
                        "shorter prompts, layers closer together or a smaller memory budget."
                    ) from error
            torch.cuda.empty_cache()


def row_scales(weights: Tensor | None, metric: Tensor | None, target_tokens: int | None, width: int) -> Tensor:
    """√(weight · metric), what rows of the Jacobian are multiplied by: (K, d), or with a 1 for what is not given.

    Raises InputError unless `weights` are (K,), none negative and one positive, and `metric` is (d,) and positive.
    """
    scales = torch.ones(1, 1, dtype=torch.float64)
    if weights is not None:
        if target_tokens is None:
            raise InputError("Expected no weights when all positions are read, got some; read the last K instead.")
        if weights.shape != (target_tokens,):
            raise InputError(
                f"Expected {target_tokens} weights, one for each of the last positions that are read, oldest first, "
                f"got {len(weights) if weights.ndim == 1 else tuple(weights.shape)}; give as many."
            )
        if not bool(weights.isfinite().all()) or bool((weights < 0).any()) or not bool((weights > 0).any()):
            raise InputError(
                f"Expected weights of 0 or more, at least one above 0, got {weights.tolist()}; leave them out to "
                "weigh all positions alike."
            )
        scales = scales * weights.detach().cpu().double().sqrt()[:, None]
    if metric is not None:
        if metric.shape != (width,) or not bool(metric.isfinite().all()) or not bool((metric > 0).all()):
            raise InputError(
                f"Expected a metric of {width} positive numbers, the width of the model, got "
                + (f"shape {tuple(metric.shape)}" if metric.shape != (width,) else "0, a negative number or NaN")
                + "; use the identity."
            )
        scales = scales * metric.detach().cpu().double().sqrt()
    return scales


def _linearised(run: Callable[[Chunk, Tensor], Tensor], chunk: Chunk, theta0: Tensor, columns: int) -> _Linearised:
    """A chunk at θ₀, for products with about so many columns."""
    alone = len(chunk.rows) == 1 and chunk.prefix is None  # so that whatever its blocks are given goes with any batch
    if theta0.device.type == "cpu" and alone and 1 < columns <= _COPIED_TOKENS // chunk.stream.shape[1]:
        try:
            return _LinearisedCopies(run, chunk, theta0, columns)
        except Refused as refused:  # a family that lays out its masks for the batch it was called with
            go_without("a copy of the prompt for each column", refused)
    return _Linearised(run, chunk, theta0)


class _Linearised:
    """The graphs of one chunk at θ₀: `backward` is Jᵀ, `forward` is J, both batched over rows."""

    def __init__(self, run: Callable[[Chunk, Tensor], Tensor], chunk: Chunk, theta0: Tensor) -> None:
        before = allocated(theta0.device)
        with torch.enable_grad():
            self._theta = theta0.clone().requires_grad_()
            self._output = run(chunk, self._theta)
            self._cotangent = torch.zeros_like(self._output, requires_grad=True)
            (self._pulled_back,) = torch.autograd.grad(self._output, self._theta, self._cotangent, create_graph=True)
        after = allocated(theta0.device)
        self.bytes = chunk.graph_bytes if before is None or after is None else after - before

    @property
    def positions(self) -> int:
        """K of this chunk."""
        return self._output.shape[1]

    def forward(self, rows: Tensor) -> Tensor:
        """J v for every row: (k, d) → (k, b, K, d) in the model's dtype."""
        (image,) = torch.autograd.grad(
            self._pulled_back, self._cotangent, rows, retain_graph=True, is_grads_batched=True
        )
        return image

    def backward(self, rows: Tensor) -> Tensor:
        """Jᵀ u for every row: (k, b, K, d) → (k, d) in θ's dtype."""
        (image,) = torch.autograd.grad(
            self._output, self._theta, rows.to(self._output), retain_graph=True, is_grads_batched=True
        )
        return image


class _LinearisedCopies(_Linearised):
    """The same of a chunk of one prompt that is run in `copies`, each with a θ, and so a column, of its own."""

    def __init__(self, run: Callable[[Chunk, Tensor], Tensor], chunk: Chunk, theta0: Tensor, copies: int) -> None:
        larger = replace(chunk, copies=copies, graph_bytes=copies * chunk.graph_bytes)
        super().__init__(run, larger, theta0.expand(copies, -1))

    def forward(self, rows: Tensor) -> Tensor:
        """J v for every row: (k, d) → (k, 1, K, d) in the model's dtype."""
        return self._in_turn(self._pulled_back, self._cotangent, rows)[:, None]

    def backward(self, rows: Tensor) -> Tensor:
        """Jᵀ u for every row: (k, 1, K, d) → (k, d) in θ's dtype."""
        return self._in_turn(self._output, self._theta, rows[:, 0].to(self._output))

    def _in_turn(self, output: Tensor, place: Tensor, rows: Tensor) -> Tensor:
        """A row a copy, as many times as it takes; copies without one are given zeros."""
        images = []
        for some in rows.split(len(output)):
            full = torch.cat([some, some.new_zeros(len(output) - len(some), *some.shape[1:])])
            (image,) = torch.autograd.grad(output, place, full, retain_graph=True)
            images.append(image[: len(some)])
        return torch.cat(images)
