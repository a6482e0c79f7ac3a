"""What a computation will cost, said before the click: an estimate from the model's size that learns from every run."""

from __future__ import annotations

import math

from playground.core.krylov import KrylovSettings
from playground.core.melbo import MelboSettings
from playground.core.ortho import OrthoSettings
from playground.model.load import LoadedModel
from playground.services.find import FindRequest
from playground.ui.markup import escape
from playground.ui.running import seconds

STEPS = 4
"""Steps that block Krylov takes as a rule."""
OVERSAMPLE = 4
CHARACTERS_A_TOKEN = 4
TEMPLATE_TOKENS = 20
PRODUCT = 6
"""Forward passes' worth of one product forth and back through a kept graph."""
GRADIENT = 3
"""Forward passes' worth of a value and its gradient."""
SPEED = {"cpu": 3e10, "cuda": 2e13}
"""Floating-point operations a second before anything was measured: a laptop and a data-centre card, roughly."""

_measured: dict[tuple[str, str, str], float] = {}


def passes(request: FindRequest) -> float:
    """Forward passes through the blocks between source and target, a prompt; of the whole model for a difference."""
    if request.method == "power":
        steps = STEPS if request.solver == KrylovSettings.solver else request.steps or KrylovSettings.steps
        return PRODUCT * (request.vectors + OVERSAMPLE) * steps
    if request.method == "melbo":
        # A quarter of the steps with all restarts, the others with the best of each vector.
        return GRADIENT * request.vectors * (3 + request.restarts) / 4 * (request.steps or MelboSettings.steps)
    if request.method == "ortho":
        whole_batches = math.ceil(request.vectors / request.batch) * request.batch
        return GRADIENT * whole_batches * (request.steps or OrthoSettings.steps)
    return 1


def operations(loaded: LoadedModel, request: FindRequest) -> float:
    """Floating-point operations of a run, by order of magnitude."""
    texts = [*request.prompts, *request.against, *(answer for pair in request.answers for answer in pair)]
    tokens = sum(len(text) / CHARACTERS_A_TOKEN + TEMPLATE_TOKENS for text in texts)
    blocks = request.source + 1 if request.target is None else request.target - request.source
    return 2 * loaded.parameters / (loaded.block_count + 1) * blocks * tokens * passes(request)


def hint(loaded: LoadedModel, request: FindRequest) -> str:
    """One line: how much work it is, and about how long it takes."""
    if request.method == "random":
        return '<p class="sp-hint">costs next to nothing: one pass over the prompts</p>'
    if not 0 <= request.source < (request.target or loaded.block_count) < loaded.block_count + 1:
        return ""
    count = len(request.prompts) + len(request.against) + len(request.answers)
    parts = [f"{count} {'prompt' if count == 1 else 'prompts'}"]
    if request.target is not None:
        most = "at most " if request.method == "ortho" else ""
        blocks = request.target - request.source
        parts += [f"{blocks} {'block' if blocks == 1 else 'blocks'}", f"{most}{request.vectors} vectors"]
        if request.method in ("melbo", "ortho"):
            parts.append(f"{most}{request.steps or MelboSettings.steps} steps")
    about = "at most about" if request.method == "ortho" else "about"
    took = seconds(duration(loaded, request.method, operations(loaded, request)))
    return f'<p class="sp-hint">{escape(" × ".join(parts))} · {about} {took}</p>'


def learn(loaded: LoadedModel, request: FindRequest, took: float, done: float = 1.0) -> None:
    """Take in how long a run really took on this model; `done` is the part of the work that was done."""
    learn_speed(loaded, request.method, operations(loaded, request) * done, took)


def duration(loaded: LoadedModel, what: str, work: float) -> float:
    """About how many seconds so many operations take, at the speed that `what` had here before."""
    speed = _measured.get(_key(loaded, what), SPEED.get(loaded.device.type, SPEED["cpu"]))
    return max(work / speed, 0.1)


def learn_speed(loaded: LoadedModel, what: str, work: float, took: float) -> None:
    """Take in how long so many operations really took."""
    if took > 0 and work > 0:
        _measured[_key(loaded, what)] = work / took


def _key(loaded: LoadedModel, what: str) -> tuple[str, str, str]:
    return loaded.fingerprint, str(loaded.device), what
