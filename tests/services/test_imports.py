"""services/imports.py: vectors of other tools become sets that add the same, at the right block of the right model."""

from __future__ import annotations

import pytest
import torch

from playground.core.push import Push
from playground.errors import Cancelled, FileError, InputError
from playground.library.directions import BLOCKS, HIDDEN_STATES, MLP_OUTPUT, Directions
from playground.library.origin import HOOK_SITE
from playground.library.recipe import parse, resolve
from playground.library.vector_set import from_bytes, to_bytes
from playground.model.activations import residual_streams
from playground.model.blocks import decoder_blocks
from playground.model.mlp_site import mlp_is_block_output
from playground.model.prompting import PromptFormat, encode, forward_inputs
from playground.model.steering import add_to_output, steer
from playground.services.imports import ImportRequest, import_directions, usual_prompts

PROMPTS = ("How do I bake a loaf of bread?", "Does it help?")
PLAIN = PromptFormat(chat=False)


def imported(loaded, directions, **answers):
    request = ImportRequest(directions=directions, name="happy.pt", prompts=PROMPTS, format=PLAIN, **answers)
    return import_directions(loaded, request)


def rows(loaded, count=2):
    return torch.randn(count, loaded.width, generator=torch.Generator().manual_seed(0))


def test_a_layer_becomes_a_set_with_the_models_own_reference_norm(tiny):
    loaded = tiny("llama")
    vectors = rows(loaded)
    found = imported(loaded, Directions({1: vectors, 2: vectors[:1]}, BLOCKS, labels={1: ("glad", "")}, model="else"))
    assert [(each.name, each.origin.source, each.rows) for each in found.sets] == [("happy-1", 1, 2), ("happy-2", 2, 1)]
    first = found.sets[0]
    assert torch.equal(first.vectors, vectors)
    assert first.notes[0].label == "glad"
    origin = first.origin
    assert (origin.model, origin.fingerprint, origin.method) == (loaded.name, loaded.fingerprint, "imported")
    encoded = encode(loaded, PROMPTS, PLAIN)
    assert origin.residual_norm == residual_streams(loaded, encoded, 1, 1).reference_norm
    assert (origin.prompts, origin.chat) == (PROMPTS, False)
    assert origin.parameters["file_says"] == {"model": "else"}
    assert "The file calls its model 'else'" in found.said[0]
    assert from_bytes(to_bytes(first)).origin == origin


def test_vectors_of_hidden_states_push_what_transformers_gives_there(tiny):
    """What is added to block 1 changes hidden_states[2], and nothing before it."""
    loaded = tiny("llama")
    found = imported(loaded, Directions({None: rows(loaded, 1)}), layer=2, counted=HIDDEN_STATES)
    inputs = forward_inputs(loaded, encode(loaded, PROMPTS[:1], PLAIN))
    with torch.no_grad():
        plain = loaded.model(**inputs, output_hidden_states=True).hidden_states
        with steer(loaded.model, resolve(parse("a#0@1n"), lambda _: found.sets[0])):
            steered = loaded.model(**inputs, output_hidden_states=True).hidden_states
    pushed = found.sets[0].vectors[0].expand_as(plain[2])
    torch.testing.assert_close(steered[2] - plain[2], pushed, rtol=1e-4, atol=1e-4)
    assert torch.equal(steered[1], plain[1])


@pytest.mark.parametrize(("family", "same"), [("llama", True), ("qwen3", True), ("gemma2", False), ("olmo2", False)])
def test_the_mlps_output_is_the_blocks_where_only_the_residual_addition_follows(tiny, family, same):
    loaded = tiny(family)
    encoded = encode(loaded, PROMPTS, PLAIN)
    norm = residual_streams(loaded, encoded, 1, 1).reference_norm
    assert mlp_is_block_output(loaded, encoded, 1, norm) is same
    directions = Directions({1: norm * rows(loaded, 1)}, BLOCKS, MLP_OUTPUT)
    if not same:
        with pytest.raises(InputError, match="in .* is another place"):
            imported(loaded, directions)
        assert imported(loaded, directions, site=HOOK_SITE).sets[0].origin.parameters["found_at"] == HOOK_SITE
        return
    (made,) = imported(loaded, directions).sets
    assert made.origin.parameters["found_at"] == MLP_OUTPUT
    inputs = forward_inputs(loaded, encoded)
    with torch.no_grad():
        with add_to_output(decoder_blocks(loaded.model)[1].mlp, made.vectors[0]):
            there = loaded.model(**inputs).logits
        with steer(loaded.model, [Push(1, made.vectors[0])]):
            here = loaded.model(**inputs).logits
    torch.testing.assert_close(here, there, rtol=1e-4, atol=1e-4)


def test_the_hook_at_the_mlp_is_gone_when_the_pass_raises(tiny):
    loaded = tiny("llama")
    mlp = decoder_blocks(loaded.model)[1].mlp
    with pytest.raises(RuntimeError), add_to_output(mlp, torch.ones(loaded.width + 1)):
        loaded.model(**forward_inputs(loaded, encode(loaded, PROMPTS[:1], PLAIN)))
    assert not mlp._forward_hooks


def test_columns_are_turned_and_another_width_is_refused(tiny):
    loaded = tiny("llama")
    vectors = rows(loaded, 3)
    (made,) = imported(loaded, Directions({1: vectors.T.contiguous()}, BLOCKS)).sets
    assert torch.equal(made.vectors, vectors)
    with pytest.raises(FileError, match=f"Expected vectors of width {loaded.width}"):
        imported(loaded, Directions({1: torch.ones(2, loaded.width + 1)}, BLOCKS))
    with pytest.raises(FileError, match="of a model of"):
        imported(loaded, Directions({99: vectors}, BLOCKS))


def test_positions_of_a_file_are_kept_and_said(tiny):
    loaded = tiny("llama")
    found = imported(loaded, Directions({1: rows(loaded)}, BLOCKS, positions="generated"))
    assert found.sets[0].origin.positions == "generated"
    assert "at generated tokens only" in found.said[0]


def test_it_can_be_stopped_and_needs_prompts(tiny):
    loaded = tiny("llama")
    directions = Directions({1: rows(loaded)}, BLOCKS)
    request = ImportRequest(directions=directions, name="a.pt", prompts=PROMPTS, format=PLAIN)
    with pytest.raises(Cancelled):
        import_directions(loaded, request, cancelled=lambda: True)
    with pytest.raises(InputError, match="Expected prompts"):
        ImportRequest(directions=request.directions, name="a.pt", prompts=())
    with pytest.raises(InputError, match="Expected vectors at the block output or MLP output"):
        ImportRequest(directions=request.directions, name="a.pt", prompts=PROMPTS, site="attention")
    for organism in (True, False):
        assert len(usual_prompts(organism).items) == 8
