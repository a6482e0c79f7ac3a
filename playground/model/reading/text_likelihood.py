"""Log-probabilities and perplexity of texts after prompts under the unsteered model, in few forward passes."""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence

import torch
from torch import Tensor
from transformers import DynamicCache
from transformers.cache_utils import DynamicLayer, DynamicSlidingWindowLayer

from playground.errors import InputError
from playground.model.cut.agreement import Refused, go_without
from playground.model.cut.memory import short_of_memory
from playground.model.load import LoadedModel
from playground.model.prompting import Encoded, forward_inputs, pad_left
from playground.model.reading.next_token import last_logits

_TOKENS = 1 << 14
"""Tokens of a forward pass at most."""
_COPIED = (DynamicLayer, DynamicSlidingWindowLayer)
"""Layers of a cache that hold keys and values alone, a row for each row of the batch."""
_LOGITS = 1 << 27
"""Logits of a forward pass at most: half a gibibyte in float32."""


@torch.no_grad()
def log_probabilities(loaded: LoadedModel, prompts: Encoded, texts: Sequence[Sequence[int]]) -> list[Tensor]:
    """For every row the log-probabilities (n,) of its n text tokens after its prompt, float32 on the CPU, in nats.

    Each token is read given the prompt and the text before it (teacher forcing), with nothing added to the model. A
    prompt that several rows share is run once, where the model's cache can be copied to them.
    Errors: InputError unless there is a text for each prompt; ModelError when memory runs out.
    """
    if len(texts) != len(prompts):
        raise InputError(f"Expected a text for each of {len(prompts)} prompts, got {len(texts)}.")
    rows = [
        (prompts.input_ids[row, -length:].tolist(), list(texts[row])) for row, length in enumerate(prompts.lengths)
    ]
    found = [torch.zeros(0)] * len(rows)
    for shared in _sharing(rows):
        with short_of_memory(loaded, f"to read {len(shared)} texts", "ask for shorter texts"):
            values = _after_shared_prompt(loaded, rows[shared[0]][0], [rows[row][1] for row in shared])
        if values is None:
            go_without("a prompt that texts share", Refused(loaded.model, "its cache cannot be copied"))
            break
        for row, own in zip(shared, values, strict=True):
            found[row] = own
    # Of similar length side by side, so that little of a batch is padding.
    left = (row for row, (_, text) in enumerate(rows) if text and not len(found[row]))
    order = sorted(left, key=lambda row: sum(map(len, rows[row])))
    for part in _parts(rows, order, loaded.model.config.get_text_config().vocab_size):
        with short_of_memory(loaded, f"to read {len(part)} texts", "ask for shorter texts"):
            for row, own in zip(part, _pass(loaded, [rows[row] for row in part]), strict=True):
                found[row] = own
    return found


def perplexities(loaded: LoadedModel, prompts: Encoded, texts: Sequence[Sequence[int]]) -> list[float | None]:
    """exp of the mean negative log-probability of every text's tokens (`log_probabilities`); None for an empty text,
    and where it is not finite.
    """
    values = [float((-row.double().mean()).exp()) for row in log_probabilities(loaded, prompts, texts)]
    return [value if math.isfinite(value) else None for value in values]


def _parts(rows: Sequence[tuple[list[int], list[int]]], order: Sequence[int], vocabulary: int) -> list[list[int]]:
    """`order` cut into batches that stay within the limits."""
    parts: list[list[int]] = []
    for row in order:
        length = sum(map(len, rows[row]))  # the longest so far
        if parts:
            count = len(parts[-1]) + 1
            text = max(len(rows[other][1]) for other in [*parts[-1], row])
            if count * length <= _TOKENS and count * (text + 1) * vocabulary <= _LOGITS:
                parts[-1].append(row)
                continue
        parts.append([row])
    return parts


def _sharing(rows: Sequence[tuple[list[int], list[int]]]) -> list[list[int]]:
    """Numbers of the rows with a text whose prompt another one has too, a list for each prompt."""
    by_prompt: dict[tuple[int, ...], list[int]] = {}
    for number, (prompt, text) in enumerate(rows):
        if text:
            by_prompt.setdefault(tuple(prompt), []).append(number)
    return [numbers for numbers in by_prompt.values() if len(numbers) > 1]


def _after_shared_prompt(
    loaded: LoadedModel, prompt: Sequence[int], texts: Sequence[Sequence[int]]
) -> list[Tensor] | None:
    """Log-probabilities of the texts after one prompt, which is run once; None where its cache cannot be copied."""
    first = forward_inputs(loaded, pad_left(loaded, [prompt]))
    begun = loaded.model(**first, use_cache=True)
    cache = getattr(begun, "past_key_values", None)
    if not isinstance(cache, DynamicCache) or not all(type(layer) in _COPIED for layer in cache.layers):
        return None
    start = begun.logits[:, -1:]
    values: list[Tensor] = []
    vocabulary = start.shape[-1]
    size = max(1, min(_TOKENS, _LOGITS // vocabulary) // max(map(len, texts)))
    for begin in range(0, len(texts), size):
        part = texts[begin : begin + size]
        length = max(map(len, part))
        # Padding on the right: no token reads what comes after it.
        ids = torch.zeros(len(part), length, dtype=torch.int64)
        for row, text in enumerate(part):
            ids[row, : len(text)] = torch.tensor(list(text))
        whole = Encoded(
            torch.cat([first["input_ids"].cpu().expand(len(part), -1), ids], dim=1),
            torch.ones(len(part), len(prompt) + length, dtype=torch.int64),
            (len(prompt) + length,) * len(part),
        )
        given = forward_inputs(loaded, whole)
        rest = {name: value if name == "attention_mask" else value[:, len(prompt) :] for name, value in given.items()}
        copied = copy.deepcopy(cache)
        copied.batch_repeat_interleave(len(part))
        logits = loaded.model(**rest, past_key_values=copied, use_cache=True).logits
        for row, text in enumerate(part):
            told = torch.cat([start[0], logits[row, : len(text) - 1]]).float().log_softmax(dim=-1)
            wanted = torch.tensor(list(text), device=told.device)[:, None]
            values.append(told.gather(1, wanted)[:, 0].cpu())
    return values


def _pass(loaded: LoadedModel, rows: Sequence[tuple[list[int], list[int]]]) -> list[Tensor]:
    encoded = pad_left(loaded, [prompt + text for prompt, text in rows])
    logits = last_logits(loaded, encoded, max(len(text) for _, text in rows) + 1)
    values = []
    for row, (_, text) in enumerate(rows):
        # The logits at a token are those of the next one.
        told = logits[row, -len(text) - 1 : -1].float().log_softmax(dim=-1)
        wanted = torch.tensor(text, device=told.device)[:, None]
        values.append(told.gather(1, wanted)[:, 0].cpu())
    return values
