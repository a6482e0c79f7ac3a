"""analyses/choices/side_effects.py: KL, repetition and perplexity at the best scale equal those worked out plainly."""

from __future__ import annotations

from dataclasses import replace
from math import prod

import pytest
import torch

from playground.analyses.choices.request import MeasureRequest
from playground.analyses.choices.run import measure
from playground.analyses.choices.side_effects import TOKENS, effects_of, judge, side_effects
from playground.analyses.choices.standings import standings
from playground.analyses.common.request import MeasuredVector
from playground.core.contrast import random_directions
from playground.core.push import Push
from playground.errors import Cancelled, InputError
from playground.library.origin import Origin, now
from playground.library.prompt_set import ChoiceItem, PromptSet
from playground.library.vector_set import VectorSet
from playground.model.generation.generate import Sampling, generate
from playground.model.prompting import PromptFormat, encode, forward_inputs
from playground.model.steering import steer

ITEMS = tuple(ChoiceItem(f"Question {n}? (A) yes (B) no", "(A)", "(B)") for n in range(4))
CHOICES = PromptSet("c", "c", "", "choices", ITEMS)
NEUTRAL = PromptSet("n", "n", "", "prompts", ("What is tea?", "Name a river.", "Where is Rome?", "Why is it so?"))


@pytest.fixture
def measured(tiny):
    loaded = tiny("qwen3")
    origin = Origin(
        model=loaded.name, fingerprint=loaded.fingerprint, width=32, block_count=4, source=1, method="random",
        residual_norm=2.0, created=now(),
    )
    vectors = torch.randn(2, 32, generator=torch.Generator().manual_seed(0))
    load = {"a": VectorSet(vectors=vectors, origin=origin, name="a")}.__getitem__
    request = MeasureRequest(choices=CHOICES, vectors=(MeasuredVector("a", row=1),), scales=(-3, 3), controls=1, seed=2)
    return loaded, measure(loaded, request, load), load


def logits(loaded, prompt, pushes):
    inputs = forward_inputs(loaded, encode(loaded, [prompt], PromptFormat()))
    with torch.no_grad(), steer(loaded.model, pushes):
        return loaded.model(**inputs).logits[0].double()


def test_every_direction_is_judged_at_its_best_scale(measured):
    loaded, result, load = measured
    found = standings(result)
    seen = side_effects(loaded, result, found, NEUTRAL, load)
    units = {"a#1": load("a").unit(1), "random-0": random_directions(1, 32, seed=2)[0]}
    assert [standing.name for standing in found] == list(units)
    for standing, effect in zip(found, seen, strict=True):
        pushes = (Push(1, standing.best_scale * units[standing.name]),)
        nats = []
        for prompt in NEUTRAL.items:
            after = logits(loaded, prompt, pushes)[-1].log_softmax(0)
            before = logits(loaded, prompt, [])[-1].log_softmax(0)
            nats.append(float((after.exp() * (after - before)).sum()))
        assert effect.kl == pytest.approx(sum(nats) / len(nats), rel=1e-3, abs=1e-5)
        repeated, perplexities = [], []
        for prompt in NEUTRAL.items[:3]:
            encoded = encode(loaded, [prompt], PromptFormat())
            written = generate(loaded, encoded, [pushes], sampling=Sampling(max_new_tokens=TOKENS)).token_ids[0]
            grams = [written[i : i + 4] for i in range(len(written) - 3)]
            repeated.append(1 - len(set(grams)) / len(grams) if grams else 0.0)
            if written:
                whole = torch.cat([encoded.input_ids, torch.tensor([written])], dim=1)
                with torch.no_grad():
                    told = loaded.model(input_ids=whole).logits[0].double().log_softmax(1)
                places = range(encoded.lengths[0], whole.shape[1])
                perplexities.append(float(torch.stack([-told[i - 1, whole[0, i]] for i in places]).mean().exp()))
        assert effect.repetition == pytest.approx(sum(repeated) / 3)
        assert effect.perplexity == pytest.approx(prod(perplexities) ** (1 / len(perplexities)), rel=1e-3)


def test_side_effects_belong_to_the_rows_of_best_scale_and_are_found_by_their_standings(measured, monkeypatch):
    loaded, result, load = measured
    monkeypatch.setattr("playground.analyses.choices.side_effects.neutral_set", lambda model: NEUTRAL)
    found = standings(result)
    assert effects_of(result, found) == (None, None)
    judged = judge(loaded, result, load)
    assert judged.side_effects.neutral == NEUTRAL
    for place, standing in zip(judged.side_effects.of_rows, found, strict=True):
        row = result.rows[place]
        assert (row.kind, row.name, row.scale, row.mean) == (
            standing.kind, standing.name, standing.best_scale, standing.best
        )
    assert effects_of(judged, found) == side_effects(loaded, result, found, NEUTRAL, load)


def test_a_result_of_another_model_is_refused(measured):
    loaded, result, load = measured
    with pytest.raises(InputError, match="^Expected the model that was measured"):
        judge(loaded, replace(result, fingerprint="other"), load)


def test_a_cancel_ends_it(measured):
    loaded, result, load = measured
    with pytest.raises(Cancelled):
        side_effects(loaded, result, standings(result), NEUTRAL, load, cancelled=lambda: True)
