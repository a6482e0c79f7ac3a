"""Onset of one direction: bisection guided by how the margins of the baseline's tokens shrink with the scale."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

PASSES = 2
"""Forward passes a direction: the first aims, the second comes within about a tenth of the onset."""
_BEYOND = 1.05  # times the expected onset: a trial just beyond it bounds it from above
_CLOSEST = 0.1  # of the bracket: no trial is nearer to its ends than this part of it


@dataclass
class OnsetBracket:
    """Greedy text is the baseline's at `low` and another one at `high`. `still` (T,) are the margins at scale 0."""

    low: float
    high: float
    still: Tensor
    _guess: float | None = None

    @property
    def trial(self) -> float:
        """The scale to try next: where margins are expected to reach 0, or the middle."""
        middle = 0.5 * (self.low + self.high)
        room = _CLOSEST * (self.high - self.low)
        return middle if self._guess is None else min(max(self._guess, self.low + room), self.high - room)

    def record(self, margins: Tensor) -> None:
        """Take the margins (T,) at the trial's scale. Each is taken to shrink in proportion to the scale."""
        scale = self.trial
        falling = margins < self.still
        if bool(falling.any()):
            self._guess = _BEYOND * float(scale * (self.still / (self.still - margins))[falling].min())
        else:
            self._guess = None
        if bool((margins > 0).all()):
            self.low = scale
        else:
            self.high = scale


def holding(margins: Tensor) -> Tensor:
    """Mask (T,) of the tokens that greedy decoding chooses by more than rounding; the margins of others are noise."""
    if not len(margins):
        return torch.zeros(0, dtype=torch.bool)
    return margins > 1e-3 * torch.clamp(margins.abs().amax(), min=1e-6)
