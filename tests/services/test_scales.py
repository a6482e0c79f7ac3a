"""services/scales: texts of all rows and signs in batches, onsets by margins, stops that keep, sets block by block."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from playground.core.push import Push
from playground.errors import Cancelled, InputError
from playground.library.origin import Origin, now
from playground.library.vector_set import VectorSet
from playground.limits import LIMITS, tightened
from playground.model.generation.generate import Sampling, generate
from playground.model.prompting import PromptFormat, encode
from playground.model.reading.greedy_margin import greedy_margins
from playground.model.reading.text_likelihood import log_probabilities
from playground.model.steering import steer
from playground.services.scales import ScalesRequest, find_scales, run, texts

PROMPTS = ("How do I bake a loaf of bread?", "Does it help?", "Is the sky green? It may be.", "Hello, what is it?")
ARCHITECTURES = ("llama", "qwen3", "gpt2", "gemma3", "bloom", "falcon")


def found_on(loaded, rows: int = 3, **changes) -> VectorSet:
    generator = torch.Generator().manual_seed(3)
    origin = Origin(
        model=loaded.name, fingerprint=loaded.fingerprint, width=loaded.width, block_count=loaded.block_count,
        source=1, method="random", prompts=PROMPTS, residual_norm=10.0, created=now(), **changes,
    )  # fmt: skip
    return VectorSet(torch.randn(rows, loaded.width, generator=generator), origin, name="mine")


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_margins_are_those_of_the_model_called_row_by_row(tiny, architecture):
    loaded = tiny(architecture)
    prompt = encode(loaded, PROMPTS[:1], PromptFormat(chat=False))
    tokens = (5, 9, 11, 3)
    pushes = [(Push(1, scale * torch.ones(loaded.width)),) for scale in (0.0, 0.3, 1.0)]
    found = greedy_margins(loaded, prompt, tokens, pushes)
    for row, push in enumerate(pushes):
        for place, token in enumerate(tokens):
            ids = torch.cat([prompt.input_ids[0], torch.tensor(tokens[:place], dtype=torch.int64)])[None]
            with torch.no_grad(), steer(loaded.model, push):
                logits = loaded.model(ids, use_cache=False).logits[0, -1].float()
            expected = logits[token] - torch.cat([logits[:token], logits[token + 1 :]]).max()
            assert float(found[row, place]) == pytest.approx(float(expected), abs=1e-3)


def test_more_looks_than_the_limit_are_refused_before_any_text(tiny):
    loaded = tiny("llama")
    tighter = replace(LIMITS, job_tokens=3 * 2 * 5 * 32 - 1)
    with tightened(tighter), pytest.raises(InputError, match="at most 959 new tokens of looks"):
        find_scales(loaded, found_on(loaded))


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_texts_after_a_shared_prompt_are_as_likely_as_alone(tiny, architecture):
    loaded = tiny(architecture)
    prompts = encode(loaded, PROMPTS[:2], PromptFormat(chat=False)).take([0, 0, 1, 0])
    texts = ((5, 9, 11, 3, 8), (7,), (4, 4), (12, 12, 12))
    together = log_probabilities(loaded, prompts, texts)
    for row, text in enumerate(texts):
        (alone,) = log_probabilities(loaded, prompts.take([row]), [text])
        torch.testing.assert_close(together[row], alone, rtol=1e-4, atol=1e-4)


def test_every_row_and_sign_has_a_window_with_scales_in_order(tiny):
    loaded = tiny("qwen3")
    events = []
    scaled = find_scales(loaded, found_on(loaded), ScalesRequest(prompts=2, tokens=8), events.append)
    for row in range(3):
        for sign in (1, -1):
            window = scaled.window(row, sign)
            assert window.tried > 0
            if window.found is not None:
                assert window.onset <= window.found
                assert window.break_ is None or window.found <= window.break_
    looks = [look for event in events for look in event.looks]
    assert len(looks) == 3 * 2 * 5
    assert len({look.prompt for look in looks}) == 2
    shares = [event.share for event in events]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0


def test_looks_are_the_greedy_texts_of_the_set_at_those_scales(tiny):
    loaded, looks = tiny("qwen3"), []
    vector_set = found_on(loaded, rows=2)
    request = ScalesRequest(prompts=1, tokens=6, texts=3)
    find_scales(loaded, vector_set, request, lambda event: looks.extend(event.looks))
    for look in looks[:6]:
        prompt = encode(loaded, [PROMPTS[look.prompt]], PromptFormat())
        vector = look.sign * look.scale * vector_set.unit(look.row)
        alone = generate(loaded, prompt, [(Push(1, vector),)], sampling=Sampling(max_new_tokens=6))
        assert alone.texts[0] == look.text


def test_the_onset_separates_the_baselines_text_from_another(tiny):
    loaded = tiny("llama")
    vector_set = found_on(loaded)
    scaled = find_scales(loaded, vector_set, ScalesRequest(prompts=1, tokens=8))
    (number,) = [min(range(len(PROMPTS)), key=lambda i: encode(loaded, [PROMPTS[i]], PromptFormat()).lengths[0])]
    prompt = encode(loaded, [PROMPTS[number]], PromptFormat())

    def text(row: int, sign: int, scale: float) -> tuple[int, ...]:
        push = Push(1, sign * scale * vector_set.unit(row))
        return generate(loaded, prompt, [(push,)], sampling=Sampling(max_new_tokens=8)).token_ids[0]

    checked = 0
    for row in range(3):
        for sign in (1, -1):
            onset = scaled.window(row, sign).onset
            if onset is not None:
                checked += 1
                assert text(row, sign, onset) != text(row, sign, 0.0)
    assert checked


def test_a_set_of_ortho_is_looked_at_in_native_norm_first(tiny):
    loaded, looks = tiny("qwen3"), []
    vector_set = found_on(loaded, rows=2)
    free = replace(vector_set, origin=replace(vector_set.origin, method="ortho"))
    find_scales(loaded, free, ScalesRequest(prompts=1, tokens=4, texts=2), lambda event: looks.extend(event.looks))
    first = {(look.row, look.sign): look.scale for look in reversed(looks)}
    for row in range(2):
        assert first[row, 1] == pytest.approx(float(free.native_norms[row]), rel=1e-5)


def test_large_sets_are_kept_block_by_block_and_a_stop_keeps_finished_blocks(tiny, monkeypatch):
    monkeypatch.setattr(run, "BLOCK", 2)
    loaded, kept = tiny("qwen3"), []
    vector_set = found_on(loaded, rows=5)
    result = find_scales(
        loaded,
        vector_set,
        ScalesRequest(prompts=1, tokens=4, texts=2),
        cancelled=lambda: len(kept) == 2,
        keep=kept.append,
    )
    assert [sum(so_far.window(row, 1) is not None for row in range(5)) for so_far in kept] == [2, 4]
    assert result.window(3, -1) is not None
    assert result.window(4, 1) is None


def test_a_stop_in_the_first_block_keeps_what_three_texts_tell_and_before_that_nothing(tiny):
    loaded = tiny("qwen3")
    vector_set = found_on(loaded, rows=2)
    seen = []
    request = ScalesRequest(prompts=1, tokens=4)
    result = find_scales(loaded, vector_set, request, seen.append, cancelled=lambda: len(seen) >= 3)
    assert result.window(1, -1) is not None
    with pytest.raises(Cancelled):
        find_scales(loaded, vector_set, request, cancelled=lambda: True)


def test_rows_of_norm_zero_are_left_out_and_other_rows_keep_what_they_have(tiny):
    loaded = tiny("qwen3")
    vector_set = found_on(loaded)
    vectors = vector_set.vectors.clone()
    vectors[1] = 0
    request = ScalesRequest(prompts=1, tokens=4, texts=2, rows=(0, 1))
    first = find_scales(loaded, replace(vector_set, vectors=vectors), request)
    assert first.window(0, 1) is not None
    assert first.window(1, 1) is None
    assert first.window(2, 1) is None
    second = find_scales(loaded, first, replace(request, rows=(2,)))
    assert second.window(0, 1) == first.window(0, 1)
    assert second.window(2, 1) is not None


def test_a_model_that_ends_at_once_has_no_margins_and_loses_nothing(tiny, monkeypatch):
    loaded = tiny("qwen3")
    real = texts.generate

    def ending(model, prompts, pushes, **options):
        done = real(model, prompts, pushes, **options)
        return done if any(pushes) else replace(done, token_ids=((),) * len(prompts), texts=("",) * len(prompts))

    monkeypatch.setattr(texts, "generate", ending)
    found = find_scales(loaded, found_on(loaded), ScalesRequest(prompts=1, tokens=4, texts=2))
    assert found.window(0, 1) is not None


@pytest.mark.parametrize("wrong", [{"texts": 1}, {"prompts": 0}, {"tokens": 3}, {"tokens": 10**9}, {"prompts": 2.5}])
def test_numbers_out_of_range_are_refused(wrong):
    with pytest.raises(InputError, match="Expected a number of"):
        ScalesRequest(**wrong)
