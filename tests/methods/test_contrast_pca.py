"""methods/contrast_pca: the leading direction of paired differences, against a dense oracle."""

from __future__ import annotations

import pytest
import torch

from playground.errors import InputError
from playground.library.vector_set import from_bytes, to_bytes
from playground.methods.contrast_pca import principal_differences
from playground.model.prompting import PromptFormat, encode, forward_inputs
from playground.model.steering import read_residuals
from playground.services.find import find, find_request

PAIRS = (("How do I bake bread?", "Bread."), ("Does it help?", "It helps."), ("Is it far away?", "It is far."))


def last(loaded, prompt: str) -> torch.Tensor:
    """(d,): the residual stream at block 1 and the last token, by the whole model."""
    inputs = forward_inputs(loaded, encode(loaded, [prompt], PromptFormat()))
    with torch.no_grad(), read_residuals(loaded.model, [1]) as seen:
        loaded.model(**inputs, use_cache=False)
    return seen[1][0, -1].double()


def test_it_is_the_leading_eigenvector_of_the_second_moment_of_the_differences(tiny):
    loaded = tiny("qwen3")
    sides = [tuple(side) for side in zip(*PAIRS, strict=True)]
    result = find(loaded, find_request("contrast-pca", prompts=sides[0], against=sides[1], source=1, target=None))
    found = from_bytes(to_bytes(result.vector_set))
    differences = torch.stack([last(loaded, one) - last(loaded, other) for one, other in PAIRS])
    values, vectors = torch.linalg.eigh(differences.T @ differences / len(PAIRS))
    assert found.rows == len(PAIRS)  # fewer than the four that are usual
    leading = vectors.flip(1).T[: len(PAIRS)]
    assert ((found.vectors.double() * leading).sum(dim=1).abs() / found.native_norms > 1 - 1e-5).all()
    torch.testing.assert_close(found.native_norms.double(), values.flip(0)[: len(PAIRS)].sqrt(), rtol=1e-3, atol=1e-4)
    assert float(found.vectors[0].double() @ differences.mean(dim=0)) > 0
    assert float(found.value("explained")[0]) == pytest.approx(float(values[-1] / values.sum()), rel=1e-4)
    assert found.origin.parameters["against"] == list(sides[1])


def test_pairs_that_go_either_way_do_not_cancel():
    axis = torch.tensor([[0.0, 3.0, 4.0]])
    rows, shares = principal_differences(torch.cat([axis, -axis, 0.1 * torch.eye(3)]), 1)
    assert torch.allclose(rows.abs(), axis * (50 / 5 / 25) ** 0.5, atol=0.02)
    assert float(shares[0]) > 0.99


def test_sides_that_do_not_pair_and_sides_that_are_the_same_are_refused(tiny):
    with pytest.raises(InputError, match="pairs of prompts, as many on either side, got 2 and 1"):
        find_request("contrast-pca", prompts=("a", "b"), against=("c",), source=1, target=None)
    same = find_request("contrast-pca", prompts=("a b",), against=("a b",), source=1, target=None)
    with pytest.raises(InputError, match="two sides that differ"):
        find(tiny("qwen3"), same)
