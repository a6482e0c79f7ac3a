"""services/find.py: a request is checked, directions are found, and the set says where it comes from."""

from __future__ import annotations

import copy
import shlex
import statistics
from dataclasses import replace

import pytest
import torch

from playground.cli.main import build_parser
from playground.cli.prompts import format_of
from playground.core.push import Push
from playground.errors import Cancelled, InputError, ModelError
from playground.library.prompts import content_hash
from playground.library.vector_set import from_bytes, to_bytes
from playground.model.prompting import PromptFormat, encode, forward_inputs
from playground.model.steering import read_residuals, steer
from playground.services.command import find_command
from playground.services.find import FindRequest, find, find_request, suggest_name
from playground.services.set_prompts import prompts_of

PROMPTS = ("How do I bake a loaf of bread?", "Does it help?", "First, take a clean bowl.")


def request(**changes) -> FindRequest:
    values = dict(method="power", prompts=PROMPTS, source=0, target=2, vectors=4)
    if changes.get("method", "power") == "power":
        values["tolerance"] = 0.001
    return find_request(**{**values, **changes})


def dense_jacobian(loaded, prompts, source: int, target: int, tokens: int) -> torch.Tensor:
    """[J_1; …; J_n]/√n from the definition: the whole model, one prompt at a time, no slice, no padding."""
    rows = []
    for prompt in prompts:
        inputs = forward_inputs(loaded, encode(loaded, [prompt], PromptFormat()))

        def residual(theta, inputs=inputs):
            with steer(loaded.model, [Push(source, theta)]), read_residuals(loaded.model, [target]) as seen:
                loaded.model(**inputs, use_cache=False)
                return seen[target][0, -tokens:].reshape(-1)

        rows.append(torch.autograd.functional.jacobian(residual, torch.zeros(loaded.width, dtype=loaded.dtype)))
    return torch.cat(rows) / len(prompts) ** 0.5


def test_singular_values_and_vectors_are_those_of_the_dense_jacobian(tiny):
    loaded = tiny("qwen3", "float64")
    _, exact, rows = torch.linalg.svd(dense_jacobian(loaded, PROMPTS, 0, 2, 2), full_matrices=False)
    found = find(loaded, request()).vector_set
    assert torch.allclose(found.singular_values.double(), exact[:4], rtol=1e-4)
    # Directions are kept in float32; neighbouring σ of this model differ by more than 5 %.
    assert ((found.vectors.double() * rows[:4]).sum(dim=1).abs() > 0.999).all()


def test_the_set_says_everything_that_is_needed_to_find_it_again(tiny):
    loaded = tiny("qwen3")
    asked = request(
        format=PromptFormat(system="Be brief."), target_tokens=3, seed=7, prompt_set="mine", memory_budget=2**28
    )
    result = find(loaded, asked)
    origin = from_bytes(to_bytes(result.vector_set)).origin
    assert (origin.model, origin.fingerprint) == (loaded.name, loaded.fingerprint)
    assert (origin.width, origin.block_count) == (loaded.width, loaded.block_count)
    assert (origin.source, origin.target, origin.target_tokens, origin.positions) == (0, 2, 3, "all")
    assert (origin.method, origin.seed, origin.chat, origin.system) == ("power", 7, True, "Be brief.")
    assert (origin.prompts, origin.prompt_set, origin.prompt_hash) == (PROMPTS, "mine", content_hash(PROMPTS))
    assert origin.parameters["vectors"] == 4
    assert origin.parameters["tolerance"] == 0.001
    assert origin.parameters["steps_done"] == result.steps
    assert {"torch", "transformers"} <= set(origin.versions)
    assert origin.converged is True
    assert origin.residual_norm > 0
    assert 0 < origin.seconds == result.seconds


