"""KL of a recipe against the baseline at every token of its generated texts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from playground.library.mix import LoadSet
from playground.model.generation.streamed_text import text_pieces
from playground.model.interrupt import interrupts_passes
from playground.model.load import LoadedModel
from playground.model.prompting import encode
from playground.model.reading import forced
from playground.services.generate import GenerateRequest, GenerateResult, plan


@dataclass(frozen=True)
class TokenKl:
    """One token of a text: what it adds to the text, and KL(steered ‖ baseline) where it was chosen, in nats."""

    text: str
    kl: float


@interrupts_passes
def token_kl(
    loaded: LoadedModel,
    request: GenerateRequest,
    result: GenerateResult,
    load_set: LoadSet,
    cancelled: Callable[[], bool] = lambda: False,
) -> tuple[tuple[TokenKl, ...], ...]:
    """For every row of `result`, which `request` gave, its tokens; joined, their texts are the row's.

    Both models read the text as it was written (teacher forced); the baseline's own text has KL 0 throughout. Errors
    are those of `generate`; Cancelled after a cancel.
    """
    planned = plan(loaded, request, load_set)
    prompts = [request.prompts.index(row.prompt) for row in planned]
    encoded = encode(loaded, request.prompts, request.format).take(prompts)
    tokens = [row.token_ids for row in result.rows]
    pushes = [row.mix.edits for row in planned]
    values = forced.token_kl(loaded, encoded, tokens, pushes, request.positions, cancelled)
    return tuple(
        tuple(map(TokenKl, text_pieces(loaded.tokenizer, row), row_values))
        for row, row_values in zip(tokens, values, strict=True)
    )
