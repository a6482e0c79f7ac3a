"""The texts of a scan, in the order in which they are generated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from playground.library.recipe import Recipe
from playground.library.vector_set import VectorSet
from playground.services.scan.request import ScanRequest


@dataclass(frozen=True)
class Planned:
    """One text to come; `row` None for a baseline. `number` is its place in the result."""

    number: int
    prompt: int
    sample: int
    row: int | None = None
    sign: int = 1
    scale: float = 0.0
    recipe: Recipe = Recipe()


def plan(
    request: ScanRequest, vector_set: VectorSet, signed_rows: Sequence[tuple[int, int]], lengths: Sequence[int]
) -> list[Planned]:
    """Baselines first, since every other text is compared with one; then prompt by prompt, the shortest first.

    `lengths` are the tokens of each prompt: those of similar length come together, so that little of a batch is
    padding, and the texts of one prompt too. `signed_rows` are the (row, sign) pairs to scan.
    """
    baselines = [(prompt, sample) for prompt in range(len(request.prompts)) for sample in range(request.samples)]
    entries = [Planned(number, prompt, sample) for number, (prompt, sample) in enumerate(baselines)]
    cells = [
        Planned(number, prompt, sample, row, sign, scale, recipe)
        for number, (prompt, row, sign, scale, recipe, sample) in enumerate(
            (prompt, row, sign, scale, recipe, sample)
            for prompt in range(len(request.prompts))
            for row, sign in signed_rows
            for scale in request.scales
            for recipe in (request.recipe(row, sign, scale, vector_set),)
            for sample in range(request.samples)
        )
    ]
    return [
        *sorted(entries, key=lambda entry: lengths[entry.prompt]),
        *sorted(cells, key=lambda entry: (lengths[entry.prompt], entry.number)),
    ]
