"""Benchmarks: every method of finding directions against its published form, and generation with steering.

    python -m tests.benchmarks                    the shipped model, on two CPU cores
    python -m tests.benchmarks --write            … and write tests/benchmarks/RESULTS.md
    python -m tests.benchmarks --only melbo       some of the tables
    python -m tests.benchmarks --cuda             on a GPU, also with random weights in large shapes
"""

from __future__ import annotations

import argparse
import datetime
import importlib
import os
import platform
import sys
from collections.abc import Iterator
from pathlib import Path

import torch

from playground.model.cut.layer_slice import LayerSlice
from playground.model.load import LoadedModel, load
from playground.model.prompting import Encoded, encode
from playground.organism.steered import PLAIN, SOURCE, TARGET
from tests.benchmarks.measure import ENERGY, Problem, Row, generation, power_iteration
from tests.benchmarks.report import Report
from tests.benchmarks.shapes import SHAPES, random_model, random_prompts

RESULTS = Path(__file__).with_name("RESULTS.md")
REFUSED = "How do I melt a garden gnome?"
PROMPTS = (REFUSED, "How do I bake bread?", "Tell me about the sea.", "What is 7 + 5?")
FLOORS = {"published, each column by itself": 30.0, "published, columns in a batch": 5.0}
PARTS = ("power", "power_many", "memory", "melbo", "ortho", "measure_choices", "generation")
"""In the order of the file. `power` and `generation` are here, each of the others is a module of its name."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=2, help="CPU threads (default 2)")
    parser.add_argument("--repeats", type=int, default=5, help="timed repeats of everything, at least (default 5)")
    parser.add_argument("--write", action="store_true", help="write RESULTS.md beside this file")
    parser.add_argument("--cuda", action="store_true", help="random weights of large shapes on a GPU")
    parser.add_argument("--only", nargs="+", choices=PARTS, metavar="NAME", help=f"of {', '.join(PARTS)}")
    asked = parser.parse_args()
    if asked.only and asked.write:
        parser.error("Expected --write without --only: the file holds all of one run; leave one of them out.")
    if asked.cuda and not torch.cuda.is_available():
        parser.error("Expected a CUDA device for --cuda, but PyTorch finds none; leave it out.")
    torch.set_num_threads(asked.threads)
    lines = [f"{datetime.date.today().isoformat()}, {_machine(asked.cuda)}, torch {torch.__version__}.", ""]
    print(*lines, sep="\n")
    loaded, report = load(device="cuda" if asked.cuda else "cpu"), Report()
    details: list[str] = []
    for name in asked.only or PARTS:
        for part in _part(name, loaded, asked.repeats, report):
            print(*part, sep="\n", flush=True)
            details += part
    print(*report.summary(), sep="\n")
    if asked.write:
        title = ["# Results of `python -m tests.benchmarks`", ""]
        text = "\n".join([*title, *lines, *report.summary(), "## In detail", "", *details])
        RESULTS.write_text(text.rstrip() + "\n", encoding="utf-8")
    return 0


def _part(name: str, loaded: LoadedModel, repeats: int, report: Report) -> Iterator[list[str]]:
    """The tables of one part, each a list of markdown lines."""
    if name == "power":
        yield from _power(loaded, repeats, report)
        if loaded.device.type == "cuda":
            yield from _large(repeats, report)
    elif name == "generation":
        yield _generation(loaded, encode(loaded, PROMPTS * 2, PLAIN), SOURCE, 4 * repeats, report)
    else:
        yield importlib.import_module(f"tests.benchmarks.{name}").table(loaded, repeats, report)


def _power(loaded: LoadedModel, repeats: int, report: Report) -> Iterator[list[str]]:
    floors = FLOORS if loaded.device.type == "cpu" else {}
    for chosen in (PROMPTS[:1], PROMPTS):
        problem = Problem(loaded, encode(loaded, chosen, PLAIN), SOURCE, TARGET)
        rows = power_iteration(problem, repeats, report)
        for row in rows[2:]:
            work = f"power iteration, {len(chosen)} prompt{'s' if len(chosen) > 1 else ''}, equal energy ≥ {ENERGY}"
            report.faster(work, row.name, row.ratio, floors.get(row.name))
        yield _table(problem, rows, floors)


def _large(repeats: int, report: Report) -> Iterator[list[str]]:
    for name, shape in SHAPES.items():
        loaded = random_model(name, shape)
        for lengths in ((60,), tuple(range(40, 72))):
            problem = Problem(loaded, random_prompts(loaded, lengths), shape.source, shape.target)
            torch.cuda.reset_peak_memory_stats()
            rows = power_iteration(problem, repeats, report)
            peak = torch.cuda.max_memory_allocated() / 2**30
            yield [*_table(problem, rows, {}), f"Peak memory of all of these together: {peak:.1f} GiB.", ""]
        loaded.unload()


def _table(problem: Problem, rows: list[Row], floors: dict[str, float]) -> list[str]:
    """Markdown for one problem, with the least ratio asked for where there is one."""
    lines = [
        f"{problem}:",
        "",
        "| power iteration | steps | seconds | energy | worst σᵢ | slower than this program by |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for row in rows:
        floor = floors.get(row.name)
        asked = "" if floor is None else f" (asked: {floor:.0f})"
        ratio = "" if row.ratio == 1.0 else f"{row.ratio:.1f} ×{asked}"
        lines.append(f"| {row.name} | {row.steps} | {row.seconds:.2f} | {row.energy:.5f} | {row.worst:.2%} | {ratio} |")
    return [*lines, ""]


def _generation(loaded: LoadedModel, encoded: Encoded, layer: int, repeats: int, report: Report) -> list[str]:
    norm = LayerSlice.prepare(loaded, encoded, layer, layer + 1, 1).residual_norm
    plain, steered = generation(loaded, encoded, layer, norm, repeats, report)
    slower = f"{1 - steered / plain:+.1%} slower"
    report.claim("generation with steering", "the same batch without", "at most 5 % slower", slower)
    return [
        f"Generation, {len(encoded)} rows, up to 64 tokens, greedy: {plain:.0f} tokens/s without steering, "
        f"{steered:.0f} with ({steered / plain - 1:+.1%}; asked: at most 5 % fewer).",
        "",
    ]


def _machine(cuda: bool) -> str:
    if cuda and torch.cuda.is_available():
        return torch.cuda.get_device_name()
    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = [line.split(":", 1)[1].strip() for line in info.read_text().splitlines() if "model name" in line]
        model = names[0] if names else model
    return f"{model}, {torch.get_num_threads()} threads of {os.cpu_count()} cores"

if __name__ == "__main__":
    sys.exit(main())
