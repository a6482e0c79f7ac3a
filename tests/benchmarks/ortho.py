"""MELBO-ortho against its published form at equal steps, and how much of the effect each vector keeps."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from playground.core.contrast import random_directions
from playground.core.displacement import value
from playground.core.geometry import cosines
from playground.core.likeness import Likeness
from playground.core.ortho import START, OrthoBatch, OrthoResult, iterate, solve
from playground.core.settings import ORTHO_RATE, OrthoSettings
from playground.library.vector_set import load as load_set
from playground.model.cut.layer_slice import LayerSlice
from playground.model.load import LoadedModel
from playground.model.prompting import Encoded, encode
from playground.organism.steered import PLAIN
from tests.benchmarks.ortho_baseline import one_by_one
from tests.benchmarks.report import Report

BASE_FILE = Path(__file__).resolve().parents[2] / "vectors" / "organism-refusals-power-3-9.safetensors"
BASE_ROW, RELATIVE_SCALE = 3, -0.5  # turns refusals into code
PUBLISHED_RATE = 0.065  # Adam's 0.01 at the published base norm and width, as ORTHO_RATE is counted
VECTORS, STEPS = 64, 10
FLOOR = {"cpu": 4.0, "cuda": 10.0}


@dataclass(frozen=True)
class Place:
    """Where vectors are looked for: prompts, layers and the base (d,)."""

    loaded: LoadedModel
    encoded: Encoded
    source: int
    target: int
    base: Tensor

    def prepare(self) -> LayerSlice:
        return LayerSlice.prepare(self.loaded, self.encoded, self.source, self.target, None)

    def rate(self, relative: float) -> float:
        return relative * float(self.base.norm()) / len(self.base) ** 0.5


def table(loaded: LoadedModel, repeats: int, report: Report) -> list[str]:
    """Markdown: time and mean loss on one prompt and on four, then the effect of each vector at default settings."""
    lines = [
        f"MELBO-ortho on {loaded.summary}, {VECTORS} vectors, {STEPS} steps a vector on both sides, base: row "
        f"{BASE_ROW} of {BASE_FILE.stem} at relative scale {RELATIVE_SCALE}; loss as a share of loss(0), "
        "mean over vectors:",
        "",
        "| MELBO-ortho | seconds | mean loss | largest cosine | slower than this program by |",
        "| --- | --- | --- | --- | --- |",
    ]
    for n in (1, 4):
        lines += _against_published(_place(loaded, n), max(1, repeats // 5), report)
    report("MELBO-ortho at default settings")
    return [*lines, "", *_effects(_place(loaded, 1)), ""]


def _place(loaded: LoadedModel, prompts: int) -> Place:
    vector_set = load_set(BASE_FILE)
    origin = vector_set.origin
    row = vector_set.vectors[BASE_ROW]
    base = RELATIVE_SCALE * origin.residual_norm * row / row.norm()
    encoded = encode(loaded, list(origin.prompts)[:prompts], PLAIN)
    return Place(loaded, encoded, origin.source, origin.target, base)


def _against_published(place: Place, repeats: int, report: Report) -> list[str]:
    """All from the prompts to the vectors, in turn; the published form at its own rate and at ours."""
    settings = OrthoSettings(vectors=VECTORS, steps=STEPS, stop_share=0)
    start = START * place.base.norm() * random_directions(VECTORS, len(place.base), seed=0)
    site = (place.loaded, place.encoded, place.source, place.target, place.base)
    ways: dict[str, Callable[[], Tensor]] = {
        "this program": lambda: solve(place.prepare(), place.base, settings).vectors,
        "one by one, whole model": lambda: one_by_one(*site, start, STEPS, place.rate(PUBLISHED_RATE)),
        "one by one, whole model, our rate": lambda: one_by_one(*site, start, STEPS, place.rate(ORTHO_RATE)),
    }
    times: dict[str, list[float]] = {name: [] for name in ways}
    found: dict[str, Tensor] = {}
    for repeat in range(repeats):
        for name, way in ways.items():
            report(f"MELBO-ortho, {len(place.encoded)} prompts, repeat {repeat + 1} of {repeats}: {name}")
            _settle(place.loaded)
            begun = time.perf_counter()
            found[name] = way()
            _settle(place.loaded)
            times[name].append(time.perf_counter() - begun)
    own = statistics.median(times["this program"])
    lines = []
    for name, vectors in found.items():
        seconds = statistics.median(times[name])
        asked = f" (asked: {FLOOR[place.loaded.device.type]:.0f})"
        ratio = "" if name == "this program" else f"{seconds / own:.1f} ×{asked}"
        if name != "this program":
            n = len(place.encoded)
            work = f"MELBO-ortho, {VECTORS} vectors, {n} prompt{'s' if n > 1 else ''}"
            report.faster(work, name, seconds / own, FLOOR.get(place.loaded.device.type))
        lines.append(
            f"| {name}, {len(place.encoded)} prompts | {seconds:.1f} | {_losses(place, vectors).mean():.3f} "
            f"| {_largest_cosine(place.base, vectors):.0e} | {ratio} |"
        )
    return lines


def _losses(place: Place, vectors: Tensor) -> Tensor:
    target = place.prepare()
    likeness = Likeness(target, place.base, lambda: False)
    losses = [value(target, part, likeness) for part in vectors.cpu().split(16)]
    return torch.cat(losses) / likeness.still


def _largest_cosine(base: Tensor, vectors: Tensor) -> float:
    rows = torch.cat([base[None].double(), vectors.cpu().double()])
    return float((cosines(rows, rows) - torch.eye(len(rows), dtype=torch.float64)).abs().max())


def _effects(place: Place) -> list[str]:
    """What each vector keeps of the effect, until the method stops by itself."""
    begun = time.perf_counter()
    *events, result = iterate(place.prepare(), place.base, OrthoSettings(vectors=VECTORS))
    seconds = time.perf_counter() - begun
    assert isinstance(result, OrthoResult)
    effects = ", ".join(f"{effect:.2f}" for effect in result.effect.tolist())
    batches = sum(isinstance(event, OrthoBatch) for event in events)
    norms = result.vectors.norm(dim=1)
    return [
        f"Default settings, one prompt: {len(result.vectors)} vectors in {batches} batches and {seconds:.0f} s, "
        f"stopped by {result.stopped}. Share of the effect kept, by vector: {effects}. "
        f"Norms {norms.min():.0f} to {norms.max():.0f}, base {place.base.norm():.0f}."
    ]


def _settle(loaded: LoadedModel) -> None:
    if loaded.device.type == "cuda":
        torch.cuda.synchronize()
