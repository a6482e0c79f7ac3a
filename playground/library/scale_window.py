"""Found scales of one direction and sign: where its text begins to change, where it breaks, and where to begin."""

from __future__ import annotations

from dataclasses import dataclass

UNKNOWN_SCALE = 0.2
"""Relative scale to begin with where none was looked for: breaks on SmolLM2 lie between 0.05 and 0.7."""


@dataclass(frozen=True)
class ScaleWindow:
    """What was found when a row was pushed one way, in absolute norms; None where there is none.

    `onset`: the scale from which the greedy text differs from the baseline. `break_`: the scale from which it is no
    longer text. `found`: the scale to begin with, as strong as the text bears, onset ≤ found < break. `tried`: the
    largest scale that was looked at; below it a missing onset or break is a finding, beyond it nothing is known.
    """

    onset: float | None
    break_: float | None
    found: float | None
    tried: float

    @property
    def noise(self) -> bool:
        """Whether the text breaks before it says anything else: the window is empty."""
        return self.found is None and self.break_ is not None
