"""Kept texts are shown for the same request, model and vectors, and for nothing else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from playground.library.recipe import parse
from playground.library.vector_set import VectorSet
from playground.model.generation.sampling import Sampling
from playground.model.load import LoadedModel
from playground.services.find import find, find_request
from playground.services.generate import GenerateRequest, generate
from playground.services.kept_texts import keep, read


@pytest.fixture(scope="module")
def loaded(tiny: Callable[..., LoadedModel]) -> LoadedModel:
    return tiny("llama")


@pytest.fixture(scope="module")
def found(loaded: LoadedModel) -> VectorSet:
    request = find_request(method="random", prompts=("How can I?",), source=0, target=2, vectors=2)
    return find(loaded, request).vector_set


def request(scale: str = "4", **given) -> GenerateRequest:
    asked = {"prompts": ("How can I?",), "recipes": (parse(f"set#1@{scale}"),), "sampling": Sampling(max_new_tokens=6)}
    return GenerateRequest(**asked | given)


@pytest.fixture
def kept(loaded, found, tmp_path):
    path = tmp_path / "texts.json"
    keep(loaded, [(request(), generate(loaded, request(), lambda name: found))], lambda name: found, path)
    return read(path)


def test_the_result_is_the_one_that_was_written(loaded, found, kept):
    result = kept.of(loaded, request(), lambda name: found)
    assert result is not None
    assert result.rows == generate(loaded, request(), lambda name: found).rows


def test_another_request_model_or_vector_has_none(loaded, found, kept):
    for other in (
        request("5"), request(prompts=("How can you?",)), request(sampling=Sampling(max_new_tokens=7)),
        request(samples=2), request(positions="generated"),
    ):  # fmt: skip
        assert kept.of(loaded, other, lambda name: found) is None
    assert kept.of(replace(loaded, fingerprint="0" * 16), request(), lambda name: found) is None
    turned = replace(found, vectors=-found.vectors)
    assert kept.of(loaded, request(), lambda name: turned) is None


def test_without_a_file_there_are_none(loaded, found, tmp_path):
    assert read(tmp_path / "none.json").of(loaded, request(), lambda name: found) is None
