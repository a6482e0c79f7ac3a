"""services/suggest.py: KL at the suggested scale is the budget, by a plain forward pass over each prompt."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from playground.core.push import Push
from playground.errors import Cancelled, FileError, InputError
from playground.library.origin import Origin, now
from playground.library.vector_set import VectorSet, from_bytes, to_bytes
from playground.model.layer_slice import LayerSlice
from playground.model.prompting import PromptFormat, encode, forward_inputs
from playground.model.steering import steer
from playground.services import suggest
from playground.services.suggest import RELATIVE_SCALES, suggested_scales, with_suggestions

PROMPTS = ("How do I bake a loaf of bread?", "Does it help?")
SOURCE = 1


def set_of(loaded, rows=4, vectors=None, **changes) -> VectorSet:
    if vectors is None:
        vectors = 5 * torch.randn(rows, loaded.width, generator=torch.Generator().manual_seed(0))
    norm = LayerSlice.prepare(loaded, encode(loaded, PROMPTS, PromptFormat()), SOURCE, SOURCE + 1, 1).residual_norm
    values = dict(
        model=loaded.name, fingerprint=loaded.fingerprint, width=loaded.width, block_count=loaded.block_count,
        source=SOURCE, method="random", prompts=PROMPTS, residual_norm=norm, created=now(),
    )  # fmt: skip
    return VectorSet(vectors, Origin(**{**values, **changes}), name="mine")


def mean_kl(loaded, vector: torch.Tensor) -> float:
    """KL(steered ‖ baseline) of the next token, mean over prompts: one prompt at a time, two whole passes."""
    total = 0.0
    for prompt in PROMPTS:
        inputs = forward_inputs(loaded, encode(loaded, [prompt], PromptFormat()))
        with torch.no_grad():
            before = loaded.model(**inputs).logits[0, -1].double().log_softmax(dim=0)
            with steer(loaded.model, [Push(SOURCE, vector)]):
                after = loaded.model(**inputs).logits[0, -1].double().log_softmax(dim=0)
        total += float((after.exp() * (after - before)).sum())
    return total / len(PROMPTS)


@pytest.mark.parametrize("budget", [0.1, 1.0])
def test_the_divergence_at_a_suggested_scale_is_the_budget_and_below_it_is_less(tiny, budget):
    loaded = tiny("qwen3")
    vector_set = set_of(loaded)
    scales = suggested_scales(loaded, vector_set, budget)
    assert scales.shape == (4, 2)
    assert (scales > 0).any(dim=0).all()
    for row in range(4):
        for sign, scale in zip((1, -1), scales[row].tolist(), strict=True):
            if scale == 0:
                for relative in RELATIVE_SCALES:
                    tried = relative * vector_set.origin.residual_norm
                    assert mean_kl(loaded, sign * tried * vector_set.unit(row)) < budget
                continue
            assert mean_kl(loaded, sign * scale * vector_set.unit(row)) == pytest.approx(budget, rel=0.05)
            assert mean_kl(loaded, sign * 0.7 * scale * vector_set.unit(row)) < budget


def test_the_scale_does_not_depend_on_the_norm_in_the_file_nor_on_the_other_rows(tiny):
    loaded = tiny("qwen3")
    vector_set = set_of(loaded)
    larger = replace(vector_set, vectors=9 * vector_set.vectors)
    scales = suggested_scales(loaded, vector_set)
    torch.testing.assert_close(suggested_scales(loaded, larger), scales, rtol=0.02, atol=0)
    torch.testing.assert_close(suggested_scales(loaded, vector_set.take([2])), scales[2:3], rtol=0.02, atol=0)


def test_signs_are_those_of_the_row_and_its_negative(tiny):
    loaded = tiny("qwen3")
    vector_set = set_of(loaded, rows=1)
    turned = replace(vector_set, vectors=-vector_set.vectors)
    scales = suggested_scales(loaded, vector_set)
    torch.testing.assert_close(suggested_scales(loaded, turned), scales.flip(1), rtol=0.02, atol=0)


def test_a_budget_out_of_reach_and_a_row_of_zeros_have_scale_zero(tiny):
    loaded = tiny("qwen3")
    assert not suggested_scales(loaded, set_of(loaded, rows=1), budget=1e4).any()
    vectors = torch.cat([torch.zeros(1, 32), torch.ones(1, 32)])
    assert suggested_scales(loaded, set_of(loaded, vectors=vectors), budget=0.1)[0].tolist() == [0, 0]


def test_suggestions_are_kept_in_the_file_and_those_of_other_rows_stay(tiny):
    loaded = tiny("qwen3")
    before = replace(set_of(loaded), suggested_scales=torch.full((4, 2), 7.0))
    after = from_bytes(to_bytes(with_suggestions(loaded, before, 0.1, rows=(1,))))
    expected = suggested_scales(loaded, set_of(loaded), 0.1)[1]
    torch.testing.assert_close(after.suggested_scales[1], expected, rtol=0.02, atol=0)
    assert after.suggested_scales[[0, 2, 3]].tolist() == [[7.0, 7.0]] * 3


def test_progress_rises_to_one(tiny):
    shares = []
    suggested_scales(tiny("qwen3"), set_of(tiny("qwen3"), rows=2), emit=shares.append)
    assert shares == sorted(shares)
    assert shares[-1] == 1.0


@pytest.mark.parametrize("budget", [0.0, -1.0, float("nan"), float("inf")])
def test_a_budget_of_nothing_is_refused(tiny, budget):
    with pytest.raises(InputError, match="budget above 0 nats"):
        suggested_scales(tiny("qwen3"), set_of(tiny("qwen3"), rows=1), budget)


def test_sets_and_rows_that_do_not_fit_are_refused(tiny):
    loaded = tiny("qwen3")
    with pytest.raises(InputError, match="rows of “mine” from 0 to 3"):
        suggested_scales(loaded, set_of(loaded), rows=(4,))
    with pytest.raises(InputError, match="the prompts it was found on"):
        suggested_scales(loaded, set_of(loaded, prompts=()))
    with pytest.raises(FileError, match="width 31"):
        suggested_scales(loaded, set_of(loaded, vectors=torch.ones(1, 31), width=31))


def test_a_cancel_ends_it(tiny):
    with pytest.raises(Cancelled):
        suggested_scales(tiny("qwen3"), set_of(tiny("qwen3")), cancelled=lambda: True)


def test_a_large_set_is_kept_block_by_block(tiny, monkeypatch):
    loaded, kept = tiny("qwen3"), []
    at_once = suggested_scales(loaded, set_of(loaded))
    monkeypatch.setattr(suggest, "BLOCK", 3)
    before = replace(set_of(loaded), suggested_scales=torch.full((4, 2), 7.0))
    shares = []
    scales = suggested_scales(loaded, before, emit=shares.append, keep=lambda now, done: kept.append((now, done)))
    torch.testing.assert_close(scales, at_once, rtol=0.02, atol=0)
    (first, some), (last, every) = kept
    assert (some, every) == (3, 4)
    assert torch.equal(first[:3], scales[:3])
    assert first[3].tolist() == [7.0, 7.0]
    assert torch.equal(last, scales)
    assert shares == sorted(shares)
