"""analyses/next_token: KL and probabilities over scales are those of plain forward passes, prompt by prompt."""

from __future__ import annotations

import math

import pytest
import torch

from playground.analyses.next_token.run import ShiftsRequest, shifts
from playground.core.contrast import random_directions
from playground.core.push import Push
from playground.errors import Cancelled, InputError
from playground.library.origin import Origin, now
from playground.library.prompt_set import ContrastPair, PromptSet
from playground.library.prompts import from_text
from playground.library.recipe import parse
from playground.library.vector_set import VectorSet
from playground.model.prompting import PromptFormat, encode, forward_inputs
from playground.model.steering import steer

PROMPTS = ("Does it help?", "Go on: one, two")
SET = from_text("\n".join(PROMPTS))
MULTIPLIERS = (-1.0, 0.0, 0.5)


@pytest.fixture
def load(tiny):
    loaded = tiny("qwen3", "float64")
    origin = Origin(
        model=loaded.name, fingerprint=loaded.fingerprint, width=32, block_count=4, source=1, method="random",
        residual_norm=2.0, created=now(),
    )
    vectors = torch.randn(3, 32, generator=torch.Generator().manual_seed(0))
    return {"a": VectorSet(vectors=vectors, origin=origin, name="a")}.__getitem__


def request(**changes) -> ShiftsRequest:
    values = dict(prompts=SET, recipe=parse("a#0@6"), multipliers=MULTIPLIERS, controls=2, seed=3, tokens=4)
    return ShiftsRequest(**{**values, **changes})


def plain(loaded, prompt, pushes) -> torch.Tensor:
    """Log-probabilities of the next token by one forward pass over one prompt."""
    inputs = forward_inputs(loaded, encode(loaded, [prompt], PromptFormat()))
    with torch.no_grad(), steer(loaded.model, pushes):
        return loaded.model(**inputs).logits[0, -1].double().log_softmax(dim=0)


def divergence(after, before) -> float:
    return float((after.exp() * (after - before)).sum())


def test_kl_is_the_mean_over_prompts_of_that_of_plain_forward_passes(tiny, load):
    loaded = tiny("qwen3", "float64")
    seen = shifts(loaded, request(), load)
    directions = [load("a").unit(0), *random_directions(2, 32, seed=3)]
    for direction, curve in zip(directions, [seen.kl, *seen.controls], strict=True):
        for multiple, value in zip(MULTIPLIERS, curve, strict=True):
            each = [
                divergence(plain(loaded, prompt, [Push(1, 6 * multiple * direction)]), plain(loaded, prompt, []))
                for prompt in PROMPTS
            ]
            assert value == pytest.approx(sum(each) / 2, rel=1e-3, abs=1e-6)
            if curve is seen.kl:
                column = [row[MULTIPLIERS.index(multiple)] for row in seen.kl_prompts]
                assert column == pytest.approx(each, rel=1e-3, abs=1e-6)
    assert seen.kl[1] == pytest.approx(0, abs=1e-9)
    assert seen.norm == pytest.approx(6.0)


def test_tokens_are_the_likeliest_at_any_scale_with_their_mean_probabilities(tiny, load):
    loaded = tiny("qwen3", "float64")
    seen = shifts(loaded, request(), load)
    unit = load("a").unit(0)
    before = sum(plain(loaded, prompt, []).exp() for prompt in PROMPTS) / 2
    after = torch.stack(
        [
            sum(plain(loaded, prompt, [Push(1, 6 * multiple * unit)]).exp() for prompt in PROMPTS) / 2
            for multiple in MULTIPLIERS
        ]
    )
    highest = torch.maximum(before, after.amax(dim=0))
    assert [token.token_id for token in seen.tokens] == highest.topk(4).indices.tolist()
    for token in seen.tokens:
        assert token.before == pytest.approx(float(before[token.token_id]), rel=1e-3)
        assert token.probabilities == pytest.approx(after[:, token.token_id].tolist(), rel=1e-3)


def test_every_prompt_brings_what_there_is_so_far_and_a_cancel_keeps_it(tiny, load):
    loaded, events = tiny("qwen3", "float64"), []
    shifts(loaded, request(), load, events.append)
    assert [event.done for event in events] == [1, 2]
    assert [event.share for event in events] == [0.5, 1.0]
    stopped = shifts(loaded, request(), load, cancelled=iter([False, True]).__next__)
    assert (stopped.done, stopped.cancelled) == (1, True)
    assert stopped.kl_prompts == events[0].result.kl_prompts
    with pytest.raises(Cancelled):
        shifts(loaded, request(), load, cancelled=lambda: True)


def test_the_first_items_of_a_set_are_asked_with_all_their_texts():
    assert request(max_items=1).texts == PROMPTS[:1]
    pairs = PromptSet("p", "p", "", "contrast", (ContrastPair("a", "b"), ContrastPair("c", "d")))
    assert request(prompts=pairs, max_items=1).texts == ("a", "b")


def test_more_rows_than_a_pass_takes_give_the_same_numbers(tiny, load, monkeypatch):
    loaded = tiny("qwen3", "float64")
    whole = shifts(loaded, request(), load)
    monkeypatch.setattr("playground.analyses.next_token.run._ROWS", 2)
    parts = shifts(loaded, request(), load)
    assert parts.kl == pytest.approx(whole.kl, rel=1e-4, abs=1e-7)
    assert parts.tokens[0].probabilities == pytest.approx(whole.tokens[0].probabilities, rel=1e-4)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"prompts": from_text("\n".join(map(str, range(1001))))}, "number of prompts"),
        ({"max_items": 0}, "number of items"),
        ({"recipe": parse("a#0@6").__class__()}, "vector to follow"),
        ({"controls": 0}, "random controls"),
        ({"multipliers": ()}, "scales"),
        ({"multipliers": (float("nan"),)}, "finite"),
        ({"tokens": 0}, "tokens"),
        ({"positions": "some"}, "positions"),
        ({"positions": "generated"}, "positions in the prompt"),
    ],
)
def test_what_is_wrong_whatever_the_model_is_refused_when_built(changes, words):
    with pytest.raises(InputError, match=words):
        request(**changes)


def test_multiples_that_are_not_finite_have_no_numbers_and_the_others_keep_theirs(tiny, load):
    loaded = tiny("qwen3", "float64")
    seen = shifts(loaded, request(multipliers=(0.5, 1e30)), load)
    usual = shifts(loaded, request(multipliers=(0.5,)), load)
    assert seen.kl[0] == pytest.approx(usual.kl[0], abs=1e-9)
    for curve in (seen.kl, *seen.controls, *(token.probabilities for token in seen.tokens)):
        assert math.isnan(curve[1])
        assert math.isfinite(curve[0])
    assert [token.token_id for token in seen.tokens] == [token.token_id for token in usual.tokens]
    assert sum("not finite from block 1 on" in warning for warning in seen.warnings) == 1
