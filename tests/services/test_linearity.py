"""services/linearity.py: measured against the whole model with a hook, predicted against its dense Jacobian."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch

from playground.core.krylov import solve
from playground.core.push import Push
from playground.core.settings import KrylovSettings
from playground.errors import Cancelled, FileError, InputError
from playground.library.origin import Origin, now
from playground.library.vector_set import VectorSet, from_bytes, to_bytes
from playground.model.cut import layer_slice as layer_slice_module
from playground.model.cut.layer_slice import LayerSlice
from playground.model.prompting import PromptFormat, encode, forward_inputs
from playground.model.steering import read_residuals, steer
from playground.services.linearity import LinearityRequest, linearity, with_linear_radii

PROMPTS = ("How do I bake a loaf of bread?", "Does it help?")
SOURCE, TARGET = 0, 2


def set_of(loaded, rows=3, tokens: int | None = 2, vectors=None, **changes) -> VectorSet:
    if vectors is None:
        vectors = 5 * torch.randn(rows, loaded.width, generator=torch.Generator().manual_seed(0))
    values = dict(
        model=loaded.name, fingerprint=loaded.fingerprint, width=loaded.width, block_count=loaded.block_count,
        source=SOURCE, target=TARGET, target_tokens=tokens, method="power", prompts=PROMPTS, residual_norm=16.0,
        created=now(), chat=False,
    )  # fmt: skip
    return VectorSet(vectors, Origin(**{**values, **changes}), name="mine")


def states(loaded, vector: torch.Tensor, tokens: int | None) -> torch.Tensor:
    """f(θ) of all prompts, from the definition: one prompt at a time, a hook, the whole model."""
    parts = []
    for prompt in PROMPTS:
        inputs = forward_inputs(loaded, encode(loaded, [prompt], PromptFormat(chat=False)))
        with steer(loaded.model, [Push(SOURCE, vector)]), read_residuals(loaded.model, [TARGET]) as seen:
            loaded.model(**inputs, use_cache=False)
        parts.append(seen[TARGET][0, -(tokens or 0) :].flatten())
    return torch.cat(parts).double()


@pytest.mark.parametrize("tokens", [2, None])
def test_the_measured_displacement_is_that_of_the_whole_model(tiny, tokens):
    loaded = tiny("qwen3")
    vector_set = set_of(loaded, tokens=tokens)
    found = linearity(loaded, LinearityRequest(source_set=vector_set, rows=(2, 0)))
    assert found.rows == (2, 0)
    assert found.measured.shape == found.deviation.shape == (2, 2, len(found.radii))
    still = states(loaded, torch.zeros(loaded.width), tokens)
    for index, row in enumerate(found.rows):
        for number, sign in enumerate((1, -1)):
            for column in (0, 4, 9):
                moved = states(loaded, sign * found.radii[column] * vector_set.unit(row), tokens)
                expected = (moved - still).norm() / math.sqrt(len(PROMPTS))
                assert float(found.measured[index, number, column]) == pytest.approx(float(expected), rel=1e-4)


def test_the_prediction_is_the_radius_times_the_gain_and_the_deviation_that_of_the_states(tiny):
    loaded = tiny("qwen3", "float64")
    vector_set = set_of(loaded, tokens=None)
    found = linearity(loaded, LinearityRequest(source_set=vector_set, rows=(1,)))
    unit = vector_set.unit(1).double()
    still = states(loaded, torch.zeros(loaded.width), None)
    step = 1e-3  # norms and softmax are float32 inside, also in a float64 model
    image = (states(loaded, step * unit, None) - states(loaded, -step * unit, None)) / (2 * step)
    expected = found.radii * float(image.norm()) / math.sqrt(len(PROMPTS))
    torch.testing.assert_close(found.predicted[0], expected.float(), rtol=1e-3, atol=0)
    for column in (2, 8):
        radius = float(found.radii[column])
        for number, sign in enumerate((1, -1)):
            rest = states(loaded, sign * radius * unit, None) - still - sign * radius * image
            deviation = float(rest.norm() / (radius * image).norm())
            assert float(found.deviation[0, number, column]) == pytest.approx(deviation, rel=0.01)


def test_a_tiny_push_is_linear_and_the_deviation_grows_in_proportion(tiny):
    loaded = tiny("qwen3", "float64")
    asked = LinearityRequest(source_set=set_of(loaded), relative_radii=(1e-3, 4e-3, 8e-3))
    found = linearity(loaded, asked)
    assert found.deviation[:, :, 0].max() < 0.01
    torch.testing.assert_close(found.measured[:, :, 0], found.predicted[:, None, 0].expand(-1, 2), rtol=0.01, atol=0)
    assert ((found.deviation[:, :, 2] / found.deviation[:, :, 1] - 2).abs() < 0.3).all()


def test_the_gain_of_a_singular_vector_is_its_singular_value(tiny):
    loaded = tiny("qwen3", "float64")
    encoded = encode(loaded, PROMPTS, PromptFormat(chat=False))
    part = LayerSlice.prepare(loaded, encoded, SOURCE, TARGET, 2)
    spectrum = solve(part.jacobian(), KrylovSettings(3, tolerance=1e-5, steps=100))
    found = linearity(loaded, LinearityRequest(source_set=set_of(loaded, vectors=spectrum.vectors)))
    gains = found.predicted[:, 0] / found.radii[0]
    torch.testing.assert_close(gains, spectrum.singular_values, rtol=1e-3, atol=0)
    assert found.residual_norm == 16.0  # that of the set
    assert float(found.radii[0]) == pytest.approx(0.02 * 16.0)


def test_the_linear_radius_is_where_the_deviation_is_one_half(tiny):
    loaded = tiny("qwen3")
    vector_set = set_of(loaded)
    found = linearity(loaded, LinearityRequest(source_set=vector_set))
    assert (found.linear_radius > 0).all()
    for row in range(3):
        for sign in range(2):
            radius = float(found.linear_radius[row, sign]) / found.residual_norm
            there = linearity(loaded, LinearityRequest(source_set=vector_set, rows=(row,), relative_radii=(radius,)))
            assert float(there.deviation[0, sign, 0]) == pytest.approx(0.5, abs=0.05)


def test_a_radius_that_is_not_reached_is_zero(tiny):
    loaded = tiny("qwen3")
    found = linearity(loaded, LinearityRequest(source_set=set_of(loaded), relative_radii=(1e-3, 2e-3)))
    assert not found.linear_radius.any()


def test_what_a_push_at_the_source_does_when_the_map_is_linear_is_the_prediction(tiny, monkeypatch):
    # A model part without blocks that bend anything: the residual stream alone.
    loaded = tiny("qwen3", "float64")
    monkeypatch.setattr(layer_slice_module, "run_chunk", lambda loaded, chunk, theta, pushes, tokens: (
        (chunk.stream + (theta if theta.ndim == 1 else theta[:, None, None])).flatten(0, -3)[:, -tokens:]
    ))
    found = linearity(loaded, LinearityRequest(source_set=set_of(loaded)))
    assert found.deviation.max() < 1e-5
    torch.testing.assert_close(found.measured, found.predicted[:, None].expand(-1, 2, -1))
    torch.testing.assert_close(found.predicted[0], found.radii * math.sqrt(2))  # two tokens, each moved by R
    assert not found.linear_radius.any()


def test_radii_are_kept_in_the_file_and_those_of_other_rows_stay(tiny):
    loaded = tiny("qwen3")
    vector_set = replace(set_of(loaded), linear_radii=torch.full((3, 2), 7.0))
    found = linearity(loaded, LinearityRequest(source_set=vector_set, rows=(1,)))
    kept = from_bytes(to_bytes(with_linear_radii(vector_set, found))).linear_radii
    assert torch.equal(kept[1], found.linear_radius[0])
    assert kept[[0, 2]].tolist() == [[7.0, 7.0]] * 2


def test_a_set_may_be_named_and_progress_is_told(tiny):
    loaded = tiny("qwen3")
    shares = []
    asked = LinearityRequest(source_set="mine", relative_radii=(0.5,))
    found = linearity(loaded, asked, shares.append, load_set={"mine": set_of(loaded)}.__getitem__)
    assert found.rows == (0, 1, 2)
    assert shares == [1 / 3, 2 / 3, 1.0]


@pytest.mark.parametrize("radii", [(), (0.0,), (1.0, 0.5), (1.0, 1.0), (math.nan,), (-1.0,), (0.1,) * 65])
def test_radii_that_are_none_are_refused(tiny, radii):
    with pytest.raises(InputError, match="radii"):
        LinearityRequest(source_set="mine", relative_radii=radii)


def test_what_cannot_be_measured_is_refused_in_a_sentence(tiny):
    loaded = tiny("qwen3")
    for vector_set, rows, error, sentence in (
        (set_of(loaded), (3,), InputError, "rows of “mine” from 0 to 2, got \\[3\\]"),
        (set_of(loaded), (), InputError, "rows of “mine” from 0 to 2"),
        (set_of(loaded, target=None, tokens=None), None, InputError, "a target layer.*“mine” has none"),
        (set_of(loaded, prompts=()), None, InputError, "the prompts it was found on"),
        (set_of(loaded, vectors=torch.ones(1, 31), width=31), None, FileError, "width 31"),
        (set_of(loaded, vectors=torch.zeros(1, 32)), None, FileError, "norm 0"),
    ):
        with pytest.raises(error, match=sentence):
            linearity(loaded, LinearityRequest(source_set=vector_set, rows=rows))


def test_a_cancel_ends_it(tiny):
    with pytest.raises(Cancelled):
        linearity(tiny("qwen3"), LinearityRequest(source_set=set_of(tiny("qwen3"))), cancelled=lambda: True)
