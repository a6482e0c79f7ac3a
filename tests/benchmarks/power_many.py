"""Power iteration on many prompts of different lengths against one prompt at a time, and how cost grows."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from playground.core.contrast import random_directions
from playground.core.krylov import solve
from playground.core.operators import DenseOperator
from playground.core.settings import KrylovSettings
from playground.model.cut.layer_slice import LayerSlice
from playground.model.load import LoadedModel
from playground.model.prompting import Encoded, encode
from playground.organism.dialogues import held_out_requests
from playground.organism.steered import PLAIN, SOURCE, TARGET
from tests.benchmarks.baselines import columns_in_a_batch, orthonormal, subspace_rounds
from tests.benchmarks.cost_plot import write_panels
from tests.benchmarks.measure import ENERGY, OURS, Problem, energy_share, interleaved, worst_error
from tests.benchmarks.report import Report

PROMPTS = 20
FLOOR = {"cpu": 5.0, "cuda": 8.0}
PLOT = Path(__file__).with_name("cost.svg")
# One of these is changed at a time, the others stay as they are here.
USUAL = {"k": 12, "prompts": 4, "tokens": 64, "blocks": 4}
VARIED = {"k": (4, 8, 16, 32), "prompts": (1, 4, 8, 16), "tokens": (16, 64, 128, 256), "blocks": (1, 2, 4, 8)}


def table(loaded: LoadedModel, repeats: int, report: Report) -> list[str]:
    """Markdown: seconds to equal energy, and how cost grows."""
    return [*many(loaded, repeats, report), *cost(loaded, report)]


def many(loaded: LoadedModel, repeats: int, report: Report) -> list[str]:
    """Both sides from the prompts to vectors that hold ENERGY of the whole; a round of the baseline is timed, and
    counted as often as it needs it.
    """
    problem = Problem(loaded, requests(loaded), SOURCE, TARGET)
    report(f"dense Jacobian of {problem}")
    exact = LayerSlice.prepare(*problem.place).jacobian().dense().cpu().double()
    begin = orthonormal(random_directions(problem.vectors, loaded.width, seed=0))
    rounds = subspace_rounds(exact, begin, ENERGY)
    tried = (KrylovSettings(problem.vectors, steps=steps) for steps in range(1, 41))
    equal = next(s for s in tried if energy_share(exact, solve(DenseOperator(exact.float()), s).vectors) >= ENERGY)
    rows = begin.to(loaded.device)
    ways = {
        OURS: partial(problem.solve, equal),
        f"{OURS}, default settings": partial(problem.solve, KrylovSettings(problem.vectors)),
        "published, one prompt at a time, columns in a batch": lambda: a_round(problem, rows),
    }
    taken = interleaved(
        list(ways.values()), repeats, lambda number, repeat: report(f"{list(ways)[number]}, repeat {repeat}")
    )
    spectra = [problem.solve(settings) for settings in (equal, KrylovSettings(problem.vectors))]
    results = [
        (found.steps, 1, energy_share(exact, found.vectors), worst_error(exact, found.vectors)) for found in spectra
    ]
    powered = begin.to(exact)
    for _ in range(rounds):
        powered = orthonormal((powered @ exact.T) @ exact)
    results.append((rounds, rounds, energy_share(exact, powered), worst_error(exact, powered)))
    lines = [
        f"{problem}:",
        "",
        "| power iteration, many prompts | steps | seconds | energy | worst σᵢ | slower than this program by |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for name, seconds, (steps, times, energy, worst) in zip(ways, taken, results, strict=True):
        ratio = "" if name == OURS else f"{times * seconds / taken[0]:.1f} ×"
        asked = f" (asked: {FLOOR[loaded.device.type]:.0f})" if times > 1 else ""
        if times > 1:
            work = f"power iteration, {PROMPTS} prompts, equal energy ≥ {ENERGY}"
            report.faster(work, name, times * seconds / taken[0], FLOOR.get(loaded.device.type))
        lines.append(f"| {name} | {steps} | {times * seconds:.2f} | {energy:.5f} | {worst:.2%} | {ratio}{asked} |")
    return [*lines, ""]


def a_round(problem: Problem, rows: Tensor) -> Tensor:
    """A round as it was published, (k, d) → (k, d): for each prompt by itself the graph of the whole model is built for
    k stacked copies, JᵀJv by differentiating twice, the sum over prompts made orthonormal.
    """
    loaded, encoded, *place = problem.place
    total = torch.zeros_like(rows)
    for prompt in range(len(encoded)):
        total += columns_in_a_batch(loaded, encoded.take([prompt]), *place, rows)
    return orthonormal(total)


def requests(loaded: LoadedModel) -> Encoded:
    """PROMPTS requests, one to four sentences long."""
    drawn = held_out_requests("harmful", PROMPTS, seed=3) + held_out_requests("harmless", PROMPTS, seed=3)
    texts = [" ".join(drawn[(number + 7 * i) % len(drawn)] for i in range(1 + number % 4)) for number in range(PROMPTS)]
    return encode(loaded, texts, PLAIN)


def cost(loaded: LoadedModel, say: Callable[[str], None]) -> list[str]:
    """Seconds of power iteration, prompts to vectors, with one quantity varied at a time; also drawn into PLOT."""
    solve_once(loaded, **USUAL)  # warm
    panels = {}
    for name, values in VARIED.items():
        panels[name] = []
        for value in values:
            say(f"cost, {name} = {value}")
            panels[name].append((value, solve_once(loaded, **{**USUAL, name: value})))
    write_panels(PLOT, panels, "seconds")
    usual = ", ".join(f"{value} {name}" if name != "k" else f"k = {value}" for name, value in USUAL.items())
    lines = [f"Cost of power iteration on {loaded.summary}: {usual}, one of them changed at a time ({PLOT.name}).", ""]
    lines += ["| changed | | | | |", "| --- | --- | --- | --- | --- |"]
    for name, points in panels.items():
        lines.append(f"| {name} | " + " | ".join(f"{value}: {seconds:.2f} s" for value, seconds in points) + " |")
    return [*lines, ""]


def solve_once(loaded: LoadedModel, k: int, prompts: int, tokens: int, blocks: int) -> float:
    """Seconds from random prompts to k vectors, after a fixed number of steps, so that only the size differs."""
    ids = torch.randint(100, 1000, (prompts, tokens), generator=torch.Generator().manual_seed(0))
    encoded = Encoded(ids, torch.ones_like(ids), (tokens,) * prompts)
    begun = time.perf_counter()
    part = LayerSlice.prepare(loaded, encoded, 2, 2 + blocks, 2)
    solve(part.jacobian(), KrylovSettings(k, steps=5, tolerance=1e-6))
    if loaded.device.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - begun
