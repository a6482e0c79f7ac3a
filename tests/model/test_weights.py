"""Weights in the forms they are stored in: exact, or refused with what to load instead."""

from __future__ import annotations

import importlib.util

import pytest
import torch
import weights
from torch import nn

from playground.core.push import Push
from playground.errors import ModelError
from playground.model.cut.derivatives import check_derivatives, is_quantised
from playground.model.cut.kernels import twice_differentiable
from playground.model.fingerprint import fingerprint
from playground.model.load import load
from playground.model.steering import read_residuals, steer
from playground.services.find import find, find_request

REFUSED = {"an adapter beside weights"}


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    return weights.plain_model(tmp_path_factory.mktemp("plain"))


@pytest.mark.parametrize("form", weights.PLAIN)
def test_every_form_of_ours_is_exact_or_refused(form, plain, tmp_path):
    row = weights.measured(form, plain, tmp_path / "form")
    assert row.verdict == ("refused" if form in REFUSED else "exact"), row


@pytest.mark.parametrize("form", weights.PACKAGED)
def test_a_form_of_a_package_is_exact_or_says_what_to_load_or_install(form, plain, tmp_path):
    """Where the package is installed this is the table's row; where not, a folder that asks for it is refused."""
    row = weights.measured(form, plain, tmp_path / "form")
    assert row.verdict != "off", row
    if row.verdict == "text only":
        assert "load the checkpoint that it was made from, in bfloat16 or float32" in row.unsearched


@pytest.mark.parametrize("method", ["gptq", "awq", "bitsandbytes"])
def test_a_folder_that_needs_a_package_names_it(method, plain, tmp_path):
    if importlib.util.find_spec({"gptq": "optimum", "awq": "gptqmodel"}.get(method, method)):
        pytest.skip("the package is installed here: the row of the table is tested instead")
    folder = weights.configured(method)(plain, tmp_path / "form")
    with pytest.raises(ModelError) as refused:
        load(str(folder), device="cpu")
    assert "needs a package that is not installed" in str(refused.value)
    assert "install" in str(refused.value).partition("not installed")[2]


def test_the_document_has_a_row_for_every_form():
    table = weights.TABLE.read_text(encoding="utf-8")
    rows = [line.split(" | ")[0].removeprefix("| ") for line in table.splitlines() if line.startswith("| ")]
    assert rows[1:] == list(weights.FORMS)


class Eighths(nn.Module):
    """A linear map with int8 weights, as packages keep them. `rounds`: what its input is rounded to, without a
    derivative that says so.
    """

    def __init__(self, linear: nn.Linear, rounds: bool = False) -> None:
        super().__init__()
        self.scale = nn.Parameter(linear.weight.abs().amax() / 127, requires_grad=False)
        self.weight = nn.Parameter((linear.weight / self.scale).round().to(torch.int8), requires_grad=False)
        self.rounds = rounds

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        if self.rounds:
            unit = states.abs().amax() / 127
            states = (states / unit).round() * unit
        return states @ (self.weight.to(states) * self.scale.to(states)).T


def eight_bits(plain, rounds: bool):
    """The tiny model with the maps of its MLPs, or all of them, in int8."""
    loaded = load(str(plain), device="cpu", dtype="float32")
    for name, module in list(loaded.model.named_modules()):
        if isinstance(module, nn.Linear) and "layers" in name:
            parent, _, own = name.rpartition(".")
            setattr(loaded.model.get_submodule(parent), own, Eighths(module, rounds))
    return loaded


def test_plain_weights_are_not_asked(plain):
    loaded = load(str(plain), device="cpu", dtype="bfloat16")
    assert not is_quantised(loaded.model)
    check_derivatives(loaded.model)


def test_right_derivatives_through_quantised_weights_are_used(plain):
    loaded = eight_bits(plain, rounds=False)
    assert is_quantised(loaded.model)
    found = find(loaded, find_request(method="power", prompts=weights.PROMPTS, source=1, target=3, vectors=2))
    assert found.vector_set.rows == 2
    assert len(fingerprint(loaded.model)) == 16
    assert fingerprint(loaded.model) != loaded.fingerprint


@pytest.mark.parametrize("method", ["power", "melbo"])
def test_wrong_derivatives_are_refused_and_text_can_still_be_steered(plain, method):
    loaded = eight_bits(plain, rounds=True)
    request = find_request(method=method, prompts=weights.PROMPTS, source=1, target=3, vectors=2)
    for _ in range(2):  # asked once, refused always
        with pytest.raises(ModelError, match="off from finite differences .* load the checkpoint that it was made"):
            find(loaded, request)
    ids = torch.tensor([[5, 9, 12]])
    with torch.no_grad(), read_residuals(loaded.model, [1]) as read:
        loaded.model(input_ids=ids)
        before = read[1].clone()
        with steer(loaded.model, [Push(1, torch.ones(loaded.width))]):
            loaded.model(input_ids=ids)
    torch.testing.assert_close(read[1], before + 1)


def test_derivatives_that_cannot_be_taken_are_refused_in_one_sentence(plain):
    loaded = eight_bits(plain, rounds=False)
    for module in loaded.model.modules():
        if isinstance(module, Eighths):
            module.forward = lambda states, own=module.forward: own(states.detach())
    with (
        pytest.raises(ModelError, match="derivatives are right, but through this one's quantised weights") as refused,
        twice_differentiable(loaded.model),
    ):
        pass
    assert "\n" not in str(refused.value)
