"""Equal seeds give equal numbers whatever ran before or beside; numbers that are not finite end a job in a sentence."""

from __future__ import annotations

import contextlib
import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

sys.path.insert(0, str(Path(__file__).parent))  # for `import small_jobs`

from small_jobs import PROMPTS, jobs, outcome, vector_set

from playground.analyses.common.measurements import to_bytes as measurement_bytes
from playground.errors import Cancelled, PlaygroundError
from playground.library.recipe import parse
from playground.library.store import Store
from playground.library.vector_set import VectorSet, from_bytes
from playground.library.vector_set import to_bytes as set_bytes
from playground.methods.base.progress import FindResult
from playground.model.blocks import block_output, decoder_blocks, replace_block_output
from playground.model.generation.sampling import Sampling
from playground.services.find import find, find_request
from playground.services.generate import GenerateRequest, GenerateResult, generate
from playground.services.scan import ScanResult
from playground.services.scan.document import to_json
from playground.services.session import Workbench

JOBS = jobs()


@pytest.fixture(scope="module")
def workbench(tiny_path, tmp_path_factory):
    workbench = Workbench(Store(tmp_path_factory.mktemp("vectors")))
    workbench.load_model(str(tiny_path("qwen3")), "cpu")
    yield workbench
    workbench.close()


@pytest.fixture(scope="module")
def first(workbench):
    """What every job gives, alone and silent."""
    return {name: outcome(work(workbench.loaded)) for name, work in JOBS.items()}


@pytest.mark.parametrize("name", JOBS)
def test_a_job_gives_the_same_with_a_listener_and_after_a_stop_of_itself(workbench, first, name):
    work, events = JOBS[name], []
    assert outcome(work(workbench.loaded, emit=events.append)) == first[name]
    for stop_after in (0, 1, max(1, len(events) // 2)):
        seen: list[object] = []
        with contextlib.suppress(Cancelled):
            work(workbench.loaded, emit=seen.append, cancelled=lambda seen=seen, most=stop_after: len(seen) > most)
        assert outcome(work(workbench.loaded)) == first[name], stop_after


def test_all_jobs_give_the_same_after_another_model_was_loaded_and_the_first_again(workbench, first, tiny_path):
    workbench.load_model(str(tiny_path("llama")), "cpu")
    JOBS["find power"](workbench.loaded)
    JOBS["generate"](workbench.loaded)
    workbench.load_model(str(tiny_path("qwen3")), "cpu")
    for name, work in JOBS.items():
        assert outcome(work(workbench.loaded)) == first[name], name


@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_a_text_has_the_same_tokens_alone_and_in_a_batch_of_others(workbench, temperature):
    loaded = workbench.loaded
    sets = {"x": vector_set(loaded)}.__getitem__
    alone = GenerateRequest(
        prompts=PROMPTS[:1], recipes=(parse("x#1@3"),), sampling=Sampling(max_new_tokens=8, temperature=temperature)
    )
    others = replace(
        alone, prompts=(PROMPTS[1], "A longer prompt of several more words than that", PROMPTS[0]), samples=2,
        recipes=(parse("x#0@-4"), parse("x#1@3"), parse("x#2@9")),
    )  # fmt: skip
    (_, expected), batch = generate(loaded, alone, sets).rows, generate(loaded, others, sets).rows
    found = [row for row in batch if (row.prompt, row.recipe, row.sample) == (PROMPTS[0], "x#1@3", 0)]
    assert [row.token_ids for row in found] == [expected.token_ids]


@pytest.fixture
def broken_from(tiny, monkeypatch):
    """A model whose blocks give NaN from a call on, and how many calls there were."""
    loaded = tiny("qwen3")
    kind = type(decoder_blocks(loaded.model)[0])
    real, calls = kind.forward, []

    def arrange(number: int) -> None:
        calls.clear()

        def forward(self, *args, **named):
            calls.append(1)
            output = real(self, *args, **named)
            if len(calls) < number:
                return output
            return replace_block_output(output, block_output(output) * torch.nan)

        monkeypatch.setattr(kind, "forward", forward)

    return loaded, arrange, calls


def written(result) -> None:
    """Write a result as its file: strict JSON and tensors of finite numbers."""
    if isinstance(result, FindResult):
        result = result.vector_set
    if isinstance(result, VectorSet):
        assert from_bytes(set_bytes(result)).rows == result.rows
    elif isinstance(result, ScanResult):
        json.dumps(to_json(result), allow_nan=False)
    elif isinstance(result, GenerateResult):
        json.dumps(result.to_dict(), allow_nan=False)
    else:
        measurement_bytes(result.to_dict())


def sentence_of(work, loaded) -> str:
    """The error of a job, or nothing once its result was written."""
    try:
        written(work(loaded))
    except PlaygroundError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("name", JOBS)
def test_numbers_that_cease_to_be_finite_end_a_job_in_a_sentence_or_a_result_that_can_be_written(broken_from, name):
    loaded, arrange, calls = broken_from
    arrange(sys.maxsize)
    JOBS[name](loaded)
    total = len(calls)
    assert total
    for number in sorted({1, *(max(1, total * part // 8) for part in range(1, 9))}):
        arrange(number)
        said = sentence_of(JOBS[name], loaded)
        assert said == "" or (said.startswith("Expected") and said.endswith(".")), number
        assert "FORMAT.md" not in said, "a file's reader is not who should find it"


@pytest.mark.parametrize(
    ("method", "own"),
    [
        ("power", {"vectors": 4, "block": 1, "tolerance": 1e-9}),
        ("melbo", {"vectors": 2, "steps": 12, "restarts": 1, "radius": 2.0}),
        ("ortho", {"vectors": 6, "batch": 2, "steps": 4, "base": "x#0@2", "stop_share": 0.0}),
    ],
)
def test_a_method_keeps_what_was_good_before_numbers_ceased_to_be_finite(tiny, monkeypatch, method, own):
    from playground.core import displacement
    from playground.model.cut import jacobian

    loaded, calls = tiny("qwen3"), []
    asked = find_request(method, prompts=PROMPTS, source=1, target=3, **own)
    sets = {"x": vector_set(loaded)}.__getitem__

    def spoiled(place, name, number):
        real = getattr(place, name)

        def call(*args, **named):
            calls.append(1)
            result = real(*args, **named)
            return result if len(calls) < number else result * torch.nan

        monkeypatch.setattr(place, name, call)

    if method == "power":
        spoiled(jacobian.SliceJacobian, "matmat", 6)
    else:
        spoiled(displacement.Piece, "moved", 9) if method == "melbo" else spoiled(_likeness(), "__call__", 6)
    done = find(loaded, asked, load_set=sets)
    assert done.vector_set.rows >= 2
    assert "finite" in done.note
    assert from_bytes(set_bytes(done.vector_set)).rows == done.vector_set.rows


def _likeness():
    from playground.core.likeness import Likeness

    return Likeness
