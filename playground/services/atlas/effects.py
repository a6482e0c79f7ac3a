"""Effects of an atlas's vectors at one relative scale, beside random directions of equal norm: KL of the next token,
with texts that break set aside, and the swing of the logit difference of choices.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import torch
from torch import Tensor

from playground.core.contrast import random_directions
from playground.core.time_to_go import TimeToGo
from playground.errors import Cancelled, InputError
from playground.library.atlas import Atlas
from playground.library.prompt_set import PromptSet
from playground.library.prompts import built_in
from playground.limits import check_real, check_whole, limits
from playground.model.cut.memory import within_memory
from playground.model.interrupt import interrupts_passes
from playground.model.load import LoadedModel, is_organism
from playground.model.prompting import encode
from playground.services.atlas.colours import BROKEN, CONTROL, SWING, winners
from playground.services.push_effects import Divergence, LogOdds
from playground.services.scales.run import ScalesRequest
from playground.services.scales.texts import Reader, Written
from playground.services.scan.request import usual_scales
from playground.services.set_prompts import format_of

SIGNS = (1.0, -1.0)
Ahead = Sequence[tuple[int, int]]
"""Pairs of layers by their place, each with which of its 2k rows and signs is in front."""


def usual_scale(loaded: LoadedModel | None) -> float:
    """The relative scale to begin with on a model."""
    return usual_scales("r", loaded is not None and is_organism(loaded))[0]


@dataclass(frozen=True)
class EffectsRequest:
    """KL(steered ‖ baseline) of the token after each of the first `prompts` prompts of the atlas, with every vector and
    its negative added at all positions at relative scale `scale` of its source. Of every pair the winner among rows and
    signs goes on with a greedy text of `tokens` tokens after the shortest of these prompts, and where that is noise
    (core/noise.py) the next does: 0 tokens look at none. Raises InputError out of range.
    """

    scale: float = 0.1
    prompts: int = 4
    seed: int = 0
    tokens: int = 16

    def __post_init__(self) -> None:
        check_real("relative scale", self.scale, 0, limits().effect_scale, above=True)
        check_whole("number of prompts", self.prompts, least=1)
        if self.tokens != 0:
            check_whole("number of new tokens", self.tokens, least=4, most=limits().look_tokens)

    @property
    def name(self) -> str:
        """Of the effect in the atlas."""
        return f"KL at {self.scale:g} r"

    @property
    def control(self) -> str:
        """Of that of random directions."""
        return f"{self.name}{CONTROL}"


@dataclass(frozen=True)
class SwingRequest:
    """Mean logit difference of the first `items` items of a choice set, letters weighed alike, with every vector and
    its negative added at all positions at relative scale `scale` of its source, less the baseline's. Raises InputError
    for a set of another kind and out of range.
    """

    choices: PromptSet
    scale: float = 0.1
    items: int = 16
    seed: int = 0

    def __post_init__(self) -> None:
        check_real("relative scale", self.scale, 0, limits().effect_scale, above=True)
        check_whole("number of items", self.items, least=1, most=limits().items)
        if self.choices.kind != "choices":
            raise InputError(
                f"Expected a set of choice items for the swing, got {self.choices.name}, a set of {self.choices.kind}; "
                "choose questions with two answers."
            )

    @property
    def name(self) -> str:
        """Of the effect in the atlas."""
        return f"{SWING}{self.scale:g} r"

    @property
    def control(self) -> str:
        """Of that of random directions."""
        return f"{self.name}{CONTROL}"


@dataclass(frozen=True)
class EffectsProgress:
    """How many of the sources are done, and the atlas with their effects; `name` of the effect."""

    name: str
    done: int
    total: int
    seconds: float
    share: float
    seconds_to_go: float | None
    longer: bool
    so_far: Atlas


def choices_of(atlas: Atlas) -> PromptSet | None:
    """The built-in choice set that an atlas was made on; None where it was made on other prompts."""
    made_on = built_in().get(atlas.origin.prompt_set or "")
    return made_on if made_on is not None and made_on.kind == "choices" else None


@within_memory
@interrupts_passes
def measure_effects(
    loaded: LoadedModel,
    atlas: Atlas,
    request: EffectsRequest | SwingRequest,
    emit: Callable[[EffectsProgress], None] = lambda event: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Atlas:
    """The atlas with effects more, (P, k, 2): that of its vectors, and that of k random directions of equal norm, the
    same for all targets of a source; NaN for sources that a cancel has left out. KL is in nats, mean over prompts, and
    comes with whether texts are broken: 1 they are, 0 they are not, NaN for rows and signs that were not looked at.
    Swings are in nats of log-odds.

    Raises InputError for an atlas of another width or number of blocks and for choices of which none can be scored,
    Cancelled before there is anything.
    """
    if (atlas.origin.width, atlas.origin.block_count) != (loaded.width, loaded.block_count):
        raise InputError(
            f"Expected an atlas of {loaded.name}, width {loaded.width} and {loaded.block_count} blocks, got one of "
            f"{atlas.origin.model}; load that model."
        )
    begun, time_to_go = time.perf_counter(), TimeToGo()
    effect: _Effect
    if isinstance(request, SwingRequest):
        effect = _Swing(loaded, atlas, request, cancelled)
    else:
        effect = _Divergence(loaded, atlas, request, cancelled)
    found: dict[str, Tensor] = {}
    sources = atlas.sources
    made = atlas
    for done, source in enumerate(sources, start=1):
        places = [place for place, pair in enumerate(atlas.pairs.tolist()) if pair[0] == source]
        drawn = random_directions(atlas.k, loaded.width, request.seed)
        rows = torch.cat([atlas.vectors[places], drawn[None]])
        norm = request.scale * float(atlas.residual_norms[source])
        units = norm * rows / rows.norm(dim=-1, keepdim=True)
        signed = torch.stack([sign * units for sign in SIGNS], dim=2)  # (pairs and 1, k, 2, d)
        try:
            measured = effect.at(source, signed)
        except Cancelled:
            if done == 1:
                raise
            break
        for ending, values in measured.items():
            for name, own in ((request.name, values[:-1]), (request.control, values[-1])):
                blank = torch.full((len(atlas.pairs), atlas.k, 2), torch.nan)
                found.setdefault(f"{name}{ending}", blank)[places] = own
        made = replace(atlas, effects={**atlas.effects, **{name: each.clone() for name, each in found.items()}})
        left, share = time_to_go.at(done / len(sources)), done / len(sources)
        seconds = time.perf_counter() - begun
        emit(EffectsProgress(request.name, done, len(sources), seconds, share, left.seconds, left.longer, made))
    return made


class _Effect(Protocol):
    """A quantity that is measured source by source."""

    def at(self, source: int, signed: Tensor) -> dict[str, Tensor]:
        """Values (n, k, 2) float32 by the ending of their name, of what is added at `source`, (n, k, 2, d). Raises
        Cancelled.
        """


class _Divergence:
    """KL of the next token, mean over prompts, and whether the texts of winners break."""

    def __init__(
        self, loaded: LoadedModel, atlas: Atlas, request: EffectsRequest, cancelled: Callable[[], bool]
    ) -> None:
        self._loaded, self._tokens, self._cancelled = loaded, request.tokens, cancelled
        self._prompts = encode(loaded, atlas.origin.prompts[: request.prompts], format_of(atlas.origin))
        self._effect = Divergence(loaded, self._prompts, cancelled)

    def at(self, source: int, signed: Tensor) -> dict[str, Tensor]:
        values = self._effect.mean(self._effect.read(source, signed.flatten(0, 2))).float().reshape(signed.shape[:3])
        return {"": values} | ({BROKEN: self._broken(source, signed, values)} if self._tokens else {})

    def _broken(self, source: int, signed: Tensor, values: Tensor) -> Tensor:
        """(n, k, 2): 1 where a text is noise, 0 where it is not; NaN behind the first of each pair that is not."""
        asked = ScalesRequest(texts=2, prompts=1, tokens=self._tokens)
        reader = Reader(self._loaded, self._prompts, source, asked, self._cancelled)
        broken = torch.full(values.shape, torch.nan)
        flat = broken.view(len(values), -1)
        places = list(range(len(values)))
        while places:
            best = winners(values, broken).tolist()
            ahead = [(place, best[place]) for place in places if best[place] >= 0]

            def record(numbers: Sequence[int], written: Sequence[Written], ahead: Ahead = tuple(ahead)) -> None:
                for number, text in zip(numbers, written, strict=True):
                    flat[ahead[number]] = float(text.noise)

            reader.write([signed[place].flatten(0, 1)[number] for place, number in ahead], 0, record)
            places = [place for place, number in ahead if flat[place, number] == 1]
        return broken


class _Swing:
    """The mean logit difference of choice items, less the baseline's."""

    def __init__(self, loaded: LoadedModel, atlas: Atlas, request: SwingRequest, cancelled: Callable[[], bool]) -> None:
        self._effect = LogOdds(loaded, request.choices, format_of(atlas.origin), request.items, cancelled)

    def at(self, source: int, signed: Tensor) -> dict[str, Tensor]:
        values = self._effect.mean(self._effect.read(source, signed.flatten(0, 2)))
        return {"": values.float().reshape(signed.shape[:3])}
