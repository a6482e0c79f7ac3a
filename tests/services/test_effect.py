"""services/effect.py: the numbers under the mixer equal those of plain forward passes."""

from __future__ import annotations

import pytest
import torch

from playground.core.contrast import random_directions
from playground.core.push import Push
from playground.errors import Cancelled, InputError
from playground.library.origin import Origin, now
from playground.library.recipe import Recipe, parse
from playground.library.vector_set import VectorSet
from playground.model.prompting import PromptFormat, encode, forward_inputs, render
from playground.model.steering import steer
from playground.services.effect import EffectRequest, effect

PROMPT = "Does it help? Choose (A) or (B)."
MULTIPLIERS = (-1.0, 0.0, 0.5, 1.0)


@pytest.fixture
def sets(tiny):
    loaded = tiny("qwen3", "float64")
    vectors = torch.randn(3, 32, generator=torch.Generator().manual_seed(0))

    def made(name, source):
        origin = Origin(
            model=loaded.name,
            fingerprint=loaded.fingerprint,
            width=32,
            block_count=4,
            source=source,
            method="random",
            residual_norm=2.0,
            created=now(),
        )
        return VectorSet(vectors=vectors, origin=origin, name=name)

    return {"a": made("a", 1), "b": made("b", 2)}


def request(**changes) -> EffectRequest:
    values = dict(
        prompt=PROMPT, recipe=parse("a#0@6"), answers=("yes", "no"), multipliers=MULTIPLIERS, controls=2, seed=3
    )
    return EffectRequest(**{**values, **changes})


def logits(loaded, pushes, prompt=PROMPT, format=None, extra=()) -> torch.Tensor:
    """Of the next token, by a plain forward pass over one prompt."""
    encoded = encode(loaded, [prompt], format or PromptFormat())
    inputs = forward_inputs(loaded, encoded)
    if extra:
        inputs = {"input_ids": torch.cat([inputs["input_ids"], torch.tensor([extra])], dim=1)}
    with torch.no_grad(), steer(loaded.model, pushes):
        return loaded.model(**inputs).logits[0, -1].double()


def token(loaded, text: str) -> int:
    ids = loaded.tokenizer(text, add_special_tokens=False)["input_ids"]
    return ids[0]


def test_probabilities_kl_and_differences_are_those_of_plain_forward_passes(tiny, sets):
    loaded = tiny("qwen3", "float64")
    push = Push(1, 6 * sets["a"].unit(0))
    before, after = logits(loaded, []).log_softmax(0), logits(loaded, [push]).log_softmax(0)
    seen = effect(loaded, request(), sets.__getitem__)
    assert seen.kl == pytest.approx(float((after.exp() * (after - before)).sum()), rel=1e-4)
    yes, no = token(loaded, "yes"), token(loaded, "no")
    assert seen.baseline_difference == pytest.approx(float(before[yes] - before[no]), rel=1e-4)
    assert seen.difference == pytest.approx(float(after[yes] - after[no]), rel=1e-4)
    assert seen.norm == pytest.approx(6.0)
    for shift in seen.top:
        assert shift.before == pytest.approx(float(before[shift.token_id].exp()), rel=1e-4)
        assert shift.after == pytest.approx(float(after[shift.token_id].exp()), rel=1e-4)
    assert int(before.argmax()) in [shift.token_id for shift in seen.top]
    assert int(after.argmax()) in [shift.token_id for shift in seen.top]


def test_the_curve_is_the_difference_at_every_multiple_of_the_whole_mix(tiny, sets):
    loaded = tiny("qwen3", "float64")
    seen = effect(loaded, request(recipe=parse("a#0@6,b#1@-3")), sets.__getitem__)
    yes, no = token(loaded, "yes"), token(loaded, "no")
    for multiplier, difference in zip(seen.multipliers, seen.curve, strict=True):
        pushes = [Push(1, multiplier * 6 * sets["a"].unit(0)), Push(2, multiplier * -3 * sets["b"].unit(1))]
        plain = logits(loaded, pushes)
        assert difference == pytest.approx(float(plain[yes] - plain[no]), rel=1e-3, abs=1e-4)


def test_controls_are_seeded_random_pushes_of_equal_norm_at_the_same_layer(tiny, sets):
    loaded = tiny("qwen3", "float64")
    seen = effect(loaded, request(), sets.__getitem__)
    yes, no = token(loaded, "yes"), token(loaded, "no")
    assert [len(curve) for curve in seen.controls] == [4, 4]
    for direction, curve in zip(random_directions(2, 32, seed=3), seen.controls, strict=True):
        for multiplier, difference in zip(MULTIPLIERS, curve, strict=True):
            plain = logits(loaded, [Push(1, multiplier * 6 * direction)])
            assert difference == pytest.approx(float(plain[yes] - plain[no]), rel=1e-3, abs=1e-4)
        assert curve[1] == seen.baseline_difference


