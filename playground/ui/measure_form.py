"""Values of the Measure tab's controls, and the request that they make for each kind of measurement."""

from __future__ import annotations

import re
from dataclasses import dataclass
from statistics import median
from typing import Any

from playground.analyses.choices.request import MeasureRequest
from playground.analyses.common.request import FEW_MULTIPLES, MULTIPLES, MeasuredVector, read_vectors
from playground.analyses.exact.run import ExactRequest
from playground.analyses.next_token.run import ShiftsRequest
from playground.analyses.replies.run import RepliesRequest
from playground.errors import InputError
from playground.library import reply_patterns
from playground.library.prompts import PromptSet
from playground.library.recipe import Component, Recipe
from playground.library.rows import read_rows
from playground.library.vector_set import VectorSet
from playground.model.generate import Sampling
from playground.model.load import LoadedModel, is_organism
from playground.model.prompting import PromptFormat
from playground.services.scan.request import usual_unit
from playground.ui import defaults
from playground.ui.entered import real, whole
from playground.ui.prompt_source import PromptChoice
from playground.ui.vector_picker import Load, rounded

CHOICES, EXACT, REPLIES = "Choices", "Exact answers", "Replies"
NEXT, COMPARE = "Next token", "Compare sets"
KINDS = (CHOICES, EXACT, REPLIES, NEXT, COMPARE)
GENERATED = (EXACT, REPLIES)
"""Kinds that generate a text for every item, vector and scale."""
WANTED = {
    CHOICES: ("choices",),
    EXACT: ("exact",),
    REPLIES: RepliesRequest.SETS,
    NEXT: ("prompts", "exact", "choices", "contrast"),
}
"""The kinds of prompt sets that each kind of measurement asks."""
ORGANISM_SCALE = 0.6
"""Relative scale that is usual on the organism where none were found."""
PLACE = "measure"
"""Stands before the ids of its prompt source, and names its upload."""


