"""model/activations.py: batches give what one prompt at a time gives, padding counts nowhere."""

from __future__ import annotations

import pytest
import torch

from playground.errors import Cancelled, InputError
from playground.model import activations
from playground.model.activations import residual_streams
from playground.model.prompting import PromptFormat, encode, forward_inputs
from playground.model.steering import read_residuals

PROMPTS = ("Does it help?", "How do I bake a loaf of bread? First, take a clean bowl.", "Yes", "3 + 4 = 7")
RAW = PromptFormat(chat=False)


def one_by_one(loaded, layer: int, last: int | None):
    """Means and the median norm from the definition: the whole model, one prompt at a time, no padding."""
    rows, norms = [], []
    for prompt in PROMPTS:
        with torch.no_grad(), read_residuals(loaded.model, [layer]) as seen:
            loaded.model(**forward_inputs(loaded, encode(loaded, [prompt], RAW)), use_cache=False)
        stream = seen[layer][0].float()
        rows.append(stream[-last:].mean(dim=0) if last else stream.mean(dim=0))
        norms.append(stream.norm(dim=1))
    return torch.stack(rows), float(torch.cat(norms).double().quantile(0.5))


@pytest.mark.parametrize("architecture", ["qwen3", "gpt2", "gemma3", "bloom"])
@pytest.mark.parametrize(("layer", "last"), [(0, 1), (2, None), (3, 2)])
def test_a_batch_reads_what_one_prompt_at_a_time_reads(tiny, architecture, layer, last):
    loaded = tiny(architecture)
    if last is not None:
        last = min(last, *encode(loaded, PROMPTS, RAW).lengths)
    means, norm = one_by_one(loaded, layer, last)
    read = residual_streams(loaded, encode(loaded, PROMPTS, RAW), layer, last)
    # float32 sums in another order
    torch.testing.assert_close(read.means, means, rtol=1e-4, atol=1e-4 * float(means.abs().max()))
    assert read.reference_norm == pytest.approx(norm, rel=1e-5)


def test_many_batches_give_what_one_gives_in_the_order_of_the_prompts(tiny, monkeypatch):
    loaded = tiny("qwen3")
    encoded = encode(loaded, PROMPTS, RAW)
    together = residual_streams(loaded, encoded, 1, None)
    monkeypatch.setitem(activations._TOKENS, "cpu", 1)
    apart = residual_streams(loaded, encoded, 1, None)
    torch.testing.assert_close(apart.means, together.means, rtol=1e-4, atol=1e-4)
    assert apart.reference_norm == pytest.approx(together.reference_norm, rel=1e-5)


def test_blocks_behind_the_layer_do_not_run(tiny, monkeypatch):
    loaded = tiny("qwen3")
    ran = []
    later = loaded.model.model.layers[2]
    monkeypatch.setattr(later, "forward", lambda *args, **kwargs: ran.append(1))
    residual_streams(loaded, encode(loaded, PROMPTS, RAW), 1, 1)
    assert not ran


def test_more_tokens_than_a_prompt_has_are_refused(tiny):
    loaded = tiny("qwen3")
    encoded = encode(loaded, PROMPTS, RAW)
    for last in (0, min(encoded.lengths) + 1):
        with pytest.raises(InputError, match="last tokens"):
            residual_streams(loaded, encoded, 1, last)


def test_a_cancel_stops_before_the_next_pass(tiny):
    loaded = tiny("qwen3")
    with pytest.raises(Cancelled):
        residual_streams(loaded, encode(loaded, PROMPTS, RAW), 1, 1, cancelled=lambda: True)
