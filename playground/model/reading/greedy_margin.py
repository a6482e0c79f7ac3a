"""Margins by which a steered model still chooses the tokens of a greedy text, in one forward pass.

Greedy decoding writes a text exactly when each of its tokens has the largest logit given the prompt and the tokens
before it. So whether steering changes a greedy text can be told from the logits along the text itself.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from playground.core.push import Push
from playground.errors import InputError
from playground.model.cut.memory import short_of_memory
from playground.model.load import LoadedModel
from playground.model.prompting import Encoded, check_length, forward_inputs
from playground.model.row_pushes import batch_pushes
from playground.model.shared_prompt import run_shared

_LOGITS = 1 << 27
"""Logits of a forward pass at most: half a gibibyte in float32."""


@torch.no_grad()
def greedy_margins(
    loaded: LoadedModel, prompt: Encoded, tokens: Sequence[int], pushes: Sequence[Sequence[Push]]
) -> Tensor:
    """Margins (n, T) float32 on the CPU of the T `tokens` after `prompt`, with `pushes[i]` added in row i.

    A margin is the logit of the token minus the largest logit of any other one, given the prompt and the tokens before
    it. The greedy text of row i begins with `tokens` exactly when its margins are all above 0. Pushes act at all
    positions. Blocks before the first push run once for all rows where the architecture lets them.
    Errors: InputError for several prompts, no tokens, pushes that do not fit, or a text longer than the model reads;
    ModelError when memory runs out.
    """
    if len(prompt) != 1 or not tokens:
        raise InputError(f"Expected one prompt and a text after it, got {len(prompt)} and {len(tokens)} tokens.")
    count, length = len(tokens), prompt.lengths[0]
    check_length(loaded, length + count - 1)
    ids = torch.cat([prompt.input_ids[:, -length:], torch.tensor([list(tokens[:-1])], dtype=torch.int64)], dim=1)
    whole = Encoded(ids, torch.ones_like(ids), (ids.shape[1],))
    vocabulary = loaded.model.get_output_embeddings().weight.shape[0]
    chunk = max(1, _LOGITS // (count * vocabulary))
    parts = []
    with short_of_memory(loaded, f"for texts of {count} tokens", "ask for shorter ones"):
        for begin in range(0, len(pushes), chunk):
            part = pushes[begin : begin + chunk]
            logits = _logits(loaded, whole, batch_pushes(part), len(part))
            parts.append(_margins(logits[:, -count:].float(), tokens))
    return torch.cat(parts)


def _margins(logits: Tensor, tokens: Sequence[int]) -> Tensor:
    index = torch.tensor(list(tokens), device=logits.device)[None, :, None].expand(len(logits), -1, 1)
    own = logits.gather(2, index)[..., 0]
    others = logits.scatter(2, index, -torch.inf).amax(dim=2)
    return (own - others).cpu()


def _logits(loaded: LoadedModel, text: Encoded, pushes: tuple[Push, ...], rows: int) -> Tensor:
    def forward(read: Encoded) -> Tensor:
        logits: Tensor = loaded.model(**forward_inputs(loaded, read), use_cache=False).logits
        return logits

    return run_shared(loaded, text, rows, pushes, forward)
