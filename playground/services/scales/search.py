"""Search for the strongest scale whose text is still text: doubling and halving, then bisection, one direction."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from playground.library.scale_window import ScaleWindow

RESOLUTION = 1.5
"""Break over found scale at which bisection ends: one halving of a factor of 2 on a log scale, which leaves √2."""


@dataclass(frozen=True)
class Verdict:
    """What a text at one scale on one prompt was: noise or text, and whether it differs from the baseline's."""

    noise: bool
    differs: bool


@dataclass
class ScaleSearch:
    """Search along one direction, between the scales `least` and `most`, beginning at `start`.

    Texts of the first prompt are looked at until the break is bracketed; the strongest that is still text is then
    looked at on the other prompts, and made weaker where one of them breaks. `wanted` says what to look at next,
    `record` takes the verdict.
    """

    start: float
    least: float
    most: float
    prompts: int
    texts: dict[float, dict[int, Verdict]] = field(default_factory=dict)

    def wanted(self) -> tuple[float, tuple[int, ...]] | None:
        """(scale, prompts) to look at next; None when the search is over."""
        good = self.strongest_text
        scale = self._next_on_first_prompt()
        if scale is not None:
            return scale, (0,)
        if good is None:
            return None
        missing = tuple(prompt for prompt in range(self.prompts) if prompt not in self.texts[good])
        return (good, missing) if missing else None

    def record(self, scale: float, prompt: int, verdict: Verdict) -> None:
        """Take what the text of a prompt was at a scale."""
        self.texts.setdefault(scale, {})[prompt] = verdict

    @property
    def weakest_noise(self) -> float | None:
        """The smallest scale at which the text of a prompt was noise."""
        return min((scale for scale, by_prompt in self.texts.items() if _any_noise(by_prompt)), default=None)

    @property
    def strongest_text(self) -> float | None:
        """The largest scale below that which was text wherever it was looked at."""
        limit = self.weakest_noise
        below = (scale for scale in self.texts if limit is None or scale < limit)
        return max(below, default=None)

    def unchanged_below(self, scale: float) -> float:
        """The largest scale below `scale` whose text on the first prompt was the baseline's; 0 where there is none."""
        same = (tried for tried, verdicts in self.texts.items() if 0 in verdicts and not verdicts[0].differs)
        return max((tried for tried in same if tried < scale), default=0.0)

    def _next_on_first_prompt(self) -> float | None:
        text, noise = self.strongest_text, self.weakest_noise
        if text is None and noise is None:
            return self.start
        if noise is None:
            return min(2 * text, self.most) if text < self.most else None
        if text is None:
            return max(noise / 2, self.least) if noise > self.least else None
        unchanged = not any(verdict.differs for verdict in self.texts[text].values())
        # Where nothing changes right up to the break it is worth a closer look: the window may be narrow.
        if noise / text > (RESOLUTION if not unchanged else math.sqrt(RESOLUTION)):
            return math.sqrt(text * noise)
        return None

    def window(self, onset: float | None) -> ScaleWindow:
        """What was found; `onset` is the smallest scale known to change the text, by whatever means."""
        text, noise = self.strongest_text, self.weakest_noise
        changes = [scale for scale, by_prompt in self.texts.items() if any(v.differs for v in by_prompt.values())]
        onset = min([*changes, *([] if onset is None else [onset])], default=None)
        found = text if text is not None and onset is not None and onset <= text else None
        return ScaleWindow(onset=onset, break_=noise, found=found, tried=max(self.texts, default=0.0))


def _any_noise(by_prompt: dict[int, Verdict]) -> bool:
    return any(verdict.noise for verdict in by_prompt.values())
