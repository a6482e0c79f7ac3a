"""The public API: what its one page shows, on a model that a caller holds."""

from __future__ import annotations

import json
import math
import subprocess
import sys

import pytest
import torch

import playground as sp
from playground.core.push import Push
from playground.model.prompting import encode

PROMPTS = ["How do I bake a loaf of bread?", "Does it help?"]
RAW = sp.PromptFormat(chat=False)


@pytest.fixture(scope="module")
def found(tiny):
    return sp.find("power", tiny("qwen3"), PROMPTS, source=1, target=3, vectors=3, format=RAW)


def test_every_name_of_the_api_is_in_the_package_without_torch_at_first():
    from playground import api

    assert sorted(sp.__all__) == sorted(api.__all__)
    assert all(getattr(sp, name) is getattr(api, name) for name in sp.__all__)
    code = "import sys, playground; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == 0
    with pytest.raises(AttributeError, match="has no attribute 'atlas'"):
        _ = sp.atlas


def test_a_model_that_is_held_is_wrapped_as_it_is(tiny):
    held = tiny("qwen3")
    wrapped = sp.wrap(held.model, held.tokenizer, "mine")
    assert wrapped.model is held.model
    assert (wrapped.name, wrapped.width, wrapped.block_count) == ("mine", held.width, held.block_count)
    assert wrapped.fingerprint == held.fingerprint
    held.model.train()
    try:
        with pytest.raises(sp.ModelError, match=r"got one in training mode; call its eval\(\) first"):
            sp.wrap(held.model, held.tokenizer)
    finally:
        held.model.eval()


def test_directions_are_found_saved_and_added_with_their_scales(tiny, found, tmp_path):
    model = tiny("qwen3")
    found.save(tmp_path / "some.safetensors")
    opened = sp.load_vectors(tmp_path / "some.safetensors")
    torch.testing.assert_close(opened.vectors, found.vectors, rtol=0, atol=0)
    assert len(found) == 3
    assert [direction.row for direction in found] == [0, 1, 2]
    assert found[-1].row == 2
    assert opened.scales_tried is not None
    result = sp.generate(
        model, PROMPTS[0], [found[0] * 20, found[0] * 20 - found[1] * "0.5r", found[0:2] * "2n"],
        baseline=True, format=RAW, max_new_tokens=5,
    )  # fmt: skip
    named = found.name
    half = 0.5 * found.origin.residual_norm
    assert [row.recipe for row in result.rows] == [
        "", f"{named}#0@20", f"{named}#0@20,{named}#1@-0.5r", f"{named}#mean:0-2@2"
    ]  # fmt: skip
    assert result.rows[1].norm == pytest.approx(20)
    together = 20 * found.unit(0) - half * found.unit(1)
    assert result.rows[2].norm == pytest.approx(float(together.norm()), rel=1e-4)
    assert result.rows[3].norm == pytest.approx(float(2 * found.vectors[:2].mean(dim=0).norm()), rel=1e-4)
    assert result.texts == tuple(row.text for row in result.rows)
    assert list(result.to_frame()["recipe"]) == [row.recipe for row in result.rows]
    assert result.to_dict()["rows"][1]["token_ids"] == result.rows[1].token_ids


def test_sets_of_one_name_stay_apart_and_files_mix_with_what_is_held(tiny, found, tmp_path):
    other = sp.find("random", tiny("qwen3"), PROMPTS, source=1, vectors=2, scales=False, format=RAW)
    other = type(other)(other.vectors, other.origin, name=found.name)
    path = tmp_path / "kept.safetensors"
    found.save(path)
    result = sp.generate(
        tiny("qwen3"), PROMPTS[0], [found[0] * 5 + other[1] * 5, f"{path}#0@5"], format=RAW, max_new_tokens=2
    )
    assert [row.recipe for row in result.rows] == [f"{found.name}#0@5,{found.name}-2#1@5", f"{path}#0@5"]
    both = 5 * found.unit(0) + 5 * other.unit(1)
    assert result.rows[0].norm == pytest.approx(float(both.norm()), rel=1e-4)


