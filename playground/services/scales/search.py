"""Search for the break of one direction by probabilistic bisection, and the scale to begin with below it.

Whether a text at a scale is noise is random: small models fall into loops now and then at any scale, and breaks differ
between prompts. So the break b is a random quantity with a posterior on a logarithmic grid; each text multiplies it by
a likelihood, and the next text is generated at a scale that is informative about it: the adaptive staircase of
psychophysics (QUEST: Watson and Pelli, 1983; probabilistic bisection: Horstein, 1963). The number of texts is fixed,
which bounds the cost.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from playground.library.scale_window import ScaleWindow

STEP = 2**0.25
"""Neighbouring scales of the grid."""
LAPSE = 0.06
"""Share of texts that are noise at any scale, however small: greedy decoding of a small model loops."""
WIDTH = 0.35
"""Spread of the break over prompts, the standard deviation of its logarithm."""
PRIOR_WIDTH = 1.2
"""Spread of breaks over directions, the standard deviation of their logarithm: wide, since models differ too."""
TRIAL_NOISE = 0.35
"""Texts are written where noise is expected with this probability."""
FOUND_NOISE = 0.18
"""The found scale is where noise is expected with this probability: as strong as the text bears."""


@dataclass(frozen=True)
class Verdict:
    """Classification of a text: noise or not, and whether it differs from the baseline's."""

    scale: float
    prompt: int
    noise: bool
    differs: bool


class ScaleSearch:
    """Search along one direction between the scales `least` and `most`, beginning at `start`."""

    def __init__(self, start: float, least: float, most: float) -> None:
        self.verdicts: list[Verdict] = []
        self._start, self._least, self._most = start, least, most
        below = math.ceil(math.log(start / least) / math.log(STEP))
        above = math.ceil(math.log(most / start) / math.log(STEP))
        # Breaks may lie outside of the range that is tried, by a factor of 2 on either side.
        margin = round(math.log(2) / math.log(STEP))
        self._breaks = [start * STEP**power for power in range(-below - margin, above + margin + 1)]
        self._posterior = _normalised(
            [math.exp(-0.5 * (math.log(b / start) / PRIOR_WIDTH) ** 2) for b in self._breaks]
        )

    @property
    def next_scale(self) -> float:
        """The scale to try next: twice the largest while all is text, half the smallest while all is noise."""
        if not self.verdicts:
            return self._start
        likely, scales = self._scale_with(TRIAL_NOISE), [verdict.scale for verdict in self.verdicts]
        if not any(verdict.noise for verdict in self.verdicts):
            return min(max(likely, 2 * max(scales)), self._most)
        if all(verdict.noise for verdict in self.verdicts):
            return max(min(likely, min(scales) / 2), self._least)
        return likely

    def record(self, verdict: Verdict) -> None:
        """Update the posterior with a text."""
        self.verdicts.append(verdict)
        likelihood = [_noise_probability(verdict.scale, b) for b in self._breaks]
        if not verdict.noise:
            likelihood = [1 - p for p in likelihood]
        self._posterior = _normalised([p * q for p, q in zip(self._posterior, likelihood, strict=True)])

    def unchanged_below(self, scale: float) -> float:
        """The largest scale below `scale` whose text on the first prompt was the baseline's; 0 where there is none."""
        same = (v.scale for v in self.verdicts if v.prompt == 0 and not v.differs and v.scale < scale)
        return max(same, default=0.0)

    def changed_at(self) -> float | None:
        """The smallest scale whose text differs from the baseline's; None where none does."""
        return min((v.scale for v in self.verdicts if v.differs), default=None)

    def window(self, onset: float | None) -> ScaleWindow:
        """The estimated window; `onset` is the smallest scale known to change the text."""
        tried = max((v.scale for v in self.verdicts), default=0.0)
        texts = any(not v.noise for v in self.verdicts)
        broken = any(v.noise for v in self.verdicts)
        found = min(self._scale_with(FOUND_NOISE), tried) if texts else None
        break_ = max(self._median_break(), found or 0.0) if broken else None
        if onset is None or found is None or found < onset:
            found = None
        return ScaleWindow(onset=onset, break_=break_, found=found, tried=tried)

    def _median_break(self) -> float:
        total = 0.0
        for b, p in zip(self._breaks, self._posterior, strict=True):
            total += p
            if total >= 0.5:
                return b
        return self._breaks[-1]

    def _scale_with(self, noise: float) -> float:
        """The largest scale of the grid at which noise is expected with at most this probability, within the limits."""
        inside = [b for b in self._breaks if self._least <= b <= self._most]
        good = self._least
        for scale in inside:
            if self._expected_noise(scale) > noise:
                break
            good = scale
        return good

    def _expected_noise(self, scale: float) -> float:
        pairs = zip(self._breaks, self._posterior, strict=True)
        return sum(p * _noise_probability(scale, b) for b, p in pairs)


def _noise_probability(scale: float, break_: float) -> float:
    """Probability that a text at `scale` is noise when the direction breaks at `break_`."""
    beyond = 0.5 * (1 + math.erf(math.log(scale / break_) / (WIDTH * math.sqrt(2))))
    return LAPSE + (1 - 2 * LAPSE) * beyond


def _normalised(weights: list[float]) -> list[float]:
    total = sum(weights)
    return [weight / total for weight in weights]
