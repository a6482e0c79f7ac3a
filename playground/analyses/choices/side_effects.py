"""Side effects on neutral prompts: KL, repetition and perplexity of every direction at its best scale."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from playground.analyses.choices.result import MeasureResult, SideEffect, SideEffects
from playground.analyses.choices.standings import Standing, best_rows, standings
from playground.analyses.common.directions import Direction, directions
from playground.core.noise import repetition
from playground.core.push import Push
from playground.errors import Cancelled, InputError
from playground.library import prompts as prompt_sets
from playground.library.mix import LoadSet
from playground.library.prompt_set import PromptSet
from playground.model.cut.memory import within_memory
from playground.model.generation.generate import Sampling, generate
from playground.model.interrupt import interrupts_passes
from playground.model.load import LoadedModel, is_organism
from playground.model.prompting import Encoded, PromptFormat, encode
from playground.model.reading.next_token import divergences, next_logits
from playground.model.reading.text_likelihood import perplexities

__all__ = ["SideEffect", "SideEffectProgress", "best_rows", "effects_of", "judge", "neutral_set", "side_effects"]

PROMPTS = 16
"""Neutral prompts whose next token is compared."""
TEXTS = 3
"""The first of them that are answered, for repetition and perplexity."""
TOKENS = 32


@dataclass(frozen=True)
class SideEffectProgress:
    """After `done` of `total` directions."""

    done: int
    total: int

    @property
    def share(self) -> float:
        return self.done / self.total


def neutral_set(loaded: LoadedModel) -> PromptSet:
    """The built-in prompts that steering should not affect, in the language of the model."""
    return prompt_sets.built_in()["organism-requests" if is_organism(loaded) else "neutral"]


def judge(
    loaded: LoadedModel,
    result: MeasureResult,
    load_set: LoadSet,
    emit: Callable[[SideEffectProgress], None] = lambda event: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> MeasureResult:
    """The result with the side effect of every direction at its best scale, on the model's neutral prompts. Raises as
    `side_effects` does, and InputError for scales of one sign and for a result of another model.
    """
    if loaded.fingerprint != result.fingerprint:
        raise InputError(f"Expected the model that was measured, {result.model}, got {loaded.name}; measure it again.")
    found, neutral = standings(result), neutral_set(loaded)
    effects = side_effects(loaded, result, found, neutral, load_set, emit, cancelled)
    of_rows = dict(zip(best_rows(result, found), effects, strict=True))
    return replace(result, side_effects=SideEffects(neutral, of_rows))


def effects_of(result: MeasureResult, found: Sequence[Standing]) -> tuple[SideEffect | None, ...]:
    """The side effects of standings of a result, in their order; None where they were not measured."""
    known = {} if result.side_effects is None else result.side_effects.of_rows
    return tuple(known.get(place) for place in best_rows(result, found))


@within_memory
@interrupts_passes
def side_effects(
    loaded: LoadedModel,
    result: MeasureResult,
    found: Sequence[Standing],
    neutral: PromptSet,
    load_set: LoadSet,
    emit: Callable[[SideEffectProgress], None] = lambda event: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> tuple[SideEffect, ...]:
    """The side effect of every standing at its best scale, in their order.

    `neutral` are prompts that no behaviour depends on, in the format of their set; the first PROMPTS of them are used.
    Raises InputError for standings of another measurement, FileError for sets that are gone, Cancelled after a cancel.
    """
    prompts = encode(loaded, neutral.texts()[:PROMPTS], PromptFormat.of_set(neutral), room=TOKENS)
    baseline = next_logits(loaded, prompts, [()] * len(prompts))
    units = _units(loaded, result, load_set)
    effects = []
    for standing in found:
        if cancelled():
            raise Cancelled
        direction = units.get((standing.kind, standing.name, standing.layer))
        if direction is None:
            raise InputError(f"Expected a direction of this measurement, got {standing.name}; measure it again.")
        scale = standing.best_scale
        pushes = (Push(direction.layer, scale * direction.unit),) if scale != 0 else ()
        positions = result.request.positions
        logits = next_logits(loaded, prompts, [pushes] * len(prompts), positions)
        divergence = float(divergences(logits, baseline).mean())
        effects.append(SideEffect(divergence, *_coherence(loaded, prompts, pushes, result, cancelled)))
        emit(SideEffectProgress(len(effects), len(found)))
    return tuple(effects)


def _units(
    loaded: LoadedModel, result: MeasureResult, load_set: LoadSet
) -> dict[tuple[str, str, int | None], Direction]:
    request = result.request
    found, _ = directions(loaded, request.vectors, request.controls, request.seed, load_set, request.unit)
    return {(direction.kind, direction.name, direction.layer): direction for direction in found}


def _coherence(
    loaded: LoadedModel,
    prompts: Encoded,
    pushes: tuple[Push, ...],
    result: MeasureResult,
    cancelled: Callable[[], bool],
) -> tuple[float, float | None, str]:
    """Repetition, perplexity and the first text of answers to the first prompts."""
    asked = prompts.take(range(min(TEXTS, len(prompts))))
    written = generate(
        loaded, asked, [pushes] * len(asked), result.request.positions, Sampling(max_new_tokens=TOKENS),
        cancelled=cancelled,
    )
    if written.cancelled:
        raise Cancelled
    repeated = [repetition(tokens) for tokens in written.token_ids]
    known = [value for value in perplexities(loaded, asked, written.token_ids) if value is not None]
    product = 1.0
    for value in known:
        product *= value ** (1 / len(known))
    return sum(repeated) / len(repeated), product if known else None, written.texts[0]
