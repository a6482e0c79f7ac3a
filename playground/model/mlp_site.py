"""Comparison of a push at the output of a block's MLP with one at the block's output.

They are the same where nothing follows the MLP but the residual addition (Llama, Qwen, Mistral, GPT-2), and are not
where a norm does (Gemma 2 and 3, OLMo 2). The model is asked, not its name.
"""

from __future__ import annotations

import torch
from torch import nn

from playground.core.contrast import random_directions
from playground.core.push import Push
from playground.model.activations import residual_stream
from playground.model.blocks import decoder_blocks
from playground.model.load import LoadedModel
from playground.model.prompting import Encoded
from playground.model.steering import add_to_output, steer

_NAMES = ("mlp", "feed_forward", "ffn")
TOLERANCE = 0.05
"""Share of the push by which the two may differ: rounding of 16-bit types is a hundredth, a norm behind the MLP all."""


@torch.no_grad()
def mlp_is_block_output(loaded: LoadedModel, prompts: Encoded, layer: int, norm: float) -> bool:
    """Whether a random push of this norm gives the same residual stream at block `layer`, at the last token of the
    first prompt, when it is added at the output of the block's MLP; False for a block without an MLP of its own.
    """
    block = decoder_blocks(loaded.model)[layer]
    mlp = next((found for name in _NAMES if isinstance(found := getattr(block, name, None), nn.Module)), None)
    if mlp is None:
        return False
    batch, vector = prompts.take([0]), norm * random_directions(1, loaded.width, 0)[0]
    with add_to_output(mlp, vector):
        there = residual_stream(loaded, batch, layer)[0, -1].float()
    with steer(loaded.model, [Push(layer, vector)]):
        here = residual_stream(loaded, batch, layer)[0, -1].float()
    return float((there - here).norm()) <= TOLERANCE * norm
