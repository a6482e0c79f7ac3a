"""Log-probability of a text after prompts with a push added, and its gradient with respect to the push at 0."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from playground.core.push import Push
from playground.errors import Cancelled
from playground.model.cut.kernels import twice_differentiable
from playground.model.cut.memory import default_budget, graph_bytes
from playground.model.load import LoadedModel
from playground.model.prompting import (
    Encoded,
    PromptFormat,
    check_length,
    pad_left,
    rows_of_like_length,
    takes_padding,
)
from playground.model.reading.answers import continuation
from playground.model.reading.next_token import last_logits
from playground.model.steering import steer

_TOKENS = 1 << 14
"""Tokens of a forward pass at most."""
_LOGITS_KEPT = 6
"""Tensors the size of the logits, in float32, that a pass and its gradient hold."""


@dataclass(frozen=True)
class Forced:
    """n prompts, each with a text forced on the model after it: `inputs` are the tokens of the prompt and all of the
    text's but the last, `texts` the text's, at least one each.
    """

    inputs: Encoded
    texts: tuple[tuple[int, ...], ...]

    def take(self, rows: Sequence[int]) -> Forced:
        """The prompts of these numbers."""
        return Forced(self.inputs.take(rows), tuple(self.texts[row] for row in rows))


def forced(
    loaded: LoadedModel, prompts: Sequence[str], format: PromptFormat, encoded: Encoded, text: str
) -> Forced:
    """The prompts (already `encoded`) with `text` after each, which begins as answers begin there. Raises InputError
    for what is too long for the model.
    """
    rows, texts = [], []
    for row, prompt in enumerate(prompts):
        known = encoded.input_ids[row, -encoded.lengths[row] :].tolist()
        tokens = continuation(loaded, prompt, known, format, text)
        check_length(loaded, len(known) + len(tokens) - 1)
        rows.append(known + tokens[:-1])
        texts.append(tuple(tokens))
    return Forced(pad_left(loaded, rows), tuple(texts))


@torch.no_grad()
def log_probabilities(
    loaded: LoadedModel, asked: Forced, push: Push, cancelled: Callable[[], bool] = lambda: False
) -> Tensor:
    """(n,) float32 or wider on the CPU, in nats: log p of each whole text after its prompt with `push`, (d,) or (n, d)
    with a vector for each, added at every position, those of the text included. NaN where the model's numbers are not
    finite. Raises Cancelled.
    """
    found = torch.zeros(len(asked.texts), dtype=torch.promote_types(loaded.dtype, torch.float32))
    for rows in _batches(loaded, asked, 0, cancelled):
        own = push if push.vector.ndim == 1 else Push(push.layer, push.vector[list(rows)])
        found[list(rows)] = _read(loaded, asked.take(rows), own).cpu()
    return found


def push_gradients(
    loaded: LoadedModel, asked: Forced, layer: int, cancelled: Callable[[], bool] = lambda: False
) -> tuple[Tensor, Tensor]:
    """log p of each text after its prompt, (n,) in nats, and its gradient (n, d) at θ = 0 with respect to a θ that is
    added to the residual stream at `layer` at every position, those of the text included.

    Float32 or wider on the CPU. That is Jᵀ∇log p with J the Jacobian from θ to the residual stream of the last block:
    one forward and one backward pass a batch, and blocks up to `layer` are not differentiated. Raises Cancelled.
    """
    wide = torch.promote_types(loaded.dtype, torch.float32)
    values = torch.zeros(len(asked.texts), dtype=wide)
    gradients = torch.zeros(len(asked.texts), loaded.width, dtype=wide)
    for rows in _batches(loaded, asked, loaded.block_count - 1 - layer, cancelled):
        theta = torch.zeros(len(rows), loaded.width, dtype=wide, requires_grad=True)
        with torch.enable_grad(), twice_differentiable(loaded.model):
            read = _read(loaded, asked.take(rows), Push(layer, theta))
            (gradient,) = torch.autograd.grad(read.sum(), theta)
        values[list(rows)], gradients[list(rows)] = read.detach().cpu(), gradient.cpu()
    return values, gradients


def _read(loaded: LoadedModel, asked: Forced, push: Push) -> Tensor:
    """(n,) log p of the texts, as `log_probabilities` has it, differentiable in the push."""
    count = max(map(len, asked.texts))
    with steer(loaded.model, [push]):
        logits = last_logits(loaded, asked.inputs, count)
    logs = logits.to(torch.promote_types(logits.dtype, torch.float32)).log_softmax(dim=-1)
    token = torch.zeros(len(asked.texts), count, dtype=torch.int64)
    counts = torch.zeros(len(asked.texts), count, dtype=torch.bool)
    for row, text in enumerate(asked.texts):  # shorter texts end at the same place, and begin later
        token[row, count - len(text) :], counts[row, count - len(text) :] = torch.tensor(text), True
    own = logs.gather(-1, token.to(logs.device)[:, :, None])[:, :, 0]
    return own.where(counts.to(own.device), own.new_zeros(())).sum(dim=-1)


def _batches(
    loaded: LoadedModel, asked: Forced, depth: int, cancelled: Callable[[], bool]
) -> Iterator[tuple[int, ...]]:
    """Numbers of prompts in batches, of which a graph of `depth` blocks and the logits fit into memory."""
    longest, count = max(asked.inputs.lengths), max(map(len, asked.texts))
    vocabulary = loaded.model.get_output_embeddings().weight.shape[0]
    row = graph_bytes(loaded, 1, longest, depth) + _LOGITS_KEPT * 4 * count * vocabulary
    tokens = min(_TOKENS, int(default_budget(loaded.device) // row) * longest)
    for rows in rows_of_like_length(asked.inputs.lengths, tokens, takes_padding(loaded)):
        if cancelled():
            raise Cancelled
        yield rows