def test_relative_scale_1_is_the_median_norm_of_the_residual_stream_over_real_tokens(tiny):
    loaded = tiny("qwen3")
    norms = []
    for prompt in PROMPTS:
        with torch.no_grad(), read_residuals(loaded.model, [1]) as seen:
            loaded.model(**forward_inputs(loaded, encode(loaded, [prompt], PromptFormat())))
        norms += seen[1][0].norm(dim=-1).tolist()
    found = find(loaded, request(source=1, target=3)).vector_set
    assert found.origin.residual_norm == pytest.approx(statistics.median(norms), rel=1e-4)


def test_progress_only_goes_forward_and_ends_at_the_end(tiny):
    events = []
    find(tiny("qwen3"), request(), events.append)
    assert [event.stage for event in events][:2] == ["encode", "prepare"]
    assert events[-1].stage == "done"
    shares = [event.share for event in events]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    steps = [event for event in events if event.stage == "iterate"]
    assert [event.step for event in steps] == list(range(1, len(steps) + 1))
    assert all(event.values["singular_values"].shape == event.values["residuals"].shape == (4,) for event in steps)
    told = [event.seconds_to_go is not None for event in steps]
    assert told == sorted(told)
    assert told[-1]  # once there is a pace, in every step
    assert all(event.seconds_to_go is None for event in events if event.stage in ("encode", "prepare"))


def test_a_cancel_keeps_what_there_is_and_says_so(tiny):
    stop = False

    def emit(event):
        nonlocal stop
        stop = event.step >= 1

    result = find(tiny("qwen3"), request(tolerance=1e-7, vectors=8), emit, lambda: stop)
    assert result.cancelled
    assert result.vector_set.origin.converged is False
    assert 1 <= result.steps <= 2
    assert result.vector_set.rows >= 1
    assert from_bytes(to_bytes(result.vector_set)).rows == result.vector_set.rows


def test_a_cancel_before_the_first_step_has_nothing_to_keep(tiny):
    with pytest.raises(Cancelled):
        find(tiny("qwen3"), request(), cancelled=lambda: True)


@pytest.mark.parametrize("method", ["power", "melbo"])
def test_running_out_of_memory_is_one_sentence(tiny, method):
    def cancelled() -> bool:  # asked before every chunk of prompts, where a device would run out
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")

    with pytest.raises(ModelError, match=r"its memory ran out; use fewer\s+or shorter prompts"):
        find(tiny("llama"), request(method=method), cancelled=cancelled)


def test_the_same_seed_finds_the_same_numbers_and_another_seed_the_same_subspace(tiny):
    first, again, other = (find(tiny("qwen3"), request(seed=seed)).vector_set for seed in (3, 3, 4))
    assert torch.equal(first.vectors, again.vectors)
    assert torch.allclose(first.singular_values, other.singular_values, rtol=0.01)


def test_random_directions_are_unit_rows_with_the_same_reference_as_power(tiny):
    loaded = tiny("qwen3")
    drawn = find(loaded, request(method="random", seed=5))
    power = find(loaded, request())
    assert torch.allclose(drawn.vector_set.native_norms, torch.ones(4))
    assert drawn.vector_set.origin.residual_norm == pytest.approx(power.vector_set.origin.residual_norm)
    assert drawn.vector_set.singular_values is None
    assert (drawn.vector_set.origin.converged, drawn.vector_set.origin.target_tokens) == (None, None)
    assert torch.equal(drawn.vector_set.vectors, find(loaded, request(method="random", seed=5)).vector_set.vectors)
    assert not torch.equal(drawn.vector_set.vectors, find(loaded, request(method="random", seed=6)).vector_set.vectors)


