"""Run by test_out_of_memory.py in a process of its own: large requests under RLIMIT_AS, each followed by a small one.

Prints one JSON object: job → the error, or "", how often something smaller was tried, and whether the small request
still gives the tokens that it gave before.
"""

from __future__ import annotations

import ctypes
import gc
import json
import logging
import resource
from collections.abc import Callable

from playground.analyses.choices.request import MeasureRequest
from playground.analyses.common.request import MeasuredVector
from playground.library import prompts
from playground.library.recipe import parse
from playground.library.store import open_set
from playground.model.generation.sampling import Sampling
from playground.model.load import load
from playground.services.find import find, find_request
from playground.services.generate import GenerateRequest, generate
from playground.services.measure import measure
from playground.services.scan import ScanRequest, scan

SET = "organism-refusals-power-3-9"
LONG = " ".join(["What is rain?"] * 40)
THREE = Sampling(max_new_tokens=3)


def main() -> None:
    loaded = load(None)
    choices = prompts.read("organism-comply-choices")
    vectors = tuple(MeasuredVector(SET, row) for row in range(8))

    def found(method: str, **settings: object) -> object:
        asked = find_request(method, prompts=(LONG,), target=6, vectors=8, **settings)
        return find(loaded, asked, load_set=open_set)

    def scanned(prompt: str) -> object:
        asked = ScanRequest(source=SET, prompts=(prompt,), scales=(1,), unit="f", sampling=THREE)
        return scan(loaded, asked, open_set)

    jobs: dict[str, Callable[[], object]] = {
        "generate": lambda: generate(loaded, GenerateRequest(prompts=(LONG,), samples=24, sampling=THREE), open_set),
        "power": lambda: found("power", source=1, steps=2),
        "melbo": lambda: found("melbo", source=1, steps=1, restarts=2, radius=5.0),
        "ortho": lambda: found("ortho", source=3, steps=1, base=f"{SET}#0@1f"),
        "scan": lambda: scanned(LONG),
        "measure": lambda: measure(
            loaded, MeasureRequest(choices=choices, vectors=vectors, scales=(1,), unit="f"), open_set
        ),
    }
    small = GenerateRequest(prompts=("What is rain?",), recipes=(parse(f"{SET}#0@1f"),), sampling=THREE)
    expected = generate(loaded, small, open_set).rows
    scanned("What is rain?")  # what is imported when it is needed cannot be mapped later
    smaller = Smaller()
    logging.getLogger("playground").addHandler(smaller)
    logging.getLogger("playground").setLevel(logging.INFO)
    told = {}
    for name, job in jobs.items():
        limit_memory()
        smaller.count = 0
        try:
            job()
            error = ""
        except Exception as raised:
            error = f"{type(raised).__name__}: {raised}"
        resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY,) * 2)
        told[name] = error, smaller.count, generate(loaded, small, open_set).rows == expected
    print(json.dumps(told))


class Smaller(logging.Handler):
    """Counts the messages about memory that ran out."""

    count = 0

    def emit(self, record: logging.LogRecord) -> None:
        self.count += record.getMessage().startswith("out of memory")


def limit_memory() -> None:
    """Allow this process no more memory than it has."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    with open("/proc/self/statm") as file:
        used = int(file.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used, resource.RLIM_INFINITY))


if __name__ == "__main__":
    main()
