"""Memory that runs out: fewer at a time, then one sentence, and the process goes on."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from playground.analyses.choices.request import MeasureRequest
from playground.analyses.common.request import MeasuredVector
from playground.core.out_of_memory import is_out_of_memory
from playground.errors import ModelError
from playground.library.prompt_items import ChoiceItem
from playground.library.prompts import PromptSet
from playground.methods.base.registry import registered
from playground.model.generation.sampling import Sampling
from playground.model.load import load
from playground.model.reading import answer_logits
from playground.services.find import find, find_request
from playground.services.generate import GenerateRequest, generate
from playground.services.measure import measure

ROOT = Path(__file__).resolve().parents[2]
PROMPT = "Does it help?"
CPU = RuntimeError(
    "[enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't allocate memory: you tried to allocate "
    "50331648 bytes. Error code 12 (Cannot allocate memory)"
)
ERRORS = {"cpu": CPU, "cuda": torch.OutOfMemoryError("CUDA out of memory."), "python": MemoryError()}


@pytest.fixture(params=ERRORS)
def crowded(request, tiny, monkeypatch):
    """A model and a function that lets it run out of memory for batches of more rows than that."""
    loaded = tiny("qwen3")

    def arrange(most: int) -> None:
        def full(module, args, options):
            if len(options.get("input_ids", args[0] if args else ())) > most:
                raise ERRORS[request.param]

        handles.append(loaded.model.register_forward_pre_hook(full, with_kwargs=True))

    handles: list = []
    yield loaded, arrange
    for handle in handles:
        handle.remove()


def test_errors_about_memory_are_told_from_others():
    assert all(map(is_out_of_memory, [*ERRORS.values(), RuntimeError("std::bad_alloc")]))
    assert not any(map(is_out_of_memory, [RuntimeError("shape mismatch"), ValueError("out of memory"), None]))


@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_texts_that_do_not_fit_together_come_in_smaller_batches_as_if_they_did(crowded, temperature):
    loaded, arrange = crowded
    asked = GenerateRequest(
        prompts=(PROMPT, "Hi"), samples=3, sampling=Sampling(max_new_tokens=5, temperature=temperature)
    )
    expected = generate(loaded, asked, {}.__getitem__)
    arrange(2)
    told = []
    done = generate(loaded, asked, {}.__getitem__, told.append)
    assert [row.token_ids for row in done.rows] == [row.token_ids for row in expected.rows]
    assert {len(event.texts) for event in told} == {6}
    assert told[-1].texts == done.texts


def test_not_even_one_text_is_a_sentence_that_says_what_to_do(crowded):
    loaded, arrange = crowded
    arrange(0)
    with pytest.raises(ModelError, match=r"^Expected room for 1 texts on cpu, .* ask for fewer or shorter texts\.$"):
        generate(loaded, GenerateRequest(prompts=(PROMPT,), samples=4), {}.__getitem__)


@pytest.mark.parametrize("method", [name for name in registered() if name != "random"])  # which runs no model
def test_a_method_that_has_no_room_is_a_sentence(crowded, method):
    loaded, arrange = crowded
    sets = {"x": find(loaded, find_request("random", prompts=(PROMPT,), source=0, target=None, vectors=1)).vector_set}
    own = {"base": "x#0@1"} if method == "ortho" else {}
    sides = {"against": ("No.",)} if registered()[method].reads.sides == 2 else {}
    target = 2 if registered()[method].reads.target else None
    asked = find_request(method, prompts=(PROMPT,), source=0, target=target, vectors=1, **own, **sides)
    arrange(0)
    with pytest.raises(ModelError, match="its memory ran out; use fewer or shorter prompts"):
        find(loaded, asked, load_set=sets.__getitem__)


@pytest.mark.parametrize("error", ERRORS.values(), ids=ERRORS)
def test_vectors_that_do_not_fit_together_are_measured_one_by_one_with_the_same_result(tiny, monkeypatch, error):
    loaded = tiny("qwen3")
    found = find(loaded, find_request("random", prompts=(PROMPT,), source=1, target=None, vectors=4)).vector_set
    items = tuple(ChoiceItem(question, " Yes", " No") for question in (PROMPT, "Is it blue?"))
    choices = PromptSet(name="two", title="", description="", kind="choices", items=items)
    vectors = tuple(MeasuredVector("x", row) for row in range(4))
    asked = MeasureRequest(choices=choices, vectors=vectors, scales=(3,))
    expected = measure(loaded, asked, {"x": found}.__getitem__)
    real, sizes = answer_logits.run_questions, []

    def full(model, begun, additions, copies, *more):
        sizes.append(copies)
        if additions and copies > 1:
            raise error
        return real(model, begun, additions, copies, *more)

    monkeypatch.setattr(answer_logits, "run_questions", full)
    done = measure(loaded, asked, {"x": found}.__getitem__)
    assert max(sizes) > 1
    for row, other in zip(done.rows, expected.rows, strict=True):
        assert row.differences == pytest.approx(other.differences, abs=1e-4)  # other batches round differently


def test_a_model_that_does_not_fit_is_a_sentence(tiny_path, monkeypatch):
    from transformers import AutoModelForCausalLM

    def full(*_, **__):
        raise CPU

    monkeypatch.setattr(AutoModelForCausalLM, "from_pretrained", full)
    with pytest.raises(ModelError, match="to fit into the memory of cpu, but it ran out; choose a smaller model"):
        load(str(tiny_path("qwen3")), device="cpu")


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc, and limits the address space")
def test_with_no_more_memory_than_it_has_a_process_does_less_at_a_time_and_lives_on():
    run = subprocess.run(
        [sys.executable, str(ROOT / "tests/trust/out_of_memory.py")],
        env=os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "PLAYGROUND_VECTORS": str(ROOT / "vectors")},
        capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    told = json.loads(run.stdout.splitlines()[-1])
    for name, (error, _, same) in told.items():
        assert error == "" or error.startswith("ModelError: Expected room"), name
        assert same, name
    # How much of what a process has is free for reuse differs between machines.
    assert sum(smaller > 0 for _, smaller, _ in told.values()) >= 2, "the requests are too small"
