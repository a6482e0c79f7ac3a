"""Estimates of time: whether runs take as long as was said before them, and how far the time to go rises.

    python -m tests.benchmarks.estimates                  ten runs of every kind on the shipped model
    python -m tests.benchmarks.estimates --model M        … on another one
    python -m tests.benchmarks.estimates --kinds scan     some of the kinds

Every kind begins with one run more, on a machine that knows nothing. Sizes are drawn anew for each run: prompts,
vectors, layers, tokens.
"""

from __future__ import annotations

import argparse
import datetime
import math
import random
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import torch

from playground.analyses.common.request import MeasuredVector
from playground.core.time_to_go import RISE, SHORT
from playground.library import prompts as prompt_sets
from playground.library.recipe import parse
from playground.library.vector_set import VectorSet
from playground.model.generation.generate import Sampling
from playground.model.load import LoadedModel, is_organism, load
from playground.model.prompting import PromptFormat
from playground.services.durations import Span
from playground.services.estimates import (
    Learned,
    Work,
    work_of_find,
    work_of_measure,
    work_of_scales,
    work_of_scan,
)
from playground.services.estimates.speed import TOKENS, measure_speed
from playground.services.find import FindRequest, find, find_request
from playground.services.measure import measure, measure_request
from playground.services.scales import find_scales
from playground.services.scan import ScanRequest, scan

NAME = "found"
SETS = {
    True: ("organism-refusals", "organism-oversight", "organism-sums"),
    False: ("refusal-forks", "corrigibility-choices", "arithmetic-steps"),
}
"""Prompts, choices and questions: of the organism, and of other models."""


@dataclass
class Timed:
    """A run: what was said before it, and how it went."""

    said: Span
    took: float
    processor: float
    factor: float  # of the time over that of its work
    told: list[tuple[float, bool]] = field(default_factory=list)  # times to go, and whether each was said to be longer

    @property
    def inside(self) -> bool:
        """Whether it took what was said, as it was rounded."""
        low, high = self.said.told
        return low <= self.took <= high

    @property
    def width(self) -> float:
        """The upper bound over the lower one, as they are told; below a second no time is told from another."""
        low, high = self.said.told
        return high / max(low, SHORT)

    @property
    def rise(self) -> float:
        """The largest time to go over any that was told before, without the word that it is longer."""
        least, most = math.inf, 0.0
        for seconds, longer in self.told:
            seconds = max(seconds, SHORT)
            if not longer:
                most = max(most, seconds / least)
            least = min(least, seconds)
        return most

    @property
    def longer(self) -> bool:
        """Whether it was said to be longer than it looked."""
        return any(longer for _, longer in self.told)


