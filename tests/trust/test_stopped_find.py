"""Stop while directions are found: what there is can be found again by the request that the page shows."""

from __future__ import annotations

import pytest
import torch

from playground.services.find import find, find_request
from playground.services.find.stopped import as_far_as

PROMPTS = ("Does it help?", "Is it blue?")
METHODS = {
    "power": {"vectors": 6, "block": 2, "tolerance": 1e-9, "target": 3},
    "melbo": {"vectors": 3, "steps": 12, "restarts": 1, "radius": 3.0, "target": 3},
    "ortho": {"vectors": 6, "batch": 2, "steps": 4, "base": "x#0@2", "stop_share": 0.0, "target": 3},
}


@pytest.mark.parametrize("method", METHODS)
def test_the_request_of_a_stopped_run_finds_what_there_was(tiny, method):
    loaded = tiny("qwen3")
    base = find(loaded, find_request("random", prompts=PROMPTS, source=0, target=None, vectors=1)).vector_set
    asked = find_request(method, prompts=PROMPTS, source=0, **METHODS[method])
    seen, batches = [], []

    def emit(event):
        seen.append(event)
        batches.extend([event.stage] if event.stage == "batch" else [])

    def stop():
        steps = [event.step for event in seen if event.stage == "iterate"]
        return bool(batches) if method == "ortho" else bool(steps) and steps[-1] >= 5

    done = find(loaded, asked, emit, stop, {"x": base}.__getitem__)
    assert done.cancelled
    again = as_far_as(asked, done)
    assert again != asked
    repeated = find(loaded, again, load_set={"x": base}.__getitem__).vector_set
    assert repeated.rows == done.vector_set.rows
    assert torch.allclose(repeated.vectors, done.vector_set.vectors, atol=1e-4)  # sums in other batches


def test_a_run_that_came_to_its_end_is_repeated_as_it_was_asked_for(tiny):
    asked = find_request("power", prompts=PROMPTS, source=0, target=2, vectors=1)
    assert as_far_as(asked, find(tiny("qwen3"), asked)) is asked
