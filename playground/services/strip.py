"""The scale strip of one row: the same prompt at signed multiples of the row's found scale."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from playground.core.positions import Positions
from playground.library.recipe import Component, Recipe
from playground.library.scale_window import UNKNOWN_SCALE
from playground.library.vector_set import VectorSet
from playground.model.generation.sampling import Sampling
from playground.model.prompting import PromptFormat
from playground.services.generate import GenerateRequest

MULTIPLES = (-1.0, -0.5, 0.0, 0.5, 1.0, 1.5)


@dataclass(frozen=True)
class StripCell:
    """`multiple` of the found scale in its sign, 0 for the baseline; `norm`: of what is added, with the sign.

    `text`: so far; None before the first token.
    """

    multiple: float
    norm: float
    text: str | None = None


@dataclass(frozen=True)
class Strip:
    """The cells from the most negative to the most positive scale. `found`: whether a scale was found for the row in
    either sign; a sign without one takes the other's, and without any UNKNOWN_SCALE stands for it.
    """

    cells: tuple[StripCell, ...]
    found: bool

    def at(self, multiple: str) -> StripCell | None:
        """The cell whose multiple is written so, such as "-0.5"; None for another one."""
        return next((cell for cell in self.cells if f"{cell.multiple:g}" == multiple), None)

    def written(self, texts: Sequence[str]) -> Strip:
        """The strip with the texts of the rows of its request: the baseline first, then the other cells in order."""
        baseline, *others = texts
        left = iter(others)
        return Strip(
            tuple(
                StripCell(cell.multiple, cell.norm, next(left) if cell.multiple else baseline) for cell in self.cells
            ),
            self.found,
        )

    def request(
        self,
        source: str,
        row: int,
        prompt: str,
        format: PromptFormat,
        sampling: Sampling,
        positions: Positions = "all",
    ) -> GenerateRequest:
        """The request that writes the cells in one batch, for row `row` of the set `source`. Raises InputError."""
        recipes = tuple(
            Recipe((Component(source, row=row, amount=float(f"{cell.norm:.5g}")),))
            for cell in self.cells
            if cell.multiple
        )
        return GenerateRequest(
            prompts=(prompt,), format=format, recipes=recipes, positions=positions, sampling=sampling
        )


def strip_of(vector_set: VectorSet, row: int) -> Strip:
    """The strip of a row, without texts; norms have three digits of relative scale, as sliders have. Raises FileError
    for a row that is not there.
    """
    residual, pair = vector_set.origin.residual_norm, vector_set.found_pair(row)
    plus, minus = pair or (UNKNOWN_SCALE * residual,) * 2
    cells = []
    for multiple in MULTIPLES:
        relative = multiple * (minus if multiple < 0 else plus) / residual
        cells.append(StripCell(multiple, float(f"{relative:.3g}") * residual))
    return Strip(tuple(cells), pair is not None)
