"""Effects of an atlas's vectors: KL of the next token at one relative scale, beside random directions of equal norm."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import torch

from playground.core.contrast import random_directions
from playground.core.push import Push
from playground.core.time_to_go import TimeToGo
from playground.errors import Cancelled, InputError
from playground.library.atlas import Atlas
from playground.limits import check_real, check_whole, limits
from playground.model.cut.memory import within_memory
from playground.model.interrupt import interrupts_passes
from playground.model.load import LoadedModel, is_organism
from playground.model.prompting import encode
from playground.model.reading.next_token import divergences, next_logits
from playground.services.atlas.colours import CONTROL
from playground.services.scan.request import usual_scales
from playground.services.set_prompts import format_of

SIGNS = (1.0, -1.0)


def usual_scale(loaded: LoadedModel | None) -> float:
    """The relative scale to begin with on a model."""
    return usual_scales("r", loaded is not None and is_organism(loaded))[0]


@dataclass(frozen=True)
class EffectsRequest:
    """KL(steered ‖ baseline) of the token after each of the first `prompts` prompts of the atlas, with every vector and
    its negative added at all positions at relative scale `scale` of its source. Raises InputError out of range.
    """

    scale: float = 0.1
    prompts: int = 4
    seed: int = 0

    def __post_init__(self) -> None:
        check_real("relative scale", self.scale, 0, limits().effect_scale, above=True)
        check_whole("number of prompts", self.prompts, least=1)

    @property
    def name(self) -> str:
        """Of the effect in the atlas."""
        return f"KL at {self.scale:g} r"

    @property
    def control(self) -> str:
        """Of that of random directions."""
        return f"{self.name}{CONTROL}"


@dataclass(frozen=True)
class EffectsProgress:
    """How many of the sources are done, and the atlas with their effects."""

    done: int
    total: int
    seconds: float
    share: float
    seconds_to_go: float | None
    longer: bool
    so_far: Atlas


@within_memory
@interrupts_passes
def measure_effects(
    loaded: LoadedModel,
    atlas: Atlas,
    request: EffectsRequest,
    emit: Callable[[EffectsProgress], None] = lambda event: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Atlas:
    """The atlas with two effects more, (P, k, 2) in nats, mean over prompts: that of its vectors, and that of k random
    directions of equal norm, the same for all targets of a source. NaN for sources that a cancel has left out.

    Raises InputError for an atlas of another width or number of blocks, and Cancelled before there is anything.
    """
    if (atlas.origin.width, atlas.origin.block_count) != (loaded.width, loaded.block_count):
        raise InputError(
            f"Expected an atlas of {loaded.name}, width {loaded.width} and {loaded.block_count} blocks, got one of "
            f"{atlas.origin.model}; load that model."
        )
    begun, time_to_go = time.perf_counter(), TimeToGo()
    texts = atlas.origin.prompts[: request.prompts]
    encoded = [encode(loaded, [text], format_of(atlas.origin)) for text in texts]
    still = [next_logits(loaded, one, [()])[0] for one in encoded]
    found = {name: torch.full((len(atlas.pairs), atlas.k, 2), torch.nan) for name in (request.name, request.control)}
    sources = atlas.sources
    made = atlas
    for done, source in enumerate(sources, start=1):
        places = [place for place, pair in enumerate(atlas.pairs.tolist()) if pair[0] == source]
        drawn = random_directions(atlas.k, loaded.width, request.seed)
        rows = torch.cat([atlas.vectors[places].flatten(0, 1), drawn])
        norm = request.scale * float(atlas.residual_norms[source])
        pushes = [[Push(source, sign * norm * row / row.norm())] for row in rows for sign in SIGNS]
        total = torch.zeros(len(pushes), dtype=torch.float64)
        try:
            for one, baseline in zip(encoded, still, strict=True):
                if cancelled():
                    raise Cancelled
                logits = next_logits(loaded, one.take((0,) * len(pushes)), pushes)
                total += divergences(logits, baseline)
        except Cancelled:
            if done == 1:
                raise
            break
        values = (total / len(texts)).float().unflatten(0, (-1, 2))
        found[request.name][places] = values[: -atlas.k].unflatten(0, (len(places), atlas.k))
        found[request.control][places] = values[-atlas.k :]
        made = replace(atlas, effects={**atlas.effects, **{name: each.clone() for name, each in found.items()}})
        left = time_to_go.at(done / len(sources))
        seconds = time.perf_counter() - begun
        emit(EffectsProgress(done, len(sources), seconds, done / len(sources), left.seconds, left.longer, made))
    return made
