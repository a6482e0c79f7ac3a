"""Asks a model, when it is loaded, whether it is one that can be steered; its name is not asked.

All that the rest of the playground takes for granted is tried once, on two short prompts: where the blocks are, that
the residual stream goes from each to the next as (B, T, d), that they can be run by themselves, and that text which is
continued token by token from a padded batch, with a push at generated tokens, is what plain passes over whole texts
give, one prompt at a time and without a cache.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from transformers import GenerationConfig, PreTrainedModel

from playground.core.push import Push
from playground.errors import ModelError
from playground.model.blocks import counts_positions, decoder_blocks, width
from playground.model.cut.agreement import Refused, refusals
from playground.model.cut.derivatives import is_quantised
from playground.model.steering import BlockCall, before_blocks, capture_block_inputs, put_out, read_residuals, steer

_LENGTHS = (12, 3)
"""Tokens of the two prompts: the short one is padding for the most part."""

_NEW_TOKENS = 3

_TRIES = 2
"""Pairs of prompts that a model must fail on: in 16 bits one token may choose other experts in a batch than alone."""

_TOLERANCE = {torch.float64: 1e-3, torch.float32: 1e-3}  # some families compute in float32 whatever they are in
_TOLERANCE_HALF = 0.25
"""Share of the norm of logits that they may be off by. What is asked here changes them by half of it and more where it
is wrong; rounding in 16 bits, or of activations in 8, stays below a tenth.
"""


def check_fitness(model: PreTrainedModel, name: str, special: Sequence[int] = ()) -> None:
    """Raises ModelError, one sentence, for a model called `name` that the playground would steer wrongly.

    Tokens `special` (of images, padding, the end of a text) are not used. Takes about ten passes over a few tokens.
    """
    decoder_blocks(model)  # whose errors say more
    reason = ""
    for seed in range(_TRIES):
        try:
            _try(model, seed, special)
        except Refused as refused:
            reason = refused.reason if refused.__cause__ is None else f"reading text fails in it ({refused.reason})"
        else:
            return
    raise ModelError(
        f"Expected a model that can be steered as others are, but {name} is none ({type(model).__name__}): {reason}; "
        "choose a causal language model such as a Llama, Qwen, Gemma, Mistral or GPT-2."
    )


@torch.no_grad()
def _try(model: PreTrainedModel, seed: int, special: Sequence[int]) -> None:
    """Raises Refused where the model does something else with two prompts than it should."""
    generator = torch.Generator().manual_seed(seed)
    with refusals(model):
        prompts = [_tokens(model, length, special, generator) for length in _LENGTHS]
        layer = (len(decoder_blocks(model)) - 1) // 2
        stream = _check_blocks(model, prompts[0], layer)
        direction = torch.randn(width(model), generator=generator)
        push = Push(layer, direction * (stream.float().norm(dim=-1).median().cpu() / direction.norm()))
        _check_alone(model, prompts[0], push, stream)
        _check_generated(model, prompts, push)


def _check_blocks(model: PreTrainedModel, prompt: Tensor, layer: int) -> Tensor:
    """The residual stream (1, T, d) at `layer`. Refused unless each block runs once, on what the one before put out."""
    count, expected = len(decoder_blocks(model)), (1, len(prompt), width(model))
    begun: list[Tensor] = []
    with read_residuals(model, range(count)) as streams, before_blocks(model, begun.append):
        model(**_inputs(model, prompt), use_cache=False)
    for stream in streams.values():
        if tuple(stream.shape) != expected:
            shape = tuple(stream.shape)
            raise Refused(model, f"its blocks put out {shape} for {len(prompt)} tokens, where {expected} was expected")
    if len(begun) != count or len(streams) != count:
        raise Refused(model, f"{len(begun)} blocks run in a pass over text, where {count} were expected to")
    for block in range(count - 1):
        if not torch.equal(begun[block + 1].to(streams[block]).nan_to_num(), streams[block].nan_to_num()):
            raise Refused(model, f"its block {block + 1} does not begin from what block {block} puts out")
    return streams[layer]


def _check_alone(model: PreTrainedModel, prompt: Tensor, push: Push, stream: Tensor) -> None:
    """Refused unless the blocks above a push, run by themselves, put out what they do in a pass of the whole model.

    `stream` is the residual stream at the push in a pass that was not told the places of tokens.
    """
    blocks = decoder_blocks(model)
    above = range(push.layer + 1, len(blocks))
    if not above:
        return
    with capture_block_inputs(model, above) as calls:
        model(**_inputs(model, prompt, places=True), use_cache=False)
    state = calls[push.layer + 1].hidden_states
    _agree(model, [(state, stream)], "it reads a text otherwise when it is told the places of tokens, counted from 0")
    state = state + push.vector.to(state)
    for layer in above:
        state = calls[layer](blocks[layer], state)
    with (
        steer(model, [push]),
        read_residuals(model, [len(blocks) - 1]) as streams,
        capture_block_inputs(model, above, stop=False) as steered,
    ):
        logits = model(**_inputs(model, prompt, places=True), use_cache=False).logits[:, -1]
    for layer in above:
        pairs = zip(_tensors(calls[layer]), _tensors(steered[layer]), strict=True)
        if not all(torch.equal(before, after) for before, after in pairs):
            raise Refused(model, f"its block {layer} is given more of what was pushed than the residual stream")
    end = streams[len(blocks) - 1]
    _agree(model, [(state, end)], "its blocks, run by themselves, put out something else")
    with put_out(model, end[:, -1:]):
        alone = model(**_inputs(model, prompt[:1]), use_cache=False).logits[:, -1]
    _agree(model, [(alone, logits)], "what it says comes from more than what its last block puts out")


def _tensors(call: BlockCall) -> list[Tensor]:
    """The numbers that a block is given beside the residual stream.

    Not the places of keys that a block before it chose (GLM 5): they bear no gradient, and where they act on short
    prompts what is put out tells.
    """
    given = [*call.args, *call.kwargs.values()]
    flat = [part for value in given for part in (value if isinstance(value, tuple | list) else [value])]
    return [part for part in flat if isinstance(part, Tensor) and part.is_floating_point()]


def _check_generated(model: PreTrainedModel, prompts: Sequence[Tensor], push: Push) -> None:
    """Refused unless generation from a padded batch with a push at generated tokens is as in plain passes.

    Of a float64 model only one prompt is asked: `takes_padding` says why it gets no padding.
    """
    if model.dtype == torch.float64:
        prompts = prompts[:1]
    for pushes, batch, reason in (
        ([push], prompts, ""),
        ([], prompts[:1], "text that it continues token by token is not what it says to the whole text"),
        ([push], prompts[:1], "a push at generated tokens does not act there"),
        ([], prompts, "a prompt that is padded in a batch reads otherwise than alone"),
    ):
        try:
            _agree(model, _generated(model, batch, pushes), reason)
        except Refused:
            if reason:
                raise
        else:
            if not reason:
                return
    raise Refused(model, "a push at generated tokens does not act in a padded batch as it does alone")


def _generated(
    model: PreTrainedModel, prompts: Sequence[Tensor], pushes: Sequence[Push]
) -> list[tuple[Tensor, Tensor]]:
    """Logits (new tokens, vocabulary) of generation, and of plain passes over what it wrote, for each prompt."""
    longest = max(map(len, prompts))
    ids = torch.stack([torch.nn.functional.pad(prompt, (longest - len(prompt), 0)) for prompt in prompts])
    mask = torch.stack([torch.arange(longest) >= longest - len(prompt) for prompt in prompts]).long()
    settings = GenerationConfig(
        max_new_tokens=_NEW_TOKENS,
        do_sample=False,
        pad_token_id=0,
        use_cache=True,
        output_logits=True,
        return_dict_in_generate=True,
        disable_compile=True,
    )
    steered: Any = model
    before, steered.generation_config = steered.generation_config, GenerationConfig()
    try:
        with steer(model, pushes, "generated", prompt_length=longest):
            done = steered.generate(
                ids.to(model.device), attention_mask=mask.to(model.device), generation_config=settings
            )
    finally:
        steered.generation_config = before
    told = torch.stack(done.logits, dim=1)
    pairs = []
    for row, prompt in enumerate(prompts):
        whole = done.sequences[row, longest - len(prompt) : -1]
        with steer(model, pushes, "generated", prompt_length=len(prompt)):
            alone = model(**_inputs(model, whole), use_cache=False).logits[0, -_NEW_TOKENS:]
        pairs.append((told[row], alone))
    return pairs


def _agree(model: PreTrainedModel, pairs: Sequence[tuple[Tensor, Tensor]], reason: str) -> None:
    """Refused with `reason` unless found and expected rows of numbers are the same up to rounding of the model.

    In 16 bits half of the rows may differ: the rounding of a token can send it, and all after it, to other experts.
    What is not finite in a plain pass tells nothing: `finite.py` names it where it is met.
    """
    exact = model.dtype in _TOLERANCE and not is_quantised(model)
    tolerance = _TOLERANCE[model.dtype] if exact else _TOLERANCE_HALF
    for found, expected in pairs:
        wide = torch.promote_types(expected.dtype, torch.float32)
        found, expected = found.to(expected.device, wide).flatten(0, -2), expected.to(wide).flatten(0, -2)
        told = expected.isfinite() & (expected > -1e30)  # some families put −∞, or near it, at tokens of images
        read = told.any(dim=-1)
        if not bool(read.any()):
            continue
        expected, found, told = expected[read], found[read], told[read]
        centre = torch.where(told, expected, 0).sum(dim=-1, keepdim=True) / told.sum(dim=-1, keepdim=True)
        size = torch.where(told, expected - centre, 0).norm(dim=-1)
        off = torch.where(told, found - expected, 0).norm(dim=-1) / size.clamp(min=torch.finfo(wide).tiny)
        worst = off.max() if exact else off.median()
        if not bool(worst <= tolerance):
            raise Refused(model, reason)


def _inputs(model: PreTrainedModel, tokens: Tensor, places: bool = False) -> dict[str, Tensor]:
    """Arguments of the model for one pass over (T,) tokens, with their `places` where the model is told them."""
    ids = tokens[None].to(model.device)
    given = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
    if places and counts_positions(model):
        given["position_ids"] = torch.arange(ids.shape[1], device=ids.device)[None]
    return given


def _tokens(model: PreTrainedModel, length: int, special: Sequence[int], generator: torch.Generator) -> Tensor:
    """(length,) random tokens, none of them `special` or named in the model's configuration."""
    embeddings: Any = model.get_input_embeddings()
    fields = [*vars(model.config).items(), *vars(model.config.get_text_config(decoder=True)).items()]
    named = {value for name, value in fields if name.endswith(("token_id", "token_index")) and isinstance(value, int)}
    order = torch.randperm(embeddings.weight.shape[0], generator=generator).tolist()
    return torch.tensor([token for token in order if token not in named.union(special)][:length])
