"""The part of a model between two layers: θ ↦ the residual stream at t, with θ added to the residual stream at s.

Blocks 0..s run once for each prompt. Their output and the arguments of the blocks s+1..t are kept, and from then on
only those blocks run: no embedding, no later blocks, no language-model head; and once only for the tokens that all
prompts begin with (chunk.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial

import torch
from torch import Tensor, nn

from playground.core.displacement import Piece
from playground.core.operators import LinearOperator
from playground.core.push import Push
from playground.errors import Cancelled, InputError
from playground.model.cut.agreement import Refused, go_without
from playground.model.cut.chunk import (
    Chunk,
    capture_chunk,
    check_prefix,
    check_tokens,
    prefix_to_share,
    reference_norm,
    run_chunk,
    tokens_that_fit,
)
from playground.model.cut.jacobian import SliceJacobian, row_scales
from playground.model.cut.memory import default_budget
from playground.model.load import LoadedModel
from playground.model.prompting import Encoded, rows_of_like_length, takes_padding
from playground.model.reference import sink_positions


class LayerSlice:
    """θ ↦ the residual stream at t, on the last K tokens of each prompt or on all. Built by `prepare`.

    It is a Displaceable (core/displacement.py) and gives its Jacobian as a LinearOperator.
    """

    def __init__(
        self,
        loaded: LoadedModel,
        encoded: Encoded,
        source: int,
        target: int,
        target_tokens: int | None,
        prefix: int,
        pushes: Mapping[int, Tensor],
        memory_budget: int,
        cancelled: Callable[[], bool],
        read_sinks: bool,
    ) -> None:
        self._loaded = loaded
        self._encoded = encoded
        self._pieces: dict[int, tuple[Piece, ...]] = {}
        self.most_copies: int | None = None
        self._prefix = prefix
        self._below = tuple(Push(layer, vector) for layer, vector in pushes.items() if layer <= source)
        self._above = {layer: vector for layer, vector in pushes.items() if layer > source}
        self._memory_budget = memory_budget
        self._cancelled = cancelled
        self._read_sinks = read_sinks
        self.source = source
        self.target = target
        self.target_tokens = target_tokens
        self._chunks = tuple(self._captured(1, target, self._below, prefix))
        unsteered = self._captured(1, source + 1, (), prefix) if self._below else self._chunks
        self.residual_norm = reference_norm(unsteered)
        """Median norm of the unsteered residual stream at s over all tokens of the prompts: relative scale 1."""
        self._read_masks: dict[tuple[int, ...], Tensor] = {}
        self._sinks = {} if target_tokens is not None or read_sinks else self._find_sinks()

    @classmethod
    def prepare(
        cls,
        loaded: LoadedModel,
        encoded: Encoded,
        source: int,
        target: int,
        target_tokens: int | None,
        memory_budget: int | None = None,
        cancelled: Callable[[], bool] = lambda: False,
        pushes: Sequence[Push] = (),
        read_sinks: bool = False,
    ) -> LayerSlice:
        """Run the model once over the prompts, up to t, and keep what blocks s+1..t need.

        `target_tokens` is K, the last positions that are read; None reads all but attention sinks (reference.py, judged
        by the residual stream at t), and these too with `read_sinks`: one sink can hold 99 % of what a push moves, and
        nothing of what the model says. `memory_budget` is in bytes, for graphs
        and work together; None takes most of what the device has free. `pushes`, each (d,) at a layer up to t, are
        added at every position in all that is done here: θ = 0 is then the model steered by them.
        `cancelled` is asked before each chunk, here and in the products of `jacobian`, which then raise Cancelled.
        Raises InputError for layers out of range or order, for more target tokens than the shortest prompt has, and
        for pushes of another shape or above t.
        """
        _check(loaded, encoded, source, target, target_tokens)
        budget = default_budget(loaded.device) if memory_budget is None else memory_budget
        steered = _by_layer(pushes, loaded.width, target)
        place = (loaded, encoded, source, target, target_tokens)
        made = partial(cls, *place, pushes=steered, memory_budget=budget, cancelled=cancelled, read_sinks=read_sinks)
        prefix = prefix_to_share(encoded, target_tokens)
        if prefix:
            try:
                sharing = made(prefix=prefix)
                sharing._check_prefix()
                return sharing
            except Refused as refused:
                go_without("setting aside what prompts begin with", refused)
        return made(prefix=0)

    @property
    def prompts(self) -> int:
        """n, how many prompts."""
        return len(self._encoded)

    @property
    def chunks(self) -> int:
        """How many batches the prompts run in."""
        return len(self._chunks)

    @property
    def sinks(self) -> int:
        """How many positions of all prompts are left out because they are attention sinks."""
        return sum(int(mask.sum()) for mask in self._sinks.values())

    @property
    def width(self) -> int:
        """d, the width of the residual stream."""
        return self._loaded.width

    @property
    def device(self) -> torch.device:
        return self._chunks[0].stream.device

    @property
    def dtype(self) -> torch.dtype:
        """In which states come out of pieces and products: float32, or float64 for a float64 model."""
        return torch.promote_types(self._chunks[0].stream.dtype, torch.float32)

    @property
    def positions(self) -> int:
        """K, or the length of the longest prompt when all positions are read."""
        return max(self._encoded.lengths) if self.target_tokens is None else self.target_tokens

    def __call__(self, theta: Tensor) -> Tensor:
        """The residual stream at t, (B, n, K, d), for every row of θ, (B, d) or (d,).

        θ is added at every position of the residual stream at s, in float32 or wider. Differentiable in θ. When all
        positions are read, K is the length of the longest prompt, and shorter ones begin with zeros.
        """
        rows = theta if theta.ndim == 2 else theta[None]
        if rows.ndim != 2 or rows.shape[1] != self.width:
            raise ValueError(f"Expected θ of shape (B, {self.width}) or ({self.width},), got {tuple(theta.shape)}.")
        results: list[Tensor | None] = [None] * self.prompts
        for piece in self.pieces(len(rows)):
            states = piece.run(rows)
            states = nn.functional.pad(states, (0, 0, self.positions - states.shape[2], 0))
            for place, prompt in enumerate(piece.prompts):
                results[prompt] = states[:, place]
        return torch.stack([result for result in results if result is not None], dim=1)

    def pieces(self, copies: int) -> tuple[Piece, ...]:
        """The prompts in batches to be run with θ of exactly `copies` rows (core/displacement.py).

        Fewer prompts go together the more copies there are, so that the graph of one piece stays within the memory
        budget; one prompt with all its copies at least. Pieces of one size are kept, those of another let go.
        """
        if copies not in self._pieces:
            self._pieces.clear()
            chunks = self._chunks if copies == 1 else self._captured(copies, self.target, self._below, self._prefix)
            self._pieces[copies] = tuple(map(self._piece, chunks))
        return self._pieces[copies]

    def jacobian(
        self, theta0: Tensor | None = None, weights: Tensor | None = None, metric: Tensor | None = None
    ) -> LinearOperator:
        """√(W⊗G)·[J_1; …; J_n]/√n at θ₀ (0 when it is None): an operator of shape (n·K·d, d).

        `weights` (K,) weigh the last K positions, oldest first, and `metric` (d,) is the diagonal of a metric G on the
        residual stream at t: σ² is then the mean over prompts of Σ w_p · (J_p v)ᵀ G (J_p v). None is 1 everywhere.
        A row of its output space is (n, K, d) flattened, prompts in the order they were given; when all positions are
        read, K is the length of the longest prompt, and shorter ones begin with zeros. Products work in float32, or
        float64 for a float64 model; the model keeps its own dtype. Raises InputError for weights or a metric that do
        not fit, are negative, or leave nothing.
        """
        if theta0 is not None and theta0.shape != (self.width,):
            raise ValueError(f"Expected θ₀ of shape ({self.width},), got {tuple(theta0.shape)}.")
        return SliceJacobian(
            run=self._run,
            chunks=self._chunks,
            theta0=torch.zeros(self.width) if theta0 is None else theta0.detach(),
            output_shape=(self.prompts, self.positions, self.width),
            scales=row_scales(weights, metric, self.target_tokens, self.width),
            depth=self.target - self.source,
            memory_budget=self._memory_budget,
            cancelled=self._cancelled,
        )

    @torch.no_grad()
    def target_variance(self) -> Tensor:
        """(d,) float32 on the CPU: variance of the unsteered residual stream at t over all tokens of the prompts.

        Sinks are left out unless the slice reads them: their few entries would be all of it. With a single token it
        is 0.
        """
        streams = []
        plain = self._chunks if not self._below else self._captured(1, self.target, (), self._prefix)
        for chunk in plain:
            if self._cancelled():
                raise Cancelled
            states = run_chunk(self._loaded, chunk, None, {}, None)
            read = chunk.real if self._read_sinks else chunk.real & ~sink_positions(states, chunk.real)
            streams.append(states[read].cpu().double())
        return torch.cat(streams).var(dim=0, correction=min(1, sum(map(len, streams)) - 1)).float()

    def _check_prefix(self) -> None:
        """Refused unless the first chunk of which a prefix is set aside computes what the model itself does."""
        chunk = next((chunk for chunk in self._chunks if chunk.prefix is not None), None)
        if chunk is not None:
            trial = (self._below, self._above, self.target, self.target_tokens)
            check_prefix(self._loaded, self._encoded, chunk, *trial)

    def _piece(self, chunk: Chunk) -> Piece:
        if self._cancelled():
            raise Cancelled
        last = self._read(chunk)
        run = partial(self._run_copies, chunk)
        with torch.no_grad():
            # In a batch of the same shape, where rounding is the same, so that no push is no displacement.
            still = run(torch.zeros(chunk.copies, self.width))[0].clone()
        return Piece(chunk.rows, run, last, still)

    def _run_copies(self, chunk: Chunk, theta: Tensor) -> Tensor:
        """(r, b, K, d) in float32 or wider for θ of shape (r, d)."""
        if theta.shape != (chunk.copies, self.width):
            raise ValueError(f"Expected θ of shape ({chunk.copies}, {self.width}), got {tuple(theta.shape)}.")
        states: Tensor = self._run(chunk, theta).to(self.dtype).unflatten(0, (chunk.copies, len(chunk.rows)))
        return states

    def _run(self, chunk: Chunk, theta: Tensor) -> Tensor:
        """(b, K, d) for θ of shape (d,); (r·b, K, d) for θ of shape (r, d) and a chunk of r copies."""
        states = run_chunk(self._loaded, chunk, theta, self._above, self.target_tokens)
        if self.target_tokens is not None:
            return states
        return states.masked_fill(~self._read(chunk).repeat(chunk.copies, 1)[..., None], 0.0)

    def _read(self, chunk: Chunk) -> Tensor:
        """Mask (b, K) of the positions that are read: no padding, and no sinks unless they were asked for."""
        if self.target_tokens is not None:
            return chunk.real[:, -self.target_tokens :]
        if chunk.rows not in self._read_masks:
            mask = chunk.real.clone()
            for row, prompt in enumerate(chunk.rows):
                if prompt in self._sinks:
                    mask[row, -self._encoded.lengths[prompt] :] &= ~self._sinks[prompt].to(mask.device)
            self._read_masks[chunk.rows] = mask
        return self._read_masks[chunk.rows]

    @torch.no_grad()
    def _find_sinks(self) -> dict[int, Tensor]:
        """Masks (length,) of each prompt's sinks at t, by the prompt's number; prompts without any are left out."""
        found = {}
        for chunk in self._chunks:
            if self._cancelled():
                raise Cancelled
            states = run_chunk(self._loaded, chunk, None, self._above, None)
            for prompt, mask in zip(chunk.rows, sink_positions(states, chunk.real), strict=True):
                if bool(mask.any()):
                    found[prompt] = mask[-self._encoded.lengths[prompt] :].cpu()
        return found

    def _captured(self, copies: int, target: int, pushes: Sequence[Push], prefix: int) -> Iterator[Chunk]:
        depth = self.target - self.source
        for rows in _rows(self._loaded, self._encoded, depth, self._memory_budget, copies, prefix):
            if self._cancelled():
                raise Cancelled
            shared = prefix if len(rows) > 1 else 0
            yield capture_chunk(self._loaded, self._encoded, rows, self.source, target, pushes, copies, shared)


def _rows(
    loaded: LoadedModel, encoded: Encoded, depth: int, budget: int, copies: int, prefix: int
) -> Iterator[tuple[int, ...]]:
    tokens = tokens_that_fit(loaded, max(encoded.lengths), depth, budget)
    lengths = [length - prefix for length in encoded.lengths]
    return rows_of_like_length(lengths, tokens // copies, takes_padding(loaded))


def _by_layer(pushes: Sequence[Push], width: int, target: int) -> dict[int, Tensor]:
    """One vector (d,) in float32 or wider a layer."""
    merged: dict[int, Tensor] = {}
    for push in pushes:
        if push.layer > target:
            raise InputError(
                f"Expected the steered point to be made at layers up to the target layer {target}, got layer "
                f"{push.layer}; a push above the target changes nothing there."
            )
        if push.vector.shape != (width,):
            raise InputError(
                f"Expected a direction of shape ({width},) at block {push.layer}, got {tuple(push.vector.shape)}; "
                "use one that was found on this model."
            )
        vector = push.vector.detach().to("cpu", torch.promote_types(push.vector.dtype, torch.float32))
        merged[push.layer] = merged[push.layer] + vector if push.layer in merged else vector
    return merged


def _check(loaded: LoadedModel, encoded: Encoded, source: int, target: int, target_tokens: int | None) -> None:
    last = loaded.block_count - 1
    if not 0 <= source < target <= last:
        raise InputError(
            f"Expected a source layer below a target layer, both from 0 to {last}, got {source} and {target}; "
            "choose others."
        )
    check_tokens(encoded, target_tokens)
