"""Changing the residual stream, and reading it. The only module that registers hooks.

Everything here is a context manager that takes its hooks away again, also when the forward pass raises or when only
some of the hooks were installed.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from transformers import Cache
from transformers.cache_utils import CacheLayerMixin, EncoderDecoderCache

from playground.core.clamp import Clamp
from playground.core.edit import Edit, clamps_of, pushes_of
from playground.core.positions import Positions, Window, window
from playground.core.push import Push
from playground.errors import InputError
from playground.model.blocks import block_output, decoder, decoder_blocks, replace_block_output, width


@contextmanager
def steer(
    model: nn.Module,
    edits: Sequence[Edit],
    positions: Positions = "all",
    prompt_length: int | None = None,
    expand: bool = False,
) -> Iterator[None]:
    """Apply `edits` to the outputs of their blocks in every forward pass inside the `with` block.

    At one block clamps are applied first, in their order, to what the block puts out; then pushes are added.

    A push's vector is (d,) for every row of the batch or (B, d) with one direction a row; it is added as it is (its
    norm is the scale). Pushes at one block add up, and so do nested `steer` blocks. The sum is taken in float32 (or
    wider), then cast once to the dtype and device of the block's output. A row of zeros leaves its row of the batch
    equal to an unsteered run, bit for bit; in a mixture of experts up to rounding, since its experts multiply the
    tokens of all rows together.

    `positions` says which tokens (core/positions.py). They are told apart by their place in the sequence, so left
    padding and a KV cache need no care. With `prompt_length` None, a forward pass that starts with no cache is the
    prompt and later passes on its cache are generated tokens; a new prompt starts again. Given, places before
    `prompt_length` (padding counted) are the prompt, as in a teacher-forced pass over both.

    With `expand`, a batch of one row becomes B rows at the first block that is given (B, d): what runs before it runs
    once for all of them. That needs positions that an edit reaches in every pass, no padding and no cache.

    Errors: InputError for an unknown block or value of `positions`, another width, or rows that do not fit the batch.
    """
    blocks = decoder_blocks(model)
    where = window(positions)
    if prompt_length is not None and prompt_length < 0:
        raise InputError(f"Expected a prompt length of 0 or more, got {prompt_length}.")
    additions = _merge(pushes_of(edits), len(blocks), width(model))
    clamps = _by_block(clamps_of(edits), len(blocks), width(model))
    whereabouts = _Whereabouts(prompt_length)
    with ExitStack() as hooks:
        if edits and not where.everywhere:
            hooks.enter_context(whereabouts.followed(decoder(model)))
        for layer in dict.fromkeys((*clamps, *additions)):
            hook = _Change(layer, clamps.get(layer, ()), additions.get(layer), where, whereabouts, expand)
            # In front of every reader of this block, also of those that transformers or `read_residuals` put there
            # before: what they see is the residual stream that the next block sees.
            hooks.callback(blocks[layer].register_forward_hook(hook, prepend=True).remove)
        yield


@contextmanager
def add_to_output(module: nn.Module, vector: Tensor) -> Iterator[None]:
    """Add `vector` (d,) to the output (B, T, d) of one module in every forward pass inside the `with` block."""

    def add(module: nn.Module, args: Any, output: Any) -> Any:
        stream = block_output(output)
        return replace_block_output(output, stream + vector.to(device=stream.device, dtype=stream.dtype))

    handle = module.register_forward_hook(add)
    try:
        yield
    finally:
        handle.remove()


@contextmanager
def read_residuals(model: nn.Module, layers: Sequence[int]) -> Iterator[dict[int, Tensor]]:
    """Collect the residual stream (B, T, d) at `layers` in a dictionary that each forward pass fills anew.

    It holds what the next block sees: steering is included, whichever context was entered first. The tensors keep the
    model's dtype, device and graph. Errors: InputError for an unknown block.
    """
    blocks = decoder_blocks(model)
    residuals: dict[int, Tensor] = {}

    def reader(layer: int) -> Callable[..., None]:
        def read(module: nn.Module, args: Any, output: Any) -> None:
            residuals[layer] = block_output(output)

        return read

    with ExitStack() as hooks:
        for layer in dict.fromkeys(layers):
            _check_layer(layer, len(blocks))
            hooks.callback(blocks[layer].register_forward_hook(reader(layer)).remove)
        yield residuals


@contextmanager
def before_blocks(model: nn.Module, call: Callable[[Tensor], None]) -> Iterator[None]:
    """Inside the `with` block `call` gets the residual stream (B, T, d) that goes into a block whenever one runs, in a
    pass of the model or by itself. What it raises ends the pass.
    """

    def before(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        call(args[0] if args else kwargs["hidden_states"])

    with ExitStack() as hooks:
        for block in decoder_blocks(model):
            hooks.callback(block.register_forward_pre_hook(before, with_kwargs=True).remove)
        yield


@dataclass(frozen=True)
class BlockCall:
    """How the model called a block: the residual stream that went in and every other argument."""

    hidden_states: Tensor  # (B, T, d)
    args: tuple[Any, ...]  # positional arguments after the residual stream
    kwargs: dict[str, Any]  # masks, position embeddings, the cache (None without one), …

    def __call__(self, block: nn.Module, hidden_states: Tensor) -> Tensor:
        """The residual stream (B, T, d) after `block`, called as the model called it but on `hidden_states`."""
        return block_output(block(hidden_states, *self.args, **self.kwargs))


@contextmanager
def capture_block_inputs(
    model: nn.Module, layers: int | Sequence[int], stop: bool = True
) -> Iterator[dict[int, BlockCall]]:
    """Collect how the model calls the blocks `layers` in the forward pass made inside the `with` block.

    With `stop` the forward pass ends just before the last of these blocks runs, and so does the body of the `with`
    block; nothing after the model's call in it is run. Masks differ between blocks in models with sliding windows, so
    whoever runs several blocks asks for all of them. Errors: InputError for an unknown block.
    """
    blocks = decoder_blocks(model)
    wanted = tuple(dict.fromkeys([layers] if isinstance(layers, int) else layers))
    calls: dict[int, BlockCall] = {}

    def noter(layer: int) -> Callable[..., None]:
        def note(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
            named = dict(kwargs)
            hidden_states, rest = (args[0], args[1:]) if args else (named.pop("hidden_states"), ())
            calls[layer] = BlockCall(hidden_states, tuple(rest), named)
            if stop and layer == max(wanted):
                raise _Stop

        return note

    with ExitStack() as hooks:
        for layer in wanted:
            _check_layer(layer, len(blocks))
            hooks.callback(blocks[layer].register_forward_pre_hook(noter(layer), with_kwargs=True).remove)
        with suppress(_Stop):
            yield calls


@contextmanager
def only_last_positions(module: nn.Module, count: int) -> Iterator[None]:
    """Let `module` work on the last `count` positions only; its output is zero at the others.

    For a module that treats every position by itself, such as a block's MLP, when nobody reads the other positions.
    Calls with more than one tensor (B, T, d) go through as they are.
    """
    lengths: list[int | None] = []

    def cut(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        single = len(args) == 1 and not kwargs and isinstance(args[0], Tensor) and args[0].ndim == 3
        lengths.append(args[0].shape[1] if single else None)
        return ((args[0][:, -count:].contiguous(),), kwargs) if single else None

    def pad(module: nn.Module, args: Any, output: Any) -> Any:
        length = lengths.pop()
        if length is None:
            return None
        missing = (0, 0, max(length - count, 0), 0)
        return replace_block_output(output, nn.functional.pad(block_output(output), missing))

    with ExitStack() as hooks:
        hooks.callback(module.register_forward_pre_hook(cut, with_kwargs=True).remove)
        hooks.callback(module.register_forward_hook(pad).remove)
        yield


@contextmanager
def put_out(model: nn.Module, states: Tensor) -> Iterator[None]:
    """Replace the output of the last block by `states` (B, T, d).

    A forward pass on a single token then gives what the model's own final norm and head make of them, in any family:
    both treat every position by itself.
    """

    def replace(module: nn.Module, args: Any, output: Any) -> Any:
        return replace_block_output(output, states.to(block_output(output)))

    with ExitStack() as hooks:
        hooks.callback(decoder_blocks(model)[-1].register_forward_hook(replace, prepend=True).remove)
        yield


class _Stop(Exception):
    """Ends a forward pass early; never leaves this module."""


@dataclass
class _Whereabouts:
    """Positions of the sequence in the current forward pass, [start, start + T), and where the prompt ends."""

    fixed_prompt_length: int | None
    start: int = 0
    prompt_length: int | None = None  # of the sequence under way; None while its prompt is being read
    cache: Cache | None = None  # of the sequence under way, which may not tell how many tokens it has seen, …
    seen: int = 0  # … so that they are counted

    @contextmanager
    def followed(self, body: nn.Module) -> Iterator[None]:
        """Keep count of the tokens that the passes of `body` have read, inside the `with` block."""
        parameters = tuple(inspect.signature(body.forward).parameters)

        def before(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
            given = dict(zip(parameters, args, strict=False)) | kwargs
            cache = _cache_in(given.values())
            told = _cached_tokens(cache)
            self.start = (self.seen if cache is not None and cache is self.cache else 0) if told is None else told
            self.cache = cache
            if self.fixed_prompt_length is not None:
                self.prompt_length = self.fixed_prompt_length
            elif self.start == 0:
                self.prompt_length = None

        def after(module: nn.Module, args: Any, output: Any) -> None:
            if self.cache is None:  # the pass may have made one
                self.cache = _cache_in(output.values() if isinstance(output, dict) else output)

        with ExitStack() as hooks:
            hooks.callback(body.register_forward_pre_hook(before, with_kwargs=True, prepend=True).remove)
            hooks.callback(body.register_forward_hook(after).remove)
            yield

    def places(self, where: Window, length: int) -> tuple[int, int]:
        """Of the `length` places of this pass the first in a window, and the one after the last."""
        self.seen = self.start + length
        if self.prompt_length is None:
            self.prompt_length = length
        return where.places(self.prompt_length, self.start, length)


@dataclass
class _Change:
    """The forward hook of one block."""

    layer: int
    clamps: tuple[Clamp, ...]
    vector: Tensor | None  # (d,) or (B, d)
    where: Window
    whereabouts: _Whereabouts
    expand: bool
    cast: dict[tuple[torch.dtype, torch.device], Tensor] = field(default_factory=dict)
    held: dict[torch.device, tuple[Clamp, ...]] = field(default_factory=dict)

    def __call__(self, module: nn.Module, args: Any, output: Any) -> Any:
        stream = block_output(output)
        if self.where.everywhere:
            return replace_block_output(output, self._changed(stream))
        length = stream.shape[1]
        first, last = self.whereabouts.places(self.where, length)
        if first == last:
            return None
        if last - first == length:
            return replace_block_output(output, self._changed(stream))
        steered = self._changed(stream[:, first:last])
        # They stay as they are unless the batch was expanded.
        parts = [part.expand(len(steered), -1, -1) for part in (stream[:, :first], steered, stream[:, last:])]
        return replace_block_output(output, torch.cat(parts, dim=1))

    def _changed(self, stream: Tensor) -> Tensor:
        """`stream` (B, T, d) with all of this block's edits."""
        for clamp in self._held_on(stream):
            stream = clamp.apply(stream)
        return stream if self.vector is None else stream + self._fitting(self.vector, stream)

    def _held_on(self, stream: Tensor) -> tuple[Clamp, ...]:
        """The clamps, on the device of `stream`."""
        for clamp in self.clamps:
            self._check_batch(clamp.basis.shape[0] if clamp.basis.ndim == 3 else None, stream)
        if stream.device not in self.held:
            dtype = torch.promote_types(stream.dtype, torch.float32)
            self.held[stream.device] = tuple(clamp.to(stream.device, dtype) for clamp in self.clamps)
        return self.held[stream.device]

    def _fitting(self, given: Tensor, stream: Tensor) -> Tensor:
        """The vector as (1 or B, 1, d), in the dtype and on the device of `stream` (B, T, d)."""
        key = (stream.dtype, stream.device)
        if key not in self.cast:
            # Kept for the passes that follow: copying from the host at every token would make each one wait.
            rows = given if given.ndim == 2 else given[None]
            self.cast[key] = rows[:, None].to(device=stream.device, dtype=stream.dtype)
        vector = self.cast[key]
        self._check_batch(vector.shape[0] if given.ndim == 2 else None, stream)
        return vector

    def _check_batch(self, rows: int | None, stream: Tensor) -> None:
        if rows is not None and rows != stream.shape[0] and not (self.expand and stream.shape[0] == 1):
            raise InputError(
                f"Expected one direction for each of the {stream.shape[0]} rows of the batch at block {self.layer}, "
                f"got {rows}."
            )