@dataclass(frozen=True)
class MeasureForm:
    """The values of the controls, in the order in which the page sends them."""

    kind: str
    source: str
    set_name: str | None
    typed: str | None
    use: float | None
    order: str
    draw_seed: float | None
    category: str | None
    mode: str
    system: str | None
    sets: list[str] | None
    rows: str | None
    one_set: str | None
    one_row: str | None
    scales: str | None
    unit: str
    controls: float
    seed: float
    positions: str
    new_tokens: float
    followed: float
    leaderboard: bool
    patterns: str | None
    samples: float
    temperature: float

    @property
    def known_kind(self) -> str:
        """The kind of measurement. Raises InputError for one there is not."""
        if self.kind not in KINDS:
            raise InputError(f"Expected a kind of measurement, got “{self.kind}”; choose {', '.join(KINDS)}.")
        return self.kind

    @property
    def choice(self) -> PromptChoice:
        return PromptChoice(
            self.source, self.set_name, self.typed, self.use, self.order, self.draw_seed, self.category, PLACE
        )

    @property
    def format(self) -> PromptFormat:
        chat = self.mode == "chat"
        return PromptFormat(chat=chat, system=(self.system or "").strip() or None if chat else None)

    def chosen(self, load: Load) -> list[tuple[VectorSet, tuple[int, ...]]]:
        """The sets and which of their rows. Raises PlaygroundError."""
        chosen = []
        for name in self._set_names:
            vector_set = load(name)
            rows = read_rows(self.rows or "", vector_set)
            chosen.append((vector_set, tuple(range(vector_set.rows)) if rows is None else rows))
        return chosen

    @property
    def _set_names(self) -> list[str]:
        if not self.sets:
            raise InputError("Expected a vector set to measure, got none; choose one, or find some in Discover.")
        return self.sets

    def vectors(self, load: Load) -> tuple[MeasuredVector, ...]:
        """Every chosen row and average of every chosen set. Raises PlaygroundError."""
        return tuple(
            vector for name in self._set_names for vector in read_vectors(name, self.rows or "", load(name))
        )

    def choices_request(self, whole_set: PromptSet, load: Load) -> MeasureRequest:
        """What Measure asks of a choice set. A leaderboard needs as many random directions as there are vectors."""
        given = self._given(whole_set, load)
        if self.leaderboard:
            given["controls"] = max(given["controls"], len(given["vectors"]))
        return MeasureRequest(choices=whole_set, **given)

    def exact_request(self, whole_set: PromptSet, load: Load) -> ExactRequest:
        """What Measure asks of questions with exact answers."""
        sampling = Sampling(max_new_tokens=whole(self.new_tokens, "new tokens", least=1))
        return ExactRequest(questions=whole_set, **self._given(whole_set, load), sampling=sampling)

    def replies_request(self, whole_set: PromptSet, load: Load) -> RepliesRequest:
        """What Measure asks of replies: patterns are typed one a line, NAME=REGEX."""
        lines = [line for line in (self.patterns or "").splitlines() if line.strip()]
        sampling = Sampling(
            max_new_tokens=whole(self.new_tokens, "new tokens", least=1),
            temperature=real(self.temperature, "a temperature"),
        )
        return RepliesRequest(
            prompts=whole_set,
            patterns=tuple(map(reply_patterns.parse, lines)),
            samples=whole(self.samples, "samples", least=1),
            sampling=sampling,
            **self._given(whole_set, load),
        )

    def shifts_request(self, whole_set: PromptSet, load: Load) -> ShiftsRequest:
        """One vector at every scale, as a multiple of the norm of scale 1."""
        if not self.one_set:
            raise InputError("Expected a vector set to follow a vector of, got none; choose one.")
        row = whole(self.one_row, "vector", least=0)
        component = Component(self.one_set, row=row, amount=rounded(self._norm_of_one(load(self.one_set), row)))
        return ShiftsRequest(
            prompts=whole_set,
            recipe=Recipe((component,)),
            multipliers=scale_numbers(self.scales),
            tokens=whole(self.followed, "tokens followed", least=1),
            **self._common(whole_set),
        )

    def _norm_of_one(self, vector_set: VectorSet, row: int) -> float:
        """The norm of scale 1 of a single vector: for found scales that of its positive sign, or the other one."""
        if self.unit != "f":
            return vector_set.origin.residual_norm if self.unit == "r" else 1.0
        found = vector_set.found_pair(row) if row < vector_set.rows else None
        if found is None:
            raise InputError(
                f"Expected a found scale for vector {row} of {self.one_set}, got none; find its scales in Discover, or "
                "choose relative scales."
            )
        return found[0]

    def _given(self, whole_set: PromptSet, load: Load) -> dict[str, Any]:
        return {
            "vectors": self.vectors(load),
            "scales": scale_numbers(self.scales),
            "unit": self.unit,
            **self._common(whole_set),
        }

    def _common(self, whole_set: PromptSet) -> dict[str, Any]:
        total = self.choice.available(whole_set)
        used = whole(self.use, "items", least=1) if self.use is not None else total
        return {
            "max_items": used if used < total else None,
            "sample_seed": self.choice.sample_seed,
            "balance": self.choice.balance,
            "controls": whole(self.controls, "random controls", least=1),
            "seed": whole(self.seed, "seed", least=0),
            "format": self.format,
            "positions": self.positions,
        }


def begin_with(
    loaded: LoadedModel | None, vector_set: VectorSet | None, few: bool = False, unit: str | None = None
) -> tuple[str, str]:
    """The unit (the one given, or the usual one of the set) and scales in it that suit the set, as typed.

    Relative and absolute ones are multiples of the median of its found scales, in either sign.
    """
    unit, multiples = unit or usual_unit(vector_set), FEW_MULTIPLES if few else MULTIPLES
    if unit == "f":
        return unit, " ".join(f"{multiple:g}" for multiple in multiples)
    found = [] if vector_set is None or vector_set.found_scales is None else vector_set.found_scales.flatten().tolist()
    found = [scale for scale in found if scale > 0]
    if found:
        usual = median(found) / vector_set.origin.residual_norm
    else:
        usual = ORGANISM_SCALE if loaded is not None and is_organism(loaded) else defaults.UNKNOWN_SCALE
    if unit == "a" and vector_set is not None:
        usual *= vector_set.origin.residual_norm
    return unit, " ".join(f"{multiple * usual:.2g}" for multiple in multiples)


def scale_numbers(text: str | None) -> tuple[float, ...]:
    """Numbers with spaces, commas or semicolons between them; a true minus sign counts as one. Raises InputError."""
    words = [word for word in re.split(r"[\s,;]+", (text or "").replace("−", "-")) if word]
    if not words:
        raise InputError("Expected scales, got none; write some, such as -0.5 0.5.")
    return tuple(real(word, "a scale") for word in words)
