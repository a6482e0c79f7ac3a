"""MELBO against its published form: time, the displacement reached at equal steps, and what rates and starts change."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import torch
from torch import Tensor

from playground.core.contrast import random_directions
from playground.core.displacement import displacement
from playground.core.krylov import solve as singular_vectors
from playground.core.melbo import solve
from playground.core.settings import MELBO_RATE, PUBLISHED_RATE, RESTARTS, KrylovSettings, MelboSettings
from playground.library.prompts import read
from playground.model.cut.layer_slice import LayerSlice
from playground.model.load import LoadedModel
from playground.model.prompting import Encoded, encode
from playground.organism.steered import PLAIN
from tests.benchmarks.melbo_baseline import in_turn, one_by_one
from tests.benchmarks.report import Report

SOURCE, TARGET, TARGET_TOKENS = 3, 7, 2
RELATIVE_RADIUS = 0.5
VECTORS, STEPS = 16, 80
SEEDS = range(5)
"""Of the starts that the displacement is compared over: where a vector ends is partly luck, 2 % either way."""
FLOOR, QUALITY = {"cpu": 4.0, "cuda": 10.0}, 0.99
COMPARED_STEPS, COMPARED_VECTORS = 150, 6


@dataclass(frozen=True)
class Place:
    """Where MELBO is run: prompts and layers; the last TARGET_TOKENS of each prompt are read."""

    loaded: LoadedModel
    encoded: Encoded
    target: int

    def prepare(self) -> LayerSlice:
        return LayerSlice.prepare(self.loaded, self.encoded, SOURCE, self.target, TARGET_TOKENS)

    @property
    def work(self) -> str:
        return f"MELBO, k = {VECTORS}, {len(self.encoded)} prompt{'s' if len(self.encoded) > 1 else ''}"

    def __str__(self) -> str:
        n = len(self.encoded)
        return f"{SOURCE}→{self.target}, {n} prompt{'s' if n > 1 else ''}, last {TARGET_TOKENS} tokens"


def table(loaded: LoadedModel, repeats: int, report: Report) -> list[str]:
    """Markdown: time and displacement on one prompt and on four, displacement over seeds, then rates and starts."""
    items = [str(item) for item in read("organism-refusals").items]
    lines = [
        f"MELBO on {loaded.summary}, k = {VECTORS}, {STEPS} steps on both sides, R = {RELATIVE_RADIUS} of the residual "
        f"norm, rate {MELBO_RATE}·R/√d:",
        "",
        "| MELBO | seconds | mean displacement | faster than one by one by | displacement over that of one by one |",
        "| --- | --- | --- | --- | --- |",
    ]
    quality = []
    for n in (1, 4):
        place = Place(loaded, encode(loaded, items[:n], PLAIN), TARGET)
        lines += _against_published(place, repeats, report)
        quality += _over_seeds(place, report)
    lines += ["", f"The same over {len(SEEDS)} seeds, one by one on the blocks up to t alone:", ""]
    lines += ["| MELBO | mean displacement over that of one by one, seed by seed | mean |", "| --- | --- | --- |"]
    lines += quality
    for n, target in ((1, 9), (1, TARGET)):
        lines += ["", *_rates_and_starts(Place(loaded, encode(loaded, items[:n], PLAIN), target), report)]
    return [*lines, ""]


def _against_published(place: Place, repeats: int, report: Report) -> list[str]:
    """Both from the prompts to the vectors, in turn, with the same starts, rate, radius and steps."""
    loaded = place.loaded
    radius = RELATIVE_RADIUS * place.prepare().residual_norm
    settings = MelboSettings(radius=radius, vectors=VECTORS, steps=STEPS)
    start = random_directions(VECTORS, loaded.width, settings.seed)
    site = (loaded, place.encoded, SOURCE, place.target, TARGET_TOKENS)

    def ours_with(restarts: int) -> Tensor:
        return solve(place.prepare(), replace(settings, restarts=restarts)).vectors

    ways: dict[str, Callable[[], Tensor]] = {
        "this program": partial(ours_with, 1),
        "this program, best of 2 starts": partial(ours_with, 2),
        f"this program, best of {RESTARTS} starts": partial(ours_with, RESTARTS),
        "one by one, whole model": lambda: one_by_one(*site, radius, start, STEPS, settings.rate(loaded.width)),
    }
    times: dict[str, list[float]] = {name: [] for name in ways}
    reached: dict[str, float] = {}
    # Both are long runs of many equal steps, which average out what a short run would meet: one in five is enough.
    for repeat in range(max(1, repeats // 5)):
        for name, way in ways.items():
            report(f"MELBO, {place}: {name}, repeat {repeat + 1}")
            begun = time.perf_counter()
            vectors = way()
            if loaded.device.type == "cuda":
                torch.cuda.synchronize()
            times[name].append(time.perf_counter() - begun)
            reached[name] = float(displacement(place.prepare(), vectors.cpu()).mean())
    seconds = {name: statistics.median(taken) for name, taken in times.items()}
    *ours, published = ways
    asked = f" (asked: {FLOOR.get(loaded.device.type, FLOOR['cpu']):.0f})" if len(place.encoded) == 1 else ""
    ratio = seconds[published] / seconds[ours[0]]
    report.faster(place.work, published, ratio, FLOOR.get(loaded.device.type))
    rows = [
        f"| {place}: {name} | {seconds[name]:.2f} | {reached[name]:.2f} "
        f"| {seconds[published] / seconds[name]:.1f} ×{asked} | {reached[name] / reached[published]:.3f} |"
        for name in ours
    ]
    return [*rows, f"| {place}: {published} | {seconds[published]:.2f} | {reached[published]:.2f} | | |"]


def _over_seeds(place: Place, report: Report) -> list[str]:
    """Mean displacement over that of one by one, with the same starts, rate, radius and steps, for each of SEEDS."""
    part, width = place.prepare(), place.loaded.width
    radius = RELATIVE_RADIUS * part.residual_norm
    shares = []
    for seed in SEEDS:
        report(f"MELBO, {place}: displacement, seed {seed}")
        settings = MelboSettings(radius=radius, vectors=VECTORS, steps=STEPS, seed=seed)
        start = random_directions(VECTORS, width, seed).to(part.device)
        alone = in_turn(lambda theta: part(theta)[0], radius, start, STEPS, settings.rate(width))
        shares.append(float(solve(part, settings).displacement.mean() / displacement(part, alone.cpu()).mean()))
    mean = f"{statistics.mean(shares):.3f}"
    what = f"{place.work}: mean displacement at equal steps, {len(SEEDS)} seeds"
    report.claim(what, "one by one, whole model", f"≥ {QUALITY}", mean)
    each = ", ".join(f"{share:.3f}" for share in shares)
    return [f"| {place} | {each} | {mean} (asked: {QUALITY}) |"]


def _rates_and_starts(place: Place, say: Callable[[str], None]) -> list[str]:
    part = place.prepare()
    radius, unit = RELATIVE_RADIUS * part.residual_norm, part.width**-0.5
    spectrum = singular_vectors(part.jacobian(), KrylovSettings(COMPARED_VECTORS))

    def run(rate: float | None, restarts: int = 1, start: Tensor | None = None) -> str:
        settings = MelboSettings(
            radius=radius, vectors=COMPARED_VECTORS, steps=COMPARED_STEPS, learning_rate=rate, restarts=restarts
        )
        begun = time.perf_counter()
        result = solve(part, settings, start)
        seconds = time.perf_counter() - begun
        return f"{float(result.displacement[0]):.1f} | {float(result.displacement.mean()):.1f} | {seconds:.1f} |"

    linear = radius * spectrum.singular_values
    lines = [
        f"Rates and starts, {place}, k = {COMPARED_VECTORS}, {COMPARED_STEPS} steps, R = {radius:.1f}; displacement:",
        "",
        "| rate | start | first vector | mean | seconds |",
        "| --- | --- | --- | --- | --- |",
        f"| R·σ, the linear prediction | | {float(linear[0]):.1f} | {float(linear.mean()):.1f} | |",
    ]
    for name, rate in (
        (f"{PUBLISHED_RATE} (published)", PUBLISHED_RATE),
        *((f"{turn}·R/√d", turn * radius * unit) for turn in (0.02, 0.1, 1.0)),
        (f"{MELBO_RATE}·R/√d (default)", None),
    ):
        say(f"MELBO, {place}: rate {name}")
        lines.append(f"| {name} | random | {run(rate)}")
    for name, restarts, start in (
        ("power iteration", 1, spectrum.vectors),
        ("power iteration, other signs", 1, -spectrum.vectors),
        (f"random, best of {RESTARTS}", RESTARTS, None),
        (f"power iteration and {RESTARTS - 1} random, the best", RESTARTS, spectrum.vectors),
    ):
        say(f"MELBO, {place}: start {name}")
        lines.append(f"| {MELBO_RATE}·R/√d (default) | {name} | {run(None, restarts, start)}")
    return lines
