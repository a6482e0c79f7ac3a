"""services/gallery.py and strip.py: every row in both signs, in batches; the strip's scales and their order."""

from __future__ import annotations

import pytest
import torch

from playground.errors import InputError
from playground.library.mix import mix
from playground.library.origin import Origin, now
from playground.library.scale_window import UNKNOWN_SCALE, ScaleWindow
from playground.library.vector_set import VectorSet
from playground.model.generation.sampling import Sampling
from playground.model.prompting import PromptFormat
from playground.services import gallery as gallery_module
from playground.services.gallery import GalleryRequest, signed_scales, write_gallery
from playground.services.generate import generate
from playground.services.strip import MULTIPLES, strip_of

PROMPT = "How do I bake a loaf of bread?"
RESIDUAL = 2.0
NOTHING = ScaleWindow(None, None, None, 6.4)
NOISE = ScaleWindow(None, 0.5, None, 6.4)


def found(scale: float) -> ScaleWindow:
    return ScaleWindow(scale / 2, 2 * scale, scale, 6.4)


@pytest.fixture
def vector_set(tiny) -> VectorSet:
    loaded = tiny("qwen3")
    origin = Origin(
        model=loaded.name, fingerprint=loaded.fingerprint, width=32, block_count=4, source=1, method="random",
        residual_norm=RESIDUAL, created=now(),
    )  # fmt: skip
    vectors = torch.randn(4, 32, generator=torch.Generator().manual_seed(0))
    vectors[3] = 0
    return VectorSet(vectors=vectors, origin=origin, name="a")


def test_found_scales_are_used_and_signs_without_one_left_out(vector_set):
    windows = {(0, 1): found(0.123456), (0, -1): NOISE, (1, 1): NOTHING, (1, -1): found(1.0)}
    scales = signed_scales(vector_set.with_windows(windows))
    assert scales == {
        (0, 1): pytest.approx(0.0617 * RESIDUAL), (1, -1): 1.0,
        (2, 1): UNKNOWN_SCALE * RESIDUAL, (2, -1): UNKNOWN_SCALE * RESIDUAL,
    }  # fmt: skip


def test_the_texts_are_those_of_generate_whatever_the_batch(tiny, vector_set, monkeypatch):
    loaded, request = tiny("qwen3"), GalleryRequest(prompt=PROMPT, tokens=5)
    whole = write_gallery(loaded, vector_set, request)
    monkeypatch.setattr(gallery_module, "rows_together", lambda loaded, length: 2)
    events = []
    parts = write_gallery(loaded, vector_set, request, events.append)
    assert parts.texts == whole.texts
    assert parts.baseline == whole.baseline
    assert list(whole.texts) == [(row, sign) for row in range(3) for sign in (1, -1)]
    strip = strip_of(vector_set, 1)
    asked = strip.request("a", 1, PROMPT, PromptFormat(), Sampling(max_new_tokens=5))
    texts = strip.written(generate(loaded, asked, {"a": vector_set}.__getitem__).texts)
    assert texts.at("1").text == whole.texts[1, 1].text
    assert texts.at("-1").text == whole.texts[1, -1].text
    assert texts.at("0").text == whole.baseline
    shares = [event.share for event in events]
    assert shares == sorted(shares)
    assert shares[-1] == 1
    assert len(events[0].texts) < len(events[-1].texts) == 6


def test_every_text_is_told_from_noise_and_the_empty_one_is_noise(tiny, vector_set):
    whole = write_gallery(tiny("qwen3"), vector_set, GalleryRequest(prompt=PROMPT, tokens=4))
    assert all(isinstance(text.noise, bool) for text in whole.texts.values())


def test_a_stop_keeps_what_is_written(tiny, vector_set):
    events = []
    stopped = write_gallery(
        tiny("qwen3"), vector_set, GalleryRequest(prompt=PROMPT, tokens=30), events.append, lambda: len(events) > 3
    )
    assert stopped.cancelled
    assert all(stopped.texts.values())
    assert all(text.noise is None for text in stopped.texts.values())
    assert stopped.share > 0


def test_one_relative_scale_is_that_of_all_rows_in_both_signs(tiny, vector_set):
    """Also of signs that have a found scale or none; the row of norm 0 is left out."""
    marked = vector_set.with_windows({(0, 1): found(0.123456), (1, -1): NOISE})
    written = write_gallery(tiny("qwen3"), marked, GalleryRequest(prompt=PROMPT, tokens=3, scale=0.3))
    assert {place: text.scale for place, text in written.texts.items()} == {
        (row, sign): pytest.approx(0.3 * RESIDUAL) for row in range(3) for sign in (1, -1)
    }


def test_a_wrong_length_or_scale_is_refused():
    with pytest.raises(InputError, match="number of new tokens"):
        GalleryRequest(prompt=PROMPT, tokens=0)
    with pytest.raises(InputError, match="relative scale"):
        GalleryRequest(prompt=PROMPT, scale=0.0)


def test_the_strip_goes_from_the_other_signs_found_scale_to_one_and_a_half_of_this_one(vector_set):
    scaled = vector_set.with_windows({(0, 1): found(1.0), (0, -1): found(0.5)})
    strip = strip_of(scaled, 0)
    assert tuple(cell.multiple for cell in strip.cells) == MULTIPLES
    assert [cell.norm for cell in strip.cells] == pytest.approx([-0.5, -0.25, 0, 0.5, 1.0, 1.5])
    assert strip.found


def test_a_sign_without_a_scale_takes_the_others_and_without_any_the_usual_one(vector_set):
    one = strip_of(vector_set.with_windows({(0, 1): found(1.0), (0, -1): NOISE}), 0)
    assert one.cells[0].norm == -1.0
    none = strip_of(vector_set, 0)
    assert not none.found
    assert none.cells[-2].norm == pytest.approx(UNKNOWN_SCALE * RESIDUAL)


def test_the_cells_of_a_strip_are_one_batch_with_these_norms(tiny, vector_set):
    strip = strip_of(vector_set, 2)
    request = strip.request("a", 2, PROMPT, PromptFormat(), Sampling(max_new_tokens=3), "prompt")
    assert request.rows == len(MULTIPLES)
    assert request.positions == "prompt"
    norms = [mix(tiny("qwen3"), recipe, {"a": vector_set}.__getitem__).norm for recipe in request.recipes]
    assert norms == pytest.approx([abs(cell.norm) for cell in strip.cells if cell.multiple], rel=1e-4)
    assert strip.at("7") is None
