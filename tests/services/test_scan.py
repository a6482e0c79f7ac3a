"""services/scan: every cell is what generating it alone gives, measured and compared with its own baseline."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import torch

from playground.core.noise import is_noise, repetition
from playground.errors import Cancelled, FileError, InputError, ModelError
from playground.library.origin import Origin, RowNote, now
from playground.library.recipe import parse
from playground.library.rows import read_rows
from playground.library.scale_window import ScaleWindow
from playground.library.vector_set import VectorSet
from playground.limits import LIMITS
from playground.model.generation.batch import MOST_ROWS
from playground.model.generation.generate import Sampling
from playground.model.prompting import PromptFormat
from playground.services.effect import EffectRequest, effect
from playground.services.generate import GenerateRequest, generate
from playground.services.scan import ScanRequest, file, scan
from playground.services.scan import run as run_module
from playground.services.scan.request import read_scales, usual_scales, usual_unit

PROMPTS = ("How do I bake a loaf of bread?", "Say hello.", "A longer prompt, so that it has to be padded: why?")
RAW = PromptFormat(chat=False)


def vectors(width: int = 32, rows: int = 4, **changes) -> VectorSet:
    origin = Origin(
        model="tiny", width=width, block_count=4, source=1, method="random", residual_norm=2.0, created=now(), **changes
    )
    return VectorSet(torch.randn(rows, width, generator=torch.Generator().manual_seed(0)), origin, name="a")


def load(name: str) -> VectorSet:
    assert name == "a"
    return vectors()


def request(**changes) -> ScanRequest:
    values = dict(
        source="a", rows=(0, 2), scales=(3.0, 8.0), prompts=PROMPTS[:2], format=RAW, sampling=Sampling(max_new_tokens=6)
    )
    return ScanRequest(**{**values, **changes})


@pytest.mark.parametrize(
    ("temperature", "samples", "batch"), [(0.0, 1, 48), (0.0, 1, 5), (1.3, 3, 48), (1.3, 3, 4)]
)
def test_every_cell_is_what_generating_it_alone_gives(tiny, monkeypatch, temperature, samples, batch):
    monkeypatch.setitem(MOST_ROWS, "cpu", batch)
    loaded = tiny("qwen3")
    sampling = Sampling(max_new_tokens=6, temperature=temperature, seed=7)
    asked = request(prompts=PROMPTS, sampling=sampling, samples=samples)
    result = scan(loaded, asked, load)
    assert len(result.cells) == result.planned == 3 * 2 * 2 * 2 * samples
    assert len(result.baselines) == 3 * samples
    assert not result.cancelled
    for cell in result.cells[:: 3 if samples > 1 else 1]:
        alone = GenerateRequest(
            prompts=(PROMPTS[cell.prompt],), format=RAW, recipes=(parse(cell.recipe),), sampling=sampling,
            samples=cell.sample + 1,
        )  # fmt: skip
        rows = generate(loaded, alone, load).rows
        assert (rows[-1].text, rows[-1].token_ids, rows[-1].sample) == (cell.text, cell.token_ids, cell.sample)
        baseline = result.baseline_of()[cell.prompt, cell.sample]
        assert rows[cell.sample].token_ids == baseline.token_ids


def test_cells_stand_in_the_order_prompt_row_sign_scale_sample(tiny):
    result = scan(tiny("qwen3"), request(prompts=PROMPTS), load)
    places = [(cell.prompt, (0, 2).index(cell.row), -cell.sign, cell.scale) for cell in result.cells]
    assert places == sorted(places)
    assert [(cell.prompt, cell.row, cell.kl) for cell in result.baselines] == [(n, None, 0.0) for n in range(3)]


def test_kl_and_norm_are_those_that_steer_shows(tiny):
    loaded = tiny("qwen3")
    for unit, norm in (("r", 6.0), ("a", 3.0)):
        result = scan(loaded, request(unit=unit, scales=(3.0,)), load)
        for cell in result.cells:
            wanted = EffectRequest(prompt=PROMPTS[cell.prompt], format=RAW, recipe=parse(cell.recipe))
            shown = effect(loaded, wanted, load)
            assert cell.kl == pytest.approx(shown.kl, abs=1e-6)
            assert cell.norm == pytest.approx(norm, rel=1e-4) == pytest.approx(shown.norm)


def test_multiples_of_the_found_scale_are_of_each_row_and_sign(tiny):
    windows = {
        (0, 1): ScaleWindow(2.0, 6.0, 4.0, 8.0), (0, -1): ScaleWindow(None, 3.0, None, 8.0),
        (2, -1): ScaleWindow(1.0, None, 3.0, 8.0), (3, 1): ScaleWindow(1.0, None, 5.0, 8.0),
    }  # fmt: skip
    calibrated = vectors().with_windows(windows)
    result = scan(tiny("qwen3"), request(unit="f", scales=(0.5, 1.0)), lambda name: calibrated)
    assert [(cell.row, cell.sign, cell.recipe) for cell in result.cells if cell.prompt == 0] == [
        (0, 1, "a#0@2"), (0, 1, "a#0@4"), (2, -1, "a#2@-1.5"), (2, -1, "a#2@-3"),
    ]  # fmt: skip
    assert {cell.scale for cell in result.cells} == {0.5, 1.0}
    assert result.planned == len(result.cells) == 8
    assert result.warnings[1:] == ("Left out, since no scale was found for them: −0, +2 of a.",)


def test_found_scales_that_are_not_there_are_asked_for():
    with pytest.raises(InputError, match=r"found scales in a for .*, got none; run `.* calibrate --vectors a` first"):
        request(unit="f").signed_rows(vectors())
    calibrated = vectors().with_windows({(1, 1): ScaleWindow(1.0, None, 3.0, 8.0)})
    with pytest.raises(InputError, match="found scales in the chosen vectors of a .*; choose other vectors, or"):
        request(unit="f").signed_rows(calibrated)
    assert request(unit="f", rows=None).signed_rows(calibrated) == ((1, 1),)
    many = request(unit="f", rows=None).without_scale(vectors(rows=40).with_windows({(0, 1): windowed()}))
    assert many.startswith("Left out, since no scale was found for them: −0, +1, −1,")
    assert many.endswith(" and 55 more of a.")


def test_scales_to_begin_with_suit_the_set_and_the_model():
    assert (usual_unit(None), usual_unit(vectors())) == ("r", "r")
    assert usual_unit(vectors().with_windows({(0, 1): ScaleWindow(None, 1.0, None, 8.0)})) == "r"
    assert usual_unit(vectors().with_windows({(0, 1): windowed()})) == "f"
    assert [usual_scales(*case) for case in (("f", False), ("f", True), ("r", False), ("r", True))] == [
        (0.5, 1.0), (0.5, 1.0), (0.1, 0.2), (0.3, 0.5),
    ]  # fmt: skip


def windowed() -> ScaleWindow:
    return ScaleWindow(1.0, None, 3.0, 8.0)


def test_batches_come_as_they_finish_baselines_first(tiny, monkeypatch):
    monkeypatch.setitem(MOST_ROWS, "cpu", 4)
    events = []
    scan(tiny("qwen3"), request(), load, events.append)
    cells = [cell for event in events for cell in event.cells]
    assert [cell.row is None for cell in cells[:3]] == [True, True, False]
    assert len(cells) == 2 + 16
    assert [len(event.cells) for event in events if event.cells] == [4, 4, 4, 4, 2]
    shares = [event.share for event in events]
    assert shares == sorted(shares)
    assert (events[-1].done, events[-1].total, events[-1].share) == (18, 18, 1.0)
    assert events[-1].seconds_to_go == 0


def test_a_cancel_keeps_the_batches_that_are_done(tiny, monkeypatch):
    monkeypatch.setitem(MOST_ROWS, "cpu", 6)
    events = []
    result = scan(tiny("qwen3"), request(), load, events.append, lambda: any(event.cells for event in events))
    assert result.cancelled
    assert (len(result.baselines), len(result.cells), result.planned) == (2, 4, 16)
    with pytest.raises(Cancelled):
        scan(tiny("qwen3"), request(), load, cancelled=lambda: True)


def test_a_batch_too_large_for_the_memory_is_halved(tiny, monkeypatch):
    sizes, real = [], run_module.generate

    def short_of_memory(loaded, prompts, *args, **named):
        sizes.append(len(prompts))
        if len(prompts) > 5:
            raise ModelError("Expected room") from torch.OutOfMemoryError("CUDA out of memory.")
        return real(loaded, prompts, *args, **named)

    monkeypatch.setattr(run_module, "generate", short_of_memory)
    result = scan(tiny("qwen3"), request(), load)
    assert len(result.cells) == 16
    assert sizes == [18, 9, 4, 4, 4, 4, 2]


def test_a_row_of_norm_0_is_left_out_with_a_warning(tiny):
    holed = vectors()
    holed.vectors[2] = 0
    result = scan(tiny("qwen3"), request(rows=None), lambda _: holed)
    assert {cell.row for cell in result.cells} == {0, 1, 3}
    assert "vector 2 of a has norm 0 and can't be scanned." in result.warnings


def test_repetition_is_the_share_of_four_grams_that_came_before():
    assert repetition((1, 2, 3, 4)) == 0
    assert repetition((1, 2, 3)) == 0
    assert repetition((1, 1, 1, 1, 1, 1)) == pytest.approx(2 / 3)
    assert repetition((1, 2, 3, 4, 1, 2, 3, 4)) == pytest.approx(1 / 5)


def test_noise_is_judged_against_the_baseline_of_the_prompt(tiny):
    cell = scan(tiny("qwen3"), request(), load).cells[0]
    baseline = replace(cell, repetition=0.3, perplexity=2.0)
    assert not is_noise(replace(cell, repetition=0.5, perplexity=7.9), baseline)
    assert is_noise(replace(cell, repetition=0.6, perplexity=2.0), baseline)
    assert is_noise(replace(cell, repetition=0.3, perplexity=8.1), baseline)
    assert is_noise(replace(cell, repetition=0.0, perplexity=None), baseline)  # it says nothing where there was a text


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"source": ""}, "Expected a set of vectors, got none"),
        ({"rows": ()}, "Expected vectors of a, got none; write all, starred"),
        ({"rows": (-1,)}, "Expected a row of 0 or more, got -1"),
        ({"signs": ()}, r"Expected the signs \(1, -1\)"),
        ({"scales": ()}, "Expected 1 to 32 scales, got 0"),
        ({"scales": (0.5, -0.5)}, "Expected scales above 0, got -0.5"),
        ({"scales": (float("nan"),)}, "Expected scales above 0, got nan"),
        ({"prompts": ()}, "Expected a prompt, got none; type one"),
        ({"prompts": ("Hi", " ")}, "Expected prompts with text in them, got an empty one"),
        ({"positions": "some"}, "Expected positions all, prompt, last, generated or first-N"),
        ({"samples": 0}, "Expected a number of samples from 1 to 64, got 0"),
        ({"samples": 2}, r"Expected a temperature above 0 for 2 samples, got 0 \(greedy\)"),
        ({"rows": tuple(range(LIMITS.cells))}, f"at most {LIMITS.cells} texts in a scan, got {8 * LIMITS.cells}"),
    ],
)
def test_bad_requests_are_one_sentence(changes, message):
    with pytest.raises(InputError, match=message) as refused:
        request(**changes)
    assert str(refused.value).count("Expected") == 1


def test_rows_and_sets_that_do_not_fit_are_refused_before_anything_runs(tiny):
    with pytest.raises(InputError, match="Expected vectors of a from 0 to 3, got 9; choose vectors that it has"):
        scan(tiny("qwen3"), request(rows=(0, 9)), load)
    with pytest.raises(FileError, match="Expected a set of width 32, .* got “a” of width 16"):
        scan(tiny("qwen3"), request(), lambda _: vectors(width=16))


def test_the_same_scale_or_prompt_twice_is_one():
    asked = request(scales=(0.5, 0.5), prompts=("Hi", "Hi"))
    assert (asked.scales, asked.prompts, asked.cells(3)) == ((0.5,), ("Hi",), 3)


@pytest.mark.parametrize(
    ("text", "rows"),
    [("all", None), (" ", None), ("0-2", (0, 1, 2)), ("3,0 1", (3, 0, 1)), ("1-2,2-3", (1, 2, 3)), ("starred", (1,)),
     ("Kept", (0, 1, 3))],
)  # fmt: skip
def test_rows_are_read_as_people_write_them(text, rows):
    noted = vectors().with_notes((RowNote(), RowNote(star=True), RowNote(discarded=True), RowNote()))
    assert read_rows(text, noted) == rows


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("0-4", "Expected vectors of a from 0 to 3, got 4"),
        ("3-1", "Expected vectors as all, starred"),
        ("-1", "Expected vectors as all, starred"),
        ("first", "Expected vectors as all, starred"),
        ("²", "Expected vectors as all, starred"),
        ("starred", "Expected starred vectors in a, got none"),
    ],
)
def test_rows_that_are_none_are_refused(text, message):
    with pytest.raises(InputError, match=message):
        read_rows(text, vectors())


@pytest.mark.parametrize("text", ["", "a", "0.3;0.5", "0", "1e400", "nan"])
def test_scales_that_are_no_numbers_above_0_are_refused(text):
    with pytest.raises(InputError, match="Expected .*scales"):
        read_scales(text)
    assert read_scales("0.3, 0.5 8e-1") == (0.3, 0.5, 0.8)


def test_texts_that_end_where_numbers_are_not_finite_are_noise_with_a_sentence(tiny):
    asked = request(rows=(0,), scales=(3.0, 1e6), prompts=PROMPTS[:1])
    result = scan(tiny("qwen3", "float16"), asked, load)
    assert [(cell.scale, cell.noise and not cell.text) for cell in result.cells if cell.scale > 3] == [(1e6, True)] * 2
    assert not [cell for cell in result.cells if cell.scale == 3 and not cell.text]
    assert "2 texts end where the model's numbers are no longer finite" in result.warnings[-1]
    text = json.dumps(file.to_json(result), allow_nan=False)
    kept = file.from_json(text)
    assert kept.cells == result.cells
    assert [cell.kl is None for cell in kept.cells] == [cell.scale > 3 for cell in kept.cells]