def test_a_model_is_steered_inside_the_block_and_not_after_it(tiny, found):
    model = tiny("qwen3")
    given = encode(model, PROMPTS[:1], RAW)

    def logits() -> torch.Tensor:
        with torch.no_grad():
            return model.model(given.input_ids).logits[0, -1]

    plain = logits()
    with sp.steering(model.model, found[0] * 20):
        steered = logits()
    assert torch.equal(logits(), plain)
    from playground.model.steering import steer

    with steer(model.model, [Push(1, 20 * found.unit(0))]):
        torch.testing.assert_close(logits(), steered)
    assert not torch.equal(steered, plain)


def test_vectors_are_measured_and_scanned(tiny, found):
    items = sp.prompts("survival-choices")
    curve = sp.measure(tiny("qwen3"), "choices", found, items, (-0.5, 0.5), "r", rows=[0], max_items=4, controls=1)
    assert [(row.name, row.relative) for row in curve.rows] == [
        (f"{found.name}#0", -0.5), (f"{found.name}#0", 0.5), ("random-0", -0.5), ("random-0", 0.5)
    ]  # fmt: skip
    frame = curve.to_frame()
    assert list(frame["mean"]) == [row.mean for row in (curve.baseline, *curve.rows)]
    assert curve.to_dict()["rows"][0]["mean"] == curve.rows[0].mean
    drawn = [line for line in curve.plot().data if line.mode == "lines+markers"]
    assert [list(line.y) for line in drawn] == [[row.mean for row in curve.rows[:2]]]
    sums = sp.measure(tiny("qwen3"), "exact", found, "word-problems", (0.5,), "r", rows=[0], max_items=2, controls=1)
    assert list(sums.to_frame()["share"]) == [row.share for row in (sums.baseline, *sums.rows)]
    replies = sp.measure(
        tiny("qwen3"), "replies", found, items, (0.5,), "r", rows=[0], max_items=2, controls=1,
        sampling=sp.Sampling(max_new_tokens=4), format=RAW,
    )  # fmt: skip
    table = replies.to_frame()
    assert list(table["group"][:3]) == list(replies.request.groups)
    assert list(table["share"]) == [one.share for row in (replies.baseline, *replies.rows) for one in row.shares]
    seen = sp.scan(tiny("qwen3"), found, PROMPTS, (0.5,), "r", rows=[0, 1], format=RAW)
    assert len(seen.cells) == 2 * 2 * 2
    assert seen.to_dict()["cells"][-1]["text"] == seen.cells[-1].text
    assert list(seen.to_frame()["text"])[-1] == seen.cells[-1].text


def test_a_set_is_a_dict_of_json_values_and_a_frame_of_its_rows(found):
    held = json.loads(json.dumps(found.to_dict()))
    assert (held["name"], held["model"], held["source"]) == (found.name, found.origin.model, 1)
    assert torch.equal(torch.tensor(held["tensors"]["vectors"]), found.vectors)
    assert "base" not in held["tensors"]
    frame = found.to_frame()
    assert list(frame["row"]) == [0, 1, 2]
    assert frame["singular_values"].tolist() == found.singular_values.tolist()
    for sign, column in ((1, "found_scales_plus"), (-1, "found_scales_minus")):
        windows = [found.window(row, sign).found for row in range(3)]
        assert [None if math.isnan(value) else value for value in frame[column]] == windows


def test_next_tokens_are_followed_over_multiples_of_what_is_added(tiny, found):
    model = tiny("qwen3")
    shifts = sp.next_token(model, PROMPTS, found[0] * 20, (-1, 0, 1), controls=2, format=RAW)
    assert (shifts.done, shifts.total, shifts.norm) == (2, 2, pytest.approx(20))
    assert shifts.kl[1] == 0
    assert min(shifts.kl[0], shifts.kl[2]) > 0
    assert list(shifts.to_frame().query("quantity == 'kl'")["value"]) == list(shifts.kl)
    assert shifts.to_dict()["kl"] == list(shifts.kl)
    assert list(shifts.plot().data[-1].y) == list(shifts.kl)
    whole = sp.PromptSet("plain", "", "", "prompts", tuple(PROMPTS), chat=False)
    assert sp.next_token(model, whole, found[0] * 20, (-1, 0, 1), controls=2).kl == shifts.kl


