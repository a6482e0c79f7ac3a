"""Where the blocks are, for every architecture."""

from __future__ import annotations

import pytest
import tiny_models
import torch
from torch import nn

from playground.errors import ModelError
from playground.model.blocks import block_output, decoder_blocks, replace_block_output, width


@pytest.mark.parametrize("architecture", tiny_models.NAMES)
def test_the_output_of_block_l_is_hidden_state_l_plus_1(tiny, architecture):
    model = tiny(architecture).model
    blocks = decoder_blocks(model)
    assert len(blocks) == tiny_models.BLOCKS
    assert width(model) == tiny_models.WIDTH
    outputs = []
    handles = [
        block.register_forward_hook(lambda m, a, output: outputs.append(block_output(output))) for block in blocks
    ]
    ids = torch.arange(5, 13)[None]
    with torch.no_grad():
        states = model(ids, attention_mask=torch.ones_like(ids), output_hidden_states=True).hidden_states
    for handle in handles:
        handle.remove()
    for layer in range(tiny_models.BLOCKS - 1):  # the last entry of hidden_states is taken after the final norm
        assert torch.equal(outputs[layer], states[layer + 1])


def test_a_tuple_keeps_what_follows_the_residual_stream():
    stream, other, cache = torch.zeros(1), torch.ones(1), object()
    assert block_output((stream, cache)) is stream
    assert replace_block_output((stream, cache), other) == (other, cache)
    assert replace_block_output(stream, other) is other


def test_a_model_without_blocks_is_refused():
    with pytest.raises(ModelError, match="Expected a model made of decoder blocks, got Linear"):
        decoder_blocks(nn.Linear(2, 2))
    with pytest.raises(ModelError, match="got NoneType"):
        block_output(None)