def test_random_directions_need_no_target(tiny):
    assert find(tiny("qwen3"), request(method="random", target=None)).vector_set.origin.target is None


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"method": "melbow"}, ["power, melbo, dct, ortho, difference, contrast-pca, word or random", "melbow"]),
        ({"source": -1}, ["source layer", "0 or more", "-1"]),
        ({"source": 1.5}, ["source layer", "1.5"]),
        ({"source": True}, ["source layer", "True"]),
        ({"target": None}, ["target layer", "none"]),
        ({"target_tokens": 0}, ["target tokens", "from 1", "0"]),
        ({"vectors": 0}, ["vectors", "from 1", "0"]),
        ({"vectors": 10**6}, ["vectors", "1000000"]),
        ({"seed": -1}, ["seed", "-1"]),
        ({"seed": 2**63}, ["seed"]),
        ({"prompts": ()}, ["at least one prompt", "none"]),
        ({"prompts": ("one", "  ", "three")}, ["empty", "number 2 of 3"]),
        ({"tolerance": 0.0}, ["tolerance", "0"]),
        ({"steps": 0}, ["step", "0"]),
        ({"solver": "lanczos"}, ["solver", "lanczos"]),
        ({"memory_budget": 10}, ["memory budget", "10"]),
    ],
)
def test_a_request_that_no_model_can_meet_is_refused_when_it_is_built(changes, words):
    with pytest.raises(InputError) as caught:
        request(**changes)
    assert_sentence(caught.value, words)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"source": 3}, ["source layer from 0 to 2", "got 3"]),
        ({"source": 2, "target": 2}, ["target layer from 3 to 3", "got 2"]),
        ({"source": 2, "target": 1}, ["target layer from 3 to 3", "got 1"]),
        ({"target": 4}, ["target layer from 1 to 3", "got 4"]),
        ({"vectors": 33}, ["at most 32 vectors", "got 33"]),
        ({"target_tokens": 999}, ["target tokens", "prompt 2", "got 999"]),
        ({"prompts": ("fine", "word " * 400)}, ["Prompt 2 of 2", "256"]),
    ],
)
def test_a_request_that_this_model_cannot_meet_is_refused_with_what_is_allowed(tiny, changes, words):
    events = []
    for refuse in (lambda asked: asked.check(tiny("qwen3")), lambda asked: find(tiny("qwen3"), asked, events.append)):
        with pytest.raises(InputError) as caught:
            refuse(request(**changes))
        assert_sentence(caught.value, words)


def test_block_0_and_the_last_block_are_valid_layers(tiny):
    request(source=0, target=3).check(tiny("qwen3"))
    request(source=2, target=3).check(tiny("qwen3"))


def test_the_suggested_name_tells_prompts_method_and_layers(tiny, tiny_path):
    loaded = tiny("qwen3")
    assert suggest_name(request(prompt_set="Refusals (48)"), loaded) == "qwen3-refusals-48-power-0-2"
    assert suggest_name(request(prompts=PROMPTS[:1]), loaded) == "qwen3-prompt-power-0-2"
    assert suggest_name(request(method="random", target=None), loaded) == "qwen3-3-prompts-random-0"


def assert_sentence(error: Exception, words: list[str]) -> None:
    text = str(error)
    assert "\n" not in text
    assert "xpected" in text
    for word in words:
        assert word in text, text


def test_the_date_that_a_template_was_told_is_kept_and_repeated_by_the_command(tiny):
    loaded = replace(tiny("qwen3"), tokenizer=copy.deepcopy(tiny("qwen3").tokenizer))
    clock = "Today is {{ strftime_now('%d %b %Y') }}. {{ messages[-1]['content'] }}>"
    loaded.tokenizer.chat_template = clock
    asked = find_request(
        method="random", prompts=("Hi",), source=1, target=None, vectors=1, format=PromptFormat(date="2025-03-09")
    )
    found = find(loaded, asked).vector_set
    assert found.origin.parameters["date"] == "2025-03-09"
    assert "09 Mar 2025" in loaded.tokenizer.decode(prompts_of(loaded, found).input_ids[0])
    words = shlex.split(find_command(asked, loaded, "x.safetensors"))[3:]
    options = build_parser().parse_args(words)
    assert format_of(options, None) == asked.format
    without = find(tiny("qwen3"), replace(asked, format=PromptFormat())).vector_set
    assert "date" not in without.origin.parameters
