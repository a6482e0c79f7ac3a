"""How soon Stop is heard: python -m tests.trust.stop [--model M] [--seconds 14] [JOB ...]

For each long job, the longest processor time between two questions `cancelled`, and where they were asked.
"""

from __future__ import annotations

import argparse
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import torch

import playground as sp
from playground.errors import Cancelled, PlaygroundError
from playground.services.find import find, find_request
from playground.services.linearity import LinearityRequest, linearity
from playground.services.scales import find_scales

Asks = Callable[[Callable[[], bool]], Any]


def longest(work: Asks, seconds: float) -> tuple[float, str, str]:
    """(processor seconds, place before, place after) of the longest time between two questions within `seconds`."""
    asked, begun = [(time.thread_time(), "begin")], time.monotonic()

    def cancelled() -> bool:
        frames = reversed(traceback.extract_stack(limit=4)[:-1])
        places = (f"{one.filename.rpartition('/')[2]}:{one.lineno}" for one in frames)
        asked.append((time.thread_time(), " < ".join(places)))
        return time.monotonic() - begun > seconds

    with suppress(PlaygroundError, Cancelled):
        work(cancelled)
    asked.append((time.thread_time(), "end"))
    return max((after[0] - before[0], before[1], after[1]) for before, after in zip(asked, asked[1:], strict=False))


def long_jobs(model: sp.LoadedModel) -> dict[str, Asks]:
    """Each long job on `model`, by name, with a question `cancelled`."""
    source, target = model.block_count // 4, 3 * model.block_count // 4
    layers = {"source": source, "target": target}
    prompts = [f"How can I {act} a {what}?" for act in ("build", "paint", "break", "hide") for what in ("kite", "bell")]
    found = sp.find("power", model, prompts[:4], vectors=12, target_tokens=2, **layers)
    push = found[0] * "0.2r"
    ortho = find_request("ortho", prompts=tuple(prompts[:2]), vectors=4, base="found#0@0.2r", **layers)
    return {
        "power": lambda c: sp.find("power", model, prompts, vectors=12, cancelled=c, **layers),
        "melbo": lambda c: sp.find("melbo", model, prompts, vectors=8, cancelled=c, **layers),
        "ortho": lambda c: find(model, ortho, cancelled=c, load_set={"found": found}.__getitem__),
        "scales": lambda c: find_scales(model, found, cancelled=c),
        "scan": lambda c: sp.scan(model, found, prompts[:4], [0.1, 0.2], "r", cancelled=c),
        "choices": lambda c: sp.measure(model, "choices", found, "survival-choices", [-0.1, 0.1], "r", cancelled=c),
        "exact": lambda c: sp.measure(model, "exact", found, "word-problems", [0.1], "r", rows=[0, 1], cancelled=c),
        "next-token": lambda c: sp.next_token(model, prompts, push, cancelled=c),
        "generate": lambda c: sp.generate(model, prompts[0], [found[row] * "0.1r" for row in range(12)], cancelled=c),
        "linearity": lambda c: linearity(model, LinearityRequest(source_set=found, rows=(0, 1)), cancelled=c),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("jobs", nargs="*", metavar="JOB")
    parser.add_argument("--model")
    parser.add_argument("--seconds", type=float, default=14.0)
    options = parser.parse_args()
    torch.set_num_threads(1)
    jobs = long_jobs(sp.load(options.model))
    for name in options.jobs or jobs:
        seconds, before, after = longest(jobs[name], options.seconds)
        print(f"{name:12} {seconds:6.2f} s\n    after {before}\n    until {after}", flush=True)


if __name__ == "__main__":
    main()