def test_sets_are_compared_without_a_model(tiny, found):
    other = sp.find("random", tiny("qwen3"), PROMPTS, 1, vectors=2, scales=False, format=RAW)
    other = type(other)(other.vectors, other.origin, name=found.name)
    seen = sp.compare(found, other)
    assert [one.name for one in seen.sets] == [found.name, f"{found.name}-2"]
    expected = torch.stack([*map(found.unit, range(3)), *map(other.unit, range(2))]).double()
    torch.testing.assert_close(seen.cosines.double(), expected @ expected.T, rtol=0, atol=1e-6)
    assert len(seen.angles[0].angles) == 2
    held, frame = json.loads(json.dumps(seen.to_dict())), seen.to_frame()
    assert held["sets"][1]["rows"] == [0, 1]
    assert held["angles"][0]["angles"] == seen.angles[0].angles.tolist()
    assert list(frame.index) == list(frame.columns) == [seen.name(index) for index in range(5)]
    drawn = torch.tensor(seen.plot().data[0].z)
    torch.testing.assert_close(drawn, seen.cosines, rtol=0, atol=1e-3)  # the plot rounds
    assert frame.to_numpy().tolist() == held["cosines"] == seen.cosines.tolist()
    with pytest.raises(sp.InputError, match="Expected 1 to 12 sets to compare, got 0"):
        sp.compare()


def test_a_prompt_set_brings_its_format_and_both_of_its_sides(tiny):
    model, contrast = tiny("qwen3"), sp.prompts("organism-harm-contrast")
    found = sp.find("difference", model, contrast, 1, scales=False)
    assert found.origin.prompts == tuple(pair.positive for pair in contrast.items)
    assert (found.origin.prompt_set, found.origin.chat) == (contrast.name, True)
    plain = sp.PromptSet("plain", "", "", "prompts", tuple(PROMPTS), chat=False)
    assert sp.find("random", model, plain, 1, scales=False).origin.chat is False
    assert sp.find("random", model, plain, 1, scales=False, format=sp.PromptFormat()).origin.chat is True
    assert sp.scan(model, found, plain, (0.5,), "r").request.format == RAW
    texts = sp.generate(model, PROMPTS, format=RAW, max_new_tokens=3).texts
    assert sp.generate(model, plain, max_new_tokens=3).texts == texts


def test_a_find_that_is_stopped_while_it_looks_for_scales_returns_its_vectors(tiny):
    begun = []
    found = sp.find(
        "power", tiny("qwen3"), PROMPTS, 1, 3, 2, format=RAW,
        emit=lambda event: begun.append(event.share), cancelled=lambda: 1.0 in begun,
    )  # fmt: skip
    assert found.origin.converged is True
    assert found.window(0, 1) is None


def test_a_file_comes_before_a_set_of_that_name_in_the_library(tiny, found, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found.save("organism-refusals-power-3-9.safetensors")
    result = sp.generate(tiny("qwen3"), PROMPTS[0], "organism-refusals-power-3-9.safetensors#0@5", max_new_tokens=2)
    assert result.rows[0].norm == pytest.approx(5)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda model, found: sp.find("power", model, PROMPTS, 1, 3, colour="red"), "Expected settings of power, got"),
        (lambda model, found: sp.find("magic", model, PROMPTS, 1, 3), "Expected a method: power"),
        (lambda model, found: found[7], "Expected a row of"),
        (lambda model, found: found[2:1], "Expected rows A:B of"),
        (lambda model, found: found[0] * "1x", "Expected a scale as a number with a unit"),
        (lambda model, found: sp.measure(model, "colour", found, "neutral"), "Expected an analysis: choices, exact"),
        (lambda model, found: sp.measure(model, "choices", found, "survival-choices", unit="a"), "Expected scales in"),
        (lambda model, found: sp.scan(model, found, PROMPTS, unit="a"), "Expected scales with the unit a, got none"),
        (lambda model, found: sp.generate(model, PROMPTS, "nothing#0@1"), "Expected"),
    ],
)
def test_what_cannot_be_used_is_one_sentence(call, said, tiny, found):
    with pytest.raises(sp.PlaygroundError, match=f"^{said}"):
        call(tiny("qwen3"), found)