def test_the_effect_without_controls_is_emitted_before_they_are_drawn(tiny, sets):
    events = []
    seen = effect(tiny("qwen3", "float64"), request(), sets.__getitem__, events.append)
    assert [event.controls for event in events] == [()]
    assert events[0].curve == seen.curve
    events.clear()
    effect(tiny("qwen3", "float64"), request(controls=0), sets.__getitem__, events.append)
    assert events == []


def test_an_empty_mix_changes_nothing(tiny, sets):
    for recipe in (Recipe(), parse("a#0@0")):
        seen = effect(tiny("qwen3", "float64"), request(recipe=recipe), sets.__getitem__)
        assert seen.kl == 0.0
        assert seen.difference == seen.baseline_difference
        assert seen.curve == (seen.baseline_difference,) * 4
        assert all(shift.before == shift.after for shift in seen.top)


def test_without_answers_there_is_no_difference_and_no_curve(tiny, sets):
    seen = effect(tiny("qwen3", "float64"), request(answers=None), sets.__getitem__)
    assert (seen.baseline_difference, seen.difference, seen.curve, seen.controls) == (None, None, (), ())
    assert seen.kl > 0


def test_answers_are_compared_where_they_part_given_what_they_share(tiny, sets):
    """“(A” and “(B” share their first token in this vocabulary, as in many; comparing it would compare nothing."""
    loaded = tiny("qwen3", "float64")
    first, second = (loaded.tokenizer(t, add_special_tokens=False)["input_ids"] for t in ("It helps.", "It does not."))
    shared = next(i for i, (a, b) in enumerate(zip(first, second, strict=False)) if a != b)
    assert shared > 0
    seen = effect(loaded, request(answers=("It helps.", "It does not.")), sets.__getitem__)
    plain = logits(loaded, [Push(1, 6 * sets["a"].unit(0))], extra=first[:shared])
    assert seen.difference == pytest.approx(float(plain[first[shared]] - plain[second[shared]]), rel=1e-3)
    assert "both answers begin" in seen.note


@pytest.mark.parametrize("answers", [("yes", "yes"), ("yes", "yes, it does"), ("It does", "It does")])
def test_answers_that_cannot_be_told_apart_are_refused(tiny, sets, answers):
    with pytest.raises(InputError, match="differ"):
        effect(tiny("qwen3", "float64"), request(answers=answers), sets.__getitem__)


def test_after_a_word_a_raw_prompt_is_continued_with_a_space(tiny, sets):
    loaded = tiny("qwen3", "float64")
    raw = PromptFormat(chat=False)
    assert render(loaded, "The answer is", raw)[-1].isalnum()
    seen = effect(loaded, request(prompt="The answer is", format=raw, answers=("brown", "fox")), sets.__getitem__)
    brown, fox = (loaded.tokenizer(text, add_special_tokens=False)["input_ids"][0] for text in (" brown", " fox"))
    plain = logits(loaded, [], prompt="The answer is", format=raw)
    assert seen.baseline_difference == pytest.approx(float(plain[brown] - plain[fox]), rel=1e-3)


def test_steering_generated_tokens_only_leaves_the_first_one_alone_and_says_so(tiny, sets):
    seen = effect(tiny("qwen3", "float64"), request(positions="generated"), sets.__getitem__)
    assert seen.kl == pytest.approx(0.0, abs=1e-9)
    assert "does not reach the first" in seen.note


def test_a_cancel_between_the_two_parts_takes_effect(tiny, sets):
    events = []
    with pytest.raises(Cancelled):
        effect(tiny("qwen3", "float64"), request(), sets.__getitem__, events.append, lambda: bool(events))
    assert len(events) == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"positions": "none"},
        {"controls": -1},
        {"controls": 10**6},
        {"seed": -1},
        {"multipliers": ()},
        {"answers": ("yes", " ")},
    ],
)
def test_a_wrong_request_is_refused_when_it_is_built(changes):
    with pytest.raises(InputError):
        request(**changes)


def test_a_mix_that_is_not_finite_is_an_error_that_says_from_where(tiny, sets):
    with pytest.raises(InputError, match="not finite from block 1 on; use a smaller scale or dtype float32"):
        effect(tiny("qwen3", "float16"), request(recipe=parse("a#0@1e6")), sets.__getitem__)
