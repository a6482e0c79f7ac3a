"""Amount of work of a request, in passes through the model: what estimates of its time begin with."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from playground.analyses import registry
from playground.analyses.common.over_texts import OverTexts
from playground.analyses.common.request import OverScales
from playground.analyses.next_token.run import ShiftsRequest
from playground.core.band import BATCH
from playground.methods.base.request import FindRequest
from playground.model.generation.batch import rows_together
from playground.model.load import LoadedModel
from playground.model.prompting import PromptFormat, encode
from playground.services.atlas.request import USUAL_SWEEPS, AtlasRequest
from playground.services.band.request import BandRequest
from playground.services.scales.onsets import PASSES
from playground.services.scales.run import BLOCK, ScalesRequest
from playground.services.scan import ScanRequest

_JUDGED = 4
"""Directions of a band that are verified."""
_SAMPLE = 16
"""Texts at most whose tokens are counted."""
_CHARACTERS = 4
"""Characters of a token, where none are counted: of answers that follow a text."""


@dataclass(frozen=True)
class Work:
    """Work of the kind `kind`: `calls` of the whole model, and `tokens` that go through all of it; half of its blocks
    are half a call. By order of magnitude: what a kind takes beyond that is learnt (learned.py).
    """

    kind: str
    calls: float
    tokens: float


def work_of_find(loaded: LoadedModel, request: FindRequest, known: int = 0) -> Work:
    """Finding directions, of which `known` are there. Raises InputError for prompts that cannot be formatted."""
    texts = [*request.prompts, *request.against]
    read = _tokens(loaded, texts, request.format) * len(texts)
    read += sum(len(text) for pair in request.answers for text in pair) / _CHARACTERS
    passes = request.by.passes(request) * (1 - known / max(request.k, 1))
    whole = loaded.block_count
    before = (request.source + 1) / whole
    between = 0.0 if request.target is None else (request.target - request.source) / whole
    calls = before + between * passes / max(request.k, 1)
    return Work(request.method, calls, read * (before + between * passes))


def work_of_atlas(loaded: LoadedModel, request: AtlasRequest) -> Work:
    """An atlas. Raises as `work_of_find`."""
    find = request.find
    read = _tokens(loaded, find.prompts, find.format) * len(find.prompts)
    passes = request.passes * (request.layers[-1] + 1) / loaded.block_count
    return Work("atlas", 2 * USUAL_SWEEPS, read * passes)


def work_of_band(loaded: LoadedModel, request: BandRequest) -> Work:
    """The search of a band and its verification. Raises as `work_of_find`."""
    read = _tokens(loaded, request.search.texts(), request.format) * len(request.search.items)
    verified = _tokens(loaded, request.held_out.texts(), request.format) * len(request.held_out.items)
    above = 1 - (request.source_set.origin.source + 1) / loaded.block_count
    calls = 2 * request.budget / BATCH * len(request.search.items)
    tokens = 2 * request.budget * read + _JUDGED * (read + verified)
    return Work("band", above * calls + request.tokens, above * tokens)


def work_of_scales(
    loaded: LoadedModel, prompts: Sequence[str], format: PromptFormat, rows: int, request: ScalesRequest | None = None
) -> Work:
    """The search for the scales of `rows` vectors found on prompts. Raises as `work_of_find`."""
    asked = ScalesRequest() if request is None else request
    read = _tokens(loaded, sorted(prompts, key=len)[: asked.prompts], format) + asked.tokens
    texts = 2 * rows * asked.texts
    calls = math.ceil(2 * rows / BLOCK) * (asked.texts * (asked.tokens + 1) + PASSES)
    return Work("scales", calls, texts * read + PASSES * 2 * rows * read)


def work_of_scan(loaded: LoadedModel, request: ScanRequest, texts: int) -> Work:
    """So many texts of a scan, written and read. Raises as `work_of_find`."""
    return _written(loaded, "scan", request.prompts, request.format, texts, request.sampling.max_new_tokens, read=2)


def work_of_generate(
    loaded: LoadedModel, prompts: Sequence[str], format: PromptFormat, texts: int, tokens: int
) -> Work:
    """So many texts of up to `tokens` new tokens. Raises as `work_of_find`."""
    return _written(loaded, "generate", prompts, format, texts, tokens, read=1)


def work_of_measure(loaded: LoadedModel, request: OverScales | ShiftsRequest) -> Work:
    """A measurement. Raises as `work_of_find`."""
    kind = registry.of(request).name
    if isinstance(request, OverTexts):
        tokens = request.sampling.max_new_tokens
        return _written(loaded, kind, request.questions_asked, request.format, request.texts, tokens, read=1)
    length = _tokens(loaded, request.read, request.format)
    pushes = request.pushes / registry.of(request).shared
    return Work(kind, len(request.read), length * len(request.read) * pushes)


def _written(
    loaded: LoadedModel, kind: str, prompts: Sequence[str], format: PromptFormat, texts: int, tokens: int, read: float
) -> Work:
    """`texts` of up to `tokens` new tokens after prompts, all of them gone through `read` times."""
    length = _tokens(loaded, prompts, format) + tokens
    batches = math.ceil(texts / rows_together(loaded, math.ceil(length)))
    return Work(kind, batches * (tokens + read), read * texts * length)


def _tokens(loaded: LoadedModel, prompts: Sequence[str], format: PromptFormat) -> float:
    """Mean number of tokens of a formatted prompt: of some of them, spread over all."""
    some = [prompts[len(prompts) * place // min(len(prompts), _SAMPLE)] for place in range(min(len(prompts), _SAMPLE))]
    lengths = encode(loaded, some, format).lengths
    characters = sum(map(len, prompts)) / len(prompts) - sum(map(len, some)) / len(some)
    return max(sum(lengths) / len(lengths) + characters / _CHARACTERS, 1.0)
