"""services/atlas/effects.py: KL of every vector of an atlas, against a plain loop; random directions beside."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from playground.core.push import Push
from playground.errors import Cancelled, InputError
from playground.library import atlas as files
from playground.library.prompt_set import ChoiceItem, PromptSet
from playground.model.prompting import PromptFormat, encode, forward_inputs
from playground.model.reading.answers import question
from playground.model.steering import steer
from playground.services.atlas import atlas, atlas_request
from playground.services.atlas.colours import COLOURS, colours_of, largest, winners
from playground.services.atlas.effects import EffectsRequest, SwingRequest, measure_effects

PROMPTS = ("How do I bake a loaf of bread?", "Does it help?")
RAW = PromptFormat(chat=False)


@pytest.fixture(scope="module")
def loaded(tiny):
    return tiny("qwen3", "float64")


@pytest.fixture(scope="module")
def made(loaded):
    return atlas(loaded, atlas_request(loaded, prompts=PROMPTS, format=RAW, vectors=2, target_tokens=2)).atlas


@pytest.fixture(scope="module")
def measured(loaded, made):
    return measure_effects(loaded, made, EffectsRequest(0.5))


def kl(loaded, prompt: str, pushes: list[Push]) -> float:
    """The oracle: one prompt, one push, the whole model."""
    inputs = forward_inputs(loaded, encode(loaded, [prompt], RAW))
    with torch.no_grad():
        still = loaded.model(**inputs).logits[0, -1].double().log_softmax(dim=0)
        with steer(loaded.model, pushes):
            moved = loaded.model(**inputs).logits[0, -1].double().log_softmax(dim=0)
    return float((moved.exp() * (moved - still)).sum())


def test_every_vector_and_sign_has_the_divergence_of_a_plain_loop(loaded, measured):
    effect = measured.effects["KL at 0.5 r"]
    for (source, target), place in measured.places.items():
        for row, sign in ((0, 1), (1, -1)):
            norm = 0.5 * float(measured.residual_norms[source])
            push = [Push(source, sign * norm * measured.vectors[place, row])]
            expected = sum(kl(loaded, prompt, push) for prompt in PROMPTS) / 2
            found = float(effect[place, row, 0 if sign > 0 else 1])
            assert found == pytest.approx(expected, rel=1e-3), (source, target)


def test_random_directions_stand_beside_them_the_same_for_all_targets_of_a_source(measured):
    control = measured.effects["KL at 0.5 r, random"]
    assert bool(control.isfinite().all())
    of_source = control[[place for (source, _), place in measured.places.items() if source == 0]]
    assert bool((of_source == of_source[0]).all())


def test_colours_are_the_largest_and_its_ratio_to_chance_and_come_first(measured):
    colours = colours_of(measured)
    assert list(colours) == ["KL at 0.5 r", "KL at 0.5 r over random", *COLOURS]
    values, ratio = (colours[name].of(measured) for name in list(colours)[:2])
    place = measured.places[0, 3]
    assert values[0, 3] == pytest.approx(float(measured.effects["KL at 0.5 r"][place].max()))
    chance = float(measured.effects["KL at 0.5 r, random"][place].max())
    assert ratio[0, 3] == pytest.approx(values[0, 3] / chance)
    assert list(colours_of(None)) == list(COLOURS)


def test_a_cancel_keeps_the_sources_that_are_done_and_the_rest_is_not_known(loaded, made):
    events = []
    part = measure_effects(loaded, made, EffectsRequest(0.5, tokens=0), events.append, lambda: len(events) == 2)
    values = part.effects["KL at 0.5 r"]
    known = [not bool(values[place].isnan().any()) for place in part.places.values()]
    assert known == [source < 2 for source, _ in part.places]
    assert bool(largest(values).isnan().any())
    assert set(colours_of(part)["KL at 0.5 r"].of(part)) == {pair for pair in part.places if pair[0] < 2}
    with pytest.raises(Cancelled):
        measure_effects(loaded, made, EffectsRequest(0.5), cancelled=lambda: True)


def test_effects_are_kept_in_the_file(measured):
    again = files.from_bytes(files.to_bytes(measured))
    for name, values in measured.effects.items():
        torch.testing.assert_close(again.effects[name], values, rtol=0, atol=0, equal_nan=True)


@pytest.mark.parametrize("values", [{"scale": 0.0}, {"scale": 5.0}, {"scale": float("nan")}, {"prompts": 0}])
def test_what_is_out_of_range_is_refused(values):
    with pytest.raises(InputError, match="Expected"):
        EffectsRequest(**values)


def test_an_atlas_of_another_model_is_refused(tiny, loaded, made):
    other = replace(made.origin, block_count=9)
    norms = torch.ones(9)
    with pytest.raises(InputError, match="load that model"):
        measure_effects(loaded, replace(made, origin=other, residual_norms=norms), EffectsRequest())


def test_the_colour_leaves_broken_texts_out_and_an_unbroken_one_is_in_front(measured):
    name = "KL at 0.5 r"
    effect, plain = measured.effects[name].clone(), measured.effects[f"{name}, broken"]
    assert plain.shape == effect.shape
    front = winners(effect, plain)
    for place, best in enumerate(front.tolist()):  # as a plain loop over sorted values finds it
        order = effect[place].flatten().argsort(descending=True).tolist()
        judged = plain[place].flatten()
        expected = next((number for number in order if judged[number] != 1), -1)
        assert best == expected
        assert best < 0 or judged[best] == 0  # it was looked at
        assert all(judged[number] == 1 for number in order[: order.index(best) if best >= 0 else len(order)])
    broken = torch.zeros_like(plain)
    broken[0, 0, 0] = broken[1] = 1
    values = largest(effect, broken)
    assert float(values[0]) == float(effect[0].flatten()[1:].max())
    assert bool(values[1].isnan())
    pairs = list(measured.places)
    left_out = replace(measured, effects={**measured.effects, f"{name}, broken": broken})
    assert pairs[1] not in colours_of(left_out)[name].of(left_out)


def test_without_tokens_no_text_is_written(loaded, made):
    assert list(measure_effects(loaded, made, EffectsRequest(0.5, tokens=0)).effects) == [
        "KL at 0.5 r", "KL at 0.5 r, random"
    ]  # fmt: skip


ITEMS = tuple(
    ChoiceItem(f"{prompt}\n(A) yes\n(B) no\n", f"({letter})", f"({'B' if letter == 'A' else 'A'})")
    for prompt, letter in zip((*PROMPTS, "Is it far?"), "AAB", strict=True)
)
CHOICES = PromptSet(name="asked", title="", description="", kind="choices", items=ITEMS, chat=False)


def log_odds(loaded, item: ChoiceItem, pushes: list[Push]) -> float:
    """The oracle: the whole model reads the question and each answer."""
    asked = question(loaded, item.question, RAW, (item.matching, item.other))
    found = []
    for answer in (asked.first, asked.second):
        tokens = torch.tensor([[*asked.prompt, *asked.shared, *answer]])
        with torch.no_grad(), steer(loaded.model, pushes):
            logs = loaded.model(input_ids=tokens, use_cache=False).logits[0].double().log_softmax(dim=-1)
        start = tokens.shape[1] - len(answer)
        found.append(sum(float(logs[start - 1 + place, token]) for place, token in enumerate(answer)))
    return found[0] - found[1]


def test_swings_are_those_of_a_plain_loop_with_letters_weighed_alike(loaded, made):
    measured = measure_effects(loaded, made, SwingRequest(CHOICES, 0.5))
    effect = measured.effects["swing at 0.5 r"]
    weights = (0.25, 0.25, 0.5)
    for source, target in ((0, 1), (1, 3)):
        place = measured.places[source, target]
        for row in range(2):
            push = 0.5 * float(measured.residual_norms[source]) * measured.vectors[place, row]
            for number, sign in enumerate((1, -1)):
                expected = sum(
                    weight * (log_odds(loaded, item, [Push(source, sign * push)]) - log_odds(loaded, item, []))
                    for weight, item in zip(weights, ITEMS, strict=True)
                )
                assert float(effect[place, row, number]) == pytest.approx(expected, rel=1e-3, abs=1e-4)
    values = colours_of(measured)["swing at 0.5 r"].of(measured)
    apart = (effect[:, :, 0] - effect[:, :, 1]).abs().amax(dim=1)
    assert list(values.values()) == pytest.approx(apart.tolist())
    assert "swing at 0.5 r over random" in colours_of(measured)


def test_a_cancel_of_swings_keeps_the_sources_that_are_done(loaded, made):
    events = []
    part = measure_effects(loaded, made, SwingRequest(CHOICES), events.append, lambda: len(events) == 1)
    values = part.effects["swing at 0.1 r"]
    known = {pair for pair, place in part.places.items() if not bool(values[place].isnan().any())}
    assert known == {pair for pair in part.places if pair[0] == 0}
    with pytest.raises(Cancelled):
        measure_effects(loaded, made, SwingRequest(CHOICES), cancelled=lambda: True)


def test_prompts_without_answers_have_no_swing():
    with pytest.raises(InputError, match="choice items"):
        SwingRequest(replace(CHOICES, kind="prompts", items=PROMPTS))
