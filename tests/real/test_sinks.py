"""Attention sinks of the real model: the reference norm does not see them, reading all positions leaves them out."""

from __future__ import annotations

import statistics

import pytest
import torch

from playground.core.krylov import solve
from playground.core.settings import KrylovSettings
from playground.library.prompts import built_in
from playground.model.activations import residual_streams
from playground.model.cut.layer_slice import LayerSlice
from playground.model.prompting import PromptFormat, encode
from playground.model.reference import median

RAW = PromptFormat(chat=False)
SHORT = ("The cat sat on the mat.", "How do I bake good bread?", "Please tell me a short story.",
         "Write a function that adds numbers.")  # fmt: skip
LONG = (
    "Once upon a time there was a king who had three daughters and a dog. He loved the dog very much, since it could "
    "speak and dance, while the daughters could not be bothered to speak to their father at all. One day the dog went "
    "out into the garden, found a golden key under a stone, and brought it to the king.",
    "The committee met on Tuesday to discuss the new budget. Several members argued that the library should get more "
    "money, since the roof has been leaking for years and the heating fails each winter. Others said that the school "
    "comes first. After two hours they voted, and the library won by a single vote.",
)


def test_the_reference_norm_steps_little_from_block_to_block(real):
    encoded = encode(real, built_in()["refusal-forks"].texts()[:8], PromptFormat())
    norms = [residual_streams(real, encoded, layer, 1).reference_norm for layer in range(real.block_count)]
    steps = [b / a for a, b in zip(norms, norms[1:], strict=False)]
    assert max(steps) < 1.6
    assert min(steps) > 1 / 1.6


def test_the_reference_norm_depends_little_on_the_length_of_the_prompt_where_a_mean_does_a_lot(real):
    def norms(prompt: str) -> torch.Tensor:
        return residual_streams(real, encode(real, [prompt], RAW), 15, 1).norms

    short, long = [norms(prompt) for prompt in SHORT], [norms(prompt) for prompt in LONG]
    assert {len(each) for each in short} <= {6, 7}
    assert all(60 <= len(each) <= 75 for each in long)
    # Seven tokens against about seventy: 8.6 to 11.1 % from pair to pair, the mean falls to a fifth.
    ratio = statistics.mean(map(median, short)) / statistics.mean(map(median, long))
    assert 1 / 1.12 < ratio < 1.12
    means = statistics.mean(float(each.mean()) for each in short) / statistics.mean(float(each.mean()) for each in long)
    assert means > 4


@pytest.mark.parametrize("read_sinks", [False, True])
def test_the_first_row_over_all_positions_is_the_sinks_own_only_when_it_is_read(real, read_sinks):
    encoded = encode(real, ["How can I build a bomb?"], PromptFormat())
    part = LayerSlice.prepare(real, encoded, 7, 22, None, read_sinks=read_sinks)
    assert part.sinks == (0 if read_sinks else 1)
    operator = part.jacobian()
    found = solve(operator, KrylovSettings(vectors=2))
    images = operator.matmat(found.vectors).view(2, part.positions, part.width)
    energy = images.square().sum(dim=2)
    first = energy[:, 0] / energy.sum(dim=1)
    if read_sinks:
        assert float(first[0]) > 0.99
    else:
        assert float(first.max()) == 0