def _cache_in(values: Iterable[Any]) -> Cache | None:
    """The cache among arguments or outputs of a pass, whatever the family calls it."""
    return next((value for value in values if isinstance(value, Cache)), None)


def _cached_tokens(cache: Cache | None) -> int | None:
    """How many tokens a cache holds, whoever filled it; None for one of recurrent states alone, which do not tell."""
    own: Any = cache.self_attention_cache if isinstance(cache, EncoderDecoderCache) else cache
    if own is None:
        return 0
    return int(own.get_seq_length()) if any(isinstance(layer, CacheLayerMixin) for layer in own.layers) else None


def _check_layer(layer: int, count: int) -> None:
    if not 0 <= layer < count:
        raise InputError(f"Expected a block from 0 to {count - 1}, got {layer}.")


def _by_block(clamps: Sequence[Clamp], count: int, width: int) -> dict[int, tuple[Clamp, ...]]:
    """The clamps of every block that has some, in their order."""
    blocks: dict[int, tuple[Clamp, ...]] = {}
    for clamp in clamps:
        _check_layer(clamp.layer, count)
        if clamp.width != width:
            raise InputError(
                f"Expected directions of width {width} at block {clamp.layer}, got {clamp.width}; "
                "use vectors that were found on this model."
            )
        blocks[clamp.layer] = (*blocks.get(clamp.layer, ()), clamp)
    return blocks


def _merge(pushes: Sequence[Push], count: int, width: int) -> dict[int, Tensor]:
    """One vector a block, (d,) or (B, d), summed in float32 or wider."""
    merged: dict[int, Tensor] = {}
    for push in pushes:
        _check_layer(push.layer, count)
        vector = push.vector
        if vector.ndim not in (1, 2) or vector.shape[-1] != width:
            raise InputError(
                f"Expected a direction of width {width} at block {push.layer}, got shape {tuple(vector.shape)}; "
                "use a vector that was found on this model."
            )
        vector = vector.to(torch.promote_types(vector.dtype, torch.float32))
        there = merged.get(push.layer)
        if there is None:
            merged[push.layer] = vector
            continue
        if there.ndim == vector.ndim == 2 and there.shape[0] != vector.shape[0]:
            raise InputError(
                f"Expected pushes for the same rows at block {push.layer}, got {len(there)} and {len(vector)} rows."
            )
        merged[push.layer] = there + vector.to(there.device)
    return merged