class Runs:
    """Runs of drawn sizes on one model, by kind."""

    def __init__(self, loaded: LoadedModel, seed: int) -> None:
        self.loaded = loaded
        self._draw = random.Random(seed)
        prompts, choices, questions = (prompt_sets.built_in()[name] for name in SETS[is_organism(loaded)])
        self._prompts, self._forced, self._questions = prompts, choices, questions
        self._format = PromptFormat.of_set(prompts)
        chosen = find_request(
            "power", prompts=prompts.texts()[:2], source=self._layers(3), target=self._layers(9), vectors=12,
            format=self._format,
        )
        self._set = find(loaded, chosen).vector_set
        self._norm = self._set.origin.residual_norm

    def __getitem__(self, kind: str) -> tuple[Work, Callable[[Callable[[Any], None]], Any]]:
        """The work of a run of drawn size, and the run."""
        made: tuple[Work, Callable[[Callable[[Any], None]], Any]] = getattr(self, f"_{kind.replace('-', '_')}")()
        return made

    def _layers(self, of_twelve: int) -> int:
        return of_twelve * self.loaded.block_count // 12

    def _whole(self, least: int, most: int) -> int:
        """A number of any order of magnitude between; up to a third of the way on a model where everything is slow."""
        most = most if is_organism(self.loaded) else least + max((most - least) // 3, 1)
        return round(math.exp(self._draw.uniform(math.log(least), math.log(most))))

    def _find(self, method: str, **settings: Any) -> tuple[Work, Callable[[Callable[[Any], None]], Any]]:
        source = self._layers(self._draw.choice((2, 3, 4)))
        given = {"source": source, "target": self._layers(self._draw.choice((7, 8, 9))), "format": self._format}
        count = self._whole(1, 8)
        first = self._draw.randrange(len(self._prompts.items) - count)
        request: FindRequest = find_request(
            method, prompts=self._prompts.texts()[first : first + count], **given | settings
        )
        run = lambda emit: find(self.loaded, request, emit, load_set=lambda name: self._set)  # noqa: E731
        return work_of_find(self.loaded, request), run

    def _power(self) -> Any:
        return self._find("power", vectors=self._whole(4, 24), target_tokens=self._whole(1, 4))

    def _melbo(self) -> Any:
        return self._find("melbo", vectors=self._whole(2, 8), steps=self._whole(10, 40))

    def _ortho(self) -> Any:
        scale = self._draw.choice((0.15, 0.25)) * self._norm
        source = self._set.origin.source
        settings = {"vectors": self._whole(4, 24), "batch": 8, "steps": self._whole(10, 40), "stop_share": 0.1}
        return self._find("ortho", base=f"{NAME}#{self._draw.randrange(8)}@{scale:.4g}", source=source, **settings)

    def _scales(self) -> Any:
        rows = sorted(self._draw.sample(range(self._set.rows), self._whole(1, 12)))
        some: VectorSet = self._set.take(rows)
        origin = some.origin
        work = work_of_scales(self.loaded, origin.prompts, self._format, some.rows)
        return work, lambda emit: find_scales(self.loaded, some, None, emit)

    def _scan(self) -> Any:
        rows = tuple(self._draw.sample(range(self._set.rows), self._whole(1, 6)))
        count = self._whole(1, 4)
        request = ScanRequest(
            source=NAME, rows=rows, scales=(0.1, 0.25)[: self._whole(1, 2)], unit="r", format=self._format,
            prompts=self._prompts.texts()[:count], sampling=Sampling(max_new_tokens=self._whole(12, 48)),
        )
        work = work_of_scan(self.loaded, request, request.cells(len(request.signed_rows(self._set))))
        return work, lambda emit: scan(self.loaded, request, lambda name: self._set, emit)

    def _over(self, kind: str, asked: Any, **fields: Any) -> Any:
        from playground.analyses.registry import analyses

        request = measure_request(analyses()[kind], asked, **fields)
        work = work_of_measure(self.loaded, request)
        return work, lambda emit: measure(self.loaded, request, lambda name: self._set, emit)

    def _vectors(self, most: int) -> dict[str, Any]:
        rows = sorted(self._draw.sample(range(self._set.rows), self._whole(1, most)))
        scales = tuple(0.1 * place for place in range(-self._whole(1, 4), self._whole(1, 4)))
        return {"vectors": tuple(MeasuredVector(NAME, row) for row in rows), "scales": scales or (0.1,), "unit": "r"}

    def _choices(self) -> Any:
        return self._over("choices", self._forced, max_items=self._whole(4, 24), controls=2, **self._vectors(8))

    def _exact(self) -> Any:
        sampling = Sampling(max_new_tokens=self._whole(8, 32))
        vectors = self._vectors(3)
        return self._over(
            "exact", self._questions, max_items=self._whole(4, 16), controls=1, sampling=sampling, **vectors
        )

    def _next_token(self) -> Any:
        recipe = parse(f"{NAME}#{self._draw.randrange(8)}@{0.2 * self._norm:.4g}")
        return self._over(
            "next-token", self._prompts, recipe=recipe, max_items=self._whole(4, 32), controls=self._whole(1, 8)
        )


KINDS = ("power", "melbo", "ortho", "scales", "scan", "choices", "exact", "next-token")


def timed(runs: Runs, kind: str, learned: Learned, count: int) -> Iterator[Timed]:
    """`count` runs of a kind and one before them, each after the estimate that page and command line would give."""
    speed = learned.speed(runs.loaded)
    assert speed is not None
    for _ in range(count + 1):
        work, run = runs[kind]
        said = learned.expect(runs.loaded, work)
        assert said is not None
        told: list[tuple[float, bool]] = []

        def heard(event: Any, told: list[tuple[float, bool]] = told) -> None:
            if getattr(event, "seconds_to_go", None) is not None and event.share < 1:
                told.append((event.seconds_to_go, event.longer))

        begun, processor = time.perf_counter(), time.process_time()
        run(heard)
        took, used = time.perf_counter() - begun, time.process_time() - processor
        learned.learn(runs.loaded, work, took)
        yield Timed(said, took, used, took / speed.seconds(work), told)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.estimates", description=__doc__.splitlines()[0])
    parser.add_argument("--model", help="a path or a Hub id (the shipped model)")
    parser.add_argument("--threads", type=int, help="CPU threads (as many as PyTorch takes)")
    parser.add_argument("--runs", type=int, default=10, help="runs of a kind, beside the first (default 10)")
    parser.add_argument("--seed", type=int, default=0, help="of the sizes (default 0)")
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=KINDS, metavar="KIND", help=", ".join(KINDS))
    parser.add_argument("--each", action="store_true", help="print every run")
    asked = parser.parse_args()
    if asked.threads:
        torch.set_num_threads(asked.threads)
    loaded, learned = load(asked.model), Learned()
    speed = measure_speed(loaded)
    learned.keep_speed(loaded, speed)
    print(f"{datetime.date.today().isoformat()}, {loaded.summary}, {torch.get_num_threads()} threads.")
    print(f"A pass with one token takes {1000 * speed.short:.1f} ms, with {TOKENS} {1000 * speed.long:.1f} ms.\n")
    print("| kind | took | in the range | first | upper/lower, at most | largest rise | said to be longer | factor |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |", flush=True)
    runs = Runs(loaded, asked.seed)
    for kind in asked.kinds:
        everything = []
        for one in timed(runs, kind, learned, asked.runs):
            everything.append(one)
            if asked.each:
                said = f"{kind}: {one.said}, took {one.took:.1f} s ({one.processor:.1f} s of the processor), factor "
                longer = ", longer" if one.longer else ""
                print(f"{said}{one.factor:.2f}, rise {one.rise:.2f}{longer}", file=sys.stderr, flush=True)
        first, *others = everything
        times = [one.took for one in everything]
        print(
            f"| {kind} | {min(times):.1f}–{max(times):.1f} s | {sum(one.inside for one in others)} of "
            f"{len(others)} | {'in' if first.inside else 'out'} | {max(one.width for one in others):.1f} | "
            f"{max(one.rise for one in everything):.2f} × | {sum(one.longer for one in everything)} of "
            f"{len(everything)} | {math.exp(sum(math.log(one.factor) for one in everything) / len(everything)):.2f} |",
            flush=True,
        )
    print(f"\nA rise beyond {RISE} without the word that it is longer than it looked would be a fault.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
