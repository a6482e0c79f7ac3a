"""Next-token logits under many pushes at once, for sliders and effect plots."""

from __future__ import annotations

import inspect
from collections.abc import Sequence

import torch
from torch import Tensor

from playground.core.edit import Edit, key
from playground.core.positions import Positions, window
from playground.errors import InputError
from playground.model.cut.memory import short_of_memory
from playground.model.finite import is_too_large, kl_divergence
from playground.model.load import LoadedModel
from playground.model.prompting import Encoded, check_length, forward_inputs
from playground.model.row_pushes import batch_edits
from playground.model.shared_prompt import run_shared
from playground.model.steering import steer

_TOKENS = 1 << 14
"""Tokens a forward pass takes at most, so that many rows of a long prompt fit into memory."""


@torch.no_grad()
def next_logits(
    loaded: LoadedModel,
    prompts: Encoded,
    pushes: Sequence[Sequence[Edit]],
    positions: Positions = "all",
    generated: int = 0,
) -> Tensor:
    """Logits (n, vocabulary) of the token after each prompt, float32 on the CPU, with `pushes[i]` added to row i.

    The last `generated` tokens of every row count as generated, not as prompt: a text that is forced on the model.
    Logits of pushes that are too large for the model's norms are NaN. Equal rows are computed once. Rows that share one
    prompt share the blocks before the first push.
    Errors: InputError when pushes do not fit the model or the rows; ModelError when memory runs out.
    """
    if len(pushes) != len(prompts):
        raise InputError(f"Expected pushes for each of {len(prompts)} rows, got {len(pushes)}.")
    if not 0 <= generated < min(prompts.lengths):
        raise InputError(f"Expected from 0 to {min(prompts.lengths) - 1} generated tokens, got {generated}.")
    check_length(loaded, max(prompts.lengths))
    batch_edits(pushes)  # refuses pushes that do not go together, also those that would reach no token
    if not window(positions).reaches_prompt and generated == 0:
        with steer(loaded.model, [push for row in pushes for push in row], positions):
            pushes = [()] * len(prompts)
    names = [_name(prompts, row, pushes[row]) for row in range(len(prompts))]
    first = {name: row for row, name in reversed(list(enumerate(names)))}
    distinct = sorted(first.values())
    place = {names[row]: index for index, row in enumerate(distinct)}
    chunk = max(1, _TOKENS // prompts.input_ids.shape[1])
    parts = []
    with short_of_memory(loaded, f"for {len(distinct)} rows", "shorten the prompt"):
        for start in range(0, len(distinct), chunk):
            rows = distinct[start : start + chunk]
            part = prompts.take(rows)
            parts.append(_logits(loaded, part, batch_edits([pushes[row] for row in rows]), positions, generated))
    found = torch.cat(parts)[[place[name] for name in names]]
    found[[is_too_large(row) for row in pushes]] = torch.nan
    return found


def divergences(logits: Tensor, baseline: Tensor) -> Tensor:
    """KL(steered ‖ baseline) in nats, (n,) float64, of next-token logits (n, vocabulary) from those of the baseline,
    (vocabulary,) or one a row; NaN for logits that are not finite.
    """
    return kl_divergence(logits.double().log_softmax(dim=-1), baseline.double().log_softmax(dim=-1))


def _logits(
    loaded: LoadedModel, prompts: Encoded, pushes: tuple[Edit, ...], positions: Positions, generated: int
) -> Tensor:
    length = prompts.input_ids.shape[1]
    if len(prompts) > 1 and pushes and len({_tokens(prompts, row) for row in range(len(prompts))}) == 1:
        one, rows = prompts.take([0]), len(prompts)
        return run_shared(
            loaded, one, rows, pushes, lambda read: _last(loaded, read), positions, one.lengths[0] - generated
        )
    with steer(loaded.model, pushes, positions, length - generated):
        return _last(loaded, prompts)


def last_logits(loaded: LoadedModel, prompts: Encoded, count: int) -> Tensor:
    """Logits (n, count, vocabulary) at the last `count` positions, as the model gives them; it computes no others where
    it can.
    """
    given: dict[str, object] = {**forward_inputs(loaded, prompts), "use_cache": False}
    if "logits_to_keep" in inspect.signature(loaded.model.forward).parameters:
        given["logits_to_keep"] = count
    logits: Tensor = loaded.model(**given).logits[:, -count:]
    return logits


def _last(loaded: LoadedModel, prompts: Encoded) -> Tensor:
    return last_logits(loaded, prompts, 1)[:, -1].float().cpu()


def _tokens(prompts: Encoded, row: int) -> tuple[int, ...]:
    return tuple(prompts.input_ids[row, -prompts.lengths[row] :].tolist())


def _name(prompts: Encoded, row: int, pushes: Sequence[Edit]) -> tuple[object, ...]:
    """Key of all that the logits of a row depend on; pushes of zeros are left out."""
    return _tokens(prompts, row), key(pushes)
