"""model/shared_prompt.py: rows that share a prompt give what each gives alone, and a fallback is logged once."""

from __future__ import annotations

import logging

import pytest
import tiny_models
import torch

from playground.core.push import Push
from playground.model.prompting import Encoded, PromptFormat, encode, forward_inputs
from playground.model.shared_prompt import run_shared
from playground.model.steering import steer
from playground.once import log_once


@pytest.mark.parametrize(("architecture", "told"), [("qwen3", 0), ("gpt2", 0), ("bloom", 1)])
def test_rows_give_what_each_gives_alone_and_a_family_that_refuses_is_told_once(tiny, architecture, told, caplog):
    loaded = tiny(architecture)
    log_once.cache_clear()
    encoded = encode(loaded, ["The quick brown fox"], PromptFormat(chat=False))
    vectors = torch.randn(3, tiny_models.WIDTH, generator=torch.Generator().manual_seed(0))

    def run(read: Encoded) -> torch.Tensor:
        with torch.no_grad():
            return loaded.model(**forward_inputs(loaded, read), use_cache=False).logits[:, -1]

    with caplog.at_level(logging.INFO, logger="playground.model.shared_prompt"):
        for _ in range(2):
            found = run_shared(loaded, encoded, 3, [Push(1, vectors)], run)
    assert len(caplog.records) == told
    for row, vector in zip(found, vectors, strict=True):
        with steer(loaded.model, [Push(1, vector)]):
            torch.testing.assert_close(row, run(encoded)[0], rtol=1e-4, atol=1e-5)
