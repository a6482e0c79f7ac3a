"""Estimated run time of a computation, from its number of operations and the speed of the machine.

The speed is that of the last run of the same kind on the same model, before the first one that of a matrix product.
"""

from __future__ import annotations

import functools
import math
import time
from collections.abc import Sequence

import torch

from playground.model.load import LoadedModel
from playground.services.find import FindRequest
from playground.services.scales import ScalesRequest
from playground.ui.kit.markup import escape
from playground.ui.kit.running import seconds

CHARACTERS_A_TOKEN = 4
TEMPLATE_TOKENS = 20
SCALES = "scales"
"""Key of the search for scales among the measured speeds."""
_PROBE = 512
"""Width of the matrices whose product is timed."""

_measured: dict[tuple[str, str, str], float] = {}


def operations(loaded: LoadedModel, request: FindRequest) -> float:
    """Floating-point operations of a run, by order of magnitude."""
    texts = [*request.prompts, *request.against, *(answer for pair in request.answers for answer in pair)]
    tokens = sum(len(text) / CHARACTERS_A_TOKEN + TEMPLATE_TOKENS for text in texts)
    blocks = request.source + 1 if request.target is None else request.target - request.source
    return 2 * loaded.parameters / (loaded.block_count + 1) * blocks * tokens * max(request.by.passes(request), 1)


def scale_operations(loaded: LoadedModel, prompts: Sequence[str], rows: int) -> float:
    """Floating-point operations of a search for the scales of `rows` rows, by order of magnitude: texts in both signs,
    and the probability of each of their tokens.
    """
    asked = ScalesRequest()
    shortest = sorted(map(len, prompts))[: asked.prompts]
    tokens = sum(shortest) / max(len(shortest), 1) / CHARACTERS_A_TOKEN + TEMPLATE_TOKENS + 2 * asked.tokens
    return 2 * loaded.parameters * tokens * 2 * rows * asked.texts


def hint(loaded: LoadedModel, request: FindRequest, scales: bool = False) -> str:
    """One line on the size of a run and its estimated time; `scales` adds the search for scales that follows it."""
    last = ""
    if scales:
        took = seconds(duration(loaded, SCALES, scale_operations(loaded, request.prompts, request.k)))
        last = f", and {took} for the scales"
    method = request.by
    if method.passes(request) == 0:
        return f'<p class="sp-hint">costs next to nothing: one pass over the prompts{escape(last)}</p>'
    if not 0 <= request.source < (request.target or loaded.block_count) < loaded.block_count + 1:
        return ""
    count = len(request.prompts) + len(request.against) + len(request.answers)
    parts = [f"{count} {'prompt' if count == 1 else 'prompts'}"]
    if request.target is not None:
        most = "at most " if method.at_most else ""
        blocks = request.target - request.source
        parts += [f"{blocks} {'block' if blocks == 1 else 'blocks'}", f"{most}{request.vectors} vectors"]
        parts += [f"{most}{getattr(request.settings, name)} {name}" for name in method.cost]
    about = "at most about" if method.at_most else "about"
    took = seconds(duration(loaded, request.method, operations(loaded, request)))
    return f'<p class="sp-hint">{escape(" × ".join(parts))} · {about} {took}{escape(last)}</p>'


def learn(loaded: LoadedModel, request: FindRequest, took: float, done: float = 1.0) -> None:
    """Record the seconds that a run took on this model; `done` is the share of the work that was done."""
    learn_speed(loaded, request.method, operations(loaded, request) * done, took)


def duration(loaded: LoadedModel, what: str, work: float) -> float:
    """Estimated seconds of `work` operations of the kind `what` on this model."""
    speed = _measured.get(_key(loaded, what)) or _speed(loaded.device, loaded.dtype)
    return max(work / speed, 0.1)


def learn_speed(loaded: LoadedModel, what: str, work: float, took: float) -> None:
    """Record the seconds that `work` operations of the kind `what` took."""
    if took > 0 and work > 0:
        _measured[_key(loaded, what)] = work / took


@functools.cache
def _speed(device: torch.device, dtype: torch.dtype) -> float:
    """Floating-point operations a second of a matrix product: a bound that large models come near to."""
    matrix = torch.ones(_PROBE, _PROBE, device=device, dtype=dtype)
    best = math.inf
    for _ in range(4):  # the first one includes the initialisation of the device
        begun = time.perf_counter()
        float((matrix @ matrix)[0, 0])  # waits for the device
        best = min(best, time.perf_counter() - begun)
    return 2 * _PROBE**3 / best


def _key(loaded: LoadedModel, what: str) -> tuple[str, str, str]:
    return loaded.fingerprint, str(loaded.device), what
