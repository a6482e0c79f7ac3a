"""model/reference.py: the median norm, and sinks left out where all positions are read."""

from __future__ import annotations

import statistics

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from playground.model import reference
from playground.model.activations import residual_streams
from playground.model.cut.layer_slice import LayerSlice
from playground.model.prompting import PromptFormat, encode
from playground.model.reference import median, sink_positions

RAW = PromptFormat(chat=False)
PROMPTS = ("Does it help? It may.", "How do I bake a loaf of bread? First, take a clean bowl.")


@given(st.lists(st.floats(0, 1e6, width=32), min_size=1, max_size=50))
def test_the_median_is_that_of_the_standard_library(norms):
    assert median(torch.tensor(norms, dtype=torch.float32)) == pytest.approx(statistics.median(norms), rel=1e-6)


def test_a_sink_has_over_ten_times_the_median_norm_of_its_own_prompt():
    norms = torch.tensor([[0.0, 50.0, 1.0, 1.0, 4.0], [90.0, 9.0, 8.0, 9.0, 10.0]])
    mask = torch.tensor([[False, True, True, True, True], [True, True, True, True, True]])
    stream = norms[..., None] * torch.tensor([0.6, 0.8])
    # medians 2.5 and 9: 50 > 25, and 90 is not over 90
    expected = torch.tensor([[False, True, False, False, False], [False] * 5])
    assert torch.equal(sink_positions(stream, mask), expected)


@pytest.fixture
def low_ratio(monkeypatch):
    """Tiny random models have no sinks: with a ratio below 1 their larger half are."""
    monkeypatch.setattr(reference, "SINK_RATIO", 1.01)


@pytest.mark.parametrize("architecture", ["qwen3", "gpt2", "gemma3"])
def test_sinks_are_rows_of_zeros_of_the_jacobian_and_the_rest_is_unchanged(tiny, low_ratio, architecture):
    loaded = tiny(architecture)
    encoded = encode(loaded, PROMPTS, RAW)
    part = LayerSlice.prepare(loaded, encoded, 0, 2, None)
    whole = LayerSlice.prepare(loaded, encoded, 0, 2, None, read_sinks=True)
    assert part.sinks > 0
    assert whole.sinks == 0
    shape = (len(PROMPTS), part.positions, part.width, part.width)
    dense, full = part.jacobian().dense().view(shape), whole.jacobian().dense().view(shape)
    states = whole(torch.zeros(whole.width))[0]
    for number, length in enumerate(encoded.lengths):
        own = states[number, -length:]
        sinks = sink_positions(own[None], torch.ones(1, length, dtype=torch.bool))[0]
        assert not dense[number, -length:][sinks].any()
        torch.testing.assert_close(dense[number, -length:][~sinks], full[number, -length:][~sinks])
        assert full[number, -length:][sinks].any()


def test_pieces_and_variance_leave_sinks_out_too(tiny, low_ratio):
    loaded = tiny("qwen3")
    encoded = encode(loaded, PROMPTS, RAW)
    part = LayerSlice.prepare(loaded, encoded, 0, 2, None)
    whole = LayerSlice.prepare(loaded, encoded, 0, 2, None, read_sinks=True)
    marked = sum(int(piece.mask.sum()) for piece in part.pieces(3))
    assert marked == sum(encoded.lengths) - part.sinks
    assert sum(int(piece.mask.sum()) for piece in whole.pieces(3)) == sum(encoded.lengths)
    assert not torch.allclose(part.target_variance(), whole.target_variance())


def test_means_over_all_positions_leave_sinks_out_unless_asked(tiny, low_ratio):
    loaded = tiny("qwen3")
    encoded = encode(loaded, PROMPTS, RAW)
    without = residual_streams(loaded, encoded, 1, None)
    with_them = residual_streams(loaded, encoded, 1, None, read_sinks=True)
    last = residual_streams(loaded, encoded, 1, 2)
    assert (without.sinks > 0, with_them.sinks, last.sinks) == (True, 0, 0)
    assert not torch.allclose(without.means, with_them.means)
    assert without.reference_norm == with_them.reference_norm  # of all tokens: the median bears them
