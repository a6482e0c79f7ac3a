"""What a run of the benchmarks says while it goes on, and the one table it comes to."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Claim:
    """A ratio that was asked for, and what was measured in this run."""

    work: str
    baseline: str
    asked: str
    measured: str


@dataclass
class Report:
    """Called with a text it says it on standard error; `claim` keeps a line of the summary."""

    claims: list[Claim] = field(default_factory=list)

    def __call__(self, text: str) -> None:
        print(f"… {text}", file=sys.stderr, flush=True)

    def claim(self, work: str, baseline: str, asked: str, measured: str) -> None:
        self.claims.append(Claim(work, baseline, asked, measured))

    def faster(self, work: str, baseline: str, ratio: float, asked: float | None) -> None:
        """This program is `ratio` times as fast as the baseline; `asked` is the least that was wanted."""
        self.claim(work, baseline, "–" if asked is None else f"≥ {asked:.0f} ×", f"{ratio:.1f} ×")

    def summary(self) -> list[str]:
        """Markdown: every claim of the run."""
        lines = ["| work | baseline | asked | measured |", "| --- | --- | --- | --- |"]
        return [*lines, *(f"| {c.work} | {c.baseline} | {c.asked} | {c.measured} |" for c in self.claims), ""]
