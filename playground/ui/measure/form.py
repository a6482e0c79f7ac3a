"""Values of the Measure tab's controls, and the request that they make for an analysis."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import Any

from playground.analyses.analysis import Analysis
from playground.analyses.common.request import FEW_MULTIPLES, MULTIPLES, MeasuredVector, OverScales, read_vectors
from playground.analyses.next_token.run import ShiftsRequest
from playground.analyses.registry import labelled
from playground.errors import InputError
from playground.library import reply_patterns
from playground.library.prompts import PromptSet
from playground.library.recipe import Component, Recipe, rounded
from playground.library.rows import read_rows
from playground.library.scale_window import UNKNOWN_SCALE
from playground.library.vector_set import VectorSet
from playground.model.generation.generate import Sampling
from playground.model.load import LoadedModel, is_organism
from playground.model.prompting import PromptFormat
from playground.services.scan.request import usual_unit
from playground.ui.kit.entered import real, whole
from playground.ui.kit.pick import Load
from playground.ui.widgets.prompt_source import PromptChoice, prompt_format

Request = OverScales | ShiftsRequest
"""What is asked of the model: vectors over scales, or one mix over multiples of it."""
ORGANISM_SCALE = 0.6
"""Relative scale that is usual on the organism where none were found."""
PLACE = "measure"
"""The name of the tab's prompt source on the page."""


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
    def analysis(self) -> Analysis:
        """The chosen analysis. Raises InputError for an unknown one."""
        return labelled(self.kind)

    @property
    def choice(self) -> PromptChoice:
        """The values of the prompt source."""
        return PromptChoice(
            self.source, self.set_name, self.typed, self.use, self.order, self.draw_seed, self.category, PLACE
        )

    @property
    def format(self) -> PromptFormat:
        """How prompts are formatted."""
        return prompt_format(self.mode, self.system)

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
        return list(dict.fromkeys(self.sets))

    def vectors(self, load: Load) -> tuple[MeasuredVector, ...]:
        """Every chosen row and average of every chosen set. Raises PlaygroundError."""
        return tuple(
            vector for name in self._set_names for vector in read_vectors(name, self.rows or "", load(name))
        )

    def request(self, whole_set: PromptSet, load: Load) -> Request:
        """The request of the chosen analysis, on a set of prompts; for a leaderboard, with as many random directions as
        there are vectors. Raises PlaygroundError for what cannot be asked.
        """
        analysis = self.analysis
        given = self._mix(load) if analysis.over == "mix" else self._over_scales(load)
        given |= self._common(whole_set)
        given |= {name: read(self) for name, read in _READ.items() if analysis.takes(name)}
        if analysis.generates:
            temperature = real(self.temperature, "a temperature") if analysis.takes("samples") else 0.0
            given["sampling"] = Sampling(whole(self.new_tokens, "new tokens"), temperature)
        if analysis.leaderboard and self.leaderboard:
            given["controls"] = max(given["controls"], len(given["vectors"]))
        request: Request = analysis.load("request")(**{analysis.asked: whole_set, **given})
        return request

    def _mix(self, load: Load) -> dict[str, Any]:
        """One vector at every scale, as a multiple of the norm of scale 1."""
        if not self.one_set:
            raise InputError("Expected a vector set to follow a vector of, got none; choose one.")
        row = whole(self.one_row, "vector", least=0)
        component = Component(self.one_set, row=row, amount=rounded(self._norm_of_one(load(self.one_set), row)))
        return {"recipe": Recipe((component,)), "multipliers": scale_numbers(self.scales)}

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

    def _over_scales(self, load: Load) -> dict[str, Any]:
        return {"vectors": self.vectors(load), "scales": scale_numbers(self.scales), "unit": self.unit}

    def _common(self, whole_set: PromptSet) -> dict[str, Any]:
        total = self.choice.available(whole_set)
        used = whole(self.use, "items") if self.use is not None else total
        return {
            "max_items": used if used < total else None,
            "sample_seed": self.choice.sample_seed,
            "balance": self.choice.balance,
            "controls": whole(self.controls, "random controls"),
            "seed": whole(self.seed, "seed"),
            "format": self.format,
            "positions": self.positions,
        }


_READ: dict[str, Callable[[MeasureForm], Any]] = {
    "patterns": lambda form: tuple(
        reply_patterns.parse(line) for line in (form.patterns or "").splitlines() if line.strip()
    ),
    "samples": lambda form: whole(form.samples, "samples"),
    "tokens": lambda form: whole(form.followed, "tokens followed"),
}
"""Readers of the controls for fields that only some requests have, by field."""


def suggested_scales(
    loaded: LoadedModel | None, vector_set: VectorSet | None, few: bool = False, unit: str | None = None
) -> tuple[str, str]:
    """Unit (the given or the usual one of the set) and scales (as typed) that suit a set.

    Relative and absolute ones are multiples of the median of its found scales, in either sign.
    """
    unit, multiples = unit or usual_unit(vector_set), FEW_MULTIPLES if few else MULTIPLES
    if unit == "f":
        return unit, " ".join(f"{multiple:g}" for multiple in multiples)
    usual = ORGANISM_SCALE if loaded is not None and is_organism(loaded) else UNKNOWN_SCALE
    if vector_set is not None:
        every = [] if vector_set.found_scales is None else vector_set.found_scales.flatten().tolist()
        if found := [scale for scale in every if scale > 0]:
            usual = median(found) / vector_set.origin.residual_norm
        if unit == "a":
            usual *= vector_set.origin.residual_norm
    return unit, " ".join(f"{multiple * usual:.2g}" for multiple in multiples)


def scale_numbers(text: str | None) -> tuple[float, ...]:
    """Numbers with spaces, commas or semicolons between them; a true minus sign counts as one. Raises InputError."""
    words = [word for word in re.split(r"[\s,;]+", (text or "").replace("−", "-")) if word]
    if not words:
        raise InputError("Expected scales, got none; write some, such as -0.5 0.5.")
    return tuple(real(word, "a scale") for word in words)
