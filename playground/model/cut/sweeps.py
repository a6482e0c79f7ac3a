"""Products with the Jacobians of all layer pairs of a model: tangents and cotangents passed from block to block.

Each block is linearised by itself, at the residual stream that the prompts bring to it. A tangent that enters at s is
read at every later layer on its way, so that one pass through a block serves all pairs around it, and all rows go
through it together. Rows whose target is this block's output go through a graph of their own, in which what treats each
position by itself (the MLP above all) works at the positions that are read alone. Graphs of blocks are kept where the
budget has room for all of them, else built anew at each pass, which costs about as much as three rows.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from playground.core.atlas.sweeps import Carried, Sweeps
from playground.core.out_of_memory import is_out_of_memory
from playground.errors import Cancelled, InputError, ModelError
from playground.model.cut.agreement import Refused, go_without
from playground.model.cut.chunk import (
    Chunk,
    capture_chunk,
    check_prefix,
    check_tokens,
    prefix_to_share,
    tokens_that_fit,
)
from playground.model.cut.cut import Cut, run, run_prefix
from playground.model.cut.kernels import twice_differentiable
from playground.model.cut.memory import default_budget
from playground.model.load import LoadedModel
from playground.model.prompting import Encoded, rows_of_like_length, takes_padding
from playground.model.reference import median, sink_positions

_LOG = logging.getLogger(__name__)

_SHARE_OF_GRAPHS = 0.5
"""Of the budget may be kept as graphs; the rest is for rows on their way."""
_ROWS_WORTH_A_GRAPH = 6
"""So many rows that each spare about half of their work pay for a graph that is not kept."""
_TOKENS_TOGETHER = {"cpu": 2048}
_TOKENS_ELSEWHERE = 65536
"""Rows times tokens that go through a block at once: on a CPU more are no faster and fall out of its caches."""


class LayerSweeps(Sweeps):
    """The Jacobians of all pairs of layers over some prompts, each as find's own (model/cut/layer_slice.py)."""

    def __init__(
        self,
        loaded: LoadedModel,
        encoded: Encoded,
        sources: tuple[int, ...],
        targets: tuple[int, ...],
        tokens: int | None,
        memory_budget: int,
        cancelled: Callable[[], bool],
        prefix: int,
    ) -> None:
        self.sources, self.targets = sources, targets
        self._prompts = len(encoded)
        self._positions = max(encoded.lengths) if tokens is None else tokens
        self._tokens = tokens
        self.precision = loaded.dtype
        self.dtype = torch.promote_types(loaded.dtype, torch.float32)
        self._cancelled = cancelled
        self.shape = (self._prompts * self._positions * loaded.width, loaded.width)
        depth = targets[-1] - sources[0]
        lengths = [length - prefix for length in encoded.lengths]
        together = tokens_that_fit(loaded, max(encoded.lengths), depth, memory_budget)
        chains = []
        for rows in rows_of_like_length(lengths, together, takes_padding(loaded)):
            self._stop_if_cancelled()
            shared = prefix if len(rows) > 1 else 0
            chunk = capture_chunk(loaded, encoded, rows, sources[0], targets[-1], prefix=shared)
            chains.append(_Chain(loaded, chunk))
        self._chains = tuple(chains)
        self.device = chains[0].chunk.stream.device
        graphs = sum(chain.chunk.graph_bytes for chain in chains)
        for chain in chains:
            chain.keep = graphs <= _SHARE_OF_GRAPHS * memory_budget
            chain.keep_ending = 2 * graphs <= _SHARE_OF_GRAPHS * memory_budget
        self._row_budget = int((1 - _SHARE_OF_GRAPHS) * memory_budget)
        self._most_tokens = _TOKENS_TOGETHER.get(loaded.device.type, _TOKENS_ELSEWHERE)

    @classmethod
    def prepare(
        cls,
        loaded: LoadedModel,
        encoded: Encoded,
        sources: tuple[int, ...],
        targets: tuple[int, ...],
        tokens: int | None,
        memory_budget: int | None = None,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> LayerSweeps:
        """Run the model once over the prompts and keep what its blocks need.

        `tokens` is K, the last positions that are read; None reads all but attention sinks. `cancelled` is asked before
        each block, and then Cancelled raised. Raises InputError for layers out of range and for more tokens than the
        shortest prompt has.
        """
        _check(loaded, encoded, sources, targets, tokens)
        budget = default_budget(loaded.device) if memory_budget is None else memory_budget
        prefix = 0 if tokens is None else prefix_to_share(encoded, tokens)
        if prefix:
            try:
                sharing = cls(loaded, encoded, sources, targets, tokens, budget, cancelled, prefix)
                shared = next((each.chunk for each in sharing._chains if each.chunk.prefix is not None), None)
                if shared is not None:
                    check_prefix(loaded, encoded, shared, (), {}, targets[-1], tokens)
                return sharing
            except Refused as refused:
                go_without("setting aside what prompts begin with", refused)
        return cls(loaded, encoded, sources, targets, tokens, budget, cancelled, 0)

    @property
    def residual_norms(self) -> dict[int, float]:
        """Median norm of the residual stream over all tokens of the prompts, for every layer: relative scale 1."""
        first = self.sources[0]
        layers = range(first, self.targets[-1] + 1)
        return {
            layer: median(torch.cat([chain.at(layer - first).norms() for chain in self._chains])) for layer in layers
        }

    def forward(self, rows: Mapping[int, Carried]) -> Iterator[tuple[int, dict[int, Tensor]]]:
        ends = {source: max(carried.reach) for source, carried in rows.items() if carried.reach}
        if not ends:
            return
        gathered: dict[int, dict[int, Tensor]] = {}
        for chain in self._chains:
            on_the_way: dict[int, _States] = {}
            for layer in range(min(ends) + 1, max(ends.values()) + 1):
                self._stop_if_cancelled()
                if layer - 1 in ends:
                    on_the_way[layer - 1] = chain.pushed(rows[layer - 1].rows)
                on_the_way = {
                    source: states.first(rows[source].arriving(source, layer))
                    for source, states in on_the_way.items()
                    if rows[source].arriving(source, layer)
                }
                if not on_the_way:
                    continue
                going_on = {source: rows[source].arriving(source, layer + 1) for source in on_the_way}
                on_the_way = self._through(chain, layer, on_the_way, going_on, forward=True)
                if layer in self.targets:
                    read = {source: self._read(chain, layer, states) for source, states in on_the_way.items()}
                    gathered[layer] = _summed(gathered.get(layer), read)
                    if chain is self._chains[-1]:
                        yield layer, gathered.pop(layer)

    def backward(self, rows: Mapping[int, Carried]) -> Iterator[tuple[int, dict[int, Tensor]]]:
        ends = {target: min(carried.reach) for target, carried in rows.items() if carried.reach}
        if not ends:
            return
        gathered: dict[int, dict[int, Tensor]] = {}
        for chain in self._chains:
            on_the_way: dict[int, _States] = {}
            for layer in range(max(ends), min(ends.values()), -1):
                self._stop_if_cancelled()
                if layer in ends:
                    on_the_way[layer] = self._written(chain, layer, rows[layer].rows)
                on_the_way = {
                    target: states.first(rows[target].arriving(target, layer - 1))
                    for target, states in on_the_way.items()
                    if rows[target].arriving(target, layer - 1)
                }
                if not on_the_way:
                    continue
                come_from_above = {
                    target: 0 if target == layer else len(states.own) for target, states in on_the_way.items()
                }
                on_the_way = self._through(chain, layer, on_the_way, come_from_above, forward=False)
                if layer - 1 in self.sources:
                    summed = {target: states.summed() for target, states in on_the_way.items()}
                    gathered[layer - 1] = _summed(gathered.get(layer - 1), summed)
                    if chain is self._chains[-1]:
                        yield layer - 1, gathered.pop(layer - 1)

    def _through(
        self, chain: _Chain, layer: int, groups: Mapping[int, _States], passing: Mapping[int, int], forward: bool
    ) -> dict[int, _States]:
        """All rows through a block. Of each group the first `passing` are wanted at all positions of its output, or
        come from there; the others at those that are read alone.
        """
        whole = [(key, states.first(passing[key])) for key, states in groups.items() if passing[key]]
        ending = [(key, states.after(passing[key])) for key, states in groups.items() if passing[key] < len(states.own)]
        last = self._positions if self._tokens is not None and ending else None
        few = sum(len(states.own) for _, states in ending) < _ROWS_WORTH_A_GRAPH
        if last is None or (few and not chain.keep_ending):
            whole, ending = list(groups.items()), []
        done: dict[int, list[_States]] = {key: [] for key in groups}
        for some, positions in ((whole, None), (ending, last)):
            if some:
                images = self._through_graph(chain, layer, positions, [states for _, states in some], forward)
                for (key, _), image in zip(some, images, strict=True):
                    done[key].append(image)
        return {key: _States.joined(parts) for key, parts in done.items()}

    def _through_graph(
        self, chain: _Chain, layer: int, last: int | None, groups: list[_States], forward: bool
    ) -> list[_States]:
        """All of `groups` through one graph of a block, as many at once as are fast and fit."""
        block = chain.block(layer, last)
        states = _States.joined(groups)
        while True:
            together = self._together(chain)
            try:
                done = [block.forward(part) if forward else block.backward(part) for part in states.split(together)]
                break
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
                if together == 1:
                    raise ModelError(
                        "Expected room for the graph of one block over a chunk of prompts, but the device ran out of "
                        "memory; use shorter prompts or a smaller memory budget."
                    ) from error
                self._most_tokens = together * chain.tokens // 2
                _LOG.info("out of memory: %d rows at a time from here on", together // 2)
        return _States.joined(done).split_like(groups)

    def _together(self, chain: _Chain) -> int:
        fitting = self._row_budget // max(1, chain.chunk.graph_bytes // max(1, len(chain.chunk.calls)))
        return max(1, min(fitting, self._most_tokens // chain.tokens))

    def _read(self, chain: _Chain, layer: int, states: _States) -> Tensor:
        """(r, m): what is read of states at a target, prompts of other chunks zero."""
        some = states.own[:, :, -self._positions :] * chain.read_mask(layer, self._tokens)
        result = some.new_zeros(len(some), self._prompts, self._positions, some.shape[-1])
        result[:, list(chain.chunk.rows), -some.shape[2] :] = some
        read: Tensor = result.flatten(1) / self._prompts**0.5
        return read

    def _written(self, chain: _Chain, layer: int, rows: Tensor) -> _States:
        """Cotangents (r, m) of what is read at a target as states of a chunk there."""
        stream = chain.at(layer - self.sources[0]).stream
        length = min(self._positions, stream.shape[1])
        wide = torch.promote_types(stream.dtype, torch.float32)
        given = rows.to(stream.device, wide).unflatten(1, (self._prompts, self._positions, -1)) / self._prompts**0.5
        some = given[:, list(chain.chunk.rows), -length:] * chain.read_mask(layer, self._tokens)
        own = nn.functional.pad(some, (0, 0, stream.shape[1] - length, 0))
        return _States(own, chain.no_prefix(len(rows), wide))

    def _stop_if_cancelled(self) -> None:
        if self._cancelled():
            raise Cancelled


@dataclass(frozen=True)
class _States:
    """Tangents or cotangents of r rows: at the prompts' own tokens (r, b, T, d) and at those set aside (r, 1, P, d)."""

    own: Tensor
    prefix: Tensor | None

    def first(self, count: int) -> _States:
        return _States(self.own[:count], None if self.prefix is None else self.prefix[:count])

    def after(self, count: int) -> _States:
        return _States(self.own[count:], None if self.prefix is None else self.prefix[count:])

    def split(self, size: int) -> list[_States]:
        before = [None] * len(self.own) if self.prefix is None else self.prefix.split(size)
        return [_States(own, prefix) for own, prefix in zip(self.own.split(size), before, strict=False)]

    def split_like(self, groups: list[_States]) -> list[_States]:
        sizes = [len(group.own) for group in groups]
        before = [None] * len(sizes) if self.prefix is None else self.prefix.split(sizes)
        return [_States(own, prefix) for own, prefix in zip(self.own.split(sizes), before, strict=True)]

    def summed(self) -> Tensor:
        """(r, d): over all prompts and positions."""
        own = self.own.sum(dim=(1, 2))
        return own if self.prefix is None else own + self.prefix.sum(dim=(1, 2))

    @staticmethod
    def joined(parts: list[_States]) -> _States:
        before = [part.prefix for part in parts if part.prefix is not None]
        return _States(torch.cat([part.own for part in parts]), torch.cat(before) if before else None)


class _Chain:
    """A chunk of prompts with the residual stream that each block gets, and the blocks linearised there."""

    def __init__(self, loaded: LoadedModel, chunk: Chunk) -> None:
        self.keep = self.keep_ending = False
        self.chunk = chunk
        self._loaded = loaded
        self._graphs: dict[tuple[int, int | None], _LinearBlock] = {}
        self._masks: dict[int, Tensor] = {}
        cuts = []
        own, before = chunk.stream, None if chunk.prefix is None else chunk.prefix.stream
        with torch.no_grad(), twice_differentiable(loaded.model):
            for place in range(len(chunk.calls) + 1):
                cuts.append(_one_block(chunk, place, own, before))
                if place < len(chunk.calls):
                    own, before = _run(loaded, cuts[-1])
        self._cuts = tuple(cuts)

    @property
    def tokens(self) -> int:
        """Of a row, those set aside counted."""
        own = self.chunk.stream.shape[0] * self.chunk.stream.shape[1]
        return own + (0 if self.chunk.prefix is None else self.chunk.prefix.stream.shape[1])

    def at(self, place: int) -> Chunk:
        """The chunk at `place` layers above its source, with the one block that follows."""
        return self._cuts[place]

    def block(self, layer: int, last: int | None = None) -> _LinearBlock:
        """The block that puts out `layer`; with `last`, one whose output is right at so many last positions alone."""
        if (layer, last) in self._graphs:
            return self._graphs[layer, last]
        built = _LinearBlock(self._loaded, self._cuts[layer - 1 - self.chunk.source], last)
        if self.keep if last is None else self.keep_ending:
            self._graphs[layer, last] = built
        return built

    def pushed(self, rows: Tensor) -> _States:
        """Rows (r, d), added at every position."""
        stream = self.chunk.stream
        some = rows.to(stream.device, torch.promote_types(stream.dtype, torch.float32))[:, None, None]
        own = some.expand(-1, *stream.shape[:2], -1)
        if self.chunk.prefix is None:
            return _States(own, None)
        return _States(own, some.expand(-1, 1, self.chunk.prefix.stream.shape[1], -1))

    def no_prefix(self, count: int, dtype: torch.dtype) -> Tensor | None:
        if self.chunk.prefix is None:
            return None
        return self.chunk.prefix.stream.new_zeros(count, *self.chunk.prefix.stream.shape, dtype=dtype)

    def read_mask(self, layer: int, tokens: int | None) -> Tensor:
        """(b, K, 1): 1 at the positions that are read at a layer; all are real, and no sinks where all are read."""
        if layer not in self._masks:
            chunk = self.at(layer - self.chunk.source)
            everywhere = chunk.mask & ~sink_positions(chunk.stream, chunk.mask) if tokens is None else chunk.real
            mask = everywhere if tokens is None else everywhere[:, -tokens:]
            self._masks[layer] = mask[..., None].to(torch.promote_types(chunk.stream.dtype, torch.float32))
        return self._masks[layer]


class _LinearBlock:
    """A block at the residual stream of a chunk: its Jacobian and the transpose, batched over rows."""

    def __init__(self, loaded: LoadedModel, cut: Chunk, last: int | None) -> None:
        with torch.enable_grad(), twice_differentiable(loaded.model):
            own = cut.stream.detach().clone().requires_grad_()
            self._inputs = [own]
            if cut.prefix is not None:
                before = cut.prefix.stream.detach().clone().requires_grad_()
                self._inputs.append(before)
                cut = replace(cut, prefix=replace(cut.prefix, stream=before))
            results = _run(loaded, replace(cut, stream=own), last)
            self._outputs = [result for result in results if result is not None]
            self._cotangents = [torch.zeros_like(output, requires_grad=True) for output in self._outputs]
            self._pulled_back = torch.autograd.grad(self._outputs, self._inputs, self._cotangents, create_graph=True)

    def forward(self, states: _States) -> _States:
        return self._product(self._pulled_back, self._cotangents, states)

    def backward(self, states: _States) -> _States:
        return self._product(self._outputs, self._inputs, states)

    def _product(self, outputs: Sequence[Tensor], places: Sequence[Tensor], states: _States) -> _States:
        given = [states.own.to(self._outputs[0].dtype)]
        if states.prefix is not None:
            given.append(states.prefix.to(self._outputs[0].dtype))
        images = torch.autograd.grad(outputs, places, given, retain_graph=True, is_grads_batched=True)
        return _States(images[0], images[1] if states.prefix is not None else None)


def _one_block(chunk: Chunk, place: int, own: Tensor, before: Tensor | None) -> Chunk:
    """The chunk `place` layers up, with the call of the next block alone."""
    source = chunk.source + place
    prefix = None
    if chunk.prefix is not None:
        assert before is not None
        prefix = Cut(source, before, chunk.prefix.calls[place : place + 1], 1, None)
    return replace(chunk, source=source, stream=own, calls=chunk.calls[place : place + 1], prefix=prefix)


def _run(loaded: LoadedModel, cut: Chunk, last: int | None = None) -> tuple[Tensor, Tensor | None]:
    prefix, before = run_prefix(loaded, cut, {}, read=last is None)
    states = run(loaded, cut, {}, last=last, prefix=prefix)
    return states.to(cut.stream.device), before


def _summed(so_far: dict[int, Tensor] | None, more: dict[int, Tensor]) -> dict[int, Tensor]:
    return more if so_far is None else {key: so_far[key] + rows for key, rows in more.items()}


def _check(
    loaded: LoadedModel, encoded: Encoded, sources: tuple[int, ...], targets: tuple[int, ...], tokens: int | None
) -> None:
    last = loaded.block_count - 1
    layers = (*sources, *targets)
    if not sources or not targets or min(layers) < 0 or max(layers) > last or sources[0] >= targets[-1]:
        raise InputError(
            f"Expected source layers below target layers, all from 0 to {last}, got {sources} and {targets}; "
            "choose others."
        )
    check_tokens(encoded, tokens)
