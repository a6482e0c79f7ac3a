"""methods/dct: on models, its derivatives are exact, its values are those of the whole model, and it stops."""

from __future__ import annotations

import pytest
import torch

from playground.core.contrast import random_directions
from playground.core.dct import bent, dct_radius, hessian_products, jacobian_products
from playground.core.push import Push
from playground.errors import Cancelled, InputError
from playground.library.vector_set import from_bytes, to_bytes
from playground.methods.dct import PUSHES, RELATIVE_RADII
from playground.model.cut.layer_slice import LayerSlice
from playground.model.prompting import PromptFormat, encode, forward_inputs
from playground.model.steering import read_residuals, steer
from playground.services.find import find, find_request

RAW = PromptFormat(chat=False)
PROMPTS = ("How do I bake a loaf of bread?", "Does it help?")


def request(**changes):
    usual = {"prompts": PROMPTS, "format": RAW, "source": 0, "target": 2, "vectors": 3, "steps": 3}
    return find_request("dct", **usual | changes)


def moved(loaded, row: torch.Tensor, tokens: int = 2) -> torch.Tensor:
    """(n, K, d) float64: what a push at block 0 changes at block 2 and the last tokens, by the whole model."""
    changes = []
    for prompt in PROMPTS:
        inputs = forward_inputs(loaded, encode(loaded, [prompt], RAW))
        states = []
        for pushes in ((Push(0, row),), ()):
            with torch.no_grad(), steer(loaded.model, pushes), read_residuals(loaded.model, [2]) as seen:
                loaded.model(**inputs, use_cache=False)
            states.append(seen[2][0, -tokens:].double())
        changes.append(states[0] - states[1])
    return torch.stack(changes)


@pytest.mark.parametrize("architecture", ["qwen3", "gpt2", "gemma2", "falcon", "qwen3_moe"])
def test_second_derivatives_are_those_of_the_whole_model(tiny, architecture):
    """By differences of the fourth order, through attention, norms, gates and experts that are differentiated thrice.
    The step is large for float64, because norms of some families round to float32.
    """
    loaded = tiny(architecture, "float64")
    cut = LayerSlice.prepare(loaded, encode(loaded, list(PROMPTS), RAW), 0, 2, 2)
    v, u = random_directions(2, loaded.width, 1).double(), random_directions(2, loaded.width, 2).double()
    step = 0.06
    for row, image, curvature in zip(v, jacobian_products(cut, v), bent(cut, v), strict=True):
        far_back, back, ahead, far = (moved(loaded, k * step * row).mean(dim=(0, 1)) for k in (-2, -1, 1, 2))
        slope = (far_back - 8 * back + 8 * ahead - far) / (12 * step)
        expected = (-far_back + 16 * back + 16 * ahead - far) / (12 * step**2)
        assert float((image - slope).norm() / slope.norm()) < 1e-3
        assert float((curvature - expected).norm() / expected.norm()) < 1e-2
    # T(u, v, v) either way.
    mixed = (hessian_products(cut, u, v) * v).sum(dim=1)
    torch.testing.assert_close(mixed, (bent(cut, v) * u).sum(dim=1), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("form", ["exponential", "quadratic"])
def test_a_set_holds_its_values_and_comes_back_from_its_file(tiny, form):
    loaded = tiny("qwen3")
    found = from_bytes(to_bytes(find(loaded, request(form=form, relative_radius=0.3)).vector_set))
    radius = 0.3 * found.origin.residual_norm
    torch.testing.assert_close(found.native_norms, torch.full((3,), radius), rtol=1e-5, atol=0)
    changes = [moved(loaded, row) for row in found.vectors]
    lengths = torch.stack([change.square().sum() / len(PROMPTS) for change in changes]).sqrt()
    torch.testing.assert_close(found.displacements.double(), lengths, rtol=1e-3, atol=1e-4)
    if form == "exponential":
        means = torch.stack([change.mean(dim=(0, 1)).norm() for change in changes])
        torch.testing.assert_close(found.objective.double(), means, rtol=1e-3, atol=1e-4)
    strengths = found.value("strengths")
    assert (strengths[:-1] >= strengths[1:]).all()
    assert (found.origin.parameters["form"], found.origin.parameters["radius_from"]) == (form, "request")
    again = find(loaded, request(form=form, relative_radius=0.3)).vector_set
    assert torch.equal(again.vectors, found.vectors)
    other = find(loaded, request(form=form, relative_radius=0.3, seed=5)).vector_set
    assert not torch.equal(other.vectors, found.vectors)


def test_the_radius_is_calibrated_and_does_not_change_with_the_seed(tiny):
    loaded = tiny("qwen3")
    found = find(loaded, request(steps=1)).vector_set.origin
    radius = found.parameters["radius"]
    assert found.parameters["radius_from"] == "calibrated"
    assert find(loaded, request(steps=1, seed=4)).vector_set.origin.parameters["radius"] == radius
    assert find(loaded, request(steps=1, radius=0.7)).vector_set.origin.parameters["radius"] == 0.7
    units = random_directions(PUSHES, loaded.width, 0)
    cut = LayerSlice.prepare(loaded, encode(loaded, list(PROMPTS), RAW), 0, 2, 2)
    images, off = jacobian_products(cut, units), []
    for row, image in zip(units, images, strict=True):
        off.append(((moved(loaded, radius * row).mean(dim=(0, 1)) / radius - image).norm() / image.norm()) ** 2)
    deviation = float(torch.stack(off).mean().sqrt())
    if radius < RELATIVE_RADII[1] * found.residual_norm:
        assert deviation == pytest.approx(0.5, rel=0.11)
    else:
        assert deviation < 0.5


def test_the_radius_in_bfloat16_is_that_in_float32(tiny):
    """An exact product is: a difference quotient at small steps is lost in rounding there."""
    radii = []
    for dtype in ("float32", "bfloat16"):
        loaded = tiny("qwen3", dtype)
        cut = LayerSlice.prepare(loaded, encode(loaded, list(PROMPTS), RAW), 0, 2, 2)
        radii.append(dct_radius(cut, random_directions(PUSHES, loaded.width, 0), 0.01, 1e3))
    assert radii[1] == pytest.approx(radii[0], rel=0.2)  # each is found within a tenth


def test_it_stops_with_what_there_is(tiny):
    loaded, told = tiny("qwen3"), []
    result = find(loaded, request(steps=50, relative_radius=0.3), told.append, lambda: len(told) > 5)
    assert result.cancelled
    assert 1 <= result.steps < 50
    assert result.vector_set.rows == 3
    assert result.vector_set.displacements is None
    for form in ("exponential", "quadratic"):
        with pytest.raises(Cancelled):
            find(loaded, request(form=form), cancelled=lambda: True)


def test_wrong_settings_are_refused_in_a_sentence(tiny):
    with pytest.raises(InputError, match="got both"):
        request(radius=1.0, relative_radius=1.0)
    with pytest.raises(InputError, match="exponential"):
        request(form="cubic")
    with pytest.raises(InputError, match="at most 32 vectors"):
        find(tiny("qwen3"), request(vectors=33, relative_radius=0.1))
