"""Teacher-forced KL: steered against baseline at every token of given texts."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from playground.core.edit import Edit
from playground.core.positions import Positions
from playground.errors import Cancelled, InputError
from playground.model.cut.memory import short_of_memory
from playground.model.finite import kl_divergence
from playground.model.load import LoadedModel
from playground.model.prompting import Encoded, check_length
from playground.model.reading.next_token import last_logits
from playground.model.row_pushes import batch_edits
from playground.model.steering import steer

_TOKENS = 1 << 14
"""Tokens a forward pass takes at most."""
_LOGITS = 1 << 26
"""Entries of logits read at once, at most: several such tensors are held while the divergence is computed."""


@torch.no_grad()
def token_kl(
    loaded: LoadedModel,
    prompts: Encoded,
    token_ids: Sequence[Sequence[int]],
    pushes: Sequence[Sequence[Edit]],
    positions: Positions = "all",
    cancelled: Callable[[], bool] = lambda: False,
) -> list[list[float]]:
    """KL(steered ‖ baseline), in nats, of the distribution that each token of `token_ids[i]` was drawn from.

    Both runs read prompt i and then the tokens of row i; `pushes[i]` is added to the steered one, at `positions`, the
    tokens counting as generated. One forward pass of each kind a batch; what precedes the first text's token is the
    prompt alone. An empty list of pushes gives zeros. Errors: InputError when rows do not match or are longer than the
    model reads; Cancelled after a cancel; ModelError when memory runs out.
    """
    if not len(token_ids) == len(pushes) == len(prompts):
        raise InputError(
            f"Expected tokens and pushes for each of {len(prompts)} rows, got {len(token_ids)} and {len(pushes)}."
        )
    found = [[0.0] * len(tokens) for tokens in token_ids]
    wanted = [row for row in range(len(prompts)) if token_ids[row] and pushes[row]]
    if not wanted:
        return found
    longest, length = max(len(token_ids[row]) for row in wanted), prompts.input_ids.shape[1]
    check_length(loaded, max(prompts.lengths[row] + len(token_ids[row]) for row in wanted))
    vocabulary = loaded.model.get_output_embeddings().weight.shape[0]
    chunk = max(1, min(_TOKENS // (length + longest), _LOGITS // (longest * vocabulary)))
    with short_of_memory(loaded, f"for texts of {longest} tokens", "ask for shorter or fewer texts"):
        for start in range(0, len(wanted), chunk):
            if cancelled():
                raise Cancelled
            rows = wanted[start : start + chunk]
            texts = [token_ids[row] for row in rows]
            divergence = _divergence(loaded, prompts.take(rows), texts, [pushes[row] for row in rows], positions)
            for row, values in zip(rows, divergence, strict=True):
                found[row] = values[: len(token_ids[row])].tolist()
    return found


def _divergence(
    loaded: LoadedModel,
    prompts: Encoded,
    texts: Sequence[Sequence[int]],
    pushes: Sequence[Sequence[Edit]],
    positions: Positions,
) -> Tensor:
    """(n, T) float32 on the CPU; what is beyond the end of a shorter text has no meaning."""
    length, count = prompts.input_ids.shape[1], max(map(len, texts))
    # Padding on the right is harmless here: no token reads what comes after it.
    forced = torch.full((len(texts), count), loaded.pad_id, dtype=torch.int64)
    for row, tokens in enumerate(texts):
        forced[row, : len(tokens)] = torch.tensor(tokens)
    both = Encoded(
        torch.cat([prompts.input_ids, forced], dim=1),
        torch.cat([prompts.attention_mask, torch.ones_like(forced)], dim=1),
        tuple(known + count for known in prompts.lengths),
    )
    baseline = _log_probabilities(loaded, both, count)
    with steer(loaded.model, batch_edits(pushes), positions, prompt_length=length):
        steered = _log_probabilities(loaded, both, count)
    return kl_divergence(steered, baseline).float().cpu()


def _log_probabilities(loaded: LoadedModel, encoded: Encoded, count: int) -> Tensor:
    """(n, count, vocabulary) float32 or wider: of the tokens that come last, each given what is before it."""
    logits = last_logits(loaded, encoded, count + 1)[:, :-1]
    return logits.to(torch.promote_types(logits.dtype, torch.float32)).log_softmax(dim=-1)
