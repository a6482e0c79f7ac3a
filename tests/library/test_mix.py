"""library/mix.py: a recipe becomes pushes for this very model, or a sentence says why not."""

from __future__ import annotations

import pytest
import torch

from playground.errors import FileError, InputError
from playground.library.mix import mix
from playground.library.origin import Origin, now
from playground.library.recipe import parse
from playground.library.vector_set import VectorSet


def vector_set(loaded, rows=3, **changes) -> VectorSet:
    values = dict(
        model=loaded.name,
        fingerprint=loaded.fingerprint,
        width=loaded.width,
        block_count=loaded.block_count,
        source=1,
        method="random",
        residual_norm=2.0,
        created=now(),
    )
    origin = Origin(**{**values, **changes})
    vectors = torch.randn(rows, origin.width, generator=torch.Generator().manual_seed(0))
    return VectorSet(vectors=vectors, origin=origin, name="set")


def test_the_norm_is_that_of_all_that_is_added_at_all_layers(tiny):
    loaded = tiny("qwen3")
    sets = {"a": vector_set(loaded), "b": vector_set(loaded, source=2)}
    made = mix(loaded, parse("a#0@3,b#1@-4"), sets.__getitem__)
    assert [push.layer for push in made.edits] == [1, 2]
    assert made.norm == pytest.approx(5.0)
    assert made.warnings == ()


@pytest.mark.parametrize("amount", ["2.1e6", "-1e30"])
def test_a_push_beside_which_the_model_has_no_digits_left_is_refused(tiny, amount):
    loaded = tiny("qwen3")
    assert mix(loaded, parse("a#0@1.9e6"), {"a": vector_set(loaded)}.__getitem__).norm == pytest.approx(1.9e6)
    with pytest.raises(InputError, match="at most a million times the residual stream's norm, 2, got .*; use"):
        mix(loaded, parse(f"a#0@{amount}"), {"a": vector_set(loaded)}.__getitem__)


def test_a_set_of_another_model_of_equal_width_is_a_warning_once_for_each_set(tiny):
    loaded = tiny("qwen3")
    sets = {"a": vector_set(loaded, model="other", fingerprint="0" * 16)}
    made = mix(loaded, parse("a#0@3,a#1@1"), sets.__getitem__)
    assert len(made.warnings) == 1
    assert "other" in made.warnings[0]


def test_a_set_of_another_width_is_refused(tiny):
    sets = {"a": vector_set(tiny("qwen3"), width=48)}
    with pytest.raises(FileError, match=r"width 32.*width 48"):
        mix(tiny("qwen3"), parse("a#0@3"), sets.__getitem__)


def test_a_set_whose_layers_the_model_does_not_have_is_refused(tiny):
    sets = {"a": vector_set(tiny("qwen3"), block_count=40, source=30)}
    with pytest.raises(FileError, match="layer 30"):
        mix(tiny("qwen3"), parse("a#0@3"), sets.__getitem__)


def test_a_row_that_is_not_there_is_refused(tiny):
    with pytest.raises(InputError, match="from 0 to 2, got row 3"):
        mix(tiny("qwen3"), parse("a#3@1"), {"a": vector_set(tiny("qwen3"))}.__getitem__)
